"""Queries and keys as rules take them: checked, multiplied, brought to length 1."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import real_array

Array = NDArray[np.float64]


def dot_products_of(q: Array, k: Array, where: str = "dot_products_of") -> Array:
    """Q Kᵀ: (..., n_queries, d_k) and (..., n_keys, d_k) → (..., n_queries, n_keys).

    ValueError, which begins with `where`, if any passes the largest float.
    """
    with np.errstate(over="ignore", invalid="ignore"):  # looked for
        products: Array = q @ np.swapaxes(k, -1, -2)
    if not np.isfinite(products).all():
        raise ValueError(
            f"{where}: products of q and k must not pass the largest float; "
            f"received entries up to {np.abs(q).max():g} and {np.abs(k).max():g}"
        )
    return products


def checked_vectors(where: str, q: ArrayLike, k: ArrayLike) -> tuple[Array, Array]:
    """Queries and keys as floats with the same d_k, or a ValueError that begins with `where`."""
    q, k = real_array(q, f"{where}: q"), real_array(k, f"{where}: k")
    if min(q.ndim, k.ndim) < 2 or not q.shape[-1] == k.shape[-1] > 0 or not _broadcast(q.shape[:-2], k.shape[:-2]):
        raise ValueError(
            f"{where}: q (..., n_queries, d_k) and k (..., n_keys, d_k) are needed, d_k from 1; "
            f"received shapes {q.shape} and {k.shape}"
        )
    return q, k


def _broadcast(first: tuple[int, ...], second: tuple[int, ...]) -> bool:
    """Whether stacks of these shapes pair up, as NumPy's products do."""
    return all(a == b or 1 in (a, b) for a, b in zip(first[::-1], second[::-1], strict=False))


def unit_vectors(vectors: Array) -> Array:
    """v/‖v‖, or v itself if it is 0; through v/max|v|, since squares of huge or tiny entries would be inf or 0."""
    scaled = vectors / _largest(vectors)
    lengths = np.sqrt(np.vecdot(scaled, scaled))[..., None]  # at least 1, unless v is 0
    scaled /= np.maximum(lengths, 1.0)
    return scaled


def centred_directions(vectors: Array) -> Array:
    """v less the mean of its entries, up to a positive factor; exactly 0 where all entries are the same."""
    scaled = vectors / _largest(vectors)
    scaled -= scaled.mean(axis=-1, keepdims=True)  # of equal entries, which are all 1 or all -1 now, without rounding
    return scaled


def _largest(vectors: Array) -> Array:
    """max|v| of each vector, (..., 1); 1 where the vector is 0."""
    largest = np.maximum(vectors.max(axis=-1, keepdims=True), -vectors.min(axis=-1, keepdims=True))
    positive: Array = np.where(largest == 0, 1.0, largest)
    return positive
