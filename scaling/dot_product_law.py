"""The exact law of q·k for independent standard normal entries: the symmetric variance-gamma law.

Its characteristic function is (1 + t²)^(-d/2) and its density f(x) = |x|^ν K_ν(|x|) / (√π 2^ν Γ(ν + 1/2)) with
ν = (d - 1)/2 and K the modified Bessel function of the second kind (Madan, Carr and Chang 1998; DLMF 10.25).
"""

from dataclasses import dataclass
from fractions import Fraction
from functools import cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special
from scipy.interpolate import CubicSpline

from scaling.arrays import is_number, points_of_a_law, shown

Array = NDArray[np.float64]
MAX_D_K = 10**6
LARGE_ORDER = 50.0  # of the Bessel function: above it, its uniform expansion is exact to 1e-13
NEAREST, FARTHEST, N_KNOTS = 1e-4, 37.0, 2048  # of the spline of the tail, in standard deviations


@dataclass(frozen=True)
class DotProductLaw:
    """The law of q·k at one d_k; functions take arrays of any shape."""

    d_k: int

    @property
    def mean(self) -> float:
        """E[q·k]."""
        return 0.0

    @property
    def variance(self) -> float:
        """Var(q·k) = d_k."""
        return float(self.d_k)

    @property
    def excess_kurtosis(self) -> float:
        """6/d_k."""
        return 6 / self.d_k

    def logpdf(self, x: ArrayLike) -> Array:
        """Logarithm of the density, relative error of the density at most 1e-11; +inf at 0 for d_k = 1."""
        z = np.abs(points_of_a_law(x, "dot_product_law: x"))
        nu = (self.d_k - 1) / 2
        return _log_density_of_large_order(nu, z) if nu > LARGE_ORDER else _log_density(nu, z)

    def pdf(self, x: ArrayLike) -> Array:
        """The density."""
        density: Array = np.exp(self.logpdf(x))
        return density

    def cdf(self, x: ArrayLike) -> Array:
        """P(q·k ≤ x), its lower tail with full relative precision."""
        z = points_of_a_law(x, "dot_product_law: x")
        tail = self.sf(np.abs(z))
        return np.where(z > 0, 1 - tail, tail)

    def sf(self, x: ArrayLike) -> Array:
        """P(q·k > x), its upper tail with full relative precision (about 1e-12).

        Given |q| = r the dot product is N(0, r²), so this is E[Φ(-x/r)] over the chi law of r: a trapezoid rule in
        ln r, centred where the integrand peaks and stretched by sinh, since for small d_k its left tail is long.
        """
        z = points_of_a_law(x, "dot_product_law: x")
        tail = _upper_tail(np.abs(z).ravel(), self.d_k).reshape(z.shape)
        return np.where(z < 0, 1 - tail, tail)

    def log_tails(self, x: ArrayLike) -> tuple[Array, Array]:
        """ln P(q·k ≤ x) and ln P(q·k > x) for many x at once, from a spline: error 1e-6 up to 37 standard deviations.

        Farther out the value at 37 is given.
        """
        z = points_of_a_law(x, "dot_product_law: x")
        far, spline = _tail_spline(self.d_k)
        short: Array = spline(np.arcsinh(np.minimum(np.abs(z), far) / (NEAREST * self.d_k**0.5)))
        long = np.log1p(-np.exp(short))
        return np.where(z < 0, short, long), np.where(z < 0, long, short)

    def distance_to_normal(self) -> float:
        """The largest difference between this law's distribution function and that of N(0, d_k)."""
        x = np.linspace(0, 4, 4001)[1:] * self.d_k**0.5
        return float(np.abs(self.cdf(x) - special.ndtr(x / self.d_k**0.5)).max())


def dot_product_law(d_k: int) -> DotProductLaw:
    """The law of q·k for d_k from 1 to 10⁶; ValueError outside.

    >>> law = dot_product_law(64)
    >>> law.variance, law.excess_kurtosis
    (64.0, 0.09375)
    >>> round(float(law.cdf(8)), 4)  # one standard deviation; 0.8413 for a normal law
    0.8432
    """
    if not is_number(d_k) or not 1 <= float(d_k) <= MAX_D_K or int(d_k) != d_k:
        raise ValueError(f"dot_product_law: d_k must be a whole number from 1 to {MAX_D_K:,}; received {shown(d_k)}")
    return DotProductLaw(int(d_k))


