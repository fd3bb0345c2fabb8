"""Score scalings against their definitions."""

import re
from typing import Any

import numpy as np
import pytest

from judge import disagreements
from scaling import RAW, SCALED, PowerRule
from scaling.rules import FactorRule, ModelRule, NormalisedRule, ScoreRule, SplitRule, TemperatureRule


def test_raw_and_scaled_by_hand() -> None:
    """Raw leaves scores alone; scaled divides by √d_k."""
    scores = np.array([8.0, -4.0])
    assert RAW(scores, 16).tolist() == [8.0, -4.0]
    assert SCALED(scores, 16).tolist() == [2.0, -1.0]


@pytest.mark.parametrize("alpha", [0.0, 0.25, 0.45, 0.5, 1.0])
def test_variance_follows_the_exponent(alpha: float) -> None:
    """Var(score) = d_k · c² = d_k^(1 - 2 alpha)."""
    rule = PowerRule("power", alpha)
    assert rule.variance(64) == pytest.approx(64 * rule.factor(64) ** 2)


def test_one_half_is_the_only_exponent_that_keeps_the_variance() -> None:
    """At d_k > 1 every other power leaves a variance other than 1."""
    kept = [alpha for alpha in np.linspace(0, 1, 101) if PowerRule("power", alpha).variance(256) == pytest.approx(1)]
    assert kept == [0.5]


@pytest.mark.parametrize("d_k", [0, -4, 2.0, True, None, "4"])
def test_an_impossible_d_k_is_refused(d_k: Any) -> None:
    """Vectors have a whole number of entries, at least one."""
    for name in ("factor", "variance"):
        with pytest.raises(ValueError, match=rf"^PowerRule\.{name}: d_k must be a whole number .*; received {d_k!r}$"):
            getattr(SCALED, name)(d_k)
    with pytest.raises(ValueError, match=r"^PowerRule\.factor: d_k must be"):
        SCALED(np.ones(2), d_k)


@pytest.mark.parametrize("alpha", [np.nan, np.inf, 9, None, "a"])
def test_an_impossible_exponent_is_refused(alpha: Any) -> None:
    """An exponent is a number, small enough for every factor to be a float."""
    with pytest.raises(ValueError, match=f"^PowerRule: alpha must be a number from -8 to 8; received {alpha!r}$"):
        PowerRule("odd", alpha)


def test_rules_by_hand() -> None:
    """Each rule on one query (1, 2, 2, 4) and two keys, worked out on paper; |q| = 5."""
    q = np.array([[1.0, 2.0, 2.0, 4.0]])
    k = np.array([[2.0, 0.0, 4.0, 4.0], [0.0, 3.0, 0.0, 0.0]])  # q·k = 26 and 6, |k| = 6 and 3
    expected = {
        RAW: [26, 6],
        SCALED: [13, 3],
        PowerRule("inverse", 1.0): [6.5, 1.5],
        ModelRule("model", 4): [6.5, 1.5],
        TemperatureRule("cold", 0.5): [26, 6],
        SplitRule("split"): [13, 3],
        NormalisedRule("normalised"): [2 * 26 / 30, 2 * 6 / 15],
        NormalisedRule("normalised", gain=15.0): [13, 6],
    }
    for rule, scores in expected.items():
        assert rule.scores(q, k) == pytest.approx(np.array([scores]), rel=1e-14), rule


def test_a_split_multiplies_both_sides_before_their_product() -> None:
    """d_k^(-1/4) on q and as much on k, to the last bit; where q·k alone passes the largest float, scores are finite.

    The scaled rule, which forms q·k first, is the negative control of both.
    """
    rng, split = np.random.default_rng(1), SplitRule("split")
    q, k = rng.standard_normal((3, 6)), rng.standard_normal((4, 6))
    expected = (6**-0.25 * q) @ (6**-0.25 * k).T
    assert np.array_equal(split.scores(q, k), expected)
    assert not np.array_equal(SCALED.scores(q, k), expected)
    huge = np.full((1, 2**12), 1e153)  # q·k = 4.1e309, scores of 6.4e307
    assert split.scores(huge, huge) == pytest.approx(6.4e307, rel=1e-2)
    with pytest.raises(ValueError, match=r"^PowerRule.scores: products of q and k must not pass the"):
        SCALED.scores(huge, huge)


FACTORS = (RAW, SCALED, ModelRule("model", 8), TemperatureRule("hot", 2.0), SplitRule("split"))
EVERY_RULE = (*FACTORS, NormalisedRule("normalised"), NormalisedRule("normalised", 3.0))


