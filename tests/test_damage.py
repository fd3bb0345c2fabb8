"""What a run keeps for the next one, damaged by the hundred: noticed, or of no effect; nothing wrong comes of it."""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random

import numpy as np
import pytest

from bench_record import record
from conftest import TINY, command_line, start_from, tree
from damage import damaged
from experiments.faults import Faults
from experiments.output import MANIFEST, only_one, publish
from experiments.store import BlockKey, Store
from processes import lines
from report import figure_archive
from report.cost_record import Bench, read_bench

soak = pytest.mark.soak
Record = Callable[[str, object], None]
Outcome = Callable[[Random], str]
CODES, SEED = dict.fromkeys(("gradients", "saturation", "variance"), "code"), 2017
OLD = {"data/a.csv": b"old", "data/b.csv": b"old", "report/index.html": b"old"}
NEW = {"data/a.csv": b"new", "report/index.html": b"new"}


@pytest.fixture(autouse=True)
def _memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Work in memory where there is such a folder: what is asked here is not how long a disk takes."""
    folder = Path("/dev/shm") / tmp_path.name if Path("/dev/shm").is_dir() else tmp_path / "work"
    folder.mkdir()
    monkeypatch.chdir(folder)
    yield
    shutil.rmtree(folder)


def store_outcome() -> Outcome:
    """A store of forty blocks to each of three experiments, with a journal that is not yet part of it, damaged."""
    rng = np.random.default_rng(1)
    wanted = {name: {(f'{{"d_k":{i}}}', i % 4): rng.normal(size=(9, 9)) for i in range(40)} for name in CODES}
    whole = Path("whole.sqlite")

    def save(store: Store, blocks: dict[str, dict[tuple[str, int], np.ndarray]]) -> None:
        for name, some in blocks.items():
            store.save({BlockKey(name, *place, SEED, "code"): values for place, values in some.items()})

    with Store(whole, pytest.fail) as store:
        save(store, {name: wanted[name] for name in ("saturation", "gradients")})
    with Store(whole, pytest.fail) as store:
        save(store, {"variance": wanted["variance"]})
        contents = {end: Path(f"{whole}{end}").read_bytes() for end in ("", "-wal")}
    assert len(contents["-wal"]) > 20_000

    def outcome(chance: Random) -> str:
        path = Path("store") / "results.sqlite"
        shutil.rmtree(path.parent, ignore_errors=True)
        path.parent.mkdir()
        hit = chance.choice([("",), ("-wal",), ("", "-wal")])
        for end, content in contents.items():
            Path(f"{path}{end}").write_bytes(damaged(content, chance) if end in hit else content)
        said: list[str] = []
        with Store(path, said.append) as store:
            found = store.load(CODES, SEED)
            for name, blocks in found.items():
                if any(values.tobytes() != wanted[name][place].tobytes() for place, values in blocks.items()):
                    return "wrong"
            save(store, {n: {p: v for p, v in wanted[n].items() if p not in found[n]} for n in CODES})
        with Store(path, said.append) as store:
            if any(found.keys() != wanted[name].keys() for name, found in store.load(CODES, SEED).items()):
                return "not whole again"
        if len(said) > 2 or any("\n" in line or not line.startswith("warning: ") for line in said):
            return f"said {said}"
        return "noticed" if said else "right"

    return outcome


def figure_outcome() -> Outcome:
    """An archive of a figure's three parts."""
    parts = {"svg": b"<svg>" * 200, "png": Random(1).randbytes(2000), "page": b"<svg/>" * 100}
    figure_archive.keep(Path("figure-0123.zip"), parts)
    content = Path("figure-0123.zip").read_bytes()

    def outcome(chance: Random) -> str:
        entry = Path("kept") / "figure-0123.zip"
        entry.parent.mkdir(exist_ok=True)
        entry.write_bytes(damaged(content, chance))
        found = figure_archive.read(entry)
        return "noticed" if found is None else "right" if found == parts else "wrong"

    return outcome


