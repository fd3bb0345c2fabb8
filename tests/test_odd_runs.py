"""A preset that is taken gives results: random small ones are run, told, drawn and made into a page and slides."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import html5lib
import numpy as np
import pytest

from experiments.output import data_files
from experiments.runner import Results
from made_runs import DRAWS, results_of, undrawn, words_of
from report.drawing import FORMS, all_frames
from report.figures import figures_of
from report.figures.spec import FigureSpec
from report.figures.style import LIGHT, using
from report.page import page_files, render
from report.slides.files import slide_files
from test_page import read

LONG = range(100, 220, 30)  # where the seeds of long forms begin
WRONG_WORDS = re.compile(r"(?<![\w-])(nan|NaN|inf|Infinity|Undefined|None(?! of))(?!\w)")
FINITE = ("estimate", "standard_error", "low", "high")  # columns of a frame that are never empty
Record = Callable[[str, object], None]


def told(spec: FigureSpec, results: Results) -> None:
    """AssertionError where a figure's words tell of a number that is none."""
    for words in words_of(spec, results):
        assert not WRONG_WORDS.search(words), (spec.name, words)


def check_numbers(results: Results) -> None:
    """Estimates are finite in every table, and so is every number of the claims."""
    for name, frame in results.frames.items():
        for column in set(FINITE) & set(frame.columns):
            assert np.isfinite(frame[column].to_numpy(dtype=float)).all(), (name, column)
    assert data_files(results)  # JSON of NaN is refused


def check_words(results: Results) -> None:
    """The page, its figures left out, is valid and prints no number that is none."""
    for spec in figures_of(all_frames(results)):
        told(spec, results)
    text = read(html5lib.HTMLParser(strict=True).parse(render(results, undrawn(results))))
    found = WRONG_WORDS.search(text)
    assert not found, text[max(0, found.start() - 100) : found.end() + 50]


@pytest.mark.parametrize(
    "seeds", [range(2), *(pytest.param(range(n, n + 30), marks=pytest.mark.soak) for n in LONG)], ids=str
)
def test_a_random_preset_has_results_and_words(tmp_path: Path, seeds: range, record_property: Record) -> None:
    """Run, judged and told, without any exception or warning."""
    for seed in seeds:
        with _about(seed):
            results = results_of(seed, tmp_path)
            check_numbers(results)
            check_words(results)
    record_property("cases", len(seeds))


@pytest.mark.parametrize(
    "seeds", [range(1), *(pytest.param(range(n, n + 10), marks=pytest.mark.soak) for n in (400, 410, 420))], ids=str
)
@pytest.mark.parametrize("form", ["page", "slide"])
def test_all_of_its_figures_are_drawn(tmp_path: Path, seeds: range, form: str, record_property: Record) -> None:
    """With room for their texts, for the page and for slides, without any exception or warning."""
    n = 0
    for seed in seeds:
        frames = all_frames(results_of(seed, tmp_path))
        for spec in figures_of(frames):
            with _about(seed, spec.name), using(FORMS[form].medium, LIGHT, None):
                spec.draw(*spec.given(frames))
                n += 1
    record_property("cases", n)


@pytest.mark.soak
@pytest.mark.parametrize("seeds", [range(n, n + 3) for n in (500, 503, 506, 509)], ids=str)
def test_it_has_a_page_and_slides(tmp_path: Path, seeds: range, record_property: Record) -> None:
    """Whole ones, every file of them; no figure writes a number that is none."""
    for seed in seeds:
        with _about(seed):
            results = results_of(seed, tmp_path)
            files = page_files(results) | slide_files(results, (), (LIGHT.name,), None)
            for name, content in files.items():
                assert content, name
                if name.endswith(".svg"):
                    assert not WRONG_WORDS.search(content.decode()), name
            html5lib.HTMLParser(strict=True).parse(files["report/index.html"])
    record_property("cases", len(seeds))


@contextmanager
def _about(seed: int, what: str = "") -> Iterator[None]:
    """Adds to an exception of which preset, and of which figure, it was raised."""
    try:
        yield
    except Exception as error:
        error.add_note(f"of random_preset(random.Random({seed}), {DRAWS:g}) {what}")
        raise


def test_numbers_that_are_none_are_seen(tmp_path: Path) -> None:
    """The control: a table with one is refused, and so are words with one."""
    results = results_of(0, tmp_path)
    check_numbers(results)
    frame = results.frames["variance"]
    odd = replace(results, frames={**results.frames, "variance": frame.assign(estimate=np.nan)})
    with pytest.raises(AssertionError, match="variance"):
        check_numbers(odd)
    (spec,) = [spec for spec in figures_of(all_frames(results)) if spec.name == "variance-against-d"]
    told(spec, results)
    with pytest.raises(AssertionError, match="nan"):
        told(spec, odd)
