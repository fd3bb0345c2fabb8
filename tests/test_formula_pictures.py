"""Formulas as pictures: whole, the same wherever they are drawn, and the same as SVG and as PNG."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from io import BytesIO
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser

from chromium import visit_file
from report.figures.paths import boxes
from report.formulas import to_mathml
from report.prose import _DISPLAY
from report.slides.formula_picture import PIXELS, FormulaPicture, formula_picture
from report.slides.typeset import EM, Outline, typeset
from test_formulas import FORMULAS

ROOT = Path(__file__).parents[1]
INK, SIZE = "#1b1b1f", 22.0
OF_THE_PAGE = [
    found["latex"]
    for template in sorted((ROOT / "report" / "templates").rglob("*.jinja2"))
    for found in _DISPLAY.finditer(template.read_text(encoding="utf-8"))
]
ODD = [
    r"\underbrace{\frac12 + \underbrace{a + b + c + d + e + f + g}_{x}}_{y}",
    r"\left(\begin{pmatrix} a \\ b \\ c \\ d \\ e \end{pmatrix}\right)",
    r"\sqrt{\begin{matrix} 1 \\ 2 \\ 3 \\ 4 \\ 5 \end{matrix}} \sqrt[3]{x}",
    r"\int_0^1 f_{j_{k_l}}^{x^{y^z}}",
    "f",
    "-",
    r"\hat{Q}",
]
TRIED = [r"\sigma_c = \sqrt{2 \ln n}", FORMULAS[0], FORMULAS[16]]


def pixels(picture: FormulaPicture) -> np.ndarray:
    """The PNG's, (height, width, 4)."""
    return np.asarray(Image.open(BytesIO(picture.png)).convert("RGBA"))


@pytest.fixture(scope="module")
def pictures() -> dict[str, FormulaPicture]:
    """All formulas that are tried here, in one size."""
    return {latex: formula_picture(latex, INK, SIZE) for latex in (*OF_THE_PAGE, *FORMULAS, *ODD)}


def test_the_page_has_formulas_to_draw() -> None:
    """The templates are where this module looks for them."""
    assert len(OF_THE_PAGE) > 30


def test_nothing_is_cut_off(pictures: dict[str, FormulaPicture]) -> None:
    """Of every formula the ink reaches no edge of the PNG, and comes near each."""
    for latex, picture in pictures.items():
        opacity = pixels(picture)[..., 3]
        rows, columns = np.flatnonzero(opacity.any(axis=1)), np.flatnonzero(opacity.any(axis=0))
        gaps = [rows[0], len(opacity) - 1 - rows[-1], columns[0], opacity.shape[1] - 1 - columns[-1]]
        assert min(gaps) >= 1, latex
        assert max(gaps) < 0.2 * SIZE * PIXELS, latex


def test_both_files_have_the_size_that_the_picture_tells(pictures: dict[str, FormulaPicture]) -> None:
    """In inches: the SVG's width, height and box, and the PNG's pixels at 360 to the inch."""
    for picture in pictures.values():
        svg = ElementTree.fromstring(picture.svg)
        left, top, width, height = map(float, svg.attrib["viewBox"].split())
        assert (left, top) == (0, 0)
        assert (svg.get("width"), svg.get("height")) == (f"{width:g}pt", f"{height:g}pt")
        assert (width, height) == pytest.approx((72 * picture.width, 72 * picture.height), rel=1e-5)
        image = Image.open(BytesIO(picture.png))
        assert image.size == (round(360 * picture.width), round(360 * picture.height))
        assert image.info["dpi"] == pytest.approx((360, 360), abs=0.1)


def test_svg_is_paths_alone(pictures: dict[str, FormulaPicture]) -> None:
    """No ids that could clash in a page, no text that wants a font, no background, one colour."""
    for picture in pictures.values():
        svg = ElementTree.fromstring(picture.svg)
        assert {node.tag.rpartition("}")[2] for node in svg} == {"path"}
        assert {key for node in svg for key in node.attrib} == {"d"}
        assert svg.get("fill") == INK


def test_png_is_ink_on_nothing() -> None:
    """Every pixel with any opacity has the colour; some are opaque, and most are empty."""
    image = pixels(formula_picture("x", "#4aa5e0", SIZE))
    assert {tuple(pixel) for pixel in image[image[..., 3] > 0][:, :3]} == {(0x4A, 0xA5, 0xE0)}
    assert image[..., 3].max() == 255
    assert np.median(image[..., 3]) == 0


