"""What the softmax of a row of scores looks like against d_k and the number of keys, with and without the division."""

import math
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field

from experiments.claims import Claim
from experiments.experiment import (
    ESTIMATE_COLUMNS,
    Column,
    Grid,
    Margin,
    ScoreCell,
    ScoreExperiment,
    Values,
    estimate_row,
)
from scaling.attention_law import attention_law
from scaling.freezing import freezing_d_k
from scaling.rules import RAW, SCALED, PowerRule
from scaling.saturation import OBSERVABLES, row_observables

LECTURE = "Measured here; the claim: lecture, chapter 7 (42:39)"
RULES = (RAW, SCALED)
QUANTITIES = (*OBSERVABLES, "normalised_entropy", "jacobian_norm", "jacobian_norm_median", "mean_square")
ENTROPY, NORM2 = OBSERVABLES.index("entropy"), OBSERVABLES.index("jacobian_norm2")
FLAT_FROM = 16  # below it the length of q still varies enough to move even scaled entropies: |q|² ~ χ²_d
ROW_SD = 0.4  # measured for n from 2 to 65536 and scores of every size: at most 0.31 to 0.34 times √(ln n)
SHARED_KEYS = 2.0
LARGEST_NORM2 = 0.25  # of ‖J‖²_F: two keys that share all the weight
CHANGE = 0.1  # of ln n, of a weight or of a variance: less than that would not be called a change


def _choices(n_keys: list[int]) -> list[int]:
    if n_keys[0] < 2:
        raise ValueError("a softmax over one key has nothing to choose; every n_keys must be at least 2")
    return n_keys


