"""The page of an audit: one file, offline, valid, and true to its numbers, whatever names a file has."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser

from audit_heads import NAME, PLANTED, heads, many_heads, planted, planted_file
from chromium import visit_file
from conftest import command_line
from experiments.audit.law_curve import law_curve
from experiments.audit.measured import Settings, measure_heads
from experiments.audit.options import AuditOptions
from experiments.audit.record import audit_record
from experiments.audit.sources import HeadSource
from experiments.faults import printable
from report.audit.command import audit
from report.audit.page import LARGEST_DATA, audit_page
from report.audit.paragraphs import NAMED, paragraphs
from report.audit.tables import MOST_ROWS, table_rows
from report.figures import OF_AN_AUDIT, head_maps, head_plane
from report.figures.head_maps import SATURATION_MAPS, SIZE_MAPS
from slide_judges import faults_of_text
from test_accessibility import faults
from test_page import XHTML, attributes, read

WRONG_WORDS = re.compile(r"(?<!\w)(nan|inf|None|Undefined)(?!\w)")


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of an audit of the planted heads, built once by its command."""
    folder = tmp_path_factory.mktemp("audit")
    done = command_line("report", "audit", planted_file(folder), "--jobs", 1, "--out", folder / "out")
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    expected = r"\d+\.\d s · 10 heads · \S+/out/audit/index\.html · 2 saturated as used, 8 raw, 1 nearly uniform\n"
    assert re.fullmatch(expected, done.stdout), done.stdout
    return folder / "out" / "audit"


@pytest.fixture(scope="module")
def html(built: Path) -> str:
    """The page."""
    return (built / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def document(html: str) -> ElementTree.Element:
    """The page, parsed as a browser would."""
    return html5lib.parse(html)


def test_it_is_valid_and_small(html: str) -> None:
    """A strict HTML5 parser finds no error; three figures, each once."""
    parser = html5lib.HTMLParser(strict=True)
    parser.parse(html)
    assert parser.errors == []
    assert len(html.encode()) < 600_000
    for spec in OF_AN_AUDIT:
        assert html.count(f'id="figure-{spec.name}"') == 1


def test_nothing_is_loaded_from_anywhere(built: Path, document: ElementTree.Element) -> None:
    """No source; no address but anchors and files that lie beside the page."""
    assert attributes(document, "src") == []
    links = {target for target in attributes(document, "href") if not target.startswith("#")}
    assert links == {str(path.relative_to(built)) for path in built.rglob("*.*")} - {"index.html"}


def test_the_policy_allows_its_own_style_and_scripts_alone(html: str) -> None:
    """Their hashes, fonts and pictures inside the page; no attribute that it would block."""
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]+)"', html)
    assert policy.startswith("default-src 'none'; ")
    for tag in ("style", "script"):
        for source in re.findall(rf"<{tag}>(.*?)</{tag}>", html, re.DOTALL):
            assert base64.b64encode(hashlib.sha256(source.encode()).digest()).decode() in policy
    assert not re.search(r"<[^>]*\s(style|on\w+)=", re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))


def test_names_from_files_are_text_and_nothing_else(built: Path, html: str, document: ElementTree.Element) -> None:
    """As they are, on the page and in both data files; no formula is made of them, none names a figure or an id."""
    assert "<script>alert" not in html
    assert f"heads & more.npz: {printable(NAME)}.q (5, 384, 32) float64" in read(document)
    assert "‮" not in html
    assert "<mfrac><mi>x" not in html
    assert set(pd.read_csv(built / "audit.csv")["layer"]) == {printable(NAME), "~"}
    heads = json.loads((built / "audit.json").read_text(encoding="utf-8"))["heads"]
    assert {head["layer"] for head in heads} == {printable(NAME), "~"}
    assert str(built.parent.parent) not in html + (built / "audit.json").read_text(encoding="utf-8")


