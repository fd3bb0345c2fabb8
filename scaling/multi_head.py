"""Where the lecture stops: attention that does not look ahead, and several heads of it beside each other.

Vaswani et al. 2017, sections 3.2.2 and 3.2.3. Rows are tokens, as in `attention`.
"""

import numpy as np
from numpy.typing import ArrayLike

from scaling.arrays import check_sizes
from scaling.attention import Attention, Matrix, SelfAttentionV2, attend, token_matrix
from scaling.torch_random import TorchRandom


class CausalAttention(SelfAttentionV2):
    """The lecture's advanced class, in which a token sees itself and earlier tokens only.

    >>> CausalAttention(3, 2, seed=789).steps(np.eye(3)).weights.round(3)
    array([[1.   , 0.   , 0.   ],
           [0.542, 0.458, 0.   ],
           [0.365, 0.274, 0.36 ]])
    """

    def steps(self, x: ArrayLike) -> Attention:
        """Every step for tokens x (n_tokens, d_in); ValueError for any other shape."""
        return attend(*self.projections(x), causal=True)


class MultiHeadAttention:
    """Causal heads beside each other, their contexts joined and mixed: [head_1 … head_h] W_outᵀ + b_out.

    One linear layer without bias makes the queries of all heads, one the keys, one the values; head i takes the i-th
    d_k = d_out / n_heads columns of each and divides its scores by √d_k, the root of its *own* dimension. The output
    layer has a bias. Drawn in the order query, key, value, output weight, output bias, as torch's defaults are.

    >>> [head.weights.shape for head in MultiHeadAttention(3, 4, n_heads=2, seed=123).steps(np.eye(3))]
    [(3, 3), (3, 3)]
    """

    def __init__(self, d_in: int, d_out: int, n_heads: int, seed: int) -> None:
        check_sizes("MultiHeadAttention", d_in=d_in, d_out=d_out, n_heads=n_heads)
        if d_out % n_heads:
            raise ValueError(f"MultiHeadAttention: n_heads must divide d_out = {d_out}; received {n_heads}")
        random = TorchRandom(seed)
        self.n_heads = n_heads
        self.w_query = random.linear_weight(d_in, d_out)
        self.w_key = random.linear_weight(d_in, d_out)
        self.w_value = random.linear_weight(d_in, d_out)
        self.w_out = random.linear_weight(d_out, d_out)
        self.b_out = random.linear_bias(d_out, d_out)

    def steps(self, x: ArrayLike) -> tuple[Attention, ...]:
        """Every step of each head for tokens x (n_tokens, d_in); ValueError for any other shape."""
        x = token_matrix(x, self.w_query.shape[1], "MultiHeadAttention")
        layers = (self.w_query, self.w_key, self.w_value)
        heads = zip(*(np.split(x @ weight.T, self.n_heads, axis=1) for weight in layers), strict=True)
        return tuple(attend(queries, keys, values, causal=True) for queries, keys, values in heads)

    def __call__(self, x: ArrayLike) -> Matrix:
        """(n_tokens, d_out): the heads' contexts, joined and sent through the output layer."""
        return np.hstack([head.context for head in self.steps(x)]) @ self.w_out.T + self.b_out
