"""The deck's outline: what the page says, in its order, on slides with notes; whatever a slide states is the run's."""

import re
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
from markupsafe import Markup

from conftest import TINY, figures_of_the_report
from experiments import packages
from experiments.claims import Verdict
from experiments.preset import load_preset
from experiments.runner import Results, run
from report.contents import CHAPTERS, PARTS
from report.drawing import all_frames
from report.excerpts import excerpt
from report.figures import figures_of
from report.figures.spec import FigureSpec
from report.figures.theme import LIGHT
from report.kept import Kept
from report.slides.deck import deck, material_of
from report.slides.ideas import Asked, Place
from report.slides.material import LONGEST_FINDING, ToldFigure, first_sentence, passage, told
from report.slides.outline import ALWAYS, OUTLINE, chosen, pictures_of
from report.slides.powerpoint import powerpoint
from report.slides.singles import Demonstration, Provenance
from report.slides.slide import Code, Derivation, Formula, Picture, Slide, Table, Words
from report.slides.tables import MOST_COLUMNS, MOST_ROWS, comparison_tables
from report.slides.words.runs import plain_text
from report.walkthrough import Comparison, Line
from report.wording import interval_text, measured, prediction_text


def figures(results: Results) -> dict[str, ToldFigure]:
    """All figures of a run, told but not drawn."""
    frames = all_frames(results)
    return told(figures_of(frames), frames)


@pytest.fixture(scope="module")
def slides(results: Results) -> tuple[Slide, ...]:
    """The deck of the tiny report."""
    return deck(results, figures(results))


@pytest.fixture(scope="module")
def kept(results: Results) -> Kept:
    """What the page keeps of itself."""
    return material_of(results, figures(results)).kept


def by_name(slides: tuple[Slide, ...]) -> dict[str, Slide]:
    """Slides by their names."""
    return {slide.name: slide for slide in slides}


def block_of(slide: Slide, kind: type) -> object:
    """The one block of that kind."""
    (block,) = [block for block in slide.blocks if isinstance(block, kind)]
    return block


