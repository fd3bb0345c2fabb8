"""The page as a file: one, offline, valid, and true to its numbers."""

import base64
import hashlib
import json
import re
import shutil
import unicodedata
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import html5lib
import numpy as np
import pandas as pd
import pytest
from fontTools.ttLib import TTFont

from conftest import ROOT, TINY, command_line, figures_of_the_report, start_from, tree
from experiments.cli import n_processors
from experiments.preset import load_preset
from experiments.runner import Results, run
from made_runs import undrawn
from report.document import EARLY_SCRIPTS, hold_punctuation, policy, script
from report.drawing import draw_all
from report.findings.questions import answers
from report.page import SCRIPTS, render
from report.sources import SOURCES
from report.wording import grouped, number, rounded
from scaling import attention_law
from scaling.lookup import LookupTask

SIGNS = '[variance]\nd_k = [1, 2, 4]\nentries = "sign"'
XHTML, MATHML = "{http://www.w3.org/1999/xhtml}", "{http://www.w3.org/1998/Math/MathML}"
ITALIC = {  # what a browser draws for a letter that is a variable; the italic h is Planck's constant
    unicodedata.normalize("NFKC", chr(code)): code
    for code in [*range(0x1D434, 0x1D468), *range(0x1D6E2, 0x1D71C), 0x210E]
}


