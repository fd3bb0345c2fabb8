"""Assumptions broken one by one: predictions confirmed, those of other cases refuted, and controls that must fail."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from experiments.assumptions import CASES, Assumptions, PairCell, kind_of
from experiments.claims import Claim, Verdict, judge, judge_all
from experiments.runner import Results
from judge import observed, verdicts
from report.figures import assumptions as figures
from report.figures.selection import select
from report.findings.assumptions import broken_assumptions
from scaling import PAIR_LAWS, measure_pairs

GRID: dict[str, Any] = {"n_blocks": 32, "d_k": [4, 32], "margin": 0.05}
CONFIDENCE = 1 - 1e-6
Blocks = dict[PairCell, np.ndarray]


@pytest.fixture(scope="module")
def blocks() -> Blocks:
    """Block values of every case."""
    return observed(Assumptions(**GRID), 3)  # type: ignore[return-value]


def of(case: str, blocks: Blocks) -> Blocks:
    """The blocks of one case."""
    return {cell: values for cell, values in blocks.items() if cell.case == case}


def test_true_moments_are_confirmed_at_planned_sizes() -> None:
    """For several seeds every claim, with about ten standard errors to a margin of each variance."""
    for seed in range(3):
        found = verdicts(Assumptions(**GRID), seed)
        assert len(found) == len(CASES) + 2
        assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}
        for case in CASES:
            judgement = found[f"assumption-variance-{case}"]
            assert judgement.claim.margin / judgement.standard_error > 6.5, case


def deviation(case: str, said: str, what: str, d_k: int) -> float:
    """How far a case's exact moment is from the one that is said, in units of the margin's."""
    own, other = PAIR_LAWS[case], PAIR_LAWS[said]
    if what == "variance":
        return abs(own.variance(d_k) / other.variance(d_k) - 1)
    return abs(own.mean(d_k) - other.mean(d_k)) / other.variance(d_k) ** 0.5


@pytest.mark.parametrize("what", ["variance", "mean"])
def test_each_case_is_refuted_under_the_prediction_of_another(what: str, blocks: Blocks) -> None:
    """Wherever they differ by more than one and a half margins; confirmed where they do not differ at all."""
    experiment = Assumptions(**GRID)
    claim_of = experiment.variance_claim if what == "variance" else experiment.mean_claim
    n_refuted = 0
    for case in CASES:
        for said in CASES:
            farthest = max(deviation(case, said, what, d_k) for d_k in experiment.d_k)
            verdict = judge(claim_of(case, of(case, blocks), said), CONFIDENCE).verdict
            if farthest > 1.5 * experiment.margin:
                assert verdict == Verdict.REFUTED, (case, said)
                n_refuted += 1
            elif farthest == 0 and deviation(said, case, what, 4) == 0 and PAIR_LAWS[said].variance(4) >= 1:
                assert verdict != Verdict.REFUTED, (case, said)
    assert n_refuted > 70


@pytest.mark.parametrize("seed", range(4))
def test_the_control_is_refuted_by_its_mean_and_not_by_its_variance(seed: int) -> None:
    """ρ = 0.1 taken for 0: the variance is 1 % off, within the margin; the mean 0.1 √d standard deviations."""
    experiment = Assumptions(**GRID)
    controls = {claim.id: judge(claim, CONFIDENCE) for claim in experiment.controls(observed(experiment, seed))}  # type: ignore[arg-type]
    assert controls["assumption-variance-aligned-as-gaussian"].verdict == Verdict.CONFIRMED
    for what, exact in (("mean", 0.1 * 32**0.5), ("square", 1.01 + 32 * 0.01)):
        judgement = controls[f"assumption-{what}-aligned-as-gaussian"]
        assert judgement.verdict == Verdict.REFUTED
        assert judgement.place == "$d_k = 32$"
        assert judgement.estimate == pytest.approx(exact, abs=8 * judgement.standard_error)
        assert "judged as independent" in judgement.claim.label


def test_an_alignment_is_said_to_be_caught_only_where_it_can_be() -> None:
    """0.1 √d must be twice the margin: not at d_k = 4 with a margin of 11 %."""
    ids = {"large": set(verdicts(Assumptions(**GRID))), "small": set()}
    small = Assumptions(n_blocks=4, d_k=[2, 4], margin=0.11)
    ids["small"] = {claim.id for claim in small.claims(observed(small))}  # type: ignore[arg-type]
    assert "alignment-is-caught" in ids["large"]
    assert "alignment-is-caught" not in ids["small"]


def test_one_wrong_mean_refutes_the_claim_on_all(blocks: Blocks) -> None:
    """Its place names the case."""
    off = {cell: np.array([0.2 * (cell.case == "sparse" and cell.d_k == 4), 0]) for cell in blocks}
    shifted = {cell: values + off[cell] for cell, values in blocks.items()}
    claims = {claim.id: claim for claim in Assumptions(**GRID).claims(shifted)}
    judgement = judge(claims["assumption-means"], CONFIDENCE)
    assert judgement.verdict == Verdict.REFUTED
    assert judgement.place == "nine of ten entries 0, $d_k = 4$"
    assert len(claims["assumption-means"].places) == 2 * len(CASES)


def test_a_block_is_what_the_sampler_measures() -> None:
    """The mean, then the variance, of the cell's own law and tiles."""
    experiment = Assumptions(**GRID)
    for cell in experiment.cells()[:: len(GRID["d_k"])]:
        expected = measure_pairs(np.random.default_rng(1), PAIR_LAWS[cell.case], cell.d_k, cell.tiles)
        assert experiment.measure(cell, np.random.default_rng(1)).tolist() == list(expected)


