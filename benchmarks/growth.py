"""Asks how the seconds of a softmax row grow with d_k and with the number of keys, sampled directly and by radius.

Each row comes with its observables under both rules. Rows that are sampled directly share their keys as in a run: at
most two queries to a key. The exponent is the slope of ln seconds on ln size over the upper part of the range, one for
each round; its interval is Student's t over rounds.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from benchmarks.timing import interleaved, spread
from experiments.softmax_rows import RULES, RowCell
from report.cost_record import Against, Exponent, GrowthPoint, RowSampler
from scaling.intervals import mean_interval
from scaling.saturation import row_observables

CONFIDENCE = 0.95
SCORES, FEWEST_ROWS = 2**16, 32  # of a measurement, at least
D_K, N_KEYS = 64, 1024  # where the other one changes
KINK = 2**8  # sizes from here on decide the exponent: below, what does not depend on size has its share


@dataclass(frozen=True)
class Sizes:
    """One way through the sizes: what changes, how rows are sampled, and the values."""

    against: Against
    sampler: RowSampler
    values: tuple[int, ...]

    def cells(self) -> dict[int, RowCell]:
        """What is measured at each size."""
        cells = {}
        for value in self.values:
            d_k, n_keys = (value, N_KEYS) if self.against == "d_k" else (D_K, value)
            cells[value] = RowCell(d_k, n_keys, max(FEWEST_ROWS, SCORES // n_keys), "gaussian", self.sampler)
        return cells


def ways(largest: int = 2**20, largest_direct: int = 2**14) -> list[Sizes]:
    """All four, in steps of a factor 4."""
    powers = range(0, 21, 2)
    return [
        Sizes("d_k", "direct", tuple(2**p for p in powers if 2**p <= largest_direct)),
        Sizes("d_k", "radial", tuple(2**p for p in powers if 2**p <= largest)),
        *(
            Sizes("n_keys", sampler, tuple(2 ** max(1, p) for p in powers if 2**p <= largest))
            for sampler in ("direct", "radial")
        ),
    ]


def measure_cell(cell: RowCell, rng: np.random.Generator) -> float:
    """Draw the rows and take their observables under both rules; something of it, so that nothing is left out."""
    factors = np.array([rule.factor(cell.d_k) for rule in RULES])
    return sum(float(row_observables(scores, factors).entropy.sum()) for scores in cell.rows(rng))


def n_rows(cell: RowCell) -> int:
    """Rows that are really drawn: whole tiles of them."""
    return cell.n_rows if cell.sampler == "radial" else cell.tiles.n_tiles * cell.tiles.n_queries


def measure(
    seed: int, n_rounds: int, wanted: Sequence[Sizes] | None = None
) -> tuple[list[GrowthPoint], list[Exponent]]:
    """All sizes of all ways in turns, and the exponents."""
    rng = np.random.Generator(np.random.SFC64(seed))
    wanted = ways() if wanted is None else wanted
    cells = {(way, value): cell for way in wanted for value, cell in way.cells().items()}
    works: dict[tuple[Sizes, int], Callable[[], float]] = {
        key: partial(measure_cell, cell, rng) for key, cell in cells.items()
    }
    seconds = interleaved(works, n_rounds)
    points = [
        GrowthPoint(
            against=way.against,
            sampler=way.sampler,
            d_k=cell.d_k,
            n_keys=cell.n_keys,
            n_rows=n_rows(cell),
            seconds_per_row=spread(seconds[way, value], 1 / n_rows(cell)),
        )
        for (way, value), cell in cells.items()
    ]
    exponents = []
    for way in wanted:
        sizes = way.values
        per_row = np.array([np.array(seconds[way, value]) / n_rows(cells[way, value]) for value in sizes])
        exponents.append(exponent_of(way, per_row))
    return points, exponents


def exponent_of(way: Sizes, seconds: NDArray[np.float64]) -> Exponent:
    """The slope over the upper sizes, from seconds (n_sizes, n_rounds)."""
    n_upper = max(2, sum(value >= KINK for value in way.values))
    x = np.log(np.array(way.values[-n_upper:], dtype=float))
    x -= x.mean()
    slopes = x @ np.log(seconds[-n_upper:]) / (x @ x)  # (n_rounds,)
    interval = mean_interval(slopes, CONFIDENCE)
    return Exponent(
        against=way.against,
        sampler=way.sampler,
        first=way.values[-n_upper],
        last=way.values[-1],
        exponent=float(interval.estimate),
        low=float(interval.low),
        high=float(interval.high),
        confidence=CONFIDENCE,
    )
