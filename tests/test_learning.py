"""How fast heads learn: a block against plain loops, the choice of rates, planted faults, and odd grids."""

from functools import cache
from typing import Any

import numpy as np
import pandas as pd
import pytest

from experiments.claims import Judgement, Verdict, judge_all
from experiments.learning import Learning
from experiments.learning_runs import EXAMPLES, NAMES, STARTS, TASK, VARIANTS, LearningCell, Runs, steps_to_level
from experiments.preset import load_preset
from experiments.runner import Results
from judge import disagreements, observed
from report.figures import gradient_shares, learning, learning_rates
from report.findings.learning import LearningFindings, learning_findings
from scaling.lookup import Head, gradients

SETTINGS: dict[str, Any] = {
    "n_blocks": 24, "n_selection": 4, "d_k": [16, 256], "rates": [0.1, 1.0, 3.0, 10.0, 30.0], "n_steps": 160,
    "batch": 32, "margin": 0.03,
}  # fmt: skip
SMALL: dict[str, Any] = {**SETTINGS, "n_blocks": 3, "n_selection": 1, "rates": [0.3, 3.0], "n_steps": 9, "batch": 8}
FIGURES = (learning.CURVES, learning.STEPS, learning_rates.RATES, gradient_shares.SHARES)


@cache
def measured(seed: int) -> dict[LearningCell, np.ndarray]:
    """The blocks of SETTINGS, once for all tests."""
    return observed(Learning(**SETTINGS), seed)  # type: ignore[return-value]


def judged(experiment: Learning, blocks: Any) -> dict[str, Judgement]:
    """Its judgements by id, at a level such that every interval of a report of 250 would hold."""
    claims = experiment.claims(blocks)
    return {found.claim.id: found for found in judge_all(claims, 1e-3 * len(claims) / 250).judgements}


@pytest.mark.parametrize("seed", [1, 2])
def test_true_claims_are_confirmed(seed: int) -> None:
    """Raw is slower at d_k = 256 and at 16, not so with default weights; absorbed is as fast; either sign is there."""
    found = judged(Learning(**SETTINGS), measured(seed))
    assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}
    assert set(found) == {
        "learning-absorbed-is-scaled", "learning-raw-is-slower", "learning-raw-carried", "learning-scaled-carried",
        "learning-narrow-raw-is-slower", "learning-default-hides-it", "learning-raw-above", "learning-raw-below",
    }  # fmt: skip


def exchanged(**instead: str) -> dict[str, Judgement]:
    """The verdicts when variants are passed off as others, `instead` saying whose runs each one gets."""
    experiment = Learning(**SETTINGS)
    ((cell, blocks),) = measured(1).items()
    order = [NAMES.index(instead.get(name.replace("-", "_"), name)) for name in NAMES]
    runs = Runs(cell, blocks, 4)
    parts = [runs.curves[:, order], runs.losses[:, order], runs.dead_at_the_end[:, order], runs.starts[:, :, order]]
    return judged(experiment, {cell: np.concatenate([part.reshape(len(blocks), -1) for part in parts], axis=1)})


@pytest.mark.parametrize(
    ("instead", "refuted"),
    [
        ({"raw": "scaled"}, {"learning-raw-is-slower", "learning-raw-carried"}),
        ({"scaled": "raw"}, {"learning-raw-is-slower", "learning-scaled-carried", "learning-absorbed-is-scaled"}),
        ({"absorbed": "raw"}, {"learning-absorbed-is-scaled"}),
        ({"raw": "scaled", "scaled": "raw"}, {"learning-narrow-raw-is-slower", "learning-raw-is-slower"}),
        ({"raw_default": "raw", "scaled_default": "scaled"}, {"learning-default-hides-it"}),
    ],
)
def test_one_rule_passed_off_as_another_is_refuted(instead: dict[str, str], refuted: set[str]) -> None:
    """In the claims about it."""
    found = exchanged(**instead)
    assert {name for name, judgement in found.items() if judgement.verdict == Verdict.REFUTED} >= refuted


