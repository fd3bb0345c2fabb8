"""Heads trained side by side: against each of them trained alone, and what a head that diverges does to the others."""

from itertools import islice
from typing import Any

import numpy as np
import pytest

from scaling.gradient_shares import batch_cosines, examples_that_carry, share_of_largest, squared_gradients
from scaling.gram import GramHeads, Step, descend_together, mean_gradients, respond
from scaling.lookup import Examples, Head, LookupTask, descend, gradients
from scaling.saturation import DEAD_TRACE

TASK = LookupTask(n_keys=5, d_in=4, n_classes=3)
FACTORS = [1.0, 7**-0.5, 0.3]


def heads_of(rng: np.random.Generator, size: float = 1.0) -> list[Head]:
    """Three heads, narrower than their inputs, wider, and much wider."""
    heads = [Head.initial(rng, TASK.d_in, d_k) for d_k in (2, 7, 60)]
    return [Head(size * head.w_q, size * head.w_k) for head in heads]


def gram_of(head: Head) -> np.ndarray:
    """W Wᵀ."""
    weights = np.concatenate([head.w_q, head.w_k])
    return weights @ weights.T


def one(examples: Examples, index: int) -> Examples:
    """A single one of them."""
    part = slice(index, index + 1)
    return Examples(examples.queries[part], examples.keys[part], examples.own[part], examples.values[part])


def norm_and_direction(head: Head, examples: Examples, factor: float) -> np.ndarray:
    """The gradient by both weights, in one row."""
    step = gradients(head, examples, factor)
    return np.concatenate([step.w_q.ravel(), step.w_k.ravel()])


def test_side_by_side_is_one_by_one() -> None:
    """After each of 60 steps W Wᵀ is that of explicit weights, to 1e-12, for every d_k, factor and rate at once."""
    heads, rates = heads_of(np.random.default_rng(1)), [0.5, 2.0, 1.0]
    together = descend_together(np.random.default_rng(2), TASK, GramHeads.of(heads, FACTORS), rates, 8)
    alone = [
        descend(np.random.default_rng(2), TASK, head, factor, rate, 8)
        for head, factor, rate in zip(heads, FACTORS, rates, strict=True)
    ]
    for step in islice(together, 60):
        for found, head in zip(step.heads.gram, map(next, alone), strict=True):
            expected = gram_of(head)
            assert np.abs(found - expected).max() < 1e-12 * np.abs(expected).max()
    assert np.abs(step.heads.gram - GramHeads.of(heads, FACTORS).gram).max() > 0.5  # they have learned


def test_the_gradient_is_that_of_finite_differences() -> None:
    """Central differences of a loss by loops, in every entry of both weights, to 1e-8: dL/dW = H W."""
    rng = np.random.default_rng(3)
    head, examples, factor = Head.initial(rng, TASK.d_in, 3), TASK.sample(rng, 6), 0.6
    pulls = respond(GramHeads.of([head], [factor]), examples).pulls
    (mean,) = mean_gradients(examples.queries, pulls)

    def loss(w_q: np.ndarray, w_k: np.ndarray) -> float:
        total = 0.0
        for x, keys, own, values in zip(examples.queries, examples.keys, examples.own, examples.values, strict=True):
            weights = np.exp([factor * ((x @ w_q) @ (key @ w_k)) for key in keys])
            total += 0.5 * float(np.square(weights / weights.sum() @ values - values[own]).sum())
        return total / len(examples.own)

    step = 1e-5
    for place in np.ndindex(head.w_q.shape):
        move = np.zeros(head.w_q.shape)
        move[place] = step
        by_q = (loss(head.w_q + move, head.w_k) - loss(head.w_q - move, head.w_k)) / (2 * step)
        by_k = (loss(head.w_q, head.w_k + move) - loss(head.w_q, head.w_k - move)) / (2 * step)
        assert (mean @ head.w_k)[place] == pytest.approx(by_q, abs=1e-8)
        assert (mean.T @ head.w_q)[place] == pytest.approx(by_k, abs=1e-8)


