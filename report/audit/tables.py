"""Heads in tables: every one of them, or those that most is to be said of."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from experiments.audit.kinds import KINDS
from report.audit.labels import head_labels
from report.audit.sentences import share, short

MOST_ROWS = 256


@dataclass(frozen=True)
class Row:
    """One head."""

    label: str
    saturation: tuple[str, ...]  # see HEADINGS
    size: tuple[str, ...]
    findings: str


HEADINGS = {  # plain text with maths as $...$
    "saturation": (
        "sd of a row", "entropy / $\\ln n$", "95 % interval", "raw", "keys $e^H$", "largest weight", "dead rows",
        "temperature",
    ),
    "size": (
        "variance / $d_k$", "95 % interval", "joint", "mean query", "mean key", "entries of $q$", "of $k$",
        "alignment", "components", "own key",
    ),
}  # fmt: skip


def table_rows(heads: pd.DataFrame) -> list[Row]:
    """Rows in the order of the heads; of more than `MOST_ROWS`, those with the gravest findings."""
    places = np.arange(len(heads))
    if len(heads) > MOST_ROWS:
        places = np.sort(gravest(heads)[:MOST_ROWS])
    labels = head_labels(heads)
    return [_row(labels[i], head) for i, head in zip(places, heads.iloc[places].itertuples(), strict=True)]


def gravest(heads: pd.DataFrame) -> "np.ndarray[tuple[int], np.dtype[np.intp]]":
    """Places of the heads, by their first kind of finding and, within a kind, by how much it says of them."""
    order: list[int] = []
    for kind in KINDS:
        its = np.flatnonzero(kind.holds(heads))
        order += its[np.argsort(-kind.depth(heads).to_numpy()[its], kind="stable")].tolist()
    return np.array(list(dict.fromkeys([*order, *range(len(heads))])))


def _row(label: str, head) -> Row:  # type: ignore[no-untyped-def]  # a row of the frame, as `itertuples` gives it
    return Row(
        label,
        (
            short(head.row_sd),
            short(head.normalised_entropy),
            _interval(head.normalised_entropy_low, head.normalised_entropy_high),
            short(head.raw_normalised_entropy),
            short(head.effective_keys),
            short(head.max_weight),
            share(head.dead_share),
            "–" if np.isnan(head.temperature) else short(head.temperature),
        ),
        (
            short(head.variance_per_d_k),
            _interval(head.variance_per_d_k_low, head.variance_per_d_k_high),
            *_shares([head.joint, head.mean_query, head.mean_key]),
            short(head.entry_variance_q),
            short(head.entry_variance_k),
            _or_dash(head.alignment),
            _or_dash(head.effective_d_k),
            _or_dash(head.own_z),
        ),
        head.findings.replace(";", ", "),
    )


def _interval(low: float, high: float) -> str:
    return "–" if np.isnan(low) else f"{short(low)} to {short(high)}"


def _shares(terms: Sequence[float]) -> list[str]:
    total = sum(terms)
    return [share(term / total) if total > 0 else "–" for term in terms]


def _or_dash(value: float) -> str:
    return "–" if np.isnan(value) else short(value)
