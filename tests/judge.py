"""The judges of statistical tests: whether block values agree with an expected mean, and what an experiment claims."""

import numpy as np
from numpy.typing import ArrayLike
from scipy import stats

from experiments.claims import Judgement, judge_all
from experiments.experiment import Experiment, cell_key
from experiments.seeds import block_rng

ERROR = 1e-6  # family-wise probability of calling a true expectation wrong; the seeds are fixed all the same


def disagreements(blocks: ArrayLike, expected: ArrayLike) -> list[int]:
    """Positions whose block values (n_blocks, n_quantities) have a mean that is not the expected one.

    Two-sided Student t over blocks, at a level corrected for the number of quantities.
    """
    values = np.asarray(blocks, dtype=float)
    values = values.reshape(len(values), -1)
    target = np.broadcast_to(np.asarray(expected, dtype=float).ravel(), values.shape[1:])
    standard_error = values.std(axis=0, ddof=1) / np.sqrt(len(values))
    allowed = stats.t.ppf(1 - ERROR / (2 * values.shape[1]), len(values) - 1) * standard_error
    return [int(i) for i in np.flatnonzero(np.abs(values.mean(axis=0) - target) > allowed + 1e-15)]


def observed(experiment: Experiment, seed: int = 1) -> dict[object, np.ndarray]:  # type: ignore[type-arg]
    """All block values of one experiment on its own, by cell."""
    return {
        cell: np.stack(
            [
                experiment.measure(cell, block_rng(seed, experiment.name, cell_key(cell), block))
                for block in range(experiment.n_blocks)
            ]
        )
        for cell in experiment.cells()
    }


def verdicts(experiment: Experiment, seed: int = 1) -> dict[str, Judgement]:  # type: ignore[type-arg]
    """All judgements of one experiment on its own, by id."""
    claims = experiment.claims(observed(experiment, seed))
    return {judgement.claim.id: judgement for judgement in judge_all(claims, 0.001).judgements}
