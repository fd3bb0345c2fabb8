"""One head under many scalings: laws against draws, planted faults that must be refuted, and odd heads."""

import math
from typing import Any

import numpy as np
import pytest

from experiments import one_head
from experiments.claims import Judgement, Verdict, judge_all
from experiments.one_head import QUANTITIES, HeadCell, Observed, Variant, law_of
from experiments.questions import Questions
from judge import disagreements, observed, verdicts
from scaling import Gaussian, attention_law
from scaling.rules import SCALED, ModelRule, PowerRule

SETTINGS: dict[str, Any] = {
    "n_blocks": 32, "d_k": 16, "n_keys": 24, "n_heads": 4, "entry_sd": 2.0, "cold": 0.5, "hot": 3.0, "margin": 0.05,
}  # fmt: skip
VARIANCES = {"inverse": 1 / 16, "model": 1 / 4, "cold": 4.0, "wide": 16.0, "wide-normalised": 1.0}


def test_true_claims_are_confirmed_at_planned_sizes() -> None:
    """For several seeds; with about ten standard errors to a margin of each variance."""
    for seed in range(3):
        found = verdicts(Questions(**SETTINGS), seed)
        assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}
        for name, exact in VARIANCES.items():
            judgement = found[f"variance-of-{name}"]
            assert judgement.claim.prediction == pytest.approx(exact)
            assert judgement.claim.margin / judgement.standard_error > 7


def test_every_law_is_that_of_the_draws() -> None:
    """All variances, means, entropies, sums of squares and outputs that have a law: 32 blocks, the judge's level."""
    experiment = Questions(**SETTINGS)
    ((cell, blocks),) = observed(experiment).items()
    seen, law = Observed(cell, blocks), law_of(cell)
    known = np.isfinite(law)
    assert disagreements(seen.table[:, known], law[known]) == []
    sums = law[:2, QUANTITIES.index("sum_p2")]
    assert disagreements(seen.outputs, np.repeat(sums[:, None], 3, axis=1)) == []
    wrong = np.where(law == 0, 0.2, 1.1 * law)
    assert len(disagreements(seen.table[:, known], wrong[known])) == known.sum()


def test_laws_of_the_variants_by_hand() -> None:
    """c = sd² times the rule's factor: 4/4, 1/(0.5·4), 1/8, 1/16 at d_k = 16, with the entropy of that c."""
    (cell,) = Questions(**SETTINGS).cells()
    law = dict(zip([variant.name for variant in cell.variants], law_of(cell), strict=True))
    for name, factor in (("raw", 1), ("scaled", 1 / 4), ("wide", 1), ("cold", 1 / 2), ("model", 1 / 8)):
        exact = attention_law(16, 24, factor)
        assert law[name][1:] == pytest.approx(np.array([16 * factor**2, exact.entropy / np.log(24), exact.sum_p2])), (
            name
        )
    assert law["normalised"][:2].tolist() == law["wide-normalised"][:2].tolist() == [0, 1]
    assert np.isnan(law["normalised"][2:]).all()


def test_normalising_takes_the_entries_size_out_altogether() -> None:
    """The same cosines, to rounding, for entries of either size; split and scaled agree as well."""
    ((cell, blocks),) = observed(Questions(**SETTINGS)).items()
    seen = Observed(cell, blocks)
    for quantity in QUANTITIES:
        assert seen.of("wide-normalised", quantity) == pytest.approx(seen.of("normalised", quantity), rel=1e-9)
        assert seen.of("split", quantity) == pytest.approx(seen.of("scaled", quantity), rel=1e-9)


def planted(name: str, instead: Variant) -> dict[str, Judgement]:
    """The verdicts when one variant is measured as another, under its own name and prediction."""
    experiment = Questions(**SETTINGS)
    (cell,) = experiment.cells()

    class Planted(HeadCell):
        """A cell one of whose variants is not what it is called."""

        @property
        def variants(self) -> tuple[Variant, ...]:
            """The cell's own, but for one."""
            return tuple(instead if variant.name == name else variant for variant in cell.variants)

    generators = [np.random.default_rng([8, block]) for block in range(experiment.n_blocks)]
    blocks = np.stack([experiment.measure(Planted(**vars(cell)), rng) for rng in generators])
    return {found.claim.id: found for found in judge_all(experiment.claims({cell: blocks}), 0.001).judgements}


