"""The lecture's chapters on the page: all of them, in order, each number computed and beside what is printed."""

import html as html_module
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from markupsafe import Markup

from conftest import ROOT
from experiments.runner import Results
from report.contents import CHAPTERS, PARTS
from report.excerpts import excerpt, without_examples
from report.figures.glyphs import share_glyphs
from report.walkthrough import Sheet, agreement, walkthrough

TEMPLATES = Path(__file__).parents[1] / "report" / "templates" / "chapters"
MINUTES = [  # lecture.md's table, a row each; the calculation sheet has no minute
    "4:04", "8:37", "15:33", "22:31", "25:07 and 30:07", "35:17 and 39:58", "42:39", "51:06 and 53:50", "57:43",
    "1:00:46", "1:09:08", "1:12:29", "1:15:29", "",
]  # fmt: skip


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    """The page."""
    return (report / "report" / "index.html").read_text(encoding="utf-8")


def sections(html: str) -> dict[str, str]:
    """Each chapter's HTML by its name."""
    return dict(re.findall(r'<section id="section-([\w-]+)">(.*?)</section>', html, flags=re.DOTALL))


def test_the_fourteen_chapters_stand_in_the_lectures_order_and_under_its_numbers(html: str) -> None:
    """Their section numbers are the lecture's, and each says at which minute the lecture comes to it."""
    (lecture,) = [part for part in PARTS if part.title == "The lecture"]
    assert [chapter.minutes for chapter in lecture.chapters] == MINUTES
    found = sections(html)
    assert list(found) == [chapter.name for chapter in CHAPTERS]
    for i, chapter in enumerate(lecture.chapters):
        assert re.search(rf'<h2><span class="number">{i + 1}</span>', found[chapter.name])
        assert (f"Lecture, {chapter.minutes}" in found[chapter.name]) == bool(chapter.minutes)


def test_every_chapter_is_in_the_contents_once(html: str) -> None:
    """The contents name every chapter with its number, in order."""
    nav = re.search(r"<nav.*?</nav>", html, flags=re.DOTALL)
    assert nav is not None
    assert re.findall(r'href="#section-([\w-]+)"', nav[0]) == [chapter.name for chapter in CHAPTERS]
    numbers = re.findall(r'<span class="number">(\d+)</span>', nav[0])
    assert numbers == [str(i + 1) for i in range(sum(chapter.is_numbered for chapter in CHAPTERS))]


def test_computed_numbers_stand_beside_the_printed_ones(html: str) -> None:
    """Every table of them has pairs of lines that are equal, as the lecture's numbers all come out."""
    pairs = []
    for table in re.findall(r'<table class="printed".*?</table>', html, flags=re.DOTALL):
        for body in re.findall(r"<tbody>.*?</tbody>", table, flags=re.DOTALL):
            lines = [re.findall(r"<td>(.*?)</td>", line) for line in re.findall(r"<tr>.*?</tr>", body, re.DOTALL)]
            pairs += list(zip(*lines, strict=True))
    assert all(computed == printed and re.fullmatch(r"−?\d\.\d{4}", computed) for computed, printed in pairs)
    assert len(pairs) == 6 + 6 + 3 + 18 + 6 + 36 + 6 + 10 + 2 + 12 + 12  # by chapter: 1, 3, 4, 5, 6, 7, 8, 10, 11


def test_a_number_that_does_not_come_out_is_told(results: Results) -> None:
    """The negative control: one printed digit changed, and every sentence that counts says so."""
    matrices = results.frames["self_attention"].copy()
    first = matrices.index[(matrices["model"] == "basic") & (matrices["matrix"] == "context")][0]
    matrices.loc[first, "printed"] += 1e-4
    good = walkthrough(results.frames["self_attention"], results.frames["peaky"])
    bad = walkthrough(matrices, results.frames["peaky"])
    assert good.n_printed == bad.n_printed == bad.n_agreeing + 1 == good.n_agreeing
    assert bad.agreement == f"{bad.n_agreeing} of {bad.n_printed} printed numbers agree to the last digit"
    assert bad.compare({"": bad.basic.context}).agreement.startswith("11 of 12 ")
    assert good.compare({"": good.basic.context}).agreement == "all 12 printed numbers agree to the last digit"


def test_what_is_printed_stands_beside_what_is_computed(results: Results) -> None:
    """A printed number that is another one shows in its line and its entry; the computed one stays what it is."""
    matrices = results.frames["self_attention"].copy()
    first = matrices.index[(matrices["model"] == "basic") & (matrices["matrix"] == "context")][0]
    matrices.loc[first, "printed"] += 0.5
    lecture = walkthrough(matrices, results.frames["peaky"])
    line = lecture.compare({"": lecture.basic.context}).lines[0]
    assert (line.label, line.computed, line.printed) == ("Your", ["0.2996", "0.8053"], ["0.7996", "0.8053"])
    assert lecture.basic.context.entry(0, 0) == "0.2996"
    assert lecture.basic.context.printed_entry(0, 0) == "0.7996"


