"""The lecture's self-attention, step by step: Attention(Q, K, V) = softmax(Q Kᵀ/√d_k) V.

Rows are tokens throughout: row i of a matrix belongs to token i. Vaswani et al. 2017, equation (1).
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scaling.arrays import check_sizes, is_number, real_array, shown
from scaling.torch_random import TorchRandom

Matrix = NDArray[np.float64]

LARGEST_TOKEN = 1e100  # its scores, squares of it times weights and sizes, then stay far from the largest float
LARGEST_VALUE = float(np.finfo(np.float64).max) / 2  # averages of it, weights that sum to 1 + rounding, stay floats


def attention_scores(queries: Matrix, keys: Matrix) -> Matrix:
    """(n_queries, n_keys): the dot product of every query with every key, Q Kᵀ."""
    return queries @ keys.T


def hide_later_keys(scores: Matrix) -> Matrix:
    """(n, n): the scores, but -inf wherever the key comes after its query, so that its weight is exactly 0."""
    return np.where(np.tril(np.ones(scores.shape, dtype=bool)), scores, -np.inf)


def attention_weights(scores: Matrix) -> Matrix:
    """(n_queries, n_keys): the softmax of each row; numbers from 0 to 1 that sum to 1."""
    with np.errstate(over="ignore"):  # a difference of scores beyond the largest float is a weight of 0
        weights: Matrix = special.softmax(scores, axis=1)
    return weights


def context_vectors(weights: Matrix, values: Matrix) -> Matrix:
    """(n_queries, d_v): for each query the average of the values under its weights."""
    return weights @ values


@dataclass(frozen=True)
class Attention:
    """Every matrix on the way from queries, keys and values to context vectors."""

    queries: Matrix  # (n_queries, d_k)
    keys: Matrix  # (n_keys, d_k)
    values: Matrix  # (n_keys, d_v)
    scores: Matrix  # (n_queries, n_keys), as they are
    scaled_scores: Matrix  # (n_queries, n_keys), times the scale, -inf where hidden: what enters the softmax
    weights: Matrix  # (n_queries, n_keys)
    context: Matrix  # (n_queries, d_v)


def attend(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, scale: float | None = None, causal: bool = False
) -> Attention:
    """Queries (n_queries, d_k), keys (n_keys, d_k) and values (n_keys, d_v) → every step of attention.

    `scale` multiplies the scores; without one it is 1/√d_k. `causal` hides from each query the keys that come after its
    own. The record holds copies. ValueError for anything but finite real matrices of these shapes (n_queries = n_keys
    if causal), a finite scale, True or False for `causal`, scores that cannot pass the largest float and values up to
    half of it.

    >>> attend([[1, 0]], [[2, 0], [0, 2]], [[1, 0], [0, 1]]).weights.round(3)  # of scores 2/√2 and 0
    array([[0.804, 0.196]])
    """
    q, k, v = _checked(queries, keys, values, scale, causal)
    scores = attention_scores(q, k)
    scaled_scores = scores / math.sqrt(q.shape[1]) if scale is None else float(scale) * scores
    if causal:
        scaled_scores = hide_later_keys(scaled_scores)
    weights = attention_weights(scaled_scores)
    return Attention(q, k, v, scores, scaled_scores, weights, context_vectors(weights, v))


def _checked(
    queries: ArrayLike, keys: ArrayLike, values: ArrayLike, scale: float | None, causal: bool
) -> tuple[Matrix, Matrix, Matrix]:
    """Copies that fit together, with scores and contexts that stay within the largest float, or a ValueError."""
    if not isinstance(causal, bool | np.bool_):
        raise ValueError(f"attend: causal must be True or False; received {shown(causal)}")
    q, k, v = (
        _matrix(given, f"attend: {name}").copy()
        for given, name in ((queries, "queries"), (keys, "keys"), (values, "values"))
    )
    if q.shape[1] != k.shape[1] or len(k) != len(v) or (causal and len(q) != len(k)):
        n_queries = "n_keys" if causal else "n_queries"
        raise ValueError(
            f"attend: queries ({n_queries}, d_k), keys (n_keys, d_k) and values (n_keys, d_v) are needed; "
            f"received shapes {q.shape}, {k.shape} and {v.shape}"
        )
    if scale is not None and not is_number(scale):
        raise ValueError(f"attend: scale must be a finite number; received {shown(scale)}")
    largest_q, largest_k, largest_v = (float(np.abs(matrix).max()) for matrix in (q, k, v))
    if not math.isfinite(q.shape[1] * largest_q * largest_k * max(1.0, abs(float(scale or 0.0)))):
        raise ValueError(
            "attend: scores must not pass the largest float; received "
            f"queries up to {largest_q:g} and keys up to {largest_k:g}"
        )
    if largest_v > LARGEST_VALUE:
        raise ValueError(f"attend: values must not pass half the largest float; received values up to {largest_v:g}")
    return q, k, v


def simplified_attention(x: ArrayLike) -> Attention:
    """Attention without trainable weights: tokens x (n_tokens, d_in) are their own queries, keys and values.

    >>> simplified_attention([[1, 0], [0, 1]]).weights.round(3)  # e/(e + 1) on itself
    array([[0.731, 0.269],
           [0.269, 0.731]])
    """
    tokens = real_array(x, "simplified_attention: x")
    return attend(tokens, tokens, tokens, scale=1.0)


class SelfAttentionV1:
    """Self-attention over raw weight matrices (d_in, d_out), uniform on [0, 1): the lecture's basic class.

    The matrices are torch's for that seed, drawn in the order query, key, value.

    >>> SelfAttentionV1(3, 2, seed=123).w_query.round(4)  # as the lecture prints it
    array([[0.2961, 0.5166],
           [0.2517, 0.6886],
           [0.074 , 0.8665]])
    """

    def __init__(self, d_in: int, d_out: int, seed: int) -> None:
        check_sizes("SelfAttentionV1", d_in=d_in, d_out=d_out)
        random = TorchRandom(seed)
        self.w_query = random.rand((d_in, d_out))
        self.w_key = random.rand((d_in, d_out))
        self.w_value = random.rand((d_in, d_out))

    def steps(self, x: ArrayLike) -> Attention:
        """Every step for tokens x (n_tokens, d_in); ValueError for any other shape."""
        x = token_matrix(x, len(self.w_query), "SelfAttentionV1")
        return attend(x @ self.w_query, x @ self.w_key, x @ self.w_value)

    def __call__(self, x: ArrayLike) -> Matrix:
        """Context vectors (n_tokens, d_out)."""
        return self.steps(x).context


class SelfAttentionV2:
    """Self-attention over linear layers without bias: the lecture's advanced class.

    A layer's weight is (d_out, d_in), as torch keeps it, and starts as torch's default does for that seed, drawn in the
    order query, key, value.

    >>> SelfAttentionV2(3, 2, seed=789).w_query.shape
    (2, 3)
    >>> SelfAttentionV2(3, 2, seed=789)(np.eye(3)).round(4)
    array([[-0.0262,  0.079 ],
           [-0.0295,  0.0732],
           [-0.0172,  0.0927]])
    """

    def __init__(self, d_in: int, d_out: int, seed: int) -> None:
        check_sizes(type(self).__name__, d_in=d_in, d_out=d_out)
        random = TorchRandom(seed)
        self.w_query = random.linear_weight(d_in, d_out)
        self.w_key = random.linear_weight(d_in, d_out)
        self.w_value = random.linear_weight(d_in, d_out)

    def projections(self, x: ArrayLike) -> tuple[Matrix, Matrix, Matrix]:
        """Queries, keys and values (n_tokens, d_out) of tokens x (n_tokens, d_in); ValueError for any other shape."""
        x = token_matrix(x, self.w_query.shape[1], type(self).__name__)
        return x @ self.w_query.T, x @ self.w_key.T, x @ self.w_value.T

    def steps(self, x: ArrayLike) -> Attention:
        """Every step for tokens x (n_tokens, d_in); ValueError for any other shape."""
        return attend(*self.projections(x))

    def __call__(self, x: ArrayLike) -> Matrix:
        """Context vectors (n_tokens, d_out)."""
        return self.steps(x).context


def token_matrix(x: ArrayLike, d_in: int, where: str) -> Matrix:
    """Tokens (n_tokens, d_in) as floats; `where` names the model in the ValueError for any other x, or a huge one."""
    tokens = _matrix(x, f"{where}: x")
    if tokens.shape[1] != d_in:
        raise ValueError(f"{where}: x must be (n_tokens, {d_in}); received shape {tokens.shape}")
    largest = float(np.abs(tokens).max())
    if largest > LARGEST_TOKEN:
        raise ValueError(f"{where}: x must hold numbers up to ±{LARGEST_TOKEN:g}; received one of size {largest:g}")
    return tokens


def _matrix(values: ArrayLike, where: str) -> Matrix:
    matrix = real_array(values, where)
    if matrix.ndim != 2 or matrix.size == 0:
        raise ValueError(f"{where} must be a matrix with at least one row and column; received shape {matrix.shape}")
    return matrix
