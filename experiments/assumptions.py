"""What the dot product's mean and variance become when an assumption of Var(q·k) = d_k is kept or broken."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from experiments.claims import STANDARD_ERRORS_PER_MARGIN, Claim
from experiments.experiment import (
    ESTIMATE_COLUMNS,
    BlockSize,
    Column,
    Experiment,
    Grid,
    Margin,
    Values,
    estimate_row,
)
from scaling.pair_moments import measure_pairs, plan_pairs
from scaling.pairs import PAIR_LAWS, AlignedPair, PairLaw
from scaling.sampling import Tiles

GROUP = "assumptions"
SOURCE = "Exact, from means and covariances of the components"
ALIGNED_SOURCE = r"Exact for normal entries: mean $d_k \rho$, variance $d_k (1 + \rho^2)$"
SLIGHT, INDEPENDENT = "aligned", "gaussian"  # a case that its variance hardly tells from the derivation's own

KINDS = ("kept", "constant", "power")  # what of mean 0 and variance 1 the division leaves
FAR, FARTHER = 2**30, 2**40  # dimensions between which a wrong power would show


@dataclass(frozen=True)
class Case:
    """A pair of q and k for readers: how it differs from the derivation's, and its exact moments in LaTeX."""

    words: str
    short: str  # for a figure
    variance: str
    mean: str = "0"


CASES: Mapping[str, Case] = {
    "gaussian": Case("normal entries", "normal", "d_k"),
    "sign": Case(r"entries $\pm 1$", r"$\pm$1", "d_k"),
    "uniform": Case(r"uniform on $\pm\sqrt{3}$", r"$\pm\sqrt{3}$", "d_k"),
    "student-t": Case("Student’s $t$, 8 degrees of freedom", "Student’s t", "d_k"),
    "sparse": Case("nine of ten entries 0", "sparse", "d_k"),
    "one-sided": Case("components correlated within $q$ only, 0.1", "within $q$", "d_k"),
    "narrow": Case("entries of standard deviation 1/2", "sd 1/2", "d_k/16"),
    "wide": Case("entries of standard deviation 3", "sd 3", "81\\, d_k"),
    "neighbours": Case("neighbours correlated, 1/2", "neighbours", "(3 d_k - 1)/2"),
    "unit-interval": Case("uniform on $[0, 1)$", "0 to 1", "7 d_k/144", "d_k/4"),
    "offset": Case("entries of mean 1/2", "mean 1/2", "3 d_k/2", "d_k/4"),
    "shared-sign": Case(
        "components correlated within $q$ and within $k$, 0.1", "within both", "d_k + d_k (d_k - 1)/100"
    ),
    "aligned": Case("$q_i$ correlated with $k_i$, 0.1", "$q$ with $k$", "1.01\\, d_k", "d_k/10"),
    "equal": Case("equal vectors, $q = k$", "$q = k$", "2 d_k", "d_k"),
}


@dataclass(frozen=True)
class PairCell:
    """Blocks of products of one kind of pairs, at one d_k."""

    case: str
    d_k: int
    n_tiles: int
    n_queries: int
    n_keys: int

    @property
    def law(self) -> PairLaw:
        """Of what is drawn."""
        return PAIR_LAWS[self.case]

    @property
    def tiles(self) -> Tiles:
        """The block's shape."""
        return Tiles(self.n_tiles, self.n_queries, self.n_keys)

    @property
    def place(self) -> str:
        """For readers."""
        return f"$d_k = {self.d_k}$"


