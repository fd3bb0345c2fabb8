"""Where blocks are computed: here, in threads. NumPy and BLAS release the interpreter's lock."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from types import TracebackType
from typing import TypeVar

from threadpoolctl import threadpool_limits

Key = TypeVar("Key")
Value = TypeVar("Value")


class ThreadExecutor:
    """Runs tasks on `jobs` threads and yields each result as it is finished, in no particular order."""

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

    def run(self, tasks: Iterable[tuple[Key, Callable[[], Value]]]) -> Iterator[tuple[Key, Value]]:
        """Yield (key, result) as tasks finish; only a few wait in line at any time."""
        running: dict[Future[Value], Key] = {}
        for key, task in tasks:
            running[self._pool.submit(task)] = key
            if len(running) >= 4 * self._jobs:
                yield from self._finished(running)
        while running:
            yield from self._finished(running)

    @staticmethod
    def _finished(running: dict[Future[Value], Key]) -> Iterator[tuple[Key, Value]]:
        done, _ = wait(running, return_when=FIRST_COMPLETED)
        for future in done:
            yield running.pop(future), future.result()
