"""The one place where the benchmark says what it calls "ours" for a variance: second moments alone."""

import numpy as np

from scaling.entries import Gaussian
from scaling.sampling import Tiles, plan_second_moments, second_moments

WANTED = (1e-5, 3e-6, 1e-6, 5e-7)  # relative variances, of which one is the best size to ask for


def planned(d_k: int) -> list[Tiles]:
    """Shapes that the project itself would plan."""
    return [plan_second_moments(d_k, wanted) for wanted in WANTED]


def estimate_variance(rng: np.random.Generator, d_k: int, tiles: Tiles) -> float:
    """One estimate of Var(q·k), unbiased since products of distinct pairs are uncorrelated."""
    n = tiles.n_scores
    mean, square = second_moments(rng, d_k, tiles, Gaussian(), Gaussian())
    return (square - mean**2) * n / (n - 1)
