"""Where the lecture stops: its six tokens through causal attention and through two causal heads."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from experiments.experiment import BlockSize, Column, Experiment, SingleBlock, Values
from experiments.self_attention import EMBEDDINGS, TOKENS
from scaling.attention import Attention
from scaling.multi_head import CausalAttention, MultiHeadAttention

D_OUT, SEED = 2, 123
N_HEADS = {"causal": 1, "multi-head": 2}  # by model


@dataclass(frozen=True)
class HeadCell:
    """One head, from 1, of one model, and the embeddings that it reads.

    They come from another module, of which the store would not notice a change.
    """

    model: str
    head: int
    embeddings: tuple[tuple[float, ...], ...]


def _causal(x: Values) -> tuple[Attention, ...]:
    return (CausalAttention(x.shape[1], D_OUT, SEED).steps(x),)


def _multi_head(x: Values) -> tuple[Attention, ...]:
    return MultiHeadAttention(x.shape[1], D_OUT, N_HEADS["multi-head"], SEED).steps(x)


MODELS: Mapping[str, Callable[[Values], tuple[Attention, ...]]] = {"causal": _causal, "multi-head": _multi_head}


class Causal(Experiment[HeadCell]):
    """The attention weights of both models on the lecture's tokens; their layers are as torch starts them."""

    name: ClassVar[str] = "causal"
    columns: ClassVar[Mapping[str, Column]] = {
        "model": Column("causal: one head; multi-head: two heads that share the dimensions of one", "name"),
        "head": Column("which head of the model, from 1", "count"),
        "d_k": Column("dimension of this head's queries and keys; its scores are divided by the root of it", "count"),
        "row": Column("the token whose query it is, from 0", "count"),
        "column": Column("the token whose key it is, from 0; later ones than `row` are hidden", "count"),
        "row_label": Column("that token", "name"),
        "column_label": Column("that token", "name"),
        "value": Column("attention weight; 0 where hidden"),
    }

    n_blocks: SingleBlock = 1

    def cells(self) -> Sequence[HeadCell]:
        """One cell per head."""
        return [HeadCell(model, i + 1, EMBEDDINGS) for model, n_heads in N_HEADS.items() for i in range(n_heads)]

    def size(self, cell: HeadCell) -> BlockSize:
        """A few small matrices."""
        return BlockSize(0.0, 2.0**10)

    def measure(self, cell: HeadCell, rng: np.random.Generator) -> Values:
        """(n_tokens, n_tokens): the head's weights; its layers come from torch's stream, not from `rng`."""
        return MODELS[cell.model](np.array(cell.embeddings))[cell.head - 1].weights

    def frame(self, observed: Mapping[HeadCell, Values]) -> pd.DataFrame:
        """One row per head, query and key."""
        frames = []
        for cell, blocks in observed.items():
            row, column = np.indices(blocks[0].shape)
            frames.append(
                pd.DataFrame(
                    {
                        "model": cell.model,
                        "head": cell.head,
                        "d_k": D_OUT // N_HEADS[cell.model],
                        "row": row.ravel(),
                        "column": column.ravel(),
                        "row_label": np.array(TOKENS)[row.ravel()],
                        "column_label": np.array(TOKENS)[column.ravel()],
                        "value": blocks[0].ravel(),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)
