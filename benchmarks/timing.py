"""How seconds are measured: in turns, as medians over rounds.

Everything that is compared runs once in each round, so that what else the machine does falls on all alike; ratios are
taken within a round.
"""

import math
import random
import time
from collections.abc import Callable, Hashable, Mapping, Sequence
from typing import TypeVar

import numpy as np

from report.cost_record import Spread

Key = TypeVar("Key", bound=Hashable)
Work = Callable[[], object]

LEAST = 5e-3  # seconds that a measurement should take: shorter work is repeated


def seconds_of(work: Work, repeats: int = 1) -> float:
    """Seconds of one call, as the mean of so many."""
    started = time.perf_counter()
    for _ in range(repeats):
        work()
    return (time.perf_counter() - started) / repeats


def interleaved(works: Mapping[Key, Work], n_rounds: int) -> dict[Key, list[float]]:
    """Seconds of one call of each work, round by round, each round in an order of its own.

    What a work leaves behind, such as memory that the system has to clear, then falls now on one, now on another.
    """
    repeats = {key: max(1, math.ceil(LEAST / max(seconds_of(work), 1e-9))) for key, work in works.items()}  # and warm
    seconds: dict[Key, list[float]] = {key: [] for key in works}
    order = random.Random(n_rounds)
    for _ in range(n_rounds):
        for key in order.sample(list(works), len(works)):
            seconds[key].append(seconds_of(works[key], repeats[key]))
    return seconds


def spread(values: Sequence[float], factor: float = 1.0) -> Spread:
    """Median and quartiles of values over rounds, times a factor."""
    low, median, high = (float(value) for value in np.quantile(np.asarray(values) * factor, (0.25, 0.5, 0.75)))
    return Spread(median=median, low=min(low, median), high=max(high, median))


def ratio(above: Sequence[float], below: Sequence[float], factor: float = 1.0) -> Spread:
    """Of each round's ratios of seconds, times a factor."""
    return spread([a / b for a, b in zip(above, below, strict=True)], factor)
