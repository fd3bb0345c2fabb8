"""Piecewise Chebyshev interpolation of a positive function of σ ≥ 0 that may run over many powers of ten."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class SigmaPanels:
    """Equal panels in v = asinh σ over [0, sigma_max], each with `order` Chebyshev nodes of the first kind.

    v is even to handle σ² near 0 and logarithmic above 1, so that one width of panel suits both.
    """

    sigma_max: float
    width: float
    order: int

    @property
    def nodes(self) -> Array:
        """σ at the nodes, (n_panels · order,)."""
        half = self._span / 2
        centres = self._span * (np.arange(self._count) + 0.5)
        nodes: Array = np.sinh(centres[:, None] + half * self._chebyshev).ravel()
        return nodes

    def interpolate(self, at_nodes: Array, sigma: Array) -> Array:
        """The function at `sigma` (any shape) from its positive values at the nodes; its logarithm is interpolated.

        Barycentric form (Berrut and Trefethen, SIAM Review 46, 2004, equation 4.2 and weights 5.3).
        """
        v = np.arcsinh(sigma)
        panel = np.clip((v / self._span).astype(int), 0, self._count - 1)
        x = 2 * (v / self._span - panel) - 1
        distance = x[..., None] - self._chebyshev
        distance[distance == 0] = 1e-200  # at a node the ratio below is that node's value
        angles = np.pi * (np.arange(self.order) + 0.5) / self.order
        weights = (-1.0) ** np.arange(self.order) * np.sin(angles) / distance
        logs = np.log(at_nodes).reshape(self._count, self.order)[panel]
        values: Array = np.exp((weights * logs).sum(axis=-1) / weights.sum(axis=-1))
        return values

    @property
    def _count(self) -> int:
        return max(1, int(np.ceil(np.arcsinh(self.sigma_max) / self.width)))

    @property
    def _span(self) -> float:
        return float(np.arcsinh(self.sigma_max)) / self._count

    @property
    def _chebyshev(self) -> Array:
        nodes: Array = np.cos(np.pi * (np.arange(self.order) + 0.5) / self.order)
        return nodes
