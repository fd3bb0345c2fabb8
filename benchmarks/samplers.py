"""Asks what a variance of dot products takes, and what it would take with what others write.

Samplers are compared by their efficiency, 1 / (relative variance of the estimate of Var(q·k) × seconds): how much one
second tells. The relative variances are exact, and tests hold them against measured scatter. Each competitor runs at
the best of a few sizes, tried here and now.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from benchmarks import second_moment
from benchmarks.timing import interleaved, ratio, seconds_of, spread
from report.cost_record import OURS, SamplerCost, SamplerName
from scaling.entries import Gaussian
from scaling.moments import EMPTY, Moments
from scaling.sampling import Tiles, draw_rows, draw_scores, plan_tiles, variance_of_mean_square

try:
    import torch
except ModuleNotFoundError:
    torch = None

DIMENSIONS = (8, 64, 512, 4096, 16384)
LECTURE_PAIRS = 1000
RADIAL = (256, 1024)  # rows, and the keys of each
LEAST_PAIRS = 64
Estimate = Callable[[int, Tiles], float]
Sizes = Callable[[int], Sequence[Tiles]]


@dataclass(frozen=True)
class Sampler:
    """One way to an estimate of Var(q·k), and the sizes at which it may be at its best."""

    estimate: Estimate
    sizes: Sizes


def _pairs(d_k: int) -> list[Tiles]:
    """Independent pairs: from what a core's cache holds to 32 MB a matrix."""
    amounts = (max(LEAST_PAIRS, 2**power // d_k) for power in (14, 16, 18, 20, 22))
    return [Tiles(amount, 1, 1) for amount in dict.fromkeys(amounts)]


def _squares(d_k: int) -> list[Tiles]:
    return [Tiles(1, side, side) for side in (128, 256, 512, 1024, 2048, 4096) if side * d_k <= 2**25]


def _planned(d_k: int) -> list[Tiles]:
    return [plan_tiles(d_k, wanted) for wanted in (1e-3, 1e-4, 1e-5)]


def samplers(seed: int) -> dict[SamplerName, Sampler]:
    """Every sampler that this machine has, each with a generator of its own."""
    fast = [np.random.Generator(np.random.SFC64(seed + i)) for i in range(3)]
    plain = [np.random.default_rng(seed + i) for i in range(2)]
    found: dict[SamplerName, Sampler] = {
        OURS: Sampler(partial(second_moment.estimate_variance, fast[0]), second_moment.planned),
        "scores": Sampler(partial(by_scores, fast[1]), _planned),
        "radial": Sampler(partial(_radial, fast[2]), lambda _: [Tiles(RADIAL[0], 1, RADIAL[1])]),
        "numpy": Sampler(partial(by_numpy, plain[0]), _pairs),
        "einsum": Sampler(partial(by_einsum, plain[1]), _pairs),
        "lecture": Sampler(
            partial(by_the_lecture, np.random.RandomState(seed)), lambda _: [Tiles(LECTURE_PAIRS, 1, 1)]
        ),
    }
    if torch is not None:
        torch.set_num_threads(1)
        found["torch pairs"] = Sampler(partial(by_torch_pairs, torch.Generator().manual_seed(seed)), _pairs)
        found["torch product"] = Sampler(partial(by_torch_product, torch.Generator().manual_seed(seed + 1)), _squares)
    return found


def by_scores(rng: np.random.Generator, d_k: int, tiles: Tiles) -> float:
    """The project's scores themselves, with their moments up to the fourth."""
    pieces = draw_scores(rng, d_k, tiles, Gaussian(), Gaussian())
    return sum((Moments.of(scores) for scores in pieces), EMPTY).sample_variance


def _radial(rng: np.random.Generator, d_k: int, tiles: Tiles) -> float:
    """Rows by their radial law, which takes the variance for granted: here for their cost alone."""
    return float(sum(len(rows) for rows in draw_rows(rng, d_k, tiles.n_tiles, tiles.n_keys)))


def by_numpy(rng: np.random.Generator, d_k: int, tiles: Tiles) -> float:
    """What a NumPy script would do."""
    q = rng.standard_normal((tiles.n_tiles, d_k))
    k = rng.standard_normal((tiles.n_tiles, d_k))
    return float((q * k).sum(1).var(ddof=1))


def by_einsum(rng: np.random.Generator, d_k: int, tiles: Tiles) -> float:
    """The same in single precision and without the array of products."""
    q = rng.standard_normal((tiles.n_tiles, d_k), dtype=np.float32)
    k = rng.standard_normal((tiles.n_tiles, d_k), dtype=np.float32)
    return float(np.einsum("ij,ij->i", q, k).var(ddof=1))


def by_the_lecture(state: np.random.RandomState, d_k: int, tiles: Tiles) -> float:
    """A loop over pairs, as the lecture has it."""
    products = []
    for _ in range(tiles.n_tiles):
        q = state.randn(d_k)
        k = state.randn(d_k)
        products.append(np.dot(q, k))
    return float(np.var(products, ddof=1))


def by_torch_pairs(generator: "torch.Generator", d_k: int, tiles: Tiles) -> float:
    """Independent pairs in torch."""
    q = torch.randn(tiles.n_tiles, d_k, generator=generator)
    k = torch.randn(tiles.n_tiles, d_k, generator=generator)
    return float((q * k).sum(1).var())


def by_torch_product(generator: "torch.Generator", d_k: int, tiles: Tiles) -> float:
    """The variance of a whole Q Kᵀ in torch."""
    q = torch.randn(tiles.n_queries, d_k, generator=generator)
    k = torch.randn(tiles.n_keys, d_k, generator=generator)
    return float((q @ k.T).var())


def best_size(name: SamplerName, sampler: Sampler, d_k: int) -> Tiles:
    """The size at which one second tells most."""
    sizes = sampler.sizes(d_k)
    if len(sizes) == 1:
        return sizes[0]

    def cost(tiles: Tiles) -> float:
        seconds = min(seconds_of(lambda: sampler.estimate(d_k, tiles)) for _ in range(3))
        return variance_of_mean_square(d_k, tiles) * seconds

    sampler.estimate(d_k, sizes[0])  # warm
    return min(sizes, key=cost)


def measure(seed: int, n_rounds: int, dimensions: Sequence[int] = DIMENSIONS) -> list[SamplerCost]:
    """Every sampler at every d_k."""
    costs = []
    found = samplers(seed)
    for d_k in dimensions:
        sizes = {name: best_size(name, sampler, d_k) for name, sampler in found.items()}
        works = {name: partial(sampler.estimate, d_k, sizes[name]) for name, sampler in found.items()}
        seconds = interleaved(works, n_rounds)
        costs += [_cost(name, d_k, sizes, seconds) for name in found]
    return costs


def _cost(
    name: SamplerName, d_k: int, sizes: Mapping[SamplerName, Tiles], seconds: Mapping[SamplerName, list[float]]
) -> SamplerCost:
    tiles, taken = sizes[name], spread(seconds[name])
    tells = name != "radial"
    variance = variance_of_mean_square(d_k, tiles)
    ours = variance_of_mean_square(d_k, sizes[OURS])
    return SamplerCost(
        sampler=name,
        d_k=d_k,
        n_tiles=tiles.n_tiles,
        n_queries=tiles.n_queries,
        n_keys=tiles.n_keys,
        seconds=taken,
        ns_per_score=1e9 * taken.median / tiles.n_scores,
        relative_variance=variance if tells else None,
        efficiency_per_s=1 / (variance * taken.median) if tells else None,
        second_moments_efficiency_ratio=ratio(seconds[name], seconds[OURS], variance / ours) if tells else None,
    )
