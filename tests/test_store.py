"""The store: what was finished is found again, what is damaged is noticed, and nothing else is ever returned."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest

from experiments import store
from experiments.arithmetic import arithmetic
from experiments.faults import Faults
from experiments.store import BlockKey, Store, code_hash
from experiments.variance import Variance

VALUES = np.array([[1.0, np.pi], [-0.0, 1e-300]])
KEY = BlockKey("variance", '{"d_k":4}', 3, 2017, "code")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A store with one block in it."""
    path = tmp_path / "out" / "results.sqlite"
    with Store(path, pytest.fail) as store:
        store.save({KEY: VALUES})
    return path


def load(path: Path, warnings: list[str], seed: int = 2017, code: str = "code") -> dict[tuple[str, int], np.ndarray]:
    """What the store gives back, with what it says of it."""
    with Store(path, warnings.append) as store:
        return store.load({"variance": code}, seed)["variance"]


def test_a_block_comes_back_bit_for_bit(path: Path) -> None:
    """Values and shape are those that were saved, and nothing is said."""
    warnings: list[str] = []
    ((found, values),) = load(path, warnings).items()
    assert found == (KEY.cell, KEY.block)
    assert values.tobytes() == VALUES.tobytes()
    assert values.shape == VALUES.shape
    assert warnings == []


def test_other_seeds_and_other_code_do_not_see_it(path: Path) -> None:
    """A block belongs to one seed and one version of the code; older code's blocks are dropped."""
    assert load(path, [], seed=1) == {}
    assert len(load(path, [])) == 1
    assert load(path, [], code="newer") == {}
    assert load(path, []) == {}


@pytest.mark.parametrize("column", ["payload", "shape", "block", "cell", "seed", "checksum"])
def test_a_changed_row_is_not_believed(path: Path, column: str) -> None:
    """Any field changed behind the store's back fails the checksum, or is simply not found."""
    changed = {"payload": VALUES[::-1].tobytes(), "shape": "4", "block": 4, "cell": "{}", "seed": "1", "checksum": b"x"}
    connection = sqlite3.connect(path)
    connection.execute(f"UPDATE block SET {column} = ?", (changed[column],))
    connection.commit()
    connection.close()
    warnings: list[str] = []
    assert load(path, warnings) == {}
    if column != "seed":
        assert warnings == [f"warning: 1 blocks of 'variance' are damaged in {path}; computing them again"]


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: b"this is no database" * 500,
        lambda content: content[: len(content) // 2],
        lambda content: content[:100] + bytes(len(content) - 100),
        lambda content: content[:20],
    ],
    ids=["text", "half", "zeros", "stub"],
)
def test_a_damaged_file_is_set_aside_with_a_warning(path: Path, damage: object) -> None:
    """The file is kept under another name, one line says so, and the store works."""
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    warnings: list[str] = []
    with Store(path, warnings.append) as store:
        assert store.load({"variance": "code"}, 2017) == {"variance": {}}
        store.save({KEY: VALUES})
    assert len(load(path, warnings)) == 1
    assert len(warnings) == 1
    assert "is damaged" in warnings[0]
    assert "set aside as results.sqlite.damaged-1" in warnings[0]
    assert path.with_name("results.sqlite.damaged-1").exists()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE block SET payload = 'abc'",
        "UPDATE block SET cell = CAST(x'fffe' AS TEXT)",
        "ALTER TABLE block RENAME COLUMN payload TO contents",
        "DROP TABLE block; CREATE VIEW block AS SELECT 1",
        "CREATE TRIGGER no BEFORE INSERT ON block BEGIN SELECT RAISE(ABORT, 'no'); END",
    ],
)
def test_whatever_was_done_to_the_database_the_store_works_again(path: Path, statement: str) -> None:
    """Rows and schemas changed by other hands: a warning in one line, and every block can be saved and loaded."""
    connection = sqlite3.connect(path)
    connection.executescript(statement)
    connection.close()
    warnings: list[str] = []
    with Store(path, warnings.append) as store:
        store.load({"variance": "code"}, 2017)
        store.save({KEY: VALUES})
    assert (KEY.cell, KEY.block) in load(path, warnings)
    assert warnings
    assert all("\n" not in line for line in warnings)


def test_a_second_damaged_file_gets_a_name_of_its_own(path: Path) -> None:
    """Nothing that was set aside is overwritten."""
    for _ in range(2):
        path.write_bytes(b"this is no database" * 500)
        load(path, [])
    assert {p.name for p in path.parent.glob("*.damaged-*")} == {"results.sqlite.damaged-1", "results.sqlite.damaged-2"}


def test_a_place_that_cannot_be_written_is_a_fault(tmp_path: Path) -> None:
    """A file where the folder should be, a folder where the file should be."""
    (tmp_path / "file").write_text("")
    (tmp_path / "out" / "results.sqlite").mkdir(parents=True)
    for place in (tmp_path / "file" / "results.sqlite", tmp_path / "out" / "results.sqlite"):
        with pytest.raises(Faults, match="cannot be read and written"):
            Store(place, pytest.fail)


class Derived(Variance):
    """A variance experiment of another module."""


def test_the_code_hash_covers_the_experiments_own_module() -> None:
    """A subclass elsewhere is other code, the same class is the same code."""
    grid = {"n_blocks": 4, "d_k": [1], "margin": 0.1}
    assert code_hash(Variance(**grid)) == code_hash(Variance(**grid))
    assert code_hash(Derived(**grid)) != code_hash(Variance(**grid))


@pytest.mark.parametrize("what", ["Python", "NumPy", "SciPy", "C library"])
def test_blocks_belong_to_what_decides_their_last_digits(monkeypatch: pytest.MonkeyPatch, what: str) -> None:
    """Another version of any of them is another hash, so that no report mixes blocks of both."""
    variance = Variance(n_blocks=4, d_k=[1], margin=0.1)
    here = code_hash(variance)
    assert all(arithmetic().values())
    monkeypatch.setattr(store, "arithmetic", lambda: arithmetic() | {what: "other"})
    assert code_hash(variance) != here
