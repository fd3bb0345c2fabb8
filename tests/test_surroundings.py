"""Clocks, homes, languages, places, networks: whatever surrounds a run, the bytes are the same and nothing is said."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from conftest import ROOT, TINY, command_line, start_from, tree
from processes import lines

soak = pytest.mark.soak
Record = Callable[[str, object], None]
BARE = {"PATH": os.environ["PATH"]}  # env -i
HOMES: Mapping[str, Mapping[str, str]] = {
    "bare": {},
    "missing home": {"HOME": "{tmp}/missing/home", "MPLBACKEND": "no-such-backend", "LANG": "C"},
    "home that is a file": {"HOME": "{tmp}/file", "LC_ALL": "POSIX"},
    "empty home": {"HOME": "", "XDG_CACHE_HOME": "{tmp}/missing/cache", "XDG_CONFIG_HOME": "{tmp}/file"},
    "own settings": {"HOME": "{tmp}/home", "MPLCONFIGDIR": "{tmp}/home", "MATPLOTLIBRC": "{tmp}/home"},
    "missing temporary folder": {"HOME": "/dev/null", "TMPDIR": "{tmp}/missing/tmp", "LANG": "xx_YY.UTF-8"},
    "a language": {"HOME": "{tmp}/home", "LC_ALL": "tr_TR.UTF-8", "LANGUAGE": "tr", "TZ": "Asia/Kathmandu"},
    "Python's own": {"PYTHONHASHSEED": "12345", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "COLUMNS": "1"},
}
PLACES = {
    "everything": "späces 'q' \"d\" $HOME %s `x` \\ é世界 #1 {a} [b] *?",
    "newline": "two\nlines",
    "long": "/".join(["x" * 125] * 3),
    "bytes": os.fsdecode(b"no \xff utf-8"),
    "dash": "-rf",
    "dots": "a/../b/./c",
}
PAGE = ("report", "page", "--preset", TINY, "--jobs", 2)


def listing(folder: Path) -> list[str]:
    """Every path below it."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def surrounded(
    command: Sequence[object], environment: Mapping[str, str], cwd: Path = ROOT, before: Sequence[str] = ()
) -> "subprocess.CompletedProcess[str]":
    """`python -m …` with these variables and no others, perhaps by way of another command."""
    return subprocess.run(
        [*before, sys.executable, "-m", *map(str, command)],
        cwd=cwd, env={**BARE, **environment}, capture_output=True, text=True, timeout=1200,
    )  # fmt: skip


@pytest.mark.parametrize("name", ["missing home", *(pytest.param(name, marks=soak) for name in HOMES)])
def test_no_home_no_language(
    name: str, report: Path, tmp_path: Path, record_property: Record, request: pytest.FixtureRequest
) -> None:
    """No warning, the same bytes, and nothing written beside the output folder.

    The soak draws every figure, the short form takes them from an earlier run but for one.
    """
    homes, out = tmp_path / "homes", tmp_path / PLACES["everything"]
    (homes / "home").mkdir(parents=True)
    (homes / "home" / "matplotlibrc").write_text("font.size: 30\nlines.linewidth: 9\n")
    (homes / "file").write_text("mine")
    there = listing(homes)
    if "soak" not in request.keywords:
        start_from(report, out)
        (out / ".figures" / next(iter(sorted((report / ".figures").iterdir()))).name).unlink()
    environment = {key: value.format(tmp=homes) for key, value in HOMES[name].items()}
    done = surrounded([*PAGE, "--out", out], environment)
    record_property("cases", 1)
    assert (done.returncode, lines(done.stderr)) == (0, [])
    assert tree(out) == tree(report)
    assert listing(homes) == there


@soak
def test_nothing_is_written_elsewhere(report: Path, tmp_path: Path, record_property: Record) -> None:
    """With every file system read-only but for the output folder and one for temporary files, page and slides come."""
    out, temporary = tmp_path / "out", tmp_path / "temporary"
    out.mkdir()
    temporary.mkdir()
    names = [shlex.quote(str(folder)) for folder in (out, temporary)]
    mounts = "".join(f"mount --bind {name} {name} && " for name in names) + "mount -o remount,bind,ro / && "

    def within(script: str) -> "subprocess.CompletedProcess[str]":
        namespace = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mounts + script]
        return subprocess.run(namespace, cwd=ROOT, capture_output=True, text=True, timeout=1200)

    if shutil.which("unshare") is None or within(f"! touch {shlex.quote(str(tmp_path / 'x'))}").returncode:
        pytest.skip("no mounts of one's own here: unshare --user --map-root-user --mount")
    options = ("--preset", TINY, "--jobs", 2, "--out", out)
    commands = [shlex.join([sys.executable, "-m", "report", kind, *map(str, options)]) for kind in ("page", "slides")]
    done = within(f"export TMPDIR={names[1]} && " + " && ".join(commands))
    record_property("cases", 2)
    assert (done.returncode, lines(done.stderr)) == (0, [])
    assert tree(out) == tree(report)
    assert listing(temporary) == []


