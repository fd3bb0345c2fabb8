"""Every head of the reader's files, measured: a tidy frame with one row for each, and its data dictionary."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from experiments.audit.kinds import findings
from experiments.audit.sources import HeadSource
from experiments.experiment import FIGURE_CONFIDENCE
from experiments.faults import Faults
from experiments.progress import progress_bar
from scaling.heads import PIECES, HeadMeasurement, mean_head, measure_rows
from scaling.temperature import FEWEST_ROWS, MOST_ROWS, ScoredRows, scored_rows, temperature_for, unit_entropy
from scaling.vector_moments import HELD

SCORES = 2**21  # that a head is measured on, in all of its sequences: 512 rows of 4096 keys, or all rows of few keys
FEWEST_OF_HEAD, FEWEST_OF_SEQUENCE = 64, 16  # rows that are looked at however long they are; intervals need 16


@dataclass(frozen=True)
class Settings:
    """What the reader says of her scores."""

    causal: bool = False
    scale: float | None = None  # None: 1/√d_k
    entropy: float | None = None  # H / ln n that a temperature shall bring; None: that of normal scores of variance 1


class HeadColumn(NamedTuple):
    """One line of the data dictionary."""

    meaning: str
    unit: str = "1"
    depends_on_basis: bool = False  # whether q → A q, k → A^(-T) k, which changes no score, changes it


BASIS = True  # that a quantity depends on it
OF_ROWS = "mean over rows"
MEANINGS: Mapping[str, HeadColumn] = {
    "layer": HeadColumn(
        "name of the layer in the file, or its number where it has none; in audit.csv after an apostrophe where it "
        "begins with =, +, - or @"
    ),
    "layer_number": HeadColumn("place of the layer in order, from 0"),
    "head": HeadColumn("query head within the layer, from 0"),
    "key_head": HeadColumn("key head that it reads; several query heads may share one"),
    "d_k": HeadColumn("entries of a query and of a key"),
    "scale": HeadColumn("number that q·k is multiplied by before the softmax"),
    "n_queries": HeadColumn("queries of a sequence"),
    "n_keys": HeadColumn("keys of a sequence"),
    "n_sequences": HeadColumn("sequences, over which all quantities are means"),
    "n_rows": HeadColumn("rows of scores that were looked at, evenly spaced, in all sequences"),
    "mean": HeadColumn("mean of q·k over all pairs of a query and a key, μ_q·μ_k; no softmax sees it"),
    "variance": HeadColumn("variance of q·k over all pairs: the sum of the next three"),
    "joint": HeadColumn("tr(Σ_q Σ_k), with the covariances of queries and of keys"),
    "mean_query": HeadColumn("μ_qᵀ Σ_k μ_q: the same preference for some keys in every row"),
    "mean_key": HeadColumn("μ_kᵀ Σ_q μ_k: constants of the rows, which no softmax sees"),
    "variance_per_d_k": HeadColumn("variance / d_k; the lecture assumes 1"),
    "joint_per_d_k": HeadColumn("joint / d_k"),
    "mean_query_per_d_k": HeadColumn("mean_query / d_k"),
    "mean_key_per_d_k": HeadColumn("mean_key / d_k"),
    "effective_d_k": HeadColumn("(tr M)² / tr(M²) of M = Σ_q Σ_k: how many components make up the joint term"),
    "entry_variance_q": HeadColumn("mean variance of an entry of q, tr(Σ_q) / d_k", depends_on_basis=BASIS),
    "entry_variance_k": HeadColumn("mean variance of an entry of k, tr(Σ_k) / d_k", depends_on_basis=BASIS),
    "alignment": HeadColumn(
        "d_k tr(Σ_q Σ_k) / (tr Σ_q tr Σ_k): above 1 where q and k vary along the same directions",
        depends_on_basis=BASIS,
    ),
    "row_sd": HeadColumn("standard deviation of the scaled scores of a row: root of the mean variance over rows"),
    "raw_row_sd": HeadColumn("the same of the scores q·k"),
    "own_z": HeadColumn(
        f"{OF_ROWS} of (score of the token's own key - mean of the row) / standard deviation of the row"
    ),
    "on_own": HeadColumn("share of rows whose largest weight is on the token itself"),
    "on_previous": HeadColumn("share of rows whose largest weight is on the token before it"),
    "on_first": HeadColumn("share of rows whose largest weight is on the first token"),
    "normalised_entropy": HeadColumn(f"{OF_ROWS} of H / ln n, n the number of keys that a row sees; scaled scores"),
    "effective_keys": HeadColumn(f"{OF_ROWS} of e^H", "keys"),
    "max_weight": HeadColumn(f"{OF_ROWS} of the largest weight"),
    "jacobian_trace": HeadColumn(f"{OF_ROWS} of the trace of the softmax's Jacobian, 1 - Σp²"),
    "dead_share": HeadColumn("share of rows in which that trace is below 0.01"),
    "law_entropy": HeadColumn("H / ln n of independent normal scores with the rows' own standard deviations; exact"),
    "unit_entropy": HeadColumn("H / ln n of independent normal scores of variance 1; exact"),
    "raw_normalised_entropy": HeadColumn("normalised_entropy of the scores q·k"),
    "raw_effective_keys": HeadColumn("effective_keys of the scores q·k", "keys"),
    "raw_max_weight": HeadColumn("max_weight of the scores q·k"),
    "raw_jacobian_trace": HeadColumn("jacobian_trace of the scores q·k"),
    "raw_dead_share": HeadColumn("dead_share of the scores q·k"),
    "raw_law_entropy": HeadColumn("law_entropy of the scores q·k"),
    "temperature": HeadColumn("number to divide the scaled scores by so that normalised_entropy is target_entropy"),
    "target_entropy": HeadColumn("H / ln n that the temperature is for"),
}
WITH_INTERVALS = {  # quantity: the values that it can have
    "variance_per_d_k": (0.0, math.inf),
    "alignment": (0.0, math.inf),
    "entry_variance_q": (0.0, math.inf),
    "entry_variance_k": (0.0, math.inf),
    "effective_d_k": (1.0, math.inf),
    "row_sd": (0.0, math.inf),
    "own_z": (-math.inf, math.inf),
    "normalised_entropy": (0.0, 1.0),
    "max_weight": (0.0, 1.0),
    "dead_share": (0.0, 1.0),
    "raw_normalised_entropy": (0.0, 1.0),
    "raw_dead_share": (0.0, 1.0),
}
MEASURED: Mapping[str, HeadColumn] = {
    **MEANINGS,
    **{
        f"{name}_{end}": MEANINGS[name]._replace(meaning=f"{end} end of the 95 % interval of {name}; none: too few")
        for name in WITH_INTERVALS
        for end in ("low", "high")
    },
}
COLUMNS = {**MEASURED, "findings": HeadColumn("kinds of findings that the head is of, with semicolons between them")}


def measure_heads(heads: Sequence[HeadSource], settings: Settings, jobs: int, where: str = "") -> pd.DataFrame:
    """One row for each head, in their order, whatever the number of threads; columns and their order as in `COLUMNS`.

    Faults for the first head that cannot be measured; they begin with `where`, the file if there is one.
    """
    with threadpool_limits(limits=1, user_api="blas"), progress_bar(len(heads), "heads") as progress:
        rows = []
        for row in _in_threads(heads, partial(measure, settings=settings, where=where), jobs):
            rows.append(row)
            progress.update()
    frame = pd.DataFrame(rows, columns=list(MEASURED))
    return frame.assign(findings=[";".join(names) for names in findings(frame)])


def _in_threads(
    heads: Sequence[HeadSource], measure_one: Callable[[HeadSource], dict[str, Any]], jobs: int
) -> Iterator[dict[str, Any]]:
    """Rows in the order of the heads. Threads do, since NumPy lets go of the interpreter in all that takes long."""
    pool = ThreadPoolExecutor(jobs)
    try:
        yield from pool.map(measure_one, heads)
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # after Ctrl-C nobody waits for the heads at work


def measure(head: HeadSource, settings: Settings, where: str = "") -> dict[str, Any]:
    """The row of one head. Faults where its rows cannot be measured."""
    n_sequences = len(head.sequences)
    most = most_rows(head.sequences[0][1].shape[0], n_sequences)
    try:
        measured = mean_head(
            [
                measure_rows(q, k, settings.scale, settings.causal, most, intervals=n_sequences < PIECES)
                for q, k in head.sequences
            ]
        )
    except ValueError as error:
        raise Faults(f"{where and f'{where}: '}layer {head.layer}, head {head.head}: {error}") from None
    rows = _scored(head, settings.causal)
    temperature = temperature_for(rows, measured.scale, settings.entropy)
    quantities = measured.quantities._asdict()
    derived = {
        f"{name}_per_d_k": quantities[name] / measured.d_k for name in ("variance", "joint", "mean_query", "mean_key")
    }
    row = {
        "layer": head.layer,
        "layer_number": head.layer_number,
        "head": head.head,
        "key_head": head.key_head,
        "d_k": measured.d_k,
        "scale": measured.scale,
        "n_queries": measured.n_queries,
        "n_keys": measured.n_keys,
        "n_sequences": n_sequences,
        "n_rows": measured.n_rows,
        **quantities,
        **derived,
        "raw_row_sd": measured.quantities.row_sd / measured.scale,
        "unit_entropy": float(np.concatenate([unit_entropy(some.n_keys) for some in rows]).mean()),
        "temperature": temperature.value,
        "target_entropy": temperature.target,
    }
    for name in WITH_INTERVALS:
        row |= _interval(measured, name)
    return {column: row[column] for column in MEASURED}


def most_rows(n_keys: int, n_sequences: int) -> int:
    """How many rows of each sequence are looked at, if it has so many."""
    return max(FEWEST_OF_SEQUENCE, max(FEWEST_OF_HEAD, SCORES // n_keys) // n_sequences)


def _scored(head: HeadSource, causal: bool) -> list[ScoredRows]:
    """Rows for the temperature, from as many sequences as can have a few of them."""
    n_keys = head.sequences[0][1].shape[0]
    n_rows = min(MOST_ROWS, max(FEWEST_ROWS, HELD // n_keys))
    n_some = min(len(head.sequences), n_rows // FEWEST_ROWS)
    places = [(2 * i + 1) * len(head.sequences) // (2 * n_some) for i in range(n_some)]
    return [scored_rows(*head.sequences[place], causal, n_rows // n_some) for place in places]


def _interval(measured: HeadMeasurement, name: str) -> dict[str, float]:
    """Both ends, nan where there is none, within the values that the quantity can have."""
    quantity, unit = (name.removesuffix("_per_d_k"), measured.d_k) if name.endswith("_per_d_k") else (name, 1)
    interval = measured.interval(quantity, FIGURE_CONFIDENCE)
    ends = (math.nan, math.nan) if interval is None else (float(interval.low), float(interval.high))
    low, high = np.clip(np.divide(ends, unit), *WITH_INTERVALS[name]).tolist()
    return {f"{name}_low": low, f"{name}_high": high}
