"""The commit that a page names: the one checked out, or "unknown" where there is none, but never for want of room."""

import errno
import re
import subprocess
from pathlib import Path

import pytest

from experiments import provenance


def git(folder: Path, *arguments: str) -> None:
    """Run git there, as somebody."""
    who = ("-c", "user.name=a", "-c", "user.email=a@b.invalid")
    subprocess.run(["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of one file and one commit, in the project's place."""
    (tmp_path / "file").write_text("1")
    git(tmp_path, "init")
    git(tmp_path, "add", "file")
    git(tmp_path, "commit", "-m", "one")
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    return tmp_path


def test_a_changed_file_is_marked(checkout: Path) -> None:
    """By "+"; a file that git does not know changes nothing."""
    clean = provenance.commit()
    assert re.fullmatch("[0-9a-f]{12}", clean)
    (checkout / "other").write_text("2")
    assert provenance.commit() == clean
    (checkout / "file").write_text("2")
    assert provenance.commit() == f"{clean}+"


def test_outside_a_checkout_it_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an unpacked archive, and where git itself refuses."""
    monkeypatch.setattr(provenance, "ROOT", tmp_path)
    assert provenance.commit() == "unknown"
    (tmp_path / ".git").write_text("no repository")
    assert provenance.commit() == "unknown"


@pytest.mark.parametrize(
    ("error", "known"),
    [
        (FileNotFoundError(errno.ENOENT, "no git"), True),
        (PermissionError(errno.EACCES, "not for you"), True),
        (OSError(errno.EMFILE, "Too many open files"), False),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), False),
    ],
    ids=str,
)
def test_want_of_room_is_not_want_of_a_commit(
    error: OSError, known: bool, checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without git it is unknown; a machine that refuses is an error, and no page is written."""

    def refuse(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(subprocess, "run", refuse)
    if known:
        assert provenance.commit() == "unknown"
    else:
        with pytest.raises(OSError, match=error.strerror):
            provenance.commit()
