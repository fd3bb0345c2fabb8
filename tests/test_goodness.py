"""The Anderson-Darling statistic: its definition, its exact means, and laws slightly wrong that it refuses."""

import re

import numpy as np
import pytest
from scipy import integrate, special

from judge import disagreements
from scaling.dot_product_law import MAX_D_K, dot_product_law
from scaling.goodness import NULL_MEAN, NULL_SD, anderson_darling, mean_against_normal

N_BLOCKS = 64
REPETITIONS = {1: 400, 2: 400, 10: 300, 1000: 50}  # in each block, by number of draws
SLIGHTLY_WRONG = {1: 1.25, 2: 1.2, 10: 1.15, 1000: 1.03}  # F = G^power
NORMAL_CASES = [(1, 20), (5, 200), (64, 2000)]  # d_k and number of draws


def of_uniform(draws: np.ndarray, power: float = 1.0) -> float:
    """A² of uniform draws against F(u) = u^power."""
    return anderson_darling(power * np.log(draws), np.log(-np.expm1(power * np.log(draws))))


def integral(draws: np.ndarray) -> float:
    """N ∫ (F_N(u) - u)² / (u (1 - u)) du over [0, 1], piece by piece between the draws."""
    edges = [0.0, *np.sort(draws), 1.0]
    n = len(draws)
    pieces = [
        # 0/0 at the ends is cancelled by hand, where F_N is 0 or 1
        integrate.quad(
            lambda u, level=i / n: (
                u / (1 - u) if level == 0 else (1 - u) / u if level == 1 else (level - u) ** 2 / (u * (1 - u))
            ),
            edges[i],
            edges[i + 1],
            epsabs=1e-13,
            epsrel=1e-12,
        )[0]
        for i in range(n + 1)
    ]
    return float(n * sum(pieces))


@pytest.mark.parametrize("n_draws", [1, 2, 5])
def test_equals_the_integral_that_defines_it(n_draws: int) -> None:
    """For ten sets of draws each, and one with draws far in both tails."""
    rng = np.random.default_rng(n_draws)
    sets = [*rng.uniform(size=(10, n_draws)), np.resize([1e-9, 1 - 1e-6], n_draws)]
    for draws in sets:
        assert of_uniform(draws) == pytest.approx(integral(draws), rel=1e-9)
        assert of_uniform(draws, 1.001) != pytest.approx(integral(draws), rel=1e-6), "the negative control"


def test_one_draw_has_a_closed_form() -> None:
    """N = 1: A² = -1 - ln F - ln(1 - F), smallest at the median: 2 ln 2 - 1."""
    assert of_uniform(np.array([0.5])) == pytest.approx(2 * np.log(2) - 1, rel=1e-14)
    assert anderson_darling([-700.0], [-1e-304]) == pytest.approx(699, rel=1e-14)


def simulated(n_draws: int, power: float) -> np.ndarray:
    """Block means of A² of uniform draws against u^power."""
    rng = np.random.default_rng([3, n_draws])
    uniform = rng.uniform(size=(N_BLOCKS, REPETITIONS[n_draws], n_draws))
    return np.array([np.mean([of_uniform(draws, power) for draws in block]) for block in uniform])


@pytest.mark.parametrize("n_draws", REPETITIONS)
def test_the_mean_is_one_for_every_number_of_draws(n_draws: int) -> None:
    """By simulation; the negative control, draws held against a slightly wrong law, is refused."""
    assert NULL_MEAN == 1
    assert disagreements(simulated(n_draws, 1.0), NULL_MEAN) == []
    assert disagreements(simulated(n_draws, SLIGHTLY_WRONG[n_draws]), NULL_MEAN) == [0]


def test_the_standard_deviation_is_that_of_many_draws() -> None:
    """At N = 300, Var A² = NULL_SD² + (10 - π²)/N by simulation; the judge refuses 1.3 times as much."""
    rng = np.random.default_rng(8)
    squares = [
        np.mean([(of_uniform(draws) - NULL_MEAN) ** 2 for draws in rng.uniform(size=(150, 300))])
        for _ in range(N_BLOCKS)
    ]
    variance = NULL_SD**2 + (10 - np.pi**2) / 300
    assert pytest.approx(0.761, abs=5e-4) == NULL_SD
    assert disagreements(squares, variance) == []
    assert disagreements(squares, 1.3 * variance) == [0]


@pytest.mark.parametrize(("d_k", "n_draws"), NORMAL_CASES[:2])
def test_the_mean_against_the_normal_law_is_that_of_direct_samples(d_k: int, n_draws: int) -> None:
    """A² of independent products held against N(0, d_k); the mean under the true law is refused."""
    rng = np.random.default_rng([4, d_k])
    blocks = []
    for _ in range(N_BLOCKS):
        products = np.vecdot(*rng.standard_normal((2, 60, n_draws, d_k))) / d_k**0.5
        values = [anderson_darling(special.log_ndtr(x), special.log_ndtr(-x)) for x in products]
        blocks.append(np.mean(values))
    assert disagreements(blocks, mean_against_normal(dot_product_law(d_k), n_draws)) == []
    assert disagreements(blocks, NULL_MEAN) == [0]


