"""Queries and keys that are made when they are asked for: rows of inputs times a weight, q = x W_q."""

import numpy as np
from numpy.typing import NDArray

from experiments.audit.files import CHUNK
from experiments.audit.layout import Stack, stack_pair
from experiments.audit.stored import StoredArray, StoredRows, row_places, shown_shape
from experiments.faults import Faults

MAX_ENTRIES = 2**24  # of one head's weight, which is held while rows are multiplied


class ProjectedRows:
    """Rows of x W, in double precision; x (n_tokens, d_in) and W (d_in, d_k) are read anew for each product."""

    def __init__(self, x: StoredRows, weight: StoredRows, where: str) -> None:
        self._x = x
        self._weight = weight
        self._where = where
        self.shape = (x.shape[0], weight.shape[1])

    def __getitem__(self, rows: slice | NDArray[np.intp]) -> NDArray[np.float64]:
        """A copy of these rows. Faults for an input, a weight or a product that is not finite."""
        places = np.asarray(row_places(rows, self.shape[0]), np.intp)
        weight = self._weight[:].astype(np.float64)  # (d_in, d_k)
        values = np.empty((len(places), self.shape[1]))
        step = max(1, CHUNK // (8 * self._x.shape[1]))
        for first in range(0, len(places), step):
            with np.errstate(over="ignore", invalid="ignore"):  # named below
                values[first : first + step] = self._x[places[first : first + step]].astype(np.float64) @ weight
        finite = np.isfinite(values).all(axis=1)
        if not finite.all():
            raise Faults(f"{self._where}: row {places[np.argmin(finite)]} of the product is too large to be finite")
        return values


def weight_pair(q: StoredArray, k: StoredArray, x: Stack, n_heads: int | None) -> tuple[Stack, Stack]:
    """The axes of W_q and W_k, which multiply inputs x (n, d_in). Faults where they cannot."""
    d_in = x.d_k
    transposed = [
        f"{weight.where}: has shape {shown_shape(weight.shape)} and {x.array.where} {d_in} columns: a weight of shape "
        "(out, in), as torch keeps it, must be saved transposed, as (d_in, heads * d_k)"
        for weight in (q, k)
        if len(weight.shape) >= 2 and weight.shape[-2] != d_in == weight.shape[-1]
    ]
    if transposed:
        raise Faults(*transposed)
    if n_heads is None and len(q.shape) == 2:
        raise Faults(f"{q.where}: a weight of shape {shown_shape(q.shape)} is shared by heads; say how many there are")
    queries, keys = stack_pair(q, k, False, n_heads)
    faults = [
        f"{weight.array.where}: has {weight.n_rows} rows and {x.array.where} {d_in} columns; the same number is needed"
        for weight in (queries, keys)
        if weight.n_rows != d_in
    ]
    if d_in * queries.d_k > MAX_ENTRIES:
        faults.append(f"{q.where}: has {d_in * queries.d_k} entries for each head; allowed: {MAX_ENTRIES}")
    if faults:
        raise Faults(*faults)
    return queries, keys
