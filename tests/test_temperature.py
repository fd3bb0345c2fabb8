"""The temperature for a chosen entropy: found where it exists, by what the softmax itself then says."""

import gc
import math
import weakref

import numpy as np
import pytest

from scaling import measure_head, softmax_law
from scaling.saturation import row_observables
from scaling.temperature import ScoredRows, scored_rows, temperature_for


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("target", [0.05, 0.5, 0.99, None])
def test_the_entropy_is_reached(causal: bool, target: float | None) -> None:
    """Scores divided by the temperature have the entropy that was asked for."""
    rng = np.random.default_rng(1)
    q, k = 3 * rng.normal(size=(60, 8)), rng.normal(size=(60, 8))
    found = temperature_for([scored_rows(q, k, causal)], 8**-0.5, target)
    after = measure_head(q, k, 8**-0.5 / found.value, causal)
    assert after.quantities.normalised_entropy == pytest.approx(found.target, abs=1e-5)
    assert found.target == (target if target else pytest.approx(0.87, abs=0.04))


def test_without_a_target_it_is_that_of_unit_scores() -> None:
    """The exact law's mean at σ = 1; heads with normal scores of standard deviation 5 need a temperature near 5."""
    rng = np.random.default_rng(2)
    q, k = 5 * rng.normal(size=(128, 256)), rng.normal(size=(128, 256))
    found = temperature_for([scored_rows(q, k)], 1 / 16)
    assert found.target == pytest.approx(float(softmax_law(1.0, 128).entropy) / math.log(128), rel=1e-7)
    assert found.value == pytest.approx(5, rel=0.05)


def test_several_sequences_share_one() -> None:
    """The mean over all of their rows has the entropy."""
    rng = np.random.default_rng(3)
    heads = [(size * rng.normal(size=(n, 6)), rng.normal(size=(20, 6))) for size, n in ((1.0, 10), (9.0, 30))]
    found = temperature_for([scored_rows(q, k) for q, k in heads], 0.5, 0.7)
    shares = [measure_head(q, k, 0.5 / found.value).quantities.normalised_entropy for q, k in heads]
    assert np.average(shares, weights=[10, 30]) == pytest.approx(0.7, abs=1e-5)


def test_rows_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """At most so many, and fewer where they are long."""
    q, k = np.ones((300, 2)), np.ones((300, 2))
    assert len(scored_rows(q, k, most=10).scores) == 10
    assert len(scored_rows(q, k).scores) == 128
    monkeypatch.setattr("scaling.temperature.HELD", 300 * 6)
    assert len(scored_rows(q, k).scores) == 6
    monkeypatch.setattr("scaling.temperature.HELD", 300)
    assert len(scored_rows(q, k).scores) == 4


@pytest.mark.parametrize(("factor", "has_one"), [(999.0, True), (1000.5, False)])
def test_scores_are_brought_to_a_thousand_standard_deviations(factor: float, has_one: bool) -> None:
    """And no farther: of three keys one is far below the other two, which only then differ."""
    scores = np.array([[0.0, -1e-3, -1.0]])
    sd = scores.std(axis=1)
    rows = ScoredRows(scores, np.array([3]), sd)
    target = float(row_observables(scores, factor / sd[0]).entropy[0, 0]) / math.log(3)
    found = temperature_for([rows], 1.0, target).value
    assert math.isnan(found) != has_one
    if has_one:
        assert found == pytest.approx(sd[0] / factor, rel=1e-4)


def test_where_there_is_none() -> None:
    """Equal scores stay even at any temperature; two equal largest scores never have less than ln 2."""
    q = np.ones((20, 2))
    assert math.isnan(temperature_for([scored_rows(q, q)], 1.0).value)
    k = np.zeros((8, 2))
    k[:2] = 1.0
    assert math.isnan(temperature_for([scored_rows(q, k)], 1.0, 0.3).value)
    assert temperature_for([scored_rows(q, k)], 1.0, 0.4).value > 0


@pytest.mark.parametrize("target", [0.0, 1.0, -1.0, math.nan, True])
def test_what_is_refused(target: float) -> None:
    """A target that no softmax has on average."""
    with pytest.raises(ValueError, match=r"temperature_for: the target H / ln n must lie between 0 and 1; received"):
        temperature_for([scored_rows(np.ones((3, 2)), np.ones((3, 2)))], 1.0, target)


def test_scores_are_not_kept() -> None:
    """Once the temperature is known nothing holds the rows, which may be large, even before garbage is collected."""
    rng = np.random.default_rng(4)
    rows = scored_rows(3 * rng.normal(size=(40, 4)), rng.normal(size=(40, 4)))
    scores = weakref.ref(rows.scores)
    gc.disable()
    try:
        assert temperature_for([rows], 0.5, 0.6).value > 0
        del rows
        assert scores() is None
    finally:
        gc.enable()
