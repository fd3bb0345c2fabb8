"""A decoder-only language model's forward pass: tokens in, logits, queries and keys out.

Every token's vector x starts as its row of the embedding E. Each layer adds attention and then a feed-forward network,
both of the normalised x; the logits are the products of the last normalised x with the rows of E:

    x ← x + Attention(RMS(x) γ₁) W_O        x ← x + (silu(h W_1) ⊙ h W_3) W_2, h = RMS(x) γ₂        logits = RMS(x) γ Eᵀ

with RMS(x) = x / √(mean(x²) + ε) (Zhang and Sennrich 2019), ⊙ the product entry by entry and silu(a) = a/(1 + e^(-a))
(Shazeer 2020). Attention is causal and divides by √d_k (Vaswani et al. 2017, equation 1); several heads share the keys
and values of one (Ainslie et al. 2023). Queries and keys are rotated by their position m: each adjacent pair of entries
(2i, 2i + 1) by the angle m b^(-2i/d_k), so that a score knows positions by their distance alone (Su et al. 2021). All
arithmetic is in the weights' own precision.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scaling.arrays import is_count, is_number, real_array_of_any_precision, shown

Array = NDArray[np.floating[Any]]  # of single or double precision
Tokens = NDArray[np.int64]

LARGEST_MULTIPLIER = 1e6  # its scores stay far from the largest number in single precision


@dataclass(frozen=True)
class DecoderPass:
    """What comes of a batch of sequences; the products of `queries` and `keys` are the scores, as yet undivided."""

    logits: Array  # (n_sequences, n_tokens, n_words)
    queries: Array  # (n_layers, n_sequences, n_heads, n_tokens, d_k), rotated
    keys: Array  # (n_layers, n_sequences, n_key_heads, n_tokens, d_k), rotated; head h has key head h // n_sharing


@dataclass(frozen=True)
class DecoderLayer:
    """The weights of one layer, in the order in which they are drawn; the gains γ start as ones."""

    w_query: Array  # (d_model, n_heads d_k)
    w_key: Array  # (d_model, n_key_heads d_k)
    w_value: Array  # (d_model, n_key_heads d_k)
    w_out: Array  # (n_heads d_k, d_model): W_O
    w_gate: Array  # (d_model, d_hidden): W_1
    w_up: Array  # (d_model, d_hidden): W_3
    w_down: Array  # (d_hidden, d_model): W_2
    gain_1: Array  # (d_model,): γ₁, before attention
    gain_2: Array  # (d_model,): γ₂, before the feed-forward network


@dataclass(frozen=True)
class Decoder:
    """A model's weights; see `Decoder.of`."""

    embedding: Array  # (n_words, d_model): E
    layers: tuple[DecoderLayer, ...]
    gain: Array  # (d_model,): γ, after the last layer
    n_heads: int
    base: float  # b of the rotation
    epsilon: float  # ε of the normalisation

    @classmethod
    def of(
        cls, parameters: Mapping[str, ArrayLike], n_heads: int, base: float = 10_000.0, epsilon: float = 1e-6
    ) -> "Decoder":
        """The model of these weights by name: E, norm_f.gamma, blocks.0.attn.W_Q and so on, as in `NAMES`.

        ValueError for anything but finite real weights of shapes that go together, each of them and no others.
        """
        weights = {name: real_array_of_any_precision(w, f"Decoder: {name}") for name, w in parameters.items()}
        n_layers = len(weights) // len(NAMES)
        wanted = {"E", "norm_f.gamma"} | {f"blocks.{i}.{name}" for i in range(n_layers) for name in NAMES.values()}
        if n_layers == 0 or wanted != set(weights):
            raise ValueError(
                f"Decoder: E, norm_f.gamma and, in every layer i, blocks.i. with each of {', '.join(NAMES.values())} "
                f"are needed; received {shown(sorted(weights))}"
            )
        _check_numbers(n_heads, base, epsilon)
        _check_shapes(weights, n_layers, n_heads)
        layers = tuple(
            DecoderLayer(**{field: weights[f"blocks.{i}.{name}"] for field, name in NAMES.items()})
            for i in range(n_layers)
        )
        return cls(weights["E"], layers, weights["norm_f.gamma"], int(n_heads), float(base), float(epsilon))

    @property
    def n_layers(self) -> int:
        """Layers of attention and feed-forward network."""
        return len(self.layers)

    @property
    def n_words(self) -> int:
        """Different tokens that the model knows."""
        return len(self.embedding)

    @property
    def d_model(self) -> int:
        """Entries of a token's vector."""
        return int(self.embedding.shape[1])

    @property
    def d_k(self) -> int:
        """Entries of a query and of a key."""
        return int(self.layers[0].w_query.shape[1]) // self.n_heads

    @property
    def n_key_heads(self) -> int:
        """Heads of a layer that have keys and values of their own."""
        return int(self.layers[0].w_key.shape[1]) // self.d_k

    @property
    def n_sharing(self) -> int:
        """Heads that share the keys and values of one key head."""
        return self.n_heads // self.n_key_heads

    def run(self, tokens: ArrayLike, multiplier: float = 1.0) -> DecoderPass:
        """The pass of tokens (n_sequences, n_tokens), each sequence by itself; 0 ≤ token < n_words.

        `multiplier` multiplies the scaled scores q·k/√d_k of every head: √d_k takes the division away. ValueError for
        other tokens, and for a multiplier beyond ±10⁶.
        """
        ids = self._token_array(tokens)
        if not is_number(multiplier) or abs(multiplier) > LARGEST_MULTIPLIER:
            raise ValueError(f"run: multiplier must be a number within ±1e6; received {shown(multiplier)}")
        scale = float(multiplier) / math.sqrt(self.d_k)
        turns = rotations(ids.shape[1], self.d_k, self.base)
        x = self.embedding[ids]  # (n_sequences, n_tokens, d_model)
        queries, keys = [], []
        for layer in self.layers:
            h = self._normalised(x, layer.gain_1)
            q = rotated(self._heads(h @ layer.w_query), *turns)
            k = rotated(self._heads(h @ layer.w_key), *turns)
            mixed = self._attended(q, k, self._heads(h @ layer.w_value), scale)
            x = x + mixed @ layer.w_out
            h = self._normalised(x, layer.gain_2)
            gate = h @ layer.w_gate
            x = x + (gate * special.expit(gate) * (h @ layer.w_up)) @ layer.w_down
            queries.append(q)
            keys.append(k)
        logits = self._normalised(x, self.gain) @ self.embedding.T
        return DecoderPass(logits, np.stack(queries), np.stack(keys))

    def _normalised(self, x: Array, gain: Array) -> Array:
        """x / √(mean(x²) + ε) · γ for x (..., d_model)."""
        rms = np.sqrt(np.vecdot(x, x)[..., None] / x.shape[-1] + x.dtype.type(self.epsilon))
        normalised: Array = x / rms * gain
        return normalised

    def _heads(self, x: Array) -> Array:
        """(n_sequences, n_tokens, n_heads d_k) → (n_sequences, n_heads, n_tokens, d_k), of as many heads as x has."""
        return np.moveaxis(x.reshape(*x.shape[:2], -1, self.d_k), 2, 1)

    def _attended(self, q: Array, k: Array, v: Array, scale: float) -> Array:
        """The heads' contexts side by side, (n_sequences, n_tokens, n_heads d_k)."""
        n_sequences, _, n_tokens, d_k = q.shape
        shape = n_sequences, self.n_key_heads, self.n_sharing, n_tokens, d_k
        scores = (q * q.dtype.type(scale)).reshape(shape) @ np.swapaxes(k, -1, -2)[:, :, None]
        scores[..., np.triu(np.ones((n_tokens, n_tokens), dtype=bool), 1)] = -np.inf  # keys that come later
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)  # the weights, from here on
        context = (scores @ v[:, :, None]).reshape(q.shape)
        side_by_side: Array = np.moveaxis(context, 1, 2).reshape(n_sequences, n_tokens, -1)
        return side_by_side

    def _token_array(self, tokens: ArrayLike) -> Tokens:
        ids = np.asarray(tokens)
        if ids.dtype.kind not in "iu" or ids.ndim != 2 or ids.size == 0:
            raise ValueError(f"run: tokens must be whole numbers (n_sequences, n_tokens); received {shown(tokens)}")
        if ids.min() < 0 or ids.max() >= self.n_words:
            raise ValueError(f"run: tokens must lie from 0 to {self.n_words - 1}; received {ids.min()} to {ids.max()}")
        return ids.astype(np.int64)


