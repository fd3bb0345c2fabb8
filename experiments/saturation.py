"""What the softmax of a row of scores looks like against d_k and the number of keys, with and without the division."""

import math
from collections.abc import Mapping, Sequence
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
from scaling.rules import RAW, SCALED, PowerRule
from scaling.saturation import OBSERVABLES, row_observables

LECTURE = "Measured here; the claim: lecture, chapter 7 (42:39)"
QUANTITIES = (*OBSERVABLES, "normalised_entropy")
FLAT_FROM = 16  # below it the length of q still varies enough to move even scaled entropies: |q|² ~ χ²_d
ROW_SD = 0.4  # measured for n from 2 to 65536 and scores of every size: at most 0.31 to 0.34 times √(ln n)
SHARED_KEYS = 2.0
CHANGE = 0.1  # of ln n, or of the largest weight: less than that would not be called saturation


def _choices(n_keys: list[int]) -> list[int]:
    if n_keys[0] < 2:
        raise ValueError("a softmax over one key has nothing to choose; every n_keys must be at least 2")
    return n_keys


class Saturation(ScoreExperiment):
    """Means over rows of the softmax's observables, raw and scaled, on the same scores."""

    name: ClassVar[str] = "saturation"
    rules: ClassVar[tuple[PowerRule, ...]] = (RAW, SCALED)
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k), on the same draws", "name"),
        "n_rows": Column("rows of the softmax over all blocks", "count"),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "log_partition ln Σ exp(s) and entropy (nats); normalised_entropy = entropy / ln n_keys; sum_p2, sum_p3, "
            "max_weight; jacobian_trace 1 - Σp² and jacobian_norm2 ‖diag(p) - p pᵀ‖²_F; each a mean over rows",
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
        """(n_rules, n_quantities): each observable's mean over the block's rows."""
        factors = [rule.factor(cell.d_k) for rule in self.rules]
        totals = np.zeros((len(self.rules), len(OBSERVABLES)))
        for dot_products in cell.scores(rng):
            observables = row_observables(dot_products.reshape(-1, cell.n_keys), factors)
            totals += np.stack([getattr(observables, name).sum(axis=1) for name in OBSERVABLES], axis=1)
        means = totals / (cell.n_tiles * cell.n_queries)
        normalised = means[:, [OBSERVABLES.index("entropy")]] / np.log(cell.n_keys)
        return np.concatenate([means, normalised], axis=1)

    def frame(self, observed: Mapping[ScoreCell, Values]) -> pd.DataFrame:
        """One row per n_keys, d_k, rule and quantity."""
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
                )
                for cell, blocks in observed.items()
                for i, rule in enumerate(self.rules)
                for j, quantity in enumerate(QUANTITIES)
            ]
        )

    def claims(self, observed: Mapping[ScoreCell, Values]) -> list[Claim]:
        """The direction of saturation for each n_keys, between the ends of the grid of d_k."""
        claims = []
        for n_keys in self.n_keys:
            blocks = {cell.d_k: values for cell, values in observed.items() if cell.n_keys == n_keys}
            sample = next(
                f"{cell.n_tiles * cell.n_queries} rows at each end" for cell in observed if cell.n_keys == n_keys
            )
            claims += self._raw_claims(n_keys, blocks, sample)
            claims += self._scaled_claims(n_keys, blocks, sample)
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
