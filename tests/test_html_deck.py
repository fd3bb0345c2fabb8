"""The deck as a page: one file, offline, true to its slides, and fit to present from."""

import base64
import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Literal

import html5lib
import pytest
from markupsafe import Markup
from playwright.sync_api import Browser, Page

from chromium import Seen, visit_file
from made_slides import TITLE, made_pictures, made_slides
from report.document import hold_punctuation
from report.slides.html_deck import html_deck
from report.slides.slide import Code, Words
from test_accessibility import MERGE, faults
from test_browser import luminance
from test_page import attributes

SLIDES = made_slides()
WINDOW = {"width": 1280, "height": 720}  # a slide's own size
LEAST = 24  # px: 18 pt


def deck(theme: str | None = None) -> str:
    """The deck that is tested."""
    return html_deck(SLIDES, made_pictures(), theme, TITLE)


@pytest.fixture(scope="module")
def html() -> str:
    """The same, in the system's theme."""
    return deck()


@pytest.fixture(scope="module")
def file(html: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, in a file."""
    path = tmp_path_factory.mktemp("slides") / "deck.html"
    path.write_text(html, encoding="utf-8")
    return path


def opened(browser: Browser, file: Path, **context: object) -> tuple[Page, Seen]:
    """The deck in a window of the slides' own size."""
    page, seen = visit_file(browser, file, **context)
    page.set_viewport_size(WINDOW)  # type: ignore[arg-type]
    return page, seen


@pytest.fixture
def presented(browser: Browser, file: Path) -> Iterator[Page]:
    """The deck, at its first slide."""
    page, seen = opened(browser, file)
    yield page
    assert seen["messages"] == []
    page.context.close()


def shown(page: Page) -> list[str]:
    """The slides that are to be seen."""
    visible = (
        "[...document.querySelectorAll('section')].filter(slide => slide.checkVisibility()).map(slide => slide.id)"
    )
    return [name.removeprefix("slide-") for name in page.evaluate(visible)]


def unstaged(page: Page) -> None:
    """Show all slides in full, one under another, as without the script; the window is as wide as they are."""
    page.evaluate("document.documentElement.removeAttribute('data-view')")
    page.evaluate("document.documentElement.style.setProperty('--fit', '1280px')")


# --- The file ---


def test_it_is_valid_and_whole(html: str) -> None:
    """No error of HTML; every slide has its place under its name, once, with its number; ids are unique."""
    parser = html5lib.HTMLParser()
    document = parser.parse(html)
    assert parser.errors == []
    ids = attributes(document, "id")
    assert len(ids) == len(set(ids))
    assert re.findall(r'<section id="slide-([\w-]+)">', html) == [slide.name for slide in SLIDES]
    assert re.findall(r'<p class="place">(.*?)</p>', html) == [f"{i + 1} / {len(SLIDES)}" for i in range(len(SLIDES))]
    for target in attributes(document, "href"):
        assert target.startswith("#")
        assert target[1:] in ids, target


def test_letters_of_its_pictures_stand_in_it_once(html: str) -> None:
    """A picture on two slides stands there twice, with a clip of its own; its outlines do not."""
    assert html.count("M0 0h9v9z") == 1
    assert html.count('aria-label="whole, drawn"') == 2
    assert len(re.findall(r'<clipPath id="(\w+)"', html)) == 4


def test_the_policy_forbids_everything_but_its_own_style_and_scripts(html: str) -> None:
    """Hashes of what stands inside; no attribute that the policy would block, and nothing to load."""
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    inside = {
        kind: re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL)
        for kind, tag in (("style-src", "style"), ("script-src", "script"))
    }
    for kind, sources in inside.items():
        digests = (base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() for source in sources)
        assert rules[kind] == " ".join(f"'sha256-{digest}'" for digest in digests)
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "blob: data:"
    markup = re.sub(r"<(script|style)>.*?</\1>", "", html, flags=re.DOTALL)
    assert not re.search(r"<[^>]* (?:style|src|on\w+)=", markup)


def test_the_same_slides_make_the_same_bytes(html: str) -> None:
    """Nothing in it depends on when or where it is made, and little of it is not the slides."""
    assert deck() == html
    assert len(html.encode()) < 400_000


