"""The mean of ‖J x‖² for p = softmax(σ x), x ~ N(0, I_n): how far the query's gradient reaches along the query itself.

With x̄ = Σ p_i x_i, J x has the entries p_j (x_j - x̄). Written as a sum over three keys,
‖J x‖² = Σ_jik e_j² e_i e_k (x_j - x_i)(x_j - x_k) / Z⁴ with e = e^(σ x), so that 1/Z⁴ = ∫ t³ e^(-tZ) dt / 6 parts the
keys, as in scaling/softmax_law.py. There y = u + σx, u = ln t; and with E_k the mean under the density of y weighted by
e^(ky) exp(-e^y),

    σ² E‖J x‖² = (1/6) ∫ [2n(n-1) A_2² V φ^(n-2) + n(n-1)(n-2) A_2 A_1² (V + δ²) φ^(n-3)] du,
    V = E_2[y²] - E_2[y]²,   δ = E_2[y] - E_1[y].

Both terms are those of E‖J‖²_F, with V and V + δ² put in, and positive: nothing cancels.
"""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from scaling.laplace_transform import (
    FAR,
    GUMBEL_END,
    NARROW,
    ONE_AT_A_TIME,
    STEP,
    TAIL,
    KeyRange,
    key_range,
    normal_density,
    transforms,
)

Array = NDArray[np.float64]

FARTHEST = 9.5  # no narrow score lies beyond, but for 1e-20
KEPT = 512  # σ and ranges of n, 5 kB each; a table to σ = 10⁴ takes at most 144 in a range


def mean_jacobian_x_norm2(sigma: Array, n: int) -> Array:
    """E‖J x‖² at every σ (n_sigma,) for n ≥ 2 keys, with a relative error below 1e-8."""
    means = np.empty(len(sigma))
    for some, at in transforms(sigma, n):
        power2 = np.exp((n - 2) * at.log_phi) if n > 2 else np.ones_like(at.phi)
        power3 = np.exp((n - 3) * at.log_phi) if n > 3 else np.ones_like(at.phi)
        with ONE_AT_A_TIME:
            found = [_spread(s, float(at.u[0]), at.step, len(at.u), key_range(n)) for s in sigma[some].tolist()]
        spread, with_shift = np.stack(found, axis=1)  # (n_sigma, n_u) each, over σ²
        pairs = 2 * np.vecdot(at.a2**2 * spread, power2)
        triples = np.vecdot(at.a2 * at.a1**2 * with_shift, power3)
        means[some] = n * (n - 1) / 6 * at.step * (pairs + (n - 2) * triples)
    return means


@lru_cache(maxsize=KEPT)
def _spread(sigma: float, first: float, step: float, n_u: int, keys: KeyRange) -> Array:
    """V/σ² and (V + δ²)/σ² at one σ and at n_u nodes of u from `first` on, (2, n_u).

    Sums over x about 0 where σ is narrow, over y about Euler's -γ elsewhere: in both places the values are of the size
    of their spread, but for y at some 10⁶ keys and more, which costs a few of sixteen digits.
    """
    u = first + step * np.arange(n_u, dtype=np.float64)
    if sigma < NARROW:
        place = np.arange(-FARTHEST, FARTHEST + STEP, STEP)  # x, (n_place,)
        ey = np.exp(u[:, None] + sigma * place)
        once, unit = normal_density(place) * ey * np.exp(-np.minimum(ey, FAR)), 1.0
    else:
        y = np.arange(-np.log(keys.most) - TAIL - 1, GUMBEL_END, STEP)
        place, ey = y + np.euler_gamma, np.exp(y)
        once, unit = normal_density((u[:, None] - y) / sigma) * (ey * np.exp(-ey)), sigma
    columns = np.stack([np.ones_like(place), place, place**2], axis=1)
    mass, mean, _ = (once @ columns).T
    mass_2, mean_2, square_2 = ((once * ey) @ columns).T
    variance = square_2 / mass_2 - (mean_2 / mass_2) ** 2
    shift = mean_2 / mass_2 - mean / mass
    spread = np.stack([variance, variance + shift**2]) / unit**2
    spread.flags.writeable = False  # since it is kept
    return spread
