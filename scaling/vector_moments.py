"""Mean and scatter of vectors, gathered piece by piece, with an exact merge."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import Floats

Array = NDArray[np.float64]
HELD = 2**22  # numbers in a slice of rows: 32 MB in double precision


class Rows(Protocol):
    """Vectors that are read some at a time: an array (n, d), or whatever reads slices of one from elsewhere."""

    @property
    def shape(self) -> tuple[int, ...]:
        """(n, d)."""
        ...

    def __getitem__(self, rows: "slice | NDArray[np.intp]", /) -> Floats:
        """Some of the vectors, (n_rows, d)."""
        ...


@dataclass(frozen=True)
class VectorMoments:
    """Count, mean (d,) and scatter Σ (x - mean)(x - mean)ᵀ (d, d) of vectors.

    Merging two gives what one pass over all their vectors would have given. Source: P. Pébay, Formulas for robust,
    one-pass parallel computation of covariances and arbitrary-order statistical moments, Sandia report SAND2008-6212.
    """

    count: int
    mean: Array
    scatter: Array

    @classmethod
    def of(cls, rows: Rows, stretches: Iterable[tuple[int, int]]) -> "VectorMoments":
        """Of the vectors in these stretches, each from its first up to its second number; a slice at a time."""
        d = rows.shape[1]
        step = max(1, HELD // d)
        found = cls(0, np.zeros(d), np.zeros((d, d)))
        for start, stop in stretches:
            for first in range(start, stop, step):
                found = found + cls._of_slice(np.asarray(rows[first : min(stop, first + step)], dtype=np.float64))
        return found

    @classmethod
    def _of_slice(cls, x: Array) -> "VectorMoments":
        mean = x.mean(axis=0)
        deviation = x - mean
        return cls(len(x), mean, deviation.T @ deviation)

    def __add__(self, other: "VectorMoments") -> "VectorMoments":
        """The moments of both samples together."""
        if self.count == 0 or other.count == 0:
            return other if self.count == 0 else self
        n = self.count + other.count
        delta = other.mean - self.mean
        mean = self.mean + delta * (other.count / n)
        between = np.outer(delta, delta) * (self.count * (other.count / n))
        return VectorMoments(n, mean, self.scatter + other.scatter + between)

    @property
    def covariance(self) -> Array:
        """Population covariance (d, d): the scatter over the count."""
        return self.scatter / self.count
