"""The reader's own files at length: damaged ones by the hundred, and some larger than the memory they may take."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import audit_fuzzer
from audit_files import normals, save_npz
from conftest import ROOT
from experiments.faults import Faults

LIMIT = 2**30  # bytes of memory, whatever the size of the file
LARGE, GIANT = 2**28, 2**32  # bytes of a file


def child(script: str, *arguments: object) -> dict[str, Any]:
    """What a script of the tests' folder prints as JSON, run in a process of its own."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests" / script), *map(str, arguments)],
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        timeout=3000,
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


@pytest.mark.parametrize(
    ("n_mutants", "seed"),
    [(150, 1), *(pytest.param(2000, seed, marks=pytest.mark.soak) for seed in (2, 3))],
)
def test_a_damaged_file_gives_arrays_or_faults(
    tmp_path: Path, n_mutants: int, seed: int, record_property: Callable[[str, object], None]
) -> None:
    """Every mutant is read whole or refused, within ten seconds and a gigabyte; the campaign meets both."""
    found = child("audit_fuzzer.py", n_mutants, seed, tmp_path)
    assert found["failures"] == []
    assert found["counts"]["arrays"] + found["counts"]["faults"] == n_mutants
    assert found["counts"]["arrays"] > n_mutants / 100
    assert found["peak"] < LIMIT
    record_property("cases", n_mutants)


KINDS = ["npy", "fortran", "npz", "safetensors", "weights"]


@pytest.mark.parametrize("kind", ["fortran", "npz", "safetensors"])
def test_a_file_is_never_held(tmp_path: Path, kind: str) -> None:
    """One giant head is read through in less memory than three quarters of its size, the interpreter included."""
    found = child("audit_memory.py", kind, LARGE, tmp_path)
    assert found["rows"] == LARGE // 256
    assert found["peak"] < 0.75 * LARGE


def test_a_file_that_is_held_would_be_noticed(tmp_path: Path) -> None:
    """The negative control of the measure: all rows at once take more than their size."""
    assert child("audit_memory.py", "held", LARGE, tmp_path)["peak"] > LARGE


@pytest.mark.soak
@pytest.mark.parametrize("kind", KINDS)
def test_four_gigabytes_are_read_within_one(tmp_path: Path, kind: str) -> None:
    """The same of a file that might not fit the memory at all."""
    if shutil.disk_usage(tmp_path).free < GIANT:
        pytest.skip("too little room, if the file system keeps zeros")
    found = child("audit_memory.py", kind, GIANT, tmp_path)
    assert found["rows"] == GIANT // 256
    assert found["peak"] < LIMIT / 4


@pytest.mark.soak
def test_a_compressed_array_is_never_held(tmp_path: Path) -> None:
    """It is unpacked on the disk; so many zeros as this may still be packed."""
    found = child("audit_memory.py", "compressed", LARGE // 2, tmp_path)
    assert found["rows"] == LARGE // 512
    assert found["peak"] < LARGE


def _raise_value_error(*_: object, **__: object) -> None:
    raise ValueError("a fault that is no Faults")


def _raise_traceback(*_: object, **__: object) -> None:
    raise Faults("Traceback (most recent call last)")


@pytest.mark.parametrize("planted", [_raise_value_error, _raise_traceback])
def test_the_campaign_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: object) -> None:
    """Its negative control: another exception, or a line that no reader should see, is neither arrays nor faults."""
    path = save_npz(tmp_path, {"q": normals(1, 5, 4), "k": normals(2, 7, 4)})[0]
    rng = np.random.default_rng(0)
    outcomes = {audit_fuzzer.outcome(path, rng) for _ in range(20)}
    assert outcomes == {"arrays", "faults"}  # with heads and batches that it has, and those that it has not
    monkeypatch.setattr(audit_fuzzer, "open_heads", planted)
    assert audit_fuzzer.outcome(path, rng) not in outcomes
