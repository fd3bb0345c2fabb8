"""Laws of entries: what they say of themselves is what they draw."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy import stats

from judge import disagreements
from scaling import ENTRY_LAWS, EntryLaw, Gaussian, Sign, Sparse, StudentT, Uniform, entry_law

LAWS: dict[str, EntryLaw] = {
    "gaussian": Gaussian(),
    "gaussian, shifted": Gaussian(mean=0.5, sd=2.0),
    "uniform": Uniform(),
    "uniform [0, 1)": Uniform(0.0, 1.0),
    "sign": Sign(),
    "student-t, 20": StudentT(20.0),
    "sparse": Sparse(),
    "sparse, 0.4": Sparse(0.4),
}


def power_means(law: EntryLaw, n_blocks: int = 60, size: int = 20_000) -> np.ndarray:
    """Block means of x, (x - mean)² and (x - mean)⁴; half of each block in single precision."""
    rngs = [np.random.default_rng([7, block]) for block in range(n_blocks)]
    shape = (size // 200, 100)
    draws = (np.concatenate([law.sample(rng, shape), law.sample_single(rng, shape)], dtype=np.float64) for rng in rngs)
    return np.array([[x.mean(), ((x - law.mean) ** 2).mean(), ((x - law.mean) ** 4).mean()] for x in draws])


@pytest.mark.parametrize("name", LAWS)
def test_draws_have_the_moments_that_the_law_states(name: str) -> None:
    """Mean, variance and fourth moment of draws agree with the law's exact values."""
    law = LAWS[name]
    assert disagreements(power_means(law), [law.mean, law.variance, law.kurtosis * law.variance**2]) == []


def test_a_variance_two_percent_off_is_caught() -> None:
    """The negative control of the test above."""
    assert disagreements(power_means(Gaussian(sd=math.sqrt(1.02))), [0.0, 1.0, 3.0]) == [1, 2]


@pytest.mark.parametrize(
    ("law", "oracle"),
    [
        (Gaussian(), stats.norm()),
        (Uniform(), stats.uniform(-math.sqrt(3), 2 * math.sqrt(3))),
        (Uniform(0, 1), stats.uniform()),
        (StudentT(5.5), stats.t(5.5, scale=math.sqrt(3.5 / 5.5))),
    ],
)
def test_stated_moments_equal_an_independent_source(law: EntryLaw, oracle: stats.rv_continuous) -> None:
    """SciPy's own formulas give the same mean, variance and kurtosis."""
    mean, variance, excess = oracle.stats("mvk")
    assert (law.mean, law.variance, law.kurtosis) == pytest.approx((mean, variance, excess + 3), abs=1e-12)


def test_signs_by_enumeration() -> None:
    """Two equally likely values, ±1: mean 0, and every even power is 1."""
    law = Sign()
    assert (law.mean, law.variance, law.kurtosis) == (
        np.mean([-1, 1]),
        np.var([-1, 1]),
        np.mean(np.array([-1, 1]) ** 4),
    )


def test_sparse_entries_by_enumeration() -> None:
    """0, or ±2 for one of four: mean 0, variance 1, kurtosis 4; nothing else is drawn, in either precision."""
    law = Sparse(0.25)
    values, chances = np.array([-2, 0, 2]), np.array([1, 6, 1]) / 8
    assert (law.mean, law.variance, law.kurtosis) == (chances @ values, chances @ values**2, chances @ values**4)
    for draw in (law.sample, law.sample_single):
        assert np.unique(draw(np.random.default_rng(1), (1000,))).tolist() == [-2, 0, 2]
    assert Sparse(1.0).kurtosis == Sign().kurtosis
    assert 0 not in Sparse(1.0).sample(np.random.default_rng(2), (1000,))


def test_every_named_law_meets_the_derivation() -> None:
    """By name, all laws have mean 0 and variance 1, as the derivation assumes."""
    for name in ENTRY_LAWS:
        law = entry_law(name)
        assert (law.mean, law.variance) == (0.0, pytest.approx(1.0))


def test_an_unknown_law_names_the_nearest() -> None:
    """A typo gets what is allowed and what was probably meant."""
    with pytest.raises(ValueError, match=r"'gausian' is unknown; allowed: gaussian, .*; did you mean 'gaussian'\?"):
        entry_law("gausian")


@pytest.mark.parametrize("name", [None, [], 3, "", np.array(["sign", "sign"])])
def test_what_is_no_name_is_an_unknown_law(name: Any) -> None:
    """Not a string, or an empty one: refused like any other unknown name."""
    with pytest.raises(ValueError, match=r"^entry law .* is unknown; allowed: gaussian, ") as caught:
        entry_law(name)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: StudentT(4.0), r"StudentT: nu is 4\.0; it must be above 4 for the kurtosis to exist"),
        (lambda: StudentT(math.inf), "StudentT: nu is inf; it must be .* a finite number"),
        (lambda: StudentT(math.nan), "StudentT: nu is nan; it must be .* a finite number"),
        (lambda: StudentT("8"), "StudentT: nu is '8'; it must be .* a finite number"),
        (lambda: StudentT(None), "StudentT: nu is None; it must be .* a finite number"),
        (lambda: Sparse(0.0), r"Sparse: share must be a number from 1e-6 to 1; received 0\.0"),
        (lambda: Sparse(1.5), r"Sparse: share must be .*; received 1\.5"),
        (lambda: Sparse("all"), "Sparse: share must be .*; received 'all'"),
        (lambda: Gaussian(sd=math.nan), "Gaussian: sd must be a number from 1e-75 to 1e75; received nan"),
        (lambda: Gaussian(sd=-1.0), r"Gaussian: sd must be .*; received -1\.0"),
        (lambda: Gaussian(sd=0), "Gaussian: sd must be .*; received 0"),
        (lambda: Gaussian(mean=math.inf), "Gaussian: mean must be a number from -1e75 to 1e75; received inf"),
        (lambda: Gaussian(mean="0"), "Gaussian: mean must be .*; received '0'"),
        (lambda: Uniform(1.0, 1.0), r"Uniform: high must be above low .*; received low 1 and high 1"),
        (lambda: Uniform(2, 1), "Uniform: high must be above low .*; received low 2 and high 1"),
        (lambda: Uniform(math.nan, 1.0), "Uniform: low must be a number from -1e75 to 1e75; received nan"),
        (lambda: Uniform(0.0, None), "Uniform: high must be .*; received None"),
        (lambda: Uniform(0.0, 10**400), "Uniform: high must be .*; received 10000"),
    ],
)
def test_impossible_parameters_are_refused(make: Callable[[], EntryLaw], message: str) -> None:
    """No law has such a width, place or number of degrees of freedom."""
    with pytest.raises(ValueError, match=f"^{message}") as caught:
        make()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("law", "fixed"),
    [
        (Gaussian, {"kurtosis": 7.0}),
        (Uniform, {"kurtosis": 3.0}),
        (Sign, {"mean": 1.0}),
        (Sign, {"variance": 2.0}),
        (Sign, {"kurtosis": 3.0}),
        (Sparse, {"mean": 1.0}),
        (Sparse, {"variance": 2.0}),
        (StudentT, {"mean": 5.0}),
        (StudentT, {"variance": 9.0}),
    ],
)
def test_moments_that_a_law_fixes_cannot_be_set(law: Callable[..., EntryLaw], fixed: dict[str, float]) -> None:
    """A law whose draws would not follow the number takes no such argument."""
    with pytest.raises(TypeError, match=f"unexpected keyword argument '{next(iter(fixed))}'"):
        law(**fixed)