def test_the_walkthrough_says_what_its_names_say(results: Results) -> None:
    """The followed token, the sizes, the labels of rows and columns, and the statistics of the basic class's scores."""
    matrices = results.frames["self_attention"]
    lecture = walkthrough(matrices, results.frames["peaky"])
    sentence = ["Your", "journey", "starts", "with", "one", "step"]
    assert (lecture.focus, lecture.token, lecture.tokens) == (1, "journey", sentence)
    assert (lecture.d_in, lecture.d_k, lecture.d_v, lecture.n_tokens) == (3, 2, 2, 6)
    for sheet, rows, columns in (
        (lecture.basic.w_query, list("123"), list("12")),
        (lecture.basic.scores, sentence, sentence),
        (lecture.advanced.context, sentence, list("12")),
        (lecture.peaky, ["as they are", "times 8"], ["0.1", "−0.2", "0.3", "−0.2", "0.5"]),
    ):
        assert (sheet.rows, sheet.columns) == (rows, columns)
        assert sheet.values.shape == sheet.printed.shape == (len(rows), len(columns))
    assert lecture.peaky.entry(0, 4) == lecture.peaky.printed_entry(0, 4) == "0.2872"
    assert lecture.peaky.entry(1, 4) == lecture.peaky.printed_entry(1, 4) == "0.8000"

    entries = matrices[matrices["model"] == "basic"].set_index(["matrix", "row"])["value"]
    scores = entries.loc["scores"].to_numpy()
    assert (lecture.lowest_score, lecture.mean_score, lecture.score_variance) == pytest.approx(
        (scores.min(), scores.mean(), np.square(scores - scores.mean()).mean()), rel=1e-12
    )
    for entropy, name in ((lecture.raw_entropy, "scores"), (lecture.scaled_entropy, "scaled_scores")):
        p = np.exp(entries.loc[name, 1]) / np.exp(entries.loc[name, 1]).sum()
        assert entropy == pytest.approx(-(p * np.log(p)).sum(), rel=1e-12)


def test_each_dimension_is_that_of_its_own_matrix(results: Results) -> None:
    """Values with one entry are d_v = 1 beside d_k = 2: in the lecture's own matrices the two are equal."""
    matrices = results.frames["self_attention"]
    gone = (matrices["model"] == "basic") & (matrices["matrix"] == "values") & (matrices["column"] > 0)
    lecture = walkthrough(matrices[~gone], results.frames["peaky"])
    assert (lecture.d_in, lecture.d_k, lecture.d_v) == (3, 2, 1)


def test_agreement_in_words() -> None:
    """One, two and more numbers."""
    assert agreement(1, 1) == "the printed number agrees to the last digit"
    assert agreement(2, 2) == "both printed numbers agree to the last digit"
    assert agreement(1, 2) == "1 of 2 printed numbers agree to the last digit"


def test_a_sheet_knows_what_is_printed_of_it() -> None:
    """Rows of which all is printed and not a half, how many numbers agree when rounded, and the matrix turned."""
    values = np.array([[0.12344, -1.5], [0.5, 0.25]])
    sheet = Sheet(values, np.array([[0.1234, -1.5], [np.nan, np.nan]]), ["a", "b"], ["1", "2"])
    assert sheet.printed_rows == [0]
    assert (sheet.n_agreeing, sheet.n_printed) == (2, 2)
    half = replace(sheet, printed=np.array([[0.1234, np.nan], [0.5, 0.26]]))
    assert half.printed_rows == [1]
    assert (half.n_agreeing, half.n_printed) == (2, 3)
    assert sheet.entry(0, 1) == "−1.5000"
    assert sheet.printed_entry(0, 0) == "0.1234"
    assert replace(sheet, values=values + 1e-4).n_agreeing == 0
    assert sheet.turned.rows == ["1", "2"]
    assert np.array_equal(sheet.turned.values, values.T)


