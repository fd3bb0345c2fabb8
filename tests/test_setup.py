"""The ways in: ``tools/setup.sh`` mends .venv or says in one message what to do, and ``make`` lists what there is."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MAKEFILE = (ROOT / "Makefile").read_text(encoding="utf-8")
TARGETS = re.findall(r"^([a-z-]+):.*## ", MAKEFILE, re.MULTILINE)

# Stands for a Python: answers what setup.sh asks, makes a .venv whose python is itself, and notes each call of pip.
PYTHON = """#!/bin/sh
case "$*" in
*version_info*) [ {version} != old ] && echo "{version} $0" ;;
--version) echo "Python 3.9.2" ;;
*"import ensurepip"*) [ {ensurepip} = yes ] ;;
*"-m venv"*) mkdir -p .venv/bin && cp "$0" .venv/bin/python ;;
*"-m pip"*requirements-models*) echo "$*" >>models-calls; cat models-says 2>/dev/null; [ ! -e models-says ] ;;
*"-m pip"*) echo "$*" >>pip-calls; cat pip-says 2>/dev/null; [ ! -e pip-says ] ;;
esac
"""


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """Return a copy of what setup.sh reads, in a folder whose name has a space."""
    house = tmp_path / "a house"
    (house / "tools").mkdir(parents=True)
    shutil.copy(ROOT / "tools" / "setup.sh", house / "tools")
    (house / "requirements.lock").write_text("one\n")
    (house / "requirements-cluster.lock").write_text("one\ntwo\n")
    (house / "requirements-dev.lock").write_text("one\ntwo\nthree\n")
    (house / "requirements-models.lock").write_text("models\n")
    return house


def setup(house: Path, kind: str = "report", version: str = "3.12", ensurepip: str = "yes") -> tuple[int, str, str]:
    """Run setup.sh with a Python made up for the purpose; return its exit status, what it printed and its errors."""
    python = house.parent / "python"
    python.write_text(PYTHON.format(version=version, ensurepip=ensurepip))
    python.chmod(0o755)
    environment = {**os.environ, "PYTHON": str(python)}
    command = ["sh", str(house / "tools" / "setup.sh"), kind]
    done = subprocess.run(command, env=environment, cwd="/", capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def pip_calls(house: Path, which: str = "pip") -> list[str]:
    """Return the command lines with which pip was called, for the models or for all else."""
    calls = house / f"{which}-calls"
    return calls.read_text().splitlines() if calls.exists() else []


def test_second_call_does_nothing(house: Path) -> None:
    """Only the first call runs pip and speaks, even when a checkout gave the locks a new date."""
    code, out, err = setup(house)
    assert (code, out, err) == (0, "Setting up .venv (Python 3.12, requirements.lock): about a minute, once\n", "")
    assert len(pip_calls(house)) == 1
    assert "--require-hashes --only-binary :all: -r requirements.lock" in pip_calls(house)[0]
    os.utime(house / "requirements.lock", (0, 0))
    assert setup(house) == (0, "", "")
    assert len(pip_calls(house)) == 1


def test_larger_sets_of_packages_serve_the_smaller_ones_too(house: Path) -> None:
    """A larger set is added to a smaller one once and then serves both, as when tests and report take turns."""
    taken = [("report", 1), ("cluster", 2), ("report", 2), ("dev", 3), ("report", 3), ("cluster", 3), ("dev", 3)]
    for kind, calls in taken:
        assert setup(house, kind)[0] == 0
        assert len(pip_calls(house)) == calls


def test_changed_lock_is_installed(house: Path) -> None:
    """The content of the lock decides, not its date."""
    setup(house)
    locks = ("requirements.lock", "requirements-cluster.lock", "requirements-models.lock")
    for calls, lock in enumerate(locks, start=2):
        (house / lock).write_text("four\n")
        assert setup(house)[0] == 0
        assert len(pip_calls(house)) == calls


@pytest.mark.parametrize("harm", ["interrupted", "no interpreter", "moved", "a file"])
def test_broken_venv_is_made_anew(house: Path, harm: str) -> None:
    """Whatever became of .venv, the next call mends it."""
    setup(house)
    if harm == "interrupted":
        (house / ".venv" / "stamp").rename(house / ".venv" / "stamp.old")
    elif harm == "no interpreter":
        (house / ".venv" / "bin" / "python").unlink()
    elif harm == "moved":
        house = house.rename(house.parent / "elsewhere")
    else:
        shutil.rmtree(house / ".venv")
        (house / ".venv").write_text("")
    (house / "pip-calls").unlink()
    assert setup(house)[0] == 0
    assert len(pip_calls(house)) == 1
    assert setup(house) == (0, "", "")


def test_other_python_makes_another_venv(house: Path) -> None:
    """PYTHON= of another version is not answered with the .venv of the old one."""
    setup(house, version="3.12")
    code, out, _ = setup(house, version="3.13")
    assert (code, "Python 3.13" in out) == (0, True)


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        ({"version": "old"}, r"PYTHON=\S+ is Python 3\.9\.2; Python 3\.11 or newer is needed\. Mend it with: "),
        ({"ensurepip": "no"}, r"Python 3\.12 lacks the venv or ensurepip module\. Mend it with: "),
    ],
)
def test_unusable_python_is_told_in_one_line(house: Path, fault: dict[str, str], message: str) -> None:
    """The message names the fault and the command that mends it; no half-made .venv is left behind."""
    code, out, err = setup(house, **fault)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert re.match("setup: " + message, err)
    assert "PYTHON=/path/to/python3" in err
    if shutil.which("apt-get"):
        assert re.search(r"apt-get install .*python3\.\d\d-venv ", err)
    if "ensurepip" in fault and shutil.which("apt-get"):
        assert "apt-get install python3.12-venv " in err
    assert not (house / ".venv").exists()


def test_missing_network_is_told_in_one_line(house: Path) -> None:
    """Of pip's many lines one is left, with the place of the rest; once pip works again so does setup."""
    (house / "pip-says").write_text("WARNING: Retrying: NewConnectionError\nERROR: No matching distribution found\n")
    code, _, err = setup(house)
    assert (code, err.count("\n")) == (1, 1)
    assert "the package index cannot be reached" in err
    assert err.rstrip().endswith(f"Log: {house}/.venv/setup.log")
    assert "NewConnectionError" in (house / ".venv" / "setup.log").read_text()
    (house / "pip-says").unlink()
    assert setup(house)[0] == 0


