"""Tables of slides, from plain text, and those that hold computed numbers against printed ones."""

from collections.abc import Sequence
from typing import TypeVar

from report.prose import prose
from report.slides.slide import Table
from report.walkthrough import Comparison

MOST_ROWS, MOST_COLUMNS = 8, 6  # of a table that may be parted; of numbers
Row = TypeVar("Row")


def table(columns: Sequence[str], rows: Sequence[Sequence[object]], numeric: bool = True) -> Table:
    """Cells of plain text with maths as $...$."""
    return Table(
        tuple(map(prose, columns)), tuple(tuple(prose(str(cell)) for cell in row) for row in rows), numeric=numeric
    )


def in_parts(rows: Sequence[Row]) -> list[Sequence[Row]]:
    """Rows for as many tables as they need, of about the same length."""
    n_parts = -(-len(rows) // MOST_ROWS)
    size = -(-len(rows) // n_parts)
    return [rows[i : i + size] for i in range(0, len(rows), size)]


def comparison_tables(comparison: Comparison) -> list[Table]:
    """Rows of computed numbers over printed ones; both in one row where rows are many and columns few."""
    lines, columns = comparison.lines, comparison.columns
    if 2 * len(lines) > MOST_ROWS and 2 * len(columns) <= MOST_COLUMNS:
        heads = [f"{column}, {what}" for what in ("computed", "printed") for column in columns]
        return [table(["", *heads], [[line.label, *line.computed, *line.printed] for line in lines])]
    n_tables = -(-2 * len(lines) // MOST_ROWS)
    size = -(-len(lines) // n_tables)
    rows = [[[f"{line.label}, computed", *line.computed], [f"{line.label}, printed", *line.printed]] for line in lines]
    return [
        table(["", *columns], [row for pair in rows[i : i + size] for row in pair]) for i in range(0, len(lines), size)
    ]
