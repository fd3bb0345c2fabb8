"""Rules of scaling that are more than a power of d_k: each against its definition, and what a softmax cannot see."""

import math
import re
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy import integrate, special

from judge import disagreements
from scaling import RAW, SCALED, PowerRule, attention_law, dot_product_law
from scaling.length_rules import LengthRule, LogRule, ScalableRule, YarnRule
from scaling.normalised_rules import LayerNormRule, QKNormRule
from scaling.rule_names import SCORE_RULES, score_rule
from scaling.rules import LinearRule, ModelRule, NormalisedRule, ProductRule, ScoreRule, SplitRule, TemperatureRule
from scaling.shape_rules import ShiftedRule, SigmoidRule, SoftCapRule

Q = np.array([[1.0, 2.0, 2.0, 4.0]])
K = np.array([[2.0, 0.0, 4.0, 4.0], [0.0, 3.0, 0.0, 0.0]])  # q·k = 26 and 6, scaled 13 and 3; |q| = 5, |k| = 6 and 3


def test_rules_by_hand() -> None:
    """Each rule on one query and two keys at d_k = 4, worked out on paper; ln 2 = 0.6931..., over two keys."""
    ln2 = math.log(2)
    expected = {
        LogRule("log-n", 4): [6.5, 1.5],  # log₄ 2 = 1/2
        LogRule("root", 16, 0.5): [6.5, 1.5],  # (log₁₆ 2)^(1/2) = 1/2
        LogRule("squared", 4, 2): [3.25, 0.75],
        ScalableRule("scalable", 0.5): [6.5 * ln2, 1.5 * ln2],
        YarnRule("yarn", 2): [13, 3],  # no longer than trained
        YarnRule("longer", 1): [13 * (0.1 * ln2 + 1) ** 2, 3 * (0.1 * ln2 + 1) ** 2],
        QKNormRule("qk-norm", 2): [26 / 30, 6 / 15],  # log₂(4 - 2) = 1
        QKNormRule("longer", 8): [math.log2(56) * 26 / 30, math.log2(56) * 6 / 15],
        SoftCapRule("soft-cap", 13.0): [13 * math.tanh(1), 13 * math.tanh(3 / 13)],
        SigmoidRule("sigmoid"): [-math.log(1 + 2 * math.exp(-13)), -math.log(1 + 2 * math.exp(-3))],
        SigmoidRule("biased", 1.0): [-math.log(1 + math.exp(-14)), -math.log(1 + math.exp(-4))],
        ShiftedRule("shifted", 2.0): [13 - 2 * ln2, 3 - 2 * ln2],
    }
    for rule, scores in expected.items():
        assert rule.scores(Q, K) == pytest.approx(np.array([scores]), rel=1e-12), rule


def test_layer_norm_by_hand() -> None:
    """(1, 3, 3, 1) has mean 2 and sd 1: (-1, 1, 1, -1). With (3, 9, 9, 3) - mean over sd, the same: 4/√4 = 2."""
    rule = LayerNormRule("layer-norm")
    q = np.array([[1.0, 3.0, 3.0, 1.0]])
    k = np.array([[3.0, 9.0, 9.0, 3.0], [5.0, 5.0, -5.0, -5.0], [7.0, 7.0, 7.0, 7.0]])
    assert rule.scores(q, k) == pytest.approx(np.array([[2.0, 0.0, 0.0]]), abs=1e-14)
    x, y = np.random.default_rng(1).normal(3, 2, (2, 5, 7))
    normed = [(v - v.mean(axis=1, keepdims=True)) / v.std(axis=1, keepdims=True) for v in (x, y)]
    assert rule.scores(x, y) == pytest.approx(normed[0] @ normed[1].T / 7**0.5, rel=1e-12)


