"""Aligned queries and keys: the exact moments, the sampler, and claims that must fail when ρ is another."""

import math
from typing import Any, ClassVar

import numpy as np
import pytest
from scipy import integrate, stats

import scaling.aligned
from experiments.aligned import Aligned, AlignedCell
from experiments.claims import Verdict
from judge import disagreements, observed, verdicts
from scaling.aligned import CHUNK, AlignedLaw, draw_aligned
from scaling.normals import standard_normals

RHOS = (0.0, 0.3, 1.0, -0.6)


def test_the_ends_by_hand() -> None:
    """ρ = 0 is the derivation's law; q = k is chi-squared with mean d, variance 2d, excess kurtosis 12/d."""
    independent, equal = AlignedLaw(6, 0.0), AlignedLaw(6, 1.0)
    assert (independent.mean, independent.variance, independent.excess_kurtosis) == (0, 6, 1)
    assert (equal.mean, equal.variance, equal.excess_kurtosis) == stats.chi2(6).stats("mvk")
    assert AlignedLaw(6, -1.0).mean == -6


@pytest.mark.parametrize("rho", RHOS)
def test_moments_of_one_product_by_integration(rho: float) -> None:
    """A second oracle: E[(xy)^r] given x, where y is normal with mean ρx and variance 1 - ρ², integrated over x."""

    def moment(power: int) -> float:
        def given(x: float) -> float:
            centre, square = rho * x, 1 - rho**2
            of_y = {1: centre, 2: centre**2 + square, 3: centre**3 + 3 * centre * square}
            of_y[4] = centre**4 + 6 * centre**2 * square + 3 * square**2
            return float(x**power * of_y[power] * stats.norm.pdf(x))

        return float(integrate.quad(given, -12, 12, epsabs=1e-12)[0])

    law = AlignedLaw(1, rho)
    mean = moment(1)
    variance = moment(2) - mean**2
    fourth = moment(4) - 4 * mean * moment(3) + 6 * mean**2 * moment(2) - 3 * mean**4
    assert (law.mean, law.variance) == pytest.approx((mean, variance), abs=1e-9)
    assert law.excess_kurtosis == pytest.approx(fourth / variance**2 - 3, rel=1e-8)


@pytest.mark.parametrize("d_k", [1, 3, 40])
def test_drawn_products_have_the_laws_moments(d_k: int) -> None:
    """Mean, variance and fourth central moment over 64 blocks, for every ρ at once, at the judge's level."""
    rng = np.random.default_rng(4)
    laws = [AlignedLaw(d_k, rho) for rho in RHOS]
    rows = []
    for _ in range(64):
        products = np.concatenate(list(draw_aligned(rng, d_k, 3000, RHOS)), axis=1)
        centred = products - [[law.mean] for law in laws]
        rows.append(np.concatenate([(centred**power).mean(axis=1) for power in (1, 2, 4)]))
    exact = [
        *(0.0 for _ in laws),
        *(law.variance for law in laws),
        *((3 + law.excess_kurtosis) * law.variance**2 for law in laws),
    ]
    assert disagreements(rows, exact) == []
    wrong = [AlignedLaw(d_k, rho + 0.1 if rho <= 0 else rho - 0.1).mean - AlignedLaw(d_k, rho).mean for rho in RHOS]
    assert disagreements(np.array(rows)[:, : len(RHOS)], wrong) == list(range(len(RHOS)))


def test_independent_products_are_those_of_the_drawn_vectors(monkeypatch: pytest.MonkeyPatch) -> None:
    """q·z at ρ = 0 and q·q at 1, of q and z as they are drawn, a vector longer than a piece one at a time."""
    monkeypatch.setattr(scaling.aligned, "CHUNK", 10)
    pieces = list(draw_aligned(np.random.default_rng(5), 16, 3, (0.0, 1.0)))
    rng = np.random.default_rng(5)
    for piece in pieces:
        q, z = standard_normals(rng, (1, 16)), standard_normals(rng, (1, 16))
        assert piece == pytest.approx(np.array([[q[0] @ z[0]], [q[0] @ q[0]]]), rel=1e-5)
    assert len(pieces) == 3