def test_a_block_by_loops() -> None:
    """Each head by explicit weights, batch by batch: curves in their bins, dead rows of the last bin, first scores."""
    experiment = Learning(**SMALL)
    (cell,) = experiment.cells()
    runs = Runs(cell, experiment.measure(cell, np.random.default_rng(3))[None], 1)

    rng = np.random.default_rng(3)
    widest = Head.initial(rng, TASK.d_in, 256)
    first_examples = TASK.sample(rng, EXAMPLES)
    batches = [TASK.sample(rng, 8) for _ in range(9)]
    assert cell.edges == (0, 1, 2, 3, 4, 6, 9)  # half octaves back from 9: 6.4, 4.5, 3.2, 2.3, 1.6, 1.1
    for v, (factor, size) in enumerate(
        [
            (lambda d: 1.0, lambda d: 1.0), (lambda d: d**-0.5, lambda d: 1.0), (lambda d: 1.0, lambda d: d**-0.25),
            (lambda d: 1.0, lambda d: 3**-0.5), (lambda d: d**-0.5, lambda d: 3**-0.5),
        ]
    ):  # fmt: skip
        for place, d_k in enumerate((16, 256)):
            start = Head(size(d_k) * widest.w_q[:, :d_k], size(d_k) * widest.w_k[:, :d_k])
            spread = np.std(factor(d_k) * start.dot_products(first_examples))
            assert runs.starts[0, STARTS.index("spread"), v, place] == pytest.approx(spread, rel=1e-9)
            for r, rate in enumerate((0.3, 3.0)):
                head, found, losses, dead = start, [], [], []
                for batch in batches:
                    scores = factor(d_k) * head.dot_products(batch)
                    is_found = scores.argmax(axis=1) == batch.own
                    weights = np.exp(scores - scores.max(axis=1, keepdims=True))
                    weights /= weights.sum(axis=1, keepdims=True)
                    found.append(is_found.mean())
                    dead.append(np.mean(~is_found & (1 - np.square(weights).sum(axis=1) < 0.01)))
                    step = gradients(head, batch, factor(d_k))
                    losses.append(step.loss)
                    head = Head(head.w_q - rate * step.w_q, head.w_k - rate * step.w_k)
                bins = [np.mean(found[a:b]) for a, b in zip(cell.edges[:-1], cell.edges[1:], strict=True)]
                assert runs.curves[0, v, place, r] == pytest.approx(bins)
                bins = [np.mean(losses[a:b]) for a, b in zip(cell.edges[:-1], cell.edges[1:], strict=True)]
                assert runs.losses[0, v, place, r] == pytest.approx(bins)
                assert runs.areas[0, v, place, r] == pytest.approx(np.mean(found))
                assert runs.dead_at_the_end[0, v, place, r] == pytest.approx(np.mean(dead[6:]))


def test_first_gradients_by_single_examples() -> None:
    """Median, mean, what one in a hundred carries and how many carry 90 %, from each example's own gradient."""
    experiment = Learning(**{**SMALL, "d_k": [32], "n_steps": 2})
    (cell,) = experiment.cells()
    starts = Runs(cell, experiment.measure(cell, np.random.default_rng(5))[None], 1).starts[0]
    rng = np.random.default_rng(5)
    head = Head.initial(rng, TASK.d_in, 32)
    examples = TASK.sample(rng, EXAMPLES)
    squares = []
    for i in range(EXAMPLES):
        part = [values[i : i + 1] for values in vars(examples).values()]
        single = gradients(head, type(examples)(*part), 1.0)
        squares.append(np.square(single.w_q).sum() + np.square(single.w_k).sum())
    ordered = np.sort(squares)[::-1]
    expected = {
        "gradient_median": np.median(np.sqrt(squares)),
        "gradient_mean": np.mean(np.sqrt(squares)),
        "gradient_of_top": ordered[:20].sum() / ordered.sum(),
        "examples_that_carry": (1 + np.sum(np.cumsum(ordered) < 0.9 * ordered.sum())) / EXAMPLES,
    }
    for name, value in expected.items():
        assert starts[STARTS.index(name), 0, 0] == pytest.approx(value, rel=1e-9), name


