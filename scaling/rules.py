"""Score scalings: what is done to the dot products q·k before they enter the softmax."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from scaling.arrays import is_count, is_number, shown


@dataclass(frozen=True)
class PowerRule:
    """Divide the scores by d_k^alpha: alpha = 0 leaves them raw, alpha = 1/2 is attention's own rule.

    Vaswani et al. 2017, equation (1), for alpha = 1/2. Independent entries of unit variance then have scores of
    variance d_k^(1 - 2 alpha), exactly. ValueError for an alpha beyond ±8 or a d_k that is not a whole number from 1.
    """

    name: str
    alpha: float

    def __post_init__(self) -> None:
        if not is_number(self.alpha) or abs(self.alpha) > 8:
            raise ValueError(f"PowerRule: alpha must be a number from -8 to 8; received {shown(self.alpha)}")

    def factor(self, d_k: int) -> float:
        """The number c = d_k^(-alpha) that multiplies every dot product."""
        _refuse_impossible("PowerRule.factor", d_k)
        return float(int(d_k) ** -float(self.alpha))

    def __call__(self, dot_products: NDArray[np.float64], d_k: int) -> NDArray[np.float64]:
        """Scores of the same shape as `dot_products`."""
        return dot_products * self.factor(d_k)

    def variance(self, d_k: int) -> float:
        """Var(score) = d_k^(1 - 2 alpha) for independent entries of mean 0 and variance 1."""
        _refuse_impossible("PowerRule.variance", d_k)
        return float(int(d_k) ** (1 - 2 * float(self.alpha)))


def _refuse_impossible(where: str, d_k: int) -> None:
    if not is_count(d_k):
        raise ValueError(f"{where}: d_k must be a whole number from 1 to 2^62; received {shown(d_k)}")


RAW = PowerRule("raw", 0.0)
SCALED = PowerRule("scaled", 0.5)
