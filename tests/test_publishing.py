"""Publishing when the disk is full, at whatever file: what was there stays, and stays a run's; no room is kept."""

import errno
import os
from pathlib import Path

import pytest

from experiments.faults import Faults
from experiments.output import only_one, publish

OLD = {"slides/figures/a.svg": b"old", "slides/index.html": b"old"}
NEW = {"slides/figures/b.svg": b"new", "slides/index.html": b"new"}


def files(out: Path) -> dict[str, bytes]:
    """Every file of an output folder but its lock."""
    found = (path for path in out.rglob("*") if path.is_file() and path.name != ".lock")
    return {str(path.relative_to(out)): path.read_bytes() for path in found}


@pytest.mark.parametrize("full_at", [0, 1, 2])
def test_a_full_disk_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_at: int) -> None:
    """One line says so; the earlier product, the list of its files and no half-written ones are there afterwards."""
    publish(tmp_path, OLD)
    before = files(tmp_path)
    written = []

    def write(path: Path, content: bytes) -> None:
        written.append(path)
        with path.open("wb") as file:
            if len(written) > full_at:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            file.write(content)

    monkeypatch.setattr(Path, "write_bytes", write)
    monkeypatch.setattr(Path, "write_text", lambda path, text, encoding: write(path, text.encode(encoding)))
    with pytest.raises(Faults, match=r"cannot be written \(No space left on device\); free it or choose another OUT=$"):
        publish(tmp_path, NEW)
    assert len(written) == full_at + 1
    assert files(tmp_path) == before
    assert not (tmp_path / ".unpublished").exists()
    monkeypatch.undo()
    with only_one(tmp_path, ["slides"]):
        publish(tmp_path, NEW)
    assert {name: content for name, content in files(tmp_path).items() if name != ".published"} == NEW


def test_a_refused_place_leaves_nothing_half_written(tmp_path: Path) -> None:
    """Nor does a folder that lies in the way of the last file."""
    (tmp_path / "slides" / "index.html").mkdir(parents=True)
    with pytest.raises(Faults, match="is a folder, in the way of a file"):
        publish(tmp_path, NEW)
    assert files(tmp_path) == {}
    assert not (tmp_path / ".unpublished").exists()
