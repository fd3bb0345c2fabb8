"""Blocks computed on a Dask cluster, to the same bytes: batches go out, values come back, workers come and go.

Needs the optional package `distributed`, so it is imported only where a scheduler's address was given. The scheduler
itself needs nothing of this project: it passes on bytes. Workers need the project to be importable.
"""

import asyncio
import logging
import pickle
import socket
import time
import uuid
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit

from distributed import Client, Future, get_worker, rpc
from distributed.scheduler import KilledWorker
from threadpoolctl import threadpool_limits

from experiments.blocks import Batch, Batches, Block, Measured, measure_batch
from experiments.executor import BATCHES_PER_WORKER, Finished
from experiments.faults import Faults
from experiments.fingerprint import Fingerprint, difference, fingerprint
from experiments.memory import keep_freed_memory

CONNECT_SECONDS = 4.0
POLL_SECONDS = 0.5
ANSWER_SECONDS = 30.0  # for the scheduler or a worker to answer
CLOSE_SECONDS = 0.5
MAX_NAMED = 4  # workers, in a message
KEPT = "every finished block is kept, and the same command goes on from there, with or without SCHEDULER="


def measure_as(expected: Fingerprint, batch: Batch) -> tuple[str, Measured]:
    """On a worker: its address, and what it measured. Faults where another version would give other bytes."""
    worker = str(get_worker().address)
    if differs := difference(_identify(), expected):
        raise Faults(f"worker {worker} {differs}")
    return worker, measure_batch(batch)


def _identify() -> Fingerprint:
    """On a worker: its fingerprint; from here on its BLAS has one thread, as everywhere (see `Workers`).

    The limit is the process's, and is never lifted: another thread of the worker may be at work on another batch.
    """
    threadpool_limits(limits=1, user_api="blas")
    keep_freed_memory()
    return fingerprint()


class Call:
    """A call that is made where it is unpickled: on a worker, since the scheduler only passes on its bytes."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self._call = function, arguments

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
        return self._call

    def to_bytes(self) -> bytes:
        """What `pickle.loads` makes the call of."""
        return pickle.dumps(self)


class DaskExecutor:
    """Measures blocks on the workers of a Dask cluster, as many and as long as there are."""

    def __init__(self, address: str, say: Callable[[str], None], patience: float = 60.0) -> None:
        """The scheduler's address, tcp://host:port; `patience`: how many seconds to wait while there are no workers."""
        self._address = address
        self._say = say
        self._patience = patience
        self._n_by_worker: Counter[str] = Counter()

    @property
    def n_by_worker(self) -> Mapping[str, int]:
        """Blocks that each worker has measured so far."""
        return self._n_by_worker

    def __enter__(self) -> "DaskExecutor":
        with ExitStack() as stack:
            stack.enter_context(threadpool_limits(limits=1, user_api="blas"))  # here too, for frames and claims
            _silence()
            self._client = _connect(self._address)
            stack.callback(self._close)
            self._check_workers()
            self._held = stack.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def _close(self) -> None:
        """Leave the cluster, which then forgets all that waits there for us."""
        with suppress(Exception):
            self._client.close(timeout=CLOSE_SECONDS)

    def run(self, blocks: Iterable[Block]) -> Iterator[Finished]:
        """Yield batches as they come back; batches are cut and sent as workers become free.

        Faults when the scheduler is lost, when there are no workers for longer than the patience, when a worker would
        give other bytes, or when a batch brought down one worker after another.
        """
        batches = Batches(blocks)
        finished: SimpleQueue[Future] = SimpleQueue()
        running: dict[str, tuple[Future, Batch]] = {}
        watch = Watch(self._address, self._say, self._patience)
        while batches or running:
            n_workers = watch.count(self._n_workers)
            while batches and len(running) < BATCHES_PER_WORKER * n_workers:
                batch = batches.take(n_workers)
                future = self._send(batch)
                running[future.key] = future, batch
                future.add_done_callback(finished.put)
            try:
                future = finished.get(timeout=POLL_SECONDS)
            except Empty:
                continue
            answer = self._answer(future)
            if answer is None:  # its worker died before it could hand over the values: they are computed again
                finished.put(future)
                continue
            worker, measured = answer
            _, batch = running.pop(future.key)
            batches.took(batch, measured.seconds)
            self._n_by_worker[worker] += len(batch)
            yield batch, measured.values

    def _send(self, batch: Batch) -> Future:
        call = Call(measure_as, fingerprint(), batch)
        return self._client.submit(pickle.loads, call.to_bytes(), key=f"blocks-{uuid.uuid4().hex}")

    def _n_workers(self) -> int:
        """Blocks that the cluster can measure at once."""
        try:
            if self._client.status == "running":
                threads = self._client.sync(self._client.scheduler.ncores_running, callback_timeout=ANSWER_SECONDS)
                return sum(threads.values())
        except (OSError, TimeoutError):
            pass
        raise self._lost()

    def _answer(self, future: Future) -> tuple[str, Measured] | None:
        """Who measured a batch and what came of it, or None while it is not here after all."""
        try:
            answer: tuple[str, Measured] = future.result(timeout=ANSWER_SECONDS)
            return answer
        except TimeoutError:
            return None
        except Faults:
            raise
        except KilledWorker:
            raise Faults(
                f"{self._address}: a batch of blocks brought down one worker after another, most likely for want of "
                f"memory; give each worker more (fewer of them on a machine), or choose a smaller preset; {KEPT}"
            ) from None
        except MemoryError:
            raise Faults(
                f"{self._address}: a worker has not enough memory for a block; start fewer workers on each machine, "
                f"or choose a smaller preset; {KEPT}"
            ) from None
        except Exception:
            if future.status != "error" or self._client.status != "running":
                raise self._lost() from None
            self._check_workers()  # one that lacks the project, or has an older one, may fail before it can say so
            raise

    def _lost(self) -> Faults:
        return Faults(f"{self._address}: the connection to the scheduler is lost; {KEPT}")

    def _check_workers(self) -> None:
        """Faults, one line for each worker whose blocks would not have the bytes that they have here."""
        payload = Call(_identify).to_bytes()

        async def ask(worker: str) -> Any:
            asked = self._client.run(pickle.loads, payload, workers=[worker], on_error="return")
            try:
                return (await asyncio.wait_for(asked, ANSWER_SECONDS))[worker]
            except (TimeoutError, OSError, KeyError) as gone:  # what comes of it later is checked with every batch
                return gone

        async def ask_all() -> dict[str, Any]:
            workers = list(await self._client.scheduler.ncores_running())
            return dict(zip(workers, await asyncio.gather(*map(ask, workers)), strict=True))

        answers = self._client.sync(ask_all)
        lines = []
        for worker, answer in answers.items():
            if isinstance(answer, Fingerprint):
                differs = difference(answer, fingerprint())
            elif isinstance(answer, TimeoutError | OSError | KeyError):
                differs = ""
            else:
                differs = f"cannot load this project ({answer}); start it with: make worker, or set its PYTHONPATH"
            if differs:
                lines.append(f"worker {worker} {differs}")
        if len(lines) > MAX_NAMED:
            lines[MAX_NAMED:] = [f"{self._address}: so it is with {len(lines) - MAX_NAMED} more workers"]
        if lines:
            raise Faults(*lines)


