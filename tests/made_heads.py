"""Values of trained heads made up for tests: of the shape that a window gives, from no model."""

import numpy as np

from experiments.head_windows import KEPT, N_HEADS, N_LAYERS, WEIGHTS, WindowCell
from experiments.trained_heads import MEAN_SQUARE, TrainedHeads


def made(experiment: TrainedHeads, seed: int = 1, size: float = 1.0) -> dict[WindowCell, np.ndarray]:
    """Block values of every cell: heads whose scores spread the more, the later the layer; `size` multiplies them."""
    rng = np.random.default_rng(seed)
    return {cell: window(cell, rng, size)[None] for cell in experiment.cells()}


def window(cell: WindowCell, rng: np.random.Generator, size: float) -> np.ndarray:
    """A block's values."""
    heads = np.empty((len(WEIGHTS), N_LAYERS, N_HEADS, len(KEPT)))
    for i, layer, head in np.ndindex(heads.shape[:3]):
        typical = (0.003, 0.3)[i == 0] * size * (1 + layer + head / 8)
        terms = 32 * typical * rng.uniform(0.2, 1.0, 3)
        sd = float(np.sqrt(terms[:2].sum() / 32))
        entropies = 1 / (1 + np.array([sd, sd * 32**0.5]) ** 2 / 8)
        weights = 1 - 0.9 * entropies
        values = {
            "variance": terms.sum(), "joint": terms[0], "mean_query": terms[1], "mean_key": terms[2], "row_sd": sd,
            "normalised_entropy": entropies[0] * rng.uniform(0.9, 1.0), "law_entropy": entropies[0],
            "raw_normalised_entropy": entropies[1] * rng.uniform(0.9, 1.0), "raw_law_entropy": entropies[1],
            "max_weight": weights[0], "raw_max_weight": weights[1], "dead_share": weights[0] ** 4,
            "raw_dead_share": weights[1] ** 4, "on_own": 0.1, "on_previous": 0.2 + 0.01 * layer, "on_first": 0.0,
        }  # fmt: skip
        heads[i, layer, head] = [values[name] for name in KEPT]
    logs = np.log2(cell.multipliers)
    level = 3 + rng.normal(0, 0.1)
    sweep = np.column_stack([level + 0.05 * logs**2 * rng.uniform(0.9, 1.1), 1 / (1 + 2.0**logs)])
    squares = MEAN_SQUARE * rng.uniform(0.8, 1.2, (cell.n_draws, N_LAYERS))
    rounding = 1e-15 * rng.uniform(1, 2, 4)
    return np.concatenate([heads.ravel(), sweep.ravel(), squares.ravel(), rounding, [4e-7, 6.9]])
