"""What a head's queries and keys say: the size of its scores, where it comes from, and how saturated its softmax is."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import is_number, shown
from scaling.head_law import normalised_entropy_of_rows
from scaling.head_rows import LEAST_KEYS, HeadRows, Visible, head_rows
from scaling.intervals import Interval, mean_interval, merged_without_each, pseudo_values
from scaling.queries_and_keys import checked_vectors
from scaling.row_pieces import MergedRows
from scaling.rules import SCALED
from scaling.saturation import DEAD_TRACE
from scaling.token_pieces import Places, TokenPieces
from scaling.vector_moments import Rows, VectorMoments
from scaling.vectors import VarianceTerms, variance_terms

Array = NDArray[np.float64]
Kept = NDArray[np.bool_]
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
    pieces: Array  # (n_pieces, n_quantities): pseudo-values, whose scatter makes intervals; none of too few tokens

    @property
    def terms(self) -> VarianceTerms:
        """Of the variance of q·k."""
        return VarianceTerms(self.quantities.joint, self.quantities.mean_query, self.quantities.mean_key)

    def interval(self, name: str, confidence: float = 0.95) -> Interval | None:
        """Student t interval of a quantity over pieces of the tokens; None where there are too few, or no value.

        It stands around the quantity itself, since rows without a piece have fewer keys and may differ for that reason.
        """
        estimate, values = getattr(self.quantities, name), self.pieces[:, HeadQuantities._fields.index(name)]
        if len(values) < 2 or not np.isfinite([estimate, *values]).all():
            return None
        return mean_interval(values - values.mean() + estimate, confidence)


def measure_head(q: ArrayLike, k: ArrayLike, scale: float | None = None, causal: bool = False) -> HeadMeasurement:
    """Measure one head: queries (n_queries, d_k) against keys (n_keys, d_k), from 2 of either.

    Its scores are q·k times `scale`, 1/√d_k unless given. Where `causal`, a query sees the keys up to its own place
    (with fewer queries than keys, the queries are those of the last places), and rows of fewer than 16 keys are left
    out; the variance and its terms are over all pairs all the same.

    Intervals split the tokens into 8 pieces (scaling/token_pieces.py) and leave out one at a time, as queries and as
    keys: the jackknife. They hold for other tokens like these.

    Raises ValueError for other shapes, anything but finite real numbers of at most 1e60, a scale outside [1e-30, 1e30],
    and causal heads with more queries than keys or fewer than 16 keys.

    >>> head = measure_head(*np.random.default_rng(7).normal(size=(2, 512, 64)))
    >>> head.scale, round(head.quantities.variance / 64)
    (0.125, 1)
    >>> head.quantities.raw_normalised_entropy < 0.3 < 0.9 < head.quantities.normalised_entropy
    True
    """
    if not isinstance(causal, bool | np.bool):
        raise ValueError(f"measure_head: causal must be True or False; received {shown(causal)}")
    vectors = checked_vectors("measure_head", q, k)
    for name, rows in zip("qk", vectors, strict=True):
        if rows.ndim != 2:
            raise ValueError(
                f"measure_head: {name} must be one head's, of shape (n, d_k); received the shape {rows.shape}"
            )
    return measure_rows(*vectors, scale, bool(causal))


def measure_rows(
    q: Rows,
    k: Rows,
    scale: float | None = None,
    causal: bool = False,
    most: int | None = None,
    intervals: bool = True,
) -> HeadMeasurement:
    """`measure_head` of finite numbers that are read a slice at a time, with at most so many rows of scores.

    Those rows are evenly spaced; the moments are of all tokens. Without intervals it takes a fifth of the time.
    """
    n_queries, d_k = q.shape
    visible = Visible(n_queries, k.shape[0], causal)
    scale = _checked_scale(scale, d_k)
    queries = visible.queries(most)
    _check_tokens(visible, queries)
    is_split = intervals and min(n_queries, visible.n_keys, len(queries)) >= LEAST_TOKENS
    tokens = [TokenPieces(n, PIECES if is_split else 1) for n in (n_queries, visible.n_keys)]
    moments = [_moments(name, rows, pieces) for name, rows, pieces in zip("qk", (q, k), tokens, strict=True)]
    rows = head_rows(q, k, queries, visible, tokens[1], [scale, 1.0])
    places = _places(rows, visible)

    def quantities(of_q: VectorMoments, of_k: VectorMoments, left_out: int | None) -> tuple[float, ...]:
        is_kept = tokens[0].piece_of[queries] != left_out
        return *_moment_quantities(of_q, of_k), *_row_quantities(rows.pieces.merged(left_out), places, is_kept, scale)

    (whole_q, less_q), (whole_k, less_k) = map(merged_without_each, moments)
    whole = HeadQuantities(*quantities(whole_q, whole_k, None))
    without = [quantities(*less, piece) for piece, less in enumerate(zip(less_q, less_k, strict=True))]
    pieces = pseudo_values(whole, without) if is_split else np.empty((0, len(whole)))
    return HeadMeasurement(d_k, n_queries, visible.n_keys, scale, causal, len(queries), whole, pieces)


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
    if not is_number(scale) or not SCALE_RANGE[0] <= float(scale) <= SCALE_RANGE[1]:
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


def _moments(name: str, rows: Rows, tokens: TokenPieces) -> list[VectorMoments]:
    """Of each piece of the tokens."""
    with np.errstate(over="ignore", invalid="ignore"):  # looked for below
        moments = [VectorMoments.of(rows, piece) for piece in tokens.stretches]
        largest = max(np.max(np.abs(part.mean) + np.sqrt(np.diag(part.scatter))) for part in moments)
    if not largest <= LARGEST_ENTRY:
        raise ValueError(f"measure_head: the entries of {name} must not be larger than about {LARGEST_ENTRY:g}")
    return moments


def _moment_quantities(q: VectorMoments, k: VectorMoments) -> tuple[float, ...]:
    """The quantities up to `alignment`."""
    sigma_q, sigma_k = q.covariance, k.covariance
    terms = variance_terms(q.mean, sigma_q, k.mean, sigma_k)
    shares = sigma_q @ sigma_k / (terms.joint or math.nan)  # M / tr M, whose squares are floats
    d_k, trace_q, trace_k = len(shares), float(np.trace(sigma_q)), float(np.trace(sigma_k))
    return (
        float(q.mean @ k.mean),
        terms.total,
        *terms,
        1 / float(np.vdot(shares, shares.T)),
        trace_q / d_k,
        trace_k / d_k,
        d_k * terms.joint / (trace_q * trace_k or math.nan),
    )


def _places(rows: HeadRows, visible: Visible) -> Array:
    """(4, n_rows): how far the own key's score is above the row's mean, and on which key the largest weight is."""
    seen, own = rows.pieces.merged(), visible.own_key(rows.queries)
    above = rows.own - seen.mean
    own_z = np.divide(above, np.sqrt(seen.variance), out=np.zeros_like(above), where=seen.variance > 0)
    on = np.array([rows.largest == own, rows.largest == own - 1, rows.largest == 0], dtype=np.float64)
    if not visible.has_own_keys:
        own_z[:], on[:2] = np.nan, np.nan
    return np.vstack([own_z, on])


def _row_quantities(rows: MergedRows, places: Array, is_kept: Kept, scale: float) -> tuple[float, ...]:
    """The quantities from `row_sd` on: of those rows that are kept and have at least 2 keys."""
    some = is_kept & (rows.n_keys >= 2)
    n_keys, variance = rows.n_keys[some], rows.variance[some]
    entropy, trace = rows.entropy[:, some], rows.jacobian_trace[:, some]
    sigma = np.sqrt(variance * n_keys / (n_keys - 1)) * np.array([[scale], [1.0]])
    softmax = [
        entropy / np.log(n_keys),
        np.exp(entropy),
        rows.max_weight[:, some],
        trace,
        trace < DEAD_TRACE,
        normalised_entropy_of_rows(sigma, n_keys.astype(np.intp)),
    ]
    means = np.mean(softmax, axis=-1)  # (n, 2): scaled, raw
    return scale * math.sqrt(variance.mean()), *places[:, some].mean(axis=1).tolist(), *means.T.ravel().tolist()