def test_the_frame_holds_each_moment_beside_its_own_law(blocks: Blocks) -> None:
    """With margins in units of the variance and of the standard deviation."""
    frame = Assumptions(**GRID).frame(blocks).set_index(["case", "d_k", "quantity"])
    assert len(frame) == len(CASES) * 2 * 2
    for cell, values in blocks.items():
        law = PAIR_LAWS[cell.case]
        mean, variance = (frame.loc[(cell.case, cell.d_k, quantity)] for quantity in ("mean", "variance"))
        assert (mean["prediction"], variance["prediction"]) == (law.mean(cell.d_k), law.variance(cell.d_k))
        assert (mean["estimate"], variance["estimate"]) == pytest.approx(tuple(values.mean(axis=0)))
        assert mean["margin"] == pytest.approx(0.05 * law.variance(cell.d_k) ** 0.5)
        assert variance["margin"] == pytest.approx(0.05 * law.variance(cell.d_k))


def value_of(latex: str, d_k: int) -> float:
    """A formula of d_k as a table shows it."""
    text = latex.replace(r"\,", "").replace("d_k", "d")
    text = re.sub(r"(?<=[\d)d])\s*(?=[d(])", "*", text)
    return float(eval(text, {"__builtins__": {}, "d": d_k}))  # of this project's own table


@pytest.mark.parametrize("case", CASES)
def test_formulas_in_words_are_those_of_the_laws(case: str) -> None:
    """At three dimensions; and every law has words."""
    assert set(CASES) == set(PAIR_LAWS)
    for d_k in (1, 7, 100):
        law = PAIR_LAWS[case]
        assert value_of(CASES[case].variance, d_k) == pytest.approx(law.variance(d_k), rel=1e-12)
        assert value_of(CASES[case].mean, d_k) == pytest.approx(law.mean(d_k), rel=1e-12)


@pytest.mark.parametrize(
    "change", [{"d_k": []}, {"d_k": [4, 4]}, {"d_k": [0]}, {"margin": 0.0}, {"n_blocks": 1}, {"cases": ["sign"]}]
)
def test_impossible_settings_are_refused(change: dict[str, Any]) -> None:
    """As of any experiment."""
    with pytest.raises(ValueError, match=next(iter(change))):
        Assumptions(**{**GRID, **change})


def test_controls_are_judged_beside_the_ledger_and_not_in_it(report: Path, results: Results) -> None:
    """With the confidence of its intervals; they count in no tally, and stand in the record under their own name."""
    ids = [judgement.claim.id for judgement in results.controls]
    assert ids == [f"assumption-{what}-aligned-as-gaussian" for what in ("variance", "mean", "square")]
    assert not any(name in results.ledger for name in ids)
    for judgement in results.controls:
        assert judgement == judge(judgement.claim, results.ledger.confidence)
    record = json.loads((report / "claims.json").read_text())
    assert [control["id"] for control in record["controls"]] == ids
    assert record["n_claims"] == len(results.ledger.judgements)