def bench_outcome() -> Outcome:
    """The measurements of a benchmark."""
    content = record().sealed.model_dump_json(indent=1).encode()

    def outcome(chance: Random) -> str:
        said: list[str] = []
        Path("bench.json").write_bytes(damaged(content, chance))
        found = read_bench(Path("bench.json"), said.append)
        if found is None:
            return "noticed" if len(said) == 1 and "\n" not in said[0] else f"said {said}"
        return "right" if found[0].model_copy(update={"seal": None}) == record() and not said else "wrong"

    return outcome


def manifest_outcome() -> Outcome:
    """The list of what a run has published, beside a file of somebody else's."""

    def outcome(chance: Random) -> str:
        out = Path("out")
        shutil.rmtree(out, ignore_errors=True)
        publish(out, OLD)
        (out / "data" / "mine.csv").write_bytes(b"mine")
        (out / MANIFEST).write_bytes(damaged((out / MANIFEST).read_bytes(), chance))
        try:
            with only_one(out):
                publish(out, NEW)
        except Faults as refused:
            untouched = all((out / name).read_bytes() == content for name, content in OLD.items())
            return "noticed" if untouched and len(refused.lines) == 1 else "wrong"
        there = all((out / name).read_bytes() == content for name, content in NEW.items())
        return "right" if there and (out / "data" / "mine.csv").read_bytes() == b"mine" else "wrong"

    return outcome


SUBJECTS = {"store": store_outcome, "figure": figure_outcome, "bench": bench_outcome, "manifest": manifest_outcome}
SHORT = {"store": 40, "figure": 200, "bench": 60, "manifest": 60}
LONG = {"store": 4000, "figure": 20_000, "bench": 4000, "manifest": 4000}


@pytest.mark.parametrize(
    ("subject", "n", "seed"),
    [
        *((subject, n, 1) for subject, n in SHORT.items()),
        *(pytest.param(subject, n, 2, marks=soak) for subject, n in LONG.items()),
    ],
)
def test_damage_is_noticed_or_of_no_effect(subject: str, n: int, seed: int, record_property: Record) -> None:
    """Whatever is damaged in whichever way: never other content than was written, and a line or two at most."""
    chance, outcome = Random(seed), SUBJECTS[subject]()
    counts = Counter(outcome(chance) for _ in range(n))
    record_property("cases", n)
    record_property("noticed", counts["noticed"])
    assert counts.keys() <= {"right", "noticed"}
    assert counts["noticed"]


@pytest.mark.parametrize("subject", ["store", "figure", "bench"])
def test_the_campaign_can_fail(subject: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its negative control: without seals and checksums, wrong content comes back."""
    monkeypatch.setattr("experiments.store._checksum", lambda *_: b"")
    monkeypatch.setattr(figure_archive, "_seal", lambda *_: b"")
    monkeypatch.setattr(Bench, "_digest", lambda self: self.seal)
    chance, outcome = Random(3), SUBJECTS[subject]()
    assert any(outcome(chance) == "wrong" for _ in range(400))


@soak
@pytest.mark.parametrize("part", [1, 2])
def test_a_page_from_damaged_files_is_the_same(
    part: int, report: Path, tmp_path: Path, record_property: Record, request: pytest.FixtureRequest
) -> None:
    """Store, figures and benchmark damaged at once: the command says so in a few lines, and the bytes are right."""
    chance = Random(request.node.name)
    for number in range(5):
        out = tmp_path / str(number)
        start_from(report, out)
        shutil.rmtree(out / ".figures")  # whose files are the report's own
        shutil.copytree(report / ".figures", out / ".figures")
        (out / "bench.json").write_bytes(record().sealed.model_dump_json().encode()[:-9])
        for path in [out / "results.sqlite", *sorted((out / ".figures").iterdir())]:
            path.write_bytes(damaged(path.read_bytes(), chance))
        done = command_line("report", "page", "--preset", TINY, "--out", out)
        assert done.returncode == 0, done.stderr
        assert all(line.startswith("warning: ") for line in lines(done.stderr))
        assert 1 <= len(lines(done.stderr)) <= 3
        assert tree(out) == tree(report)
    record_property("cases", 5)
