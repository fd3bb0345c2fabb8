"""Ctrl-C, SIGTERM, a closed terminal: one line, the usual exit status, finished blocks kept, no process left."""

import fcntl
import os
import pty
import random
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from conftest import ROOT, TINY, command_line, start_from, tree
from experiments.preset import load_preset
from experiments.store import Store, code_hash
from processes import ALONE, GROUP, begin, left_behind, lines, send

soak = pytest.mark.soak
Record = Callable[[str, object], None]
SAID = "interrupted: finished blocks are kept; the same command goes on from there"
STATUS = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}
N_MOMENTS = 10  # of a part
COMMANDS = [("page",), ("slides", "--theme", "light")]


def fault(code: int, said: str, errors: str, number: signal.Signals) -> str:
    """What is wrong with the way a run has ended after a signal; empty where nothing is."""
    if code == STATUS[number] and said == "" and lines(errors) == [SAID]:
        return ""
    if code in (-number, 0) and lines(errors) == [] and (code or said):  # while modules load, or when all was done
        return ""
    return f"{number.name}: {code} {said!r} {errors!r}"


def n_kept(out: Path) -> int:
    """Sound blocks in its store; a damaged one would be told, and fail."""
    preset = load_preset(str(TINY))
    codes = {experiment.name: code_hash(experiment) for experiment in preset.experiments}
    with Store(out / "results.sqlite", pytest.fail) as store:
        return sum(map(len, store.load(codes, preset.seed).values()))


@soak
@pytest.mark.parametrize("part", [1, 2])
@pytest.mark.parametrize("number", STATUS)
def test_a_signal_ends_a_run_in_one_line(
    number: signal.Signals,
    part: int,
    report: Path,
    tmp_path: Path,
    record_property: Record,
    request: pytest.FixtureRequest,
) -> None:
    """At random moments, to the process alone or to its group, sometimes twice: the run then goes on from there.

    Every second begins with all blocks and figures, so that every part of a run is met.
    """
    moments, n_told = random.Random(request.node.name), 0
    for case in range(N_MOMENTS):
        out = tmp_path / str(case)
        if case % 2:
            start_from(report, out)
        process = begin("report", *moments.choice(COMMANDS), "--preset", TINY, "--jobs", 2, "--out", out)
        is_twice, whom = moments.random() < 0.5, moments.choice([ALONE, GROUP])
        wait_until_begun(process, out)
        time.sleep(moments.uniform(0, 8))
        send(process, number, whom)
        if is_twice:
            time.sleep(moments.uniform(0, 0.3))
            send(process, number, whom)
        said, errors = process.communicate(timeout=60)
        assert fault(process.returncode, said, errors, number) == ""
        assert left_behind(process.pid) == []
        n_told += process.returncode == STATUS[number]
        if case in (0, N_MOMENTS - 1):
            kept = n_kept(out) if out.exists() else 0
            done = command_line("report", "page", "--preset", TINY, "--out", out)
            assert (done.returncode, done.stderr) == (0, "")
            assert f", {kept} reused" in done.stdout
            assert tree(out) == tree(report)
    record_property("cases", N_MOMENTS)
    record_property("told", n_told)
    assert n_told


def wait_until_begun(process: "subprocess.Popen[str]", out: Path) -> None:
    """Until the run holds its folder: before, a signal just ends it."""
    deadline = time.monotonic() + 60
    while process.poll() is None and not (out / ".lock").exists() and time.monotonic() < deadline:
        time.sleep(0.01)


@pytest.mark.parametrize(
    ("code", "said", "errors"),
    [
        (130, "", ""),
        (2, "", SAID),
        (130, "", f"Traceback (most recent call last):\n{SAID}"),
        (130, "", f"{SAID}\n{SAID}"),
        (0, "", ""),
    ],
)
def test_other_ends_are_faults(code: int, said: str, errors: str) -> None:
    """The negative control: silence, another status, a traceback, a line too many."""
    assert fault(code, said, errors, signal.SIGINT) != ""
    assert fault(130, "", f"note: a package is absent\n\n{SAID}\n", signal.SIGINT) == ""


