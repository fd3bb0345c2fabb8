"""Rows of scores of one head, as its softmax sees them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.row_pieces import RowPieces, Seen
from scaling.token_pieces import Places, TokenPieces
from scaling.vector_moments import HELD, Rows

Array = NDArray[np.float64]
LEAST_KEYS = 16  # of a causal row: fewer say little about a softmax


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
        """Whether each query has a key that comes from the same token."""
        return self.causal or self.n_queries == self.n_keys

    def own_key(self, queries: Places) -> Places:
        """The place among the keys of each query's own token."""
        return queries + (self.n_keys - self.n_queries)

    def keys(self, queries: Places, order: Places) -> Seen:
        """Which of the keys, in that order, each query sees: (n_queries, n_keys); None: all."""
        return order < self.counts(queries)[:, None] if self.causal else None

    def counts(self, queries: Places) -> Places:
        """How many keys each query sees."""
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
    """Rows of scores; the arrays are (n_rows,)."""

    queries: Places
    own: Array  # score of the token's own key; nan where there is none
    largest: Places  # place of the key with the largest score
    pieces: RowPieces  # by pieces of the keys


def head_rows(q: Rows, k: Rows, queries: Places, visible: Visible, keys: TokenPieces, factors: ArrayLike) -> HeadRows:
    """The rows of some queries, their softmax read at each factor of the scores."""
    own, largest, pieces = [], [], []
    for some, scores in rows_of_scores(q, k, queries, keys):
        rows = np.arange(len(some))
        is_own = visible.has_own_keys
        own.append(scores[rows, keys.rank[visible.own_key(some)]] if is_own else np.full(len(some), np.nan))
        pieces.append(RowPieces.of(scores, visible.keys(some, keys.order), keys.bounds, factors))
        largest.append(keys.order[scores.argmax(axis=1)])  # of visible ones, since the others are hidden now
    return HeadRows(queries, np.concatenate(own), np.concatenate(largest), RowPieces.joined(pieces))


def rows_of_scores(q: Rows, k: Rows, queries: Places, keys: TokenPieces) -> Iterator[tuple[Places, Array]]:
    """Some queries at a time, and their scores q·k (n_some, n_keys) with the keys in their pieces' order."""
    n_keys, d_k = k.shape
    step = max(1, HELD // n_keys)
    held = np.asarray(k[:], dtype=np.float64)[keys.order].T if n_keys * d_k <= HELD else None
    for first in range(0, len(queries), step):
        some = queries[first : first + step]
        some_q = np.asarray(q[some], dtype=np.float64)
        yield some, some_q @ held if held is not None else _against_slices(some_q, k, keys)


def _against_slices(q: Array, k: Rows, keys: TokenPieces) -> Array:
    n_keys, d_k = k.shape
    scores, step, column = np.empty((len(q), n_keys)), max(1, HELD // d_k), 0
    for start, stop in (stretch for piece in keys.stretches for stretch in piece):
        for first in range(start, stop, step):
            some = np.asarray(k[first : min(stop, first + step)], dtype=np.float64)
            np.matmul(q, some.T, out=scores[:, column : column + len(some)])
            column += len(some)
    return scores