def test_spreads_are_those_of_the_law() -> None:
    """E‖c M‖² = σ_0² for every variant: what the scores of standard normal inputs vary by. 64 blocks, judge's level."""
    rng, rows = np.random.default_rng(6), []
    for _ in range(64):
        heads = [variant.first(Head.initial(rng, TASK.d_in, 40)) for variant in VARIANTS]
        rows.append(
            [
                np.square(variant.rule.factor(40) * head.w_q @ head.w_k.T).sum()
                for variant, head in zip(VARIANTS, heads, strict=True)
            ]
        )
    exact = np.array([variant.spread(40) ** 2 for variant in VARIANTS])
    assert exact == pytest.approx([40, 1, 1, 40 / 9, 1 / 9])
    assert disagreements(rows, exact) == []
    assert disagreements(rows, 1.2 * exact) == [0, 1, 2, 3, 4]


def test_an_absorbed_head_is_the_scaled_one_at_another_rate() -> None:
    """At d_k = 16 the rates 0.5 and 2 differ by √d_k: one and the same curve, whatever the grid says elsewhere."""
    ((cell, blocks),) = observed(Learning(**{**SMALL, "rates": [0.5, 2.0]})).items()
    curves = Runs(cell, blocks, 1).curves
    assert np.array_equal(curves[:, NAMES.index("absorbed"), 0, 0], curves[:, NAMES.index("scaled"), 0, 1])
    assert not np.array_equal(curves[:, NAMES.index("absorbed"), 1], curves[:, NAMES.index("scaled"), 1])


def test_wild_rates_are_recorded_as_not_learned() -> None:
    """Without a warning, and without a change in what the same block's other heads do."""
    tame, wild = (
        Runs(cell, blocks, 1) for rates in ([0.3, 3.0], [0.3, 1e4]) for cell, blocks in observed_with(rates).items()
    )
    assert np.isfinite(wild.blocks).all()
    assert np.array_equal(tame.curves[..., 0, :], wild.curves[..., 0, :])
    assert wild.curves[..., 1, -1].max() < 0.5
    assert (wild.best == 0).all()


def observed_with(rates: list[float]) -> dict[LearningCell, np.ndarray]:
    """Three blocks at these rates, drawn as if the cell were the same."""
    experiment = Learning(**{**SMALL, "rates": rates, "n_steps": 40})
    (cell,) = experiment.cells()
    return {cell: np.stack([experiment.measure(cell, np.random.default_rng([7, block])) for block in range(3)])}


def synthetic(experiment: Learning, curves: np.ndarray, n_blocks: int | None = None) -> dict[LearningCell, np.ndarray]:
    """Blocks with these curves (n_blocks, n_variants, n_d_k, n_rates, n_bins), and nothing else to speak of."""
    (cell,) = experiment.cells()
    count = n_blocks or experiment.n_blocks
    shape = (count, *cell.shape, len(cell.edges) - 1)
    curves = np.broadcast_to(curves, shape).reshape(count, -1)
    rest = np.full((count, (len(STARTS) + cell.shape[2]) * len(NAMES) * len(cell.d_k)), 0.5)
    return {cell: np.concatenate([curves, 1 - curves, rest], axis=1)}


def test_rates_are_chosen_by_the_choosing_blocks_alone() -> None:
    """The first blocks prefer the second rate, the others the first: what is reported is the second one's area."""
    experiment = Learning(**{**SMALL, "n_blocks": 5, "n_selection": 2})
    curves = np.zeros((5, 5, 2, 2, 6))
    curves[:2, ..., 1, :], curves[2:, ..., 0, :], curves[2:, ..., 1, :] = 0.6, 0.9, 0.3
    blocks = synthetic(experiment, curves)
    assert (experiment.runs(blocks).best == 1).all()
    frame = experiment.frame(blocks)
    best = frame[(frame["quantity"] == "area") & (frame["is_best"] == 1)]
    assert best["rate"].tolist() == [3.0] * 10
    assert best["estimate"].to_numpy() == pytest.approx(np.full(10, 0.3))
    assert set(frame["n_blocks"]) == {3}


