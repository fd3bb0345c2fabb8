"""The exact law of attention rows at finite d_k: the softmax law averaged over the length of the query.

Given q, keys with independent standard normal entries make a row's scores iid N(0, σ²) with σ = scale · |q|, and |q|²
is chi-squared with d_k degrees of freedom. So a mean over rows at d_k is the mean of `softmax_law` over such σ.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy import linalg

from scaling.softmax_law import SIGMA_RANGE, SoftmaxLaw, checked_n_keys

Array = NDArray[np.float64]
MAX_D_K = 10**6
FEW = 64  # below this d_k the length |q| varies too much for a handful of Laguerre nodes


@dataclass(frozen=True)
class AttentionLaw:
    """Exact means over rows for Gaussian queries and keys: the fields of `SoftmaxLaw`, for one d_k, n_keys and scale.

    Relative error at most 1e-7 (max_weight: 1e-5).
    """

    d_k: int
    n_keys: int
    scale: float

    @cached_property
    def _nodes(self) -> tuple[SoftmaxLaw, Array]:
        lengths, weights = query_lengths(self.d_k)
        return SoftmaxLaw(self.scale * lengths, self.n_keys), weights

    def _mean(self, name: str) -> float:
        law, weights = self._nodes
        return float(getattr(law, name) @ weights)

    @property
    def log_partition(self) -> float:
        """E[ln Σ exp(s_j)]."""
        return self._mean("log_partition")

    @property
    def entropy(self) -> float:
        """E[-Σ p_j ln p_j], in nats."""
        return self._mean("entropy")

    @property
    def sum_p2(self) -> float:
        """E[Σ p_j²]."""
        return self._mean("sum_p2")

    @property
    def sum_p3(self) -> float:
        """E[Σ p_j³]."""
        return self._mean("sum_p3")

    @property
    def jacobian_trace(self) -> float:
        """E[tr J]."""
        return self._mean("jacobian_trace")

    @property
    def jacobian_norm2(self) -> float:
        """E‖J‖²_F."""
        return self._mean("jacobian_norm2")

    @property
    def max_weight(self) -> float:
        """E[max p_j]."""
        return self._mean("max_weight")


def attention_law(d_k: int, n_keys: int, scale: float) -> AttentionLaw:
    """The exact law of a row over n_keys keys at d_k, with scores multiplied by `scale` (1 raw, d_k^(-1/2) scaled).

    Raises ValueError for d_k outside [1, 10⁶], n_keys outside [1, 10¹²], or scale · √d_k outside [1e-3, 1e4].
    """
    if isinstance(d_k, bool | np.bool) or not 1 <= d_k <= MAX_D_K or int(d_k) != d_k:
        raise ValueError(f"attention_law: d_k must be a whole number from 1 to {MAX_D_K:,}; received {d_k!r}")
    low, high = SIGMA_RANGE
    if not low <= scale * d_k**0.5 <= high:
        raise ValueError(f"attention_law: scale · √d_k must lie in [{low:g}, {high:g}]; received scale {scale!r}")
    return AttentionLaw(int(d_k), checked_n_keys(n_keys, "attention_law"), float(scale))


def query_lengths(d_k: int) -> tuple[Array, Array]:
    """Quadrature nodes for |q| and their weights, which sum to 1.

    For few dimensions a trapezoid rule in t, |q| = ln(1 + e^t): even in ln|q| for short queries, where large scales
    have their say, and in |q| for long ones. Above, generalised Gauss-Laguerre in |q|²/2, whose nodes are the
    eigenvalues of the Jacobi matrix (Golub and Welsch), since |q|²/2 follows the gamma law of shape d_k/2.
    """
    if d_k < FEW:
        t = np.arange(-25 / d_k, d_k**0.5 + 8.5, 0.15 if d_k < 8 else 0.3)
        r = np.log1p(np.exp(t))
        log_weights = (d_k - 1) * np.log(r) - r**2 / 2 - np.log1p(np.exp(-t))  # the last: dr/dt
        kept = log_weights > log_weights.max() - 45
        weights = np.exp(log_weights[kept] - log_weights.max())
        return r[kept], weights / weights.sum()
    i = np.arange(14)
    shape = d_k / 2
    values, vectors = linalg.eigh_tridiagonal(2 * i + shape, np.sqrt(i[1:] * (i[1:] + shape - 1)))
    return np.sqrt(2 * values), vectors[0] ** 2
