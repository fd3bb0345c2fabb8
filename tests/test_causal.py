"""The lecture's tokens where the lecture stops: a frame of the models' weights, a figure of what is seen."""

import numpy as np
import pytest

from experiments.causal import Causal
from report.figures import style
from report.figures.causal import WEIGHTS, caption_weights, draw_weights
from scaling import CausalAttention, MultiHeadAttention

EMBEDDINGS = [
    [0.43, 0.15, 0.89], [0.55, 0.87, 0.66], [0.57, 0.85, 0.64], [0.22, 0.58, 0.33], [0.77, 0.25, 0.10],
    [0.05, 0.80, 0.55],
]  # fmt: skip
TOKENS = ["Your", "journey", "starts", "with", "one", "step"]
EXPERIMENT = Causal()
BLOCKS = {cell: EXPERIMENT.measure(cell, np.random.default_rng())[None] for cell in EXPERIMENT.cells()}
FRAME = EXPERIMENT.frame(BLOCKS)


def test_the_frame_holds_the_weights_of_all_three_heads() -> None:
    """Bit for bit those of the two classes at seed 123; every head with its own d_k, every entry with its tokens."""
    heads = [CausalAttention(3, 2, 123).steps(EMBEDDINGS), *MultiHeadAttention(3, 2, 2, 123).steps(EMBEDDINGS)]
    assert list(FRAME.columns) == list(Causal.columns)
    found = FRAME.groupby(["model", "head", "d_k"], sort=False)
    assert list(found.groups) == [("causal", 1, 2), ("multi-head", 1, 1), ("multi-head", 2, 1)]
    for (_, rows), head in zip(found, heads, strict=True):
        assert rows.pivot(index="row", columns="column", values="value").to_numpy().tolist() == head.weights.tolist()
        assert rows["row_label"].tolist() == [token for token in TOKENS for _ in TOKENS]
        assert rows["column_label"].tolist() == TOKENS * 6
        assert head.queries.shape == (6, rows["d_k"].iloc[0])


def test_other_embeddings_are_another_cell() -> None:
    """What a block is computed from stands in its cell, so that the store tells two sentences apart."""
    assert all(np.array_equal(cell.embeddings, EMBEDDINGS) for cell in BLOCKS)


@pytest.mark.parametrize("medium", [style.PAGE, style.SLIDE])
def test_only_what_is_seen_is_drawn(medium: style.Medium) -> None:
    """Each head is a triangle of 21 cells with their numbers; the later keys' cells are empty."""
    with style.using(medium):
        figure = draw_weights(FRAME)
    assert len(figure.axes) == 3
    for axes in figure.axes:
        cells = [cell for kind in axes.collections for path in kind.get_paths() for cell in path.to_polygons()]
        corners = {(int(cell[:, 0].min()), int(cell[:, 1].min())) for cell in cells}
        assert len(cells) == 21
        assert corners == {(column, 5 - row) for row in range(6) for column in range(row + 1)}
        assert sum(text.get_text()[-3:-2] == "." for text in axes.texts) == 21


def test_the_caption_holds_entropies_against_each_rows_own_number_of_keys() -> None:
    """The least is that of the definition, row by row, over ln 2 to ln 6."""
    least = min(
        -sum(p * np.log(p) for p in row[: i + 1]) / np.log(i + 1)
        for blocks in BLOCKS.values()
        for i, row in enumerate(blocks[0])
        if i > 0
    )
    assert f"is at least {least:.4f} in every row from the second." in caption_weights(FRAME)
    assert WEIGHTS.alt(FRAME).count(";") == 2
