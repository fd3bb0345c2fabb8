"""Sampling of dot products: blocks of scores Q Kᵀ in tiles of a planned shape, and rows by their radial law.

Direct sampling draws every entry and takes the products: the only evidence for what dot products are like. A tile
holds all products of its own queries and keys. They are uncorrelated in pairs but share queries and keys, so a tile of
m queries and n keys tells less than m n independent pairs would; `variance_of_mean_square` says how much less and
`plan_tiles` picks the cheapest shape for a wanted precision.

Where keys are Gaussian, the scores of a query q are |q| z with independent normal z, exactly: `draw_rows` draws those,
and no keys. A row then costs the same whatever d_k, and shares nothing with another.
"""

import bisect
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import check_dimension, check_kind, is_count, is_number, shown
from scaling.entries import VectorLaw
from scaling.normals import standard_normals

# Elements held at once, per array: entries of Q and K, and scores. 1 MiB each in float32, about a core's cache.
CHUNK = 2**18
FEW_KEYS, MOST_ENTRIES = 512, 2**23  # a product with fewer keys is slow; so many entries of them may be held
FEWEST = 64  # scores of a block

# Nanoseconds on a 2026 core: a normal draw, a multiply-add within a matrix product, a score's moments, and a tile of
# more than one pair. Only their ratios matter, and only for speed: a wrong guess costs time, never correctness.
DRAW_COST, PRODUCT_COST, SCORE_COST, TILE_COST = 2.4, 0.02, 6.0, 80.0
SUM_COST, GRAM_COST = 0.5, 8.0  # of a score that is only summed, and of an entry of two Gram matrices

SIDES = tuple(round(2 ** (step / 2)) for step in range(31))  # of planned tiles: 1 … 2^15
LONGEST_SIDE, LARGEST_GRAM = 1024, 2048  # where scores are looked at; of a Gram matrix: two of them are 64 MB
MOST_HELD = 2**25  # entries of Q, where many share a product: 128 MB
MOST_SCORES = 2**62  # in a planned block
LARGEST_ENTRY = 1e12  # roughly, and 1/LARGEST_ENTRY the smallest: their products are far within single precision


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
            object.__setattr__(self, name, int(value))

    @property
    def n_scores(self) -> int:
        """Dot products in the whole block."""
        return self.n_tiles * self.n_queries * self.n_keys


