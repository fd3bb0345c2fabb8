"""The exact law of softmax rows over iid normal scores: means of the observables of p = softmax(σ x), x ~ N(0, I_n).

All but the largest weight (scaling/largest_weight.py) and ‖J x‖² (scaling/gradient_law.py) follow from functions of
u = ln t that do not depend on n: φ, A_k and h_1 of scaling/laplace_transform.py, since 1/Z^k is an integral of
t^(k-1) e^(-tZ) over t and the n terms of Z = Σ e^(σ x_j) are independent:

    w(u)      = n A_1 φ^(n-1)                     a probability density in u, whose integral 1 checks the quadrature
    E[ln Z]   = -γ - ∫ u w du                     γ: Euler's constant
    E[H]      = -n ∫ h_1 φ^(n-1) du
    E[Σp²]    = n ∫ A_2 φ^(n-1) du
    E[Σp³]    = (n/2) ∫ A_3 φ^(n-1) du
    E[tr J]   = n(n-1) ∫ A_1² φ^(n-2) du
    E‖J‖²_F   = (1/6) ∫ [2n(n-1) A_2² φ^(n-2) + n(n-1)(n-2) A_2 A_1² φ^(n-3)] du

All integrands are positive but the entropy's, so nothing cancels; they are analytic with Gaussian or doubly exponential
tails, where the trapezoid rule converges faster than any power of its step.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import floats_of, is_number, shown
from scaling.gradient_law import mean_jacobian_x_norm2
from scaling.laplace_transform import Transforms, transforms
from scaling.largest_weight import mean_largest_weight

Array = NDArray[np.float64]

SIGMA_RANGE = (1e-3, 1e4)
N_KEYS_RANGE = (1, 10**12)
FIELDS = ("log_partition", "entropy", "sum_p2", "sum_p3", "jacobian_trace", "jacobian_norm2")


@dataclass(frozen=True)
class SoftmaxLaw:
    """Exact means over rows of n_keys iid scores N(0, sigma²); every field has the shape of `sigma`.

    Relative error at most 1e-9 (max_weight: 1e-6) for sigma in [1e-3, 1e4] and n_keys in [1, 10¹²]. Entropy and
    log-partition are in nats.
    """

    sigma: Array
    n_keys: int

    @cached_property
    def _values(self) -> dict[str, Array]:
        values = _observables(self.sigma.ravel(), self.n_keys)
        return {name: value.reshape(self.sigma.shape) for name, value in values.items()}

    @property
    def log_partition(self) -> Array:
        """E[ln Σ exp(s_j)]."""
        return self._values["log_partition"]

    @property
    def entropy(self) -> Array:
        """E[-Σ p_j ln p_j]."""
        return self._values["entropy"]

    @property
    def sum_p2(self) -> Array:
        """E[Σ p_j²]."""
        return self._values["sum_p2"]

    @property
    def sum_p3(self) -> Array:
        """E[Σ p_j³]."""
        return self._values["sum_p3"]

    @property
    def jacobian_trace(self) -> Array:
        """E[tr J] = 1 - E[Σ p_j²], without the subtraction."""
        return self._values["jacobian_trace"]

    @property
    def jacobian_norm2(self) -> Array:
        """E‖J‖²_F."""
        return self._values["jacobian_norm2"]

    @cached_property
    def max_weight(self) -> Array:
        """E[max p_j]; computed only when asked for, since it takes several times as long as the rest."""
        if self.n_keys == 1:
            return np.ones_like(self.sigma)
        return mean_largest_weight(self.sigma.ravel(), self.n_keys).reshape(self.sigma.shape)

    @cached_property
    def jacobian_x_norm2(self) -> Array:
        """E‖J x‖² for scores σ x; computed only when asked for."""
        if self.n_keys == 1:
            return np.zeros_like(self.sigma)
        return mean_jacobian_x_norm2(self.sigma.ravel(), self.n_keys).reshape(self.sigma.shape)


def softmax_law(sigma: ArrayLike, n_keys: int) -> SoftmaxLaw:
    """The exact law for scores of standard deviation `sigma` (a number or an array) over `n_keys` keys.

    Raises ValueError for a sigma outside [1e-3, 1e4] or not finite, and an n_keys outside [1, 10¹²] or not whole.

    >>> law = softmax_law([1, 8], n_keys=50)
    >>> law.entropy.round(3), law.max_weight.round(3)
    (array([3.444, 0.546]), array([0.125, 0.802]))
    """
    sigmas = np.asarray(floats_of(sigma, "softmax_law: sigma"), dtype=np.float64)
    low, high = SIGMA_RANGE
    outside = sigmas[~((sigmas >= low) & (sigmas <= high))]
    if outside.size:
        raise ValueError(f"softmax_law: sigma must lie in [{low:g}, {high:g}]; received {outside.flat[0]}")
    return SoftmaxLaw(sigmas, checked_n_keys(n_keys, "softmax_law"))


def checked_n_keys(n_keys: int, where: str) -> int:
    """A whole number of keys within range, or ValueError."""
    low, high = N_KEYS_RANGE
    if not is_number(n_keys) or not low <= float(n_keys) <= high or int(n_keys) != n_keys:
        raise ValueError(f"{where}: n_keys must be a whole number from {low} to {high:,}; received {shown(n_keys)}")
    return int(n_keys)


def _observables(sigma: Array, n: int) -> dict[str, Array]:
    """The fields at every sigma (n_sigma,)."""
    if n == 1:
        return {name: np.full(len(sigma), float(name in ("sum_p2", "sum_p3"))) for name in FIELDS}
    values = np.empty((len(FIELDS), len(sigma)))
    for some, at in transforms(sigma, n):
        power1, power2, power3 = _powers(at, n)
        values[:, some] = at.step * np.stack(
            [
                -n * np.vecdot(at.a1 * power1, at.u),
                -n * np.vecdot(at.h1, power1),
                n * np.vecdot(at.a2, power1),
                n / 2 * np.vecdot(at.a3, power1),
                n * (n - 1) * np.vecdot(at.a1**2, power2),
                n * (n - 1) / 6 * np.vecdot(at.a2, 2 * at.a2 * power2 + (n - 2) * (at.a1**2 * power3)),
            ]
        )
    values[0] -= np.euler_gamma
    return dict(zip(FIELDS, values, strict=True))


def _powers(at: Transforms, n: int) -> tuple[Array, Array, Array]:
    """φ^(n-1), φ^(n-2) and φ^(n-3), the last 0 at n = 2, where nothing is made of it."""
    if n == 2:
        return at.phi, np.ones_like(at.phi), np.zeros_like(at.phi)
    power3 = np.exp((n - 3) * at.log_phi) if n > 3 else np.ones_like(at.phi)
    power2 = power3 * at.phi
    return power2 * at.phi, power2, power3