def test_the_sentence_breaks_the_assumptions_in_the_pages_words(html: str, results: Results) -> None:
    """Chapter 7 says it with the run's figures."""
    chapter = sections(html)["scaling"]
    lecture = walkthrough(results.frames["self_attention"], results.frames["peaky"])
    for value in (lecture.raw_entropy, lecture.scaled_entropy, lecture.even_entropy):
        assert f"{value:.3f}" in chapter
    assert f"mean is {lecture.mean_score:.2f}, not 0" in chapter
    assert 'id="figure-toy-scores"' in chapter


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.jinja2")), ids=lambda path: path.name.split(".")[0])
def test_no_template_holds_a_number_that_a_run_computes(path: Path) -> None:
    """Outside expressions there is no decimal number: whatever is measured or computed comes in by its name."""
    text = re.sub(r"\{\{.*?\}\}|\{%.*?%\}|\{#.*?#\}", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    text = text.replace("section 3.2.1", "")  # of a paper
    assert re.findall(r"\d+\.\d+", text) == []


def test_code_on_the_page_is_the_running_source(html: str) -> None:
    """Every listing is a piece of its file, letter for letter, but for examples in docstrings."""
    folds = re.findall(r'<details class="code">.*?</details>', html, flags=re.DOTALL)
    assert len(folds) >= 12
    for fold in folds:
        for place, source in re.findall(r"<p>([\w/]+\.py)</p>\s*<pre[^>]*><code>(.*?)</code>", fold, flags=re.DOTALL):
            lines = html_module.unescape(source).strip("\n").splitlines()
            file = [line.strip() for line in without_examples((ROOT / place).read_text()).splitlines()]
            start = file.index(lines[0].strip())
            wanted = [line.strip() for line in lines]
            starts = [i for i in range(start, len(file)) if file[i] == wanted[0]]
            assert any(file[i : i + len(wanted)] == wanted for i in starts)


def test_excerpts() -> None:
    """A function and a method with their places; anything else is refused by name."""
    method = excerpt("scaling.attention.SelfAttentionV1.steps")
    assert (method.name, method.place) == ("SelfAttentionV1.steps", "scaling/attention.py")
    assert method.source.startswith("def steps(self")
    for wrong in (
        "scaling.attention.nothing",
        "scaling.nowhere.attend",
        "scaling.attention",
        "scaling.attention.Matrix.x",
    ):
        with pytest.raises(ValueError, match=f"excerpt: '{wrong}'"):
            excerpt(wrong)


WORD = '<g transform="translate({})"><use href="#{}"/><use href="#{}" x="5"/></g>'


def test_letters_marks_and_words_are_kept_once_for_all_figures() -> None:
    """Two figures with the same letter or mark share it, and a word that stands twice; what clips stays where it is."""
    a, b = (f'<path id="{{}}-{i}" d="{data}"/>' for i, data in enumerate(("m1 2z", "m3 4z")))
    one = f"<svg><defs>{a.format('one')}{b.format('one')}</defs>{WORD.format('1 2', 'one-0', 'one-1')}</svg>"
    two = (
        f'<svg><defs>{b.format("two")}</defs><use href="#two-1"/><defs>{a.format("two")}</defs>'
        f"{WORD.format('3 4) rotate(-90', 'two-0', 'two-1')}{WORD.format('5 6', 'two-1', 'two-0')}"
        '<path clip-path="url(#two-2)" fill="#000000"/><defs><clipPath id="two-2"><rect/></clipPath></defs></svg>'
    )
    shared, sheet = share_glyphs({"one": Markup(one), "two": Markup(two)})
    assert shared["one"] == '<svg><use href="#w0" x="1" y="2"/></svg>'
    assert shared["two"] == (
        '<svg><use href="#g1"/><use href="#w0" transform="translate(3 4) rotate(-90)"/>'
        f"{WORD.format('5 6', 'g1', 'g0')}"
        '<path clip-path="url(#c0)" fill="#000000"/><defs><clipPath id="c0"><rect/></clipPath></defs></svg>'
    )
    assert sheet == (
        '<svg class="marks" aria-hidden="true"><defs><path id="g0" d="m1 2z"/><path id="g1" d="m3 4z"/>'
        '<g id="w0"><use href="#g0"/><use href="#g1" x="5"/></g></defs></svg>'
    )


def test_the_page_keeps_each_letter_once(html: str) -> None:
    """No outline of a letter stands on it twice, no word that could be shared, and every figure finds its letters."""
    outlines = re.findall(r'<path id="[^"]+"([^>]*)/>', html)
    assert len(outlines) > 50
    assert len(outlines) == len(set(outlines))
    words = re.findall(r'<g (?:transform|id)="[^"]*">((?:<use href="#g[^>]*/>){2,})</g>', html)
    assert len(words) > 50
    assert len(words) == len(set(words))
    ids = set(re.findall(r' id="([^"]+)"', html))
    assert set(re.findall(r'<use href="#([^"]+)"', html)) <= ids


def test_frames_hold_what_the_lecture_prints(results: Results) -> None:
    """Where the frame has a printed number, the computed one rounds to it."""
    printed = results.frames["self_attention"].dropna(subset=["printed"])
    assert len(printed) == 105
    assert (pd.Series.abs(printed["value"] - printed["printed"]) <= 0.5e-4).all()
