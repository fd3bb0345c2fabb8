"""Verdicts: the rule itself, and planted faults that it must not let pass."""

import math
from collections.abc import Callable
from typing import ClassVar

import numpy as np
import pytest
from numpy.typing import ArrayLike
from scipy import stats

from experiments.claims import Claim, Judgement, Verdict, judge, judge_all
from experiments.derivation import Derivation
from experiments.goodness import Goodness
from experiments.lecture_demo import LectureDemo
from experiments.saturation import Saturation
from experiments.variance import Variance
from judge import verdicts
from scaling import RAW, SCALED, Gaussian, PowerRule, Uniform
from scaling.power import detectable_distance


def claim(evidence: object, prediction: float = 1.0, margin: float = 0.1, side: str = "within") -> Claim:
    """A claim with nothing but its numbers."""
    return Claim(
        "id", "group", "label", "statement", "source", prediction, margin, "reason", np.array(evidence), side=side
    )


def around(centre: float, half_width: float) -> list[float]:
    """Two block values whose 99 % t interval is centre ± half_width (t = 63.657 at one degree of freedom)."""
    spread = half_width / 63.656741
    return [centre - spread, centre + spread]


@pytest.mark.parametrize(
    ("centre", "half_width", "side", "verdict"),
    [
        (1.0, 0.09, "within", "confirmed"),
        (1.0, 0.11, "within", "undecided"),
        (1.05, 0.06, "within", "undecided"),
        (1.2, 0.09, "within", "refuted"),
        (0.8, 0.09, "within", "refuted"),
        (1.2, 0.11, "within", "undecided"),
        (0.5, 0.4, "at most", "confirmed"),
        (0.5, 0.6, "at most", "undecided"),
        (2.0, 0.9, "at most", "refuted"),
        (-9.0, 1.0, "at most", "confirmed"),
        (1.5, 0.4, "at least", "confirmed"),
        (1.0, 0.4, "at least", "undecided"),
        (0.5, 0.4, "at least", "refuted"),
    ],
)
def test_the_whole_interval_decides(centre: float, half_width: float, side: str, verdict: str) -> None:
    """Confirmed inside the region, refuted outside, undecided across an edge; on both sides."""
    judgement = judge(claim(around(centre, half_width), side=side), 0.99)
    assert (judgement.low, judgement.high) == pytest.approx((centre - half_width, centre + half_width), rel=1e-6)
    assert judgement.verdict == verdict


def test_what_would_decide_is_planned_and_not_promised_at_an_edge() -> None:
    """An undecided claim names the blocks for ten standard errors a margin; with an estimate at the edge, none."""
    wide = judge(claim(np.random.default_rng(2).normal(1, 1, size=50)), 0.99)
    assert wide.verdict == "undecided"
    assert wide.blocks_needed == pytest.approx(50 * (10 * wide.standard_error / 0.1) ** 2, abs=1)
    at_edge = judge(claim(np.random.default_rng(2).normal(1.1, 0.01, size=50)), 0.99)
    assert at_edge.verdict == "undecided"
    assert at_edge.blocks_needed is None


def test_intervals_are_simultaneous() -> None:
    """More claims make every interval wider, and a family of one has the family's own level."""
    evidence = np.random.default_rng(1).normal(size=20)
    claims = [claim(evidence + i) for i in range(50)]
    many = judge_all([Claim(**{**vars(c), "id": str(i)}) for i, c in enumerate(claims)], 0.001)
    one = judge_all(claims[:1], 0.001)
    assert one.confidence == 0.999
    assert many.confidence == pytest.approx(1 - 0.001 / 50)
    assert many["0"].high > one["id"].high


def test_what_is_caught_is_refuted_nine_times_in_ten(record_property: Callable[[str, object], None]) -> None:
    """Of 4000 ledgers whose truth lies the detectable deviation off, on either side; within five binomial errors.

    Deviations a quarter of the way back to the margin, the control, are caught less often.
    """
    noise = np.random.default_rng(4).normal(size=(4000, 12))
    wanted = judge(claim(np.arange(12.0)), 0.999).detectable
    for side, sign in (("within", 1), ("within", -1), ("at most", 1), ("at least", -1)):
        margin = 0.1 if side == "within" else 0.0
        distance = (wanted - 0.1) / np.arange(12).std(ddof=1)
        for share in (1.0, 0.75):
            planted = 1.0 + sign * (margin + share * distance) + noise
            caught = np.mean([judge(claim(blocks, side=side), 0.999).verdict == "refuted" for blocks in planted])
            assert (abs(caught - 0.9) < 5 * math.sqrt(0.09 / 4000)) == (share == 1.0), (side, sign, share)
    record_property("cases", 8 * len(noise))