def test_the_quickest_rate_need_not_be_the_best() -> None:
    """At one rate 90 % are there at once and lost again, at the other late and for good; each is chosen for its own."""
    experiment = Learning(**{**SMALL, "n_blocks": 5, "n_selection": 2})
    curves = np.zeros((5, 5, 2, 2, 6))
    curves[..., 0, :2] = 1.0  # in the first two of nine steps
    curves[..., 1, 2:] = 1.0
    blocks = synthetic(experiment, curves)
    runs = experiment.runs(blocks)
    assert (runs.best == 1).all()
    assert (runs.quickest == 0).all()
    frame = experiment.frame(blocks)
    by_quantity = frame[frame["is_best"] == 1].groupby("quantity")["rate"].unique().apply(list).to_dict()
    quick = {"reached", "steps_to_90", "slowdown"}
    assert {name for name, rates in by_quantity.items() if rates == [0.3]} == quick
    assert {name for name, rates in by_quantity.items() if rates == [3.0]} == set(by_quantity) - quick
    assert frame[frame["quantity"] == "steps_to_90"]["estimate"].tolist() == [1.0] * 10
    assert set(found_in(experiment, frame).on_the_edge.split("; ")[0].split(" at ")) == {"raw", "$d_k$ = 16 and 256"}


def test_steps_to_a_level_by_hand() -> None:
    """On an axis of ln step, middles at 1, 2.5 and 6: one is there at once, two are on the way, one never is."""
    curves = np.array([[0.9, 0.0, 0.0], [0.5, 0.8, 1.0], [0.2, 0.3, 0.89], [0.0, 1.0, 0.0]])
    found = steps_to_level(curves, (0, 1, 3, 8))
    halfway = (2.5 * 6) ** 0.5
    assert found == pytest.approx([1.0, halfway, np.inf, 2.5**0.9])


def test_runs_that_never_got_there_count_at_the_last_step() -> None:
    """Half of them never do: the share is told, and their steps are the last one's."""
    experiment = Learning(**{**SMALL, "n_blocks": 5})
    curves = np.zeros((5, 5, 2, 2, 6))
    curves[1:3] = 1.0
    frame = experiment.frame(synthetic(experiment, curves)).set_index(["variant", "d_k", "quantity"])
    assert frame.loc[("raw", 16, "reached"), "estimate"].item() == 0.5
    assert frame.loc[("raw", 16, "steps_to_90"), "estimate"].item() == pytest.approx(3.0)  # √(1 · 9)


@pytest.mark.parametrize(("power", "verdict"), [(1.0, Verdict.CONFIRMED), (0.4, Verdict.REFUTED)])
def test_the_slope_is_that_of_steps_on_the_spread(power: float, verdict: Verdict) -> None:
    """Curves that come to 90 % after 2 σ_0^power steps, in heads wider than their inputs; narrow ones do not count."""
    experiment = Learning(**{**SETTINGS, "d_k": [16, 64, 256, 1024], "rates": [1.0], "n_steps": 256, "n_blocks": 16})
    (cell,) = experiment.cells()
    edges = np.array(cell.edges)
    middles = np.log((1 + edges[:-1] + edges[1:]) / 2)
    spread = np.array([[variant.spread(d_k) for d_k in cell.d_k] for variant in VARIANTS])
    spread[:, 0] = 9.0  # as narrow as their inputs
    noise = np.random.default_rng(8).normal(0, 0.05, (16, 1, 1))
    there = np.log(2 * spread**power) + noise  # (n_blocks, n_variants, n_d_k)
    curves = np.clip(0.9 + 0.1 * (middles - there[..., None]), 0, 1)[:, :, :, None]
    found = judged(experiment, synthetic(experiment, curves))["learning-steps-slope"]
    assert found.estimate == pytest.approx(power, abs=0.01)
    assert found.verdict == verdict
    assert found.claim.margin == pytest.approx(np.log(2) / np.log(32 / (8 / 3)))


def test_what_a_grid_cannot_show_is_not_claimed() -> None:
    """No slope from two d_k, nothing of the narrow and the wide where there are none, no sign that nobody has seen."""
    experiment = Learning(**{**SMALL, "d_k": [64], "rates": [1.0], "n_blocks": 6})
    curves = 0.5 + 0.01 * np.random.default_rng(9).standard_normal((6, 5, 1, 1, 6))
    assert set(judged(experiment, synthetic(experiment, curves))) == {"learning-absorbed-is-scaled"}


