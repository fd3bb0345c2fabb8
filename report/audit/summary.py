"""The whole of the heads in a few numbers."""

from dataclasses import dataclass

import pandas as pd

from experiments.audit.kinds import QUIET, is_flat, is_saturated


@dataclass(frozen=True)
class Summary:
    """Counts and medians over heads; of one head, its own values."""

    n_heads: int
    n_layers: int
    n_key_heads: int
    has_gaps: bool  # whether a layer has fewer heads than another
    d_k: int
    n_saturated: int
    n_raw_saturated: int
    n_flat: int
    n_without: int  # heads of which no kind of finding needs attention
    variance_per_d_k: float
    row_sd: float
    unit_entropy: float
    entropy: float
    raw_entropy: float
    off_law: float
    temperature: float  # of those that are saturated as used; nan: of none
    shortest: int  # keys of a sequence
    longest: int
    has_intervals: bool
    is_divided: bool  # whether the scale is below 1


def summarise(heads: pd.DataFrame) -> Summary:
    """Of a frame of heads."""
    median = heads.median(numeric_only=True)
    names = [set(filter(None, found.split(";"))) for found in heads["findings"]]
    return Summary(
        n_heads=len(heads),
        n_layers=heads["layer_number"].nunique(),
        n_key_heads=len(heads[["layer_number", "key_head"]].drop_duplicates()),
        has_gaps=heads.groupby("layer_number").size().nunique() > 1,
        d_k=int(heads["d_k"].iloc[0]),
        n_saturated=int(is_saturated(heads).sum()),
        n_raw_saturated=int(is_saturated(heads, "raw_").sum()),
        n_flat=int(is_flat(heads).sum()),
        n_without=sum(found <= QUIET for found in names),
        variance_per_d_k=median["variance_per_d_k"],
        row_sd=median["row_sd"],
        unit_entropy=median["unit_entropy"],
        entropy=median["normalised_entropy"],
        raw_entropy=median["raw_normalised_entropy"],
        off_law=float((heads["law_entropy"] - heads["normalised_entropy"]).abs().median()),
        temperature=float(heads["temperature"][is_saturated(heads)].median()),
        shortest=int(heads["n_keys"].min()),
        longest=int(heads["n_keys"].max()),
        has_intervals=bool(heads["normalised_entropy_low"].notna().any()),
        is_divided=bool((heads["scale"] < 1).all()),
    )