@pytest.mark.parametrize("entry", [1e-200, 1e200, 0.1, -0.7])
def test_a_vector_of_equal_entries_is_nothing_to_layer_norm(entry: float) -> None:
    """Its scores are 0 to the last bit, whatever its size: a mean that rounds must not leave a direction."""
    for d_k in (2, 7, 1000):
        assert not LayerNormRule("n").scores(np.full((1, d_k), entry), np.arange(1.0, d_k + 1)[None]).any()
    same = np.full((1, 3), entry)
    assert LayerNormRule("n").scores(same, np.array([[1.0, 2.0, 4.0]])).tolist() == [[0.0]]
    assert LayerNormRule("n").scores([[5.0]], [[7.0]]).tolist() == [[0.0]]


def test_layer_norm_looks_at_each_vector_alone() -> None:
    """In a stack too, where one vector of equal entries is 0 and its neighbours are not."""
    vectors = np.random.default_rng(1).normal(size=(2, 3, 5))
    vectors[0, 1] = 4.0
    scores = LayerNormRule("n").scores(vectors, vectors)
    assert np.diagonal(scores, axis1=1, axis2=2) == pytest.approx(np.array([[5, 0, 5], [5, 5, 5]]) / 5**0.5, abs=1e-12)
    for tile, found in zip(vectors, scores, strict=True):
        assert found == pytest.approx(LayerNormRule("n").scores(tile, tile), abs=1e-14)


LENGTH_RULES = (LogRule("l", 512), LogRule("r", 512, 0.5), ScalableRule("s", 0.43), YarnRule("y", 16))
PRODUCT_RULES = (
    RAW, SCALED, PowerRule("p", 0.7), ModelRule("m", 8), TemperatureRule("t", 2.0), *LENGTH_RULES,
    SoftCapRule("c", 1.5), SigmoidRule("g"), ShiftedRule("d", 0.43),
)  # fmt: skip
VECTOR_RULES = (SplitRule("b"), NormalisedRule("n"), QKNormRule("q", 64), LayerNormRule("v"))


def draws(rng: np.random.Generator, n_keys: int = 40, d_k: int = 16) -> tuple[np.ndarray, np.ndarray]:
    """A few queries and many keys."""
    return rng.standard_normal((6, d_k)), rng.standard_normal((n_keys, d_k))


def weights(scores: np.ndarray) -> np.ndarray:
    """Softmax by its definition."""
    exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=-1, keepdims=True))


@pytest.mark.parametrize("rule", PRODUCT_RULES, ids=repr)
def test_a_rule_of_products_is_the_same_through_either_door(rule: ProductRule) -> None:
    """scores(q, k) is the rule on Q Kᵀ, row by row, in single precision as well."""
    q, k = draws(np.random.default_rng(2))
    scores = rule.scores(q, k)
    assert rule(q @ k.T, 16) == pytest.approx(scores, rel=1e-12)
    single = rule((q @ k.T).astype(np.float32), 16)
    assert single.dtype == np.float32
    assert single == pytest.approx(scores, rel=1e-4, abs=1e-5)
    (row,) = rule.scores(q[2:3], k)
    assert row == pytest.approx(scores[2], rel=1e-12)


@pytest.mark.parametrize("rule", PRODUCT_RULES, ids=repr)
def test_a_row_alone_and_a_stack_of_tiles_have_the_scores_of_a_tile(rule: ProductRule) -> None:
    """The number of keys is the last length of the dot products, whatever else they are counted by."""
    products = np.random.default_rng(3).standard_normal((2, 3, 40))
    for tile in range(2):
        for row in range(3):
            assert rule(products, 16)[tile, row] == pytest.approx(rule(products[tile, row], 16), rel=1e-14)
    assert rule(products[1], 16) == pytest.approx(rule(products, 16)[1], rel=1e-14)
    assert rule(products[0, 0], 16).shape == (40,)


@pytest.mark.parametrize("rule", PRODUCT_RULES, ids=repr)
def test_a_softmax_sees_differences_only(rule: ProductRule) -> None:
    """The same number on every score of a row changes no weight: softmax(scores + c) = softmax(scores)."""
    scores = rule.scores(*draws(np.random.default_rng(3)))
    assert weights(scores + 5.0) == pytest.approx(weights(scores), rel=1e-12)


