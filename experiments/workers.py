"""Processes of this machine that share the work of a run: threads would wait for each other in laws and figures."""

import multiprocessing
import signal
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from multiprocessing import connection, resource_tracker
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

from experiments.faults import Faults

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

# A fork server loads modules once, before its first fork, and has no threads of ours: forking this process might stop
# in the middle of one.
METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
CLOSE_SECONDS = 5.0


class Workers(ThreadPoolExecutor):
    """Runs functions in `jobs` processes, behind the interface of `concurrent.futures`.

    Each thread of the pool passes its tasks on to a process of its own, which it starts for the first of them. The
    processes use one thread of BLAS each (a product's last bits depend on that number), leave Ctrl-C to this process
    and end with it, however it ends. Functions, their arguments and results travel as pickles.
    """

    def __init__(self, jobs: int, modules: Sequence[str] = ()) -> None:
        """At most `jobs` processes, which have the named modules loaded before they begin."""
        super().__init__(max_workers=jobs, initializer=_block_interrupts)
        self.jobs = jobs
        self._context: Any = multiprocessing.get_context(METHOD)
        if METHOD == "forkserver":
            self._context.set_forkserver_preload(list(modules))
        self._own = threading.local()
        self._processes: list[Worker] = []

    def submit(
        self, function: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        """Run it in one of the processes. Its result raises what the function raised; Faults if the process died."""
        return super().submit(self._pass_on, function, *args, **kwargs)

    def _pass_on(self, function: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Result:
        worker: Worker | None = getattr(self._own, "worker", None)
        if worker is None:
            worker = self._own.worker = Worker(self._context)
            self._processes.append(worker)
        return worker.call(function, args, kwargs)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for tasks that run, forget those that wait, and end the processes."""
        if kind is not None:  # nobody waits for what they are doing
            for worker in self._processes:
                worker.kill()
        self.shutdown(wait=True, cancel_futures=True)
        for worker in self._processes:
            worker.close()


class Worker:
    """One process and the line to it; for one thread."""

    def __init__(self, context: Any) -> None:
        self._line, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()

    def call(self, function: Callable[..., Result], args: Sequence[Any], kwargs: dict[str, Any]) -> Result:
        """The function's result over there, or what it raised."""
        try:
            self._line.send((function, args, kwargs))
            result, error = self._line.recv()
        except (EOFError, OSError):
            raise Faults(
                "a worker process was killed, most likely for want of memory; finished blocks are kept; "
                "try again with fewer workers (JOBS=1) or a smaller preset"
            ) from None
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]  # what comes out of a pickle

    def kill(self) -> None:
        """End the process in the middle of its work."""
        self._process.kill()

    def close(self) -> None:
        """Let the process end."""
        self._line.close()
        self._process.join(CLOSE_SECONDS)


def _block_interrupts() -> None:
    """Ctrl-C goes to the main thread; processes started from here inherit the mask."""
    if hasattr(signal, "pthread_sigmask"):
        resource_tracker.ensure_running()  # before, since starting it takes the mask off again
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


def _serve(line: "connection.Connection[Any, Any]") -> None:
    """A worker's life: task after task until the line ends."""
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with threadpool_limits(limits=1, user_api="blas"):
        while True:
            try:
                function, args, kwargs = line.recv()
            except EOFError:
                return
            result, fault = None, None
            try:
                result = function(*args, **kwargs)
            except Exception as error:
                error.add_note(f"in a worker process:\n{traceback.format_exc()}")
                fault = error
            line.send((result, fault))


def _end_with_parent() -> None:
    """However the parent ends, and whatever this process is doing then."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
    signal.raise_signal(signal.SIGTERM)
