"""Figures in all their forms, drawn once for the same data and code."""

import hashlib
import os
import zipfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import matplotlib
import pandas as pd
from markupsafe import Markup

from experiments.claims import Ledger
from experiments.runner import Results
from report.figures import figures_of
from report.figures.export import inline_svg, png_bytes, svg_bytes
from report.figures.spec import FigureSpec
from report.prose import prose

HERE = Path(__file__).parent


@dataclass(frozen=True)
class DrawnFigure:
    """A figure in each of its forms."""

    spec: FigureSpec
    caption: Markup
    inline: Markup
    svg: bytes
    png: bytes


def draw_all(results: Results, kept: Path | None = None) -> dict[str, DrawnFigure]:
    """Every figure by name. In the folder `kept`, if given, files of figures are kept for the next run."""
    frames = {**results.frames, "claims": claims_frame(results.ledger)}
    digests = {name: hashlib.sha256(frame.to_csv(index=False).encode()).hexdigest() for name, frame in frames.items()}
    drawn = {}
    for spec in figures_of(frames):
        name = f"{spec.name}-{_key(spec, [digests[experiment] for experiment in spec.experiments])}.zip"
        drawn[spec.name] = _drawn(spec, spec.given(frames), kept and kept / name)
    return drawn


def _drawn(spec: FigureSpec, frames: Sequence[pd.DataFrame], entry: Path | None) -> DrawnFigure:
    svg, png = _files(spec, frames, entry)
    return DrawnFigure(
        spec=spec,
        caption=prose(spec.caption(*frames)),
        inline=inline_svg(svg, spec.name, spec.alt(*frames)),
        svg=svg,
        png=png,
    )


def _files(spec: FigureSpec, frames: Sequence[pd.DataFrame], entry: Path | None) -> tuple[bytes, bytes]:
    """SVG and PNG: those kept in `entry` by an earlier run with the same data and code, or drawn now."""
    if entry and entry.exists():
        try:
            with zipfile.ZipFile(entry) as archive:  # its checksums tell a damaged file
                return archive.read("svg"), archive.read("png")
        except Exception:  # a damaged archive raises almost anything, from zlib's errors to "File is encrypted"
            pass  # drawn again below
    figure = spec.draw(*frames)
    svg, png = svg_bytes(figure), png_bytes(figure)
    if entry:
        _keep(entry, {"svg": svg, "png": png})
        for older in set(entry.parent.glob(f"{spec.name}-{'?' * 16}.zip")) - {entry}:
            older.unlink(missing_ok=True)
    return svg, png


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
