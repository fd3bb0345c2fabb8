"""How well independent draws fit a law: the Anderson-Darling statistic and its exact mean.

Source: T. W. Anderson and D. A. Darling, A test of goodness of fit, J. Am. Stat. Assoc. 49 (1954) 765.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scaling.arrays import check_kind, is_count, real_array, shown
from scaling.dot_product_law import FARTHEST, DotProductLaw
from scaling.panels import Panels

Array = NDArray[np.float64]

NULL_MEAN = 1.0  # of A² when the draws follow the law, for every number of draws
NULL_SD = float(np.sqrt(2 * (np.pi**2 - 9) / 3))  # 0.761, for many draws


def anderson_darling(log_cdf: ArrayLike, log_sf: ArrayLike) -> float:
    """A² = N ∫ (F_N - F)² / (F (1 - F)) dF of N draws, from ln F and ln(1 - F) at each of them, (n_draws,).

    F_N is the draws' empirical distribution function; both tails count as much as the middle. If the draws are
    independent with distribution function G instead of F, the mean of A² is
    ∫ [G (1 - G) + N (G - F)²] / (F (1 - F)) dF: 1 when G = F, and about 1 + N δ² for a weighted root-mean-square
    distance δ.

    Raises ValueError for anything but two finite arrays of one length, at least 1.

    >>> f = (np.arange(5) + 0.5) / 5  # of five draws, spread as evenly as can be
    >>> round(anderson_darling(np.log(f), np.log(1 - f)), 3)
    0.13
    """
    below = real_array(log_cdf, "anderson_darling: log_cdf")
    above = real_array(log_sf, "anderson_darling: log_sf")
    if below.ndim != 1 or below.shape != above.shape or below.size == 0:
        raise ValueError(
            "anderson_darling: log_cdf and log_sf must be lists of one length; "
            f"received shapes {below.shape} and {above.shape}"
        )
    n = below.size
    ranks = 2 * np.arange(n) + 1.0  # 2i - 1 for i = 1 … n
    return float(-n - ranks @ (np.sort(below) + np.sort(above)) / n)


def mean_against_normal(law: DotProductLaw, n_draws: int) -> float:
    """E[A²] when `n_draws` dot products of this law are compared with N(0, d_k) instead.

    ValueError unless n_draws is a whole number from 1.

    >>> [round(mean_against_normal(dot_product_law(d_k), 10_000), 1) for d_k in (2, 8, 64)]
    [99.6, 9.4, 1.1]
    """
    check_kind("mean_against_normal", DotProductLaw, law=law)
    if not is_count(n_draws):
        raise ValueError(f"mean_against_normal: n_draws must be a whole number from 1; received {shown(n_draws)}")
    panels = Panels.on(0.0, FARTHEST, 0.05)
    log_below, log_above = law.log_tails(panels.nodes * law.d_k**0.5)
    normal_below, normal_above = special.log_ndtr(panels.nodes), special.log_ndtr(-panels.nodes)
    own = np.exp(log_below + log_above)
    apart = np.exp(log_above) - np.exp(normal_above)
    log_density = -(panels.nodes**2) / 2 - 0.5 * np.log(2 * np.pi)
    per_draw = (own + n_draws * apart**2) * np.exp(log_density - normal_below - normal_above)
    return float(2 * per_draw @ panels.weights)
