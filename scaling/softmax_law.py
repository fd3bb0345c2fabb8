"""The exact law of softmax rows over iid normal scores: means of the observables of p = softmax(σ x), x ~ N(0, I_n).

Everything follows from two functions of u = ln t, with y = u + σx: φ(u) = E[exp(-e^y)], A_k(u) = E[e^(ky) exp(-e^y)],
since 1/Z^k is an integral of t^(k-1) e^(-tZ) over t and the n terms of Z = Σ e^(σ x_j) are independent:

    w(u)      = n A_1 φ^(n-1)                     a probability density in u, whose integral 1 checks the quadrature
    E[ln Z]   = -γ - ∫ u w du                     γ: Euler's constant
    E[H]      = -n ∫ (E[y e^y e^(-e^y)] + γ A_1) φ^(n-1) du
    E[Σp²]    = n ∫ A_2 φ^(n-1) du
    E[Σp³]    = (n/2) ∫ A_3 φ^(n-1) du
    E[tr J]   = n(n-1) ∫ A_1² φ^(n-2) du
    E‖J‖²_F   = (1/6) ∫ [2n(n-1) A_2² φ^(n-2) + n(n-1)(n-2) A_2 A_1² φ^(n-3)] du
    E[max p]  = n ∫∫ f(m) e^(-t) g(t, m)^(n-1) dt dm,   g(t, m) = E[exp(-t e^(σ(x-m))); x < m],  f the normal density

All integrands are positive but the entropy's, so nothing cancels; they are analytic with Gaussian or doubly exponential
tails, where the trapezoid rule converges faster than any power of its step. 1 - φ, not φ, is computed, as
∫ e^y e^(-e^y) Φ((u - y)/σ) dy, so that φ^n keeps its digits for n to 10¹².
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.polynomial import chebyshev
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scaling.arrays import is_number, shown
from scaling.panels import Panels

Array = NDArray[np.float64]

SIGMA_RANGE = (1e-3, 1e4)
N_KEYS_RANGE = (1, 10**12)
FIELDS = ("log_partition", "entropy", "sum_p2", "sum_p3", "jacobian_trace", "jacobian_norm2")

# The quadrature. Steps are in units of the integrand's own width, tails in powers of e that are left out.
STEP, TAIL = 0.25, 36.0  # errors near 1e-12
MAX_STEP, MAX_TAIL = 0.4, 23.0  # for the largest weight, errors near 1e-8
MAX_NARROW = 4.0  # below this σ the score itself is its better variable
GUMBEL_END = 4.3  # e^(-e^4.3) = e^-74
NARROW, WIDE = 0.4, 45.0  # σ between which the normal density is sampled in y itself
N_CHEBYSHEV = 30  # above WIDE it is a polynomial of this degree in y, to 1e-15
FAR = 300.0  # e^-300 stands for anything smaller, since numbers below 1e-308 are slow


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
        points = np.array([_observables(float(sigma), self.n_keys) for sigma in self.sigma.ravel()])
        return {name: points[:, i].reshape(self.sigma.shape) for i, name in enumerate(FIELDS)}

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
        """E[max p_j]; computed only when asked for, since it takes ten times as long as the rest."""
        return np.array([_max_weight(float(s), self.n_keys) for s in self.sigma.ravel()]).reshape(self.sigma.shape)


def softmax_law(sigma: ArrayLike, n_keys: int) -> SoftmaxLaw:
    """The exact law for scores of standard deviation `sigma` (a number or an array) over `n_keys` keys.

    Raises ValueError for a sigma outside [1e-3, 1e4] or not finite, and an n_keys outside [1, 10¹²] or not whole.
    """
    sigmas = np.asarray(sigma, dtype=np.float64)
    low, high = SIGMA_RANGE
    outside = sigmas[~((sigmas >= low) & (sigmas <= high))]
    if outside.size:
        raise ValueError(f"softmax_law: sigma must lie in [{low:g}, {high:g}]; received {outside.flat[0]}")
    return SoftmaxLaw(sigmas, checked_n_keys(n_keys, "softmax_law"))


def checked_n_keys(n_keys: int, where: str) -> int:
    """A whole number of keys within range, or ValueError."""
    low, high = N_KEYS_RANGE
    if not is_number(n_keys) or not low <= n_keys <= high or int(n_keys) != n_keys:
        raise ValueError(f"{where}: n_keys must be a whole number from {low} to {high:,}; received {shown(n_keys)}")
    return int(n_keys)


def _observables(sigma: float, n: int) -> tuple[float, ...]:
    """The fields at one point."""
    if n == 1:
        return 0.0, 0.0, 1.0, 1.0, 0.0, 0.0
    u, step = _u_grid(sigma, n, STEP, TAIL)
    missing, (a1, a2, a3, h1) = _expectations(sigma, n, u)  # missing: 1 - φ
    with np.errstate(divide="ignore"):
        log_phi = np.log1p(-np.minimum(missing, 1.0))
    power1, power2, power3 = (np.exp(_times(n - k, log_phi)) for k in (1, 2, 3))
    w = n * a1 * power1
    return (
        -np.euler_gamma - step * float(u @ w),
        -n * step * float(h1 @ power1),
        n * step * float(a2 @ power1),
        n / 2 * step * float(a3 @ power1),
        n * (n - 1) * step * float(a1**2 @ power2),
        step / 6 * n * (n - 1) * float(2 * a2**2 @ power2 + (n - 2) * (a2 * a1**2 @ power3)),
    )


def _times(power: int, log_phi: Array) -> Array:
    """power · ln φ, where 0 · -∞ is 0."""
    return power * log_phi if power > 0 else np.zeros_like(log_phi)


def _u_grid(sigma: float, n: int, step: float, tail: float) -> tuple[Array, float]:
    """Trapezoid nodes that hold all of w(u)'s mass, and their step, a multiple of `step`."""
    log_n = float(np.log(n))
    step *= int(np.sqrt(1 + sigma**2 / (2 * log_n + 1)))
    farthest = float(np.sqrt(2 * (log_n + tail)))  # no normal score of n lies beyond, but for e^-tail
    low = -log_n - min(sigma * farthest, sigma**2 / 2) - tail
    high = GUMBEL_END + sigma * float(np.sqrt(2 * tail)) if n < 60 else GUMBEL_END
    return np.arange(low, high + step, step), step


