"""Direct sampling: what a block of QKᵀ is, and how much it tells."""

from typing import Any

import numpy as np
import pytest

import scaling.normals
import scaling.sampling
from judge import disagreements
from scaling import EntryLaw, Gaussian, Sign, StudentT, Tiles, Uniform, draw_scores, plan_tiles, row_observables
from scaling.normals import standard_normals
from scaling.sampling import draw_rows, second_moments, variance_of_mean_square
from scaling.saturation import OBSERVABLES


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


class Asked(Gaussian):
    """A normal law that remembers the shapes it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        object.__setattr__(self, "shapes", [])

    def sample_single(self, rng: np.random.Generator, shape: tuple[int, ...]) -> np.ndarray:
        """The same draws."""
        self.shapes.append(shape)
        return super().sample_single(rng, shape)


@pytest.mark.parametrize(
    ("d_k", "tiles", "queries", "keys"),
    [
        (7, Tiles(7, 3, 20), [(6, 3, 7), (1, 3, 7)], [(6, 20, 7), (1, 20, 7)]),  # entries fill a piece
        (2, Tiles(7, 10, 30), [(3, 10, 2), (3, 10, 2), (1, 10, 2)], [(3, 30, 2), (3, 30, 2), (1, 30, 2)]),  # scores do
        (50, Tiles(1, 2, 50), [(1, 2, 50)], [(1, 20, 50), (1, 20, 50), (1, 10, 50)]),  # a piece of keys at a time
        (100, Tiles(1, 2, 20), [(1, 2, 100)], [(1, 16, 100), (1, 4, 100)]),  # but not fewer than a product likes
        (500, Tiles(1, 2, 6), [(1, 2, 500)], [(1, 4, 500), (1, 2, 500)]),  # unless these are too many entries
        (3000, Tiles(2, 1, 2), [(1, 1, 3000)] * 2, [(1, 1, 3000)] * 4),  # and at least one
    ],
)
def test_no_more_is_held_at_once_than_planned(
    monkeypatch: pytest.MonkeyPatch, d_k: int, tiles: Tiles, queries: list[object], keys: list[object]
) -> None:
    """At 1000 entries or scores, 16 keys and 2000 entries of them: whole tiles together, or one in slices of keys."""
    for name, value in (("CHUNK", 1000), ("FEW_KEYS", 16), ("MOST_ENTRIES", 2000)):
        monkeypatch.setattr(scaling.sampling, name, value)
    asked_q, asked_k = Asked(), Asked()
    pieces = list(draw_scores(np.random.default_rng(1), d_k, tiles, asked_q, asked_k))
    assert (asked_q.shapes, asked_k.shapes) == (queries, keys)
    assert [piece.shape for piece in pieces] == [(count, m, tiles.n_keys) for count, m, _ in queries]


@pytest.mark.parametrize(("d_k", "n", "pieces"), [(8, 300, [125, 125, 50]), (40, 100, [40, 40, 20])])
def test_a_gram_matrix_takes_as_many_vectors_at_once_as_fit_or_as_it_has_rows(
    monkeypatch: pytest.MonkeyPatch, d_k: int, n: int, pieces: list[int]
) -> None:
    """1000 entries, or a square matrix where that is more."""
    monkeypatch.setattr(scaling.sampling, "CHUNK", 1000)
    asked = Asked()
    second_moments(np.random.default_rng(1), d_k, Tiles(1, n, n), asked, asked)
    assert asked.shapes == [(count, d_k) for count in [*pieces, *pieces]]


@pytest.mark.parametrize(
    ("d_k", "relative_variance", "kurtosis", "scores", "moments"),
    [
        (1, 6.4e-05, 3.0, (125000, 1, 1), (2, 31251, 31251)),
        (1, 0.0001, 1.0, (1, 17, 17), (1, 17, 17)),
        (2, 0.001, 3.0, (5000, 1, 1), (1, 2002, 2002)),
        (16, 1e-05, 1.8, (1374, 16, 16), (1, 10020, 10020)),
        (64, 0.0001, 3.0, (24, 45, 45), (1, 656, 656)),
        (300, 1e-07, 3.0, (2267, 128, 128), (5, 26817, 26817)),
        (4096, 1e-05, 4.5, (1, 542, 542), (1, 542, 542)),
        (16384, 0.001, 3.0, (1, 45, 45), (1, 45, 45)),
        (16, 1e300, 3.0, (1, 8, 8), (1, 8, 8)),
        (1, 8 / 81**2, 1.0, (1, 9, 9), (1, 9, 9)),
        (1, 1e-09, 1.0, (3, 173, 173), (1, 300, 300)),
        (2048, 1e-09, 3.0, (11448, 512, 512), (11448, 512, 512)),
        (16384, 1e-08, 3.0, (215, 1023, 1023), (113, 1443, 1443)),
    ],
)
def test_plans_stay_as_they_are(
    d_k: int, relative_variance: float, kurtosis: float, scores: tuple[int, ...], moments: tuple[int, ...]
) -> None:
    """A plan decides what is drawn: one that changes, if only for speed, changes every number of a report."""
    asked = (d_k, relative_variance, kurtosis, kurtosis)
    assert plan_tiles(*asked) == Tiles(*scores)
    assert scaling.sampling.plan_second_moments(*asked) == Tiles(*moments)


def test_a_precision_that_is_just_reached_is_enough() -> None:
    """A tile whose variance is the target is the plan; and so is the last target that 2⁶² scores may be needed for."""
    for d_k, side in ((4096, 100), (300, 64)):
        one = Tiles(1, side, side)
        assert plan_tiles(d_k, variance_of_mean_square(d_k, one)) == one
    assert plan_tiles(1, 2.0**-61, 1.0, 1.0).n_scores >= 2**32
    with pytest.raises(ValueError, match="relative_variance must be a positive number"):
        plan_tiles(1, np.nextafter(2.0**-61, 0), 1.0, 1.0)
    alone = 2 + 6 + 4 * (2**15 - 1)  # scores of the largest tile that tell as much as an independent one, at d_k = 1
    assert plan_tiles(1, 1.000001 * alone / 2**62).n_scores > 2**45
    with pytest.raises(ValueError, match="relative_variance must be a positive number"):
        plan_tiles(1, 0.999999 * alone / 2**62)


def test_costs_by_hand() -> None:
    """Nanoseconds of a block: draws, products, what each score takes, tiles; Gram matrices where these are shorter."""
    cost, second = scaling.sampling.products_cost, scaling.sampling._second_moments_cost
    assert cost(16, Tiles(3, 4, 5), 6.0) == pytest.approx(3 * (2.4 * 9 * 16 + 20 * (0.02 * 16 + 6) + 80))
    assert cost(16, Tiles(3, 1, 2), 6.0) == pytest.approx(3 * (2.4 * 3 * 16 + 2 * (0.02 * 16 + 6) + 80))
    assert cost(16, Tiles(3, 1, 1), 6.0) == pytest.approx(3 * (2.4 * 2 * 16 + 0.02 * 16 + 6))
    assert second(16, Tiles(3, 4, 5)) == pytest.approx(3 * (2.4 * 9 * 16 + 20 * (0.02 * 16 + 0.5) + 80))
    assert second(4, Tiles(3, 50, 60)) == pytest.approx(3 * (110 * 4 * (2.4 + 0.02 * 2) + 8 * 16))
    assert scaling.sampling._scores_cost(16, Tiles(3, 1024, 5)) == cost(16, Tiles(3, 1024, 5), 6.0)
    assert scaling.sampling._scores_cost(16, Tiles(3, 1025, 5)) == np.inf
    assert second(4096, Tiles(1, 2048, 2048)) < np.inf
    assert second(4096, Tiles(1, 2049, 2049)) == np.inf
    assert second(2**20, Tiles(1, 32, 32)) < np.inf
    assert second(2**20, Tiles(1, 33, 33)) == np.inf


@pytest.mark.parametrize(
    ("d_k", "side", "is_short"), [(8, 8, False), (8, 9, True), (2048, 4000, True), (2049, 9000, False)]
)
def test_gram_matrices_are_shorter_where_tiles_are_larger_than_they(d_k: int, side: int, is_short: bool) -> None:
    """(m + n) d²/2 steps against m n d; and never for matrices beyond 2048 rows."""
    assert scaling.sampling._has_short_way(d_k, Tiles(1, side, side)) == is_short


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


@pytest.mark.parametrize("law", [Gaussian(), Gaussian(mean=0.5, sd=2.0), Uniform(), Sign()], ids=str)
@pytest.mark.parametrize(("d_k", "tiles"), [(1, Tiles(2, 40, 30)), (8, Tiles(3, 50, 20)), (64, Tiles(1, 300, 200))])
def test_second_moments_are_those_of_the_scores(law: EntryLaw, d_k: int, tiles: Tiles) -> None:
    """The short way by Gram matrices gives the mean and the mean square of the very products, to rounding."""
    assert scaling.sampling._has_short_way(d_k, tiles)
    rng = np.random.default_rng(3)
    total = square = 0.0
    for _ in range(tiles.n_tiles):
        q = law.sample_single(rng, (tiles.n_queries, d_k)).astype(np.float64)
        k = law.sample_single(rng, (tiles.n_keys, d_k)).astype(np.float64)
        total, square = total + (q @ k.T).sum(), square + ((q @ k.T) ** 2).sum()
    mean, mean_square = second_moments(np.random.default_rng(3), d_k, tiles, law, law)
    assert mean_square == pytest.approx(square / tiles.n_scores, rel=1e-6)
    assert mean == pytest.approx(total / tiles.n_scores, abs=1e-6 * mean_square**0.5)


def test_second_moments_without_a_short_way_are_those_of_the_scores() -> None:
    """Few queries and keys of many dimensions: the products themselves."""
    tiles = Tiles(2, 5, 7)
    scores = block(4, 900, tiles, Gaussian())
    assert not scaling.sampling._has_short_way(900, tiles)
    found = second_moments(np.random.default_rng(4), 900, tiles, Gaussian(), Gaussian())
    assert found == pytest.approx((scores.mean(), np.square(scores).mean()), rel=1e-6)


def test_pieces_of_a_gram_matrix_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """However little is drawn at once."""
    tiles = Tiles(1, 100, 100)
    whole = second_moments(np.random.default_rng(5), 8, tiles, Gaussian(), Gaussian())
    monkeypatch.setattr(scaling.sampling, "CHUNK", 8 * 16)
    monkeypatch.setattr(scaling.normals, "PIECE", 8 * 16)
    pieces = [second_moments(np.random.default_rng([5, i]), 8, tiles, Gaussian(), Gaussian()) for i in range(200)]
    assert whole[1] == pytest.approx(8, rel=0.5)
    assert disagreements(pieces, [0.0, 8.0]) == []


@pytest.mark.parametrize("d_k", [1, 8, 64, 512, 4096, 16384])
@pytest.mark.parametrize("relative_variance", [1e-3, 1e-5, 1e-7])
def test_plans_of_second_moments_reach_what_is_asked_for_at_less_cost(d_k: int, relative_variance: float) -> None:
    """As precise as wanted, and never dearer than a plan whose scores are looked at."""
    tiles = scaling.sampling.plan_second_moments(d_k, relative_variance)
    assert variance_of_mean_square(d_k, tiles) <= relative_variance
    cost = scaling.sampling._second_moments_cost
    assert cost(d_k, tiles) <= cost(d_k, plan_tiles(d_k, relative_variance))


def test_rows_by_their_radial_law_have_the_moments_of_products() -> None:
    """Mean, variance, fourth moment and the dependence of a row's scores through its query, against exact values."""
    d_k, n_keys = 5, 16
    blocks = []
    for seed in range(40):
        rows = np.concatenate(list(draw_rows(np.random.default_rng(seed), d_k, 4000, n_keys)), dtype=np.float64)
        assert rows.shape == (4000, n_keys)
        squares = rows**2
        blocks.append([rows.mean(), squares.mean(), (squares**2).mean(), (squares[:, 0] * squares[:, 1]).mean()])
    assert disagreements(blocks, [0.0, d_k, 3 * d_k * (d_k + 2), d_k * (d_k + 2)]) == []
    independent = [0.0, d_k, 3 * d_k * (d_k + 2), d_k**2]  # as if every key had met a query of its own
    assert disagreements(blocks, independent) == [3]


