"""The shape of q·k: its density at several d_k against the normal law it tends to."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import special

from experiments.experiment import (
    ESTIMATE_COLUMNS,
    BlockSize,
    Column,
    EntryLawName,
    Experiment,
    Grid,
    Values,
    block_size,
    estimate_row,
)
from scaling.entries import entry_law
from scaling.rules import SCALED
from scaling.sampling import Tiles, draw_scores

EDGES = np.round(np.arange(-40, 41) * 0.2, 1)  # of the bins of q·k/√d_k


@dataclass(frozen=True)
class DistributionCell:
    """Tiles of dot products at one d_k."""

    d_k: int
    n_tiles: int
    side: int
    entries: str

    @property
    def tiles(self) -> Tiles:
        """The block's shape."""
        return Tiles(self.n_tiles, self.side, self.side)


class Distribution(Experiment[DistributionCell]):
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
    entries: EntryLawName = "gaussian"

    def cells(self) -> Sequence[DistributionCell]:
        """One cell per d_k with about `n_scores` dot products over all its blocks, in tiles of √d_k × √d_k.

        Such tiles share queries and keys so little that their products are nearly as good as independent pairs.
        """
        cells = []
        for d_k in self.d_k:
            side = max(1, round(d_k**0.5))
            n_tiles = max(1, round(self.n_scores / (self.n_blocks * side**2)))
            cells.append(DistributionCell(d_k, n_tiles, side, self.entries))
        return cells

    def size(self, cell: DistributionCell) -> BlockSize:
        """Q and K of every tile; Q and the scores of one."""
        return block_size(cell.d_k, cell.tiles)

    def measure(self, cell: DistributionCell, rng: np.random.Generator) -> Values:
        """(n_bins,): the block's share of scores in each bin, per unit of z."""
        law = entry_law(cell.entries)
        tiles = cell.tiles
        counts = np.zeros(len(EDGES) - 1)
        for dot_products in draw_scores(rng, cell.d_k, tiles, law, law):
            counts += np.histogram(SCALED(dot_products, cell.d_k), EDGES)[0]
        density: Values = counts / (tiles.n_scores * np.diff(EDGES))
        return density

    def frame(self, observed: Mapping[DistributionCell, Values]) -> pd.DataFrame:
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