def test_what_is_not_markup_is_escaped() -> None:
    """Code, the deck's title and a part's name are text; what the slides hold as markup stays as it is."""
    alert = "<script>alert(1)</script>"
    slide = replace(SLIDES[1], part=alert, blocks=(Code(alert), Words((Markup("<b>so</b>"),))))
    html = html_deck([slide], {}, None, alert)
    assert alert not in html
    assert html.count("&lt;script&gt;alert(1)&lt;/script&gt;") == 5  # title, description, heading, part, code
    assert "<p><b>so</b></p>" in html


def test_words_are_as_the_slides_have_them(html: str) -> None:
    """Every title, paragraph, cell and note stands in the deck."""
    text = " ".join(html.split())
    for slide in SLIDES:
        paragraphs = [words for block in slide.blocks if isinstance(block, Words) for words in block.paragraphs]
        for words in (slide.kicker, slide.title, slide.finding, *paragraphs, *slide.notes):
            assert hold_punctuation(str(words)) in text


def test_what_cannot_be_a_deck_is_refused() -> None:
    """One line that says what and where: an unknown theme, two slides of one name, a picture that is not there."""
    with pytest.raises(ValueError, match=r"^theme: 'sepia' is none of light, dark$"):
        deck("sepia")
    with pytest.raises(ValueError, match=r"^slides with one name: words$"):
        html_deck([*SLIDES, SLIDES[1]], made_pictures(), None, TITLE)
    with pytest.raises(ValueError, match=r"^slide 'growth-1': there is no picture 'growth-1'$"):
        html_deck(SLIDES, {}, None, TITLE)


# --- In a browser ---


@pytest.mark.browser
def test_it_asks_for_nothing_and_complains_of_nothing(browser: Browser, file: Path) -> None:
    """The network log holds the file itself and its own fonts; the console, and so the policy, is silent."""
    for scripts in (True, False):
        page, seen = opened(browser, file, java_script_enabled=scripts)
        page.wait_for_timeout(100)
        assert [url for url in seen["requests"] if not url.startswith("data:font/woff2")] == [page.url.split("#")[0]]
        assert seen["messages"] == []
        page.context.close()


@pytest.mark.browser
def test_keys_turn_the_slides_and_the_address_follows(presented: Page) -> None:
    """Forward, back, to the ends and not beyond; one slide at a time, found again under its address."""
    names = [slide.name for slide in SLIDES]
    at = 0
    for key, step in {
        "ArrowLeft": 0, "ArrowRight": 1, "PageDown": 1, " ": 1, "ArrowDown": 1, "ArrowUp": -1, "PageUp": -1,
        "Shift+ ": -1, "End": len(names), "PageDown ": 0, "Home": -len(names), "Control+ArrowRight": 0,
    }.items():  # fmt: skip
        presented.keyboard.press(key.strip() or " ") if key != "Shift+ " else presented.keyboard.press("Shift+Space")
        at = max(0, min(len(names) - 1, at + step))
        assert shown(presented) == [names[at]], key
        assert presented.url.endswith(f"#slide-{names[at]}"), key
    presented.evaluate("location.hash = '#slide-code'")
    presented.wait_for_function("document.querySelector('#slide-code').checkVisibility()")
    assert shown(presented) == ["code"]
    presented.reload()
    assert shown(presented) == ["code"]
    assert presented.locator("[role=status]").text_content() == "Slide 5 of 18: What code & dk say"


@pytest.mark.browser
def test_clicks_at_the_edges_turn_the_slides(presented: Page) -> None:
    """Right goes on, left goes back, the middle does neither; the buttons do what they say."""
    presented.mouse.click(1250, 300)
    assert shown(presented) == ["words"]
    presented.mouse.click(640, 650)
    assert shown(presented) == ["words"]
    presented.mouse.click(30, 300)
    assert shown(presented) == ["opening"]
    presented.get_by_role("button", name="Next").click()
    assert shown(presented) == ["words"]
    presented.keyboard.press(" ")  # to the slides, not to the button that was clicked
    assert shown(presented) == ["numbers"]