def test_pieces_make_up_the_pairs_and_rhos_share_them() -> None:
    """However many pieces, n_pairs columns; with ρ = 0 and 1, ρ q·q + √(1 - ρ²) q·z lies between."""
    pieces = list(draw_aligned(np.random.default_rng(5), 2**10, 700, (0.0, 0.6, 1.0)))
    assert len(pieces) > 1
    independent, between, equal = np.concatenate(pieces, axis=1)
    assert independent.shape == (700,)
    assert between == pytest.approx(0.6 * equal + 0.8 * independent, rel=1e-12)


def test_small_types_are_the_numbers_that_they_are() -> None:
    """127 · 2 wraps around in int8 and 10⁵ is inf in float16; 2¹⁸ // 300 is no int16."""
    small: Any = AlignedLaw(np.int8(127), 1)  # type: ignore[arg-type]
    assert (small.mean, small.variance) == (127, 254)
    assert small == AlignedLaw(127, 1.0)
    half: Any = np.float16(0.5)
    assert vars(AlignedLaw(10**5, half)) == vars(AlignedLaw(10**5, 0.5))
    assert AlignedLaw(10**5, half).variance == 125_000
    sizes: Any = np.int16(300), np.int16(5)
    (found,) = draw_aligned(np.random.default_rng(6), *sizes, [half])
    (expected,) = draw_aligned(np.random.default_rng(6), 300, 5, [0.5])
    assert np.array_equal(found, expected)


def test_rhos_are_read_once() -> None:
    """A generator of them has nothing left for a second look."""
    (found,) = draw_aligned(np.random.default_rng(7), 3, 5, (rho for rho in RHOS))
    (expected,) = draw_aligned(np.random.default_rng(7), 3, 5, RHOS)
    assert np.array_equal(found, expected)
    with pytest.raises(ValueError, match=r"^draw_aligned: rhos must be numbers from -1 to 1 in a list; received 0\.5$"):
        draw_aligned(np.random.default_rng(), 2, 3, 0.5)  # type: ignore[arg-type]


@pytest.mark.parametrize("n_pairs", [1, 255, 256, 257, 513])
def test_no_pair_is_lost_at_the_end_of_a_piece(n_pairs: int) -> None:
    """Whether the last piece is whole, one pair short, or a single pair."""
    pieces = list(draw_aligned(np.random.default_rng(1), CHUNK // 256, n_pairs, (0.5,)))
    assert len(pieces) == -(-n_pairs // 256)
    assert sum(piece.shape[1] for piece in pieces) == n_pairs


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: AlignedLaw(4, np.int8(-128)), "AlignedLaw: rho must be a number from -1 to 1; received .*-128"),
        (lambda: AlignedLaw(0, 0.5), "AlignedLaw: d_k must be a whole number from 1 to 2.62; received 0"),
        (lambda: AlignedLaw(4, 1.5), "AlignedLaw: rho must be a number from -1 to 1; received 1.5"),
        (lambda: AlignedLaw(4, -1.5), "AlignedLaw: rho must be a number from -1 to 1; received -1.5"),
        (lambda: draw_aligned(np.random.default_rng(), 4, 0, (0.0,)), "draw_aligned: n_pairs must be .*; received 0"),
        (lambda: draw_aligned(np.random.default_rng(), 2.0, 4, (0.0,)), "draw_aligned: d_k must be .*; received 2.0"),
        (lambda: draw_aligned(np.random.default_rng(), 4, 4, (np.nan,)), "draw_aligned: rho must be .*; received nan"),
        (lambda: draw_aligned(np.random.default_rng(), 4, 4, (0, -1.1)), "draw_aligned: rho must be .*; received -1.1"),
    ],
)
def test_impossible_arguments_are_refused(make: Any, message: str) -> None:
    """At the call, not at the first piece."""
    with pytest.raises(ValueError, match=message):
        make()


GRID = {"n_blocks": 32, "d_k": [4, 16, 64], "rho": [0.0, 0.5, 1.0], "margin": 0.1}


def test_true_moments_are_confirmed_at_planned_sizes() -> None:
    """For several seeds; with a slope of the mean for each ρ above 0 and none for ρ = 0."""
    for seed in range(3):
        found = verdicts(Aligned(**GRID), seed)
        assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}
        assert {name for name in found if "mean-slope" in name} == {"aligned-mean-slope-0.5", "aligned-mean-slope-1"}