@pytest.mark.parametrize("rule", [*PRODUCT_RULES, *VECTOR_RULES], ids=repr)
def test_the_same_vector_on_every_key_is_seen_by_rules_that_do_not_multiply(rule: ScoreRule) -> None:
    """q·(k + u) = q·k + q·u shifts a row: rules that multiply or shift leave its weights, all others do not."""
    q, k = draws(np.random.default_rng(4))
    moved = weights(rule.scores(q, k + np.linspace(0, 2, 16))) - weights(rule.scores(q, k))
    is_blind = isinstance(rule, LinearRule | ShiftedRule)
    assert (np.abs(moved).max() < 1e-12) == is_blind
    assert is_blind or np.abs(moved).max() > 1e-3


def test_subtracting_s_log_n_changes_nothing_and_n_to_the_s_z_does() -> None:
    """The weights of z - s ln n are those of z to a few roundings; n^(s z) over its sum are others, and s ln n · z."""
    q, k = draws(np.random.default_rng(5), n_keys=1000)
    z = SCALED.scores(q, k)
    plain, s = weights(z), 0.43
    assert weights(ShiftedRule("d", s).scores(q, k)) == pytest.approx(plain, rel=1e-14)
    powers = 1000.0 ** (s * z)
    scalable = powers / powers.sum(axis=1, keepdims=True)
    assert weights(ScalableRule("s", s).scores(q, k)) == pytest.approx(scalable, rel=1e-12)
    assert np.abs(scalable - plain).max() > 0.1


def test_a_sigmoid_is_the_softmax_of_its_logarithm_times_its_total() -> None:
    """Weights σ(z/√d - ln n) one by one; their sum is exp of the log-partition; adding to z changes their shares."""
    q, k = draws(np.random.default_rng(6))
    rule, z = SigmoidRule("g"), q @ k.T
    sigmoids = 1 / (1 + np.exp(-(z / 4 - math.log(40))))
    scores = rule.scores(q, k)
    assert np.exp(scores) == pytest.approx(sigmoids, rel=1e-12)
    assert np.exp(special.logsumexp(scores, axis=1)) == pytest.approx(sigmoids.sum(axis=1), rel=1e-12)
    shares = sigmoids / sigmoids.sum(axis=1, keepdims=True)
    assert weights(scores) == pytest.approx(shares, rel=1e-12)
    assert np.abs(weights(rule(z + 8.0, 16)) - shares).max() > 1e-3


@pytest.mark.parametrize(("d_k", "n_keys"), [(1, 16), (2, 3), (5, 300), (64, 4096)])
def test_a_sigmoids_total_weight_by_another_integral(d_k: int, n_keys: int) -> None:
    """n E[σ(z/√d - ln n)], z by its own density, the variance-gamma law, in place of a normal one given |q|."""
    law = dot_product_law(d_k)

    def integrand(x: float) -> float:
        density = float(law.pdf(d_k**0.5 * x)) * d_k**0.5
        return n_keys * density * float(special.expit(x - math.log(n_keys)) + special.expit(-x - math.log(n_keys)))

    pieces = (1e-12, 1e-3, 1.0, 8.0, 60.0)
    total = sum(integrate.quad(integrand, a, b, limit=200)[0] for a, b in pairwise(pieces))
    assert SigmoidRule("g").total(d_k, n_keys) == pytest.approx(total, rel=1e-6)


def test_a_sigmoids_total_weight_has_its_limits() -> None:
    """(1 - 1/d)^(-d/2) for many keys, √e for many dimensions; and it is what is drawn, at the judge's level."""
    assert SigmoidRule("g").total(4, 10**9) == pytest.approx((1 - 1 / 4) ** -2, rel=1e-4)
    assert SigmoidRule("g").total(10**5, 10**9) == pytest.approx(math.e**0.5, rel=1e-4)
    rng, rule = np.random.default_rng(7), SigmoidRule("g", -1.0)
    q, k = rng.standard_normal((64, 20, 8)), rng.standard_normal((64, 30, 8))
    totals = np.exp(rule.scores(q, k)).sum(axis=2).mean(axis=1)
    assert disagreements(totals, rule.total(8, 30)) == []
    assert disagreements(totals, SigmoidRule("g", -0.9).total(8, 30)) == [0]


