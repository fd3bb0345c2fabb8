"""Packages that may be absent: what needs one is left out and named, and all else is as it was."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import ClassVar

import pytest

from conftest import ROOT, TINY
from experiments import packages
from experiments.claims import Claim
from experiments.cli import RunOptions, run_and_publish
from experiments.experiment import ScoreCell, Values
from experiments.faults import Faults
from experiments.fingerprint import difference, fingerprint
from experiments.language_models import LANGUAGES, PACKAGE, TEXTS, OnLanguageModels
from experiments.output import data_files
from experiments.packages import ABSENT, LOCK, WANTED, installed, lacking
from experiments.preset import Preset, load_preset
from experiments.provenance import provenance
from experiments.runner import run
from experiments.store import code_hash
from experiments.variance import Variance
from report.figures import FIGURES, SPECS, figures_of

MENDED = f"for it: .venv/bin/python -m pip install --no-deps -r {LOCK}"


class Guest(Variance):
    """An experiment that needs a package."""

    name = "guest"
    needs: ClassVar[tuple[str, ...]] = (PACKAGE,)

    def claims(self, observed: Mapping[ScoreCell, Values]) -> list[Claim]:
        """One, since a claim has a name of its own."""
        return [replace(claim, id="guest-claim") for claim in super().claims(observed)[:1]]


HOST = Variance(n_blocks=3, d_k=[1, 2], margin=0.1)
GUEST = Guest(n_blocks=3, d_k=[1, 2], margin=0.1)


@pytest.fixture
def preset(monkeypatch: pytest.MonkeyPatch) -> Preset:
    """The tiny preset, with an experiment that needs a package beside one that needs none."""
    monkeypatch.setattr(Preset, "declared", property(lambda preset: [HOST, GUEST]))
    return load_preset(str(TINY))


def give(monkeypatch: pytest.MonkeyPatch, found: str | None) -> None:
    """Let this version of the package be what is installed, or none."""

    def version(package: str) -> str:
        assert package == PACKAGE
        if found is None:
            raise PackageNotFoundError(package)
        return found

    monkeypatch.setattr(packages, "version", version)


def test_one_version_is_wanted_everywhere() -> None:
    """By the code, by pyproject.toml and by the lock, which holds nothing else and has hashes."""
    group = tomllib.loads((ROOT / "pyproject.toml").read_text())["dependency-groups"]["models"]
    lines = [line for line in (ROOT / LOCK).read_text().splitlines() if not line.startswith("#")]
    assert group == [f"{name}=={version}" for name, version in WANTED.items()] == [lines[0].removesuffix(" \\")]
    assert len(lines) > 1
    assert all(line.strip().startswith("--hash=sha256:") for line in lines[1:])


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ("0.1.0", None),
        (None, f"needs glassllm 0.1.0, which is not installed; {MENDED}"),
        ("0.2.0", f"needs glassllm 0.1.0, not 0.2.0, which is installed; {MENDED}"),
    ],
)
def test_what_is_lacking_is_told_with_what_mends_it(
    monkeypatch: pytest.MonkeyPatch, found: str | None, expected: str | None
) -> None:
    """Nothing for the wanted version; absence and another version in words. What needs no package lacks none."""
    give(monkeypatch, found)
    assert lacking(PACKAGE) == expected
    assert GUEST.absence == expected
    assert HOST.absence is None
    assert installed(PACKAGE) == (found or ABSENT)


@pytest.mark.parametrize("found", [None, "0.2.0"])
def test_an_experiment_without_its_package_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, preset: Preset, found: str | None
) -> None:
    """Of frames, claims and files; the other's are the same bytes. Its finished blocks wait until it is back."""
    store = tmp_path / "results.sqlite"
    give(monkeypatch, "0.1.0")
    whole = run(preset, store, pytest.fail)
    assert set(whole.frames) == {"variance", "guest"}
    assert preset.left_out == []
    give(monkeypatch, found)
    part = run(preset, store, pytest.fail)
    assert set(part.frames) == {"variance"}
    assert "guest-claim" in {judgement.claim.id for judgement in whole.ledger.judgements}
    assert "guest-claim" not in {judgement.claim.id for judgement in part.ledger.judgements}
    assert (part.n_computed, part.n_reused) == (0, 6)
    files = data_files(part)
    assert {name: content for name, content in data_files(whole).items() if "variance" in name} == {
        name: content for name, content in files.items() if name != "claims.json"
    }
    assert preset.left_out == [f"guest is left out: {GUEST.absence}"]
    give(monkeypatch, "0.1.0")
    assert run(preset, store, pytest.fail).n_reused == 12


