"""Every figure on a slide and under a slide's title: legible from the last row, in both themes, and the same bytes."""

import os
import re
import zlib
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from itertools import combinations
from pathlib import Path

import numpy as np
import pytest
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from matplotlib import get_data_path, rcParams
from matplotlib.colors import get_named_colors_mapping
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.mathtext import MathTextParser
from PIL import Image

from conftest import ROOT
from experiments.faults import Faults
from report.figures import SPECS, export, style
from report.figures.export import SlideFiles, deck_files, files, slide_files, themed_files
from report.figures.fonts import find_font, own_font
from report.figures.spec import FigureSpec
from report.figures.theme import DARK, LIGHT, THEMES, Theme, active, faint
from slide_judges import (
    SIMULATIONS,
    distance,
    faint_marks,
    faint_texts,
    faults_of_text,
    shown_texts,
    small_texts,
    thin_lines,
)
from test_figures import GRIDS, frames

MEDIA = {"slide": style.SLIDE, "deck": style.DECK}
STAGED = [spec for spec in SPECS.values() if spec.stages]
SOME = (  # among them all kinds of artists: fields, maps, bars, bands, histograms, matrices, arrows, keys
    "one-figure", "saturation-map", "lecture-scatter", "trained-variances", "context-plane", "gradient-against-d",
    "sizes-by-layer-and-head",
)  # fmt: skip
TTF = Path(get_data_path(), "fonts", "ttf")
every_figure = pytest.mark.parametrize("spec", SPECS.values(), ids=SPECS, scope="class")
every_theme = pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)


def draw(
    name: str, medium: style.Medium = style.SLIDE, grid: str = "large", theme: Theme = LIGHT, **options: object
) -> Figure:
    """A figure for a medium, of the simulated frames."""
    spec = SPECS[name]
    with style.using(medium, theme):
        return spec.draw(*spec.given(frames(grid)), **options)


@cache
def drawn(name: str) -> Figure:
    """The same for a slide, from the large grid, drawn once for all tests."""
    return draw(name)


@every_figure
class TestEachFigure:
    """What holds of every figure; its tests stand side by side, so that it is drawn once."""

    def test_is_legible(self, spec: FigureSpec) -> None:
        """Large text, apart and inside, and no thin line: on a slide, and in less room for a small grid, too."""
        in_less_room = [draw(spec.name, style.DECK, grid) for grid in GRIDS]
        for figure, medium in [(drawn(spec.name), style.SLIDE), *((figure, style.DECK) for figure in in_less_room)]:
            assert tuple(figure.get_size_inches()) == (medium.width, medium.height)
            assert faults_of_text(figure) == []
            assert small_texts(figure, medium.least) == []
            assert thin_lines(figure, medium.thinnest) == []

    def test_has_contrast_in_both_themes(self, spec: FigureSpec) -> None:
        """Words stand off from what is behind them, marks and lines from the background."""
        for theme in THEMES.values():
            assert faint_texts(drawn(spec.name), theme) == []
            assert faint_marks(drawn(spec.name), theme) == []


def test_slides_have_the_pixels_of_a_screen() -> None:
    """1920 × 1080 of them, and text of 18 points or more."""
    assert (style.SLIDE.width * style.SLIDE.dpi, style.SLIDE.height * style.SLIDE.dpi) == (1920, 1080)
    assert min(style.SLIDE.text, style.DECK.text) >= 18
    assert style.DECK.dpi >= 144


@pytest.mark.parametrize("name", SOME)
def test_files_of_slides(name: str) -> None:
    """Drawn in a theme or drawn in the other and saved in this one, from the same frame, the bytes are the same."""
    light, dark = draw(name, grid="small"), draw(name, grid="small", theme=DARK)
    made = {"light": slide_files(light), "dark": slide_files(dark)}
    assert themed_files(light) == made
    assert slide_files(dark, LIGHT) == made["light"]
    for theme in THEMES.values():
        _judge_files(made[theme.name], theme)
    assert all(
        one != other for one, other in zip(vars(made["light"]).values(), vars(made["dark"]).values(), strict=True)
    )


