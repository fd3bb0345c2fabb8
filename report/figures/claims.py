"""Every claim's estimate with its interval, measured in margins from its prediction."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import rcParams
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from report.figures import marks, style
from report.figures.spec import FigureSpec
from report.wording import count, listing

LABELLED_ROW, THIN_ROW, OTHER_LINES = 1.55, 0.8, 7.0  # heights in text sizes; the last is for heading, key and axis
GROUP_ROW, NEAR = 1.3, 2.0  # on a slide: the least height of a group's row, and what `FARTHEST` is for all
FARTHEST = 3.0  # margins from the prediction; what lies beyond is drawn at the edge


@dataclass(frozen=True)
class _Rows:
    """Where claims and the headings of their groups stand, in text sizes from the top."""

    claims: dict[int, float]  # by row of the frame
    headings: dict[str, float]
    height: float


def _place(claims: pd.DataFrame, labelled: bool) -> _Rows:
    """Below its heading, each claim with its label; or, beside its group's heading of two lines, without."""
    places: dict[int, float] = {}
    headings: dict[str, float] = {}
    y = 0.0
    for group, members in claims.groupby("group", sort=False):
        if labelled:
            headings[str(group)] = y + LABELLED_ROW / 2
            places |= {row: y + (i + 1.5) * LABELLED_ROW for i, row in enumerate(members.index)}
            y += (len(members) + 1.5) * LABELLED_ROW
        else:
            height = max(3.2, len(members) * THIN_ROW)
            first = y + (height - (len(members) - 1) * THIN_ROW) / 2
            headings[str(group)] = y + height / 2
            places |= {row: first + i * THIN_ROW for i, row in enumerate(members.index)}
            y += height + 0.8
    return _Rows(places, headings, y)


def _in_margins(frame: pd.DataFrame) -> pd.DataFrame:
    """Claims with estimate, low and high such that the predicted region is [-1, 1], or all beyond -1 or beyond 1."""
    margin = frame["margin"].where(frame["margin"] > 0, frame["prediction"].abs()).where(lambda m: m > 0, 1.0)
    below = frame["region_high"] + margin  # centre, if the region lies below it: its bound is at -1
    above = frame["region_low"] - margin
    two_sided = (frame["region_low"] + frame["region_high"]) / 2
    centre = two_sided.where(np.isfinite(two_sided), below.where(np.isfinite(below), above))
    half = ((frame["region_high"] - frame["region_low"]) / 2).where(np.isfinite(two_sided), margin)
    return frame.assign(**{name: (frame[name] - centre) / half for name in ("estimate", "low", "high")})


def _tally(members: pd.DataFrame) -> str:
    return f"{int((members['verdict'] == 'confirmed').sum())} of {len(members)} confirmed"


@style.styled
def draw_forest(frame: pd.DataFrame) -> Figure:
    """One row for each claim, in groups; where there is no room, only refuted ones have a label, or groups a row."""
    claims = _in_margins(frame.reset_index(drop=True))
    if style.medium().is_fixed and _place(claims, labelled=True).height > _room():
        return _draw_groups(claims)
    text, room = style.medium().text / 72, _room()  # inches
    rows = _place(claims, labelled=True)
    labelled = rows.height <= room
    rows = rows if labelled else _place(claims, labelled=False)
    figure = style.new_figure((rows.height + OTHER_LINES) * text / style.medium().height)
    axes = figure.add_subplot()
    edge = float(np.clip(1.1 * claims[["low", "high"]].abs().to_numpy().max(), 1.6, FARTHEST))
    _prepare(axes, edge, rows.height)
    size = 1.0 if labelled else float(np.clip(room / rows.height, 0.6, 0.9))
    _marks(axes, claims.assign(y=pd.Series(rows.claims)), edge, size)
    ticks = dict.fromkeys(rows.headings.values(), "")
    for group, members in claims.groupby("group", sort=False):
        ticks[rows.headings[str(group)]] = f"{group}{': ' if labelled else chr(10)}{_tally(members)}"
    if labelled:
        ticks |= {y: claims["label"][row] for row, y in rows.claims.items()}
    axes.set_yticks(list(ticks), list(ticks.values()))
    for label, y in zip(axes.get_yticklabels(), ticks, strict=True):
        if y in rows.headings.values():
            label.set_fontproperties(style.strong())
    style.heading(figure, "estimate and simultaneous interval, in margins (shaded: the prediction)")
    axes.legend(
        loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, markerscale=1 / size, handlelength=1.2,
        columnspacing=1.2,
    )  # fmt: skip
    if not labelled:
        refuted = claims[claims["verdict"] == "refuted"].head(int(room / 1.5))
        style.end_labels(axes, [style.EndLabel(rows.claims[row], refuted["label"][row]) for row in refuted.index])
    return figure


def _room() -> float:
    """The tallest a figure's rows can be, in text sizes."""
    return style.medium().tallest * 72 / style.medium().text - OTHER_LINES


def _prepare(axes: Axes, edge: float, height: float, aside: float = 0.08) -> None:
    """An axis of margins to a little beyond the edge, the prediction and its region, and rows from the top down."""
    axes.axvspan(-1, 1, color=style.BAND, linewidth=0)
    axes.axvline(0, color=style.INK, linewidth=0.65 * rcParams["lines.linewidth"], zorder=1.5)
    axes.set_ylim(height, -0.3)
    axes.set_xlim(-(1 + aside) * edge, (1 + aside) * edge)
    axes.set_xticks([-1, 0, 1], ["−1", "0", "+1"])
    axes.grid(visible=False)
    axes.spines["left"].set_visible(False)


