"""Gauss-Legendre quadrature on panels, with the integral up to every node."""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.polynomial import legendre
from numpy.typing import NDArray

Array = NDArray[np.float64]
ORDER = 8  # nodes a panel


@dataclass(frozen=True)
class Panels:
    """Nodes and weights on [low, high], cut into equal panels of ORDER nodes each."""

    nodes: Array
    weights: Array
    half_width: float

    @classmethod
    def on(cls, low: float, high: float, width: float) -> "Panels":
        """Panels of at most the given width."""
        count = max(1, int(np.ceil((high - low) / width)))
        x, w = _gauss_legendre(ORDER)
        half = (high - low) / (2 * count)
        centres = low + half * (2 * np.arange(count) + 1)
        return cls((centres[:, None] + half * x).ravel(), np.tile(half * w, count), half)

    def cumulative(self, values: Array) -> Array:
        """∫ from `low` to each node of values (..., n_nodes) at the nodes; exact for polynomials below degree ORDER."""
        panels = values.reshape(*values.shape[:-1], -1, ORDER)
        within = self.half_width * (panels @ _cumulative_matrix(ORDER).T)
        totals = self.half_width * (panels @ _gauss_legendre(ORDER)[1])
        before = np.cumsum(totals, axis=-1) - totals
        return (before[..., None] + within).reshape(values.shape)


@cache
def _gauss_legendre(order: int) -> tuple[Array, Array]:
    """Nodes and weights on [-1, 1]."""
    return legendre.leggauss(order)


@cache
def _cumulative_matrix(order: int) -> Array:
    """C[i, j] = ∫ from -1 to x_i of the j-th Lagrange polynomial of the Gauss-Legendre nodes."""
    x, w = _gauss_legendre(order)
    degrees = np.arange(order)
    values = legendre.legvander(x, order)  # P_k(x_i), k = 0 … order
    integrals = np.empty((order, order))  # ∫ from -1 to x_i of P_k
    integrals[:, 0] = x + 1
    integrals[:, 1:] = (values[:, 2:] - values[:, :-2]) / (2 * degrees[1:] + 1)
    expansion = (2 * degrees[:, None] + 1) / 2 * values[:, :order].T * w  # P-coefficients of each Lagrange polynomial
    matrix: Array = integrals @ expansion
    return matrix
