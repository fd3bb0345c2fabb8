"""The table of all rules: what each was measured to do, what the exact law says, and what it keeps along each sweep."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np
import pandas as pd

from experiments.experiment import ESTIMATE_COLUMNS, Column, Values, estimate_row
from experiments.rule_sweeps import MISSING, OWN, QUANTITIES, VARIANCE, RulesCell, RuleSweeps
from scaling.attention_law import attention_law
from scaling.normalised_rules import LayerNormRule, QKNormRule
from scaling.rules import RAW, SCALED, FactorRule, LinearRule, NormalisedRule, ProductRule, ScoreRule
from scaling.shape_rules import SigmoidRule
from scaling.softmax_law import SIGMA_RANGE

FLAT_FROM = 16  # of d_k: below it the length of q still varies enough to move even scaled entropies
MANY_FROM = 64  # of keys: below it even scaled rows are missing less entropy than the 1/2 of many keys
KEPT = 0.2  # of a quantity's first value: a larger change along a sweep is not called keeping it
LEAST_MISSING = 1e-4  # nats: what is missing of less is too near to rounding for its change to be told
OF_A_SWEEP = {  # by what they are called in the frame; functions of ln n and a cell's values (..., n_quantities)
    "d_k": ("variance", "missing_entropy"),
    "n_keys": ("variance", "missing_entropy", "missing_share", "entropy", "sum_p2", "max_weight"),
}


class Sweep(NamedTuple):
    """The ends of a sweep along which changes are told."""

    along: str
    first: RulesCell
    last: RulesCell


@dataclass(frozen=True)
class Change:
    """A quantity's relative change under one rule from one end of a sweep to the other."""

    sweep: Sweep
    rule: ScoreRule
    quantity: str
    blocks: Values  # (n_blocks,)
    exact: float  # by the exact law, or nan
    foreseen: float  # the same, or what the law says of normal scores of about the rule's variance


def family(rule: ScoreRule) -> str:
    """What kind of rule it is: raw, scaled, or by what decides on its scores."""
    if rule in (RAW, SCALED):
        return rule.name
    if isinstance(rule, FactorRule):
        return "factor"
    if isinstance(rule, LinearRule):
        return "length"
    return "shape" if isinstance(rule, ProductRule) else "normalised"


def value_of(quantity: str, values: Values, n_keys: int) -> Values:
    """One quantity of a cell's values (..., n_quantities)."""
    if quantity == "entropy":
        return math.log(n_keys) - values[..., MISSING]
    if quantity == "missing_share":
        return values[..., MISSING] / math.log(n_keys)
    return values[..., QUANTITIES.index(quantity)]


class RuleTable(RuleSweeps):
    """The frame of a run under every rule."""

    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k; of a change or a slope, at its end", "count"),
        "n_keys": Column("keys in each row; of a change, at its end", "count"),
        "rule": Column("raw q·k; scaled q·k/√d_k; power q·k/d_k^alpha; others as the preset names them", "name"),
        "family": Column(
            "what the rule does: raw, scaled; factor: a number that d_k decides; length: one that the number of keys "
            "decides as well; normalised: q and k are normalised; shape: another function of q·k",
            "name",
        ),
        "alpha": Column("the exponent of a power rule; else empty"),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "variance of what enters the softmax; missing_entropy ln n_keys - H (nats), sum_p2 Σp² and max_weight of "
            "the weights over their sum, means over rows; total_weight: their sum, where it is not 1; variance_slope: "
            "of ln variance on ln d_k; ..._over_d_k from d_k = 16 and ..._over_n_keys from 64 keys: relative change to "
            "the end of the sweep, also of the entropy H and of missing_share, (ln n_keys - H) / ln n_keys",
            "name",
        ),
    }

    def frame(self, observed: Mapping[RulesCell, Values]) -> pd.DataFrame:
        """One row per cell, rule and quantity; then the power rules; then changes along both sweeps."""
        rows, rules, laws = [], self.named_rules, laws_of(tuple(observed)).exact
        for cell, blocks in observed.items():
            law = laws[cell]
            for i, rule in enumerate(rules):
                index = self._index(cell, rule)
                rows += [estimate_row(index, QUANTITIES[j], blocks[:, i, j], law[i, j]) for j in range(OWN)]
                if isinstance(rule, SigmoidRule):
                    total = rule.total(cell.d_k, cell.n_keys)
                    rows.append(estimate_row(index, "total_weight", blocks[:, i, OWN], total))
            for i, alpha in enumerate(cell.alpha, len(rules)):
                index = {**self._index(cell, cell.all_rules[i]), "alpha": alpha}
                rows.append(estimate_row(index, "missing_entropy", blocks[:, i, MISSING], law[i, MISSING]))
        rows += self._slope_rows(observed)
        for change in self.changes(observed):
            index = self._index(change.sweep.last, change.rule)
            name = f"{change.quantity}_over_{change.sweep.along}"
            rows.append(estimate_row(index, name, change.blocks, change.exact))
        return pd.DataFrame(rows)

    def _slope_rows(self, observed: Mapping[RulesCell, Values]) -> Iterator[dict[str, object]]:
        if len(self.d_k) > 1:
            last = self.along_d_k(observed)[-1]
            for alpha, blocks in zip(self.alpha, self.slopes(observed).T, strict=True):
                index = {**self._index(last, last.all_rules[-1]), "alpha": alpha}
                yield estimate_row(index, "variance_slope", blocks, 1 - 2 * alpha)

    @staticmethod
    def _index(cell: RulesCell, rule: ScoreRule) -> dict[str, object]:
        kind = "factor" if rule in cell.all_rules[-len(cell.alpha) :] and cell.alpha else family(rule)
        return {"d_k": cell.d_k, "n_keys": cell.n_keys, "rule": rule.name, "family": kind, "alpha": np.nan}

    def along_d_k(self, observed: Mapping[RulesCell, Values]) -> list[RulesCell]:
        """The cells of the sweep over d_k."""
        return sorted((cell for cell in observed if cell.alpha), key=lambda cell: cell.d_k)

    def slopes(self, observed: Mapping[RulesCell, Values]) -> Values:
        """(n_blocks, n_alpha): least-squares slopes of ln Var(score) on ln d_k."""
        cells = self.along_d_k(observed)
        x = np.log([cell.d_k for cell in cells])
        x -= x.mean()
        first = len(self.named_rules)
        variances = np.stack([observed[cell][:, first:, VARIANCE] for cell in cells])  # (n_d_k, n_blocks, n_alpha)
        slopes: Values = np.tensordot(x, np.log(variances), axes=1) / (x @ x)
        return slopes

    def sweeps(self, observed: Mapping[RulesCell, Values]) -> list[Sweep]:
        """The ends of each sweep that is long enough to have two, from FLAT_FROM and MANY_FROM on."""
        by_place = {(cell.d_k, cell.n_keys): cell for cell in observed}
        along = {
            "d_k": [by_place[d_k, self.at_n_keys] for d_k in self.d_k if d_k >= FLAT_FROM],
            "n_keys": [by_place[self.at_d_k, n_keys] for n_keys in self.n_keys if n_keys >= MANY_FROM],
        }
        return [Sweep(name, cells[0], cells[-1]) for name, cells in along.items() if len(cells) > 1]

    def changes(self, observed: Mapping[RulesCell, Values]) -> list[Change]:
        """What becomes of each quantity under each named rule along both sweeps."""
        return [
            change
            for sweep in self.sweeps(observed)
            for i in range(len(self.named_rules))
            for quantity in OF_A_SWEEP[sweep.along]
            if (change := change_of(sweep, i, quantity, observed)) is not None
        ]

    def power_changes(self, observed: Mapping[RulesCell, Values]) -> list[Change]:
        """What becomes of the missing entropy under each power rule along the sweep over d_k."""
        return [
            change
            for sweep in self.sweeps(observed)
            for i in range(len(self.named_rules), len(sweep.last.all_rules) if sweep.along == "d_k" else 0)
            if (change := change_of(sweep, i, "missing_entropy", observed)) is not None
        ]


