"""What layers start from: rules by hand, the variance of first scores against draws, and planted layers refuted."""

import itertools
import math
from functools import cache
from typing import Any

import numpy as np
import pytest

from experiments import initialisation
from experiments.claims import Claim, Verdict, judge, judge_all
from experiments.initialisation import LAYERS, NEAR, Initialisation, Inputs, LayerCell
from experiments.runner import Results
from judge import disagreements, observed
from report.figures import initialisation as figures
from report.findings.initialisation import WEIGHT_VARIANCES, first_scores
from scaling import INITIALISATIONS, TorchRandom, attention_law, initial_variance, layer_norm
from scaling.entries import Gaussian, Uniform
from scaling.initialisation import EPSILON

SETTINGS: dict[str, Any] = {
    "n_blocks": 32, "d_in": 64, "d_k": 16, "n_tokens": 32, "input_sd": 3.0, "margin": 0.12,
}  # fmt: skip
Blocks = dict[LayerCell, np.ndarray]
INPUTS = [(1.0, "none"), (3.0, "none"), (1.0, "layer"), (3.0, "layer")]


@cache
def blocks_of(seed: int) -> Blocks:
    """Block values of every layer, drawn once for all tests."""
    return observed(Initialisation(**SETTINGS), seed)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("name", "variance", "kind"),
    [
        ("linear", 1 / 30, Uniform),
        ("glorot", 2 / 16, Uniform),
        ("he", 1 / 5, Gaussian),
        ("unit", 1 / 10, Gaussian),
        ("gpt-2", 0.0004, Gaussian),
    ],
)
def test_rules_by_hand(name: str, variance: float, kind: type) -> None:
    """From 10 inputs to 6 outputs; weights are centred."""
    rule = INITIALISATIONS[name]
    law = rule.law(10, 6)
    assert rule.variance(10, 6) == pytest.approx(variance)
    assert (law.mean, law.variance) == (0, pytest.approx(variance))
    assert isinstance(law, kind)


def test_the_linear_layer_is_torchs() -> None:
    """The same law as the class of the lecture has: uniform between ±1/√fan_in."""
    law = INITIALISATIONS["linear"].law(40, 7)
    weight = TorchRandom(1).linear_weight(40, 7)
    assert isinstance(law, Uniform)
    assert (law.low, law.high) == (pytest.approx(-(40**-0.5)), pytest.approx(40**-0.5))
    assert np.abs(weight).max() < law.high
    assert weight.var() == pytest.approx(law.variance, rel=0.15)


def test_the_variance_by_enumeration() -> None:
    """All matrices of signs: d_k = 2 and two inputs, given tokens, different ones and the same."""
    x, y = np.array([1.0, 2.0]), np.array([-0.5, 3.0])
    for first, second in ((x, y), (x, x)):
        scores = []
        for signs in itertools.product((-1.0, 1.0), repeat=8):
            w_q, w_k = np.array(signs).reshape(2, 2, 2)
            scores.append((first @ w_q) @ (second @ w_k))
        squares = float((first @ first) * (second @ second))
        assert np.mean(scores) == 0
        assert np.mean(np.square(scores)) == pytest.approx(initial_variance(2, 1.0, squares))
    assert initial_variance(np.int8(100), 0.5, 2000.0) == 50_000  # type: ignore[arg-type]
    assert initial_variance(100, 0.0, 2000.0) == initial_variance(100, 0.5, 0.0) == 0


def test_layer_norm_by_loops() -> None:
    """Subtract the mean, divide by the root of the variance plus ε; tokens one by one."""
    x = np.random.default_rng(1).normal(2, 3, (4, 3, 5))
    found = layer_norm(x, 0.5)
    for token, normalised in zip(x.reshape(12, 5), found.reshape(12, 5), strict=True):
        mean = sum(token) / 5
        variance = sum((entry - mean) ** 2 for entry in token) / 5
        assert normalised == pytest.approx([(entry - mean) / math.sqrt(variance + 0.5) for entry in token])
        assert normalised @ normalised == pytest.approx(5 * variance / (variance + 0.5))


