"""The audit's command line: what mistakes get, what an interruption leaves, and whose files stay."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT, command_line
from experiments.audit.measured import Settings
from experiments.audit.options import AuditOptions, add_audit_options, read_audit_options
from experiments.cli import MAX_JOBS, Parser
from experiments.faults import Faults
from experiments.output import only_one, publish
from report.audit.command import audit

MISTAKES = {
    "scale": (["a.npz", "--scale", "0"], ["--scale: '0' is not allowed; a number from 1e-30 to 1e+30 is needed"]),
    "no scale": (["a.npz", "--scale", "nan"], ["--scale: 'nan' is not allowed; a number from"]),
    "words": (["a.npz", "--scale", "1/8"], ["--scale: '1/8' is not allowed; a number from"]),
    "entropy": (["a.npz", "--entropy", "1"], ["--entropy: '1' is not allowed; a number between 0 and 1 is needed"]),
    "heads": (["a.npz", "--heads", "0"], ["--heads: '0' is not allowed; a whole number from 1 to 65536 is needed"]),
    "jobs": (["a.npz", "--jobs", "x"], [f"--jobs: 'x' is not allowed; a whole number from 1 to {MAX_JOBS} is needed"]),
    "out": (["a.npz", "--out", ""], ["--out: is empty; the path of a folder is needed"]),
    "file": ([""], ["FILE: is empty; the path of a file is needed"]),
    "no file": ([], ["the following arguments are required: FILE; see python -m report audit --help"]),
    "option": (["a.npz", "--casual"], ["--casual: unknown option; allowed: "]),
    "several": (
        ["a.npz", "--jobs", "0", "--scale=-1", "--entropy", "2"],
        ["--jobs: '0'", "--scale: '-1'", "--entropy: '2'"],
    ),
}


def read(arguments: list[str]) -> AuditOptions:
    """The options as the command reads them."""
    parser = Parser(prog="python -m report audit")
    add_audit_options(parser)
    return read_audit_options(parser.parse_args(arguments))


@pytest.mark.parametrize("mistake", MISTAKES)
def test_each_mistake_is_a_line(mistake: str) -> None:
    """It names the option, what was given and what is allowed."""
    arguments, lines = MISTAKES[mistake]
    with pytest.raises(Faults) as found:
        read(arguments)
    assert len(found.value.lines) == len(lines)
    for expected, line in zip(lines, found.value.lines, strict=True):
        assert line.startswith(expected), line


def test_options_are_read() -> None:
    """Each in its place; without any, the defaults."""
    options = read([
        "a b.npz", "c", "--batch-first", "--causal", "--scale", "1e-2", "--entropy", "0.5", "--heads", "12", "--jobs",
        "3", "--out", "there",
    ])  # fmt: skip
    assert options.paths == (Path("a b.npz"), Path("c"))
    assert (options.batch_first, options.n_heads, options.jobs, options.out) == (True, 12, 3, Path("there"))
    assert (options.settings.causal, options.settings.scale, options.settings.entropy) == (True, 0.01, 0.5)
    plain = read(["a"])
    assert (plain.batch_first, plain.n_heads, plain.out) == (False, None, Path("build"))
    assert (plain.settings.causal, plain.settings.scale, plain.settings.entropy) == (False, None, None)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """One small head."""
    q, k = np.random.default_rng(1).normal(size=(2, 20, 4))
    np.savez(tmp_path / "small.npz", q=q, k=k)
    return tmp_path / "small.npz"


def test_a_wrong_file_gets_one_line_and_leaves_everything(tmp_path: Path, file: Path) -> None:
    """Exit code 2, no traceback; an audit and a report that are there stay to the byte, whatever is wrong."""
    out = tmp_path / "out"
    publish(out, {"data/a.csv": b"1", "report/index.html": b"1"})
    assert audit(read([str(file), "--out", str(out)])) == 0
    before = contents(out)
    assert {"audit/index.html", "audit/audit.csv", "report/index.html"} <= before.keys()
    np.savez(tmp_path / "nan.npz", q=np.full((20, 4), np.nan), k=np.ones((20, 4)))
    np.savez(tmp_path / "few.npz", q=np.ones((3, 4)), k=np.ones((3, 4)))
    for arguments, line in (
        (["nan.npz"], "nan.npz: q: entry [0, 0] is nan; every entry must be finite"),
        (["few.npz", "--causal"], "few.npz: layer 0, head 0: measure_head: causal rows are measured from 16 keys"),
    ):
        with pytest.raises(Faults) as found:
            audit(read([str(tmp_path / arguments[0]), *arguments[1:], "--out", str(out)]))
        (said,) = found.value.lines
        assert line in said
        assert contents(out) == before
    done = command_line("report", "audit", tmp_path / "none.npz", "--out", out)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"error: {tmp_path}/none.npz: no such file\n"
    assert contents(out) == before


def contents(folder: Path) -> dict[str, bytes]:
    """Every file in a folder."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_audit_and_a_report_share_a_folder(tmp_path: Path) -> None:
    """Each removes what it left earlier and nothing of the other; a stranger's folder is refused by its name."""
    publish(tmp_path, {"audit/old.csv": b"1", "audit/index.html": b"1"})
    publish(tmp_path, {"data/a.csv": b"2", "report/index.html": b"2"})
    publish(tmp_path, {"audit/index.html": b"3"})
    names = {str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.*") if path.is_file()}
    assert names - {".published"} == {"audit/index.html", "data/a.csv", "report/index.html"}
    with only_one(tmp_path, ["audit"]), only_one(tmp_path / "other"):
        pass
    (tmp_path / "third" / "audit").mkdir(parents=True)
    (tmp_path / "third" / "audit" / "mine").write_text("mine")
    publish(tmp_path / "third", {"data/a.csv": b"2"})  # that a report was there makes the audit's folder nobody's
    with only_one(tmp_path / "third"):
        pass
    with (
        pytest.raises(Faults, match=r"third/audit: holds files that no run has put there"),
        only_one(tmp_path / "third", ["audit"]),
    ):
        pass


def test_ctrl_c_ends_at_once_and_writes_nothing(tmp_path: Path) -> None:
    """Exit code 130 and one line, in the midst of long heads."""
    q = np.random.default_rng(1).normal(size=(64, 2048, 64)).astype(np.float32)
    np.savez(tmp_path / "long.npz", q=q, k=q)
    command = [sys.executable, "-m", "report", "audit", str(tmp_path / "long.npz"), "--out", str(tmp_path / "out")]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not (tmp_path / "out" / ".lock").exists():
        time.sleep(0.02)
    time.sleep(0.7)
    process.send_signal(signal.SIGINT)
    asked = time.monotonic()
    out, errors = process.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # a second, on a machine that has nothing else to do
    assert (process.returncode, out) == (130, "")
    assert errors.strip() == "interrupted: nothing was written"
    assert [path.name for path in (tmp_path / "out").iterdir()] == [".lock"]


def test_make_hands_everything_on(tmp_path: Path) -> None:
    """The recipe of `make audit`, run by a shell with a Python that prints what it is given; spaces in names stay."""
    ask = ["make", "--no-print-directory", "-n", "audit"]
    done = subprocess.run(ask, cwd=ROOT, capture_output=True, text=True, check=True)
    recipe = done.stdout.strip().splitlines()[-1].replace(".venv/bin/python", "printf '%s|'")

    def arguments(**variables: str) -> str:
        names = ("QK", "CAUSAL", "BATCH_FIRST", "SCALE", "ENTROPY", "HEADS", "JOBS", "OUT")
        environment = {**os.environ, **dict.fromkeys(names, ""), **variables}
        return subprocess.run(["sh", "-c", recipe], env=environment, capture_output=True, text=True, check=True).stdout

    assert arguments(QK="a b.npz") == "-m|report|audit|--|a b.npz|"
    every = arguments(
        QK="q", CAUSAL="1", BATCH_FIRST="1", SCALE="0.1", ENTROPY="0.5", HEADS="12", JOBS="3", OUT="a folder"
    )
    given = every.removesuffix("|").split("|")[3:]
    assert read(given) == AuditOptions((Path("q"),), True, 12, Settings(True, 0.1, 0.5), 3, Path("a folder"))
    assert arguments(QK="q", CAUSAL="0", BATCH_FIRST="0") == "-m|report|audit|--|q|"
    with pytest.raises(subprocess.CalledProcessError) as failed:
        arguments()
    assert re.search(r"QK: is not set: make audit QK=heads\.npz", failed.value.stderr)


def test_help_names_every_option() -> None:
    """--help lists what the command takes."""
    parser = Parser(prog="python -m report audit")
    add_audit_options(parser)
    text = parser.format_help()
    for option in ("FILE", "--batch-first", "--causal", "--scale", "--entropy", "--heads", "--jobs", "--out"):
        assert option in text
