"""The one place that writes results: everything beside first, then renamed into place."""

import fcntl
import json
import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from experiments.claims import Judgement
from experiments.faults import Faults
from experiments.provenance import provenance
from experiments.runner import Results


@contextmanager
def only_one(out: Path) -> Iterator[None]:
    """Hold `out` for this run alone; Faults when another run holds it or it cannot be written."""
    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = (out / ".lock").open("w")
    except OSError as error:
        raise Faults(f"{out}: cannot be written ({error.strerror}); choose another folder with OUT=") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise Faults(
                f"{out}: another run is writing there; wait for it, or choose another folder with OUT="
            ) from None
        yield


def publish(out: Path, files: Mapping[str, bytes], folders: Sequence[str]) -> None:
    """Put files, named relative to `out`, into place; whatever else lies in `folders` is removed.

    Nothing already there is touched until every new file is written in full. The last file named is renamed last.
    """
    partial = out / ".partial"
    try:
        shutil.rmtree(partial, ignore_errors=True)
        for name, content in files.items():
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        for name in files:
            (out / name).parent.mkdir(parents=True, exist_ok=True)
            os.replace(partial / name, out / name)
        shutil.rmtree(partial)
        for folder in folders:
            _remove_others(out / folder, {out / name for name in files})
    except OSError as error:
        raise Faults(
            f"{error.filename or out}: cannot be written ({error.strerror}); free it or choose another OUT="
        ) from None


def _remove_others(folder: Path, keep: set[Path]) -> None:
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not any(path.iterdir()):
            path.rmdir()
        elif not path.is_dir() and path not in keep:
            path.unlink()


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
        "confidence_of_each_interval": ledger.confidence,
        "summary": ledger.summary,
        "claims": [_judgement_record(judgement) for judgement in ledger.judgements],
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
        "estimate": judgement.estimate,
        "standard_error": judgement.standard_error,
        "interval": [judgement.low, judgement.high],
        "n_blocks": judgement.n_blocks,
        "block": claim.sample,
        "verdict": str(judgement.verdict),
        "blocks_needed": judgement.blocks_needed,
    }


def to_json(record: Any) -> bytes:
    """Readable JSON; floats keep every digit."""
    return (json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()
