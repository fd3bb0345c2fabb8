"""Softmax observables: against plain formulas, against many digits, and at the ends of the scale."""

from decimal import Decimal, localcontext

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import special

import scaling.saturation
from scaling.saturation import DEAD_TRACE, OBSERVABLES, RowObservables, row_observables

rows = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=12), elements=st.floats(-50, 50))


def plain(scores: np.ndarray) -> dict[str, np.ndarray]:
    """The definitions, written out with the weights and the Jacobian themselves."""
    p = special.softmax(scores, axis=1)
    jacobian = np.einsum("ij,jk->ijk", p, np.eye(p.shape[1])) - np.einsum("ij,ik->ijk", p, p)
    return {
        "log_partition": special.logsumexp(scores, axis=1),
        "entropy": special.entr(p).sum(axis=1),
        "sum_p2": (p**2).sum(axis=1),
        "sum_p3": (p**3).sum(axis=1),
        "max_weight": p.max(axis=1),
        "jacobian_trace": np.trace(jacobian, axis1=1, axis2=2),
        "jacobian_norm2": (jacobian**2).sum(axis=(1, 2)),
    }


def exact(scores: list[int]) -> dict[str, float]:
    """One row in 600 decimal digits."""
    with localcontext() as context:
        context.prec = 600
        powers = [Decimal(score).exp() for score in scores]
        z = sum(powers)
        p = [power / z for power in powers]
        s2, s3 = sum(x**2 for x in p), sum(x**3 for x in p)
        values = {
            "log_partition": z.ln(),
            "entropy": -sum(x * x.ln() for x in p),
            "sum_p2": s2,
            "sum_p3": s3,
            "max_weight": max(p),
            "jacobian_trace": 1 - s2,
            "jacobian_norm2": s2 - 2 * s3 + s2**2,
        }
        return {name: float(value) for name, value in values.items()}


@given(rows, st.floats(0, 3))
@settings(deadline=None)
def test_equals_the_definitions(scores: np.ndarray, factor: float) -> None:
    """Every observable equals its definition on ordinary rows, at any factor."""
    found = row_observables(scores, [1.0, factor])
    for name, expected in plain(factor * scores).items():
        assert getattr(found, name)[1] == pytest.approx(expected, rel=1e-9, abs=1e-12), name


@pytest.mark.parametrize("scores", [[0, -1, -2], [0, -40, -41], [90, 0, 3, 3], [5, 5], [0, -300, -301], [7]])
def test_keeps_its_digits_when_saturated(scores: list[int]) -> None:
    """Relative errors stay near rounding even where 1 - Σp² is 10⁻¹³⁰ and differences would give 0."""
    found = row_observables(np.array(scores, dtype=float))
    for name, expected in exact(scores).items():
        assert getattr(found, name)[0, 0] == pytest.approx(expected, rel=1e-12, abs=0), name


@given(rows, st.floats(-1e3, 1e3), st.randoms(use_true_random=False))
@settings(deadline=None)
def test_shift_and_order_of_keys_change_nothing(scores: np.ndarray, shift: float, random: object) -> None:
    """All but the log-partition are invariant under a shift; the log-partition moves with it. Order never matters."""
    order = list(range(scores.shape[1]))
    random.shuffle(order)  # type: ignore[attr-defined]
    first, second = row_observables(scores), row_observables(scores[:, order] + shift)
    for name in OBSERVABLES:
        moved = shift if name == "log_partition" else 0.0
        assert getattr(second, name) == pytest.approx(getattr(first, name) + moved, rel=1e-9, abs=1e-9), name


def test_scores_of_a_million_are_finite() -> None:
    """Enormous scores give finite numbers: one key has everything, or ties share."""
    found = row_observables([[1e6, 0.0, -1e6], [1e6, 1e6, 0.0]])
    assert all(np.isfinite(getattr(found, name)).all() for name in OBSERVABLES)
    assert found.max_weight[0].tolist() == [1.0, 0.5]
    assert found.entropy[0].tolist() == [0.0, pytest.approx(np.log(2))]


@pytest.mark.parametrize(("factor", "log_partition", "entropy"), [(1.0, 1e308, 0.0), (0.0, np.log(2), np.log(2))])
def test_the_largest_floats_work(factor: float, log_partition: float, entropy: float) -> None:
    """A difference of scores beyond the largest float is one key that has everything, or no difference at factor 0."""
    found = row_observables([1e308, -1e308], factor)
    assert found.log_partition[0, 0] == pytest.approx(log_partition)
    assert found.entropy[0, 0] == pytest.approx(entropy)
    assert row_observables([0.0, -300.0], 1e308).max_weight[0, 0] == 1.0


@pytest.mark.parametrize("factor", [1.0, 1e29, 1e31, 1e39])
def test_factors_beyond_single_precision_take_scores_of_it(factor: float) -> None:
    """A float32 ends at 3e38, and so would its product with a larger factor; smaller ones stay in their precision."""
    scores = (np.random.default_rng(1).normal(size=(5, 100)) / factor).astype(np.float32)
    found, double = row_observables(scores, factor), row_observables(scores.astype(np.float64), factor)
    assert found.entropy == pytest.approx(double.entropy, rel=1e-5)
    assert np.array_equal(found.entropy, double.entropy) == (factor > 1e30)


