"""The exact law against the limit of many keys, where attention freezes at σ_c = √(2 ln n); nothing is drawn here."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field

from experiments.experiment import BlockSize, Column, Experiment, SingleBlock, Values, increasing
from scaling.freezing import freezing_sigma, limit_of_entropy, limit_of_sum_p2
from scaling.softmax_law import N_KEYS_RANGE, softmax_law

QUANTITIES = ("normalised_entropy", "sum_p2")
RATIOS = np.round(np.arange(2, 151) * 0.02, 2)  # σ/σ_c: 0.04 … 3


@dataclass(frozen=True)
class FreezingCell:
    """One number of keys, at every σ/σ_c."""

    n_keys: int


class Freezing(Experiment[FreezingCell]):
    """Entropy and Σp² of n normal scores against their standard deviation, in units of σ_c."""

    name: ClassVar[str] = "freezing"
    columns: ClassVar[Mapping[str, Column]] = {
        "n_keys": Column("keys in the row", "count"),
        "sigma_ratio": Column("standard deviation of the scores, divided by σ_c = √(2 ln n_keys)"),
        "quantity": Column("normalised_entropy = entropy / ln n_keys; sum_p2; each a mean over rows", "name"),
        "exact": Column("exact expectation for n_keys independent normal scores"),
        "limit": Column("its limit for n_keys → ∞ at this sigma_ratio (random energy model)"),
    }

    n_blocks: SingleBlock = 1
    n_keys: Annotated[
        list[Annotated[int, Field(ge=2, le=N_KEYS_RANGE[1])]],
        Field(min_length=1, max_length=8),
        AfterValidator(increasing),
    ]

    def cells(self) -> Sequence[FreezingCell]:
        """One cell per n_keys."""
        return [FreezingCell(n_keys) for n_keys in self.n_keys]

    def size(self, cell: FreezingCell) -> BlockSize:
        """Nothing is drawn."""
        return BlockSize(0.0, 2.0**16)

    def measure(self, cell: FreezingCell, rng: np.random.Generator) -> Values:
        """(n_quantities, n_ratios): no draw is needed."""
        law = softmax_law(freezing_sigma(cell.n_keys) * RATIOS, cell.n_keys)
        return np.stack([law.entropy / np.log(cell.n_keys), law.sum_p2])

    def frame(self, observed: Mapping[FreezingCell, Values]) -> pd.DataFrame:
        """One row per n_keys, quantity and σ/σ_c."""
        frames = []
        for cell, blocks in observed.items():
            sigma = freezing_sigma(cell.n_keys) * RATIOS
            limits = (limit_of_entropy(sigma, cell.n_keys) / np.log(cell.n_keys), limit_of_sum_p2(sigma, cell.n_keys))
            for quantity, exact, limit in zip(QUANTITIES, blocks[0], limits, strict=True):
                frames.append(
                    pd.DataFrame(
                        {
                            "n_keys": cell.n_keys,
                            "sigma_ratio": RATIOS,
                            "quantity": quantity,
                            "exact": exact,
                            "limit": limit,
                        }
                    )
                )
        return pd.concat(frames, ignore_index=True)
