"""The general formula for the moments of q·k, by hand and against draws; laws of vectors whose components depend."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from judge import disagreements
from scaling import dot_product_moments
from scaling.entries import VectorLaw
from scaling.vectors import Neighbours, SharedSign

VECTOR_LAWS: dict[str, SharedSign | Neighbours] = {
    "shared sign": SharedSign(0.3),
    "one sign for all": SharedSign(1.0),
    "neighbours": Neighbours(),
}


def jointly_normal(d_k: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Some mean (2 d_k,) and covariance (2 d_k, 2 d_k) of q and k together."""
    rng = np.random.default_rng(seed)
    factor = rng.normal(size=(2 * d_k, 2 * d_k)) / d_k**0.5
    return rng.normal(size=2 * d_k), factor @ factor.T


def parts(mean: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean and covariance of q, those of k, and across."""
    d = len(mean) // 2
    return mean[:d], covariance[:d, :d], mean[d:], covariance[d:, d:], covariance[:d, d:]


def test_two_components_by_hand() -> None:
    """tr(Σ_q Σ_k) = 2·5 + 2·1·0.5 + 3·7, μ_qᵀ Σ_k μ_q and μ_kᵀ Σ_q μ_k written out."""
    mean_q, mean_k = [1.0, -1.0], [2.0, 0.5]
    sigma_q, sigma_k = [[2.0, 1.0], [1.0, 3.0]], [[5.0, 0.5], [0.5, 7.0]]
    found = dot_product_moments(mean_q, sigma_q, mean_k, sigma_k)
    assert found.mean == 2 - 0.5
    trace = 2 * 5 + 2 * 1 * 0.5 + 3 * 7
    assert found.variance == pytest.approx(trace + (5 - 2 * 0.5 + 7) + (4 * 2 + 2 * 2 * 0.5 * 1 + 0.25 * 3))


def test_one_normal_component_by_its_square() -> None:
    """q = k with one component: the moments of x², x normal with mean 3 and variance 4, from SciPy."""
    found = dot_product_moments([3.0], [[4.0]], [3.0], [[4.0]], cross=[[4.0]])
    mean, variance = stats.ncx2(1, 9 / 4, scale=4).stats("mv")
    assert found == pytest.approx((mean, variance))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_normal_vectors_by_a_quadratic_form(seed: int) -> None:
    """A second form: q·k = xᵀ B x of x = (q, k) has mean tr BΣ + μᵀBμ and variance 2 tr BΣBΣ + 4 μᵀBΣBμ."""
    mean, covariance = jointly_normal(5, seed)
    b = np.kron([[0, 0.5], [0.5, 0]], np.eye(5))
    expected = np.trace(b @ covariance) + mean @ b @ mean
    variance = 2 * np.trace(b @ covariance @ b @ covariance) + 4 * mean @ b @ covariance @ b @ mean
    assert dot_product_moments(*parts(mean, covariance)) == pytest.approx((expected, variance))
    q, sigma_q, k, sigma_k, _ = parts(mean, covariance)
    alone = dot_product_moments(q, sigma_q, k, sigma_k)
    assert alone == dot_product_moments(q, sigma_q, k, sigma_k, np.zeros((5, 5)))
    assert abs(alone.variance - variance) > 0.01 * variance


@pytest.mark.parametrize("is_dependent", [False, True])
def test_drawn_products_have_the_predicted_moments(is_dependent: bool) -> None:
    """Means and covariances picked at random: 60 blocks at the judge's level; a variance 5 % off is noticed."""
    mean, covariance = jointly_normal(4, 7)
    if not is_dependent:
        covariance[:4, 4:] = covariance[4:, :4] = 0
    exact = dot_product_moments(*parts(mean, covariance))
    rng = np.random.default_rng(8)
    rows = []
    for _ in range(60):
        x = rng.multivariate_normal(mean, covariance, 4000)
        products = np.vecdot(x[:, :4], x[:, 4:])
        rows.append([products.mean(), np.square(products - exact.mean).mean()])
    assert disagreements(rows, exact) == []
    assert disagreements(rows, [exact.mean, 1.05 * exact.variance]) == [1]


@pytest.mark.parametrize("name", VECTOR_LAWS)
@pytest.mark.parametrize("d_k", [1, 2, 5])
def test_vectors_have_the_covariance_that_their_law_states(name: str, d_k: int) -> None:
    """Every mean and every covariance, 60 blocks; vectors beside each other share nothing."""
    law = VECTOR_LAWS[name]
    rng = np.random.default_rng([5, d_k])
    rows = []
    for _ in range(60):
        x = law.sample_single(rng, (50, 40, d_k)).astype(np.float64)
        between = np.einsum("abi,abj->ij", x[:, 1:], x[:, :-1]) / (50 * 39)
        covariance = np.einsum("abi,abj->ij", x, x) / (50 * 40)
        rows.append(np.concatenate([x.mean(axis=(0, 1)), covariance.ravel(), between.ravel()]))
    exact = np.concatenate([np.zeros(d_k), law.covariance(d_k).ravel(), np.zeros(d_k**2)])
    assert disagreements(rows, exact) == []
    assert (law.mean, law.variance) == (0, 1)
    wrong = np.where(exact == 0, 0.1, 0.9 * exact)
    assert len(disagreements(rows, wrong)) == len(exact)


def test_vectors_come_in_single_precision_and_any_shape() -> None:
    """As samplers of products need them."""
    for law in VECTOR_LAWS.values():
        drawn: VectorLaw = law
        for shape in ((3,), (2, 3), (4, 2, 3)):
            x = drawn.sample_single(np.random.default_rng(1), shape)
            assert (x.shape, x.dtype) == (shape, np.float32)


@pytest.mark.parametrize("r", [0.0, 1.0])
def test_a_shared_sign_may_be_all_or_nothing(r: float) -> None:
    """Independent normal components, or the same sign in all of them."""
    x = SharedSign(r).sample_single(np.random.default_rng(1), (200, 3))
    assert (np.abs(x) == 1).all() == (r == 1)
    assert (x == x[:, :1]).all() == (r == 1)


@pytest.mark.parametrize("d_k", [1, 2, 7])
def test_eigenvalues_of_neighbours(d_k: int) -> None:
    """Those that LAPACK finds."""
    law = Neighbours()
    assert np.sort(law.eigenvalues(d_k)) == pytest.approx(np.linalg.eigvalsh(law.covariance(d_k)))


@pytest.mark.parametrize("fixed", ["mean", "variance"])
def test_moments_that_a_law_fixes_cannot_be_set(fixed: str) -> None:
    """A law whose draws would not follow the number takes no such argument."""
    for make in (lambda **more: SharedSign(0.3, **more), Neighbours):
        with pytest.raises(TypeError, match=f"unexpected keyword argument '{fixed}'"):
            make(**{fixed: 2.0})


ONE: Any = np.eye(2)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: dot_product_moments([[0.0]], ONE, [0, 0], ONE), r"mean_q must have the shape \(d_k,\); .*\(1, 1\)"),
        (lambda: dot_product_moments([], ONE, [0, 0], ONE), r"mean_q must have the shape \(d_k,\); received \(0,\)"),
        (lambda: dot_product_moments([0, 0], ONE, [0.0], ONE), "mean_k must have 2 entries like mean_q; received 1"),
        (lambda: dot_product_moments([0, 0], [1.0, 1.0], [0, 0], ONE), r"covariance_q must have the shape \(2, 2\); "),
        (lambda: dot_product_moments([0, 0], ONE, [0, 0], np.eye(3)), r"covariance_k must .*; received \(3, 3\)"),
        (lambda: dot_product_moments([0, 0], [[1, 2], [0, 1]], [0, 0], ONE), "covariance_q must be symmetric; rec"),
        (
            lambda: dot_product_moments([0, 0], ONE, [0, 0], [[1e-9, 1e-10], [1.000001e-10, 1e-9]]),
            "covariance_k must be symmetric; rec",
        ),
        (lambda: dot_product_moments([0, 0], ONE, [0, 0], ONE, [[1.0]]), r"cross must have the shape \(2, 2\); rec"),
        (lambda: dot_product_moments([0, np.nan], ONE, [0, 0], ONE), "mean_q must be finite real numbers"),
    ],
)
def test_what_are_no_moments_is_refused(make: Callable[[], object], message: str) -> None:
    """Shapes that do not fit, and covariances that are none."""
    with pytest.raises(ValueError, match=f"^dot_product_moments: {message}") as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("r", [-0.1, 1.1, np.nan, "0.1"])
def test_impossible_correlations_are_refused(r: Any) -> None:
    """A sign that all share correlates with r from 0 to 1."""
    with pytest.raises(ValueError, match=r"^SharedSign: r must be a number from 0 to 1; received "):
        SharedSign(r)
