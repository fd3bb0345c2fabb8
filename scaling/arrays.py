"""What a caller hands in → floats to compute with, or one line that says why not."""

import math
import reprlib
from typing import Any, TypeGuard

import numpy as np
from numpy.typing import ArrayLike, NDArray

MAX_COUNT = 2**62  # of anything; products of a few counts then still fit a float
FARTHEST = 1e300  # where densities and tails are 0, and arithmetic still works


Floats = NDArray[np.float32] | NDArray[np.float64]


def real_array(values: ArrayLike, where: str) -> NDArray[np.float64]:
    """`values` as an array of floats; `where` names them in the ValueError that anything else gets."""
    return np.asarray(real_array_of_any_precision(values, where), dtype=np.float64)


def real_array_of_any_precision(values: ArrayLike, where: str) -> Floats:
    """`values` as an array of floats, those in single precision as they are; see `real_array`.

    Ints and floats are taken. Refused, since NumPy would drop or invent something: imaginary parts, masks, bools,
    text, dates, records, objects, ragged lists, nan and inf.
    """
    floats = floats_of(values, where)
    finite = np.isfinite(floats)
    if not finite.all():
        raise ValueError(f"{where} must be finite real numbers; received {floats[~finite][0]} in {shown(values)}")
    return floats


def points_of_a_law(values: ArrayLike, where: str) -> NDArray[np.float64]:
    """`values` as `real_array` takes them, but for inf: what is beyond ±FARTHEST is that, where all laws have ended."""
    floats = np.asarray(floats_of(values, where), dtype=np.float64)
    if np.isnan(floats).any():
        raise ValueError(f"{where} must be real numbers; received nan in {shown(values)}")
    return np.clip(floats, -FARTHEST, FARTHEST)


def floats_of(values: ArrayLike, where: str) -> Floats:
    """`values` as an array of floats, whether finite or not."""
    parts = values if isinstance(values, list | tuple) else [values]
    is_masked = any(isinstance(part, np.ma.MaskedArray) for part in parts)
    try:
        array = np.asarray(None if is_masked else values)
    except (TypeError, ValueError, OverflowError):  # ragged lists, mixtures
        array = np.asarray(None)
    if array.dtype.kind not in "iuf":
        raise ValueError(f"{where} must be finite real numbers without a mask; received {shown(values)}")
    with np.errstate(over="ignore"):  # a longdouble too large becomes inf
        floats: Floats = array if array.dtype == np.float32 else np.asarray(array, dtype=np.float64)
    return floats


def check_kind(where: str, kind: type, **values: object) -> None:
    """ValueError, which begins with `where`, for a value that is of another kind."""
    for name, value in values.items():
        if not isinstance(value, kind):
            raise ValueError(f"{where}: {name} must be a {kind.__name__}; received {shown(value)}")


def is_number(value: object) -> bool:
    """Whether `value` is a finite real number; a bool is none."""
    if isinstance(value, bool | np.timedelta64) or not isinstance(value, int | float | np.integer | np.floating):
        return False  # NumPy takes a span of time for an integer
    try:
        return math.isfinite(value)
    except OverflowError:  # an int beyond the largest float
        return False


def is_whole(value: object) -> TypeGuard["int | np.integer[Any]"]:
    """Whether `value` is a whole number; a bool, a float or a span of time is none."""
    return isinstance(value, int | np.integer) and not isinstance(value, bool | np.timedelta64)


def is_count(value: object) -> bool:
    """Whether `value` is a whole number from 1 to 2⁶²; a bool or a float is none."""
    return is_whole(value) and 1 <= int(value) <= MAX_COUNT


def check_sizes(where: str, **sizes: int) -> None:
    """ValueError, which begins with `where`, for a size that is not a whole number from 1."""
    for name, size in sizes.items():
        if not is_count(size):
            raise ValueError(f"{where}: {name} must be a whole number from 1; received {shown(size)}")


def check_dimension(where: str, d_k: int) -> None:
    """ValueError, which begins with `where`, unless d_k is a whole number from 1."""
    if not is_count(d_k):
        raise ValueError(f"{where}: d_k must be a whole number from 1 to 2^62; received {shown(d_k)}")


class _Short(reprlib.Repr):
    def repr_int(self, x: int, level: int) -> str:
        try:
            str(x)
        except ValueError:  # Python writes none of more than 4300 digits, and not every version says so alike
            return "a number too long to write"
        return super().repr_int(x, level)


def shown(value: object) -> str:
    """`value` for an error message: its repr, cut short, on one line."""
    return " ".join(_Short().repr(value).split())