def test_a_deviation_at_the_least_certain_place_is_caught_too() -> None:
    """A curve's detectable deviation is that of its widest interval; a bound has no margin to be left first."""
    spread = np.random.default_rng(5).normal(size=(16, 2)) * [1.0, 5.0]
    both = Claim(**{**vars(curve([0.0, 0.0])), "evidence": spread})
    wide = Claim(**{**vars(claim(spread[:, 1])), "prediction": 0.0})
    assert judge(both, 0.99).detectable == judge(wide, 0.99).detectable
    bound = Claim(**{**vars(wide), "side": "at most"})
    assert judge(wide, 0.99).detectable - judge(bound, 0.99).detectable == pytest.approx(0.1)
    assert judge(bound, 0.99).detectable == pytest.approx(
        detectable_distance(0.99, 16, 0.9) * judge(bound, 0.99).standard_error
    )


def test_half_of_the_claims_catch_what_is_said_of_them() -> None:
    """The median over those with a margin of what each catches, in its margins; bounds are left out."""
    noise = np.random.default_rng(6).normal(size=16)
    claims = [
        Claim(**{**vars(claim(1.0 + scatter * noise, side=side)), "id": name, "margin": margin})
        for name, side, scatter, margin in (
            ("narrow", "within", 0.01, 0.1), ("middle", "within", 0.04, 0.2), ("wide", "within", 0.4, 0.5),
            ("above", "at least", 2.0, 0.1), ("below", "at most", 3.0, 0.1),
        )
    ]  # fmt: skip
    ledger = judge_all(claims, 0.001)
    found = [ledger[name].detectable / margin for name, margin in (("narrow", 0.1), ("middle", 0.2), ("wide", 0.5))]
    assert found == sorted(found)
    assert ledger.reach == found[1]


def curve(offsets: list[float], side: str = "within") -> Claim:
    """A claim about a curve, 0 ± 0.1 at each place, from 20 blocks whose means are `offsets`."""
    noise = np.random.default_rng(3).normal(0, 0.01, (20, len(offsets)))
    evidence = noise - noise.mean(axis=0) + np.array(offsets)
    places = tuple(f"d = {2**i}" for i in range(len(offsets)))
    return Claim("id", "group", "label", "statement", "source", 0.0, 0.1, "reason", evidence, side=side, places=places)


@pytest.mark.parametrize(
    ("offsets", "side", "verdict", "place"),
    [
        ([0.0, 0.02, -0.05, 0.0], "within", "confirmed", "d = 4"),
        ([0.0, 0.1, -0.05, 0.0], "within", "undecided", "d = 2"),
        ([0.0, 0.0, 0.0, 0.2], "within", "refuted", "d = 8"),
        ([0.1, 0.0, 0.3, 0.2], "within", "refuted", "d = 4"),
        ([-0.5, -0.1, -0.2, -0.3], "at most", "confirmed", "d = 2"),
        ([-0.5, 0.1, -0.2, -0.3], "at most", "refuted", "d = 2"),
        ([0.5, 0.0, 0.2, 0.3], "at least", "undecided", "d = 2"),
    ],
)
def test_a_curve_is_judged_at_all_its_places(offsets: list[float], side: str, verdict: str, place: str) -> None:
    """Confirmed where every interval lies inside, refuted by a single one outside; the one that decides is named."""
    judgement = judge(curve(offsets, side), 0.999)
    assert (judgement.verdict, judgement.place) == (verdict, place)
    assert judgement.estimate == pytest.approx(offsets[int(np.log2(int(place.split()[-1])))], abs=1e-12)


def test_two_claims_with_one_name_are_refused() -> None:
    """A claim is found by its id; the message names the one that is shared."""
    other = Claim(**{**vars(claim([1, 2])), "id": "other"})
    with pytest.raises(ValueError, match=r"claims share an id: \['id'\]"):
        judge_all([claim([1, 2]), claim([3, 4]), other], 0.001)


