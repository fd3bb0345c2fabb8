"""The shape of q·k: its density at several d_k against the normal law it tends to."""

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
from scaling.rules import SCALED

EDGES = np.round(np.arange(-40, 41) * 0.2, 1)  # of the bins of q·k/√d_k


class Distribution(ScoreExperiment):
    """Histogram density of z = q·k/√d_k."""

    name: ClassVar[str] = "distribution"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "bin_low": Column("lower edge of the bin of z = q·k/√d_k"),
        "bin_high": Column("upper edge of the bin of z"),
        **ESTIMATE_COLUMNS,
        "prediction": Column("the standard normal density averaged over the bin: the limit of large d_k"),
    }

    d_k: Grid
    n_scores: Annotated[int, Field(ge=1000, le=10**9)]

    def cells(self) -> Sequence[ScoreCell]:
        """One cell per d_k with about `n_scores` dot products over all its blocks, in tiles of √d_k × √d_k.

        Such tiles share queries and keys so little that their products are nearly as good as independent pairs.
        """
        cells = []
        for d_k in self.d_k:
            side = max(1, round(d_k**0.5))
            n_tiles = max(1, round(self.n_scores / (self.n_blocks * side**2)))
            cells.append(ScoreCell(d_k, n_tiles, side, side, self.entries))
        return cells

    def measure(self, cell: ScoreCell, rng: np.random.Generator) -> Values:
        """(n_bins,): the block's share of scores in each bin, per unit of z."""
        counts = np.zeros(len(EDGES) - 1)
        for dot_products in cell.scores(rng):
            counts += np.histogram(SCALED(dot_products, cell.d_k), EDGES)[0]
        density: Values = counts / (cell.tiles.n_scores * np.diff(EDGES))
        return density

    def frame(self, observed: Mapping[ScoreCell, Values]) -> pd.DataFrame:
        """One row per d_k and bin."""
        normal = np.diff(special.ndtr(EDGES)) / np.diff(EDGES)
        return pd.DataFrame(
            [
                estimate_row(
                    {"d_k": cell.d_k, "bin_low": EDGES[i], "bin_high": EDGES[i + 1]}, "density", blocks[:, i], normal[i]
                )
                for cell, blocks in observed.items()
                for i in range(len(normal))
            ]
        )
