"""One head under many scalings, all of them on the same draws of q, k and v."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import special

from experiments.claims import STANDARD_ERRORS_PER_MARGIN
from experiments.experiment import ESTIMATE_COLUMNS, BlockSize, Column, Experiment, Margin, Values, estimate_row
from scaling.attention_law import attention_law
from scaling.entries import Gaussian
from scaling.moments import EMPTY, Moments
from scaling.rules import (
    RAW,
    SCALED,
    FactorRule,
    ModelRule,
    NormalisedRule,
    PowerRule,
    ScoreRule,
    SplitRule,
    TemperatureRule,
)
from scaling.sampling import CHUNK, FEWEST, Tiles, variance_of_mean_square
from scaling.saturation import row_observables

QUANTITIES = ("mean", "variance", "normalised_entropy", "sum_p2")
OUTPUTS = (RAW, SCALED)  # the rules whose outputs Σ p_j v_j are looked at
ROW_SD, SHARED_KEYS = 0.4, 2.0  # as in `saturation`: nats per √(ln n), and for rows that share keys
MOST_QUERIES = 64  # of a tile
SCORE_WORK = 60  # draws that take as long as all variants' work on one score


@dataclass(frozen=True)
class Variant:
    """A rule of scaling, met by entries of the given standard deviation."""

    name: str
    rule: ScoreRule
    entry_sd: float = 1.0

    def factor(self, d_k: int) -> float:
        """What multiplies the dot products of entries of size 1, or nan where that is no constant."""
        return self.entry_sd**2 * self.rule.factor(d_k) if isinstance(self.rule, FactorRule) else math.nan

    def variance(self, d_k: int) -> float:
        """Var(score), exact for independent normal entries; a normalised rule does not see how large they are."""
        return self.entry_sd**4 * self.rule.variance(d_k) if isinstance(self.rule, FactorRule) else 1.0


@dataclass(frozen=True)
class HeadCell:
    """Tiles of queries and keys of one head, with the settings of its variants."""

    d_k: int
    n_tiles: int
    n_queries: int
    n_keys: int
    n_heads: int
    entry_sd: float
    cold: float
    hot: float

    @property
    def d_v(self) -> tuple[int, ...]:
        """Dimensions of the values: half the keys' own, the same, and twice as many."""
        return tuple(dict.fromkeys((max(1, self.d_k // 2), self.d_k, 2 * self.d_k)))

    @property
    def variants(self) -> tuple[Variant, ...]:
        """Every rule, in the order of the frame."""
        return (
            Variant("raw", RAW),
            Variant("scaled", SCALED),
            Variant("split", SplitRule("split")),
            Variant("inverse", PowerRule("inverse", 1.0)),
            Variant("model", ModelRule("model", self.n_heads)),
            Variant("cold", TemperatureRule("cold", self.cold)),
            Variant("hot", TemperatureRule("hot", self.hot)),
            Variant("wide", SCALED, self.entry_sd),
            Variant("normalised", NormalisedRule("normalised")),
            Variant("wide-normalised", NormalisedRule("normalised"), self.entry_sd),
        )

    def draws(self, rng: np.random.Generator) -> Iterator[tuple[Values, Values, Values]]:
        """q (tiles, n_queries, d_k), k (tiles, n_keys, d_k) and v (tiles, n_keys, largest d_v), a few tiles at once."""
        law, rows = Gaussian(), self.n_queries + 3 * self.n_keys
        together = max(1, CHUNK // max(rows * self.d_k, self.n_queries * self.n_keys))
        for first in range(0, self.n_tiles, together):
            count = min(together, self.n_tiles - first)
            yield (
                law.sample(rng, (count, self.n_queries, self.d_k)),
                law.sample(rng, (count, self.n_keys, self.d_k)),
                law.sample(rng, (count, self.n_keys, self.d_v[-1])),
            )


@dataclass(frozen=True)
class Observed:
    """Block values of a cell, taken apart."""

    cell: HeadCell
    blocks: Values  # (n_blocks, n_variants · n_quantities + n_outputs · n_d_v + 1)

    @property
    def table(self) -> Values:
        """(n_blocks, n_variants, n_quantities)."""
        return self.blocks[:, : -1 - len(OUTPUTS) * len(self.cell.d_v)].reshape(
            len(self.blocks), len(self.cell.variants), len(QUANTITIES)
        )

    @property
    def outputs(self) -> Values:
        """(n_blocks, n_outputs, n_d_v): mean square of an entry of the output."""
        n_d_v = len(self.cell.d_v)
        return self.blocks[:, -1 - len(OUTPUTS) * n_d_v : -1].reshape(len(self.blocks), len(OUTPUTS), n_d_v)

    @property
    def rounding(self) -> Values:
        """(n_blocks,): the largest difference between split and scaled scores, in units of rounding."""
        return self.blocks[:, -1]

    def of(self, variant: str, quantity: str) -> Values:
        """(n_blocks,): one quantity of one variant."""
        names = [v.name for v in self.cell.variants]
        return self.table[:, names.index(variant), QUANTITIES.index(quantity)]


class OneHead(Experiment[HeadCell]):
    """Scores, weights and outputs of one head with independent standard normal q, k and v, under each variant."""

    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column(
            "what enters the softmax: raw q·k; scaled q·k/√d_k; split (q d_k^(-1/4))·(k d_k^(-1/4)); inverse q·k/d_k; "
            "model q·k/√(n_heads d_k); cold and hot: scaled, divided by a temperature below and above 1; wide: scaled, "
            "with entries of q and k of standard deviation entry_sd; normalised: √d_k times the cosine; "
            "wide-normalised: the same of the wide entries",
            "name",
        ),
        "entry_sd": Column("standard deviation of the entries of q and k"),
        "d_v": Column("entries of each value; empty where no value enters", "count"),
        "quantity": Column(
            "mean and variance of the scores; normalised_entropy = entropy / ln n_keys and sum_p2 Σp² of the weights, "
            "means over rows; output_variance: mean square of an entry of Σ p_j v_j",
            "name",
        ),
        **{name: column for name, column in ESTIMATE_COLUMNS.items() if name != "quantity"},
    }

    d_k: Annotated[int, Field(ge=1, le=2**14)]
    n_keys: Annotated[int, Field(ge=2, le=2**16)]
    n_heads: Annotated[int, Field(ge=1, le=2**10)]
    entry_sd: Annotated[float, Field(ge=1.1, le=10)]
    cold: Annotated[float, Field(ge=0.05, le=0.9)]
    hot: Annotated[float, Field(ge=1.1, le=20)]
    margin: Margin

    def cells(self) -> Sequence[HeadCell]:
        """One cell, with scores for the margin on a variance and rows for the same margin on a normalised entropy."""
        wanted = self.n_blocks * (self.margin / STANDARD_ERRORS_PER_MARGIN) ** 2
        n_queries = min(self.n_keys, MOST_QUERIES)
        tile = Tiles(1, n_queries, self.n_keys)
        rows = SHARED_KEYS * ROW_SD**2 / (math.log(self.n_keys) * wanted)
        n_tiles = max(
            variance_of_mean_square(self.d_k, tile) / wanted, rows / n_queries, FEWEST / (n_queries * self.n_keys)
        )
        settings = (self.n_heads, self.entry_sd, self.cold, self.hot)
        return [HeadCell(self.d_k, math.ceil(n_tiles), n_queries, self.n_keys, *settings)]

    def size(self, cell: HeadCell) -> BlockSize:
        """Q, K and V of every tile are drawn, and every score is worked on; those of one tile are held, and copies."""
        entries, scores = float(cell.n_queries + cell.n_keys) * cell.d_k, float(cell.n_queries) * cell.n_keys
        values = float(cell.n_keys) * cell.d_v[-1]
        return BlockSize(cell.n_tiles * (entries + values + SCORE_WORK * scores), 2.0 * entries + values + 8.0 * scores)

    def measure(self, cell: HeadCell, rng: np.random.Generator) -> Values:
        """(n_variants · n_quantities + n_outputs · n_d_v + 1,): see `Observed`, which takes it apart."""
        variants = cell.variants
        moments, sums = [EMPTY] * len(variants), np.zeros((len(variants), 2))
        squares, rounding = np.zeros((len(OUTPUTS), len(cell.d_v))), 0.0
        for q, k, v in cell.draws(rng):
            for i, variant in enumerate(variants):
                scores = variant.rule.scores(variant.entry_sd * q, variant.entry_sd * k)
                row = row_observables(scores.reshape(-1, cell.n_keys))
                moments[i] += Moments.of(scores)
                sums[i] += row.entropy.sum() / np.log(cell.n_keys), row.sum_p2.sum()
            for i, rule in enumerate(OUTPUTS):
                output = np.square(special.softmax(rule.scores(q, k), axis=-1) @ v)  # (tiles, n_queries, largest d_v)
                squares[i] += [output[..., :d_v].mean(axis=-1).sum() for d_v in cell.d_v]
            rounding = max(rounding, _rounding(q, k))
        n_rows = cell.n_tiles * cell.n_queries
        table = [[m.mean, m.sample_variance, *s / n_rows] for m, s in zip(moments, sums, strict=True)]
        return np.concatenate([np.ravel(table), squares.ravel() / n_rows, [rounding]])

    def frame(self, observed: Mapping[HeadCell, Values]) -> pd.DataFrame:
        """One row per variant and quantity, then the outputs by rule and d_v; predictions are exact."""
        ((cell, blocks),) = observed.items()
        seen, law = Observed(cell, blocks), law_of(cell)
        shape = {"d_k": cell.d_k, "n_keys": cell.n_keys}
        rows = []
        for i, variant in enumerate(cell.variants):
            index = {**shape, "rule": variant.name, "entry_sd": variant.entry_sd, "d_v": np.nan}
            for j, quantity in enumerate(QUANTITIES):
                rows.append(estimate_row(index, quantity, seen.table[:, i, j], law[i, j]))
        for i, rule in enumerate(OUTPUTS):
            for j, d_v in enumerate(cell.d_v):
                index = {**shape, "rule": rule.name, "entry_sd": 1.0, "d_v": float(d_v)}
                rows.append(estimate_row(index, "output_variance", seen.outputs[:, i, j], law[i, -1]))
        return pd.DataFrame(rows)


def law_of(cell: HeadCell) -> Values:
    """(n_variants, n_quantities): exact expectations, nan where none is known."""
    factors = np.array([variant.factor(cell.d_k) for variant in cell.variants])
    is_known = np.isfinite(factors)
    rows = np.full((len(factors), 2), np.nan)
    exact = attention_law(cell.d_k, cell.n_keys, factors[is_known])
    rows[is_known] = np.column_stack([exact.entropy / np.log(cell.n_keys), exact.sum_p2])
    return np.column_stack([np.zeros(len(factors)), [v.variance(cell.d_k) for v in cell.variants], rows])


def _rounding(q: Values, k: Values) -> float:
    """The largest difference between split and scaled scores, in units of rounding: ε Σ_i |q_i k_i| / √d_k."""
    unit = np.finfo(np.float64).eps * SCALED.scores(np.abs(q), np.abs(k))
    difference = np.abs(SplitRule("split").scores(q, k) - SCALED.scores(q, k))
    return float((difference / unit).max())
