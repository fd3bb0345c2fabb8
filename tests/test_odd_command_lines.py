"""Whatever stands on a command line, it is taken, or refused in lines with exit code 2; and nothing in it is run."""

import io
import os
import random
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import experiments.__main__ as experiments_command
import report.__main__ as report_command
import report.slides.command as slides_command
from conftest import ROOT
from experiments.cli import tell
from experiments.faults import Faults
from fault_lines import check_lines
from report.figures import FIGURES

SHORT, LONG = 200, 6000  # cases
Main = Callable[[Sequence[str]], int]
Record = Callable[[str, object], None]

MAINS: dict[str, Main] = {"report": report_command.main, "experiments": experiments_command.main}
COMMANDS = [
    ("report", "page"), ("report", "slides"), ("report", "figures"), ("report", "audit"), ("experiments", "run"),
    ("report", "pages"), ("experiments", ""),
]  # fmt: skip
OPTIONS = [
    "--preset", "--seed", "--jobs", "--scheduler", "--out", "--strict", "--figures", "--theme", "--font", "--causal",
    "--batch-first", "--scale", "--entropy", "--heads", "--help", "-h", "--", "-", "---", "--sed", "--out=", "-x",
]  # fmt: skip
VALUES = [
    "", " ", "0", "1", "-1", "3", "007", "1e3", "1.5", "nan", "inf", "-inf", "9" * 30, "9" * 5000, "x" * 5000, "٣", "²",
    "quick", "full", "quik", "default", "none.toml", "/", ".", "~nobody", "~", "a/b", "\x00", "a\x00.toml", "a\nb",
    "\t", "\x1b[31mred", "\udcff", "\udcff.toml", "é", "‮", "😀", "=", "a=b", "--", "--seed", "light", "dark",
    "light,dark",
    ",", ",,", "all", FIGURES[0].name, f"{FIGURES[0].name},{FIGURES[1].name}", f"{FIGURES[0].name},nothing", "Arial",
    "DejaVu Sans", "none.ttf", "\udcff.otf", "tcp://localhost:8786", "tcp://[::1]:1", "tcp://x:99999", "tcp://",
    "http://x", "$(touch pwned)", "`touch pwned`", "; touch pwned", "'\"", "%s%n", "{0}", "<script>", "heads.npz",
    "*", "0.5", "1/8",
]  # fmt: skip
PLAUSIBLE = {
    "--preset": ["quick", "default"], "--seed": ["3"], "--jobs": ["2"], "--out": ["somewhere"], "--theme": ["dark"],
    "--scale": ["0.1"], "--entropy": ["0.5"], "--heads": ["12"], "--figures": [FIGURES[0].name],
    "--scheduler": ["tcp://localhost:8786"],
}  # fmt: skip
WORDS = st.sampled_from(VALUES) | st.text(st.characters(codec=None), max_size=8)


