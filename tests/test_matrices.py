"""Drawings of matrices: every number is there, tints grow with it, and any small model can be drawn."""

import re

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from report.figures import matrices, style
from report.figures.export import files, labelled, page_svg
from report.figures.glyphs import share_glyphs
from report.figures.labels import Box, place_labels
from report.figures.matrices import Place, alone, draw_matrix, matrix_of, short, tints
from report.wording import plain
from scaling import SelfAttentionV1
from slide_judges import faults_of_text, shown_texts
from test_figures import SPECS, drawn, frames

VALUES = np.array([[0.1, -0.5, 1.25], [0.0, 0.25, -1.0]])
THEMES = {
    "light": {"page": "#ffffff", "ink": "#1c1b1a", style.INK: "#1c1b1a", style.RAW: "#d55e00", style.SCALED: "#0072b2"},
    "dark": {"page": "#121212", "ink": "#e7e4df", style.INK: "#e7e4df", style.RAW: "#f08040", style.SCALED: "#4aa5e0"},
}
FIGURES = ("shapes", "context-plane", "one-figure")


def model_frame(n_tokens: int, d_in: int, d_out: int, shift: float = 0.0) -> pd.DataFrame:
    """The frame of a basic model of another size, with its own tokens."""
    rng = np.random.default_rng(n_tokens + 10 * d_in + 100 * d_out)
    tokens = [f"token{i}" for i in range(n_tokens)]
    x = rng.uniform(0, 1, (n_tokens, d_in)) + shift
    model = SelfAttentionV1(d_in, d_out, 123)
    rows = []
    parts = vars(model) | vars(model.steps(x))
    for name, kind, values in [
        ("embeddings", "recap", x),
        *((name, "basic", values) for name, values in parts.items()),
    ]:
        for (row, column), value in np.ndenumerate(values):
            label = str(row + 1) if name.startswith("w_") else tokens[row]
            rows.append({
                "model": kind, "matrix": name, "row": row, "column": column, "row_label": label,
                "column_label": str(column + 1), "value": value, "printed": np.nan,
            })  # fmt: skip
    return pd.DataFrame(rows)


def matrix_axes() -> tuple[Figure, Place]:
    """A drawing of one matrix in axes of its own, its second row emphasised."""
    figure = Figure()
    axes = figure.add_subplot()
    place = alone(axes, VALUES.shape)
    labels = ("first", "second")
    draw_matrix(axes, VALUES, place, title="$A$", row_labels=labels, column_labels="abc", strong_row=1)
    return figure, place


def test_a_matrix_says_all_its_numbers_where_they_belong() -> None:
    """Each number stands in its own cell, rows downwards, with a real minus sign; labels and shape are there."""
    figure, _ = matrix_axes()
    texts = {(round(t.xy[0], 1), round(t.xy[1], 1)): t.get_text() for t in figure.axes[0].texts}
    assert [texts[j + 0.5, 1.5] for j in range(3)] == [".10", "−.50", "1.25"]
    assert [texts[j + 0.5, 0.5] for j in range(3)] == [".00", ".25", "−1.00"]
    assert {"first", "second", "a", "b", "c", "$A$  2 × 3"} < {t.get_text() for t in figure.axes[0].texts}


def test_the_strong_row_is_outlined() -> None:
    """One rectangle without a face, around exactly that row."""
    figure, place = matrix_axes()
    (outline,) = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert outline.get_xy() == (place.x, place.bottom)
    assert (outline.get_width(), outline.get_height()) == (3, 1)
    assert outline.get_facecolor()[3] == 0


def test_tints_grow_with_the_size_of_a_value() -> None:
    """From the palest at 0 to the darkest at the largest |value|, alike for both signs; a matrix of zeros is pale."""
    for colour in (style.INK, style.RAW, style.SCALED):
        alphas = tints(VALUES, colour).ravel()
        order = np.abs(VALUES).ravel().argsort()
        assert np.all(np.diff(alphas[order]) > 0)
        assert alphas.min() == matrices.PALEST
        assert tints(-VALUES, colour).ravel() == pytest.approx(alphas)
        assert tints(VALUES, colour, largest=2.5).max() < alphas.max()
    assert set(tints(np.zeros((2, 2)), style.RAW).ravel()) == {matrices.PALEST}


@pytest.mark.parametrize("theme", THEMES.values(), ids=THEMES)
@pytest.mark.parametrize("colour", [style.INK, style.RAW, style.SCALED])
def test_numbers_can_be_read_on_the_darkest_tint(colour: str, theme: dict[str, str]) -> None:
    """Ink on any cell has a contrast of 4.5 or more, in both themes."""
    alpha = tints([1.0], colour)[0]
    mixed = alpha * np.array(to_rgb(theme[colour])) + (1 - alpha) * np.array(to_rgb(theme["page"]))
    assert style.contrast(theme["ink"], to_hex(tuple(mixed))) >= 4.5


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.428, ".43"), (-0.0748, "−.07"), (0.999, "1.00"), (10.05, "10.05"), (-0.001, ".00"), (1.8524, "1.85")],
)
def test_short_numbers(value: float, text: str) -> None:
    """No zero before the point, and no other one lost."""
    assert short(value, 2) == text