def test_what_was_planted_is_said(document: ElementTree.Element) -> None:
    """Under each heading stand the heads that are of its kind, with their numbers."""
    text = read(document)
    labels = {name: f"Layer {i // 5}, head {i % 5}:" for i, name in enumerate(PLANTED)}
    headings = ["Saturated as used: 2 of 10", "Nearly uniform: 1 of 10", "Larger scores than the division aims at: 1"]
    headings += ["Rows unlike normal ones: 1", "Queries and keys along the same directions: 1"]
    places = [text.index(heading) for heading in headings]
    assert places == sorted(places)
    parts = dict(zip(headings, (text[a:b] for a, b in zip(places, [*places[1:], None], strict=True)), strict=True))
    for heading, kind in zip(headings, ("saturated", "flat", "sharp", "off-law", "aligned"), strict=True):
        its = [label for name, label in labels.items() if kind in PLANTED[name]]
        assert [
            label for label in labels.values() if label in parts[heading].split("Queries and keys along diff")[0]
        ] == its
    saturated = parts["Saturated as used: 2 of 10"]
    assert re.search(
        r"owed to the joint term, 8\d\.\d [^(]*\(entries of variance [89]\.\d+ and [89]\.\d+, align", saturated
    )
    assert re.search(
        r"In (9\d|100) % of the rows the largest weight is on the token before: if that is what", saturated
    )
    assert "The spread of its rows is not the reason" in saturated


def test_every_head_is_in_the_tables(built: Path, document: ElementTree.Element) -> None:
    """Two rows each, with the numbers of the table beside the page."""
    frame = pd.read_csv(built / "audit.csv")
    rows = [
        ["".join(cell.itertext()) for cell in line]
        for table in document.iter(f"{XHTML}table")
        for line in table.find(f"{XHTML}tbody")  # type: ignore[union-attr]
    ]
    assert [row[0] for row in rows] == 2 * [f"layer {i // 5}, head {i % 5}" for i in range(10)]
    for row, head in zip(rows, frame.itertuples(), strict=False):
        assert float(row[2]) == pytest.approx(head.normalised_entropy, rel=0.006)
        assert row[-1] == str(head.findings).replace(";", ", ")


def test_the_same_files_give_the_same_bytes(built: Path, tmp_path: Path) -> None:
    """On another number of threads, from another folder, over an audit of something else."""
    (tmp_path / "elsewhere").mkdir()
    file = planted_file(tmp_path / "elsewhere")
    np.savez(tmp_path / "one.npz", q=np.eye(20), k=np.eye(20))
    plain = AuditOptions((file,), False, None, Settings(), 2, tmp_path)
    assert audit(replace(plain, paths=(tmp_path / "one.npz",), settings=Settings(causal=True))) == 0
    assert len(list((tmp_path / "audit" / "figures").iterdir())) == 2
    assert audit(plain) == 0
    found = {path.relative_to(tmp_path / "audit"): path.read_bytes() for path in (tmp_path / "audit").rglob("*.*")}
    assert found == {path.relative_to(built): path.read_bytes() for path in built.rglob("*.*")}


OPTIONS = AuditOptions((Path("a.npz"),), False, None, Settings(), 1, Path("build"))


def page_of(frame: pd.DataFrame) -> tuple[str, dict[str, bytes]]:
    """The page and all files."""
    files = audit_page(frame, law_curve(frame, causal=False), audit_record(frame, ["a.npz: q, k"], OPTIONS))
    return files["audit/index.html"].decode(), files


def test_one_head_has_a_page_of_its_own() -> None:
    """No maps, no numbers of heads, nothing about layers."""
    q, k = planted()
    frame = measure_heads([HeadSource("0", 0, 0, 0, [(q[2], k[2])])], Settings(), 1)
    html, files = page_of(frame)
    html5lib.HTMLParser(strict=True).parse(html)
    text = read(html5lib.parse(html))
    assert "Is this head saturated?" in text
    assert "As used, the head is saturated" in text
    remedy = r"A scale of 0\.0(19|20)\d* in place of 0\.177 would bring it to 0\.917: a temperature of [89]\.\d+\."
    assert re.search(remedy, text)
    assert not re.search(r"layer \d|: 1 of 1\b|1 heads", text)
    assert not WRONG_WORDS.search(text)
    assert "audit/figures/sizes-by-layer-and-head.svg" not in files


