"""How the page arrives: nothing moves once it is drawn, and something is drawn at once."""

from pathlib import Path

import pytest
from playwright.sync_api import Browser

from chromium import visit

pytestmark = pytest.mark.browser

SHIFTS = """() => new Promise(done => {
  let shift = 0;
  new PerformanceObserver(list => { for (const entry of list.getEntries()) shift += entry.value; })
    .observe({ type: 'layout-shift', buffered: true });
  setTimeout(() => done(shift), 500);
})"""
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint').map(entry => entry.startTime)"


@pytest.mark.parametrize("width", [1440, 400])
def test_it_is_drawn_soon_and_nothing_moves(
    browser: Browser, report: Path, width: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """No layout shift while it loads; when it was first drawn is printed, for a machine's speed is no promise."""
    page, _ = visit(browser, report, width)
    assert page.evaluate(SHIFTS) == 0
    (first,) = page.evaluate(FIRST_PAINT)
    with capsys.disabled():
        print(f"\nfirst contentful paint at {width} px: {first:.0f} ms")
    assert first > 0
    page.context.close()


def test_a_shift_would_be_seen(browser: Browser, report: Path) -> None:
    """The negative control: a line put in above the text."""
    page, _ = visit(browser, report)
    page.evaluate("document.querySelector('header').style.paddingTop = '300px'")
    assert page.evaluate(SHIFTS) > 0
    page.context.close()
