"""Processes of this machine that share the work of a run: threads would wait for each other in laws and figures."""

import gc
import multiprocessing
import os
import sys
import threading
import traceback
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import connection, resource_tracker
from pathlib import Path
from queue import SimpleQueue
from types import TracebackType
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import threadpool_limits

from experiments.faults import Faults
from experiments.interrupts import held_back, pass_by
from experiments.memory import keep_freed_memory

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

CLOSE_SECONDS = 5.0


class Workers(ThreadPoolExecutor):
    """Runs functions in `jobs` processes, behind the interface of `concurrent.futures`.

    Each thread of the pool passes its tasks on to a process of its own. The processes use one thread of BLAS each (a
    product's last bits depend on that number), leave Ctrl-C and the like to this process and end with it, however it
    ends. Functions, their arguments and results travel as pickles.
    """

    def __init__(self, jobs: int, modules: Sequence[str] = ()) -> None:
        """Start the processes, with what is loaded here or else with the named modules loaded."""
        super().__init__(max_workers=jobs)
        self.jobs = jobs
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        context: Any = multiprocessing.get_context(method := start_method())
        if method == "forkserver":
            context.set_forkserver_preload(list(modules))
        gc.freeze()  # or each copy's collector would touch, and so copy, all that they share
        if method != "fork":
            resource_tracker.ensure_running()  # before signals are held back: starting it lets them through again
        self._workers: list[Worker] = []
        with held_back():
            try:
                for _ in range(jobs):
                    self._workers.append(Worker(context))
            except BaseException:  # no more open files, or processes: the interpreter would wait for those begun
                for worker in self._workers:
                    worker.kill()
                raise
        for worker in self._workers:
            self._idle.put(worker)

    def submit(
        self, function: Callable[Parameters, Result], /, *args: Parameters.args, **kwargs: Parameters.kwargs
    ) -> Future[Result]:
        """Run it in one of the processes. Its result raises what the function raised; Faults if the process died."""
        try:
            return super().submit(self._pass_on, function, *args, **kwargs)
        except RuntimeError as refused:  # "can't start new thread"
            raise OSError(str(refused)) from None

    def _pass_on(self, function: Callable[..., Result], /, *args: Any, **kwargs: Any) -> Result:
        worker = self._idle.get()  # as many as there are threads
        try:
            return worker.call(function, args, kwargs)
        finally:
            self._idle.put(worker)

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Wait for tasks that run, forget those that wait, and end the processes."""
        if kind is not None:  # nobody waits for what they are doing
            for worker in self._workers:
                worker.kill()
        self.shutdown(wait=True, cancel_futures=True)
        for worker in self._workers:
            worker.close()


def start_method() -> str:
    """How processes are started here: forked where this one has a single thread, from a clean process elsewhere.

    A lock that another thread holds would stay locked in a forked copy.
    """
    tasks = Path("/proc/self/task")
    if sys.platform == "linux" and tasks.is_dir() and len(list(tasks.iterdir())) == 1:
        return "fork"
    return "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


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
        with suppress(OSError):  # it may have been killed
            self._line.send(None)
        self._line.close()
        self._process.join(CLOSE_SECONDS)
        self._process.kill()


def _serve(line: "connection.Connection[Any, Any]") -> None:
    """A worker's life: task after task until there is no more."""
    pass_by()
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_freed_memory()
    with threadpool_limits(limits=1, user_api="blas"):
        while True:
            try:
                task = line.recv()
            except EOFError:
                return
            if task is None:
                return
            function, args, kwargs = task
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
    os._exit(1)
