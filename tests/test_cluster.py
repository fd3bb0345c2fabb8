"""The cluster: the same bytes whatever becomes of its workers, and one clear line for whatever else may happen."""

import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing
from pathlib import Path
from threading import Thread

import numpy as np
import pytest
from distributed import Client

from conftest import ROOT, TINY, command_line
from dask_cluster import LocalCluster, wait_for
from experiments import cluster
from experiments.blocks import BATCH_SECONDS, Batches, Block, blocks_of, guess
from experiments.cli import Parser, RunOptions, add_run_options, read_run_options, run_and_publish
from experiments.cluster import DaskExecutor, measure_as
from experiments.experiment import ScoreCell, Values
from experiments.faults import Faults
from experiments.fingerprint import difference, fingerprint
from experiments.output import data_files
from experiments.preset import load_preset
from experiments.runner import run
from experiments.store import BlockKey, Store
from experiments.variance import Variance


@pytest.fixture(scope="module")
def three(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalCluster]:
    """Return a cluster of three workers that nobody harms."""
    with LocalCluster(tmp_path_factory.mktemp("three")) as running:
        for _ in range(3):
            running.start_worker()
        with Client(running.address, set_as_default=False) as client:
            wait_for(lambda: len(client.nthreads()) == 3, "three workers")
        yield running


