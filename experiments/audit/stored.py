"""An array in a file, as its header tells of it, and rows of it read when they are asked for."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from experiments.audit.files import CHUNK, ReaderFile
from experiments.faults import Faults
from scaling.arrays import Floats, shown

NEAR = 2**14  # bytes: two rows no farther apart are read in one go
MAX_SCATTERED = 2**26  # bytes of a Fortran-ordered stack of matrices: each of them is read by going through all
MAX_ROW = 2**26  # bytes
ALLOWED_DTYPES = "allowed: float16, bfloat16, float32, float64"


@dataclass(frozen=True)
class StoredArray:
    """Where an array lies and what its entries are: `stored` as they lie there, `dtype` in words."""

    where: str  # what faults call it
    file: ReaderFile
    offset: int
    shape: tuple[int, ...]
    stored: np.dtype[np.generic]
    dtype: str
    is_fortran: bool = False

    def __post_init__(self) -> None:
        """Faults for an array that has no entries or cannot be read row by row."""
        if 0 in self.shape:
            raise Faults(f"{self.where}: is empty, of shape {shown_shape(self.shape)}; every axis needs an entry")
        size = math.prod(self.shape) * self.stored.itemsize
        if self.is_fortran and len(self.shape) > 2 and size > MAX_SCATTERED:
            raise Faults(
                f"{self.where}: {size} bytes in Fortran order, in which its matrices lie scattered; allowed: "
                f"{MAX_SCATTERED} bytes; save numpy.ascontiguousarray(array)"
            )
        if self.shape and self.shape[-1] * self.stored.itemsize > MAX_ROW:
            raise Faults(f"{self.where}: rows of {self.shape[-1]} entries are too long; allowed: {MAX_ROW} bytes a row")

    @property
    def in_words(self) -> str:
        """Shape and type."""
        return f"{shown_shape(self.shape)} {self.dtype}"


class StoredRows:
    """The rows of one matrix of a stack: `array[*lead][:, columns]`, read anew whenever they are asked for."""

    def __init__(self, array: StoredArray, lead: tuple[int, ...], columns: range | None = None) -> None:
        self._array = array
        self._lead = lead
        *_, n_rows, n_columns = array.shape
        self._columns = columns or range(n_columns)
        self.shape = (n_rows, len(self._columns))

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> Floats:
        """A copy of these rows, single precision where no more is stored. Faults for entries that are not finite."""
        places = row_places(rows, self.shape[0])
        values = self._empty(len(places))
        with np.errstate(all="ignore"):  # a signalling NaN; it is named below
            if isinstance(places, range) and places.step == 1:
                self._fill(values, places)
            else:
                self._pick(values, np.asarray(places, np.intp))
        finite = np.isfinite(values)
        if not finite.all():
            row, column = np.unravel_index(int(np.argmin(finite)), finite.shape)
            place = (*self._lead, int(places[row]), self._columns[column])
            raise Faults(
                f"{self._array.where}: entry {list(place)} is {values[row, column]}; every entry must be finite"
            )
        return values

    def _empty(self, n_rows: int) -> Floats:
        shape: tuple[int, ...] = (n_rows, self.shape[1])
        return np.empty(shape, np.float64) if self._array.dtype == "float64" else np.empty(shape, np.float32)

    def _fill(self, values: Floats, places: range) -> None:
        """Write consecutive rows to `values`: as they lie in the file if they can stay so, else a chunk at a time."""
        array = self._array
        if not array.is_fortran and array.stored == values.dtype and self.shape[1] == array.shape[-1]:
            array.file.read(self._offset(places.start), values)
            return
        step = self._chunk
        for first in range(places.start, places.stop, step):
            last = min(first + step, places.stop)
            values[first - places.start : last - places.start] = self._raw(first, last)

    def _pick(self, values: Floats, places: NDArray[np.intp]) -> None:
        """Write rows from anywhere to `values`: runs of near ones together, and what lies between runs is not read."""
        order = np.argsort(places, kind="stable")
        ordered = places[order]
        near = max(1, NEAR // self._row_bytes)
        for run in np.split(np.arange(len(ordered)), np.flatnonzero(np.diff(ordered) > near) + 1):
            done = 0
            while done < len(run):
                first = int(ordered[run[done]])
                end = done + int(np.searchsorted(ordered[run[done:]], first + self._chunk))
                picked = run[done:end]
                raw = self._raw(first, int(ordered[picked[-1]]) + 1)
                values[order[picked]] = raw[ordered[picked] - first]
                done = end

    @property
    def _row_bytes(self) -> int:
        scattered = math.prod(self._array.shape[:-2]) if self._array.is_fortran else 1
        return self._array.shape[-1] * self._array.stored.itemsize * scattered

    @property
    def _chunk(self) -> int:
        """How many rows are read in one go."""
        return max(1, CHUNK // self._row_bytes)

    def _raw(self, first: int, last: int) -> NDArray[np.generic]:
        """Rows [first, last) in the precision they are stored in."""
        raw = self._from_columns(first, last) if self._array.is_fortran else self._from_rows(first, last)
        if self._array.dtype == "bfloat16":  # the upper half of a float32
            return (raw.astype(np.uint32) << 16).view(np.float32)
        return raw

    def _from_rows(self, first: int, last: int) -> NDArray[np.generic]:
        raw = np.empty((last - first, self._array.shape[-1]), self._array.stored)
        self._array.file.read(self._offset(first), raw)
        return raw[:, self._columns.start : self._columns.stop]

    def _offset(self, row: int) -> int:
        """Place of a row of a C-ordered array in the file, in bytes."""
        n_rows, n_columns = self._array.shape[-2:]
        entries = (self._matrix("C") * n_rows + row) * n_columns
        return self._array.offset + entries * self._array.stored.itemsize

    def _from_columns(self, first: int, last: int) -> NDArray[np.generic]:
        """Entry (matrix, i, j) of a Fortran-ordered stack stands at place matrix + n_matrices (i + n_rows j)."""
        size = self._array.stored.itemsize
        n_rows = self._array.shape[-2]
        n_matrices = math.prod(self._array.shape[:-2])
        raw = np.empty((last - first, len(self._columns)), self._array.stored)
        entries = np.empty((last - first, n_matrices), self._array.stored)
        for j, column in enumerate(self._columns):
            start = n_matrices * (first + n_rows * column)
            self._array.file.read(self._array.offset + start * size, entries)
            raw[:, j] = entries[:, self._matrix("F")]
        return raw

    def _matrix(self, order: str) -> int:
        """Number of the matrix within the stack, in that order of the axes."""
        sizes, lead = self._array.shape[:-2], self._lead
        number = 0
        for size, index in zip(sizes, lead, strict=True) if order == "C" else zip(sizes[::-1], lead[::-1], strict=True):
            number = number * size + index
        return number


def row_places(rows: slice | NDArray[np.intp], n_rows: int) -> range | NDArray[np.intp]:
    """Numbers of the rows that an index asks for, from 0 on; IndexError for what is no index of `n_rows` rows."""
    if isinstance(rows, slice):
        return range(*rows.indices(n_rows))
    places = np.asarray(rows)
    if places.ndim != 1 or places.dtype.kind not in "iu":
        raise IndexError(f"rows must be a slice or one axis of whole numbers; received {shown(rows)}")
    if places.size and not (-n_rows <= places.min() and places.max() < n_rows):
        raise IndexError(f"rows must lie within {n_rows}; received {places.min()} to {places.max()}")
    return np.where(places < 0, places + n_rows, places).astype(np.intp)


def shown_shape(shape: tuple[int, ...]) -> str:
    """A shape in a message: NumPy's way to write it, cut short when it has many axes."""
    return f"({', '.join(map(str, shape))})" if 1 < len(shape) <= 8 else shown(shape)