NAMES = {
    "w_query": "attn.W_Q",
    "w_key": "attn.W_K",
    "w_value": "attn.W_V",
    "w_out": "attn.W_O",
    "w_gate": "ffn.W1",
    "w_up": "ffn.W3",
    "w_down": "ffn.W2",
    "gain_1": "norm1.gamma",
    "gain_2": "norm2.gamma",
}


def _check_numbers(n_heads: int, base: float, epsilon: float) -> None:
    if not is_count(n_heads):
        raise ValueError(f"Decoder: n_heads must be a whole number from 1; received {shown(n_heads)}")
    for name, number in (("base", base), ("epsilon", epsilon)):
        if not is_number(number) or number <= 0:
            raise ValueError(f"Decoder: {name} must be a number above 0; received {shown(number)}")


def _check_shapes(weights: Mapping[str, Array], n_layers: int, n_heads: int) -> None:
    """ValueError for the first shape that does not go with those of E and of the first layer."""
    d_model, hidden = weights["E"].shape[-1:], weights["blocks.0.ffn.W1"].shape[-1:]
    wide, narrow = weights["blocks.0.attn.W_Q"].shape[-1:], weights["blocks.0.attn.W_K"].shape[-1:]
    shapes = {
        "w_query": d_model + wide,
        "w_key": d_model + narrow,
        "w_value": d_model + narrow,
        "w_out": wide + d_model,
        "w_gate": d_model + hidden,
        "w_up": d_model + hidden,
        "w_down": hidden + d_model,
        "gain_1": d_model,
        "gain_2": d_model,
    }
    expected = {f"blocks.{i}.{NAMES[field]}": shape for i in range(n_layers) for field, shape in shapes.items()}
    expected |= {"E": weights["E"].shape[:1] + d_model, "norm_f.gamma": d_model}
    for name, shape in expected.items():
        if weights[name].shape != shape or 0 in shape or len(shape) != (1 if "gamma" in name else 2):
            raise ValueError(f"Decoder: {name} has shape {weights[name].shape}, which does not go with the others'")
    d_k, rest = divmod(wide[0], n_heads)
    n_key_heads, odd = divmod(narrow[0], d_k) if d_k else (0, 0)
    if rest or odd or d_k % 2 or not n_key_heads or n_heads % n_key_heads:
        raise ValueError(
            f"Decoder: {n_heads} heads need queries of n_heads d_k entries, d_k even, and keys of d_k entries for "
            f"each of a number of heads that divides n_heads; received {wide[0]} and {narrow[0]}"
        )


