"""Streaming moments up to the fourth, with an exact merge."""

import math
import sys
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import real_array

PIECE = 2**13  # values looked at together, so that the work on them stays within a core's cache

# A relative spread that rounding alone can give: NumPy's pairwise mean of equal values is a few units off.
ROUNDING = 32 * sys.float_info.epsilon


@dataclass(frozen=True)
class Moments:
    """Count, mean and sums of powers of the deviations from the mean, M_p = Σ (x - mean)^p.

    Merging two of them gives what one pass over all their values would have given (exact in real arithmetic; rounding
    aside, the order does not matter). Source: P. Pébay, Formulas for robust, one-pass parallel computation of
    covariances and arbitrary-order statistical moments, Sandia report SAND2008-6212.

    >>> whole = Moments.of([1, 2, 3, 4])
    >>> whole.mean, whole.variance
    (2.5, 1.25)
    >>> Moments.of([1, 2]) + Moments.of([3, 4]) == whole
    True
    """

    count: float
    mean: float
    m2: float
    m3: float
    m4: float

    @classmethod
    def of(cls, values: ArrayLike) -> "Moments":
        """Moments of all entries of an array of any shape.

        Raises ValueError when it is empty, holds anything but finite real numbers, or values whose deviations are
        so large that the sum of their fourth powers, times their count, passes the largest float.
        """
        x = real_array(values, "Moments.of: values").ravel()
        if x.size == 0:
            raise ValueError("Moments.of: the array is empty; at least one value is needed")
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows makes m4 inf or nan
            moments = sum((cls._of_piece(x[first : first + PIECE]) for first in range(0, x.size, PIECE)), EMPTY)
        if not math.isfinite(x.size * moments.m4):
            raise ValueError(
                "Moments.of: the sum of fourth powers of deviations must not pass the largest float; "
                f"received values from {x.min():g} to {x.max():g}"
            )
        return moments

    @classmethod
    def _of_piece(cls, x: NDArray[np.float64]) -> "Moments":
        mean = float(x.mean())
        deviation = x - mean
        square = deviation * deviation
        return cls(
            count=float(x.size),
            mean=mean,
            m2=float(square.sum()),
            m3=float(np.vdot(square, deviation)),
            m4=float(np.vdot(square, square)),
        )

    @classmethod
    def from_array(cls, values: NDArray[np.float64]) -> "Moments":
        """The inverse of `to_array`."""
        return cls(*(float(value) for value in values))

    def to_array(self) -> NDArray[np.float64]:
        """(5,): count, mean, M2, M3, M4."""
        return np.array([self.count, self.mean, self.m2, self.m3, self.m4])

    def __add__(self, other: "Moments") -> "Moments":
        """The moments of both samples together."""
        n_a, n_b = self.count, other.count
        n = n_a + n_b
        if n_a == 0 or n_b == 0:
            return other if n_a == 0 else self
        delta = other.mean - self.mean
        a, b = n_a / n, n_b / n
        return Moments(
            count=n,
            mean=self.mean + delta * b,
            m2=self.m2 + other.m2 + delta**2 * n_a * b,
            m3=self.m3 + other.m3 + delta**3 * n_a * b * (a - b) + 3 * delta * (a * other.m2 - b * self.m2),
            m4=(
                self.m4
                + other.m4
                + delta**4 * n_a * b * (a * a - a * b + b * b)
                + 6 * delta**2 * (a * a * other.m2 + b * b * self.m2)
                + 4 * delta * (a * other.m3 - b * self.m3)
            ),
        )

    @property
    def variance(self) -> float:
        """Population variance M2 / n (ddof 0), the one the lecture prints."""
        return self.m2 / self.count

    @property
    def sample_variance(self) -> float:
        """M2 / (n - 1), unbiased when the values are pairwise uncorrelated; nan for a single value."""
        return self.m2 / (self.count - 1) if self.count > 1 else float("nan")

    @property
    def excess_kurtosis(self) -> float:
        """The ratio n M4 / M2² - 3, zero for a normal law; nan for a constant sample.

        Constant to within rounding, that is: M2 ≤ n (32 ε mean)², or M4 below the smallest normal float.
        """
        spread = ROUNDING * self.mean
        is_constant = self.m2 <= self.count * spread * spread or self.m4 < sys.float_info.min
        return float("nan") if is_constant else self.count * self.m4 / self.m2**2 - 3


EMPTY = Moments(0.0, 0.0, 0.0, 0.0, 0.0)