def test_size_and_offset_drop_out() -> None:
    """But for ε; the squared length is the number of entries. The input itself is left alone."""
    x = np.random.default_rng(2).normal(size=(6, 50))
    before = x.copy()
    assert layer_norm(7 * x + 100) == pytest.approx(layer_norm(x), abs=1e-4)
    assert np.vecdot(layer_norm(x), layer_norm(x)) == pytest.approx(np.full(6, 50.0), rel=1e-4)
    assert layer_norm(np.full(4, 3.0)).tolist() == [0, 0, 0, 0]
    assert np.array_equal(x, before)
    single = layer_norm(x.astype(np.float32))
    assert single.dtype == np.float32
    assert single == pytest.approx(layer_norm(x), abs=1e-5)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: layer_norm(3.0),
            r"layer_norm: x must have the shape \(\.\.\., d\) with d from 1; received shape \(\)",
        ),
        (lambda: layer_norm(np.ones((2, 0))), r"layer_norm: x must have the shape .*; received shape \(2, 0\)"),
        (lambda: layer_norm([1.0, np.inf]), "layer_norm: x must be finite real numbers; received inf"),
        (lambda: layer_norm([1.0, 2.0], 0.0), r"layer_norm: epsilon must be a positive number; received 0\.0"),
        (lambda: initial_variance(0, 1.0, 1.0), "initial_variance: d_k must be a whole number from 1; received 0"),
        (
            lambda: initial_variance(2, -1.0, 1.0),
            r"initial_variance: weight_variance must be .* 0; received -1\.0",
        ),
        (lambda: initial_variance(2, 1.0, math.nan), "initial_variance: squares must be .*; received nan"),
        (
            lambda: INITIALISATIONS["he"].variance(0, 4),
            r"Initialisation\.variance: fan_in must be a whole number from 1; received 0",
        ),
        (lambda: INITIALISATIONS["unit"].law(4, 2.0), r"Initialisation\.variance: fan_out must be .*; received 2\.0"),  # type: ignore[arg-type]
    ],
)
def test_impossible_arguments_are_refused(make: Any, message: str) -> None:
    """In one line."""
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        make()
    assert "\n" not in str(caught.value)


EXACT = {  # of scaled scores for unit inputs, d_in = 64 and d_k = 16
    "gpt-2": (64 * 0.0004) ** 2, "linear": 1 / 9, "glorot-packed": 1 / 4, "unit": 1.0, "glorot-square": 1.0,
    "glorot-head": (2 * 64 / 80) ** 2, "he": 4.0,
}  # fmt: skip


def test_true_claims_are_confirmed_at_planned_sizes() -> None:
    """For several seeds; each variance is what the rule says, with about ten standard errors to a margin or more."""
    for seed in range(3):
        claims = Initialisation(**SETTINGS).claims(blocks_of(seed))
        found = {judgement.claim.id: judgement for judgement in judge_all(claims, 0.001).judgements}
        assert set(found) == {f"initial-variance-{layer}" for layer in LAYERS} | {"initial-entropies"}
        assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}
        for layer in LAYERS:
            judgement = found[f"initial-variance-{layer}"]
            assert judgement.claim.margin / judgement.standard_error > 6.5
            assert f"variance {EXACT[layer]:.3g} after layer norm" in judgement.claim.statement


def test_every_law_is_that_of_the_draws() -> None:
    """Variances of scores with other tokens and with their own, and the heads' scatter, at the judge's level."""
    assert set(EXACT) == set(LAYERS)
    for cell in blocks_of(0):
        blocks = np.concatenate([blocks_of(seed)[cell] for seed in range(3)])
        table = blocks[:, :-1].reshape(96, 4, 3)
        unit = EXACT[cell.layer]
        norm = 1 / (1 + EPSILON)
        exact = np.array([unit, 81 * unit, unit * norm**2, unit * (9 / (9 + EPSILON)) ** 2])
        own = exact * [66 / 64, 66 / 64, 1, 1]
        assert [cell.variance(inputs) for inputs in cell.inputs] == pytest.approx(exact)
        assert [cell.own_variance(inputs) for inputs in cell.inputs] == pytest.approx(own)
        # rounding aside the first two are one measurement, and so are the other two
        assert disagreements(table[:, ::2, 0], exact[::2]) == []
        assert disagreements(table[:, ::2, 1], own[::2]) == []
        assert disagreements(table[:, ::2, 0], 1.08 * exact[::2]) == [0, 1]
        kurtosis = cell.law.kurtosis  # ‖W_q W_kᵀ‖²_F is a sum over 64² products of rows with 16 entries
        scatter = (2 + (kurtosis**2 - 3) / 16 + 2 * 63 * (kurtosis - 1) / 16) / 64**2
        assert cell.scatter == pytest.approx(scatter)
        assert disagreements(blocks[:, -1], scatter) == []


