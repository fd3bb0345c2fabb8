"""`python -m report slides|figures`: run, draw, write decks and figures; or list what there is to draw."""

import sys
from pathlib import Path

from experiments.cli import run_and_publish, say, tell
from experiments.runner import Results
from experiments.workers import Workers
from report.cost import read_cost
from report.figures import FIGURES
from report.figures.growth import FIGURES as OF_COST
from report.prose import prose
from report.slides.files import slide_files
from report.slides.options import SlideOptions, available
from report.slides.words.runs import plain_text


def slides(options: SlideOptions) -> int:
    """The main job; the exit code."""
    cost = read_cost(options.run.out, say)
    frames = [experiment.name for experiment in options.run.preset.experiments]
    available(options.figures, [*frames, "claims", *(["bench"] if cost else [])])

    def render(results: Results, kept: Path | None, workers: Workers | None) -> dict[str, bytes]:
        return slide_files(results, options.figures, options.themes, options.font, kept, workers, cost)

    return run_and_publish(options.run, render, ["report.slides.files"], "slides")


def list_figures() -> int:
    """Print every figure's name and title."""
    specs = (*FIGURES, *OF_COST)
    width = max(len(spec.name) for spec in specs)
    for spec in specs:
        tell(sys.stdout, f"{spec.name:<{width}}  {plain_text(prose(spec.title))}")
    return 0
