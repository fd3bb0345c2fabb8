"""From paths to arrays by name; none of the arrays is opened before it is asked for."""

import os
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from experiments.audit.files import open_file
from experiments.audit.names import INPUTS, KEY_WORD, QUERY_WORD, Named, is_weight, natural_order, partners
from experiments.audit.npy import HEAD, npy_header
from experiments.audit.npz import Npz
from experiments.audit.safetensors import SafeTensors
from experiments.audit.stored import StoredArray
from experiments.faults import Faults, first_faults

SUFFIXES = ".npz, .npy or .safetensors"
MAX_NAME = 400  # characters


def gather(paths: Sequence[Path], scratch: Path | None, closing: ExitStack) -> list[Named]:
    """All arrays of all files, and those that belong to a .npy file and lie beside it.

    Files stay open until `closing` is closed. Faults, a line for each.
    """
    if not paths:
        raise Faults(f"no file was given; allowed: {SUFFIXES}, or a folder of .npy files")
    arrays: list[Named] = []
    faults: list[str] = []
    for path in paths:
        try:
            arrays += _arrays_of(path, scratch, closing)
        except Faults as fault:
            faults += fault.lines
    too_long = [array for array in arrays if len(array.name) > MAX_NAME]
    faults += [f"{array.where[:MAX_NAME]}...: is a name of more than {MAX_NAME} characters" for array in too_long]
    where = {array.place: array.where for array in arrays}
    counts = Counter(array.place for array in arrays)
    faults += [f"{where[place]}: was given twice" for place, count in counts.items() if count > 1]
    if faults:
        raise first_faults(faults)
    return arrays + _beside(arrays, closing)


def _arrays_of(path: Path, scratch: Path | None, closing: ExitStack) -> list[Named]:
    if os.path.isdir(path):  # unlike Path.is_dir, False for a name that is too long
        if not (found := _folder(path, closing)):
            raise Faults(f"{path}: is a folder without .npy files; other files are given by their names")
        return found
    file = open_file(path)
    closing.callback(file.close)
    suffix = path.suffix.lower()
    if suffix == ".npy":
        file.close()  # opened again when it is needed: a folder may hold more files than can be open
        return [_npy(path, closing)]
    if suffix == ".npz":
        archive: Npz | SafeTensors = Npz(file, scratch, closing)
    elif suffix == ".safetensors":
        archive = SafeTensors(file)
    else:
        raise Faults(f"{path}: files that end in {suffix!r} are not read; allowed: {SUFFIXES}")
    home = os.path.realpath(path)
    return [Named(home, file.name, name, partial(archive.array, name)) for name in archive.names]


def _folder(folder: Path, closing: ExitStack) -> list[Named]:
    """The .npy files of a folder, but not those that it hides."""
    try:
        names = os.listdir(folder)
    except OSError as error:
        raise Faults(f"{folder}: cannot be read ({error.strerror})") from None
    names = [name for name in names if name.lower().endswith(".npy") and not name.startswith(".")]
    return [_npy(folder / name, closing) for name in sorted(names, key=natural_order)]


def _npy(path: Path, closing: ExitStack) -> Named:
    return Named(os.path.realpath(path.parent), path.name, path.stem, partial(_open_npy, path, closing))


def _open_npy(path: Path, closing: ExitStack) -> StoredArray:
    file = open_file(path)
    closing.callback(file.close)
    header = npy_header(file.head(HEAD), file.size, file.name)
    return StoredArray(file.name, file, header.offset, header.shape, header.stored, header.dtype, header.is_fortran)


def _beside(arrays: Sequence[Named], closing: ExitStack) -> list[Named]:
    """.npy files that were not given, but lie beside one that was and whose partners or inputs they are."""
    folders: dict[str, list[Named]] = {}
    found: dict[tuple[str, str], Named] = {}
    names = {array.name.lower() for array in arrays}
    for array in arrays:
        if not array.is_npy:
            continue
        wanted = {*partners(array.name, KEY_WORD), *partners(array.name, QUERY_WORD)}
        wanted = set() if wanted & names else wanted
        if is_weight(array.name) and INPUTS not in names:
            wanted.add(INPUTS)
        if wanted:
            if array.home not in folders:
                folders[array.home] = _folder(Path(array.home), closing)
            found |= {other.place: other for other in folders[array.home] if other.name.lower() in wanted}
    return list(found.values())