def _expectations(sigma: float, n: int, u: Array) -> tuple[Array, tuple[Array, Array, Array, Array]]:
    """1 - φ(u), and A_1, A_2, A_3 and E[(y + γ) e^y e^(-e^y)] at every u; (y + γ) e^y e^(-e^y) has integral 0."""
    if sigma < NARROW:
        x = np.arange(-9.5, 9.5 + STEP / 2, STEP)
        weights = _density(x)
        weights /= weights.sum()
        y = u[:, None] + sigma * x  # (n_u, n_x)
        ey = np.exp(y)
        e1 = ey * np.exp(-ey)
        return -np.expm1(-ey) @ weights, (
            e1 @ weights,
            (e1 * ey) @ weights,
            (e1 * ey**2) @ weights,
            ((y + np.euler_gamma) * e1) @ weights,
        )
    missing = STEP * _smoothed(special.ndtr, sigma, u, n, slice(0, 1))[:, 0]
    a1, a2, a3, h1 = (STEP / sigma * _smoothed(_density, sigma, u, n, slice(0, 4))).T
    return missing, (a1, a2, a3, h1)


@lru_cache(maxsize=8)
def _columns(n: int) -> tuple[Array, Array]:
    """Trapezoid nodes of y, and there e^y, e^(2y), e^(3y) and (y + γ) e^y, times e^(-e^y): (n_y, 4)."""
    y = np.arange(-np.log(n) - TAIL - 1, GUMBEL_END, STEP)
    ey = np.exp(y)
    e1 = ey * np.exp(-ey)
    return y, np.stack([e1, e1 * ey, e1 * ey**2, (y + np.euler_gamma) * e1], axis=1)


