"""The lookup task: its gradients against finite differences, its draws, and what learning does to independence."""

import math
from dataclasses import replace
from itertools import islice
from typing import Any

import numpy as np
import pytest

from experiments.claims import Verdict
from experiments.faults import Faults
from experiments.lookup import EDGES, EXAMPLES_AFTER, EXAMPLES_BEFORE, QUANTITIES, TASK, Lookup
from judge import disagreements, observed, verdicts
from scaling.lookup import Examples, Gradients, Head, LookupTask, descend, gradients
from scaling.normals import standard_normals

SMALL = LookupTask(n_keys=5, d_in=4, n_classes=3)


def loss(head: Head, examples: Examples, factor: float) -> float:
    """The mean loss, example by example and in the order of the definition."""
    total = 0.0
    for query, keys, own, values in zip(examples.queries, examples.keys, examples.own, examples.values, strict=True):
        scores = [factor * float((query @ head.w_q) @ (key @ head.w_k)) for key in keys]
        weights = np.exp(scores) / np.exp(scores).sum()
        total += 0.5 * float(np.square(weights @ values - values[own]).sum())
    return total / len(examples.own)


@pytest.mark.parametrize("factor", [1.0, 7**-0.5, 0.01])
def test_gradients_are_those_of_finite_differences(factor: float) -> None:
    """Central differences of the plain loss, every entry of both weights, to 1e-8."""
    rng = np.random.default_rng(1)
    head, examples = Head.initial(rng, SMALL.d_in, 7), SMALL.sample(rng, 6)
    found = gradients(head, examples, factor)
    assert found.loss == pytest.approx(loss(head, examples, factor), rel=1e-12)
    step = 1e-5
    for name in ("w_q", "w_k"):
        weights, gradient = getattr(head, name), getattr(found, name)
        assert gradient.shape == weights.shape
        for place in np.ndindex(weights.shape):
            moved = []
            for sign in (1, -1):
                other = weights.copy()
                other[place] += sign * step
                moved.append(loss(Head(**{**vars(head), name: other}), examples, factor))
            assert gradient[place] == pytest.approx((moved[0] - moved[1]) / (2 * step), abs=1e-8)


def test_the_check_of_gradients_can_fail() -> None:
    """The negative control: without the chain's factor c they are far off."""
    rng = np.random.default_rng(1)
    head, examples = Head.initial(rng, SMALL.d_in, 7), SMALL.sample(rng, 6)
    right = gradients(head, examples, 0.5)
    wrong = Gradients(right.loss, right.w_q / 0.5, right.w_k / 0.5)
    assert np.abs(wrong.w_q - right.w_q).max() > 1e-3


def test_a_head_that_is_sure_has_finite_gradients() -> None:
    """Scores of a million, whose exponentials pass the largest float: the softmax takes the largest one out first."""
    rng = np.random.default_rng(1)
    found = gradients(Head.initial(rng, TASK.d_in, 8), TASK.sample(rng, 32), 1e6)
    assert np.isfinite(found.loss)
    assert np.isfinite(found.w_q).all()
    assert np.isfinite(found.w_k).all()


def test_a_step_is_the_gradient_of_its_batch_and_repeats() -> None:
    """W - rate · dL/dW on the examples that the generator gives; the same seed, the same heads."""
    head = Head.initial(np.random.default_rng(2), SMALL.d_in, 7)
    first, second = islice(descend(np.random.default_rng(3), SMALL, head, 0.4, 0.1, 8), 2)
    rng = np.random.default_rng(3)
    for before, after in ((head, first), (first, second)):
        step = gradients(before, SMALL.sample(rng, 8), 0.4)
        assert np.array_equal(after.w_q, before.w_q - 0.1 * step.w_q)
        assert np.array_equal(after.w_k, before.w_k - 0.1 * step.w_k)


def test_descent_lowers_the_loss() -> None:
    """After 60 steps the loss on fresh examples is less than half of what it was."""
    rng = np.random.default_rng(4)
    head = Head.initial(rng, TASK.d_in, 32)
    after = next(islice(descend(rng, TASK, head, 32**-0.5, 3.0, 32), 59, None))
    examples = TASK.sample(rng, 500)
    assert gradients(after, examples, 32**-0.5).loss < 0.5 * gradients(head, examples, 32**-0.5).loss