@pytest.mark.parametrize("n_draws", [1, 1000])
@pytest.mark.parametrize("d_k", [1, 5, 64])
def test_the_mean_against_the_normal_law_equals_an_adaptive_integral(d_k: int, n_draws: int) -> None:
    """∫ [G (1 - G) + N (G - F)²] / (F (1 - F)) dF with F normal, by scipy, from the law's own tails."""
    law = dot_product_law(d_k)

    def integrand(log_x: float) -> float:
        x = float(np.exp(log_x))
        below, above = float(law.cdf(x * d_k**0.5)), float(law.sf(x * d_k**0.5))
        normal_below, normal_above = float(special.ndtr(x)), float(special.ndtr(-x))
        density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        top = below * above + n_draws * (above - normal_above) ** 2
        return float(top * density * x / (normal_below * normal_above))

    half = integrate.quad(integrand, -30, np.log(37), limit=400, epsabs=0, epsrel=1e-10)[0]  # ln x resolves d_k = 1
    assert mean_against_normal(law, n_draws) == pytest.approx(2 * half, rel=1e-7)
    assert mean_against_normal(dot_product_law(d_k + 1), n_draws) != pytest.approx(2 * half, rel=1e-7)


def test_many_dimensions_are_normal() -> None:
    """At d_k = 10⁶ the mean against the normal law is 1 up to 10⁵ draws; N times a squared distance for few entries."""
    for n_draws in (1, 1000, 10**5):
        assert mean_against_normal(dot_product_law(MAX_D_K), n_draws) == pytest.approx(NULL_MEAN, abs=1e-7)
    one, two, three = (mean_against_normal(dot_product_law(5), n) for n in (1000, 2000, 3000))
    assert three - two == pytest.approx(two - one, rel=1e-10)
    assert one > 2


def test_the_order_of_the_draws_does_not_matter() -> None:
    """Bit by bit, with ties."""
    rng = np.random.default_rng(5)
    draws = np.repeat(rng.uniform(size=100), 2)
    values = {of_uniform(rng.permutation(draws)) for _ in range(20)}
    assert len(values) == 1


def test_the_order_does_not_matter_where_ln_f_rounds_to_zero() -> None:
    """Two draws so far up that ln F is 0 for both still differ in ln(1 - F)."""
    assert anderson_darling([0.0, 0.0], [-800.0, -1000.0]) == anderson_darling([0.0, 0.0], [-1000.0, -800.0])


@pytest.mark.parametrize(
    ("log_cdf", "log_sf", "message"),
    [
        ([], [], "received shapes (0,) and (0,)"),
        (-0.5, -0.9, "received shapes () and ()"),
        ([-0.5, -0.9], [-0.9], "received shapes (2,) and (1,)"),
        ([[-0.5]], [[-0.9]], "received shapes (1, 1) and (1, 1)"),
        ([-0.5], [[-0.9]], "received shapes (1,) and (1, 1)"),
        ([-0.5, np.nan], [-0.9, -0.9], "log_cdf must be finite real numbers; received nan"),
        ([-0.5, -0.5], [-0.9, -np.inf], "log_sf must be finite real numbers; received -inf"),
        ([-0.5j], [-0.9], "log_cdf must be finite real numbers"),
        ([-0.5], [True], "log_sf must be finite real numbers"),
        ([-0.5], "text", "log_sf must be finite real numbers"),
        (None, [-0.5], "log_cdf must be finite real numbers"),
        ([[-0.5], [-0.5, -0.9]], [-0.5], "log_cdf must be finite real numbers"),
    ],
)
def test_bad_arrays_get_one_clear_line(log_cdf: object, log_sf: object, message: str) -> None:
    """What was received is named, in one line."""
    with pytest.raises(ValueError, match=f"anderson_darling: .*{re.escape(message)}") as caught:
        anderson_darling(log_cdf, log_sf)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("n_draws", [1, 2, 10, 1000])
def test_the_mean_under_another_law_is_the_integral_of_the_docstring(n_draws: int) -> None:
    """G = u², F = u: ∫ [u (1 + u) + N u (1 - u)] du = 5/6 + N/6, so that a single draw cannot tell the two apart."""
    rng = np.random.default_rng([6, n_draws])
    roots = np.sqrt(rng.uniform(size=(N_BLOCKS, REPETITIONS[n_draws], n_draws)))
    blocks = [np.mean([of_uniform(draws) for draws in block]) for block in roots]
    assert disagreements(blocks, 5 / 6 + n_draws / 6) == []
    assert (disagreements(blocks, NULL_MEAN) == []) == (n_draws == 1)


@pytest.mark.parametrize("d_k", [64, 512, 4096])
def test_the_distance_to_the_normal_law_falls_as_one_over_d(d_k: int) -> None:
    """Asymptotic, error O(1/d): Edgeworth's G - F ≈ -(x³ - 3x) f/(4d) makes (E[A²] - 1)/N tend to 0.060339/d²."""

    def integrand(x: float) -> float:
        density = np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)
        return float(((x**3 - 3 * x) / 4) ** 2 * density**3 / (special.ndtr(x) * special.ndtr(-x)))

    constant = 2 * integrate.quad(integrand, 0, 20, epsabs=0, epsrel=1e-10)[0]
    assert constant == pytest.approx(0.060339, abs=5e-7)
    law, many = dot_product_law(d_k), 10**6
    per_draw = (mean_against_normal(law, 2 * many) - mean_against_normal(law, many)) / many
    assert per_draw * d_k**2 == pytest.approx(constant, rel=2 / d_k)


@pytest.mark.parametrize("n_draws", [0, -1, 2.5, True, np.nan, 10**400, "8", None, [1, 2]], ids=lambda n: str(n)[:9])
def test_a_bad_number_of_draws_gets_one_clear_line(n_draws: object) -> None:
    """A mean over no draws, or half a draw, is no mean."""
    with pytest.raises(ValueError, match=r"^mean_against_normal: n_draws .*received") as caught:
        mean_against_normal(dot_product_law(5), n_draws)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
