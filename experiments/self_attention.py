"""The lecture's self-attention on its six tokens, every matrix of it; its weights are those of its seeds."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from typing import ClassVar

import numpy as np
import pandas as pd

from experiments import lecture
from experiments.experiment import BlockSize, Column, Experiment, SingleBlock, Values
from scaling.attention import Attention, SelfAttentionV1, SelfAttentionV2, simplified_attention

TOKENS = ("Your", "journey", "starts", "with", "one", "step")
EMBEDDINGS = (
    (0.43, 0.15, 0.89),
    (0.55, 0.87, 0.66),
    (0.57, 0.85, 0.64),
    (0.22, 0.58, 0.33),
    (0.77, 0.25, 0.10),
    (0.05, 0.80, 0.55),
)
D_OUT = 2
BASIC_SEED, ADVANCED_SEED = 123, 789

WEIGHT_MATRICES = ("w_query", "w_key", "w_value")
MATRICES = {
    "recap": ("embeddings", "scores", "weights", "context"),
    "basic": (*WEIGHT_MATRICES, *(field.name for field in fields(Attention))),
    "advanced": (*WEIGHT_MATRICES, *(field.name for field in fields(Attention))),
}


@dataclass(frozen=True)
class MatrixCell:
    """One matrix of one model."""

    model: str
    matrix: str


def _recap() -> Mapping[str, Values]:
    return {"embeddings": np.array(EMBEDDINGS)} | vars(simplified_attention(EMBEDDINGS))


def _weighted(attention: SelfAttentionV1 | SelfAttentionV2) -> Mapping[str, Values]:
    return vars(attention) | vars(attention.steps(EMBEDDINGS))


MODELS: Mapping[str, Callable[[], Mapping[str, Values]]] = {
    "recap": _recap,
    "basic": lambda: _weighted(SelfAttentionV1(len(EMBEDDINGS[0]), D_OUT, BASIC_SEED)),
    "advanced": lambda: _weighted(SelfAttentionV2(len(EMBEDDINGS[0]), D_OUT, ADVANCED_SEED)),
}


class SelfAttention(Experiment[MatrixCell]):
    """Every matrix of attention without weights, of the basic class and of the advanced one, beside what is printed."""

    name: ClassVar[str] = "self_attention"
    columns: ClassVar[Mapping[str, Column]] = {
        "model": Column("recap: no trainable weights; basic: raw matrices; advanced: linear layers", "name"),
        "matrix": Column("which matrix of the model", "name"),
        "row": Column("from 0", "count"),
        "column": Column("from 0", "count"),
        "row_label": Column("token, or dimension of what a weight matrix takes or gives, from 1", "name"),
        "column_label": Column("token, or dimension, from 1", "name"),
        "value": Column("computed"),
        "printed": Column("as the lecture prints it, to four decimals; empty where it does not"),
    }

    n_blocks: SingleBlock = 1

    def cells(self) -> Sequence[MatrixCell]:
        """One cell per model and matrix."""
        return [MatrixCell(model, matrix) for model in MODELS for matrix in MATRICES[model]]

    def size(self, cell: MatrixCell) -> BlockSize:
        """A few small matrices."""
        return BlockSize(0.0, 2.0**10)

    def measure(self, cell: MatrixCell, rng: np.random.Generator) -> Values:
        """The matrix; its weights come from torch's stream, not from `rng`."""
        return MODELS[cell.model]()[cell.matrix]

    def frame(self, observed: Mapping[MatrixCell, Values]) -> pd.DataFrame:
        """One row per entry of every matrix."""
        frames = []
        for cell, blocks in observed.items():
            values = blocks[0]
            row, column = np.indices(values.shape)
            printed = np.full(values.shape, np.nan)
            for index, entries in lecture.MATRICES.get((cell.model, cell.matrix), {}).items():
                printed[index] = entries
            frames.append(
                pd.DataFrame(
                    {
                        "model": cell.model,
                        "matrix": cell.matrix,
                        "row": row.ravel(),
                        "column": column.ravel(),
                        "row_label": np.array(_labels(cell.matrix, values.shape[0], "row"))[row.ravel()],
                        "column_label": np.array(_labels(cell.matrix, values.shape[1], "column"))[column.ravel()],
                        "value": values.ravel(),
                        "printed": printed.ravel(),
                    }
                )
            )
        return pd.concat(frames, ignore_index=True)


def _labels(matrix: str, size: int, side: str) -> list[str]:
    """Tokens where a side counts tokens, dimensions from 1 where it counts those."""
    of_tokens = matrix not in WEIGHT_MATRICES and (side == "row" or matrix in ("scores", "scaled_scores", "weights"))
    return list(TOKENS) if of_tokens else [str(i + 1) for i in range(size)]
