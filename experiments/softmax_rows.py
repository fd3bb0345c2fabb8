"""Rows of the softmax over a grid of d_k and numbers of keys, raw and scaled, on the same scores."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import AfterValidator, Field

from experiments.claims import STANDARD_ERRORS_PER_MARGIN
from experiments.experiment import (
    ESTIMATE_COLUMNS,
    BlockSize,
    Column,
    EntryLawName,
    Experiment,
    Grid,
    Margin,
    Values,
    estimate_row,
    increasing,
)
from scaling.attention_law import attention_law
from scaling.entries import entry_law
from scaling.freezing import freezing_d_k
from scaling.rules import RAW, SCALED, PowerRule
from scaling.sampling import CHUNK, Tiles, draw_rows, draw_scores, variance_of_mean_square
from scaling.saturation import OBSERVABLES, row_observables

RULES = (RAW, SCALED)
QUANTITIES = (*OBSERVABLES, "normalised_entropy", "jacobian_norm", "jacobian_norm_median", "mean_square")
ENTROPY, NORM2 = OBSERVABLES.index("entropy"), OBSERVABLES.index("jacobian_norm2")
SHARED_KEYS = 2.0
ROW_WORK = 40  # draws that take as long as what a row of few scores takes
CHANGE = 0.1  # of ln n, of a weight or of a variance: less than that would not be called a change


def _choices(n_keys: list[int]) -> list[int]:
    if n_keys[0] < 2:
        raise ValueError("a softmax over one key has nothing to choose; every n_keys must be at least 2")
    return n_keys


@dataclass(frozen=True)
class RowCell:
    """Blocks of rows over n_keys keys at one d_k, as `sampler` draws them.

    "radial": every row with a query and keys of its own, by the law of dot products of Gaussian vectors.
    "direct": entries and their products; up to 2 n queries share n keys.
    """

    d_k: int
    n_keys: int
    n_rows: int
    entries: str
    sampler: str

    @property
    def tiles(self) -> Tiles:
        """The shape of a block that is sampled directly."""
        return tiles_of(self.n_rows, self.n_keys)

    @property
    def size(self) -> BlockSize:
        """A length and the scores of each row; or Q and K of every tile, of which Q and the scores are held.

        What is seen of every row is held twice.
        """
        scores, seen = float(self.n_rows) * (self.n_keys + ROW_WORK), 2.0 * len(RULES) * len(OBSERVABLES) * self.n_rows
        if self.sampler == "radial":
            return BlockSize(scores, max(CHUNK, self.n_keys) + seen)
        n_tiles, n_queries, n_keys = self.tiles.n_tiles, self.tiles.n_queries, self.n_keys
        entries = float(n_tiles) * (n_queries + n_keys) * self.d_k
        return BlockSize(entries + scores, float(n_queries) * (self.d_k + n_keys) + seen)

    def rows(self, rng: np.random.Generator) -> Iterator[NDArray[np.float32]]:
        """The block's dot products, piece by piece (rows, n_keys)."""
        if self.sampler == "radial":
            return draw_rows(rng, self.d_k, self.n_rows, self.n_keys)
        law = entry_law(self.entries)
        return (piece.reshape(-1, self.n_keys) for piece in draw_scores(rng, self.d_k, self.tiles, law, law))


def row_sd(d_k: int, n_keys: int) -> float:
    """How far raw H/ln n, Σp², max p and 4‖J‖², and scaled H from d_k = 16, scatter from row to row, at most.

    A bound on what was measured for n from 2 to 65536 and d_k to 4096, by at most a factor of two: it is mainly a
    matter of how far beyond freezing, at d_k = 2 ln n, the scores are.
    """
    beyond = d_k / freezing_d_k(n_keys)
    if n_keys < 8:
        return 0.38
    if beyond < 1:
        return float(0.25 * beyond**0.25)
    return float(max(0.2, 0.34 * min(1.0, (beyond / 40) ** -0.22)))


def tiles_of(n_rows: int, n_keys: int) -> Tiles:
    """Tiles of at least n_rows queries together, at most 2 n_keys in each."""
    n_queries = min(2 * n_keys, n_rows)
    return Tiles(math.ceil(n_rows / n_queries), n_queries, n_keys)