class Watch:
    """Counts workers about twice a second, and loses its patience when there are none for too long."""

    def __init__(self, address: str, say: Callable[[str], None], patience: float) -> None:
        self._address, self._say, self._patience = address, say, patience
        self._n_workers = 0
        self._asked = float("-inf")
        self._alone_since: float | None = None

    def count(self, ask: Callable[[], int]) -> int:
        """How many there are. Faults when the patience is at its end."""
        now = time.monotonic()
        if now - self._asked < POLL_SECONDS:
            return self._n_workers
        self._asked, self._n_workers = now, ask()
        if self._n_workers:
            self._alone_since = None
        elif self._alone_since is None:
            self._alone_since = now
            self._say(
                f"{self._address}: no workers; start some with: make worker SCHEDULER={self._address}   "
                f"(waiting {self._patience:g} s)"
            )
        elif now - self._alone_since > self._patience:
            raise Faults(
                f"{self._address}: no workers for {self._patience:g} s; start some with: "
                f"make worker SCHEDULER={self._address}; {KEPT}"
            )
        return self._n_workers


def _connect(address: str) -> Client:
    """A client of the scheduler; Faults where there is none."""
    where, hint = f"--scheduler: {address}", "start one with: make scheduler"
    parts = urlsplit(address)
    try:
        socket.create_connection((parts.hostname, parts.port), CONNECT_SECONDS).close()
    except OSError as error:
        raise Faults(f"{where}: nobody answers there ({error.strerror or error}); {hint}") from None
    try:
        # Asked first, with an end: a client would wait for ever for the first word of somebody who never says one.
        kind = asyncio.run(asyncio.wait_for(_kind(address), CONNECT_SECONDS))
        if kind != "Scheduler":
            raise ValueError(kind)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other versions than here, for which `_check_workers` looks
            return Client(address, timeout=CONNECT_SECONDS, set_as_default=False)
    except Exception:
        raise Faults(f"{where}: what answers there is no Dask scheduler, or one of another version; {hint}") from None


async def _kind(address: str) -> str:
    """What the Dask server at that address says it is."""
    async with rpc(address) as server:
        return str((await server.identity())["type"])


def _silence() -> None:
    """Distributed logs what it meets in many lines; what matters here is said in one."""
    for name in ["distributed", *logging.root.manager.loggerDict]:
        if name.split(".")[0] in ("distributed", "tornado", "asyncio"):
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)
