"""The exact law of attention rows at finite d_k: the softmax law averaged over the length of the query.

Given q, keys with independent standard normal entries make a row's scores iid N(0, σ²) with σ = scale · |q|, and |q|²
is chi-squared with d_k degrees of freedom. So a mean over rows at d_k is the mean of `softmax_law` over such σ.
"""

from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import linalg

from scaling.arrays import shown
from scaling.interpolation import Interpolation, SigmaPanels
from scaling.softmax_law import SIGMA_RANGE, SoftmaxLaw, checked_n_keys

Array = NDArray[np.float64]
MAX_D_K = 10**6
FEW = 64  # below this d_k the length |q| varies too much for a handful of Laguerre nodes

# Beyond so many nodes a table of the softmax law in σ is cheaper, and as good: its errors stay below 1e-8 (largest
# weight: 1e-6) to n_keys = 10¹². Panels are narrow where many keys freeze: at √(2 ln n), and Σp³ at a third of that.
# All laws share their nodes, so that scaling/laplace_transform.py computes there once for many n_keys.
FEW_NODES = 300
PANELS = SigmaPanels((0.0, 1.1, 1.7, 2.3, 3.6, 7.0, 12.5), 24)  # to σ = 1.3e5: the longest query at the largest scale
PANELS_OF_THE_LARGEST = SigmaPanels((0.0, 1.5, 2.4, 3.6, 7.0, 12.5), 16)


@dataclass(frozen=True)
class AttentionLaw:
    """Exact means over rows for Gaussian queries and keys: the fields of `SoftmaxLaw`, of the shape of d_k and scale.

    Relative error at most 1e-7 (max_weight: 1e-5). Entropy and log-partition are in nats.
    """

    d_k: NDArray[np.int64]
    n_keys: int
    scale: Array

    @cached_property
    def _lengths(self) -> tuple[Array, Array, NDArray[np.intp]]:
        """σ at the nodes of every point, the nodes' weights, and where each point's nodes begin."""
        rules = {d_k: query_lengths(d_k) for d_k in set(self.d_k.ravel().tolist())}
        points = [rules[d_k] for d_k in self.d_k.ravel().tolist()]
        sigmas = [scale * lengths for scale, (lengths, _) in zip(self.scale.ravel(), points, strict=True)]
        starts = np.cumsum([0, *(len(sigma) for sigma in sigmas[:-1])])
        return np.concatenate(sigmas), np.concatenate([weights for _, weights in points]), starts

    @cached_property
    def _few(self) -> SoftmaxLaw:
        """The law at the nodes themselves."""
        return SoftmaxLaw(self._lengths[0], self.n_keys)

    @cached_property
    def _many(self) -> tuple[SoftmaxLaw, Interpolation]:
        """The law at nodes that all points share; the largest weight has its own, fewer ones."""
        return self._tabulated(PANELS)

    @cached_property
    def _many_of_the_largest(self) -> tuple[SoftmaxLaw, Interpolation]:
        return self._tabulated(PANELS_OF_THE_LARGEST)

    def _tabulated(self, panels: SigmaPanels) -> tuple[SoftmaxLaw, Interpolation]:
        sigmas = self._lengths[0]
        needed = panels.reaching(float(sigmas.max()))
        return SoftmaxLaw(needed.nodes, self.n_keys), needed.at(sigmas)

    def _mean(self, name: str) -> Array:
        sigmas, weights, starts = self._lengths
        if sigmas.size <= FEW_NODES or self.n_keys == 1:
            values = getattr(self._few, name)
        else:
            law, interpolated = self._many_of_the_largest if name == "max_weight" else self._many
            values = interpolated(getattr(law, name))
        means: Array = np.add.reduceat(values * weights, starts).reshape(self.d_k.shape)
        return means

    @property
    def log_partition(self) -> Array:
        """E[ln Σ exp(s_j)]."""
        return self._mean("log_partition")

    @property
    def entropy(self) -> Array:
        """E[-Σ p_j ln p_j]."""
        return self._mean("entropy")

    @property
    def sum_p2(self) -> Array:
        """E[Σ p_j²]."""
        return self._mean("sum_p2")

    @property
    def sum_p3(self) -> Array:
        """E[Σ p_j³]."""
        return self._mean("sum_p3")

    @property
    def jacobian_trace(self) -> Array:
        """E[tr J]."""
        return self._mean("jacobian_trace")

    @property
    def jacobian_norm2(self) -> Array:
        """E‖J‖²_F."""
        return self._mean("jacobian_norm2")

    @property
    def max_weight(self) -> Array:
        """E[max p_j]."""
        return self._mean("max_weight")

    @property
    def query_gradient_norm2(self) -> Array:
        """E‖∂L/∂q‖² where ∂L/∂p has independent entries of mean 0 and variance 1, as scaling/gradients.py derives it.

        scale² ((d_k - 1) E‖J‖²_F + E‖J z‖²), with the row's scores σ z.
        """
        norm2: Array = self.scale**2 * ((self.d_k - 1) * self.jacobian_norm2 + self._mean("jacobian_x_norm2"))
        return norm2


