"""Score scalings: what is done to the dot products q·k before they enter the softmax."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class PowerRule:
    """Divide the scores by d_k^alpha: alpha = 0 leaves them raw, alpha = 1/2 is attention's own rule.

    Vaswani et al. 2017, equation (1), for alpha = 1/2. Independent entries of unit variance then have scores of
    variance d_k^(1 - 2 alpha), exactly.
    """

    name: str
    alpha: float

    def factor(self, d_k: int) -> float:
        """The number c = d_k^(-alpha) that multiplies every dot product."""
        return float(d_k**-self.alpha)

    def __call__(self, dot_products: NDArray[np.float64], d_k: int) -> NDArray[np.float64]:
        """Scores of the same shape as `dot_products`."""
        return dot_products * self.factor(d_k)

    def variance(self, d_k: int) -> float:
        """Var(score) = d_k^(1 - 2 alpha) for independent entries of mean 0 and variance 1."""
        return float(d_k ** (1 - 2 * self.alpha))


RAW = PowerRule("raw", 0.0)
SCALED = PowerRule("scaled", 0.5)
