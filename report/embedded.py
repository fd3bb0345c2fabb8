"""The data inside the page, so that the page alone can hand it out: tables and claims, compressed.

Numbers of the tables are kept to twelve significant digits, which is more than any of them means and a third less to
carry; the files beside the page have every digit.
"""

import base64
import csv
import gzip
import json
from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from experiments.output import data_files
from experiments.runner import Results

DIGITS = 12


def embedded(results: Results, others: Mapping[str, str] | None = None) -> Markup:
    """A JSON object for the page's data block: file name → its gzipped content in base64.

    JSON files are themselves, and so are `others`, by name. A table is turned: a line for each column, its name first,
    fields between tabs.
    """
    texts = {f"{name}.csv": turned(table_text(frame)) for name, frame in results.frames.items()}
    texts |= others or {}
    for path, content in data_files(results).items():
        name = path.rpartition("/")[2]
        texts.setdefault(name, content.decode())
    return Markup(json.dumps({name: packed(text) for name, text in texts.items()}, indent=0))


def table_text(frame: pd.DataFrame) -> str:
    """A table as CSV, as the page hands it out."""
    return frame.to_csv(index=False, lineterminator="\n", float_format=f"%.{DIGITS}g")


def turned(text: str) -> str:
    """CSV → its columns as lines; fields stay as they are written, quotes included, and are set apart by tabs.

    Raises ValueError when a field holds a tab or a line break, which would be taken for such a mark.
    """
    if "\t" in text:
        raise ValueError("a table with tabs in its fields cannot be turned")
    rows = [[_quoted(field) for field in row] for row in csv.reader(text.splitlines(), strict=True)]
    if "\n".join(",".join(row) for row in rows) + "\n" != text:
        raise ValueError("a table with line breaks or odd quotes in its fields cannot be turned")
    return "\n".join("\t".join(column) for column in zip(*rows, strict=True))


def _quoted(field: str) -> str:
    """A field of CSV, between quotes where they are needed."""
    return '"' + field.replace('"', '""') + '"' if set(field) & set(',"\r\n') else field


def packed(text: str) -> str:
    """Compressed, in base64; the same bytes for the same text."""
    return base64.b64encode(gzip.compress(text.encode(), compresslevel=9, mtime=0)).decode()