def test_names_are_stable_kebab_case_and_unique(slides: tuple[Slide, ...]) -> None:
    """They are anchors of the deck."""
    names = [slide.name for slide in slides]
    assert len(set(names)) == len(names) > 80
    assert all(re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", name) for name in names)


def test_the_deck_begins_with_its_title_and_ends_with_its_provenance(
    slides: tuple[Slide, ...], results: Results
) -> None:
    """The last slide names preset, seed, commit and every package that decides the bytes."""
    assert slides[0].is_opening
    assert not any(slide.is_opening for slide in slides[1:])
    assert slides[-1].name == "provenance"
    table = block_of(slides[-1], Table)
    assert isinstance(table, Table)
    stated = {plain_text(row[0]): plain_text(row[1]) for row in table.rows}
    assert stated["seed"] == str(results.preset.seed)
    assert results.preset.digest in stated["preset"]
    assert {"numpy", "matplotlib", "python-pptx", "ziamath"} <= set(stated["packages"].replace(",", "").split())


def test_slides_follow_the_order_of_the_page(slides: tuple[Slide, ...]) -> None:
    """Chapter by chapter, the lecture's fourteen first; the short answer, which begins the page, comes late."""
    numbers = [
        int(found[1]) for slide in slides if (found := re.match(r"(?:Chapter )?(\d+)\b", plain_text(slide.kicker)))
    ]
    assert numbers == sorted(numbers)
    assert set(range(1, 15)) <= set(numbers)
    assert set(OUTLINE) <= {chapter.name for chapter in CHAPTERS} | {"cost"}
    parts = list(dict.fromkeys(slide.part for slide in slides))
    assert parts == ["Opening", *(part.title for part in PARTS if part.title)]


def test_the_first_slide_of_a_lecture_chapter_says_when_the_lecture_comes_to_it(slides: tuple[Slide, ...]) -> None:
    """All thirteen minutes of the lecture stand above titles, once each, in order."""
    minutes = [found[1] for slide in slides if (found := re.search(r"lecture, (.*)", plain_text(slide.kicker)))]
    assert list(dict.fromkeys(minutes)) == [chapter.minutes for chapter in CHAPTERS if chapter.minutes]


def test_every_figure_of_the_report_stands_on_a_slide(slides: tuple[Slide, ...]) -> None:
    """Once; one that is built up, once for each stage, in order."""
    shown = [picture for slide in slides for picture in pictures_of(slide)]
    for spec in figures_of_the_report():
        stages = [picture.stage for picture in shown if picture.figure == spec.name]
        assert stages == (list(range(len(spec.stages))) or [None]), spec.name


def test_every_slide_has_notes_and_one_title(slides: tuple[Slide, ...]) -> None:
    """Something to say, in whole sentences, without mathematics or links left as markup."""
    for slide in slides:
        assert slide.notes, slide.name
        assert plain_text(slide.title).strip()
        for words in slide.notes:
            text = plain_text(words)
            assert text.strip(), slide.name
            assert not re.search(r"\$|\\[a-z]|<|&\w+;|\bnan\b|None", text.replace("<", "", text.count(" < "))), text
        assert "<a " not in "".join(slide.notes), slide.name


def test_all_that_the_page_marks_for_slides_is_on_them(slides: tuple[Slide, ...], kept: Kept) -> None:
    """No passage, heading, question or comparison is marked in vain; negative control: one that is not marked."""
    said = " ".join(str(words) for slide in slides for words in slide.notes)
    on_slides = " ".join(
        [str(slide.title) for slide in slides]
        + [
            str(words)
            for slide in slides
            for block in slide.blocks
            if isinstance(block, Words)
            for words in block.paragraphs
        ]
    )
    for name, passages in kept.things["shown"].items():
        for words in passages:
            assert str(passage(words, ""))[:-1] in on_slides, name
            assert str(passage(words, ""))[:-1] in said, name
    for name, passages in kept.things["said"].items():
        for words in passages:
            assert str(passage(words, ""))[:-1] in said, name
    for name, headings in kept.things["heading"].items():
        assert str(headings[0]) in on_slides, name
    asked = {idea.question for idea in OUTLINE["questions"] if isinstance(idea, Asked)}
    assert asked == set(kept.things["question"]) == set(kept.things["answer"])
    assert len(asked) == 13
    assert {name for slide in slides if (name := slide.name.removeprefix("printed-")) != slide.name} >= set(
        kept.things["printed"]
    ) - {"scores"}
    assert "Nothing like this stands on the page." not in said


def test_words_and_formulas_are_told_in_the_pages_order(slides: tuple[Slide, ...]) -> None:
    """On the slide and in the notes; what leads up to a formula ends with a colon, and the formula follows."""
    slide = by_name(slides)["about-gradients"]
    before, formula, after = slide.blocks
    assert isinstance(before, Words)
    assert isinstance(formula, Formula)
    assert isinstance(after, Words)
    notes = [plain_text(words) for words in slide.notes]
    assert notes[0] == plain_text(before.paragraphs[0])
    assert notes[0].endswith("and to the query:")
    assert notes[1].startswith("∂L/∂s = Ju")
    assert notes[2] == plain_text(after.paragraphs[0])
    for other in slides:
        if other.name.startswith("about-"):
            assert not plain_text(other.notes[-1]).endswith(":"), other.name


def test_the_page_has_no_kind_of_its_own_named_wrongly(kept: Kept) -> None:
    """A name that the page does not have is an error that says so."""
    with pytest.raises(KeyError, match="no heading named 'nowhere'"):
        kept.one("heading", "nowhere")
    assert kept.all("said", "nowhere") == ()


def test_the_derivation_builds_up_line_by_line_with_its_evidence(slides: tuple[Slide, ...], results: Results) -> None:
    """Nine slides, one line more each, with the ledger's own numbers; the notes have the step's reason and interval."""
    built = [slide for slide in slides if slide.name.startswith("derivation-")]
    assert len(built) == 9
    blocks = [block_of(slide, Derivation) for slide in built]
    assert all(isinstance(block, Derivation) for block in blocks)
    assert [block.n_shown for block in blocks] == list(range(1, 10))  # type: ignore[attr-defined]
    assert len({block.steps for block in blocks}) == 1  # type: ignore[attr-defined]
    steps = blocks[0].steps  # type: ignore[attr-defined]
    largest = max(results.preset.variance.d_k)
    for step, claim in (
        (steps[0], "mean-entry"),
        (steps[6], f"variance-{largest}"),
        (steps[8], f"scaled-variance-{largest}"),
    ):
        judgement = results.ledger[claim]
        written = prediction_text(judgement), measured(judgement), interval_text(judgement), str(judgement.verdict)
        assert (step.predicted, step.measured, step.interval, step.verdict) == written
    for slide, words in zip(
        built, ("Assumed", "Assumed", "Used", "Used", "Used", "Used", "Used", "typical", "Dividing"), strict=True
    ):
        notes = " ".join(map(plain_text, slide.notes))
        assert words in notes
        assert re.search(r"measured .* \(.* to .*\), (confirmed|undecided|refuted)\.", notes), slide.name
    assert r"\sum_{i=1}^{d_k} \Var(q_i k_i)" in steps[6].latex


def test_a_refuted_line_says_so_on_its_slide(results: Results) -> None:
    """The verdict comes from the ledger, on the sheet and in the tally."""
    judgements = tuple(
        replace(judgement, verdict=Verdict.REFUTED) if judgement.claim.id == "mean-entry" else judgement
        for judgement in results.ledger.judgements
    )
    changed = replace(results, ledger=replace(results.ledger, judgements=judgements))
    slides = by_name(deck(changed, figures(changed)))
    sheet = block_of(slides["derivation-1"], Derivation)
    assert isinstance(sheet, Derivation)
    assert sheet.steps[0].verdict == "refuted"
    assert "refuted" in plain_text(slides["derivation-1"].notes[-1])
    tally = block_of(slides["answer"], Table)
    assert isinstance(tally, Table)
    assert plain_text(tally.rows[2][1]) == str(results.ledger.count(Verdict.REFUTED) + 1)


def test_each_question_has_a_short_answer_and_its_evidence(slides: tuple[Slide, ...], results: Results) -> None:
    """The table's numbers are the ledger's; the notes hold the whole answer, which is longer."""
    slide = by_name(slides)["question-divide-by-d"]
    table = block_of(slide, Table)
    assert isinstance(table, Table)
    judgement = results.ledger["variance-of-inverse"]
    assert [plain_text(cell) for cell in table.rows[0][1:]] == [
        prediction_text(judgement), measured(judgement), interval_text(judgement), str(judgement.verdict),
    ]  # fmt: skip
    (words,) = block_of(slide, Words).paragraphs  # type: ignore[attr-defined]
    assert plain_text(words)[:-1] in plain_text(slide.notes[0])
    assert len(plain_text(slide.notes[0])) > len(plain_text(words)) + 40


def test_the_demonstration_states_the_runs_own_numbers(slides: tuple[Slide, ...], results: Results) -> None:
    """Variance before and after at each dimension, and the verdict at the lecture's own size."""
    table = block_of(by_name(slides)["demonstration"], Table)
    assert isinstance(table, Table)
    first = results.frames["lecture_demo"].groupby("d_k").first()
    stated = [[plain_text(cell) for cell in row] for row in table.rows]
    assert [row[:3] for row in stated] == [
        [str(d_k), f"{row['variance_raw']:.4f}", f"{row['variance_scaled']:.4f}"] for d_k, row in first.iterrows()
    ]


def test_figures_can_be_chosen(slides: tuple[Slide, ...]) -> None:
    """Their slides are left, every stage of them, between the title and the provenance."""
    left = chosen(slides, ["one-figure", "variance-against-d"])
    assert left[0].name == ALWAYS[0]
    assert left[-1].name == ALWAYS[1]
    assert [picture.name for slide in left[1:-1] for picture in pictures_of(slide)] == [
        *(f"one-figure-{stage}" for stage in range(1, 7)), "variance-against-d",
    ]  # fmt: skip


def test_what_a_run_has_not_measured_makes_no_slide(
    report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without trained models the page says what is missing, and the deck passes over their chapter."""
    monkeypatch.setattr(packages, "installed", lambda package: packages.ABSENT)
    store = shutil.copy(report / "results.sqlite", tmp_path)
    results = run(load_preset(str(TINY)), Path(store), pytest.fail)
    slides = deck(results, figures(results))
    assert not [slide for slide in slides if "Trained models" in plain_text(slide.kicker + slide.title)]
    assert {picture.figure for slide in slides for picture in pictures_of(slide)} == figures(results).keys()


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("so it goes,", "So it goes."),
        ("Why?", "Why?"),
        ('see <a class="reference" href="#section-law">section&nbsp;17</a>', "See section&nbsp;17 of the report."),
        ("a &lt; b", "A &lt; b."),
        ("(as it is.)", "(as it is.)"),
        ("the title of this page", "The title of the report."),
    ],
)
def test_a_passage_stands_by_itself(words: str, text: str) -> None:
    """Capital and stop are there, links are words, and nothing is escaped twice."""
    assert str(passage(Markup(words))) == text


@pytest.mark.parametrize(
    ("caption", "sentence"),
    [
        ("At $d_k = 1.5$ it is 0.17 % off. More.", "At $d_k = 1.5$ it is 0.17 % off."),
        ("One. Two.", "One."),
        (f"{'long ' * 30}sentence. Two.", ""),
    ],
)
def test_the_finding_is_the_captions_first_sentence_if_it_is_short(caption: str, sentence: str) -> None:
    """Points within numbers and formulas end nothing."""
    assert first_sentence(caption) == sentence


def test_findings_fit_one_line(slides: tuple[Slide, ...]) -> None:
    """None is longer than the line that it has, and many slides have one."""
    findings = [plain_text(slide.finding) for slide in slides if slide.finding]
    assert len(findings) > 20
    assert max(map(len, findings)) <= LONGEST_FINDING + 12  # a formula's brackets


@pytest.mark.parametrize(("n_lines", "n_columns"), [(1, 6), (4, 6), (6, 6), (9, 2), (9, 6)])
def test_a_comparison_is_divided_among_tables_that_have_room(n_lines: int, n_columns: int) -> None:
    """Every computed and printed number stands somewhere once, in tables of few rows or few columns."""
    lines = [
        Line(f"row {i}", [f"c{i}.{j}" for j in range(n_columns)], [f"p{i}.{j}" for j in range(n_columns)])
        for i in range(n_lines)
    ]
    tables = comparison_tables(Comparison([str(j) for j in range(n_columns)], lines, ""))
    cells = [str(cell) for table in tables for row in table.rows for cell in row[1:]]
    assert sorted(cells) == sorted(cell for line in lines for cell in (*line.computed, *line.printed))
    for table in tables:
        assert len(table.rows) <= MOST_ROWS or len(table.columns) - 1 <= MOST_COLUMNS
        assert {len(row) for row in table.rows} == {len(table.columns)}


def test_code_on_slides_is_the_running_source_without_its_docstrings(slides: tuple[Slide, ...]) -> None:
    """The class is there, and compiles; what is left out is words."""
    code = block_of(by_name(slides)["code-basic"], Code)
    assert isinstance(code, Code)
    compile(code.source, "slide", "exec")
    assert '"""' not in code.source
    left = [line for line in excerpt("scaling.attention.SelfAttentionV1").source.splitlines() if line.strip()]
    assert [line for line in code.source.splitlines() if line.strip()] == [
        line for line in left if '"""' not in line and not line.startswith("    The matrices")
    ]


def test_formulas_on_slides_are_the_pages(slides: tuple[Slide, ...], kept: Kept) -> None:
    """Every display formula of the deck is one of the page, letter by letter."""
    known = {latex for named in kept.things["equation"].values() for latex in named}
    shown = [block.latex for slide in slides for block in slide.blocks if isinstance(block, Formula)]
    assert len(shown) > 15
    assert set(shown) <= known


def test_pictures_have_the_slide_to_themselves(slides: tuple[Slide, ...]) -> None:
    """A figure shares its slide with nothing but a title and one line."""
    for slide in slides:
        if any(isinstance(block, Picture) for block in slide.blocks):
            assert len(slide.blocks) == 1, slide.name


def test_specs_with_stages_say_what_each_adds() -> None:
    """A few plain words for each; figures without stages have none."""
    staged: list[FigureSpec] = [spec for spec in figures_of_the_report() if spec.stages]
    assert [spec.name for spec in staged] == ["one-figure"]
    assert all(len(words) > 4 and words.count("$") % 2 == 0 for words in staged[0].stages)


SOMEWHERE = Place("Part", CHAPTERS[0], 1, is_first=False)


@pytest.mark.parametrize("name", ["$\\nosuch{$ & 'mine' <b>", "\N{GRINNING FACE}" * 40])
def test_any_name_of_a_preset_has_room(results: Results, name: str) -> None:
    """As it is written, whatever it means in a formula, and on two lines if it is wider than a slide."""
    known = material_of(replace(results, preset=results.preset.model_copy(update={"name": name})), figures(results))
    (slide,) = Provenance().slides(known, SOMEWHERE)
    table = block_of(slide, Table)
    assert isinstance(table, Table)
    assert plain_text(table.rows[0][1]) == known.provenance["preset"]
    assert known.provenance["preset"].startswith(f"{name}, hash ")
    assert powerpoint([slide], {}, LIGHT, "Arial", "")


def test_a_demonstration_at_many_dimensions_takes_several_slides(results: Results) -> None:
    """Each has room, and all rows stand there once; a finding that is longer than a line stands in the notes alone."""
    known = material_of(results, figures(results))
    (run,) = known.found.demo[:1]
    runs = [replace(run, d_k=d_k) for d_k in range(1, 65)]
    words = f"undecided at $d_k = {', '.join(str(run.d_k) for run in runs)}$"
    known = replace(known, found=replace(known.found, demo=runs, demo_verdicts=words))
    parts = list(Demonstration().slides(known, SOMEWHERE))
    assert [part.name for part in parts] == [f"demonstration-{n}" for n in range(1, 9)]
    rows = [row for part in parts for table in part.blocks if isinstance(table, Table) for row in table.rows]
    assert [row[0] for row in rows] == [str(run.d_k) for run in runs]
    assert not any(part.finding for part in parts)
    assert all("undecided at" in part.notes[0] for part in parts)
    assert powerpoint(parts, {}, LIGHT, "Arial", "")
