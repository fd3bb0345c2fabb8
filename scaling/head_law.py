"""What the exact law of normal scores says of rows that differ in their spread and in their number of keys."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import CubicSpline

from scaling.attention_law import PANELS
from scaling.softmax_law import SIGMA_RANGE, SoftmaxLaw

Array = NDArray[np.float64]
LARGEST_SIGMA = SIGMA_RANGE[1]  # there and beyond, a row is one key
FEW = 12  # different numbers of keys; of more, so many are taken, evenly in ln n, and a spline is laid through them


@lru_cache(maxsize=256)
def _at_nodes(n_keys: int) -> Array:
    """H/ln n at the nodes of all panels."""
    shares: Array = SoftmaxLaw(PANELS.nodes, n_keys).entropy / np.log(n_keys)
    shares.flags.writeable = False
    return shares


@lru_cache(maxsize=256)
def _spline(nodes: tuple[int, ...]) -> CubicSpline:
    """The weights of values at the nodes in what a spline through them is elsewhere, as a function of ln n."""
    return CubicSpline(np.log(nodes), np.eye(len(nodes)))


def normalised_entropy_of_rows(sigma: Array, n_keys: NDArray[np.intp]) -> Array:
    """E[H]/ln n of iid normal scores with each row's standard deviation σ (..., n_rows) and number of keys (n_rows,).

    Exact to 1e-8 where the rows have few different numbers of keys, else to about 1e-5: interpolated in ln n.
    Numbers of keys from 2; ln 1 is 0.
    """
    different, which = np.unique(n_keys, return_inverse=True)
    nodes = different
    if len(different) > FEW:
        nodes = np.unique(np.geomspace(different[0], different[-1], FEW).round().astype(np.int64))
    at_sigma = PANELS.at(np.minimum(sigma, LARGEST_SIGMA))
    shares = np.stack([at_sigma(_at_nodes(int(n))) for n in nodes], axis=-1)  # (..., n_rows, n_nodes)
    if len(nodes) == len(different):
        return np.take_along_axis(shares, np.broadcast_to(which[:, None], (*shares.shape[:-1], 1)), axis=-1)[..., 0]
    weights = _spline(tuple(nodes.tolist()))(np.log(n_keys))  # (n_rows, n_nodes)
    interpolated: Array = np.vecdot(shares, weights)
    return interpolated
