"""What a head's queries and keys say: the size of its scores, where it comes from, and how saturated its softmax is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import is_number, shown
from scaling.head_law import normalised_entropy_of_rows
from scaling.head_rows import LEAST_KEYS, HeadRows, Places, Visible, head_rows
from scaling.intervals import Interval, jackknife_values, mean_interval
from scaling.queries_and_keys import checked_vectors
from scaling.rules import SCALED
from scaling.saturation import DEAD_TRACE
from scaling.vector_moments import Rows, VectorMoments
from scaling.vectors import VarianceTerms, variance_terms

Array = NDArray[np.float64]
PIECES = 8  # that the tokens are split into, for intervals
LEAST_TOKENS = 2 * PIECES  # to be split
LARGEST_ENTRY = 1e60  # of q and of k, so that the variance of their products is a float
SCALE_RANGE = (1e-30, 1e30)


class HeadQuantities(NamedTuple):
    """What is measured of a head; dimensionless, and nan where a quantity has no meaning.

    Scores are the same in every basis: q → A q, k → A^(-T) k changes none, and so none of these quantities but
    `entry_variance_q`, `entry_variance_k` and `alignment`.
    """

    mean: float  # of q·k over all pairs: μ_q·μ_k, which no softmax sees
    variance: float  # of q·k over all pairs: the sum of the next three
    joint: float  # tr(Σ_q Σ_k)
    mean_query: float  # μ_qᵀ Σ_k μ_q: the same preference for some keys in every row
    mean_key: float  # μ_kᵀ Σ_q μ_k: constants of the rows, which no softmax sees
    effective_d_k: float  # (tr M)² / tr(M²) of M = Σ_q Σ_k: how many components make up the joint term
    entry_variance_q: float  # tr(Σ_q) / d_k
    entry_variance_k: float  # tr(Σ_k) / d_k
    alignment: float  # d_k tr(Σ_q Σ_k) / (tr Σ_q tr Σ_k): above 1 where q and k vary along the same directions
    row_sd: float  # of the scaled scores: root of the mean, over rows, of the variance over a row
    own_z: float  # mean of (score of a token's own key - the row's mean) / standard deviation of the row
    on_own: float  # share of rows whose largest weight is on the token itself
    on_previous: float  # ... on the token before it
    on_first: float  # ... on the first token
    normalised_entropy: float  # mean over rows of H / ln n, n the keys that the row sees
    effective_keys: float  # mean of e^H
    max_weight: float
    jacobian_trace: float  # mean of tr J = 1 - Σp²
    dead_share: float  # of rows with tr J below 0.01
    law_entropy: float  # H / ln n of iid normal scores with the rows' own standard deviations; exact
    raw_normalised_entropy: float  # the same six of the raw scores, without any division
    raw_effective_keys: float
    raw_max_weight: float
    raw_jacobian_trace: float
    raw_dead_share: float
    raw_law_entropy: float


@dataclass(frozen=True)
class HeadMeasurement:
    """One head, measured on one or several sequences of tokens."""

    d_k: int
    n_queries: int  # of a sequence
    n_keys: int
    scale: float  # by which its scores are multiplied before the softmax
    causal: bool
    n_rows: int  # that the rows' quantities are means over
    quantities: HeadQuantities
    pieces: Array  # (n_pieces, n_quantities): pseudo-values whose mean is each quantity; none of too few tokens

    @property
    def terms(self) -> VarianceTerms:
        """Of the variance of q·k."""
        return VarianceTerms(self.quantities.joint, self.quantities.mean_query, self.quantities.mean_key)

    def interval(self, name: str, confidence: float = 0.95) -> Interval | None:
        """Student t interval of a quantity over pieces of the tokens; None where there are too few, or no value."""
        values = self.pieces[:, HeadQuantities._fields.index(name)]
        if len(values) < 2 or not np.isfinite(values).all():
            return None
        return mean_interval(values, confidence)


def measure_head(q: ArrayLike, k: ArrayLike, scale: float | None = None, causal: bool = False) -> HeadMeasurement:
    """Measure one head: queries (n_queries, d_k) against keys (n_keys, d_k), from 2 of either.

    Its scores are q·k times `scale`, 1/√d_k unless given. Where `causal`, a query sees the keys up to its own place
    (with fewer queries than keys, the queries are those of the last places), and rows of fewer than 16 keys are left
    out; the variance and its terms are over all pairs all the same.

    Intervals split the tokens into 8 contiguous pieces and leave out one of them at a time: of the queries and keys for
    moments, of the rows for means over rows. They are wide where the head's rows change along the sequence.

    Raises ValueError for other shapes, anything but finite real numbers of at most 1e60, a scale outside [1e-30, 1e30],
    and causal heads with more queries than keys or fewer than 16 keys.
    """
    vectors = checked_vectors("measure_head", q, k)
    for name, rows in zip("qk", vectors, strict=True):
        if rows.ndim != 2:
            raise ValueError(
                f"measure_head: {name} must be one head's, of shape (n, d_k); received the shape {rows.shape}"
            )
    return measure_rows(*vectors, scale, causal)


def measure_rows(
    q: Rows, k: Rows, scale: float | None = None, causal: bool = False, most: int | None = None
) -> HeadMeasurement:
    """`measure_head` of finite numbers that are read a slice at a time, with at most so many rows of scores.

    Those rows are evenly spaced; the moments are of all tokens.
    """
    n_queries, d_k = q.shape
    visible = Visible(n_queries, k.shape[0], causal)
    scale = _checked_scale(scale, d_k)
    queries = visible.queries(most)
    _check_tokens(visible, queries)
    few = min(n_queries, visible.n_keys, len(queries)) < LEAST_TOKENS
    cuts = [np.linspace(0, n, 1 if few else PIECES, endpoint=False).astype(int) for n in (n_queries, visible.n_keys)]
    moments = [_moments(name, rows, starts) for name, rows, starts in zip("qk", (q, k), cuts, strict=True)]
    rows = _per_row(head_rows(q, k, queries, visible, [scale, 1.0]), visible, scale)
    row_sums = [RowSums(part.shape[1], part.sum(axis=1)) for part in np.array_split(rows, len(cuts[0]), axis=1)]
    parts = [HeadPart(*part) for part in zip(*moments, row_sums, strict=True)]
    whole = sum(parts[1:], parts[0])
    quantities = _quantities(whole, scale)
    pieces = np.empty((0, len(quantities)))
    if not few:
        pieces = jackknife_values(parts, partial(_quantities, scale=scale))
    return HeadMeasurement(
        d_k, n_queries, visible.n_keys, scale, causal, len(queries), HeadQuantities(*quantities), pieces
    )


def mean_head(sequences: Sequence[HeadMeasurement]) -> HeadMeasurement:
    """The same head over several sequences of the same length: means of its quantities.

    From 8 sequences on each is a piece for the intervals; of fewer, each one's pieces are.
    """
    first = sequences[0]
    if len(sequences) == 1:
        return first
    values = np.array([one.quantities for one in sequences])
    pieces = values if len(values) >= PIECES else np.concatenate([one.pieces for one in sequences])
    return replace(
        first,
        n_rows=sum(one.n_rows for one in sequences),
        quantities=HeadQuantities(*values.mean(axis=0).tolist()),
        pieces=pieces,
    )


def _checked_scale(scale: float | None, d_k: int) -> float:
    if scale is None:
        return SCALED.factor(d_k)
    if not is_number(scale) or not SCALE_RANGE[0] <= scale <= SCALE_RANGE[1]:
        low, high = SCALE_RANGE
        raise ValueError(f"measure_head: scale must be a number from {low:g} to {high:g}; received {shown(scale)}")
    return float(scale)


def _check_tokens(visible: Visible, queries: Places) -> None:
    if visible.n_queries < 1 or visible.n_keys < 2:
        raise ValueError(
            f"measure_head: at least 1 query and 2 keys are needed; received {visible.n_queries} and {visible.n_keys}"
        )
    if visible.causal and visible.n_queries > visible.n_keys:
        raise ValueError(
            "measure_head: causal queries need keys of their own; "
            f"received {visible.n_queries} queries and {visible.n_keys} keys"
        )
    if len(queries) == 0:
        raise ValueError(f"measure_head: causal rows are measured from {LEAST_KEYS} keys; received {visible.n_keys}")


def _moments(name: str, rows: Rows, starts: Places) -> list[VectorMoments]:
    """Of the tokens from each start up to the next."""
    stops = [*starts[1:], rows.shape[0]]
    with np.errstate(over="ignore", invalid="ignore"):  # looked for below
        moments = [VectorMoments.of(rows, start, stop) for start, stop in zip(starts, stops, strict=True)]
        largest = max(np.max(np.abs(part.mean) + np.sqrt(np.diag(part.scatter))) for part in moments)
    if not largest <= LARGEST_ENTRY:
        raise ValueError(f"measure_head: the entries of {name} must not be larger than about {LARGEST_ENTRY:g}")
    return moments


@dataclass(frozen=True)
class RowSums:
    """Sums over rows of what `_per_row` says of each."""

    count: int
    sums: Array

    def __add__(self, other: "RowSums") -> "RowSums":
        return RowSums(self.count + other.count, self.sums + other.sums)


class HeadPart(NamedTuple):
    """What is gathered from a part of the tokens."""

    q: VectorMoments
    k: VectorMoments
    rows: RowSums

    def __add__(self, other: "HeadPart") -> "HeadPart":  # type: ignore[override]  # parts are merged, not concatenated
        return HeadPart(self.q + other.q, self.k + other.k, self.rows + other.rows)


def _per_row(rows: HeadRows, visible: Visible, scale: float) -> Array:
    """(n, n_rows): the variance of the raw scores, then what the quantities from `own_z` on are means of."""
    seen = rows.observables
    sigma = np.sqrt(rows.variance * rows.n_keys / (rows.n_keys - 1))
    law = normalised_entropy_of_rows(np.stack([scale * sigma, sigma]), rows.n_keys)
    own = visible.own_key(rows.queries) if visible.has_own_keys else np.nan
    places = [np.where(np.isnan(own), np.nan, rows.largest == place) for place in (own, own - 1)]
    softmax = [
        [
            seen.entropy[i] / np.log(rows.n_keys),
            np.exp(seen.entropy[i]),
            seen.max_weight[i],
            seen.jacobian_trace[i],
            seen.jacobian_trace[i] < DEAD_TRACE,
            law[i],
        ]
        for i in (0, 1)
    ]
    return np.array([rows.variance, rows.own_z, *places, rows.largest == 0, *softmax[0], *softmax[1]], dtype=float)


def _quantities(part: HeadPart, scale: float) -> tuple[float, ...]:
    """In the order of `HeadQuantities`."""
    q, k = part.q.covariance, part.k.covariance
    terms = variance_terms(part.q.mean, q, part.k.mean, k)
    product = q @ k
    variance, *means = (part.rows.sums / part.rows.count).tolist()
    d_k, trace_q, trace_k = len(q), float(np.trace(q)), float(np.trace(k))
    return (
        float(part.q.mean @ part.k.mean),
        terms.total,
        *terms,
        _ratio(terms.joint**2, float(np.vdot(product, product.T))),
        trace_q / d_k,
        trace_k / d_k,
        _ratio(d_k * terms.joint, trace_q * trace_k),
        scale * math.sqrt(variance),
        *means,
    )


def _ratio(numerator: float, denominator: float) -> float:
    return numerator / denominator if denominator > 0 else math.nan
