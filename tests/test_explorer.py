"""The explorer: its table against the exact law, and in a real browser its draws, controls and words."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, expect

from chromium import Seen, visit
from conftest import TINY, built_once, command_line, start_from
from experiments.explorer import Explorer
from experiments.preset import load_preset
from report.explorer import ExplorerTable, explorer_table
from scaling import attention_law, row_observables
from test_browser import luminance

ALPHA = {"raw": 0.0, "scaled": 0.5, "inverse": 1.0}
DIMENSIONS, KEYS = [2**i for i in range(13)], [2**i for i in range(1, 11)]
SMALL = 0.0001  # what is less is not spelled out
SETTINGS = [
    (1, 2, "raw"), (1, 1024, "scaled"), (2, 64, "inverse"), (4, 8, "raw"), (16, 512, "raw"), (64, 16, "scaled"),
    (256, 4, "inverse"), (1024, 128, "raw"), (4096, 2, "scaled"), (4096, 1024, "inverse"),
]  # fmt: skip

TOUR = """() => {
    const find = selector => document.querySelector(`.explorer ${selector}`);
    const [table, map] = [find("table"), find(".map")];
    const NUMBER = new RegExp("^(< 0[.]0001|0[.]0{0,3}[1-9][0-9]{3}|[1-9][.][0-9]{3}|[1-9][0-9][.][0-9]{2}|"
        + "[1-9][0-9]{2}[.][0-9]|[1-9][0-9]{3})$");
    const faults = new Set();
    let stops = 0;
    for (const rule of ["raw", "scaled", "inverse"]) {
        find(`#explorer-${rule}`).checked = true;
        for (let i = 0; i <= find("#explorer-d-k").max; i++) for (let j = 0; j <= find("#explorer-n-keys").max; j++) {
            Object.assign(find("#explorer-d-k"), { value: i });
            Object.assign(find("#explorer-n-keys"), { value: j });
            find("#explorer-seed").dispatchEvent(new Event("input"));
            stops++;
            for (const cell of document.querySelectorAll("[data-cell]")) {
                if (!NUMBER.test(cell.textContent)) faults.add(`${cell.dataset.cell}: ${cell.textContent}`);
            }
            const drawn = [...document.querySelectorAll(".explorer :is([d], [cx])")].map(node => node.outerHTML).join();
            const wrong = (find(".panels").textContent + drawn).match(/NaN|Infinity|undefined|null|\\de[+-]/);
            if (wrong) faults.add(wrong[0]);
            const [theirs, own] = [map.getBoundingClientRect(), table.parentElement.getBoundingClientRect()];
            if (own.right > theirs.left && own.bottom > theirs.top) faults.add("table and map");
            const isCut = table.getBoundingClientRect().right > own.right + 1;
            if (isCut && (innerWidth > 600 || getComputedStyle(table.parentElement).overflowX !== "auto")) {
                faults.add("a cut table");
            }
            if (document.documentElement.scrollWidth > innerWidth) faults.add("a wide page");
        }
    }
    window.faults = [...faults];
    return stops;
}"""


@pytest.fixture(scope="module")
def table() -> ExplorerTable:
    """The table of the presets that come with the project."""
    experiment = load_preset("default").explorer
    rng = np.random.default_rng(1)
    return explorer_table(experiment.frame({cell: experiment.measure(cell, rng)[None] for cell in experiment.cells()}))


@pytest.fixture(scope="module")
def full(report: Path) -> Path:
    """A report whose explorer has the stops of those presets."""
    stops = "largest_d_k = {}\nlargest_n_keys = {}\n"
    text = TINY.read_text().replace(stops.format(256, 64), stops.format(4096, 1024))
    assert stops.format(4096, 1024) in text

    def build(folder: Path) -> None:
        (folder / "mine.toml").write_text(text)
        start_from(report, folder / "out")
        done = command_line("report", "page", "--preset", folder / "mine.toml", "--out", folder / "out")
        assert done.returncode == 0, done.stderr

    return built_once("report-with-all-stops", build) / "out"


@pytest.fixture(scope="module")
def watched(browser: Browser, full: Path) -> Iterator[tuple[Page, Seen]]:
    """The page without motion, and all that it asked for and complained of until now."""
    page, seen = visit(browser, full, reduced_motion="reduce")
    start = [page.locator(f"#explorer-{name}").input_value() for name in ("d-k", "n-keys", "seed")]
    assert start == [str(DIMENSIONS.index(64)), str(KEYS.index(16)), "1"]
    yield page, seen
    page.context.close()


@pytest.fixture
def page(watched: tuple[Page, Seen]) -> Page:
    """The page, with its controls put back to where they stand at first."""
    page, _ = watched
    page.locator("#explorer-own-axes").uncheck()
    put(page, 64, 16, "scaled")
    return page


def put(page: Page, d_k: int, n_keys: int, rule: str, seed: int = 1) -> None:
    """Move the controls."""
    page.evaluate(
        """values => {
            for (const [id, value] of Object.entries(values)) document.getElementById(id).value = value;
        }""",
        {
            "explorer-d-k": DIMENSIONS.index(d_k),
            "explorer-n-keys": KEYS.index(n_keys),
            "explorer-seed": seed,
        },
    )
    page.locator(f"#explorer-{rule}").check()
    page.locator("#explorer-seed").dispatch_event("input")


def value(text: str) -> float:
    """A number as the page writes it; half of what one too small to be spelled out is less than."""
    return SMALL / 2 if text == f"< {SMALL}" else float(text)


def reading(page: Page, column: str, kind: str, quantity: str) -> float:
    """A number in the table."""
    return value(page.locator(f'[data-cell="{column} {kind} {quantity}"]').text_content() or "")


def heights(page: Page, column: str) -> np.ndarray:
    """The bars of a row as shares of the axis."""
    path = page.locator(f'[data-panel="{column}"] .bars').get_attribute("d") or ""
    return 1 - np.array([float(y) for y in re.findall(r" 1V([\d.]+)h", path)])


def words(seed: int, stream: int, amount: int) -> np.ndarray:
    """Uniform 32-bit words of Doty-Humphrey's generator, in whole numbers modulo 2^32."""
    a, b, c, counter = seed, stream, 0x9E3779B9, 1
    found = []
    for _ in range(16 + amount):
        output = (a + b + counter) % 2**32
        counter = (counter + 1) % 2**32
        a, b = b ^ (b >> 9), c * 9 % 2**32
        c = ((c << 21 | c >> 11) + output) % 2**32
        found.append(output)
    return np.array(found[16:], dtype=float)