@pytest.mark.parametrize("place", [0, 1, 3, 5, 6])
def test_odd_heads_have_a_page_too(place: int) -> None:
    """Constant, zero, tiny and huge ones, with few tokens and without; no nan, no None."""
    from test_audit import odd_heads

    q, k = odd_heads()[place]
    html, _ = page_of(measure_heads([HeadSource("0", 0, 0, 0, [(q, k)])], Settings(), 1))
    html5lib.HTMLParser(strict=True).parse(html)
    assert not WRONG_WORDS.search(read(html5lib.parse(html)))


def test_of_many_heads_the_gravest_are_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    """They are named and in the tables; what has no room inside the page lies beside it."""
    monkeypatch.setattr("report.audit.page.LARGEST_DATA", 10_000)
    frame = many_heads(24, 16)
    html, files = page_of(frame)
    assert len(table_rows(frame)) == MOST_ROWS
    assert f"These are the {MOST_ROWS} heads with the gravest findings" in read(html5lib.parse(html))
    for paragraph in paragraphs(frame):
        assert len(paragraph.items) <= NAMED.get(paragraph.name, 6)
        assert paragraph.n_more == paragraph.n - len(paragraph.items)
    assert len(embedded_data(html)) <= 10_000
    assert 'data-file="audit.csv"' not in html
    assert 'data-file="audit_law.csv"' in html
    assert 'href="audit.csv"' in html
    assert len(pd.read_csv(BytesIO(files["audit/audit.csv"]))) == 24 * 16
    assert [len(head_maps.shown(head_maps.SIZES, n)) for n in (1, 1024, 2048, 3200, 4096, 10_000)] == [6, 6, 3, 3, 2, 1]


def embedded_data(html: str) -> str:
    """The block of data."""
    data = re.search(r'<script type="application/json" id="data">(.*?)</script>', html, re.DOTALL)
    assert data is not None
    return data[1]


@pytest.mark.soak
@pytest.mark.parametrize(("n_layers", "n_heads"), [(32, 32), (40, 80), (126, 128)])
def test_a_page_stays_within_two_megabytes(n_layers: int, n_heads: int) -> None:
    """A thousand heads have their table inside; sixteen thousand are as many as the largest models have."""
    html, _ = page_of(many_heads(n_layers, n_heads))
    assert len(html.encode()) <= 2_000_000
    assert len(embedded_data(html)) <= LARGEST_DATA
    assert ('data-file="audit.csv"' in html) == (n_layers == 32)


@pytest.mark.parametrize("shape", [(1, 12), (12, 1), (3, 8, 24, 5)], ids=str)
def test_texts_of_long_and_ragged_maps_stand_apart(shape: tuple[int, ...]) -> None:
    """One layer, one head in each layer, and layers with fewer heads."""
    assert faults_of_text(SIZE_MAPS.draw(heads(*shape))) == []


def test_maps_show_each_head_in_its_place() -> None:
    """A cell of the right colour for each head, its number in it where there is room, none where there is no head."""
    frame = heads(3, 8, 24, 5).assign(normalised_entropy=lambda of: (of["head"] + 10 * of["layer_number"]) / 40 + 0.01)
    figure = SATURATION_MAPS.draw(frame)
    axes = figure.axes[0]
    texts = {(round(text.get_position()[1]), round(text.get_position()[0])): text.get_text() for text in axes.texts}
    assert texts == {
        (row.layer_number, row.head): f"{row.normalised_entropy:.2f}" for row in frame.itertuples()
    }  # fmt: skip
    for row in frame.itertuples():
        colours = [
            patch.get_facecolor()
            for patch in axes.patches
            if patch.get_path().contains_point((row.head, row.layer_number))
        ]
        assert len(colours) == 1
        level = min(9, int(row.normalised_entropy * 10 + 1e-9))
        assert colours[0] == pytest.approx(head_maps.COLOURS(level / 9), abs=0.003)
    assert not any(patch.get_path().contains_point((7, 2)) for patch in axes.patches)


