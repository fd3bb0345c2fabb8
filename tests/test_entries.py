"""Laws of entries: what they say of themselves is what they draw."""

import math

import numpy as np
import pytest
from scipy import stats

from judge import disagreements
from scaling import ENTRY_LAWS, EntryLaw, Gaussian, Sign, StudentT, Uniform, entry_law

LAWS: dict[str, EntryLaw] = {
    "gaussian": Gaussian(),
    "gaussian, shifted": Gaussian(mean=0.5, sd=2.0),
    "uniform": Uniform(),
    "uniform [0, 1)": Uniform(0.0, 1.0),
    "sign": Sign(),
    "student-t, 20": StudentT(20.0),
}


def power_means(law: EntryLaw, n_blocks: int = 60, size: int = 20_000) -> np.ndarray:
    """Block means of x, (x - mean)² and (x - mean)⁴."""
    rngs = [np.random.default_rng([7, block]) for block in range(n_blocks)]
    draws = (law.sample(rng, (size // 100, 100)) for rng in rngs)
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


def test_every_named_law_meets_the_derivation() -> None:
    """By name, all laws have mean 0 and variance 1, as the derivation assumes."""
    for name in ENTRY_LAWS:
        law = entry_law(name)
        assert (law.mean, law.variance) == (0.0, pytest.approx(1.0))


def test_an_unknown_law_names_the_nearest() -> None:
    """A typo gets what is allowed and what was probably meant."""
    with pytest.raises(ValueError, match=r"'gausian' is unknown; allowed: gaussian, .*; did you mean 'gaussian'\?"):
        entry_law("gausian")


def test_student_t_needs_a_finite_kurtosis() -> None:
    """Four degrees of freedom or fewer have none."""
    with pytest.raises(ValueError, match="nu is 4; it must be above 4"):
        StudentT(4.0)
