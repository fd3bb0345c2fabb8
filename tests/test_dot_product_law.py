"""The exact law of q·k: closed forms, its own moments and derivatives, many digits, far tails, and direct samples."""

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, special, stats

from scaling.dot_product_law import (
    DEBYE,
    FARTHEST,
    LARGE_ORDER,
    MAX_D_K,
    _log_density,
    _log_density_of_large_order,
    dot_product_law,
)

CLOSED = 1e-11  # relative error against closed forms and golden values: what the density promises
QUADRATURE = 1e-9  # relative error of the integrals used as references
DIFFERENCE = 1e-7  # relative error of a numerical derivative
KS_LEVEL = 1e-6  # probability of calling a true law wrong
GOLDEN = json.loads((Path(__file__).parent / "golden_laws.json").read_text())["dot_product_law"]
D_KS = [1, 2, 3, 5, 8, 30, 101, 102, 512, 16384, MAX_D_K]
FAR = np.array([0.0, 1e-300, 1e-12, 1.0, 30.0, 1e3, 1e5, 1e8, 1e9, 1.1e9, 1e12, 1e100, 1e154, 1e200, 1e300])

x_even = np.array([0.0, 1e-8, 0.1, 1.0, 5.0, 40.0, 300.0, 700.0])


@pytest.mark.parametrize(
    ("d_k", "density", "tail"),
    [
        (2, lambda x: 1 / 2, lambda x: 1 / 2),
        (4, lambda x: (1 + x) / 4, lambda x: (2 + x) / 4),
        (6, lambda x: (3 + 3 * x + x**2) / 16, lambda x: (8 + 5 * x + x**2) / 16),
    ],
    ids=["d=2", "d=4", "d=6"],
)
def test_even_dimensions_are_polynomials_times_an_exponential(
    d_k: int, density: Callable[[np.ndarray], np.ndarray], tail: Callable[[np.ndarray], np.ndarray]
) -> None:
    """d = 2 is Laplace's law and d = 4, 6 its convolutions; the tail keeps its digits down to e⁻⁷⁰⁰."""
    law = dot_product_law(d_k)
    decay = np.exp(-x_even)
    for sign in (1, -1):
        assert law.pdf(sign * x_even) == pytest.approx(density(x_even) * decay, rel=CLOSED, abs=0)
    assert law.sf(x_even) == pytest.approx(tail(x_even) * decay, rel=CLOSED, abs=0)
    assert law.cdf(-x_even) == pytest.approx(tail(x_even) * decay, rel=CLOSED, abs=0)


def test_one_dimension_is_the_product_of_two_normals() -> None:
    """d = 1: K_0(|x|)/π, infinite at 0."""
    law = dot_product_law(1)
    x = np.array([1e-300, 1e-5, 0.1, 1.0, 10.0, 600.0])
    assert law.pdf(x) == pytest.approx(special.k0(x) / np.pi, rel=CLOSED, abs=0)
    assert law.pdf(0.0) == law.logpdf(0.0) == np.inf


@pytest.mark.parametrize("point", GOLDEN, ids=lambda point: f"d={point['d_k']}, x={point['x']:g}")
def test_agrees_with_thirty_digits(point: dict[str, object]) -> None:
    """Density and tail in arbitrary precision (tools/golden_laws.py), on both sides of the change of method."""
    law = dot_product_law(point["d_k"])
    assert float(law.pdf(point["x"])) == pytest.approx(float(point["pdf"]), rel=CLOSED, abs=0)
    assert float(law.sf(point["x"])) == pytest.approx(float(point["sf"]), rel=CLOSED, abs=0)


def test_there_are_enough_golden_points() -> None:
    """At least eight, with the ends of the range and the neighbours of the change of method."""
    assert len(GOLDEN) >= 8
    assert {point["d_k"] for point in GOLDEN} >= {1, 101, 103, MAX_D_K}


@pytest.mark.parametrize("d_k", D_KS)
def test_moments_are_those_of_the_dot_product(d_k: int) -> None:
    """The density integrates to 1, its second moment is d and its fourth 3d² + 6d: excess kurtosis 6/d."""
    law = dot_product_law(d_k)
    unit = d_k**0.5

    def moment(power: int) -> float:
        # x = √d y³, whose factor y² takes away the logarithm at 0 of d = 1
        def integrand(y: float) -> float:
            return 0.0 if y == 0 else 2 * float(law.pdf(unit * y**3)) * unit * 3 * y**2 * y ** (3 * power)

        return integrate.quad(integrand, 0, 60 ** (1 / 3), points=[1.0, 2.0], epsabs=0, epsrel=1e-12, limit=200)[0]

    assert moment(0) == pytest.approx(1, rel=QUADRATURE)
    assert moment(2) * d_k == pytest.approx(d_k, rel=QUADRATURE)
    assert moment(4) * d_k**2 == pytest.approx(3 * d_k**2 + 6 * d_k, rel=QUADRATURE)
    assert (law.mean, law.variance, law.excess_kurtosis) == (0, d_k, pytest.approx(6 / d_k))


