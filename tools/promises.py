"""Writes docs/promises.md from what is promised (docs/promises.toml) and what the last soak found (docs/soak.json).

    python tools/promises.py [RECORD ...]

brings docs/soak.json up to date with records: of pytest (build/soak.xml) and of mutants (build/mutants/summary.json). A
promise names its tests; a record says of each how many cases it tried, and whether it failed.
"""

import json
import sys
import tomllib
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

DOCS = Path(__file__).parents[1] / "docs"
SOAK = DOCS / "soak.json"
NOT_YET = "not on record: `make soak` has not tried it yet"
MUTANTS = "make mutants"


def record_of(xml: str) -> dict[str, dict[str, Any]]:
    """The tests of one record of pytest, those of one function together: runs, failures, and what they told."""
    found: dict[str, dict[str, Any]] = {}
    for case in ElementTree.fromstring(xml).iter("testcase"):
        name = f"{case.get('classname', '').rpartition('.')[2]}.py::{case.get('name', '').partition('[')[0]}"
        if case.find("skipped") is not None:
            continue
        told = {node.get("name", ""): node.get("value", "") for node in case.iter("property")}
        entry = found.setdefault(name, {"runs": 0, "cases": 0, "failures": 0, "told": {}})
        entry["runs"] += 1
        entry["cases"] += int(told.pop("cases", "1"))
        entry["failures"] += case.find("failure") is not None or case.find("error") is not None
        for key, value in told.items():
            entry["told"].setdefault(key, []).append(value)
    return found


def record_of_mutants(text: str) -> dict[str, Any]:
    """What tools/mutants found, in the same form."""
    found = json.loads(text)
    return {**found, "runs": 1, "told": {key: [value] for key, value in found["told"].items()}}


def render(promises: list[dict[str, Any]], soak: dict[str, dict[str, Any]], words: str) -> str:
    """The page, in Markdown."""
    lines = [words.strip(), ""]
    for group in dict.fromkeys(promise["group"] for promise in promises):
        lines += [
            f"## {group}",
            "",
            "| promised | test | cases | found, and mended | failures left |",
            "|---|---|--:|---|--:|",
        ]
        lines += [_row(promise, soak) for promise in promises if promise["group"] == group]
        lines.append("")
    return "\n".join(lines)


def _row(promise: dict[str, Any], soak: dict[str, dict[str, Any]]) -> str:
    tests = [f"`{name}`" for name in promise["tests"]]
    records = [soak[name] for name in promise["tests"] if name in soak]
    cases = f"{sum(record['cases'] for record in records):,}".replace(",", " ") if records else NOT_YET
    figures = [figure for record in records for figure in record["told"].items()]
    told = "; ".join(f"{key}: {values[0]}" for key, values in figures if len(values) == 1)
    left = sum(record["failures"] for record in records)
    cells = (promise["says"], "<br>".join(tests), f"{cases}<br>{told}" if told else cases, promise.get("found", "–"))
    return f"| {' | '.join(' '.join(cell.split()) for cell in cells)} | {(left or 'none') if records else '–'} |"


def main(records: list[str]) -> None:
    """Bring the record up to date, and write the page."""
    soak = json.loads(SOAK.read_text(encoding="utf-8")) if SOAK.exists() else {}
    for path in map(Path, records):
        text = path.read_text(encoding="utf-8")
        soak |= record_of(text) if path.suffix == ".xml" else {MUTANTS: record_of_mutants(text)}
    declared = tomllib.loads((DOCS / "promises.toml").read_text(encoding="utf-8"))
    named = {name for promise in declared["promise"] for name in promise["tests"]}
    soak = {name: record for name, record in soak.items() if name in named}
    kept = json.dumps(soak, indent=1, ensure_ascii=False, sort_keys=True)
    SOAK.write_text(kept + "\n", encoding="utf-8")
    page = render(declared["promise"], json.loads(kept), declared["words"])  # in the order in which they are kept
    (DOCS / "promises.md").write_text(page, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
