"""Asks how near to its bare exponentials the softmax of a block of scores is, and how far the usual ways are.

The same scores at several scales at once: `row_observables`, with its seven observables; float32 exponentials of as
many numbers and nothing else, piece by piece within the cache, which is the floor; and entropy and Σp² alone as NumPy
and SciPy give them in double precision.
"""

from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray
from scipy import special

from benchmarks.timing import Work, interleaved, ratio, spread
from report.cost_record import Kernel, KernelCost
from scaling.normals import standard_normals
from scaling.saturation import row_observables

NUMBERS_OF_KEYS = (16, 128, 1024, 8192)
N_SCORES = 2**20
D_K = 64
FACTORS = D_K ** -np.linspace(0, 1, 8)  # from no division to that by d_k
PIECE = 2**16  # exponentials taken together

Wide = NDArray[np.float64]
Observables = tuple[Wide, Wide]  # entropy and Σp², each (n_factors, n_rows)


def by_numpy(scores: Wide, factors: Wide) -> Observables:
    """As one writes it down: max, exp, sum, p, entropy, Σp²."""
    entropy, sum_p2 = [], []
    for factor in factors:
        x = factor * scores
        e = np.exp(x - x.max(axis=1, keepdims=True))
        p = e / e.sum(axis=1, keepdims=True)
        entropy.append(-(p * np.log(np.maximum(p, 1e-300))).sum(axis=1))
        sum_p2.append((p**2).sum(axis=1))
    return np.array(entropy), np.array(sum_p2)


def by_scipy(scores: Wide, factors: Wide) -> Observables:
    """By SciPy's softmax and entropy."""
    entropy, sum_p2 = [], []
    for factor in factors:
        p = special.softmax(factor * scores, axis=1)
        entropy.append(special.entr(p).sum(axis=1))
        sum_p2.append((p**2).sum(axis=1))
    return np.array(entropy), np.array(sum_p2)


def bare_exponentials(numbers: NDArray[np.float32], n_times: int) -> None:
    """Exponentials of all numbers, so many times."""
    flat = numbers.ravel()
    out = np.empty(min(PIECE, flat.size), np.float32)
    for _ in range(n_times):
        for first in range(0, flat.size, PIECE):
            piece = flat[first : first + PIECE]
            np.exp(piece, out=out[: piece.size])


def works(rng: np.random.Generator, n_keys: int) -> dict[Kernel, Work]:
    """Every way, on the same scores of queries and keys with D_K entries."""
    scores = standard_normals(rng, (N_SCORES // n_keys, n_keys)) * np.float32(D_K**0.5)
    wide = scores.astype(np.float64)
    negative = -np.abs(scores)
    naive: dict[Kernel, Callable[[Wide, Wide], Observables]] = {"numpy": by_numpy, "scipy": by_scipy}
    return {
        "row_observables": partial(row_observables, scores, FACTORS),
        "exp": partial(bare_exponentials, negative, len(FACTORS)),
        **{name: partial(way, wide, FACTORS) for name, way in naive.items()},
    }


def measure(seed: int, n_rounds: int, numbers_of_keys: Sequence[int] = NUMBERS_OF_KEYS) -> list[KernelCost]:
    """Every way at every number of keys."""
    rng = np.random.Generator(np.random.SFC64(seed))
    costs = []
    for n_keys in numbers_of_keys:
        seconds = interleaved(works(rng, n_keys), n_rounds)
        costs += [
            KernelCost(
                kernel=kernel,
                n_keys=n_keys,
                n_rows=N_SCORES // n_keys,
                n_factors=len(FACTORS),
                ns_per_element_and_factor=spread(taken, 1e9 / (N_SCORES * len(FACTORS))),
                exp_ratio=ratio(taken, seconds["exp"]),
            )
            for kernel, taken in seconds.items()
        ]
    return costs