@pytest.mark.browser
def test_notes_come_and_go(presented: Page) -> None:
    """Beside the slide stand its notes, the next slide's title and the time, and the slide is seen in full."""
    notes = presented.locator("#slide-opening aside")
    assert not notes.is_visible()
    presented.keyboard.press("n")
    assert notes.is_visible()
    assert "Let the room guess first" in notes.inner_text()
    assert presented.locator(".next").inner_text().startswith("Two reasons are given")
    assert re.fullmatch(r"\d:\d\d", presented.locator(".elapsed").inner_text())
    slide, panel = presented.locator("#slide-opening .frame").bounding_box(), notes.bounding_box()
    assert slide is not None
    assert panel is not None
    assert slide["x"] >= 0
    assert slide["x"] + slide["width"] <= panel["x"] + 0.5
    assert slide["width"] / slide["height"] == pytest.approx(16 / 9, rel=0.01)
    presented.keyboard.press("End")
    assert presented.locator(".next").inner_text() == "nothing, this is the last"
    presented.keyboard.press("n")
    assert presented.locator("aside:visible").count() == 0


@pytest.mark.browser
def test_the_overview_shows_all_slides_to_pick_from(presented: Page) -> None:
    """Every slide is seen, keys go from one to another in both directions, and Enter or a click shows it."""
    presented.keyboard.press("o")
    assert len(shown(presented)) == len(SLIDES)
    for key in ("ArrowRight", "ArrowDown", "ArrowUp", "ArrowDown"):
        presented.keyboard.press(key)
    focus = presented.evaluate("document.activeElement.hash")
    presented.keyboard.press("Enter")
    assert shown(presented) == [focus.removeprefix("#slide-")]
    assert focus not in ("", "#slide-opening")
    presented.keyboard.press("Escape")
    box = presented.locator("#slide-numbers .frame").bounding_box()
    assert box is not None
    presented.mouse.click(box["x"] + 100, box["y"] + 50)
    assert shown(presented) == ["numbers"]


@pytest.mark.browser
def test_the_screen_goes_black_and_comes_back(presented: Page) -> None:
    """Until the same key again, or the next slide."""
    is_black = "getComputedStyle(document.documentElement, '::after').backgroundColor === 'rgb(0, 0, 0)'"
    for keys, expected in (("", False), ("b", True), ("b", False), ("b", True), ("n", True), ("PageDown", False)):
        if keys:
            presented.keyboard.press(keys)
        assert presented.evaluate(is_black) is expected


@pytest.mark.browser
def test_the_keys_are_listed(presented: Page) -> None:
    """Each key that does something stands in the list, which a key opens and closes."""
    presented.keyboard.press("?")
    listed = presented.locator("dialog").inner_text()
    for key in ("→", "Page Down", "Space", "Home", "End", "Esc", *"onpfb?"):
        assert key in listed.split() or key in listed
    presented.keyboard.press("PageDown")
    assert shown(presented) == ["opening"]
    presented.keyboard.press("?")
    assert not presented.locator("dialog").is_visible()


@pytest.mark.browser
def test_a_second_window_keeps_in_step(presented: Page) -> None:
    """It has the notes; a key in either turns both, and black is for the first alone."""
    presented.keyboard.press("ArrowRight")
    with presented.expect_popup() as popup:
        presented.keyboard.press("p")
    second = popup.value
    second.wait_for_selector("#slide-words.current")
    assert second.locator("#slide-words aside").is_visible()
    assert not presented.locator("#slide-words aside").is_visible()
    for turned, other, name in ((second, presented, "numbers"), (presented, second, "meanings")):
        turned.keyboard.press("PageDown")
        other.wait_for_selector(f"#slide-{name}.current")
    second.keyboard.press("b")
    presented.wait_for_selector("html[data-blank]", state="attached")
    backgrounds = [
        page.evaluate("getComputedStyle(document.documentElement, '::after').backgroundColor")
        for page in (presented, second)
    ]
    assert backgrounds == ["rgb(0, 0, 0)", "rgba(0, 0, 0, 0)"]
    presented.reload()
    second.keyboard.press("PageDown")
    presented.wait_for_selector("#slide-code.current")
    presented.keyboard.press("PageDown")
    second.wait_for_selector("#slide-sheet-1.current")


