"""Pairs of a query and a key that keep or break an assumption of Var(q·k) = d_k, each with its exact moments.

Products are drawn in tiles of m queries and n keys, and `Spread` says how far what is measured on them scatters.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling.aligned import AlignedLaw
from scaling.entries import EntryLaw, Gaussian, Sign, Sparse, StudentT, Uniform, VectorLaw
from scaling.normals import standard_normals
from scaling.sampling import CHUNK, Tiles, draw_scores
from scaling.vectors import Neighbours, PairMoments, SharedSign

Products = Iterator[NDArray[np.float32]]  # pieces (tiles, n_queries, n_keys)


@dataclass(frozen=True)
class Spread:
    """How far mean and variance of a tile's products scatter, with s = q·k less its mean and v = Var(q·k)."""

    alone: float  # Var(s²)/v²: 2 + the excess kurtosis of q·k
    by_query: float  # Var(E[s² | q])/v²
    by_key: float  # Var(E[s² | k])/v²
    mean_by_query: float = 0.0  # Var(E[s | q])/v: the part of the variance that all keys of a query share
    mean_by_key: float = 0.0  # Var(E[s | k])/v

    def relative_variance(self, tiles: Tiles) -> float:
        """The larger of Var(measured variance)/v² and Var(measured mean)/v, to leading order in the number of tiles.

        (alone + by_query (n - 1) + by_key (m - 1)) / (m n n_tiles), and the same of the mean, whose alone is 1.
        """
        m, n = tiles.n_queries, tiles.n_keys
        of_variance = self.alone + self.by_query * (n - 1) + self.by_key * (m - 1)
        of_mean = 1 + self.mean_by_query * (n - 1) + self.mean_by_key * (m - 1)
        return max(of_variance, of_mean) / tiles.n_scores


class PairLaw(ABC):
    """The joint law of a query and a key of any dimension."""

    @abstractmethod
    def mean(self, d_k: int) -> float:
        """E[q·k]."""

    @abstractmethod
    def variance(self, d_k: int) -> float:
        """Var(q·k)."""

    @abstractmethod
    def spread(self, d_k: int) -> Spread:
        """What the number of samples depends on."""

    @abstractmethod
    def vectors(self, d_k: int) -> PairMoments:
        """Means and covariances of the components, for `dot_product_moments`."""

    @abstractmethod
    def products(self, rng: np.random.Generator, d_k: int, tiles: Tiles) -> Products:
        """Dot products of a block, in pieces (tiles, n_queries, n_keys); `rng` decides every draw."""


@dataclass(frozen=True)
class IndependentPair(PairLaw):
    """q and k independent, with independent entries from laws that are symmetric about their means."""

    queries: EntryLaw
    keys: EntryLaw

    def mean(self, d_k: int) -> float:
        """d μ_q μ_k."""
        return d_k * self.queries.mean * self.keys.mean

    def variance(self, d_k: int) -> float:
        """d (σ_q² σ_k² + μ_q² σ_k² + μ_k² σ_q²)."""
        q, k = self.queries, self.keys
        return d_k * (q.variance * k.variance + q.mean**2 * k.variance + k.mean**2 * q.variance)

    def spread(self, d_k: int) -> Spread:
        """From moments of the entries up to the fourth."""
        q, k, v = self.queries, self.keys, self.variance(d_k)
        return _spread_of_entries(q, k, d_k, 0.0, d_k * k.mean**2 * q.variance / v, d_k * q.mean**2 * k.variance / v)

    def vectors(self, d_k: int) -> PairMoments:
        """Multiples of the identity."""
        q, k, one = self.queries, self.keys, np.eye(d_k)
        return PairMoments(np.full(d_k, q.mean), q.variance * one, np.full(d_k, k.mean), k.variance * one)

    def products(self, rng: np.random.Generator, d_k: int, tiles: Tiles) -> Products:
        """Q Kᵀ."""
        return draw_scores(rng, d_k, tiles, self.queries, self.keys)


