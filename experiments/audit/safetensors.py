"""The arrays of a .safetensors file, read in place.

The format is eight bytes of length, a header in JSON and the entries. It is read here rather than by the library of the
same name (0.8.0): that maps the whole file, so that reading 4 GB slice by slice took 4.5 GB of memory, and its arrays
for NumPy cannot be bfloat16.
"""

import json
import math
from collections import Counter
from dataclasses import dataclass
from typing import TypeGuard

import numpy as np

from experiments.audit.files import MAX_DIRECTORY, ONE_NAME_EACH, ReaderFile
from experiments.audit.stored import ALLOWED_DTYPES, StoredArray, shown_shape
from experiments.faults import Faults, first_faults
from scaling.arrays import MAX_COUNT, shown

MAX_AXES = 32
STORED = {"F16": "<f2", "BF16": "<u2", "F32": "<f4", "F64": "<f8"}
NAMES = {"F16": "float16", "BF16": "bfloat16", "F32": "float32", "F64": "float64"}


@dataclass(frozen=True)
class Entry:
    """What the header says of one array; bytes [begin, end) are counted from the header's end."""

    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class SafeTensors:
    """One such file: the names of its arrays, and each of them when it is asked for."""

    def __init__(self, file: ReaderFile) -> None:
        """Read the header. Faults for one that lies about any array, asked for or not."""
        self._file = file
        length = int.from_bytes(file.head(8), "little")
        if file.size < 8 or 8 + length > file.size:
            raise Faults(f"{file.name}: ends within its header; it is cut short or no .safetensors file")
        if length > MAX_DIRECTORY:
            raise Faults(f"{file.name}: its header of {length} bytes is too long; allowed: {MAX_DIRECTORY}")
        self._start = 8 + length
        self._entries = {
            name: _entry(name, fields, file) for name, fields in self._header(length) if name != "__metadata__"
        }
        self._check_places()

    @property
    def names(self) -> list[str]:
        """The arrays, in the order of the header."""
        return list(self._entries)

    def array(self, name: str) -> StoredArray:
        """One of them. Faults if its entries are no floats."""
        entry = self._entries[name]
        where = f"{self._file.name}: {name}"
        if entry.dtype not in STORED:
            raise Faults(f"{where}: holds {shown(entry.dtype)}; {ALLOWED_DTYPES}")
        stored = np.dtype(STORED[entry.dtype])
        needed = math.prod(entry.shape) * stored.itemsize
        if needed != entry.end - entry.begin:
            raise Faults(
                f"{where}: its header tells of shape {shown_shape(entry.shape)} in {NAMES[entry.dtype]}, "
                f"{shown(needed)} bytes, and gives it {entry.end - entry.begin}"
            )
        return StoredArray(where, self._file, self._start + entry.begin, entry.shape, stored, NAMES[entry.dtype])

    def _header(self, length: int) -> list[tuple[str, object]]:
        try:
            pairs = json.loads(self._file.head(length, 8).decode(), object_pairs_hook=_Pairs)
        except (ValueError, RecursionError):  # no UTF-8, no JSON, an endless number, a thousand brackets
            pairs = None
        if not isinstance(pairs, _Pairs):
            raise Faults(f"{self._file.name}: its header is no JSON object; it is damaged or no .safetensors file")
        twice = [name for name, count in Counter(name for name, _ in pairs).items() if count > 1]
        if twice:
            raise first_faults([f"{self._file.name}: {name}: is there twice; {ONE_NAME_EACH}" for name in twice])
        return pairs

    def _check_places(self) -> None:
        """All arrays lie within the file, none in another's place, and nothing follows the last."""
        end = 0
        for name, entry in sorted(self._entries.items(), key=lambda item: (item[1].begin, item[1].end)):
            if entry.begin < end:
                raise Faults(f"{self._file.name}: {name}: lies where another array lies; the header is damaged")
            end = entry.end
        there = self._file.size - self._start
        if end != there:
            cut = "; it is cut short" if there < end else ""
            raise Faults(f"{self._file.name}: its header tells of {shown(end)} bytes of arrays; there are {there}{cut}")


class _Pairs(list[tuple[str, object]]):
    """A JSON object with its repeated keys."""


def _entry(name: str, fields: object, file: ReaderFile) -> Entry:
    found = dict(fields) if isinstance(fields, _Pairs) else {}
    dtype, shape, offsets = (found.get(key) for key in ("dtype", "shape", "data_offsets"))
    if not (isinstance(dtype, str) and _are_counts(shape) and _are_counts(offsets)):
        raise Faults(f"{file.name}: {name}: the header must give dtype, shape and data_offsets; it says {shown(found)}")
    if len(shape) > MAX_AXES or len(offsets) != 2 or offsets[0] > offsets[1]:
        raise Faults(f"{file.name}: {name}: the header tells of shape {shown(shape)} at {shown(offsets)}")
    return Entry(dtype, tuple(shape), *offsets)


def _are_counts(value: object) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(n) is int and 0 <= n <= MAX_COUNT for n in value)
