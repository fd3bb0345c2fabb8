"""Piecewise Chebyshev interpolation of a positive function of σ ≥ 0 that may run over many powers of ten."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SigmaPanels:
    """Panels in v = asinh σ between `edges`, increasing from 0, each with `order` Chebyshev nodes of the first kind.

    v is even to handle σ² near 0 and logarithmic above 1. Nodes are where the edges put them, whatever σ is asked for.
    """

    edges: tuple[float, ...]
    order: int

    def reaching(self, sigma_max: float) -> "SigmaPanels":
        """Only those panels that [0, sigma_max] needs; raises ValueError beyond the last edge."""
        n_panels = int(np.searchsorted(self.edges[1:], np.arcsinh(sigma_max))) + 1
        if n_panels >= len(self.edges):
            raise ValueError(f"SigmaPanels: sigma must lie below {np.sinh(self.edges[-1]):.6g}; received {sigma_max}")
        return SigmaPanels(self.edges[: n_panels + 1], self.order)

    @cached_property
    def nodes(self) -> Array:
        """σ at the nodes, (n_panels · order,)."""
        low, high = np.array(self.edges[:-1]), np.array(self.edges[1:])
        nodes: Array = np.sinh((low + high)[:, None] / 2 + (high - low)[:, None] / 2 * np.cos(self._angles)).ravel()
        return nodes

    def at(self, sigma: Array) -> "Interpolation":
        """How to interpolate at `sigma` (any shape).

        Barycentric form (Berrut and Trefethen, SIAM Review 46, 2004, equation 4.2 and weights 5.3).
        """
        v = np.arcsinh(sigma)
        edges = np.array(self.edges)
        panel = np.clip(np.searchsorted(edges, v, side="right") - 1, 0, len(edges) - 2)
        x = (2 * v - edges[panel] - edges[panel + 1]) / (edges[panel + 1] - edges[panel])
        distance = x[..., None] - np.cos(self._angles)
        distance[distance == 0] = 1e-200  # at a node the ratio below is that node's value
        weights = (-1.0) ** np.arange(self.order) * np.sin(self._angles) / distance
        weights /= weights.sum(axis=-1, keepdims=True)
        return Interpolation(panel, weights)

    @property
    def _angles(self) -> Array:
        angles: Array = np.pi * (np.arange(self.order) + 0.5) / self.order
        return angles


@dataclass(frozen=True)
class Interpolation:
    """For each σ (any shape) its panel, and the weights of the panel's nodes (..., order)."""

    panel: NDArray[np.intp]
    weights: Array

    def __call__(self, at_nodes: Array) -> Array:
        """The function from its positive values at the nodes; its logarithm is interpolated."""
        logs = np.log(at_nodes).reshape(-1, self.weights.shape[-1])
        values: Array = np.exp(np.vecdot(self.weights, logs[self.panel]))
        return values
