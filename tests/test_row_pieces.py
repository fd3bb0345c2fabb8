"""Softmax rows put together from pieces of their keys: the same as in one piece, and without one of them."""

import numpy as np
import pytest

from scaling.row_pieces import RowPieces
from scaling.saturation import row_observables

BOUNDS = [0, 4, 9, 10, 30]
OBSERVED = ("entropy", "max_weight", "jacobian_trace")


@pytest.mark.parametrize("size", [1e-8, 1.0, 30.0, 1e5])
@pytest.mark.parametrize("left_out", [None, 0, 2, 3])
def test_as_in_one_piece(size: float, left_out: int | None) -> None:
    """Entropy, largest weight and tr J of the kept keys, relative to themselves, even where all but one are nothing."""
    scores = size * np.random.default_rng(1).normal(size=(40, 30))
    kept = np.ones(30, dtype=bool)
    if left_out is not None:
        kept[BOUNDS[left_out] : BOUNDS[left_out + 1]] = False
    merged = RowPieces.of(scores.copy(), None, BOUNDS, [0.3, 1.0]).merged(left_out)
    expected = row_observables(scores[:, kept], [0.3, 1.0])
    for name in OBSERVED:
        assert getattr(merged, name) == pytest.approx(getattr(expected, name), rel=1e-9, abs=1e-300), name
    assert (merged.n_keys == kept.sum()).all()
    assert merged.mean == pytest.approx(scores[:, kept].mean(axis=1), rel=1e-9, abs=1e-9 * size)
    assert merged.variance == pytest.approx(scores[:, kept].var(axis=1), rel=1e-9)


@pytest.mark.parametrize("left_out", [None, 0, 1])
def test_hidden_keys_have_no_say(left_out: int | None) -> None:
    """However large their scores, and where a whole piece of a row is hidden; a row without keys counts none."""
    rng = np.random.default_rng(2)
    scores, shown = rng.normal(size=(12, 30)), np.arange(30) < np.arange(3, 15)[:, None]
    scores[~shown] = 1e4
    pieces = RowPieces.of(scores.copy(), shown, BOUNDS, 1.0)
    merged = pieces.merged(left_out)
    for row in range(12):
        kept = shown[row].copy()
        if left_out is not None:
            kept[BOUNDS[left_out] : BOUNDS[left_out + 1]] = False
        assert merged.n_keys[row] == kept.sum()
        if kept.any():
            expected = row_observables(scores[row, kept])
            for name in OBSERVED:
                assert getattr(merged, name)[0, row] == pytest.approx(
                    getattr(expected, name)[0, 0], rel=1e-9, abs=1e-15
                )
            assert merged.variance[row] == pytest.approx(scores[row, kept].var(), rel=1e-9, abs=1e-15)


def test_chunks_of_rows_are_joined() -> None:
    """Two halves of the rows are all of them."""
    scores = np.random.default_rng(3).normal(size=(10, 30))
    whole = RowPieces.of(scores.copy(), None, BOUNDS, [1.0, 2.0]).merged()
    joined = RowPieces.joined([RowPieces.of(part.copy(), None, BOUNDS, [1.0, 2.0]) for part in np.split(scores, 2)])
    assert np.array_equal(joined.merged().entropy, whole.entropy)
