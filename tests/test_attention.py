"""The lecture's attention: against loops over tokens, its invariances, its ends, and faults in one line."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scaling import Attention, SelfAttentionV1, SelfAttentionV2, TorchRandom, attend, simplified_attention

Rows = list[list[float]]
Model = type[SelfAttentionV1] | type[SelfAttentionV2]
MODELS: tuple[Model, ...] = (SelfAttentionV1, SelfAttentionV2)
both_models = pytest.mark.parametrize("model", MODELS)
sizes = st.integers(1, 7)
scales = st.one_of(st.none(), st.floats(-3, 3))
seeds = st.integers(0, 2**32 - 1)


def by_loops(q: np.ndarray, k: np.ndarray, v: np.ndarray, scale: float | None = None) -> tuple[Rows, Rows]:
    """Weights and context: one token after the other, in plain Python, with no trick in the softmax."""
    weights, context = [], []
    for query in q.tolist():
        powers = []
        for key in k.tolist():
            score = sum(a * b for a, b in zip(query, key, strict=True))
            powers.append(math.exp(score / math.sqrt(len(query)) if scale is None else score * scale))
        weights.append([power / sum(powers) for power in powers])
        context.append(
            [sum(p * value for p, value in zip(weights[-1], column, strict=True)) for column in v.T.tolist()]
        )
    return weights, context


def matrices(seed: int, *shapes: tuple[int, int]) -> list[np.ndarray]:
    """Normal matrices of these shapes."""
    rng = np.random.default_rng(seed)
    return [rng.standard_normal(shape) for shape in shapes]


def is_attention(compute: Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[Any, Any]]) -> bool:
    """The judge: whether weights and context of 20 random heads are those of the loops."""
    for seed in range(20):
        q, k, v = matrices(seed, (5, 3), (4, 3), (4, 2))
        for found, expected in zip(compute(q, k, v), by_loops(q, k, v), strict=True):
            if np.shape(found) != np.shape(expected) or not np.allclose(found, expected, rtol=1e-12, atol=1e-14):
                return False
    return True


def softmax(scores: np.ndarray, axis: int) -> np.ndarray:
    """By its definition."""
    return np.exp(scores) / np.exp(scores).sum(axis=axis, keepdims=True)


def ours(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weights and context as the project computes them."""
    steps = attend(q, k, v)
    return steps.weights, steps.context


