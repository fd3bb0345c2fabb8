"""The shape of q·k: its density at several d_k against its exact law and the normal law it tends to."""

from collections.abc import Mapping, Sequence
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import special

from experiments.experiment import (
    ESTIMATE_COLUMNS,
    Column,
    Grid,
    ScoreCell,
    ScoreExperiment,
    Values,
    estimate_row,
)
from scaling.dot_product_law import dot_product_law
from scaling.entries import entry_law
from scaling.rules import SCALED
from scaling.sampling import Tiles, plan_tiles, variance_of_mean_square

EDGES = np.round(np.arange(-40, 41) * 0.2, 1)  # of the bins of q·k/√d_k
PER_UNIT = 5  # bins
PAIR = Tiles(1, 1, 1)
NORMAL = np.diff(special.ndtr(EDGES)) / np.diff(EDGES)


class Distribution(ScoreExperiment):
    """Histogram density of z = q·k/√d_k."""

    name: ClassVar[str] = "distribution"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "bin_low": Column("lower edge of the bin of z = q·k/√d_k"),
        "bin_high": Column("upper edge of the bin of z"),
        **ESTIMATE_COLUMNS,
        "prediction": Column("the exact density averaged over the bin; empty for entries that are not normal"),
        "normal": Column("the standard normal density averaged over the bin: the limit of large d_k"),
    }

    d_k: Grid
    n_scores: Annotated[int, Field(ge=1000, le=10**9)]

    def cells(self) -> Sequence[ScoreCell]:
        """One cell per d_k, whose scores tell as much of the variance as `n_scores` independent pairs would."""
        kurtosis = entry_law(self.entries).kurtosis
        cells = []
        for d_k in self.d_k:
            alone = max(1.0, variance_of_mean_square(d_k, PAIR, kurtosis, kurtosis))  # less for one sign times another
            wanted = alone * self.n_blocks / self.n_scores
            t = plan_tiles(d_k, wanted, kurtosis, kurtosis)
            cells.append(ScoreCell(d_k, t.n_tiles, t.n_queries, t.n_keys, self.entries))
        return cells

    def measure(self, cell: ScoreCell, rng: np.random.Generator) -> Values:
        """(n_bins,): the block's share of scores in each bin, per unit of z."""
        n_bins = len(EDGES) - 1
        counts = np.zeros(n_bins)
        for dot_products in cell.scores(rng):
            places = (SCALED(dot_products, cell.d_k) - np.float32(EDGES[0])) * np.float32(PER_UNIT)
            bins = np.clip(places + 1, 0, n_bins + 1).astype(np.intp)  # the first and the last lie beyond the edges
            counts += np.bincount(bins.ravel(), minlength=n_bins + 2)[1:-1]
        density: Values = counts / (cell.tiles.n_scores * np.diff(EDGES))
        return density

    def frame(self, observed: Mapping[ScoreCell, Values]) -> pd.DataFrame:
        """One row per d_k and bin."""
        rows = []
        for cell, blocks in observed.items():
            exact = self.exact(cell.d_k)
            for i, normal in enumerate(NORMAL):
                index = {"d_k": cell.d_k, "bin_low": EDGES[i], "bin_high": EDGES[i + 1]}
                rows.append(estimate_row(index, "density", blocks[:, i], exact[i]) | {"normal": normal})
        return pd.DataFrame(rows)

    def exact(self, d_k: int) -> Values:
        """(n_bins,): the exact density of z averaged over each bin, nan where it is not known."""
        if self.entries != "gaussian":
            return np.full(len(EDGES) - 1, np.nan)
        law = dot_product_law(d_k)
        below, above = law.cdf(EDGES * d_k**0.5), law.sf(EDGES * d_k**0.5)
        shares = np.where(EDGES[:-1] < 0, np.diff(below), -np.diff(above))  # of the nearer tail, which keeps its digits
        density: Values = shares / np.diff(EDGES)
        return density
