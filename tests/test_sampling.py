"""Direct sampling: what a block of QKᵀ is, and how much it tells."""

from typing import Any

import numpy as np
import pytest

import scaling.sampling
from judge import disagreements
from scaling import EntryLaw, Gaussian, Sign, StudentT, Tiles, Uniform, draw_scores, plan_tiles
from scaling.normals import standard_normals
from scaling.sampling import variance_of_mean_square


def block(seed: int, d_k: int, tiles: Tiles, law: EntryLaw) -> np.ndarray:
    """All scores of one block, (n_tiles, n_queries, n_keys), in double precision."""
    return np.concatenate(list(draw_scores(np.random.default_rng(seed), d_k, tiles, law, law)), dtype=np.float64)


def test_scores_are_the_products_of_the_drawn_queries_and_keys() -> None:
    """The block is Q Kᵀ of exactly the numbers that the generator gives, tile by tile."""
    tiles = Tiles(3, 4, 5)
    rng = np.random.default_rng(1)
    q = standard_normals(rng, (3, 4, 7)).astype(np.float64)
    k = standard_normals(rng, (3, 5, 7)).astype(np.float64)
    assert block(1, 7, tiles, Gaussian()) == pytest.approx(np.einsum("tid,tjd->tij", q, k), abs=1e-5)


@pytest.mark.parametrize(("d_k", "tiles"), [(7, Tiles(5, 3, 200)), (50, Tiles(1, 2, 90)), (3000, Tiles(2, 3, 4))])
def test_pieces_make_up_the_planned_block(monkeypatch: pytest.MonkeyPatch, d_k: int, tiles: Tiles) -> None:
    """However little is held at once, the block has its shape and its scores have variance d_k."""
    monkeypatch.setattr(scaling.sampling, "CHUNK", 1000)
    blocks = [block(seed, d_k, tiles, Sign()) for seed in range(40)]
    assert blocks[0].shape == (tiles.n_tiles, tiles.n_queries, tiles.n_keys)
    assert disagreements([(scores**2).mean() for scores in blocks], d_k) == []
    assert disagreements([scores.mean() for scores in blocks], 0) == []


@pytest.mark.parametrize("law", [Gaussian(), Uniform(), Sign(), StudentT(30.0)], ids=lambda law: type(law).__name__)
@pytest.mark.parametrize(("d_k", "tiles"), [(1, Tiles(4, 6, 6)), (8, Tiles(1, 16, 4)), (64, Tiles(2, 24, 24))])
def test_a_blocks_precision_is_what_the_formula_says(law: EntryLaw, d_k: int, tiles: Tiles) -> None:
    """The variance of the mean square over 4000 blocks agrees with the exact formula.

    Blocks of block means: 40 groups of 100, each giving one estimate of the variance.
    """
    means = np.array([(block(1000 + seed, d_k, tiles, law) ** 2).mean() for seed in range(4000)]) / d_k
    predicted = variance_of_mean_square(d_k, tiles, law.kurtosis, law.kurtosis)
    assert disagreements(((means - 1) ** 2).reshape(40, 100).mean(axis=1), predicted) == []


def test_independent_products_would_be_more_precise() -> None:
    """The negative control: the formula without its shared terms is refused by the same judge."""
    tiles = Tiles(1, 16, 16)
    means = np.array([(block(seed, 4, tiles, Gaussian()) ** 2).mean() for seed in range(2000)]) / 4
    assert disagreements(((means - 1) ** 2).reshape(40, 50).mean(axis=1), (2 + 6 / 4) / tiles.n_scores) == [0]


def test_signs_at_one_dimension_never_vary() -> None:
    """±1 times ±1 has square 1: the formula knows that such a block is exact."""
    assert variance_of_mean_square(1, Tiles(1, 5, 7), 1.0, 1.0) == 0


@pytest.mark.parametrize("d_k", [1, 2, 16, 300, 4096, 16384])
def test_plans_reach_the_precision_asked_for_and_waste_little(d_k: int) -> None:
    """A plan's relative variance is below the target, and above a quarter of it unless one tile suffices."""
    tiles = plan_tiles(d_k, 6.4e-5)
    reached = variance_of_mean_square(d_k, tiles)
    assert reached <= 6.4e-5
    assert tiles.n_tiles == 1 or reached > 0.25 * 6.4e-5


