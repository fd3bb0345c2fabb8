"""make slides: every file of it from one run, the same bytes however it was made, and choices judged at once."""

import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pptx
import pytest
from matplotlib import get_data_path
from PIL import Image

from conftest import ROOT, TINY, command_line, figures_of_the_report, start_from, tree
from experiments.faults import Faults
from experiments.runner import Results
from report.drawing import all_frames
from report.figures import FIGURES, figures_of
from report.slides.deck import deck
from report.slides.material import told
from report.slides.options import available
from report.slides.slide import Slide
from report.slides.words.runs import plain_text
from test_commands import BEGUN_MANY_TIMES
from test_powerpoint import boxes, overlap, sizes

KINDS = ("svg", "pdf", "png")
FEW = "variance-against-d,peaky-softmax"


def built(out: Path, *options: object) -> str:
    """Make slides of the tiny preset in a folder; returns what is said at the end."""
    done = command_line("report", "slides", "--preset", TINY, "--out", out, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def slides(results: Results) -> tuple[Slide, ...]:
    """What the decks must show."""
    frames = all_frames(results)
    return deck(results, told(figures_of(frames), frames))


def files(out: Path) -> dict[str, bytes]:
    """Every file of the slides."""
    found = sorted((out / "slides").rglob("*"))
    return {str(path.relative_to(out / "slides")): path.read_bytes() for path in found if path.is_file()}


def test_every_figure_is_there_in_each_kind(slides_folder: Path, reference: dict[str, bytes]) -> None:
    """SVG, PDF and PNG, both decks and a sheet to pick from; nothing else, and the data of the run."""
    figures = {f"figures/light/{spec.name}.{kind}" for spec in figures_of_the_report() for kind in KINDS}
    made = files(slides_folder)
    assert set(made) == figures | {"deck.pptx", "deck.html", "index.html"}
    data = {name: content for name, content in tree(slides_folder).items() if not name.startswith("report/")}
    assert data == reference
    assert all(made.values())


def test_pictures_are_of_full_size_and_hide_what_is_behind_them(slides_folder: Path) -> None:
    """PNG files have 1920 × 1080 pixels and no transparency, their corners the theme's background."""
    for path in (slides_folder / "slides" / "figures" / "light").glob("*.png"):
        with Image.open(path) as image:
            assert (image.size, image.mode) == ((1920, 1080), "RGB"), path.name
            assert "transparency" not in image.info
            assert image.getpixel((2, 2)) == (255, 255, 255), path.name


def test_no_file_names_a_place_or_a_time(slides_folder: Path) -> None:
    """Neither the folder nor this year, and no address but those of formats."""
    for name, content in files(slides_folder).items():
        assert str(slides_folder).encode() not in content, name
        if name.endswith(".svg"):
            assert b"dc:date" not in content
        if name.endswith(".pdf"):
            assert not re.search(rb"/(CreationDate|ModDate|Producer|Creator)", content), name


def test_the_same_bytes_whoever_draws_them(slides_folder: Path, report: Path, tmp_path: Path) -> None:
    """From one process that draws all, or from two and figures that an earlier run has kept."""
    start_from(report, tmp_path / "new")
    start_from(slides_folder, tmp_path / "kept")
    built(tmp_path / "new", "--figures", FEW, "--theme", "light", "--jobs", 1)
    built(tmp_path / "kept", "--figures", FEW, "--theme", "light", "--jobs", 2)
    made = files(tmp_path / "new")
    assert made == files(tmp_path / "kept")
    whole = files(slides_folder)
    figures = {name for name in made if name.startswith("figures/")}
    assert len(figures) == 2 * len(KINDS)
    assert all(whole[name] == made[name] for name in figures)


def test_figures_can_be_chosen_and_a_report_beside_them_stays(report: Path, tmp_path: Path) -> None:
    """Only these figures, in both themes; what another choice had put there goes, and nothing of the report does."""
    start_from(report, tmp_path)
    for name in ("report", "data"):
        shutil.copytree(report / name, tmp_path / name)
    for name in ("claims.json", ".published"):
        shutil.copy(report / name, tmp_path)
    before = tree(tmp_path)
    names = FEW.split(",")
    said = built(tmp_path, "--figures", FEW)
    assert "slides/index.html" in said
    decks = {"deck.pptx", "deck.html", "index.html"}
    both = {f"figures/{theme}/{name}.{kind}" for theme in ("light", "dark") for name in names for kind in KINDS}
    assert set(files(tmp_path)) == both | decks
    drawn = pptx.Presentation(str(tmp_path / "slides" / "deck.pptx")).slides
    assert [slide.element.cSld.get("name") for slide in drawn] == ["opening", *reversed(names), "provenance"]
    built(tmp_path, "--figures", names[0], "--theme", "dark")
    assert set(files(tmp_path)) == {f"figures/dark/{names[0]}.{kind}" for kind in KINDS} | decks
    assert tree(tmp_path) == before


def test_the_deck_has_every_slide_with_its_notes(slides_folder: Path, slides: tuple[Slide, ...]) -> None:
    """PowerPoint's file, read back: 16:9, each slide's title, finding and notes as the outline has them, in order."""
    presentation = pptx.Presentation(str(slides_folder / "slides" / "deck.pptx"))
    assert presentation.slide_width * 9 == pytest.approx(presentation.slide_height * 16, rel=1e-6)
    assert len(presentation.slides) == len(slides)
    for slide, drawn in zip(slides, presentation.slides, strict=True):
        assert drawn.element.cSld.get("name") == slide.name
        assert drawn.shapes.title.text_frame.text == plain(slide.title, drawn.shapes.title.text_frame.text)
        said = drawn.notes_slide.notes_text_frame.text
        assert said.split("\n") == [
            line for note in slide.notes for line in plain_text(note).split("\n") if line.strip()
        ]


def plain(markup: str, text: str) -> str:
    """`text`, if it has the letters of a title; formulas in it may be set in other ways."""
    wanted, found = (re.sub(r"[^A-Za-z0-9]", "", words) for words in (plain_text(markup), text))
    assert wanted == found
    return text


def test_on_the_real_deck_too_nothing_is_small_or_lies_on_anything_else(slides_folder: Path) -> None:
    """No run below 18 points, all shapes inside the slide and apart, a text alternative on each picture."""
    presentation = pptx.Presentation(str(slides_folder / "slides" / "deck.pptx"))
    for drawn in presentation.slides:
        assert min(size for _, size in sizes(drawn)) >= 18
        solid = [(name, box) for name, box in boxes(drawn).items() if not name.startswith("Bar")]
        for place, (one, box) in enumerate(solid):
            assert min(box.left, box.top) >= 0
            assert box.right <= 40 / 3 + 1e-4
            assert box.bottom <= 7.5 + 1e-4
            for other, other_box in solid[place + 1 :]:
                assert not overlap(box, other_box), f"{drawn.element.cSld.get('name')}: {one} lies on {other}"
        for properties in drawn.element.xpath(".//p:pic/p:nvPicPr/p:cNvPr"):
            assert len(properties.get("descr")) > 3


def test_libreoffice_opens_the_real_deck(
    slides_folder: Path, slides: tuple[Slide, ...], pages: Callable[[bytes], bytes]
) -> None:
    """Every slide becomes a page."""
    printed = pages(files(slides_folder)["deck.pptx"])
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == len(slides)


MISTAKES = {
    "figures": (
        ["--figures", "variance-agianst-d,peaky"],
        [
            "--figures: 'variance-agianst-d' is not known; allowed: the names that make figures lists; did you mean "
            "'variance-against-d'",
            "--figures: 'peaky' is not known; allowed: the names that make figures lists; did you mean 'peaky-softmax'",
        ],
    ),
    "theme": (["--theme", "drak"], ["--theme: 'drak' is not known; allowed: light, dark; did you mean 'dark'?"]),
    "font": (["--font", "Nosuch Sans"], ["--font: 'Nosuch Sans' is neither a .ttf or .otf file nor the name of an"]),
    "nothing": (["--figures", ","], ["--figures: ',' holds no name; allowed: "]),
    "several": (
        ["--figures", "x", "--theme", "y", "--font", "/no/z.ttf", "--jobs", "0"],
        ["--figures: 'x'", "--theme: 'y'", "--font: '/no/z.ttf'", "--jobs: '0'"],
    ),
    "cost": (
        ["--figures", "cost-against-d"],
        ["--figures: cost-against-d is drawn from what this run has not measured; make bench measures it"],
    ),
}


def test_a_wrong_choice_gets_a_line_and_touches_nothing(tmp_path: Path) -> None:
    """Exit code 2, a line for each fault with what is near, no traceback, and no folder made."""
    out = tmp_path / "out"
    wrong = {name: ["slides", "--out", str(out), *options] for name, (options, _) in MISTAKES.items()}
    program = [sys.executable, "-W", "error", "-c", BEGUN_MANY_TIMES, "report.__main__", tmp_path, json.dumps(wrong)]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [f"{name} 2" for name in MISTAKES]
    for name, (_, lines) in MISTAKES.items():
        said = (tmp_path / f"{name}.2").read_text().splitlines()
        assert len(said) == len(lines), said
        for line, wanted in zip(said, lines, strict=True):
            assert line.startswith(f"error: {wanted}"), line
    assert not out.exists()


def test_a_font_of_the_readers_is_used(slides_folder: Path, report: Path, tmp_path: Path) -> None:
    """Figures are drawn in it, and it is the family of the deck's text; what was drawn in it is not kept."""
    font = Path(get_data_path(), "fonts", "ttf", "DejaVuSerif.ttf")
    start_from(report, tmp_path)
    kept = sorted((tmp_path / ".figures").iterdir())
    built(tmp_path, "--figures", "peaky-softmax", "--theme", "light", "--font", font)
    made, usual = files(tmp_path), files(slides_folder)
    for kind in KINDS:
        assert made[f"figures/light/peaky-softmax.{kind}"] != usual[f"figures/light/peaky-softmax.{kind}"]
    assert sorted((tmp_path / ".figures").iterdir()) == kept
    package = pptx.Presentation(BytesIO(made["deck.pptx"])).part.package
    (theme,) = (part for part in package.iter_parts() if part.partname == "/ppt/theme/theme1.xml")
    assert b'typeface="DejaVu Serif"' in theme.blob


def test_what_a_run_could_draw_is_told_before_it_begins() -> None:
    """Figures of costs ask for the benchmark, those of an absent package for what a note says."""
    names = {"claims", *(name for spec in FIGURES for name in spec.experiments)}
    available(["variance-against-d", "trained-entropy"], names)
    with pytest.raises(Faults, match="trained-entropy is drawn from what this run has not measured; see the notes"):
        available(["trained-entropy"], names - {"trained_heads"})


def test_figures_are_listed_by_name() -> None:
    """Each on a line with its title, as words."""
    done = command_line("report", "figures")
    assert (done.returncode, done.stderr) == (0, "")
    listed = dict(line.split(None, 1) for line in done.stdout.splitlines())
    assert list(listed)[: len(FIGURES)] == [spec.name for spec in FIGURES]
    assert listed["one-figure"] == "Self-attention in one figure"
    assert not re.search(r"[$\\]", done.stdout)
