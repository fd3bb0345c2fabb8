"""What the division does to gradients: how large ∂L/∂s and ∂L/∂q are, on average, typically and at the extremes."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field

from experiments.claims import STANDARD_ERRORS_PER_MARGIN
from experiments.experiment import (
    ESTIMATE_COLUMNS,
    BlockSize,
    Column,
    Experiment,
    Margin,
    Values,
    estimate_row,
    geometric_row,
    increasing,
)
from scaling.attention_law import MAX_D_K, attention_law
from scaling.freezing import freezing_d_k
from scaling.gradient_shares import share_of_largest
from scaling.gradients import DRAWN, draw_gradient_rows, gradient_norms
from scaling.rules import RAW, SCALED
from scaling.saturation import DEAD_TRACE

RULES = (RAW, SCALED)
NORMS = ("jacobian_norm2", "scores_norm2", "query_norm2")
QUANTILES = {"q05": 0.05, "q25": 0.25, "median": 0.5, "q75": 0.75, "q95": 0.95, "q99": 0.99}
STATISTICS = (
    *((norm, statistic) for norm in NORMS for statistic in ("mean", *QUANTILES)),
    ("query_norm2", "top_share"),
    ("jacobian_trace", "dead_share"),
)

TOP = 0.01  # of the rows: those with the largest ‖∂L/∂q‖²
FEWEST_ROWS = 2000  # of a block, so that twenty make up its top percent
LOST = 1e-30  # of a squared norm in single precision


@dataclass(frozen=True)
class GradientCell:
    """Rows over n_keys keys at one d_k, each with a query, keys and an upstream gradient of its own."""

    d_k: int
    n_keys: int
    n_rows: int


def relative_variance(d_k: int, n_keys: int) -> float:
    """A bound on how much ‖∂L/∂q‖² and ‖∂L/∂s‖² scatter over rows: their variance over the squared mean, at most.

    Raw, the mean lives on the rows whose two largest scores nearly tie, and their share falls like √(2 ln n / d_k); at
    few d_k it lives on the longest queries. Measured for n from 2 to 4096 and d_k to 16384; a third more at large d_k,
    since a few loud rows make the scatter of blocks uncertain, and several times as much at few.
    """
    ties = 2.6 * math.sqrt(d_k / freezing_d_k(n_keys)) * n_keys / (n_keys - 1)
    return float(ties + (7 + n_keys**0.6) / d_k)


class GradientSizes(Experiment[GradientCell]):
    """Sizes of the gradients that reach the scores and the query, raw and scaled, on the same draws."""

    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k), on the same draws", "name"),
        "n_rows": Column("rows of the softmax over all blocks", "count"),
        "quantity": Column(
            "with J = diag(p) - p pᵀ and u = ∂L/∂p from N(0, I): jacobian_norm2 ‖J‖²_F; scores_norm2 ‖∂L/∂s‖² = "
            "‖J u‖²; query_norm2 ‖∂L/∂q‖² = ‖c Kᵀ J u‖²; jacobian_trace tr J",
            "name",
        ),
        "statistic": Column(
            "over the rows of a block: mean; q05, q25, median, q75, q95, q99: quantiles; top_share: the share of the "
            f"sum that the largest {100 * TOP:g} % of the rows hold; dead_share: the share of rows below "
            f"{DEAD_TRACE:g}",
            "name",
        ),
        **{name: column for name, column in ESTIMATE_COLUMNS.items() if name != "quantity"},
        "estimate": Column(f"mean over blocks; of quantiles the geometric mean, anything below {LOST:g} taken for it"),
    }

    d_k: Annotated[
        list[Annotated[int, Field(ge=1, le=MAX_D_K)]], Field(min_length=1, max_length=24), AfterValidator(increasing)
    ]
    n_keys: Annotated[
        list[Annotated[int, Field(ge=2, le=2**16)]], Field(min_length=1, max_length=4), AfterValidator(increasing)
    ]
    margin: Margin

    def cells(self) -> Sequence[GradientCell]:
        """Every n_keys with every d_k; rows for the margin on a mean, and enough for a block's quantiles."""
        wanted = self.n_blocks * (self.margin / STANDARD_ERRORS_PER_MARGIN) ** 2
        return [
            GradientCell(d_k, n, max(FEWEST_ROWS, math.ceil(relative_variance(d_k, n) / wanted)))
            for n in self.n_keys
            for d_k in self.d_k
        ]

    def size(self, cell: GradientCell) -> BlockSize:
        """Scores and upstream gradients of every row; the norms of all rows are held, and a piece of the rest."""
        held = 12.0 * len(RULES) * cell.n_rows + 8.0 * max(DRAWN, cell.n_keys)
        return BlockSize(2.0 * cell.n_rows * (cell.n_keys + 1), held)

    def measure(self, cell: GradientCell, rng: np.random.Generator) -> Values:
        """(n_rules, n_statistics) of the block's rows."""
        factors = [rule.factor(cell.d_k) for rule in RULES]
        pieces = [gradient_norms(rows, factors) for rows in draw_gradient_rows(rng, cell.d_k, cell.n_rows, cell.n_keys)]
        norm2 = {name: np.concatenate([getattr(piece, name) for piece in pieces], axis=1) for name in NORMS}
        trace = np.concatenate([piece.jacobian_trace for piece in pieces], axis=1)  # (n_rules, n_rows)
        columns = []
        for values in norm2.values():
            columns += [values.mean(axis=1), *np.quantile(values, list(QUANTILES.values()), axis=1)]
        columns += [share_of_largest(norm2["query_norm2"].T, TOP), (trace < DEAD_TRACE).mean(axis=1)]
        return np.stack(columns, axis=1)

    def frame(self, observed: Mapping[GradientCell, Values]) -> pd.DataFrame:
        """One row per n_keys, d_k, rule, quantity and statistic; means have an exact value beside them."""
        rows = []
        for cell, blocks in observed.items():
            law = self.law_of(cell)
            for i, rule in enumerate(RULES):
                for j, (quantity, statistic) in enumerate(STATISTICS):
                    index = {
                        "d_k": cell.d_k,
                        "n_keys": cell.n_keys,
                        "rule": rule.name,
                        "n_rows": self.n_blocks * cell.n_rows,
                    }
                    values = blocks[:, i, j]
                    if statistic in QUANTILES:
                        row = geometric_row(index, quantity, np.log(np.maximum(values, LOST)))
                    else:
                        exact = law[i, NORMS.index(quantity)] if statistic == "mean" else np.nan
                        row = estimate_row(index, quantity, values, float(exact))
                    rows.append({**row, "statistic": statistic})
        return pd.DataFrame(rows)[list(self.columns)]

    def law_of(self, cell: GradientCell) -> Values:
        """(n_rules, n_norms): exact means over rows."""
        law: Values = _law(tuple(self.d_k), cell.n_keys)[self.d_k.index(cell.d_k)]
        return law


@lru_cache(maxsize=64)
def _law(d_k: tuple[int, ...], n_keys: int) -> Values:
    """(n_d_k, n_rules, n_norms): exact means over rows, in the order of NORMS."""
    dimensions = np.array(d_k)
    factors = np.stack([dimensions**-rule.alpha for rule in RULES], axis=1)
    law = attention_law(dimensions[:, None], n_keys, factors)
    return np.stack([law.jacobian_norm2, law.jacobian_norm2, law.query_gradient_norm2], axis=2)  # E‖J u‖² = E‖J‖²_F