def test_baseline_is_where_letters_stand() -> None:
    """Under an x is a margin; a q goes below; a fraction's line of letters is near its middle."""
    x, q, fraction = (formula_picture(latex, INK, SIZE) for latex in ("x", "q", r"\frac{a}{b}"))
    assert x.height - x.baseline == pytest.approx(0.06 * SIZE / 72, abs=0.04 * SIZE / 72)
    assert q.height - q.baseline > 0.2 * SIZE / 72
    assert 0.4 < fraction.baseline / fraction.height < 0.75


def test_size_is_that_of_the_letters() -> None:
    """The picture grows with it in all directions, up to a pixel, and a script is never held at a smallest size."""
    latex = r"x_{i_{j_k}} + \frac{a}{b}"
    small, large = formula_picture(latex, INK, 10), formula_picture(latex, INK, 80)
    for side in ("width", "height", "baseline"):
        assert getattr(large, side) == pytest.approx(8 * getattr(small, side), abs=9 * 2 / 360)
    capital = typeset(to_mathml("H", display=True))
    _, top, _, bottom = boxes(capital[0])[0]
    assert (top, bottom) == (pytest.approx(-0.66 * EM, abs=0.03 * EM), pytest.approx(0, abs=0.01 * EM))


@pytest.mark.parametrize("latex", [r"\underbrace{%s}", r"\overbrace{%s}"])
def test_long_braces_are_whole(latex: str) -> None:
    """Those that the font puts together of parts span what they embrace; without a brace nothing lies there."""
    row = "a + b + c + d + e + f + g + h"
    plain, braced = typeset(to_mathml(row, display=True)), typeset(to_mathml(latex % row, display=True))
    side = 1 if "under" in latex else -1
    ends = [box for outline in plain for box in boxes(outline)]
    low = max(side * box[3 if side > 0 else 1] for box in ends)

    def beyond(outlines: tuple[Outline, ...]) -> list[tuple[float, float]]:
        found = [box for outline in outlines for box in boxes(outline)]
        return sorted((box[0], box[2]) for box in found if min(side * box[1], side * box[3]) > low)

    assert beyond(plain) == []
    parts = beyond(braced)
    width = max(box[2] for box in ends) - min(box[0] for box in ends)
    assert max(right for _, right in parts) - parts[0][0] == pytest.approx(width, rel=0.1)
    assert all(after <= before + 1e-6 for (_, before), (after, _) in pairwise(parts))


def test_tall_brackets_reach_over_what_they_hold() -> None:
    """Also beyond the tallest that the font has in one piece."""
    rows = r" \\ ".join("abcdefgh")
    inside = formula_picture(rf"\begin{{matrix}} {rows} \end{{matrix}}", INK, SIZE)
    whole = formula_picture(rf"\left[\begin{{matrix}} {rows} \end{{matrix}}\right]", INK, SIZE)
    assert whole.height >= inside.height
    assert (pixels(whole)[..., 3] > 200).mean(axis=0).max() > 0.9


def test_columns_are_aligned_as_in_the_page() -> None:
    """The signs of equality stand under each other, and two letters of a word no farther apart than its font wants."""
    outlines = typeset(to_mathml(r"\begin{aligned} aaaa &= b \\ c &= d \end{aligned}", display=True))
    bars = [box for outline in outlines for box in boxes(outline) if box[2] - box[0] > 8 * (box[3] - box[1])]
    places = [box[0] for box in bars]
    assert len(places) == 4
    assert max(places) - min(places) < 0.01 * EM


def test_name_and_its_bracket_stand_together() -> None:
    """Between "Var" and "(" is no blank that the page has not, whether its brackets grow or not."""
    for latex in (r"\Var(x)", r"\Var\left(\frac{x}{y}\right)"):
        r, bracket = typeset(to_mathml(latex, display=True))[2:4]
        gap = min(box[0] for box in boxes(bracket)) - max(box[2] for box in boxes(r))
        assert 0 < gap < 0.25 * EM, latex  # a tall bracket keeps some room of its own


def test_same_bytes_in_threads_and_in_any_order() -> None:
    """Nothing that was drawn before changes a picture, nor what is drawn beside it."""
    draw = formula_picture.__wrapped__
    wanted = [formula_picture(latex, INK, SIZE) for latex in TRIED]
    typeset.cache_clear()
    with ThreadPoolExecutor(4) as pool:
        drawn = list(pool.map(lambda latex: draw(latex, INK, SIZE), [*TRIED[::-1], *TRIED]))
    assert drawn == [*wanted[::-1], *wanted]


