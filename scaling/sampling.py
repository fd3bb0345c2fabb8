"""Direct sampling of dot products: blocks of scores Q Kᵀ in tiles of a planned shape.

A tile holds all products of its own queries and keys. They are uncorrelated in pairs but share queries and keys, so a
tile of m queries and n keys tells less than m n independent pairs would; `variance_of_mean_square` says how much less
and `plan_tiles` picks the cheapest shape for a wanted precision.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling.entries import EntryLaw

# Elements held at once, per array: entries of Q and K, and scores. 2 MiB each in float64, about a core's cache.
CHUNK = 2**18

# Nanoseconds on a 2026 core: a normal draw, a multiply-add within a matrix product, and a score's moments. Only their
# ratios matter, and only for speed: a wrong guess costs time, never correctness.
DRAW_COST, PRODUCT_COST, SCORE_COST = 9.0, 0.06, 25.0


@dataclass(frozen=True)
class Tiles:
    """How many tiles a block has, and the queries and keys of each."""

    n_tiles: int
    n_queries: int
    n_keys: int

    @property
    def n_scores(self) -> int:
        """Dot products in the whole block."""
        return self.n_tiles * self.n_queries * self.n_keys


def variance_of_mean_square(d_k: int, tiles: Tiles, kurtosis_q: float = 3.0, kurtosis_k: float = 3.0) -> float:
    """Relative variance of the mean of the squared dot products of a block, exact for centred entries.

    ((2 + (κ_q κ_k - 3)/d) + (κ_q - 1)/d · (n - 1) + (κ_k - 1)/d · (m - 1)) / (m n) for a tile of m queries and n
    keys; for Gaussian entries the bracket is (2 + 6/d) + (2/d)(m - 1) + (2/d)(n - 1). Its square root is the relative
    standard error of the variance that a block measures.
    """
    m, n = tiles.n_queries, tiles.n_keys
    alone = 2 + (kurtosis_q * kurtosis_k - 3) / d_k
    shared = ((kurtosis_q - 1) * (n - 1) + (kurtosis_k - 1) * (m - 1)) / d_k
    return (alone + shared) / (m * n * tiles.n_tiles)


def plan_tiles(d_k: int, relative_variance: float, kurtosis_q: float = 3.0, kurtosis_k: float = 3.0) -> Tiles:
    """The cheapest block of square tiles whose mean square has at most the given relative variance.

    Planned from known variances before anything is drawn; nothing is ever sampled "until it fits".
    """

    def block_of(side: int) -> Tiles:
        one = variance_of_mean_square(d_k, Tiles(1, side, side), kurtosis_q, kurtosis_k)
        return Tiles(max(1, math.ceil(one / relative_variance)), side, side)

    def cost(tiles: Tiles) -> float:
        m, n = tiles.n_queries, tiles.n_keys
        return tiles.n_tiles * (DRAW_COST * (m + n) * d_k + m * n * (PRODUCT_COST * d_k + SCORE_COST))

    sides = (2 ** (step / 2) for step in range(21))  # 1 … 1024
    return min((block_of(round(side)) for side in sides), key=cost)


def draw_scores(
    rng: np.random.Generator, d_k: int, tiles: Tiles, queries: EntryLaw, keys: EntryLaw
) -> Iterator[NDArray[np.float64]]:
    """Dot products of a block, a few tiles at a time, each piece (tiles, n_queries, n_keys).

    Entries of Q follow `queries`, those of K follow `keys`. Keys are drawn a slice at a time, so that K itself is
    never held. `rng` decides every draw.
    """
    m, n = tiles.n_queries, tiles.n_keys
    together = max(1, CHUNK // max(m * n, (m + n) * d_k))  # tiles at once
    width = n if together > 1 else max(1, min(n, CHUNK // d_k))  # keys at once
    for start in range(0, tiles.n_tiles, together):
        count = min(together, tiles.n_tiles - start)
        q = queries.sample(rng, (count, m, d_k))
        scores = np.empty((count, m, n))
        for first in range(0, n, width):
            k = keys.sample(rng, (count, min(width, n - first), d_k))
            np.matmul(q, k.transpose(0, 2, 1), out=scores[:, :, first : first + width])
        yield scores
