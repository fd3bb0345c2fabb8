"""Laws of pairs: closed forms against the general formula and against draws, their spread, and planned blocks."""

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from scipy import stats

import scaling.pairs
from judge import disagreements
from scaling import Gaussian, Sign, Sparse, Tiles, Uniform, dot_product_moments, measure_pairs, plan_pairs
from scaling.aligned import draw_aligned
from scaling.pair_moments import _moments_of
from scaling.pairs import PAIR_LAWS, AlignedPair, IndependentPair, PairLaw, SharedSignPair, Spread, _spread_of_entries

OTHERS: dict[str, PairLaw] = {
    "different": IndependentPair(Gaussian(mean=2.0, sd=0.5), Uniform(-1.0, 4.0)),
    "aligned the other way": AlignedPair(-0.6),
    "strongly correlated": SharedSignPair(0.7, both=True),
    "one strongly correlated": SharedSignPair(0.7, both=False),
}
LAWS = PAIR_LAWS | OTHERS


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("d_k", [1, 2, 9, 64])
def test_closed_forms_are_the_general_formula(name: str, d_k: int) -> None:
    """Mean and variance from the means and covariance matrices of the vectors."""
    law = LAWS[name]
    assert dot_product_moments(*law.vectors(d_k)) == pytest.approx((law.mean(d_k), law.variance(d_k)), rel=1e-12)


BY_HAND = {  # mean and variance at d_k = 12
    "gaussian": (0, 12), "sign": (0, 12), "uniform": (0, 12), "student-t": (0, 12), "sparse": (0, 12),
    "one-sided": (0, 12), "narrow": (0, 12 / 16), "wide": (0, 12 * 81), "neighbours": (0, 12 + 2 * 11 / 4),
    "unit-interval": (3, 12 * 7 / 144), "offset": (3, 12 * (1 + 2 / 4)), "shared-sign": (0, 12 + 12 * 11 / 100),
    "aligned": (1.2, 12 * 1.01), "equal": (12, 24),
}  # fmt: skip


def test_named_laws_by_hand() -> None:
    """Each case of the registry, from its description."""
    found = {name: (law.mean(12), law.variance(12)) for name, law in PAIR_LAWS.items()}
    assert found == {name: pytest.approx(moments) for name, moments in BY_HAND.items()}


@pytest.mark.parametrize("name", LAWS)
@pytest.mark.parametrize("d_k", [1, 5])
def test_drawn_products_have_the_moments_and_the_spread_of_their_law(name: str, d_k: int) -> None:
    """Mean, variance and E s⁴, and products s² s'² and s s' of those that share a query or a key: 48 blocks."""
    law = LAWS[name]
    mean, variance, spread = law.mean(d_k), law.variance(d_k), law.spread(d_k)
    rows = []
    for block in range(48):
        rng = np.random.default_rng([3, d_k, block])
        s = np.concatenate(list(law.products(rng, d_k, Tiles(4000, 2, 2)))).astype(np.float64) - mean
        s /= variance**0.5
        rows.append(
            [
                s.mean(), np.square(s).mean(), (s**4).mean(),
                np.mean(s[:, :, 0] ** 2 * s[:, :, 1] ** 2), np.mean(s[:, 0] ** 2 * s[:, 1] ** 2),
                np.mean(s[:, :, 0] * s[:, :, 1]), np.mean(s[:, 0] * s[:, 1]),
            ]
        )  # fmt: skip
    exact = [
        0, 1, spread.alone + 1, spread.by_query + 1, spread.by_key + 1, spread.mean_by_query, spread.mean_by_key,
    ]  # fmt: skip
    values = np.array(rows)
    if spread.alone < 1e-9:  # squares that do not vary: to rounding
        assert values[:, 1:5] == pytest.approx(np.ones((48, 4)), rel=1e-6)
        values, exact = values[:, [0, 5, 6]], [0, 0, 0]
    assert disagreements(values, exact) == []