@pytest.mark.parametrize("d_k", D_KS)
def test_the_density_is_the_derivative_of_the_distribution(d_k: int) -> None:
    """A five-point difference of the tail gives the density, in the centre and far out."""
    law = dot_product_law(d_k)
    x = np.array([0.3, 1.0, 2.5, 6.0, 12.0]) * d_k**0.5
    h = 2e-3 * min(1.0, d_k**0.5) * np.maximum(0.5, np.minimum(x / d_k**0.5, 1)) * max(1.0, d_k**0.5 / 15)
    slope = (8 * (law.sf(x - h) - law.sf(x + h)) - (law.sf(x - 2 * h) - law.sf(x + 2 * h))) / (12 * h)
    assert slope == pytest.approx(law.pdf(x), rel=DIFFERENCE, abs=0)


@pytest.mark.parametrize("d_k", D_KS)
def test_both_tails_are_one(d_k: int) -> None:
    """cdf(-x) = sf(x) exactly, cdf + sf = 1 to rounding, sf falls from 1 to 0 through 1/2 at 0, pdf is even."""
    law = dot_product_law(d_k)
    x = np.linspace(-9, 9, 61) * d_k**0.5
    assert np.array_equal(law.cdf(-x), law.sf(x))
    assert law.cdf(x) + law.sf(x) == pytest.approx(1, rel=0, abs=1e-12)
    assert np.all(np.diff(law.sf(x)) <= 0)
    assert np.all(np.diff(law.sf(x[x > -5 * d_k**0.5])) < 0)  # further left the steps are below rounding
    assert float(law.sf(0.0)) == pytest.approx(0.5, rel=1e-12)
    assert np.array_equal(law.pdf(x), law.pdf(-x))
    assert law.sf(x.reshape(61, 1)).shape == law.pdf(x.reshape(61, 1)).shape == (61, 1)


@pytest.mark.parametrize("d_k", [1, 2, 3, 5, 30, 50, 100, 101, 102, 103, 1000, 16384, MAX_D_K])
def test_far_tails_are_finite_numbers_without_warnings(d_k: int) -> None:
    """No nan, no warning (they are errors here) up to 10³⁰⁰, and the logarithm goes on where the density is 0.

    ln f → -|x|: at 10⁹ and beyond the rest is ν ln|x| and a constant, at most 10⁻³ of |x| for every d ≤ 1000.
    """
    law = dot_product_law(d_k)
    for x in (FAR, -FAR):
        values = {name: getattr(law, name)(x) for name in ("logpdf", "pdf", "sf", "cdf")}
        assert not any(np.isnan(v).any() for v in values.values())
        finite = np.isfinite(values["logpdf"])
        assert np.all(finite | ((x == 0) & (d_k == 1))), x[~finite]
        falls = values["logpdf"][2:] - values["logpdf"][1:-1]
        assert np.all(falls <= 1e-12 * (1 + np.abs(values["logpdf"][1:-1])))  # but for rounding
        assert np.all((values["sf"] >= 0) & (values["sf"] <= 1) & (values["cdf"] >= 0) & (values["cdf"] <= 1))
        far = np.abs(x) >= 1e9
        assert np.all(values["pdf"][far] == 0)
        if d_k <= 1000:
            assert values["logpdf"][far] == pytest.approx(-np.abs(x[far]), rel=1e-3)


@pytest.mark.parametrize("d_k", [1, 2, 7, 100, 101])
def test_the_logarithm_of_the_density_runs_on_smoothly_in_the_far_tail(d_k: int) -> None:
    """ln f + |x| - (ν - 1/2) ln|x| tends to a constant, -ln(2^(ν+1/2) Γ(ν + 1/2)); its next term is (4ν² - 1)/(8|x|).

    Tolerance: twice that term, and the rounding of |x| itself.
    """
    nu = (d_k - 1) / 2
    x = np.array([1e6, 1e8, 1e9, 1.05e9, 1.1e9, 1e10, 1e12])
    constant = -(nu + 0.5) * np.log(2) - special.gammaln(nu + 0.5)
    left = dot_product_law(d_k).logpdf(x) + x - (nu - 0.5) * np.log(x) - constant
    allowed = np.abs(4 * nu**2 - 1) / (4 * x) + 4 * np.finfo(float).eps * (x + nu * np.log(x) + abs(constant))
    assert np.all(np.abs(left) <= allowed)