def test_it_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], preset: Preset
) -> None:
    """In one line beside the results, which are published all the same; nothing where nothing is left out."""
    for found, lines in ((None, [f"note: guest is left out: needs {PACKAGE} 0.1.0, which"]), ("0.1.0", [])):
        give(monkeypatch, found)
        assert run_and_publish(RunOptions(preset, 1, None, tmp_path, strict=False)) == 0
        said = capsys.readouterr().err.splitlines()
        assert len(said) == len(lines)
        assert all(line.startswith(start) for line, start in zip(said, lines, strict=True))
        assert (tmp_path / "data" / "guest.csv").exists() == (found is not None)


def test_its_settings_are_checked_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """A preset is right or wrong whatever is installed."""
    large = Guest(n_blocks=3, d_k=[10**6], margin=1e-6)
    assert large.excesses()
    monkeypatch.setattr(Preset, "declared", property(lambda preset: [HOST, large]))
    give(monkeypatch, None)
    with pytest.raises(Faults, match=r"guest: a block of .* would draw"):
        load_preset(str(TINY))


def test_the_record_names_the_version(monkeypatch: pytest.MonkeyPatch, preset: Preset) -> None:
    """It decides the bytes: a version, or that there is none."""
    for found in ("0.1.0", "0.2.0", None):
        give(monkeypatch, found)
        assert provenance(preset)["packages"][PACKAGE] == (found or "absent")
    assert json.dumps(provenance(preset))


def test_blocks_belong_to_the_version_that_measured_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version is other code, for what needs it alone."""
    hosts, guests = [], []
    for found in ("0.1.0", "0.2.0"):
        give(monkeypatch, found)
        hosts.append(code_hash(HOST))
        guests.append(code_hash(GUEST))
    assert hosts[0] == hosts[1]
    assert guests[0] != guests[1]
    assert not {*hosts} & {*guests}


def test_blocks_belong_to_the_files_that_were_read(tmp_path: Path) -> None:
    """Another text gives other values, and so another hash."""

    class Reader(Variance):
        files: ClassVar[tuple[Path, ...]] = (tmp_path / "text.txt",)

    hashes = []
    for text in ("one", "two", "one"):
        (tmp_path / "text.txt").write_text(text)
        hashes.append(code_hash(Reader(n_blocks=3, d_k=[1], margin=0.1)))
    assert hashes[0] == hashes[2] != hashes[1]


def test_what_is_measured_on_language_models_names_package_and_texts() -> None:
    """Its base class does: loading is in that class's module, which the hash of its blocks covers."""
    assert OnLanguageModels.needs == (PACKAGE,)
    assert set(OnLanguageModels.files) == set(TEXTS.glob("*.txt")) == {TEXTS / f"{name}.txt" for name in LANGUAGES}
    packaged = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["experiments"]
    assert "texts/*" in packaged


@pytest.mark.parametrize(
    ("theirs", "ours", "expected"),
    [
        ("0.1.0", "0.1.0", ""),
        (ABSENT, "0.1.0", "lacks glassllm, this machine has 0.1.0: it cannot measure every block; install there what "),
        ("0.2.0", "0.1.0", "has glassllm 0.2.0, this machine has 0.1.0: it cannot measure every block; install there "),
        ("0.1.0", ABSENT, ""),
        (ABSENT, ABSENT, ""),
        (ABSENT, "0.2.0", ""),
    ],
)
def test_a_worker_must_have_what_is_used_here(theirs: str, ours: str, expected: str) -> None:
    """One that lacks a package is named before it fails; where nothing here needs it, it may lack it."""
    here = fingerprint()
    found = difference(here._replace(optional=(theirs,)), here._replace(optional=(ours,)))
    assert found.startswith(expected)
    assert (LOCK in found) == bool(expected)
    assert len(here.optional) == len(WANTED)


def test_what_was_not_measured_is_not_drawn() -> None:
    """Figures of a missing frame are left out, whichever of their frames it is; the rest keep their order."""
    frames = {name for spec in SPECS.values() for name in spec.experiments}
    assert figures_of(frames) == tuple(SPECS.values())
    assert figures_of(frames - {"bench", "audit"}) == FIGURES
    for missing in frames:
        left = figures_of(frames - {missing})
        assert left == tuple(spec for spec in SPECS.values() if missing not in spec.experiments)
        assert len(left) < len(SPECS)