def test_a_dead_row_is_one_below_a_hundredth() -> None:
    """The number that the page states."""
    assert DEAD_TRACE == 0.01


def test_equal_scores_are_the_uniform_case() -> None:
    """Factor 0 makes all weights 1/n: entropy ln n, Σp² = 1/n."""
    found = row_observables(np.arange(10.0), 0.0)
    assert found.entropy[0, 0] == pytest.approx(np.log(10))
    assert found.sum_p2[0, 0] == pytest.approx(0.1)
    assert found.jacobian_trace[0, 0] == pytest.approx(0.9)


def test_the_number_of_rows_looked_at_together_does_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    """Chunks are an implementation's business, but for the last digit of a sum."""
    scores = np.random.default_rng(2).normal(size=(17, 9))
    whole: RowObservables = row_observables(scores, [1.0, 0.3])
    monkeypatch.setattr(scaling.saturation, "CHUNK", 160)  # two rows
    pieces = row_observables(scores, [1.0, 0.3])
    for name in OBSERVABLES:
        assert getattr(pieces, name) == pytest.approx(getattr(whole, name), rel=1e-14), name


def test_single_precision_is_right_to_a_millionth() -> None:
    """Scores in float32 give every observable within 3e-6 of double precision, and a mean within 3e-7, at every size.

    Where a difference of nearly equal weights decides, the forms without cancellation keep it so.
    """
    rng = np.random.default_rng(3)
    for sd in (0.01, 1.0, 8.0, 64.0, 1000.0):
        for n_keys in (2, 8, 1024):
            scores = (sd * rng.standard_normal((2000, n_keys))).astype(np.float32)
            factors = [1.0, 0.125]
            single, double = row_observables(scores, factors), row_observables(scores.astype(np.float64), factors)
            for name in OBSERVABLES:
                found, exact = getattr(single, name), getattr(double, name)
                size = np.abs(exact).mean(axis=1)
                assert np.all(np.abs(found - exact) <= 3e-6 * (np.abs(exact) + size[:, None])), (name, sd, n_keys)
                assert found.mean(axis=1) == pytest.approx(exact.mean(axis=1), rel=3e-7), (name, sd, n_keys)


@pytest.mark.parametrize(
    ("scores", "factors", "message"),
    [
        ([], 1.0, r"scores have shape \(0,\)"),
        ([[1.0, np.nan]], 1.0, "scores must be finite real numbers; received nan in"),
        ([1 + 2j], 1.0, r"scores must be finite real numbers without a mask; received \[\(1\+2j\)\]"),
        (np.ma.array([1.0, 2.0], mask=[False, True]), 1.0, "without a mask; received masked_array"),
        ([1.0, np.ma.masked], 1.0, r"without a mask; received \[1\.0, masked\]"),
        (["1"], 1.0, r"received \['1'\]"),
        (np.array(["2020"], dtype="M8[Y]"), 1.0, r"received array\(\['2020'"),
        (np.array([1], dtype="m8[s]"), 1.0, r"received array\(\[1\]"),
        (np.array([(1, 2.0)], dtype=[("a", int), ("b", float)]), 1.0, r"received array\(\[\(1, 2"),
        ({1: 2}, 1.0, r"received \{1: 2\}"),
        ((x for x in [1.0]), 1.0, "received <generator"),
        ({1.0}, 1.0, r"received \{1\.0\}"),
        (object(), 1.0, "received <object"),
        (None, 1.0, "received None"),
        ([True, False], 1.0, r"received \[True, False\]"),
        ([1.0, [2.0, 3.0]], 1.0, r"received \[1\.0, \[2\.0, 3\.0\]\]"),
        ([10**400], 1.0, r"received \[10000"),
        ([10**5000], 1.0, r"received \[a number too long to write\]"),
        ([1.0, 300.0], 1e308, r"factor · score must not pass .* scores up to 300 and factors up to 1e\+308"),
        ([1.0, 2.0], 1j, "factors must be finite real numbers without a mask; received 1j"),
        ([1.0, 2.0], None, "factors must be finite real numbers without a mask; received None"),
        ([[1.0, np.inf]], 1.0, "scores must be finite"),
        (np.zeros((2, 2, 2)), 1.0, r"scores have shape \(2, 2, 2\)"),
        ([1.0, 2.0], -1.0, "factors must be one number or a list of them, none negative; received -1"),
        ([1.0, 2.0], np.nan, "factors must be"),
        ([1.0, 2.0], [[1.0]], "factors must be"),
    ],
)
def test_bad_arrays_get_one_clear_line(scores: object, factors: object, message: str) -> None:
    """Empty, infinite, mis-shaped or other odd input is refused by name."""
    with pytest.raises(ValueError, match=f"^row_observables: .*{message}") as caught:
        row_observables(scores, factors)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)