def test_a_ledger_with_a_control_would_be_refuted() -> None:
    """The control is wrong enough to fail a report if it stood among the claims."""
    experiment = Assumptions(**GRID)
    blocks = observed(experiment)
    claims: list[Claim] = [*experiment.claims(blocks), *experiment.controls(blocks)]  # type: ignore[arg-type]
    assert judge_all(claims, 0.001).count(Verdict.REFUTED) == 2


KINDS = {
    "kept": ["gaussian", "sign", "uniform", "student-t", "sparse", "one-sided"],
    "constant": ["narrow", "wide", "neighbours"],
    "power": ["unit-interval", "offset", "shared-sign", "aligned", "equal"],
}


def test_what_the_root_does_to_each_case() -> None:
    """By its law alone: every case is of one kind."""
    assert {kind: [name for name, law in PAIR_LAWS.items() if kind_of(law) == kind] for kind in KINDS} == KINDS


def test_sentences_state_the_runs_own_numbers(results: Results) -> None:
    """Each row's estimates at the largest d_k, in units of d_k and of its root; exact values by hand."""
    stated, frame = broken_assumptions(results), results.frames["assumptions"]
    assert (stated.d_k, stated.margin, stated.rho, stated.r) == (16, 0.2, 0.1, 0.1)
    assert (stated.crossing, stated.correlated_crossing) == pytest.approx((100, 100))
    assert stated.shared_by_keys == pytest.approx((1 / 48) / (7 / 144))
    assert [row.case for rows in stated.rows.values() for row in rows] == list(CASES.values())
    for kind, rows in stated.rows.items():
        for name, row in zip(KINDS[kind], rows, strict=True):
            value = select(frame, case=name, d_k=16).set_index("quantity")["estimate"]
            assert row.variance == value["variance"] / 16
            assert float(row.mean.replace("−", "-")) == pytest.approx(value["mean"] / 4, abs=5.1e-4)
            assert row.judgement is results.ledger[f"assumption-variance-{name}"]
    verdict = {name: judgement.verdict for name, judgement in stated.controls.items()}
    assert stated.is_caught == (verdict["mean"] == "refuted" and verdict["variance"] != "refuted")


def test_the_control_in_the_figure_is_held_against_independence(blocks: Blocks) -> None:
    """Its estimates less 0 and d_k, in units of √d_k and d_k; the others against their own laws, in their own units."""
    frame = Assumptions(**GRID).frame(blocks)
    rows = figures.deviations(frame).set_index(["case", "d_k", "quantity"])
    assert len(rows) == len(frame) + 4
    raw = frame.set_index(["case", "d_k", "quantity"])["estimate"]
    for d_k in GRID["d_k"]:
        assert rows["estimate"]["control", d_k, "mean"] == pytest.approx(raw["aligned", d_k, "mean"] / d_k**0.5)
        assert rows["estimate"]["control", d_k, "variance"] == pytest.approx(raw["aligned", d_k, "variance"] / d_k - 1)
        assert rows["estimate"]["wide", d_k, "variance"] == pytest.approx(raw["wide", d_k, "variance"] / (81 * d_k) - 1)
        own = (raw["equal", d_k, "mean"] - d_k) / (2 * d_k) ** 0.5
        assert rows["estimate"]["equal", d_k, "mean"] == pytest.approx(own)
    assert rows["margin"].to_numpy() == pytest.approx(0.05)


@pytest.mark.parametrize("d_k", [[1], [2, 3], [1, 4, 16, 64, 300]])
def test_odd_grids_have_true_captions(d_k: list[int]) -> None:
    """One dimension, none that is a power of two, many: figures draw and name their own ends."""
    experiment = Assumptions(n_blocks=3, d_k=d_k, margin=0.5)
    frame = experiment.frame(observed(experiment))  # type: ignore[arg-type]
    for draw in (figures.draw_deviations, figures.draw_left):
        assert len(draw(frame).axes) == 2
    assert f"$d_k = {d_k[0]}$" in figures.caption_deviations(frame)
    assert f"at $d_k = {d_k[-1]}$: 6 of 14 cases (blue) keep variance 1" in figures.caption_left(frame)
    assert f"at d_k = {d_k[-1]}" in figures.alt_left(frame)
