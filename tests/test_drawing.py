"""Figures drawn in this process or in others."""

from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from conftest import figures_of_the_report, start_from
from experiments.runner import Results
from experiments.workers import Workers
from report import drawing
from report.figures.spec import FigureSpec


@pytest.fixture(scope="module")
def pool() -> Iterator[Workers]:
    """Two processes."""
    with Workers(2, ["report.page"]) as pool:
        yield pool


def test_drawn_in_other_processes_all_is_the_same(
    results: Results, pool: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Byte for byte, in the same order, with entries for the next run and nothing half-written beside them.

    Of every sixth figure; tests/test_page.py draws all of them in one process and in several.
    """
    some = figures_of_the_report()[::6]
    monkeypatch.setattr(drawing, "figures_of", lambda frames: some)
    there = drawing.draw_all(results, tmp_path, pool)
    assert list(there) == [spec.name for spec in some]
    assert sorted(path.name[:-21] for path in tmp_path.iterdir()) == sorted(there)
    assert drawing.draw_all(results) == there
    assert drawing.draw_all(results, tmp_path, pool) == there  # read now, not drawn


def test_without_a_choice_every_figure_is_drawn(results: Results, report: Path, tmp_path: Path) -> None:
    """In the order of the list; read here as they were drawn for the shared report."""
    start_from(report, tmp_path)
    assert list(drawing.draw_all(results, tmp_path / ".figures")) == [spec.name for spec in figures_of_the_report()]


def test_a_fault_in_another_process_is_raised_here(
    pool: Workers, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no figure that is missing, and nothing is kept."""
    monkeypatch.setattr(FigureSpec, "given", lambda spec, frames: [])
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        drawing.draw([drawing.Picture("three-rules")], {"explorer": pd.DataFrame()}, tmp_path, pool)
    assert list(tmp_path.iterdir()) == []


def test_those_to_begin_with_exist() -> None:
    """A figure that is renamed keeps its place at the front."""
    assert set(drawing.FIRST) <= drawing.SPECS.keys()