def test_a_block_by_its_definition() -> None:
    """Two heads, all scores by loops; the entropy of each row; sums over pairs of different tokens and over tokens."""
    experiment = Initialisation(**SETTINGS)
    cell = LayerCell("he", 8, 3, 5, 2, 2.0)
    block = experiment.measure(cell, np.random.default_rng(9))
    rng = np.random.default_rng(9)
    expected, scatter = np.zeros((4, 3)), 0.0
    for _ in range(2):
        w_q, w_k = (cell.law.sample_single(rng, (8, 3)).astype(float) for _ in range(2))
        z = initialisation.standard_normals(rng, (5, 8)).astype(float)
        inputs = ((z, 1), (z, 2), (layer_norm(z), 1), (layer_norm(2 * z), 1))
        for row, (x, factor) in zip(expected, inputs, strict=True):
            for i in range(5):
                scores = [float((factor * x[i] @ w_q) @ (factor * x[j] @ w_k)) / math.sqrt(3) for j in range(5)]
                p = np.exp(scores) / np.exp(scores).sum()
                row += [
                    sum(s**2 for j, s in enumerate(scores) if j != i) / 20 / 2,
                    scores[i] ** 2 / 5 / 2,
                    -(p @ np.log(p)) / math.log(5) / 5 / 2,
                ]
        scatter += (np.square(w_q @ w_k.T).sum() / 3 / 4 - 1) ** 2 / 2
    assert block == pytest.approx(np.append(expected, scatter), rel=1e-4)


def test_a_layer_norm_that_is_left_out_is_noticed() -> None:
    """At the larger inputs: 81 times the variance."""
    planted = {cell: values[:, [*range(6), *range(6), 12]] for cell, values in blocks_of(0).items()}
    for claim in Initialisation(**SETTINGS).claims(planted):
        judgement = judge(claim, 1 - 1e-5)
        assert judgement.verdict == Verdict.REFUTED
        assert "inputs of sd 3, normalised" in judgement.place


@pytest.mark.parametrize(("layer", "instead"), [("unit", "linear"), ("glorot-square", "glorot-head"), ("he", "unit")])
def test_a_layer_passed_off_as_another_is_refuted(layer: str, instead: str) -> None:
    """Its variance, at every input; those of the other layers are confirmed."""
    blocks = blocks_of(1)
    cells = {cell.layer: cell for cell in blocks}
    planted = {**blocks, cells[layer]: blocks[cells[instead]]}
    claims: dict[str, Claim] = {claim.id: claim for claim in Initialisation(**SETTINGS).claims(planted)}
    region = claims[f"initial-variance-{layer}"].region
    means = claims[f"initial-variance-{layer}"].evidence.mean(axis=0)
    assert np.all((means < region[0]) | (means > region[1]))
    found = {name: judge(claim, 1 - 1e-5).verdict for name, claim in claims.items()}
    assert found.pop(f"initial-variance-{layer}") == Verdict.REFUTED
    assert found.pop("initial-entropies") == Verdict.REFUTED
    assert set(found.values()) == {Verdict.CONFIRMED}


def test_the_law_of_the_entropies_is_attentions_own() -> None:
    """At the scale that gives the same variance; and none is claimed where it is only roughly true."""
    cell = LayerCell("he", 64, 16, 32, 1, 3.0)
    inputs = Inputs(3.0, is_normalised=False)
    exact = attention_law(16, 32, (81 * 4 / 16) ** 0.5).entropy / math.log(32)
    assert cell.entropy(inputs) == pytest.approx(float(exact))
    for margin, is_claimed in ((0.9 * NEAR / 64, False), (1.1 * NEAR / 64, True)):
        experiment = Initialisation(**{**SETTINGS, "margin": margin})
        assert ("initial-entropies" in {claim.id for claim in experiment.claims(blocks_of(0))}) == is_claimed


