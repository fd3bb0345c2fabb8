"""Figures in all their forms, drawn once for the same data and code."""

import gc
import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import matplotlib
import pandas as pd
from markupsafe import Markup
from matplotlib.figure import Figure

from experiments.claims import Ledger
from experiments.runner import Results
from report.figure_archive import Parts, keep, read
from report.figures import SPECS, figures_of
from report.figures.export import deck_files, files, labelled, page_svg, slide_files, themed_files
from report.figures.spec import FigureSpec
from report.figures.style import DECK, LIGHT, PAGE, SLIDE, THEMES, Medium, using
from report.prose import prose

HERE = Path(__file__).parent


class Picture(NamedTuple):
    """A figure, or as much of it as is drawn by a stage, in one of the forms."""

    figure: str
    form: str = "page"
    themes: tuple[str, ...] = (LIGHT.name,)
    stage: int | None = None
    font: str | None = None  # of the reader's; else ours

    @property
    def name(self) -> str:
        """Of its figure, with the stage counted from 1."""
        return self.figure if self.stage is None else f"{self.figure}-{self.stage + 1}"


@dataclass(frozen=True)
class Form:
    """What figures are drawn as: a canvas, and what is made of one drawing in all of a picture's themes."""

    medium: Medium
    make: Callable[[Figure, Picture], Parts]


def page_parts(figure: Figure, picture: Picture) -> Parts:
    """Both files, and the SVG for the page, still without words."""
    made = files(figure)
    return {"svg": made.svg, "png": made.png, "page": page_svg(made.svg, picture.name).encode()}


def deck_parts(figure: Figure, picture: Picture) -> Parts:
    """The same for the room under a slide's title, in one theme."""
    (theme,) = picture.themes
    made = deck_files(figure, picture.name, THEMES[theme])
    return {"svg": made.svg, "png": made.png, "page": made.page.encode()}


def slide_parts(figure: Figure, picture: Picture) -> Parts:
    """The files of a slide, named `theme.kind`."""
    is_all = set(picture.themes) == set(THEMES)
    made = themed_files(figure) if is_all else {name: slide_files(figure, THEMES[name]) for name in picture.themes}
    return {f"{theme}.{kind}": getattr(each, kind) for theme, each in made.items() for kind in ("svg", "pdf", "png")}


FORMS: Mapping[str, Form] = {
    "page": Form(PAGE, page_parts), "slide": Form(SLIDE, slide_parts), "deck": Form(DECK, deck_parts),
}  # fmt: skip
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
    """A figure of a page in each of its forms."""

    spec: FigureSpec
    caption: Markup
    inline: Markup
    svg: bytes
    png: bytes


def draw_all(results: Results, kept: Path | None = None, pool: Executor | None = None) -> dict[str, DrawnFigure]:
    """Every figure by name, for the page.

    In the folder `kept`, if given, files of figures are kept for the next run. Without `pool`, an executor of
    processes, all is drawn in this one; the bytes are the same.
    """
    frames = all_frames(results)
    return draw_figures(figures_of(frames), frames, kept, pool)


def all_frames(results: Results) -> dict[str, pd.DataFrame]:
    """Those that figures are drawn from, the claims among them."""
    return {**results.frames, "claims": claims_frame(results.ledger)}


def draw_figures(
    figures: Iterable[FigureSpec],
    frames: Mapping[str, pd.DataFrame],
    kept: Path | None = None,
    pool: Executor | None = None,
) -> dict[str, DrawnFigure]:
    """These figures by name, of those in `SPECS`, for the page; see `draw_all`."""
    pictures = {spec.name: Picture(spec.name) for spec in figures}
    parts = draw(pictures.values(), frames, kept, pool)
    return {name: _drawn(SPECS[name], frames, parts[picture]) for name, picture in pictures.items()}


def figure_files(folder: str, figures: Mapping[str, DrawnFigure]) -> dict[str, bytes]:
    """Their files, named relative to the output folder, for a page in `folder`."""
    forms = {name: {"svg": figure.svg, "png": figure.png} for name, figure in figures.items()}
    return {f"{folder}/figures/{name}.{kind}": made for name, of in forms.items() for kind, made in of.items()}