CLOCKS = {
    "1970": ["@1970-01-02 00:00:00"],
    "1999": ["@1999-12-31 23:59:50"],
    "2038": ["@2038-01-19 03:14:00"],
    "2106": ["@2106-02-07 06:28:10"],
    "back": ["@2030-01-01 00:00:00", "@2001-01-01 00:00:00"],
    "fast": ["+0 x1000"],
}


@soak
@pytest.mark.parametrize("kind", ["page", "slides"])
@pytest.mark.parametrize("name", CLOCKS)
def test_whatever_the_clock_says(
    name: str, kind: str, report: Path, slides_folder: Path, tmp_path: Path, record_property: Record
) -> None:
    """The same bytes, though the clock is set back in the midst of it; before 1980 a line says why there is no deck."""
    libraries = sorted(Path("/usr/lib").rglob("libfaketime.so.1"))
    if not libraries:
        pytest.skip("libfaketime is not installed: apt-get install faketime")
    clock, out = tmp_path / "clock", tmp_path / "out"
    clock.write_text(CLOCKS[name][0])
    environment = BARE | {
        "LD_PRELOAD": str(libraries[0]), "FAKETIME_TIMESTAMP_FILE": str(clock), "FAKETIME_NO_CACHE": "1",
        "FAKETIME_DONT_FAKE_MONOTONIC": "1",
    }  # fmt: skip
    year = "import datetime; print(datetime.datetime.now().year)"
    shown = subprocess.run([sys.executable, "-c", year], env=environment, capture_output=True, text=True, check=True)
    assert name in ("back", "fast") or shown.stdout.startswith(name[:3])
    theme = ["--theme", "light"] if kind == "slides" else []
    command = [sys.executable, "-m", "report", kind, "--preset", str(TINY), *theme, "--out", str(out)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    for later in CLOCKS[name][1:]:
        while not (out / "results.sqlite").exists() and process.poll() is None:
            pass
        clock.write_text(later)
    _, errors = process.communicate(timeout=1200)
    record_property("cases", 1)
    if (name, kind) == ("1970", "slides"):
        assert (process.returncode, len(lines(errors))) == (2, 1)
        assert "no PowerPoint file can be written before 1980" in errors
        return
    assert (process.returncode, lines(errors)) == (0, [])
    if kind == "page":
        assert tree(out) == tree(report)
    else:
        made = {
            path.relative_to(slides_folder): path for path in (slides_folder / "slides").rglob("*") if path.is_file()
        }
        assert {file: (out / file).read_bytes() for file in made} == {f: p.read_bytes() for f, p in made.items()}


@soak
@pytest.mark.parametrize("name", PLACES)
def test_whatever_the_folder_is_called(name: str, report: Path, tmp_path: Path, record_property: Record) -> None:
    """The same bytes in it, and nothing is said; the line at the end names it on one line."""
    out = tmp_path / PLACES[name]
    start_from(report, Path(os.path.normpath(out)))
    done = command_line(*PAGE, "--out", out)
    record_property("cases", 1)
    assert (done.returncode, lines(done.stderr)) == (0, [])
    assert len(done.stdout.splitlines()) == 1
    assert tree(out) == tree(report)


@soak
def test_a_path_too_long_for_the_store_is_one_line(tmp_path: Path, record_property: Record) -> None:
    """Of a folder whose name is too long for SQLite, or for the system, both its beginning and the reason are said."""
    for length, reason in ((3, "is too long for SQLite"), (15, "is too long for SQLite"), (40, "File name too long")):
        out = tmp_path / "/".join(["x" * 200] * length)
        done = command_line(*PAGE, "--out", out)
        line = lines(done.stderr)[-1]  # after a warning that no record of benchmarks can be read there
        assert (done.returncode, len(lines(done.stderr))) == (2, 2 if length == 40 else 1)
        assert line.startswith(f"error: {tmp_path}")
        assert reason in line
    record_property("cases", 3)


@soak
def test_ways_to_name_a_folder(report: Path, tmp_path: Path, record_property: Record) -> None:
    """Relative, with a slash at its end, through a link: the same bytes in the same folder."""
    start_from(report, tmp_path / "out")
    (tmp_path / "link").symlink_to(tmp_path / "out")
    ways = [os.path.relpath(tmp_path / "out", ROOT), f"{tmp_path}/out/", f"{tmp_path}/link", f"{tmp_path}//link//."]
    for way in ways:
        done = command_line(*PAGE, "--out", way)
        assert (done.returncode, lines(done.stderr)) == (0, [])
        assert tree(tmp_path / "out") == tree(report)
        shutil.rmtree(tmp_path / "out" / "report")
    record_property("cases", len(ways))


def link_or_copy(source: str, place: str) -> None:
    """The same file there, without another copy where the file system allows it."""
    try:
        os.link(source, place)
    except OSError:
        shutil.copy2(source, place)


@soak
@pytest.mark.parametrize("name", ["everything", "long"])
def test_a_checkout_anywhere(
    name: str, report: Path, slides_folder: Path, tmp_path: Path, record_property: Record
) -> None:
    """Through make, from a checkout in such a folder, without a network: page and slides have the same bytes."""
    checkout = tmp_path / PLACES[name]
    ours_alone = shutil.ignore_patterns(".venv", "build", ".*_cache", ".hypothesis", "__pycache__")
    shutil.copytree(ROOT, checkout, ignore=ours_alone)  # with its history: the page names the commit
    shutil.copytree(sys.prefix, checkout / ".venv", symlinks=True, copy_function=link_or_copy)
    offline = ["unshare", "--user", "--map-root-user", "--net"]
    if subprocess.run([*offline, "true"], capture_output=True).returncode:
        offline = []  # where nobody may do without it
    for target in ("report", "slides"):
        done = subprocess.run(
            [*offline, "make", "--no-print-directory", "-o", "setup", target, "PRESET=tests/tiny.toml", "THEME=light"],
            cwd=checkout, env=BARE | {"HOME": str(tmp_path)}, capture_output=True, text=True, timeout=1200,
        )  # fmt: skip
        assert (done.returncode, lines(done.stderr)) == (0, [])
    record_property("cases", 2)
    assert tree(checkout / "build") == tree(report)
    made = {path.relative_to(slides_folder): path for path in (slides_folder / "slides").rglob("*") if path.is_file()}
    assert {f: (checkout / "build" / f).read_bytes() for f in made} == {f: p.read_bytes() for f, p in made.items()}


@soak
def test_a_working_folder_that_is_gone(report: Path, tmp_path: Path, record_property: Record) -> None:
    """An absolute output folder gets the same bytes, a relative one a line."""
    gone, out = tmp_path / "gone", tmp_path / "out"
    start_from(report, out)
    for place, code in ((out, 0), (Path("relative"), 2)):
        gone.mkdir()
        script = f'cd {shlex.quote(str(gone))} && rmdir "$PWD" && exec "$@"'
        done = surrounded([*PAGE, "--out", place], {"PYTHONPATH": str(ROOT)}, before=["sh", "-c", script, "sh"])
        assert (done.returncode, len(lines(done.stderr))) == (code, code // 2), done
    record_property("cases", 2)
    assert tree(out) == tree(report)


@soak
@pytest.mark.parametrize("jobs", [1, 2, 5])
@pytest.mark.parametrize("mask", [0o077, 0o000])
def test_masks_and_numbers_of_processes(
    mask: int, jobs: int, report: Path, tmp_path: Path, record_property: Record
) -> None:
    """The same bytes, and what is written has the mode that the mask asks for."""
    command = [sys.executable, "-m", *map(str, PAGE[:-1]), str(jobs), "--out", str(tmp_path / "out")]
    done = subprocess.run(command, cwd=ROOT, umask=mask, capture_output=True, text=True, timeout=1200)
    record_property("cases", 1)
    assert (done.returncode, lines(done.stderr)) == (0, [])
    assert tree(tmp_path / "out") == tree(report)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "out" / "report").rglob("*.svg")} == {0o666 & ~mask}
