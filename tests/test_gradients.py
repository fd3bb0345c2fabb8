"""Gradients of a softmax row: against differences of the loss, many digits, direct sampling and exact means."""

from decimal import Decimal, localcontext
from typing import Any

import numpy as np
import pytest
from numpy.polynomial.hermite_e import hermegauss
from scipy import integrate

import scaling.gradients
from judge import disagreements
from scaling import attention_law, chained_gradients, row_observables, softmax_law
from scaling.gradients import GradientNorms, GradientRows, draw_gradient_rows, gradient_norms, score_gradient

SIZES = (0.3, 1.0, 3.0, 10.0, 30.0)  # of q: from rows that are nearly even to rows of which one key has all


def loss(scores: np.ndarray, u: np.ndarray) -> Any:
    """u·softmax(scores), as u_t + Σ p_j (u_j - u_t), t the largest key: nothing cancels when the row is saturated."""
    top = int(np.argmax(scores.real))
    e = np.exp(scores - scores[top])
    e[top] = 0
    return u[top] + e @ (u - u[top]) / (1 + e.sum())


def differentiated(of: Any, at: np.ndarray) -> np.ndarray:
    """The derivatives of a real function by complex steps: exact but for rounding, since nothing is subtracted."""
    return np.array([of(at + 1e-40j * unit).imag / 1e-40 for unit in np.eye(len(at))])


def row(rng: np.random.Generator, size: float, d_k: int = 6, n_keys: int = 5) -> tuple[np.ndarray, ...]:
    """A query of that size, its keys and an upstream gradient."""
    return size * rng.standard_normal(d_k), rng.standard_normal((n_keys, d_k)), rng.standard_normal(n_keys)


def wrong_gradients(found: Any, q: np.ndarray, keys: np.ndarray, u: np.ndarray, c: float) -> list[str]:
    """Which of a row's gradients are off by 1e-8 of their largest entry."""
    exact = {
        "scores": differentiated(lambda s: loss(s, u), c * keys @ q),
        "dot_products": differentiated(lambda products: loss(c * products, u), keys @ q),
        "query": differentiated(lambda x: loss(c * keys @ x, u), q),
    }
    return [
        name
        for name, value in exact.items()
        if not np.allclose(getattr(found, name), value, 0, 1e-8 * abs(value).max())
    ]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("c", [1.0, 6**-0.5, -0.5])
def test_gradients_are_the_losss_derivatives(size: float, c: float) -> None:
    """To 1e-8 of each gradient's size, be it 1 or 1e-30; the check finds a factor and a sign that are missing."""
    rng = np.random.default_rng(1)
    for _ in range(5):
        q, keys, u = row(rng, size)
        found = chained_gradients(q, keys, u, c)
        assert wrong_gradients(found, q, keys, u, c) == []
        assert wrong_gradients(chained_gradients(q, keys, -u, c), q, keys, u, c) == ["scores", "dot_products", "query"]
        if c != 1:
            slip = scaling.gradients.ChainedGradients(found.scores, found.scores, found.scores @ keys)
            assert wrong_gradients(slip, q, keys, u, c) == ["dot_products", "query"]


def test_gradients_are_central_differences_too() -> None:
    """A second oracle, on a row in which they have digits enough."""
    q, keys, u = row(np.random.default_rng(2), 1.0)
    step = 1e-5
    found = chained_gradients(q, keys, u, 0.7).query
    moved = [[loss(0.7 * keys @ (q + sign * step * unit), u) for sign in (1, -1)] for unit in np.eye(6)]
    assert found == pytest.approx(
        np.array([(up - down) / (2 * step) for up, down in moved]), abs=1e-8 * abs(found).max()
    )


