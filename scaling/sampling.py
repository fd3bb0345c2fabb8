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

from scaling.arrays import is_count, is_number, shown
from scaling.entries import EntryLaw

# Elements held at once, per array: entries of Q and K, and scores. 2 MiB each in float64, about a core's cache.
CHUNK = 2**18

FEWEST = 64  # scores of a block

# Nanoseconds on a 2026 core: a normal draw, a multiply-add within a matrix product, and a score's moments. Only their
# ratios matter, and only for speed: a wrong guess costs time, never correctness.
DRAW_COST, PRODUCT_COST, SCORE_COST = 9.0, 0.06, 25.0

LONGEST_SIDE = 1024  # of a planned tile
MOST_SCORES = 2**62  # in a planned block


@dataclass(frozen=True)
class Tiles:
    """How many tiles a block has, and the queries and keys of each; ValueError unless all are whole and positive."""

    n_tiles: int
    n_queries: int
    n_keys: int

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not is_count(value):
                raise ValueError(f"Tiles: {name} must be a whole number from 1 to 2^62; received {shown(value)}")

    @property
    def n_scores(self) -> int:
        """Dot products in the whole block."""
        return self.n_tiles * self.n_queries * self.n_keys


def variance_of_mean_square(d_k: int, tiles: Tiles, kurtosis_q: float = 3.0, kurtosis_k: float = 3.0) -> float:
    """Relative variance of the mean of the squared dot products of a block, exact for centred entries.

    ((2 + (κ_q κ_k - 3)/d) + (κ_q - 1)/d · (n - 1) + (κ_k - 1)/d · (m - 1)) / (m n) for a tile of m queries and n
    keys; for Gaussian entries the bracket is (2 + 6/d) + (2/d)(m - 1) + (2/d)(n - 1). Its square root is the relative
    standard error of the variance that a block measures. ValueError for a d_k or a kurtosis that no entries have.
    """
    _refuse_impossible("variance_of_mean_square", d_k, kurtosis_q, kurtosis_k)
    m, n = tiles.n_queries, tiles.n_keys
    alone = 2 + (kurtosis_q * kurtosis_k - 3) / d_k
    shared = ((kurtosis_q - 1) * (n - 1) + (kurtosis_k - 1) * (m - 1)) / d_k
    return (alone + shared) / (m * n * tiles.n_tiles)


def plan_tiles(d_k: int, relative_variance: float, kurtosis_q: float = 3.0, kurtosis_k: float = 3.0) -> Tiles:
    """The cheapest block of square tiles whose mean square has at most the given relative variance.

    Planned from known variances before anything is drawn; nothing is ever sampled "until it fits". The mean that a
    sample variance subtracts costs about 2/N² more, which matters only where the mean square itself hardly varies; and
    no block has fewer than FEWEST scores, so that its variance is never 0 and has a logarithm.

    Raises ValueError for a d_k or a kurtosis that no entries have, and for a relative variance that is not a positive
    number or so small that a block of the largest tiles could pass 2⁶² scores.
    """
    _refuse_impossible("plan_tiles", d_k, kurtosis_q, kurtosis_k)
    largest = Tiles(1, LONGEST_SIDE, LONGEST_SIDE)
    alone = max(2.0, largest.n_scores * variance_of_mean_square(d_k, largest, kurtosis_q, kurtosis_k))
    if not is_number(relative_variance) or relative_variance <= 0 or alone > MOST_SCORES * float(relative_variance):
        raise ValueError(
            "plan_tiles: relative_variance must be a positive number, large enough for a block of at most 2^62 scores; "
            f"received {shown(relative_variance)} for kurtoses {kurtosis_q:g} and {kurtosis_k:g}"
        )
    fewest = max(FEWEST, math.ceil(math.sqrt(2 / relative_variance)))

    def block_of(side: int) -> Tiles:
        one = variance_of_mean_square(d_k, Tiles(1, side, side), kurtosis_q, kurtosis_k)
        return Tiles(max(1, math.ceil(one / relative_variance), math.ceil(fewest / side**2)), side, side)

    def cost(tiles: Tiles) -> float:
        m, n = tiles.n_queries, tiles.n_keys
        return tiles.n_tiles * (DRAW_COST * (m + n) * d_k + m * n * (PRODUCT_COST * d_k + SCORE_COST))

    sides = (2 ** (step / 2) for step in range(21))  # 1 … LONGEST_SIDE
    return min((block_of(round(side)) for side in sides), key=cost)


def draw_scores(
    rng: np.random.Generator, d_k: int, tiles: Tiles, queries: EntryLaw, keys: EntryLaw
) -> Iterator[NDArray[np.float64]]:
    """Dot products of a block, a few tiles at a time, each piece (tiles, n_queries, n_keys).

    Entries of Q follow `queries`, those of K follow `keys`. Keys are drawn a slice at a time, so that K itself is
    never held. `rng` decides every draw. ValueError, at the call, unless d_k is a whole number from 1.
    """
    if not is_count(d_k):
        raise ValueError(f"draw_scores: d_k must be a whole number from 1 to 2^62; received {shown(d_k)}")
    return _pieces(rng, d_k, tiles, queries, keys)


def _pieces(
    rng: np.random.Generator, d_k: int, tiles: Tiles, queries: EntryLaw, keys: EntryLaw
) -> Iterator[NDArray[np.float64]]:
    """The generator behind `draw_scores`, which would not look at its arguments before the first piece is asked for."""
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


def _refuse_impossible(where: str, d_k: int, kurtosis_q: float, kurtosis_k: float) -> None:
    if not is_count(d_k):
        raise ValueError(f"{where}: d_k must be a whole number from 1 to 2^62; received {shown(d_k)}")
    for name, kurtosis in (("kurtosis_q", kurtosis_q), ("kurtosis_k", kurtosis_k)):
        if not is_number(kurtosis) or kurtosis < 1:
            raise ValueError(f"{where}: {name} must be a finite number from 1; received {shown(kurtosis)}")
