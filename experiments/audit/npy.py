"""The header of a .npy file: what it promises, believed only if it fits the size of what follows.

NumPy's own reader would take pickles, warn and trust shapes, so the header is read here: magic, version, length, and a
literal of Python with three keys (numpy.lib.format, versions 1.0 to 3.0).
"""

import ast
import math
import re
import warnings
from dataclasses import dataclass

import numpy as np

from experiments.audit.stored import ALLOWED_DTYPES, shown_shape
from experiments.faults import Faults
from scaling.arrays import MAX_COUNT, shown

MAGIC = b"\x93NUMPY"
LENGTH_BYTES = {b"\1\0": 2, b"\2\0": 4, b"\3\0": 4}  # by version
MAX_HEADER = 10_000  # bytes, as in NumPy: a longer literal may break Python's parser
HEAD = MAX_HEADER + 12  # bytes of a file that hold its header
KEYS = {"descr", "fortran_order", "shape"}
FLOATS = re.compile("[<>]f[248]")
KINDS = {
    "i": "whole numbers",
    "u": "whole numbers",
    "b": "truth values",
    "c": "complex numbers",
    "f": "numbers of another precision",
    "O": "Python objects",
    "U": "text",
    "S": "text",
    "M": "dates",
    "m": "times",
}
MAX_AXES = 32


@dataclass(frozen=True)
class NpyHeader:
    """What the header says, and where the entries begin."""

    shape: tuple[int, ...]
    stored: np.dtype[np.generic]
    is_fortran: bool
    offset: int

    @property
    def dtype(self) -> str:
        """The type's name, whatever the order of its bytes."""
        return self.stored.name


def npy_header(head: bytes, size: int, where: str) -> NpyHeader:
    """The header in the first HEAD bytes of a .npy file of `size` bytes; Faults unless it fits them."""
    length_bytes = LENGTH_BYTES.get(head[6:8])
    if head[:6] != MAGIC or length_bytes is None:
        raise Faults(f"{where}: does not begin as a .npy file does; numpy.save writes one")
    offset = 8 + length_bytes
    length = int.from_bytes(head[8:offset], "little")
    if length > MAX_HEADER:
        raise Faults(f"{where}: its header of {length} bytes is too long; allowed: {MAX_HEADER}")
    if offset + length > size or len(head) < offset + length:
        raise Faults(f"{where}: ends within its header; it is cut short")
    fields = _fields(head[offset : offset + length])
    if not isinstance(fields, dict) or set(fields) != KEYS or not isinstance(fields["fortran_order"], bool):
        raise Faults(f"{where}: its header cannot be understood; numpy.save writes one with {', '.join(sorted(KEYS))}")
    stored = _dtype(fields["descr"], where)
    shape = _shape(fields["shape"], where)
    needed = offset + length + math.prod(shape) * stored.itemsize
    if needed != size:
        raise Faults(
            f"{where}: its header tells of shape {shown_shape(shape)} in {stored.name}, {shown(needed)} bytes in all; "
            f"there are {size}{'; it is cut short' if size < needed else ''}"
        )
    return NpyHeader(shape, stored, fields["fortran_order"], offset + length)


def _fields(text: bytes) -> object:
    try:
        with warnings.catch_warnings():  # of odd escapes and the like
            warnings.simplefilter("ignore")
            return ast.literal_eval(text.decode("latin1").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):  # all that a parser may say
        return None


def _dtype(descr: object, where: str) -> np.dtype[np.generic]:
    if isinstance(descr, str) and FLOATS.fullmatch(descr):
        return np.dtype(descr)
    kind = re.fullmatch(r"[<>|=]?([a-zA-Z])\d*(\[\w+\])?", descr) if isinstance(descr, str) else None
    words = KINDS.get(kind[1], "something else") if kind else "records"
    raise Faults(f"{where}: holds {words} ({shown(descr)}); {ALLOWED_DTYPES}")


def _shape(shape: object, where: str) -> tuple[int, ...]:
    if (
        not isinstance(shape, tuple)
        or len(shape) > MAX_AXES
        or any(type(n) is not int or not 0 <= n <= MAX_COUNT for n in shape)
    ):
        raise Faults(f"{where}: its header tells of shape {shown(shape)}; whole numbers from 0 are needed")
    return shape