@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_scores_are_one_number_for_each_query_and_key(rule: ScoreRule) -> None:
    """Stacks of tiles, or a single one: row i, column j belongs to query i and key j."""
    rng = np.random.default_rng(1)
    q, k = rng.standard_normal((2, 3, 8)), rng.standard_normal((2, 5, 8))
    scores = rule.scores(q, k)
    assert scores.shape == (2, 3, 5)
    assert scores[1, 2, 4] == pytest.approx(rule.scores(q[1, 2:3], k[1, 4:])[0, 0], rel=1e-12)


@pytest.mark.parametrize("rule", FACTORS, ids=repr)
def test_a_factor_says_what_the_scores_are(rule: FactorRule) -> None:
    """scores = c q·k, through either door, and Var = d_k c² for independent entries of variance 1."""
    rng = np.random.default_rng(2)
    q, k = rng.standard_normal((4, 16)), rng.standard_normal((6, 16))
    assert rule.scores(q, k) == pytest.approx(rule.factor(16) * (q @ k.T), rel=1e-12)
    assert rule(q @ k.T, 16) == pytest.approx(rule.scores(q, k), rel=1e-12)
    assert rule.variance(16) == pytest.approx(16 * rule.factor(16) ** 2)


def test_variances_of_the_further_rules() -> None:
    """1/n_heads, 1/T², and 1 for the split."""
    assert ModelRule("model", 8).variance(64) == pytest.approx(1 / 8)
    assert TemperatureRule("cold", 0.5).variance(64) == pytest.approx(4)
    assert SplitRule("split").variance(64) == pytest.approx(1)


@pytest.mark.parametrize("size", [1.0, 3.0])
@pytest.mark.parametrize("d_k", [1, 2, 5, 64])
def test_normalised_scores_have_variance_one_whatever_the_entries_size(d_k: int, size: float) -> None:
    """g² E[cos²] = 1 at g = √d_k, over 64 blocks, at the judge's level; and no score passes the gain."""
    rng = np.random.default_rng(3)
    q, k = size * rng.standard_normal((64, 40, d_k)), size * rng.standard_normal((64, 40, d_k))
    scores = NormalisedRule("normalised").scores(q, k)
    assert np.abs(scores).max() <= d_k**0.5 * (1 + 1e-12)
    assert disagreements(np.square(scores).mean(axis=(1, 2)), 1.0) == []


def test_a_vector_of_no_length_has_no_direction() -> None:
    """Its scores are 0, not nan."""
    assert NormalisedRule("normalised").scores(np.zeros((1, 4)), np.ones((2, 4))).tolist() == [[0.0, 0.0]]


@pytest.mark.parametrize(
    ("entry", "dtype"),
    [(1e200, float), (1.7e308, float), (1e-200, float), (5e-324, float), (1e25, np.float32), (300, np.float16)],
)
def test_a_cosine_knows_no_size(entry: float, dtype: Any) -> None:
    """(x, x) and (x, 0) are 45° apart at any x that its type can hold: g cos = √2 · √½ = 1, and √2 with itself."""
    q, k = np.full((1, 2), entry, dtype), np.array([[entry, entry], [entry, 0]], dtype)
    assert NormalisedRule("normalised").scores(q, k) == pytest.approx(np.array([[2**0.5, 1.0]]), rel=1e-14)
    assert NormalisedRule("normalised").scores(q, -k) == pytest.approx(np.array([[-(2**0.5), -1.0]]), rel=1e-14)


@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
def test_scores_are_floats_whatever_comes_in(rule: ScoreRule) -> None:
    """100 · 100 wraps around in int8, and 300² is inf in float16; lists will do as well."""
    for entry, dtype in ((100, np.int8), (300, np.float16)):
        vectors = np.full((2, 3), entry, dtype)
        expected = rule.scores(vectors.astype(float), vectors.astype(float))
        assert np.isfinite(expected).all()
        for given in (vectors, vectors.tolist()):
            assert rule.scores(given, given) == pytest.approx(expected, rel=1e-14)
    assert RAW.scores(np.full((1, 1), 100, np.int8), [[100]]).tolist() == [[10_000.0]]


