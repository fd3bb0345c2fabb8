"""What becomes of a gradient on its way back through a row of the softmax: to the scores, the products and the query.

With a query q, keys K (n_keys, d_k), scores s = c K q, weights p = softmax(s), the softmax's Jacobian
J = diag(p) - p pᵀ and the upstream gradient u = ∂L/∂p, the chain rule gives

    ∂L/∂s = J u        ∂L/∂(K q) = c J u        ∂L/∂q = c Kᵀ J u

For independent standard normal entries of q and K this has a radial law, as the scores themselves have: the part of
each key along q is z_j q/|q| with z ~ N(0, I_n), and only that part decides the scores, s = c |q| z. The other parts
are independent of it, normal, and orthogonal to q, so that their sum with coefficients J u is |J u| times a standard
normal vector of d_k - 1 dimensions. Hence, exactly in law and at a cost that does not grow with d_k,

    ‖∂L/∂q‖² = c² (χ²_{d_k - 1} ‖J u‖² + (zᵀ J u)²).

If u has independent entries of mean 0 and variance 1, too, then E[u uᵀ] = I: the mean of ‖J u‖² is E‖J‖²_F, and that
of (zᵀ J u)² is E‖J z‖². That is `AttentionLaw.query_gradient_norm2`.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from scaling.arrays import Floats, check_sizes, is_number, real_array, shown
from scaling.normals import standard_normals
from scaling.saturation import LARGEST_FACTOR, jacobian_size

Array = NDArray[np.float64]

LARGEST_UPSTREAM = 8e307  # a difference of two is then a float
DRAWN, CHUNK = 2**19, 2**16  # normal numbers drawn together, and looked at together: within a core's cache


@dataclass(frozen=True)
class ChainedGradients:
    """Gradients of a loss, from the softmax's scores back to the query."""

    scores: Array  # (..., n_keys): ∂L/∂s = J u
    dot_products: Array  # (..., n_keys): ∂L/∂(K q) = c J u
    query: Array  # (..., d_k): ∂L/∂q = c Kᵀ J u


def chained_gradients(q: ArrayLike, keys: ArrayLike, upstream: ArrayLike, factor: float) -> ChainedGradients:
    """The gradients of each row, for q (..., d_k), keys (..., n_keys, d_k) and u = ∂L/∂p (..., n_keys).

    `factor` is c: 1 for raw scores, d_k^(-1/2) for scaled ones. Stacks of rows may be broadcast against each other.
    Raises ValueError for anything but finite real numbers of such shapes, and for scores beyond the largest float.

    >>> found = chained_gradients([1, 0], [[2, 0], [0, 2]], upstream=[1, 0], factor=1)
    >>> found.scores.round(3), found.query.round(3)
    (array([ 0.105, -0.105]), array([ 0.21, -0.21]))
    """
    q, keys, u = (
        real_array(values, f"chained_gradients: {name}")
        for name, values in (("q", q), ("keys", keys), ("upstream", upstream))
    )
    if not is_number(factor):
        raise ValueError(f"chained_gradients: factor must be a finite number; received {shown(factor)}")
    try:
        np.broadcast_shapes(q.shape[:-1], keys.shape[:-2], u.shape[:-1])
        fits = keys.ndim >= 2 and q.shape[-1:] == keys.shape[-1:] and u.shape[-1:] == keys.shape[-2:-1]
    except ValueError:
        fits = False
    if not fits or 0 in keys.shape[-2:]:
        raise ValueError(
            "chained_gradients: q (..., d_k), keys (..., n_keys, d_k) and upstream (..., n_keys) are needed, d_k and "
            f"n_keys from 1; received shapes {q.shape}, {keys.shape} and {u.shape}"
        )
    c = float(factor)
    with np.errstate(over="ignore", invalid="ignore"):  # looked for below, and in `score_gradient`
        scores = c * (keys @ q[..., None])[..., 0]  # (..., n_keys)
        of_scores = score_gradient(np.nan_to_num(scores), u)
        of_query = (c * of_scores[..., None, :] @ keys)[..., 0, :]  # (..., d_k)
    if not (np.all(np.isfinite(scores)) and np.all(np.isfinite(of_query))):
        raise ValueError(
            "chained_gradients: scores and gradients must not pass the largest float; "
            f"received q up to {np.abs(q).max():g}, keys up to {np.abs(keys).max():g} and a factor of {c:g}"
        )
    return ChainedGradients(scores=of_scores, dot_products=c * of_scores, query=of_query)