def test_a_soft_cap_is_a_bound_and_small_scores_pass() -> None:
    """No score passes the cap, and cap · tanh(x/cap) = x - x³/(3 cap²) + ... for small ones."""
    q, k = draws(np.random.default_rng(8))
    capped = SoftCapRule("c", 2.0)(1e6 * (q @ k.T), 16)
    assert np.abs(capped).max() <= 2
    x = SCALED.scores(q, k)
    assert SoftCapRule("c", 50.0).scores(q, k) == pytest.approx(x - x**3 / 7500, abs=1e-4)
    assert np.abs(SoftCapRule("c", 50.0).scores(q, k) - x).max() > 1e-3


@pytest.mark.parametrize("rule", LENGTH_RULES, ids=repr)
def test_a_factor_from_n_has_the_exact_law_of_that_factor(rule: LengthRule) -> None:
    """scores = c q·k with c = m(n)/√d; the mean entropy over 64 blocks is that of c, and not that of 1/√d."""
    rng = np.random.default_rng(9)
    q, k = rng.standard_normal((64, 12, 8)), rng.standard_normal((64, 200, 8))
    factor = rule.multiplier(200) / 8**0.5
    assert rule.factor_at(8, 200) == pytest.approx(factor, rel=1e-14)
    p = weights(rule.scores(q, k))
    entropies = special.entr(p).sum(axis=2).mean(axis=1)
    assert disagreements(entropies, attention_law(8, 200, factor).entropy) == []
    assert disagreements(entropies, attention_law(8, 200, 1.4 * factor).entropy) == [0]


def test_multipliers_meet_where_they_are_said_to() -> None:
    """log n is 1 at its base, YaRN up to its length; s ln n is its namesake's log n at s = 1/ln(base)."""
    assert LogRule("l", 512).multiplier(512) == LogRule("l", 512, 0.5).multiplier(512) == 1
    assert [YarnRule("y", 256).multiplier(n) for n in (1, 255, 256)] == [1, 1, 1]
    assert YarnRule("y", 256).multiplier(2560) == pytest.approx((0.1 * math.log(10) + 1) ** 2)
    assert ScalableRule("s", 1 / math.log(512)).multiplier(77) == pytest.approx(LogRule("l", 512).multiplier(77))
    assert LogRule("l", 512).multiplier(1) == 0


def test_the_root_of_log_n_keeps_the_share_of_the_largest_entropy() -> None:
    """By the exact law, from 10⁴ keys to 10¹²; log n does not, and scaled scores keep the amount instead."""
    keys = (10**4, 10**12)

    def missing(rule: LinearRule) -> list[float]:
        return [math.log(n) - float(attention_law(10**4, n, rule.factor_at(10**4, n)).entropy) for n in keys]

    root, log, scaled = (missing(rule) for rule in (LogRule("r", 512, 0.5), LogRule("l", 512), SCALED))
    assert root[1] / root[0] == pytest.approx(3, rel=0.01)  # ln n is three times as large
    assert log[1] / log[0] == pytest.approx(9, rel=0.05)
    assert scaled[1] / scaled[0] == pytest.approx(1, rel=0.01)


