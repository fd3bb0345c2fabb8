"""The power of an interval: how far off the truth must be for the interval to say so."""

import math
from functools import lru_cache

import numpy as np
from scipy import optimize, special

from scaling.arrays import is_number, shown
from scaling.intervals import t_quantile

_Z = np.linspace(-9.0, 9.0, 4001)
_WEIGHTS = np.exp(-(_Z**2) / 2) / np.exp(-(_Z**2) / 2).sum()  # the trapezoidal rule, exact to all digits for such tails


@lru_cache(maxsize=256)
def detectable_distance(confidence: float, n_blocks: int, power: float) -> float:
    """How far beyond a value, in standard errors, the truth lies if a t interval excludes the value with this power.

    The interval x̄ ± t·s over n normal block values lies wholly beyond the value when δ + z > t·S, where z is standard
    normal, (n-1)·S² is χ² with n-1 degrees of freedom and δ is the distance. So the power is
    E[F((n-1)·((δ + z)/t)²); δ + z > 0] with F the distribution function of that χ²: Student's t with noncentrality δ
    beyond its central quantile t. Solved for δ; exact to five digits.
    Source: N. L. Johnson and B. L. Welch, Applications of the non-central t-distribution, Biometrika 31 (1940) 362;
    here conditioned on the mean, whose integrand is smooth for any n.

    Raises ValueError unless confidence and power lie between 0 and 1, the power above what comes without any distance,
    and n_blocks is a whole number from 2.
    """
    quantile = t_quantile(confidence, n_blocks)
    if not is_number(power) or not (1 - confidence) / 2 < power < 1:
        raise ValueError(
            f"detectable_distance: power is {shown(power)}; it must lie between {(1 - confidence) / 2:g} and 1"
        )
    degrees = n_blocks - 1

    def excess(distance: float) -> float:
        beyond = np.maximum(distance + _Z, 0.0) / quantile
        return float(_WEIGHTS @ special.chdtr(degrees, degrees * beyond**2)) - power

    # Where the scatter comes out high with probability (1 - power) / 4 and so does the mean's error, power is exceeded.
    scatter = math.sqrt(special.chdtri(degrees, (1 - power) / 4) / degrees)
    return float(optimize.brentq(excess, 0.0, quantile * scatter - special.ndtri((1 - power) / 4)))
