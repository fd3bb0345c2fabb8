"""Dot products of queries and keys that are not independent: paired components correlated with ρ."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import check_dimension, is_count, is_number, shown
from scaling.normals import standard_normals

Array = NDArray[np.float64]
CHUNK = 2**18  # entries drawn at once, per array


@dataclass(frozen=True)
class AlignedLaw:
    """Exact moments of q·k for standard normal entries with Corr(q_i, k_i) = ρ and nothing else correlated.

    One product q_i k_i is (1 + ρ)/2 A - (1 - ρ)/2 B with A and B independent, each chi-squared with one degree of
    freedom, whose cumulants are 2^(r-1) (r-1)!; those of q·k are d_k times as large. ρ = 0 is the independent case,
    ρ = 1 is q = k. ValueError for a d_k that is not a whole number from 1, or a ρ outside [-1, 1].
    """

    d_k: int
    rho: float

    def __post_init__(self) -> None:
        check_dimension("AlignedLaw", self.d_k)
        _refuse_impossible("AlignedLaw", self.rho)
        object.__setattr__(self, "d_k", int(self.d_k))  # NumPy's small types would wrap around or round
        object.__setattr__(self, "rho", float(self.rho))

    @property
    def mean(self) -> float:
        """E[q·k] = d ρ."""
        return self.d_k * self.rho

    @property
    def variance(self) -> float:
        """Var(q·k) = d (1 + ρ²)."""
        return self.d_k * (1 + self.rho**2)

    @property
    def excess_kurtosis(self) -> float:
        """6 (1 + 6ρ² + ρ⁴) / (d (1 + ρ²)²): 6/d for independent vectors, 12/d for equal ones."""
        square = self.rho**2
        return 6 * (1 + 6 * square + square**2) / (self.d_k * (1 + square) ** 2)


def draw_aligned(rng: np.random.Generator, d_k: int, n_pairs: int, rhos: Iterable[float]) -> Iterator[Array]:
    """Dot products of `n_pairs` independent pairs (q, k), a few at a time, each piece (n_rhos, pairs).

    k = ρ q + √(1 - ρ²) z with q and z drawn entry by entry from a standard normal law, the same draws for every ρ.
    `rng` decides every draw. ValueError, at the call, for a d_k or n_pairs that is not a whole number from 1 or a ρ
    outside [-1, 1].
    """
    for name, value in (("d_k", d_k), ("n_pairs", n_pairs)):
        if not is_count(value):
            raise ValueError(f"draw_aligned: {name} must be a whole number from 1 to 2^62; received {shown(value)}")
    try:
        rhos = tuple(rhos)
    except TypeError:  # a single number
        raise ValueError(f"draw_aligned: rhos must be numbers from -1 to 1 in a list; received {shown(rhos)}") from None
    for rho in rhos:
        _refuse_impossible("draw_aligned", rho)
    return _pieces(rng, int(d_k), int(n_pairs), np.array(rhos, dtype=np.float64))


def _pieces(rng: np.random.Generator, d_k: int, n_pairs: int, rhos: Array) -> Iterator[Array]:
    together = max(1, CHUNK // d_k)
    for first in range(0, n_pairs, together):
        shape = (min(together, n_pairs - first), d_k)
        q, z = standard_normals(rng, shape), standard_normals(rng, shape)
        own, other = np.vecdot(q, q).astype(np.float64), np.vecdot(q, z).astype(np.float64)
        yield rhos[:, None] * own + np.sqrt(1 - rhos[:, None] ** 2) * other


def _refuse_impossible(where: str, rho: float) -> None:
    if not is_number(rho) or not -1 <= float(rho) <= 1:
        raise ValueError(f"{where}: rho must be a number from -1 to 1; received {shown(rho)}")
