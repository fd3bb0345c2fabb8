"""The Laplace transforms that the softmax law is made of, for many σ at once and for every number of keys.

For x ~ N(0, 1), u = ln t, y = u + σx and Euler's constant γ:

    φ(u)   = E[exp(-e^y)]           A_k(u) = E[e^(ky) exp(-e^y)]           h_1(u) = E[(y + γ) e^y exp(-e^y)]

1 - φ, not φ, is computed, as ∫ e^y e^(-e^y) Φ((u - y)/σ) dy, so that φ^n keeps its digits for n to 10¹².

The number of keys n decides only how far u must reach and how finely, and for that three ranges of n are told apart. So
the transforms are kept, and a table for further n costs little more than its powers φ^n. Grids of u depend on the range
of n and on σ to a quarter of an octave, on nothing else: digits do not depend on what was asked for before, nor with
which other σ.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.polynomial import chebyshev
from numpy.typing import NDArray
from scipy import special

Array = NDArray[np.float64]

# The quadrature. Steps are in units of the integrand's own width, tails in powers of e that are left out.
STEP, TAIL = 0.25, 36.0  # errors near 1e-12
GUMBEL_END = 4.3  # e^(-e^4.3) = e^-74
NARROW, WIDE = 0.4, 45.0  # σ between which the normal density is sampled in y itself
N_CHEBYSHEV = 30  # above WIDE it is a polynomial of this degree in y, to 1e-15
FAR = 300.0  # e^-300 stands for anything smaller, since numbers below 1e-308 are slow
GRIDS_PER_OCTAVE = 4  # of σ; below σ = 1 one grid is enough
CHUNK = 16  # σ kept together
KEPT = 128  # such entries, of at most 0.6 MB; a table to σ = 10⁴ takes 60
ONE_AT_A_TIME = Lock()  # else threads that need the same transforms would each compute them


class KeyRange(NamedTuple):
    """Numbers of keys from `fewest` to `most` that share a grid."""

    fewest: int
    most: int


KEY_RANGES = (KeyRange(2, 59), KeyRange(60, 4096), KeyRange(4097, 10**12))


def key_range(n: int) -> KeyRange:
    """The range that n belongs to."""
    return next(keys for keys in KEY_RANGES if n <= keys.most)


@dataclass(frozen=True)
class Transforms:
    """log φ, φ, A_1, A_2, A_3 and h_1, each (n_sigma, n_u), at trapezoid nodes u (n_u,), `step` apart."""

    u: Array
    step: float
    log_phi: Array
    phi: Array
    a1: Array
    a2: Array
    a3: Array
    h1: Array


def transforms(sigma: Array, n: int) -> Iterator[tuple[NDArray[np.intp], Transforms]]:
    """The transforms for n ≥ 2 keys, as pairs of positions in `sigma` (n_sigma,) and what belongs there."""
    grid = np.maximum(np.floor(GRIDS_PER_OCTAVE * np.log2(sigma)).astype(int) + 1, 0)
    order = np.argsort(grid, kind="stable")
    for same in np.split(order, np.flatnonzero(np.diff(grid[order])) + 1):
        for start in range(0, len(same), CHUNK):
            some = same[start : start + CHUNK]
            with ONE_AT_A_TIME:
                found = _transforms(tuple(sigma[some].tolist()), int(grid[some[0]]), key_range(n))
            yield some, found


@lru_cache(maxsize=KEPT)
def _transforms(sigmas: tuple[float, ...], grid: int, keys: KeyRange) -> Transforms:
    """The transforms of σ from 2^((grid - 1)/GRIDS_PER_OCTAVE), or from 0, to 2^(grid/GRIDS_PER_OCTAVE)."""
    least, most = (2.0 ** (edge / GRIDS_PER_OCTAVE) for edge in (grid - 1, grid))
    u, step = u_grid(least if grid else 0.0, most, keys, STEP, TAIL)
    missing, a1, a2, a3, h1 = _expectations(np.array(sigmas), keys.most, u)
    np.minimum(missing, 1.0, out=missing)
    with np.errstate(divide="ignore"):
        return Transforms(u, step, np.log1p(-missing), 1 - missing, a1, a2, a3, h1)


def u_grid(least: float, most: float, keys: KeyRange, step: float, tail: float) -> tuple[Array, float]:
    """Trapezoid nodes that hold all the mass of n A_1 φ^(n-1) for σ from `least` to `most`, and their step.

    The step is a multiple of `step`.
    """
    log_n = float(np.log(keys.most))
    step *= int(np.sqrt(1 + least**2 / (2 * log_n + 1)))
    farthest = float(np.sqrt(2 * (log_n + tail)))  # no normal score of n lies beyond, but for e^-tail
    low = -log_n - min(most * farthest, most**2 / 2) - tail
    high = GUMBEL_END + most * float(np.sqrt(2 * tail)) if keys.fewest < 60 else GUMBEL_END
    return np.arange(low, high + step, step), step


def _expectations(sigma: Array, n: int, u: Array) -> Array:
    """1 - φ, A_1, A_2, A_3 and h_1 at every σ and u, (5, n_sigma, n_u)."""
    found = np.empty((5, len(sigma), len(u)))
    for i, s in enumerate(sigma.tolist()):
        if s < NARROW:
            found[:, i] = _averaged(s, u)
        elif s >= WIDE:
            found[:, i] = _gathered(s, n, u)
    middle = (sigma >= NARROW) & (sigma < WIDE)
    if middle.any():
        found[:, middle] = _convolved(sigma[middle], n, u)
    return found


def _averaged(sigma: float, u: Array) -> Array:
    """The same at one narrow σ, (5, n_u): sums over x, whose error e^(x²/2 - π x/STEP) at x = π/2σ is below 1e-17."""
    x = np.arange(-9.5, 9.5 + STEP, 2 * STEP)
    weights = normal_density(x)
    weights /= weights.sum()
    y = u[:, None] + sigma * x  # (n_u, n_x)
    ey = np.exp(y)
    missing = -np.expm1(-ey)
    e1 = ey * (1 - missing)
    e2 = e1 * ey
    return np.stack([f @ weights for f in (missing, e1, e2, e2 * ey, (y + np.euler_gamma) * e1)])


def _convolved(sigma: Array, n: int, u: Array) -> Array:
    """The same at σ between NARROW and WIDE, (5, n_sigma, n_u): sums over y, whose nodes are STEP apart.

    Nodes of u are a whole number of those steps apart, so the kernel is read from one table of its values.
    """
    stride = round((u[1] - u[0]) / STEP)
    y, _ = _columns(n)
    toeplitz = _toeplitz(n, stride)
    width, per_block, _ = toeplitz.shape
    n_blocks = -(-len(u) // per_block)
    nodes = u[0] - y[-1] + STEP * np.arange(stride * (n_blocks * per_block - 1) + len(y))
    z = nodes / sigma[:, None]  # (n_sigma, n_nodes)

    def convolved(table: Array, some: slice) -> Array:
        windows = np.ascontiguousarray(sliding_window_view(table, width, axis=1)[:, :: stride * per_block])
        products = windows @ np.ascontiguousarray(toeplitz[:, :, some]).reshape(width, -1)
        return products.reshape(len(sigma), n_blocks * per_block, -1)[:, : len(u)].transpose(2, 0, 1)

    missing = STEP * convolved(special.ndtr(z), slice(0, 1))
    return np.concatenate([missing, (STEP / sigma)[:, None] * convolved(normal_density(z), slice(0, 4))])


def _gathered(sigma: float, n: int, u: Array) -> Array:
    """The same at one wide σ, (5, n_u), where the kernel is a polynomial in y."""
    y, columns = _at_chebyshev_nodes(n)
    z = (u[:, None] - y) / sigma
    missing = STEP * special.ndtr(z) @ columns[:, :1]
    return np.concatenate([missing, STEP / sigma * normal_density(z) @ columns], axis=1).T


@lru_cache(maxsize=8)
def _columns(n: int) -> tuple[Array, Array]:
    """Trapezoid nodes of y, and there e^y, e^(2y), e^(3y) and (y + γ) e^y, times e^(-e^y): (n_y, 4)."""
    y = np.arange(-np.log(n) - TAIL - 1, GUMBEL_END, STEP)
    ey = np.exp(y)
    e1 = ey * np.exp(-ey)
    return y, np.stack([e1, e1 * ey, e1 * ey**2, (y + np.euler_gamma) * e1], axis=1)


@lru_cache(maxsize=64)
def _toeplitz(n: int, stride: int) -> Array:
    """Columns [k - stride · r] of y in reverse, at [k, r]: (n_y + stride · (n_r - 1), n_r, 4).

    A row of consecutive values of the kernel times this gives n_r neighbouring nodes of u at once.
    """
    reversed_columns = _columns(n)[1][::-1]
    n_y = len(reversed_columns)
    n_r = max(1, min(16, n_y // (2 * stride)))
    toeplitz = np.zeros((n_y + stride * (n_r - 1), n_r, 4))
    for r in range(n_r):
        toeplitz[stride * r : stride * r + n_y, r] = reversed_columns
    return toeplitz


@lru_cache(maxsize=8)
def _at_chebyshev_nodes(n: int) -> tuple[Array, Array]:
    """Chebyshev nodes of y, and the columns gathered there: right for what is a polynomial in y, (N_CHEBYSHEV, 4)."""
    y, columns = _columns(n)
    angles = np.pi * (np.arange(N_CHEBYSHEV) + 0.5) / N_CHEBYSHEV
    centre, half = (y[0] + y[-1]) / 2, (y[-1] - y[0]) / 2
    vander = chebyshev.chebvander((y - centre) / half, N_CHEBYSHEV - 1)  # T_k(y_j), (n_y, n_k)
    vander[:, 0] /= 2
    at_nodes = chebyshev.chebvander(np.cos(angles), N_CHEBYSHEV - 1)  # (n_nodes, n_k)
    return centre + half * np.cos(angles), at_nodes @ (2 / N_CHEBYSHEV * (vander.T @ columns))


def normal_density(x: Array) -> Array:
    """The standard normal density; e^-FAR where it is smaller."""
    density: Array = np.exp(-np.minimum(x**2 / 2, FAR)) / np.sqrt(2 * np.pi)
    return density