class TooManyScores(ValueError):
    """A block would need more of them than any is planned for."""


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
    sample variance subtracts costs 2/N² more, or 8/N² where all N scores share queries and keys, which matters only
    where the mean square itself hardly varies; and no block has fewer than FEWEST scores, so that its variance is never
    0 and has a logarithm.

    Raises ValueError for a d_k or a kurtosis that no entries have, and for a relative variance that is not a positive
    number or so small that a block of the largest tiles could pass 2⁶² scores.

    >>> plan_tiles(64, relative_variance=1e-4)
    Tiles(n_tiles=24, n_queries=45, n_keys=45)
    """
    return _plan("plan_tiles", d_k, relative_variance, kurtosis_q, kurtosis_k, _scores_cost)


def _plan(
    where: str,
    d_k: int,
    relative_variance: float,
    kurtosis_q: float,
    kurtosis_k: float,
    cost: Callable[[int, Tiles], float],
) -> Tiles:
    _refuse_impossible(where, d_k, kurtosis_q, kurtosis_k)
    d_k, kurtosis_q, kurtosis_k = int(d_k), float(kurtosis_q), float(kurtosis_k)
    largest = Tiles(1, SIDES[-1], SIDES[-1])
    alone = max(2.0, largest.n_scores * variance_of_mean_square(d_k, largest, kurtosis_q, kurtosis_k))
    if not is_number(relative_variance) or alone > MOST_SCORES * float(relative_variance):
        raise TooManyScores(
            f"{where}: relative_variance must be a positive number, large enough for a block of at most 2^62 scores; "
            f"received {shown(relative_variance)} for kurtoses {kurtosis_q:g} and {kurtosis_k:g}"
        )
    fewest = max(FEWEST, math.ceil(math.sqrt(8 / relative_variance)))

    def reaches(tiles: Tiles) -> bool:
        reached = variance_of_mean_square(d_k, tiles, kurtosis_q, kurtosis_k)
        return reached <= relative_variance and tiles.n_scores >= fewest

    def block_of(side: int) -> Tiles:
        """As many tiles of this side as are needed, then no larger ones than so many need."""
        one = variance_of_mean_square(d_k, Tiles(1, side, side), kurtosis_q, kurtosis_k)
        n_tiles = max(1, math.ceil(one / relative_variance), math.ceil(fewest / side**2))
        enough = bisect.bisect_left(range(1, side), True, key=lambda s: reaches(Tiles(n_tiles, s, s))) + 1
        return Tiles(n_tiles, enough, enough)

    return min(map(block_of, SIDES), key=partial(cost, d_k))


def _scores_cost(d_k: int, tiles: Tiles) -> float:
    """Nanoseconds of a block whose scores are looked at one by one, for tiles whose scores can be held."""
    return math.inf if tiles.n_queries > LONGEST_SIDE else products_cost(d_k, tiles, SCORE_COST)


def _second_moments_cost(d_k: int, tiles: Tiles) -> float:
    """Nanoseconds of a block whose scores are summed only, or never computed."""
    m, n = tiles.n_queries, tiles.n_keys
    if _has_short_way(d_k, tiles):
        return tiles.n_tiles * ((m + n) * d_k * (DRAW_COST + PRODUCT_COST * d_k / 2) + GRAM_COST * d_k**2)
    return math.inf if m > 2 * LONGEST_SIDE or m * d_k > MOST_HELD else products_cost(d_k, tiles, SUM_COST)


def products_cost(d_k: int, tiles: Tiles, score_cost: float) -> float:
    """Nanoseconds of a block whose products are formed, with those that each one takes afterwards."""
    m, n = tiles.n_queries, tiles.n_keys
    tile = DRAW_COST * (m + n) * d_k + m * n * (PRODUCT_COST * d_k + score_cost) + TILE_COST * (m * n > 1)
    return tiles.n_tiles * tile


def plan_second_moments(d_k: int, relative_variance: float, kurtosis_q: float = 3.0, kurtosis_k: float = 3.0) -> Tiles:
    """The cheapest block for `second_moments`, as `plan_tiles` plans one whose scores are wanted.

    >>> plan_second_moments(64, 1e-4)
    Tiles(n_tiles=1, n_queries=656, n_keys=656)
    """
    return _plan("plan_second_moments", d_k, relative_variance, kurtosis_q, kurtosis_k, _second_moments_cost)


def second_moments(
    rng: np.random.Generator, d_k: int, tiles: Tiles, queries: VectorLaw, keys: VectorLaw
) -> tuple[float, float]:
    """Mean and mean square of a block's dot products, without the products where there is a shorter way.

    Σ_ij q_i·k_j = (Σ q_i)·(Σ k_j) and Σ_ij (q_i·k_j)² = ⟨QᵀQ, KᵀK⟩, the inner product of two Gram matrices: (m + n) d²
    steps for a tile instead of m n d. Draws, precision and errors are those of `draw_scores`, and no sum over more than
    a piece of Q or K is taken in single precision.

    >>> mean, square = second_moments(np.random.default_rng(7), 64, Tiles(4, 500, 500), Gaussian(), Gaussian())
    >>> round(square / 64, 1)
    1.0
    """
    check_kind("second_moments", np.random.Generator, rng=rng)
    check_kind("second_moments", Tiles, tiles=tiles)
    _refuse_undrawable("second_moments", d_k, queries, keys)
    d_k = int(d_k)
    total = square = 0.0
    if not _has_short_way(d_k, tiles):
        for scores in _pieces(rng, d_k, tiles, queries, keys):
            rows = scores.reshape(-1, tiles.n_keys)
            total += float(rows.sum(dtype=np.float64))
            square += float(np.vecdot(rows, rows, dtype=np.float64).sum())  # of 1e24 or 1e-24, beyond single precision
    else:
        for _ in range(tiles.n_tiles):
            sum_q, gram_q = _gram(rng, queries, d_k, tiles.n_queries)
            sum_k, gram_k = _gram(rng, keys, d_k, tiles.n_keys)
            total += float(sum_q @ sum_k)
            square += float(np.vdot(gram_q, gram_k))
    return total / tiles.n_scores, square / tiles.n_scores


def _gram(
    rng: np.random.Generator, law: VectorLaw, d_k: int, n: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Σ x_i, (d_k,), and Σ x_i x_iᵀ, (d_k, d_k), of n vectors with entries from a law, drawn a few at a time."""
    total, gram = np.zeros(d_k), np.zeros((d_k, d_k))
    together = max(d_k, CHUNK // d_k)
    for first in range(0, n, together):
        x = law.sample_single(rng, (min(together, n - first), d_k))
        total += np.ones(len(x), np.float32) @ x
        gram += x.T @ x
    return total, gram


def _has_short_way(d_k: int, tiles: Tiles) -> bool:
    """Whether two Gram matrices take fewer steps than the products: a symmetric one takes half of them."""
    m, n = tiles.n_queries, tiles.n_keys
    return d_k <= LARGEST_GRAM and (m + n) * d_k / 2 < m * n


def draw_scores(
    rng: np.random.Generator, d_k: int, tiles: Tiles, queries: VectorLaw, keys: VectorLaw
) -> Iterator[NDArray[np.float32]]:
    """Dot products of a block, a few tiles at a time, each piece (tiles, n_queries, n_keys), in single precision.

    Rows of Q follow `queries`, those of K follow `keys`. Keys are drawn a slice at a time, so that K itself is
    never held. `rng` decides every draw. A product of d_k entries is off by some √d_k 6e-8 of its size, at random:
    what is summed over products is to be summed in double precision.

    Raises ValueError, at the call, unless d_k is a whole number from 1, and standard deviations of entries lie between
    1e-12 and 1e12 with means within ±1e12, since products would leave the range of single precision.

    >>> (scores,) = draw_scores(np.random.default_rng(7), 64, Tiles(100, 10, 10), Gaussian(), Sign())
    >>> scores.shape, round(float(scores.var()) / 64, 1)
    ((100, 10, 10), 1.0)
    """
    check_kind("draw_scores", np.random.Generator, rng=rng)
    check_kind("draw_scores", Tiles, tiles=tiles)
    _refuse_undrawable("draw_scores", d_k, queries, keys)
    return _pieces(rng, int(d_k), tiles, queries, keys)


def _pieces(
    rng: np.random.Generator, d_k: int, tiles: Tiles, queries: VectorLaw, keys: VectorLaw
) -> Iterator[NDArray[np.float32]]:
    """The generator behind `draw_scores`, which would not look at its arguments before the first piece is asked for."""
    m, n = tiles.n_queries, tiles.n_keys
    together = max(1, CHUNK // max(m * n, (m + n) * d_k))  # tiles at once
    width = min(n, max(1, CHUNK // d_k, min(FEW_KEYS, MOST_ENTRIES // d_k)))  # keys at once
    for start in range(0, tiles.n_tiles, together):
        count = min(together, tiles.n_tiles - start)
        q = queries.sample_single(rng, (count, m, d_k))
        scores = np.empty((count, m, n), np.float32)
        for first in range(0, n, width):
            k = keys.sample_single(rng, (count, min(width, n - first), d_k))
            _multiply(q, k, scores[:, :, first : first + width])
        yield scores


def _multiply(q: NDArray[np.float32], k: NDArray[np.float32], scores: NDArray[np.float32]) -> None:
    """Q Kᵀ of every tile; for single pairs without a call of BLAS for each."""
    if q.shape[1] == k.shape[1] == 1:
        np.vecdot(q, k, out=scores[:, :, 0])
    else:
        np.matmul(q, k.transpose(0, 2, 1), out=scores)


def draw_rows(rng: np.random.Generator, d_k: int, n_rows: int, n_keys: int) -> Iterator[NDArray[np.float32]]:
    """Rows of dot products of standard normal queries and keys by their radial law, in pieces (rows, n_keys).

    Given q, the products q·k_j with independent standard normal keys are independent N(0, |q|²), and |q|² follows the
    chi-squared law of d_k degrees of freedom: |q| z has exactly the law of a row of Q Kᵀ. Every row has its own query
    and its own keys. `rng` decides every draw. ValueError, at the call, for sizes that are not whole numbers from 1.

    >>> (rows,) = draw_rows(np.random.default_rng(7), d_k=64, n_rows=2, n_keys=1000)
    >>> rows.shape, rows.dtype
    ((2, 1000), dtype('float32'))
    """
    for name, value in (("d_k", d_k), ("n_rows", n_rows), ("n_keys", n_keys)):
        if not is_count(value):
            raise ValueError(f"draw_rows: {name} must be a whole number from 1 to 2^62; received {shown(value)}")
    check_kind("draw_rows", np.random.Generator, rng=rng)
    return _radial_pieces(rng, int(d_k), int(n_rows), int(n_keys))


def _radial_pieces(rng: np.random.Generator, d_k: int, n_rows: int, n_keys: int) -> Iterator[NDArray[np.float32]]:
    together = max(1, CHUNK // n_keys)
    for first in range(0, n_rows, together):
        count = min(together, n_rows - first)
        lengths = np.sqrt(rng.chisquare(d_k, (count, 1)))
        rows = standard_normals(rng, (count, n_keys))
        rows *= lengths.astype(np.float32)
        yield rows


def _refuse_undrawable(where: str, d_k: int, queries: VectorLaw, keys: VectorLaw) -> None:
    check_dimension(where, d_k)
    check_kind(where, VectorLaw, queries=queries, keys=keys)
    for side, law in (("queries", queries), ("keys", keys)):
        if not 1 / LARGEST_ENTRY <= law.variance**0.5 <= LARGEST_ENTRY or abs(law.mean) > LARGEST_ENTRY:
            raise ValueError(
                f"{where}: entries of {side} must have a standard deviation from 1e-12 to 1e12 and a mean within "
                f"±1e12; received {law.variance**0.5:g} and {law.mean:g}"
            )


def _refuse_impossible(where: str, d_k: int, kurtosis_q: float, kurtosis_k: float) -> None:
    check_dimension(where, d_k)
    for name, kurtosis in (("kurtosis_q", kurtosis_q), ("kurtosis_k", kurtosis_k)):
        if not is_number(kurtosis) or float(kurtosis) < 1:
            raise ValueError(f"{where}: {name} must be a finite number from 1; received {shown(kurtosis)}")
