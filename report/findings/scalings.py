"""What the sentences and the table of the further rules state, computed from the results of the run."""

import math
from dataclasses import dataclass

import pandas as pd

from experiments.rule_table import FLAT_FROM, KEPT, MANY_FROM
from experiments.runner import Results
from report.figures.rule_sweeps import over_d_k, over_n_keys
from report.figures.rule_words import WORDS
from report.wording import listing
from scaling.length_rules import LogRule, ScalableRule
from scaling.rule_names import SCORE_RULES
from scaling.rules import ScoreRule

KEPT_WORDS = {  # along a sweep, for the table: a change of what is missing is one of what is left
    "d_k": {"variance": "variance", "missing_entropy": "entropy"},
    "n_keys": {
        "variance": "variance",
        "missing_entropy": "share of effective keys",
        "missing_share": "entropy / $\\ln n$",
        "entropy": "entropy",
        "sum_p2": "$\\sum p^2$",
        "max_weight": "largest weight",
    },
}
MOST_NATS = 700.0  # of the logarithm of a number that is still a float


@dataclass(frozen=True)
class Kept:
    """Which quantities a rule keeps along a sweep, as 95 % intervals tell."""

    kept: tuple[str, ...]  # words
    open: tuple[str, ...]  # of which the intervals cannot tell

    @property
    def words(self) -> str:
        """For a table."""
        told = listing(self.kept) if self.kept else "nothing"
        return f"{told} (perhaps {listing(self.open)})" if self.open else told


@dataclass(frozen=True)
class RuleLine:
    """One rule: what it is, and what was measured of it."""

    name: str
    words: str
    formula: str  # LaTeX
    source: str
    missing: float  # ln n - H in nats, at one place for all rules
    over_d_k: Kept | None  # None where there is no such sweep
    over_n_keys: Kept | None
    rule: ScoreRule

    @property
    def freezes_at(self) -> float:
        """The number of keys at which a factor in proportion to ln n is √(2 ln n), where normal scores freeze."""
        if isinstance(self.rule, ScalableRule):
            return math.exp(min(2 / self.rule.s**2, MOST_NATS))
        if isinstance(self.rule, LogRule) and self.rule.power == 1:
            return math.exp(min(2 * math.log(self.rule.length) ** 2, MOST_NATS))
        raise ValueError(f"RuleLine.freezes_at: {self.name} is no factor in proportion to ln n")


@dataclass(frozen=True)
class Ends:
    """The ends of the sweep along which changes are told, and those of all."""

    first: int
    last: int


@dataclass(frozen=True)
class Rules:
    """Everything that the chapter states."""

    lines: dict[str, RuleLine]  # by name, in the preset's order
    d_k: int  # of the column of missing entropies
    n_keys: int
    limit: float  # largest relative change that counts as keeping
    over_d_k: Ends | None
    over_n_keys: Ends | None
    at_d_k: int  # of the sweep over keys
    totals: dict[str, tuple[float, float]]  # of sigmoid rules: total weight over the fewest and the most keys
    n_known: int  # rules that a preset may name
    limit_of_totals: float  # E[e^s] of a standard normal score, what a sigmoid's weights sum to in the end

    def of(self, kind: str) -> list[RuleLine]:
        """The rules of a class, by its name."""
        return [line for line in self.lines.values() if type(line.rule).__name__ == kind]


def rules(results: Results) -> Rules:
    """All of it, from the frame and the preset."""
    frame, settings = results.frames["scalings"], results.preset.scalings
    d_k = min(settings.d_k, key=lambda d_k: abs(math.log(d_k / settings.at_d_k)))
    missing = over_d_k(frame, "missing_entropy")
    place = missing[missing["d_k"] == d_k].set_index("rule")["estimate"]
    lines = {
        rule.name: RuleLine(
            name=rule.name,
            words=WORDS.get(rule.name, rule.name),
            formula=rule.formula,
            source=rule.source,
            missing=float(place[rule.name]),
            over_d_k=_kept(frame, rule.name, "d_k"),
            over_n_keys=_kept(frame, rule.name, "n_keys"),
            rule=rule,
        )
        for rule in settings.named_rules
    }
    return Rules(
        lines=lines,
        d_k=d_k,
        n_keys=settings.at_n_keys,
        limit=KEPT,
        over_d_k=_ends(settings.d_k, FLAT_FROM),
        over_n_keys=_ends(settings.n_keys, MANY_FROM),
        at_d_k=settings.at_d_k,
        totals=_totals(frame),
        n_known=len(SCORE_RULES),
        limit_of_totals=math.exp(1 / 2),
    )


def _kept(frame: pd.DataFrame, rule: str, along: str) -> Kept | None:
    rows = frame[(frame["rule"] == rule) & frame["quantity"].str.endswith(f"_over_{along}")]
    if rows.empty:
        return None
    inside = (rows["low"] >= -KEPT) & (rows["high"] <= KEPT)
    outside = (rows["low"] > KEPT) | (rows["high"] < -KEPT)
    names = rows["quantity"].str.removesuffix(f"_over_{along}").map(KEPT_WORDS[along])
    return Kept(tuple(names[inside]), tuple(names[~inside & ~outside]))


def _ends(grid: list[int], least: int) -> Ends | None:
    reached = [value for value in grid if value >= least]
    return Ends(reached[0], reached[-1]) if len(reached) > 1 else None


def _totals(frame: pd.DataFrame) -> dict[str, tuple[float, float]]:
    rows = over_n_keys(frame, "total_weight") if (frame["quantity"] == "total_weight").any() else frame.head(0)
    return {
        str(rule): (float(its["estimate"].iloc[0]), float(its["estimate"].iloc[-1]))
        for rule, its in rows.groupby("rule")
    }
