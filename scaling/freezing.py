"""The limit of many keys: n scores N(0, σ²) are then Derrida's random energy model, which freezes at σ_c = √(2 ln n).

Below σ_c the weights stay spread over many keys; above it a handful takes all, and more keys do not help. These are
limits for n → ∞, approached slowly; the exact law for any n is `softmax_law`.

Source: B. Derrida, Random-energy model: An exactly solvable model of disordered systems, Phys. Rev. B 24 (1981) 2613.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import real_array
from scaling.softmax_law import checked_n_keys

Array = NDArray[np.float64]

# Of scores with σ = 1 over n → ∞ keys: exp(H)/n, the share of keys that stay effective, and 1/(n Σp²).
REMAINING_SHARE, REMAINING_SHARE_BY_SQUARES = float(np.exp(-0.5)), float(np.exp(-1))


def freezing_sigma(n_keys: int) -> float:
    """σ_c = √(2 ln n): the standard deviation of the scores beyond which n of them freeze.

    >>> round(freezing_sigma(1024), 3)
    3.723
    """
    return float(freezing_d_k(n_keys) ** 0.5)


def freezing_d_k(n_keys: int) -> float:
    """2 ln n: the d_k beyond which unscaled attention freezes, since its scores have σ ≈ √d_k.

    >>> round(freezing_d_k(1024), 2)
    13.86
    """
    return float(2 * np.log(checked_n_keys(n_keys, "freezing_d_k")))


def limit_of_entropy(sigma: ArrayLike, n_keys: int) -> Array:
    """ln n - σ²/2 up to σ_c, 0 beyond: the entropy's part that grows with ln n, in nats.

    >>> limit_of_entropy([0, 1, 2], 2**20).round(3)
    array([13.863, 13.363, 11.863])
    """
    critical = freezing_sigma(n_keys)
    below = np.minimum(_deviations(sigma, "limit_of_entropy"), critical)
    entropy: Array = (critical - below) * (critical + below) / 2
    return entropy


def limit_of_sum_p2(sigma: ArrayLike, n_keys: int) -> Array:
    """0 up to σ_c, 1 - σ_c/σ beyond.

    >>> limit_of_sum_p2([1, 8, 64], 1024).round(3)
    array([0.   , 0.535, 0.942])
    """
    s = _deviations(sigma, "limit_of_sum_p2")
    critical = freezing_sigma(n_keys)
    limit: Array = 1 - critical / np.maximum(s, critical) if critical > 0 else np.ones_like(s)
    return limit


def _deviations(sigma: ArrayLike, where: str) -> Array:
    """Standard deviations from 0 on, or ValueError."""
    s = real_array(sigma, f"{where}: sigma")
    if np.any(s < 0):
        raise ValueError(f"{where}: sigma must be at least 0; received {s[s < 0][0]}")
    return s