def test_the_frame_holds_each_estimate_beside_its_law() -> None:
    """Seven layers with four kinds of inputs and three quantities, and a scatter each."""
    experiment, blocks = Initialisation(**SETTINGS), blocks_of(2)
    frame = experiment.frame(blocks)
    assert len(frame) == 7 * (4 * 3 + 1)
    assert set(frame.columns) == set(experiment.columns)
    rows = frame.set_index(["layer", "input_sd", "norm", "quantity"])
    for cell, values in blocks.items():
        for i, (sd, norm) in enumerate(INPUTS):
            row = rows.loc[(cell.layer, sd, norm, "variance")]
            assert row["estimate"] == pytest.approx(values[:, 3 * i].mean())
            assert row["prediction"] == pytest.approx(EXACT[cell.layer] * (81 if i == 1 else 1), rel=1e-4)
        assert rows.loc[(cell.layer, 1.0, "none", "scatter"), "estimate"] == pytest.approx(values[:, -1].mean())


@pytest.mark.parametrize(
    "change",
    [
        {"d_in": 7},
        {"d_k": 0},
        {"n_tokens": 1},
        {"input_sd": 1.0},
        {"input_sd": 30.1},
        {"margin": 1.0},
        {"layers": ["he"]},
    ],
)  # fmt: skip
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    """Few entries are nearly alike now and then, which layer norm cannot bring to size 1."""
    with pytest.raises(ValueError, match=next(iter(change))):
        Initialisation(**{**SETTINGS, **change})


def test_sentences_state_the_runs_own_numbers(results: Results) -> None:
    """Each estimate under its own name; formulas of the weights' variance are those of the rules."""
    stated, frame = first_scores(results), results.frames["initialisation"]
    value = frame.set_index(["layer", "input_sd", "norm", "quantity"])["estimate"]
    assert list(stated.layers) == list(LAYERS) == list(WEIGHT_VARIANCES)
    for name, layer in stated.layers.items():
        assert layer.variance == value[name, 1.0, "layer", "variance"]
        assert layer.entropy == value[name, 1.0, "layer", "normalised_entropy"]
        assert layer.raw_entropy == value[name, 3.0, "none", "normalised_entropy"]
        assert layer.judgement is results.ledger[f"initial-variance-{name}"]
    assert (stated.d_in, stated.d_k, stated.n_keys, stated.input_sd, stated.margin) == (32, 16, 16, 3.0, 0.3)
    assert stated.own == value["linear", 1.0, "none", "own_variance"] / value["linear", 1.0, "none", "variance"]
    assert stated.exact_own == pytest.approx(34 / 32)
    assert stated.head_sd == value["linear", 1.0, "none", "scatter"] ** 0.5
    assert (stated.gpt_2_variance, stated.gpt_2_unit_width) == pytest.approx(((768 * 0.0004) ** 2, 2500))


@pytest.mark.parametrize(("name", "at"), [("linear", 1 / 96), ("glorot-head", 2 / 36), ("glorot-packed", 2 / 128)])
def test_formulas_of_the_weights_variance(name: str, at: float) -> None:
    """As the table shows them, at d_in = 32 and d_k = 4; and as the layer has it."""
    text = WEIGHT_VARIANCES[name].replace(r"d_{\mathrm{in}}", "*32").replace("d_k", "4")
    text = text.replace("(*", "(").replace("+ *", "+ ").replace(" *", "*")
    assert eval(text, {"__builtins__": {}}) == pytest.approx(at)  # of this project's own table
    assert LayerCell(name, 32, 4, 8, 1, 2.0).law.variance == pytest.approx(at)


def test_captions_name_the_ends_of_their_own_frame() -> None:
    """The lowest and the highest layer, whatever they are, and the sizes of inputs of the run."""
    experiment = Initialisation(n_blocks=2, d_in=8, d_k=8, n_tokens=8, input_sd=1.5, margin=0.9)
    frame = experiment.frame(observed(experiment))  # type: ignore[arg-type]
    frame.loc[(frame["layer"] == "unit") & (frame["norm"] == "layer"), "estimate"] = 1e-3
    frame.loc[(frame["layer"] == "gpt-2") & (frame["norm"] == "layer"), "estimate"] = 77.0
    caption = figures.caption(frame)
    assert "from 0.00100 (variance $1/d_{\\mathrm{in}}$) to 77.0 (GPT-2’s)" in caption
    assert "standard deviation 1.5 (green)" in caption
    assert "inputs of standard deviation 1 and 1.5" in figures.alt(frame)
