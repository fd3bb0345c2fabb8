"""Causal attention and several heads: against loops, what no token may see, and the numbers of a well-known book."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.self_attention import EMBEDDINGS
from scaling import Attention, CausalAttention, MultiHeadAttention, SelfAttentionV2, TorchRandom, attend

Rows = list[list[float]]
sizes = st.integers(1, 6)
seeds = st.integers(0, 2**32 - 1)

# Raschka, Build a Large Language Model (From Scratch), chapter 3: the lecture's six tokens, seed 123.
CAUSAL = "-.4519 .2216 | -.5874 .0058 | -.6300 -.0632 | -.5675 -.0843 | -.5526 -.0981 | -.5299 -.1081"
TWO_HEADS = ".3190 .4858 | .2943 .3897 | .2856 .3593 | .2693 .3873 | .2639 .3928 | .2575 .4028"


def matrix(text: str) -> np.ndarray:
    """A printed matrix, its rows parted by bars."""
    return np.array([[float(number) for number in row.split()] for row in text.split("|")])


def tokens(seed: int, n: int, d_in: int) -> np.ndarray:
    """Normal tokens (n, d_in)."""
    return np.random.default_rng(seed).standard_normal((n, d_in))


def causal_by_loops(q: Rows, k: Rows, v: Rows) -> tuple[Rows, Rows]:
    """Weights and context, one token after the other; a later key is not looked at, so that nothing needs hiding."""
    weights, context = [], []
    for i, query in enumerate(q):
        powers = [
            math.exp(sum(map(math.prod, zip(query, k[j], strict=True))) / len(query) ** 0.5) for j in range(i + 1)
        ]
        weights.append([power / sum(powers) for power in powers] + [0.0] * (len(k) - i - 1))
        context.append([sum(weights[-1][j] * v[j][c] for j in range(i + 1)) for c in range(len(v[0]))])
    return weights, context


def heads_by_loops(model: MultiHeadAttention, x: np.ndarray) -> tuple[list[Rows], np.ndarray]:
    """Each head's weights and the model's output: slices of the layers' rows, then loops over tokens and entries."""
    d_out = len(model.w_out)
    d_k = d_out // model.n_heads
    weights, joined = [], [[] for _ in x]  # type: ignore[var-annotated]
    for first in range(0, d_out, d_k):
        q, k, v = ((x @ layer[first : first + d_k].T).tolist() for layer in (model.w_query, model.w_key, model.w_value))
        head_weights, context = causal_by_loops(q, k, v)
        weights.append(head_weights)
        for row, part in zip(joined, context, strict=True):
            row.extend(part)
    out = [
        [sum(map(math.prod, zip(row, model.w_out[c], strict=True))) + model.b_out[c] for c in range(d_out)]
        for row in joined
    ]
    return weights, np.array(out)


def test_the_book_numbers_come_out() -> None:
    """Both classes give all printed digits; attention that looks ahead, or another seed, does not."""
    for model, printed in ((CausalAttention(3, 2, 123), CAUSAL), (MultiHeadAttention(3, 2, 2, 123), TWO_HEADS)):
        assert np.abs(model(EMBEDDINGS) - matrix(printed)).max() <= 0.5e-4
    for wrong in (SelfAttentionV2(3, 2, 123), CausalAttention(3, 2, 124)):
        assert np.abs(wrong(EMBEDDINGS) - matrix(CAUSAL)).max() > 1e-3
    for wrong_heads in (MultiHeadAttention(3, 2, 1, 123), MultiHeadAttention(3, 2, 2, 124)):
        assert np.abs(wrong_heads(EMBEDDINGS) - matrix(TWO_HEADS)).max() > 1e-4


