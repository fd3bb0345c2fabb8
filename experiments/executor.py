"""Where blocks are computed: here, in this process or in several (or on a cluster: `experiments.cluster`)."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from types import TracebackType
from typing import Protocol

from threadpoolctl import threadpool_limits

from experiments.blocks import Batch, Batches, Block, Measured, measure_batch
from experiments.experiment import Values
from experiments.workers import Workers

BATCHES_PER_WORKER = 2  # one at work and one in line, so that a worker never waits for us

Finished = tuple[Batch, list[Values]]  # blocks, and the values of each


class Executor(Protocol):
    """Something that measures blocks; a context manager, since it may hold connections."""

    def __enter__(self) -> "Executor": ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, blocks: Iterable[Block]) -> Iterator[Finished]:
        """Yield blocks, some at a time, with their values as they are finished, in no particular order."""
        ...

    @property
    def n_by_worker(self) -> Mapping[str, int]:
        """Blocks that each worker has measured so far; empty where workers have no names."""
        ...


class LocalExecutor:
    """Measures blocks in the processes of `workers`, or in this one when there are none."""

    n_by_worker: Mapping[str, int] = {}

    def __init__(self, workers: Workers | None = None) -> None:
        """Workers are the caller's to close."""
        self._workers = workers

    def __enter__(self) -> "LocalExecutor":
        self._limits = threadpool_limits(limits=1, user_api="blas")  # here too, for frames and claims
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._limits.restore_original_limits()

    def run(self, blocks: Iterable[Block]) -> Iterator[Finished]:
        """Yield batches as they finish."""
        batches = Batches(blocks)
        if self._workers is None:
            while batches:
                batch = batches.take(1)
                yield batch, _learnt(batches, batch, measure_batch(batch))
            return
        running: dict[Future[Measured], Batch] = {}
        while batches or running:
            while batches and len(running) < BATCHES_PER_WORKER * self._workers.jobs:
                batch = batches.take(self._workers.jobs)
                running[self._workers.submit(measure_batch, batch)] = batch
            done, _ = wait(running, return_when=FIRST_COMPLETED)
            for future in done:
                batch = running.pop(future)
                yield batch, _learnt(batches, batch, future.result())


def _learnt(batches: Batches, batch: Batch, measured: Measured) -> list[Values]:
    """The batch's values, after its time has been noted."""
    batches.took(batch, measured.seconds)
    return measured.values
