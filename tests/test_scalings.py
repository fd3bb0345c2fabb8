"""Rules on identical draws: blocks by their definition, laws, planted faults that must be refuted, and odd settings."""

import json
import math
from types import SimpleNamespace
from typing import Any, ClassVar

import numpy as np
import pandas as pd
import pytest

from experiments import rule_sweeps
from experiments.claims import Verdict
from experiments.faults import Faults
from experiments.preset import load_preset
from experiments.rule_sweeps import MISSING, OWN, QUANTITIES, RulesCell
from experiments.rule_table import laws_of
from experiments.scalings import Scalings
from judge import disagreements, observed, verdicts
from report.figures import SPECS
from report.figures.rule_sweeps import over_d_k, over_n_keys
from report.findings.scalings import rules
from report.formulas import to_mathml
from scaling import Gaussian, attention_law
from scaling.shape_rules import ShiftedRule

LINES: list[dict[str, Any]] = load_preset("default").scalings.rules
SETTINGS: dict[str, Any] = {
    "n_blocks": 32, "d_k": [4, 16, 128], "at_n_keys": 64, "n_keys": [16, 64, 512], "at_d_k": 32,
    "alpha": [0.0, 0.25, 0.5, 0.75, 1.0], "rules": LINES, "margin": 0.2,
}  # fmt: skip
CLAIMS = {
    "slopes-of-powers", "law-of-linear-rules-missing-entropy", "law-of-linear-rules-sum-p2",
    "rules-that-keep-missing-entropy-over-d-k", "rules-that-lose-missing-entropy-over-d-k",
    "rules-that-keep-missing-entropy-over-n-keys", "rules-that-lose-missing-entropy-over-n-keys",
    "rules-that-keep-missing-share-over-n-keys", "powers-that-lose-missing-entropy-over-d-k",
    "total-weight-of-sigmoid", "no-change-by-shifted",
}  # fmt: skip


def test_true_claims_are_confirmed_at_planned_sizes() -> None:
    """All of them, for several seeds, with about ten standard errors to a margin on what is missing."""
    for seed in range(4):
        found = verdicts(Scalings(**SETTINGS), seed)
        assert set(found) == CLAIMS
        assert {name for name, judgement in found.items() if judgement.verdict != Verdict.CONFIRMED} == set()
        judgement = found["law-of-linear-rules-missing-entropy"]
        assert judgement.claim.margin / judgement.standard_error > 7


def test_every_law_is_that_of_the_draws() -> None:
    """All exact values of all rules in every cell, at the judge's level; a tenth more is told from them."""
    for cell, blocks in (seen := observed(Scalings(**SETTINGS))).items():
        law = laws_of(tuple(seen)).exact[cell]
        known = np.isfinite(law)
        n_linear = 8 + len(cell.alpha)
        assert known.sum() == 4 * n_linear + 3  # factors with four laws each, normalised scores with a variance
        assert disagreements(blocks[:, known], law[known]) == []
        assert len(disagreements(blocks[:, known], 1.5 * law[known])) > 0.9 * known.sum()