def test_one_figure_holds_every_number() -> None:
    """All ten matrices are there, entry by entry, each rounded to two decimals."""
    frame = frames("small")["self_attention"]
    said = sorted(t.get_text() for t in shown_texts(drawn("small", "one-figure")) if re.search(r"\.\d", t.get_text()))
    of_basic = frame[(frame["model"] == "basic") & (frame["matrix"] != "scaled_scores")]
    inputs = frame[(frame["model"] == "recap") & (frame["matrix"] == "embeddings")]
    assert said == sorted(short(value, 2) for value in pd.concat([of_basic, inputs])["value"])


def test_one_figure_emphasises_the_second_token_on_its_way() -> None:
    """Five rows are outlined, in the input, queries, scores, weights and context, all at one height."""
    figure = drawn("small", "one-figure")
    outlines = [patch for patch in figure.axes[0].patches if isinstance(patch, Rectangle)]
    assert len(outlines) == 5
    assert len({(round(patch.get_y(), 6), round(patch.get_height(), 6)) for patch in outlines}) == 1


@pytest.mark.parametrize(("medium", "smallest"), [(style.PAGE, 10), (style.SLIDE, 14)])
@pytest.mark.parametrize("name", FIGURES)
def test_text_is_large_enough(name: str, medium: style.Medium, smallest: float) -> None:
    """10 points on the page, 14 on a slide."""
    with style.using(medium):
        figure = SPECS[name].draw(frames("small")["self_attention"])
    assert min(text.get_fontsize() for text in shown_texts(figure)) >= smallest


def test_wide_figures_are_wide() -> None:
    """A figure that says so has the wide canvas on the page, and the medium is the page's again afterwards."""
    assert SPECS["one-figure"].wide
    assert drawn("small", "one-figure").get_figwidth() == style.WIDE.width
    assert style.medium() is style.PAGE
    assert not SPECS["shapes"].wide


@pytest.mark.parametrize("medium", [style.PAGE, style.SLIDE])
@pytest.mark.parametrize("sizes", [(6, 3, 2), (1, 1, 1), (2, 4, 3), (8, 4, 4), (8, 2, 2), (3, 3, 2)])
@pytest.mark.parametrize("name", FIGURES)
def test_models_of_other_sizes(name: str, sizes: tuple[int, int, int], medium: style.Medium) -> None:
    """No text leaves the canvas or covers another; negative numbers have room, too; words have numbers."""
    if name == "context-plane" and sizes[2] != 2:
        pytest.skip("drawn for two dimensions")
    for shift in (0.0, -1.2):
        frame = model_frame(*sizes, shift)
        with style.using(medium):
            assert faults_of_text(SPECS[name].draw(frame)) == []
        assert str(sizes[0]) in SPECS[name].caption(frame)
        assert "nan" not in SPECS[name].caption(frame) + SPECS[name].alt(frame)


@pytest.mark.parametrize(("name", "limit"), [("one-figure", 60_000), ("context-plane", 30_000), ("shapes", 30_000)])
def test_bytes_in_the_page(name: str, limit: int) -> None:
    """Each is within its share of the page, beside the letters that it shares."""
    alt = SPECS[name].alt(frames("small")["self_attention"])
    shared, _ = share_glyphs({name: labelled(page_svg(files(drawn("small", name)).svg, name), alt)})
    assert len(shared[name]) <= limit


def test_captions_say_the_frame() -> None:
    """Spans, vectors and distances are those of the second token's rows."""
    frame = frames("small")["self_attention"]
    scores, weights, context, values = (
        matrix_of(frame, "basic", name) for name in ("scores", "weights", "context", "values")
    )
    caption = SPECS["one-figure"].caption(frame)
    for row in (scores.loc["journey"], weights.loc["journey"]):
        assert f"{plain(row.min(), 2)} to {plain(row.max(), 2)}" in caption
    assert "(0.31, 0.82)" in caption
    distances = np.linalg.norm(values.to_numpy()[:, None] - values.to_numpy(), axis=2)
    share = np.linalg.norm(context.loc["journey"] - values.mean()) / distances.max()
    assert f"{100 * share:.1f}\u00a0%" in SPECS["context-plane"].caption(frame)
    assert "$d_k = 2$" in SPECS["shapes"].caption(frame)


def test_the_context_is_the_average_that_is_drawn() -> None:
    """The diamond stands at weights · values, the circle at the mean; disc areas are in proportion to weights."""
    frame = frames("small")["self_attention"]
    values, weights = (matrix_of(frame, "basic", name) for name in ("values", "weights"))
    axes = drawn("small", "context-plane").axes[0]
    marks = {line.get_marker(): np.array(line.get_xydata()[0]) for line in axes.get_lines()}
    assert marks["D"] == pytest.approx(weights.loc["journey"].to_numpy() @ values.to_numpy())
    assert marks["o"] == pytest.approx(values.to_numpy().mean(axis=0))
    (discs,) = [c for c in axes.collections if len(c.get_offsets()) == len(values)]
    assert np.ptp(discs.get_sizes() / weights.loc["journey"].to_numpy()) == pytest.approx(0, abs=1e-9)


def test_labels_avoid_each_other_and_the_marks() -> None:
    """Of two points side by side, neither label covers the other's disc, the other label or what they are joined to."""
    points = np.array([[0.0, 0.0], [2.0, 0.2], [6.0, 0.0]])
    radii = np.array([0.5, 0.5, 0.3])
    sizes = np.array([[3.0, 1.0], [3.0, 1.0]])
    one, other = place_labels(points, radii, sizes, points[2], Box(-10, -10, 10, 10), 0.3)
    assert not one.overlaps(other)
    for box in (one, other):
        assert all(box.distance(point) > radius for point, radius in zip(points, radii, strict=True))
    assert one.overlaps(one)
