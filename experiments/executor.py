"""Where blocks are computed: here, in threads. NumPy and BLAS release the interpreter's lock."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import Protocol

from threadpoolctl import threadpool_limits

from experiments.blocks import Block
from experiments.experiment import Values


class Executor(Protocol):
    """Something that measures blocks; a context manager, since it holds threads or connections."""

    def __enter__(self) -> "Executor": ...

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def run(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, Values]]:
        """Yield each block with its values as it is finished, in no particular order."""
        ...

    @property
    def n_by_worker(self) -> Mapping[str, int]:
        """Blocks that each worker has measured so far; empty where workers have no names."""
        ...


class ThreadExecutor:
    """Measures blocks on `jobs` threads of this process."""

    n_by_worker: Mapping[str, int] = {}

    def __init__(self, jobs: int) -> None:
        """A pool of `jobs` threads, each with a BLAS of one thread: a product's last bits depend on that number."""
        self._jobs = jobs
        self._limits = threadpool_limits(limits=1, user_api="blas")
        self._pool = ThreadPoolExecutor(max_workers=jobs)

    def __enter__(self) -> "ThreadExecutor":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._pool.shutdown(wait=kind is None, cancel_futures=True)
        self._limits.restore_original_limits()

    def run(self, blocks: Iterable[Block]) -> Iterator[tuple[Block, Values]]:
        """Yield blocks as they finish; only a few wait in line at any time."""
        running: dict[Future[Values], Block] = {}
        for block in blocks:
            running[self._pool.submit(block.measure)] = block
            if len(running) >= 4 * self._jobs:
                yield from self._finished(running)
        while running:
            yield from self._finished(running)

    @staticmethod
    def _finished(running: dict[Future[Values], Block]) -> Iterator[tuple[Block, Values]]:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future.result()
