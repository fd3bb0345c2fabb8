"""The command lines: what mistakes get, what an interruption leaves, and the same bytes after any of it."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from conftest import ROOT, TINY, command_line, start_from, tree

MISTAKES = {
    "preset": (["--preset", "quik"], ["preset 'quik' is unknown; allowed: quick, default, full"]),
    "missing file": (["--preset", "none.toml"], ["preset none.toml: no such file"]),
    "seed": (["--seed", "-1"], ["--seed: '-1' is not allowed; a whole number from 0 to"]),
    "jobs": (["--jobs", "0"], ["--jobs: '0' is not allowed; a whole number from 1 to 256"]),
    "scheduler": (["--scheduler", "foo"], ["--scheduler: 'foo' is not allowed; tcp://host:port is needed"]),
    "out": (["--out", ""], ["--out: is empty"]),
    "option": (["--job", "2", "--sed=3"], ["--job: unknown option", "--sed=3: unknown option"]),
    "huge": (["--seed", "9" * 5000], ["--seed: '9999"]),
    "long": (["--preset", "x" * 300 + ".toml"], ["preset xxx"]),
    "several": (["--preset", "ful", "--seed", "x", "--jobs", "2.5"], ["--seed: 'x'", "--jobs: '2.5'", "preset 'ful'"]),
    "value": (["--seed"], ["argument --seed: expected one argument"]),
}


BEGUN_MANY_TIMES = """
import importlib, json, os, sys
from experiments.cli import guarded
program = importlib.import_module(sys.argv[1])
for name, arguments in json.loads(sys.argv[3]).items():
    begun = os.fork()
    if not begun:
        for stream in (1, 2):
            os.dup2(os.open(f"{sys.argv[2]}/{name}.{stream}", os.O_WRONLY | os.O_CREAT), stream)
        sys.argv[1:] = arguments
        guarded(program.main)
    print(name, os.waitstatus_to_exitcode(os.waitpid(begun, 0)[1]), flush=True)  # before the next one inherits it
"""


@pytest.mark.parametrize("arguments", [("report", "page"), ("experiments", "run")], ids=" ".join)
def test_a_mistake_gets_one_line_and_exit_code_2(arguments: tuple[str, str], tmp_path: Path) -> None:
    """Each fault is one line; no traceback, nothing on standard output.

    Modules are loaded once, for a process to each mistake; the last of them has a start of its own.
    """
    package, command = arguments
    wrong = {name: [command, *options] for name, (options, _) in MISTAKES.items()}
    program = [sys.executable, "-W", "error", "-c", BEGUN_MANY_TIMES]
    done = subprocess.run(
        [*program, f"{package}.__main__", tmp_path, json.dumps(wrong)], cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{name} 2" for name in MISTAKES]
    for name, (_, lines) in MISTAKES.items():
        assert (tmp_path / f"{name}.1").read_text() == "", name
        found = (tmp_path / f"{name}.2").read_text().splitlines()
        assert len(found) == len(lines), name
        for expected, line in zip(lines, found, strict=True):
            assert line.startswith(f"error: {expected}"), line
    alone = command_line(package, *wrong[name])
    assert (alone.returncode, alone.stdout, alone.stderr.splitlines()) == (2, "", found)


def test_an_unknown_command_is_a_mistake_too() -> None:
    """Neither package runs anything without a command it knows."""
    for arguments in (("report",), ("report", "pages"), ("experiments",), ("experiments", "ran")):
        done = command_line(*arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr


def test_a_mistake_touches_nothing_that_was_built(report: Path, tmp_path: Path) -> None:
    """The page, the data and the claims stay as they were."""
    out = tmp_path / "out"
    shutil.copytree(report, out)
    (tmp_path / "bad.toml").write_text('base = "quick"\n[variance]\nd_k = [0]\n')
    assert command_line("report", "page", "--preset", tmp_path / "bad.toml", "--out", out).returncode == 2
    assert tree(out) == tree(report)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    """A file where the output folder should be."""
    (tmp_path / "file").write_text("mine")
    done = command_line("experiments", "run", "--preset", TINY, "--out", tmp_path / "file" / "out")
    assert done.returncode == 2
    assert done.stderr.startswith(f"error: {tmp_path}/file/out: cannot be written (Not a directory)")
    assert (tmp_path / "file").read_text() == "mine"


def test_a_file_in_the_way_of_a_folder_is_one_line(report: Path, tmp_path: Path) -> None:
    """A file named data where the data folder should go: said in one line."""
    out = tmp_path / "out"
    out.mkdir()
    shutil.copy(report / "results.sqlite", out)
    (out / "data").write_text("mine")
    done = command_line("experiments", "run", "--preset", TINY, "--out", out)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert (out / "data").read_text() == "mine"


@pytest.mark.parametrize("name", ["data/mine.csv", "report/page.py"])
def test_a_folder_with_somebody_elses_files_is_refused(tmp_path: Path, name: str) -> None:
    """OUT=. in a project, or a home with a folder named data: said before anything is computed, nothing removed."""
    (tmp_path / name).parent.mkdir()
    (tmp_path / name).write_text("mine")
    done = command_line("report", "page", "--preset", TINY, "--out", tmp_path)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "holds files that no run has put there" in line
    assert [path.read_text() for path in tmp_path.rglob("*") if path.is_file() and path.name != ".lock"] == ["mine"]


def test_a_link_in_place_of_a_folder_is_refused(tmp_path: Path) -> None:
    """What it points to is neither written nor emptied."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "precious").write_text("mine")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "data").symlink_to(tmp_path / "elsewhere")
    done = command_line("experiments", "run", "--preset", TINY, "--out", tmp_path / "out")
    assert done.returncode == 2
    assert [path.name for path in (tmp_path / "elsewhere").iterdir()] == ["precious"]


