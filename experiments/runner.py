"""Preset → cells → blocks → store → frames and claims: the whole run, top to bottom."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from experiments.blocks import Block, blocks_of
from experiments.claims import Claim, Judgement, Ledger, judge, judge_all
from experiments.executor import Executor, LocalExecutor
from experiments.experiment import Experiment, cell_key
from experiments.preset import Preset
from experiments.progress import progress_bar
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
    n_by_worker: tuple[int, ...] = ()  # of those computed; empty unless on a cluster
    controls: tuple[Judgement, ...] = ()  # of claims that are wrong on purpose, with the ledger's confidence


def run(preset: Preset, store_path: Path, say: Say, executor: Executor | None = None) -> Results:
    """Measure every cell of every experiment of the preset, using blocks that the store already holds.

    Blocks are computed by the executor, or in this process where there is none. The results depend on the preset (with
    its seed) alone: not on who computes, on the order in which blocks finish, or on how many of them were reused.
    """
    codes = {experiment.name: code_hash(experiment) for experiment in preset.experiments}
    found: dict[str, tuple[pd.DataFrame, list[Claim], list[Claim]]] = {}
    with executor or LocalExecutor() as executor, Store(store_path, say) as store:
        blocks, missing = _stored(preset, store, codes)
        n_blocks = sum(map(len, blocks.values())) + len(missing)
        for experiment in _measured(preset, blocks, missing, store, codes, executor):
            observed = _by_cell(experiment, blocks[experiment.name])
            claims, wrong = experiment.claims(observed), experiment.controls(observed)
            found[experiment.name] = experiment.frame(observed), claims, wrong
        in_order = [found[experiment.name] for experiment in preset.experiments]
        ledger = judge_all([claim for _, claims, _ in in_order for claim in claims], preset.family_wise_error)
        controls = tuple(judge(claim, ledger.confidence) for *_, wrong in in_order for claim in wrong)
        frames = {experiment.name: found[experiment.name][0] for experiment in preset.experiments}
        n_by_worker = tuple(executor.n_by_worker.values())
        return Results(preset, frames, ledger, len(missing), n_blocks - len(missing), n_by_worker, controls)


Blocks = dict[tuple[str, int], NDArray[np.float64]]


def _stored(preset: Preset, store: Store, codes: Mapping[str, str]) -> tuple[dict[str, Blocks], list[Block]]:
    """Each experiment's blocks that the store has, and all blocks that it has not."""
    blocks: dict[str, Blocks] = {}
    missing: list[Block] = []
    stored = store.load(codes, preset.seed)
    for experiment in preset.experiments:
        wanted, found = list(blocks_of(experiment, preset.seed)), stored[experiment.name]
        blocks[experiment.name] = {block.place: found[block.place] for block in wanted if block.place in found}
        missing += [block for block in wanted if block.place not in found]
    return blocks, missing


def _measured(
    preset: Preset,
    blocks: dict[str, Blocks],
    missing: Sequence[Block],
    store: Store,
    codes: Mapping[str, str],
    executor: Executor,
) -> Iterator[Experiment[Any]]:
    """Measure, save and add what is missing; yield each experiment once it is whole, others still being measured."""
    experiments = {experiment.name: experiment for experiment in preset.experiments}
    n_left = Counter(block.experiment.name for block in missing)
    n_reused = sum(map(len, blocks.values()))
    with progress_bar(n_reused + len(missing), "blocks", n_reused) as progress:
        for batch, values in executor.run(missing):
            name = batch[0].experiment.name
            keys = [BlockKey(name, *block.place, preset.seed, codes[name]) for block in batch]
            store.save(dict(zip(keys, values, strict=True)))
            blocks[name] |= {block.place: value for block, value in zip(batch, values, strict=True)}
            progress.set_description_str(f"{name:<14}", refresh=False)
            progress.update(len(batch))
            n_left[name] -= len(batch)
            if not n_left[name]:
                yield experiments.pop(name)
    yield from experiments.values()  # whole before


def _by_cell(experiment: Experiment[Any], blocks: Blocks) -> dict[Any, NDArray[np.float64]]:
    """Block values (n_blocks, ...) of each cell, cells and blocks in their own order."""
    keys = {cell: cell_key(cell) for cell in experiment.cells()}
    return {cell: np.stack([blocks[key, block] for block in range(experiment.n_blocks)]) for cell, key in keys.items()}