def test_the_expansion_in_the_far_tail_is_that_of_the_uniform_one() -> None:
    """Beyond 10⁹, ν = 50, where its last term is 10⁻⁶: within 3e-7, the rounding of x itself."""
    z = np.array([1.0000001e9, 1.1e9, 2e9])
    assert _log_density(50.0, z) == pytest.approx(_log_density_of_large_order(50.0, z), rel=0, abs=4e-7)


def test_the_expansion_at_zero_is_that_of_the_gamma_functions() -> None:
    """f(0) = Γ(ν)/(2 √π Γ(ν + 1/2)), right after the change of method: to 3e-13 of it, the rounding of ln Γ."""
    nu = np.array([50.5, 60.0, 80.0])
    exact = special.gammaln(nu) - special.gammaln(nu + 0.5) - 0.5 * np.log(4 * np.pi)
    found = [float(_log_density_of_large_order(one, np.array(0.0))) for one in nu]
    assert found == pytest.approx(exact, rel=0, abs=3e-13)


def test_the_expansions_polynomials_are_the_published_ones() -> None:
    """u_0 … u_4 as DLMF 10.41.10 and Abramowitz and Stegun 9.3.9 print them, to the last digit; u_k has k + 1 terms."""
    printed = [
        ([1], 1),
        ([3, -5], 24),
        ([81, -462, 385], 1152),
        ([30375, -369603, 765765, -425425], 414720),
        ([4465125, -94121676, 349922430, -446185740, 185910725], 39813120),
    ]
    for found, (numerators, denominator) in zip(DEBYE, printed, strict=False):
        assert np.array_equal(found[::-1], np.array(numerators) / denominator)
    assert [len(of_p2) for of_p2 in DEBYE] == [1, 2, 3, 4, 5, 6, 7]


def test_neighbouring_methods_agree_where_they_meet() -> None:
    """Across d = 101 and 102, where the density's method changes, ln f is smooth in d: its differences are small.

    The seventh difference over eight neighbouring d, four computed by either method, magnifies a jump 20 times. It
    must be that of eight d computed by one method alone, on either side.
    """
    assert (101 - 1) / 2 <= LARGE_ORDER < (102 - 1) / 2

    def seventh_difference(middle: int, jump: float = 0.0) -> np.ndarray:
        x = np.array([0.0, 0.5, 3.0, 10.0, 40.0, 90.0])
        values = [dot_product_law(d).logpdf(x) + jump * (d > 101) for d in range(middle - 3, middle + 5)]
        return np.diff(values, 7, axis=0)[0]

    expected = (seventh_difference(93) + seventh_difference(109)) / 2
    allowed = np.abs(expected) + 2000 * 1e-13  # 1e-13: rounding of ln f, magnified
    assert np.all(np.abs(seventh_difference(101) - expected) <= allowed)
    assert np.all(np.abs(seventh_difference(101, jump=10 * CLOSED) - expected) > allowed), "a jump must show"


@pytest.mark.parametrize("d_k", [8, 64, 512, 4096, 10**5])
def test_distance_to_the_normal_law_falls_as_one_over_d(d_k: int) -> None:
    """Asymptotic, error O(1/d²): Edgeworth's F - Φ ≈ -(κ/24)(x³ - 3x) f(x), κ = 6/d, f the normal density.

    |x³ - 3x| f is largest at x² = 3 - √6, so the distance is 0.13765/d.
    """
    x = (3 - 6**0.5) ** 0.5
    constant = 6 / 24 * abs(x**3 - 3 * x) * stats.norm.pdf(x)
    assert constant == pytest.approx(0.13765, abs=5e-6)
    distance = dot_product_law(d_k).distance_to_normal()
    assert distance * d_k == pytest.approx(constant, rel=2 / d_k + 1e-6)  # 1e-6: the grid of x