def test_the_frame_holds_every_value_under_its_own_name() -> None:
    """Blocks all of whose numbers differ: areas, differences, curves and first quantities, each in its place."""
    experiment = Learning(**SMALL)
    (cell,) = experiment.cells()
    n_heads, n_bins = 20, 6
    base = np.random.default_rng(10).uniform(0, 1, (n_heads * (2 * n_bins + 1) + len(STARTS) * 10))
    runs = experiment.runs({cell: base + np.array([0, 1e-3, -1e-3])[:, None]})
    frame = experiment.frame({cell: runs.blocks})
    curves = base[:120].reshape(5, 2, 2, 6)
    areas = curves @ np.diff(cell.edges) / 9
    best = areas.argmax(axis=-1)
    losses = base[120:240].reshape(5, 2, 2, 6)
    starts = base[260:].reshape(len(STARTS), 5, 2)
    assert set(frame.columns) == set(experiment.columns)
    for v, name in enumerate(NAMES):
        for place, d_k in enumerate((16, 256)):
            rows = frame[(frame["variant"] == name) & (frame["d_k"] == d_k)]
            estimates = rows.groupby("quantity")["estimate"].apply(list)
            b = best[v, place]
            assert estimates["area"] == pytest.approx(areas[v, place].tolist())
            assert rows[rows["quantity"] == "area"]["is_best"].tolist() == [float(r == b) for r in (0, 1)]
            assert estimates["accuracy"] == pytest.approx(curves[v, place, b].tolist())
            assert estimates["loss"] == pytest.approx(losses[v, place, b].tolist())
            dead = [base[240:260].reshape(5, 2, 2)[v, place, b], starts[STARTS.index("dead_and_wrong"), v, place]]
            assert estimates["dead_and_wrong"] == pytest.approx(dead)
            for number, quantity in enumerate(STARTS[:-1]):
                assert estimates[quantity] == pytest.approx([starts[number, v, place]])
            rival = {"raw": 1, "absorbed": 1, "raw-default": 4}.get(name)
            if rival is not None:
                gap = areas[v, place, b] - areas[rival, place, best[rival, place]]
                assert estimates["area_difference"] == pytest.approx([gap])
            if name == "raw":
                assert estimates["shared_difference"] == pytest.approx((areas[0, place] - areas[1, place]).tolist())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"n_blocks": 5}, "n_blocks must be n_selection . 2 at least: some blocks choose, the others report"),
        ({"d_k": [8, 16]}, "greater than or equal to 16"),
        ({"d_k": [64, 64]}, "the values must increase strictly"),
        ({"rates": [1.0, 0.1]}, "the values must increase strictly"),
        ({"rates": [0.0]}, "greater than or equal to 0.0001"),
        ({"n_steps": 1}, "greater than or equal to 2"),
        ({"n_selection": 0}, "greater than or equal to 1"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, Any], message: str) -> None:
    """With what is allowed."""
    with pytest.raises(ValueError, match=message):
        Learning(**{**SETTINGS, **change})


def found_in(experiment: Learning, frame: pd.DataFrame) -> LearningFindings:
    """What the chapter's sentences would state of a frame."""
    preset = load_preset("quick").model_copy(update={"learning": experiment})
    return learning_findings(Results(preset, {"learning": frame}, judge_all([], 0.001), 0, 0))