def test_examples_are_what_the_task_says() -> None:
    """Own key found by its overlap, others without it; unit variances; one class each. 64 blocks, the judge's level."""
    rng, rows = np.random.default_rng(5), []
    for _ in range(64):
        e = SMALL.sample(rng, 200)
        own = e.keys[np.arange(200), e.own]
        other = e.keys[np.arange(200), (e.own + 1) % SMALL.n_keys]
        rows.append(
            [
                np.mean(e.queries * own), np.mean(e.queries * other), np.mean(e.queries**2), np.mean(e.keys**2),
                e.own.mean(), e.values[..., 0].mean(),
            ]
        )  # fmt: skip
        assert np.array_equal(e.values.sum(axis=2), np.ones((200, SMALL.n_keys)))
        assert np.array_equal(e.targets[7], e.values[7, e.own[7]])
    assert disagreements(rows, [0.9, 0.0, 1.0, 1.0, 2.0, 1 / 3]) == []
    assert disagreements(rows, [0.85, 0.0, 1.0, 1.0, 2.0, 1 / 3]) == [0]


def test_dot_products_are_those_of_queries_and_keys() -> None:
    """Taken through W_q W_kᵀ or through q and k; for one head and for a stack of them."""
    rng = np.random.default_rng(6)
    heads, examples = Head.initial(rng, SMALL.d_in, 7, n_heads=3), SMALL.sample(rng, 5)
    stacked = heads.dot_products(examples)
    assert stacked.shape == (3, 5, SMALL.n_keys)
    for i in range(3):
        head = Head(heads.w_q[i], heads.w_k[i])
        q, k = head.queries_and_keys(examples)
        assert stacked[i] == pytest.approx(np.einsum("ed,end->en", q, k), rel=1e-10, abs=1e-12)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: LookupTask(n_keys=1), "LookupTask: n_keys must be a whole number from 2; received 1"),
        (lambda: LookupTask(d_in=0), "LookupTask: d_in must be a whole number from 1; received 0"),
        (lambda: LookupTask(overlap=1.1), "LookupTask: overlap must be a number from 0 to 1; received 1.1"),
        (lambda: _descend(0.0, 1.0, 4), "descend: factor must be a number above 0; received 0.0"),
        (lambda: _descend(1.0, np.inf, 4), "descend: rate must be a number above 0; received inf"),
        (lambda: _descend(1.0, 1.0, 0), "descend: batch must be a whole number from 1; received 0"),
        (lambda: _gradients(np.nan), "gradients: factor must be a finite number; received nan"),
        (lambda: _gradients(np.inf), "gradients: factor must be a finite number; received inf"),
        (lambda: _gradients("1"), "gradients: factor must be a finite number; received '1'"),
    ],
)
def test_impossible_settings_are_refused(make: Any, message: str) -> None:
    """At the call, in one line."""
    with pytest.raises(ValueError, match=f"^{message}$"):
        make()


def test_the_smallest_tasks_and_both_ends_of_the_overlap() -> None:
    """Two keys of one dimension and two classes; a query is then its own key, or nothing but what is drawn for it."""
    for overlap in (0.0, 1.0):
        e = LookupTask(2, 1, 2, overlap).sample(np.random.default_rng(8), 50)
        rng = np.random.default_rng(8)
        keys, noise = standard_normals(rng, (50, 2, 1)), standard_normals(rng, (50, 1))
        assert np.array_equal(e.keys, keys)
        assert np.array_equal(e.queries, keys[np.arange(50), e.own] if overlap else noise)
        assert (set(e.own.tolist()), e.values.shape) == ({0, 1}, (50, 2, 2))
    assert LookupTask() == LookupTask(n_keys=16, d_in=16, n_classes=8, overlap=0.9)


@pytest.mark.parametrize("size", [0, -1, True, 2.0, None])
def test_odd_sizes_are_refused(size: Any) -> None:
    """Of a batch and of a head, by name; None stands for a single head."""
    rng, message = np.random.default_rng(), f"must be a whole number from 1; received {size}$"
    with pytest.raises(ValueError, match=rf"^LookupTask\.sample: n_examples {message}"):
        SMALL.sample(rng, size)
    for name in ("d_in", "d_k", "n_heads"):
        if size is not None or name != "n_heads":
            with pytest.raises(ValueError, match=rf"^Head\.initial: {name} {message}"):
                Head.initial(rng, **({"d_in": 4, "d_k": 2} | {name: size}))


def test_a_small_type_of_overlap_does_not_round() -> None:
    """√(1 - a²) has more digits than float16."""
    half: Any = np.float16(0.75)
    found, expected = (LookupTask(5, 4, 3, a).sample(np.random.default_rng(8), 6).queries for a in (half, 0.75))
    assert np.array_equal(found, expected)


@pytest.mark.parametrize("large", ["w_q", "w_k"])
def test_one_of_two_weights_that_diverges_is_enough(large: str) -> None:
    """With the other at 0, so that scores are even, the large one is the other's gradient and gets none itself."""
    start = Head(np.zeros((SMALL.d_in, 7)), np.zeros((SMALL.d_in, 7)))
    start = replace(start, **{large: np.full((SMALL.d_in, 7), 1e300)})
    with pytest.raises(ValueError, match=r"received 1e\+10, at which they diverged in step 1$"):
        next(descend(np.random.default_rng(9), SMALL, start, 1.0, 1e10, 8))