@dataclass(frozen=True)
class SharedSignPair(PairLaw):
    """q and k independent; all components of q have the correlation r, and those of k if `both`, else none."""

    r: float
    both: bool

    def mean(self, d_k: int) -> float:
        """0."""
        return 0.0

    def variance(self, d_k: int) -> float:
        """d (1 + (d - 1) r²), or d where only those of q are correlated."""
        return d_k * (1 + (d_k - 1) * self.r**2 * self.both)

    def spread(self, d_k: int) -> Spread:
        """That of independent entries N(√r, 1 - r), of which q and k are ±1 times a vector, about 0."""
        folded = Gaussian(self.r**0.5, (1 - self.r) ** 0.5)
        return _spread_of_entries(folded, folded if self.both else Gaussian(), d_k, d_k * self.r * self.both)

    def vectors(self, d_k: int) -> PairMoments:
        """Correlations r, and r or 0."""
        nothing, (queries, keys) = np.zeros(d_k), self._laws()
        covariance_k = keys.covariance(d_k) if isinstance(keys, SharedSign) else np.eye(d_k)
        return PairMoments(nothing, queries.covariance(d_k), nothing, covariance_k)

    def products(self, rng: np.random.Generator, d_k: int, tiles: Tiles) -> Products:
        """Q Kᵀ."""
        return draw_scores(rng, d_k, tiles, *self._laws())

    def _laws(self) -> tuple[SharedSign, VectorLaw]:
        shared = SharedSign(self.r)
        return shared, shared if self.both else Gaussian()


@dataclass(frozen=True)
class NeighbourPair(PairLaw):
    """q and k independent; neighbouring components of each have the correlation 1/2."""

    def mean(self, d_k: int) -> float:
        """0."""
        return 0.0

    def variance(self, d_k: int) -> float:
        """(3 d - 1)/2, the sum of all squared covariances."""
        return (3 * d_k - 1) / 2

    def spread(self, d_k: int) -> Spread:
        """2 tr Σ⁴/(tr Σ²)² for what a vector shares; the excess kurtosis is three times that, as of all normal ones."""
        squares = Neighbours().eigenvalues(d_k) ** 2
        shared = float(2 * (squares @ squares) / squares.sum() ** 2)
        return Spread(2 + 3 * shared, shared, shared)

    def vectors(self, d_k: int) -> PairMoments:
        """Two bands beside the diagonal."""
        nothing, covariance = np.zeros(d_k), Neighbours().covariance(d_k)
        return PairMoments(nothing, covariance, nothing, covariance)

    def products(self, rng: np.random.Generator, d_k: int, tiles: Tiles) -> Products:
        """Q Kᵀ."""
        return draw_scores(rng, d_k, tiles, Neighbours(), Neighbours())