STICKING_OUT = """() => [...document.querySelectorAll(".stage")].flatMap(stage => {
    const content = stage.querySelector(".content"), title = stage.querySelector("h2");
    const [room, whole] = [content, stage].map(part => part.getBoundingClientRect());
    const out = [...content.querySelectorAll(":scope > *, svg, math, td, th, p")].filter(part => {
        const box = part.getBoundingClientRect();
        return part.scrollWidth > part.clientWidth + 1 && part.clientWidth || box.left < room.left - 1
            || box.right > room.right + 1 || box.bottom > room.bottom + 1 || box.top < room.top - 1;
    });
    const finding = stage.querySelector(".finding") ?? content, line = finding.getBoundingClientRect();
    const isWide = finding.scrollWidth > finding.clientWidth + 1;
    const isSecond = finding !== content && (isWide || line.bottom > room.top + 1);
    const low = isSecond || title.getBoundingClientRect().bottom > line.top + 1;
    if (low || title.scrollWidth > title.clientWidth + 1) out.push(title);
    if (room.bottom > whole.bottom || !room.height) out.push(content);
    return out.map(part => `${stage.closest("section").id}: ${part.outerHTML.slice(0, 100)}`);
})"""
SMALL = """least => [...document.querySelectorAll(".stage")].flatMap(stage => {
    const texts = document.createTreeWalker(stage, NodeFilter.SHOW_TEXT), small = [];
    while (texts.nextNode()) {
        const words = texts.currentNode.textContent.trim();
        const set = texts.currentNode.parentElement.closest("math") ?? texts.currentNode.parentElement;
        if (words && parseFloat(getComputedStyle(set).fontSize) < least) small.push(words);
    }
    return small;
})"""


@pytest.mark.browser
def test_everything_fits_and_is_large_enough(presented: Page) -> None:
    """No block leaves the room under the title, no title more than its two lines; no text is below 18 pt."""
    unstaged(presented)
    assert presented.evaluate(STICKING_OUT) == []
    assert presented.evaluate(SMALL, LEAST) == []
    assert len(presented.evaluate(SMALL, LEAST + 1)) > 50  # the control: what is 18 pt is found below 19


@pytest.mark.browser
def test_everything_fits_on_the_real_deck_too(browser: Browser, slides_folder: Path) -> None:
    """Of every slide that the report has."""
    page, seen = opened(browser, slides_folder / "slides" / "deck.html")
    unstaged(page)
    assert page.evaluate("document.querySelectorAll('section').length") > 100
    assert page.evaluate(STICKING_OUT) == []
    assert page.evaluate(SMALL, LEAST) == []
    assert seen["messages"] == []
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    "change",
    [
        "h2.textContent = 'a long title '.repeat(20)",
        "document.querySelector('.finding').textContent += 'and more '.repeat(20)",
        "words.textContent = 'many words '.repeat(300)",
        "words.textContent = 'one'.repeat(100)",
        "formula.innerHTML = formula.innerHTML.repeat(3)",
    ],
)
def test_what_sticks_out_is_found(presented: Page, change: str) -> None:
    """The control: a title of three lines, a finding of more than one, too many words, and what is too wide."""
    unstaged(presented)
    presented.evaluate(
        "(() => { const [h2, words, formula] = ['h2', '.words p', '.formula math']"
        f".map(part => document.querySelector(`#slide-words ${{part}}`)); {change}; }})()"
    )
    assert presented.evaluate(STICKING_OUT) != []


