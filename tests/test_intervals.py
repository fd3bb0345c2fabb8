"""Intervals: their quantiles, their coverage, and the mistake of counting dependent products."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from scaling import Gaussian, Tiles, draw_scores
from scaling.intervals import jackknife_values, mean_interval, simultaneous_confidence, t_quantile
from scaling.moments import EMPTY, Moments

SEEDS = 4000
BLOCKS = 8
TILES = Tiles(1, 12, 12)
D_K = 4


def block_variances(seed: int) -> np.ndarray:
    """Variances of BLOCKS small blocks of dot products, and one block's squares."""
    rng = np.random.default_rng([11, seed])
    law = Gaussian()
    blocks = (np.concatenate(list(draw_scores(rng, D_K, TILES, law, law))) for _ in range(BLOCKS))
    return np.array([block.var(ddof=1) for block in blocks])


@pytest.fixture(scope="module")
def variances() -> np.ndarray:
    """(SEEDS, BLOCKS)."""
    return np.array([block_variances(seed) for seed in range(SEEDS)])


def coverage(variances: np.ndarray, confidence: float) -> float:
    """Share of seeds whose interval holds the true variance D_K."""
    intervals = [mean_interval(blocks, confidence) for blocks in variances]
    return float(np.mean([interval.low <= D_K <= interval.high for interval in intervals]))


def test_intervals_cover_as_often_as_they_say(variances: np.ndarray) -> None:
    """95 % intervals cover 93 to 97 % of the time (the binomial standard error over 4000 seeds is 0.34 %)."""
    assert 0.93 <= coverage(variances, 0.95) <= 0.97


def test_products_counted_as_independent_give_intervals_that_lie() -> None:
    """The negative control: treating the m n products of one block as independent covers far less than 95 %."""
    covered = []
    for seed in range(500):
        rng = np.random.default_rng([12, seed])
        (scores,) = draw_scores(rng, D_K, Tiles(1, 40, 40), Gaussian(), Gaussian())
        squares = scores.ravel() ** 2
        covered.append(abs(squares.mean() - D_K) <= 1.96 * squares.std() / math.sqrt(squares.size))
    assert np.mean(covered) < 0.6


def test_quantile_equals_scipys() -> None:
    """The half-width is Student's t quantile with n_blocks - 1 degrees of freedom."""
    for confidence, n_blocks in ((0.95, 2), (0.95, 32), (1 - 1e-5, 64)):
        assert t_quantile(confidence, n_blocks) == pytest.approx(
            stats.t.ppf((1 + confidence) / 2, n_blocks - 1), rel=1e-9
        )


def test_simultaneous_confidence_is_bonferronis() -> None:
    """The errors of all intervals together add up to the family's."""
    assert 50 * (1 - simultaneous_confidence(0.001, 50)) == pytest.approx(0.001)


def test_jackknife_of_a_mean_is_the_mean_of_each_block() -> None:
    """For a linear statistic the pseudo-values are the block values themselves."""
    blocks = [Moments.of(values) for values in np.random.default_rng(5).normal(size=(6, 10))]
    pseudo = jackknife_values(blocks, lambda moments: moments.mean)
    assert pseudo == pytest.approx([moments.mean for moments in blocks])


def test_jackknife_removes_the_bias_of_a_ratio() -> None:
    """Kurtosis from blocks one by one is biased; its pseudo-values are much less so (both against the plain loop)."""
    rngs = [np.random.default_rng([13, seed]) for seed in range(300)]
    samples = [rng.standard_normal((16, 40)) for rng in rngs]
    by_block = np.mean([[stats.kurtosis(block) for block in sample] for sample in samples])
    jackknifed = []
    for sample in samples:
        blocks = [Moments.of(block) for block in sample]
        pseudo = jackknife_values(blocks, lambda moments: moments.excess_kurtosis)
        rest = [sum(blocks[:i] + blocks[i + 1 :], EMPTY).excess_kurtosis for i in range(16)]
        whole = sum(blocks, EMPTY).excess_kurtosis
        assert pseudo == pytest.approx([16 * whole - 15 * without for without in rest], rel=1e-6, abs=1e-9)
        jackknifed.append(pseudo.mean())
    assert by_block < -0.1
    assert abs(np.mean(jackknifed)) < 0.02