@pytest.fixture(scope="module")
def html(report: Path) -> str:
    """The page."""
    return (report / "report" / "index.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def parsed(html: str) -> tuple[ElementTree.Element, list[object]]:
    """The page as a browser would parse it, and the errors of HTML in it."""
    parser = html5lib.HTMLParser()
    return parser.parse(html), parser.errors


@pytest.fixture(scope="module")
def document(parsed: tuple[ElementTree.Element, list[object]]) -> ElementTree.Element:
    """The page as a browser would parse it."""
    return parsed[0]


def attributes(document: ElementTree.Element, name: str) -> list[str]:
    """Every value of an attribute, wherever it stands."""
    return [value for node in document.iter() for key, value in node.items() if key.rpartition("}")[2] == name]


def read(document: ElementTree.Element) -> str:
    """What is read on the page, without its listings of code and what is inside for the script."""
    body = document.find(f"{XHTML}body")
    assert body is not None
    listings = {
        node for kind in ("pre", "script") for listing in body.iter(f"{XHTML}{kind}") for node in listing.iter()
    }
    texts = (text for node in body.iter() if node not in listings for text in (node.text, *(c.tail for c in node)))
    return " ".join(" ".join(filter(None, texts)).split())


def test_it_is_valid_html(parsed: tuple[ElementTree.Element, list[object]]) -> None:
    """An HTML5 parser finds no error."""
    assert parsed[1] == []


def test_the_parser_finds_errors() -> None:
    """The control: of a page with one, both kinds of parser complain."""
    page = "<!DOCTYPE html><title>x</title><p></b>"
    parser = html5lib.HTMLParser()
    parser.parse(page)
    assert len(parser.errors) == 1
    with pytest.raises(html5lib.html5parser.ParseError):
        html5lib.HTMLParser(strict=True).parse(page)


def test_it_is_small_and_whole(html: str) -> None:
    """At most 2 MB, with every figure once."""
    assert len(html.encode()) <= 2_000_000
    for spec in figures_of_the_report():
        assert html.count(f'id="figure-{spec.name}"') == 1


def test_every_sign_of_a_formula_is_in_its_font(document: ElementTree.Element) -> None:
    """Letters that stand alone as the italic ones that a browser makes of them; a bold one would be missed."""
    signs = {ord(sign) for math in document.iter(f"{MATHML}math") for sign in "".join(math.itertext()).strip()}
    letters = {"".join(one.itertext()) for one in document.iter(f"{MATHML}mi") if one.get("mathvariant") != "normal"}
    italic = {ITALIC.get(letter, ord(letter)) for letter in letters if len(letter) == 1}
    assert len(italic) > 30
    held = TTFont(ROOT / "report/static/fonts/stix-two-math.woff2").getBestCmap().keys()
    assert (signs | italic) - held == set()
    assert 0x1D42A not in held  # a bold q


def test_nothing_is_loaded_from_anywhere(document: ElementTree.Element) -> None:
    """No source; no address but anchors, files beside the page and those of the texts that it cites."""
    tags = {node.tag.rpartition("}")[2] for node in document.iter() if isinstance(node.tag, str)}
    assert not tags & {"link", "img", "iframe", "object", "embed", "video", "audio"}
    assert attributes(document, "src") == []
    data = [script.attrib for script in document.iter(f"{XHTML}script") if script.attrib]
    assert data == [{"type": "application/json", "id": name} for name in ("data", "explorer-table")]
    cited = {source.address for source in SOURCES} - {""}
    outside = [target for target in attributes(document, "href") if not target.startswith(("#", "figures/", "../"))]
    assert sorted(outside) == sorted(cited)
    assert all(re.fullmatch(r"https://(arxiv\.org/abs|doi\.org)/\S+", address) for address in cited)


def test_the_policy_forbids_everything_but_the_pages_own_style_and_scripts(html: str) -> None:
    """A content security policy with their hashes; and no style or script attribute that it would block."""
    (policy,) = re.findall(r'http-equiv="Content-Security-Policy" content="([^"]*)"', html)
    rules = dict(rule.split(" ", 1) for rule in policy.split("; "))
    scripts = re.findall(r"<script>(.*?)</script>", html, flags=re.DOTALL)
    styles = re.findall(r"<style>(.*?)</style>", html, flags=re.DOTALL)
    assert rules == {
        "default-src": "'none'",
        "style-src": " ".join(map(digest, styles)),
        "script-src": " ".join(map(digest, scripts)),
        "font-src": "data:",
        "img-src": "blob: data:",
        "base-uri": "'none'",
        "form-action": "'none'",
    }
    assert html.count("<script") == len(scripts) + 2  # the data and the table of the explorer
    assert not re.search(r"<[^>]* (?:style|on\w+)=", re.sub(r"<script.*?</script>", "", html, flags=re.DOTALL))


def digest(source: str) -> str:
    """What a policy calls an inlined source."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source.encode()).digest()).decode()}'"


def test_every_script_has_its_own_hash(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The policy names as many as there are; and one that would end early is refused."""
    assert f"; script-src {digest('a')} {digest('b')}; " in policy("", ["a", "b"])
    for name in (*EARLY_SCRIPTS, *SCRIPTS):
        assert script(name).splitlines()[0].startswith("//")
        assert '"use strict";' in script(name)
    (tmp_path / "static" / "js").mkdir(parents=True)
    monkeypatch.setattr("report.document.HERE", tmp_path)
    for end in ("</script>", "</SCRIPT >", "<!--"):
        (tmp_path / "static" / "js" / "mine.js").write_text(f"// {end}")
        with pytest.raises(ValueError, match="would end the script"):
            script("mine")


def test_every_link_has_a_target(report: Path, document: ElementTree.Element) -> None:
    """Anchors exist on the page, files exist beside it, ids are unique."""
    ids = attributes(document, "id")
    assert len(ids) == len(set(ids))
    for target in attributes(document, "href"):
        if target.startswith("#"):
            assert target[1:] in ids, target
        elif not target.startswith("https:"):
            assert (report / "report" / target).resolve().is_file(), target


def test_no_number_is_missing(document: ElementTree.Element) -> None:
    """No nan, inf, None or unrendered template in what is read."""
    text = read(document)
    for word in ("nan", "inf", "None", "Undefined", "{{", "}}", "{%", "$"):
        assert not re.search(rf"(?<![\w]){re.escape(word)}(?![\w])", text), word


def test_each_line_of_the_derivation_and_each_answer_has_its_evidence(report: Path, html: str) -> None:
    """Beside it stand the prediction, measurement, interval and verdict of its claim, as in claims.json."""
    claims = {claim["id"]: claim for claim in json.loads((report / "claims.json").read_text())["claims"]}
    shown = re.findall(r'<dl class="evidence" id="claim-([\w-]+)">(.*?)</dl>', html, flags=re.DOTALL)
    assert [name for name, _ in shown][:9] == [
        "mean-entry", "variance-entry", "mean-product", "variance-product", "covariance-products",
        "mean-16", "variance-16", "sd-16", "scaled-variance-16",
    ]  # fmt: skip
    assert {"variance-of-inverse", "split-is-scaled", "trained-own-mean"} <= {name for name, _ in shown[9:]}
    for name, body in shown:
        claim = claims[name]
        measured = re.search(r"<dt>measured</dt><dd>(.*?)</dd>", body)
        assert measured is not None
        written = measured[1].replace("−", "-")
        half_width = (claim["interval"][1] - claim["interval"][0]) / 2
        assert abs(float(written) - claim["estimate"]) < 0.05 * half_width
        assert f'class="verdict {claim["verdict"]}"' in body


def test_every_claim_has_an_anchor(report: Path, document: ElementTree.Element) -> None:
    """One each, where its evidence stands or in the table of all claims, where its number links to it."""
    claims = [claim["id"] for claim in json.loads((report / "claims.json").read_text())["claims"]]
    anchors = [name.removeprefix("claim-") for name in attributes(document, "id") if name.startswith("claim-")]
    assert sorted(anchors) == sorted(claims)
    numbers = {
        node.get("href", "").removeprefix("#claim-"): node.text
        for node in document.iter(f"{XHTML}a")
        if node.get("class") == "number" and node.get("href", "").startswith("#claim-")
    }
    assert numbers == {name: str(number) for number, name in enumerate(anchors, 1)}


def test_headings_can_be_linked(html: str) -> None:
    """Beside the heading of each chapter and question stands a link to it, with a name for those who hear it."""
    for kind, word in (("section", "section"), ("question", "question")):
        links = re.findall(rf'<a class="anchor" href="#{kind}-([\w-]+)" aria-label="Link to this {word}">¶</a>', html)
        assert links == re.findall(rf'id="{kind}-([\w-]+)"', html)


QUESTIONS = (
    "divide-by-d", "head-or-model", "over-dividing", "values-or-keys", "number-of-keys", "split", "aligned",
    "temperature", "entry-size", "normalise", "output", "trained", "variance-or-sd",
)  # fmt: skip


def test_thirteen_questions_are_answered_in_order(html: str) -> None:
    """Each under its own anchor and number, with words of its own below it."""
    found = re.findall(r'<h3 id="question-([\w-]+)"><span class="number">(\d+)</span>', html)
    assert found == [(name, str(number)) for number, name in enumerate(QUESTIONS, 1)]
    answers = re.findall(r'<div class="answer">\s*<div>(.*?)</div>\s*<div class="measured">', html, flags=re.DOTALL)
    assert len(answers) == 13
    assert all(len(re.sub(r"<.*?>", "", answer).split()) > 25 for answer in answers)


def test_answers_state_the_runs_own_numbers(report: Path, results: Results) -> None:
    """Each estimate in the record that the sentences print is the one under its own name in the files."""
    stated = answers(results)
    data = {name: pd.read_csv(report / "data" / f"{name}.csv") for name in ("questions", "aligned", "lookup")}
    rules = data["questions"].query("d_v.isna()").set_index(["rule", "quantity"])["estimate"]
    assert set(stated.under) == set(rules.index.get_level_values("rule"))
    for rule, under in stated.under.items():
        assert (under.variance, under.entropy) == (rules[rule, "variance"], rules[rule, "normalised_entropy"])
        assert under.sd == pytest.approx(under.variance**0.5, rel=1e-12)
    outputs = data["questions"].query("quantity == 'output_variance'").set_index(["rule", "d_v"])["estimate"]
    assert (stated.output_raw, stated.output_scaled) == (outputs["raw", 64], outputs["scaled", 64])
    aligned = data["aligned"].set_index(["rho", "d_k", "quantity"])["estimate"]
    assert (stated.aligned.rho, stated.aligned.d_k) == (1, 16)
    assert (stated.aligned.mean, stated.aligned.sd) == (aligned[1, 16, "mean"], aligned[1, 16, "sd"])
    lookup = data["lookup"].query("quantity != 'density'").set_index(["state", "keys", "quantity"])["estimate"]
    assert set(stated.learned) == {"before", "after"}
    for state, learned in stated.learned.items():
        assert learned.own_mean == lookup[state, "own", "mean"]
        assert learned.other_variance == lookup[state, "other", "variance"]
        assert learned.correlation == lookup[state, "own", "correlation"]
        assert learned.found == lookup[state, "own", "found"]


def test_answers_state_the_settings_and_exact_values(results: Results, monkeypatch: pytest.MonkeyPatch) -> None:
    """With settings that all differ, so that none can stand for another; exact values are worked out here."""
    preset = results.preset.model_copy(
        update={
            "questions": results.preset.questions.model_copy(update={"n_keys": 48}),  # of d_k = 64
            "lookup": results.preset.lookup.model_copy(update={"d_k": 32, "batch": 8}),
        }
    )
    monkeypatch.setattr("report.findings.questions.TASK", LookupTask(n_keys=5, d_in=9, overlap=0.6))
    stated = answers(replace(results, preset=preset))
    head = stated.head
    assert (head.d_k, head.n_keys, head.n_heads, head.entry_sd, head.cold, head.hot) == (64, 48, 8, 3.0, 0.5, 2.0)
    assert (head.d_model, head.temperature_of_raw) == (512, 1 / 8)
    assert head.largest_cosine_weight == pytest.approx(np.exp(1) / (np.exp(1) + 47 * np.exp(-1)))
    assert (stated.lookup_d_k, stated.lookup_steps, stated.n_lookup_keys, stated.lookup_d_in) == (32, 20, 5, 9)
    assert stated.accident == pytest.approx(0.6 / 3)
    assert [over.n_keys for over in stated.over_keys] == [8, 4096]
    for over in stated.over_keys:
        exact = [float(attention_law(64, over.n_keys, factor).sum_p2) for factor in (1, 1 / 8)]
        assert [over.raw_sum_p2, over.scaled_sum_p2] == pytest.approx(exact, rel=1e-9)


def test_the_summary_counts_the_verdicts(report: Path, html: str) -> None:
    """The large numbers at the top are those of claims.json."""
    verdicts = [claim["verdict"] for claim in json.loads((report / "claims.json").read_text())["claims"]]
    for verdict in ("confirmed", "undecided", "refuted"):
        assert re.search(rf'<span class="{verdict}"><b>{verdicts.count(verdict)}</b> {verdict}</span>', html)


def test_claims_json_holds_every_number(report: Path) -> None:
    """Estimate, interval, region, margin with its reason, verdict that follows from them, and the provenance."""
    record = json.loads((report / "claims.json").read_text())
    assert record["n_claims"] == len(record["claims"])
    assert {"preset", "preset_hash", "seed", "commit", "python", "c_library", "packages"} == set(record["provenance"])
    for claim in record["claims"]:
        low, high = claim["interval"]
        region_low = float("-inf") if claim["region"][0] is None else claim["region"][0]
        region_high = float("inf") if claim["region"][1] is None else claim["region"][1]
        inside, outside = region_low <= low and high <= region_high, high < region_low or low > region_high
        assert claim["verdict"] == ("confirmed" if inside else "refuted" if outside else "undecided")
        assert low <= claim["estimate"] <= high
        assert claim["reason_for_margin"]
        assert claim["verdict"] == "undecided" or claim["blocks_needed"] is None
        widest = claim["detectable_deviation"] - (claim["margin"] if claim["side"] == "within" else 0)
        assert widest >= max(high - claim["estimate"], 0.0)  # what is caught with 90 % lies beyond any interval


def test_every_table_of_claims_says_what_they_catch(report: Path, document: ElementTree.Element) -> None:
    """In two digits, as in claims.json; the sentence above has the median over claims with a margin, in margins."""
    claims = {claim["id"]: claim for claim in json.loads((report / "claims.json").read_text())["claims"]}
    tables = [
        table for table in document.iter(f"{XHTML}table") if "catches" in {th.text for th in table.iter(f"{XHTML}th")}
    ]
    rows = [row for table in tables for row in table.iter(f"{XHTML}tr") if row.find(f"{XHTML}td") is not None]
    assert len(rows) == len(claims)
    for row in rows:
        link = next(row.iter(f"{XHTML}a"))
        catches = row.findall(f"{XHTML}td")[3].text
        assert catches == number(claims[link.get("href", "").removeprefix("#claim-")]["detectable_deviation"], 2)
    shares = [claim["detectable_deviation"] / claim["margin"] for claim in claims.values() if claim["side"] == "within"]
    assert f"claims with a margin it is {number(float(np.median(shares)))} margins or less" in read(document)


def test_csv_floats_round_trip(report: Path, results: Results) -> None:
    """What a reader loads is what was measured, to the last bit."""
    for name, frame in results.frames.items():
        read = pd.read_csv(report / "data" / f"{name}.csv")
        for column in frame:
            expected, found = frame[column].to_numpy(), read[column].to_numpy()
            assert np.array_equal(found, expected, equal_nan=expected.dtype.kind == "f"), (name, column)


def test_the_number_of_workers_does_not_show(report: Path, tmp_path: Path) -> None:
    """JOBS=1 built the shared report; all processors give the same bytes of page, figures, data and claims."""
    jobs = max(2, n_processors())
    assert command_line("report", "page", "--preset", TINY, "--jobs", jobs, "--out", tmp_path).returncode == 0
    assert tree(tmp_path) == tree(report)


def test_what_an_earlier_preset_left_is_removed(report: Path, tmp_path: Path) -> None:
    """Stale figures and half-written files are gone after a run; a stranger's file beside them is not touched."""
    stale = ("report/figures/old.svg", "data/old.csv", "data/../../outside.txt")
    for name in (*stale, ".unpublished/report/index.html", "mine.txt"):
        (tmp_path / "out" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "out" / name).write_text("old")
    (tmp_path / "out" / ".published").write_text("\n".join(stale))
    shutil.copytree(report / ".figures", tmp_path / "out" / ".figures")  # drawn before
    assert command_line("report", "page", "--preset", TINY, "--out", tmp_path / "out").returncode == 0
    assert tree(tmp_path / "out") == tree(report)
    assert (tmp_path / "out" / "mine.txt").read_text() == (tmp_path / "outside.txt").read_text() == "old"
    assert not (tmp_path / "out" / ".unpublished").exists()


@pytest.mark.parametrize(
    "change",
    [
        "[variance]\nd_k = [3]",
        "[saturation]\nd_k = [5]\nn_keys = [2]",
        "[lecture_demo]\nd_k = [1]",
        '[variance]\nd_k = [1, 2, 4]\nentries = "sign"',
        "[questions]\nn_blocks = 2\nd_k = 1\nn_keys = 2\nn_heads = 1",
        "[questions]\nn_blocks = 4\nd_k = 6\nn_keys = 3\nn_heads = 5\nentry_sd = 1.1\ncold = 0.9\nhot = 20.0",
        "[questions]\nn_blocks = 2\nd_k = 2000\nn_keys = 300\nn_heads = 1000\nentry_sd = 10.0\ncold = 0.05",
        "[aligned]\nn_blocks = 2\nd_k = [1]\nrho = [0.0]",
        "[aligned]\nn_blocks = 4\nd_k = [3, 7]\nrho = [0.01, 0.1, 0.3, 0.9, 0.95, 0.99]",
        "[gradients]\nn_blocks = 2\nd_k = [1]\nn_keys = [2]",
        "[gradients]\nn_blocks = 2\nd_k = [3, 20000]\nn_keys = [2, 9]",
        "[lookup]\nn_blocks = 2\nd_k = 2\nrate = 0.001\nn_steps = 1\nbatch = 1",
        "[lookup]\nn_blocks = 2\nd_k = 256\nrate = 10.0\nn_steps = 20\nbatch = 8",
        "[learning]\nn_blocks = 3\nn_selection = 1\nd_k = [32]\nrates = [1.0]\nn_steps = 2\nbatch = 1",
        "[learning]\nn_blocks = 3\nn_selection = 1\nd_k = [16, 17, 300]\nrates = [0.5, 9999.0]\nn_steps = 9",
        "[assumptions]\nn_blocks = 2\nd_k = [1]",
        "[initialisation]\nn_blocks = 2\nd_in = 8\nd_k = 1\nn_tokens = 2\ninput_sd = 30.0\nmargin = 0.9",
    ],
    ids=[
        "one dimension",
        "one cell",
        "one demo",
        "signs",
        "d_k of 1",
        "few keys",
        "many heads",
        "independent only",
        "six correlations",
        "one row size",
        "lost gradients",
        "learns nothing",
        "learns too fast",
        "one width and rate",
        "a wild rate",
        "assumptions of scalars",
        "tiny layers",
    ],
)
@pytest.mark.parametrize("is_drawn", [False, pytest.param(True, marks=pytest.mark.soak)], ids=["told", "drawn"])
def test_small_grids_make_a_page_too(report: Path, tmp_path: Path, change: str, is_drawn: bool) -> None:
    """Where there is no slope or no direction to speak of, the page is silent about it and still whole."""
    table = change.split("\n", 1)[0]
    settings = change.split("\n", 1)[1]
    text = TINY.read_text()
    kept = re.sub(rf"{re.escape(table)}\n(?:.+\n)*", "", text)
    margin = "" if "margin" in settings else "margin = 0.2"
    (tmp_path / "mine.toml").write_text(f"{kept}\n{table}\n{settings}\n{margin}\n")
    page = page_of(tmp_path / "mine.toml", report, is_drawn)
    document = html5lib.HTMLParser(strict=True).parse(page)
    assert not re.search(r"(?<!\w)(nan|inf|None|Undefined)(?!\w)", read(document))


def page_of(preset: Path, report: Path, is_drawn: bool = True) -> str:
    """The page of a preset, made beside it from what its run has in common with the shared report's."""
    start_from(report, preset.parent)
    results = run(load_preset(str(preset)), preset.parent / "results.sqlite", pytest.fail)
    return render(results, draw_all(results, preset.parent / ".figures") if is_drawn else undrawn(results))


def test_a_figure_that_no_chapter_shows_fails_the_build(report: Path, results: Results, tmp_path: Path) -> None:
    """It is named, so that none is drawn in vain."""
    start_from(report, tmp_path)
    figures = draw_all(results, tmp_path / ".figures")
    with pytest.raises(ValueError, match="figures that no chapter shows: alone"):
        render(results, {**figures, "alone": figures["three-rules"]})


def test_punctuation_stays_with_its_formula() -> None:
    """What stands before or after it without a space is on its line; a formula by itself may break as it likes."""
    formula = "<math><mi>n</mi></math>"
    assert hold_punctuation(f"a ({formula}), b") == f'a <span class="together">({formula}),</span> b'
    for mark in ".,;:!?)’”":
        assert hold_punctuation(f"{formula}{mark} b") == f'<span class="together">{formula}{mark}</span> b'
    assert hold_punctuation(f"“{formula} b") == f'<span class="together">“{formula}</span> b'
    assert hold_punctuation(f"a {formula} b {formula}") == f"a {formula} b {formula}"


def test_a_presets_name_is_text_and_nothing_else(report: Path, tmp_path: Path) -> None:
    """What comes from a file is escaped."""
    name = "<script>alert(1)</script>"
    (tmp_path / "mine.toml").write_text(TINY.read_text().replace('"tiny"', f'"{name}"'))
    page = page_of(tmp_path / "mine.toml", report)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page


def test_large_numbers_in_words() -> None:
    """Grouping and rounding as a reader expects them."""
    assert grouped(1234567) == "1\u2009234\u2009567"
    assert rounded(94_688) == "95\u2009000"
    assert rounded(3_123_456) == "3.1\u00a0million"
    assert rounded(254_000_000) == "254\u00a0million"
    assert number(-0.25) == "−0.250"