def score_gradient(scores: ArrayLike, upstream: ArrayLike) -> Array:
    """J u of softmax(scores) and upstream gradients u, (..., n_keys) both, in a form that keeps its digits.

    With t the largest score's key and v_j = u_j - u_t, of which J u knows nothing but the differences: (J u)_j =
    p_j (v_j - v̄) and (J u)_t = -p_t v̄, with v̄ = Σ p_j v_j over the others. v̄ is as small as they are when the row is
    saturated, and no larger number is subtracted from it. ValueError for anything but finite real numbers, upstream
    gradients above half the largest float, and shapes that do not go together.

    >>> score_gradient([0, 0], [1, 0])
    array([ 0.25, -0.25])
    >>> f"{score_gradient([0, 40], [1, 0])[0]:.3g}"  # the row is saturated: next to nothing comes through
    '4.25e-18'
    """
    s, u = real_array(scores, "score_gradient: scores"), real_array(upstream, "score_gradient: upstream")
    try:
        s, u = np.broadcast_arrays(s, u)
    except ValueError:
        s = np.empty(0)
    if s.ndim == 0 or s.shape[-1] == 0:
        raise ValueError(
            "score_gradient: scores and upstream must both be (..., n_keys ≥ 1); "
            f"received shapes {np.shape(scores)} and {np.shape(upstream)}"
        )
    if np.abs(u).max(initial=0) > LARGEST_UPSTREAM:
        raise ValueError(f"score_gradient: upstream must lie within ±8e307; received up to {np.abs(u).max():g}")
    top = s.argmax(axis=-1)[..., None]
    with np.errstate(over="ignore"):  # a difference beyond the largest float is a weight of 0
        e = np.exp(s - np.take_along_axis(s, top, -1))
    np.put_along_axis(e, top, 0.0, -1)
    v = u - np.take_along_axis(u, top, -1)
    rest = e.sum(axis=-1, keepdims=True)
    mean = np.vecdot(e, v)[..., None] / (1 + rest)  # v̄
    np.put_along_axis(e, top, 1.0, -1)
    gradient: Array = e / (1 + rest) * (v - mean)
    return gradient


@dataclass(frozen=True)
class GradientRows:
    """Rows of one d_k by their radial law: what the norms of their gradients are made of, whatever the factor c."""

    lengths: Array  # (n_rows,): |q|
    z: Floats  # (n_rows, n_keys): dot products over |q|
    upstream: Floats  # (n_rows, n_keys): u = ∂L/∂p
    across: Array  # (n_rows,): from χ²_{d_k - 1}, 0 at d_k = 1


def draw_gradient_rows(rng: np.random.Generator, d_k: int, n_rows: int, n_keys: int) -> Iterator[GradientRows]:
    """Rows of standard normal queries, keys and upstream gradients, some at a time, in single precision.

    Every row has a query, keys and an upstream gradient of its own; `rng` decides every draw. ValueError, at the call,
    for sizes that are not whole numbers from 1.
    """
    check_sizes("draw_gradient_rows", d_k=d_k, n_rows=n_rows, n_keys=n_keys)
    return _pieces(rng, int(d_k), int(n_rows), int(n_keys))


