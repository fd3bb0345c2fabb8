"""From a reader's files to heads: arrays by name → pairs of queries and keys → layers → heads."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import overload

from experiments.audit.gathering import gather
from experiments.audit.layers import Layer, find_layers
from experiments.audit.names import Named, Pair, find_inputs, find_pairs, some
from experiments.audit.sources import Audited, HeadSource
from experiments.audit.stored import StoredArray
from experiments.faults import Faults, first_faults, printable
from scaling.arrays import is_count, shown
from scaling.vector_moments import Rows


def open_heads(
    paths: Sequence[Path], *, batch_first: bool = False, n_heads: int | None = None, scratch: Path | None = None
) -> Audited:
    """The heads in these files: .npz, .npy, .safetensors, or a folder of .npy files.

    With `batch_first` the first axis of queries, keys and inputs counts sequences; `n_heads` says how many query heads
    stand side by side in an array without an axis for them. Compressed arrays are unpacked in the folder `scratch`.
    Only headers and checksums are read here. Raises Faults, a line for each.
    """
    if n_heads is not None and not is_count(n_heads):
        raise Faults(f"the number of heads must be a whole number from 1; received {shown(n_heads)}")
    closing = ExitStack()
    try:
        arrays = gather(paths, scratch, closing)
        pairs = find_pairs(arrays)
        inputs = find_inputs(pairs, arrays)
        loaded = _load([array for pair in pairs for array in (pair.q, pair.k)] + list(inputs.values()))
        layers = find_layers(pairs, inputs, loaded, batch_first, n_heads)
        read = _account(arrays, pairs, inputs, loaded)
        return Audited(tuple(_heads(layers)), layers[0].d_k, read, closing)
    except BaseException:
        closing.close()
        raise


class Batch(Sequence[tuple[Rows, Rows]]):
    """q and k of each sequence of one head, made when asked for: there may be many."""

    def __init__(self, layer: Layer, head: int, key_head: int) -> None:
        self._layer = layer
        self._heads = (head, key_head)

    def __len__(self) -> int:
        return self._layer.n_sequences

    @overload
    def __getitem__(self, index: int) -> tuple[Rows, Rows]: ...
    @overload
    def __getitem__(self, index: slice) -> list[tuple[Rows, Rows]]: ...
    def __getitem__(self, index: int | slice) -> tuple[Rows, Rows] | list[tuple[Rows, Rows]]:
        places = range(len(self))[index]
        if isinstance(places, range):
            return [self._layer.rows(place, *self._heads) for place in places]
        return self._layer.rows(places, *self._heads)


def _load(arrays: Sequence[Named]) -> dict[Named, StoredArray]:
    """Headers of these arrays. Faults for every one that cannot be read."""
    loaded: dict[Named, StoredArray] = {}
    faults: list[str] = []
    for array in dict.fromkeys(arrays):
        try:
            loaded[array] = array.load()
        except Faults as fault:
            faults += fault.lines
    if faults:
        raise first_faults(faults)
    return loaded


def _account(
    arrays: Sequence[Named], pairs: Sequence[Pair], inputs: Mapping[Named, Named], loaded: Mapping[Named, StoredArray]
) -> tuple[str, ...]:
    """What was read, and which arrays were not."""
    lines = []
    for pair in pairs:
        key_name = pair.k.name if pair.k.home == pair.q.home and not pair.k.is_npy else pair.k.where
        q, k = loaded[pair.q], loaded[pair.k]
        lines.append(f"{pair.q.where} {q.in_words}, {key_name} {k.in_words}")
    for x in dict.fromkeys(inputs.values()):
        lines.append(f"{x.where} {loaded[x].in_words}, multiplied by the weights")
    left_out: dict[str, list[str]] = defaultdict(list)
    for array in arrays:
        if array not in loaded:
            left_out["" if array.is_npy else f"{array.file}: "].append(array.file if array.is_npy else array.name)
    lines += [f"{file}left out {some(names)}" for file, names in left_out.items()]
    return tuple(map(printable, lines))


def _heads(layers: Sequence[Layer]) -> Iterator[HeadSource]:
    """Every query head. Of each key head's share of them the first comes first, as models repeat key heads."""
    for number, layer in enumerate(layers):
        share = layer.n_heads // layer.n_key_heads
        for head in range(layer.n_heads):
            name = printable(layer.name) or str(number)
            yield HeadSource(name, number, head, head // share, Batch(layer, head, head // share))