@pytest.mark.parametrize("delays", [(0.3,), pytest.param([0.1 * k for k in range(20)], marks=soak, id="many")])
def test_a_signal_while_modules_load_just_ends(delays: tuple[float, ...], tmp_path: Path) -> None:
    """No traceback, from the first library on; what comes before is the interpreter's own."""
    for delay in delays:
        process = begin("report", "page", "--preset", TINY, "--jobs", 1, "--out", tmp_path / "out")
        while process.poll() is None and "numpy" not in Path(f"/proc/{process.pid}/maps").read_text():
            time.sleep(0.005)
        time.sleep(delay)
        send(process, signal.SIGINT)
        said, errors = process.communicate(timeout=60)
        assert fault(process.returncode, said, errors, signal.SIGINT) == ""


LATE = """
import os, signal, sys, time
from experiments import interrupts
from experiments.cli import guarded
interrupts.PATIENCE = 0.5
class Grave:
    def __del__(self):
        os.kill(os.getpid(), number)
        for _ in range(1000):
            pass
def plain(arguments):
    Grave().__del__()
def destructor(arguments):  # where no exception may pass
    Grave()
    time.sleep(60)
def twice(arguments):
    try:
        Grave().__del__()
    finally:
        Grave().__del__()
def stuck(arguments):  # clearing away takes for ever
    try:
        Grave().__del__()
    finally:
        time.sleep(60)
for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
    for main in (plain, destructor, twice, stuck):
        begun = os.fork()
        if not begun:
            for stream in (1, 2):
                os.dup2(os.open(f"{sys.argv[1]}/{main.__name__}.{number}.{stream}", os.O_WRONLY | os.O_CREAT), stream)
            guarded(main)
        print(main.__name__, int(number), os.waitstatus_to_exitcode(os.waitpid(begun, 0)[1]))
"""


def test_an_interruption_is_neither_lost_nor_told_twice(tmp_path: Path) -> None:
    """In a destructor, in the midst of clearing away, or where that never ends: the same line, and no traceback."""
    done = subprocess.run([sys.executable, "-c", LATE, tmp_path], cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.stderr == ""
    ends = [line.split() for line in done.stdout.splitlines()]
    assert len(ends) == 12
    for name, number, code in ends:
        said, errors = ((tmp_path / f"{name}.{number}.{stream}").read_text() for stream in (1, 2))
        assert fault(int(code), said, errors, signal.Signals(int(number))) == "", name
        assert int(code) == STATUS[signal.Signals(int(number))], name


@soak
@pytest.mark.parametrize("number", STATUS)
def test_what_was_ignored_stays_ignored(number: signal.Signals, report: Path, tmp_path: Path) -> None:
    """As by nohup: the run goes on to its end."""
    start_from(report, tmp_path / "out")
    ignore = f"import os, signal, sys; signal.signal({int(number)}, signal.SIG_IGN)"
    program = f"{ignore}; os.execv(sys.executable, [sys.executable, *sys.argv[1:]])"
    command = [sys.executable, "-m", "experiments", "run", "--preset", TINY, "--jobs", 2, "--out", tmp_path / "out"]
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, command[1:])],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
    )  # fmt: skip
    wait_until_begun(process, tmp_path / "out")
    send(process, number, GROUP)
    said, errors = process.communicate(timeout=120)
    assert (process.returncode, lines(errors)) == (0, [])
    assert ", 860 reused" in said


IN_A_TERMINAL = """
import fcntl, os, signal, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
if sys.argv[1] == "nohup":
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


def in_a_terminal(how: str, out: Path) -> tuple["subprocess.Popen[bytes]", int]:
    """A run whose streams are a terminal of its own, and that terminal's other end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("4H", 24, 100, 0, 0))
    command = ["-m", "report", "page", "--preset", str(TINY), "--jobs", "2", "--out", str(out)]
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, how, *command],
        cwd=ROOT, stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    return process, master