def formula(power: float, axis: int) -> Callable[[np.ndarray, np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]:
    """softmax(QKᵀ/d_k^power) V in NumPy, along that axis."""

    def compute(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights = softmax(q @ k.T / q.shape[1] ** power, axis)
        return weights, weights @ v

    return compute


def test_is_the_formula() -> None:
    """softmax(QKᵀ/√d_k) V, as loops over tokens say it."""
    assert is_attention(ours)
    assert is_attention(formula(0.5, axis=1))


@pytest.mark.parametrize(("power", "axis"), [(0.5, 0), (0.0, 1), (1.0, 1), (0.25, 1), (0.51, 1)])
def test_a_wrong_formula_is_refused(power: float, axis: int) -> None:
    """The negative control: a softmax over queries, no division, or one by another power of d_k."""
    assert not is_attention(formula(power, axis))


@given(sizes, sizes, sizes, sizes, scales, seeds)
@settings(deadline=None)
def test_any_shape_and_scale(n_queries: int, n_keys: int, d_k: int, d_v: int, scale: float | None, seed: int) -> None:
    """Every step is the one before it under its own definition, whatever the shapes; one token and d_k = 1 included."""
    q, k, v = matrices(seed, (n_queries, d_k), (n_keys, d_k), (n_keys, d_v))
    steps = attend(q, k, v, scale)
    weights, context = by_loops(q, k, v, scale)
    assert steps.scores == pytest.approx(np.einsum("ic,jc->ij", q, k), rel=1e-12, abs=1e-12)
    assert steps.scaled_scores == pytest.approx(steps.scores * (d_k**-0.5 if scale is None else scale), rel=1e-14)
    assert steps.weights == pytest.approx(np.array(weights), rel=1e-11)
    assert steps.context == pytest.approx(np.array(context), rel=1e-11, abs=1e-12)
    assert np.array_equal(steps.queries, q)
    assert np.array_equal(steps.keys, k)
    assert np.array_equal(steps.values, v)
    assert (steps.weights > 0).all()
    assert steps.weights.sum(axis=1) == pytest.approx(1, rel=1e-14)


@both_models
@given(n=sizes, d_in=sizes, d_out=sizes, seed=st.integers(-(2**63), 2**64 - 1))
@settings(deadline=None)
def test_both_classes_at_any_size_and_seed(model: Model, n: int, d_in: int, d_out: int, seed: int) -> None:
    """Tokens times the stream's three matrices, then the loops: raw (d_in, d_out), or a layer's (d_out, d_in)."""
    (x,) = matrices(seed % 2**32, (n, d_in))
    stream = TorchRandom(seed)
    if model is SelfAttentionV1:
        q, k, v = (np.einsum("ic,cd->id", x, stream.rand((d_in, d_out))) for _ in range(3))
    else:
        q, k, v = (np.einsum("ic,dc->id", x, stream.linear_weight(d_in, d_out)) for _ in range(3))
    attention = model(d_in, d_out, seed)
    weights, context = by_loops(q, k, v)
    assert attention.steps(x).weights == pytest.approx(np.array(weights), rel=1e-11)
    assert attention(x) == pytest.approx(np.array(context), rel=1e-11, abs=1e-12)
    assert attention(x).shape == (n, d_out)


def test_without_weights_tokens_are_their_own_queries_keys_and_values() -> None:
    """The simplified attention is the loops at scale 1."""
    (x,) = matrices(3, (6, 3))
    steps = simplified_attention(x)
    weights, context = by_loops(x, x, x, scale=1.0)
    assert steps.weights == pytest.approx(np.array(weights), rel=1e-12)
    assert steps.context == pytest.approx(np.array(context), rel=1e-12)


@given(st.floats(-500, 500), seeds)
@settings(deadline=None)
def test_a_constant_added_to_a_row_of_scores_changes_nothing(shift: float, seed: int) -> None:
    """A key's extra entry, the same for all keys, adds one number to all scores of a query."""
    q, k, v = matrices(seed, (4, 3), (5, 3), (5, 2))
    extra = shift * np.arange(1, 5)[:, None]
    moved = attend(np.hstack([q, extra]), np.hstack([k, np.ones((5, 1))]), v, scale=0.5)
    plain = attend(q, k, v, scale=0.5)
    assert moved.scores - plain.scores == pytest.approx(np.tile(extra, 5), rel=1e-9, abs=1e-9)
    assert moved.weights == pytest.approx(plain.weights, rel=1e-9)
    assert moved.context == pytest.approx(plain.context, rel=1e-9, abs=1e-10)


@both_models
@given(order=st.permutations(range(6)), seed=seeds)
@settings(deadline=None)
def test_tokens_in_another_order_have_their_contexts_in_that_order(model: Model, order: list[int], seed: int) -> None:
    """Attention knows no positions: permuted tokens, permuted rows."""
    (x,) = matrices(seed, (6, 3))
    attention = model(3, 2, seed)
    assert attention(x[order]) == pytest.approx(attention(x)[order], rel=1e-11, abs=1e-13)


@given(st.permutations(range(6)), seeds)
@settings(deadline=None)
def test_keys_in_another_order_change_nothing_if_their_values_follow(order: list[int], seed: int) -> None:
    """A context is a sum over keys; the weights move with their keys, and values left behind would be noticed."""
    q, k, v = matrices(seed, (4, 3), (6, 3), (6, 2))
    plain, moved = attend(q, k, v), attend(q, k[order], v[order])
    assert moved.weights == pytest.approx(plain.weights[:, order], rel=1e-12)
    assert moved.context == pytest.approx(plain.context, rel=1e-11, abs=1e-13)
    if list(order) != sorted(order):
        assert attend(q, k[order], v).context != pytest.approx(plain.context, rel=1e-11, abs=1e-13)


def test_a_query_orthogonal_to_all_keys_takes_the_mean_of_the_values() -> None:
    """Equal scores are equal weights, at any scale and for a scale of 0 with any query."""
    _, k, v = matrices(1, (1, 2), (5, 2), (5, 3))
    k = np.hstack([k, np.zeros((5, 1))])
    for steps in (attend([[0, 0, 7.0]], k, v), attend([[0, 0, 7.0]], k, v, scale=40.0), attend(k[:1], k, v, scale=0)):
        assert steps.weights[0] == pytest.approx([0.2] * 5, rel=1e-15)
        assert steps.context[0] == pytest.approx(v.mean(axis=0), rel=1e-14)


def test_one_key_has_all_the_weight() -> None:
    """Whatever its score, the context is its value, exactly."""
    steps = attend([[3.0], [-1e300]], [[2.0]], [[0.1, 0.2]])
    assert steps.weights.tolist() == [[1.0], [1.0]]
    assert steps.context.tolist() == [[0.1, 0.2]] * 2


def test_huge_scores_stay_finite() -> None:
    """Differences of millions, or beyond the largest float, give one key everything; ties share."""
    values = [[1.0], [2.0], [4.0]]
    for size in (1e6, 1e150, 1e308):
        steps = attend([[size]], [[1.0], [-1.0], [0.0]], values)
        assert steps.weights.tolist() == [[1.0, 0.0, 0.0]]
        assert attend([[size]], [[1.0], [1.0], [-1.0]], values).context.tolist() == [[1.5]]


def test_the_largest_values_and_tokens_are_averaged_without_overflow() -> None:
    """Half the largest float under 50 rows of weights, which sum to 1 but for rounding; and tokens of size 1e100."""
    (q,), largest = matrices(4, (50, 2)), np.finfo(float).max / 2
    context = attend(q, np.repeat(q[:1], 7, axis=0) + q[:7], np.full((7, 1), largest)).context
    assert context == pytest.approx(np.full((50, 1), largest), rel=1e-14)
    for model in MODELS:
        assert np.isfinite(model(3, 2, seed=1)(1e100 * np.array([[1.0, -1.0, 1.0], [1.0, 1.0, 1.0]]))).all()


def test_the_default_scale_is_that_of_the_keys_dimension() -> None:
    """1/√d_k to the last bit where it is a power of two; neither d_v nor the number of keys has a say."""
    for d_v, n_keys in ((1, 3), (5, 8)):
        q, k, v = matrices(2, (2, 16), (n_keys, 16), (n_keys, d_v))
        assert np.array_equal(attend(q, k, v).weights, attend(q, k, v, scale=0.25).weights)


ONE: list[list[float]] = [[1.0]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.0, 2.0]], ONE, ONE), r"queries \(n_queries, d_k\), .* received shapes \(1, 2\), \(1, 1\) and \(1, 1\)"),
        ((ONE, ONE, [[1.0], [2.0]]), r"received shapes \(1, 1\), \(1, 1\) and \(2, 1\)"),
        (([1.0], ONE, ONE), r"queries must be a matrix with at least one row and column; received shape \(1,\)"),
        ((ONE, [[]], ONE), r"keys must be a matrix with at least one row and column; received shape \(1, 0\)"),
        ((ONE, ONE, [[[1.0]]]), r"values must be a matrix with .*; received shape \(1, 1, 1\)"),
        (([[np.nan]], ONE, ONE), "queries must be finite real numbers; received nan in"),
        ((ONE, [[1j]], ONE), r"keys must be finite real numbers without a mask; received \[\[1j\]\]"),
        ((ONE, ONE, [["a"]]), r"values must be finite real numbers without a mask; received \[\['a'\]\]"),
        ((ONE, ONE, ONE, np.inf), "scale must be a finite number; received inf"),
        ((ONE, ONE, ONE, True), "scale must be a finite number; received True"),
        ((ONE, ONE, ONE, "1"), "scale must be a finite number; received '1'"),
        ((ONE, ONE, ONE, None, "no"), "causal must be True or False; received 'no'"),
        ((ONE, ONE, ONE, None, 1), "causal must be True or False; received 1"),
        (
            (ONE, ONE, ONE, None, np.array([True, False])),
            r"causal must be True or False; received array\(\[ True, False",
        ),
        ((ONE, ONE, [[1.7e308]]), r"values must not pass half the largest float; received values up to 1\.7e\+308"),
        (([[1e200]], [[-1e200]], ONE), r"scores .* largest float; received queries up to 1e\+200 and keys up to 1e\+2"),
        (([[1e200, 1e200]], [[1e200, -1e200]], ONE), "scores must not pass the largest float"),
        (([[4.0]], [[2.0]], ONE, 1e308), "scores must not pass the largest float; received queries up to 4 and keys"),
        (
            (ONE, [[1.0], [2.0]], [[1.0], [2.0]], None, True),
            r"queries \(n_keys, d_k\), keys \(n_keys, d_k\) and .* are",
        ),
    ],
)
def test_odd_input_of_attend_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    """One line that names what is wrong, and no warning beside it."""
    with pytest.raises(ValueError, match=f"^attend: .*{message}") as caught:
        attend(*arguments)
    assert "\n" not in str(caught.value)