def test_failed_download_leaves_what_was_there(house: Path) -> None:
    """When a changed lock cannot be fetched, going back to the old lock needs no network."""
    setup(house)
    (house / "requirements.lock").write_text("three\n")
    (house / "pip-says").write_text("ERROR: No matching distribution found for three\n")
    code, _, err = setup(house)
    assert (code, "ERROR: No matching distribution found for three" in err) == (1, True)
    (house / "requirements.lock").write_text("one\n")
    assert setup(house) == (0, "", "")


@pytest.mark.parametrize("kind", ["report", "cluster", "dev"])
def test_models_come_with_every_set_of_packages(house: Path, kind: str) -> None:
    """By their own lock, without what they need in turn: NumPy is there. A second call asks for nothing."""
    for _ in range(2):
        assert setup(house, kind)[0] == 0
        (call,) = pip_calls(house, "models")
        assert "--require-hashes --only-binary :all: --no-deps -r requirements-models.lock" in call
        assert len(pip_calls(house)) == 1


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ("ERROR: No matching distribution found for glassllm\n", "ERROR: No matching distribution found for glassllm"),
        ("WARNING: Retrying: NewConnectionError\n", "the package index cannot be reached; check the network (behind a"),
        ("", "pip failed"),
    ],
)
def test_models_that_cannot_be_had_stop_nothing(house: Path, says: str, reason: str) -> None:
    """One line tells what is left out, why, and how to try again; later calls, offline too, lose no time over it."""
    (house / "models-says").write_text(says)
    code, out, err = setup(house)
    assert (code, out.count("\n"), err.count("\n")) == (0, 1, 1)
    assert err.startswith(f"setup: the trained models of requirements-models.lock were not installed: {reason}")
    assert "What is measured on them is left out, all else works. To try again: .venv/bin/python -m pip install" in err
    assert err.rstrip().endswith(f"Log: {house}/.venv/setup-models.log")
    assert setup(house) == (0, "", "")
    assert len(pip_calls(house, "models")) == 1
    setup(house, "dev")
    assert len(pip_calls(house, "models")) == 2


