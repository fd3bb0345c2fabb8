"""The science of √d_k: arrays in, arrays and records out. No files, frames, plots or clocks."""

from scaling.entries import ENTRY_LAWS, EntryLaw, Gaussian, Sign, StudentT, Uniform, entry_law
from scaling.intervals import Interval, mean_interval
from scaling.moments import Moments
from scaling.rules import RAW, SCALED, PowerRule
from scaling.sampling import Tiles, draw_scores, plan_tiles
from scaling.saturation import RowObservables, row_observables

__all__ = [
    "ENTRY_LAWS",
    "RAW",
    "SCALED",
    "EntryLaw",
    "Gaussian",
    "Interval",
    "Moments",
    "PowerRule",
    "RowObservables",
    "Sign",
    "StudentT",
    "Tiles",
    "Uniform",
    "draw_scores",
    "entry_law",
    "mean_interval",
    "plan_tiles",
    "row_observables",
]
