"""What was measured of a reader's heads, by layer and head: a small map for each quantity."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, to_hex
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch
from matplotlib.path import Path
from matplotlib.ticker import FixedLocator
from numpy.typing import NDArray

from report.figures import style
from report.figures.spec import FigureSpec
from report.wording import count, number

Array = NDArray[np.float64]
COLOURS = colormaps["cividis"]  # its meaning is the value, on a dark page as on a light one
INKS = ("#ffffff", "#111111")
N_LEVELS = 10  # of a share
MOST_OCTAVES = 14  # that have a colour each
COLUMNS = 3  # of maps
CELLS = 12_000  # of all maps of a figure: more would make the page too large
CELL = (0.1, 0.36)  # in: the least and the largest height
TALLEST, LOWEST = 3.6, 0.5  # in: of a map
DIGIT, GAP, LINE = 0.6, 0.2, 1.3  # em


@dataclass(frozen=True)
class Quantity:
    """One map: a column of the frame, or the quotient of two; shares have colours from 0 to 1, others octaves."""

    column: str
    title: str
    words: str  # for captions and text alternatives
    over: str = ""
    is_share: bool = True

    def values(self, heads: pd.DataFrame) -> pd.Series:
        """One for each head."""
        return heads[self.column] / heads[self.over] if self.over else heads[self.column]


SIZES = (
    Quantity("variance_per_d_k", "Var($q \\cdot k$) / $d_k$", "variance over d_k", is_share=False),
    Quantity("row_sd", "sd of a row, scaled", "standard deviation of a scaled row", is_share=False),
    Quantity("joint", "share of tr($\\Sigma_q \\Sigma_k$)", "share of the joint term", "variance"),
    Quantity("mean_query", "share of the mean query", "share of the mean query's term", "variance"),
    Quantity("mean_key", "share of the mean key", "share of the mean key's term", "variance"),
    Quantity("alignment", "alignment", "alignment", is_share=False),
)
SATURATION = (
    Quantity("normalised_entropy", "entropy / ln $n$, scaled", "normalised entropy, scaled"),
    Quantity("raw_normalised_entropy", "entropy / ln $n$, raw", "normalised entropy, raw"),
    Quantity("dead_share", "dead rows", "share of dead rows"),
    Quantity("max_weight", "largest weight", "largest weight"),
    Quantity("jacobian_trace", "tr $J$", "trace of the Jacobian"),
    Quantity("effective_keys", "effective keys", "effective keys", is_share=False),
)


def shown(quantities: Sequence[Quantity], n_cells: int) -> Sequence[Quantity]:
    """The first of them, as many as a page can hold; at least one, and no row of the figure begun in vain."""
    n = min(len(quantities), max(1, CELLS // n_cells))
    return quantities[: n if n < COLUMNS else n - n % COLUMNS]


def _table(heads: pd.DataFrame, values: pd.Series) -> pd.DataFrame:
    """Layers by heads; nan where a layer has no such head."""
    cells = pd.DataFrame({"layer": heads["layer_number"], "head": heads["head"], "value": values})
    table = cells.pivot(index="layer", columns="head", values="value")
    return table.reindex(columns=range(int(heads["head"].max()) + 1))


def edges_of(quantity: Quantity, values: Array) -> Array:
    """Where colours change: at tenths of a share, else between powers of two, an odd number of which share one.

    So all that is about 1 has one colour. There are at least three.
    """
    if quantity.is_share:
        return np.linspace(0, 1, N_LEVELS + 1)
    positive = values[(values > 0) & np.isfinite(values)]
    octaves = np.log2(positive).round() if positive.size else np.zeros(1)
    low, high = octaves.min(), octaves.max()
    if high - low < 2:
        low, high = low - 1, high + 1
    step = 1 + 2 * np.ceil(((high - low + 1) / MOST_OCTAVES - 1) / 2)
    return 2.0 ** (low - 0.5 + step * np.arange(np.ceil((high - low + 1) / step) + 1))


@style.styled
def _draw(heads: pd.DataFrame, quantities: Sequence[Quantity]) -> Figure:
    n_layers, n_heads = heads["layer_number"].nunique(), int(heads["head"].max()) + 1
    some = shown(quantities, n_layers * n_heads)
    n_rows, n_columns = -(-len(some) // COLUMNS), min(COLUMNS, len(some))
    width = style.medium().width / COLUMNS
    height = np.clip(n_layers * np.clip(0.8 * width / n_heads, *CELL), LOWEST, TALLEST)
    figure = style.new_figure(n_rows * (height + 1.3) / style.medium().height, n_columns / COLUMNS)
    panels = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True, sharey=True)
    size = figure.get_size_inches() * 72 / (n_columns, n_rows) / style.em()  # of a panel, in ems
    cell = (0.85 * size[0] / n_heads, (size[1] - 7) / n_layers)
    for i, axes in enumerate(panels.flat):
        if i >= len(some):
            axes.set_axis_off()
            continue
        _map(axes, _table(heads, some[i].values(heads)), some[i], cell, int(np.clip((size[1] - 7) / LINE, 2, 6)))
        if i % n_columns == 0:
            axes.set_ylabel("layer")
        if i + n_columns >= len(some):
            axes.set_xlabel("head")
            axes.xaxis.set_tick_params(labelbottom=True)
    return figure


def _map(axes: Axes, table: pd.DataFrame, quantity: Quantity, cell: tuple[float, float], most: int) -> None:
    """Colours and, where cells of that width and height (em) have room, numbers; at most so many layers are named."""
    values = table.to_numpy(dtype=float)
    edges = edges_of(quantity, values)
    colours = [to_hex(COLOURS(place)) for place in np.linspace(0, 1, len(edges) - 1)]
    level = np.clip(np.searchsorted(edges, values, side="right") - 1, 0, len(edges) - 2)
    level[np.isnan(values)] = -1
    for number_of, colour in enumerate(colours):
        if (level == number_of).any():
            axes.add_patch(PathPatch(_cells(level == number_of), facecolor=colour, linewidth=0))
    words = {place: _short(value, quantity.is_share) for place, value in np.ndenumerate(values) if not np.isnan(value)}
    if cell[0] > DIGIT * max(map(len, words.values()), default=0) + GAP and cell[1] > LINE:
        for (row, column), word in words.items():
            ink = max(INKS, key=lambda ink: style.contrast(ink, colours[level[row, column]]))
            axes.text(column, row, word, ha="center", va="center", color=ink)
    n_layers, n_heads = values.shape
    axes.set_xlim(-0.5, n_heads - 0.5)
    axes.set_ylim(n_layers - 0.5, -0.5)
    _ticks(axes.xaxis, [int(head) for head in table.columns], 8)
    _ticks(axes.yaxis, [int(layer) for layer in table.index], most)
    axes.grid(visible=False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_title(quantity.title)
    _bar(axes, edges, quantity.is_share)


def _cells(is_here: NDArray[np.bool_]) -> Path:
    """Rectangles around all runs of cells of a row, as one path."""
    vertices = []
    for row, line in enumerate(is_here):
        ends = np.flatnonzero(np.diff(np.concatenate([[False], line, [False]]).astype(int)))
        for first, last in ends.reshape(-1, 2) - 0.5:
            vertices += [
                (first, row - 0.5),
                (first, row + 0.5),
                (last, row + 0.5),
                (last, row - 0.5),
                (first, row - 0.5),
            ]
    codes = [Path.MOVETO, Path.LINETO, Path.LINETO, Path.LINETO, Path.CLOSEPOLY] * (len(vertices) // 5)
    return Path(vertices, codes)


def _ticks(axis, names: Sequence[int], most: int) -> None:  # type: ignore[no-untyped-def]  # an Axis of either kind
    step = next(step for step in (1, 2, 4, 8, 16, 32, 64, 128, 256, 2**16) if len(names[::step]) <= most)
    axis.set_major_locator(FixedLocator(range(0, len(names), step)))
    axis.set_ticklabels([str(name) for name in names[::step]])


def _bar(axes: Axes, edges: Array, is_share: bool) -> None:
    figure = style.figure_of(axes)
    mappable = ScalarMappable(BoundaryNorm(edges, COLOURS.N), COLOURS)
    bar = figure.colorbar(mappable, ax=axes, orientation="horizontal", aspect=30, pad=0.02, shrink=0.9)
    middles = np.sqrt(edges[1:] * edges[:-1])  # powers of two, where edges lie between them
    ticks = edges[[0, N_LEVELS // 2, -1]] if is_share else middles[:: -(-len(middles) // 4)]
    bar.set_ticks(list(ticks), labels=[_short(tick, is_share=False) for tick in ticks])
    bar.ax.minorticks_off()
    bar.outline.set_visible(False)
    bar.ax.tick_params(length=0)


def _short(value: float, is_share: bool) -> str:
    """At most four characters or so."""
    if is_share:
        return f"{value:.2f}"
    return f"{value:.0f}" if 10 <= value < 10_000 else f"{value:.2g}".replace("-", "−")


def _alt(heads: pd.DataFrame, quantities: Sequence[Quantity]) -> str:
    parts = []
    n_layers, n_heads = heads["layer_number"].nunique(), int(heads["head"].max()) + 1
    for quantity in shown(quantities, n_layers * n_heads):
        values = quantity.values(heads).dropna()
        if len(values):
            parts.append(
                f"{quantity.words}: {number(values.min(), 2)} to {number(values.max(), 2)}, median "
                f"{number(values.median(), 2)}"
            )
    return f"Maps of {count(n_layers, 'layer')} by up to {count(n_heads, 'head')}. {'; '.join(parts)}."


@style.wide
def draw_sizes(heads: pd.DataFrame) -> Figure:
    """How large the scores are, and what makes them so."""
    return _draw(heads, SIZES)


@style.wide
def draw_saturation(heads: pd.DataFrame) -> Figure:
    """What the softmax makes of them."""
    return _draw(heads, SATURATION)


def caption_sizes(heads: pd.DataFrame) -> str:
    """The range of the variances, and how many heads owe theirs to the joint term."""
    ratio = heads["variance_per_d_k"]
    n_joint = int((heads["joint"] > heads["variance"] / 2).sum())
    return (
        f"The variance of the scores lies between {number(ratio.min(), 2)} and {number(ratio.max(), 2)} times $d_k$, "
        f"its median at {number(ratio.median(), 2)}. The joint term makes more than half of it in {n_joint} of "
        f"{count(len(heads), 'head')}. The mean key’s term is constant in a row: no softmax sees it."
    )


def alt_sizes(heads: pd.DataFrame) -> str:
    """Least, largest and median value of each map."""
    return _alt(heads, SIZES)


def caption_saturation(heads: pd.DataFrame) -> str:
    """Medians of both entropies."""
    scaled, raw = heads["normalised_entropy"], heads["raw_normalised_entropy"]
    return (
        f"The median head keeps {number(scaled.median(), 2)} of the largest entropy $\\ln n$ as used, and would keep "
        f"{number(raw.median(), 2)} without any division. Least and most as used: {number(scaled.min(), 2)} and "
        f"{number(scaled.max(), 2)}. Rows are dead where the trace of the softmax’s Jacobian $J$ is below 0.01."
    )


def alt_saturation(heads: pd.DataFrame) -> str:
    """Least, largest and median value of each map."""
    return _alt(heads, SATURATION)


SIZE_MAPS = FigureSpec(
    "sizes-by-layer-and-head", "audit", "How large the scores are, and why", draw_sizes, caption_sizes, alt_sizes,
    wide=True,
)  # fmt: skip
SATURATION_MAPS = FigureSpec(
    "saturation-by-layer-and-head", "audit", "How saturated the heads are", draw_saturation, caption_saturation,
    alt_saturation, wide=True,
)  # fmt: skip
