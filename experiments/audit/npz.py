"""The arrays of a .npz file, a zip archive of .npy files: stored ones are read in place, deflated ones unpacked.

`zipfile` reads the archive's directory only. An array that is asked for is read through once, a chunk at a time: its
checksum must hold, and a deflated one is written to a temporary file without a name, which is gone when it is closed.
"""

import os
import shutil
import tempfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from struct import error as StructError
from typing import BinaryIO

from experiments.audit.files import CHUNK, MAX_DIRECTORY, ONE_NAME_EACH, ReaderFile
from experiments.audit.npy import HEAD, npy_header
from experiments.audit.stored import StoredArray
from experiments.faults import Faults, first_faults

LOCAL_HEADER = 30  # bytes before a member's name
DAMAGED = (zipfile.BadZipFile, NotImplementedError, StructError, ValueError, OSError, OverflowError, EOFError)
FREE_SIZE = 2**28  # bytes that may unpack from any number of bytes: an array of zeros takes 1000 times less
MAX_RATIO = 200  # of a larger one
SPARE_ROOM = 2**28  # bytes that unpacking leaves on the disk


class Npz:
    """One such file: the names of its arrays, and each of them when it is asked for."""

    def __init__(self, file: ReaderFile, scratch: Path | None, closing: ExitStack) -> None:
        """Read the directory. Deflated arrays are unpacked in the folder `scratch` and closed with `closing`."""
        self._file = file
        self._scratch = scratch
        self._closing = closing
        try:
            with zipfile.ZipFile(_Directory(file)) as archive:
                members = archive.infolist()
        except DAMAGED:
            raise Faults(
                f"{file.name}: is no sound .npz file, it is damaged or cut short; numpy.savez writes one"
            ) from None
        twice = [name for name, count in Counter(member.filename for member in members).items() if count > 1]
        if twice:
            raise first_faults([f"{file.name}: {name}: is there twice; {ONE_NAME_EACH}" for name in twice])
        self._members = {
            member.filename.removesuffix(".npy"): member for member in members if member.filename.endswith(".npy")
        }
        end = 0
        for member in sorted(members, key=lambda member: member.header_offset):
            if member.header_offset < end:
                raise Faults(f"{file.name}: {member.filename}: lies where another array lies; the file is damaged")
            end = member.header_offset + LOCAL_HEADER + member.compress_size

    @property
    def names(self) -> list[str]:
        """The arrays, in the order of the directory."""
        return list(self._members)

    def array(self, name: str) -> StoredArray:
        """One of them. Faults if it is damaged, holds no floats, or unpacks to more than it may."""
        member, where = self._members[name], f"{self._file.name}: {name}"
        start = self._start(member, where)
        head = next(self._pieces(member, start, where, HEAD), b"")
        header = npy_header(head, member.file_size, where)
        if member.compress_type == zipfile.ZIP_STORED:
            file, offset = self._file, start + header.offset
            self._check(member, start, where, None)
        else:
            file, offset = self._unpacked(member, start, where), header.offset
        return StoredArray(where, file, offset, header.shape, header.stored, header.dtype, header.is_fortran)

    def _start(self, member: zipfile.ZipInfo, where: str) -> int:
        """Place of the member's bytes. Faults for one that cannot be read."""
        if member.flag_bits & 1:
            raise Faults(f"{where}: is encrypted; save it without a password")
        if member.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Faults(
                f"{where}: is compressed by method {member.compress_type}; allowed: stored or deflated, as by "
                "numpy.savez and numpy.savez_compressed"
            )
        local = self._file.head(LOCAL_HEADER, member.header_offset)
        lengths = int.from_bytes(local[26:28], "little") + int.from_bytes(local[28:30], "little")
        start = member.header_offset + LOCAL_HEADER + lengths
        is_as_long = member.compress_type != zipfile.ZIP_STORED or member.compress_size == member.file_size
        if local[:4] != b"PK\3\4" or start + member.compress_size > self._file.size or not is_as_long:
            raise Faults(f"{where}: is damaged: it does not lie where the directory says")
        return start

    def _pieces(self, member: zipfile.ZipInfo, start: int, where: str, size: int) -> Iterator[bytes]:
        """The member's bytes, unpacked, at most `size` at a time. Faults where they cannot be."""
        if member.compress_type == zipfile.ZIP_STORED:
            for done in range(0, member.file_size, size):
                yield self._file.head(min(size, member.file_size - done), start + done)
            return
        unpacking = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            for done in range(0, member.compress_size, CHUNK):
                packed = self._file.head(min(CHUNK, member.compress_size - done), start + done)
                while packed and not unpacking.eof:
                    yield unpacking.decompress(packed, size)
                    packed = unpacking.unconsumed_tail
            yield unpacking.flush()  # what was held back when a piece was full
        except zlib.error:
            raise Faults(f"{where}: is damaged: it cannot be unpacked") from None

    def _unpacked(self, member: zipfile.ZipInfo, start: int, where: str) -> ReaderFile:
        if member.file_size > max(FREE_SIZE, MAX_RATIO * member.compress_size):
            raise Faults(
                f"{where}: {member.compress_size} bytes that unpack to {member.file_size} look like a trap; allowed: "
                f"{MAX_RATIO} times as many, or {FREE_SIZE}; numpy.savez saves it without compression"
            )
        folder = self._scratch or Path(tempfile.gettempdir())
        try:
            room = shutil.disk_usage(folder).free
            if member.file_size + SPARE_ROOM > room:
                raise Faults(
                    f"{where}: unpacking it takes {member.file_size} bytes in {folder}, where {room} are free; "
                    "numpy.savez saves it without compression"
                )
            file = tempfile.TemporaryFile(buffering=0, dir=folder)  # noqa: SIM115  # lives as long as the heads
            self._closing.callback(file.close)
            self._check(member, start, where, file)
        except OSError as error:
            raise Faults(f"{where}: cannot be unpacked in {folder} ({error.strerror})") from None
        return ReaderFile(file, self._file.name)

    def _check(self, member: zipfile.ZipInfo, start: int, where: str, copy: BinaryIO | None) -> None:
        """Read the member through once, and write it to `copy`. Faults unless size and checksum are as declared."""
        size = checksum = 0
        for piece in self._pieces(member, start, where, CHUNK):
            size += len(piece)
            checksum = zlib.crc32(piece, checksum)
            if size > member.file_size:
                break
            while copy is not None and piece:
                piece = piece[copy.write(piece) :]
        if size != member.file_size:
            more = "more than" if size > member.file_size else f"{size} bytes, not"
            raise Faults(f"{where}: is damaged: it unpacks to {more} the {member.file_size} bytes that it declares")
        if checksum != member.CRC:
            raise Faults(f"{where}: is damaged: its checksum is wrong")


class _Directory:
    """What `zipfile` reads a directory from; no more of it at a time than a directory may need."""

    def __init__(self, file: ReaderFile) -> None:
        self._file = file
        self._at = 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to a place; OSError before the beginning."""
        at = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._file.size}[whence]
        if at < 0:
            raise OSError("before the beginning")
        self._at = at
        return at

    def tell(self) -> int:
        """The present place."""
        return self._at

    def read(self, size: int = -1) -> bytes:
        """As many bytes from there on, or all; BadZipFile for too many."""
        left = max(0, self._file.size - self._at)
        size = left if size < 0 else min(size, left)
        if size > MAX_DIRECTORY:
            raise zipfile.BadZipFile("too large a directory")
        found = self._file.head(size, self._at)
        self._at += len(found)
        return found