def test_spread_of_the_derivations_own_pairs() -> None:
    """2 + 6/d, 2/d and 2/d of normal entries; (κ² - 3)/d and (κ - 1)/d of others."""
    normal = PAIR_LAWS["gaussian"].spread(10)
    assert (normal.alone, normal.by_query, normal.by_key) == pytest.approx((2.6, 0.2, 0.2))
    sparse = IndependentPair(Sparse(0.25), Sparse(0.25)).spread(10)
    assert (sparse.alone, sparse.by_query) == pytest.approx((2 + (16 - 3) / 10, 0.3))
    assert (sparse.mean_by_query, sparse.mean_by_key) == (0, 0)
    assert AlignedPair(0.0).spread(10) == normal
    assert AlignedPair(1.0).spread(10).alone == pytest.approx(AlignedPair(1.0).spread(10).by_query)


def test_a_shared_sign_is_folded_away_exactly() -> None:
    """With no correlation left its spread is that of independent normal entries."""
    for both in (False, True):
        found, normal = SharedSignPair(0.0, both).spread(7), PAIR_LAWS["gaussian"].spread(7)
        assert vars(found) == pytest.approx(vars(normal))


@pytest.mark.parametrize("name", PAIR_LAWS)
def test_planned_blocks_scatter_as_planned(name: str) -> None:
    """At d_k = 6: of 300 small blocks the larger relative variance is what was asked for, within 40 %, or less."""
    law, wanted = PAIR_LAWS[name], 0.02
    tiles = plan_pairs(law, 6, wanted)
    blocks = np.array([measure_pairs(np.random.default_rng([2, block]), law, 6, tiles) for block in range(300)])
    mean, variance = law.mean(6), law.variance(6)
    assert disagreements(blocks, [mean, variance]) == []
    reached = max(blocks[:, 0].var(ddof=1) / variance, blocks[:, 1].var(ddof=1) / variance**2)
    planned = law.spread(6).relative_variance(tiles)
    assert planned <= wanted
    assert 0.6 * planned < reached < 1.4 * planned


@pytest.mark.parametrize(
    ("name", "d_k", "relative_variance", "tiles"),
    [
        ("gaussian", 64, 0.5, (2, 2, 2)),
        ("sign", 4, 2.0, (2, 1, 1)),
        ("gaussian", 1, 1e-05, (800000, 1, 1)),
        ("gaussian", 64, 1e-06, (1473, 64, 64)),
        ("sign", 16, 1e-05, (3, 256, 256)),
        ("aligned", 64, 1e-05, (149, 64, 64)),
        ("equal", 8, 0.0001, (69, 512, 1)),
        ("offset", 512, 1e-06, (23438, 16, 16)),
        ("shared-sign", 4096, 0.0001, (3, 64, 64)),
        ("neighbours", 524288, 0.001, (2001, 1, 1)),
        ("one-sided", 262144, 0.001, (2001, 1, 1)),
    ],
)
def test_plans_stay_as_they_are(name: str, d_k: int, relative_variance: float, tiles: tuple[int, ...]) -> None:
    """A plan decides what is drawn: one that changes, if only for speed, changes every number of a report."""
    assert plan_pairs(PAIR_LAWS[name], d_k, relative_variance) == Tiles(*tiles)


def test_plans_end_at_as_many_of_the_largest_tiles_as_they_say() -> None:
    """2⁴⁰ tiles of 512 by 512 reach a little less than what is taken, and no more."""
    law = PAIR_LAWS["gaussian"]
    least = law.spread(64).relative_variance(Tiles(1, 512, 512)) / 2**40
    assert plan_pairs(law, 64, np.nextafter(least, 1)).n_tiles >= 2**40
    for too_small in (least, 0.99 * least):
        with pytest.raises(ValueError, match=r"large enough for 2\^40 tiles"):
            plan_pairs(law, 64, too_small)


@dataclass(frozen=True)
class TwoPoints(Sign):
    """mean ± sd, either as likely."""

    mean: float = 0.0
    variance: float = 1.0