@lru_cache(maxsize=8)
def _gathered(n: int) -> tuple[Array, Array]:
    """Chebyshev nodes of y, and the columns gathered there: right for what is a polynomial in y, (N_CHEBYSHEV, 4)."""
    y, columns = _columns(n)
    angles = np.pi * (np.arange(N_CHEBYSHEV) + 0.5) / N_CHEBYSHEV
    centre, half = (y[0] + y[-1]) / 2, (y[-1] - y[0]) / 2
    vander = chebyshev.chebvander((y - centre) / half, N_CHEBYSHEV - 1)  # T_k(y_j), (n_y, n_k)
    vander[:, 0] /= 2
    at_nodes = chebyshev.chebvander(np.cos(angles), N_CHEBYSHEV - 1)  # (n_nodes, n_k)
    return centre + half * np.cos(angles), at_nodes @ (2 / N_CHEBYSHEV * (vander.T @ columns))


def _density(x: Array) -> Array:
    """The standard normal density; e^-FAR where it is smaller."""
    density: Array = np.exp(-np.minimum(x**2 / 2, FAR)) / np.sqrt(2 * np.pi)
    return density


def _smoothed(kernel: Callable[[Array], Array], sigma: float, u: Array, n: int, some: slice) -> Array:
    """Σ_j kernel((u_i - y_j)/σ) columns_j, (n_u, n_some), without evaluating the kernel n_u n_y times.

    Nodes of u are a whole number of steps of y apart, so a narrow kernel is read from one table of its values; a wide
    one is a polynomial in y.
    """
    if sigma >= WIDE:
        y, columns = _gathered(n)
        return kernel((u[:, None] - y) / sigma) @ columns[:, some]
    y, columns = _columns(n)
    stride = round((u[1] - u[0]) / STEP)
    table = kernel((u[0] - y[-1] + STEP * np.arange(stride * (len(u) - 1) + len(y))) / sigma)
    matrix = np.ascontiguousarray(sliding_window_view(table, len(y))[::stride])
    return matrix @ columns[::-1, some]


def _max_weight(sigma: float, n: int) -> float:
    """E[max p] with u = ln t - σ m, where m is the largest x of the row and y = u + σ m = ln(t e^(σm))."""
    if n == 1:
        return 1.0
    u, step = _u_grid(sigma, n, MAX_STEP, MAX_TAIL)
    if sigma < MAX_NARROW:  # in z = m: the largest of n scores lies where n Φ(-z) is of order 1
        reach = float(np.sqrt(2 * (np.log(n) + MAX_TAIL)))
        start = -9.0 if n <= 120 else float(-special.ndtri(60 / n))
        panels = Panels.on(start, reach, min(0.8, 2 / reach, 1.2 / sigma))
        z = panels.nodes
        y = u[:, None] + sigma * z  # (n_u, n_z)
        density = _density(z)
        rest = Panels.on(-9.0, start, min(1.5, 2 / sigma)) if start > -9.0 else None
        below = 0.0 if rest is None else _lost(rest, u, sigma)
    else:  # in y, where e^y e^(-e^y) is short
        panels = Panels.on(-np.log(n) - MAX_TAIL, GUMBEL_END, min(2.0, 0.25 * sigma))
        y = panels.nodes
        z = (y - u[:, None]) / sigma
        density = _density(z) / sigma
        below = 0.0
    ey = np.exp(y)
    missing = np.minimum(special.ndtr(-z) + below + panels.cumulative(density * -np.expm1(-ey)), 1.0)  # 1 - g
    with np.errstate(divide="ignore"):
        log_g = np.log1p(-missing)
    inner = (density * (ey * np.exp(-ey)) * np.exp(_times(n - 1, log_g))) @ panels.weights
    return n * step * float(inner.sum())


def _lost(panels: Panels, u: Array, sigma: float) -> Array:
    """∫ f(x) (1 - exp(-e^(u + σx))) dx over the panels, (n_u, 1)."""
    x = panels.nodes
    lost: Array = -np.expm1(-np.exp(u[:, None] + sigma * x)) @ (_density(x) * panels.weights)
    return lost[:, None]
