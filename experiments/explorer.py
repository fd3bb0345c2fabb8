"""Exact means over rows at every stop of the page's sliders, under three rules; nothing here is drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import AfterValidator, Field

from experiments.experiment import BlockSize, Column, Experiment, SingleBlock, Values
from scaling.attention_law import attention_law
from scaling.rules import RAW, SCALED, PowerRule

RULES = (RAW, SCALED, PowerRule("inverse", 1.0))
QUANTITIES = ("entropy", "max_weight", "jacobian_trace")


def _power_of_two(value: int) -> int:
    if value & (value - 1):
        raise ValueError("a power of two is needed, since the stops are powers of two")
    return value


@dataclass(frozen=True)
class Stop:
    """One number of keys at every d_k."""

    n_keys: int
    d_k: tuple[int, ...]


class Explorer(Experiment[Stop]):
    """Attention's exact law where the reader of the page can ask for it: d_k from 1 and n_keys from 2, doubling."""

    name: ClassVar[str] = "explorer"
    columns: ClassVar[Mapping[str, Column]] = {
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in the row", "count"),
        "rule": Column("raw: softmax(q·k); scaled: softmax(q·k/√d_k); inverse: softmax(q·k/d_k)", "name"),
        "quantity": Column(
            "entropy in nats; max_weight, the largest weight; jacobian_trace tr(diag(p) - p pᵀ); means over rows",
            "name",
        ),
        "exact": Column("exact expectation for independent standard normal entries of q and k"),
    }

    n_blocks: SingleBlock = 1
    largest_d_k: Annotated[int, Field(ge=64, le=2**16), AfterValidator(_power_of_two)]
    largest_n_keys: Annotated[int, Field(ge=64, le=2**12), AfterValidator(_power_of_two)]

    def cells(self) -> Sequence[Stop]:
        """One cell per n_keys from 2."""
        dimensions = _powers_of_two(1, self.largest_d_k)
        return [Stop(n_keys, dimensions) for n_keys in _powers_of_two(2, self.largest_n_keys)]

    def size(self, cell: Stop) -> BlockSize:
        """Nothing is drawn; the law's table is small."""
        return BlockSize(0.0, 2.0**16)

    def measure(self, cell: Stop, rng: np.random.Generator) -> Values:
        """(n_d_k, n_rules, n_quantities): no draw is needed."""
        factors = np.array([[rule.factor(d_k) for rule in RULES] for d_k in cell.d_k])
        law = attention_law(np.array(cell.d_k)[:, None], cell.n_keys, factors)
        return np.stack([getattr(law, quantity) for quantity in QUANTITIES], axis=2)

    def frame(self, observed: Mapping[Stop, Values]) -> pd.DataFrame:
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


def _powers_of_two(first: int, last: int) -> tuple[int, ...]:
    """From `first` to `last`, both of which are powers of two."""
    return tuple(2**exponent for exponent in range(first.bit_length() - 1, last.bit_length()))
