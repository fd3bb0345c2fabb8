"""Confidence intervals from independent blocks.

All products of one QKᵀ share queries and keys and are therefore dependent. Blocks with draws of their own are not, so
every interval in this project counts blocks: Student's t over block values.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from scaling.arrays import is_count, is_number, real_array, shown


@dataclass(frozen=True)
class Interval:
    """A two-sided t interval; every field has the shape of one block's value."""

    estimate: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    n_blocks: int


def t_quantile(confidence: float, n_blocks: int) -> float:
    """The half-width of a two-sided t interval over `n_blocks` block values, in standard errors.

    Raises ValueError unless 0 < confidence < 1 and n_blocks is a whole number from 2.
    """
    if not is_number(confidence) or not 0 < confidence < 1:
        raise ValueError(f"t_quantile: confidence is {shown(confidence)}; it must lie between 0 and 1")
    if not is_count(n_blocks) or n_blocks < 2:
        raise ValueError(f"t_quantile: n_blocks is {shown(n_blocks)}; an interval needs at least 2 blocks")
    return float(-special.stdtrit(n_blocks - 1, (1 - confidence) / 2))


def mean_interval(blocks: ArrayLike, confidence: float) -> Interval:
    """Interval for the mean of block values, `blocks` of shape (n_blocks, ...): mean ± t · sd/√n_blocks.

    Raises ValueError for anything but finite real numbers of at least 2 blocks, for values so large that the interval
    has no finite ends, and for a confidence outside (0, 1).

    >>> found = mean_interval([0.9, 1.1, 1.0, 1.2], confidence=0.95)
    >>> [round(float(bound), 3) for bound in (found.low, found.estimate, found.high)]
    [0.845, 1.05, 1.255]
    """
    values = real_array(blocks, "mean_interval: blocks")
    if values.ndim == 0:
        raise ValueError(f"mean_interval: blocks must have the shape (n_blocks, ...); received {shown(blocks)}")
    n_blocks = values.shape[0]
    half_width = t_quantile(confidence, n_blocks)
    with np.errstate(over="ignore", invalid="ignore"):
        estimate = values.mean(axis=0)
        standard_error = values.std(axis=0, ddof=1) / np.sqrt(n_blocks)
        low, high = estimate - half_width * standard_error, estimate + half_width * standard_error
    if not np.all(np.isfinite(high - low)):
        raise ValueError(f"mean_interval: blocks must have a finite mean and variance; received {shown(blocks)}")
    return Interval(estimate, standard_error, low, high, n_blocks)


def simultaneous_confidence(family_wise_error: float, n_intervals: int) -> float:
    """The confidence each of `n_intervals` intervals needs so that all hold at once (Bonferroni, any dependence).

    Raises ValueError unless 0 < family_wise_error < 1 and n_intervals is a whole number from 1.
    """
    if not is_number(family_wise_error) or not 0 < family_wise_error < 1:
        raise ValueError(
            f"simultaneous_confidence: family_wise_error must lie between 0 and 1; received {shown(family_wise_error)}"
        )
    if not is_count(n_intervals):
        raise ValueError(
            f"simultaneous_confidence: n_intervals must be a whole number from 1; received {shown(n_intervals)}"
        )
    return 1 - family_wise_error / n_intervals


class Mergeable(Protocol):
    """Something gathered from a sample, such as `Moments`, that can be put together with that of another."""

    def __add__(self, other: Any, /) -> Any:
        """Of both samples together."""
        ...


MergeableT = TypeVar("MergeableT", bound=Mergeable)


def jackknife_values(blocks: Sequence[MergeableT], statistic: Callable[[MergeableT], ArrayLike]) -> NDArray[np.float64]:
    """Pseudo-values (n_blocks, ...) of a statistic of the merged blocks, a number or an array; see `pseudo_values`.

    ValueError for fewer than 2 blocks, since none would be left without one of them.
    """
    if len(blocks) < 2:
        raise ValueError(f"jackknife_values: at least 2 blocks are needed; received {len(blocks)}")
    whole, others = merged_without_each(blocks)
    return pseudo_values(statistic(whole), [statistic(other) for other in others])


def merged_without_each(blocks: Sequence[MergeableT]) -> tuple[MergeableT, list[MergeableT]]:
    """All blocks merged; and all but the first, all but the second, …, unless there is only one."""
    before = list(accumulate(blocks))  # before[b] merges the blocks 0 … b
    after = list(accumulate(reversed(blocks)))[::-1]  # after[b] merges the blocks b … B-1
    inner = [before[b - 1] + after[b + 1] for b in range(1, len(blocks) - 1)]
    return before[-1], [] if len(blocks) == 1 else [after[1], *inner, before[-2]]


def pseudo_values(whole: ArrayLike, without: Sequence[ArrayLike]) -> NDArray[np.float64]:
    """B θ - (B - 1) θ_b from a statistic θ of all B blocks, and θ_b of all but block b: (n_blocks, ...).

    Their mean is the statistic with its O(1/B) bias removed; they enter `mean_interval` like plain block values.
    Source: J. W. Tukey, Bias and confidence in not quite large samples, Ann. Math. Stat. 29 (1958) 614.
    """
    others = np.array(without, dtype=np.float64)
    pseudo: NDArray[np.float64] = len(others) * np.asarray(whole) - (len(others) - 1) * others
    return pseudo
