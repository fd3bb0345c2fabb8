"""What was made of a figure, kept in an archive for the next run with the same data and code."""

import hashlib
import os
import zipfile
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

Parts = Mapping[str, bytes]  # what was made of a figure, by what it is


def read(entry: Path) -> Parts | None:
    """What an earlier run has kept, if it is there and whole."""
    try:
        with zipfile.ZipFile(entry) as archive:
            parts = {name: archive.read(name) for name in archive.namelist()}
            return parts if archive.comment == _seal(entry, parts) else None
    except Exception:  # a damaged archive raises almost anything, from zlib's errors to "File is encrypted"
        return None  # to be drawn


def keep(entry: Path, parts: Parts) -> None:
    """Write an archive beside, then rename it: it is there in full or not at all, and a run does not depend on it."""
    beside = entry.with_suffix(".partial")
    with suppress(OSError):
        entry.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(beside, "w") as archive:
            for name, content in parts.items():
                is_text = content.startswith(b"<")  # PNG and PDF are compressed as they are
                entry_of = zipfile.ZipInfo(name)  # without a date: no archive has one before 1980
                archive.writestr(entry_of, content, zipfile.ZIP_DEFLATED if is_text else zipfile.ZIP_STORED, 1)
            archive.comment = _seal(entry, parts)
        os.replace(beside, entry)
        return
    with suppress(OSError):
        beside.unlink(missing_ok=True)  # where the disk is full


def _seal(entry: Path, parts: Parts) -> bytes:
    """Tells a damaged archive, or another figure's: an archive's own checksums are of each part, not of all of them."""
    digest = hashlib.sha256(entry.stem.encode())
    for name, content in parts.items():
        digest.update(f"\n{name} {len(content)}\n".encode() + content)
    return digest.hexdigest().encode()
