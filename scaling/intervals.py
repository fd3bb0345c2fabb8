"""Confidence intervals from independent blocks.

All products of one QKᵀ share queries and keys and are therefore dependent. Blocks with draws of their own are not, so
every interval in this project counts blocks: Student's t over block values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate

import numpy as np
from numpy.typing import NDArray
from scipy import special

from scaling.moments import EMPTY, Moments


@dataclass(frozen=True)
class Interval:
    """A two-sided t interval; every field has the shape of one block's value."""

    estimate: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_blocks: int


def t_quantile(confidence: float, n_blocks: int) -> float:
    """The half-width of a two-sided t interval over `n_blocks` block values, in standard errors."""
    if not 0 < confidence < 1:
        raise ValueError(f"confidence is {confidence!r}; it must lie between 0 and 1")
    if n_blocks < 2:
        raise ValueError(f"n_blocks is {n_blocks}; an interval needs at least 2 blocks")
    return float(-special.stdtrit(n_blocks - 1, (1 - confidence) / 2))


def mean_interval(blocks: NDArray[np.float64], confidence: float) -> Interval:
    """Interval for the mean of block values, `blocks` of shape (n_blocks, ...): mean ± t · sd/√n_blocks."""
    n_blocks = blocks.shape[0]
    half_width = t_quantile(confidence, n_blocks)
    estimate = blocks.mean(axis=0)
    standard_error = blocks.std(axis=0, ddof=1) / np.sqrt(n_blocks)
    return Interval(
        estimate,
        standard_error,
        estimate - half_width * standard_error,
        estimate + half_width * standard_error,
        n_blocks,
    )


def simultaneous_confidence(family_wise_error: float, n_intervals: int) -> float:
    """The confidence each of `n_intervals` intervals needs so that all hold at once (Bonferroni, any dependence)."""
    return 1 - family_wise_error / n_intervals


def jackknife_values(blocks: Sequence[Moments], statistic: Callable[[Moments], float]) -> NDArray[np.float64]:
    """Pseudo-values (n_blocks,) of a statistic of the merged blocks: B θ - (B - 1) θ without block b.

    Their mean is the statistic with its O(1/B) bias removed; they enter `mean_interval` like plain block values.
    Source: J. W. Tukey, Bias and confidence in not quite large samples, Ann. Math. Stat. 29 (1958) 614.
    """
    n_blocks = len(blocks)
    before = list(accumulate(blocks, initial=EMPTY))  # before[b] merges the blocks 0 … b-1
    after = list(accumulate(reversed(blocks), initial=EMPTY))[::-1]  # after[b] merges the blocks b … B-1
    without = np.array([statistic(before[b] + after[b + 1]) for b in range(n_blocks)])
    return n_blocks * statistic(before[n_blocks]) - (n_blocks - 1) * without
