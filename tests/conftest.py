"""What several tests share: the tiny preset, and one report built from it."""

import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from threadpoolctl import threadpool_limits

from chromium import CHROMIUM, FLAGS
from experiments.preset import load_preset
from experiments.runner import Results, run
from report.figures import figures_of
from report.figures.spec import FigureSpec

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "tiny.toml"

for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):  # ignored in the background, and so by what tests start
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


PROMISES = tomllib.loads((ROOT / "docs" / "promises.toml").read_text(encoding="utf-8"))["promise"]
PROMISED = {name for promise in PROMISES for name in promise["tests"]}


def pytest_itemcollected(item: pytest.Item) -> None:
    """Mark the tests that docs/promises.toml names: make soak runs these too, so that its record is whole."""
    if f"{Path(item.path).name}::{item.name.partition('[')[0]}" in PROMISED:
        item.add_marker("promised")


def pytest_xdist_auto_num_workers() -> int:
    """One test process more than processors: while some wait for a browser or a child, another computes."""
    return (os.cpu_count() or 1) + 1


SECONDS = {  # of the longest modules, one beside two others on two processors; roughly, to deal them out
    "test_page": 136, "test_slides": 113, "test_slide_figures": 104, "test_commands": 101, "test_downloads": 85,
    "test_explorer": 73, "test_figures": 73, "test_bench_chapter": 61, "test_accessibility": 58, "test_cluster":
    57, "test_hostile_text": 56, "test_html_deck": 42, "test_attention_law": 37, "test_odd_runs": 35,
    "test_audit_page": 31, "test_scalings": 30, "test_learning": 30, "test_trained_heads": 24, "test_kills": 23,
    "test_readme_commands": 23, "test_matrices": 20, "test_bench": 20, "test_planted_faults": 17,
    "test_slides_outline": 17, "test_browser": 17, "test_contents": 15, "test_formula_pictures": 14,
    "test_runner": 14, "test_drawing": 13, "test_normals": 12, "test_claims": 12, "test_workers": 11,
    "test_powerpoint": 11, "test_contact_sheet": 10, "test_loading": 10, "test_calibration": 10, "test_runs": 9,
}  # fmt: skip


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the tests out to the test processes, which first take equal parts in order and then help each other.

    Each part begins with long modules, to each about as much; short tests, easy to hand over, make the parts equal. All
    parts but one begin with what does without the shared report, which is built meanwhile.
    """
    n_parts = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    if n_parts == 1:
        return
    modules: dict[str, list[pytest.Item]] = {}
    for item in items:
        modules.setdefault(Path(item.path).stem, []).append(item)
    parts: list[list[str]] = [[] for _ in range(n_parts)]
    for name in sorted(modules.keys() & SECONDS.keys(), key=lambda name: (-SECONDS[name], name)):
        min(parts, key=lambda part: sum(map(SECONDS.__getitem__, part))).append(name)
    short = [item for name, tests in modules.items() if name not in SECONDS for item in tests]
    dealt: list[pytest.Item] = []
    for number, part in enumerate(parts):
        if number:
            part.sort(key=lambda name: any("report" in getattr(item, "fixturenames", ()) for item in modules[name]))
        dealt += [item for name in part for item in modules[name]]
        wanted = len(items) * (number + 1) // n_parts
        n_short = len(short) if number + 1 == n_parts else max(0, wanted - len(dealt))
        dealt += short[:n_short]
        del short[:n_short]
    items[:] = dealt


def command_line(*arguments: object, cwd: Path = ROOT) -> "subprocess.CompletedProcess[str]":
    """Run `python -m …` from the project's root as a user would, and catch what it says."""
    environment = os.environ | {"PYTHONWARNINGS": "error"}
    return subprocess.run(
        [sys.executable, "-m", *map(str, arguments)],
        cwd=cwd,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
    )


def figures_of_the_report() -> tuple[FigureSpec, ...]:
    """Those that a report has here: all, unless a package is not installed."""
    return figures_of({"claims", *(experiment.name for experiment in load_preset(str(TINY)).experiments)})