def _judge_files(made: SlideFiles, theme: Theme) -> None:
    """On the theme's solid background, without dates and versions; text as outlines, or in fonts that are inside."""
    image = Image.open(BytesIO(made.png))
    assert (image.size, image.mode) == ((1920, 1080), "RGB")
    assert image.getpixel((1, 1)) == tuple(bytes.fromhex(theme.background[1:]))
    assert f"fill: {theme.background}".encode() in made.svg
    assert b"<text" not in made.svg
    fonts = re.findall(rb"/Subtype /(Type\w+|CIDFont\w+|TrueType)", made.pdf)
    assert fonts
    assert set(fonts) <= {b"Type0", b"CIDFontType2", b"TrueType"}
    level = rb"\b1 g\b" if theme is LIGHT else rb"\b0?\.070588\d* g\b"  # both backgrounds are grey, and come first
    assert re.search(level, next(_streams(made.pdf))[:200])
    for file in (made.svg, made.pdf, made.png):
        assert not re.search(rb"dc:date|CreationDate|ModDate|Producer|Creator|Software|[Mm]atplotlib v|tIME", file)


def _streams(pdf: bytes) -> Iterator[bytes]:
    for found in re.finditer(rb"stream\r?\n(.*?)endstream", pdf, re.DOTALL):
        try:
            yield zlib.decompress(found[1])
        except zlib.error:
            continue


@every_theme
def test_files_of_a_deck(theme: Theme) -> None:
    """A deck's inline SVG follows the page whatever theme its files are in."""
    figure = draw("rules-over-d", style.DECK)
    made = deck_files(figure, "rules-over-d", theme)
    image = Image.open(BytesIO(made.png))
    assert image.mode == "RGB"
    assert image.size == (int(12.33 * 144), int(5.35 * 144))
    of_light = deck_files(figure, "rules-over-d", LIGHT).page

    def without_fallbacks(page: str) -> str:
        return re.sub(r"var\((--[\w-]+), #\w+\)", r"\1", page)

    assert without_fallbacks(made.page) == without_fallbacks(of_light)
    assert {"--raw", "--raw-text", "--scaled", "--green", "--green-text", "--pink", "--pink-text", "--page"} == set(
        re.findall(r"var\((--[\w-]+), ", made.page)
    )
    assert not re.search("|".join(theme.colours.values()), re.sub(r"var\([^)]*\)", "", made.page), re.IGNORECASE)


def test_figures_of_the_page_are_on_white() -> None:
    """They are what they were: drawn for the page, without a word about themes."""
    figure = SPECS["peaky-softmax"].draw(frames("small")["peaky"])
    assert b"fill: #ffffff" in files(figure).svg


@pytest.mark.parametrize("medium", [style.PAGE, *MEDIA.values()], ids=["page", *MEDIA])
@pytest.mark.parametrize("spec", STAGED, ids=lambda spec: spec.name)
def test_stages_build_up_the_whole(spec: FigureSpec, medium: style.Medium) -> None:
    """Each stage has all of the one before at its place, and more; nothing moves, and the last is the whole."""
    whole = export._svg(draw(spec.name, medium, "small"))
    before: set[tuple[object, ...]] = set()
    limits = set()
    for stage in range(len(spec.stages)):
        figure = draw(spec.name, medium, "small", stage=stage)
        with style.as_drawn(figure):
            texts = {(text.get_text(), *np.round(text.get_window_extent().bounds, 6)) for text in shown_texts(figure)}
        limits |= {(*axes.get_xlim(), *axes.get_ylim(), *axes.get_position().bounds) for axes in figure.axes}
        assert before < texts
        before = texts
    assert len(limits) == 1
    assert export._svg(figure) == whole


def test_stages_are_told_in_words() -> None:
    """The figure of all has them: each one a sentence, with whole formulas."""
    assert [spec.name for spec in STAGED] == ["one-figure"]
    for spec in STAGED:
        assert all(words.endswith(".") and words.count("$") % 2 == 0 for words in spec.stages)


def test_nothing_leaks() -> None:
    """Colours, fonts, settings and the medium are as before, however drawing for a slide ends."""
    colours, fonts, settings = dict(get_named_colors_mapping()), list(fontManager.ttflist), dict(rcParams)
    family = str(TTF / "DejaVuSerif.ttf")

    def stumble() -> None:
        with style.using(style.SLIDE, DARK, family):
            assert (style.medium(), style.theme(), style.font().name) == (style.SLIDE, DARK, "DejaVu Serif")
            assert get_named_colors_mapping()[style.INK] == DARK.ink
            SPECS["peaky-softmax"].draw(frames("small")["peaky"])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        stumble()
    slide_files(draw("peaky-softmax", grid="small"), DARK)
    assert dict(get_named_colors_mapping()) == colours
    assert fontManager.ttflist == fonts
    assert dict(rcParams) == settings
    assert (style.medium(), style.theme(), style.font()) == (style.PAGE, LIGHT, own_font())