def test_models_are_not_asked_for_where_the_rest_failed(house: Path) -> None:
    """One fault, one message."""
    (house / "pip-says").write_text("ERROR: No matching distribution found for one\n")
    assert setup(house)[0] == 1
    assert pip_calls(house, "models") == []


def test_unknown_set_of_packages(house: Path) -> None:
    """A wrong argument is told with those allowed."""
    assert setup(house, "all") == (2, "", "setup: unknown set of packages 'all'; allowed: report, cluster, dev\n")


def make(*arguments: str, folder: Path = ROOT) -> str:
    """Return what make prints, untouched by the make and the variables that these tests may be run with."""
    variables = [
        "MAKEFLAGS",
        "MAKELEVEL",
        "MFLAGS",
        "MAKEOVERRIDES",
        *re.findall(r"^(\w+) \?=", MAKEFILE, re.MULTILINE),
    ]
    environment = {name: value for name, value in os.environ.items() if name not in variables}
    command = ["make", "--no-print-directory", *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True).stdout


def test_make_alone_lists_targets_and_variables() -> None:
    """Help names every target that others rely on, and every variable."""
    shown = make()
    assert {
        "help",
        "setup",
        "report",
        "run",
        "scheduler",
        "worker",
        "test",
        "lint",
        "lock",
        "clean",
        "distclean",
    } <= set(TARGETS)
    for name in [*TARGETS, "PRESET=", "SEED=", "JOBS=", "SCHEDULER=", "OUT=", "STRICT=", "PYTHON="]:
        assert f"\n  {name}" in shown


def test_every_listed_target_exists() -> None:
    """Make finds a recipe for each target that help lists, and none of them is taken for a file."""
    (phony,) = re.findall(r"^\.PHONY: (.*)", MAKEFILE, re.MULTILINE)
    assert set(TARGETS) <= set(phony.split())
    for target in TARGETS:
        make("--dry-run", target)


def test_variables_become_flags_and_keep_their_spaces(tmp_path: Path) -> None:
    """Each variable is passed on as one argument, and only when it is set."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "setup.sh").write_text("")
    shutil.copy(ROOT / "Makefile", tmp_path)
    (tmp_path / ".venv" / "bin").mkdir(parents=True)
    python = tmp_path / ".venv" / "bin" / "python"
    python.write_text(f"#!/bin/sh\nexec '{sys.executable}' -c 'import sys; print(sys.argv[1:])' \"$@\"\n")
    python.chmod(0o755)
    default = ["-m", "report", "page", "--preset", "default", "--out", "build"]
    assert make("report", folder=tmp_path).strip() == str(default)
    asked = make("run", "PRESET=my own.toml", "SEED=7", "JOBS=2", "OUT=a 'b' c", "STRICT=1", folder=tmp_path)
    flags = ["--preset", "my own.toml", "--seed", "7", "--jobs", "2", "--out", "a 'b' c", "--strict"]
    assert asked.strip() == str(["-m", "experiments", "run", *flags])
    asked = make("report", "SCHEDULER=tcp://host:8786", folder=tmp_path)
    flags = ["--preset", "default", "--scheduler", "tcp://host:8786", "--out", "build"]
    assert asked.strip() == str(["-m", "report", "page", *flags])
    asked = make("worker", "SCHEDULER=tcp://host:8786", "JOBS=2", folder=tmp_path)
    flags = ["--no-dashboard", "--nthreads", "1", "--nworkers", "2"]
    assert asked.strip() == str(["-m", "dask", "worker", "tcp://host:8786", *flags])


def test_a_cluster_is_set_up_only_where_it_is_asked_for(tmp_path: Path) -> None:
    """The report needs its packages alone, unless SCHEDULER is set."""
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "setup.sh").write_text("echo $1\n")
    shutil.copy(ROOT / "Makefile", tmp_path)
    assert make("setup", folder=tmp_path) == "report\n"
    assert make("setup", "SCHEDULER=tcp://host:8786", folder=tmp_path) == "cluster\n"
    assert make("setup-cluster", folder=tmp_path) == "cluster\n"