def change_of(sweep: Sweep, i: int, quantity: str, observed: Mapping[RulesCell, Values]) -> Change | None:
    """A quantity's change under rule number i; None where the weights are too even for it."""
    ends, laws = (sweep.first, sweep.last), laws_of(tuple(observed))
    if quantity != "variance" and min(observed[cell][:, i, MISSING].mean() for cell in ends) < LEAST_MISSING:
        return None
    first, last = (value_of(quantity, observed[cell][:, i], cell.n_keys) for cell in ends)
    relative = [
        float(value_of(quantity, law[sweep.last][i], sweep.last.n_keys))
        / float(value_of(quantity, law[sweep.first][i], sweep.first.n_keys))
        - 1
        for law in laws
    ]
    ratio = last.mean() / first.mean()
    blocks = ratio - 1 + (last - ratio * first) / first.mean()  # of a ratio of means, to first order
    return Change(sweep, sweep.first.all_rules[i], quantity, blocks, *relative)


class Laws(NamedTuple):
    """(n_rules, n_quantities) of each cell: means that are exact for normal entries, and such as can be foreseen."""

    exact: Mapping[RulesCell, Values]  # nan where none is known
    foreseen: Mapping[RulesCell, Values]  # those of a number that leaves a variance like the rule's


@lru_cache(maxsize=8)
def laws_of(cells: tuple[RulesCell, ...]) -> Laws:
    """The laws of all cells, together for those with the same number of keys: they then take little longer than one."""
    foreseen: dict[RulesCell, Values] = {}
    for n_keys in dict.fromkeys(cell.n_keys for cell in cells):
        some = [cell for cell in cells if cell.n_keys == n_keys]
        points = {cell: [(cell.d_k, _factor_like(rule, cell)) for rule in cell.all_rules] for cell in some}
        known = sorted({point for of_cell in points.values() for point in of_cell if _has_law(*point)})
        d_k, factors = (np.array(values) for values in zip(*known, strict=True))
        law = attention_law(d_k, n_keys, factors)
        missing = math.log(n_keys) - law.entropy
        values = np.stack([d_k * factors**2, missing, law.sum_p2, law.max_weight, np.full(len(known), np.nan)], axis=1)
        nothing = np.full(len(QUANTITIES), np.nan)
        row = dict(zip(known, values, strict=True))
        foreseen |= {cell: np.stack([row.get(point, nothing) for point in points[cell]]) for cell in some}
    exact = {}
    for cell in cells:
        exact[cell] = foreseen[cell].copy()
        for i, rule in enumerate(cell.all_rules):
            if not isinstance(rule, LinearRule):
                exact[cell][i, 0 if isinstance(rule, ProductRule) else MISSING :] = np.nan
    return Laws(exact, foreseen)


def _factor_like(rule: ScoreRule, cell: RulesCell) -> float:
    """The rule's number, or for another rule one that leaves about the same variance."""
    if isinstance(rule, LinearRule):
        return rule.factor_at(cell.d_k, cell.n_keys)
    if isinstance(rule, NormalisedRule | QKNormRule | LayerNormRule):
        return float((rule.variance(cell.d_k) / cell.d_k) ** 0.5)
    return SCALED.factor(cell.d_k)


def _has_law(d_k: int, factor: float) -> bool:
    """Whether the law is computed for scores of that size."""
    low, high = SIGMA_RANGE
    return bool(1.01 * low < factor * d_k**0.5 < 0.99 * high)
