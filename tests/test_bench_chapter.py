"""The chapter on costs: there with its file, gone without it, and never a reason for the page to fail."""

import json
import re
import shutil
from pathlib import Path

import html5lib
import pytest
from playwright.sync_api import Browser

from bench_record import DIMENSIONS, record
from chromium import visit_file
from conftest import TINY, command_line, start_from
from experiments.runner import Results
from report.contents import CHAPTERS, parts_of
from report.cost import FILE, Cost, read_cost, seconds_text
from report.cost_record import LARGEST_FILE, Bench
from report.drawing import draw_all
from report.figures.growth import FIGURES
from report.page import page_files, render
from test_accessibility import faults
from test_downloads import files_inside


def cost_of(bench: Bench) -> Cost:
    """What the page is given."""
    return Cost(bench, bench.model_dump_json())


@pytest.fixture(scope="module")
def kept(report: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where drawn figures wait: those of the run at first, and then those of what it costs."""
    out = tmp_path_factory.mktemp("kept")
    start_from(report, out)
    return out / ".figures"


@pytest.fixture(scope="module")
def files(results: Results, kept: Path) -> dict[str, bytes]:
    """A report with the chapter."""
    return page_files(results, kept, cost=cost_of(record()))


@pytest.fixture(scope="module")
def html(files: dict[str, bytes]) -> str:
    """Its page."""
    return files["report/index.html"].decode()


def chapter(html: str) -> str:
    """The chapter's HTML, with plain spaces."""
    (found,) = re.findall(r'<section id="section-cost">.*?</section>', html, flags=re.DOTALL)
    return str(found).replace("\u00a0", " ").replace("&nbsp;", " ")


def words(html: str) -> str:
    """What is read of it."""
    return " ".join(re.sub(r"<[^>]*>", "", html.replace("</td>", " ").replace("</th>", " ")).split())


def test_the_chapter_stands_behind_how_it_was_measured(html: str) -> None:
    """In the text and in the contents, numbered through."""
    names = [chapter.name for chapter in CHAPTERS]
    place = names.index("method") + 1
    wanted = [*names[:place], "cost", *names[place:]]
    assert [chapter.name for part in parts_of(True) for chapter in part.chapters] == wanted
    assert re.findall(r'<section id="section-([\w-]+)">', html) == wanted
    nav = re.search(r"<nav.*?</nav>", html, flags=re.DOTALL)
    assert nav is not None
    assert re.findall(r'href="#section-([\w-]+)"', nav[0]) == wanted
    numbers = [int(number) for number in re.findall(r'<span class="number">(\d+)</span>', nav[0])]
    assert numbers == list(range(1, len(wanted)))
    titles = re.findall(r'<h2>(?:<span class="number">(\d+)</span>)?', html)
    assert [int(number) for number in titles if number] == numbers


def test_the_page_with_it_is_valid_small_and_whole(files: dict[str, bytes], html: str) -> None:
    """No error of HTML, no id twice, no link without its target, the figures as files, the record inside the page."""
    parser = html5lib.HTMLParser(strict=True)
    document = parser.parse(html)
    assert parser.errors == []
    assert len(html.encode()) <= 2_000_000
    ids = [value for node in document.iter() for key, value in node.items() if key == "id"]
    assert len(ids) == len(set(ids))
    for target in re.findall(r'href="([^"]*)"', chapter(html)):
        is_anchor = target.startswith("#")
        assert target[1:] in ids if is_anchor else f"report/{target}" in files or target == f"../{FILE}", target
    for spec in FIGURES:
        assert html.count(f'id="figure-{spec.name}"') == 1
        assert f"report/figures/{spec.name}.svg" in files
    assert files_inside(html)[FILE] == cost_of(record()).text
    assert FILE not in files


def test_the_same_record_gives_the_same_bytes(results: Results, kept: Path, files: dict[str, bytes]) -> None:
    """Drawn anew."""
    assert page_files(results, kept, cost=cost_of(record()))["report/index.html"] == files["report/index.html"]


def test_its_numbers_are_the_records(html: str) -> None:
    """Ratios, times, exponents, phases and the floor, and what a sentence makes of them; text is escaped."""
    text = words(chapter(html))
    for expected in (
        "on one processor of the kind “A &lt;b&gt;fast&lt;/b&gt; one”",
        "in each of 5 rounds",
        "the lecture’s loop over pairs 233 233 233",
        "NumPy, float32, einsum 1.5 1.5 1.5",
        "the second moments take 1.0 ms at",
        "the lecture’s loop takes 233 ms and 233 ms",  # 1 / (1e-4 · 1e7 / 233)
        "costs 100 and 100 ns",
        "the exponentials alone, float32 1.2 1.2",
        "1.2 (2.5)",
        "with 8 scales",
        "softmax_law.max_weight 300 µs",
        "direct: 0.98 (0.97 to 0.99), from 4 to 1024",
        "1.0 ms direct at 1024 and 4.1 ms radial at 4096",
        "in one process: 20.0 s, with quartiles 18.0 and 22.0 s over 3 runs",
        "drawing 3.00 17 %",
        "that is 2.5 seconds of one processor",
        "10 seconds, 4.0 times as much",
    ):
        assert expected in text, expected
    for word in ("nan", "None", "Undefined", "{{"):
        assert word not in text


def test_what_was_not_measured_is_not_spoken_of(results: Results, kept: Path) -> None:
    """Without torch no row of it, and a sentence that says so; a quick look says that it is one and has no run."""
    with_all, without = (cost_of(record(torch=torch)) for torch in ("2.9", None))
    assert len(with_all.efficiency.lines) == len(without.efficiency.lines) + 2 == 6
    pages = []
    for cost in (without, cost_of(record(is_quick=True))):
        pages.append(words(chapter(page_files(results, kept, cost=cost)["report/index.html"].decode())))
    assert "torch is not installed where this was measured" in pages[0]
    assert "torch:" not in pages[0]
    assert "torch is not installed" not in pages[1]
    assert "a quick look" in pages[1]
    assert "This page" not in pages[1]


def test_without_the_file_there_is_no_trace(results: Results, kept: Path, html: str, tmp_path: Path) -> None:
    """No heading, no entry in the contents, no figure, no word said."""
    said: list[str] = []
    assert read_cost(tmp_path, said.append) is None
    assert said == []
    page = render(results, draw_all(results, kept))
    assert page == page_files(results, kept)["report/index.html"].decode()
    for trace in ("section-cost", "What it costs", "cost-against", FILE):
        assert trace in html
        assert trace not in page


def damaged() -> dict[str, bytes]:
    """Contents that are of no use."""
    text = record().model_dump_json()
    whole = json.loads(text)
    missing = {name: value for name, value in whole.items() if name != "laws"}
    return {
        "empty": b"",
        "not JSON": b"{",
        "not text": b"\xff\xfe\x00",
        "a list": b"[1, 2]",
        "nothing": b"null",
        "foreign": b'{"hello": "world"}',
        "another version": text.replace("bench 1", "bench 2").encode(),
        "cut": text[: len(text) // 2].encode(),
        "a key missing": json.dumps(missing).encode(),
        "a key too many": json.dumps(whole | {"more": 1}).encode(),
        "NaN": text.replace('"us_per_point":{"median":300.0', '"us_per_point":{"median":NaN', 1).encode(),
        "infinite": text.replace('"median":300.0', '"median":1e999', 1).encode(),
        "negative": text.replace('"median":300.0', '"median":-300.0', 1).encode(),
        "a string for a number": text.replace('"median":300.0', '"median":"300"', 1).encode(),
        "a number for a string": text.replace('"openblas"', "7", 1).encode(),
        "true for a number": text.replace('"rounds":5', '"rounds":true', 1).encode(),
        "a number of digits": text.replace('"rounds":5', f'"rounds":{"9" * 5000}', 1).encode(),
        "control characters": text.replace("openblas", "\\u001b[2J\\n", 1).encode(),
        "deep": b"[" * 100_000,
        "huge": b" " * (LARGEST_FILE + 1) + text.encode(),
        "empty lists": json.dumps(whole | {"samplers": [], "growth": []}).encode(),
        "a sampler twice": json.dumps(whole | {"samplers": [*whole["samplers"], whole["samplers"][0]]}).encode(),
    }


@pytest.mark.parametrize("kind", damaged())
def test_a_damaged_file_gets_one_line(kind: str, tmp_path: Path) -> None:
    """And no chapter."""
    (tmp_path / FILE).write_bytes(damaged()[kind])
    said: list[str] = []
    assert read_cost(tmp_path, said.append) is None
    (line,) = said
    assert re.fullmatch(
        r"warning: .*bench\.json: .*; the page has no chapter on costs; renew it with: make bench", line
    )
    assert line.isprintable()


def test_a_good_file_is_read(tmp_path: Path) -> None:
    """The negative control of the one above; and its text is kept as it is."""
    content = record().model_dump_json(indent=1) + "\n"
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    cost = read_cost(tmp_path, pytest.fail)
    assert cost is not None
    assert (cost.bench, cost.text) == (record(), content)
    assert cost.dimensions == list(DIMENSIONS)


def test_a_folder_or_an_unreadable_file_gets_one_line(tmp_path: Path) -> None:
    """A folder of that name, and a link to nothing."""
    for make in (Path.mkdir, lambda path: path.symlink_to(tmp_path / "nowhere")):
        path = tmp_path / FILE
        make(path)
        said: list[str] = []
        assert read_cost(tmp_path, said.append) is None
        assert "is not a file" in said[0]
        path.rmdir() if path.is_dir() else path.unlink()


def test_the_command_warns_and_makes_the_page(report: Path, tmp_path: Path) -> None:
    """With a damaged file the report is the one without it; with a good one it has the chapter, and the file stays."""
    out = tmp_path / "out"
    shutil.copytree(report, out)
    before = (out / "report" / "index.html").read_bytes()
    arguments = ("report", "page", "--preset", TINY, "--jobs", 1, "--out", out)
    (out / FILE).write_text('{"format": NaN}')
    done = command_line(*arguments)
    assert done.returncode == 0
    assert re.fullmatch(r"warning: [^\n]*bench\.json: [^\n]*make bench\n", done.stderr)
    assert (out / "report" / "index.html").read_bytes() == before
    (out / FILE).write_text(record().model_dump_json())
    done = command_line(*arguments)
    assert (done.returncode, done.stderr) == (0, "")
    assert "section-cost" in (out / "report" / "index.html").read_text(encoding="utf-8")
    assert (out / FILE).is_file()


def test_times_are_in_the_unit_that_suits_them() -> None:
    """Two digits."""
    found = [seconds_text(seconds).replace("\u00a0", " ") for seconds in (12.0, 1.0, 0.0021, 3.4e-5, 2e-9)]
    assert found == ["12 s", "1.0 s", "2.1 ms", "34 µs", "2.0 ns"]


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1440), ("dark", 400)])
def test_axe_finds_nothing_in_it(browser: Browser, html: str, tmp_path: Path, scheme: str, width: int) -> None:
    """As in the other chapters; and the page's script hands out the record."""
    file = tmp_path / "index.html"
    file.write_text(html, encoding="utf-8")
    page, seen = visit_file(browser, file, width, color_scheme=scheme)
    assert faults(page, "#section-cost", "nav") == []
    with page.expect_download() as download:
        page.click(f'#section-cost a[data-file="{FILE}"]')
    assert Path(download.value.path()).read_text(encoding="utf-8") == cost_of(record()).text
    assert seen["messages"] == []
    page.context.close()
