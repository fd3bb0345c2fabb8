"""The temperature at which a head's softmax has a chosen entropy."""

import math
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import optimize

from scaling.arrays import is_number, shown
from scaling.head_law import normalised_entropy_of_rows
from scaling.head_rows import Visible, rows_of_scores
from scaling.row_pieces import hide, row_spread
from scaling.saturation import row_observables
from scaling.token_pieces import Places, TokenPieces
from scaling.vector_moments import HELD, Rows

Array = NDArray[np.float64]
MOST_ROWS, FEWEST_ROWS = 128, 4
WIDEST = 1e3  # standard deviations: how far a factor may bring the scores of a typical row, and one over it how near


class ScoredRows(NamedTuple):
    """Some rows of a head's raw scores, those of hidden keys so low that they have no weight."""

    scores: Array  # (n_rows, n_keys)
    n_keys: Places  # (n_rows,): visible ones
    sd: Array  # (n_rows,): of the scores of visible keys


def scored_rows(q: Rows, k: Rows, causal: bool = False, most: int = MOST_ROWS) -> ScoredRows:
    """At most so many rows of queries (n_queries, d_k) against keys (n_keys, d_k), evenly spaced; fewer long ones."""
    visible, keys = Visible(q.shape[0], k.shape[0], causal), TokenPieces(k.shape[0], 1)
    queries = visible.queries(min(most, max(FEWEST_ROWS, HELD // visible.n_keys)))
    scores = np.concatenate([scores for _, scores in rows_of_scores(q, k, queries, keys)])
    is_visible = visible.keys(queries, keys.order)
    spread = row_spread(scores, is_visible)
    hide(scores, is_visible)
    return ScoredRows(scores, spread.n_keys.astype(np.intp), np.sqrt(spread.variance))


class Temperature(NamedTuple):
    """The scaled scores divided by `value` have, in the mean over rows, the normalised entropy `target`."""

    value: float  # nan where no temperature does it
    target: float  # H / ln n


def temperature_for(rows: Sequence[ScoredRows], scale: float, target: float | None = None) -> Temperature:
    """The temperature of scores, multiplied by `scale`, at which the mean of H / ln n over rows is `target`.

    Without a target it is the exact mean of iid normal scores of variance 1, which is what the division by √d_k aims
    at. H rises with the temperature: ∂H/∂ln T is the variance of ln p under p. nan where all scores of most rows are
    the same, or where the temperature would bring a typical row's scores outside [1e-3, 1e3] standard deviations.

    Raises ValueError for a target outside (0, 1).
    """
    if target is None:
        target = float(np.concatenate([unit_entropy(one.n_keys) for one in rows]).mean())
    elif not is_number(target) or not 0 < target < 1:
        raise ValueError(f"temperature_for: the target H / ln n must lie between 0 and 1; received {shown(target)}")
    n_rows = sum(len(one.n_keys) for one in rows)
    spread = float(np.median(np.concatenate([one.sd for one in rows])))
    if spread == 0:
        return Temperature(math.nan, target)

    held = list(rows)  # emptied below: the solver leaves a cycle of references behind, with all that `excess` refers to

    def excess(log_sd: float) -> float:
        factor = math.exp(log_sd) / spread
        shares = [row_observables(one.scores, factor).entropy[0] / np.log(one.n_keys) for one in held]
        return math.fsum(share.sum() for share in shares) / n_rows - target

    widest = math.log(WIDEST)
    if excess(-widest) < 0 or excess(widest) > 0:
        return Temperature(math.nan, target)
    log_sd = optimize.brentq(excess, -widest, widest, xtol=1e-6)
    held.clear()
    return Temperature(scale * spread / math.exp(log_sd), target)


def unit_entropy(n_keys: Places) -> Array:
    """H / ln n of iid normal scores of variance 1, for each number of keys."""
    return normalised_entropy_of_rows(np.ones(len(n_keys)), n_keys)