@pytest.mark.parametrize("scores", [[0, -1, -2], [0, -40, -41], [90, 0, 3, 3], [5, 5, 5], [0, -300, -301], [7]])
def test_score_gradient_keeps_its_digits(scores: list[int]) -> None:
    """Every entry of J u, by its definition in 600 digits: to 1e-14, even where 1 - p is 10⁻¹³⁰."""
    u = [3, -1, 2, 5][: len(scores)]
    with localcontext() as context:
        context.prec = 600
        powers = [Decimal(score).exp() for score in scores]
        p = [power / sum(powers) for power in powers]
        mean = sum(x * y for x, y in zip(p, u, strict=True))
        exact = [float(x * (y - mean)) for x, y in zip(p, u, strict=True)]
    assert score_gradient(scores, u) == pytest.approx(np.array(exact), rel=1e-14, abs=0)


def test_stacks_of_rows_are_rows() -> None:
    """Many at once, broadcast against each other, are the same numbers as one by one."""
    rng = np.random.default_rng(3)
    q, keys, u = rng.standard_normal((4, 1, 6)), rng.standard_normal((3, 5, 6)), rng.standard_normal((4, 3, 5))
    found = chained_gradients(q, keys, u, 0.5)
    assert (found.scores.shape, found.query.shape) == ((4, 3, 5), (4, 3, 6))
    one = chained_gradients(q[2, 0], keys[1], u[2, 1], 0.5)
    for name in ("scores", "dot_products", "query"):
        assert getattr(found, name)[2, 1] == pytest.approx(getattr(one, name), rel=1e-12)
    assert score_gradient(np.ones((0, 3)), np.ones(3)).shape == (0, 3)


def by_definition(q: np.ndarray, keys: np.ndarray, u: np.ndarray, c: float) -> tuple[GradientRows, GradientNorms]:
    """Rows q (n_rows, d_k), keys (n_rows, n_keys, d_k) with their norms, and what the radial law takes them for."""
    gradients = chained_gradients(q, keys, u, c)
    lengths = np.linalg.norm(q, axis=1)
    z = np.vecdot(keys, q[:, None]) / lengths[:, None]
    along = np.vecdot(gradients.query, q) / lengths  # c zᵀ J u
    size = np.square(gradients.scores).sum(axis=1)
    total = np.square(gradients.query).sum(axis=1)
    observables = row_observables(c * lengths[:, None] * z)
    rows = GradientRows(lengths, z, u, (total - along**2) / (c**2 * size))
    return rows, GradientNorms(observables.jacobian_trace[0], observables.jacobian_norm2[0], size, total)


@pytest.mark.parametrize("size", SIZES)
def test_norms_are_those_of_the_gradients(size: float) -> None:
    """Whatever lies across the query is handed over as its length: all four norms of rows with keys of their own."""
    rng = np.random.default_rng(4)
    q, keys, u = size * rng.standard_normal((40, 6)), rng.standard_normal((40, 7, 6)), rng.standard_normal((40, 7))
    rows, exact = by_definition(q, keys, u, 0.6)
    found = gradient_norms(rows, 0.6)
    for name in vars(exact):
        assert getattr(found, name)[0] == pytest.approx(getattr(exact, name), rel=1e-9, abs=0), name