def normals(seed: int, stream: int, amount: int) -> np.ndarray:
    """Normal numbers from them."""
    u, v = ((words(seed, stream, 2 * -(-amount // 2)) + 0.5) / 2**32).reshape(-1, 2).T
    radius = np.sqrt(-2 * np.log(u))
    return np.column_stack([radius * np.cos(2 * np.pi * v), radius * np.sin(2 * np.pi * v)]).ravel()[:amount]


def test_the_table_is_the_exact_law_at_every_stop(table: ExplorerTable) -> None:
    """All of its numbers, each to the digits that it has."""
    assert (table.d_k, table.n_keys) == (DIMENSIONS, KEYS)
    assert set(table.law) == set(ALPHA)
    d = np.array(DIMENSIONS)
    for n_keys in (2, 64, 1024):
        for rule, alpha in ALPHA.items():
            law = attention_law(d, n_keys, d**-alpha)
            for quantity, values in table.law[rule].items():
                found = values[KEYS.index(n_keys)]
                assert found == pytest.approx(getattr(law, quantity), rel=6e-5), (rule, quantity, n_keys)


def test_the_table_is_small_and_safe(table: ExplorerTable) -> None:
    """At most 40 kB of JSON that cannot end the element in which it stands."""
    assert len(table.json) <= 40_000
    assert "<" not in table.json
    assert json.loads(table.json)["law"] == table.law
    assert len(table.colours) == 10


@pytest.mark.parametrize("setting", ["largest_d_k", "largest_n_keys"])
def test_stops_are_powers_of_two(setting: str) -> None:
    """Anything else is refused, with what is allowed."""
    with pytest.raises(ValueError, match="a power of two is needed"):
        Explorer(**{"largest_d_k": 64, "largest_n_keys": 64, setting: 96})


def test_the_script_is_short_and_plain(full: Path) -> None:
    """Strict, without a style set as an attribute, an address or a way to make markup from text."""
    source = (Path(__file__).parents[1] / "report" / "static" / "js" / "explorer.js").read_text(encoding="utf-8")
    assert len(source.splitlines()) <= 300
    assert source.splitlines()[1] == '"use strict";'
    for word in ("innerHTML", 'setAttribute("style"', "eval(", "fetch(", "import ", "XMLHttpRequest", "</script"):
        assert word not in source, word
    assert f"<script>{source}</script>" in (full / "report" / "index.html").read_text(encoding="utf-8")


@pytest.mark.browser
class TestInABrowser:
    """The page with its script."""

    @pytest.mark.parametrize(("d_k", "n_keys", "rule"), SETTINGS)
    def test_exact_means_are_those_of_the_law(self, page: Page, d_k: int, n_keys: int, rule: str) -> None:
        """At ten scattered settings what is displayed is Python's value within 0.5 %, for raw and the other rule."""
        put(page, d_k, n_keys, rule)
        for column, shown in (("first", "raw"), ("second", "scaled" if rule == "raw" else rule)):
            law = attention_law(d_k, n_keys, d_k ** -ALPHA[shown])
            expected = {
                "entropy": law.entropy, "share": law.entropy / np.log(n_keys), "effective": np.exp(law.entropy),
                "max_weight": law.max_weight, "jacobian_trace": law.jacobian_trace,
            }  # fmt: skip
            for quantity, exact in expected.items():
                assert reading(page, column, "exact", quantity) == pytest.approx(float(exact), rel=5e-3), quantity

    @pytest.mark.parametrize(("d_k", "n_keys", "rule"), SETTINGS)
    def test_a_row_is_what_its_seed_says(self, page: Page, d_k: int, n_keys: int, rule: str) -> None:
        """Another implementation of generator, query, keys and softmax gives the same readings and bars."""
        put(page, d_k, n_keys, rule, seed=31)
        dot_products = np.linalg.norm(normals(31, 1, d_k)) * normals(31, 2, n_keys)
        small = SMALL / 2 + 1e-9
        for column, shown in (("first", "raw"), ("second", "scaled" if rule == "raw" else rule)):
            scores = dot_products * d_k ** -ALPHA[shown]
            row = row_observables(scores[None], [1.0])
            assert reading(page, column, "drawn", "entropy") == pytest.approx(row.entropy.item(), rel=1e-3, abs=small)
            trace = row.jacobian_trace.item()
            assert reading(page, column, "drawn", "jacobian_trace") == pytest.approx(trace, rel=1e-3, abs=small)
            weights = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
            assert reading(page, column, "drawn", "max_weight") == pytest.approx(weights.max(), rel=1e-3)
            shares = heights(page, column)
            assert shares * weights.max() / shares.max() == pytest.approx(weights, abs=1e-3)

    def test_both_rows_come_from_the_same_draws(self, page: Page) -> None:
        """Their bars have the same order, for either rule."""
        for rule in ("scaled", "inverse"):
            put(page, 4, 16, rule, seed=5)
            order = [np.argsort(heights(page, column)) for column in ("first", "second")]
            assert list(order[0]) == list(order[1])

    def test_more_keys_leave_the_first_ones(self, page: Page) -> None:
        """A slider takes more of the same numbers: the ratios of the first weights stay."""
        put(page, 4, 8, "scaled", seed=5)
        few = heights(page, "second")
        put(page, 4, 32, "scaled", seed=5)
        many = heights(page, "second")[:8]
        assert many / many.max() == pytest.approx(few / few.max(), abs=1e-3)

    def test_a_longer_query_sharpens_the_raw_row(self, page: Page) -> None:
        """Whatever the seed, every step of d_k lowers the raw entropy, as the text says."""
        for seed in (1, 2, 3):
            entropies = []
            for d_k in DIMENSIONS:
                put(page, d_k, 64, "scaled", seed)
                entropies.append(reading(page, "first", "drawn", "entropy"))
            assert all(after < before for before, after in pairwise(e for e in entropies if e > SMALL))
            assert entropies == sorted(entropies, reverse=True)

    def test_a_seed_gives_the_same_row_after_a_reload(self, page: Page) -> None:
        """And another seed another one."""
        rows = []
        for seed in (12, 12, 13):
            page.reload()
            put(page, 64, 16, "scaled", seed)
            rows.append(page.locator('[data-panel="first"] .bars').get_attribute("d"))
        assert rows[0] == rows[1] != rows[2]

    def test_drawn_entropies_average_to_the_law(self, page: Page) -> None:
        """Over 200 seeds, "Draw again" being pressed between them, within 5 standard errors for both rows."""
        put(page, 16, 64, "scaled", seed=0)
        shown = page.evaluate(
            """() => Array.from({ length: 200 }, () => {
                document.getElementById("explorer-again").click();
                return ["first", "second"].map(column =>
                    document.querySelector(`[data-cell="${column} drawn entropy"]`).textContent);
            })"""
        )
        drawn = np.array([[value(text) for text in row] for row in shown])
        assert page.locator("#explorer-seed").input_value() == "200"
        for entropies, factor in zip(drawn.T, (1, 1 / 4), strict=True):
            law = float(attention_law(16, 64, factor).entropy)
            standard_error = entropies.std(ddof=1) / np.sqrt(200)
            assert abs(entropies.mean() - law) < 5 * standard_error
            assert abs(entropies.mean() - 1.2 * law) > 5 * standard_error  # the control: another law is told apart

    def test_the_keyboard_alone_reaches_and_moves_everything(self, page: Page) -> None:
        """Tab goes from control to control in order, each shows its focus, and keys change the row."""
        page.locator("#explorer-d-k").focus()
        moves = {
            "explorer-d-k": "ArrowRight", "explorer-n-keys": "ArrowLeft", "explorer-scaled": "ArrowRight",
            "explorer-seed": "ArrowUp", "explorer-again": "Enter", "explorer-own-axes": "Space",
        }  # fmt: skip
        for i, (name, key) in enumerate(moves.items()):
            if i:
                page.keyboard.press("Tab")
            assert page.evaluate("document.activeElement.id") == name
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
            before = page.locator(".panels").inner_html()
            page.keyboard.press(key)
            assert page.locator(".panels").inner_html() != before, name
        state = [page.locator(f"#explorer-{name}").input_value() for name in ("d-k", "n-keys", "seed")]
        assert state == ["7", "2", "3"]
        assert page.locator("#explorer-inverse").is_checked()

    def test_values_are_named_for_those_who_hear_them(self, page: Page) -> None:
        """Sliders say what they mean; one sentence is announced, after a rest, and nothing else."""
        put(page, 1, 32, "raw")
        assert page.locator("#explorer-d-k").get_attribute("aria-valuetext") == "1 dimension"
        assert page.locator("#explorer-n-keys").get_attribute("aria-valuetext") == "32 keys"
        for control in page.locator(".explorer input").all():
            assert page.locator(f'label[for="{control.get_attribute("id")}"]').count() == 1
        assert page.locator(".explorer [role=status], .explorer [aria-live=polite]").count() == 1
        assert page.locator(".explorer output:not([aria-live=off])").count() == 0
        summary = page.locator(".explorer .summary")
        expect(summary).to_contain_text("With 1 dimension and 32 keys ")
        text = summary.text_content() or ""
        assert "The line is at 2 ln n = 6.93, and the ring left of it." in text
        assert "32 keys, undivided: this row’s largest weight" in text
        exact = attention_law(1, 32, 1.0)
        assert f"on average {float(exact.max_weight):.3g}." in text
        assert f"the mean entropy that of {np.exp(float(exact.entropy)):#.3g}." in text

    def test_each_part_names_its_rule_and_wears_its_colour(self, page: Page) -> None:
        """Panels, columns and map have the words of the rule's own button, and no two rules a colour."""
        colours = {}
        for rule in ALPHA:
            put(page, 16, 32, rule)
            for column, shown in (("first", "raw"), ("second", "scaled" if rule == "raw" else rule)):
                words = page.locator(f'label[for="explorer-{shown}"]').inner_html()
                panel, heading = page.locator(f'[data-panel="{column}"]'), page.locator(f'th[data-column="{column}"]')
                assert panel.locator(".rule").inner_html() == heading.inner_html() == words
                assert panel.get_attribute("data-rule") == heading.get_attribute("data-rule") == shown
                colours[shown] = panel.locator(".bars").evaluate("node => getComputedStyle(node).fill")
                assert panel.locator(".keys").inner_text().split() == ["key", "1", "32"]
                assert (panel.locator(".bars").get_attribute("d") or "").count("h0.024375V1z") == 32  # 0.78 / 32
            chosen = page.locator(f'label[for="explorer-{rule}"]').inner_html()
            assert page.locator(".map .rule").inner_html() == chosen
            assert page.locator(".map").get_attribute("data-rule") == rule
        assert len(set(colours.values())) == 3
        headings = page.locator(".readings thead tr:last-child th").all_text_contents()
        assert headings == ["this row", "mean"] * 2
        cells = page.locator(".readings tbody tr").first.locator("td")
        names = [cell.get_attribute("data-cell") for cell in cells.all()]
        assert names == [f"{column} {kind} entropy" for column in ("first", "second") for kind in ("drawn", "exact")]

    @pytest.mark.parametrize(
        ("d_k", "n_keys", "rule", "words", "place"),
        [
            (4, 4, "raw", "undivided", "The line is at 2 ln n = 2.77, and the ring right of it. "),
            (4, 8, "raw", "undivided", "The line is at 2 ln n = 4.16, and the ring left of it. "),
            (4, 8, "scaled", "divided by the root of the dimension", ""),
            (64, 1024, "inverse", "divided by the dimension", ""),
        ],
    )
    def test_the_summary_says_what_the_table_shows(
        self, page: Page, d_k: int, n_keys: int, rule: str, words: str, place: str
    ) -> None:
        """The rule, the row and the mean under it in three digits, and raw attention's side of the line."""
        put(page, d_k, n_keys, rule)
        summary = page.locator(".explorer .summary")
        expect(summary).to_contain_text(f"With {d_k} dimensions and {n_keys} keys, {words}: this row’s ")
        number = r"(\d+\.?\d*)"
        found = re.search(
            f": this row’s largest weight is {number}, on average {number}[.] {re.escape(place)}"
            f"Its entropy is that of {number} equal weights, the mean entropy that of {number}[.]$",
            summary.text_content() or "",
        )
        assert found is not None
        column = "first" if rule == "raw" else "second"
        places = [(kind, quantity) for quantity in ("max_weight", "effective") for kind in ("drawn", "exact")]
        for text, (kind, quantity) in zip(found.groups(), places, strict=True):
            assert float(text) == pytest.approx(reading(page, column, kind, quantity), rel=5.1e-3)
            assert len(text.replace(".", "").lstrip("0")) in (3, 4)

    def test_the_summary_is_there_at_once_and_later_told_once_a_rest(self, browser: Browser, full: Path) -> None:
        """The first is not waited for; of many quick steps only the last is announced, and not at its own moment."""
        page, _ = visit(browser, full)
        summary = page.locator(".explorer .summary")
        first = summary.text_content() or ""
        assert first.startswith("With 64 dimensions and 16 keys, ")
        page.evaluate(
            """() => {
                window.told = 0;
                new MutationObserver(() => window.told++).observe(
                    document.querySelector(".explorer .summary"), { childList: true });
            }"""
        )
        stepped = page.evaluate(
            """() => {
                const slider = document.getElementById("explorer-d-k");
                for (let i = 0; i < 5; i++) {
                    slider.value = i;
                    slider.dispatchEvent(new Event("input"));
                }
                return document.querySelector(".explorer .summary").textContent;
            }"""
        )
        assert stepped == first
        expect(summary).to_contain_text("With 16 dimensions and 16 keys, ")
        assert page.evaluate("window.told") == 1
        page.context.close()

    def test_a_half_typed_seed_changes_nothing(self, page: Page) -> None:
        """An empty or impossible seed leaves the row; "Draw again" begins anew; the last seed is followed by 0."""
        bars = page.locator('[data-panel="first"] .bars')
        before = bars.get_attribute("d")
        for text in ("", "-1", "1.5", "9999999"):
            page.locator("#explorer-seed").fill(text)
            assert bars.get_attribute("d") == before
        page.locator("#explorer-again").click()
        assert page.locator("#explorer-seed").input_value() == "0"
        page.locator("#explorer-seed").fill("999999")
        page.locator("#explorer-again").click()
        assert page.locator("#explorer-seed").input_value() == "0"

    def test_the_map_shows_where_one_is(self, page: Page) -> None:
        """Its ring stands on the setting's square, whose colour is that of the mean entropy; a click goes there."""
        colours = json.loads(page.locator("#explorer-table").text_content() or "")["colours"]
        scale = page.locator(".scale rect").evaluate_all("nodes => nodes.map(node => node.getAttribute('fill'))")
        assert scale == colours
        for rule, alpha in ALPHA.items():
            put(page, 64, 16, rule)
            ring = page.locator(".here").first
            assert (ring.get_attribute("cx"), ring.get_attribute("cy")) == ("6.5", "6.5")
            share = float(attention_law(64, 16, 64**-alpha).entropy) / np.log(16)
            square = page.locator('.squares rect[x="6"][y="6"]')
            assert square.get_attribute("fill") == colours[int(10 * share)]
        page.locator('.squares rect[x="2"][y="0"]').click()
        assert page.locator("output[for=explorer-d-k]").text_content() == "4"
        assert page.locator("output[for=explorer-n-keys]").text_content() == "1024"

    def test_the_maps_line_and_labels_are_in_their_places(self, page: Page) -> None:
        """The line runs through d_k = 2 ln n, and each label names the row or column beside which it stands."""
        path = page.locator(".freezing path").first.get_attribute("d") or ""
        x, y = np.array([point.split() for point in path[1:].split("L")], dtype=float).T
        n_keys, d_k = 2 ** (len(KEYS) + 0.5 - y), 2 ** (x - 0.5)
        assert d_k == pytest.approx(2 * np.log(n_keys), rel=2e-3)
        assert n_keys[[0, -1]] == pytest.approx([2**0.5, KEYS[-1] * 2**0.5], rel=1e-3)
        for place, values, step in ((".map .ticks span", KEYS[::-1], 3), (".dimensions span", DIMENSIONS, 4)):
            labels = page.locator(place).all_text_contents()
            assert labels in [[str(v) if i % step == k else "" for i, v in enumerate(values)] for k in range(step)]
        assert page.locator(".dimensions span").first.text_content() == "1"
        assert page.locator(".map .ticks span").last.text_content() == "2"

    def test_axes_are_round_and_shared_unless_asked_otherwise(self, page: Page) -> None:
        """Both begin at 0 and end at the same 1, 0.5, 0.2, 0.1 …, the least that no bar of either exceeds."""
        steps = [float(f"{digit}e{power}") for power in (0, -1, -2, -3) for digit in (5, 2, 1)]
        for d_k, n_keys, rule in ((1, 64, "raw"), (16, 16, "scaled"), (4, 256, "inverse"), (1, 1024, "scaled")):
            put(page, d_k, n_keys, rule, seed=3)
            axes = [page.locator(f'[data-panel="{c}"] .ticks span').all_text_contents() for c in ("first", "second")]
            assert axes[0] == axes[1]
            top, middle, bottom = map(float, axes[0])
            largest = max(reading(page, column, "drawn", "max_weight") for column in ("first", "second"))
            assert top == min(step for step in (1.0, *(step / 10 for step in steps)) if step >= largest)
            assert (middle, bottom) == (top / 2, 0)

    def test_equal_weights_have_a_line_at_their_height(self, page: Page) -> None:
        """On the row's own axis it is at 1/n of it, and the largest weight within it."""
        put(page, 64, 128, "scaled")
        page.locator("#explorer-own-axes").check()
        top = float(page.locator('[data-panel="second"] .ticks span').first.text_content() or "")
        line = float((page.locator('[data-panel="second"] .equal').get_attribute("d") or "")[3:-2])
        assert (1 - line) * top == pytest.approx(1 / 128)
        largest = reading(page, "second", "drawn", "max_weight")
        assert largest <= top <= 2.5 * largest
        assert heights(page, "second").max() * top == pytest.approx(largest, rel=1e-3)

    @pytest.mark.parametrize("width", [1440, 400])
    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_words_are_legible(self, browser: Browser, full: Path, width: int, scheme: str) -> None:
        """Every text of it has a contrast of at least 4.5, bars of 3, and nothing is wider than the window."""
        page, _ = visit(browser, full, width, color_scheme=scheme)
        for rule in ("scaled", "inverse"):
            put(page, 64, 1024, rule)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            pairs = page.evaluate(
                """() => [...document.querySelectorAll(".explorer :is(th, td, span, p, label, output, button)")]
                    .filter(node => node.textContent.trim()).map(node => getComputedStyle(node).color)"""
            )
            bars = page.evaluate('[...document.querySelectorAll(".bars")].map(node => getComputedStyle(node).fill)')
            paper = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert min(contrast(colour, paper) for colour in pairs) >= 4.5
            assert min(contrast(colour, paper) for colour in bars) >= 3
        page.context.close()

    @pytest.mark.parametrize("width", [1440, 1216, 720, 320])
    def test_every_setting_reads_well(self, browser: Browser, full: Path, width: int) -> None:
        """At all stops of all rules every word is one, every number is plain, and nothing runs into another part."""
        page, seen = visit(browser, full, width, reduced_motion="reduce")
        assert page.evaluate(TOUR) == len(DIMENSIONS) * len(KEYS) * len(ALPHA)
        assert page.evaluate("window.faults") == []
        assert seen["messages"] == []
        page.context.close()

    def test_what_is_shown_is_where_the_controls_stand_after_going_back(self, browser: Browser, full: Path) -> None:
        """A browser that puts the controls back, after the script or before it, finds the display with them."""
        page, seen = visit(browser, full)
        page.locator("#explorer-d-k").press("Home")
        page.locator("#explorer-raw").check()
        page.locator("#explorer-seed").fill("77")
        shown = page.locator(".panels").inner_html()
        page.goto((full / "report" / "figures" / "three-rules.svg").as_uri())
        page.go_back()
        assert page.locator("#explorer-seed").input_value() == "77"
        expect(page.locator("output[for=explorer-d-k]")).to_have_text("1")
        assert page.locator(".panels").inner_html() == shown
        expect(page.locator(".explorer .summary")).to_contain_text("With 1 dimension and 16 keys ")
        page.add_init_script(
            """new MutationObserver((_, watch) => {
                if (!document.getElementById("explorer-again")) return;
                watch.disconnect();
                document.getElementById("explorer-d-k").value = 3;
                document.getElementById("explorer-seed").value = "";
            }).observe(document, { childList: true, subtree: true });"""
        )
        page.goto(page.url)
        assert page.locator("output[for=explorer-d-k]").text_content() == "8"
        assert page.locator("#explorer-seed").input_value() == "1"
        assert seen["messages"] == []
        page.context.close()

    def test_it_is_there_with_scripts_and_a_figure_always(self, browser: Browser, full: Path) -> None:
        """On a screen with scripts both, on paper or without scripts the figure and a word about what is not there."""
        for scripts, media, live in ((True, "screen", True), (False, "screen", False), (True, "print", False)):
            page, seen = visit(browser, full, java_script_enabled=scripts)
            page.emulate_media(media=media)  # type: ignore[arg-type]
            for part in page.locator("#section-explorer .live").all():
                assert part.is_visible() == live
            assert page.locator("#section-explorer .still").is_visible() != live
            assert page.locator("#figure-three-rules .frame > svg").is_visible()
            assert seen["messages"] == []
            page.context.close()

    def test_it_asked_for_nothing_and_complained_of_nothing(self, watched: tuple[Page, Seen]) -> None:
        """After a tour of the settings: no request but for the file and its fonts, and a silent console."""
        page, seen = watched
        for setting in SETTINGS:
            put(page, *setting)
            page.locator("#explorer-again").click()
        assert {url for url in seen["requests"] if not url.startswith("data:font/woff2")} == {page.url}
        assert seen["messages"] == []


def contrast(colour: str, paper: str) -> float:
    """WCAG's ratio of two rgb(…) colours."""
    light, dark = sorted((luminance(colour), luminance(paper)), reverse=True)
    return (light + 0.05) / (dark + 0.05)