@pytest.mark.parametrize(("d_k", "n_keys"), [(1, 3), (3, 64), (200, 8)])
def test_radial_rows_and_direct_rows_are_saturated_alike(d_k: int, n_keys: int) -> None:
    """Seven observables of raw and scaled rows by both samplers, judged by the difference of their block means."""
    differences = []
    for seed in range(40):
        rng = np.random.default_rng([6, seed])
        radial = np.concatenate(list(draw_rows(rng, d_k, 512, n_keys)))
        direct = np.concatenate(list(draw_scores(rng, d_k, Tiles(512, 1, n_keys), Gaussian(), Gaussian())))
        found = [row_observables(rows.reshape(-1, n_keys), [1.0, d_k**-0.5]) for rows in (radial, direct)]
        means = [np.stack([getattr(f, name).mean(axis=1) for name in OBSERVABLES]) for f in found]
        differences.append(means[0] - means[1])
    assert disagreements(differences, 0.0) == []


@pytest.mark.parametrize(("d_k", "n_rows", "n_keys"), [(1, 1, 1), (4, 7, 1000), (4, 3, 3000), (10**6, 3, 2)])
def test_rows_come_in_pieces_that_make_up_the_whole(
    monkeypatch: pytest.MonkeyPatch, d_k: int, n_rows: int, n_keys: int
) -> None:
    """A piece is never larger than what is held at once, but for a single row."""
    monkeypatch.setattr(scaling.sampling, "CHUNK", 2000)
    pieces = list(draw_rows(np.random.default_rng(0), d_k, n_rows, n_keys))
    assert sum(map(len, pieces)) == n_rows
    assert all(piece.size <= max(2000, n_keys) and piece.dtype == np.float32 for piece in pieces)


