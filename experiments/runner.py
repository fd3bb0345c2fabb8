"""Preset → cells → blocks → store → frames and claims: the whole run, top to bottom."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm import tqdm

from experiments.claims import Claim, Ledger, judge_all
from experiments.executor import ThreadExecutor
from experiments.experiment import Experiment, cell_key
from experiments.preset import Preset
from experiments.seeds import block_rng
from experiments.store import BlockKey, Store, code_hash

Say = Callable[[str], None]


@dataclass(frozen=True)
class Results:
    """Everything a run found: one tidy frame per experiment, and the judged claims."""

    preset: Preset
    frames: Mapping[str, pd.DataFrame]
    ledger: Ledger
    n_computed: int
    n_reused: int


def run(preset: Preset, store_path: Path, jobs: int, say: Say) -> Results:
    """Measure every cell of every experiment of the preset, using blocks that the store already holds.

    The results depend on the preset (with its seed) alone: not on `jobs`, the order in which blocks finish, or how
    many of them were reused.
    """
    frames: dict[str, pd.DataFrame] = {}
    claims: list[Claim] = []
    n_computed = n_reused = 0
    with Store(store_path, say) as store, ThreadExecutor(jobs) as executor:
        for experiment in preset.experiments:
            blocks, reused = _blocks(experiment, preset.seed, store, executor)
            n_reused += reused
            n_computed += len(blocks) - reused
            observed = _by_cell(experiment, blocks)
            frames[experiment.name] = experiment.frame(observed)
            claims += experiment.claims(observed)
    ledger = judge_all(claims, preset.family_wise_error)
    return Results(preset, frames, ledger, n_computed, n_reused)


Blocks = dict[tuple[str, int], NDArray[np.float64]]


def _blocks(experiment: Experiment[Any], seed: int, store: Store, executor: ThreadExecutor) -> tuple[Blocks, int]:
    """All blocks of an experiment and how many of them came from the store."""
    code = code_hash(experiment)
    cells = {cell_key(cell): cell for cell in experiment.cells()}
    wanted = [(key, block) for key in cells for block in range(experiment.n_blocks)]
    stored = store.load(experiment.name, seed, code)
    blocks = {which: stored[which] for which in wanted if which in stored}
    n_reused = len(blocks)

    def measure(key: str, block: int) -> NDArray[np.float64]:
        return experiment.measure(cells[key], block_rng(seed, experiment.name, key, block))

    missing = [which for which in wanted if which not in blocks]
    tasks = ((which, partial(measure, *which)) for which in missing)
    with _progress(experiment.name, len(wanted), n_reused) as progress:
        for (key, block), values in executor.run(tasks):
            store.save(BlockKey(experiment.name, key, block, seed, code), values)
            blocks[key, block] = values
            progress.update()
    return blocks, n_reused


def _by_cell(experiment: Experiment[Any], blocks: Blocks) -> dict[Any, NDArray[np.float64]]:
    """Block values (n_blocks, ...) of each cell, cells and blocks in their own order."""
    return {
        cell: np.stack([blocks[cell_key(cell), block] for block in range(experiment.n_blocks)])
        for cell in experiment.cells()
    }


def _progress(name: str, total: int, done: int) -> "tqdm[Any]":
    """A progress line with blocks done, rate and time left; silent when the output is not a terminal."""
    silent = True if sys.stderr is None else None  # None: tqdm finds out whether it is a terminal
    return tqdm(total=total, initial=done, desc=f"{name:<14}", unit=" blocks", file=sys.stderr, disable=silent)
