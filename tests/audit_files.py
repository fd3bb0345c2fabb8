"""Files for tests of the audit's reading, made without the code that reads them."""

import json
import re
import resource
import struct
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from experiments.audit import Audited

CODES = {"float16": "F16", "float32": "F32", "float64": "F64", "int64": "I64", "uint16": "BF16"}

SPACES = b" " * 64  # behind a header, as libraries write them


def normals(seed: int, *shape: int, dtype: str = "float32") -> NDArray[np.floating]:
    """Normal entries."""
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def safetensors(arrays: dict[str, NDArray[np.generic]]) -> bytes:
    """A .safetensors file; arrays of uint16 stand for bfloat16."""
    header: dict[str, object] = {"__metadata__": {"format": "np"}}
    content = b""
    for name, array in arrays.items():
        places = [len(content), len(content) + array.nbytes]
        header[name] = {"dtype": CODES[array.dtype.name], "shape": list(array.shape), "data_offsets": places}
        content += array.tobytes()
    return with_header(json.dumps(header).encode() + SPACES) + content


def with_header(header: bytes) -> bytes:
    """The beginning of a .safetensors file."""
    return struct.pack("<Q", len(header)) + header


def npy(header: str, content: bytes = b"", version: bytes = b"\1\0") -> bytes:
    """A .npy file with that header, whatever it says."""
    text = header.encode("latin1") + b"\n"
    return b"\x93NUMPY" + version + struct.pack("<H" if version == b"\1\0" else "<I", len(text)) + text + content


def npy_of(array: NDArray[np.generic]) -> bytes:
    """A sound .npy file."""
    order = array.flags.f_contiguous and not array.flags.c_contiguous
    header = f"{{'descr': {array.dtype.str!r}, 'fortran_order': {order}, 'shape': {array.shape}, }}{SPACES.decode()}"
    return npy(header, array.tobytes("F" if order else "C"))


def npz(path: Path, members: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    """A zip archive of these members."""
    with zipfile.ZipFile(path, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return path


Arrays = dict[str, NDArray[np.generic]]


def save_npz(folder: Path, arrays: Arrays) -> list[Path]:
    """Save as NumPy does."""
    np.savez(folder / "heads.npz", **arrays)
    return [folder / "heads.npz"]


def save_compressed(folder: Path, arrays: Arrays) -> list[Path]:
    """Save as NumPy does, deflated."""
    np.savez_compressed(folder / "heads.npz", **arrays)
    return [folder / "heads.npz"]


def save_npy(folder: Path, arrays: Arrays) -> list[Path]:
    """Save a file for each array."""
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    return [folder / f"{name}.npy" for name in arrays]


def save_folder(folder: Path, arrays: Arrays) -> list[Path]:
    """Save a file for each array, and name the folder."""
    save_npy(folder, arrays)
    return [folder]


def save_safetensors(folder: Path, arrays: Arrays) -> list[Path]:
    """Save as the library safetensors does."""
    (folder / "heads.safetensors").write_bytes(safetensors(arrays))
    return [folder / "heads.safetensors"]


FORMATS = [save_npz, save_compressed, save_npy, save_folder, save_safetensors]
Save = Callable[[Path, Arrays], list[Path]]


def contents(audited: Audited) -> list[list[tuple[NDArray[np.generic], NDArray[np.generic]]]]:
    """Every head's sequences, read whole."""
    found = [[(q[:], k[:]) for q, k in head.sequences] for head in audited.heads]
    for head, sequences in zip(audited.heads, found, strict=True):
        for rows, values in zip(head.sequences, sequences, strict=True):
            assert tuple(part.shape for part in rows) == tuple(part.shape for part in values)
    return found


def peak_of_memory() -> int:
    """Most bytes that this process has held. Linux's getrusage would count the process that started it too."""
    status = Path("/proc/self/status")
    if status.exists():
        (kilobytes,) = re.findall(r"VmHWM:\s+(\d+) kB", status.read_text())
        return int(kilobytes) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
