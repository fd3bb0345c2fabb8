"""The page to pick figures from: every file of every figure is there, and found by words."""

import re
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import html5lib
import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from chromium import visit_file
from report.slides.contact_sheet import KINDS, SheetFigure, contact_sheet
from test_accessibility import MERGE, faults
from test_page import attributes

BOTH = ("light", "dark")
FIGURES = (
    SheetFigure("growth", "Variance against $d_k$", "It grows like $d_k$: 64.2 at 64.", "A rising line", BOTH),
    SheetFigure("row", "One row of weights", 'The largest is 0.45 & the least "0".', "Bars <of> weights", BOTH),
    SheetFigure("law", "The exact law", "A line", "A falling line", BOTH),
)
DECKS = {"deck.pptx": "the deck for PowerPoint", "deck.html": "the deck for a browser"}
TITLE = "Why <divide> & by what?"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page with all files that it names beside it; light pictures are white, and dark ones black."""
    folder = tmp_path_factory.mktemp("slides")
    for theme, colour in (("light", "white"), ("dark", "black")):
        (folder / "figures" / theme).mkdir(parents=True)
        picture = BytesIO()
        Image.new("RGB", (1920, 1080), colour).save(picture, "png")
        for figure in FIGURES:
            for kind in KINDS:
                (folder / "figures" / theme / f"{figure.name}.{kind}").write_bytes(picture.getvalue())
    for deck in DECKS:
        (folder / deck).touch()
    (folder / "index.html").write_text(contact_sheet(FIGURES, DECKS, TITLE), encoding="utf-8")
    return folder


@pytest.fixture
def page(browser: Browser, folder: Path) -> Iterator[Page]:
    """The page in a browser, which must have nothing to complain of."""
    page, seen = visit_file(browser, folder / "index.html", permissions=["clipboard-read", "clipboard-write"])
    yield page
    assert seen["messages"] == []
    page.context.close()


def test_every_file_is_linked_and_there(folder: Path) -> None:
    """Valid HTML whose links are the decks and each figure's files in its themes; the same bytes again."""
    html = (folder / "index.html").read_text(encoding="utf-8")
    parser = html5lib.HTMLParser()
    document = parser.parse(html)
    assert parser.errors == []
    named = {*attributes(document, "href"), *attributes(document, "src"), *attributes(document, "srcset")}
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()} - {"index.html"}
    assert named == files
    assert len(files) == 2 * len(FIGURES) * len(KINDS) + len(DECKS)
    assert contact_sheet(FIGURES, DECKS, TITLE) == html


def test_text_is_escaped_and_formulas_are_formulas(folder: Path) -> None:
    """What the records say in plain text is text, wherever it stands."""
    html = (folder / "index.html").read_text(encoding="utf-8")
    assert '<p class="of">Why &lt;divide&gt; &amp; by what?</p>' in html
    assert 'alt="Bars &lt;of&gt; weights"' in html
    assert re.search(r'<p class="caption">It grows like <span class="together"><math>.*</math>:</span> 64.2', html)
    assert 'data-text="It grows like d_k: 64.2 at 64."' in html
    assert 'data-text="The largest is 0.45 &amp; the least &#34;0&#34;."' in html


def test_its_policy_lets_in_pictures_beside_it_alone(folder: Path) -> None:
    """No request but for these."""
    html = (folder / "index.html").read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    assert "default-src 'none'; " in policy
    assert "; img-src 'self' file:; " in policy
    assert "http:" not in policy
    assert "https:" not in policy


@pytest.mark.parametrize("themes", [("light",), ("dark",), ("dark", "light")])
def test_it_speaks_of_no_theme_without_files(themes: tuple[str, ...]) -> None:
    """With one theme alone it has links and thumbnails of that; with both the light one comes first to be seen."""
    html = contact_sheet([replace(figure, themes=themes) for figure in FIGURES], DECKS, TITLE)
    assert set(re.findall(r"figures/(\w+)/", html)) == set(themes)
    assert set(re.findall(r'<img src="figures/(\w+)/', html)) == {"light" if "light" in themes else "dark"}
    assert html.count("<source") == (len(FIGURES) if len(themes) > 1 else 0)


@pytest.mark.browser
@pytest.mark.parametrize("scheme", BOTH)
def test_thumbnails_are_those_of_the_theme(browser: Browser, folder: Path, scheme: str) -> None:
    """Read from the files beside the page, at a sixth of their size; axe finds no fault."""
    page, seen = visit_file(browser, folder / "index.html", color_scheme=scheme)
    loaded = "Promise.all([...document.images].map(image => image.decode().then(() => image.naturalWidth)))"
    assert set(page.evaluate(loaded)) == {1920}
    expected = [f"figures/{scheme}/{figure.name}.png" for figure in FIGURES]
    asked = [url for url in seen["requests"] if not url.startswith("data:font/woff2")]
    assert sorted(asked) == sorted((folder / file).as_uri() for file in ("index.html", *expected))
    assert set(page.evaluate("[...document.images].map(image => image.width)")) == {320}
    assert seen["messages"] == []
    assert page.evaluate(MERGE) == []
    assert faults(page) == []
    page.context.close()


@pytest.mark.browser
def test_a_policy_without_files_would_stop_them(browser: Browser, folder: Path) -> None:
    """The negative control: a picture that is kept out is seen to be."""
    html = (folder / "index.html").read_text(encoding="utf-8")
    (folder / "shut.html").write_text(html.replace("img-src 'self' file:", "img-src data:"), encoding="utf-8")
    page, seen = visit_file(browser, folder / "shut.html")
    page.wait_for_timeout(100)
    assert set(page.evaluate("[...document.images].map(image => image.naturalWidth)")) == {0}
    assert any("Content Security Policy" in message for message in seen["messages"])
    page.context.close()
    (folder / "shut.html").unlink()


@pytest.mark.browser
def test_words_filter_the_figures(page: Page) -> None:
    """Those stay that have every word in their name, title, caption or alternative; the count says how many."""
    for words, names in {
        "": ["growth", "row", "law"], "LINE": ["growth", "law"], "rising  64": ["growth"], "bars": ["row"],
        "bars line": [],
    }.items():  # fmt: skip
        page.fill("input", words)
        shown = "[...document.querySelectorAll('article')].filter(card => card.checkVisibility()).map(card => card.id)"
        assert page.evaluate(shown) == [f"figure-{name}" for name in names], words
        assert page.locator("output").inner_text() == f"{len(names)} of 3"


@pytest.mark.browser
def test_captions_can_be_copied(page: Page) -> None:
    """As plain text, formulas too."""
    page.get_by_role("button", name="Copy the caption of growth").click()
    page.locator("#figure-growth button", has_text="Copied").wait_for()
    assert page.evaluate("navigator.clipboard.readText()") == "It grows like d_k: 64.2 at 64."


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 320])
def test_without_scripts_all_is_there(browser: Browser, folder: Path, width: int) -> None:
    """Every figure, caption and link, no wider than the window, and nothing that would do nothing."""
    page, _ = visit_file(browser, folder / "index.html", width, java_script_enabled=False)
    assert page.locator("article:visible").count() == page.locator(".caption:visible").count() == len(FIGURES)
    assert page.locator("button:visible, input:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()