def test_a_ledger_finds_its_claims_by_id_and_by_group() -> None:
    """In its own order; nothing else is in it."""
    claims = [
        Claim(**{**vars(claim([1.0, value])), "id": name, "group": group})
        for name, group, value in (("a", "one", 1.0), ("b", "two", 9.0), ("c", "one", 1.0))
    ]
    ledger = judge_all(claims, 0.001)
    assert ledger["b"].claim is claims[1]
    assert ("a" in ledger, "d" in ledger, 3 in ledger) == (True, False, False)
    groups = {name: [judgement.claim.id for judgement in found] for name, found in ledger.groups.items()}
    assert list(groups.items()) == [("one", ["a", "c"]), ("two", ["b"])]
    assert ledger.summary == "2 confirmed, 1 undecided, 0 refuted"
    assert ledger.count(Verdict.CONFIRMED) == 2


def test_without_claims_there_is_a_ledger_too() -> None:
    """An empty one, at the confidence of a single interval."""
    ledger = judge_all([], 0.001)
    assert (ledger.judgements, ledger.n_intervals, ledger.confidence) == ((), 0, 0.999)
    assert ledger.summary == "0 confirmed, 0 undecided, 0 refuted"


@pytest.mark.parametrize("side", ["at most", "at least"])
def test_a_region_holds_its_edge(side: str) -> None:
    """It is closed: an interval that is the edge alone lies inside, and the next number outside."""
    assert judge(claim([1.0, 1.0, 1.0], side=side), 0.99).verdict == "confirmed"
    beyond = np.nextafter(1.0, 2.0 if side == "at most" else 0.0)
    assert judge(claim([beyond] * 3, side=side), 0.99).verdict == "refuted"


def test_blocks_that_are_enough_are_not_asked_for_again() -> None:
    """With exactly ten standard errors in a margin, an undecided claim needs no more blocks."""
    blocks = around(1.0, 0.05)
    error = judge(claim(blocks), 0.99).standard_error
    found = judge(claim(blocks, prediction=1 + 10 * error, margin=10 * error), 0.99)
    assert (found.verdict, found.blocks_needed) == ("undecided", None)
    assert judge(claim(blocks, prediction=1 + 10 * error, margin=9.9 * error), 0.99).blocks_needed == 3
    assert judge(claim(blocks, prediction=1 + 8 * error, margin=8 * error), 0.99).blocks_needed == 4


def test_a_claim_is_shown_without_its_evidence() -> None:
    """A failing test prints it on a line, not with thousands of block values."""
    assert "evidence" not in repr(claim([1.0, 2.0]))


def test_an_unknown_claim_is_not_found_silently() -> None:
    """Templates name claims; a typo must not pass."""
    with pytest.raises(KeyError, match="no claim is named 'nothing'"):
        judge_all([claim([1, 2])], 0.001)["nothing"]


GRID = {"n_blocks": 64, "d_k": [1, 2, 8, 64], "margin": 0.02}


def test_a_true_variance_is_confirmed_everywhere() -> None:
    """With the right rule and sampler every claim about the variance comes out confirmed, at planned sizes."""
    for seed in range(3):
        assert {judgement.verdict for judgement in verdicts(Variance(**GRID), seed).values()} == {Verdict.CONFIRMED}


class Mislabelled(Variance):
    """d^-0.45 passed off as 1/√d."""

    rules: ClassVar[tuple[PowerRule, ...]] = (RAW, PowerRule("scaled", 0.45))


def test_a_wrong_exponent_passed_off_as_the_root_is_refuted() -> None:
    """At every d_k above 1, where the two rules differ, and in the slope."""
    found = verdicts(Mislabelled(**GRID))
    assert found["scaled-variance-1"].verdict == Verdict.CONFIRMED
    for name in ("scaled-variance-2", "scaled-variance-8", "scaled-variance-64", "slope-scaled"):
        assert found[name].verdict == Verdict.REFUTED, name
    assert found["slope-scaled"].estimate == pytest.approx(0.1, abs=0.01)
    assert found["variance-64"].verdict == Verdict.CONFIRMED