@pytest.mark.parametrize(("size", "n_finite"), [(1e200, 0), (1.0, 1)])
def test_a_descent_that_diverges_says_so(size: float, n_finite: int) -> None:
    """At the step whose weights pass the largest float, in one line, with no warning and no nan before it.

    Heads of size 1e200 have scores beyond it at once; others get there by a rate of 1e200, after one step.
    """
    rng = np.random.default_rng(9)
    start = Head.initial(rng, SMALL.d_in, 7)
    first = Head(size * start.w_q, size * start.w_k)
    message = rf"received 1e\+200, at which they diverged in step {n_finite + 1}$"
    steps = descend(rng, SMALL, first, 1.0, 1e200, 8)
    heads = list(islice(steps, n_finite))
    with pytest.raises(ValueError, match=rf"^descend: rate must be small enough .* to stay finite; {message}"):
        next(steps)
    assert all(np.isfinite(head.w_q).all() and np.isfinite(head.w_k).all() for head in heads)


def _gradients(factor: Any) -> object:
    rng = np.random.default_rng()
    return gradients(Head.initial(rng, SMALL.d_in, 2), SMALL.sample(rng, 3), factor)


def _descend(factor: float, rate: float, batch: int) -> object:
    rng = np.random.default_rng()
    return descend(rng, SMALL, Head.initial(rng, SMALL.d_in, 2), factor, rate, batch)


SETTINGS = {"n_blocks": 32, "d_k": 64, "rate": 3.0, "n_steps": 30, "batch": 32, "margin": 0.15}


def test_untrained_heads_are_independent_and_trained_ones_are_not() -> None:
    """All three claims are confirmed; the trained head passed off as an untrained one is refuted in both of its."""
    experiment = Lookup(**SETTINGS)
    assert {judgement.verdict for judgement in verdicts(experiment).values()} == {Verdict.CONFIRMED}
    ((cell, blocks),) = observed(experiment).items()
    swapped = {claim.id: claim for claim in experiment.claims({cell: blocks[:, ::-1]})}
    for name in ("untrained-own-mean", "untrained-other-variance"):
        claim = swapped[name]
        assert claim.evidence.mean() - claim.prediction > 5 * claim.margin
    assert swapped["trained-own-mean"].evidence.max() < swapped["trained-own-mean"].prediction


def test_one_untrained_head_is_off_by_accident() -> None:
    """Its mean own score, in units of √d_k, scatters over heads with standard deviation overlap/√d_in, exactly.

    Var = a² Σ E[w_q²] E[w_k²] / d_k = a²/d_in: mean squares over 64 blocks of 50 heads, at the judge's level.
    """
    rng = np.random.default_rng(7)
    heads = Head.initial(rng, TASK.d_in, 64, n_heads=64 * 50)
    exact_means = TASK.overlap * np.einsum("hij,hij->h", heads.w_q, heads.w_k) / 8
    squares = np.square(exact_means).reshape(64, 50).mean(axis=1)
    assert disagreements(squares, TASK.overlap**2 / TASK.d_in) == []
    assert disagreements(squares, 1.5 * TASK.overlap**2 / TASK.d_in) == [0]


def test_densities_hold_all_scores_but_those_beyond_the_bins() -> None:
    """They add up to 1 before training, for own and other keys."""
    ((_, blocks),) = observed(Lookup(**{**SETTINGS, "n_blocks": 2, "n_steps": 1})).items()
    densities = blocks[:, 0, len(QUANTITIES) :].reshape(2, 2, len(EDGES) - 1)
    assert (densities @ np.diff(EDGES)) == pytest.approx(np.ones((2, 2)), abs=1e-12)


def test_untrained_heads_are_planned_for_ten_standard_errors() -> None:
    """(a²/d_in + 1/32) / n_blocks · (10/margin)² heads, by hand: how heads scatter, and 32 scores of each."""
    (cell,) = Lookup(**SETTINGS).cells()
    assert cell.n_initial == math.ceil((0.9**2 / 16 + 1 / 32) / 32 * (10 / 0.15) ** 2)


FEW_STEPS = {"n_blocks": 4, "d_k": 8, "rate": 1.5, "n_steps": 3, "batch": 8, "margin": 0.5}
BINS = len(EDGES) - 1


