"""The page in a real browser, offline: no request, no complaint, nothing cut off."""

from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from chromium import visit

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def visited(browser: Browser, report: Path) -> Iterator[Page]:
    """The page in a window whose size and wishes the tests change."""
    page, _ = visit(browser, report)
    yield page
    page.context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["scripts", "no scripts"])
def test_it_asks_for_nothing_and_complains_of_nothing(browser: Browser, report: Path, scripts: bool) -> None:
    """The network log holds the file itself and its own fonts; the console, and so the policy, is silent."""
    page, seen = visit(browser, report, java_script_enabled=scripts)
    page.wait_for_timeout(300)
    assert [url for url in seen["requests"] if not url.startswith("data:font/woff2")] == [page.url]
    assert seen["messages"] == []
    page.context.close()


def test_the_embedded_fonts_are_the_ones_used(visited: Page) -> None:
    """Text, captions and formulas are set in the fonts that came with the page."""
    fonts = "[...document.fonts].filter(f => f.status === 'loaded').map(f => f.family + ' ' + f.weight)"
    families = {name.replace('"', "") for name in visited.evaluate(fonts)}
    assert {"STIX Two Text 400", "STIX Two Math 400", "Inter 400"} <= families


@pytest.mark.parametrize("width", [1440, 1024, 720, 400, 320])
def test_nothing_sticks_out(visited: Page, width: int) -> None:
    """No horizontal scrolling of the page; wide figures and tables scroll in their own frames."""
    visited.set_viewport_size({"width": width, "height": 900})
    assert visited.evaluate("innerWidth") == width
    assert visited.evaluate("document.documentElement.scrollWidth") <= width


def test_small_windows_keep_figures_legible(visited: Page) -> None:
    """At 400 px no text of a figure is smaller than 12 px: glyph outlines are scaled by the figure's own frame."""
    visited.set_viewport_size({"width": 400, "height": 900})
    scales = visited.evaluate(
        "[...document.querySelectorAll('figure .frame > svg')]"
        ".map(s => s.getBoundingClientRect().width / s.viewBox.baseVal.width)"
    )
    assert len(scales) > 8
    assert min(scales) * 10 >= 12  # figures are lettered at 10 points or more


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_theme(visited: Page, scheme: Literal["light", "dark"]) -> None:
    """Page and figures' ink change together: text contrast is at least 7, ink of figures is the text's colour."""
    visited.emulate_media(color_scheme=scheme)
    style = "(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor] })()"
    body = visited.evaluate(style)
    ink, paper = (luminance(colour) for colour in body)
    assert (ink < paper) == (scheme == "light")
    assert (max(ink, paper) + 0.05) / (min(ink, paper) + 0.05) >= 7
    fills = "[...document.querySelectorAll('figure .frame > svg')].map(n => getComputedStyle(n).fill)"
    assert set(visited.evaluate(fills)) == {body[0]}


def luminance(colour: str) -> float:
    """Relative luminance of an rgb(…) colour, as WCAG defines it."""
    channels = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(",")]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_print_shows_every_part(browser: Browser, report: Path, tmp_path: Path) -> None:
    """On paper the folded tables are open and nothing is wider than the sheet."""
    page, _ = visit(browser, report, 700)
    page.emulate_media(media="print")
    page.pdf(path=tmp_path / "page.pdf", format="A4")
    assert (tmp_path / "page.pdf").stat().st_size > 100_000
    assert page.evaluate("document.documentElement.scrollWidth") <= 700
    are_shown = "[...document.querySelectorAll('details table')].map(table => table.checkVisibility())"
    assert set(page.evaluate(are_shown)) == {True}
    assert page.evaluate(
        "[...document.querySelectorAll('.frame')].every(frame => getComputedStyle(frame).overflowX === 'visible')"
    )
    for aid in ("nav", ".skip", ".files", ".anchor"):
        assert not any(part.is_visible() for part in page.locator(aid).all()), aid
    page.emulate_media(media="screen")
    assert set(page.evaluate(are_shown)) == {False}  # the control: folded, and told from what is shown
    page.context.close()


@pytest.mark.parametrize("wish", ["reduce", "no-preference"])
def test_nothing_moves_where_motion_is_unwelcome(visited: Page, wish: Literal["reduce", "no-preference"]) -> None:
    """Then the page scrolls at once and the explorer's bars jump; elsewhere both glide."""
    visited.emulate_media(reduced_motion=wish)
    found = visited.evaluate(
        "[getComputedStyle(document.documentElement).scrollBehavior,"
        " ...[...document.querySelectorAll('.bars, .here')].map(n => getComputedStyle(n).transitionDuration)]"
    )
    assert found[0] == ("auto" if wish == "reduce" else "smooth")
    assert {duration == "0s" for duration in found[1:]} == {wish == "reduce"}
