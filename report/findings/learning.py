"""What the sentences on learning state, computed from the results of the run."""

from dataclasses import dataclass

import pandas as pd

from experiments.learning_runs import TASK, VARIANTS
from experiments.runner import Results
from report.figures.learning import NAMES, curve, ends, value
from report.figures.learning_rates import best_rates, rates
from report.figures.selection import levels, select
from report.wording import listing, number, plain


@dataclass(frozen=True)
class Estimate:
    """A mean over the reporting runs with its 95 % interval."""

    mean: float
    low: float
    high: float

    def written(self, decimals: int) -> str:
        """The mean and the interval in brackets, with that many decimals."""
        mean, low, high = (plain(value, decimals) for value in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high})"

    @property
    def in_few_digits(self) -> str:
        """The same with two significant digits."""
        mean, low, high = (number(value, 2) for value in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high})"


@dataclass(frozen=True)
class Learner:
    """A variant at one d_k: before it learns, and at its best rate or, for steps, its quickest."""

    area: float
    steps: float
    reached: float  # share of the runs that came to 90 %
    end: float  # accuracy over the last steps
    spread: float  # of its first scores
    dead_before: float  # share of rows that are dead and wrong
    dead_after: float


@dataclass(frozen=True)
class Width:
    """All variants at one d_k, and what raw ones lose."""

    d_k: int
    of: dict[str, Learner]  # by variant
    gap: Estimate  # area, raw minus scaled
    default_gap: Estimate  # the same with default weights
    slowdown: Estimate  # ratio of steps, raw to scaled


@dataclass(frozen=True)
class LearningFindings:
    """Everything that the chapter states beyond the judgements themselves."""

    d_in: int
    n_keys: int
    n_classes: int
    overlap: float
    n_steps: int
    batch: int
    rates: str  # in words
    n_selection: int
    n_reporting: int
    widths: list[Width]
    on_the_edge: str  # variants whose best or quickest rate is the first or last, in words; may be empty
    last_steps: tuple[int, int]  # over which the accuracy at the end is averaged

    @property
    def narrow(self) -> Width:
        """The smallest d_k."""
        return self.widths[0]

    @property
    def wide(self) -> Width:
        """The largest d_k."""
        return self.widths[-1]

    @property
    def is_delay(self) -> bool:
        """Whether the widest raw heads are slower, beyond doubt, and yet get nearly as far as the scaled ones."""
        raw, scaled = self.wide.of["raw"], self.wide.of["scaled"]
        return self.wide.gap.high < 0 and raw.reached >= 0.75 and raw.end > scaled.end - 0.1


def learning_findings(results: Results) -> LearningFindings:
    """All of it, from the frame and the settings."""
    frame, settings = results.frames["learning"], results.preset.learning
    last = curve(frame, "raw", ends(frame)[-1]).iloc[-1]
    return LearningFindings(
        d_in=TASK.d_in,
        n_keys=TASK.n_keys,
        n_classes=TASK.n_classes,
        overlap=TASK.overlap,
        n_steps=settings.n_steps,
        batch=settings.batch,
        rates=listing(f"{rate:g}" for rate in settings.rates),
        n_selection=settings.n_selection,
        n_reporting=settings.n_blocks - settings.n_selection,
        widths=[_width(frame, d_k) for d_k in levels(frame, "d_k")],
        on_the_edge=_on_the_edge(frame),
        last_steps=(int(last["step_from"]), int(last["step_to"])),
    )


def _width(frame: pd.DataFrame, d_k: int) -> Width:
    return Width(
        d_k=d_k,
        of={variant.name: _learner(frame, variant.name, d_k) for variant in VARIANTS},
        gap=_estimate(frame, "raw", d_k, "area_difference"),
        default_gap=_estimate(frame, "raw-default", d_k, "area_difference"),
        slowdown=_estimate(frame, "raw", d_k, "slowdown"),
    )


def _learner(frame: pd.DataFrame, variant: str, d_k: int) -> Learner:
    dead = select(frame, variant=variant, d_k=d_k, quantity="dead_and_wrong")
    return Learner(
        area=value(frame, variant, d_k, "area"),
        steps=value(frame, variant, d_k, "steps_to_90"),
        reached=value(frame, variant, d_k, "reached"),
        end=float(curve(frame, variant, d_k)["estimate"].iloc[-1]),
        spread=value(frame, variant, d_k, "spread"),
        dead_before=float(dead[dead["rate"].isna()]["estimate"].iloc[0]),
        dead_after=float(dead[dead["rate"].notna()]["estimate"].iloc[0]),
    )


def _estimate(frame: pd.DataFrame, variant: str, d_k: int, quantity: str) -> Estimate:
    row = select(frame, variant=variant, d_k=d_k, quantity=quantity).iloc[0]
    return Estimate(float(row["estimate"]), float(row["low"]), float(row["high"]))


def _on_the_edge(frame: pd.DataFrame) -> str:
    """Such as "raw at $d_k$ = 16 and 64": where a better or a quicker rate may lie beyond the grid."""
    every, found = rates(frame), []
    for variant, words in NAMES.items():
        chosen = [best_rates(frame, variant, quantity) for quantity in ("area", "steps_to_90")]
        edge = [d_k for d_k in levels(frame, "d_k") if {by_d_k[d_k] for by_d_k in chosen} & {every[0], every[-1]}]
        if edge:
            found.append(f"{words} at $d_k$ = {listing(edge)}")
    return "; ".join(found)
