"""Asks where the seconds of a whole report go, and how far its sampling is from the least that it must take.

The command runs a few times from an empty store, in a process of its own. The floor of the sampling: numbers drawn ×
ns of a normal draw + multiply-adds of products in tiles × ns of one within a large matrix product, from the sizes of
the cells themselves, against the processor's seconds. Laws, moments and exponentials are in the run and not in it.
"""

import json
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any, get_args

import numpy as np

from benchmarks.timing import interleaved, spread
from experiments.cli import n_processors
from experiments.experiment import ScoreCell
from experiments.one_head import HeadCell
from experiments.preset import Preset, load_preset
from experiments.softmax_rows import RowCell
from report.cost_record import Phase, PhaseCost, RunCost
from scaling.normals import standard_normals

ROOT = Path(__file__).parents[1]
N_RUNS = 3
N_NORMALS, SIDE = 2**18, 1024  # of the floor's units: what is drawn at once, and the side of a large product


def work_of(preset: Preset) -> tuple[float, float]:
    """Numbers that a preset's blocks draw, and multiply-adds of their products in tiles."""
    draws = products = 0.0
    for experiment in preset.experiments:
        for cell in experiment.cells():
            drawn, multiplied = _work_of_block(cell, experiment.size(cell).draws)
            draws += experiment.n_blocks * drawn
            products += experiment.n_blocks * multiplied
    return draws, products


def _work_of_block(cell: Any, draws: float) -> tuple[float, float]:
    if isinstance(cell, HeadCell):  # whose size counts work on scores as draws
        entries = float(cell.n_queries + cell.n_keys) * cell.d_k + float(cell.n_keys) * cell.d_v[-1]
        return cell.n_tiles * entries, float(cell.n_tiles) * cell.n_queries * cell.n_keys * cell.d_k
    if isinstance(cell, ScoreCell) or (isinstance(cell, RowCell) and cell.sampler == "direct"):
        return draws, float(cell.tiles.n_scores) * cell.d_k
    return draws, 0.0


def unit_costs(seed: int, n_rounds: int) -> tuple[float, float]:
    """Nanoseconds of a normal draw and of a multiply-add, at their best."""
    rng = np.random.Generator(np.random.SFC64(seed))
    a, b = (standard_normals(rng, (SIDE, SIDE)) for _ in range(2))
    seconds = interleaved({"normal": lambda: standard_normals(rng, (N_NORMALS,)), "product": lambda: a @ b}, n_rounds)
    return 1e9 * min(seconds["normal"]) / N_NORMALS, 1e9 * min(seconds["product"]) / SIDE**3


def timed_run(preset: str, jobs: int) -> tuple[float, dict[str, Any]]:
    """Seconds of one run from an empty store, and what the phase timer tells of it."""
    with TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "benchmarks.phases", "page"]
        command += ["--preset", preset, "--jobs", str(jobs), "--out", folder]
        started = time.perf_counter()
        done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        seconds = time.perf_counter() - started
    if done.returncode != 0:
        raise RuntimeError(f"the run ended with code {done.returncode}: {' '.join(command)}")
    told: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    told["phases"]["rest"] = max(0.0, seconds - sum(told["phases"].values()))
    return seconds, told


def measure(seed: int, n_rounds: int, preset: str = "default", n_runs: int = N_RUNS) -> RunCost:
    """A few whole runs, and their floor."""
    jobs = n_processors()
    ns_per_normal, ns_per_multiply_add = unit_costs(seed, n_rounds)
    draws, products = work_of(load_preset(preset))
    runs = [timed_run(preset, jobs) for _ in range(n_runs)]
    return RunCost(
        preset=preset,
        jobs=jobs,
        n_runs=n_runs,
        seconds=spread([seconds for seconds, _ in runs]),
        phases=[PhaseCost(phase=phase, seconds=_median_of(runs, phase)) for phase in get_args(Phase)],
        sampling_processor_seconds=median(told["sampling_processor_seconds"] for _, told in runs),
        draws=round(draws),
        multiply_adds=round(products),
        ns_per_normal=ns_per_normal,
        ns_per_multiply_add=ns_per_multiply_add,
        floor_processor_seconds=1e-9 * (draws * ns_per_normal + products * ns_per_multiply_add),
    )


def _median_of(runs: Sequence[tuple[float, dict[str, Any]]], phase: Phase) -> float:
    return float(median(told["phases"][phase] for _, told in runs))
