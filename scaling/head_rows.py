"""Rows of scores of one head, as its softmax sees them: each query's spread, observables and largest key."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.saturation import RowObservables, row_observables
from scaling.vector_moments import HELD, Rows

Array = NDArray[np.float64]
Places = NDArray[np.intp]
LEAST_KEYS = 16  # of a causal row: fewer say little about a softmax
HIDDEN = 1e300  # how far below a row's largest score those of hidden keys are put: their weights are exactly 0


@dataclass(frozen=True)
class Visible:
    """Which keys each query sees: all of them or, where attention is causal, those up to its own place.

    With fewer queries than keys the causal queries are those of the last places, as with a cache of earlier keys.
    """

    n_queries: int
    n_keys: int
    causal: bool

    @property
    def has_own_keys(self) -> bool:
        """Whether query and key at the same place come from the same token."""
        return self.causal or self.n_queries == self.n_keys

    def own_key(self, queries: Places) -> Places:
        """The place among the keys of each query's own token."""
        return queries + (self.n_keys - self.n_queries)

    def counts(self, queries: Places) -> Places:
        """Visible keys of each query."""
        return self.own_key(queries) + 1 if self.causal else np.full(len(queries), self.n_keys)

    def queries(self, most: int | None = None) -> Places:
        """The queries to look at, causal ones with enough keys only; at most so many of them, evenly spaced."""
        first = max(0, LEAST_KEYS - 1 - (self.n_keys - self.n_queries)) if self.causal else 0
        n = max(0, self.n_queries - first)
        if most is None or n <= most:
            return np.arange(first, self.n_queries)
        return first + ((2 * np.arange(most) + 1) * n) // (2 * most)


@dataclass(frozen=True)
class HeadRows:
    """Rows of scores, each of shape (n_rows,); the observables (n_factors, n_rows)."""

    queries: Places
    n_keys: Places  # visible
    variance: Array  # population variance of the scores q·k over the visible keys
    own_z: Array  # (score of the token's own key - the row's mean) / standard deviation; nan where there is none
    largest: Places  # place of the largest score
    observables: RowObservables


def rows_of_scores(q: Rows, k: Rows, queries: Places) -> Iterator[tuple[Places, Array]]:
    """Some queries at a time, and their scores q·k (n_some, n_keys); those of hidden keys too."""
    n_keys, d_k = k.shape
    step = max(1, HELD // n_keys)
    held = np.asarray(k[:], dtype=np.float64).T if n_keys * d_k <= HELD else None
    for first in range(0, len(queries), step):
        some = queries[first : first + step]
        some_q = np.asarray(q[some], dtype=np.float64)
        yield some, some_q @ held if held is not None else _against_slices(some_q, k)


def _against_slices(q: Array, k: Rows) -> Array:
    n_keys, d_k = k.shape
    scores, step = np.empty((len(q), n_keys)), max(1, HELD // d_k)
    for first in range(0, n_keys, step):
        keys = np.asarray(k[first : min(n_keys, first + step)], dtype=np.float64)
        np.matmul(q, keys.T, out=scores[:, first : first + len(keys)])
    return scores


def hide(scores: Array, counts: Places) -> None:
    """Put the scores beyond each row's first `counts` so low that no softmax gives them any weight; in place."""
    hidden = np.arange(scores.shape[1]) >= counts[:, None]
    if hidden.any():
        scores[hidden] = -np.inf
        lowest = scores.max(axis=1, keepdims=True) - HIDDEN
        np.maximum(scores, lowest, out=scores)


def head_rows(q: Rows, k: Rows, queries: Places, visible: Visible, factors: ArrayLike) -> HeadRows:
    """The rows of some queries, their softmax read at each factor of the scores."""
    chunks = []
    for some, scores in rows_of_scores(q, k, queries):
        counts = visible.counts(some)
        mean, variance = row_spread(scores, counts)
        own_z = np.full(len(some), np.nan)
        if visible.has_own_keys:
            own = scores[np.arange(len(some)), visible.own_key(some)] - mean
            own_z = np.divide(own, np.sqrt(variance), out=np.zeros_like(own), where=variance > 0)
        hide(scores, counts)
        chunks.append((variance, own_z, scores.argmax(axis=1), *vars(row_observables(scores, factors)).values()))
    variance, own_z, largest, *seen = (np.concatenate(parts, axis=-1) for parts in zip(*chunks, strict=True))
    return HeadRows(queries, visible.counts(queries), variance, own_z, largest, RowObservables(*seen))


class RowSpread(NamedTuple):
    """Mean and population variance of each row's scores, (n_rows,)."""

    mean: Array
    variance: Array


def row_spread(scores: Array, counts: Places) -> RowSpread:
    """Of the first `counts` scores of each row."""
    if (counts == scores.shape[1]).all():
        return RowSpread(scores.mean(axis=1), scores.var(axis=1))
    is_visible = np.arange(scores.shape[1]) < counts[:, None]
    mean = np.where(is_visible, scores, 0.0).sum(axis=1) / counts
    deviation = np.where(is_visible, scores - mean[:, None], 0.0)
    return RowSpread(mean, np.vecdot(deviation, deviation) / counts)