@st.composite
def words(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A program and its arguments, mostly such as somebody might have written."""
    program, command = draw(st.sampled_from(COMMANDS))
    arguments = [command] if command and draw(st.integers(0, 19)) else []
    for _ in range(draw(st.integers(0, 4))):
        option = draw(st.sampled_from(OPTIONS))
        value = draw(st.sampled_from(PLAUSIBLE[option]) | WORDS if option in PLAUSIBLE else WORDS)
        shapes = [[option, value], [option, value], [f"{option}={value}"], [option], [value], [value, option]]
        arguments += draw(st.sampled_from(shapes))
    return program, arguments


@pytest.fixture(autouse=True)
def _nothing_is_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The running part does nothing; what would be made by mistake is made in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    for module in (report_command, experiments_command, slides_command):
        monkeypatch.setattr(module, "run_and_publish", lambda *_: 0)
    monkeypatch.setattr(report_command, "audit", lambda *_: 0)


def came_of(main: Main, arguments: Sequence[str], streams: tuple[io.TextIOWrapper, io.TextIOWrapper]) -> int:
    """The exit code; AssertionError where faults are no lines that can be read and printed."""
    try:
        code: object = main(arguments)
    except SystemExit as end:  # of --help
        code = end.code
    except Faults as faults:
        check_lines(faults)
        for line in faults.lines:
            for stream in streams:
                tell(stream, f"error: {line}")
        return 2
    assert code == 0
    return 0


@pytest.mark.parametrize("n_cases", [SHORT, pytest.param(LONG, marks=pytest.mark.soak)])
def test_a_command_line_is_taken_or_refused_in_lines(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], n_cases: int, record_property: Record
) -> None:
    """Wrong values, repeated options, odd letters, very long words; both outcomes are met, and no file is made."""
    came: Counter[int] = Counter()
    streams = tuple(io.TextIOWrapper(io.BytesIO(), encoding=name) for name in ("utf-8", "ascii"))

    @settings(
        max_examples=n_cases, deadline=None, database=None, derandomize=n_cases == SHORT,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(words())
    def judge(case: tuple[str, list[str]]) -> None:
        program, arguments = case
        came[came_of(MAINS[program], arguments, streams)] += 1  # type: ignore[arg-type]
        capsys.readouterr()

    judge()
    record_property("cases", came.total())
    record_property("taken", came[0])
    assert came.keys() == {0, 2}
    assert min(came.values()) > n_cases / 20
    assert list(tmp_path.iterdir()) == []


def test_the_judge_can_fail() -> None:
    """Its negative control: another exception, another exit, a line of several."""

    def crash(_: Sequence[str]) -> int:
        raise ValueError("a fault that is no Faults")

    def leave(_: Sequence[str]) -> int:
        raise SystemExit(1)

    def say_nothing(_: Sequence[str]) -> int:
        raise Faults

    streams = (io.TextIOWrapper(io.BytesIO()), io.TextIOWrapper(io.BytesIO()))
    for main in (crash, leave, say_nothing):
        with pytest.raises((ValueError, AssertionError)):
            came_of(main, [], streams)


VARIABLES = {
    "PRESET": ("report", "--preset"), "SEED": ("run", "--seed"), "JOBS": ("report", "--jobs"), "OUT": ("run", "--out"),
    "SCHEDULER": ("report", "--scheduler"), "FIGURES": ("slides", "--figures"), "THEME": ("slides", "--theme"),
    "FONT": ("slides", "--font"), "SCALE": ("audit", "--scale"), "ENTROPY": ("audit", "--entropy"),
    "HEADS": ("audit", "--heads"), "QK": ("audit", "--"),
}  # fmt: skip
DANGEROUS = [
    "$(touch pwned)", "$(shell touch pwned)", "${shell touch pwned}", "`touch pwned`", "; touch pwned;",
    "'; touch pwned; '", '"; touch pwned; "', "x\ntouch pwned", "| touch pwned", "& touch pwned &", "$HOME", "a$b",
    "$$", "$", "$(",
    "${PRESET}", "$(eval X=1)", "#", "a b", "*", "~", "\\", "\\\\'", "%", "-x", "$(error stop)", "!!",
    "$(info $(shell touch pwned))",
]  # fmt: skip


def made(folder: Path, target: str, variable: str, value: str, in_environment: bool) -> list[str]:
    """The arguments with which a target starts Python where a variable has this value."""
    given = [] if in_environment else [f"{variable}={value}"]
    kept = {name: text for name, text in os.environ.items() if name not in VARIABLES and not name.startswith("MAKE")}
    environment = kept | ({variable: value} if in_environment else {})
    environment |= {"QK": "heads.npz"} if target == "audit" and variable != "QK" else {}
    stub = folder / "stub"
    if not stub.exists():
        stub.write_text('#!/bin/sh\nprintf "%s\\0" "$@" > said\n')
        stub.chmod(0o755)
    (folder / "said").unlink(missing_ok=True)
    command = ["make", "--file", str(ROOT / "Makefile"), "--old-file", "setup", "python=./stub", target, *given]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return (folder / "said").read_bytes().decode().split("\0")[:-1]


def pairs_of_make(short: bool) -> Iterator[tuple[str, str, bool]]:
    """Each variable with dangerous values, on the command line of make and in the environment."""
    rng = random.Random(1)
    for variable in VARIABLES:
        for value in rng.sample(DANGEROUS, 4) if short else DANGEROUS:
            yield variable, value, rng.random() < 0.3
    if not short:
        for _ in range(600):
            letters = "x" + "".join(rng.choices("$(){}`'\";|&<> \\#%=!*~\nab", k=rng.randint(1, 12)))
            yield rng.choice(list(VARIABLES)), letters, rng.random() < 0.3


@pytest.mark.parametrize("short", [True, pytest.param(False, marks=pytest.mark.soak)], ids=["short", "long"])
def test_make_hands_on_a_value_as_it_is(tmp_path: Path, short: bool, record_property: Record) -> None:
    """As one argument, letter by letter; neither make nor the shell runs, expands or drops any of it."""
    pairs = list(pairs_of_make(short))
    for variable, value, in_environment in pairs:
        target, option = VARIABLES[variable]
        arguments = made(tmp_path, target, variable, value, in_environment)
        place = arguments.index(option)
        given = value if in_environment else value.lstrip()  # of a command line, make drops blanks before a value
        assert arguments[place + 1] == given, (variable, value)
        assert not (tmp_path / "pwned").exists(), (variable, value)
    record_property("cases", len(pairs))


def test_what_make_would_run_is_seen(tmp_path: Path) -> None:
    """The control: a makefile that lets a value be expanded runs what stands in it."""
    (tmp_path / "Makefile").write_text("export PRESET\nreport:\n\t@true\n")
    subprocess.run(["make", "report", "PRESET=$(shell touch pwned)"], cwd=tmp_path, check=True, timeout=60)
    assert (tmp_path / "pwned").exists()
