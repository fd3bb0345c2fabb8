"""Rows of a tidy frame."""

import pandas as pd


def select(frame: pd.DataFrame, **values: object) -> pd.DataFrame:
    """The rows whose columns have the given values, in order of `d_k` where the frame has it."""
    for column, value in values.items():
        frame = frame[frame[column] == value]
    return frame.sort_values("d_k", kind="stable") if "d_k" in frame else frame


def levels(frame: pd.DataFrame, column: str) -> list[int]:
    """The distinct values of an integer column, ascending."""
    return sorted(int(value) for value in frame[column].unique())
