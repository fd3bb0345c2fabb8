"""The lecture's peaky softmax: the same five numbers, and eight times as large."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd
from scipy import special

from experiments.experiment import BlockSize, Column, Experiment, SingleBlock, Values

SCORES = (0.1, -0.2, 0.3, -0.2, 0.5)  # lecture, chapter 7 (42:39)
FACTORS = (1.0, 8.0)


@dataclass(frozen=True)
class PeakyCell:
    """The lecture's scores, multiplied by `factor`."""

    factor: float


class Peaky(Experiment[PeakyCell]):
    """Softmax of the lecture's vector at both sizes; nothing is drawn."""

    name: ClassVar[str] = "peaky"
    columns: ClassVar[Mapping[str, Column]] = {
        "index": Column("position in the lecture's vector, from 0", "count"),
        "factor": Column("what the vector was multiplied by"),
        "score": Column("what enters the softmax"),
        "weight": Column("what the softmax gives"),
    }

    n_blocks: SingleBlock = 1

    def cells(self) -> Sequence[PeakyCell]:
        """One cell per factor."""
        return [PeakyCell(factor) for factor in FACTORS]

    def size(self, cell: PeakyCell) -> BlockSize:
        """Nothing is drawn."""
        return BlockSize(0, len(SCORES))

    def measure(self, cell: PeakyCell, rng: np.random.Generator) -> Values:
        """(2, 5): scores and their softmax."""
        scores = cell.factor * np.array(SCORES)
        return np.stack([scores, special.softmax(scores)])

    def frame(self, observed: Mapping[PeakyCell, Values]) -> pd.DataFrame:
        """One row per factor and entry."""
        return pd.concat(
            [
                pd.DataFrame(
                    {"index": range(len(SCORES)), "factor": cell.factor, "score": blocks[0, 0], "weight": blocks[0, 1]}
                )
                for cell, blocks in observed.items()
            ],
            ignore_index=True,
        )
