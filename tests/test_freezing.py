"""The limit of many keys: its numbers, and the exact laws that tend to it."""

from collections.abc import Callable

import numpy as np
import pytest

from scaling.attention_law import attention_law
from scaling.freezing import (
    REMAINING_SHARE,
    REMAINING_SHARE_BY_SQUARES,
    freezing_d_k,
    freezing_sigma,
    limit_of_entropy,
    limit_of_sum_p2,
)
from scaling.softmax_law import softmax_law

RATIOS = np.linspace(0.02, 3, 75)  # σ/σ_c; the gap is widest at 1, which is among them up to 0.01
N_KEYS = [10**3, 10**6, 10**12]


@pytest.fixture(scope="module")
def curves() -> dict[int, tuple[np.ndarray, np.ndarray]]:
    """E[H]/ln n and E[Σp²] over RATIOS, for every n."""
    laws = {n: softmax_law(freezing_sigma(n) * RATIOS, n) for n in N_KEYS}
    return {n: (law.entropy / np.log(n), law.sum_p2) for n, law in laws.items()}


def test_freezing_dimensions_are_those_of_the_lecture_and_of_long_contexts() -> None:
    """2 ln 50 = 7.8 and 2 ln 1024 = 13.9, and σ_c is their root."""
    assert freezing_d_k(50) == pytest.approx(7.824046, abs=1e-6)
    assert freezing_d_k(1024) == pytest.approx(13.862944, abs=1e-6)
    for n_keys in (2, 50, 1024, 10**12):
        assert freezing_sigma(n_keys) ** 2 == pytest.approx(2 * np.log(n_keys), rel=1e-14)


def test_the_entropy_tends_to_its_limit(curves: dict[int, tuple[np.ndarray, np.ndarray]]) -> None:
    """The largest gap in E[H]/ln n shrinks from n to n; at 10¹² it is 0.21, near σ_c, and below 0.01 far from it."""
    gaps = [np.abs(curves[n][0] - limit_of_entropy(freezing_sigma(n) * RATIOS, n) / np.log(n)) for n in N_KEYS]
    assert np.all(np.diff([gap.max() for gap in gaps]) < -0.05)
    assert gaps[-1].max() < 0.21
    assert gaps[-1][RATIOS < 0.6].max() < 0.01


def test_the_sum_of_squares_tends_to_its_limit(curves: dict[int, tuple[np.ndarray, np.ndarray]]) -> None:
    """The largest gap in E[Σp²] shrinks from n to n; at 10¹² it is 0.12, near σ_c, and below 0.001 far from it."""
    gaps = [np.abs(curves[n][1] - limit_of_sum_p2(freezing_sigma(n) * RATIOS, n)) for n in N_KEYS]
    assert np.all(np.diff([gap.max() for gap in gaps]) < -0.04)
    assert gaps[-1].max() < 0.12
    assert gaps[-1][RATIOS < 0.6].max() < 0.001


@pytest.mark.parametrize("factor", [0.75, 1.3])
def test_another_freezing_point_is_refused(curves: dict[int, tuple[np.ndarray, np.ndarray]], factor: float) -> None:
    """The negative control: with σ_c off by a third, a gap beyond the sizes above stays at n = 10¹²."""
    n, sigma = 10**12, freezing_sigma(10**12) * RATIOS / factor
    below, above = RATIOS < 0.6, RATIOS > 1.5
    entropy, sum_p2 = curves[n]
    assert np.abs(entropy - limit_of_entropy(sigma, n) / np.log(n))[below].max() > 0.1
    assert np.abs(sum_p2 - limit_of_sum_p2(sigma, n))[above].max() > 0.12


def test_limits_meet_at_the_freezing_point() -> None:
    """ln n at σ = 0, 3/4 of it at σ_c/2, 0 from σ_c on; Σp² is 0 up to σ_c and 1/2 at twice σ_c."""
    sigma = freezing_sigma(1000) * np.array([[0.0, 0.5], [1.0, 2.0]])
    assert limit_of_entropy(sigma, 1000) / np.log(1000) == pytest.approx(np.array([[1, 0.75], [0, 0]]), abs=1e-14)
    assert limit_of_sum_p2(sigma, 1000) == pytest.approx(np.array([[0, 0], [0, 0.5]]), abs=1e-14)


