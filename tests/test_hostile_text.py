"""Text from outside is text on every page, in every file; and a page's policy stops what might yet stand in it."""

import csv
import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, Error, Page

from bench_record import record
from experiments import provenance
from experiments.audit.measured import Settings
from experiments.audit.options import AuditOptions
from experiments.faults import Faults
from experiments.preset import load_preset
from experiments.runner import Results
from made_runs import results_of, undrawn
from report.audit.command import audit
from report.cost import Cost
from report.drawing import all_frames
from report.figures import figures_of
from report.figures.export import labelled
from report.figures.theme import LIGHT
from report.page import render
from report.slides.contact_sheet import SheetFigure, contact_sheet
from report.slides.deck import deck
from report.slides.html_deck import html_deck
from report.slides.material import ToldFigure, told
from report.slides.outline import pictures_of
from report.slides.powerpoint import powerpoint
from report.slides.slide import PictureFiles, Slide

FIRE = "window.fired=1"
PAYLOADS = [
    f"<script>{FIRE}</script>", f"<img src=x onerror={FIRE}>", f'"><svg onload={FIRE}>', f"'><body onpageshow={FIRE}>",
    f"</title><script>{FIRE}</script>", f"</style><script>{FIRE}</script>", f"--><script>{FIRE}</script>",
    f"]]><script>{FIRE}</script>", f"</script><script>{FIRE}</script>", f"</math><img src=x onerror={FIRE}>",
    f"javascript:{FIRE}", f"<a id=x href=javascript:{FIRE}>x</a>", "<iframe srcdoc='<script>parent.fired=1</script>'>",
    "{{ 7*7 }}", "{% include 'shell.html.jinja2' %}", "${7*7}", "$\\href{javascript:fired=1}{x}$", "$\\frac{1$",
    "<style>*{display:none}</style>", "}</style>*{display:none}", "<link rel=stylesheet href=http://a.invalid/x.css>",
    "<img src=http://a.invalid/x.png>", "<base href=http://a.invalid/>", "<form action=http://a.invalid/><button>",
    "<meta http-equiv=refresh content='0;url=http://a.invalid/'>", "\"'&<>", "&lt;b&gt;", "&#60;b&#62;", "<!--",
    "<![CDATA[", "\N{RIGHT-TO-LEFT OVERRIDE}txet", "<plaintext>", "<template>",
]  # fmt: skip
FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(1)"]  # to a spreadsheet
NUMBER = re.compile(r"[+-]?[\d.]+(e[+-]?\d+)?")
HOSTILE = " ".join(PAYLOADS)
FIRING = [payload for payload in PAYLOADS if FIRE in payload and not payload.startswith(("javascript", "<a"))]
WATCH = """
window.violations = [];
document.addEventListener("securitypolicyviolation", event => window.violations.push(event.effectiveDirective));
"""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """A small run whose preset has every payload for a name, as no preset that is loaded could."""
    found = results_of(0, tmp_path_factory.mktemp("run"))
    return replace(found, preset=found.preset.model_copy(update={"name": HOSTILE}))


@pytest.fixture(scope="module")
def figures(results: Results) -> dict[str, ToldFigure]:
    """What its figures tell."""
    frames = all_frames(results)
    return told(figures_of(frames), frames)


@pytest.fixture(scope="module")
def slides(results: Results, figures: dict[str, ToldFigure]) -> Sequence[Slide]:
    """Its deck."""
    with hostile_provenance():
        return deck(results, figures)


@contextmanager
def hostile_provenance() -> Iterator[None]:
    """Let git and the packages' own words say anything."""
    known = provenance.versions() | {"commit": HOSTILE, "python": HOSTILE}
    known["packages"] = {**known["packages"], "numpy": HOSTILE}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(provenance, "versions", lambda: known)
        yield