@pytest.mark.parametrize("d_k", [1, 5, 64])
def test_direct_samples_follow_the_law(d_k: int) -> None:
    """Kolmogorov and Smirnov accept independent products q·k; they refuse N(0, d), the negative control, at 1 and 5."""
    rng = np.random.default_rng(20 + d_k)
    products = np.vecdot(*rng.standard_normal((2, 20_000, d_k)))
    assert stats.kstest(products, dot_product_law(d_k).cdf).pvalue > KS_LEVEL
    assert stats.kstest(1.25 * products[:8000], dot_product_law(d_k).cdf).pvalue < KS_LEVEL
    if d_k <= 5:
        assert stats.kstest(products, stats.norm(scale=d_k**0.5).cdf).pvalue < KS_LEVEL


@pytest.mark.parametrize("d_k", [0, -1, MAX_D_K + 1, 2.5, True, np.True_, np.nan, np.inf])
def test_values_out_of_range_get_one_clear_line(d_k: object) -> None:
    """The refused value is named, in one line."""
    with pytest.raises(ValueError, match=r"d_k must be a whole number .*received") as caught:
        dot_product_law(d_k)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
    assert repr(d_k) in str(caught.value)


LOG_TAILS = 1e-6  # absolute error, as promised


@pytest.mark.parametrize("d_k", [1, 2, 5, 64, MAX_D_K])
def test_log_tails_are_the_logarithms_of_both_tails(d_k: int) -> None:
    """Up to 37 standard deviations on either side, between the knots; the tails of d_k + 1 are refused to d_k = 64."""
    half = np.geomspace(1e-9, FARTHEST, 5000) * d_k**0.5
    x = np.concatenate([-half[::-1], [0.0], half])
    law = dot_product_law(d_k)
    below, above = law.log_tails(x)
    short = np.log(law.sf(half))
    long = np.log1p(-law.sf(half))
    assert below == pytest.approx(np.concatenate([short[::-1], [-np.log(2)], long]), rel=0, abs=LOG_TAILS)
    assert above == pytest.approx(np.concatenate([long[::-1], [-np.log(2)], short]), rel=0, abs=LOG_TAILS)
    assert np.log(law.cdf(x[:5000])) == pytest.approx(short[::-1], rel=1e-14)
    if d_k <= 64:
        other = np.log(dot_product_law(d_k + 1).sf(half))
        assert above[5001:] != pytest.approx(other, rel=0, abs=LOG_TAILS), "the negative control"


@pytest.mark.parametrize("d_k", [1, 2, 5, 64, MAX_D_K])
def test_log_tails_are_finite_and_constant_far_out(d_k: int) -> None:
    """From 37 standard deviations to infinity, on both sides, the values are those at 37; the long tail is not 0."""
    law = dot_product_law(d_k)
    edge = FARTHEST * d_k**0.5
    far = np.array([edge, np.nextafter(edge, np.inf), 2 * edge, 1e100, 1e300, np.inf])
    below, above = law.log_tails(far)
    assert np.all(np.isfinite([below, above]))
    assert np.all(above == above[0])
    assert np.all(below == below[0])
    assert above[0] == pytest.approx(float(np.log(law.sf(edge))), rel=0, abs=LOG_TAILS)
    assert below[0] == pytest.approx(-np.exp(above[0]), rel=1e-12, abs=0)
    assert np.array_equal(law.log_tails(-far), (above, below))


@pytest.mark.parametrize("d_k", [1, 2, 5, 64, MAX_D_K])
def test_log_tails_at_zero_are_both_a_half(d_k: int) -> None:
    """ln(1/2), for a number and for -0.0 too; both fields have the shape of x."""
    for zero in (0.0, -0.0, [[0.0, -0.0]]):
        below, above = dot_product_law(d_k).log_tails(zero)
        assert below.shape == above.shape == np.shape(zero)
        assert below == pytest.approx(np.full(np.shape(zero), -np.log(2)), rel=1e-11)
        assert above == pytest.approx(np.full(np.shape(zero), -np.log(2)), rel=1e-11)


@pytest.mark.parametrize("d_k", [1, 5, MAX_D_K])
def test_log_tails_of_either_sign_mirror_each_other_and_never_turn(d_k: int) -> None:
    """ln F(-x) = ln(1 - F(x)) bit by bit, F never falls, and both tails add to 1."""
    half = np.linspace(0, 40, 4001) * d_k**0.5
    x = np.concatenate([-half[:0:-1], half])
    below, above = dot_product_law(d_k).log_tails(x)
    assert np.array_equal(below, above[::-1])
    assert np.all(np.diff(below) >= 0)
    assert np.exp(below) + np.exp(above) == pytest.approx(np.ones(x.size), rel=1e-14)