@dataclass(frozen=True)
class AlignedPair(PairLaw):
    """k = ρ q + √(1 - ρ²) z with standard normal q and z: each q_i has the correlation ρ with its own k_i.

    A tile pairs each of its m queries with each of n vectors z, so that a key is made from its own query.
    """

    rho: float

    def mean(self, d_k: int) -> float:
        """d ρ."""
        return AlignedLaw(d_k, self.rho).mean

    def variance(self, d_k: int) -> float:
        """d (1 + ρ²)."""
        return AlignedLaw(d_k, self.rho).variance

    def spread(self, d_k: int) -> Spread:
        """From |q|², chi-squared: with y = |q|² - d, E[s² | q] = ρ² y² + (1 - ρ²)|q|² and E[s | q] = ρ y."""
        own, other, v = self.rho**2, 1 - self.rho**2, self.variance(d_k)
        by_query = own**2 * (8 * d_k**2 + 48 * d_k) + 2 * own * other * 8 * d_k + other**2 * 2 * d_k
        excess = AlignedLaw(d_k, self.rho).excess_kurtosis
        return Spread(2 + excess, by_query / v**2, other**2 * 2 * d_k / v**2, 2 * own * d_k / v)

    def vectors(self, d_k: int) -> PairMoments:
        """Unit covariances, and ρ times one across."""
        nothing, one = np.zeros(d_k), np.eye(d_k)
        return PairMoments(nothing, one, nothing, one, self.rho * one)

    def products(self, rng: np.random.Generator, d_k: int, tiles: Tiles) -> Products:
        """ρ q·q + √(1 - ρ²) q·z."""
        m, n = tiles.n_queries, tiles.n_keys
        rho, rest = np.float32(self.rho), np.float32(max(0.0, 1 - self.rho**2) ** 0.5)
        together = max(1, CHUNK // max(m * n, (m + n) * d_k))  # tiles at once
        for first in range(0, tiles.n_tiles, together):
            count = min(together, tiles.n_tiles - first)
            q = standard_normals(rng, (count, m, d_k))
            products = np.repeat(rho * np.vecdot(q, q)[..., None], n, axis=2)
            if rest:
                z = standard_normals(rng, (count, n, d_k))
                products += rest * (q @ z.transpose(0, 2, 1))
            yield products


def _spread_of_entries(
    q: EntryLaw, k: EntryLaw, d_k: int, offset: float, mean_by_query: float = 0.0, mean_by_key: float = 0.0
) -> Spread:
    """For independent entries of laws symmetric about their means, with s = q·k - d μ_q μ_k + offset.

    The cumulants of s, but for its mean, are d times those of q_i k_i, whose moments are products of the entries'.
    """
    m1, m2, m3, m4 = (a * b for a, b in zip(_moments(q), _moments(k), strict=True))
    second = d_k * (m2 - m1**2)
    third = d_k * (m3 - 3 * m2 * m1 + 2 * m1**3)
    fourth = d_k * (m4 - 4 * m3 * m1 - 3 * m2**2 + 12 * m2 * m1**2 - 6 * m1**4)
    v = second + offset**2  # E[s²]
    s4 = fourth + 4 * offset * third + 3 * second**2 + 6 * offset**2 * second + offset**4
    by_query, by_key = (_variance_given(one, other, d_k, offset) / v**2 for one, other in ((q, k), (k, q)))
    return Spread(s4 / v**2 - 1, by_query, by_key, mean_by_query, mean_by_key)


def _moments(law: EntryLaw) -> tuple[float, float, float, float]:
    """E[x], E[x²], E[x³] and E[x⁴] of a law that is symmetric about its mean."""
    mean, variance = law.mean, law.variance
    fourth = mean**4 + 6 * mean**2 * variance + law.kurtosis * variance**2
    return mean, mean**2 + variance, mean**3 + 3 * mean * variance, fourth


def _variance_given(q: EntryLaw, k: EntryLaw, d_k: int, offset: float) -> float:
    """Var(E[s² | q]) with E[s² | q] = σ_k² Σ q_i² + (μ_k A + offset)², A the sum of all q_i - μ_q.

    That is σ_k² B + μ_k² A² + L A and a constant, with B = Σ (q_i - μ_q)² and L = 2 (σ_k² μ_q + offset μ_k); A is
    uncorrelated with B and with A², by symmetry.
    """
    a, b = d_k * q.variance, d_k * q.variance**2 * (q.kurtosis - 1)  # Var(A), and Var(B) = Cov(B, A²)
    a2 = d_k * q.variance**2 * (q.kurtosis - 3) + 2 * a**2  # Var(A²)
    slope = 2 * (k.variance * q.mean + offset * k.mean)
    return k.variance**2 * b + k.mean**4 * a2 + slope**2 * a + 2 * k.variance * k.mean**2 * b


PAIR_LAWS: dict[str, PairLaw] = {
    "gaussian": IndependentPair(Gaussian(), Gaussian()),
    "sign": IndependentPair(Sign(), Sign()),
    "uniform": IndependentPair(Uniform(), Uniform()),
    "student-t": IndependentPair(StudentT(), StudentT()),
    "sparse": IndependentPair(Sparse(), Sparse()),
    "one-sided": SharedSignPair(0.1, both=False),
    "narrow": IndependentPair(Gaussian(sd=0.5), Gaussian(sd=0.5)),
    "wide": IndependentPair(Gaussian(sd=3.0), Gaussian(sd=3.0)),
    "neighbours": NeighbourPair(),
    "unit-interval": IndependentPair(Uniform(0.0, 1.0), Uniform(0.0, 1.0)),
    "offset": IndependentPair(Gaussian(mean=0.5), Gaussian(mean=0.5)),
    "shared-sign": SharedSignPair(0.1, both=True),
    "aligned": AlignedPair(0.1),
    "equal": AlignedPair(1.0),
}
