"""The one place that writes results: everything beside first, then renamed into place."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.claims import Judgement
from experiments.faults import Faults
from experiments.provenance import provenance
from experiments.runner import Results

MANIFEST = ".published"  # names of the files that a run has put into the output folder: they alone are ever removed
UNFINISHED = ".unpublished"  # where they are written first
FOLDERS = ("data", "report")  # that a run writes


@contextmanager
def only_one(out: Path, folders: Sequence[str] = FOLDERS) -> Iterator[None]:
    """Hold `out` for this run alone.

    Faults when another run holds it, when it cannot be written, or when those of its folders that no run has written
    before hold somebody else's files.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        ours = {Path(name).parts[0] for name in _published(out)}
        _refuse_strangers(out / name for name in folders if name not in ours)
        lock = (out / ".lock").open("a")
    except OSError as error:
        raise Faults(f"{out}: cannot be written ({error.strerror}); choose another folder with OUT=") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Faults(
                f"{out}: another run is writing there; wait for it or choose another folder with OUT="
            ) from None
        yield


def _published(out: Path) -> list[str]:
    """Names of the files that runs have put there and not removed again."""
    manifest = out / MANIFEST
    names = manifest.read_text(encoding="utf-8", errors="replace").splitlines() if manifest.exists() else []
    return [name for name in names if name.isprintable() and Path(name).parts]  # others are damaged


def _note_published(out: Path, names: Iterable[str]) -> None:
    """Let these be the names; beside first, for without the old ones a run would take its own files for a user's."""
    beside = out / UNFINISHED / MANIFEST
    beside.parent.mkdir(exist_ok=True)
    beside.write_text("\n".join(names) + "\n", encoding="utf-8")
    os.replace(beside, out / MANIFEST)


def _refuse_strangers(folders: Iterable[Path]) -> None:
    """Faults unless these folders are missing or empty: nothing of the user's is ever mixed with ours."""
    for folder in folders:
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            raise Faults(f"{folder}: is in the way of the folder of that name; move it, or choose another OUT=")
        if folder.is_dir() and any(folder.iterdir()):
            raise Faults(f"{folder}: holds files that no run has put there; move them, or choose another OUT=")


def publish(out: Path, files: Mapping[str, bytes]) -> None:
    """Put files, named relative to `out`, into place.

    What an earlier run put into the same top folders and this one does not make is removed. Nothing already there is
    touched until every new file is written in full. The last file named is renamed last.
    """
    unfinished = out / UNFINISHED
    try:
        shutil.rmtree(unfinished, ignore_errors=True)
        for name, content in files.items():
            _check_place(out, name)
            (unfinished / name).parent.mkdir(parents=True, exist_ok=True)
            (unfinished / name).write_bytes(content)
        earlier = _published(out)
        _note_published(out, dict.fromkeys([*earlier, *files]))
        for name in files:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(unfinished / name, out / name)
        folders = {Path(name).parts[0] for name in files}
        stale = [name for name in earlier if name not in files and Path(name).parts[0] in folders]
        for name in stale:
            _remove(out, name)
        kept = [name for name in earlier if name not in files and name not in stale]
        _note_published(out, [*kept, *files])
    except OSError as error:
        where = error.filename or out
        raise Faults(f"{where}: cannot be written ({error.strerror}); free it or choose another OUT=") from None
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)  # what is left of it may be what fills the disk


def _check_place(out: Path, name: str) -> None:
    """Faults where a folder lies in the way of a file, or a file or a link in the way of a folder."""
    if (out / name).is_dir():
        raise Faults(f"{out / name}: is a folder, in the way of a file; move it, or choose another OUT=")
    for parent in (out / name).parents:
        if parent == out:
            return
        if parent.is_symlink() or (parent.exists() and not parent.is_dir()):
            raise Faults(f"{parent}: is in the way of the folder of that name; move it, or choose another OUT=")


def _remove(out: Path, name: str) -> None:
    """Remove a file that an earlier run published, and its folder if that leaves it empty; links and strangers stay."""
    path = out / name
    if (
        ".." in path.parts
        or path.is_symlink()
        or not path.is_file()
        or not path.resolve().is_relative_to(out.resolve())
    ):
        return
    path.unlink()
    if path.parent != out and not any(path.parent.iterdir()):
        path.parent.rmdir()


def data_files(results: Results) -> dict[str, bytes]:
    """The frames with their data dictionaries and the claims, as files named relative to the output folder."""
    files = {}
    for experiment in results.preset.experiments:
        frame = results.frames[experiment.name]
        dictionary = [
            {"column": column, "meaning": experiment.columns[column].meaning, "unit": experiment.columns[column].unit}
            for column in frame.columns
        ]
        files[f"data/{experiment.name}.csv"] = frame.to_csv(index=False, lineterminator="\n").encode()
        files[f"data/{experiment.name}.json"] = to_json({"experiment": experiment.name, "columns": dictionary})
    files["claims.json"] = to_json(claims_record(results))
    return files


def claims_record(results: Results) -> dict[str, Any]:
    """Every number of every verdict, with what is needed to get them again."""
    ledger = results.ledger
    return {
        "provenance": provenance(results.preset),
        "family_wise_error": ledger.family_wise_error,
        "n_claims": len(ledger.judgements),
        "n_intervals": ledger.n_intervals,
        "confidence_of_each_interval": ledger.confidence,
        "summary": ledger.summary,
        "claims": [_judgement_record(judgement) for judgement in ledger.judgements],
        "controls": [_judgement_record(judgement) for judgement in results.controls],
    }


def _judgement_record(judgement: Judgement) -> dict[str, Any]:
    claim = judgement.claim
    low, high = claim.region
    return {
        "id": claim.id,
        "group": claim.group,
        "statement": claim.statement,
        "source": claim.source,
        "prediction": claim.prediction,
        "side": claim.side,
        "margin": claim.margin,
        "reason_for_margin": claim.reason,
        "region": [low if low > float("-inf") else None, high if high < float("inf") else None],
        "places": list(claim.places),
        "deciding_place": judgement.place or None,
        "estimate": judgement.estimate,
        "standard_error": judgement.standard_error,
        "interval": [judgement.low, judgement.high],
        "n_blocks": judgement.n_blocks,
        "block": claim.sample,
        "verdict": str(judgement.verdict),
        "blocks_needed": judgement.blocks_needed,
        "detectable_deviation": judgement.detectable,
    }


def to_json(record: Any) -> bytes:
    """Readable JSON; floats keep every digit."""
    return (json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