@pytest.mark.parametrize("rule", EVERY_RULE, ids=repr)
@pytest.mark.parametrize(
    ("q", "k", "message"),
    [
        (np.ones((2, 3)), np.ones(3), r"d_k from 1; received shapes \(2, 3\) and \(3,\)"),
        (np.ones(3), np.ones((2, 3)), r"d_k from 1; received shapes \(3,\) and \(2, 3\)"),
        (np.ones((2, 3)), np.ones((2, 4)), r"d_k from 1; received shapes \(2, 3\) and \(2, 4\)"),
        (np.ones((2, 0)), np.ones((2, 0)), r"d_k from 1; received shapes \(2, 0\) and \(2, 0\)"),
        (np.ones((2, 4, 3)), np.ones((5, 4, 3)), r"d_k from 1; received shapes \(2, 4, 3\) and \(5, 4, 3\)"),
        ([[np.nan]], [[1.0]], "q must be finite real numbers; received nan in"),
        ([[1.0]], [[np.inf]], "k must be finite real numbers; received inf in"),
        (np.ma.masked_equal([[1.0, 2.0]], 2.0), [[1.0, 2.0]], "q must be finite real numbers without a mask; received"),
        ([[1.0]], [["1"]], r"k must be finite real numbers without a mask; received \[\['1'\]\]"),
        ([[True]], [[1.0]], r"q must be finite real numbers without a mask; received \[\[True\]\]"),
    ],
)
def test_vectors_that_have_no_scores_are_refused(rule: ScoreRule, q: Any, k: Any, message: str) -> None:
    """By every rule, in one line that begins with its name."""
    with pytest.raises(ValueError, match=rf"^{type(rule).__name__}\.scores: .*{message}") as caught:
        rule.scores(q, k)
    assert "\n" not in str(caught.value)


def test_one_set_of_keys_serves_a_stack_of_queries() -> None:
    """As in NumPy's products, a stack pairs up with a single matrix or a stack of one."""
    q, k = np.arange(24.0).reshape(4, 2, 3), np.arange(15.0).reshape(5, 3)
    for keys in (k, k[None]):
        assert np.array_equal(RAW.scores(q, keys), q @ k.T)


SHAPES = [(), (1,), (2,), (3,), (2, 3), (3, 2), (2, 1), (1, 3), (4, 2, 3), (4, 1, 3), (5, 2, 3), (4, 2, 1), (4, 5, 3)]


@pytest.mark.parametrize("first", SHAPES)
def test_stacks_pair_up_where_numpys_do(first: tuple[int, ...]) -> None:
    """Every stack with every other one: scores where NumPy would broadcast them, else one line that says why not."""
    for second in SHAPES:
        q, k = np.ones((*first, 2, 3)), np.ones((*second, 4, 3))
        try:
            shape = np.broadcast_shapes(first, second)
        except ValueError:
            with pytest.raises(ValueError, match=r"^PowerRule\.scores: .*received shapes"):
                RAW.scores(q, k)
        else:
            assert RAW.scores(q, k).shape == (*shape, 2, 4)


def test_small_types_of_settings_do_not_round() -> None:
    """A dimension or a temperature that NumPy keeps in a few bits counts as the number that it is."""
    d_k: Any = np.int8(100)
    assert SCALED.variance(d_k) == 1
    assert ModelRule("model", 3).variance(d_k) == ModelRule("model", 3).variance(100)
    half: Any = np.float16(0.5)
    assert TemperatureRule("cold", half).factor(3) == TemperatureRule("cold", 0.5).factor(3)
    assert type(TemperatureRule("cold", half).variance(d_k)) is float
    vectors = np.array([[0.1, 0.7]])
    assert NormalisedRule("half", half).scores(vectors, vectors) == pytest.approx(0.5, rel=1e-14)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: PowerRule("p", -8).variance(2**62),
            "PowerRule.variance: d_k^(1 - 2 alpha) must not pass the largest float; "
            "received d_k = 4611686018427387904 and alpha = -8",
        ),
        (lambda: PowerRule("p", np.int8(-128)), "PowerRule: alpha must be a number from -8 to 8; received"),
        (lambda: ModelRule("m", 0), "ModelRule: n_heads must be a whole number from 1 to 2^62; received 0"),
        (lambda: ModelRule("m", 2.0), "ModelRule: n_heads must be a whole number from 1 to 2^62; received 2.0"),
        (lambda: TemperatureRule("t", 0), "TemperatureRule: temperature must be a number from 1e-6 to 1e6; received 0"),
        (lambda: TemperatureRule("t", np.nan), "TemperatureRule: temperature must be .*; received nan"),
        (
            lambda: NormalisedRule("n", -1),
            "NormalisedRule: gain must be None or a number .*; received -1",
        ),
        (lambda: SplitRule("s").factor(0), "SplitRule.factor: d_k must be a whole number from 1 to 2^62; received 0"),
        (lambda: ModelRule("m", 2).factor(-1), "ModelRule.factor: d_k must be a whole number .*; received -1"),
        (lambda: TemperatureRule("t", 2).factor(1.5), "TemperatureRule.factor: d_k must be .*; received 1.5"),
    ],
)
def test_impossible_rules_are_refused(make: Any, message: str) -> None:
    """In one line that names the setting, what was received and what is allowed."""
    with pytest.raises(ValueError, match="^" + re.sub(r"([()^])", r"\\\1", message)):
        make()