def of_pictures(slides: Sequence[Slide]) -> dict[str, PictureFiles]:
    """A hostile text alternative for every picture that slides show."""
    content = io.BytesIO()
    Image.new("RGB", (1233, 535), "#888").save(content, "png")
    svg = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" role="img"><path d="M0 0"/></svg>'
    files = PictureFiles(svg.encode(), content.getvalue(), HOSTILE, labelled(svg, HOSTILE))
    return {picture.name: files for slide in slides for picture in pictures_of(slide)}


def audited(folder: Path) -> Path:
    """The page of an audit whose file and layers are named by payloads."""
    longer = [" ".join(PAYLOADS[i : i + 9]) for i in range(0, len(PAYLOADS), 9)]
    rng = np.random.default_rng(1)
    arrays = {f"{name}.{part}": rng.normal(size=(6, 4)) for name in (*longer, *FORMULAS) for part in "qk"}
    file = folder / f"{HOSTILE.replace('/', '_')[:180]}.npz"
    np.savez(file, **arrays)
    with hostile_provenance():
        assert audit(AuditOptions((file,), False, None, Settings(), 1, folder)) == 0
    return folder / "audit" / "index.html"


@pytest.fixture(scope="module")
def products(results: Results, slides: Sequence[Slide], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The four kinds of pages, with hostile text wherever text from outside may stand."""
    folder = tmp_path_factory.mktemp("pages")
    bench = record()
    machine = dict.fromkeys(("processor", "system", "python", "blas", "torch"), HOSTILE)
    bench = bench.model_copy(update={"machine": bench.machine.model_copy(update=machine)})
    cost = Cost(bench, bench.model_dump_json())
    frames = {**results.frames, "bench": cost.growth}
    with hostile_provenance():
        page = render(results, undrawn(replace(results, frames=frames)), cost)
    (folder / "figures" / "light").mkdir(parents=True)
    Image.new("RGB", (16, 9)).save(folder / "figures" / "light" / "hostile.png")
    words = HOSTILE.replace("$", "")  # in titles and captions, which are all our own, that begins a formula
    sheet = contact_sheet([SheetFigure("hostile", words, words, HOSTILE, ("light",))], {"a.html": HOSTILE}, words)
    made = {"page": page, "deck": html_deck(slides, of_pictures(slides), None, HOSTILE), "sheet": sheet}
    for name, html in made.items():
        (folder / f"{name}.html").write_text(html, encoding="utf-8")
    return {**{name: folder / f"{name}.html" for name in made}, "audit": audited(folder)}


PRODUCTS = ("page", "deck", "sheet", "audit")
Record = Callable[[str, object], None]


@dataclass
class Watched:
    """A page in the browser, and all that it did."""

    page: Page
    requests: list[str]
    failures: list[str | None]
    messages: list[str]
    dialogs: list[str]

    @property
    def fired(self) -> object:
        """Whether a payload ran."""
        return self.page.evaluate("window.fired")

    @property
    def violations(self) -> set[str]:
        """The directives of the policy that something ran against."""
        return set(self.page.evaluate("window.violations"))


@contextmanager
def watched(browser: Browser, file: Path) -> Iterator[Watched]:
    """A file in a browser without a network."""
    context = browser.new_context(offline=True)
    seen = Watched(context.new_page(), [], [], [], [])
    seen.page.add_init_script(WATCH)
    seen.page.on("request", lambda request: seen.requests.append(request.url))
    seen.page.on("requestfailed", lambda request: seen.failures.append(request.failure))
    seen.page.on("console", lambda message: seen.messages.append(message.text))
    seen.page.on("pageerror", lambda error: seen.messages.append(str(error)))
    seen.page.on("dialog", lambda dialog: (seen.dialogs.append(dialog.message), dialog.dismiss()))
    seen.page.goto(file.as_uri())
    seen.page.wait_for_timeout(100)
    yield seen
    context.close()


@pytest.mark.browser
@pytest.mark.parametrize("name", PRODUCTS)
def test_it_is_shown_and_never_run(
    browser: Browser, products: dict[str, Path], name: str, record_property: Record
) -> None:
    """No script, dialog, request, or complaint of the policy; and what was written can be read."""
    with watched(browser, products[name]) as seen:
        assert seen.fired is None
        assert seen.violations == set()
        assert (seen.messages, seen.dialogs) == ([], [])
        local = (products[name].as_uri(), "data:font/woff2", (products[name].parent / "figures").as_uri())
        assert [url for url in seen.requests if not url.startswith(local)] == []
        text = seen.page.evaluate("document.documentElement.textContent")
        assert PAYLOADS[0] in text
        assert "{{ 7*7 }}" in text
        assert seen.page.evaluate("document.querySelectorAll('[href^=javascript], iframe, base, link').length") == 0
    record_property("cases", len(PAYLOADS))


@pytest.mark.browser
def test_unescaped_it_would_run(browser: Browser, tmp_path: Path) -> None:
    """The control: on a page without a policy that prints text as it is, each of the payloads with a script runs."""
    page = browser.new_context(offline=True).new_page()
    for number, payload in enumerate(FIRING):
        file = tmp_path / f"{number}.html"
        file.write_text(f"<!DOCTYPE html><title>x</title><body><p>{payload}</p>", encoding="utf-8")
        page.goto(file.as_uri())
        page.wait_for_function("window.fired === 1", timeout=5000)
    page.context.close()


INJECTED = {  # what runs against which directive
    f"<script>{FIRE}</script>": "script-src-elem",
    "<script src='http://a.invalid/x.js'></script>": "script-src-elem",
    f"<details open ontoggle='{FIRE}'></details>": "script-src-attr",
    f"<svg onload='{FIRE}'></svg>": "script-src-attr",
    "<style>body { display: none !important }</style>": "style-src-elem",
    "<link rel='stylesheet' href='http://a.invalid/x.css'>": "style-src-elem",
    "<p style='color: red'>x</p>": "style-src-attr",
    "<img src='http://a.invalid/x.png'>": "img-src",
    "<iframe src='http://a.invalid/'></iframe>": "frame-src",
    "<object data='http://a.invalid/x'></object>": "object-src",
    "<video src='http://a.invalid/x.mp4'></video>": "media-src",
    "<base href='http://a.invalid/'>": "base-uri",
}
ASKED = {  # of the page's own world
    "fetch('http://a.invalid/').catch(() => 0)": "connect-src",
    "void new Worker('data:text/javascript,1')": "worker-src",
    f"void setTimeout('{FIRE}')": "script-src",
    "(() => { const form = document.createElement('form'); form.action = 'http://a.invalid/';"
    " document.body.append(form); form.submit(); })()": "form-action",
}


@pytest.mark.browser
@pytest.mark.parametrize("name", PRODUCTS)
def test_the_policy_stops_what_is_injected(
    browser: Browser, products: dict[str, Path], name: str, record_property: Record
) -> None:
    """Whatever gets between the tags: scripts, handlers, styles, requests of every kind; no exceptions."""
    html = products[name].read_text(encoding="utf-8")
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert "unsafe" not in policy
    assert "*" not in policy
    assert policy.startswith("default-src 'none'; ")
    file = products[name].with_name("injected.html")
    file.write_text(html.replace("</header>", f"</header>{''.join(INJECTED)}", 1), encoding="utf-8")
    with watched(browser, file) as seen:
        assert Counter(seen.page.evaluate("window.violations")) == Counter(INJECTED.values())
        assert seen.fired is None
        assert seen.failures == ["csp"] * sum("a.invalid" in url for url in seen.requests)
        assert seen.page.evaluate("getComputedStyle(document.body).display") != "none"
    with watched(browser, products[name]) as seen:
        for asked, directive in ASKED.items():
            seen.page.evaluate("window.violations = []")
            with suppress(Error):
                seen.page.evaluate(asked)
            with suppress(Error):
                seen.page.wait_for_function("window.violations.length > 0", timeout=5000)
            assert directive in seen.violations, asked  # what was asked before may be complained of late
        assert seen.fired is None
        assert set(seen.failures) <= {"csp"}  # as Chromium calls those that the policy has stopped
    record_property("cases", len(INJECTED) + len(ASKED))


def test_pages_are_valid_with_it(products: dict[str, Path]) -> None:
    """A strict parser finds no error, so that nothing has broken out of its place."""
    for name, file in products.items():
        parser = html5lib.HTMLParser()
        parser.parse(file.read_text(encoding="utf-8"))
        assert parser.errors == [], name


def test_files_of_an_audit_keep_it_as_text(products: dict[str, Path]) -> None:
    """The record to the letter; in the table no cell is a formula; no SVG has a script."""
    folder = products["audit"].parent
    layers = {head["layer"] for head in json.loads((folder / "audit.json").read_text(encoding="utf-8"))["heads"]}
    assert set(FORMULAS) <= layers
    cells = [
        cell for row in csv.reader(io.StringIO((folder / "audit.csv").read_text(encoding="utf-8"))) for cell in row
    ]
    assert {f"'{name}" for name in FORMULAS} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@")) and not NUMBER.fullmatch(cell)]
    for svg in folder.rglob("*.svg"):
        check_drawing(ElementTree.fromstring(svg.read_bytes()))


def check_drawing(root: ElementTree.Element) -> None:
    """AssertionError where a drawing has a script, a handler, or a link out of it."""
    for node in root.iter():
        assert node.tag.rpartition("}")[2] not in ("script", "foreignObject", "a", "image")
        for name, value in node.items():
            assert not name.rpartition("}")[2].startswith("on")
            assert "javascript:" not in value or name in ("aria-label", "alt")


def test_a_drawing_with_a_script_is_seen() -> None:
    """The control of the judge."""
    for inside in ("<script/>", '<g onload="x"/>', '<g fill="javascript:x"/>'):
        with pytest.raises(AssertionError):
            check_drawing(ElementTree.fromstring(f"<svg>{inside}</svg>"))


def test_a_presentation_keeps_it_as_text(results: Results, figures: dict[str, ToldFigure]) -> None:
    """Names that a preset may have, on its slides, and a font's name: every part is XML, and says them as they are."""
    for payload in ["<img src=x onerror=fired=1>", "'\"&<>]]>"]:
        named = replace(results, preset=results.preset.model_copy(update={"name": payload}))
        shown = [slide for slide in deck(named, figures) if slide.name == "provenance"]
        content = powerpoint(shown, {}, LIGHT, payload, payload)
        texts = []
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            for part in archive.namelist():
                if part.endswith((".xml", ".rels")):
                    root = ElementTree.fromstring(archive.read(part))
                    texts += [value for node in root.iter() for value in (node.text or "", *node.attrib.values())]
                    assert not any(node.tag.rpartition("}")[2] == "script" for node in root.iter())
        assert any(payload in text for text in texts), payload


def test_a_name_that_cannot_be_read_is_refused(tmp_path: Path) -> None:
    """Control characters and marks that turn the direction of writing; any other name is taken as it is."""
    file = tmp_path / "mine.toml"
    for payload in [payload for payload in PAYLOADS if len(payload) <= 40]:
        file.write_text(f'base = "quick"\nname = {json.dumps(payload, ensure_ascii=False)}\n', encoding="utf-8")
        if payload.isprintable():
            assert load_preset(str(file)).name == payload
        else:
            with pytest.raises(Faults, match="control characters are not allowed"):
                load_preset(str(file))
    for name in FORMULAS:
        file.write_text(f'base = "quick"\n[scalings]\nrules = [{{ rule = "split", name = {json.dumps(name)} }}]\n')
        with pytest.raises(Faults, match="a letter first"):
            load_preset(str(file))
