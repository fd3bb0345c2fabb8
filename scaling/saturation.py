"""A block of scores → what each row's softmax looks like, in forms that keep their digits when it is saturated."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import Floats, real_array, real_array_of_any_precision, shown

CHUNK = 2**20  # bytes of scores looked at together, so that the work on them stays within a core's cache
LARGEST_FACTOR = 1e30  # of scores in single precision, whose exponents end at 1e38
VANISHED = 1e4  # exp of minus it, and of anything less, is 0
DEAD_TRACE = 0.01  # of J: a row below it is called dead, since next to nothing reaches its scores


@dataclass(frozen=True)
class RowObservables:
    """Observables of softmax rows p = softmax(s), each of shape (n_factors, n_rows).

    With J = diag(p) - p pᵀ, the softmax's Jacobian. Entropy and log-partition are in nats, the rest is dimensionless.
    """

    log_partition: NDArray[np.float64]  # ln Σ exp(s_j)
    entropy: NDArray[np.float64]  # -Σ p_j ln p_j
    sum_p2: NDArray[np.float64]  # Σ p_j²
    sum_p3: NDArray[np.float64]  # Σ p_j³
    max_weight: NDArray[np.float64]  # max_j p_j
    jacobian_trace: NDArray[np.float64]  # tr J = 1 - Σ p_j²
    jacobian_norm2: NDArray[np.float64]  # ‖J‖²_F = Σ p_j² - 2 Σ p_j³ + (Σ p_j²)²


OBSERVABLES = tuple(RowObservables.__dataclass_fields__)


def row_observables(scores: ArrayLike, factors: ArrayLike = 1.0) -> RowObservables:
    """Observables of softmax(c · scores) along the last axis, for each factor c ≥ 0.

    `scores` is (n_rows, n_keys) (one row alone may be (n_keys,)), `factors` a number or (n_factors,): the same scores
    are read at several scales. The largest score of a row is taken out first and set aside, so that scores of any
    finite size work, and 1 - Σp² and ‖J‖² are sums of non-negative terms over the *other* keys rather than
    differences of nearly equal numbers: with m the largest weight and S_r = Σ p_j^r over the others,
    tr J = (1 - m)(1 + m) - S_2 and ‖J‖² = m²(1 - m)² + (S_2 - 2 S_3) + S_2² + 2 m² S_2, where 1 - m = Σ p_j over the
    others.

    Exponentials are taken in the precision of the scores, everything after the sums over keys in double precision:
    scores in float32 take a third of the time, and leave relative errors of some 1e-6 per row and 1e-7 in a mean.

    Raises ValueError for an empty row, anything but finite real numbers, a negative factor, or a product of a factor
    and a row's largest score beyond the largest float.

    >>> found = row_observables([8.0, 0.0, 0.0], factors=[1, 1 / 8])
    >>> found.entropy.round(3).tolist(), found.max_weight.round(3).tolist()
    ([[0.006], [0.975]], [[0.999], [0.576]])
    """
    s = real_array_of_any_precision(scores, "row_observables: scores")
    s = s[None] if s.ndim == 1 else s  # (n_rows, n_keys)
    c = np.atleast_1d(real_array(factors, "row_observables: factors"))  # (n_factors,)
    if s.ndim != 2 or s.size == 0:
        raise ValueError(f"row_observables: scores have shape {np.shape(scores)}; (n_rows ≥ 1, n_keys ≥ 1) is needed")
    if c.ndim != 1 or np.any(c < 0):
        raise ValueError(
            f"row_observables: factors must be one number or a list of them, none negative; received {shown(factors)}"
        )
    if np.any(c > LARGEST_FACTOR):
        s = s.astype(np.float64)
    top, sums = _sums(s, c)
    with np.errstate(over="ignore"):  # looked for below
        log_top = c[:, None] * top
    rest, e_x, e_2, e_3 = sums
    partition, log_z = 1 + rest, np.log1p(rest)
    m = 1 / partition
    s2, s3 = e_2 / partition**2, e_3 / partition**3
    trace, norm2 = jacobian_size(rest, s2, s3)
    if not np.all(np.isfinite(log_top)):
        raise ValueError(
            "row_observables: factor · score must not pass the largest float; "
            f"received scores up to {np.abs(s).max():g} and factors up to {c.max():g}"
        )
    return RowObservables(
        log_partition=log_top + log_z,
        entropy=log_z - e_x / partition,
        sum_p2=m**2 + s2,
        sum_p3=m**3 + s3,
        max_weight=m,
        jacobian_trace=trace,
        jacobian_norm2=norm2,
    )


class JacobianSize(NamedTuple):
    """tr J and ‖J‖²_F of rows."""

    trace: NDArray[np.float64]
    norm2: NDArray[np.float64]


def jacobian_size(rest: NDArray[np.float64], s2: NDArray[np.float64], s3: NDArray[np.float64]) -> JacobianSize:
    """Both from sums over the keys other than the largest: of exponentials relative to its own, of p_j² and of p_j³."""
    m, one_minus_m = 1 / (1 + rest), rest / (1 + rest)
    return JacobianSize(
        trace=one_minus_m * (1 + m) - s2,
        norm2=(m * one_minus_m) ** 2 + (s2 - 2 * s3) + s2**2 + 2 * m**2 * s2,
    )


def _sums(s: Floats, c: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The largest score of each row, (n_rows,), and sums over the others, (4, n_factors, n_rows), of e, e x, e² and e³.

    e = exp(x), with x = factor · (score - largest score). A few rows are looked at together.
    """
    n_rows, n_keys = s.shape
    step = min(n_rows, max(1, CHUNK // (s.itemsize * n_keys)))
    top, sums = np.empty(n_rows), np.empty((4, len(c), n_rows))
    ones, work = np.ones(n_keys, s.dtype), np.empty((3, step, n_keys), s.dtype)
    for first in range(0, n_rows, step):
        some = s[first : first + step]
        rows, place = np.arange(len(some)), slice(first, first + len(some))
        below, x, e = work[:, : len(some)]
        largest = some.argmax(axis=1)
        highest = some[rows, largest]
        with np.errstate(over="ignore"):
            np.subtract(some, highest[:, None], out=below)  # ≤ 0
        widest = -float(below.min())
        if widest == np.inf:
            widest = float(np.finfo(s.dtype).max)
            np.maximum(below, -widest, out=below)  # finite, for a factor of 0
        top[place] = highest
        for i, factor in enumerate(c.tolist()):
            with np.errstate(over="ignore"):
                np.multiply(below, s.dtype.type(factor), out=x)
            if factor * widest > VANISHED:
                np.maximum(x, -VANISHED, out=x)  # finite, since 0 · inf would be nan
            np.exp(x, out=e)
            e[rows, largest] = 0.0  # the others only; the largest key's own term is exactly 1
            sums[0, i, place] = e @ ones
            sums[1, i, place] = np.vecdot(e, x)
            squares = np.multiply(e, e, out=x)
            sums[2, i, place] = squares @ ones
            sums[3, i, place] = np.vecdot(squares, e)
    return top, sums
