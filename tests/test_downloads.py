"""Files out of the page alone: what a click saves is what the run wrote."""

import base64
import json
import re
import zlib
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from playwright.sync_api import Browser, Page

from chromium import Seen, visit_file
from conftest import figures_of_the_report
from report.document import script
from report.embedded import DIGITS, END, packed, table_text, turned
from report.figures.theme import LIGHT


@pytest.fixture(scope="module")
def alone(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page in a folder of its own."""
    file = tmp_path_factory.mktemp("alone") / "page.html"
    file.write_bytes((report / "report" / "index.html").read_bytes())
    return file


@pytest.fixture(scope="module")
def visited(browser: Browser, alone: Path) -> Iterator[tuple[Page, Seen]]:
    """The lone page in a dark window, which must not show in its files."""
    page, seen = visit_file(browser, alone, color_scheme="dark", accept_downloads=True)
    yield page, seen
    page.context.close()


@pytest.fixture(scope="module")
def easel(browser: Browser) -> Iterator[Page]:
    """A light window for pictures, 700 px wide."""
    page = browser.new_page(viewport={"width": 700, "height": 1200}, color_scheme="light")
    page.set_content("<style>body{margin:0}img{width:700px;display:block}</style><img>")
    yield page
    page.close()


def saved(page: Page, link: str) -> tuple[str, bytes]:
    """Name and content of the file that a click on a link saves."""
    page.wait_for_timeout(110)  # Chromium drops the eleventh download of a second
    with page.expect_download() as started:
        page.locator(link).first.click()
    return started.value.suggested_filename, started.value.path().read_bytes()


def test_every_link_to_a_file_names_it(report: Path) -> None:
    """What the script hands out has the name of the file beside the page."""
    html = (report / "report" / "index.html").read_text(encoding="utf-8")
    links = re.findall(r'<a href="((?:figures|\.\.)/[^"]+)"( data-file="([^"]+)")?', html)
    assert len(links) > 3 * len(figures_of_the_report())
    for target, _, name in links:
        assert target.rpartition("/")[2] == name


@pytest.mark.browser
def test_tables_and_claims_come_out_as_they_were_written(report: Path, visited: tuple[Page, Seen]) -> None:
    """Every table to eight digits, with its names and empty fields as they are; JSON to the byte."""
    page, _ = visited
    for file in sorted((report / "data").iterdir()):
        name, content = saved(page, f'#section-provenance a[data-file="{file.name}"]')
        assert name == file.name
        if file.suffix == ".json":
            assert content == file.read_bytes()
            continue
        expected, found = pd.read_csv(file), pd.read_csv(BytesIO(content))
        pd.testing.assert_frame_equal(found, expected, rtol=5.1e-8, atol=0, check_dtype=False)
        assert content.count(b"\n") == file.read_bytes().count(b"\n")
    _, content = saved(page, '#section-provenance a[data-file="claims.json"]')
    shortened = json.loads(
        (report / "claims.json").read_text(), parse_float=lambda number: float(f"{float(number):.8g}")
    )
    assert json.loads(content) == shortened
    assert shortened["claims"] != json.loads((report / "claims.json").read_text())["claims"]


@pytest.mark.browser
@pytest.mark.parametrize("name", [spec.name for spec in figures_of_the_report()])
def test_figures_come_out_as_they_were_drawn(report: Path, easel: Page, visited: tuple[Page, Seen], name: str) -> None:
    """SVG and PNG on white: a picture of the saved SVG differs by next to nothing from one of the run's own."""
    page, _ = visited
    saved_name, svg = saved(page, f'#figure-{name} a[data-file="{name}.svg"]')
    assert saved_name == f"{name}.svg"
    root = ElementTree.fromstring(svg)
    ids = [node.get("id") for node in root.iter() if node.get("id")]
    assert len(ids) == len(set(ids))
    uses = [node.get("href", "") for node in root.iter() if node.tag.endswith("}use")]
    assert {use.removeprefix("#") for use in uses} <= set(ids)
    assert not re.search(rb"currentColor|var\(|\bclass=", svg)
    original = (report / "report" / "figures" / f"{name}.svg").read_bytes()
    own, theirs = picture(easel, svg), picture(easel, original)
    assert own.shape == theirs.shape
    assert theirs.std() > 0.01  # or there is nothing to compare
    assert np.abs(own - theirs).mean() < 0.0025
    assert (np.abs(own - theirs) > 0.25).mean() < 0.001  # edges alone, and few of them
    saved_name, png = saved(page, f'#figure-{name} a[data-file="{name}.png"]')
    assert saved_name == f"{name}.png"
    pixels = imread(BytesIO(png))
    assert pixels.shape[1] == 2000
    assert pixels.shape[0] / 2000 == pytest.approx(own.shape[0] / own.shape[1], abs=0.002)
    assert (pixels[[0, -1], :, :3] == 1).all()


def picture(easel: Page, svg: bytes) -> np.ndarray:
    """An SVG file as a browser shows it: rows, columns, colours."""
    easel.evaluate(
        "source => { const img = document.querySelector('img'); img.src = source; return img.decode() }",
        f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}",
    )
    return imread(BytesIO(easel.locator("img").screenshot()))[:, :, :3]