class SoftmaxRows(Experiment[RowCell]):
    """Means over rows of the softmax's observables, raw and scaled, on the same scores."""

    rules: ClassVar[tuple[PowerRule, ...]] = RULES
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k), on the same draws", "name"),
        "n_rows": Column("rows of the softmax over all blocks", "count"),
        "sampler": Column(
            "direct: products of drawn entries of q and k; radial: |q| z, with |q|² from the chi-squared law of d_k "
            "degrees of freedom and independent normal z, which is the exact law of a row of Gaussian q and k",
            "name",
        ),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "log_partition ln Σ exp(s) and entropy (nats); normalised_entropy = entropy / ln n_keys; sum_p2, sum_p3, "
            "max_weight; with J = diag(p) - p pᵀ: jacobian_trace 1 - Σp², jacobian_norm2 ‖J‖²_F and jacobian_norm "
            "‖J‖_F; mean_square of the scores: each a mean over rows; jacobian_norm_median: the median of ‖J‖_F over "
            "the rows of a block",
            "name",
        ),
    }

    entries: EntryLawName = "gaussian"
    d_k: Grid
    n_keys: Annotated[
        list[Annotated[int, Field(ge=1, le=2**20)]],
        Field(min_length=1, max_length=64),
        AfterValidator(increasing),
        AfterValidator(_choices),
    ]
    precision: Annotated[float, Field(ge=1e-4, le=0.1)]
    margin: Margin

    def cells(self) -> Sequence[RowCell]:
        """Every n_keys with every d_k, its rows enough for `precision` on the normalised entropy and for the margin.

        Rows that share keys are dependent, which SHARED_KEYS allows for (not quite enough near d_k = 2 ln n: up to 1.4
        times there).

        Rows of Gaussian entries are drawn by their radial law, but for one d_k, at which the variances for few and for
        many keys are compared: what a variance is, only products of entries can tell. There are as many rows there as
        CHANGE needs.
        """
        wanted = self.n_blocks * (CHANGE / STANDARD_ERRORS_PER_MARGIN) ** 2 / 2
        kurtosis = entry_law(self.entries).kurtosis
        error = min(self.precision, self.margin / STANDARD_ERRORS_PER_MARGIN)
        cells = []
        for n_keys in self.n_keys:
            for d_k in self.d_k:
                rows = (row_sd(d_k, n_keys) / error) ** 2 / self.n_blocks
                if self.entries == "gaussian" and d_k != self.turning:
                    cells.append(RowCell(d_k, n_keys, math.ceil(rows), self.entries, "radial"))
                    continue
                tiles = tiles_of(math.ceil(SHARED_KEYS * rows), n_keys)
                n_tiles = tiles.n_tiles
                if d_k == self.turning:
                    one = Tiles(1, tiles.n_queries, n_keys)
                    n_tiles = max(n_tiles, math.ceil(variance_of_mean_square(d_k, one, kurtosis, kurtosis) / wanted))
                cells.append(RowCell(d_k, n_keys, n_tiles * tiles.n_queries, self.entries, "direct"))
        return cells

    def size(self, cell: RowCell) -> BlockSize:
        """As of any block of rows."""
        return cell.size

    @property
    def turning(self) -> int:
        """The d_k of the grid that is nearest to 2 ln n for the most keys."""
        return min(self.d_k, key=lambda d_k: abs(math.log(d_k / freezing_d_k(self.n_keys[-1]))))

    def measure(self, cell: RowCell, rng: np.random.Generator) -> Values:
        """(n_rules, n_quantities): means over the block's rows, and the median of ‖J‖_F."""
        factors = np.array([rule.factor(cell.d_k) for rule in self.rules])
        pieces, squares = [], 0.0
        for dot_products in cell.rows(rng):
            observables = row_observables(dot_products, factors)
            pieces.append(np.stack([getattr(observables, name) for name in OBSERVABLES], axis=1))
            squares += float(np.vecdot(dot_products, dot_products).sum(dtype=np.float64))
        rows = np.concatenate(pieces, axis=2)  # (n_rules, n_observables, n_rows)
        means = rows.mean(axis=2)
        norms = np.sqrt(rows[:, NORM2])
        mean_square = factors**2 * squares / (rows.shape[2] * cell.n_keys)
        return np.column_stack(
            [means, means[:, ENTROPY] / np.log(cell.n_keys), norms.mean(axis=1), np.median(norms, axis=1), mean_square]
        )

    def frame(self, observed: Mapping[RowCell, Values]) -> pd.DataFrame:
        """One row per n_keys, d_k, rule and quantity; predictions are exact for normal entries."""
        return pd.DataFrame(
            [
                estimate_row(
                    {
                        "d_k": cell.d_k,
                        "n_keys": cell.n_keys,
                        "rule": rule.name,
                        "n_rows": self.n_blocks * cell.n_rows,
                        "sampler": cell.sampler,
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

    def law(self, cell: RowCell) -> Values:
        """(n_rules, n_quantities): exact expectations, nan where none is known."""
        if self.entries != "gaussian":
            return np.full((len(RULES), len(QUANTITIES)), np.nan)
        law: Values = _law(tuple(self.d_k), cell.n_keys)[self.d_k.index(cell.d_k)]
        return law


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
