"""Exact means over rows on a wide grid of d_k and n_keys, far beyond what can be sampled; nothing here is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field

from experiments.experiment import BlockSize, Column, Experiment, SingleBlock, Values
from scaling.attention_law import MAX_D_K, attention_law
from scaling.rules import RAW, SCALED

RULES = (RAW, SCALED)
QUANTITIES = ("normalised_entropy", "sum_p2", "jacobian_norm2")


@dataclass(frozen=True)
class MapCell:
    """One number of keys at every d_k."""

    n_keys: int
    d_k: tuple[int, ...]


class SaturationMap(Experiment[MapCell]):
    """Attention's exact law, raw and scaled, over n_keys and d_k; both grids are even on logarithmic axes."""

    name: ClassVar[str] = "saturation_map"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in each row of the softmax", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k)", "name"),
        "quantity": Column(
            "normalised_entropy = entropy / ln n_keys; sum_p2; jacobian_norm2 ‖diag(p) - p pᵀ‖²_F; means over rows",
            "name",
        ),
        "exact": Column("exact expectation for independent standard normal entries of q and k"),
    }

    n_blocks: SingleBlock = 1
    largest_d_k: Annotated[int, Field(ge=4, le=MAX_D_K)]
    largest_n_keys: Annotated[int, Field(ge=4, le=10**12)]
    d_k_per_octave: Annotated[int, Field(ge=1, le=8)]
    n_keys_per_octave: Annotated[int, Field(ge=1, le=8)]

    def cells(self) -> Sequence[MapCell]:
        """One cell per n_keys from 2."""
        dimensions = _spaced(1, self.largest_d_k, self.d_k_per_octave)
        return [MapCell(n, dimensions) for n in _spaced(2, self.largest_n_keys, self.n_keys_per_octave)]

    def size(self, cell: MapCell) -> BlockSize:
        """Nothing is drawn; the law's table is small."""
        return BlockSize(0.0, 2.0**16)

    def measure(self, cell: MapCell, rng: np.random.Generator) -> Values:
        """(n_d_k, n_rules, n_quantities): no draw is needed."""
        dimensions = np.array(cell.d_k)
        law = attention_law(
            dimensions[:, None], cell.n_keys, np.stack([dimensions**-rule.alpha for rule in RULES], axis=1)
        )
        return np.stack([law.entropy / np.log(cell.n_keys), law.sum_p2, law.jacobian_norm2], axis=2)

    def frame(self, observed: Mapping[MapCell, Values]) -> pd.DataFrame:
        """One row per n_keys, d_k, rule and quantity."""
        index = pd.MultiIndex.from_tuples(
            [
                (d_k, cell.n_keys, rule.name, quantity)
                for cell in observed
                for d_k in cell.d_k
                for rule in RULES
                for quantity in QUANTITIES
            ],
            names=["d_k", "n_keys", "rule", "quantity"],
        )
        values = np.concatenate([blocks[0].ravel() for blocks in observed.values()])
        return pd.Series(values, index, name="exact").reset_index()


def _spaced(first: int, last: int, per_octave: int) -> tuple[int, ...]:
    """Whole numbers from `first` to `last`, both among them, about `per_octave` to every doubling."""
    steps = np.arange(int(np.floor(per_octave * np.log2(last / first))) + 1) / per_octave
    return tuple(dict.fromkeys([*np.round(first * 2.0**steps).astype(np.int64).tolist(), last]))
