"""Processes that share the work: what comes back, what they leave alone, and how they end."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from experiments.faults import Faults
from experiments.workers import Workers

ROOT = Path(__file__).parents[1]  # not conftest's: a worker that finds a task here would load SciPy's BLAS with it


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Two of them."""
    with Workers(2, ["numpy"]) as workers:
        yield workers


def blas_threads() -> list[int]:
    """Threads of each BLAS here."""
    np.ones((2, 2)) @ np.ones((2, 2))
    return [int(found["num_threads"]) for found in threadpool_info() if found["user_api"] == "blas"]


def refuse(what: str) -> None:
    """Always fail."""
    raise ValueError(f"{what} is refused")


def is_blocked() -> bool:
    """Whether Ctrl-C passes this process by."""
    return signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, [])


def test_results_come_from_other_processes(workers: Workers) -> None:
    """From as many as were asked for, in the order of the tasks, with arguments by place and by name."""
    futures = [workers.submit(os.getpid) for _ in range(20)]
    assert os.getpid() not in {future.result() for future in futures}
    assert len({future.result() for future in futures}) <= 2
    assert list(workers.map(divmod, [7, 9], [2, 4])) == [(3, 1), (2, 1)]
    assert workers.submit(int, "ff", base=16).result() == 255


def test_each_has_one_thread_of_blas_and_leaves_ctrl_c_to_us(workers: Workers) -> None:
    """A product's last bits depend on the number; a terminal sends its signal to every process."""
    counts = workers.submit(blas_threads).result()
    assert counts
    assert set(counts) == {1}
    assert workers.submit(is_blocked).result()
    assert not is_blocked()


def test_what_a_task_raises_comes_back_and_the_worker_goes_on(workers: Workers) -> None:
    """With its own words, and where it happened."""
    with pytest.raises(ValueError, match="salt is refused") as caught:
        workers.submit(refuse, "salt").result()
    assert "in refuse" in caught.value.__notes__[0]
    assert workers.submit(abs, -3).result() == 3


def test_a_killed_worker_is_one_line() -> None:
    """As the kernel does when there is no memory left."""
    with (
        Workers(1) as workers,
        pytest.raises(Faults, match=r"^a worker process was killed, "),
    ):
        workers.submit(os._exit, 1).result()


FEW_FILES = """
import resource
from experiments.workers import Workers
resource.setrlimit(resource.RLIMIT_NOFILE, (9, 9))
Workers(8)
"""


def test_too_few_files_for_all_of_them_end_those_begun() -> None:
    """Or the interpreter would wait for them as it ends."""
    done = subprocess.run([sys.executable, "-c", FEW_FILES], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 1
    assert "Too many open files" in done.stderr


def test_an_error_does_not_wait_for_what_is_running() -> None:
    """Nobody wants the results any more."""
    started = time.monotonic()
    with suppress(KeyboardInterrupt), Workers(1) as workers:
        workers.submit(abs, 1).result()
        future = workers.submit(time.sleep, 60)
        while not future.running():
            time.sleep(0.01)
        raise KeyboardInterrupt
    assert time.monotonic() - started < 30


BUSY = """
import os, time
from experiments.workers import Workers
if __name__ == "__main__":
    with Workers(2) as workers:
        pids = [workers.submit(os.getpid) for _ in range(2)]
        sleeps = [workers.submit(time.sleep, 600) for _ in range(2)]
        try:
            print([pid.result() for pid in pids], flush=True)
            time.sleep(600)
        except KeyboardInterrupt:
            os._exit(130)
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_workers_end_with_us_however_we_end(tmp_path: Path, how: signal.Signals) -> None:
    """In the middle of their work: nothing is left that holds our output, and nothing is said."""
    script = tmp_path / "busy.py"
    script.write_text(BUSY)
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        [sys.executable, script], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("[")
        process.send_signal(how)
        rest, _ = process.communicate(timeout=30)  # ends when nobody holds the other end any more
    assert rest == ""


def test_only_a_process_with_one_thread_is_forked() -> None:
    """A second thread might hold a lock that the copy would wait for in vain."""
    code = (
        "from experiments.workers import start_method; import threading as t; before = start_method(); e = t.Event();"
    )
    code += "t.Thread(target=e.wait, daemon=True).start(); print(before, start_method())"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60)
    before, after = done.stdout.split()
    assert before == ("fork" if sys.platform == "linux" else "forkserver")
    assert after in ("forkserver", "spawn")


def test_the_command_lines_have_one_thread() -> None:
    """So that their workers start at once, with all that is loaded."""
    for module in ("experiments", "report"):
        code = f"import {module}.__main__; from experiments.workers import start_method; print(start_method())"
        environment = {name: value for name, value in os.environ.items() if not name.startswith("OPENBLAS")}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=60, env=environment
        )
        assert done.stdout == ("fork\n" if sys.platform == "linux" else "forkserver\n"), done.stderr
