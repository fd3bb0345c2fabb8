"""What the sentences on the query's gradient state."""

from dataclasses import dataclass

import pandas as pd

from experiments.gradient_sizes import TOP
from experiments.gradients import EVEN_FROM
from experiments.runner import Results
from report.figures.crossing import Bracket, bracket, line_of
from report.figures.gradient_map import is_larger_everywhere, times
from report.figures.gradients import size
from report.figures.selection import levels, select
from scaling.saturation import DEAD_TRACE

APART = 2.0  # between two gradients that a sentence sets against each other
HEAVY = 0.2  # of the sum of squared gradients: a top percent that holds so much is worth a sentence


@dataclass(frozen=True)
class Under:
    """‖∂L/∂q‖² over rows under one rule, and two shares."""

    mean: float
    median: float
    upper_quarter: float  # above it lies a quarter of the rows
    dead: float  # share of rows with tr J below DEAD_TRACE
    top: float  # share of the sum that the top percent of rows hold

    @property
    def median_in_words(self) -> str:
        """Two digits, or that it is below what is kept."""
        return size(self.median)


@dataclass(frozen=True)
class End:
    """Both rules at the largest d_k, over one number of keys."""

    d_k: int
    n_keys: int
    raw: Under
    scaled: Under
    median_crossing: Bracket  # between which d_k the raw median falls below the scaled one

    @property
    def is_half_true(self) -> bool:
        """Whether the raw median is clearly the smaller one, and the raw mean clearly the larger one."""
        return self.raw.median * APART < self.scaled.median and self.raw.mean > APART * self.scaled.mean

    @property
    def is_heavy(self) -> bool:
        """Whether a few rows carry much more of the gradient without the division than with it."""
        return self.raw.top > max(HEAVY, APART * self.scaled.top)

    @property
    def median_crosses(self) -> bool:
        """Whether the grid shows where the raw median falls below the scaled one."""
        return self.median_crossing.low > 0 and self.median_crossing.high <= self.d_k


@dataclass(frozen=True)
class GradientFindings:
    """Everything that the chapter on gradients states beyond the judgements."""

    ends: list[End]  # by n_keys
    dead_trace: float
    even_from: int  # the first d_k at which scaled rows are held to have none
    top_share: float
    has_line: bool  # whether raw and scaled Jacobians are equal somewhere on the exact map
    is_larger_everywhere: bool  # the raw mean of ‖∂L/∂q‖², at every d_k above 1 of that map
    map_d_k: int
    map_n_keys: int
    jacobian_times: str  # raw over scaled there
    query_times: str

    @property
    def end(self) -> End:
        """That of the fewest keys."""
        return self.ends[0]


def gradients(results: Results) -> GradientFindings:
    """All of it, from the frames."""
    frame, exact = results.frames["gradients"], results.frames["gradient_map"]
    keys, dimensions = levels(exact, "n_keys"), levels(exact, "d_k")
    n_keys = max(n for n in keys if n <= max(32, keys[0]))
    return GradientFindings(
        ends=[_end(frame, n) for n in levels(frame, "n_keys")],
        dead_trace=DEAD_TRACE,
        even_from=EVEN_FROM,
        top_share=TOP,
        has_line=len(line_of(exact, "jacobian_norm2")) > 0,
        is_larger_everywhere=is_larger_everywhere(exact, "query_gradient_norm2"),
        map_d_k=dimensions[-1],
        map_n_keys=n_keys,
        jacobian_times=times(exact, "jacobian_norm2", n_keys, dimensions[-1]),
        query_times=times(exact, "query_gradient_norm2", n_keys, dimensions[-1]),
    )


def _end(frame: pd.DataFrame, n_keys: int) -> End:
    d_k = levels(frame, "d_k")[-1]
    raw, scaled = (_under(select(frame, n_keys=n_keys, d_k=d_k, rule=rule)) for rule in ("raw", "scaled"))
    medians = select(frame, statistic="median")
    return End(d_k, n_keys, raw, scaled, bracket(medians, "query_norm2", n_keys))


def _under(rows: pd.DataFrame) -> Under:
    value = rows.set_index(["quantity", "statistic"])["estimate"]
    return Under(
        mean=float(value["query_norm2", "mean"]),
        median=float(value["query_norm2", "median"]),
        upper_quarter=float(value["query_norm2", "q75"]),
        dead=float(value["jacobian_trace", "dead_share"]),
        top=float(value["query_norm2", "top_share"]),
    )