@pytest.mark.parametrize("n_moments", [1, *(pytest.param(10, marks=soak, id=f"10-{part}") for part in (1, 2))])
def test_a_closed_terminal_ends_a_run(
    n_moments: int, report: Path, tmp_path: Path, record_property: Record, request: pytest.FixtureRequest
) -> None:
    """At random moments: status 129 (or the signal, while modules load), no process left, the next run goes on."""
    moments, out = random.Random(request.node.name), tmp_path / "out"
    for _ in range(n_moments):
        process, master = in_a_terminal("plain", out)
        time.sleep(moments.uniform(0.2, 6 if n_moments > 1 else 3))
        os.close(master)
        assert process.wait(timeout=60) in (129, -signal.SIGHUP, 0)
        assert left_behind(process.pid) == []
    record_property("cases", n_moments)
    if n_moments > 1:
        assert command_line("report", "page", "--preset", TINY, "--out", out).returncode == 0
        assert tree(out) == tree(report)


@soak
@pytest.mark.parametrize("begins", ["whole", "empty"])
def test_a_run_outlives_its_terminal_with_nohup(begins: str, report: Path, tmp_path: Path) -> None:
    """Its progress has nowhere to go any more; the bytes are the same."""
    if begins == "whole":
        start_from(report, tmp_path / "out")
    process, master = in_a_terminal("nohup", tmp_path / "out")
    deadline = time.monotonic() + 60
    while not (tmp_path / "out" / ".lock").exists() and time.monotonic() < deadline:
        time.sleep(0.01)
    time.sleep(0.3)
    os.close(master)
    assert process.wait(timeout=300) == 0
    assert tree(tmp_path / "out") == tree(report)


@soak
def test_ctrl_c_in_a_terminal_is_one_line(tmp_path: Path) -> None:
    """What stands on the terminal after the progress is that line alone; every process of it has got the signal."""
    process, master = in_a_terminal("plain", tmp_path / "out")
    shown = b""
    while b"blocks" not in shown:
        shown += os.read(master, 4096)
    os.write(master, b"\x03")
    try:
        while more := os.read(master, 4096):
            shown += more
    except OSError:  # nobody holds the other end any more
        pass
    os.close(master)
    assert process.wait(timeout=60) == 130
    after = shown.decode().rsplit("\r", 2)
    assert [line for line in lines(after[-2] + after[-1]) if "blocks/s" not in line and "^C" not in line] == [SAID]
    assert "Traceback" not in shown.decode()
    assert left_behind(process.pid) == []


@pytest.mark.parametrize(
    ("arguments", "ends"),
    [
        ("report page --help", "| head -n 0"),
        *(
            pytest.param(arguments, ends, marks=soak)
            for arguments in ("report page --help", "report figures", "experiments run", "report page")
            for ends in (">&- 2>&-", "| head -n 0", "2>&1 | head -n 0")
        ),
    ],
)
def test_nobody_reads(arguments: str, ends: str, report: Path, tmp_path: Path) -> None:
    """A closed pipe or stream: no traceback and no complaint, and the exit status is that of the work."""
    more = ""
    if arguments in ("report page", "experiments run"):
        start_from(report, tmp_path / "out")
        more = f"--preset '{TINY}' --out '{tmp_path}/out'"
    command = f"{{ '{sys.executable}' -m {arguments} {more}; echo $? >'{tmp_path}/status'; }} {ends}"
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert (tmp_path / "status").read_text() == "0\n"
    assert lines(done.stderr) == []


def test_a_terminal_is_controlled() -> None:
    """The negative control: without a signal handler, closing the other end kills what is in the terminal."""
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", IN_A_TERMINAL, "plain", "-c", "import time; time.sleep(60)"],
        stdin=slave, stdout=slave, stderr=slave, start_new_session=True,
    )  # fmt: skip
    os.close(slave)
    deadline = time.monotonic() + 60
    while (
        b"sleep" not in b"".join(Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")[2:3])
        and time.monotonic() < deadline
    ):
        time.sleep(0.01)
    time.sleep(0.3)
    os.close(master)
    assert process.wait(timeout=60) == -signal.SIGHUP