def test_same_bytes_in_another_process() -> None:
    """Neither the order nor the process decides anything, nor a warning that is an error."""
    lines = [
        "from hashlib import sha256",
        "from report.slides.formula_picture import formula_picture",
        f"for latex in {TRIED[::-1]!r}:",
        f"    picture = formula_picture(latex, {INK!r}, {SIZE})",
        "    print(sha256(picture.svg + picture.png).hexdigest())",
    ]
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", "\n".join(lines)], cwd=ROOT, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    pictures = [formula_picture(latex, INK, SIZE) for latex in TRIED]
    hashes = [sha256(picture.svg + picture.png).hexdigest() for picture in pictures]
    assert done.stdout.split() == hashes[::-1]


def test_settings_of_ziamath_and_matplotlib_decide_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another colour, size and precision in their globals leave the bytes as they are."""
    from matplotlib import rc_context
    from ziamath import config

    wanted = formula_picture(TRIED[1], INK, SIZE)
    monkeypatch.setattr(config.math, "fontsize", 7)
    monkeypatch.setattr(config.math, "color", "red")
    monkeypatch.setattr(config.numbering, "autonumber", True)
    monkeypatch.setattr(config, "precision", 0)
    monkeypatch.setattr(config, "svg2", False)
    typeset.cache_clear()
    with rc_context({"path.simplify": False, "patch.antialiased": False, "savefig.dpi": 10}):
        assert formula_picture.__wrapped__(TRIED[1], INK, SIZE) == wanted


@pytest.mark.parametrize(
    ("latex", "reason"),
    [(r"\frac{a}", r"formula .* Expected argument"), (r"\phantom{x}", "shows nothing"), ("", "shows nothing")],
)
def test_what_cannot_be_drawn_is_refused(latex: str, reason: str) -> None:
    """In one line that holds the formula: one that does not parse, and one without ink."""
    with pytest.raises(ValueError, match=reason) as caught:
        formula_picture(latex, INK, SIZE)
    assert repr(latex) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.browser
def test_browser_draws_the_svg_as_the_png_is(
    browser: Browser, pictures: dict[str, FormulaPicture], tmp_path: Path
) -> None:
    """Pixel for pixel, up to how edges are smoothed; another formula's PNG is far from it."""

    def strips(image: np.ndarray) -> np.ndarray:
        """Ink in squares of 8 pixels, where the smoothing of an edge hardly counts."""
        height, width = (8 * (side // 8) for side in image.shape)
        return image[:height, :width].reshape(height // 8, 8, width // 8, 8).mean(axis=(1, 3))

    seen: dict[str, np.ndarray] = {}
    for number, latex in enumerate([*TRIED, *FORMULAS[4:6], *ODD[:3]]):
        picture = pictures.get(latex) or formula_picture(latex, INK, SIZE)
        file = tmp_path / f"{number}.html"
        file.write_bytes(b"<style>body{margin:0}svg{display:block}</style>" + picture.svg)
        page, messages = visit_file(browser, file, width=1600, device_scale_factor=PIXELS * 72 / 96)
        shot = Image.open(BytesIO(page.locator("svg").screenshot(omit_background=True))).convert("RGBA")
        page.context.close()
        assert messages["messages"] == []
        drawn, opacity = np.asarray(shot)[..., 3].astype(float), pixels(picture)[..., 3].astype(float)
        assert np.abs(np.subtract(drawn.shape, opacity.shape)).max() <= 4, latex  # whole units of CSS
        height, width = np.minimum(drawn.shape, opacity.shape)
        seen[latex] = strips(drawn[:height, :width])
        assert np.abs(seen[latex] - strips(opacity[:height, :width])).max() < 12, latex
    first, other = seen[TRIED[0]], seen[TRIED[1]]
    height, width = np.minimum(first.shape, other.shape)
    assert np.abs(first[:height, :width] - other[:height, :width]).max() > 100


@pytest.mark.browser
def test_browser_finds_all_ink_within_the_svg(
    browser: Browser, pictures: dict[str, FormulaPicture], tmp_path: Path
) -> None:
    """Of every formula the paths lie within the view box, and fill it but for the margin."""
    file = tmp_path / "all.html"
    file.write_bytes(b"\n".join(picture.svg for picture in pictures.values()))
    page, _ = visit_file(browser, file)
    measured = page.evaluate(
        """() => [...document.querySelectorAll("svg")].map(svg => {
            const ink = svg.getBBox(), box = svg.viewBox.baseVal
            return [ink.x, ink.y, box.width - ink.x - ink.width, box.height - ink.y - ink.height]
        })"""
    )
    page.context.close()
    assert len(measured) == len(pictures)
    gaps = np.array(measured)
    assert gaps.min() > 0.03 * SIZE
    assert gaps.max() < 0.05 * SIZE + 1 / PIXELS