@both_models
@pytest.mark.parametrize("size", [0, -2, 2.0, True, None, "3"])
def test_odd_sizes_are_refused(model: Model, size: Any) -> None:
    """Both dimensions are whole numbers from 1, and the class is named."""
    for name, arguments in (("d_in", (size, 2, 1)), ("d_out", (3, size, 1))):
        with pytest.raises(
            ValueError, match=f"^{model.__name__}: {name} must be a whole number from 1; received {size!r}$"
        ):
            model(*arguments)
    with pytest.raises(ValueError, match=r"^TorchRandom: seed must be"):
        model(3, 2, seed=0.5)  # type: ignore[arg-type]


@both_models
@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1.0, 2.0]], r"x must be \(n_tokens, 3\); received shape \(1, 2\)"),
        ([1.0, 2.0, 3.0], r"x must be a matrix with at least one row and column; received shape \(3,\)"),
        ([[1.0, 2.0, np.inf]], "x must be finite real numbers; received inf in"),
        (None, "x must be finite real numbers without a mask; received None"),
        ([[1.7e308] * 3] * 2, r"x must hold numbers up to ±1e\+100; received one of size 1\.7e\+308$"),
        ([[0.0, 0.0, -1.1e100]], r"x must hold numbers up to ±1e\+100; received one of size 1\.1e\+100$"),
    ],
)
def test_odd_tokens_are_refused(model: Model, x: Any, message: str) -> None:
    """By the call and by its steps, with the class's name."""
    attention = model(3, 2, seed=123)
    for call in (attention, attention.steps):
        with pytest.raises(ValueError, match=f"^{model.__name__}: {message}"):
            call(x)