def test_a_plan_leaves_enough_scores_for_a_sample_variance() -> None:
    """Signs at d_k = 1 have an exact mean square, yet the mean they subtract varies: 2/N² stays below the target.

    Over 4000 blocks the sample variance then varies by at most twice the target, shared queries and keys included.
    """
    tiles = plan_tiles(1, 6.4e-5, 1.0, 1.0)
    assert 8 / tiles.n_scores**2 <= 6.4e-5
    variances = np.array([block(seed, 1, tiles, Sign()).var(ddof=1) for seed in range(4000)])
    assert disagreements(variances, 1.0) == []
    assert variances.var() < 2 * 6.4e-5


@pytest.mark.parametrize("relative_variance", [1.0, 2.0, 100.0, 1e300])
@pytest.mark.parametrize(("d_k", "kurtosis"), [(1, 1.0), (16, 3.0)])
def test_no_plan_has_a_single_score(d_k: int, kurtosis: float, relative_variance: float) -> None:
    """However little is asked for, a sample variance needs two scores."""
    assert plan_tiles(d_k, relative_variance, kurtosis, kurtosis).n_scores >= 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-64, 0.1), "d_k must be a whole number from 1 to 2.62; received -64"),
        ((0, 0.1), "d_k must be .*; received 0"),
        ((2.5, 0.1), r"d_k must be .*; received 2\.5"),
        ((True, 0.1), "d_k must be .*; received True"),
        (("4", 0.1), "d_k must be .*; received '4'"),
        ((None, 0.1), "d_k must be .*; received None"),
        ((10**400, 0.1), "d_k must be .*; received 10000"),
        ((4, -1), "relative_variance must be a positive number, .*; received -1 for"),
        ((4, 0), "relative_variance must be .*; received 0 for"),
        ((4, np.nan), "relative_variance must be .*; received nan for"),
        ((4, np.inf), "relative_variance must be .*; received inf for"),
        ((4, 1e-320), "relative_variance must be .* at most 2.62 scores; received 1e-320 for"),
        ((4, ".1"), r"relative_variance must be .*; received '\.1' for"),
        ((4, None), "relative_variance must be .*; received None for"),
        ((4, 0.1, -5.0), r"kurtosis_q must be a finite number from 1; received -5\.0"),
        ((4, 0.1, 3.0, 0.5), r"kurtosis_k must be a finite number from 1; received 0\.5"),
        ((4, 0.1, np.nan), "kurtosis_q must be .*; received nan"),
        ((4, 0.1, 3.0, None), "kurtosis_k must be .*; received None"),
        ((4, 0.1, 1e200, 1e200), r"relative_variance must be .*; received 0\.1 for kurtoses 1e\+200 and 1e\+200"),
    ],
)
def test_impossible_plans_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    """No entries have such a d_k or kurtosis, no block such a precision."""
    with pytest.raises(ValueError, match=f"^plan_tiles: {message}") as caught:
        plan_tiles(*arguments)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("sides", "message"),
    [
        ((0, 2, 3), "n_tiles must be a whole number from 1 to 2.62; received 0"),
        ((-1, 2, 3), "n_tiles must be .*; received -1"),
        ((1.0, 2, 3), r"n_tiles must be .*; received 1\.0"),
        ((1, True, 3), "n_queries must be .*; received True"),
        ((1, 2, None), "n_keys must be .*; received None"),
        ((1, 2, "3"), "n_keys must be .*; received '3'"),
        ((2**63, 2, 3), "n_tiles must be .*; received 9223372036854775808"),
    ],
)
def test_impossible_tiles_are_refused(sides: tuple[Any, ...], message: str) -> None:
    """Tiles are counted in whole numbers from 1."""
    with pytest.raises(ValueError, match=f"^Tiles: {message}") as caught:
        Tiles(*sides)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("d_k", [0, -1, 2.0, True, None, "4"])
def test_an_impossible_d_k_is_refused_before_anything_is_drawn(d_k: Any) -> None:
    """At the call itself, not when the first piece is asked for."""
    with pytest.raises(ValueError, match=f"^draw_scores: d_k must be a whole number from 1 to 2.62; received {d_k!r}$"):
        draw_scores(np.random.default_rng(0), d_k, Tiles(1, 2, 3), Gaussian(), Gaussian())
    with pytest.raises(ValueError, match=r"^variance_of_mean_square: d_k must be a whole number"):
        variance_of_mean_square(d_k, Tiles(1, 2, 3))
