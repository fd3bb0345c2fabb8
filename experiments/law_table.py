"""Tables of the exact law: means over rows on a grid of d_k and numbers of keys. Nothing of them is drawn."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from experiments.experiment import BlockSize, Experiment, SingleBlock, Values
from scaling.attention_law import AttentionLaw, attention_law
from scaling.rules import PowerRule


@dataclass(frozen=True)
class LawRow:
    """One number of keys at every d_k."""

    n_keys: int
    d_k: tuple[int, ...]


class LawTable(Experiment[LawRow]):
    """Attention's exact law under some rules; an experiment says which, which quantities, and at which rows."""

    rules: ClassVar[tuple[PowerRule, ...]]
    quantities: ClassVar[tuple[str, ...]]  # fields of the law, or normalised_entropy, the entropy / ln n_keys

    n_blocks: SingleBlock = 1

    def size(self, cell: LawRow) -> BlockSize:
        """Nothing is drawn; the law's table is small."""
        return BlockSize(0.0, 2.0**16)

    def measure(self, cell: LawRow, rng: np.random.Generator) -> Values:
        """(n_d_k, n_rules, n_quantities): no draw is needed."""
        dimensions = np.array(cell.d_k)
        factors = np.stack([dimensions**-rule.alpha for rule in self.rules], axis=1)
        law = attention_law(dimensions[:, None], cell.n_keys, factors)
        return np.stack([_values(law, quantity) for quantity in self.quantities], axis=2)

    def frame(self, observed: Mapping[LawRow, Values]) -> pd.DataFrame:
        """One row per n_keys, d_k, rule and quantity."""
        index = pd.MultiIndex.from_tuples(
            [
                (d_k, cell.n_keys, rule.name, quantity)
                for cell in observed
                for d_k in cell.d_k
                for rule in self.rules
                for quantity in self.quantities
            ],
            names=["d_k", "n_keys", "rule", "quantity"],
        )
        values = np.concatenate([blocks[0].ravel() for blocks in observed.values()])
        return pd.Series(values, index, name="exact").reset_index()


def _values(law: AttentionLaw, quantity: str) -> Values:
    values: Values = law.entropy / np.log(law.n_keys) if quantity == "normalised_entropy" else getattr(law, quantity)
    return values


def spaced(first: int, last: int, per_octave: int) -> tuple[int, ...]:
    """Whole numbers from `first` to `last`, both among them, about `per_octave` to every doubling."""
    steps = np.arange(int(np.floor(per_octave * np.log2(last / first))) + 1) / per_octave
    return tuple(dict.fromkeys([*np.round(first * 2.0**steps).astype(np.int64).tolist(), last]))