def test_a_scale_of_any_type_is_the_number_that_it_is() -> None:
    """Steps stay float64 under a long double, and a negative int8 has no absolute value of its own."""
    plain = attend([[2.0]], [[3.0], [4.0]], [[1.0], [2.0]], scale=-128.0)
    for scale in (np.longdouble(-128), np.int8(-128), np.float16(-128)):
        steps = attend([[2.0]], [[3.0], [4.0]], [[1.0], [2.0]], scale=scale)  # type: ignore[arg-type]
        for name, found in vars(steps).items():
            assert found.dtype == np.float64, name
            assert np.array_equal(found, getattr(plain, name)), name


def test_the_record_keeps_what_was_computed() -> None:
    """No matrix shares memory with the caller's tokens, which may change afterwards, or with another matrix."""
    x = np.array([[1.0, 2.0], [3.0, 4.0]])
    for steps in (simplified_attention(x), attend(x, x, x)):
        matrices = list(vars(steps).values())
        assert not any(np.shares_memory(x, matrix) for matrix in matrices)
        assert not any(np.shares_memory(a, b) for i, a in enumerate(matrices) for b in matrices[:i])


def test_steps_are_a_record() -> None:
    """Every matrix has a name, in the order of the computation, and none can be set anew."""
    steps = attend(ONE, ONE, ONE)
    assert list(vars(steps)) == ["queries", "keys", "values", "scores", "scaled_scores", "weights", "context"]
    assert isinstance(steps, Attention)
    with pytest.raises(AttributeError):
        steps.scores = steps.weights  # type: ignore[misc]
