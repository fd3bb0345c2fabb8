"""Rows of a tidy frame."""

from collections.abc import Sequence

import numpy as np
import pandas as pd


def select(frame: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows whose columns have the given values, in order of `d_k` where the frame has it."""
    is_wanted = np.ones(len(frame), dtype=bool)
    for column, value in values.items():
        is_wanted &= frame[column].to_numpy() == value
    rows = frame[is_wanted]
    is_in_order = "d_k" not in rows or rows["d_k"].is_monotonic_increasing
    return rows if is_in_order else rows.sort_values("d_k", kind="stable")


def levels(frame: pd.DataFrame, column: str) -> list[int]:
    """The distinct values of an integer column, ascending."""
    return sorted(int(value) for value in frame[column].unique())


def few(values: Sequence[int], most: int) -> list[int]:
    """At most so many of the values, as panels have room for: the first, the last and some evenly between."""
    places = np.linspace(0, len(values) - 1, min(most, len(values)))
    return [values[place] for place in places.round().astype(int)]