@pytest.mark.parametrize("d_k", [1, 4, 64])
def test_scaled_attention_keeps_the_same_share_of_keys_at_every_dimension(d_k: int) -> None:
    """E[H] - ln n → -1/2 for scores of mean variance 1: exp(H)/n is 60.65 % at n = 10¹², to the law's precision."""
    entropy = float(attention_law(d_k, 10**12, d_k**-0.5).entropy)
    assert entropy - np.log(10**12) == pytest.approx(-0.5, abs=3e-6)  # 1e-7 of ln 10¹²
    assert np.exp(entropy) / 10**12 == pytest.approx(REMAINING_SHARE, rel=3e-6)
    assert pytest.approx(0.6065, abs=5e-5) == REMAINING_SHARE


def test_by_squares_the_share_is_that_of_variance_one_alone() -> None:
    """1/(n Σp²) → 1/e at σ = 1; averaged over queries, n E[Σp²] → (1 - 2/d_k)^(-d_k/2) instead, 4 at d_k = 4."""
    n = 10**12
    assert 1 / (n * float(softmax_law(1.0, n).sum_p2)) == pytest.approx(REMAINING_SHARE_BY_SQUARES, rel=1e-9)
    assert pytest.approx(0.3679, abs=5e-5) == REMAINING_SHARE_BY_SQUARES
    for d_k in (4, 64):
        averaged = n * float(attention_law(d_k, n, d_k**-0.5).sum_p2)
        assert averaged == pytest.approx((1 - 2 / d_k) ** (-d_k / 2), rel=1e-5)
        assert averaged * REMAINING_SHARE_BY_SQUARES != pytest.approx(1, rel=0.01)


def test_one_key_is_always_frozen() -> None:
    """n = 1: σ_c = 0, no entropy and all weight on the key, as in the exact law."""
    sigma = np.array([0.001, 1.0, 50.0])
    assert freezing_sigma(1) == freezing_d_k(1) == 0
    assert np.array_equal(limit_of_entropy(sigma, 1), softmax_law(sigma, 1).entropy)
    assert np.array_equal(limit_of_sum_p2(sigma, 1), softmax_law(sigma, 1).sum_p2)
    assert float(limit_of_entropy(0.0, 1)) == 0
    assert float(limit_of_sum_p2(0.0, 1)) == 1


@pytest.mark.parametrize("n_keys", [0, -3, 10**12 + 1, 2.5, True, np.nan, np.inf])
@pytest.mark.parametrize(
    "function",
    [freezing_sigma, freezing_d_k, lambda n: limit_of_entropy(1.0, n), lambda n: limit_of_sum_p2(1.0, n)],
    ids=["sigma", "d_k", "entropy", "sum_p2"],
)
def test_a_bad_number_of_keys_gets_one_clear_line(function: Callable[[object], object], n_keys: object) -> None:
    """The refused value is named, in one line."""
    with pytest.raises(ValueError, match=r"freezing_d_k: n_keys must be .*received") as caught:
        function(n_keys)
    assert "\n" not in str(caught.value)
    assert repr(n_keys) in str(caught.value)


def test_the_largest_sigmas_have_limits_too() -> None:
    """No overflow: no entropy, and all weight on one key."""
    for sigma in (1e200, 1e308):
        assert float(limit_of_entropy(sigma, 50)) == 0
        assert float(limit_of_sum_p2(sigma, 50)) == pytest.approx(1, abs=1e-15)


@pytest.mark.parametrize("function", [limit_of_entropy, limit_of_sum_p2])
def test_the_sigma_that_is_negative_is_named(function: Callable[[object, int], object]) -> None:
    """Not the first of the list, nor a 0, which is allowed."""
    with pytest.raises(ValueError, match=r"sigma must be at least 0; received -1\.5$"):
        function([0.5, 0.0, -1.5], 8)


@pytest.mark.parametrize(
    "sigma", [np.nan, [1.0, np.nan], -1.0, "1", None, 1j, True, [1.0, [2.0]], np.ma.array([1.0], mask=[True])], ids=str
)
@pytest.mark.parametrize("function", [limit_of_entropy, limit_of_sum_p2])
def test_a_sigma_that_is_none_gets_one_clear_line(function: Callable[[object, int], object], sigma: object) -> None:
    """A standard deviation is a real number from 0; the function says its own name."""
    with pytest.raises(ValueError, match=rf"^{function.__name__}: sigma .*received") as caught:
        function(sigma, 50)
    assert "\n" not in str(caught.value)