class Assumptions(Experiment[PairCell]):
    """Mean and variance of q·k for each case, at each d_k."""

    name: ClassVar[str] = "assumptions"
    columns: ClassVar[Mapping[str, Column]] = {
        "case": Column(
            "how q and k are drawn. Independent entries of mean 0 and variance 1: gaussian; sign ±1; uniform on ±√3; "
            "student-t with 8 degrees of freedom; sparse, 0 with probability 0.9. Otherwise: one-sided, components of "
            "q have the correlation 0.1, those of k none; narrow and wide, entries of standard deviation 1/2 and 3; "
            "neighbours, neighbouring components have the correlation 1/2; unit-interval, entries uniform on [0, 1); "
            "offset, entries of mean 1/2; shared-sign, any two components of q, and of k, have the correlation 0.1; "
            "aligned, q_i and k_i have the correlation 0.1; equal, q = k",
            "name",
        ),
        "d_k": Column("entries of q and of k", "count"),
        "n_products": Column("dot products over all blocks", "count"),
        **ESTIMATE_COLUMNS,
        "quantity": Column("mean or variance of q·k", "name"),
        "margin": Column("largest deviation from the prediction that would not matter"),
    }

    d_k: Grid
    margin: Margin

    def cells(self) -> Sequence[PairCell]:
        """Every case at every d_k, with products for the margin on its variance and, in units of its sd, its mean."""
        per_block = self.n_blocks * (self.margin / STANDARD_ERRORS_PER_MARGIN) ** 2
        cells = []
        for case in CASES:
            for d_k in self.d_k:
                tiles = plan_pairs(PAIR_LAWS[case], d_k, per_block)
                cells.append(PairCell(case, d_k, tiles.n_tiles, tiles.n_queries, tiles.n_keys))
        return cells

    def size(self, cell: PairCell) -> BlockSize:
        """q and k of every tile are drawn and multiplied; those of one tile and its products are held."""
        vectors, products = float(cell.n_queries + cell.n_keys) * cell.d_k, float(cell.n_queries) * cell.n_keys
        return BlockSize(cell.n_tiles * (vectors + products), vectors + products)

    def measure(self, cell: PairCell, rng: np.random.Generator) -> Values:
        """(2,): mean and variance of the block's products."""
        return np.array(measure_pairs(rng, cell.law, cell.d_k, cell.tiles))

    def frame(self, observed: Mapping[PairCell, Values]) -> pd.DataFrame:
        """One row per case, d_k and quantity."""
        rows = []
        for cell, blocks in observed.items():
            index = {"case": cell.case, "d_k": cell.d_k, "n_products": cell.tiles.n_scores * self.n_blocks}
            mean, variance = cell.law.mean(cell.d_k), cell.law.variance(cell.d_k)
            rows.append(estimate_row(index, "mean", blocks[:, 0], mean) | {"margin": self.margin * variance**0.5})
            rows.append(estimate_row(index, "variance", blocks[:, 1], variance) | {"margin": self.margin * variance})
        return pd.DataFrame(rows)

    def claims(self, observed: Mapping[PairCell, Values]) -> list[Claim]:
        """Each case's variance over all d_k; all means; and a slight alignment caught where it is large enough."""
        blocks = {case: _of(case, observed) for case in CASES}
        claims = [self.variance_claim(case, blocks[case]) for case in CASES]
        claims.append(self._means_claim(blocks))
        last = max(blocks[SLIGHT], key=lambda cell: cell.d_k)
        if last.law.mean(last.d_k) >= 2 * self.margin * last.d_k**0.5:
            claims.append(self._caught_claim(last, blocks[SLIGHT][last]))
        return claims

    def controls(self, observed: Mapping[PairCell, Values]) -> list[Claim]:
        """Slightly aligned pairs, said to be independent."""
        blocks = _of(SLIGHT, observed)
        return [
            self.variance_claim(SLIGHT, blocks, said=INDEPENDENT),
            self.mean_claim(SLIGHT, blocks, said=INDEPENDENT),
            self._square_control(blocks),
        ]

    def variance_claim(self, case: str, blocks: Mapping[PairCell, Values], said: str = "") -> Claim:
        """That the variance of a case is the one of the case it is said to be: by default its own."""
        said = said or case
        law, words = PAIR_LAWS[said], CASES[said]
        return Claim(
            id=f"assumption-variance-{_id(case, said)}",
            group=GROUP,
            label=f"variance over ${words.variance}$, {_told(case, said)}",
            statement=f"At each $d_k$ the dot product has variance ${words.variance}$ ({_told(case, said)}).",
            source=_source(said),
            prediction=1.0,
            margin=self.margin,
            reason=f"{100 * self.margin:g} % of the variance changes a score's size by {50 * self.margin:g} %",
            evidence=np.stack([values[:, 1] / law.variance(cell.d_k) for cell, values in blocks.items()], axis=1),
            sample=_sample(blocks),
            places=tuple(cell.place for cell in blocks),
        )

    def mean_claim(self, case: str, blocks: Mapping[PairCell, Values], said: str = "") -> Claim:
        """That the mean of a case is the one of the case it is said to be: by default its own."""
        said = said or case
        words = CASES[said]
        less = "" if words.mean == "0" else f" less ${words.mean}$"
        return Claim(
            id=f"assumption-mean-{_id(case, said)}",
            group=GROUP,
            label=f"mean{less}, in standard deviations, {_told(case, said)}",
            statement=f"At each $d_k$ the dot product has mean ${words.mean}$ ({_told(case, said)}).",
            source=_source(said),
            prediction=0.0,
            margin=self.margin,
            reason=f"{100 * self.margin:g} % of a score's standard deviation",
            evidence=_deviations(said, blocks),
            sample=_sample(blocks),
            places=tuple(cell.place for cell in blocks),
        )

    def _means_claim(self, blocks: Mapping[str, Mapping[PairCell, Values]]) -> Claim:
        """The means of all cases at all d_k as one."""
        cells = [cell for case in CASES for cell in blocks[case]]
        return Claim(
            id="assumption-means",
            group=GROUP,
            label=f"mean less its prediction, in standard deviations, {len(CASES)} cases",
            statement="At each $d_k$ and in each case the dot product has the mean predicted for it.",
            source=SOURCE,
            prediction=0.0,
            margin=self.margin,
            reason=f"{100 * self.margin:g} % of a score's standard deviation",
            evidence=np.concatenate([_deviations(case, blocks[case]) for case in CASES], axis=1),
            sample=f"{max(cell.tiles.n_scores for cell in cells)} dot products of each case at each $d_k$",
            places=tuple(f"{CASES[cell.case].words}, {cell.place}" for cell in cells),
        )

    def _square_control(self, blocks: Mapping[PairCell, Values]) -> Claim:
        """The mean square of independent vectors, said of aligned ones; mean and variance together."""
        ratios = [(values[:, 1] + values[:, 0] ** 2) / cell.d_k for cell, values in blocks.items()]
        return Claim(
            id=f"assumption-square-{_id(SLIGHT, INDEPENDENT)}",
            group=GROUP,
            label=f"mean square over $d_k$, {_told(SLIGHT, INDEPENDENT)}",
            statement="Slightly aligned vectors have the mean square of independent ones.",
            source=_source(SLIGHT),
            prediction=1.0,
            margin=self.margin,
            reason=f"{100 * self.margin:g} % of the mean square",
            evidence=np.stack(ratios, axis=1),
            sample=_sample(blocks),
            places=tuple(cell.place for cell in blocks),
        )

    def _caught_claim(self, cell: PairCell, values: Values) -> Claim:
        assert isinstance(cell.law, AlignedPair)
        rho = f"{cell.law.rho:g}"
        return Claim(
            id="alignment-is-caught",
            group=GROUP,
            label=rf"mean over $\sqrt{{d_k}}$ at $d_k = {cell.d_k}$, {CASES[SLIGHT].words}",
            statement=rf"Judged as independent, $\rho = {rho}$ is caught at $d_k = {cell.d_k}$: the mean of "
            rf"$q \cdot k$ lies at least {100 * self.margin:g} % of a standard deviation above 0.",
            source=ALIGNED_SOURCE,
            side="at least",
            prediction=self.margin,
            margin=self.margin,
            reason="the margin within which the mean of independent vectors is claimed to be 0",
            evidence=values[:, 0] / cell.d_k**0.5,
            sample=_sample({cell: values}),
        )