@pytest.mark.parametrize("offset", [0.0, 0.9, -3.0])
def test_the_spread_of_entries_by_enumeration(offset: float) -> None:
    """All 64 pairs of three entries, each of two values: fourth moments of s, and what is left of them given q or k."""
    q, k, d_k = TwoPoints(0.7, 0.25), TwoPoints(-1.2, 4.0), 3
    values_q, values_k = (
        np.array(list(itertools.product(*[(law.mean - law.variance**0.5, law.mean + law.variance**0.5)] * d_k)))
        for law in (q, k)
    )
    squares = (values_q @ values_k.T - d_k * q.mean * k.mean + offset) ** 2  # s², (n_q, n_k)
    found = _spread_of_entries(q, k, d_k, offset)
    scale = squares.mean() ** 2
    assert found.alone == pytest.approx((squares**2).mean() / scale - 1, rel=1e-12)
    assert found.by_query == pytest.approx(squares.mean(axis=1).var() / scale, rel=1e-12)
    assert found.by_key == pytest.approx(squares.mean(axis=0).var() / scale, rel=1e-12)


@pytest.mark.parametrize("rho", [0.0, -0.6, 1.0])
@pytest.mark.parametrize("d_k", [3, 7])
def test_the_spread_of_aligned_pairs_by_integration(rho: float, d_k: int) -> None:
    """Given |q|², chi-squared, or |z|², which is too: means of s = ρ (|q|² - d) + √(1 - ρ²) q·z, and of s²."""
    own, other = rho**2, 1 - rho**2
    size = stats.chi2(d_k)

    def variance(of: Callable[[float], float]) -> float:
        mean = size.expect(of, epsabs=1e-13, limit=200)
        return float(size.expect(lambda r: of(r) ** 2, epsabs=1e-13, limit=200) - mean**2)

    v = variance(lambda r: rho * r) + other * d_k
    found = AlignedPair(rho).spread(d_k)
    assert AlignedPair(rho).variance(d_k) == pytest.approx(v, rel=1e-8)
    assert found.by_query == pytest.approx(variance(lambda r: own * (r - d_k) ** 2 + other * r) / v**2, rel=1e-6)
    assert found.by_key == pytest.approx(variance(lambda r: other * r) / v**2, rel=1e-6, abs=1e-12)
    assert found.mean_by_query == pytest.approx(variance(lambda r: rho * r) / v, rel=1e-6, abs=1e-12)


def test_a_block_scatters_by_hand() -> None:
    """The larger one of variance and mean: what a pair has alone, and what its query and its key share with others."""
    tiles = Tiles(7, 3, 5)
    assert Spread(4.0, 0.5, 0.25, 0.125, 0.0625).relative_variance(tiles) == (4 + 0.5 * 4 + 0.25 * 2) / 105
    assert Spread(0.5, 0.25, 0.125, 2.0, 3.0).relative_variance(tiles) == (1 + 2.0 * 4 + 3.0 * 2) / 105


def test_a_shift_that_single_precision_rounds_is_made_good() -> None:
    """Products of about 10⁷, whose exact mean is no float32: mean and variance keep all their digits."""
    products = 1e7 + np.array([[[1.0, 4.0]], [[2.0, 9.0]], [[7.0, 1.0]]])
    found = _moments_of([products.astype(np.float32)], 1e7 + 0.3, Tiles(3, 1, 2))
    assert found.mean == pytest.approx(products.mean(), rel=1e-15)
    means = products.mean(axis=(1, 2)) - 1e7
    crossed = (means.sum() ** 2 - means @ means) / 6
    assert found.variance == pytest.approx(np.square(products - 1e7).mean() - crossed, rel=1e-12)


def test_moments_by_their_definition() -> None:
    """The mean square less the product of the means of each two tiles, by plain loops; a shift changes nothing."""
    rng = np.random.default_rng(4)
    pieces = [(rng.normal(3, 1, (n, 2, 3)) + rng.normal(size=(n, 1, 1))).astype(np.float32) for n in (3, 1, 2)]
    tiles = np.concatenate(pieces).astype(np.float64)
    pairs = [tiles[i].mean() * tiles[j].mean() for i in range(6) for j in range(6) if i != j]
    expected = (tiles.mean(), np.square(tiles).mean() - np.mean(pairs))
    for shift in (0.0, 3.0, 2.123456789):
        assert _moments_of(pieces, shift, Tiles(6, 2, 3)) == pytest.approx(expected, rel=1e-6)
    assert _moments_of(pieces, 0.0, Tiles(6, 2, 3)).variance != pytest.approx(tiles.var(), rel=0.01)