@pytest.mark.parametrize(
    ("name", "instead", "refuted"),
    [
        ("wide", Variant("wide", SCALED, 1.0), {"variance-of-wide", "entropy-of-every-factor"}),
        ("wide", Variant("wide", SCALED, 2.05), {"variance-of-wide"}),
        ("scaled", Variant("scaled", ModelRule("scaled", 4)), {"entropy-of-every-factor"}),
        ("model", Variant("model", SCALED), {"variance-of-model", "entropy-of-every-factor"}),
        ("inverse", Variant("inverse", PowerRule("inverse", 0.9)), {"variance-of-inverse"}),
        ("inverse", Variant("inverse", SCALED), {"variance-of-inverse", "over-dividing-flattens"}),
        ("wide-normalised", Variant("wide-normalised", SCALED, 2.0), {"variance-of-wide-normalised"}),
    ],
    ids=[
        "unit entries",
        "2.05 for 2",
        "d_model for d_k",
        "d_k for d_model",
        "power 0.9",
        "root for d_k",
        "not normalised",
    ],
)
def test_a_rule_passed_off_as_another_is_refuted(name: str, instead: Variant, refuted: set[str]) -> None:
    """In the claims about it, and no variance of another rule is."""
    found = planted(name, instead)
    assert {claim for claim in refuted if found[claim].verdict != Verdict.REFUTED} == set()
    others = {f"variance-of-{other}" for other in VARIANCES if other != name}
    assert {found[claim].verdict for claim in others} == {Verdict.CONFIRMED}


def test_wide_entries_are_not_taken_for_unit_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    """Entries of variance 1.1 where 1 is said: every variance but the normalised one is refuted."""
    sample = Gaussian.sample
    monkeypatch.setattr(Gaussian, "sample", lambda law, rng, shape: 1.1**0.5 * sample(law, rng, shape))
    found = verdicts(Questions(**SETTINGS))
    verdict = {name: found[f"variance-of-{name}"].verdict for name in VARIANCES}
    assert verdict.pop("wide-normalised") == Verdict.CONFIRMED
    assert set(verdict.values()) == {Verdict.REFUTED}
    assert found["output-variance"].verdict == Verdict.REFUTED


@pytest.mark.parametrize("alpha", [2 * 0.2499, 0.5 + 1e-13])
def test_another_rule_is_no_rounding(monkeypatch: pytest.MonkeyPatch, alpha: float) -> None:
    """A split of d^(-0.2499) on each side is refuted as the same thing, and so is one that is off in the 13th digit."""
    monkeypatch.setattr(one_head, "SplitRule", lambda name: PowerRule(name, alpha))
    assert verdicts(Questions(**SETTINGS))["split-is-scaled"].verdict == Verdict.REFUTED


def test_values_that_share_a_part_change_the_output_with_their_dimension() -> None:
    """The curve over d_v is refuted when its evidence is: each place is judged."""
    experiment = Questions(**SETTINGS)
    ((cell, blocks),) = observed(experiment).items()
    blocks = blocks.copy()
    blocks[:, -2] *= 1.5  # the scaled output at the largest d_v
    (claim,) = (claim for claim in experiment.claims({cell: blocks}) if claim.id == "output-over-d-v")
    assert claim.places == ("$d_v = 8$", "$d_v = 32$")
    assert np.all(claim.evidence[:, 1] > claim.margin)


@pytest.mark.parametrize("change", [{"d_k": 1}, {"n_heads": 1}, {"n_keys": 2}, {"d_k": 1, "n_keys": 2, "n_heads": 1}])
def test_odd_heads_have_true_claims_too(change: dict[str, int]) -> None:
    """Where 1/d_k is the root itself nothing flattens and nothing is claimed of it; no true claim is refuted."""
    found = verdicts(Questions(**{**SETTINGS, **change}))
    assert Verdict.REFUTED not in {judgement.verdict for judgement in found.values()}
    assert ("over-dividing-flattens" in found) == ("d_k" not in change)


def test_the_frame_has_a_row_for_everything_measured() -> None:
    """Ten rules with four quantities each, and two rules' outputs at three d_v."""
    experiment = Questions(**SETTINGS)
    frame = experiment.frame(observed(experiment))
    assert set(frame.columns) == set(experiment.columns)
    assert len(frame) == 10 * 4 + 2 * 3
    assert frame["d_v"].notna().sum() == 6


@pytest.mark.parametrize(
    ("change", "tiles"),
    [
        ({"margin": 0.01}, (2 + 6 / 16 + 2 * 2 / 16 * 23) / 24**2 / (32 * 0.001**2)),
        ({"margin": 0.01, "d_k": 1024, "n_keys": 64}, 2 * 0.4**2 / math.log(64) / 64 / (32 * 0.001**2)),
        ({"margin": 0.9, "n_keys": 2}, 64 / 2**2),
    ],
    ids=["variance", "entropy", "fewest scores"],
)
def test_tiles_are_planned_by_what_needs_most_of_them(change: dict[str, float], tiles: float) -> None:
    """By hand: a variance's error, rows that share keys for an entropy's, or 64 scores; 64 queries a tile at most."""
    (cell,) = Questions(**{**SETTINGS, **change}).cells()
    assert cell.n_queries == min(cell.n_keys, 64)
    assert cell.n_tiles == math.ceil(tiles)


FACTORS = {
    "raw": 1, "scaled": 1 / 4, "split": 1 / 4, "inverse": 1 / 16, "model": 1 / 8, "cold": 1 / 2, "hot": 1 / 12,
    "wide": 1,
}  # fmt: skip
SIZES = {"wide": 2.0, "wide-normalised": 2.0}  # of the entries; 1 under every other rule