def test_a_response_by_loops() -> None:
    """Found, 1 - Σp² and u of each example and head; large scores, so that some rows are dead and wrong."""
    rng = np.random.default_rng(4)
    heads, examples = heads_of(rng, size=1.6), TASK.sample(rng, 40)
    response = respond(GramHeads.of(heads, FACTORS), examples)
    for i in range(40):
        for h, (head, factor) in enumerate(zip(heads, FACTORS, strict=True)):
            scores = np.array(
                [factor * (examples.queries[i] @ head.w_q) @ (key @ head.w_k) for key in examples.keys[i]]
            )
            p = np.exp(scores - scores.max()) / np.exp(scores - scores.max()).sum()
            is_found = bool(scores.argmax() == examples.own[i])
            assert response.found[i, h] == is_found
            assert response.trace[i, h] == pytest.approx(1 - p @ p, abs=1e-12)
            assert response.dead_and_wrong[i, h] == (1 - p @ p < DEAD_TRACE and not is_found)
            single = gradients(head, one(examples, i), factor)
            assert response.loss[i, h] == pytest.approx(single.loss, abs=1e-12)
            by_q = np.outer(examples.queries[i], response.pulls[i, :, h]) @ head.w_k
            assert by_q == pytest.approx(single.w_q, abs=1e-12)
    assert 0 < response.dead_and_wrong.mean() < response.found.mean() < 1


def test_a_step_tells_of_its_batch_before_it_learns_from_it() -> None:
    """Shares of the very examples that the generator gives, by the heads of the step before."""
    heads = GramHeads.of(heads_of(np.random.default_rng(5), size=1.6), FACTORS)
    steps = descend_together(np.random.default_rng(6), TASK, heads, [1.0, 1.0, 1.0], 30)
    rng = np.random.default_rng(6)
    for _ in range(3):
        response = respond(heads, TASK.sample(rng, 30))
        step = next(steps)
        assert step.found == pytest.approx(response.found.mean(axis=0))
        assert step.loss == pytest.approx(response.loss.mean(axis=0))
        assert step.dead_and_wrong == pytest.approx(response.dead_and_wrong.mean(axis=0))
        heads = GramHeads(step.heads.gram.copy(), step.heads.factors)