def test_a_block_by_its_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Variances (n - 1 below), missing entropies, Σp² and largest weights of every rule, from its own scores(q, k)."""
    monkeypatch.setattr(rule_sweeps, "CHUNK", 2**8)
    experiment = Scalings(**{**SETTINGS, "n_blocks": 2, "d_k": [3], "at_n_keys": 5, "margin": 0.9})
    cell = experiment.cells()[0]
    pieces = list(cell.draws(np.random.default_rng(4)))
    assert len(pieces) > 3
    q, k = (np.concatenate(parts).astype(float) for parts in zip(*pieces, strict=True))
    assert (q.shape, k.shape) == ((cell.n_tiles, cell.n_queries, 3), (cell.n_tiles, 5, 3))
    block = experiment.measure(cell, np.random.default_rng(4))
    for rule, values in zip(cell.all_rules, block, strict=True):
        scores = rule.scores(q, k)
        exponentials = np.exp(scores - scores.max(axis=-1, keepdims=True))
        p = exponentials / exponentials.sum(axis=-1, keepdims=True)
        entropy = -(p * np.log(p)).sum(axis=-1).mean()
        expected = [scores.var(ddof=1), math.log(5) - entropy, np.square(p).sum(axis=-1).mean(), p.max(axis=-1).mean()]
        assert values[:OWN] == pytest.approx(np.array(expected), rel=2e-5), rule
        if rule.name == "sigmoid":
            assert values[OWN] == pytest.approx(np.exp(scores).sum(axis=-1).mean(), rel=1e-5)
        elif rule.name == "shifted":
            assert 0 < values[OWN] < 2
        else:
            assert values[OWN] == 0


def test_all_rules_meet_the_same_draws() -> None:
    """So the variances of two factors have exactly the ratio of their squares, block by block."""
    for cell, blocks in observed(Scalings(**SETTINGS)).items():
        assert blocks[:, 0, 0] == pytest.approx(cell.d_k * blocks[:, 1, 0], rel=1e-12)
        at = [rule.name for rule in cell.all_rules].index("model")
        assert blocks[:, 1, 0] == pytest.approx(8 * blocks[:, at, 0], rel=1e-12)


def test_the_frame_holds_every_estimate_beside_its_own_law() -> None:
    """Named rules by cell; power rules by d_k; slopes; changes as ratios of the means less 1."""
    experiment = Scalings(**SETTINGS)
    seen = observed(experiment)
    frame = experiment.frame(seen)
    assert set(frame.columns) == set(experiment.columns)
    assert len(frame) == 6 * (14 * 4 + 1) + 3 * 5 + 5 + 14 * (2 + 6)
    named = frame[frame["alpha"].isna()].set_index(["d_k", "n_keys", "rule", "quantity"])
    assert named.index.is_unique
    for cell, blocks in seen.items():
        for i, rule in enumerate(experiment.named_rules):
            for j, quantity in enumerate(QUANTITIES[:OWN]):
                assert named.loc[(cell.d_k, cell.n_keys, rule.name, quantity), "estimate"] == pytest.approx(
                    blocks[:, i, j].mean(), rel=1e-12
                )
    law = attention_law(128, 64, 128**-0.5)
    assert named.loc[(128, 64, "scaled", "missing_entropy"), "prediction"] == pytest.approx(math.log(64) - law.entropy)
    assert named.loc[(128, 64, "scaled", "max_weight"), "prediction"] == pytest.approx(float(law.max_weight), rel=1e-4)
    assert named.loc[(128, 64, "layer-norm", "variance"), "prediction"] == pytest.approx(128 / 127)
    assert np.isnan(named.loc[(128, 64, "layer-norm", "sum_p2"), "prediction"])

    estimate = named["estimate"]
    for rule in ("raw", "scalable", "qk-norm"):
        first, last = (estimate[place, 64, rule, "missing_entropy"] for place in (16, 128))
        assert estimate[128, 64, rule, "missing_entropy_over_d_k"] == pytest.approx(last / first - 1, rel=1e-9)
        few, many = ((math.log(n), estimate[32, n, rule, "missing_entropy"]) for n in (64, 512))
        share = many[1] / many[0] / (few[1] / few[0])
        entropy = (many[0] - many[1]) / (few[0] - few[1])
        assert estimate[32, 512, rule, "missing_share_over_n_keys"] == pytest.approx(share - 1, rel=1e-9)
        assert estimate[32, 512, rule, "entropy_over_n_keys"] == pytest.approx(entropy - 1, rel=1e-9)

    slopes = frame[frame["quantity"] == "variance_slope"]
    assert slopes["prediction"].tolist() == [1, 0.5, 0, -0.5, -1]
    assert np.ptp(slopes["estimate"] + 2 * slopes["alpha"]) < 1e-9  # the same draws


def test_a_change_has_the_error_of_a_ratio() -> None:
    """Over 200 pairs of simulated ends, 95 % intervals hold the true ratio about as often as they say."""
    experiment = Scalings(**{**SETTINGS, "rules": []})
    cells = [cell for cell in experiment.cells() if cell.d_k >= 16 and cell.n_keys == 64 and cell.alpha]
    rng, held = np.random.default_rng(11), 0
    for _ in range(200):
        blocks = {cell: np.full((32, len(cell.all_rules), 5), 1.0) for cell in experiment.cells()}
        blocks[cells[0]][..., MISSING] = 0.5 + 0.05 * rng.standard_normal((32, 1))
        blocks[cells[-1]][..., MISSING] = 3.0 + 0.6 * rng.standard_normal((32, 1))
        frame = experiment.frame(blocks)
        row = frame[(frame["quantity"] == "missing_entropy_over_d_k") & (frame["rule"] == "raw")].iloc[0]
        held += row["low"] <= 5.0 <= row["high"]
    assert 180 <= held <= 199


class Planted(Scalings):
    """Scalings in which one line is measured as another, under its own name and prediction."""

    name: ClassVar[str] = "scalings"
    instead: ClassVar[dict[str, dict[str, Any]]] = {}

    def measure(self, cell: RulesCell, rng: np.random.Generator) -> np.ndarray:
        """As of a cell with other rules."""
        lines = []
        for line in map(json.loads, cell.rules):
            name = line.get("name", line["rule"])
            lines.append(json.dumps({**self.instead[name], "name": name} if name in self.instead else line))
        return super().measure(RulesCell(**{**vars(cell), "rules": tuple(lines)}), rng)


LAW = "law-of-linear-rules-missing-entropy"


@pytest.mark.parametrize(
    ("name", "line", "refuted"),
    [
        ("log-n", {"rule": "log-n", "length": 128}, {LAW}),
        ("yarn", {"rule": "yarn", "length": 4}, {LAW}),
        ("scalable", {"rule": "shifted", "s": 0.43}, {LAW, "law-of-linear-rules-sum-p2"}),
        ("model", {"rule": "model", "n_heads": 11}, {LAW}),
        ("inverse", {"rule": "model", "n_heads": 8}, {LAW, "rules-that-lose-missing-entropy-over-d-k"}),
        ("layer-norm", {"rule": "qk-norm", "length": 512}, {"rules-that-keep-missing-entropy-over-d-k"}),
        ("soft-cap", {"rule": "power", "alpha": 0.25}, {"rules-that-keep-missing-entropy-over-d-k"}),
        ("root-log-n", {"rule": "log-n", "length": 512}, {LAW, "rules-that-keep-missing-share-over-n-keys"}),
        ("sigmoid", {"rule": "sigmoid", "bias": -3.0}, {"total-weight-of-sigmoid"}),
    ],
)
def test_a_rule_passed_off_as_another_is_refuted(
    monkeypatch: pytest.MonkeyPatch, name: str, line: dict[str, Any], refuted: set[str]
) -> None:
    """In the claims about it, and the powers are not."""
    monkeypatch.setattr(Planted, "instead", {name: line})
    found = verdicts(Planted(**SETTINGS))
    assert {claim for claim in refuted if found[claim].verdict != Verdict.REFUTED} == set()
    assert found["slopes-of-powers"].verdict == Verdict.CONFIRMED


def test_entries_that_grow_with_the_dimension_are_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A variance of d_k^1.2 moves every slope by 0.2, and scaled scores lose what they should keep."""
    sample = Gaussian.sample_single
    monkeypatch.setattr(
        Gaussian, "sample_single", lambda law, rng, shape: np.float32(shape[-1] ** 0.05) * sample(law, rng, shape)
    )
    found = verdicts(Scalings(**SETTINGS))
    for claim in ("slopes-of-powers", LAW, "rules-that-keep-missing-entropy-over-d-k"):
        assert found[claim].verdict == Verdict.REFUTED, claim