def test_the_frame_holds_every_estimate_beside_its_own_law() -> None:
    """By name, from the definition of each factor; normalised scores have a variance; outputs stand by rule and d_v."""
    experiment = Questions(**SETTINGS)
    ((cell, blocks),) = observed(experiment).items()
    seen, frame = Observed(cell, blocks), experiment.frame({cell: blocks})
    of_rules = frame[frame["d_v"].isna()].set_index(["rule", "quantity"])
    assert len(of_rules) == 40
    for (rule, quantity), row in of_rules.iterrows():
        assert row["estimate"] == pytest.approx(seen.of(rule, quantity).mean(), rel=1e-12)
        assert row["entry_sd"] == SIZES.get(rule, 1.0)
        exact: dict[str, float] = {"mean": 0.0, "variance": 1.0}
        if rule in FACTORS:
            law = attention_law(16, 24, FACTORS[rule])
            exact["variance"] = 16 * FACTORS[rule] ** 2
            exact |= {"normalised_entropy": float(law.entropy) / math.log(24), "sum_p2": float(law.sum_p2)}
        expected = exact.get(quantity, math.nan)
        assert row["prediction"] == pytest.approx(expected, rel=1e-9, nan_ok=True), (rule, quantity)
    outputs = frame[frame["quantity"] == "output_variance"]
    assert outputs["rule"].tolist() == ["raw"] * 3 + ["scaled"] * 3
    assert outputs["d_v"].tolist() == [8, 16, 32] * 2
    assert outputs["estimate"].to_numpy() == pytest.approx(seen.outputs.mean(axis=0).ravel(), rel=1e-12)
    laws = np.repeat([float(attention_law(16, 24, FACTORS[rule]).sum_p2) for rule in ("raw", "scaled")], 3)
    assert outputs["prediction"].to_numpy() == pytest.approx(laws, rel=1e-9)


def test_a_block_by_its_definition(monkeypatch: pytest.MonkeyPatch) -> None:
    """Scores, weights, outputs and rounding of a small head, whose tiles come in several pieces.

    Variances have n - 1 below. The rounding is the largest of all pieces, not of the last one, in units of
    2⁻⁵² Σ|q_i k_i|/√d_k.
    """
    monkeypatch.setattr(one_head, "CHUNK", 2**8)
    experiment = Questions(**{**SETTINGS, "n_blocks": 2, "d_k": 3, "n_keys": 5, "n_heads": 2, "margin": 0.5})
    (cell,) = experiment.cells()
    pieces = list(cell.draws(np.random.default_rng(4)))
    assert len(pieces) > 5
    block = Observed(cell, experiment.measure(cell, np.random.default_rng(4))[None])
    q, k, v = (np.concatenate(parts) for parts in zip(*pieces, strict=True))
    assert (q.shape, k.shape, v.shape) == ((cell.n_tiles, 5, 3), (cell.n_tiles, 5, 3), (cell.n_tiles, 5, 6))

    dots = np.einsum("tid,tjd->tij", q, k)
    for rule, factor in (("raw", 1.0), ("scaled", 3**-0.5), ("hot", 3**-0.5 / 3), ("wide", 4 * 3**-0.5)):
        scores = factor * dots
        p = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
        expected = {
            "mean": scores.mean(),
            "variance": scores.var(ddof=1),
            "normalised_entropy": -(p * np.log(p)).sum(axis=-1).mean() / np.log(5),
            "sum_p2": np.square(p).sum(axis=-1).mean(),
        }
        for quantity, value in expected.items():
            assert block.of(rule, quantity)[0] == pytest.approx(value, rel=1e-10, abs=1e-12), (rule, quantity)
        if rule in ("raw", "scaled"):
            squares = np.square(np.einsum("tij,tjd->tid", p, v))
            means = [squares[..., :d_v].mean() for d_v in (1, 3, 6)]
            assert block.outputs[0, int(rule == "scaled")] == pytest.approx(np.array(means), rel=1e-10)

    split = (3**-0.25 * q) @ np.swapaxes(3**-0.25 * k, 1, 2)
    unit = 2.0**-52 * np.einsum("tid,tjd->tij", abs(q), abs(k)) * 3**-0.5
    rounding = np.abs(split - (q @ np.swapaxes(k, 1, 2)) * 3**-0.5) / unit
    assert block.rounding[0] == pytest.approx(rounding.max(), rel=1e-12)
    assert rounding[-len(pieces[-1][0]) :].max() < 0.9 * rounding.max()  # the last piece alone would be noticed


def test_statements_say_their_own_numbers() -> None:
    """The variance that each one names in words is the one that it predicts."""
    experiment = Questions(**SETTINGS)
    statements = {claim.id: claim.statement for claim in experiment.claims(observed(experiment))}
    said = {"inverse": "1/16", "model": "1/4", "cold": "1/0.5²", "wide": "2⁴", "wide-normalised": "1"}
    for name, variance in said.items():
        assert statements[f"variance-of-{name}"].endswith(f"variance {variance}."), name