def _log_density(nu: float, z: Array) -> Array:
    """ln f at z ≥ 0 from the Bessel function itself; where it overflows near 0 the density is that at 0."""
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        bessel = special.xlogy(nu, z) + np.log(special.kve(nu, z)) - z  # ln z^ν K_ν(z)
    far = np.maximum(z, 1.0)  # DLMF 10.40.2; SciPy's function gives nan from 1.07e9
    asymptotic = (nu - 0.5) * np.log(far) + 0.5 * np.log(np.pi / 2) + (4 * nu**2 - 1) / (8 * far) - far
    bessel = np.where(z > 1e9, asymptotic, bessel)
    if nu > 0:
        at_zero = (nu - 1) * np.log(2) + special.gammaln(nu)
        bessel = np.where(np.isfinite(bessel), bessel, at_zero)
    log_density: Array = bessel - 0.5 * np.log(np.pi) - nu * np.log(2) - special.gammaln(nu + 0.5)
    return log_density


def _debye_polynomials(order: int) -> tuple[Array, ...]:
    """Coefficients of u_k(p)/p^k in p², the highest first, for k = 0 … order: DLMF 10.41.7 to 9, in exact fractions.

    u_(k+1)(p) = p² (1 - p²) u_k′(p)/2 + ∫_0^p (1 - 5t²) u_k(t) dt/8, from u_0 = 1.
    """
    u = [[Fraction(1)]]
    for k in range(order):
        u.append([Fraction(0)] * (k + 2))
        for i, c in enumerate(u[k]):
            power = k + 2 * i  # of p, whose coefficient is c
            u[k + 1][i] += c * (Fraction(power, 2) + Fraction(1, 8 * (power + 1)))
            u[k + 1][i + 1] -= c * (Fraction(power, 2) + Fraction(5, 8 * (power + 3)))
    return tuple(np.array(of_p2[::-1], dtype=np.float64) for of_p2 in u)


DEBYE = _debye_polynomials(6)


def _log_density_of_large_order(nu: float, z: Array) -> Array:
    """ln f at z ≥ 0 by the uniform expansion of K_ν in 1/ν, DLMF 10.41.4, to ν⁻⁶: error below 1e-12 from ν = 50.

    Γ(ν + 1/2) enters by its own expansion, so that the large terms ν ln ν - ν cancel on paper.
    """
    root = np.hypot(nu, z)  # ν √(1 + (z/ν)²)
    p2 = (nu / root) ** 2
    series = np.zeros_like(z)  # Σ (-1)^k u_k(p)/ν^k, p = ν/root
    for of_p2 in reversed(DEBYE):
        series = np.polyval(of_p2, p2) - series / root
    beyond = z * (z / (root + nu))  # root - ν
    gamma = 1 / (24 * nu) - 7 / (2880 * nu**3) + 31 / (40320 * nu**5)  # ν ln ν - ν + ln √(2π) - ln Γ(ν + 1/2)
    return nu * np.log1p(beyond / (2 * nu)) - beyond + gamma - 0.5 * np.log(4 * np.pi * root) + np.log(series)


def _upper_tail(x: Array, d_k: int) -> Array:
    """E[Φ(-x/r)] for x ≥ 0, (n_x,); with r = √d_k e^δ the density of δ is c exp(d_k (δ - (e^(2δ) - 1)/2))."""
    squared = (1 + np.hypot(1, 2 * (x / d_k))) / 2  # (r/√d_k)² where the integrand peaks
    width = 1 / np.sqrt(2 * (d_k * squared + x * (x / (d_k * squared))))
    t = np.arange(-6.5, 6.5, 0.05)
    delta = 0.5 * np.log(squared)[:, None] + width[:, None] * np.sinh(t)  # (n_x, n_t)
    with np.errstate(over="ignore"):
        log_density = d_k * (delta - np.expm1(2 * np.minimum(delta, 300)) / 2) + _log_chi_constant(d_k)
        log_normal_tail = special.log_ndtr(-x[:, None] / np.exp(np.clip(delta, -300, 300)) / d_k**0.5)
    tail: Array = 0.05 * width * (np.exp(log_density + log_normal_tail) * np.cosh(t)).sum(axis=1)
    return tail


@cache
def _tail_spline(d_k: int) -> tuple[float, CubicSpline]:
    """Its farthest x, and ln P(q·k > x) over asinh(x/(NEAREST √d_k)): knots crowd at 0, where few entries peak."""
    far = FARTHEST * d_k**0.5
    knots = np.linspace(0, np.arcsinh(FARTHEST / NEAREST), N_KNOTS)
    tail = _upper_tail(NEAREST * d_k**0.5 * np.sinh(knots), d_k)
    return far, CubicSpline(knots, np.log(np.minimum(tail, 0.5)))


def _log_chi_constant(d_k: int) -> float:
    """ln c = ln 2 + a ln a - a - ln Γ(a), a = d_k/2; by Stirling's series where the large terms would cancel badly."""
    a = d_k / 2
    if a < 50:
        return float(np.log(2) + a * np.log(a) - a - special.gammaln(a))
    stirling = 1 / (12 * a) - 1 / (360 * a**3) + 1 / (1260 * a**5)
    return float(np.log(2) + 0.5 * np.log(a / (2 * np.pi)) - stirling)