def seen_by_loops(head: Head, examples: Examples) -> np.ndarray:
    """What a head shows, query by query and key by key: six quantities, then the densities of own and other."""
    own: list[float] = []
    other: list[float] = []
    found, q_own, k_own = 0, [], []
    for x, keys, i in zip(examples.queries, examples.keys, examples.own.tolist(), strict=True):
        q, k = x @ head.w_q, [key @ head.w_k for key in keys]
        z = [float(q @ k_j) / len(q) ** 0.5 for k_j in k]
        own.append(z[i])
        other += [z_j for j, z_j in enumerate(z) if j != i]
        found += z[i] == max(z)
        q_own.append(q)
        k_own.append(k[i])
    cosines = [
        (a @ b) / ((a @ a) * (b @ b)) ** 0.5 for a, b in zip(np.transpose(q_own), np.transpose(k_own), strict=True)
    ]
    densities = [np.histogram(z, EDGES)[0] / len(z) / 0.5 for z in (own, other)]
    squares = np.mean(np.square(other))
    values = [np.mean(own), np.std(own), np.mean(other), squares, np.mean(cosines), found / len(own)]
    return np.concatenate([values, *densities])


def test_a_block_by_loops() -> None:
    """Untrained heads averaged, then one head after exactly n_steps, each on as many examples as is said."""
    experiment = Lookup(**FEW_STEPS)
    (cell,) = experiment.cells()
    rng = np.random.default_rng(9)
    untrained = [
        seen_by_loops(Head.initial(rng, TASK.d_in, 8), TASK.sample(rng, EXAMPLES_BEFORE)) for _ in range(cell.n_initial)
    ]
    head = Head.initial(rng, TASK.d_in, 8)
    for _ in range(3):
        step = gradients(head, TASK.sample(rng, 8), 8**-0.5)
        head = Head(head.w_q - 1.5 * step.w_q, head.w_k - 1.5 * step.w_k)
    expected = np.stack([np.mean(untrained, axis=0), seen_by_loops(head, TASK.sample(rng, EXAMPLES_AFTER))])
    assert experiment.measure(cell, np.random.default_rng(9)) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.fixture
def numbered() -> np.ndarray:
    """Blocks (4, 2, …) whose means are the numbers of their places, -1, -2, … in the frame's order."""
    width = len(QUANTITIES) + 2 * BINS
    places = -1.0 - np.arange(2.0 * width).reshape(2, width)
    return places + np.array([-1e-3, 1e-3, -1e-3, 1e-3])[:, None, None]


def test_the_frame_holds_every_value_under_its_own_name(numbered: np.ndarray) -> None:
    """States, keys and quantities in order, then the densities by state, keys and bin; laws only of untrained heads."""
    experiment = Lookup(**FEW_STEPS)
    frame = experiment.frame(dict.fromkeys(experiment.cells(), numbered))
    names = [("own", "mean"), ("own", "sd"), ("other", "mean"), ("other", "variance"), ("own", "correlation")]
    names.append(("own", "found"))
    for i, state in enumerate(("before", "after")):
        rows = frame[frame["state"] == state]
        for j, (keys, quantity) in enumerate(names):
            (estimate,) = rows[(rows["keys"] == keys) & (rows["quantity"] == quantity)]["estimate"]
            assert estimate == pytest.approx(numbered[:, i, j].mean()), (state, keys, quantity)
        for j, keys in enumerate(("own", "other")):
            density = rows[(rows["keys"] == keys) & (rows["quantity"] == "density")]
            place = len(names) + j * BINS
            assert density["estimate"].to_numpy() == pytest.approx(numbered[:, i, place : place + BINS].mean(axis=0))
            assert density["bin_low"].tolist() == EDGES[:-1].tolist()
            assert density["bin_high"].tolist() == EDGES[1:].tolist()
    known = frame[frame["prediction"].notna()]
    assert known[["state", "keys", "quantity", "prediction"]].to_numpy().tolist() == [
        ["before", "own", "mean", 0.0],
        ["before", "other", "mean", 0.0],
        ["before", "other", "variance", 1.0],
        ["before", "own", "correlation", 0.0],
    ]


def test_each_claim_is_fed_from_its_own_place(numbered: np.ndarray) -> None:
    """The own keys' mean before, the others' variance before, the own keys' mean after; signs are kept."""
    experiment = Lookup(**FEW_STEPS)
    evidence = {claim.id: claim.evidence for claim in experiment.claims(dict.fromkeys(experiment.cells(), numbered))}
    assert np.array_equal(evidence["untrained-own-mean"], numbered[:, 0, 0])
    assert np.array_equal(evidence["untrained-other-variance"], numbered[:, 0, 3])
    assert np.array_equal(evidence["trained-own-mean"], numbered[:, 1, 0])


def test_learning_that_diverges_is_one_fault() -> None:
    """Not a page of scores in the millions: the preset's rate is named. At the presets' own rates nothing diverges."""
    wild = Lookup(n_blocks=2, d_k=2, rate=10.0, n_steps=2000, batch=1, margin=0.9)
    with pytest.raises(Faults, match=r"^lookup: rate: learning diverges within 2000 steps at 10; choose a smaller"):
        wild.measure(wild.cells()[0], np.random.default_rng(3))