def test_a_list_of_block_values_is_taken() -> None:
    """Plain numbers give the interval of the same array."""
    assert mean_interval([1, 2.0, 4], 0.9) == mean_interval(np.array([1.0, 2.0, 4.0]), 0.9)


@pytest.mark.parametrize(
    ("blocks", "message"),
    [
        (3.0, r"blocks must have the shape \(n_blocks, \.\.\.\); received 3\.0"),
        (np.array(3.0), r"blocks must have the shape .*; received array\(3\.\)"),
        ([1.0, np.nan], r"blocks must be finite real numbers; received nan in \[1\.0, nan\]"),
        ([1.0, None], r"blocks must be finite real numbers without a mask; received \[1\.0, None\]"),
        (["a", "b"], r"blocks must be .*; received \['a', 'b'\]"),
        ([1e308, -1e308], r"blocks must have a finite mean and variance; received \[1e\+308, -1e\+308\]"),
    ],
)
def test_odd_blocks_are_refused(blocks: Any, message: str) -> None:
    """An interval comes from an array of finite numbers or not at all."""
    with pytest.raises(ValueError, match=f"^mean_interval: {message}") as caught:
        mean_interval(blocks, 0.95)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_intervals", [0, -1, 2.5, None])
def test_intervals_are_counted_in_whole_numbers(n_intervals: Any) -> None:
    """Bonferroni divides by a count."""
    with pytest.raises(ValueError, match=f"n_intervals must be a whole number from 1; received {n_intervals}"):
        simultaneous_confidence(0.05, n_intervals)
    with pytest.raises(ValueError, match=r"family_wise_error must lie between 0 and 1; received 2"):
        simultaneous_confidence(2, 1)


@pytest.mark.parametrize("probability", [0.0, 1.0, -0.5, 1.5])
def test_no_interval_is_certain_or_empty(probability: float) -> None:
    """Neither a confidence nor an error is 0 or 1."""
    with pytest.raises(ValueError, match=rf"confidence is {probability}; it must lie between 0 and 1"):
        t_quantile(probability, 10)
    with pytest.raises(ValueError, match=rf"must lie between 0 and 1; received {probability}"):
        simultaneous_confidence(probability, 10)


def test_two_blocks_are_enough_for_a_jackknife() -> None:
    """Each is what is left without the other."""
    blocks = [Moments.of([1.0, 2.0]), Moments.of([4.0])]
    assert jackknife_values(blocks, lambda moments: moments.mean) == pytest.approx([2 * 7 / 3 - 4, 2 * 7 / 3 - 1.5])


def test_a_jackknife_needs_a_block_to_leave_out() -> None:
    """Without one of fewer than two blocks nothing is left."""
    with pytest.raises(ValueError, match="jackknife_values: at least 2 blocks are needed; received 1"):
        jackknife_values([Moments.of([1.0])], lambda moments: moments.mean)


def test_impossible_intervals_are_refused() -> None:
    """One block has no scatter; a confidence is a probability."""
    with pytest.raises(ValueError, match="n_blocks is 1; an interval needs at least 2"):
        mean_interval(np.ones((1, 3)), 0.95)
    with pytest.raises(ValueError, match=r"confidence is 1\.5"):
        t_quantile(1.5, 10)
    with pytest.raises(ValueError, match="confidence is None"):
        t_quantile(None, 10)  # type: ignore[arg-type]
    with pytest.raises(ValueError, match=r"n_blocks is 2\.5"):
        t_quantile(0.9, 2.5)  # type: ignore[arg-type]
