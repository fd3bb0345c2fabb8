"""The one place where the benchmark asks for a variance by second moments alone: what it calls "ours".

Σ_ij (q_i·k_j)² = ⟨QᵀQ, KᵀK⟩, exactly, for (m + n) d² multiply-adds rather than m n d; and Σ_ij q_i·k_j is
(Σ q_i)·(Σ k_j). Where d is large the plain product is the shorter way. Products and column sums are taken in single
precision over a few rows at a time, everything after them in double.
"""

import math

import numpy as np
from numpy.typing import NDArray

from scaling.normals import standard_normals
from scaling.sampling import Tiles

Matrix = NDArray[np.float32]

LARGEST_GRAM = 1024  # d_k beyond which the plain product is taken
GRAM_SIDE = 2**14  # queries, and keys
CHUNK = 2**18  # entries held at once


def planned(d_k: int) -> Tiles:
    """The shape of one estimate: of no more than a rule of thumb for what costs least."""
    side = GRAM_SIDE if d_k <= LARGEST_GRAM else round(math.sqrt(108 * d_k))
    return Tiles(1, side, side)


def estimate_variance(rng: np.random.Generator, d_k: int, tiles: Tiles) -> float:
    """One estimate of Var(q·k), unbiased since products in a tile are uncorrelated; `tiles` is one tile."""
    m, n = tiles.n_queries, tiles.n_keys
    if d_k <= LARGEST_GRAM:
        (q_gram, q_sum), (k_gram, k_sum) = (_gram(rng, amount, d_k) for amount in (m, n))
        squares = float(np.vdot(q_gram, k_gram))
        total = float(q_sum @ k_sum)
    else:
        squares, total = _products(rng, d_k, m, n)
    mean = total / (m * n)
    return (squares / (m * n) - mean**2) * (m * n) / (m * n - 1)


def _gram(rng: np.random.Generator, amount: int, d_k: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """XᵀX and the column sums of `amount` rows."""
    gram, total = np.zeros((d_k, d_k)), np.zeros(d_k)
    step = max(CHUNK // d_k, d_k)
    for first in range(0, amount, step):
        x = standard_normals(rng, (min(step, amount - first), d_k))
        gram += x.T @ x
        total += np.ones(len(x), np.float32) @ x
    return gram, total


def _products(rng: np.random.Generator, d_k: int, m: int, n: int) -> tuple[float, float]:
    """Sums of (q·k)² and of q·k."""
    q = standard_normals(rng, (m, d_k))
    q_sum = (np.ones(m, np.float32) @ q).astype(np.float64)
    squares = total = 0.0
    step = max(256, CHUNK // d_k)  # fewer columns would slow the product
    for first in range(0, n, step):
        k = standard_normals(rng, (min(step, n - first), d_k))
        scores = q @ k.T
        squares += float(np.vecdot(scores, scores).sum(dtype=np.float64))
        total += float(q_sum @ (np.ones(len(k), np.float32) @ k).astype(np.float64))
    return squares, total
