"""A machine that refuses: full and read-only disks, too few files, too little memory. One line, and whole files."""

import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from audit_files import normals, save_npz
from conftest import ROOT, TINY, start_from, tree
from processes import lines
from test_kills import not_whole

soak = pytest.mark.soak
Record = Callable[[str, object], None]
RUN = ("experiments", "run", "--preset", TINY, "--jobs", 2)
PAGE = ("report", "page", "--preset", TINY, "--jobs", 2)
SLIDES = ("report", "slides", "--preset", TINY, "--jobs", 2, "--theme", "light")


def shell(script: str, namespace: bool = False) -> "subprocess.CompletedProcess[str]":
    """Run a script, where wanted as the root of mounts of its own."""
    unshare = ["unshare", "--user", "--map-root-user", "--mount"] if namespace else []
    return subprocess.run([*unshare, "sh", "-c", script], cwd=ROOT, capture_output=True, text=True, timeout=1200)


def command(*arguments: object) -> str:
    """`python -m …` as a shell takes it."""
    return shlex.join([sys.executable, "-m", *map(str, arguments)])


@pytest.fixture(scope="module")
def _mounts() -> None:
    """A skip where a user may not mount anything."""
    if shutil.which("unshare") is None or shell("mount -t tmpfs none /mnt", namespace=True).returncode:
        pytest.skip("no mounts of one's own here: unshare --user --map-root-user --mount")


