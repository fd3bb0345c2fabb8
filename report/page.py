"""Results → one HTML file, and the figures as files beside it: draw → render."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from experiments.claims import POWER, Verdict
from experiments.provenance import provenance
from experiments.runner import Results
from experiments.workers import Workers
from report.contents import parts_of
from report.cost import FILE, Cost
from report.document import STYLES, document
from report.drawing import DrawnFigure, draw_all, figure_files
from report.embedded import DIGITS, embedded
from report.explorer import explorer_table
from report.findings import FINDINGS
from report.glossary import GLOSSARY
from report.kept import Kept
from report.licences import licences
from report.sources import SOURCES
from report.walkthrough import walkthrough

SCRIPTS = ("page", "explorer")


def page_files(
    results: Results, kept: Path | None = None, workers: Workers | None = None, cost: Cost | None = None
) -> dict[str, bytes]:
    """Every file of the report, named relative to the output folder; the page itself comes last.

    In the folder `kept` drawn figures wait for the next run; `workers` are processes that draw them beside each other;
    `cost` is what it all costs, where that was measured.
    """
    shown = replace(results, frames={**results.frames, "bench": cost.growth}) if cost else results
    figures = draw_all(shown, kept, workers)
    page = render(results, figures, cost).encode()
    return {**figure_files("report", figures), "report/index.html": page}


def render(results: Results, figures: Mapping[str, DrawnFigure], cost: Cost | None = None) -> str:
    """The page as HTML. Raises when a template refers to a figure, claim or section that does not exist."""
    data = embedded(results, {FILE: cost.text} if cost else None)
    context = {**page_context(results, cost), "data": data}
    return document("page.html.jinja2", parts_of(cost is not None), figures, context, (*STYLES, "explorer"), SCRIPTS)


def kept_of(results: Results, figures: Mapping[str, DrawnFigure], cost: Cost | None = None) -> Kept:
    """What the page keeps of itself for slides; the figures need not be drawn for that."""
    kept = Kept()
    context = {**page_context(results, cost), "data": ""}
    document("page.html.jinja2", parts_of(cost is not None), figures, context, (), (), kept)
    return kept


def page_context(results: Results, cost: Cost | None) -> dict[str, Any]:
    """What the page's templates name, but for its data."""
    return {
        "folder": "chapters",
        "cost": cost,
        "ledger": results.ledger,
        "verdicts": list(Verdict),
        "power": POWER,
        "groups": results.ledger.groups,
        "lecture": walkthrough(results.frames["self_attention"], results.frames["peaky"]),
        "frames": results.frames,
        **{name: find(results) for name, find in FINDINGS.items()},
        "glossary": GLOSSARY,
        "sources": SOURCES,
        "provenance": provenance(results.preset),
        "licences": licences(),
        "preset": results.preset,
        "explorer": explorer_table(results.frames["explorer"]),
        "digits": DIGITS,
    }