def test_each_head_divides_by_the_root_of_its_own_dimension() -> None:
    """√d_k with d_k = d_out/n_heads; √d_out, the whole model's root, gives other weights."""
    x = 3 * tokens(1, 5, 4)
    for n_heads in (1, 2, 4, 8):
        model = MultiHeadAttention(4, 8, n_heads, 7)
        for head in model.steps(x):
            own, whole = (attend(head.queries, head.keys, head.values, d**-0.5, True) for d in (8 // n_heads, 8))
            assert head.queries.shape == (5, 8 // n_heads)
            assert head.weights == pytest.approx(own.weights, rel=1e-13)
            assert (np.abs(head.weights - whole.weights).max() > 1e-3) == (n_heads > 1)


@given(sizes, sizes, sizes, seeds)
@settings(deadline=None)
def test_causal_attention_is_loops_over_earlier_tokens(n: int, d_in: int, d_out: int, seed: int) -> None:
    """At any size and seed; a row's weights sum to 1 over the tokens that it may see, and are exactly 0 elsewhere."""
    x, model = tokens(seed, n, d_in), CausalAttention(d_in, d_out, seed)
    q, k, v = ((x @ layer.T).tolist() for layer in (model.w_query, model.w_key, model.w_value))
    weights, context = causal_by_loops(q, k, v)
    steps = model.steps(x)
    assert steps.weights == pytest.approx(np.array(weights), rel=1e-11)
    assert model(x) == pytest.approx(np.array(context), rel=1e-11, abs=1e-12)
    later = ~np.tri(n, dtype=bool)
    assert (steps.weights[later] == 0).all()
    assert (steps.weights[~later] > 0).all()
    assert (steps.scaled_scores[later] == -np.inf).all()
    assert steps.weights.sum(axis=1) == pytest.approx(1, rel=1e-14)
    assert steps.scores == pytest.approx(np.einsum("ic,jc->ij", q, k), rel=1e-11, abs=1e-12), "scores as they are"


@given(sizes, sizes, st.integers(1, 3), st.integers(1, 4), seeds)
@settings(deadline=None)
def test_several_heads_are_loops_over_heads(n: int, d_in: int, d_k: int, n_heads: int, seed: int) -> None:
    """At any size and seed, each head's weights and the mixed output."""
    x, model = tokens(seed, n, d_in), MultiHeadAttention(d_in, n_heads * d_k, n_heads, seed)
    weights, out = heads_by_loops(model, x)
    heads = model.steps(x)
    assert len(heads) == n_heads
    for head, expected in zip(heads, weights, strict=True):
        assert isinstance(head, Attention)
        assert head.weights == pytest.approx(np.array(expected), rel=1e-11)
        assert head.weights.sum(axis=1) == pytest.approx(1, rel=1e-14)
    assert model(x) == pytest.approx(out, rel=1e-11, abs=1e-12)
    assert model(x).shape == (n, n_heads * d_k)


@given(st.integers(2, 6), st.data(), seeds)
@settings(deadline=None)
def test_a_later_token_changes_no_earlier_row(n: int, data: st.DataObject, seed: int) -> None:
    """Not by one bit, however large the change; its own row and, in attention that looks ahead, the first do change."""
    changed = data.draw(st.integers(1, n - 1))
    x = tokens(seed, n, 3)
    other = x.copy()
    other[changed] = 1e3 * other[changed] + 1
    for model in (CausalAttention(3, 4, seed), MultiHeadAttention(3, 4, 2, seed)):
        assert np.array_equal(model(x)[:changed], model(other)[:changed])
        assert not np.array_equal(model(x)[changed], model(other)[changed])
    ahead = SelfAttentionV2(3, 4, seed)
    assert not np.array_equal(ahead(x)[0], ahead(other)[0]), "the negative control"


@given(seeds)
@settings(deadline=None)
def test_the_first_token_sees_itself_alone(seed: int) -> None:
    """Its weight is exactly 1 and its context its own value; with heads, its values sent through the output layer."""
    x = tokens(seed, 4, 3)
    steps = CausalAttention(3, 2, seed).steps(x)
    assert steps.weights[0].tolist() == [1.0, 0.0, 0.0, 0.0]
    assert np.array_equal(steps.context[0], steps.values[0])
    model = MultiHeadAttention(3, 4, 2, seed)
    assert model(x)[0] == pytest.approx(model.w_out @ (model.w_value @ x[0]) + model.b_out, rel=1e-11, abs=1e-13)


@given(sizes, sizes, sizes, seeds)
@settings(deadline=None)
def test_one_head_without_the_mask_is_the_advanced_class(n: int, d_in: int, d_out: int, seed: int) -> None:
    """Same stream, same layers: only the mask and the output layer are new."""
    x, advanced = tokens(seed, n, d_in), SelfAttentionV2(d_in, d_out, seed)
    (head,) = MultiHeadAttention(d_in, d_out, 1, seed).steps(x)
    causal = CausalAttention(d_in, d_out, seed).steps(x)
    for name in ("queries", "keys", "values", "scores", "weights", "context"):
        assert np.array_equal(getattr(head, name), getattr(causal, name)), name
    unmasked = attend(head.queries, head.keys, head.values)
    for name, found in vars(advanced.steps(x)).items():
        assert np.array_equal(found, getattr(unmasked, name)), name
    assert np.array_equal(head.weights[-1], unmasked.weights[-1]), "the last token sees all there are"


@given(st.permutations(range(3)), seeds)
@settings(deadline=None)
def test_heads_in_another_order_give_the_same_sum(order: list[int], seed: int) -> None:
    """Heads change places with their rows of the layers; with their columns of the output layer nothing changes."""
    x, model = tokens(seed, 5, 4), MultiHeadAttention(4, 6, 3, seed)
    before, heads = model(x), model.steps(x)
    rows = np.arange(6).reshape(3, 2)[order].ravel()
    for name in ("w_query", "w_key", "w_value"):
        setattr(model, name, getattr(model, name)[rows])
    for place, head in enumerate(model.steps(x)):
        assert head.weights == pytest.approx(heads[order[place]].weights, rel=1e-12)
    if list(order) != sorted(order):
        assert model(x) != pytest.approx(before, rel=1e-11, abs=1e-13), "the output layer must follow"
    model.w_out = model.w_out[:, rows]
    assert model(x) == pytest.approx(before, rel=1e-11, abs=1e-13)


def test_the_layers_are_drawn_in_torchs_order() -> None:
    """Query, key, value, then the output layer's weight and its bias, whatever the number of heads."""
    stream, models = TorchRandom(9), [MultiHeadAttention(3, 4, n_heads, 9) for n_heads in (1, 2, 4)]
    for name in ("w_query", "w_key", "w_value"):
        weight = stream.linear_weight(3, 4)
        assert all(np.array_equal(getattr(model, name), weight) for model in models), name
    w_out, b_out = stream.linear_weight(4, 4), stream.linear_bias(4, 4)
    assert all(np.array_equal(model.w_out, w_out) and np.array_equal(model.b_out, b_out) for model in models)


@pytest.mark.parametrize("size", [0, -2, 2.0, True, None, "3"])
def test_odd_sizes_are_refused(size: Any) -> None:
    """Every size is a whole number from 1, and the class is named."""
    message = f"must be a whole number from 1; received {size!r}$"
    for name in ("d_in", "d_out"):
        with pytest.raises(ValueError, match=f"^CausalAttention: {name} {message}"):
            CausalAttention(**({"d_in": 3, "d_out": 2, "seed": 1} | {name: size}))
    for name in ("d_in", "d_out", "n_heads"):
        with pytest.raises(ValueError, match=f"^MultiHeadAttention: {name} {message}"):
            MultiHeadAttention(**({"d_in": 3, "d_out": 2, "n_heads": 1, "seed": 1} | {name: size}))


def test_heads_that_do_not_divide_the_dimension_are_refused() -> None:
    """Each head needs the same whole d_k."""
    with pytest.raises(ValueError, match=r"^MultiHeadAttention: n_heads must divide d_out = 6; received 4$"):
        MultiHeadAttention(3, 6, 4, 1)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, 2.0]], r"x must be \(n_tokens, 3\); received shape \(1, 2\)"),
        ([1.0, 2.0, 3.0], r"x must be a matrix with at least one row and column; received shape \(3,\)"),
        ([[1.0, 2.0, np.nan]], "x must be finite real numbers; received nan in"),
        ([[1.7e308] * 3] * 2, r"x must hold numbers up to ±1e\+100; received one of size 1\.7e\+308$"),
    ],
)
def test_odd_tokens_are_refused(x: Any, message: str) -> None:
    """By the call and by its steps, with the class's name."""
    for model in (CausalAttention(3, 2, 1), MultiHeadAttention(3, 2, 2, 1)):
        for call in (model, model.steps):
            with pytest.raises(ValueError, match=f"^{type(model).__name__}: {message}"):
                call(x)