def _draw_groups(claims: pd.DataFrame) -> Figure:
    """A row for each group, with the estimates and the intervals of all its claims; few rows in each panel."""
    groups = list(claims["group"].drop_duplicates())
    n_panels = max(1, math.ceil(len(groups) * GROUP_ROW / (_room() + 1.5)))
    n_rows = math.ceil(len(groups) / n_panels)
    figure = style.new_figure()
    panels = figure.subplots(1, n_panels, sharex=True, squeeze=False)[0]
    for i, axes in enumerate(panels):
        shown = groups[i * n_rows : (i + 1) * n_rows]
        rows = claims[claims["group"].isin(shown)]
        y = rows["group"].map({group: place + 0.5 for place, group in enumerate(shown)})
        _prepare(axes, NEAR, n_rows, aside=0.24)
        _marks(axes, rows.assign(y=y), NEAR, 0.8)
        axes.set_yticks([place + 0.5 for place in range(len(shown))], shown)
        for label in axes.get_yticklabels():
            label.set_fontproperties(style.strong())
        for place, group in enumerate(shown):
            verdicts = rows["verdict"][rows["group"] == group]
            tally = f"{int((verdicts == 'confirmed').sum())} of {len(verdicts)}"
            _beside(axes, (1, place + 0.5), ("axes fraction", "data"), tally, 0.0, va="center")
        _beside(axes, (1, 1), "axes fraction", "confirmed", 0.3, va="bottom")
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        handles.values(), handles, loc="upper right", ncols=3, borderaxespad=0.1, handlelength=1.2, columnspacing=1.2
    )
    style.heading(figure, "estimates and intervals, in margins")
    return figure


def _beside(axes: Axes, at: tuple[float, float], coordinates: Any, text: str, up: float, va: str) -> None:
    axes.annotate(
        text, at, xycoords=coordinates, xytext=(style.em(0.6), style.em(up)), textcoords="offset points", va=va,
        annotation_clip=False,
    )  # fmt: skip


def _marks(axes: Axes, claims: pd.DataFrame, edge: float, size: float) -> None:
    """Intervals and estimates by verdict; a one-sided claim's region goes on to the edge."""
    one_sided = claims[np.isinf(claims["region_low"]) | np.isinf(claims["region_high"])]
    for y, is_above in dict.fromkeys(zip(one_sided["y"], np.isinf(one_sided["region_high"]), strict=True)):
        start, end = (1, axes.get_xlim()[1]) if is_above else (axes.get_xlim()[0], -1)
        axes.fill_between([start, end], y - 0.35, y + 0.35, color=style.BAND, linewidth=0)
    for verdict, mark in marks.VERDICTS.items():
        members = claims[claims["verdict"] == verdict]
        if members.empty:
            continue
        edge_width = 1.0 if mark.face == style.BACKGROUND else 0.3
        low, high = members["low"].clip(-edge, edge), members["high"].clip(-edge, edge)
        axes.hlines(members["y"], low, high, color=mark.colour, linewidth=size * rcParams["lines.linewidth"])
        axes.plot(
            members["estimate"].clip(-edge, edge), members["y"], linestyle="none", color=mark.colour,
            marker=mark.marker, markerfacecolor=mark.face, markersize=1.2 * size * rcParams["lines.markersize"],
            markeredgewidth=edge_width * size * rcParams["lines.markeredgewidth"], label=verdict, clip_on=False,
        )  # fmt: skip
    arrow = 0.8 if style.medium().is_fixed else 0.5 * size
    for side, marker in ((-1, "<"), (1, ">")):
        beyond = claims[side * claims["estimate"] > edge]
        if beyond.empty:
            continue
        axes.plot(
            np.full(len(beyond), side * (axes.get_xlim()[1] - 0.02 * edge)), beyond["y"], linestyle="none",
            color=style.INK, marker=marker, markersize=arrow * rcParams["lines.markersize"], clip_on=False,
        )  # fmt: skip


def _tallies(frame: pd.DataFrame) -> str:
    counts = {verdict: int((frame["verdict"] == verdict).sum()) for verdict in marks.VERDICTS}
    return listing(f"{amount} {verdict}" for verdict, amount in counts.items())


def caption_forest(frame: pd.DataFrame) -> str:
    """The verdicts, and the claims that are refuted."""
    refuted = frame.loc[frame["verdict"] == "refuted", "label"]
    names = f" Refuted: {listing(refuted)}." if len(refuted) else ""
    return (
        f"Of {count(len(frame), 'claim')}, {_tallies(frame)}. A claim is confirmed when its whole interval lies in the "
        "shaded region, refuted when all of it lies outside, and undecided otherwise. The bound of a one-sided claim "
        "is drawn at −1 or +1, with its region beyond it; arrows mark estimates beyond the edge, where longer "
        f"intervals are cut.{names}"
    )


def alt_forest(frame: pd.DataFrame) -> str:
    """The verdicts of each group, and the ids of refuted claims."""
    groups = "; ".join(f"{group}, {_tallies(members)}" for group, members in frame.groupby("group", sort=False))
    refuted = frame.loc[frame["verdict"] == "refuted", "id"]
    names = f" Refuted: {listing(refuted)}." if len(refuted) else ""
    return f"Intervals of {count(len(frame), 'claim')} in units of their margins, by group: {groups}.{names}"


FOREST = FigureSpec("claims-forest", "claims", "All claims", draw_forest, caption_forest, alt_forest)
