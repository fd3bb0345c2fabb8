"""One row of scores and its softmax, raw and scaled: the picture behind every average."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
import pandas as pd
from pydantic import Field
from scipy import special

from experiments.experiment import BlockSize, Column, Experiment, SingleBlock, Values
from scaling.entries import Gaussian
from scaling.rules import RAW, SCALED


@dataclass(frozen=True)
class RowCell:
    """A single query and its keys."""

    d_k: int
    n_keys: int


class SoftmaxRow(Experiment[RowCell]):
    """One query against n_keys keys; the seed decides which."""

    name: ClassVar[str] = "softmax_row"
    columns: ClassVar[Mapping[str, Column]] = {
        "key": Column("number of the key, from 0", "count"),
        "d_k": Column("entries of q and of k", "count"),
        "n_keys": Column("keys in the row", "count"),
        "rule": Column("raw: q·k; scaled: q·k/√d_k, the same draws", "name"),
        "score": Column("what enters the softmax"),
        "weight": Column("what the softmax gives"),
    }

    n_blocks: SingleBlock = 1
    d_k: Annotated[int, Field(ge=1, le=2**16)]
    n_keys: Annotated[int, Field(ge=2, le=64)]

    def cells(self) -> Sequence[RowCell]:
        """One cell."""
        return [RowCell(self.d_k, self.n_keys)]

    def size(self, cell: RowCell) -> BlockSize:
        """A query and its keys."""
        return BlockSize(cell.d_k * (cell.n_keys + 1.0), cell.d_k * (cell.n_keys + 1.0))

    def measure(self, cell: RowCell, rng: np.random.Generator) -> Values:
        """(n_keys,): dot products of one query with its keys."""
        query = Gaussian().sample(rng, (cell.d_k,))
        keys = Gaussian().sample(rng, (cell.n_keys, cell.d_k))
        dot_products: Values = keys @ query
        return dot_products

    def frame(self, observed: Mapping[RowCell, Values]) -> pd.DataFrame:
        """One row per rule and key."""
        ((cell, blocks),) = observed.items()
        frames = []
        for rule in (RAW, SCALED):
            scores = rule(blocks[0], cell.d_k)
            frames.append(
                pd.DataFrame(
                    {
                        "key": np.arange(cell.n_keys),
                        "d_k": cell.d_k,
                        "n_keys": cell.n_keys,
                        "rule": rule.name,
                        "score": scores,
                        "weight": special.softmax(scores),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)