@pytest.mark.parametrize(("rho", "excess"), [([0.0, 0.5, 1.0], 12.0), ([0.0, 0.5], 9.84), ([0.0], 6.0)])
def test_pairs_are_planned_for_ten_standard_errors_of_a_variance(rho: list[float], excess: float) -> None:
    """(2 + excess/d) / (n_blocks (margin/10)²) and one more, with the excess kurtosis of the widest ρ, by hand."""
    planned = {cell.d_k: cell.n_pairs for cell in Aligned(**{**GRID, "rho": rho}).cells()}
    assert planned == {d_k: math.ceil((2 + excess / d_k) / (32 * 0.01**2)) + 1 for d_k in (4, 16, 64)}


def test_a_block_is_the_mean_and_the_sample_variance_of_its_products() -> None:
    """With n - 1 below, which five pairs tell from n; for every ρ."""
    cell = AlignedCell(d_k=3, n_pairs=5, rho=(0.2, 0.5))
    (products,) = draw_aligned(np.random.default_rng(2), 3, 5, cell.rho)
    block = Aligned(**GRID).measure(cell, np.random.default_rng(2))
    assert block == pytest.approx(np.stack([products.mean(axis=1), products.var(axis=1, ddof=1)], axis=1), rel=1e-12)
    assert block[:, 1] != pytest.approx(products.var(axis=1), rel=0.1)


def test_the_frame_holds_each_moment_beside_its_own_law() -> None:
    """dρ, d(1 + ρ²) and its root at every d_k and ρ, beside estimates that are those of the blocks."""
    experiment = Aligned(**{**GRID, "n_blocks": 3})
    blocks = observed(experiment)
    frame = experiment.frame(blocks).set_index(["d_k", "rho", "quantity"])
    assert len(frame) == 3 * 3 * 3
    for cell, values in blocks.items():
        for i, rho in enumerate(cell.rho):
            mean, variance = cell.d_k * rho, cell.d_k * (1 + rho**2)
            expected = {
                "mean": (mean, values[:, i, 0].mean()),
                "variance": (variance, values[:, i, 1].mean()),
                "sd": (variance**0.5, np.sqrt(values[:, i, 1]).mean()),
            }
            for quantity, (exact, estimate) in expected.items():
                row = frame.loc[cell.d_k, rho, quantity]
                assert (row["prediction"], row["estimate"]) == pytest.approx((exact, estimate), rel=1e-12)


class Unaware(Aligned):
    """Pairs with ρ = 0.1, passed off as independent."""

    name: ClassVar[str] = "aligned"

    def measure(self, cell: Any, rng: np.random.Generator) -> np.ndarray:
        """As of a cell with another ρ."""
        return super().measure(type(cell)(cell.d_k, cell.n_pairs, (0.1,)), rng)


def test_a_slight_alignment_is_not_taken_for_independence() -> None:
    """ρ = 0.1 moves the mean by 0.1 √d_k standard deviations: refuted, at the largest d_k first."""
    found = verdicts(Unaware(**{**GRID, "rho": [0.0]}))
    assert found["aligned-mean-0"].verdict == Verdict.REFUTED
    assert found["aligned-mean-0"].place == "$d_k = 64$"
    assert found["aligned-sd-0"].verdict == Verdict.CONFIRMED  # 1 + ρ² is 1.01


def test_a_mean_too_near_to_zero_has_no_slope() -> None:
    """Its logarithm would be noise; nor is there a slope over a single d_k."""
    faint = verdicts(Aligned(**{**GRID, "rho": [0.01]}))
    assert set(faint) == {"aligned-mean-0.01", "aligned-sd-0.01", "aligned-sd-slope-0.01"}
    assert set(verdicts(Aligned(**{**GRID, "d_k": [4], "rho": [1.0]}))) == {"aligned-mean-1", "aligned-sd-1"}


def test_the_grid_of_correlations_must_rise() -> None:
    """As every grid must."""
    with pytest.raises(ValueError, match="the values must increase strictly"):
        Aligned(**{**GRID, "rho": [0.5, 0.5]})