def _drawn(spec: FigureSpec, frames: Mapping[str, pd.DataFrame], parts: Parts) -> DrawnFigure:
    given = spec.given(frames)
    return DrawnFigure(
        spec=spec,
        caption=prose(spec.caption(*given)),
        inline=labelled(parts["page"].decode(), spec.alt(*given)),
        svg=parts["svg"],
        png=parts["png"],
    )


def draw(
    pictures: Iterable[Picture],
    frames: Mapping[str, pd.DataFrame],
    kept: Path | None = None,
    pool: Executor | None = None,
) -> dict[Picture, Parts]:
    """What is made of these pictures; see `draw_all`."""
    return Easel(frames, kept, pool).begin(pictures)()


class Easel:
    """Draws pictures from some frames; for `kept` and `pool` see `draw_all`.

    Those in a font of the reader's are not kept.
    """

    def __init__(
        self, frames: Mapping[str, pd.DataFrame], kept: Path | None = None, pool: Executor | None = None
    ) -> None:
        self._frames, self._kept, self._pool = frames, kept, pool
        self._digests: dict[str, str] = {}

    def begin(self, pictures: Iterable[Picture]) -> Callable[[], dict[Picture, Parts]]:
        """Have the pool start on these pictures, or none start yet; the result waits for them, and returns them."""
        wanted = list(dict.fromkeys(pictures))
        entries = {picture: self._entry(picture) for picture in wanted}
        found = {picture: parts for picture, entry in entries.items() if entry and (parts := read(entry))}
        missing = sorted(
            set(wanted) - found.keys(), key=lambda it: ((*FIRST, it.figure).index(it.figure), it.name, it.form)
        )
        tasks = [(picture, SPECS[picture.figure].given(self._frames), entries[picture]) for picture in missing]
        futures = {task[0]: self._pool.submit(_draw, *task) for task in tasks} if self._pool else {}

        def finish() -> dict[Picture, Parts]:
            drawn = _results(futures) if self._pool else {task[0]: _draw(*task) for task in tasks}
            return {picture: (found | drawn)[picture] for picture in wanted}

        return finish

    def _entry(self, picture: Picture) -> Path | None:
        """Its file in the folder `kept`."""
        if self._kept is None or picture.font:
            return None
        digests = [self._digest(name) for name in SPECS[picture.figure].experiments]
        return self._kept / f"{_stem(picture)}-{_key(picture, digests)}.zip"

    def _digest(self, name: str) -> str:
        if name not in self._digests:
            text = self._frames[name].to_csv(index=False)
            self._digests[name] = hashlib.sha256(text.encode()).hexdigest()
        return self._digests[name]


def _results(futures: Mapping[Picture, Future[Parts]]) -> dict[Picture, Parts]:
    """What has been drawn; the first fault is raised here, and what has not begun is not drawn."""
    try:
        return {picture: future.result() for picture, future in futures.items()}
    finally:
        for future in futures.values():
            future.cancel()


def _draw(picture: Picture, frames: Sequence[pd.DataFrame], entry: Path | None) -> Parts:
    """Draw one picture, and keep it in `entry` in place of older ones."""
    form, stage = FORMS[picture.form], {} if picture.stage is None else {"stage": picture.stage}
    with _no_collecting(), using(form.medium, THEMES[picture.themes[0]], picture.font):
        parts = form.make(SPECS[picture.figure].draw(*frames, **stage), picture)
    if entry:
        keep(entry, parts)
        for older in set(entry.parent.glob(f"{_stem(picture)}-{'?' * 16}.zip")) - {entry}:
            older.unlink(missing_ok=True)
    return parts


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


def _stem(picture: Picture) -> str:
    return picture.name if picture.form == "page" else ".".join((picture.name, picture.form, *picture.themes))


def _key(picture: Picture, digests: Sequence[str]) -> str:
    """Hash of everything that decides what is made of a picture, from those of its frames."""
    return hashlib.sha256("\n".join([f"{_stem(picture)} {_code()}", *digests]).encode()).hexdigest()[:16]


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