def test_a_figure_can_be_saved_after_its_theme_has_ended() -> None:
    """It remembers what it was drawn for."""
    dark = draw("peaky-softmax", grid="small", theme=DARK)
    with style.using(style.DECK, LIGHT):
        assert slide_files(dark).png == slide_files(dark, DARK).png


@pytest.mark.parametrize(
    "name", ["one-figure", "claims-forest", "weights", "one-head", "rules-over-d", "initial-scores"]
)
def test_wider_fonts_find_room(name: str) -> None:
    """Set in a much wider font, text stays inside and apart, headings are bold, and bytes repeat."""
    spec, font = SPECS[name], str(TTF / "DejaVuSerif.ttf")
    for medium in MEDIA.values():
        with style.using(medium, font=font):
            figure = spec.draw(*spec.given(frames("large")))
            assert style.strong().get_name() == "DejaVu Serif"
            assert Path(fontManager.findfont(style.strong())).name == "DejaVuSerif-Bold.ttf"
        assert faults_of_text(figure) == []
        assert small_texts(figure) == []
    assert deck_files(figure, name) == deck_files(figure, name)


def test_fonts_by_file_and_by_family(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file's bold face is looked for beside it; a family is found whatever its case, among installed ones only."""
    monkeypatch.setattr("report.figures.fonts.findSystemFonts", lambda: [str(path) for path in TTF.glob("*.ttf")])
    monkeypatch.setattr("report.figures.fonts._installed", find_font.__globals__["_installed"].__wrapped__)
    by_file, by_name = find_font(str(TTF / "DejaVuSans.ttf")), find_font("dejavu sans")
    assert by_file == by_name
    assert by_name.strong.name == "DejaVuSans-Bold.ttf"
    lonely = tmp_path / "alone.ttf"
    lonely.write_bytes((TTF / "DejaVuSans.ttf").read_bytes())
    assert find_font(str(lonely)).strong == lonely
    with pytest.raises(
        Faults, match=r"^font: 'DejaVu Sanz' is neither a \.ttf or \.otf file nor .*mean 'DejaVu Sans'\?$"
    ):
        find_font("DejaVu Sanz")
    with pytest.raises(
        Faults, match=r"^font: 'gone\.ttf' is neither a \.ttf or \.otf file nor the name of an installed"
    ):
        find_font("gone.ttf")
    broken = tmp_path / "broken.ttf"
    broken.write_text("no font")
    with pytest.raises(Faults, match=r"^font: '.*broken\.ttf' is not a font that can be read; give a"):
        find_font(str(broken))
    with pytest.raises(Faults, match=r"^font: '~nobody-of-that-name/a\.ttf' is neither a \.ttf or \.otf file nor"):
        find_font("~nobody-of-that-name/a.ttf")
    with pytest.raises(Faults, match=r"^font: 'a{200,} … a{50,}\.ttf' is neither"):
        find_font("a" * 5000 + ".ttf")
    os.mkfifo(tmp_path / "pipe.ttf")  # nobody writes into it
    assert find_font(str(lonely)).strong == lonely


def test_letters_that_a_font_lacks_are_taken_from_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Beside a formula as well: none becomes a sign for nothing, and the font's own letters stay its own."""
    font = TTFont(TTF / "DejaVuSerif.ttf")
    ascii_alone = Subsetter(Options(drop_tables=[*Options().drop_tables, "FFTM"]))
    ascii_alone.populate(unicodes=range(0x20, 0x7F))
    ascii_alone.subset(font)
    font.save(tmp_path / "ascii.ttf")
    caplog.clear()
    with style.using(style.SLIDE, font=str(tmp_path / "ascii.ttf")):
        words = FontProperties(family=style.font().families, math_fontfamily="stix")
        glyphs = MathTextParser("path").parse("$W_q$ 3 × 10⁶", prop=words).glyphs
    by_letter = {chr(glyph[2]): glyph[0].family_name for glyph in glyphs}
    assert {by_letter[letter] for letter in "310"} == {"DejaVu Serif"}
    assert {by_letter[letter] for letter in "×⁶"} == {"DejaVu Sans"}
    assert by_letter["W"] == "STIXGeneral"
    assert caplog.records == []


@every_theme
def test_colours_of_a_theme_show(theme: Theme) -> None:
    """Marks have a contrast of 3 or more on the background; words of 4.5, on panels as well; no two are the same."""
    for colour in (theme.raw, theme.scaled, theme.green, theme.pink):
        assert style.contrast(colour, theme.background) >= 3
    for colour in (theme.ink, theme.quiet, theme.raw_text, theme.scaled, theme.green_text, theme.pink_text):
        assert min(style.contrast(colour, behind) for behind in (theme.background, theme.panel)) >= 4.5
    assert len(set(theme.colours.values()) | {theme.background}) == len(theme.colours) + 1


@every_theme
@pytest.mark.parametrize("simulation", ["protanopia", "deuteranopia"])
def test_colours_can_be_told_apart_without_red_or_green(theme: Theme, simulation: str) -> None:
    """Raw, scaled, green and pink lie 15 or more apart in CIE Lab, six times what can just be seen."""
    for one, other in combinations((theme.raw, theme.scaled, theme.green, theme.pink), 2):
        assert distance(one, other, simulation) >= 15


def test_simulations_take_colours_away() -> None:
    """White stays white; a red and a green of one lightness, far apart, come together; distances are those of CIE."""
    assert distance("#ff0000", "#00ff00") == pytest.approx(170.6, abs=0.3)
    assert all(distance("#ffffff", "#000000", name) == pytest.approx(100, abs=0.5) for name in SIMULATIONS)
    assert distance("#b00000", "#4e6b00") > 60
    assert distance("#b58a3c", "#8f9a3c", "deuteranopia") < 15 < distance("#b58a3c", "#8f9a3c")


def test_the_page_has_the_colours_of_the_themes() -> None:
    """What CSS decides about figures is what the themes say."""
    css = (ROOT / "report" / "static" / "css" / "theme.css").read_text(encoding="utf-8").lower()
    light, dark = re.split(r"@media [^{]*\(prefers-color-scheme: dark\)", css)[:2]
    for name in ("raw", "raw_text", "scaled", "green", "green_text", "pink", "pink_text", "panel", "quiet"):
        for theme, block in ((LIGHT, light), (DARK, dark.split("\n}\n")[0])):
            found = re.search(rf"--{name.replace('_', '-')}: (#\w+);", block)
            said = found or re.search(rf"--{name.replace('_', '-')}: (#\w+);", light)
            assert said
            assert said[1] == getattr(theme, name).lower()


@every_theme
def test_the_judges_can_find_faults(theme: Theme) -> None:
    """Small text, a thin line, words on a field that is too dark, a pale line, and a colour that no theme has."""
    with style.using(style.SLIDE, theme):
        figure = _faulty()
    assert small_texts(figure) == ["12.0: small"]
    (thin,) = thin_lines(figure)
    assert thin.startswith("1.00: Line2D")
    (text,) = faint_texts(figure, theme)
    assert text.endswith(": on a field")
    pale, nameless = sorted(faint_marks(figure, theme))
    assert pale.startswith(("1.", "2."))
    assert "no colour of the theme, '#777777'" in nameless


def _faulty() -> Figure:
    @style.styled
    def draw_well() -> Figure:
        figure = style.new_figure()
        axes = figure.subplots()
        axes.set(xlim=(0, 1), ylim=(0, 1), xticks=[], yticks=[])
        axes.axvspan(0, 0.5, color=style.RAW, linewidth=0)
        axes.text(0.05, 0.5, "on a field", color=style.RAW_TEXT)
        axes.text(0.7, 0.5, "on the background", color=style.PINK_TEXT)
        axes.text(0.7, 0.2, "small", fontsize=12)
        axes.plot([0, 1], [0.1, 0.1], color=faint(style.SCALED, 0.3))
        axes.plot([0, 1], [0.9, 0.9], color="#777777")
        return figure

    figure = draw_well()
    figure.axes[0].plot([0, 1], [0.3, 0.3], color=style.INK, linewidth=1)
    return figure


def test_names_of_colours_have_a_themes_values() -> None:
    """Inside, and what they had before afterwards; opacities are whole 255ths."""
    with active(DARK):
        assert style.contrast(style.INK, style.BACKGROUND) == style.contrast(DARK.ink, DARK.face)
    assert style.contrast(style.INK, style.BACKGROUND) == style.contrast(LIGHT.ink, LIGHT.face)
    assert faint(style.INK, 0.5) == (style.INK, 128 / 255)
    assert faint(style.INK, 0.12) == (style.INK, 31 / 255)
