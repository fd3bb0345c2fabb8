"""Rules of scaling on identical draws, over d_k at one number of keys and over numbers of keys at one d_k."""

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, Field
from scipy import special

from experiments.claims import STANDARD_ERRORS_PER_MARGIN
from experiments.experiment import BlockSize, Experiment, Margin, Values, increasing
from scaling.entries import Gaussian
from scaling.rule_names import score_rule
from scaling.rules import RAW, SCALED, LinearRule, PowerRule, ProductRule, ScoreRule
from scaling.sampling import CHUNK
from scaling.saturation import RowObservables, row_observables
from scaling.shape_rules import ShiftedRule, SigmoidRule

# Of each rule's rows; the last is what one kind of rule alone has: a sigmoid's total weight, and how far a shift of all
# scores moves a weight, in units of rounding.
QUANTITIES = ("variance", "missing_entropy", "sum_p2", "max_weight", "own")
VARIANCE, MISSING, SUM_P2, MAX_WEIGHT, OWN = range(len(QUANTITIES))
MOST_QUERIES, FEWEST_TILES = 64, 2  # of a tile and of a block
# Relative standard deviation of a row's missing entropy and of its Σp², with room for rows that share keys: bounds on
# what was measured for the rules of the presets, from 16 to 4096 keys.
MISSING_SD, OF_D_K, OF_N_KEYS, SUM_P2_SD = 0.36, 1.9, 2.0, 2.0
SUM_P2_MARGINS = 4.0  # a claim on Σp² has so many times the margin of one on the missing entropy
SCORE_WORK = 60  # draws that take as long as all rules' work on one score

Floats = NDArray[np.float32]


def _known_rule(line: dict[str, Any]) -> dict[str, Any]:
    score_rule(line)
    return line


Line = Annotated[dict[str, Any], AfterValidator(_known_rule)]  # of a preset: the rule's name and its parameters


def _told_apart(lines: list[Line]) -> list[Line]:
    """The lines, each with a name of its own; ValueError for the first that has not."""
    names = [RAW.name, SCALED.name]
    for line in lines:
        name = score_rule(line).name
        if name in names:
            raise ValueError(f'rule {name!r} stands twice; give one of them a name of its own, as in name = "other"')
        names.append(name)
    return lines


def _apart(powers: list[float]) -> list[float]:
    if any(b - a < 0.01 for a, b in pairwise(powers)):
        raise ValueError("the values must be at least 0.01 apart")
    return powers


Dimension = Annotated[int, Field(ge=1, le=2**14)]
Keys = Annotated[int, Field(ge=2, le=2**16)]


def shift_in_roundings(rule: ShiftedRule, q: Floats, k: Floats) -> float:
    """How far the shift moves any weight of softmax(q·k / √d_k), in units of 2⁻⁵² (max |score| + s ln n)."""
    scaled = SCALED.scores(q, k)
    unit = np.finfo(np.float64).eps * (np.abs(scaled).max() + rule.s * math.log(len(k)))
    moved = np.abs(special.softmax(rule.scores(q, k), axis=-1) - special.softmax(scaled, axis=-1))
    return float(moved.max() / unit)