def test_a_shift_that_is_none_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores that are off by one part in 10¹² after the shift change more than rounding does."""
    monkeypatch.setattr(
        ShiftedRule, "__call__", lambda rule, products, d_k: products * d_k**-0.5 * (1 + 1e-12) - 1.0, raising=True
    )
    assert verdicts(Scalings(**SETTINGS))["no-change-by-shifted"].verdict == Verdict.REFUTED


ODD: list[dict[str, Any]] = [
    {"d_k": [4], "n_keys": [16], "at_d_k": 4, "at_n_keys": 16, "rules": [], "alpha": [0.3]},
    {"d_k": [1], "n_keys": [2], "at_d_k": 1, "at_n_keys": 2, "alpha": [0.5]},
    {"d_k": [1, 2], "n_keys": [64, 128], "at_d_k": 2, "at_n_keys": 128, "rules": LINES[:1]},
    {"d_k": [16, 64], "n_keys": [2, 3], "rules": [{"rule": "soft-cap", "cap": 0.01}, {"rule": "sigmoid", "bias": 2.0}]},
    {"d_k": [16, 1024], "rules": [{"rule": "power", "alpha": 2.0}, {"rule": "temperature", "temperature": 1e4}]},
    {"d_k": [16, 64], "rules": [{"rule": "sigmoid"}, {"rule": "sigmoid", "name": "other", "bias": 0.0}]},
]


@pytest.mark.parametrize("change", ODD)
def test_odd_settings_have_true_claims_figures_and_sentences(change: dict[str, Any]) -> None:
    """One place, hardly a score, none of the rules that the text speaks of, weights too even to tell: all is true."""
    experiment = Scalings(**{**SETTINGS, "margin": 0.5, **change})
    seen = observed(experiment)
    assert Verdict.REFUTED not in {judgement.verdict for judgement in verdicts(experiment).values()}
    frame = experiment.frame(seen)
    for name in ("powers-of-d", "rules-over-d", "rules-over-keys"):
        spec = SPECS[name]
        spec.draw(frame)
        for words in (spec.caption(frame), spec.alt(frame)):
            assert words.endswith(".")
            assert "nan" not in words
    found = rules(SimpleNamespace(frames={"scalings": frame}, preset=SimpleNamespace(scalings=experiment)))  # type: ignore[arg-type]
    assert list(found.lines) == [rule.name for rule in experiment.named_rules]
    for line in found.lines.values():
        assert to_mathml(line.formula)
        assert (line.over_d_k is None) == (found.over_d_k is None)
        assert (line.over_n_keys is None) == (found.over_n_keys is None)


def change_frame(low: float, high: float) -> pd.DataFrame:
    """One rule whose entropy changes by that much over d_k, with a row to find the sweep by."""
    index = {"d_k": 64, "n_keys": 64, "rule": "scaled", "family": "scaled", "alpha": math.nan}
    values = {"estimate": (low + high) / 2, "low": low, "high": high, "prediction": math.nan}
    return pd.DataFrame([{**index, **values, "quantity": "missing_entropy_over_d_k"}])


@pytest.mark.parametrize(
    ("low", "high", "words"),
    [
        (-0.1, 0.2, "entropy"), (0.15, 0.25, "nothing (perhaps entropy)"), (0.21, 0.3, "nothing"),
        (-0.9, -0.8, "nothing"), (-0.3, 0.3, "nothing (perhaps entropy)"),
    ],
)  # fmt: skip
def test_the_table_says_what_the_intervals_show(low: float, high: float, words: str) -> None:
    """Kept within a fifth, not kept beyond it, and open where an interval reaches over the edge."""
    experiment = Scalings(**{**SETTINGS, "rules": []})
    frame = pd.concat([experiment.frame(observed(experiment)), change_frame(low, high)])
    frame = frame[~frame["quantity"].str.endswith("_over_d_k") | (frame["low"] == low)]
    found = rules(SimpleNamespace(frames={"scalings": frame}, preset=SimpleNamespace(scalings=experiment)))  # type: ignore[arg-type]
    line = found.lines["scaled"].over_d_k
    assert line is not None
    assert line.words == words


def test_where_a_factor_from_log_n_freezes() -> None:
    """s ln n = √(2 ln n) at ln n = 2/s²; log n to the base L at 2 (ln L)²."""
    experiment = Scalings(**SETTINGS)
    frame = experiment.frame(observed(experiment))
    found = rules(SimpleNamespace(frames={"scalings": frame}, preset=SimpleNamespace(scalings=experiment)))  # type: ignore[arg-type]
    (scalable,) = found.of("ScalableRule")
    assert math.log(scalable.freezes_at) == pytest.approx(2 / 0.43**2)
    log, root = found.of("LogRule")
    assert math.log(log.freezes_at) == pytest.approx(2 * math.log(512) ** 2)
    with pytest.raises(ValueError, match=r"^RuleLine\.freezes_at: root-log-n is no factor in proportion to ln n$"):
        _ = root.freezes_at


def test_the_captions_say_what_is_in_the_frame() -> None:
    """The ends of the scaled curve, and which rules are drawn as one with it."""
    experiment = Scalings(**{**SETTINGS, "d_k": [1, 16, 128]})
    frame = experiment.frame(observed(experiment))
    assert "drawn as one with it: soft cap and shifted." in SPECS["rules-over-d"].caption(frame)
    scaled = over_d_k(frame, "missing_entropy")[lambda rows: rows["rule"] == "scaled"]
    assert scaled["d_k"].tolist() == [1, 16, 32, 128]  # at 64 keys, where the other sweep comes by, too
    assert f"{scaled['estimate'].iloc[-1]:.3f} with $\\sqrt{{d_k}}$" in SPECS["rules-over-d"].caption(frame)
    assert over_n_keys(frame, "max_weight")["n_keys"].unique().tolist() == [16, 64, 512]
    assert "slope" in SPECS["powers-of-d"].caption(frame)


def faults(tmp_path: Any, text: str) -> list[str]:
    """What a preset with these settings of the scalings is told."""
    path = tmp_path / "mine.toml"
    path.write_text(f'base = "quick"\n[scalings]\n{text}\n')
    with pytest.raises(Faults) as caught:
        load_preset(str(path))
    return [line.partition(": ")[2] for line in caught.value.lines]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            'rules = [{ rule = "soft-cap", cup = 50.0 }]',
            "scalings.rules.0: rule 'soft-cap': 'cup' is unknown; allowed: name, cap; did you mean 'cap'? (received",
        ),
        ('rules = [{ rule = "soft-cap", cap = -1 }]', "scalings.rules.0: rule 'soft-cap': cap must be a number from"),
        ('rules = [{ rule = "softcap", cap = 1 }]', "scalings.rules.0: rule 'softcap' is unknown; allowed: power, "),
        ("rules = [3]", "scalings.rules.0: input should be a valid dictionary (received 3)"),
        (
            'rules = [{ rule = "sigmoid" }, { rule = "sigmoid", bias = 1 }]',
            "scalings.rules: rule 'sigmoid' stands twice; give one of them a name of its own, as in name = \"other\"",
        ),
        ('rules = [{ rule = "power", name = "raw", alpha = 0 }]', "scalings.rules: rule 'raw' stands twice; give"),
        ("alpha = [0.5, 0.505]", "scalings.alpha: the values must be at least 0.01 apart (received [0.5, 0.505])"),
        ("d_k = [0, 4]", "scalings.d_k.0: input should be greater than or equal to 1 (received 0)"),
        ("n_keys = [1]", "scalings.n_keys.0: input should be greater than or equal to 2 (received 1)"),
        ("n_keys = [65536]\nmargin = 1e-6", "scalings: a block of "),
    ],
)
def test_wrong_settings_are_refused(tmp_path: Any, text: str, message: str) -> None:
    """One line that names the setting, the rule and the parameter, what was received and what is allowed."""
    lines = faults(tmp_path, text)
    assert len(lines) == 1
    assert lines[0].startswith(message)


def test_each_wrong_rule_gets_a_line(tmp_path: Any) -> None:
    """With its place in the list."""
    text = 'rules = [{ rule = "sigmoid" }, { rule = "sigmoyd" }, { rule = "soft-cap", cap = -1 }]'
    first, second = faults(tmp_path, text)
    assert first.startswith("scalings.rules.1: rule 'sigmoyd' is unknown; allowed: power, ")
    assert second.startswith("scalings.rules.2: rule 'soft-cap': cap must be")


def test_rows_are_planned_by_what_needs_most_of_them() -> None:
    """By hand: (10/margin)² times the larger of sd² of a missing entropy and (2/4)² of a Σp², over the blocks."""
    cells = {(cell.d_k, cell.n_keys): cell for cell in Scalings(**SETTINGS).cells()}
    assert set(cells) == {(4, 64), (16, 64), (128, 64), (32, 16), (32, 64), (32, 512)}
    rows = math.ceil((0.36**2 + 1.9**2 / 4 + 4 / 64) * 50**2 / 32)
    assert (cells[4, 64].n_queries, cells[4, 64].n_tiles) == (math.ceil(rows / 2), 2)
    few = math.ceil((2 / 4) ** 2 * 50**2 / 32)
    assert (cells[32, 512].n_queries, cells[32, 512].n_tiles) == (math.ceil(few / 2), 2)
    assert cells[32, 16].n_queries == 16
    assert [bool(cell.alpha) for cell in cells.values()] == [True] * 3 + [False] * 3


def test_a_shared_place_is_measured_once() -> None:
    """Where the sweeps cross, one cell serves both."""
    cells = Scalings(**{**SETTINGS, "at_d_k": 16}).cells()
    assert len(cells) == 5
    assert len({(cell.d_k, cell.n_keys) for cell in cells}) == 5