def test_a_folder_in_the_way_of_a_file_leaves_everything_as_it_was(report: Path, tmp_path: Path) -> None:
    """Found before the first file is replaced."""
    out = tmp_path / "out"
    shutil.copytree(report, out)
    (out / "claims.json").unlink()
    (out / "claims.json").mkdir()
    done = command_line("experiments", "run", "--preset", TINY, "--seed", 5, "--out", out)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    unchanged = {name: content for name, content in tree(report).items() if name != "claims.json"}
    assert tree(out) == unchanged


def test_a_files_own_neighbours_stay(report: Path, tmp_path: Path) -> None:
    """A file that the user put beside the results of a run is not ours to remove."""
    out = tmp_path / "out"
    shutil.copytree(report, out)
    (out / "data" / "notes.txt").write_text("mine")
    assert command_line("experiments", "run", "--preset", TINY, "--out", out).returncode == 0
    assert (out / "data" / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize("stream", ["2>&-", "</dev/null >/dev/full", "2>/dev/full"])
def test_nobody_needs_to_listen(tmp_path: Path, stream: str) -> None:
    """With standard error closed, or a full device behind either stream, the results are still written."""
    command = f'"{sys.executable}" -m experiments run --preset "{TINY}" --out "{tmp_path}/out" {stream}'
    done = subprocess.run(["sh", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0
    assert "Traceback" not in done.stderr
    assert (tmp_path / "out" / "claims.json").exists()


def test_the_closing_line_says_what_was_done(report: Path, tmp_path: Path) -> None:
    """Seconds, blocks computed and reused, the product, the verdicts; a second run computes nothing."""
    out = tmp_path / "out"
    shutil.copytree(report, out)
    done = command_line("experiments", "run", "--preset", TINY, "--out", out)
    assert done.returncode == 0
    (line,) = done.stdout.splitlines()
    assert " s · 0 blocks computed, " in line
    assert " reused · " in line
    assert line.endswith(" refuted")
    assert tree(out) == tree(report)


def test_strict_fails_on_a_refuted_claim(report: Path, tmp_path: Path) -> None:
    """Between 256 and 512 dimensions raw weights are saturated already: that they still change is refuted."""
    (tmp_path / "flat.toml").write_text(
        TINY.read_text()
        .replace("d_k = [1, 16, 64]", "d_k = [256, 512]")
        .replace("precision = 0.05", "precision = 0.02")
    )
    start_from(report, tmp_path / "out")
    start_from(report, tmp_path / "good")
    arguments = ("experiments", "run", "--preset", tmp_path / "flat.toml", "--out", tmp_path / "out")
    done = command_line(*arguments)
    assert " 0 refuted" not in done.stdout
    assert done.returncode == 0
    assert command_line(*arguments, "--strict").returncode == 1
    assert command_line("experiments", "run", "--preset", TINY, "--out", tmp_path / "good", "--strict").returncode == 0


def test_two_runs_on_one_folder_do_not_mix(tmp_path: Path) -> None:
    """The second one is told so, in one line."""
    import fcntl

    out = tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = command_line("experiments", "run", "--preset", TINY, "--out", out)
    assert done.returncode == 2
    assert (
        done.stderr == f"error: {out}: another run is writing there; wait for it or choose another folder with OUT=\n"
    )


def test_ctrl_c_ends_at_once_and_keeps_what_was_finished(tmp_path: Path) -> None:
    """Exit code 130, one line, and the next run reuses blocks."""
    slow = tmp_path / "slow.toml"
    slow.write_text(TINY.read_text().replace("d_k = [1, 16, 64]", "d_k = [1, 16, 64, 2048]").replace("0.05", "0.02"))
    command = [sys.executable, "-m", "experiments", "run", "--preset", str(slow), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    store = tmp_path / "out" / "results.sqlite-wal"
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (store.exists() and store.stat().st_size > 50_000):
        time.sleep(0.02)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # a second, on a machine that has nothing else to do
    assert process.returncode == 130
    assert out == ""
    assert errors.strip() == "interrupted: finished blocks are kept; the same command goes on from there"
    done = command_line("experiments", "run", "--preset", slow, "--out", tmp_path / "out")
    assert done.returncode == 0
    assert " 0 reused" not in done.stdout


def test_help_names_every_option() -> None:
    """--help of each command lists what it takes."""
    for command in (("report", "page"), ("experiments", "run")):
        done = command_line(*command, "--help")
        assert done.returncode == 0
        assert all(
            option in done.stdout for option in ("--preset", "--seed", "--jobs", "--scheduler", "--out", "--strict")
        )


@pytest.mark.skipif(sys.platform != "linux", reason="needs a folder that nobody may write, not even root")
def test_a_read_only_folder_is_one_line() -> None:
    """Said before anything is computed."""
    done = command_line("experiments", "run", "--preset", TINY, "--out", "/sys/out")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith("error: /sys/out: cannot be written (")
    assert len(done.stderr.splitlines()) == 1
