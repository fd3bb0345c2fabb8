"""How a gradient is made up of examples: what each of them gives, how few carry it, and how far batches agree.

All of it for heads known by S = [A M; Mᵀ B] (`scaling.gram`), whose weights have the gradients dL/dW_q = x_q (W_kᵀ u)ᵀ
and dL/dW_k = u (W_qᵀ x_q)ᵀ on one example.
"""

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import is_count, is_number, shown
from scaling.gram import GramHeads, mean_gradients

Array = NDArray[np.float64]


def squared_gradients(heads: GramHeads, queries: Array, pulls: Array) -> Array:
    """‖x_q‖² uᵀB u + ‖u‖² x_qᵀA x_q: each example's squared gradient by both weights, (n_examples, n_heads).

    `queries` are x_q (n_examples, d_in) and `pulls` u (n_examples, d_in, n_heads), as in `scaling.gram.Response`.
    """
    a, b = heads.gram[:, : heads.d_in, : heads.d_in], heads.gram[:, heads.d_in :, heads.d_in :]
    of_queries = np.einsum("ei,hij,ej->eh", queries, a, queries, optimize=True)
    of_pulls = np.einsum("eih,hij,ejh->eh", pulls, b, pulls, optimize=True)
    squares: Array = np.square(queries).sum(axis=1)[:, None] * of_pulls + np.square(pulls).sum(axis=1) * of_queries
    return squares


def share_of_largest(squares: Array, largest: float) -> Array:
    """The share of Σ squares (n_examples, n_heads) that the given share of examples carries, the largest ones first.

    At least one example is counted. A head all of whose squares are 0 gets `largest` itself. ValueError unless
    0 < largest < 1.
    """
    _check_share("share_of_largest", "largest", largest)
    n_largest = max(1, round(float(largest) * len(squares)))
    ordered, total = np.sort(squares, axis=0), squares.sum(axis=0)
    shares: Array = np.where(total > 0, ordered[-n_largest:].sum(axis=0) / np.where(total > 0, total, 1.0), largest)
    return shares


def examples_that_carry(squares: Array, share: float) -> Array:
    """The smallest share of examples that carries the given share of Σ squares (n_examples, n_heads).

    A head all of whose squares are 0 gets `share` itself. ValueError unless 0 < share < 1.
    """
    _check_share("examples_that_carry", "share", share)
    carried = np.cumsum(np.sort(squares, axis=0)[::-1], axis=0)  # (n_examples, n_heads)
    fewest = 1 + (carried < float(share) * carried[-1]).sum(axis=0)
    return np.where(carried[-1] > 0, fewest / len(squares), float(share))


def batch_cosines(heads: GramHeads, queries: Array, pulls: Array, batch: int) -> Array:
    """The mean cosine between the gradients of two batches, over all pairs of disjoint ones, (n_heads,).

    <dL/dW, dL/dW'> = tr(G B G'ᵀ) + tr(Gᵀ A G'). All cosines sum to ‖Σ u‖², of the directions u = G/‖G‖, and those of
    batches with themselves are 1 each. Examples beyond the last whole batch are left out; a batch without a gradient
    counts as 0. ValueError unless batch is a whole number from 1, of which there are at least two.
    """
    if not is_count(batch) or 2 * batch > len(queries):
        raise ValueError(
            f"batch_cosines: batch must be a whole number from 1, half of the {len(queries)} examples at most; "
            f"received {shown(batch)}"
        )
    n_batches = len(queries) // batch
    cut = [slice(i * batch, (i + 1) * batch) for i in range(n_batches)]
    mean = np.stack([mean_gradients(queries[part], pulls[part]) for part in cut], axis=1)  # (n_heads, n_batches, ...)
    a, b = heads.gram[:, None, : heads.d_in, : heads.d_in], heads.gram[:, None, heads.d_in :, heads.d_in :]
    squares = np.einsum("hnij,hnij->hn", mean, mean @ b + a @ mean)
    is_there = squares > 0
    directions = mean * np.where(is_there, np.where(is_there, squares, 1.0) ** -0.5, 0.0)[:, :, None, None]
    total = directions.sum(axis=1, keepdims=True)  # (n_heads, 1, ...)
    every = np.einsum("hnij,hnij->h", total, total @ b + a @ total)
    mean_cosine: Array = (every - is_there.sum(axis=1)) / (n_batches * (n_batches - 1))
    return mean_cosine


def _check_share(where: str, name: str, value: float) -> None:
    if not is_number(value) or not 0 < value < 1:
        raise ValueError(f"{where}: {name} must be a number between 0 and 1; received {shown(value)}")