def test_the_size_of_the_first_weights_is_no_setting_of_its_own() -> None:
    """(aW, c, η) does what (W, a²c, η/a²) does, for 40 steps: a² times the products, the same answers."""
    heads, a, rate = heads_of(np.random.default_rng(7)), 0.4, 0.9
    smaller = GramHeads.of([Head(a * head.w_q, a * head.w_k) for head in heads], FACTORS)
    other = GramHeads.of(heads, a**2 * np.array(FACTORS))
    pairs = zip(
        descend_together(np.random.default_rng(8), TASK, smaller, [rate] * 3, 8),
        descend_together(np.random.default_rng(8), TASK, other, [rate / a**2] * 3, 8),
        strict=True,
    )
    for one_step, other_step in islice(pairs, 40):
        assert np.array_equal(one_step.found, other_step.found)
        assert one_step.heads.gram == pytest.approx(a**2 * other_step.heads.gram, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("rate", [1e156, 1e200])
def test_a_head_that_diverges_is_a_failure_of_its_own(rate: float) -> None:
    """It finds nothing from then on and is set to 0, without a warning; the others' bits are as with a tame one."""
    heads = GramHeads.of(heads_of(np.random.default_rng(9)), FACTORS)
    before = heads.gram.copy()

    def run(of_second: float) -> list[Step]:
        steps = descend_together(np.random.default_rng(10), TASK, heads, [0.5, of_second, 0.5], 8)
        return [Step(s.found, s.loss, s.dead_and_wrong, GramHeads(s.heads.gram.copy(), s.heads.factors), s.has_diverged)
                for s in islice(steps, 60)]  # fmt: skip

    wild, tame = run(rate), run(0.5)
    assert [step.has_diverged[1] for step in wild] == sorted(step.has_diverged[1] for step in wild)
    first = next(i for i, step in enumerate(wild) if step.has_diverged[1])
    for i, (step, calm) in enumerate(zip(wild, tame, strict=True)):
        assert np.isfinite(step.heads.gram).all()
        assert not step.has_diverged[[0, 2]].any()
        assert np.array_equal(step.heads.gram[[0, 2]], calm.heads.gram[[0, 2]])
        assert np.array_equal(step.found[[0, 2]], calm.found[[0, 2]])
        if i > first:
            assert (step.found[1], step.loss[1], step.dead_and_wrong[1]) == (0.0, 1.0, 1.0)
            assert not step.heads.gram[1].any()
    assert not calm.has_diverged.any()
    assert np.array_equal(heads.gram, before)  # what was handed in is left alone


def test_repeated_heads_stand_one_after_the_other() -> None:
    """Each so many times, with its factor."""
    heads = GramHeads.of(heads_of(np.random.default_rng(1)), FACTORS)
    twice = heads.repeat(2)
    assert twice.factors.tolist() == [1.0, 1.0, FACTORS[1], FACTORS[1], 0.3, 0.3]
    assert np.array_equal(twice.gram[[0, 2, 4]], heads.gram)
    assert np.array_equal(twice.gram[[1, 3, 5]], heads.gram)


def test_squared_gradients_are_those_of_single_examples() -> None:
    """‖dL/dW‖² by both weights, of each example by itself and for every head."""
    rng = np.random.default_rng(11)
    heads, examples = heads_of(rng), TASK.sample(rng, 12)
    gram = GramHeads.of(heads, FACTORS)
    squares = squared_gradients(gram, examples.queries, respond(gram, examples).pulls)
    for i in range(12):
        for h, (head, factor) in enumerate(zip(heads, FACTORS, strict=True)):
            expected = np.square(norm_and_direction(head, one(examples, i), factor)).sum()
            assert squares[i, h] == pytest.approx(expected, rel=1e-10)


def test_batch_cosines_are_means_over_pairs() -> None:
    """Three batches of four, whose gradients by explicit weights make three pairs; the thirteenth example is left."""
    rng = np.random.default_rng(12)
    heads, examples = heads_of(rng), TASK.sample(rng, 13)
    gram = GramHeads.of(heads, FACTORS)
    found = batch_cosines(gram, examples.queries, respond(gram, examples).pulls, 4)
    for h, (head, factor) in enumerate(zip(heads, FACTORS, strict=True)):
        rows = []
        for first in (0, 4, 8):
            parts = [norm_and_direction(head, one(examples, i), factor) for i in range(first, first + 4)]
            rows.append(np.mean(parts, axis=0) / np.linalg.norm(np.mean(parts, axis=0)))
        assert found[h] == pytest.approx((rows[0] @ rows[1] + rows[0] @ rows[2] + rows[1] @ rows[2]) / 3, rel=1e-9)


def test_batches_without_a_gradient_agree_with_none() -> None:
    """A cosine of 0, where two equal ones have 1."""
    rng = np.random.default_rng(13)
    gram, examples = GramHeads.of(heads_of(rng), FACTORS), TASK.sample(rng, 4)
    pulls = respond(gram, examples).pulls
    doubled = np.concatenate([pulls, pulls])
    queries = np.concatenate([examples.queries, examples.queries])
    assert batch_cosines(gram, queries, doubled, 4) == pytest.approx(np.ones(3))
    assert batch_cosines(gram, queries, 0 * doubled, 4).tolist() == [0, 0, 0]


def test_shares_by_hand() -> None:
    """Of 8, 1, 1, 0 and of four equal ones; a head without any gradient has it shared evenly."""
    squares = np.array([[1.0, 3.0, 0.0], [8.0, 3.0, 0.0], [0.0, 3.0, 0.0], [1.0, 3.0, 0.0]])
    assert share_of_largest(squares, 0.25) == pytest.approx([0.8, 0.25, 0.25])
    assert share_of_largest(squares, 0.01) == pytest.approx([0.8, 0.25, 0.01])  # at least one example
    assert share_of_largest(squares, 0.5) == pytest.approx([0.9, 0.5, 0.5])
    assert examples_that_carry(squares, 0.79) == pytest.approx([0.25, 1.0, 0.79])
    assert examples_that_carry(squares, 0.85) == pytest.approx([0.5, 1.0, 0.85])
    assert examples_that_carry(squares, 0.95) == pytest.approx([0.75, 1.0, 0.95])
    assert share_of_largest(1e-6 * squares, 0.25) == pytest.approx([0.8, 0.25, 0.25])  # whatever their unit
    assert examples_that_carry(1e-6 * squares, 0.79) == pytest.approx([0.25, 1.0, 0.79])
    assert examples_that_carry(np.ones((4, 1)), 0.5) == 0.5  # two of four carry exactly half
    assert examples_that_carry(np.array([[4.0]]), 0.5) == 1.0
    assert share_of_largest(np.array([[4.0]]), 0.5) == 1.0


HEADS = GramHeads.of(heads_of(np.random.default_rng(1)), FACTORS)
PULLS = np.zeros((6, TASK.d_in, 3))
NUMBER = "must be a number above 0 for each head, of at least one"


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GramHeads.of([], []), rf"GramHeads.of: factors {NUMBER}; received \[\] for 0 heads"),
        (
            lambda: GramHeads.of(heads_of(_rng()), [1.0]),
            rf"GramHeads.of: factors {NUMBER}; received \[1.0\] for 3 heads",
        ),
        (
            lambda: GramHeads.of(heads_of(_rng()), [1, 0, 1]),
            rf"GramHeads.of: factors {NUMBER}; received \[1, 0, 1\] .*",
        ),
        (lambda: GramHeads.of(heads_of(_rng()), [1, np.nan, 1]), "GramHeads.of: factors must be finite .*nan.*"),
        (
            lambda: GramHeads.of(heads_of(_rng(), 1e200), FACTORS),
            "GramHeads.of: products of the weights must be .*inf.*",
        ),
        (lambda: HEADS.repeat(0), r"GramHeads.repeat: n_times must be a whole number from 1; received 0"),
        (
            lambda: _descend(rates=[1.0, -1.0, 1.0]),
            rf"descend_together: rates {NUMBER}; received \[1.0, -1.0, 1.0\] .*",
        ),
        (lambda: _descend(rates=1.0), rf"descend_together: rates {NUMBER}; received 1.0 for 3 heads"),
        (lambda: _descend(batch=0), "descend_together: batch must be a whole number from 1; received 0"),
        (lambda: _descend(task=LookupTask()), "descend_together: heads must take inputs of 16 entries; received 4"),
        (
            lambda: share_of_largest(np.ones((3, 1)), 0),
            "share_of_largest: largest must be a number between 0 and 1; .* 0",
        ),
        (lambda: share_of_largest(np.ones((3, 1)), 1.0), "share_of_largest: largest must be .*; received 1.0"),
        (lambda: examples_that_carry(np.ones((3, 1)), "1"), "examples_that_carry: share must be .*; received '1'"),
        (
            lambda: batch_cosines(HEADS, PULLS[..., 0], PULLS, 4),
            "batch_cosines: batch must be a whole number from 1, half of the 6 examples at most; received 4",
        ),
        (lambda: batch_cosines(HEADS, PULLS[..., 0], PULLS, 0), "batch_cosines: batch must .*; received 0"),
    ],
)
def test_impossible_arguments_are_refused(make: Any, message: str) -> None:
    """At the call, in one line."""
    with pytest.raises(ValueError, match=rf"^{message}$"):
        make()


def _rng() -> np.random.Generator:
    return np.random.default_rng(1)


def _descend(rates: Any = (1.0, 1.0, 1.0), batch: Any = 8, task: LookupTask = TASK) -> object:
    return descend_together(_rng(), task, HEADS, rates, batch)
