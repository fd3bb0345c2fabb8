"""Runs of random presets, and what is told of them, without the language models and without drawing a figure."""

import random
from pathlib import Path

import numpy as np
import pytest
from markupsafe import Markup

from experiments.faults import Faults
from experiments.head_windows import WindowCell
from experiments.runner import Results, run
from experiments.trained_heads import TrainedHeads
from fault_lines import check_lines
from made_heads import window
from made_presets import random_preset
from report.drawing import DrawnFigure, all_frames
from report.figures import figures_of
from report.figures.spec import FigureSpec
from report.prose import prose

DRAWS = 5e5  # numbers of an experiment: a run of them all takes a second or two


def results_of(seed: int, folder: Path) -> Results:
    """The run of a random preset; what its language models would give is made up."""
    preset = random_preset(random.Random(seed), DRAWS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainedHeads, "measure", _made_up)
        while True:
            try:
                return run(preset, folder / f"{seed}.sqlite", pytest.fail)
            except Faults as faults:  # what nobody can know before: it is refused, and slower learning asked for
                check_lines(faults, "lookup: rate: learning diverges within ")
                slower = preset.lookup.model_copy(update={"rate": preset.lookup.rate / 2})
                preset = preset.model_copy(update={"lookup": slower})


def _made_up(_: TrainedHeads, cell: WindowCell, rng: np.random.Generator) -> np.ndarray:
    return window(cell, rng, float(rng.choice([0.1, 1.0, 3.0])))


def words_of(spec: FigureSpec, results: Results) -> tuple[str, str]:
    """A figure's caption and its text alternative."""
    given = spec.given(all_frames(results))
    return spec.caption(*given), spec.alt(*given)


def undrawn(results: Results) -> dict[str, DrawnFigure]:
    """Every figure of a run with its caption, and nothing to be seen."""
    return {
        spec.name: DrawnFigure(spec, prose(words_of(spec, results)[0]), Markup("<svg/>"), b"", b"")
        for spec in figures_of(all_frames(results))
    }
