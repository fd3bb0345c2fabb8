"""axe-core finds no fault with the page, in either theme, on any window, folded or not."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser

from chromium import visit, visit_file

pytestmark = pytest.mark.browser


def faults(page: object) -> list[str]:
    """A line for each rule that the page breaks, with the first place where it does."""
    response = Axe().run(page).response  # type: ignore[arg-type]
    assert len(response["passes"]) > 20 or response["violations"]  # or axe did not look
    return [
        f"{rule['id']} ({rule['impact']}), {len(rule['nodes'])} places: {rule['nodes'][0]['html']}"
        for rule in response["violations"]
    ]


@pytest.mark.parametrize(
    ("scheme", "width", "unfolded"),
    [("light", 1440, False), ("dark", 1440, True), ("light", 400, True), ("dark", 400, False)],
)
def test_axe_finds_nothing(browser: Browser, report: Path, scheme: str, width: int, unfolded: bool) -> None:
    """No violation of any of its rules, contrast, landmarks, names and keyboard among them."""
    page, _ = visit(browser, report, width, color_scheme=scheme)
    if unfolded:
        page.evaluate("document.querySelectorAll('details').forEach(part => part.open = true)")
    assert faults(page) == []
    page.context.close()


def test_axe_finds_what_is_wrong(browser: Browser, tmp_path: Path) -> None:
    """The negative control: grey on white, a table without headings, a picture without words."""
    file = tmp_path / "bad.html"
    file.write_text(
        "<!DOCTYPE html><title>x</title><p style='color:#aaa'>pale</p><img src='data:,'>"
        "<table><tr><th></th></tr></table>"
    )
    page, _ = visit_file(browser, file)
    found = " ".join(faults(page))
    for rule in ("color-contrast", "image-alt", "html-has-lang", "empty-table-header"):
        assert rule in found
    page.context.close()
