"""Figures drawn once for all their files, in this process or in others."""

import multiprocessing
import re
from collections.abc import Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from io import BytesIO
from pathlib import Path

import pytest
from matplotlib import rc_context
from matplotlib.figure import Figure

from conftest import TINY
from experiments.preset import load_preset
from experiments.runner import Results, run
from report import drawing
from report.figures import FIGURES, style
from report.figures.export import files
from report.figures.spec import FigureSpec


@pytest.fixture(scope="module")
def results(report: Path) -> Results:
    """Of the tiny preset."""
    return run(load_preset(str(TINY)), report / "results.sqlite", 1, pytest.fail)


@pytest.fixture(scope="module")
def pool() -> Iterator[Executor]:
    """Two processes."""
    with ProcessPoolExecutor(2, mp_context=multiprocessing.get_context("forkserver")) as pool:
        yield pool


def made(results: Results, spec: FigureSpec) -> Figure:
    """One figure of these results."""
    return spec.draw(*spec.given({**results.frames, "claims": drawing.claims_frame(results.ledger)}))


def strokes(svg: bytes) -> list[bytes]:
    """How wide lines are and how they are dashed, in the order of drawing."""
    return re.findall(rb"stroke-(?:width|dasharray): [\d., ]+", svg)


@pytest.mark.parametrize("spec", FIGURES, ids=lambda spec: spec.name)
def test_the_svg_is_matplotlibs_own(results: Results, spec: FigureSpec) -> None:
    """Drawn beside the PNG, it has the strokes and shapes that `savefig` gives it, and each within a point."""
    figure = made(results, spec)
    with rc_context(style.PAGE.settings()):
        buffer = BytesIO()
        figure.savefig(buffer, format="svg", facecolor="white")
    own, ours = buffer.getvalue(), files(figure).svg
    assert strokes(ours) == strokes(own)
    places = [
        [tuple(map(float, found)) for found in re.findall(rb'<use xlink:href="#\w+" x="([-\d.]+)" y="([-\d.]+)"', svg)]
        for svg in (own, ours)
    ]
    assert len(places[0]) == len(places[1])
    for one, other in zip(*places, strict=True):
        assert one == pytest.approx(other, abs=1)


def test_drawn_in_other_processes_all_is_the_same(results: Results, pool: Executor, tmp_path: Path) -> None:
    """Byte for byte, in the same order, with entries for the next run and nothing half-written beside them."""
    there = drawing.draw_all(results, tmp_path, pool)
    assert list(there) == [spec.name for spec in FIGURES]
    assert sorted(path.name[:-21] for path in tmp_path.iterdir()) == sorted(there)
    assert drawing.draw_all(results) == there
    assert drawing.draw_all(results, tmp_path, pool) == there  # read now, not drawn


def test_a_fault_in_another_process_is_raised_here(pool: Executor, tmp_path: Path) -> None:
    """It is no figure that is missing, and nothing is kept."""
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        drawing._draw_in(pool, [("three-rules", [], tmp_path / "entry.zip")])
    assert list(tmp_path.iterdir()) == []


def test_those_to_begin_with_exist() -> None:
    """A figure that is renamed keeps its place at the front."""
    assert set(drawing.FIRST) <= drawing.SPECS.keys()
