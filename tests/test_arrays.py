"""What counts as a number, as a count and as an array; the errors' words are tested where they are raised."""

from typing import Any

import numpy as np
import pytest

from scaling.arrays import check_dimension, check_sizes, is_count, is_number, real_array_of_any_precision, shown


@pytest.mark.parametrize("value", [0, -1, 1.5, 2**62, 10**300, np.int8(3), np.float16(0.5), np.float64(-2)])
def test_finite_reals_are_numbers(value: object) -> None:
    """Python's and NumPy's, of any size that a float can hold."""
    assert is_number(value)


@pytest.mark.parametrize(
    "value", [True, np.True_, np.nan, np.inf, -np.inf, 10**400, 1j, "1", None, [1.0], np.ones(1), np.float32(np.inf)]
)
def test_nothing_else_is_a_number(value: object) -> None:
    """Not a truth, nor what is not finite, nor an int beyond the largest float, nor what only holds a number."""
    assert not is_number(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(1, True), (2**62, True), (np.int8(1), True), (0, False), (-1, False), (2**62 + 1, False), (1.0, False)]
    + [(value, False) for value in (True, np.True_, "1", None, 10**400)],
)
def test_counts_are_whole_numbers_from_one(value: object, expected: bool) -> None:
    """To 2⁶²; a float is none, whatever its value."""
    assert is_count(value) == expected


def test_sizes_are_checked_by_name() -> None:
    """The first that is wrong is named; those that are right pass in silence."""
    check_sizes("where", a=1, b=2**62)
    check_dimension("where", 1)
    with pytest.raises(ValueError, match=r"^where: b must be a whole number from 1; received 0$"):
        check_sizes("where", a=1, b=0, c=-1)
    with pytest.raises(ValueError, match=r"^where: d_k must be a whole number from 1 to 2\^62; received 1\.0$"):
        check_dimension("where", 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.float16, np.int8, np.uint64])
def test_single_precision_is_kept_and_all_else_is_double(dtype: Any) -> None:
    """What is in float32 stays as it is, the array itself; half precision and whole numbers become double."""
    given = np.array([1, 2], dtype)
    found = real_array_of_any_precision(given, "where")
    assert found.dtype == (np.float32 if dtype is np.float32 else np.float64)
    assert found.tolist() == [1.0, 2.0]
    assert (found is given) == (dtype in (np.float32, np.float64))


@pytest.mark.parametrize("part", [np.ma.array([1.0], mask=[False]), np.ma.array([1.0], mask=[True])])
@pytest.mark.parametrize("within", [lambda part: part, lambda part: [part], lambda part: (np.ones(1), part)])
def test_a_mask_is_refused_wherever_it_is(part: Any, within: Any) -> None:
    """Alone, in a list and in a tuple; NumPy would drop it."""
    with pytest.raises(ValueError, match=r"^where must be finite real numbers without a mask; received "):
        real_array_of_any_precision(within(part), "where")


def test_values_are_shown_in_one_short_line() -> None:
    """Whatever they are, and however long."""
    assert shown(np.arange(2.0)[:, None]) == "array([[0.], [1.]])"
    assert len(shown("x" * 1000)) < 40
    assert shown(10**5000) == "a number too long to write"