def _pieces(rng: np.random.Generator, d_k: int, n_rows: int, n_keys: int) -> Iterator[GradientRows]:
    together = max(1, DRAWN // n_keys)
    for first in range(0, n_rows, together):
        count = min(together, n_rows - first)
        yield GradientRows(
            lengths=np.sqrt(rng.chisquare(d_k, count)),
            z=standard_normals(rng, (count, n_keys)),
            upstream=standard_normals(rng, (count, n_keys)),
            across=rng.chisquare(d_k - 1, count) if d_k > 1 else np.zeros(count),
        )


@dataclass(frozen=True)
class GradientNorms:
    """Sizes of rows' Jacobians and gradients, each (n_factors, n_rows)."""

    jacobian_trace: Array  # tr J
    jacobian_norm2: Array  # ‖J‖²_F
    scores_norm2: Array  # ‖∂L/∂s‖²
    query_norm2: Array  # ‖∂L/∂q‖²


def gradient_norms(rows: GradientRows, factors: ArrayLike = 1.0) -> GradientNorms:
    """The norms at each factor c ≥ 0, on the same draws.

    As in `score_gradient`, sums run over the keys other than the largest, and differences are taken to that key:
    ‖J u‖² = (p_t v̄)² + Σ p_j² (v_j - v̄)², and zᵀ J u = Σ p_j x_j v_j - x̄ v̄ with x_j = z_j - z_t. Exponentials are taken
    in the precision of z, and none is let below the root of its smallest number: float32 leaves relative errors of
    some 1e-6, and of a squared norm below n_keys d_k 1e-37 nothing.

    Raises ValueError unless `factors` is a number from 0 to 1e30 or a list of them.
    """
    c = np.atleast_1d(real_array(factors, "gradient_norms: factors"))  # (n_factors,)
    if c.ndim != 1 or np.any((c < 0) | (c > LARGEST_FACTOR)):
        raise ValueError(
            f"gradient_norms: factors must be one number or a list of them, from 0 to 1e30; received {shown(factors)}"
        )
    n_rows, n_keys = rows.z.shape
    step = min(n_rows, max(1, CHUNK // n_keys))  # rows looked at together
    norms, work = np.empty((4, len(c), n_rows)), np.empty((6, step, n_keys), rows.z.dtype)
    for first in range(0, n_rows, step):
        some = slice(first, first + step)
        piece = GradientRows(rows.lengths[some], rows.z[some], rows.upstream[some], rows.across[some])
        norms[:, :, some] = _norms(piece, c, work[:, : len(piece.z)])
    return GradientNorms(*norms)


def _norms(rows: GradientRows, c: Array, work: Floats) -> Array:
    """What `gradient_norms` gives, (4, n_factors, n_rows), for a few rows and with room to work in."""
    x, v, x_v, v_v, e, e2 = work  # (n_rows, n_keys) each
    ones, lowest = np.ones(x.shape[1], x.dtype), np.log(np.finfo(x.dtype).tiny) / 2
    place, top = np.arange(len(x)), rows.z.argmax(axis=1)
    np.subtract(rows.z, rows.z[place, top][:, None], out=x)  # at most 0
    np.subtract(rows.upstream, rows.upstream[place, top][:, None], out=v)
    np.multiply(x, v, out=x_v)
    np.multiply(v, v, out=v_v)
    norms = np.empty((4, len(c), len(x)))
    for i, factor in enumerate(c.tolist()):
        np.multiply(x, (factor * rows.lengths).astype(x.dtype)[:, None], out=e)
        np.exp(np.maximum(e, lowest, out=e), out=e)  # what is smaller has squares that take a hundred times as long
        e[place, top] = 0.0
        np.multiply(e, e, out=e2)
        rest = (e @ ones).astype(np.float64)
        partition = 1 + rest
        v_mean, x_mean = np.vecdot(e, v) / partition, np.vecdot(e, x) / partition  # v̄, x̄
        p2, p2_v, p2_v_v = np.stack([e2 @ ones, np.vecdot(e2, v), np.vecdot(e2, v_v)]) / partition**2
        along = np.vecdot(e, x_v) / partition - x_mean * v_mean  # zᵀ J u
        of_scores = (v_mean / partition) ** 2 + p2_v_v - 2 * v_mean * p2_v + v_mean**2 * p2
        of_query = factor**2 * (rows.across * of_scores + along**2)
        norms[:, i] = *jacobian_size(rest, p2, np.vecdot(e2, e) / partition**3), of_scores, of_query
    return norms