def test_octaves_put_one_in_the_middle_of_a_colour() -> None:
    """Values about 1 are not told apart by rounding; a range of many octaves has few colours; zeros are no trouble."""
    quantity = SIZE_MAPS and head_maps.SIZES[0]
    near = head_maps.edges_of(quantity, np.array([0.98, 1.02]))
    assert np.allclose(near, [2**-1.5, 2**-0.5, 2**0.5, 2**1.5])
    wide = head_maps.edges_of(quantity, np.array([0.0, 1e-9, 1e9, np.nan]))
    assert len(wide) <= head_maps.MOST_OCTAVES + 2
    assert wide[0] < 1e-9
    assert wide[-1] > 1e9
    octaves = head_maps.edges_of(quantity, 2.0 ** np.arange(-6, 8))
    assert np.allclose(octaves, 2.0 ** (np.arange(-6, 9) - 0.5))
    middles = np.log2(wide[1:] * wide[:-1]) / 2
    assert np.allclose(middles, middles.round())
    assert len(head_maps.edges_of(quantity, np.zeros(3))) == 4


def test_points_of_many_heads_are_thinned_evenly() -> None:
    """A thousand of them, from the least to the largest spread; of fewer, all."""
    frame = many_heads(126, 128)
    drawn = head_plane.drawn(frame)
    assert len(drawn) == head_plane.MOST_POINTS
    assert drawn["row_sd"].agg(["min", "max"]).tolist() == frame["row_sd"].agg(["min", "max"]).tolist()
    assert head_plane.drawn(heads(4, 4)) is heads(4, 4)
    law = law_curve(frame, causal=False)
    assert "Drawn are 1000 heads" in head_plane.caption(frame, law)
    assert "Drawn" not in head_plane.caption(heads(4, 4), law)


def test_captions_and_alternatives_have_the_numbers() -> None:
    """Least, largest and median values; no nan where a head has no variance."""
    frame = heads(4, 4)
    assert f"{frame['normalised_entropy'].median():#.2g} of the largest entropy" in SATURATION_MAPS.caption(frame)
    zero = frame.assign(variance=0.0, joint=0.0, mean_query=0.0, mean_key=0.0, variance_per_d_k=0.0)
    for spec in (SIZE_MAPS, SATURATION_MAPS):
        for of in (frame, zero):
            assert not WRONG_WORDS.search(spec.caption(of) + spec.alt(of))
    SIZE_MAPS.draw(zero)
    assert "4 layers by up to 4 heads" in SIZE_MAPS.alt(frame)


@pytest.mark.browser
@pytest.mark.parametrize("width", [1440, 400, 320])
def test_a_browser_asks_for_nothing_and_nothing_sticks_out(browser: Browser, built: Path, width: int) -> None:
    """The log holds the page itself, the console is silent, and the page does not scroll sideways."""
    page, seen = visit_file(browser, built / "index.html", width)
    page.wait_for_timeout(200)
    assert [url for url in seen["requests"] if not url.startswith("data:font/woff2")] == [page.url]
    assert seen["messages"] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_axe_finds_nothing(browser: Browser, built: Path, scheme: str, width: int) -> None:
    """No violation of its rules, in either theme."""
    page, _ = visit_file(browser, built / "index.html", width, color_scheme=scheme)
    assert faults(page) == []
    page.context.close()


@pytest.mark.browser
def test_the_page_alone_hands_out_its_data(browser: Browser, built: Path, tmp_path: Path) -> None:
    """Tables to eight digits, the record to the byte."""
    (tmp_path / "page.html").write_bytes((built / "index.html").read_bytes())
    page, _ = visit_file(browser, tmp_path / "page.html", accept_downloads=True)
    for name in ("audit.csv", "audit.json", "audit_law.csv"):
        with page.expect_download() as started:
            page.locator(f'#section-provenance a[data-file="{name}"]').click()
        content = started.value.path().read_bytes()
        if name.endswith(".json"):
            assert content == (built / name).read_bytes()
        else:
            found, expected = pd.read_csv(BytesIO(content)), pd.read_csv(built / name)
            pd.testing.assert_frame_equal(found, expected, rtol=5.1e-8, atol=0, check_dtype=False)
    page.context.close()