def rotations(n_tokens: int, d_k: int, base: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """cos and sin (n_tokens, d_k / 2) of the angle m b^(-2i/d_k) of pair i at position m."""
    angles = np.outer(np.arange(n_tokens), base ** (-2.0 * np.arange(d_k // 2) / d_k))
    return np.cos(angles), np.sin(angles)


def rotated(x: Array, cos: NDArray[np.float64], sin: NDArray[np.float64]) -> Array:
    """x (..., n_tokens, d_k) with each adjacent pair of entries turned by the angle of its position."""
    cos, sin = cos.astype(x.dtype), sin.astype(x.dtype)
    even, odd = x[..., 0::2], x[..., 1::2]
    turned = np.empty_like(x)
    turned[..., 0::2] = even * cos - odd * sin
    turned[..., 1::2] = even * sin + odd * cos
    return turned


def initial_decoder(like: Decoder, sd: float, rng: np.random.Generator) -> Decoder:
    """A model of the same shape and precision before it learns: weights N(0, sd²), gains 1.

    `rng` decides every weight: E first, then each layer's in the order of its fields. ValueError unless sd > 0.
    """
    if not is_number(sd) or sd <= 0:
        raise ValueError(f"initial_decoder: sd must be a number above 0; received {shown(sd)}")

    def drawn(weights: Array) -> Array:
        start: Array = rng.normal(0.0, float(sd), weights.shape).astype(weights.dtype)
        return start

    embedding = drawn(like.embedding)
    layers = [
        DecoderLayer(
            *(drawn(weights) if weights.ndim == 2 else np.ones_like(weights) for weights in vars(layer).values())
        )
        for layer in like.layers
    ]
    return replace(like, embedding=embedding, layers=tuple(layers), gain=np.ones_like(like.gain))


def cross_entropy(logits: ArrayLike, targets: ArrayLike) -> Array:
    """Loss -ln softmax(logits)_target of every token, in nats: logits (..., n_words), targets (...) → (...).

    ValueError for logits that are not finite real numbers, and targets that are no whole numbers below n_words.
    """
    scores, wanted = real_array_of_any_precision(logits, "cross_entropy: logits"), np.asarray(targets)
    if scores.ndim == 0 or scores.shape[:-1] != wanted.shape or wanted.dtype.kind not in "iu" or scores.size == 0:
        raise ValueError(
            "cross_entropy: logits (..., n_words) and whole numbers (...) as targets are needed; "
            f"received shapes {scores.shape} and {wanted.shape}"
        )
    if wanted.min() < 0 or wanted.max() >= scores.shape[-1]:
        raise ValueError(
            f"cross_entropy: targets must lie from 0 to {scores.shape[-1] - 1}; "
            f"received {wanted.min()} to {wanted.max()}"
        )
    below = scores - scores.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(below, wanted[..., None].astype(np.int64), axis=-1)[..., 0]
    loss: Array = np.log(np.exp(below).sum(axis=-1)) - chosen
    return loss