@pytest.fixture
def earlier(report: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """What runs have left in a folder: the page, and in the soak slides too."""
    if "soak" not in request.keywords:
        return report
    shutil.copytree(request.getfixturevalue("slides_folder"), tmp_path / "earlier")
    shutil.copytree(report, tmp_path / "earlier", dirs_exist_ok=True)
    return tmp_path / "earlier"


def on_a_small_disk(
    size: str, before: Path, after: Path, *arguments: object, then: str = ":"
) -> "subprocess.CompletedProcess[str]":
    """Run a command on a disk of that size as its output folder: it begins as `before` and is copied to `after`."""
    disk = after.with_name("disk")
    for folder in (before, disk, after):
        folder.mkdir(parents=True, exist_ok=True)
    place = shlex.quote(str(disk))
    script = f"""
        mount -t tmpfs -o size={size} none {place} && cp -a {shlex.quote(str(before))}/. {place} || exit 99
        {then}
        {command(*arguments, "--out", disk)}; code=$?
        cp -a {place}/. {shlex.quote(str(after))} || exit 99
        exit $code"""
    return shell(script, namespace=True)


def refused(done: "subprocess.CompletedProcess[str]") -> bool:
    """Whether a command ended in one line and status 2."""
    return (done.returncode, done.stdout) == (2, "") and [line[:7] for line in lines(done.stderr)] == ["error: "]


SIZES = ["64k", "128k", "256k", "512k", "768k", "1m", "2m", "3m", "4m", "6m", "8m", "9m", "10m", "12m", "16m", "17m"]


@pytest.mark.usefixtures("_mounts")
@pytest.mark.parametrize(
    ("sizes", "arguments", "fits"),
    [
        (["64k"], RUN, False),
        *(pytest.param([*SIZES[part::2], "64m"], PAGE, True, marks=soak, id=f"page-{part}") for part in range(2)),
        pytest.param(["64k", "512k", "4m", "8m", "16m", "24m", "128m"], SLIDES, True, marks=soak, id="slides"),
    ],
)
def test_a_full_disk_is_one_line(
    sizes: list[str],
    arguments: tuple[object, ...],
    fits: bool,
    earlier: Path,
    tmp_path: Path,
    record_property: Record,
) -> None:
    """At whatever stage it is full, from an empty folder: files are whole or absent; with room the bytes come."""
    n_refused, reference = 0, slides_tree(earlier) | tree(earlier)
    for size in sizes:
        after = tmp_path / size
        done = on_a_small_disk(size, tmp_path / "empty", after, *arguments)
        n_refused += done.returncode == 2
        assert refused(done) or (done.returncode, lines(done.stderr)) == (0, []), (size, done)
        assert not_whole(after, reference) == []
        assert {n: c for n, c in slides_tree(after).items() if reference.get(n) != c} == {}
        assert not (after / ".unpublished").exists()
    record_property("cases", len(sizes))
    assert n_refused
    assert (n_refused < len(sizes)) is fits


def slides_tree(out: Path) -> dict[str, bytes]:
    """Every file of the slides."""
    files = sorted((out / "slides").rglob("*"))
    return {str(path.relative_to(out)): path.read_bytes() for path in files if path.is_file()}


@pytest.mark.usefixtures("_mounts")
@pytest.mark.parametrize("arguments", [PAGE, pytest.param(SLIDES, marks=soak)], ids=lambda it: it[1])
@pytest.mark.parametrize("room", [0, *(pytest.param(k, marks=soak) for k in (40, 200, 1000, 3000, 6000))])
def test_what_was_there_survives_a_full_disk(
    arguments: tuple[object, ...], room: int, earlier: Path, tmp_path: Path, record_property: Record
) -> None:
    """With so many more KiB of room another seed's run fails in one line: of page and slides every byte is left."""
    before = tmp_path / "before"
    shutil.copytree(earlier, before, ignore=shutil.ignore_patterns(".figures"))
    used = sum(-(-path.stat().st_size // 4096) * 4 for path in before.rglob("*") if path.is_file())
    done = on_a_small_disk(f"{used + room}k", before, tmp_path / "after", *arguments, "--seed", 5)
    record_property("cases", 1)
    assert refused(done), done
    assert tree(tmp_path / "after") == tree(earlier)
    assert slides_tree(tmp_path / "after") == slides_tree(earlier)


@soak
@pytest.mark.usefixtures("_mounts")
@pytest.mark.parametrize(
    "arguments",
    [PAGE, RUN, SLIDES, ("report", "audit", "heads.npz"), ("benchmarks", "--quick")],
    ids=lambda it: " ".join(map(str, it[:2])),
)
@pytest.mark.parametrize("begins", ["whole", "empty"])
def test_a_read_only_disk_is_one_line(
    arguments: tuple[object, ...], begins: str, report: Path, tmp_path: Path, record_property: Record
) -> None:
    """Said at once, whether or not something is there already; what is there stays."""
    (heads,) = save_npz(tmp_path, {"q": normals(1, 5, 4), "k": normals(2, 7, 4)})[:1]
    arguments = tuple(heads if it == "heads.npz" else it for it in arguments)
    before = report if begins == "whole" else tmp_path / "before"
    then = f"mount -o remount,ro {shlex.quote(str(tmp_path / 'disk'))}"
    done = on_a_small_disk("64m", before, tmp_path / "after", *arguments, then=then)
    record_property("cases", 1)
    assert refused(done), done
    assert "Read-only file system" in done.stderr
    assert tree(tmp_path / "after") == (tree(report) if begins == "whole" else {})


@pytest.mark.parametrize(
    "limits",
    [
        ["ulimit -n 12", "ulimit -v 100000"],
        *(
            pytest.param(limits, marks=soak, id=name)
            for name, limits in {
                "files": [f"ulimit -n {n}" for n in (5, 6, 8, 10, 14, 17, 20, 30, 40, 64)],
                "memory": [f"ulimit -v {n}" for n in (15_000, 60_000, 300_000, 530_000, 540_000, 560_000, 700_000)],
                "size": [f"ulimit -f {n}" for n in (8, 100, 1000)],
            }.items()
        ),
    ],
)
def test_low_limits_are_one_line(limits: list[str], report: Path, tmp_path: Path, record_property: Record) -> None:
    """Too few open files, too little memory, too large a file: the page as always, or one line and no page."""
    n_refused = 0
    for number, limit in enumerate(limits):
        out = tmp_path / str(number)
        start_from(report, out)
        done = shell(f"{limit}; {command(*PAGE, '--out', out)}")
        n_refused += done.returncode == 2
        assert refused(done) or (done.returncode, lines(done.stderr)) == (0, []), (limit, done)
        assert tree(out) == (tree(report) if done.returncode == 0 else {})
    record_property("cases", len(limits))
    record_property("refused", n_refused)
    assert n_refused


@pytest.mark.parametrize(
    ("code", "said", "errors"), [(2, "", ""), (2, "", "error: a\nerror: b"), (1, "", "error: a"), (2, "", "Traceback")]
)
def test_other_ends_are_no_refusals(code: int, said: str, errors: str) -> None:
    """The negative control: silence, two lines, another status, a traceback."""
    assert not refused(subprocess.CompletedProcess([], code, said, errors))
    assert refused(subprocess.CompletedProcess([], 2, "", "error: a\n"))
