"""What becomes of the variance and the mean of q·k when queries and keys are not independent but aligned."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field

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
    increasing,
)
from scaling.aligned import AlignedLaw, draw_aligned
from scaling.moments import EMPTY, Moments

QUANTITIES = ("mean", "variance", "sd")
SOURCE = "Exact for normal entries: mean $d_k \\rho$, variance $d_k (1 + \\rho^2)$"
LEAST = 1e-3  # of a correlation other than 0: less would not show, and its logarithm would fill the axes
CLEAR = 8.0  # standard deviations of a block's mean that must lie between it and 0 for its logarithm to be taken


def _told_apart(rhos: list[float]) -> list[float]:
    """The correlations, none negative; ValueError where one is too near 0, or two are the same in six digits."""
    if any(0 < rho < LEAST for rho in rhos):
        raise ValueError(f"a correlation must be 0 or at least {LEAST:g}")
    if len({f"{rho:g}" for rho in rhos}) < len(rhos):
        raise ValueError("the values must differ within six digits")
    return [rho + 0.0 for rho in rhos]  # no -0


@dataclass(frozen=True)
class AlignedCell:
    """Independent pairs (q, k) at one d_k, each met at every correlation."""

    d_k: int
    n_pairs: int
    rho: tuple[float, ...]


class Aligned(Experiment[AlignedCell]):
    """Mean and variance of q·k for k = ρ q + √(1 - ρ²) z, with standard normal q and z, the same for every ρ."""

    name: ClassVar[str] = "aligned"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "rho": Column("correlation of q_i with k_i; 0: independent, 1: q = k"),
        "n_pairs": Column("pairs (q, k) over all blocks", "count"),
        **ESTIMATE_COLUMNS,
    }

    d_k: Grid
    rho: Annotated[
        list[Annotated[float, Field(ge=0, le=1)]],
        Field(min_length=1, max_length=6),
        AfterValidator(increasing),
        AfterValidator(_told_apart),
    ]
    margin: Margin

    def cells(self) -> Sequence[AlignedCell]:
        """One cell per d_k, with pairs for the margin on a variance, at the ρ whose products have the widest tails.

        A mean and a standard deviation, which are what is judged, then have √2 and 2 times as many standard errors in
        a margin: room for a curve's many places. A block has pairs enough for the root of its variance, which is low
        by (2 + excess kurtosis)/8 of 1/n_pairs, to be off by a tenth of the margin at most.
        """
        per_block = self.n_blocks * (self.margin / STANDARD_ERRORS_PER_MARGIN) ** 2
        cells = []
        for d_k in self.d_k:
            excess = max(AlignedLaw(d_k, rho).excess_kurtosis for rho in self.rho)
            n_pairs = max((2 + excess) / per_block, 10 * (2 + excess) / (8 * self.margin))
            cells.append(AlignedCell(d_k, math.ceil(n_pairs) + 1, tuple(self.rho)))
        return cells

    def size(self, cell: AlignedCell) -> BlockSize:
        """q and z of every pair; a chunk of them is held."""
        return BlockSize(2.0 * cell.n_pairs * cell.d_k, 2.0 * min(cell.n_pairs * cell.d_k, max(2**18, cell.d_k)))

    def measure(self, cell: AlignedCell, rng: np.random.Generator) -> Values:
        """(n_rho, 2): mean and variance of the block's dot products."""
        moments = [EMPTY] * len(cell.rho)
        for products in draw_aligned(rng, cell.d_k, cell.n_pairs, cell.rho):
            moments = [moment + Moments.of(row) for moment, row in zip(moments, products, strict=True)]
        return np.array([[moment.mean, moment.sample_variance] for moment in moments])

    def frame(self, observed: Mapping[AlignedCell, Values]) -> pd.DataFrame:
        """One row per d_k, ρ and quantity."""
        rows = []
        for cell, blocks in observed.items():
            for i, rho in enumerate(cell.rho):
                law = AlignedLaw(cell.d_k, rho)
                index = {"d_k": cell.d_k, "rho": rho, "n_pairs": cell.n_pairs * self.n_blocks}
                values = (blocks[:, i, 0], blocks[:, i, 1], np.sqrt(blocks[:, i, 1]))
                exact = (law.mean, law.variance, law.variance**0.5)
                rows += [estimate_row(index, *line) for line in zip(QUANTITIES, values, exact, strict=True)]
        return pd.DataFrame(rows)

    def claims(self, observed: Mapping[AlignedCell, Values]) -> list[Claim]:
        """Both moments at every d_k and how they grow, for each ρ."""
        claims = []
        for i, rho in enumerate(self.rho):
            blocks = {cell: values[:, i] for cell, values in observed.items()}  # (n_blocks, 2) each
            claims += [self._mean_claim(rho, blocks), self._sd_claim(rho, blocks)]
            if len(self.d_k) > 1:
                claims += self._slope_claims(rho, blocks)
        return claims

    def _mean_claim(self, rho: float, blocks: Mapping[AlignedCell, Values]) -> Claim:
        deviations = []
        for cell, values in blocks.items():
            law = AlignedLaw(cell.d_k, rho)
            deviations.append((values[:, 0] - law.mean) / law.variance**0.5)
        return Claim(
            id=f"aligned-mean-{rho:g}",
            group="alignment",
            label=rf"$(\mathbb{{E}}[q \cdot k] - d_k \rho)/\operatorname{{sd}} = 0$, $\rho = {rho:g}$",
            statement=rf"With $\rho = {rho:g}$ the mean of the dot product is $d_k \rho$ at each $d_k$.",
            source=SOURCE,
            prediction=0.0,
            margin=self.margin,
            reason=f"{100 * self.margin:g} % of a score's standard deviation",
            evidence=np.stack(deviations, axis=1),
            sample=_sample(blocks),
            places=_places(blocks),
        )

    def _sd_claim(self, rho: float, blocks: Mapping[AlignedCell, Values]) -> Claim:
        ratios = [np.sqrt(values[:, 1] / AlignedLaw(cell.d_k, rho).variance) for cell, values in blocks.items()]
        return Claim(
            id=f"aligned-sd-{rho:g}",
            group="alignment",
            label=rf"$\operatorname{{sd}}(q \cdot k) / \sqrt{{d_k (1 + \rho^2)}} = 1$, $\rho = {rho:g}$",
            statement=rf"With $\rho = {rho:g}$ the standard deviation of $q \cdot k$ is $\sqrt{{d_k (1 + \rho^2)}}$ "
            "at each $d_k$.",
            source=SOURCE,
            prediction=1.0,
            margin=self.margin,
            reason=f"a score's size is then off by less than {100 * self.margin:g} %",
            evidence=np.stack(ratios, axis=1),
            sample=_sample(blocks),
            places=_places(blocks),
        )

    def _slope_claims(self, rho: float, blocks: Mapping[AlignedCell, Values]) -> list[Claim]:
        """Slopes on log-log axes of the standard deviation and, where it is clearly positive, of the mean."""
        span = max(self.d_k) / min(self.d_k)
        margin = float(np.log1p(self.margin) / np.log(span))
        reason = f"over a span of {span:g} in $d_k$ the power law then misses by less than {100 * self.margin:g} %"
        lines = [("sd", "standard deviation", r"\operatorname{sd}(q \cdot k)", 0.5, 1)]
        first = next(iter(blocks))
        law = AlignedLaw(first.d_k, rho)
        if law.mean * first.n_pairs**0.5 > CLEAR * law.variance**0.5:
            lines.append(("mean", "mean", r"\mathbb{E}[q \cdot k]", 1.0, 0))
        return [
            Claim(
                id=f"aligned-{name}-slope-{rho:g}",
                group="alignment",
                label=rf"$\mathrm{{d}} \ln {symbol} / \mathrm{{d}} \ln d_k = {slope:g}$, $\rho = {rho:g}$",
                statement=rf"With $\rho = {rho:g}$ the {words} of $q \cdot k$ grows like $d_k$ to the power {slope:g}.",
                source=SOURCE,
                prediction=slope,
                margin=margin,
                reason=reason,
                evidence=_slopes(np.array(self.d_k), np.stack([values[:, j] for values in blocks.values()]), j),
                sample="a block at every d_k",
            )
            for name, words, symbol, slope, j in lines
        ]


def _slopes(d_k: np.ndarray, values: Values, is_variance: int) -> Values:
    """Least-squares slopes (n_blocks,) of ln values (n_d_k, n_blocks) on ln d_k; of a variance, those of its root."""
    x = np.log(d_k) - np.log(d_k).mean()
    slopes: Values = x @ np.log(values) / (x @ x)
    return slopes / 2 if is_variance else slopes


def _places(blocks: Mapping[AlignedCell, Values]) -> tuple[str, ...]:
    return tuple(f"$d_k = {cell.d_k}$" for cell in blocks)


def _sample(blocks: Mapping[AlignedCell, Values]) -> str:
    return f"{max(cell.n_pairs for cell in blocks)} pairs (q, k) at each d_k"
