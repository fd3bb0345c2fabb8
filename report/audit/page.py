"""Measured heads → the page on them and its files: draw → render."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from markupsafe import Markup

from experiments.audit.measured import COLUMNS, FEWEST_OF_HEAD, FEWEST_OF_SEQUENCE, SCORES
from experiments.audit.record import as_table, data_files
from report.audit.paragraphs import paragraphs
from report.audit.summary import summarise
from report.audit.tables import HEADINGS, table_rows
from report.contents import Chapter, Part
from report.document import document
from report.drawing import DrawnFigure, draw_figures, figure_files
from report.embedded import DIGITS, data_block
from report.figures import OF_AN_AUDIT
from report.figures.head_plane import PLANE
from scaling.head_rows import LEAST_KEYS
from scaling.heads import PIECES
from scaling.saturation import DEAD_TRACE

LARGEST_DATA = 800_000  # characters of data inside the page; what is beyond lies beside it


def chapters_of(n_heads: int) -> tuple[Chapter, ...]:
    """A head by itself has no maps, and is one."""
    one = n_heads == 1
    heads, lie = ("head", "lies") if one else ("heads", "lie")
    maps = () if one else (Chapter("maps", "By layer and head", "By layer and head"),)
    return (
        Chapter("summary", "What was found", "What was found", is_numbered=False),
        Chapter("findings", "The findings", "Findings"),
        Chapter("plane", f"Where the {heads} {lie}", f"Where the {heads} {lie}"),
        *maps,
        Chapter("heads", f"The {heads} in numbers", "In numbers"),
        Chapter("method", "How it was measured", "How it was measured"),
        Chapter("provenance", "What was read, and with what", "What was read"),
    )


def audit_page(heads: pd.DataFrame, law: pd.DataFrame, record: Mapping[str, Any]) -> dict[str, bytes]:
    """Every file of an audit, named relative to the output folder; the page itself comes last."""
    figures = draw_figures(
        [spec for spec in OF_AN_AUDIT if len(heads) > 1 or spec is PLANE], {"audit": heads, "audit_law": law}
    )
    files = data_files(heads, law, record)
    page = render(heads, law, record, figures, files["audit/audit.json"].decode())
    return {**files, **figure_files("audit", figures), "audit/index.html": page.encode()}


def render(
    heads: pd.DataFrame,
    law: pd.DataFrame,
    record: Mapping[str, Any],
    figures: Mapping[str, DrawnFigure],
    text: str,
) -> str:
    """The page as HTML; `text` is the record as it is written."""
    data, held = _data(heads, law, text)
    rows = table_rows(heads)
    context = {
        "folder": "audit",
        "summary": summarise(heads),
        "paragraphs": paragraphs(heads),
        "rows": rows,
        "headings": HEADINGS,
        "columns": COLUMNS,
        "record": record,
        "settings": record["settings"],
        "provenance": record["provenance"],
        "first": next(heads.itertuples()),
        "held": held,
        "data": data,
        "digits": DIGITS,
        "constants": {
            "scores": SCORES, "fewest": FEWEST_OF_HEAD, "fewest_of_sequence": FEWEST_OF_SEQUENCE,
            "least_keys": LEAST_KEYS, "pieces": PIECES, "dead": DEAD_TRACE,
        },
    }  # fmt: skip
    return document("audit.html.jinja2", (Part("", chapters_of(len(heads))),), figures, context)


def _data(heads: pd.DataFrame, law: pd.DataFrame, text: str) -> tuple[Markup, Sequence[str]]:
    """As much of the data as has room inside the page, and the names of those files."""
    tables, texts = {"audit": as_table(heads), "audit_law": law}, {"audit.json": text}
    for some, others in ((tables, texts), (tables, {}), ({"audit_law": law}, {})):
        block = data_block(some, others)
        if len(block) <= LARGEST_DATA:
            break
    return block, [*(f"{name}.csv" for name in some), *others]