def test_missing_entropy_goes_with_the_square_for_small_factors_and_with_the_factor_near_one() -> None:
    """What the page says of unit directions times √d: exponents 2 at 1/√d and 1 at 1, for many keys and d = 64.

    For many keys H = ln n + ln E[e^(λ d cos)] - λ d E[cos e^(λ d cos)]/E[e^(λ d cos)]: a one-dimensional integral.
    """
    d = 64

    def moment(power: int, factor: float) -> float:
        def integrand(t: float) -> float:
            return float(np.cos(t) ** power * np.exp(factor * d * (np.cos(t) - 1)) * np.sin(t) ** (d - 2))

        return float(integrate.quad(integrand, 0, np.pi, epsabs=0, epsrel=1e-10)[0])

    def missing(factor: float) -> float:
        mean = moment(1, factor) / moment(0, factor)
        return factor * d * (mean - 1) - math.log(moment(0, factor) / moment(0, 0.0))

    exponents = [math.log(missing(1.01 * c) / missing(c)) / math.log(1.01) for c in (d**-0.5, 1.0)]
    assert exponents == pytest.approx([2, 1], abs=0.15)
    assert missing(1.0) == pytest.approx(0.24 * d, rel=0.02)


@pytest.mark.parametrize("d_k", [2, 3, 16])
def test_variances_of_normalised_scores(d_k: int) -> None:
    """g₀²/d and d/(d - 1), over 64 blocks at the judge's level; a tenth more is told from it."""
    rng = np.random.default_rng(10)
    q, k = 3 * rng.standard_normal((64, 40, d_k)), rng.standard_normal((64, 40, d_k))
    for rule in (QKNormRule("q", 64), LayerNormRule("v"), NormalisedRule("n"), NormalisedRule("g", 5.0)):
        squares = np.square(rule.scores(q, k)).mean(axis=(1, 2))
        assert disagreements(squares, rule.variance(d_k)) == [], rule
        if d_k > 2 or not isinstance(rule, LayerNormRule):  # ±√2 there: its square does not vary
            assert disagreements(squares, 1.1 * rule.variance(d_k)) == [0], rule
    assert LayerNormRule("v").variance(1) == 0
    assert QKNormRule("q", 64).variance(d_k) == pytest.approx(math.log2(64**2 - 64) ** 2 / d_k)


LINES: dict[str, dict[str, Any]] = {
    "power": {"alpha": 0.75},
    "model": {"n_heads": 8},
    "temperature": {"temperature": 2.0},
    "split": {},
    "log-n": {"length": 512, "power": 0.5},
    "scalable": {"s": 0.43},
    "yarn": {"length": 256},
    "normalised": {"gain": 3.0},
    "qk-norm": {"length": 512},
    "layer-norm": {},
    "soft-cap": {"cap": 50},
    "sigmoid": {"bias": -2.0},
    "shifted": {"s": 1},
}