@pytest.mark.browser
def test_saving_asks_nobody(visited: tuple[Page, Seen]) -> None:
    """After a file of each kind: nothing but the page itself, its fonts and its own pictures was loaded."""
    page, seen = visited
    for kind in ("svg", "png", "csv", "json"):
        saved(page, f'a[data-file$=".{kind}"]')
    assert {url.split(",")[0].split("/")[0] for url in seen["requests"] if url != page.url} <= {
        "data:font", "blob:null", "blob:file:"
    }  # fmt: skip
    assert seen["messages"] == []


@pytest.mark.browser
def test_without_scripts_links_lead_to_the_files(browser: Browser, report: Path) -> None:
    """A click opens the file beside the page."""
    page, _ = visit_file(browser, report / "report" / "index.html", java_script_enabled=False)
    page.locator('a[data-file$=".svg"]').first.click()
    page.wait_for_url("**/figures/*.svg")
    page.context.close()


@pytest.mark.browser
def test_a_click_with_a_key_held_is_the_browsers_own(browser: Browser, report: Path) -> None:
    """With Control the file beside the page opens in a tab of its own, as any link would."""
    page, _ = visit_file(browser, report / "report" / "index.html")
    with page.context.expect_page() as opened:
        page.locator('a[data-file$=".svg"]').first.click(modifiers=["Control"])
    opened.value.wait_for_url("**/figures/*.svg")
    page.context.close()


@pytest.mark.browser
@pytest.mark.parametrize(
    "harm",
    ["delete window.DecompressionStream", "document.getElementById('data').textContent = '{}'"],
    ids=["an old browser", "damaged data"],
)
def test_where_saving_fails_links_lead_to_the_files(browser: Browser, report: Path, harm: str) -> None:
    """A click opens the file beside the page all the same."""
    page, _ = visit_file(browser, report / "report" / "index.html")
    page.evaluate(harm)
    page.locator('a[data-file="claims.json"]').first.click()
    page.wait_for_url("**/claims.json")
    page.context.close()


def unpacked(text: str) -> str:
    """What was packed, by Python's own base 85."""
    return zlib.decompress(base64.b85decode(text.replace(".", "<"))).decode()


def files_inside(html: str) -> dict[str, str]:
    """Name and content of every file that a page holds."""
    (block,) = re.findall(r'<script type="application/json" id="data">(.*?)</script>', html, flags=re.DOTALL)
    parts = unpacked(json.loads(block)).split(END)
    names = parts[::2]
    assert len(names) == len(set(names))
    return dict(zip(names, parts[1::2], strict=True))


def test_data_are_packed_to_the_same_bytes() -> None:
    """No time stamp; what is packed comes out again, whatever its length; nothing in it ends a script or a string."""
    rng = np.random.default_rng(3)
    for length in range(50):
        text = "".join(map(chr, rng.integers(32, 1000, length)))
        assert packed(text) == packed(text)
        assert unpacked(packed(text)) == text
        assert not set(packed(text)) & set('<"\\')


@pytest.mark.browser
def test_the_script_reads_what_was_packed(browser: Browser, report: Path) -> None:
    """Blocks of every length, so that the last group of digits has every length that it can have."""
    page, _ = visit_file(browser, report / "report" / "index.html", accept_downloads=True)
    for length in range(12):
        content = json.dumps("".join(map(chr, np.random.default_rng(length).integers(32, 1000, 3**length % 257))))
        block = json.dumps(packed(f"a.json{END}null{END}b.json{END}{content}"))
        page.evaluate("block => { document.getElementById('data').textContent = block }", block)
        page.evaluate("document.querySelector('a[data-file]').dataset.file = 'b.json'")
        assert saved(page, 'a[data-file="b.json"]')[1].decode() == content
    page.context.close()


def test_tables_keep_eight_digits_and_whole_numbers_all() -> None:
    """Large counts come out as they are, also where a column has gaps; others are rounded, not cut."""
    frame = pd.DataFrame({"n": [2.0**40 + 1, np.nan, -3.0, 1e300], "x": [2 / 3, 1e-300 / 3, -123456789.125, 0.1]})
    assert DIGITS == 8
    assert table_text(frame) == ("n,x\n1099511627777,0.66666667\n,3.3333333e-301\n-3,-1.2345679e+08\n1e+300,0.1\n")


def test_tables_are_turned() -> None:
    """Columns become lines, quotes and empty fields stay; what could not be turned back is refused."""
    assert turned('a,b\n1,"x,y"\n,"say ""so"""\n') == 'a\t1\t\nb\t"x,y"\t"say ""so"""'
    for wrong in ("a\n1\t2\n", "a\n1\0\n", 'a,b\n"x\ny",2\n', 'a\n"x"\n'):
        with pytest.raises(ValueError, match="cannot be turned"):
            turned(wrong)


def test_the_page_carries_every_table_once(report: Path) -> None:
    """The data block holds all that stands in the folder, and no more than 200 kB."""
    html = (report / "report" / "index.html").read_text(encoding="utf-8")
    inside = files_inside(html)
    assert set(inside) == {path.name for path in (report / "data").iterdir()} | {"claims.json"}
    assert len(packed(END.join(inside.values()))) < 200_000


def test_files_are_in_the_figures_own_ink() -> None:
    """The script's colour for text is that of the drawing code."""
    assert f'const INK = "{LIGHT.ink}";' in script("page")
