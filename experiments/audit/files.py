"""A reader's file: a regular one, opened without waiting and read at any place.

It is never mapped: pages of a mapped file that were once read count as memory of this process.
"""

import errno
import io
import os
import stat
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from experiments.faults import Faults

CHUNK = 2**24  # bytes held at a time
MAX_DIRECTORY = 2**24  # bytes of names and places of arrays; a model of a hundred thousand arrays needs less
ONE_NAME_EACH = "each array needs a name of its own"


class ReaderFile:
    """The bytes of one open file; `name` is what faults call it."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self.name = name
        self._file = file
        self.size = os.fstat(file.fileno()).st_size

    def read(self, offset: int, buffer: NDArray[np.generic]) -> None:
        """Fill a contiguous array with the bytes from `offset` on; Faults where the file ends before."""
        unfilled = buffer.reshape(-1).view(np.uint8).data
        while unfilled:
            try:
                done = os.preadv(self._file.fileno(), [unfilled[:CHUNK]], offset)
            except OSError as error:
                raise Faults(f"{self.name}: cannot be read ({error.strerror})") from None
            if not done:
                raise Faults(f"{self.name}: became shorter than its {self.size} bytes while it was read")
            unfilled, offset = unfilled[done:], offset + done

    def head(self, length: int, offset: int = 0) -> bytes:
        """At most `length` bytes from `offset` on, fewer where the file ends before."""
        buffer = np.empty(max(0, min(length, self.size - offset)), np.uint8)
        self.read(offset, buffer)
        return buffer.tobytes()

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def open_file(path: Path) -> ReaderFile:
    """The regular file at `path`. Faults for anything else; a pipe or a device is not even opened."""
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise Faults(f"{path}: is no regular file; a pipe or device cannot be read in any order, copy it to a file")
        return ReaderFile(io.FileIO(path, opener=_open_at_once), path.name)
    except (OSError, ValueError) as error:  # ValueError: a name with a null character
        raise Faults(f"{path}: {_reason(error)}") from None


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK)  # if it has become a pipe meanwhile, do not wait for its writer


def _reason(error: OSError | ValueError) -> str:
    if isinstance(error, OSError) and error.errno == errno.ENOENT:
        return "no such file"
    return f"cannot be read ({getattr(error, 'strerror', None) or error})"
