"""Any two vectors' dot product, by the means and covariances of their components; laws whose components depend.

The derivation of Var(q·k) = d_k needs components that are uncorrelated within q or within k. The laws here are not.
"""

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import is_number, real_array, shown
from scaling.entries import Shape
from scaling.normals import standard_normals

Array = NDArray[np.float64]


class DotProductMoments(NamedTuple):
    """Mean and variance of q·k."""

    mean: float
    variance: float


class VarianceTerms(NamedTuple):
    """Parts of Var(q·k) for independent q and k; no change of basis q → A q, k → A^(-T) k changes any of them.

    Exact for all pairs of any queries with any keys too, with the sets' own means and population covariances. The
    variance over a row, that is, over the keys for one query, is `joint` + `mean_query` in the mean over queries;
    `mean_key` is the variance of the rows' means, constants that no softmax sees.
    """

    joint: float  # tr(Σ_q Σ_k)
    mean_query: float  # μ_qᵀ Σ_k μ_q
    mean_key: float  # μ_kᵀ Σ_q μ_k

    @property
    def within_rows(self) -> float:
        """The mean, over queries, of the variance over keys."""
        return self.joint + self.mean_query

    @property
    def total(self) -> float:
        """Var(q·k)."""
        return self.joint + self.mean_query + self.mean_key


def variance_terms(mean_q: Array, covariance_q: Array, mean_k: Array, covariance_k: Array) -> VarianceTerms:
    """The terms from means (d_k,) and symmetric covariances (d_k, d_k)."""
    return VarianceTerms(
        joint=float(np.vdot(covariance_q, covariance_k)),
        mean_query=float(mean_q @ covariance_k @ mean_q),
        mean_key=float(mean_k @ covariance_q @ mean_k),
    )


class PairMoments(NamedTuple):
    """Means (d,) and covariances (d, d) of two vectors, and Cov(q_i, k_j) as `cross` (d, d); None: independent."""

    mean_q: ArrayLike
    covariance_q: ArrayLike
    mean_k: ArrayLike
    covariance_k: ArrayLike
    cross: ArrayLike | None = None


def dot_product_moments(
    mean_q: ArrayLike,
    covariance_q: ArrayLike,
    mean_k: ArrayLike,
    covariance_k: ArrayLike,
    cross: ArrayLike | None = None,
) -> DotProductMoments:
    """Exact mean and variance of q·k, from the fields of `PairMoments`.

    E[q·k] = μ_q·μ_k + tr C and Var(q·k) = tr(Σ_q Σ_k) + μ_qᵀ Σ_k μ_q + μ_kᵀ Σ_q μ_k + tr(C C) + 2 μ_qᵀ Cᵀ μ_k, with
    C = Cov(q, k). Without C for independent vectors of any law, else for vectors that are jointly normal. ValueError
    for arrays of other shapes, and for covariances that are not symmetric.

    >>> zeros, one = np.zeros(64), np.eye(64)
    >>> dot_product_moments(zeros, one, zeros, one)
    DotProductMoments(mean=0.0, variance=64.0)
    >>> dot_product_moments(zeros + 0.5, one, zeros + 0.5, one)  # what the means add
    DotProductMoments(mean=16.0, variance=96.0)
    """
    q, k = _mean(mean_q, "mean_q"), _mean(mean_k, "mean_k")
    matrices = {"covariance_q": covariance_q, "covariance_k": covariance_k}
    sigma_q, sigma_k = (_matrix(matrix, name, len(q)) for name, matrix in matrices.items())
    for name, matrix in zip(matrices, (sigma_q, sigma_k), strict=True):
        if not np.allclose(matrix, matrix.T, rtol=1e-9, atol=0):
            raise ValueError(f"dot_product_moments: {name} must be symmetric; received {shown(matrices[name])}")
    if q.shape != k.shape:
        raise ValueError(f"dot_product_moments: mean_k must have {len(q)} entries like mean_q; received {len(k)}")
    mean = float(q @ k)
    variance = variance_terms(q, sigma_q, k, sigma_k).total
    if cross is not None:
        c = _matrix(cross, "cross", len(q))
        mean += float(np.trace(c))
        variance += float(np.vdot(c, c.T) + 2 * k @ c @ q)
    return DotProductMoments(mean, variance)


@dataclass(frozen=True)
class SharedSign:
    """x_i = √r f + √(1-r) z_i: normal z_i, and one sign f = ±1 that all components of a vector share.

    Mean 0, variance 1, and the correlation r between any two components. ValueError unless 0 ≤ r ≤ 1.
    """

    r: float
    mean: float = field(init=False, default=0.0)
    variance: float = field(init=False, default=1.0)

    def __post_init__(self) -> None:
        if not is_number(self.r) or not 0 <= self.r <= 1:
            raise ValueError(f"SharedSign: r must be a number from 0 to 1; received {shown(self.r)}")

    def covariance(self, d_k: int) -> Array:
        """(d_k, d_k): 1 on the diagonal, r elsewhere."""
        return np.where(np.eye(d_k, dtype=bool), 1.0, float(self.r))

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """Independent vectors along the last axis."""
        signs = rng.integers(0, 1, (*shape[:-1], 1), dtype=np.int8, endpoint=True) * 2 - 1
        x = standard_normals(rng, shape)
        x *= np.float32((1 - self.r) ** 0.5)
        x += np.float32(self.r**0.5) * signs.astype(np.float32)
        return x


@dataclass(frozen=True)
class Neighbours:
    """x_i = (z_i + z_(i+1))/√2 with normal z_i: neighbours have the correlation 1/2, others none."""

    mean: float = field(init=False, default=0.0)
    variance: float = field(init=False, default=1.0)

    def covariance(self, d_k: int) -> Array:
        """(d_k, d_k): 1 on the diagonal, 1/2 beside it, 0 elsewhere."""
        return np.eye(d_k) + 0.5 * (np.eye(d_k, k=1) + np.eye(d_k, k=-1))

    def eigenvalues(self, d_k: int) -> Array:
        """(d_k,): 1 + cos(π j/(d_k + 1)), those of the covariance."""
        eigenvalues: Array = 1 + np.cos(np.pi * np.arange(1, d_k + 1) / (d_k + 1))
        return eigenvalues

    def sample_single(self, rng: np.random.Generator, shape: Shape) -> NDArray[np.float32]:
        """Independent vectors along the last axis."""
        z = standard_normals(rng, (*shape[:-1], shape[-1] + 1))
        x: NDArray[np.float32] = z[..., 1:] + z[..., :-1]
        x *= np.float32(0.5**0.5)
        return x


def _mean(values: ArrayLike, name: str) -> Array:
    mean = real_array(values, f"dot_product_moments: {name}")
    if mean.ndim != 1 or mean.size == 0:
        raise ValueError(f"dot_product_moments: {name} must have the shape (d_k,); received {mean.shape}")
    return mean


def _matrix(values: ArrayLike, name: str, d_k: int) -> Array:
    matrix = real_array(values, f"dot_product_moments: {name}")
    if matrix.shape != (d_k, d_k):
        raise ValueError(f"dot_product_moments: {name} must have the shape ({d_k}, {d_k}); received {matrix.shape}")
    return matrix