def test_single_precision_and_pieces_do_not_show(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows in float32 give norms to 1e-5 of the mean, at both factors; rows looked at in pieces give the same."""
    (single,) = draw_gradient_rows(np.random.default_rng(5), 64, 500, 40)
    double = GradientRows(single.lengths, single.z.astype(float), single.upstream.astype(float), single.across)
    found, exact = gradient_norms(single, [1, 1 / 8]), gradient_norms(double, [1, 1 / 8])
    assert single.z.dtype == single.upstream.dtype == np.float32
    for name in vars(exact):
        value = getattr(exact, name)
        assert np.all(abs(getattr(found, name) - value) <= 1e-5 * (value + 1e-3 * value.mean(axis=1)[:, None])), name
    monkeypatch.setattr(scaling.gradients, "CHUNK", 150)  # three rows
    pieces = gradient_norms(double, [1, 1 / 8])
    for name in vars(exact):
        assert getattr(pieces, name) == pytest.approx(getattr(exact, name), rel=1e-13), name


def test_enormous_scores_have_no_gradient_and_no_nan() -> None:
    """One key has all: every norm is nearly 0; a factor of 0 makes the weights even."""
    (rows,) = draw_gradient_rows(np.random.default_rng(6), 10**6, 50, 9)
    found = gradient_norms(rows, [0.0, 1.0, 1e30])
    for name in vars(found):
        assert np.all(np.isfinite(getattr(found, name)))
    assert found.jacobian_trace[0] == pytest.approx(1 - 1 / 9)
    assert found.query_norm2[0].tolist() == [0] * 50
    assert found.scores_norm2[2].max() < 1e-30


def statistics(norm2: np.ndarray) -> list[float]:
    """Of one block: what a mean, a typical row and a tail would tell."""
    return [np.sqrt(norm2).mean(), np.log(norm2).mean(), np.log(norm2).std(), (norm2 > 0.5).mean()]


@pytest.mark.parametrize(("d_k", "n_keys"), [(1, 3), (2, 5), (7, 4)])
def test_the_radial_law_is_that_of_drawn_queries_and_keys(d_k: int, n_keys: int) -> None:
    """Block by block against entries drawn one by one, at the judge's level; one dimension more is found out."""
    rng = np.random.default_rng(7)
    direct, radial, other = [], [], []
    for _ in range(48):
        shapes = ((3000, d_k), (3000, n_keys, d_k), (3000, n_keys))
        query = chained_gradients(*(rng.standard_normal(shape) for shape in shapes), 0.8).query
        direct.append(statistics(np.square(query).sum(axis=1)))
        for blocks, dimension in ((radial, d_k), (other, d_k + 1)):
            (rows,) = draw_gradient_rows(rng, dimension, 3000, n_keys)
            blocks.append(statistics(gradient_norms(rows, 0.8).query_norm2[0]))
    assert disagreements(np.array(direct) - radial, 0.0) == []
    assert len(disagreements(np.array(direct) - other, 0.0)) >= 3


@pytest.mark.parametrize(("d_k", "n_keys"), [(1, 4), (3, 2), (16, 50), (100, 8)])
def test_exact_means_are_those_of_drawn_rows(d_k: int, n_keys: int) -> None:
    """Means of ‖∂L/∂s‖² and ‖∂L/∂q‖², raw and scaled, over 64 blocks; means a tenth larger are found out."""
    rng = np.random.default_rng(8)
    factors = np.array([1, d_k**-0.5])
    blocks = []
    for _ in range(64):
        (rows,) = draw_gradient_rows(rng, d_k, 3000, n_keys)
        norms = gradient_norms(rows, factors)
        blocks.append([norms.scores_norm2.mean(axis=1), norms.query_norm2.mean(axis=1)])
    law = attention_law(d_k, n_keys, factors)
    exact = np.array([law.jacobian_norm2, law.query_gradient_norm2])
    assert disagreements(blocks, exact) == []
    assert disagreements(blocks, 1.1 * exact) == [0, 1, 2, 3]


@pytest.mark.parametrize("sigma", [1e-3, 0.01, 0.1, 0.39, 0.41, 1.0, 3.0, 10.0, 44.0, 46.0, 200.0, 1e4])
def test_two_keys_are_a_one_dimensional_integral(sigma: float) -> None:
    """At n = 2 ‖J x‖² is 2 (p r g)² of the difference g ~ N(0, 2), r = 1 - p: to 1e-10 at every σ."""

    def integrand(g: float) -> float:
        return 4 * (g / (2 + 2 * np.cosh(sigma * g))) ** 2 * np.exp(-(g**2) / 4) / np.sqrt(4 * np.pi)

    end = min(30.0, 300 / sigma)
    exact = integrate.quad(integrand, 0, end, epsabs=0, epsrel=1e-12, limit=400, points=[end / 100, end / 10])[0]
    assert softmax_law(sigma, 2).jacobian_x_norm2 == pytest.approx(exact, rel=1e-10)


@pytest.mark.parametrize("sigma", [0.2, 0.39, 0.41, 1.0])
@pytest.mark.parametrize("n_keys", [3, 4])
def test_few_keys_are_a_sum_over_a_grid(n_keys: int, sigma: float) -> None:
    """The definition at all nodes of a Gauss-Hermite rule in n dimensions: with three keys the triples come in."""
    nodes, weights = hermegauss(32 if n_keys == 4 else 70)
    x = np.stack(np.meshgrid(*[nodes] * n_keys, indexing="ij"), axis=-1)
    p = np.exp(sigma * x)
    p /= p.sum(axis=-1, keepdims=True)
    value = (p**2 * (x - (p * x).sum(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    for _ in range(n_keys):
        value = value @ (weights / weights.sum())
    assert softmax_law(sigma, n_keys).jacobian_x_norm2 == pytest.approx(value, rel=1e-8)


def test_the_law_at_its_ends() -> None:
    """Even weights leave the scatter of x over n; one key has no gradient; a row of both kinds of grid agrees."""
    for n_keys in (2, 50, 59, 60, 4096, 4097, 10**12):
        assert softmax_law(1e-3, n_keys).jacobian_x_norm2 == pytest.approx((1 - 1 / n_keys) / n_keys, rel=1e-5)
    assert softmax_law([0.5, 5.0], 1).jacobian_x_norm2.tolist() == [0, 0]
    assert attention_law([3, 64], 1, 1.0).query_gradient_norm2.tolist() == [0, 0]
    assert softmax_law([[0.5, 5.0]], 9).jacobian_x_norm2.shape == (1, 2)


@pytest.mark.parametrize("n_keys", [2, 50, 4097, 10**12])
def test_many_points_at_once_are_the_same_as_each_alone(n_keys: int) -> None:
    """The table in σ behind many points, and the nodes of each behind a single one: to the 1e-7 that is promised."""
    d_k = np.array([1, 2, 5, 20, 63, 300, 10**6])
    for scale in (d_k**0.0, d_k**-0.5):
        together = attention_law(d_k, n_keys, scale).query_gradient_norm2
        alone = [float(attention_law(int(d), n_keys, c).query_gradient_norm2) for d, c in zip(d_k, scale, strict=True)]
        assert together == pytest.approx(np.array(alone), rel=1e-7)


def test_without_the_division_the_mean_is_larger_whatever_the_sizes() -> None:
    """The chain factor outweighs the Jacobian at every d_k above 1 and every number of keys, few or 10¹²."""
    d_k = np.unique(np.geomspace(2, 10**6, 40).astype(int))
    for n_keys in (2, 3, 10, 100, 10**4, 10**12):
        law = attention_law(d_k[:, None], n_keys, np.stack([d_k**0.0, d_k**-0.5], axis=1))
        raw, scaled = law.query_gradient_norm2.T
        assert np.all(raw > 1.4 * scaled)
        assert np.any(law.jacobian_norm2[:, 0] < law.jacobian_norm2[:, 1]) == (n_keys <= 100)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: chained_gradients([1.0], [[1.0, 2.0]], [1.0], 1.0), r"shapes \(1,\), \(1, 2\) and \(1,\)"),
        (lambda: chained_gradients([1.0], [1.0], [1.0], 1.0), r"shapes \(1,\), \(1,\) and \(1,\)"),
        (lambda: chained_gradients([1.0], [[1.0]], [1.0, 2.0], 1.0), r"shapes \(1,\), \(1, 1\) and \(2,\)"),
        (lambda: chained_gradients(np.ones((2, 1)), np.ones((3, 1, 1)), [1.0], 1.0), r"shapes \(2, 1\), \(3, 1, 1\)"),
        (lambda: chained_gradients(np.ones(0), np.ones((2, 0)), [1.0, 2.0], 1.0), r"shapes \(0,\), \(2, 0\)"),
        (lambda: chained_gradients([np.nan], [[1.0]], [1.0], 1.0), "q must be finite real numbers; received nan"),
        (lambda: chained_gradients([1.0], [["a"]], [1.0], 1.0), "keys must be finite real numbers"),
        (lambda: chained_gradients([1.0], [[1.0]], [True], 1.0), "upstream must be finite real numbers"),
        (lambda: chained_gradients([1.0], [[1.0]], [1.0], np.inf), "factor must be a finite number; received inf"),
        (lambda: chained_gradients([1e200], [[1e200]], [1.0], 1.0), r"largest float; received q up to 1e\+200, keys"),
        (lambda: chained_gradients([0.0], [[1e9], [0.0]], [1.0, 0.0], 1e300), r"largest float; .* a factor of 1e\+300"),
        (lambda: score_gradient([], []), r"\(..., n_keys ≥ 1\); received shapes \(0,\) and \(0,\)"),
        (lambda: score_gradient([1.0, 2.0], [1.0, 2.0, 3.0]), r"received shapes \(2,\) and \(3,\)"),
        (lambda: score_gradient(1.0, 2.0), r"received shapes \(\) and \(\)"),
        (lambda: score_gradient([1.0, 2.0], [1e308, -1e308]), r"upstream must lie within ±8e307; received .* 1e\+308"),
        (lambda: draw_gradient_rows(np.random.default_rng(), 0, 1, 1), "d_k must be a whole number from 1; received 0"),
        (lambda: draw_gradient_rows(np.random.default_rng(), 1, 2.5, 1), "n_rows must be .*; received 2.5"),  # type: ignore[arg-type]
        (lambda: draw_gradient_rows(np.random.default_rng(), 1, 1, -3), "n_keys must be .*; received -3"),
        (lambda: _norms(-1.0), "factors must be one number or a list of them, from 0 to 1e30; received -1.0"),
        (lambda: _norms(1e31), "from 0 to 1e30; received 1e.31"),
        (lambda: _norms([[1.0]]), r"from 0 to 1e30; received \[\[1.0\]\]"),
        (lambda: _norms(np.nan), "factors must be finite real numbers; received nan"),
    ],
)  # fmt: skip
def test_impossible_arguments_are_refused(call: Any, message: str) -> None:
    """At the call, in one line that says what was received."""
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def _norms(factors: Any) -> GradientNorms:
    (rows,) = draw_gradient_rows(np.random.default_rng(9), 3, 2, 4)
    return gradient_norms(rows, factors)


def test_what_is_allowed_at_the_edges() -> None:
    """No rows at all, and upstream gradients of 8e307, whose differences are still floats."""
    none = chained_gradients(np.ones((0, 3)), np.ones((0, 4, 3)), np.ones((0, 4)), 1.0)
    assert (none.scores.shape, none.query.shape) == ((0, 4), (0, 3))
    assert np.isfinite(score_gradient([1.0, 2.0], [8e307, -8e307])).all()
    (rows,) = draw_gradient_rows(np.random.default_rng(9), 3, 2, 4)
    assert np.array_equal(gradient_norms(rows).query_norm2, gradient_norms(rows, [1.0]).query_norm2)


def test_a_row_larger_than_a_piece_is_a_piece(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing less than a row is drawn, and then one at a time."""
    monkeypatch.setattr(scaling.gradients, "DRAWN", 10)
    assert [len(rows.z) for rows in draw_gradient_rows(np.random.default_rng(10), 2, 3, 16)] == [1, 1, 1]


def test_pieces_make_up_the_rows() -> None:
    """However many pieces, n_rows rows, whose part across q is 0 in one dimension."""
    pieces = list(draw_gradient_rows(np.random.default_rng(10), 1, 700, 2**10))
    assert [len(piece.z) for piece in pieces] == [512, 188]
    assert all(piece.z.shape == piece.upstream.shape == (len(piece.lengths), 2**10) for piece in pieces)
    assert sum(piece.across.sum() for piece in pieces) == 0