@pytest.mark.parametrize("name", SCORE_RULES)
def test_every_name_makes_its_rule_from_a_line(name: str) -> None:
    """With its parameters and a name of its own; it has a formula, a source and scores."""
    rule = score_rule({"rule": name, **LINES[name], "name": "mine-2"})
    assert type(rule) is SCORE_RULES[name]
    assert vars(rule) == {**vars(rule), **LINES[name], "name": "mine-2"}
    assert score_rule({"rule": name, **LINES[name]}).name == name
    letters = "abcdefghijklmnopqrstuvwxyz0123456789-"
    assert score_rule({"rule": name, **LINES[name], "name": letters}).name == letters
    assert rule.formula
    assert rule.source
    assert rule.scores(Q, K).shape == (1, 2)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ({}, r"rule None is unknown; allowed: power, model, .*shifted"),
        ({"rule": "soft-cup", "cap": 50}, r"rule 'soft-cup' is unknown; allowed: .*; did you mean 'soft-cap'\?"),
        ({"rule": 3}, "rule 3 is unknown; allowed: .*"),
        (
            {"rule": "soft-cap", "cup": 50},
            r"rule 'soft-cap': 'cup' is unknown; allowed: name, cap; did you mean 'cap'\?",
        ),
        ({"rule": "soft-cap"}, "rule 'soft-cap': cap is missing"),
        ({"rule": "soft-cap", "cap": 0}, "rule 'soft-cap': cap must be a number from 1e-6 to 1e6; received 0"),
        ({"rule": "soft-cap", "cap": "50"}, "rule 'soft-cap': cap must be a number .*; received '50'"),
        ({"rule": "soft-cap", "cap": True}, "rule 'soft-cap': cap must be a number .*; received True"),
        ({"rule": "sigmoid", "bias": math.nan}, "rule 'sigmoid': bias must be None or a number from .*; received nan"),
        ({"rule": "log-n", "length": 1}, "rule 'log-n': length must be a whole number from 2 to .*; received 1"),
        ({"rule": "log-n", "length": 8, "power": -1}, "rule 'log-n': power must be a number from 0 to 4; received -1"),
        ({"rule": "scalable", "s": 0}, "rule 'scalable': s must be a number from 1e-6 to 1e6; received 0"),
        ({"rule": "shifted", "s": -1}, "rule 'shifted': s must be a number from 1e-6 to 1e6; received -1"),
        ({"rule": "yarn", "length": 2.5}, "rule 'yarn': length must be a whole number from 1 to .*; received 2.5"),
        ({"rule": "qk-norm", "length": 1}, "rule 'qk-norm': length must be a whole number from 2 .*; received 1"),
        ({"rule": "power", "alpha": 99}, "rule 'power': alpha must be a number from -8 to 8; received 99"),
        (
            {"rule": "split", "name": "a b"},
            "rule 'split': name must be of small letters, digits and .*; received 'a b'",
        ),
        ({"rule": "split", "name": ""}, "rule 'split': name must be .*; received ''"),
        ({"rule": "split", "name": 3}, "rule 'split': name must be .*; received 3"),
    ],
)
def test_a_wrong_line_is_refused(line: dict[str, Any], message: str) -> None:
    """In one line that names the rule and the parameter."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        score_rule(line)


@pytest.mark.parametrize(
    ("rule", "parameter", "least", "most"),
    [
        ("power", "alpha", -8.0, 8.0),
        ("temperature", "temperature", 1e-6, 1e6),
        ("log-n", "power", 0.0, 4.0),
        ("scalable", "s", 1e-6, 1e6),
        ("normalised", "gain", 1e-6, 1e6),
        ("soft-cap", "cap", 1e-6, 1e6),
        ("sigmoid", "bias", -100, 100),
        ("shifted", "s", 1e-6, 1e6),
        ("model", "n_heads", 1, 2**62),
        ("log-n", "length", 2, 2**62),
        ("yarn", "length", 1, 2**62),
        ("qk-norm", "length", 2, 2**62),
    ],
)
def test_parameters_are_taken_up_to_their_limits(rule: str, parameter: str, least: float, most: float) -> None:
    """And not a step beyond: the limits are those that the message names."""
    line = {"rule": rule, **LINES[rule]}
    for limit, beyond in ((least, -math.inf), (most, math.inf)):
        assert getattr(score_rule(line | {parameter: limit}), parameter) == limit
        step = 1 if beyond > 0 else -1
        outside = limit + step if isinstance(limit, int) else math.nextafter(limit, beyond)
        message = f"rule '{rule}': {parameter} must be .*; received {re.escape(repr(outside))}"
        with pytest.raises(ValueError, match=f"^{message}$"):
            score_rule(line | {parameter: outside})


def test_formulas_and_sources_word_for_word() -> None:
    """As the page prints them, with names for the powers that have one."""
    made = {
        RAW: (r"z", "–"),
        SCALED: (r"z / \sqrt{d_k}", "Vaswani and others 2017"),
        PowerRule("p", 1): (r"z / d_k", "Yang and others 2022, up to a constant"),
        PowerRule("p", 0.25): (r"z / d_k^{0.25}", "–"),
        ModelRule("m", 8): (r"z / \sqrt{8\, d_k}", "a frequent slip"),
        TemperatureRule("t", 0.5): (r"z / (0.5 \sqrt{d_k})", "common in code"),
        LogRule("l", 512): (r"\log_{512} n \, z / \sqrt{d_k}", "Su 2021; Chiang and Cholak 2022"),
        LogRule("r", 16, 0.5): (r"\sqrt{\log_{16} n} \, z / \sqrt{d_k}", "from the exact law"),
        LogRule("q", 16, 2): (r"(\log_{16} n)^{2} \, z / \sqrt{d_k}", "from the exact law"),
        ScalableRule("s", 0.43): (r"0.43 \ln n \cdot z / \sqrt{d_k}", "Nakanishi 2025"),
        YarnRule("y", 16): (r"(0.1 \ln \max(n / 16, 1) + 1)^2 \, z / \sqrt{d_k}", "Peng and others 2023 (YaRN)"),
        NormalisedRule("n"): (r"\sqrt{d_k} \cos(q, k)", "Henry and others 2020, with a learned gain"),
        NormalisedRule("g", 3): (r"3 \cos(q, k)", "Henry and others 2020, with a learned gain"),
        QKNormRule("q", 64): (r"\log_2(64^2 - 64) \cos(q, k)", "Henry and others 2020, as it starts"),
        SoftCapRule("c", 50): (r"50 \tanh(z / (50 \sqrt{d_k}))", "Gemma 2, 2024"),
        SigmoidRule("g"): (r"\ln \sigma(z / \sqrt{d_k} - \ln n)", "Ramapuram and others 2024"),
        SigmoidRule("b", 1): (r"\ln \sigma(z / \sqrt{d_k} +1)", "Ramapuram and others 2024"),
        ShiftedRule("d", 0.43): (r"z / \sqrt{d_k} - 0.43 \ln n", "a misreading of Nakanishi 2025"),
    }
    assert {rule: (rule.formula, rule.source) for rule in made} == made


def test_the_nearest_of_two_like_names_is_offered() -> None:
    """One word, the likest."""
    with pytest.raises(ValueError, match=r"; did you mean 'scalable'\?$"):
        score_rule({"rule": "scaleable"})
    with pytest.raises(ValueError, match=r"'xyzzy' is unknown; allowed: [a-z, -]+$"):
        score_rule({"rule": "xyzzy"})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LogRule("l", 512).factor_at(0, 5), "LogRule.factor_at: d_k must be a whole number from 1; received 0"),
        (
            lambda: LogRule("l", 512).multiplier(0),
            "LogRule.multiplier: n_keys must be a whole number from 1; received 0",
        ),
        (
            lambda: YarnRule("y", 2).multiplier(1.5),
            "YarnRule.multiplier: n_keys must be a whole number .*; received 1.5",
        ),
        (lambda: ScalableRule("s", 1).factor_at(4, -1), "ScalableRule.factor_at: n_keys must be .*; received -1"),
        (lambda: SoftCapRule("c", 1)(np.ones(2), 0), "SoftCapRule: d_k must be a whole number from 1 .*; received 0"),
        (lambda: SigmoidRule("g").bias_at(0), "SigmoidRule.bias_at: n_keys must be a whole number .*; received 0"),
        (lambda: SigmoidRule("g").total(0, 4), "SigmoidRule.total: d_k must be a whole number .*; received 0"),
        (lambda: ShiftedRule("d", 1)(np.ones(2), 2.0), "ShiftedRule: d_k must be a whole number .*; received 2.0"),
        (lambda: LayerNormRule("v").variance(0), "LayerNormRule.variance: d_k must be .*; received 0"),
        (lambda: NormalisedRule("n").variance(0), "NormalisedRule.variance: d_k must be .*; received 0"),
        (lambda: LayerNormRule("v").scores(np.ones(3), np.ones((2, 3))), "LayerNormRule.scores: q .*received shapes"),
        (lambda: QKNormRule("q", 4).scores([[np.nan]], [[1.0]]), "QKNormRule.scores: q must be finite real numbers"),
        (lambda: SoftCapRule("c", 1).scores([[1.0]], [["1"]]), "SoftCapRule.scores: k must be finite real numbers"),
    ],
)
def test_impossible_arguments_are_refused(make: Any, message: str) -> None:
    """In one line that names where, what was received and what is allowed."""
    with pytest.raises(ValueError, match="^" + re.sub(r"([()^])", r"\\\1", message)):
        make()
