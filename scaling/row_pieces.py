"""Softmax rows put together from pieces of their keys, so that rows without one of the pieces cost next to nothing."""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.saturation import row_observables

Array = NDArray[np.float64]
HIDDEN = 1e300  # how far below a row's largest score those of hidden keys are put: their weights are exactly 0


Seen = NDArray[np.bool_] | None  # which keys the rows see, (n_rows, n_keys); None: all


class MergedRows(NamedTuple):
    """Rows over several pieces of their keys, (n_rows,) or (n_factors, n_rows)."""

    n_keys: Array  # visible ones
    mean: Array  # of the scores
    variance: Array  # population variance of the scores
    entropy: Array  # nats; it and the next two at each factor
    max_weight: Array
    jacobian_trace: Array


@dataclass(frozen=True)
class RowPieces:
    """Rows of scores over pieces of their keys, each with the softmax over the piece's keys alone.

    The first three are (n_pieces, n_rows), the others (n_pieces, n_factors, n_rows).
    """

    n_keys: Array  # visible ones
    mean: Array
    variance: Array
    log_partition: Array
    entropy: Array
    max_weight: Array
    jacobian_trace: Array

    @classmethod
    def of(cls, scores: Array, is_visible: Seen, bounds: Sequence[int], factors: ArrayLike) -> "RowPieces":
        """Pieces of the columns of scores (n_rows, n_keys) between `bounds`; scores of hidden keys are overwritten."""
        hide(scores, is_visible)
        pieces = []
        for start, stop in pairwise(bounds):
            some, columns = scores[:, start:stop], slice(start, stop)
            seen = row_observables(some, factors)
            spread = row_spread(some, None if is_visible is None else is_visible[:, columns])
            pieces.append((*spread, seen.log_partition, seen.entropy, seen.max_weight, seen.jacobian_trace))
        return cls(*(np.stack(parts) for parts in zip(*pieces, strict=True)))

    @classmethod
    def joined(cls, chunks: "Sequence[RowPieces]") -> "RowPieces":
        """Chunks of rows, one after the other."""
        return cls(*(np.concatenate([getattr(one, part.name) for one in chunks], axis=-1) for part in fields(cls)))

    def merged(self, left_out: int | None = None) -> MergedRows:
        """The rows over all pieces, or over all but one of at least two.

        Entropies by the chain rule, H = H(w) + Σ w_b H_b with w_b the weight that falls on piece b; and
        tr J = Σ_b w_b² tr J_b + Σ_(b ≠ c) w_b w_c, in which no term is negative.
        """
        n_pieces = len(self.n_keys)
        kept = [piece for piece in range(n_pieces) if piece != left_out]
        n, mean, variance = self.n_keys[kept], self.mean[kept], self.variance[kept]
        n_keys = n.sum(axis=0)
        counted = np.maximum(n_keys, 1.0)
        centre = (n * mean).sum(axis=0) / counted
        log_z = self.log_partition[kept]  # (n_kept, n_factors, n_rows)
        below = log_z - log_z.max(axis=0)
        others = np.exp(below)
        np.put_along_axis(others, log_z.argmax(axis=0)[None], 0.0, axis=0)
        log_w = below - np.log1p(others.sum(axis=0))  # exact too for a piece that has nearly all of the weight
        w = np.exp(log_w)
        pairs = w * (np.einsum("bc,cfr->bfr", 1 - np.eye(len(kept)), w))
        return MergedRows(
            n_keys=n_keys,
            mean=centre,
            variance=(n * (variance + (mean - centre) ** 2)).sum(axis=0) / counted,
            entropy=(w * (self.entropy[kept] - np.maximum(log_w, -HIDDEN))).sum(axis=0),
            max_weight=(w * self.max_weight[kept]).max(axis=0),
            jacobian_trace=(w**2 * self.jacobian_trace[kept]).sum(axis=0) + pairs.sum(axis=0),
        )


class RowSpread(NamedTuple):
    """Of each row's visible scores, (n_rows,); 0 where there are none."""

    n_keys: Array
    mean: Array
    variance: Array  # population variance


def row_spread(scores: Array, is_visible: Seen) -> RowSpread:
    """Of the visible scores (n_rows, n_keys)."""
    if is_visible is None:
        return RowSpread(np.full(len(scores), float(scores.shape[1])), scores.mean(axis=1), scores.var(axis=1))
    n_keys = is_visible.sum(axis=1, dtype=np.float64)
    counted = np.maximum(n_keys, 1.0)
    mean = np.where(is_visible, scores, 0.0).sum(axis=1) / counted
    deviation = np.where(is_visible, scores - mean[:, None], 0.0)
    return RowSpread(n_keys, mean, np.vecdot(deviation, deviation) / counted)


def hide(scores: Array, is_visible: Seen) -> None:
    """Put the scores of keys that are not visible so far below the row's largest that no softmax gives them weight."""
    if is_visible is not None:
        np.copyto(scores, -np.inf, where=~is_visible)
        np.maximum(scores, scores.max(axis=1, keepdims=True) - HIDDEN, out=scores)
