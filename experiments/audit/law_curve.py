"""What the exact law says of rows like those that were measured, at any spread of their scores."""

import numpy as np
import pandas as pd

from experiments.audit.measured import most_rows
from scaling.head_law import LARGEST_SIGMA, normalised_entropy_of_rows
from scaling.head_rows import Visible

PER_OCTAVE = 4
LOWEST, HIGHEST = 2.0**-4, 2.0**6  # standard deviations that are always shown


def law_curve(frame: pd.DataFrame, causal: bool) -> pd.DataFrame:
    """H / ln n of independent normal scores against their standard deviation, over the rows' own numbers of keys.

    One curve for the shortest and one for the longest sequences; columns fewest_keys, of a row, n_keys, row_sd,
    normalised_entropy.
    """
    low, high = _reach(frame)
    n_sigma = round(PER_OCTAVE * np.log2(high / low)) + 1
    sigma = np.geomspace(low, high, n_sigma)
    sizes = frame[["n_keys", "n_queries"]].drop_duplicates().sort_values(["n_keys", "n_queries"], ignore_index=True)
    curves = []
    for n_keys, n_queries in sizes.iloc[sorted({0, len(sizes) - 1})].itertuples(index=False):
        visible = Visible(int(n_queries), int(n_keys), causal)
        queries = visible.queries(most_rows(int(n_keys), n_sequences=1)) if causal else np.zeros(1, dtype=np.intp)
        counts = visible.counts(queries)
        at_sigma = np.broadcast_to(sigma[:, None], (n_sigma, len(counts)))
        mean = normalised_entropy_of_rows(at_sigma, counts).mean(axis=1)
        curves.append(
            pd.DataFrame({"fewest_keys": counts.min(), "n_keys": n_keys, "row_sd": sigma, "normalised_entropy": mean})
        )
    return pd.concat(curves, ignore_index=True)


def _reach(frame: pd.DataFrame) -> tuple[float, float]:
    """Powers of two around every head, raw and scaled, that has any spread."""
    spreads = frame[["row_sd", "raw_row_sd"]].to_numpy().ravel()
    spreads = spreads[(spreads > LOWEST**4) & (spreads < LARGEST_SIGMA)]
    low, high = min([LOWEST, *spreads]), max([HIGHEST, *spreads])
    return 2.0 ** np.floor(np.log2(low)), 2.0 ** np.ceil(np.log2(high))
