"""Figures in all their forms, drawn once for the same data and code."""

import gc
import hashlib
import os
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import pandas as pd
from markupsafe import Markup

from experiments.claims import Ledger
from experiments.runner import Results
from report.figures import SPECS, figures_of
from report.figures.export import files, labelled, page_svg
from report.figures.spec import FigureSpec
from report.prose import prose

HERE = Path(__file__).parent
Task = tuple[str, list[pd.DataFrame], Path | None]  # the arguments of `_draw`, fit for another process


FIRST = (  # those that take longest, so that processes beside each other come to their ends together
    "one-figure",
    "saturation-map",
    "distribution-of-scores",
    "jacobian-mean-and-median",
    "law-residuals",
    "jacobian-against-d",
    "gradient-map",
    "claims-forest",
    "lecture-scatter",
)


@dataclass(frozen=True)
class DrawnFigure:
    """A figure in each of its forms."""

    spec: FigureSpec
    caption: Markup
    inline: Markup
    svg: bytes
    png: bytes


@dataclass(frozen=True)
class Drawing:
    """What drawing gives: a figure's files, and its SVG for the page, still without words."""

    svg: bytes
    png: bytes
    page: str


def draw_all(results: Results, kept: Path | None = None, pool: Executor | None = None) -> dict[str, DrawnFigure]:
    """Every figure by name.

    In the folder `kept`, if given, files of figures are kept for the next run. Without `pool`, an executor of
    processes, all is drawn in this one; the bytes are the same.
    """
    frames = {**results.frames, "claims": claims_frame(results.ledger)}
    return draw_figures(figures_of(frames), frames, kept, pool)


def draw_figures(
    figures: Iterable[FigureSpec],
    frames: Mapping[str, pd.DataFrame],
    kept: Path | None = None,
    pool: Executor | None = None,
) -> dict[str, DrawnFigure]:
    """These figures by name, of those in `SPECS`; see `draw_all`."""
    specs = {spec.name: spec for spec in figures}
    entries = _entries(specs.values(), frames, kept) if kept else {}
    drawings = {name: drawing for name, entry in entries.items() if (drawing := _read(entry))}
    missing = sorted(specs.keys() - drawings.keys(), key=lambda name: (*FIRST, name).index(name))
    tasks = [(name, specs[name].given(frames), entries.get(name)) for name in missing]
    if pool is None:
        drawings |= {task[0]: _draw(*task) for task in tasks}
    else:
        drawings |= _draw_in(pool, tasks)
    return {name: _drawn(spec, spec.given(frames), drawings[name]) for name, spec in specs.items()}


def figure_files(folder: str, figures: Mapping[str, DrawnFigure]) -> dict[str, bytes]:
    """Their files, named relative to the output folder, for a page in `folder`."""
    forms = {name: {"svg": figure.svg, "png": figure.png} for name, figure in figures.items()}
    return {f"{folder}/figures/{name}.{kind}": made for name, of in forms.items() for kind, made in of.items()}


def _drawn(spec: FigureSpec, frames: Sequence[pd.DataFrame], drawing: Drawing) -> DrawnFigure:
    return DrawnFigure(
        spec=spec,
        caption=prose(spec.caption(*frames)),
        inline=labelled(drawing.page, spec.alt(*frames)),
        svg=drawing.svg,
        png=drawing.png,
    )


def _draw_in(pool: Executor, tasks: Sequence[Task]) -> dict[str, Drawing]:
    """Draw in the pool's processes; the first fault is raised here, and what has not begun is not drawn."""
    futures = {task[0]: pool.submit(_draw, *task) for task in tasks}
    try:
        return {name: future.result() for name, future in futures.items()}
    finally:
        for future in futures.values():
            future.cancel()


def _draw(name: str, frames: Sequence[pd.DataFrame], entry: Path | None) -> Drawing:
    """Draw one figure, and keep it in `entry` in place of older ones."""
    with _no_collecting():
        made = files(SPECS[name].draw(*frames))
        drawing = Drawing(made.svg, made.png, page_svg(made.svg, name))
    if entry:
        _keep(entry, {"svg": drawing.svg, "png": drawing.png, "page": drawing.page.encode()})
        for older in set(entry.parent.glob(f"{name}-{'?' * 16}.zip")) - {entry}:
            older.unlink(missing_ok=True)
    return drawing


@contextmanager
def _no_collecting() -> Iterator[None]:
    """Let garbage wait: a figure is one large cycle, cheaper to clear away whole than to search as it grows."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        gc.collect(0)  # all of it is young
        if was_on:
            gc.enable()


def _read(entry: Path) -> Drawing | None:
    """What an earlier run with the same data and code has kept, if it is there and whole."""
    try:
        with zipfile.ZipFile(entry) as archive:  # its checksums tell a damaged file
            return Drawing(archive.read("svg"), archive.read("png"), archive.read("page").decode())
    except Exception:  # a damaged archive raises almost anything, from zlib's errors to "File is encrypted"
        return None  # to be drawn


def _entries(specs: Iterable[FigureSpec], frames: Mapping[str, pd.DataFrame], kept: Path) -> dict[str, Path]:
    """The file of each figure in the folder `kept`."""
    digests = {name: hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest() for name, frame in frames.items()}
    return {
        spec.name: kept / f"{spec.name}-{_key(spec, [digests[experiment] for experiment in spec.experiments])}.zip"
        for spec in specs
    }


def _keep(entry: Path, members: Mapping[str, bytes]) -> None:
    """Write an archive beside, then rename it: it is there in full or not at all, and a run does not depend on it."""
    beside = entry.with_suffix(".partial")
    with suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(beside, "w") as archive:
            for name, content in members.items():
                archive.writestr(name, content)
        os.replace(beside, entry)


def _key(spec: FigureSpec, digests: Sequence[str]) -> str:
    """Hash of everything that decides a figure's files, from those of its frames."""
    return hashlib.sha256("\n".join([f"{spec.name} {_code()}", *digests]).encode()).hexdigest()[:16]


@cache
def _code() -> str:
    """Hash of the drawing code, its fonts and the library that draws."""
    digest = hashlib.sha256(matplotlib.__version__.encode())
    for path in [*sorted((HERE / "figures").rglob("*.py")), *sorted((HERE / "static" / "fonts").glob("*.ttf"))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def claims_frame(ledger: Ledger) -> pd.DataFrame:
    """One row per claim, as the figure of all claims wants it."""
    return pd.DataFrame(
        [
            {
                "id": judgement.claim.id,
                "group": judgement.claim.group,
                "label": judgement.claim.label,
                "estimate": judgement.estimate,
                "low": judgement.low,
                "high": judgement.high,
                "prediction": judgement.claim.prediction,
                "margin": judgement.claim.margin,
                "region_low": judgement.claim.region[0],
                "region_high": judgement.claim.region[1],
                "verdict": str(judgement.verdict),
            }
            for judgement in ledger.judgements
        ]
    )
