"""Mean and variance of q·k for any law of pairs, measured on blocks of planned shape.

Nothing is shared between the tiles of a block, so both are unbiased whatever the products of one tile share.
"""

import math
from collections.abc import Iterable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import check_dimension, check_kind, is_number, shown
from scaling.pairs import PairLaw
from scaling.sampling import CHUNK, SUM_COST, Tiles, TooManyScores, products_cost
from scaling.vectors import DotProductMoments

SIDES = tuple(2**power for power in range(10))  # of planned tiles
MOST_TILES = 2**40  # in a planned block


def plan_pairs(law: PairLaw, d_k: int, relative_variance: float) -> Tiles:
    """The cheapest block of at least two tiles whose mean and variance have at most the given relative variance.

    That of the variance is in units of Var(q·k)², that of the mean in units of Var(q·k). ValueError for a d_k that is
    not a whole number from 1, and for a relative variance that is not a positive number or needs more than 2⁴⁰ tiles.

    >>> plan_pairs(PAIR_LAWS["gaussian"], 64, 1e-4)
    Tiles(n_tiles=15, n_queries=64, n_keys=64)
    """
    check_kind("plan_pairs", PairLaw, law=law)
    check_dimension("plan_pairs", d_k)
    if not is_number(relative_variance):
        raise ValueError(f"plan_pairs: relative_variance must be a number; received {shown(relative_variance)}")
    return _plan(law, int(d_k), float(relative_variance))


@lru_cache(maxsize=4096)
def _plan(law: PairLaw, d_k: int, relative_variance: float) -> Tiles:
    spread = law.spread(d_k)
    least = spread.relative_variance(Tiles(1, SIDES[-1], SIDES[-1])) / MOST_TILES
    if relative_variance <= least:
        raise TooManyScores(
            f"plan_pairs: relative_variance must be a positive number, large enough for 2^40 tiles; "
            f"received {shown(relative_variance)}"
        )

    def block_of(m: int, n: int) -> Tiles:
        needed = spread.relative_variance(Tiles(1, m, n)) / relative_variance
        return Tiles(max(2, math.ceil(needed)), m, n)

    shapes = [block_of(m, n) for m in SIDES for n in SIDES if max(m, n) * d_k <= CHUNK or max(m, n) == 1]
    return min(shapes, key=lambda tiles: products_cost(d_k, tiles, SUM_COST))


def measure_pairs(rng: np.random.Generator, law: PairLaw, d_k: int, tiles: Tiles) -> DotProductMoments:
    """Unbiased mean and variance of q·k from the products of a block of at least two tiles.

    The variance is the mean square less the square of the mean, for which the means of different tiles are multiplied:
    E[x²] - E[x]² with independent factors. Products are first shifted by their exact mean, which changes no variance
    and keeps its digits. `rng` decides every draw. ValueError for a single tile, or a d_k that is not a whole number
    from 1.

    >>> law = PAIR_LAWS["shared-sign"]
    >>> found = measure_pairs(np.random.default_rng(7), law, 64, Tiles(2000, 8, 8))
    >>> round(law.variance(64), 2)  # d (1 + (d - 1) r²) with r = 0.1
    104.32
    >>> round(found.variance / law.variance(64), 1)
    1.0
    """
    check_kind("measure_pairs", np.random.Generator, rng=rng)
    check_kind("measure_pairs", PairLaw, law=law)
    check_kind("measure_pairs", Tiles, tiles=tiles)
    check_dimension("measure_pairs", d_k)
    if tiles.n_tiles < 2:
        raise ValueError(f"measure_pairs: at least two tiles are needed; received {tiles.n_tiles}")
    return _moments_of(law.products(rng, int(d_k), tiles), law.mean(int(d_k)), tiles)


def _moments_of(pieces: Iterable[NDArray[np.float32]], shift: float, tiles: Tiles) -> DotProductMoments:
    size = tiles.n_queries * tiles.n_keys
    shift = float(np.float32(shift))  # any number will do, if it is the same for means and squares
    total = squared_means = square = 0.0
    for piece in pieces:
        products = piece.reshape(len(piece), size) - np.float32(shift)
        means = products.mean(axis=1, dtype=np.float64)
        total += float(means.sum())
        squared_means += float(means @ means)
        square += float(np.vecdot(products, products).sum(dtype=np.float64)) / size
    n = tiles.n_tiles
    return DotProductMoments(shift + total / n, square / n - (total**2 - squared_means) / (n * (n - 1)))
