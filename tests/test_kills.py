"""Runs that are killed at random moments, and two on one folder: files are whole or absent, bytes the same."""

import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from conftest import TINY, built_once, command_line, tree
from processes import ALONE, GROUP, begin, left_behind, lines, send

soak = pytest.mark.soak
Record = Callable[[str, object], None]


def not_whole(out: Path, reference: dict[str, bytes]) -> list[str]:
    """Files among the published ones that are not, byte for byte, what a run from an empty folder ends with."""
    return [name for name, content in tree(out).items() if reference.get(name) != content] if out.exists() else []


@pytest.fixture(scope="session")
def default_report() -> Path:
    """The output folder of a report on the default preset, and beside its page the seconds that it took."""

    def build(out: Path) -> None:
        begun = time.monotonic()
        process = begin("report", "page", "--jobs", 2, "--out", out)
        _, errors = process.communicate(timeout=1800)
        assert process.returncode == 0, errors
        (out / "seconds").write_text(str(time.monotonic() - begun))

    return built_once("default-report", build)


@pytest.mark.parametrize(
    ("preset", "n_folders", "n_kills"),
    [(TINY, 1, 2), *(pytest.param("default", 3, 4, marks=soak, id=f"default-{part}") for part in range(5))],
)
def test_killed_at_random_moments_the_bytes_are_the_same(
    preset: str | Path,
    n_folders: int,
    n_kills: int,
    tmp_path: Path,
    record_property: Record,
    request: pytest.FixtureRequest,
) -> None:
    """In each folder: kill -9 from empty, again and again on the way on, then to the end; no process stays behind.

    The first moment is anywhere in the length of a run, the others anywhere in what then is left of it.
    """
    whole = request.getfixturevalue("report" if preset == TINY else "default_report")
    reference, seconds = tree(whole), 8.0 if preset == TINY else float((whole / "seconds").read_text())
    command = ("report", "page", "--preset", preset, "--jobs", 2, "--out")
    moments, n_killed = random.Random(request.node.name), 0
    for number in range(n_folders):
        out, left = tmp_path / f"a folder with späces {number}", seconds
        for _ in range(n_kills):
            process = begin(*command, out)
            try:
                process.communicate(timeout=(moment := moments.uniform(0, left)))
            except subprocess.TimeoutExpired:
                n_killed += 1
            send(process, signal.SIGKILL, moments.choice([ALONE, GROUP]))
            process.communicate()
            left = max(0.1 * seconds, left - moment)
            assert left_behind(process.pid) == []
            assert not_whole(out, reference) == []
        last = begin(*command, out)
        _, errors = last.communicate(timeout=1800)
        assert (last.returncode, lines(errors)) == (0, [])
        assert tree(out) == reference
    record_property("cases", n_killed)
    assert n_killed


def test_a_file_cut_short_is_not_whole(report: Path, tmp_path: Path) -> None:
    """The negative control of what is asked after each kill."""
    reference = tree(report)
    (tmp_path / "claims.json").write_bytes(reference["claims.json"])
    assert not_whole(tmp_path, reference) == []
    (tmp_path / "claims.json").write_bytes(reference["claims.json"][:-1])
    assert not_whole(tmp_path, reference) == ["claims.json"]


def test_a_process_that_stays_behind_is_found() -> None:
    """The negative control of the search for them."""
    process = subprocess.Popen(["sh", "-c", "sleep 60 & exit"], start_new_session=True)
    process.wait()
    assert len(left_behind(process.pid, seconds=0.1)) == 1
    assert left_behind(process.pid) == []


def pairs(kinds: list[str]) -> Iterator[tuple[str, str]]:
    """Each with itself and with the one that follows."""
    for i, kind in enumerate(kinds):
        yield kind, kind
        yield kind, kinds[(i + 1) % len(kinds)]


@soak
@pytest.mark.parametrize(("first", "second"), list(pairs(["page", "slides"])))
@pytest.mark.parametrize("delay", [0.0, 1.0])
def test_two_runs_at_once_do_not_mix(
    first: str, second: str, delay: float, report: Path, tmp_path: Path, record_property: Record
) -> None:
    """Begun together on one folder, at least one goes through, and one that does not says so in a line."""
    commands = [("report", kind, "--preset", TINY, "--out", tmp_path / "out") for kind in (first, second)]
    processes = []
    for command in commands:
        processes.append(begin(*command))
        time.sleep(delay)
    said = [process.communicate(timeout=600) for process in processes]
    codes = [process.returncode for process in processes]
    assert 0 in codes
    for code, (_, errors) in zip(codes, said, strict=True):
        refused = f"error: {tmp_path}/out: another run is writing there; wait for it or choose another folder with OUT="
        assert lines(errors) == ([refused] if code else [])
        assert code in (0, 2)
    for command in commands:  # those that were sent away come again
        assert command_line(*command).returncode == 0
    record_property("cases", len(processes))
    if "page" in (first, second):
        assert tree(tmp_path / "out") == tree(report)
