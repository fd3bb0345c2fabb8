"""What several tests share: the tiny preset, and one report built from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright
from threadpoolctl import threadpool_limits

from chromium import CHROMIUM, FLAGS
from experiments.preset import load_preset
from report.figures import figures_of
from report.figures.spec import FigureSpec

ROOT = Path(__file__).parents[1]
TINY = ROOT / "tests" / "tiny.toml"


def pytest_xdist_auto_num_workers() -> int:
    """One test process more than processors: while some wait for a browser or a child, another computes."""
    return (os.cpu_count() or 1) + 1


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


@pytest.fixture(scope="session")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output folder of a report on the tiny preset, built once by its command; tests must not change it."""
    out = tmp_path_factory.mktemp("report")
    done = command_line("report", "page", "--preset", TINY, "--jobs", 1, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


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