@pytest.mark.parametrize("sizes", [(0, 1, 1), (1, 0, 1), (1, 1, 0), (2.0, 1, 1), (1, True, 1), (1, 1, "3")])
def test_impossible_rows_are_refused_before_anything_is_drawn(sizes: tuple[Any, Any, Any]) -> None:
    """At the call, by name."""
    with pytest.raises(ValueError, match=r"^draw_rows: (d_k|n_rows|n_keys) must be a whole number from 1 to 2\^62; "):
        draw_rows(np.random.default_rng(0), *sizes)


@pytest.mark.parametrize("law", [Gaussian(sd=1e12), Gaussian(sd=1e-12), Gaussian(mean=1e12), Gaussian(mean=-1e12)])
def test_entries_are_drawn_up_to_the_limits_that_the_message_names(law: EntryLaw) -> None:
    """Their products are in the range of single precision; squares of these are not, and are taken in double."""
    for tiles in (Tiles(1, 2, 3), Tiles(1, 40, 50)):  # without the short way, and with it
        (scores,) = draw_scores(np.random.default_rng(0), 4, tiles, law, law)
        assert np.isfinite(scores).all()
        exact = scores.astype(np.float64)
        mean, square = second_moments(np.random.default_rng(0), 4, tiles, law, law)
        assert square == pytest.approx(np.square(exact).mean(), rel=1e-5)
        assert mean == pytest.approx(exact.mean(), abs=1e-5 * square**0.5)


@pytest.mark.parametrize(
    ("law", "received"),
    [
        (Gaussian(sd=1e20), r"1e\+20 and 0"),
        (Gaussian(sd=1e-20), "1e-20 and 0"),
        (Gaussian(mean=-1e13), r"1 and -1e\+13"),
        (Gaussian(mean=1e12 + 0.5), r"1 and 1e\+12"),
        (Uniform(-3e15, 3e15), r"1\.73205e\+15 and 0"),
    ],
)
def test_entries_whose_products_single_precision_cannot_hold_are_refused(law: EntryLaw, received: str) -> None:
    """By the side that has them."""
    for draw in (draw_scores, second_moments):
        with pytest.raises(
            ValueError, match=rf"^{draw.__name__}: entries of keys must have a .*; received {received}$"
        ):
            draw(np.random.default_rng(0), 4, Tiles(1, 2, 3), Gaussian(), law)