def test_pairs_of_their_own_give_the_sample_variance() -> None:
    """Tiles of a single product: with n - 1 below."""
    products = np.random.default_rng(4).normal(size=(50, 1, 1)).astype(np.float32)
    found = _moments_of([products], 0.0, Tiles(50, 1, 1))
    assert found == pytest.approx((products.mean(), products.var(ddof=1)), rel=1e-5)


def test_aligned_tiles_pair_each_query_with_its_own_keys() -> None:
    """ρ q·q + √(1 - ρ²) q·z: the squared lengths come out where ρ = 1, the products of independent ones where 0."""
    rng = np.random.default_rng
    (equal,) = AlignedPair(1.0).products(rng(1), 4, Tiles(3, 5, 2))
    assert equal.shape == (3, 5, 2)
    assert np.array_equal(equal[..., 0], equal[..., 1])
    assert equal.min() > 0
    (mixed,), (other,) = (AlignedPair(rho).products(rng(1), 4, Tiles(3, 5, 2)) for rho in (0.6, 0.0))
    assert mixed == pytest.approx(0.6 * equal + 0.8 * other, rel=1e-5, abs=1e-5)
    single = np.concatenate([piece.ravel() for piece in draw_aligned(rng(2), 3, 40_000, (0.6,))])
    tiled = np.concatenate([piece.ravel() for piece in AlignedPair(0.6).products(rng(3), 3, Tiles(40_000, 1, 1))])
    assert np.quantile(tiled, [0.1, 0.5, 0.9]) == pytest.approx(np.quantile(single, [0.1, 0.5, 0.9]), abs=0.06)


@pytest.mark.parametrize(
    ("d_k", "tiles", "pieces"),
    [(7, Tiles(7, 3, 20), [6, 1]), (2, Tiles(7, 10, 30), [3, 3, 1]), (2, Tiles(2, 40, 40), [1, 1])],
)
@pytest.mark.parametrize("rho", [0.5, 1.0])
def test_aligned_tiles_come_as_many_at_once_as_fit(
    monkeypatch: pytest.MonkeyPatch, rho: float, d_k: int, tiles: Tiles, pieces: list[int]
) -> None:
    """1000 entries or scores, or one tile; never more tiles than are planned."""
    monkeypatch.setattr(scaling.pairs, "CHUNK", 1000)
    found = list(AlignedPair(rho).products(np.random.default_rng(1), d_k, tiles))
    assert [piece.shape for piece in found] == [(count, tiles.n_queries, tiles.n_keys) for count in pieces]


def test_large_means_keep_the_digits_of_a_small_variance() -> None:
    """Entries 1000 ± 1: the mean square is 10⁶ times the variance, in single precision."""
    law = IndependentPair(Gaussian(mean=30.0), Gaussian(mean=30.0))
    blocks = [measure_pairs(np.random.default_rng([6, block]), law, 8, Tiles(400, 4, 4)) for block in range(40)]
    assert disagreements(blocks, [law.mean(8), law.variance(8)]) == []


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: plan_pairs(PAIR_LAWS["sign"], 0, 0.1), "plan_pairs: d_k must be a whole number from 1 to 2.62; rec"),
        (lambda: plan_pairs(PAIR_LAWS["sign"], 4, 0.0), r"plan_pairs: relative_variance must be .*; received 0\.0"),
        (
            lambda: plan_pairs(PAIR_LAWS["sign"], 4, 1e-20),
            "plan_pairs: relative_variance .* 2.40 tiles; rec.* 1e-20",
        ),
        (lambda: plan_pairs(PAIR_LAWS["sign"], 4, math.nan), "plan_pairs: relative_variance .*; received nan"),
        (
            lambda: measure_pairs(np.random.default_rng(), PAIR_LAWS["sign"], 4, Tiles(1, 5, 5)),
            "measure_pairs: at least two tiles are needed; received 1",
        ),
        (
            lambda: measure_pairs(np.random.default_rng(), PAIR_LAWS["sign"], True, Tiles(2, 5, 5)),
            "measure_pairs: d_k must be a whole number from 1 to 2.62; received True",
        ),
    ],
)
def test_impossible_arguments_are_refused(make: Any, message: str) -> None:
    """At the call."""
    with pytest.raises(ValueError, match=f"^{message}"):
        make()
