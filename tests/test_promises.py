"""The page of promises: its tests exist, no campaign is missing, and it is the one that its figures make."""

import ast
import json
import tomllib

from conftest import ROOT
from tools import promises

DECLARED = tomllib.loads((ROOT / "docs" / "promises.toml").read_text(encoding="utf-8"))
NAMED = {name for promise in DECLARED["promise"] for name in promise["tests"]}


def functions(is_campaign: bool = False) -> set[str]:
    """Every test function, as file.py::name; of campaigns, those with a form for make soak."""
    found = set()
    for path in (ROOT / "tests").glob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        marked = {  # names of parameters that hold the mark
            target.id
            for node in ast.parse(text).body
            if isinstance(node, ast.Assign) and "mark.soak" in ast.unparse(node)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                marks = " ".join(map(ast.unparse, node.decorator_list))
                names = {
                    part.id for mark in node.decorator_list for part in ast.walk(mark) if isinstance(part, ast.Name)
                }
                if not is_campaign or "mark.soak" in marks or names & marked:
                    found.add(f"{path.name}::{node.name}")
    return found


def test_every_test_that_a_promise_names_is_there() -> None:
    """By file and function."""
    assert functions() >= NAMED - {promises.MUTANTS}


def test_every_campaign_belongs_to_a_promise() -> None:
    """Whatever make soak runs is told."""
    assert functions(is_campaign=True) - NAMED == set()
    assert len(functions(is_campaign=True)) >= 10


def test_the_page_is_made_of_its_words_and_figures() -> None:
    """As tools/promises.py writes it, after each make soak; nothing that the last one found is left."""
    soak = json.loads(promises.SOAK.read_text(encoding="utf-8"))
    page = promises.render(DECLARED["promise"], soak, DECLARED["words"])
    assert (ROOT / "docs" / "promises.md").read_text(encoding="utf-8") == page, "python tools/promises.py renews it"
    assert [name for name, record in soak.items() if record["failures"]] == []


RECORD = """<testsuites><testsuite>
<testcase classname="tests.test_a" name="test_x[1]">
  <properties><property name="cases" value="10"/></properties></testcase>
<testcase classname="tests.test_a" name="test_x[2]">
  <properties><property name="cases" value="5"/></properties><failure message="no"/></testcase>
<testcase classname="tests.test_b" name="test_y">
  <properties><property name="worst" value="0.2"/></properties></testcase>
<testcase classname="tests.test_b" name="test_z"><skipped/></testcase>
</testsuite></testsuites>"""


def test_the_record_of_mutants_is_read() -> None:
    """In the form of the others."""
    text = json.dumps({"cases": 9, "failures": 0, "told": {"killed": "95.0%"}})
    record = promises.record_of_mutants(text)
    assert record == {"runs": 1, "cases": 9, "failures": 0, "told": {"killed": ["95.0%"]}}


def test_a_record_is_read_and_a_failure_is_told() -> None:
    """Runs of one function together, what was skipped not at all; a failure stands in the last column."""
    soak = promises.record_of(RECORD)
    assert soak == {
        "test_a.py::test_x": {"runs": 2, "cases": 15, "failures": 1, "told": {}},
        "test_b.py::test_y": {"runs": 1, "cases": 1, "failures": 0, "told": {"worst": ["0.2"]}},
    }
    declared = [{"group": "G", "says": "It holds.", "tests": [name]} for name in [*soak, "test_b.py::test_z"]]
    *_, x, y, z = promises.render(declared, soak, "words").splitlines()
    assert x == "| It holds. | `test_a.py::test_x` | 15 | – | 1 |"
    assert y == "| It holds. | `test_b.py::test_y` | 1<br>worst: 0.2 | – | none |"
    assert z == f"| It holds. | `test_b.py::test_z` | {promises.NOT_YET} | – | – |"