def attention_law(d_k: ArrayLike, n_keys: int, scale: ArrayLike) -> AttentionLaw:
    """The exact law of a row over n_keys keys at d_k, with scores multiplied by `scale` (1 raw, d_k^(-1/2) scaled).

    d_k and scale are numbers or arrays, broadcast together; many points at once cost little more than one.
    Raises ValueError for d_k outside [1, 10⁶], n_keys outside [1, 10¹²], or scale · √d_k outside [1e-3, 1e4].

    >>> attention_law(64, 50, [1, 1 / 8]).entropy.round(3)  # raw and scaled; ln 50 = 3.912
    array([0.554, 3.445])
    """
    try:
        if np.ma.isMA(d_k) or np.ma.isMA(scale) or np.asarray(scale).dtype.kind not in "iuf":
            raise TypeError
        with np.errstate(over="ignore"):  # what is inf then lies outside
            dimensions, scales = np.broadcast_arrays(np.asarray(d_k), np.array(scale, dtype=np.float64))
    except (TypeError, ValueError):
        dimensions = scales = np.empty(0)
    if dimensions.size == 0:
        raise ValueError(
            "attention_law: d_k and scale must be numbers, or arrays of shapes that go together; "
            f"received {shown(d_k)} and {shown(scale)}"
        )
    for d in dimensions.ravel().tolist():
        if isinstance(d, bool) or not isinstance(d, int | float) or not 1 <= d <= MAX_D_K or int(d) != d:
            raise ValueError(f"attention_law: d_k must be a whole number from 1 to {MAX_D_K:,}; received {shown(d)}")
    dimensions = dimensions.astype(np.int64)
    low, high = SIGMA_RANGE
    with np.errstate(over="ignore"):
        spread = scales * dimensions**0.5
    outside = scales[~((spread >= low) & (spread <= high))]
    if outside.size:
        raise ValueError(
            f"attention_law: scale · √d_k must lie in [{low:g}, {high:g}]; received scale {outside.flat[0]}"
        )
    return AttentionLaw(dimensions, checked_n_keys(n_keys, "attention_law"), scales)


@lru_cache(maxsize=256)
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
        return _frozen(r[kept], weights / weights.sum())
    i = np.arange(14)
    shape = d_k / 2
    values, vectors = linalg.eigh_tridiagonal(2 * i + shape, np.sqrt(i[1:] * (i[1:] + shape - 1)))
    return _frozen(np.sqrt(2 * values), vectors[0] ** 2)


def _frozen(lengths: Array, weights: Array) -> tuple[Array, Array]:
    """Both read-only, since they are kept."""
    lengths.flags.writeable = weights.flags.writeable = False
    return lengths, weights
