"""Axes of an array: which of its matrices belongs to which sequence, layer and head."""

from dataclasses import dataclass

from experiments.audit.stored import StoredArray, StoredRows, shown_shape
from experiments.faults import Faults

MAX_D_K = 4096  # a measurement holds d_k × d_k covariances
MAX_HEADS = 2**16


@dataclass(frozen=True)
class Stack:
    """An array as matrices (n_rows, d_k): sizes of the axes, of which only some are there."""

    array: StoredArray
    n_sequences: int
    n_layers: int
    n_heads: int
    d_k: int
    has_sequences: bool
    has_layers: bool

    @property
    def n_rows(self) -> int:
        """Tokens of q or k; inputs' width of a weight."""
        return self.array.shape[-2]

    def rows(self, sequence: int, layer: int, head: int) -> StoredRows:
        """One matrix, or the columns of one head where the heads stand side by side."""
        n_lead = len(self.array.shape) - 2
        lead = [sequence] * self.has_sequences + [layer] * self.has_layers
        if len(lead) < n_lead:
            return StoredRows(self.array, (*lead, head))
        return StoredRows(self.array, tuple(lead), range(head * self.d_k, (head + 1) * self.d_k))


def stack(array: StoredArray, batch_first: bool, n_heads: int | None, d_k: int | None = None) -> Stack:
    """The array's axes: (batch, layers, heads, n, d_k), of which the batch is there as told, layers and heads may be.

    Without heads the last axis is split among `n_heads`, or into parts of `d_k`. Faults for other numbers of axes.
    """
    shape = array.shape[batch_first:]
    if not 2 <= len(shape) <= 4 or len(array.shape) < 2:
        raise Faults(
            f"{array.where}: has shape {shown_shape(array.shape)}; allowed: (n, d_k), (heads, n, d_k) or (layers, "
            f"heads, n, d_k){', with an axis of the batch before them' if batch_first else ''}"
        )
    n_sequences = array.shape[0] if batch_first else 1
    n_layers = shape[0] if len(shape) == 4 else 1
    heads = shape[-3] if len(shape) > 2 else None
    if heads is None:
        heads = n_heads if d_k is None else max(1, shape[-1] // d_k)
        heads = heads or 1
        if shape[-1] % heads or (d_k is not None and heads * d_k != shape[-1]):
            share = f"{heads} heads" if d_k is None else f"heads of d_k = {d_k}"
            raise Faults(f"{array.where}: its {shape[-1]} columns cannot be shared among {share}")
        return Stack(array, n_sequences, n_layers, heads, shape[-1] // heads, batch_first, False)
    return Stack(array, n_sequences, n_layers, heads, shape[-1], batch_first, len(shape) == 4)


def stack_pair(q: StoredArray, k: StoredArray, batch_first: bool, n_heads: int | None) -> tuple[Stack, Stack]:
    """The axes of queries and keys. Faults, a line for each, where they do not fit each other."""
    queries = stack(q, batch_first, n_heads)
    if len(q.shape) != len(k.shape):
        raise Faults(
            f"{k.where}: has shape {shown_shape(k.shape)} and {q.where} {shown_shape(q.shape)}; as many axes are needed"
        )
    keys = stack(k, batch_first, n_heads, queries.d_k if n_heads and len(k.shape) == 2 + batch_first else None)
    faults = [
        f"{k.where}: has {found} {what} and {q.where} {wanted}; the same number is needed"
        for what, found, wanted in (
            ("sequences", keys.n_sequences, queries.n_sequences),
            ("layers", keys.n_layers, queries.n_layers),
            ("columns", keys.d_k, queries.d_k),
        )
        if found != wanted
    ]
    if queries.n_heads % keys.n_heads:
        faults.append(
            f"{k.where}: has {keys.n_heads} key heads; a divisor of the {queries.n_heads} query heads is needed"
        )
    if n_heads is not None and queries.n_heads != n_heads:
        faults.append(f"{q.where}: has {queries.n_heads} heads; {n_heads} were told of")
    if (count := queries.n_layers * queries.n_heads) > MAX_HEADS:
        faults.append(f"{q.where}: has {count} heads; allowed: 1 to {MAX_HEADS}")
    if queries.d_k > MAX_D_K:
        faults.append(f"{q.where}: has d_k = {queries.d_k}; allowed: 1 to {MAX_D_K}")
    if faults:
        raise Faults(*faults)
    return queries, keys


def stack_inputs(x: StoredArray, batch_first: bool) -> Stack:
    """The axes of inputs of layers: (batch, layers, n, d_in), of which the batch is there as told, layers may be."""
    n_axes = len(x.shape) - batch_first
    if n_axes not in (2, 3):
        raise Faults(
            f"{x.where}: has shape {shown_shape(x.shape)}; allowed: (n, d_in) or (layers, n, d_in)"
            f"{', with an axis of the batch before them' if batch_first else ''}"
        )
    has_layers = n_axes == 3
    n_layers = x.shape[-3] if has_layers else 1
    return Stack(x, x.shape[0] if batch_first else 1, n_layers, 1, x.shape[-1], batch_first, has_layers)
