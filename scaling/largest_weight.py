"""The mean of the largest weight of p = softmax(σ x), x ~ N(0, I_n).

With m the largest of the n entries of x, f the normal density and y = u + σm:

    E[max p] = n ∫∫ f(m) e^y exp(-e^y) g(u, m)^(n-1) du dm,   g(u, m) = E[exp(-e^(u + σx)); x < m]

1 - g is computed, as a sum of positive integrals, so that g^n keeps its digits. Only the power depends on n: the rest
is kept for each σ and range of n, at those nodes (u, m) that matter to some n of the range.
"""

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scaling.laplace_transform import GUMBEL_END, ONE_AT_A_TIME, KeyRange, key_range, normal_density, u_grid
from scaling.panels import Panels

Array = NDArray[np.float64]

STEP, TAIL = 0.4, 23.0  # as in scaling/laplace_transform.py; errors below 1e-7
NARROW = 4.0  # below this σ the score itself is its better variable
FARTHEST = 9.0  # no score lies below its negative, but for 1e-19
NEGLIGIBLE = 1e-9  # of the integral, for all nodes left out together
KEPT = 96  # σ and ranges of n whose nodes are kept, 0.1 to 0.4 MB each; a table takes at most 80 in a range


class Nodes(NamedTuple):
    """What n multiplies and what it exponentiates: E[max p] = n Σ weights e^((n-1) log_g), each (n_nodes,)."""

    log_g: Array
    weights: Array


def mean_largest_weight(sigma: Array, n: int) -> Array:
    """E[max p] at every σ (n_sigma,) for n ≥ 2 keys."""
    means = np.empty(len(sigma))
    for i, s in enumerate(sigma.tolist()):
        with ONE_AT_A_TIME:
            log_g, weights = _nodes(s, key_range(n))
        means[i] = n * float((weights * np.exp((n - 1) * log_g)).sum())
    return means


@lru_cache(maxsize=KEPT)
def _nodes(sigma: float, keys: KeyRange) -> Nodes:
    """Nodes and weights for any n of the range, in one list."""
    u, step = u_grid(sigma, sigma, keys, STEP, TAIL)
    missing, integrand, weights = (_in_score if sigma < NARROW else _in_y)(sigma, u, keys)
    with np.errstate(divide="ignore"):
        log_g = np.log1p(-np.minimum(missing, 1.0))
    integrand *= step * weights
    smallest = keys.most * float((integrand * np.exp((keys.most - 1) * log_g)).sum())  # it falls with n
    with np.errstate(divide="ignore"):
        dearest = np.clip(-1 / log_g, keys.fewest, keys.most)  # the n at which n g^n is largest
    kept = dearest * integrand * np.exp((dearest - 1) * log_g) > NEGLIGIBLE * smallest / integrand.size
    return Nodes(log_g[kept], integrand[kept])


def _in_score(sigma: float, u: Array, keys: KeyRange) -> tuple[Array, Array, Array]:
    """1 - g and f e^y e^(-e^y), (n_u, n_z), and weights (n_z,) on panels in z = m."""
    farthest = float(np.sqrt(2 * (np.log(keys.most) + TAIL)))
    if keys.fewest < 60:  # f(z) Φ(z) < e^(-z²)
        start = -(TAIL**0.5)
    else:  # the largest lies where n Φ(-z) is of order 1
        start = -float(special.ndtri(TAIL / keys.fewest))
    typical = float(np.sqrt(2 * np.log(keys.most)))
    panels = Panels.on(start, farthest, min(0.8, 2 / typical, 1.5 / sigma))
    rest = Panels.on(-FARTHEST, start, min(1.5, 2 / sigma))
    z, x = panels.nodes, rest.nodes
    density = normal_density(z)
    ey = np.exp(u)[:, None] * np.exp(sigma * z)
    lost = -np.expm1(-ey)
    below = -np.expm1(-np.exp(u)[:, None] * np.exp(sigma * x)) @ (normal_density(x) * rest.weights)
    missing = special.ndtr(-z) + below[:, None] + panels.cumulative(density * lost)
    return missing, density * ey * (1 - lost), panels.weights


def _in_y(sigma: float, u: Array, keys: KeyRange) -> tuple[Array, Array, Array]:
    """1 - g and f e^y e^(-e^y), (n_u, n_y), and weights (n_y,) on panels in y, where e^y e^(-e^y) is short."""
    panels = Panels.on(-np.log(keys.most) - TAIL, GUMBEL_END, min(2.0, 0.25 * sigma))
    y = panels.nodes
    density = normal_density((y - u[:, None]) / sigma) / sigma
    ey = np.exp(y)
    lost = -np.expm1(-ey)
    above = panels.cumulative(density[:, ::-1])[:, ::-1]  # Gauss-Legendre nodes are symmetric
    beyond = special.ndtr((u - GUMBEL_END) / sigma)[:, None]
    return beyond + above + panels.cumulative(density * lost), density * (ey * (1 - lost)), panels.weights
