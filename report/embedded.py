"""The data inside the page, so that the page alone can hand it out: tables and claims, compressed.

Numbers are kept to eight significant digits: laws are computed to seven or more, and what is measured means fewer. The
files beside the page have every digit.
"""

import base64
import csv
import json
import zlib
from collections.abc import Mapping

import pandas as pd
from markupsafe import Markup

from experiments.output import data_files, to_json
from experiments.runner import Results

DIGITS = 8
END = "\0"  # between the names and texts of files


def embedded(results: Results, others: Mapping[str, str] | None = None) -> Markup:
    """The page's data block: its tables, claims and dictionaries, and `others`, the text of each by name."""
    texts = others or {}
    for path, content in data_files(results).items():
        name = path.rpartition("/")[2]
        if not name.endswith(".csv"):
            texts = {**texts, name: to_json(json.loads(content, parse_float=_shortened)).decode()}
    return data_block(results.frames, texts)


def data_block(frames: Mapping[str, pd.DataFrame], others: Mapping[str, str]) -> Markup:
    """A JSON string for a page's data block: every file's name and content, packed together.

    `others` are themselves. A table is turned: a line for each column, its name first, fields between tabs.
    """
    texts = {f"{name}.csv": turned(table_text(frame)) for name, frame in frames.items()} | dict(others)
    return Markup(f'"{packed(END.join(part for file in texts.items() for part in file))}"')


def _shortened(number: str) -> float:
    return float(f"{float(number):.{DIGITS}g}")


def table_text(frame: pd.DataFrame) -> str:
    """A table as CSV, as the page hands it out; a whole number keeps all of its digits."""

    def written(value: object) -> str:
        assert isinstance(value, float)  # pandas asks for nothing else
        return f"{value:.0f}" if value.is_integer() and abs(value) < 2**53 else f"{value:.{DIGITS}g}"

    return frame.to_csv(index=False, lineterminator="\n", float_format=written)


def turned(text: str) -> str:
    """CSV → its columns as lines; fields stay as they are written, quotes included, and are set apart by tabs.

    Raises ValueError when a field holds a tab, a line break or `END`, which would be taken for such a mark.
    """
    if set(text) & {"\t", END}:
        raise ValueError("a table with tabs or zeros in its fields cannot be turned")
    rows = [[_quoted(field) for field in row] for row in csv.reader(text.splitlines(), strict=True)]
    if "\n".join(",".join(row) for row in rows) + "\n" != text:
        raise ValueError("a table with line breaks or odd quotes in its fields cannot be turned")
    return "\n".join("\t".join(column) for column in zip(*rows, strict=True))


def _quoted(field: str) -> str:
    """A field of CSV, between quotes where they are needed."""
    return '"' + field.replace('"', '""') + '"' if set(field) & set(',"\r\n') else field


def packed(text: str) -> str:
    """Compressed as columns of numbers are best, in base 85 with a dot for `<`; the same bytes for the same text."""
    press = zlib.compressobj(level=9, memLevel=5, strategy=zlib.Z_FILTERED)
    return base64.b85encode(press.compress(text.encode()) + press.flush()).decode().replace("<", ".")
