"""Blocks of an experiment: what each is, how one is measured, and how many are handed out at a time."""

import time
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from experiments.experiment import Experiment, Values, cell_key
from experiments.seeds import block_rng


@dataclass(frozen=True, eq=False)
class Block:
    """One block to be measured: all that decides its values, and small enough to be sent anywhere."""

    experiment: Experiment[Any]
    cell: Any
    number: int
    seed: int

    @cached_property
    def place(self) -> tuple[str, int]:
        """Its cell's key and its number: the name of the block within its experiment."""
        return cell_key(self.cell), self.number

    def measure(self) -> Values:
        """Its values, from a generator of its own."""
        return self.experiment.measure(self.cell, block_rng(self.seed, self.experiment.name, *self.place))


def blocks_of(experiment: Experiment[Any], seed: int) -> Iterator[Block]:
    """Every block of an experiment, cell by cell."""
    for cell in experiment.cells():
        for number in range(experiment.n_blocks):
            yield Block(experiment, cell, number, seed)


Batch = tuple[Block, ...]


@dataclass(frozen=True)
class Measured:
    """A batch's values, block by block in its order, and the seconds that they took."""

    seconds: float
    values: list[Values]


def measure_batch(batch: Batch) -> Measured:
    """Measure every block of a batch."""
    started = time.perf_counter()
    values = [block.measure() for block in batch]
    return Measured(time.perf_counter() - started, values)


BATCH_SECONDS = 0.5  # long beside the milliseconds that a task costs, short beside what an interruption may lose
BLOCK_SECONDS, DRAW_SECONDS = 5e-4, 5e-8  # a first guess; what batches take corrects it
BATCHES_LEFT = 2  # per worker, at least: towards the end batches shrink, so that all finish together


class Batches:
    """Blocks in their order, cut into batches that take about BATCH_SECONDS.

    How long a block takes is guessed from its draws and corrected, experiment by experiment, by what batches took;
    until an experiment's first batch is back its batches are single blocks. The cut decides no values.
    """

    def __init__(self, blocks: Iterable[Block]) -> None:
        """All blocks that are to be measured."""
        self._waiting = deque(blocks)
        self._pace: dict[str, float] = {}  # measured over guessed seconds
        self._guessed: dict[str, float] = defaultdict(float)  # of all waiting blocks of an experiment
        for block in self._waiting:
            self._guessed[block.experiment.name] += guess(block)

    def __bool__(self) -> bool:
        """Whether any block still waits."""
        return bool(self._waiting)

    def take(self, n_workers: int) -> Batch:
        """The next batch, for one of so many workers."""
        left = sum(seconds * self._pace.get(name, 1.0) for name, seconds in self._guessed.items())
        limit = min(BATCH_SECONDS, left / (BATCHES_LEFT * n_workers))
        name = self._waiting[0].experiment.name
        pace = self._pace.get(name, float("inf"))
        batch = [self._waiting.popleft()]
        seconds = guess(batch[0]) * pace
        while self._waiting and self._waiting[0].experiment.name == name:
            seconds += guess(self._waiting[0]) * pace
            if seconds > limit:
                break
            batch.append(self._waiting.popleft())
        self._guessed[name] -= sum(map(guess, batch))
        return tuple(batch)

    def took(self, batch: Batch, seconds: float) -> None:
        """Learn from a finished batch; the last one counts half."""
        name, pace = batch[0].experiment.name, seconds / sum(map(guess, batch))
        self._pace[name] = (self._pace.get(name, pace) + pace) / 2


def guess(block: Block) -> float:
    """Seconds that a block might take, before any was measured."""
    return BLOCK_SECONDS + DRAW_SECONDS * block.experiment.size(block.cell).draws