def test_sentences_state_the_runs_own_numbers() -> None:
    """Every number of the findings is the frame's row of that name."""
    experiment = Learning(**SETTINGS)
    frame = experiment.frame(measured(1))
    stated, rows = (
        found_in(experiment, frame),
        frame.set_index(["variant", "d_k", "quantity"]).sort_index(kind="stable"),
    )
    assert (stated.n_steps, stated.batch, stated.n_selection, stated.n_reporting) == (160, 32, 4, 20)
    assert (stated.n_keys, stated.d_in, stated.n_classes, stated.overlap) == (16, 16, 8, 0.9)
    assert stated.rates == "0.1, 1, 3, 10 and 30"
    assert stated.last_steps == (114, 160)
    assert [width.d_k for width in stated.widths] == [16, 256]
    assert stated.is_delay
    assert stated.on_the_edge == "scaled, default weights at $d_k$ = 256"
    for width in stated.widths:
        gap = rows.loc["raw", width.d_k, "area_difference"]
        assert (width.gap.mean, width.gap.low, width.gap.high) == (gap["estimate"], gap["low"], gap["high"])
        default = rows.loc["raw-default", width.d_k, "area_difference"]
        assert width.default_gap.mean == default["estimate"]
        assert width.slowdown.mean == rows.loc["raw", width.d_k, "slowdown"]["estimate"]
        for name, learner in width.of.items():
            areas = rows.loc[name, width.d_k, "area"]
            assert learner.area == areas[areas["is_best"] == 1]["estimate"].item()
            assert learner.steps == rows.loc[name, width.d_k, "steps_to_90"]["estimate"].item()
            assert learner.reached == rows.loc[name, width.d_k, "reached"]["estimate"].item()
            assert learner.spread == rows.loc[name, width.d_k, "spread"]["estimate"].item()
            accuracies = rows.loc[name, width.d_k, "accuracy"]
            assert learner.end == accuracies[accuracies["step_to"] == 160]["estimate"].item()
            after, before = rows.loc[name, width.d_k, "dead_and_wrong"]["estimate"]
            assert (learner.dead_after, learner.dead_before) == (after, before)
            if name == "raw" and width.d_k == 256:
                assert before > 0.3 > after


def test_a_best_rate_on_the_edge_is_told() -> None:
    """Of raw, scaled and absorbed heads, with their d_k."""
    experiment = Learning(**{**SMALL, "rates": [0.3, 1.0, 3.0]})
    curves = np.zeros((3, 5, 2, 3, 6))
    curves[:, :, :, 1] = 0.5
    curves[:, NAMES.index("raw"), :, 0] = curves[:, NAMES.index("scaled"), 1, 2] = 0.7
    curves[:, :, :, 1, -1] = 0.95  # the quickest, since no other comes to 90 %
    curves[:, NAMES.index("raw-default"), 0, 2, 0] = 0.95
    stated = found_in(experiment, experiment.frame(synthetic(experiment, curves)))
    edge = "raw at $d_k$ = 16 and 256; scaled at $d_k$ = 256; raw, default weights at $d_k$ = 16"
    assert stated.on_the_edge == edge
    assert not stated.is_delay  # raw ones are not slower


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("change", [{"d_k": [16]}, {"rates": [1.0]}, {"n_steps": 2}])
def test_odd_frames_are_drawn_and_told(change: dict[str, Any], level: float) -> None:
    """One d_k, one rate, two steps; nothing ever found, or everything at once."""
    experiment = Learning(**{**SMALL, **change})
    frame = experiment.frame(synthetic(experiment, np.full((), level)))
    for spec in FIGURES:
        assert spec.draw(frame).axes
        for words in (spec.caption(frame), spec.alt(frame)):
            assert words.endswith(".")
            assert "nan" not in words
    caption = learning.STEPS.caption(frame)
    assert ("every run got there" in caption) == (level == 1)
    assert ("100" in caption) == (level == 0)
    assert found_in(experiment, frame).widths[-1].of["raw"].reached == level


def test_captions_tell_the_frames_own_numbers() -> None:
    """Areas, steps, rates and shares as they stand in the frame, and other ones when those are others."""
    experiment = Learning(**SETTINGS)
    frame = experiment.frame(measured(1))
    stated = found_in(experiment, frame).wide
    assert f"{stated.of['raw'].area:.3f} raw, {stated.of['scaled'].area:.3f} scaled" in learning.CURVES.caption(frame)
    assert f"raw heads take {stated.of['raw'].steps:.0f} steps" in learning.STEPS.caption(frame)
    best = learning_rates.best_rates(frame, "scaled")
    assert f" {best[16]:g} to {best[256]:g} for scaled" in learning_rates.RATES.caption(frame)
    assert best[16] != best[256]
    share = learning.value(frame, "raw", 256, "examples_that_carry")
    assert f"raw head’s examples {100 * share:.0f}\u00a0% carry" in gradient_shares.SHARES.caption(frame)
    for spec in FIGURES:
        assert spec.caption(frame.assign(estimate=0.5 * frame["estimate"])) != spec.caption(frame)
