"""Pairs of arrays as layers of heads: queries and keys as they lie in a file, or inputs times weights."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from experiments.audit.layout import MAX_HEADS, Stack, stack_inputs, stack_pair
from experiments.audit.names import Named, Pair
from experiments.audit.projection import ProjectedRows, weight_pair
from experiments.audit.stored import StoredArray
from experiments.faults import Faults, first_faults
from scaling.vector_moments import Rows


@dataclass(frozen=True)
class Layer:
    """One layer: `rows` gives q and k of a sequence, a query head and a key head; `where` is what faults call it."""

    name: str
    where: str
    n_sequences: int
    n_heads: int
    n_key_heads: int
    d_k: int
    rows: Callable[[int, int, int], tuple[Rows, Rows]]


def find_layers(
    pairs: Sequence[Pair],
    inputs: Mapping[Named, Named],
    loaded: Mapping[Named, StoredArray],
    batch_first: bool,
    n_heads: int | None,
) -> list[Layer]:
    """Every layer of every pair in order. Faults for shapes that do not fit, and for heads of different d_k."""
    names = Counter(pair.layer for pair in pairs)
    layers: list[Layer] = []
    faults: list[str] = []
    count = 0  # of heads
    n_multiplied: Counter[Named] = Counter()  # layers that each x has met
    for pair in pairs:
        q, k = loaded[pair.q], loaded[pair.k]
        name = pair.layer if names[pair.layer] == 1 else pair.q.where
        found: list[Layer] = []
        try:
            if (x := inputs.get(pair.q)) is None:
                found = _given(name, *stack_pair(q, k, batch_first, n_heads))
            else:
                x_stack = stack_inputs(loaded[x], batch_first)
                found = _multiplied(name, x_stack, n_multiplied[x], *weight_pair(q, k, x_stack, n_heads))
                n_multiplied[x] += len(found)
        except Faults as fault:
            faults += [line for line in fault.lines if line not in faults]  # an x is met by many weights
        layers += found
        count += sum(layer.n_heads for layer in found)
        if count > MAX_HEADS:
            raise Faults(f"{q.where}: with those before it there are {count} heads; allowed: {MAX_HEADS}")
    if not faults:
        faults = _misfits(layers)
        for x, n_layers in n_multiplied.items():
            x_stack = stack_inputs(loaded[x], batch_first)
            if x_stack.has_layers and x_stack.n_layers != n_layers:
                faults.append(f"{x.where}: has inputs of {x_stack.n_layers} layers; there are weights of {n_layers}")
    if faults:
        raise first_faults(faults)
    return layers


def _given(name: str, queries: Stack, keys: Stack) -> list[Layer]:
    def layer(number: int) -> Layer:
        def rows(sequence: int, head: int, key_head: int) -> tuple[Rows, Rows]:
            return queries.rows(sequence, number, head), keys.rows(sequence, number, key_head)

        return _layer(name, number, queries.n_sequences, queries, keys, rows)

    return [layer(number) for number in range(queries.n_layers)]


def _multiplied(name: str, x: Stack, first: int, queries: Stack, keys: Stack) -> list[Layer]:
    """Layers of inputs times weights; the first of them takes inputs `first`, if each layer has its own."""

    def layer(number: int) -> Layer:
        def rows(sequence: int, head: int, key_head: int) -> tuple[Rows, Rows]:
            inputs = x.rows(sequence, first + number, 0)
            return (
                ProjectedRows(inputs, queries.rows(0, number, head), queries.array.where),
                ProjectedRows(inputs, keys.rows(0, number, key_head), keys.array.where),
            )

        return _layer(name, number, x.n_sequences, queries, keys, rows)

    return [layer(number) for number in range(queries.n_layers)]


def _layer(
    name: str,
    number: int,
    n_sequences: int,
    queries: Stack,
    keys: Stack,
    rows: Callable[[int, int, int], tuple[Rows, Rows]],
) -> Layer:
    full_name = f"{name} {number}".strip() if queries.n_layers > 1 else name
    return Layer(full_name, queries.array.where, n_sequences, queries.n_heads, keys.n_heads, queries.d_k, rows)


def _misfits(layers: Sequence[Layer]) -> list[str]:
    """Layers that cannot stand in one audit, a line for each d_k that differs from the first layer's."""
    first = layers[0]
    of_each = {layer.d_k: layer for layer in reversed(layers)}
    return [
        f"{layer.where}: has d_k = {d_k} and {first.where} {first.d_k}; heads of one d_k are needed"
        for d_k, layer in of_each.items()
        if d_k != first.d_k
    ]
