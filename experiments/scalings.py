"""What rules of scaling are claimed to keep, over d_k and over numbers of keys, and what the exact law says of them."""

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import ClassVar

import numpy as np

from experiments.claims import Claim
from experiments.experiment import Values
from experiments.rule_sweeps import MISSING, OWN, SUM_P2, SUM_P2_MARGINS, RulesCell
from experiments.rule_table import FLAT_FROM, KEPT, LEAST_MISSING, Change, RuleTable, Sweep, laws_of
from scaling.rules import LinearRule, PowerRule
from scaling.shape_rules import ShiftedRule, SigmoidRule

GROUP = "other rules"
LAW = "Exact: softmax of normal scores, averaged over the length of the query"
MEASURED = "Measured here, for independent standard normal entries"
ROUNDING_UNITS = 8.0  # a few roundings of each score and weight
FIRM = 2.0  # how far on its side of KEPT an expected change must be, as a factor, for a claim to be made of it
WORDS = {
    "missing_entropy": (r"$\ln n - H$", "the entropy that is missing to even weights"),
    "missing_share": (r"$(\ln n - H)/\ln n$", "the share of the largest entropy that is missing"),
}
TELLING = (  # along what a quantity may be kept, and whether it is also claimed who does not keep it
    ("d_k", "missing_entropy", True),
    ("n_keys", "missing_entropy", True),
    ("n_keys", "missing_share", False),
)


class Scalings(RuleTable):
    """What each rule does to the same queries and keys."""

    name: ClassVar[str] = "scalings"

    def claims(self, observed: Mapping[RulesCell, Values]) -> list[Claim]:
        """The powers of d_k; every linear rule against its law; what is kept; what two rules alone do."""
        sample = f"{max(cell.n_tiles * cell.n_queries for cell in observed)} rows"
        claims = [
            *self._slope_claims(observed, sample),
            *self._law_claims(observed, sample),
            *self._change_claims(self.changes(observed), sample),
            *self._power_claims(observed, sample),
        ]
        for i, rule in enumerate(self.named_rules):
            if isinstance(rule, SigmoidRule):
                claims.append(self._total_claim(rule, i, observed, sample))
            elif isinstance(rule, ShiftedRule):
                claims.append(_shift_claim(rule, i, observed, sample))
        return claims

    def _slope_claims(self, observed: Mapping[RulesCell, Values], sample: str) -> list[Claim]:
        if len(self.d_k) < 2:
            return []
        step = min((b - a for a, b in pairwise(self.alpha)), default=0.5)
        margin = 2 * step * self.margin
        return [
            Claim(
                id="slopes-of-powers",
                group=GROUP,
                label=r"slope of $\ln \operatorname{Var}(q \cdot k / d_k^{\alpha})$ on $\ln d_k$, less $1 - 2 \alpha$",
                statement=r"Divided by $d_k^{\alpha}$, scores have a variance that grows like $d_k$ to the power "
                r"$1 - 2 \alpha$.",
                source=r"Exact: $\operatorname{Var} = d_k^{1 - 2 \alpha}$",
                prediction=0.0,
                margin=margin,
                reason=f"{100 * self.margin:g} % of the {2 * step:g} by which the slopes of neighbouring powers differ",
                evidence=self.slopes(observed) - (1 - 2 * np.array(self.alpha)),
                sample=sample,
                places=tuple(rf"$\alpha = {alpha:g}$" for alpha in self.alpha),
            )
        ]

    def _law_claims(self, observed: Mapping[RulesCell, Values], sample: str) -> list[Claim]:
        """The missing entropy and Σp² of every linear rule in every cell, against the one law of them all."""
        missing = (r"$(\ln n - H)$", "missing-entropy", "entropy that is missing to even weights", MISSING, 1.0)
        squares = (r"$\sum p^2$", "sum-p2", "sum of squared weights", SUM_P2, SUM_P2_MARGINS)
        claims = []
        for symbol, name, words, j, margins in (missing, squares):
            margin = margins * self.margin
            reason = (
                f"it goes as the square of the scores’ size, which is then off by {50 * margin:g} %"
                if j == MISSING
                else f"{100 * margin:g} % of the keys that stay effective, $1 / \\sum p^2$"
            )
            evidence, places = self._against_law(observed, j)
            if places:
                claims.append(
                    Claim(
                        id=f"law-of-linear-rules-{name}",
                        group=GROUP,
                        label=f"{symbol} over its law, less 1: rules that multiply",
                        statement=f"Under every rule that multiplies dot products by a number, the {words} is what "
                        "the exact law says for that number.",
                        source=LAW,
                        prediction=0.0,
                        margin=margin,
                        reason=reason,
                        evidence=np.stack(evidence, axis=1),
                        sample=sample,
                        places=places,
                    )
                )
        return claims

    def _against_law(self, observed: Mapping[RulesCell, Values], j: int) -> tuple[list[Values], tuple[str, ...]]:
        """Relative deviations (n_blocks,) from the law, and the places; Σp² from d_k = 16, below which it scatters."""
        evidence, places = [], []
        for cell, law in laws_of(tuple(observed)).exact.items():
            for i, rule in enumerate(self.named_rules):
                is_told = np.isfinite(law[i, j]) and law[i, MISSING] >= LEAST_MISSING
                if isinstance(rule, LinearRule) and is_told and (j == MISSING or cell.d_k >= FLAT_FROM):
                    evidence.append(observed[cell][:, i, j] / law[i, j] - 1)
                    places.append(f"{rule.name}, {_place(cell)}")
        return evidence, tuple(places)

    def _change_claims(self, changes: Sequence[Change], sample: str) -> list[Claim]:
        """What is kept and what is not, where it can be foreseen: not for a sigmoid over n, which decides its bias."""
        claims = []
        for along, quantity, is_whole in TELLING:
            some = [
                change
                for change in changes
                if (change.sweep.along, change.quantity) == (along, quantity)
                and not (along == "n_keys" and isinstance(change.rule, SigmoidRule))
            ]
            kept = [change for change in some if abs(change.foreseen) < KEPT / FIRM]
            lost = [change for change in some if abs(change.foreseen) > KEPT * FIRM] if is_whole else []
            if kept:
                claims.append(_kept_claim(kept, sample))
            if lost:
                claims.append(_lost_claim(lost, [change.rule.name for change in lost], sample))
        return claims

    def _power_claims(self, observed: Mapping[RulesCell, Values], sample: str) -> list[Claim]:
        """Every power but 1/2 changes what is missing."""
        lost = [change for change in self.power_changes(observed) if abs(change.foreseen) > KEPT * FIRM]
        places = [rf"$\alpha = {change.rule.alpha:g}$" for change in lost if isinstance(change.rule, PowerRule)]
        return [_lost_claim(lost, places, sample, "powers")] if lost else []

    def _total_claim(self, rule: SigmoidRule, i: int, observed: Mapping[RulesCell, Values], sample: str) -> Claim:
        """The weights of a sigmoid need not sum to 1."""
        ratios = [values[:, i, OWN] / rule.total(cell.d_k, cell.n_keys) for cell, values in observed.items()]
        return Claim(
            id=f"total-weight-of-{rule.name}",
            group=GROUP,
            label=f"{rule.name}: total weight over its law, less 1",
            statement="The weights of sigmoid attention sum to what one integral over a score says, which is not 1.",
            source=r"Exact: $n$ times the mean of $\sigma(s + b)$ over the law of a scaled score $s$",
            prediction=0.0,
            margin=self.margin,
            reason=f"{100 * self.margin:g} % of the size of an output",
            evidence=np.stack(ratios, axis=1) - 1,
            sample=sample,
            places=tuple(map(_place, observed)),
        )