@dataclass(frozen=True)
class RulesCell:
    """Tiles of queries and keys, met by every rule; the rules as lines of JSON."""

    d_k: int
    n_keys: int
    n_tiles: int
    n_queries: int
    rules: tuple[str, ...]
    alpha: tuple[float, ...]  # of further power rules; empty where none are asked for

    @property
    def all_rules(self) -> tuple[ScoreRule, ...]:
        """Raw and scaled scores, the preset's rules, and the power rules."""
        return (RAW, SCALED, *map(_rule, self.rules), *(PowerRule("power", alpha) for alpha in self.alpha))

    def draws(self, rng: np.random.Generator) -> Iterator[tuple[Floats, Floats]]:
        """q (tiles, n_queries, d_k) and k (tiles, n_keys, d_k), standard normal, a few tiles at once."""
        law, n_entries = Gaussian(), (self.n_queries + self.n_keys) * self.d_k
        together = max(1, CHUNK // max(n_entries, self.n_queries * self.n_keys))
        for first in range(0, self.n_tiles, together):
            count = min(together, self.n_tiles - first)
            yield (
                law.sample_single(rng, (count, self.n_queries, self.d_k)),
                law.sample_single(rng, (count, self.n_keys, self.d_k)),
            )


@lru_cache(maxsize=1024)
def _rule(line: str) -> ScoreRule:
    return score_rule(json.loads(line))


class RuleSweeps(Experiment[RulesCell]):
    """Scores and weights under every rule, the same queries and keys for all of them."""

    d_k: Annotated[list[Dimension], Field(min_length=1, max_length=16), AfterValidator(increasing)]
    at_n_keys: Keys
    n_keys: Annotated[list[Keys], Field(min_length=1, max_length=16), AfterValidator(increasing)]
    at_d_k: Dimension
    alpha: Annotated[
        list[Annotated[float, Field(ge=0, le=2)]],
        Field(min_length=1, max_length=17),
        AfterValidator(increasing),
        AfterValidator(_apart),
    ]
    rules: Annotated[list[Line], Field(max_length=32), AfterValidator(_told_apart)]
    margin: Margin

    @property
    def named_rules(self) -> tuple[ScoreRule, ...]:
        """Raw and scaled scores, and the preset's rules."""
        return (RAW, SCALED, *map(score_rule, self.rules))

    def cells(self) -> Sequence[RulesCell]:
        """The sweep over d_k, with the power rules, then the rest of the sweep over numbers of keys.

        Rows enough for the margin on a missing entropy, and for a wider one on a Σp² from d_k = 16.
        """
        lines = tuple(json.dumps(line, sort_keys=True) for line in self.rules)
        places = [(d_k, self.at_n_keys, tuple(self.alpha)) for d_k in self.d_k]
        at = [(self.at_d_k, n_keys, ()) for n_keys in self.n_keys]
        places += [place for place in at if place[:2] not in {other[:2] for other in places}]
        cells = []
        for d_k, n_keys, alpha in places:
            missing_sd = math.hypot(MISSING_SD, OF_D_K / d_k**0.5, OF_N_KEYS / n_keys**0.5)
            wanted = max(missing_sd, SUM_P2_SD / SUM_P2_MARGINS) * STANDARD_ERRORS_PER_MARGIN / self.margin
            rows = math.ceil(wanted**2 / self.n_blocks)
            n_queries = min(n_keys, MOST_QUERIES, math.ceil(rows / FEWEST_TILES))
            n_tiles = max(FEWEST_TILES, math.ceil(rows / n_queries))
            cells.append(RulesCell(d_k, n_keys, n_tiles, n_queries, lines, alpha))
        return cells

    def size(self, cell: RulesCell) -> BlockSize:
        """Q and K of every tile are drawn, and every score is worked on; those of a few tiles are held, and copies."""
        entries, scores = float(cell.n_queries + cell.n_keys) * cell.d_k, float(cell.n_queries) * cell.n_keys
        return BlockSize(cell.n_tiles * (entries + SCORE_WORK * scores), max(CHUNK, 3 * entries + 8 * scores))

    def measure(self, cell: RulesCell, rng: np.random.Generator) -> Values:
        """(n_rules, n_quantities): the variance of the block's scores, and means over its rows."""
        rules = cell.all_rules
        factors = np.array([_factor(rule, cell) for rule in rules])
        is_linear = np.isfinite(factors)
        distinct, place = np.unique(factors[is_linear], return_inverse=True)
        spread, rows, own = np.zeros((len(rules), 2)), np.zeros((len(rules), 3)), np.zeros(len(rules))
        for q, k in cell.draws(rng):
            products = (q @ k.transpose(0, 2, 1)).reshape(-1, cell.n_keys)
            spread[is_linear] += factors[is_linear, None] ** [1, 2] * _sums(products)
            rows[is_linear] += _totals(row_observables(products, distinct), cell.n_keys)[place]
            for i in np.flatnonzero(~is_linear).tolist():
                rule = rules[i]
                if isinstance(rule, ProductRule):
                    scores = rule(products, cell.d_k)
                else:
                    scores = _single(rule.scores(q, k), cell.n_keys)
                observables = row_observables(scores)
                spread[i] += _sums(scores)
                rows[i] += _totals(observables, cell.n_keys)[0]
                if isinstance(rule, SigmoidRule):
                    own[i] += np.exp(observables.log_partition).sum()
                elif isinstance(rule, ShiftedRule):
                    own[i] = max(own[i], shift_in_roundings(rule, q[0], k[0]))
        n_rows = cell.n_tiles * cell.n_queries
        n_scores = n_rows * cell.n_keys
        variance = (spread[:, 1] - spread[:, 0] ** 2 / n_scores) / (n_scores - 1)
        own[[isinstance(rule, SigmoidRule) for rule in rules]] /= n_rows
        return np.column_stack([variance, rows / n_rows, own])


def _factor(rule: ScoreRule, cell: RulesCell) -> float:
    """What multiplies every dot product, or nan where that is no constant."""
    return rule.factor_at(cell.d_k, cell.n_keys) if isinstance(rule, LinearRule) else math.nan


def _single(scores: Values, n_keys: int) -> Floats:
    """Scores as rows (n_rows, n_keys) in single precision, in which their exponentials take a third of the time."""
    return scores.reshape(-1, n_keys).astype(np.float32)


def _sums(scores: Floats) -> Values:
    """(2,): Σ s and Σ s² of rows of scores, summed over rows in double precision."""
    return np.array([scores.sum(dtype=np.float64), np.vecdot(scores, scores).sum(dtype=np.float64)])


def _totals(observables: RowObservables, n_keys: int) -> Values:
    """(n_factors, 3): sums over rows of ln n - H, Σp² and max p."""
    missing = math.log(n_keys) - observables.entropy
    return np.stack([x.sum(axis=1) for x in (missing, observables.sum_p2, observables.max_weight)], axis=1)
