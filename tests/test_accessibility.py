"""axe-core finds no fault with the page, in either theme, on any window, folded or not."""

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

from chromium import visit, visit_file

pytestmark = pytest.mark.browser

# Two thirds of the page's elements are strokes of drawings and letters of formulas, and most of axe's time goes there.
# A drawing becomes one picture and a formula one line of text, if there is nothing inside for axe to judge: no role,
# name, focus or link, and no colour but the formula's own. All else keeps its place.
MERGE = """() => {
    const drawings = [...document.querySelectorAll("svg")], formulas = [...document.querySelectorAll("math")];
    const within = parts => parts.flatMap(part => [...part.querySelectorAll("*")]);
    const judged = node => ["a", "title", "image", "foreignObject", "animate", "set"].includes(node.localName)
        || [...node.attributes].some(({ name, value }) => /^(aria-.*|role|tabindex|lang|title|style|on.*)$/.test(name)
            || name.endsWith("href") && !(node.localName === "use" && value.startsWith("#")));
    const told = drawings.filter(drawing => !(drawing.getAttribute("role") === "img" && drawing.ariaLabel)
        && drawing.ariaHidden !== "true" && !drawing.closest("[aria-hidden=true], [role=img][aria-label]"));
    const coloured = formula => {
        const { color } = getComputedStyle(formula);
        return within([formula]).map(node => getComputedStyle(node)).some(own => own.color !== color
            || own.backgroundColor !== "rgba(0, 0, 0, 0)" || own.backgroundImage !== "none" || own.opacity !== "1");
    };
    const faults = [...within([...drawings, ...formulas]).filter(judged), ...told, ...formulas.filter(coloured)];
    if (faults.length) return faults.map(node => node.outerHTML.slice(0, 200));
    const sizes = formulas.map(formula => formula.getBoundingClientRect());
    formulas.forEach((formula, i) => {
        Object.assign(formula.style, { display: "inline-block", overflow: "hidden" });
        Object.assign(formula.style, { width: `${sizes[i].width}px`, height: `${sizes[i].height}px` });
        formula.replaceChildren(formula.textContent);
    });
    drawings.forEach(drawing => drawing.replaceChildren());
    return [];
}"""


def faults(page: Page, *parts: str) -> list[str]:
    """A line for each rule that the page, or these parts of it, break, with the first place where they do."""
    context = {"include": [[part] for part in parts]} if parts else None
    response = Axe().run(page, context).response
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
    assert page.evaluate(MERGE) == []
    assert faults(page) == []
    page.context.close()


@pytest.mark.parametrize(
    "wrong",
    [
        "<math><mi>n</mi><mi href='#n'>n</mi></math>",
        "<math><mi>n</mi><mi role='button'>n</mi></math>",
        "<style>.pale { color: #aaa }</style><math><mi class='pale'>n</mi></math>",
        "<style>.pale { background: #aaa }</style><math><mi class='pale'>n</mi></math>",
        "<svg><path d='M0 0h9'></path></svg>",
        "<svg aria-hidden='true'><g tabindex='0'></g></svg>",
        "<svg role='img' aria-label='x'><a href='#n'><path d='M0 0h9'></path></a></svg>",
        "<svg role='img' aria-label='x'><g><title>y</title></g></svg>",
    ],
)
def test_what_axe_would_judge_is_not_merged(browser: Browser, tmp_path: Path, wrong: str) -> None:
    """The negative control: a drawing or a formula with anything of its own inside, or that nobody is told of."""
    right = "<math><mi>n</mi><mo>=</mo><mn>3</mn></math><svg aria-hidden='true'><path d='M0 0h9'></path></svg>"
    for body, is_wrong in ((right, False), (right + wrong, True)):
        (tmp_path / "page.html").write_text(f"<!DOCTYPE html><title>x</title><p>{body}</p>")
        page, _ = visit_file(browser, tmp_path / "page.html")
        assert bool(page.evaluate(MERGE)) == is_wrong
        assert (page.locator("mi, path").count() == 0) == (not is_wrong)
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