def _kept_claim(changes: Sequence[Change], sample: str) -> Claim:
    symbol, words = WORDS[changes[0].quantity]
    sweep = changes[0].sweep
    return Claim(
        id=f"rules-that-keep-{changes[0].quantity}-over-{sweep.along}".replace("_", "-"),
        group=GROUP,
        label=f"relative change of {symbol}, {_between(sweep)}: rules that keep it",
        statement=f"Some rules keep {words}, {_between(sweep)}.",
        source=MEASURED,
        prediction=0.0,
        margin=KEPT,
        reason=_exponent(sweep),
        evidence=np.stack([change.blocks for change in changes], axis=1),
        sample=sample,
        places=tuple(change.rule.name for change in changes),
    )


def _lost_claim(changes: Sequence[Change], places: Sequence[str], sample: str, who: str = "rules") -> Claim:
    symbol, words = WORDS[changes[0].quantity]
    sweep = changes[0].sweep
    return Claim(
        id=f"{who}-that-lose-{changes[0].quantity}-over-{sweep.along}".replace("_", "-"),
        group=GROUP,
        label=f"relative change of {symbol} as foreseen, {_between(sweep)}: {who} that do not keep it",
        statement=f"Others do not keep {words}, {_between(sweep)}.",
        source=MEASURED,
        side="at least",
        prediction=KEPT,
        margin=KEPT,
        reason=_exponent(sweep),
        evidence=np.stack([math.copysign(1, change.foreseen) * change.blocks for change in changes], axis=1),
        sample=sample,
        places=tuple(places),
    )


def _shift_claim(rule: ShiftedRule, i: int, observed: Mapping[RulesCell, Values], sample: str) -> Claim:
    return Claim(
        id=f"no-change-by-{rule.name}",
        group=GROUP,
        label=f"{rule.name}: change of any weight, in roundings",
        statement=r"Subtracting $s \ln n$ from every score of a row changes no weight, but for rounding.",
        source="Exact in real arithmetic: a softmax sees differences only",
        side="at most",
        prediction=ROUNDING_UNITS,
        margin=ROUNDING_UNITS,
        reason=r"in units of $2^{-52} (\max |z| / \sqrt{d_k} + s \ln n)$, a few of which any order of operations costs",
        evidence=np.stack([values[:, i, OWN] for values in observed.values()], axis=1),
        sample=sample,
        places=tuple(map(_place, observed)),
    )


def _place(cell: RulesCell) -> str:
    return f"$d_k = {cell.d_k}$, $n = {cell.n_keys}$"


def _between(sweep: Sweep) -> str:
    """The ends of the sweep."""
    symbol = "d_k" if sweep.along == "d_k" else "n"
    return f"${symbol} = {getattr(sweep.first, sweep.along)}$ to {getattr(sweep.last, sweep.along)}"


def _exponent(sweep: Sweep) -> str:
    """What the limit of a change means as a power law."""
    span = getattr(sweep.last, sweep.along) / getattr(sweep.first, sweep.along)
    return f"over a span of {span:g} a change by {100 * KEPT:g} % is that of a power law with exponent " + (
        f"{math.log1p(KEPT) / math.log(span):.2g}"
    )