def kind_of(law: PairLaw) -> str:
    """What √d_k does to a law: mean 0 and variance 1 "kept", only the "constant" wrong, or the "power" as well."""
    squares = [(law.variance(d_k) + law.mean(d_k) ** 2) / d_k for d_k in (FAR, FARTHER)]
    if abs(squares[1] / squares[0] - 1) > 1e-6:
        return "power"
    return "kept" if abs(squares[1] - 1) < 1e-6 else "constant"


def _of(case: str, observed: Mapping[PairCell, Values]) -> dict[PairCell, Values]:
    return {cell: values for cell, values in observed.items() if cell.case == case}


def _deviations(said: str, blocks: Mapping[PairCell, Values]) -> Values:
    """(n_blocks, n_d_k): measured mean less that of the case it is said to be, in its standard deviations."""
    law = PAIR_LAWS[said]
    parts = [(values[:, 0] - law.mean(cell.d_k)) / law.variance(cell.d_k) ** 0.5 for cell, values in blocks.items()]
    return np.stack(parts, axis=1)


def _id(case: str, said: str) -> str:
    return case if case == said else f"{case}-as-{said}"


def _told(case: str, said: str) -> str:
    return CASES[case].words if case == said else f"{CASES[case].words}, judged as independent"


def _source(said: str) -> str:
    return ALIGNED_SOURCE if isinstance(PAIR_LAWS[said], AlignedPair) else SOURCE


def _sample(blocks: Mapping[PairCell, Values]) -> str:
    return f"{max(cell.tiles.n_scores for cell in blocks)} dot products at each $d_k$"