@pytest.mark.browser
def test_what_is_built_up_stays_in_place(presented: Page) -> None:
    """From step to step no row and no picture moves, and nothing glides; later rows are neither seen nor heard."""
    places = "name => [...document.querySelectorAll(`#slide-${name} :is(.derivation th, .picture > svg)`)]" + (
        ".map(part => Object.values(part.getBoundingClientRect().toJSON()))"
    )
    for first, second in (("sheet-1", "sheet-5"), ("sheet-5", "sheet-9"), ("growth-1", "growth-2")):
        found = []
        for name in (first, second):
            presented.evaluate(f"location.hash = '#slide-{name}'")
            presented.wait_for_selector(f"#slide-{name}.current")
            found.append(presented.evaluate(places, name))
        assert found[0] == found[1]
        assert found[0]
    presented.evaluate("location.hash = '#slide-sheet-2'")
    presented.wait_for_selector("#slide-sheet-2.current")
    rows = presented.get_by_role("row")  # of what is heard
    assert [rows.nth(i).inner_text().split()[-1] for i in range(3)] == ["verdict", "confirmed", "undecided"]
    assert presented.get_by_role("cell").filter(visible=True).count() == 2 * 4
    durations = "[...document.querySelectorAll('*')].map(part => getComputedStyle(part).transitionDuration)"
    assert set(presented.evaluate(durations)) == {"0s"}


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 400])
def test_without_scripts_all_is_there_to_read(browser: Browser, file: Path, width: int) -> None:
    """One slide under another with its notes, no wider than the window, and no button that does nothing."""
    page, _ = visit_file(browser, file, width, java_script_enabled=False)
    assert shown(page) == [slide.name for slide in SLIDES]
    assert page.locator("h2:visible, aside:visible, .stage .words:visible").count() == 2 * len(SLIDES) + 3
    assert page.locator("button:visible, .pick:visible, dialog:visible").count() == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    if width == 400:  # no stage, whose letters would be too small
        assert page.evaluate(SMALL, 12) == []
        scales = "[...document.querySelectorAll('.stage')].map(stage => getComputedStyle(stage).transform)"
        assert set(page.evaluate(scales)) == {"none"}
    page.context.close()


@pytest.mark.browser
def test_on_paper_each_slide_has_a_page(presented: Page, tmp_path: Path) -> None:
    """Of 13.333 × 7.5 inches, as many as there are slides, with their notes where these are open."""
    sizes = []
    for _ in ("without notes", "with notes"):
        presented.pdf(path=tmp_path / "deck.pdf", prefer_css_page_size=True)
        content = (tmp_path / "deck.pdf").read_bytes()
        assert len(re.findall(rb"/Type\s*/Page\b", content)) == len(SLIDES)
        assert set(re.findall(rb"/MediaBox\s*\[([^\]]*)\]", content)) == {b"0 0 960 540"}
        presented.emulate_media(media="print")
        sizes.append((presented.locator("aside:visible").count(), presented.locator("h2:visible").count()))
        presented.emulate_media(media="null")
        presented.keyboard.press("n")
    assert sizes == [(0, len(SLIDES)), (len(SLIDES), len(SLIDES))]


@pytest.mark.browser
@pytest.mark.parametrize("theme", ["light", "dark", None])
def test_a_theme_is_the_systems_or_the_one_that_was_asked_for(
    browser: Browser, tmp_path: Path, theme: str | None
) -> None:
    """On a screen; paper is always light, and its words dark."""
    (tmp_path / "deck.html").write_text(deck(theme), encoding="utf-8")
    page, _ = opened(browser, tmp_path / "deck.html")
    style = "(() => { const s = getComputedStyle(document.body); return [s.color, s.backgroundColor] })()"
    schemes: tuple[Literal["light", "dark"], ...] = ("light", "dark")
    for scheme in schemes:
        page.emulate_media(color_scheme=scheme, media="screen")
        ink, paper = map(luminance, page.evaluate(style))
        assert (ink < paper) == ((theme or scheme) == "light")
        page.emulate_media(color_scheme=scheme, media="print")
        ink, paper = map(luminance, page.evaluate(style))
        assert ink < paper
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing(browser: Browser, file: Path, scheme: str) -> None:
    """No violation: with a slide and its notes, in the overview, in the list of keys, and where all slides are read."""
    page, _ = opened(browser, file, color_scheme=scheme)
    unstaged(page)
    assert page.evaluate(MERGE) == []
    assert faults(page) == []
    page.reload()
    page.mouse.move(600, 600)
    page.keyboard.press("n")
    assert faults(page) == []
    page.evaluate("document.querySelector('dialog').show()")  # beside the rest, so that axe looks at both
    assert faults(page) == []
    page.evaluate("document.querySelector('dialog').close()")
    page.keyboard.press("o")
    assert faults(page) == []
    page.context.close()
