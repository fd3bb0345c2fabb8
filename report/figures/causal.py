"""The weights of attention that does not look ahead: one causal head, and two of them side by side."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from report.figures import matrices, style
from report.figures.spec import FigureSpec
from report.wording import listing, number


@dataclass(frozen=True)
class Head:
    """One head's weights, (n_tokens, n_tokens), with nan where the key is hidden."""

    title: str
    d_k: int
    tokens: list[str]
    weights: NDArray[np.float64]

    def entropies(self) -> NDArray[np.float64]:
        """Of each row but the first, relative to ln of the number of keys that it sees."""
        terms = -np.nan_to_num(self.weights) * np.log(np.where(self.weights > 0, self.weights, 1))
        return terms.sum(axis=1)[1:] / np.log(np.arange(2, len(terms) + 1))


def _heads(frame: pd.DataFrame) -> Iterator[Head]:
    """In the frame's order."""
    for _, model in frame.groupby("model", sort=False):
        for head, rows in model.groupby("head"):
            table = rows[rows["column"] <= rows["row"]].pivot(index="row", columns="column", values="value")
            tokens = rows.drop_duplicates("row").sort_values("row")["row_label"]
            title = "one causal head" if model["head"].max() == 1 else f"head {head} of {model['head'].max()}"
            yield Head(title, int(rows["d_k"].iloc[0]), tokens.tolist(), table.to_numpy())


@style.styled
def draw_weights(frame: pd.DataFrame) -> Figure:
    """A triangle of cells for each head; a row is a query, a column a key."""
    heads = list(_heads(frame))
    figure = style.new_figure(0.85)
    panels = figure.subplots(1, len(heads), squeeze=False)[0]
    for axes, head in zip(panels, heads, strict=True):
        place = matrices.alone(axes, head.weights.shape)
        row_labels = head.tokens if axes is panels[0] else ()
        matrices.draw_matrix(axes, head.weights, place, colour=style.SCALED, largest=1.0, row_labels=row_labels)
        axes.set_title(f"{head.title}, $d_k$ = {head.d_k}")
        _name_columns(axes, head.tokens)
    style.heading(figure, "attention weight of each key (column) for each query (row)")
    return figure


def _name_columns(axes: Axes, tokens: list[str]) -> None:
    """Below the matrix, upwards: a token is longer than a cell is wide."""
    axes.set_xticks(np.arange(len(tokens)) + 0.5, tokens, rotation=90)
    axes.tick_params(axis="x", length=0)


def caption_weights(frame: pd.DataFrame) -> str:
    """How many keys a row has, and how evenly it looks at them."""
    heads = list(_heads(frame))
    one, n_tokens = heads[0], len(heads[0].tokens)
    seconds = listing(number(head.weights[1, 1], 4) for head in heads[1:])
    entropies = np.concatenate([head.entropies() for head in heads])
    return (
        f"Row $i$ has $i$ keys: “{one.tokens[0]}” has itself alone, with weight {number(one.weights[0, 0], 1)}; only "
        f"the last row shares its weight among all {n_tokens}. Two heads read the same tokens in two ways: "
        f"“{one.tokens[1]}” looks at itself with weight {seconds}, the single head with "
        f"{number(one.weights[1, 1], 4)}. Nothing is trained yet, and relative to $\\ln i$ the entropy is at least "
        f"{number(entropies.min(), 4)} in every row from the second."
    )


def alt_weights(frame: pd.DataFrame) -> str:
    """The last row of each head."""
    heads = list(_heads(frame))
    parts = [f"{head.title}: {listing(number(weight, 3) for weight in head.weights[-1])}" for head in heads]
    return (
        f"Triangles of attention weights of {len(heads[0].tokens)} tokens: each sees itself and those before it. "
        f"Weights of the last row, {'; '.join(parts)}."
    )


WEIGHTS = FigureSpec("causal-weights", "causal", "Nobody looks ahead", draw_weights, caption_weights, alt_weights)