class Saturation(ScoreExperiment):
    """Means over rows of the softmax's observables, raw and scaled, on the same scores."""

    name: ClassVar[str] = "saturation"
    rules: ClassVar[tuple[PowerRule, ...]] = RULES
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k), on the same draws", "name"),
        "n_rows": Column("rows of the softmax over all blocks", "count"),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "log_partition ln Σ exp(s) and entropy (nats); normalised_entropy = entropy / ln n_keys; sum_p2, sum_p3, "
            "max_weight; with J = diag(p) - p pᵀ: jacobian_trace 1 - Σp², jacobian_norm2 ‖J‖²_F and jacobian_norm "
            "‖J‖_F; mean_square of the scores: each a mean over rows; jacobian_norm_median: the median of ‖J‖_F over "
            "the rows of a block",
            "name",
        ),
    }

    d_k: Grid
    n_keys: Annotated[Grid, AfterValidator(_choices)]
    precision: Annotated[float, Field(ge=1e-4, le=0.1)]
    margin: Margin

    def cells(self) -> Sequence[ScoreCell]:
        """Every n_keys with every d_k, with rows for a standard error of about `precision` on the normalised entropy.

        A row's entropy scatters by less than ROW_SD √(ln n) nats whatever the size of its scores; rows that share keys
        are dependent, which SHARED_KEYS allows for (not quite enough near d_k = 2 ln n: up to 1.4 times there). Up to
        2 n queries share n keys.
        """
        cells = []
        for n_keys in self.n_keys:
            rows = SHARED_KEYS * ROW_SD**2 / (self.precision**2 * math.log(n_keys) * self.n_blocks)
            n_queries = min(2 * n_keys, math.ceil(rows))
            n_tiles = math.ceil(rows / n_queries)
            cells += [ScoreCell(d_k, n_tiles, n_queries, n_keys, self.entries) for d_k in self.d_k]
        return cells

    def measure(self, cell: ScoreCell, rng: np.random.Generator) -> Values:
        """(n_rules, n_quantities): means over the block's rows, and the median of ‖J‖_F."""
        factors = np.array([rule.factor(cell.d_k) for rule in self.rules])
        pieces, squares = [], 0.0
        for dot_products in cell.scores(rng):
            observables = row_observables(dot_products.reshape(-1, cell.n_keys), factors)
            pieces.append(np.stack([getattr(observables, name) for name in OBSERVABLES], axis=1))
            squares += float(np.square(dot_products).sum())
        rows = np.concatenate(pieces, axis=2)  # (n_rules, n_observables, n_rows)
        means = rows.mean(axis=2)
        norms = np.sqrt(rows[:, NORM2])
        mean_square = factors**2 * squares / cell.tiles.n_scores
        return np.column_stack(
            [means, means[:, ENTROPY] / np.log(cell.n_keys), norms.mean(axis=1), np.median(norms, axis=1), mean_square]
        )

    def frame(self, observed: Mapping[ScoreCell, Values]) -> pd.DataFrame:
        """One row per n_keys, d_k, rule and quantity; predictions are exact for normal entries."""
        return pd.DataFrame(
            [
                estimate_row(
                    {
                        "d_k": cell.d_k,
                        "n_keys": cell.n_keys,
                        "rule": rule.name,
                        "n_rows": self.n_blocks * cell.n_tiles * cell.n_queries,
                    },
                    quantity,
                    blocks[:, i, j],
                    self.law(cell)[i, j],
                )
                for cell, blocks in observed.items()
                for i, rule in enumerate(self.rules)
                for j, quantity in enumerate(QUANTITIES)
            ]
        )

    def law(self, cell: ScoreCell) -> Values:
        """(n_rules, n_quantities): exact expectations, nan where none is known."""
        if self.entries != "gaussian":
            return np.full((len(RULES), len(QUANTITIES)), np.nan)
        law: Values = _law(tuple(self.d_k), cell.n_keys)[self.d_k.index(cell.d_k)]
        return law

    def claims(self, observed: Mapping[ScoreCell, Values]) -> list[Claim]:
        """The direction of saturation for each n_keys, between the ends of the grid of d_k."""
        claims = []
        for n_keys in self.n_keys:
            blocks = {cell.d_k: values for cell, values in observed.items() if cell.n_keys == n_keys}
            sample = next(self._rows_of(cell) for cell in observed if cell.n_keys == n_keys)
            claims += self._raw_claims(n_keys, blocks, sample)
            claims += self._scaled_claims(n_keys, blocks, sample)
            if self.entries == "gaussian":
                claims += self._law_claims(n_keys, {c.d_k: c for c in observed if c.n_keys == n_keys}, blocks, sample)
        if self.entries == "gaussian" and len(self.n_keys) > 1:
            claims += self._claims_over_keys(observed)
        return claims

    def _raw_claims(self, n_keys: int, blocks: Mapping[int, Values], sample: str) -> list[Claim]:
        first, last = min(blocks), max(blocks)
        if first == last:
            return []
        change = blocks[last][:, 0] - blocks[first][:, 0]  # (n_blocks, n_quantities)
        between = f"from $d_k = {first}$ to {last}"
        return [
            Claim(
                id=f"raw-entropy-falls-{n_keys}",
                group="saturation",
                label=rf"raw $H / \ln n$ falls, $n = {n_keys}$",
                statement=f"Without the division the entropy of a row over {n_keys} keys falls {between}.",
                source=LECTURE,
                side="at most",
                prediction=-CHANGE,
                margin=CHANGE,
                reason=f"a fall by less than {100 * CHANGE:g} % of $\\ln n$ would not be called saturation",
                evidence=change[:, QUANTITIES.index("normalised_entropy")],
                sample=sample,
            ),
            Claim(
                id=f"raw-weight-rises-{n_keys}",
                group="saturation",
                label=rf"raw $\max p$ rises, $n = {n_keys}$",
                statement=f"Without the division the largest of {n_keys} weights rises {between}.",
                source=LECTURE,
                side="at least",
                prediction=CHANGE,
                margin=CHANGE,
                reason=f"a rise by less than {CHANGE:g} would not be called saturation",
                evidence=change[:, QUANTITIES.index("max_weight")],
                sample=sample,
            ),
        ]

    def _scaled_claims(self, n_keys: int, blocks: Mapping[int, Values], sample: str) -> list[Claim]:
        flat = [d_k for d_k in blocks if d_k >= FLAT_FROM]
        if len(flat) < 2:
            return []
        first, last = flat[0], flat[-1]
        entropy = QUANTITIES.index("normalised_entropy")
        return [
            Claim(
                id=f"scaled-entropy-stays-{n_keys}",
                group="saturation",
                label=rf"scaled $H / \ln n$ stays, $n = {n_keys}$",
                statement=f"With the division the entropy over {n_keys} keys stays between $d_k = {first}$ and {last}.",
                source=LECTURE,
                prediction=0.0,
                margin=self.margin,
                reason=rf"{100 * self.margin:g} % of $\ln n$ is as much as a figure of entropies shows",
                evidence=blocks[last][:, 1, entropy] - blocks[first][:, 1, entropy],
                sample=sample,
            )
        ]

    def _law_claims(
        self, n_keys: int, cells: Mapping[int, ScoreCell], blocks: Mapping[int, Values], sample: str
    ) -> list[Claim]:
        """Every measured curve against its exact law; the scaled one as the number of keys that stay effective."""
        margin = self.margin
        share = f"{margin:g} of a row's whole weight"
        curves = (
            ("raw", "normalised_entropy", r"$H / \ln n$", "entropy", 1.0, rf"{100 * margin:g} % of $\ln n$"),
            ("raw", "sum_p2", r"$\sum p^2$", "sum of squared weights", 1.0, share),
            ("raw", "max_weight", r"$\max p$", "largest weight", 1.0, share),
            (
                "raw",
                "jacobian_norm2",
                r"$\Vert J \Vert_F^2$",
                "squared norm of the Jacobian",
                LARGEST_NORM2,
                f"{100 * margin:g} % of {LARGEST_NORM2:g}, the largest that a row can have",
            ),
            ("scaled", "entropy", "$H$", "entropy", 1.0, f"{100 * margin:g} % of the number of effective keys $e^H$"),
        )
        claims = []
        for rule, quantity, symbol, words, unit, reason in curves:
            dimensions = [d_k for d_k in blocks if rule == "raw" or d_k >= FLAT_FROM]
            if not dimensions:
                continue
            i, j = [r.name for r in RULES].index(rule), QUANTITIES.index(quantity)
            deviations = [blocks[d_k][:, i, j] - self.law(cells[d_k])[i, j] for d_k in dimensions]
            claims.append(
                Claim(
                    id=f"law-{rule}-{quantity}-{n_keys}".replace("_", "-"),
                    group="exact law",
                    label=rf"{rule} {symbol} less its law $= 0$, $n = {n_keys}$",
                    statement=f"At each $d_k$ from {dimensions[0]} to {dimensions[-1]} the {words} of {rule} rows over "
                    f"{n_keys} keys is what the exact law says.",
                    source="Exact: softmax of normal scores, averaged over the length of the query",
                    prediction=0.0,
                    margin=margin * unit,
                    reason=reason,
                    evidence=np.stack(deviations, axis=1),
                    sample=sample,
                    places=tuple(f"$d_k = {d_k}$" for d_k in dimensions),
                )
            )
        return claims

    def _claims_over_keys(self, observed: Mapping[ScoreCell, Values]) -> list[Claim]:
        """At a d_k near 2 ln n: the variance is the same for few keys and for many, the saturation is not."""
        few, many = self.n_keys[0], self.n_keys[-1]
        d_k = min(self.d_k, key=lambda d_k: abs(math.log(d_k / freezing_d_k(many))))
        of = {cell.n_keys: cell for cell in observed if cell.d_k == d_k}
        change = observed[of[many]][:, 0] - observed[of[few]][:, 0]  # (n_blocks, n_quantities), raw
        square, sum_p2 = QUANTITIES.index("mean_square"), QUANTITIES.index("sum_p2")
        expected = (self.law(of[many]) - self.law(of[few]))[0, sum_p2]
        claims = [
            Claim(
                id="variance-over-keys",
                group="number of keys",
                label=rf"$\operatorname{{Var}}(q \cdot k) / d_k$ at $d_k = {d_k}$, $n = {many}$ less $n = {few}$",
                statement=f"At $d_k = {d_k}$ the variance of the raw scores is the same over {few} and {many} keys.",
                source="The variance of a dot product does not know how many others there are",
                prediction=0.0,
                margin=CHANGE,
                reason=rf"{100 * CHANGE:g} % of the variance, while $\sum p^2$ changes by a factor of "
                f"{self.law(of[few])[0, sum_p2] / self.law(of[many])[0, sum_p2]:.2g}",
                evidence=change[:, square] / d_k,
                sample=self._rows_of(of[many]),
            )
        ]
        if expected <= -2 * CHANGE:
            claims.append(
                Claim(
                    id="saturation-over-keys",
                    group="number of keys",
                    label=rf"raw $\sum p^2$ falls from $n = {few}$ to {many}",
                    statement=f"At $d_k = {d_k}$ the sum of squared raw weights falls from {few} keys to {many}.",
                    source="Exact law; its limit of many keys: Derrida 1981",
                    side="at most",
                    prediction=-CHANGE,
                    margin=CHANGE,
                    reason=f"a fall by less than {CHANGE:g} would not be called a dependence",
                    evidence=change[:, sum_p2],
                    sample=self._rows_of(of[many]),
                )
            )
        return claims

    @staticmethod
    def _rows_of(cell: ScoreCell) -> str:
        return f"{cell.n_tiles * cell.n_queries} rows at each end"


@lru_cache(maxsize=64)
def _law(d_k: tuple[int, ...], n_keys: int) -> Values:
    """(n_d_k, n_rules, n_quantities): what attention's exact law says of each quantity, nan where it says nothing."""
    dimensions = np.array(d_k)
    factors = np.stack([dimensions**-rule.alpha for rule in RULES], axis=1)
    law = attention_law(dimensions[:, None], n_keys, factors)
    values = {name: getattr(law, name) for name in OBSERVABLES}
    values["normalised_entropy"] = law.entropy / np.log(n_keys)
    values["mean_square"] = factors**2 * dimensions[:, None]
    nothing = np.full(factors.shape, np.nan)
    return np.stack([values.get(name, nothing) for name in QUANTITIES], axis=2)
