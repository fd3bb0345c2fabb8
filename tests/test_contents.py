"""Contents that follow the reader, in a real browser."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from chromium import visit
from report.contents import CHAPTERS

pytestmark = pytest.mark.browser

CURRENT = (
    "[...document.querySelectorAll('nav a[aria-current]')].map(a => a.hash + ' ' + a.getAttribute('aria-current'))"
)


def read_at(page: Page, place: str) -> None:
    """Go to a place at once and let the page notice."""
    page.evaluate(f"document.querySelector('{place}').scrollIntoView({{behavior: 'instant'}})")
    settle(page)


def settle(page: Page) -> None:
    """Wait for two frames: the first notices, the second is drawn."""
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def test_the_contents_mark_the_chapter_being_read(browser: Browser, report: Path) -> None:
    """None before the first, and one only at each chapter's beginning, the last ones included."""
    page, seen = visit(browser, report, 1440)
    page.evaluate("scrollTo({top: 0, behavior: 'instant'})")
    settle(page)
    assert page.evaluate(CURRENT) in ([], ["#section-summary true"])
    for chapter in CHAPTERS:
        read_at(page, f"#section-{chapter.name}")
        assert page.evaluate(CURRENT) == [f"#section-{chapter.name} true"]
    page.evaluate("scrollTo({top: document.documentElement.scrollHeight, behavior: 'instant'})")
    settle(page)
    assert page.evaluate(CURRENT) == [f"#section-{CHAPTERS[-1].name} true"]
    read_at(page, "#section-recap")
    assert page.evaluate(CURRENT) == ["#section-recap true"]
    assert seen["messages"] == []
    page.context.close()


def test_the_readers_line_is_a_quarter_down(browser: Browser, report: Path) -> None:
    """A heading above it is that of the chapter being read, one below it is not; windows and folds move it, too."""
    page, _ = visit(browser, report, 1440)

    def heading_at(share: float) -> list[str]:
        """What is marked with the heading of the questions at that share of the window's height."""
        place = "document.getElementById('section-questions').getBoundingClientRect().top"
        page.evaluate(f"scrollBy({{top: {place} - {share} * innerHeight, behavior: 'instant'}})")
        settle(page)
        marked: list[str] = page.evaluate(CURRENT)
        return marked

    assert heading_at(0.2) == ["#section-questions true"]
    assert heading_at(0.3) == ["#section-explorer true"]
    page.set_viewport_size({"width": 1440, "height": 1400})
    settle(page)
    assert page.evaluate(CURRENT) == ["#section-questions true"]
    page.set_viewport_size({"width": 1440, "height": 900})
    assert heading_at(0.2) == ["#section-questions true"]
    page.evaluate("document.querySelector('#section-explorer details').open = true")
    settle(page)
    assert page.evaluate(CURRENT) == ["#section-explorer true"]
    page.set_viewport_size({"width": 1440, "height": 6000})
    page.evaluate("scrollTo({top: document.documentElement.scrollHeight, behavior: 'instant'})")
    settle(page)
    assert page.evaluate(CURRENT) == [f"#section-{CHAPTERS[-1].name} true"]  # whose heading never rises to a quarter
    page.context.close()


def test_the_mark_is_more_than_a_colour(browser: Browser, report: Path) -> None:
    """A bar of ink beside it, and heavier type."""
    page, _ = visit(browser, report, 1440)
    read_at(page, "#section-scaling")
    style = "getComputedStyle(document.querySelector('nav a[aria-current]')%s).%s"
    assert page.evaluate(style % ("", "fontWeight")) == "600"
    assert page.evaluate(style % (", '::before'", "borderLeftStyle")) == "solid"
    assert page.evaluate(style % (", '::before'", "borderLeftWidth")) == "2px"
    page.context.close()


def test_the_current_link_is_kept_in_view(browser: Browser, report: Path) -> None:
    """In a low window the contents scroll by themselves, at once where motion is unwelcome; the page does not move."""
    page, _ = visit(browser, report, 1440, reduced_motion="reduce")
    page.set_viewport_size({"width": 1440, "height": 400})
    for name in ("provenance", "summary", "questions", "recap"):
        read_at(page, f"#section-{name}")
        top = page.evaluate("scrollY")
        box = page.evaluate(
            "(() => { const r = document.querySelector('nav a[aria-current]').getBoundingClientRect();"
            " return [r.top, r.bottom] })()"
        )
        assert 0 <= box[0] < box[1] <= 400, name
        assert page.evaluate("scrollY") == top
        beside = page.locator("nav li:has(+ li a[aria-current]), nav li:has(a[aria-current]) + li").evaluate_all(
            "lines => lines.map(line => line.getBoundingClientRect()).map(r => [r.top, r.bottom])"
        )
        assert all(0 <= above < below <= 400 for above, below in beside), name
    page.context.close()


def test_nothing_is_marked_without_scripts(browser: Browser, report: Path) -> None:
    """The contents are those of the file."""
    html = (report / "report" / "index.html").read_text(encoding="utf-8")
    assert "aria-current=" not in html
    page, _ = visit(browser, report, 1440, java_script_enabled=False)
    assert page.locator("nav a[aria-current]").count() == 0
    page.context.close()