def tree(folder: Path) -> dict[str, bytes]:
    """Every file that a run promises to repeat byte for byte."""
    files = [folder / "claims.json", *sorted((folder / "data").rglob("*")), *sorted((folder / "report").rglob("*"))]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files if path.is_file()}


@pytest.fixture(scope="session", autouse=True)
def _one_thread_of_blas() -> Iterator[None]:
    """As in a run; and two test workers need not fight over two processors."""
    with threadpool_limits(limits=1, user_api="blas"):
        yield


_SHARED: list[Path] = []  # the folder that all test processes of a run have in common


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Where they leave for each other what is built once."""
    own = tmp_path_factory.getbasetemp()
    _SHARED[:] = [own.parent if "PYTEST_XDIST_WORKER" in os.environ else own]


def built_once(name: str, build: Callable[[Path], None]) -> Path:
    """A folder that one of the test processes fills and all of them read."""
    (shared,) = _SHARED
    done, work = shared / name, shared / f"{name}-at-work"
    with (shared / f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            shutil.rmtree(work, ignore_errors=True)  # of a process that failed
            work.mkdir()
            build(work)
            work.rename(done)
    return done


def start_from(report: Path, out: Path) -> None:
    """Let a folder begin with a report's blocks and figures: what is the same there is neither computed nor drawn."""
    out.mkdir(parents=True, exist_ok=True)
    shutil.copy(report / "results.sqlite", out)
    shutil.copytree(report / ".figures", out / ".figures", copy_function=os.link)


@pytest.fixture(scope="session")
def report() -> Path:
    """The output folder of a report on the tiny preset, built once by its command; tests must not change it."""

    def build(out: Path) -> None:
        done = command_line("report", "page", "--preset", TINY, "--jobs", 1, "--out", out)
        assert done.returncode == 0, done.stderr

    return built_once("tiny-report", build)


@pytest.fixture(scope="session")
def slides_folder(report: Path) -> Path:
    """The output folder of the tiny report's slides, in light alone, made once from its store by their command."""

    def build(out: Path) -> None:
        start_from(report, out)
        done = command_line("report", "slides", "--preset", TINY, "--theme", "light", "--out", out)
        assert done.returncode == 0, done.stderr

    return built_once("tiny-slides", build)


@pytest.fixture(scope="session")
def results(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Results:
    """The run behind the shared report, from a copy of its store: to open one is to change it."""
    store = shutil.copy(report / "results.sqlite", tmp_path_factory.mktemp("results"))
    return run(load_preset(str(TINY)), Path(store), pytest.fail)


@pytest.fixture(scope="session")
def reference(report: Path) -> dict[str, bytes]:
    """Data and claims of the tiny preset from one process and an empty store."""
    return {name: content for name, content in tree(report).items() if not name.startswith("report/")}


@pytest.fixture(scope="session")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Callable[[bytes], bytes]:
    """Turns a PowerPoint file into a PDF by LibreOffice; without it a skip, or a failure if REQUIRE_OFFICE is set."""
    soffice = shutil.which("soffice")
    if soffice is None:
        if os.environ.get("REQUIRE_OFFICE"):
            pytest.fail("REQUIRE_OFFICE is set, but there is no soffice on PATH")
        pytest.skip("LibreOffice is not installed: apt-get install libreoffice-impress")
    folder = tmp_path_factory.mktemp("office")

    def print_to_pdf(deck: bytes) -> bytes:
        (folder / "deck.pptx").write_bytes(deck)
        subprocess.run(
            [soffice, f"-env:UserInstallation={(folder / 'profile').as_uri()}", "--headless", "--convert-to", "pdf",
             "--outdir", folder, folder / "deck.pptx"],
            check=True, capture_output=True, timeout=300,
        )  # fmt: skip
        return (folder / "deck.pdf").read_bytes()

    return print_to_pdf


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; without one, a skip, or a failure where REQUIRE_BROWSER says there must be one."""
    if CHROMIUM is None:
        if os.environ.get("REQUIRE_BROWSER"):
            pytest.fail("REQUIRE_BROWSER is set, but there is no Chromium on PATH")
        pytest.skip("no Chromium on PATH")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()