@pytest.mark.parametrize("factor", [0.98, 1.02])
def test_a_sampler_two_percent_off_is_never_confirmed(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Var(q·k) wrong by 2 % at a 1 % margin: no variance, scaled variance or sd is confirmed at any d_k."""
    monkeypatch.setattr("experiments.experiment.entry_law", lambda name: Gaussian(sd=factor**0.25))
    found = verdicts(Variance(n_blocks=64, d_k=[1, 8, 64], margin=0.01))
    claims = [judgement for name, judgement in found.items() if name.startswith(("variance", "sd", "scaled"))]
    assert len(claims) == 9
    assert Verdict.CONFIRMED not in {judgement.verdict for judgement in claims}


def test_the_derivation_notices_each_broken_assumption(monkeypatch: pytest.MonkeyPatch) -> None:
    """A mean of 0.05, a variance of 1.05: each line that uses the assumption is refuted, and none without a fault."""
    sheet = Derivation(n_blocks=64, d_k=5, margin=0.02)
    assert {judgement.verdict for judgement in verdicts(sheet).values()} == {Verdict.CONFIRMED}
    monkeypatch.setattr("experiments.derivation.entry_law", lambda name: Gaussian(mean=0.05))
    assert verdicts(sheet)["mean-entry"].verdict == Verdict.REFUTED
    monkeypatch.setattr("experiments.derivation.entry_law", lambda name: Gaussian(sd=1.05**0.5))
    found = verdicts(sheet)
    assert found["variance-entry"].verdict == Verdict.REFUTED
    assert found["variance-product"].verdict == Verdict.REFUTED


class Correlated(Gaussian):
    """Entries that share a part with their whole vector."""

    def sample(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """Entries with correlation 0.3 between the components of a vector."""
        own, common = rng.standard_normal(shape), rng.standard_normal((*shape[:-1], 1))
        return math.sqrt(0.7) * own + math.sqrt(0.3) * common

    sample_single = sample


def test_correlated_components_break_the_fifth_line_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Cov(q_i k_i, q_j k_j) = 0.3² while every line about single entries still holds."""
    monkeypatch.setattr("experiments.derivation.entry_law", lambda name: Correlated())
    found = verdicts(Derivation(n_blocks=64, d_k=5, margin=0.05))
    assert found["covariance-products"].verdict == Verdict.REFUTED
    assert found["covariance-products"].estimate == pytest.approx(0.09, abs=0.01)
    assert found["mean-entry"].verdict == Verdict.CONFIRMED


SATURATION = {"n_blocks": 16, "d_k": [1, 16, 256], "n_keys": [8, 64], "precision": 0.003, "margin": 0.05}


def by_group(found: dict[str, Judgement]) -> dict[str, set[str]]:
    """The verdicts of each group of claims."""
    groups: dict[str, set[str]] = {}
    for judgement in found.values():
        groups.setdefault(judgement.claim.group, set()).add(judgement.verdict)
    return groups


def test_saturation_has_the_direction_claimed_and_a_swap_is_refuted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raw saturates, scaled does not and both follow their law; with the rules swapped, all of it is refuted."""
    groups = by_group(verdicts(Saturation(**SATURATION)))
    assert groups == {name: {"confirmed"} for name in ("saturation", "exact law", "number of keys")}
    monkeypatch.setattr(Saturation, "rules", (SCALED, RAW))
    groups = by_group(verdicts(Saturation(**SATURATION)))
    assert groups["saturation"] == groups["exact law"] == {"refuted"}


@pytest.mark.parametrize(
    ("rules", "rule", "curve"),
    [
        ((PowerRule("raw", 0.15), SCALED), "raw", "law-raw-normalised-entropy"),
        ((RAW, PowerRule("scaled", 0.45)), "scaled", "law-scaled-entropy"),
    ],
    ids=["raw", "scaled"],
)
def test_a_wrong_exponent_departs_from_the_exact_law(
    monkeypatch: pytest.MonkeyPatch, rules: tuple[PowerRule, ...], rule: str, curve: str
) -> None:
    """It is refuted in the curves of its own rule and in no other."""
    monkeypatch.setattr(Saturation, "rules", rules)
    found = verdicts(Saturation(**SATURATION))
    refuted = {name for name, judgement in found.items() if judgement.verdict == "refuted"}
    assert {f"{curve}-{n_keys}" for n_keys in (8, 64)} <= refuted
    assert all(name.startswith(f"law-{rule}-") for name in refuted if name.startswith("law-"))


def test_other_entries_have_no_law_to_be_held_against() -> None:
    """The exact law is that of normal entries; for others predictions are empty and nothing is claimed from them."""
    signs = Saturation(**SATURATION, entries="sign")
    groups = by_group(verdicts(signs))
    assert set(groups) == {"saturation"}
    assert np.isnan(signs.law(signs.cells()[0])).all()


def test_dot_products_follow_the_exact_density_and_not_the_normal_one() -> None:
    """Confirmed at every d_k, and where the normal law is far enough off, that it fails."""
    found = verdicts(Goodness(n_blocks=16, d_k=[1, 8, 512], distance=0.02))
    assert set(found) == {"exact-density-1", "not-normal-1", "exact-density-8", "exact-density-512"}
    assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}


def test_other_entries_do_not_follow_the_exact_density(monkeypatch: pytest.MonkeyPatch) -> None:
    """Products of uniform entries of the same variance, passed off as normal ones, are refuted."""
    monkeypatch.setattr(Gaussian, "sample_single", Uniform().sample_single)
    found = verdicts(Goodness(n_blocks=16, d_k=[1, 2], distance=0.02))
    assert {found[f"exact-density-{d_k}"].verdict for d_k in (1, 2)} == {Verdict.REFUTED}


def test_a_thousand_pairs_leave_the_lectures_claim_undecided() -> None:
    """At a 1 % margin one run decides nothing, for any of many seeds, and the pairs it would take are planned."""
    for seed in range(20):
        found = verdicts(LectureDemo(n_blocks=2, d_k=[5, 20, 100], n_pairs=1000, margin=0.01), seed)
        assert {judgement.verdict for judgement in found.values()} == {Verdict.UNDECIDED}
        for d_k in (5, 20, 100):
            pairs = 20 * (found[f"lecture-{d_k}"].blocks_needed or 0)
            assert 0.3 < pairs / ((2 + 6 / d_k) * 1000**2) < 3


def test_margins_hold_about_ten_standard_errors() -> None:
    """Planned sizes reach the planned precision for every variance claim."""
    for judgement in verdicts(Variance(**GRID)).values():
        if judgement.claim.id.startswith("variance"):
            assert 7 < judgement.claim.margin / judgement.standard_error < 15


PLACES = tuple(f"$d_k = {2**i}$" for i in range(13))


def thirteen(centres: ArrayLike, half_widths: ArrayLike = 0.05, side: str = "within") -> Claim:
    """A claim about 13 places, with 99 % t intervals of the given centres and half-widths; it predicts 1 ± 0.1."""
    spread = np.broadcast_to(half_widths, 13) / 63.656741
    middle = np.broadcast_to(centres, 13)
    evidence = np.stack([middle - spread, middle + spread])
    return Claim(
        "curve", "group", "label", "statement", "source", 1.0, 0.1, "reason", evidence, side=side, places=PLACES
    )


def with_one(value: float, place: int, others: float) -> np.ndarray:
    """13 numbers, all `others` but one."""
    values = np.full(13, others)
    values[place] = value
    return values


@pytest.mark.parametrize("place", range(13))
def test_a_curve_is_confirmed_only_if_all_of_it_lies_inside(place: int) -> None:
    """12 places exactly right do not help one whose interval crosses an edge; the judgement names it."""
    inside = judge(thirteen(with_one(1.04, place, others=1.0)), 0.99)
    assert (inside.verdict, inside.place) == ("confirmed", PLACES[place])
    assert (inside.low, inside.high) == pytest.approx((0.99, 1.09), rel=1e-6)
    across = judge(thirteen(with_one(0.94, place, others=1.0)), 0.99)
    assert (across.verdict, across.place) == ("undecided", PLACES[place])
    assert (across.low, across.high) == pytest.approx((0.89, 0.99), rel=1e-6)
    wide = judge(thirteen(1.0, with_one(0.11, place, others=0.05)), 0.99)
    assert (wide.verdict, wide.place) == ("undecided", PLACES[place])
    assert wide.standard_error == pytest.approx(0.11 / 63.656741, rel=1e-6)


@pytest.mark.parametrize("side", ["within", "at most", "at least"])
@pytest.mark.parametrize("place", range(13))
def test_a_fault_planted_at_one_place_of_thirteen_refutes_the_curve(place: int, side: str) -> None:
    """With the others right, and with all others undecided; the place at fault is named, with its own interval."""
    right, fault = {"within": (1.0, 1.2), "at most": (0.9, 1.2), "at least": (1.1, 0.8)}[side]
    assert judge(thirteen(right, side=side), 0.99).verdict == "confirmed"
    for half_width in (0.05, 5.0):
        found = judge(thirteen(with_one(fault, place, right), with_one(0.05, place, half_width), side), 0.99)
        assert (found.verdict, found.place) == ("refuted", PLACES[place])
        assert found.estimate == pytest.approx(fault, rel=1e-12)
        assert (found.low, found.high) == pytest.approx((fault - 0.05, fault + 0.05), rel=1e-6)
        assert found.blocks_needed is None


def test_of_several_faults_the_one_farthest_outside_is_named() -> None:
    """Farthest by the near end of its interval, not by its estimate."""
    centres, half_widths = np.full(13, 1.0), np.full(13, 0.05)
    centres[[2, 7, 9]] = 1.2, 0.7, 1.5
    half_widths[9] = 0.39
    found = judge(thirteen(centres, half_widths), 0.99)
    assert (found.verdict, found.place) == ("refuted", PLACES[7])


def test_an_undecided_curve_plans_for_its_least_certain_place() -> None:
    """Blocks for ten standard errors a margin there, whether or not that place decides."""
    noise = np.random.default_rng(5).normal(size=64)
    noise = (noise - noise.mean()) / noise.std(ddof=1)
    evidence = np.stack([0.095 + 0.1 * noise, 0.235 * noise], axis=1)
    edge = Claim(**{**vars(curve([0.0, 0.0])), "evidence": evidence})
    assert judge(edge, 0.999).blocks_needed == pytest.approx((10 * 0.235 / 0.1) ** 2, abs=1)
    found = judge(thirteen(1.0, with_one(50.0, 4, others=0.05)), 0.99)
    assert (found.verdict, found.place) == ("undecided", PLACES[4])
    assert found.blocks_needed == pytest.approx(2 * (10 * found.standard_error / 0.1) ** 2, abs=1)


def test_a_single_number_has_no_place() -> None:
    """And a curve of one place is judged as a single number is."""
    number = claim(around(1.0, 0.05))
    place = Claim(**{**vars(number), "evidence": number.evidence[:, None], "places": ("here",)})
    one, other = judge(number, 0.99), judge(place, 0.99)
    assert (one.place, other.place) == ("", "here")
    assert (one.low, one.high, one.verdict) == (other.low, other.high, other.verdict)


def test_every_place_of_a_curve_counts_among_the_simultaneous_intervals() -> None:
    """A curve of 13 and two numbers are 15 intervals, each at 1 - error/15 by Bonferroni, and as wide as that."""
    numbers = [Claim(**{**vars(claim(around(1.0, 0.01))), "id": name}) for name in ("a", "b")]
    ledger = judge_all([*numbers, thirteen(1.0, 0.001)], 0.001)
    assert [judgement.claim.n_intervals for judgement in ledger.judgements] == [1, 1, 13]
    assert ledger.n_intervals == 15
    assert ledger.confidence == pytest.approx(1 - 0.001 / 15, abs=1e-15)
    assert judge_all(numbers, 0.001).n_intervals == 2
    for judgement in ledger.judgements:
        half_width = stats.t.isf(0.001 / 30, 1) * judgement.standard_error
        assert judgement.high - judgement.estimate == pytest.approx(half_width, rel=1e-9)


def test_a_true_curve_is_seldom_refuted() -> None:
    """At a family-wise error of 5 %, 13 true places on the edge of a closed region are refuted in at most 5 % of runs.

    Counted over 2000 runs, allowing five standard deviations; single 95 % intervals, the negative control, fail that.
    """
    rng = np.random.default_rng(6)
    runs = [
        Claim(**{**vars(thirteen(0.0, side="at most")), "evidence": 1 + rng.normal(size=(16, 13))}) for _ in range(2000)
    ]
    allowed = 2000 * 0.05 + 5 * math.sqrt(2000 * 0.05 * 0.95)
    assert sum(judge_all([run], 0.05).judgements[0].verdict == "refuted" for run in runs) < allowed
    assert sum(judge(run, 0.95).verdict == "refuted" for run in runs) > allowed