def at_block(count: int, act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """Do something as soon as that many blocks are in the store."""
    save, saved = Store.save, [0]

    def acting(self: Store, blocks: Mapping[BlockKey, Values]) -> None:
        save(self, blocks)
        saved.append(saved[-1] + len(blocks))
        if saved[-2] < count <= saved[-1]:
            act()

    monkeypatch.setattr(Store, "save", acting)


def n_tasks(running: LocalCluster) -> int:
    """How many tasks the scheduler knows of."""
    with Client(running.address, set_as_default=False) as client:
        return int(client.run_on_scheduler(lambda dask_scheduler: len(dask_scheduler.tasks)))


def test_three_workers_give_the_same_bytes(three: LocalCluster, reference: dict[str, bytes], tmp_path: Path) -> None:
    """As one thread here; the closing line tells what each worker did, and nothing else is said."""
    done = command_line("experiments", "run", "--preset", TINY, "--out", tmp_path, "--scheduler", three.address)
    assert (done.returncode, done.stderr) == (0, "")
    assert {name: (tmp_path / name).read_bytes() for name in reference} == reference
    (line,) = done.stdout.splitlines()
    _, blocks, shares, *_ = line.split(" · ")
    n_computed = int(blocks.split()[0])
    assert shares.startswith("blocks per worker: ")
    assert sum(map(int, shares.removeprefix("blocks per worker: ").split(", "))) == n_computed
    assert n_tasks(three) == 0


def test_workers_die_and_come(tmp_path: Path, reference: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """One of two is killed in the middle and later another one comes: its batches are run again, to the same bytes."""
    with LocalCluster(tmp_path) as running:
        victim, _ = running.start_worker(), running.start_worker()
        with Client(running.address, set_as_default=False) as client:
            wait_for(lambda: len(client.nthreads()) == 2, "two workers")

        def replace() -> None:
            victim.kill()
            running.start_worker()

        at_block(100, replace, monkeypatch)
        results = run(
            load_preset(str(TINY)), tmp_path / "results.sqlite", pytest.fail, DaskExecutor(running.address, pytest.fail)
        )
    assert data_files(results) == reference
    assert sum(results.n_by_worker) == results.n_computed
    assert len(results.n_by_worker) >= 2


def test_a_lost_scheduler_loses_no_finished_block(
    tmp_path: Path, reference: dict[str, bytes], monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line says what is lost and what is kept; a run without a cluster goes on from there."""
    store = tmp_path / "results.sqlite"
    with LocalCluster(tmp_path) as running, monkeypatch.context() as patched:
        running.start_worker()
        at_block(100, running.scheduler.kill, patched)
        with pytest.raises(Faults) as caught:
            run(load_preset(str(TINY)), store, pytest.fail, DaskExecutor(running.address, lambda line: None))
    (line,) = caught.value.lines
    assert line == (
        f"{running.address}: the connection to the scheduler is lost; every finished block is kept, and the same "
        "command goes on from there, with or without SCHEDULER="
    )
    results = run(load_preset(str(TINY)), store, pytest.fail)
    assert results.n_reused >= 100
    assert data_files(results) == reference
    assert capfd.readouterr() == ("", "")


def test_ctrl_c_ends_at_once_and_clears_the_cluster(three: LocalCluster, tmp_path: Path) -> None:
    """Exit code 130 and one line; finished blocks are kept, and nothing waits on the cluster any more."""
    slow = tmp_path / "slow.toml"
    slow.write_text(TINY.read_text().replace("d_k = [1, 16, 64]", "d_k = [1, 16, 64, 2048]").replace("0.05", "0.02"))
    command = [sys.executable, "-m", "experiments", "run", "--preset", slow, "--out", tmp_path / "out"]
    command += ["--scheduler", three.address]
    process = subprocess.Popen(
        list(map(str, command)), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    store = tmp_path / "out" / "results.sqlite-wal"
    wait_for(lambda: store.exists() and store.stat().st_size > 50_000, "a few blocks")
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # a second, on a machine that has nothing else to do
    assert (process.returncode, out) == (130, "")
    assert errors.strip() == "interrupted: finished blocks are kept; the same command goes on from there"
    wait_for(lambda: n_tasks(three) == 0, "an empty cluster")
    with closing(sqlite3.connect(tmp_path / "out" / "results.sqlite")) as kept:
        assert kept.execute("SELECT count(*) FROM block").fetchone() > (0,)


def test_workers_of_other_code_or_without_it_are_refused(tmp_path: Path) -> None:
    """Before anything is computed, each in a line that names it."""
    for folder in ("scaling", "experiments"):
        shutil.copytree(ROOT / folder, tmp_path / "other" / folder)
    with (tmp_path / "other" / "scaling" / "moments.py").open("a") as source:
        source.write("# edited\n")
    with LocalCluster(tmp_path) as running:
        running.start_worker(tmp_path / "other")
        running.start_worker(None)
        with Client(running.address, set_as_default=False) as client:
            wait_for(lambda: len(client.nthreads()) == 2, "two workers")
            workers = sorted(client.nthreads())
        done = command_line(
            "experiments", "run", "--preset", TINY, "--out", tmp_path / "out", "--scheduler", running.address
        )
    assert (done.returncode, done.stdout) == (2, "")
    lines = done.stderr.splitlines()
    assert sorted(line.split()[2] for line in lines) == workers
    assert sum(" has other code of this project" in line for line in lines) == 1
    assert sum(" cannot load this project (No module named 'experiments')" in line for line in lines) == 1


def test_a_worker_that_comes_later_is_checked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """With its first batch, by itself: versions are named, and so is the worker."""

    class Worker:
        address = "tcp://1.2.3.4:5"

    monkeypatch.setattr(cluster, "get_worker", Worker)
    batch = tuple(blocks_of(Variance(n_blocks=2, d_k=[1], margin=0.1), 7))
    ours = fingerprint()
    assert measure_as(ours, batch)[0] == "tcp://1.2.3.4:5"
    with pytest.raises(Faults, match=r"worker tcp://1\.2\.3\.4:5 has NumPy .*, this machine 1\.0: its blocks would"):
        measure_as(ours._replace(numpy="1.0"), batch)
    assert difference(ours, ours) == ""
    ends = ": its blocks would have other bytes; stop it, and set it up from the same commit, with the same Python on "
    assert f"has C library glibc 2.1, this machine {ours.c_library}{ends}" in difference(
        ours._replace(c_library="glibc 2.1"), ours
    )
    assert "has a processor whose arithmetic gives other last digits: " in difference(ours._replace(digits="x"), ours)


def test_without_workers_it_says_so_and_gives_up(tmp_path: Path) -> None:
    """At once, and again when its patience ends, with the command that starts one."""
    said: list[str] = []
    blocks = blocks_of(Variance(n_blocks=2, d_k=[1], margin=0.1), 7)
    expected = r": no workers for 0\.1 s; start some with: make worker SCHEDULER=tcp://127"
    with (
        LocalCluster(tmp_path) as running,
        DaskExecutor(running.address, said.append, patience=0.1) as executor,
        pytest.raises(Faults, match=expected),
    ):
        list(executor.run(blocks))
    assert said == [
        f"{running.address}: no workers; start some with: make worker SCHEDULER={running.address}   (waiting 0.1 s)"
    ]


class Deadly(Variance):
    """An experiment that takes its worker with it."""

    name = "deadly"

    def measure(self, cell: ScoreCell, rng: np.random.Generator) -> Values:
        """Nothing, ever."""
        os._exit(1)


def test_a_batch_that_kills_workers_is_not_tried_for_ever(tmp_path: Path) -> None:
    """After as many workers as the scheduler allows, one line."""
    with LocalCluster(tmp_path, DASK_DISTRIBUTED__SCHEDULER__ALLOWED_FAILURES="0") as running:
        running.start_worker()
        with (
            DaskExecutor(running.address, lambda line: None) as executor,
            pytest.raises(Faults, match=r": a batch of blocks brought down one worker after another"),
        ):
            list(executor.run(blocks_of(Deadly(n_blocks=2, d_k=[1], margin=0.1), 7)))


@pytest.mark.parametrize(
    "address",
    ["foo", "", "host:8786", "tcp://host", "tcp://:8786", "tcp://host:0", "tcp://host:99999", "tcp://host:x",
     "tcp://host:1/path", "http://host:8786", "tcp://me@host:1", "tcp://a b:1"],
)  # fmt: skip
def test_a_wrong_form_of_address_is_a_fault(address: str) -> None:
    """Told with the form that is needed."""
    parser = Parser()
    add_run_options(parser)
    with pytest.raises(Faults) as caught:
        read_run_options(parser.parse_args(["--preset", "quick", f"--scheduler={address}"]))
    (line,) = caught.value.lines
    assert line == f"--scheduler: {address!r} is not allowed; tcp://host:port is needed, as a scheduler prints it"


def test_right_forms_of_address() -> None:
    """Names, numbers, and numbers of version 6; a number of threads beside them has no meaning."""
    parser = Parser()
    add_run_options(parser)
    for address in ("tcp://host:8786", "tcp://10.0.0.1:1", "tcp://[::1]:8786"):
        options = read_run_options(parser.parse_args(["--preset", "quick", "--scheduler", address]))
        assert options.scheduler == address
    with pytest.raises(Faults, match=r"^--jobs: has no meaning with --scheduler"):
        read_run_options(parser.parse_args(["--preset", "quick", "--scheduler", address, "--jobs", "2"]))


@pytest.mark.parametrize("says", [None, b"", b"SSH-2.0-OpenSSH_9.6\r\n" * 9], ids=["nobody", "nothing", "something"])
def test_somebody_else_at_the_address_is_a_fault(says: bytes | None, capfd: pytest.CaptureFixture[str]) -> None:
    """A closed port, a silent one, and one that speaks another language: a line each, soon, and no other noise."""
    with socket.create_server(("127.0.0.1", 0)) as server, ExitStack() as stack:
        port = server.getsockname()[1]

        def speak() -> None:
            while True:
                connection, _ = server.accept()
                connection.sendall(says or b"")
                stack.enter_context(connection)

        if says is None:
            server.close()
        elif says:
            Thread(target=speak, daemon=True).start()
        started = time.monotonic()
        with pytest.raises(Faults) as caught, DaskExecutor(f"tcp://127.0.0.1:{port}", pytest.fail):
            pass
    assert time.monotonic() - started < 10
    (line,) = caught.value.lines
    what = "nobody answers there (Connection refused)" if says is None else "what answers there is no Dask scheduler"
    assert line.startswith(f"--scheduler: tcp://127.0.0.1:{port}: {what}")
    assert line.endswith("; start one with: make scheduler")
    assert capfd.readouterr() == ("", "")


def test_without_the_package_a_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is optional."""
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "experiments.cluster")
    with pytest.raises(
        Faults, match=r"needs the package 'distributed'; install it with: make setup SCHEDULER=tcp://a:1"
    ):
        run_and_publish(RunOptions(load_preset(str(TINY)), 1, "tcp://a:1", tmp_path, strict=False))


def equal_blocks(n_blocks: int) -> list[Block]:
    """Blocks of one cell."""
    return list(blocks_of(Variance(n_blocks=n_blocks, d_k=[1], margin=0.1), 7))


def cut(blocks: list[Block], seconds: Callable[[Block], float], n_workers: int = 3) -> list[tuple[Block, ...]]:
    """All batches of the blocks, each finished before the next is taken."""
    batches, taken = Batches(blocks), []
    while batches:
        taken.append(batches.take(n_workers))
        batches.took(taken[-1], sum(map(seconds, taken[-1])))
    return taken


def test_every_block_is_in_one_batch() -> None:
    """In their order, and no batch spans two experiments."""
    blocks = [*equal_blocks(400), *blocks_of(load_preset("default").saturation, 7)]
    batches = cut(blocks, guess)
    assert [block for batch in batches for block in batch] == blocks
    assert all(len({block.experiment.name for block in batch}) == 1 for batch in batches)


@pytest.mark.parametrize("seconds", [1e-4, 1e-3, 0.03, 0.3, 3.0])
def test_batches_take_the_time_they_should(seconds: float) -> None:
    """Whatever a block really takes, from the second batch on it is just under half a second."""
    n_blocks = min(100_000, int(20 / seconds) + 20)
    lengths = [len(batch) for batch in cut(equal_blocks(n_blocks), lambda block: seconds)]
    expected = max(1, int(BATCH_SECONDS / seconds * 1.000001))
    assert lengths[0] == 1
    assert lengths[1:6] == pytest.approx([expected] * 5, abs=1)
    assert max(lengths) <= expected


def test_batches_are_single_blocks_until_one_is_back() -> None:
    """A wrong guess costs no more than a block."""
    batches = Batches(equal_blocks(400))
    assert [len(batches.take(3)) for _ in range(5)] == [1] * 5


def test_batches_shrink_towards_the_end() -> None:
    """The last ones leave something for every worker."""
    lengths = [len(batch) for batch in cut(equal_blocks(4000), lambda block: 0.001)]
    assert max(lengths) > 100
    assert lengths[-3:] == [1, 1, 1]
