"""The store of finished blocks: one SQLite file, each block written once, a batch to a transaction.

A block is known by its experiment, cell, number, root seed and the hash of the code that computes it; its payload
carries a checksum over all of them, so that a damaged or misplaced row is noticed and computed again.
"""

import hashlib
import inspect
import os
import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

import scaling
from experiments.arithmetic import arithmetic
from experiments.experiment import Experiment
from experiments.faults import Faults
from experiments.packages import installed
from experiments.seeds import block_rng

Warn = Callable[[str], None]
Result = TypeVar("Result")

SCHEMA = """
CREATE TABLE IF NOT EXISTS block (
    experiment TEXT NOT NULL, cell TEXT NOT NULL, block INTEGER NOT NULL, seed TEXT NOT NULL, code TEXT NOT NULL,
    shape TEXT NOT NULL, payload BLOB NOT NULL, checksum BLOB NOT NULL,
    PRIMARY KEY (experiment, cell, block, seed, code)
) WITHOUT ROWID
"""


@dataclass(frozen=True)
class BlockKey:
    """What a block is; two blocks with the same key hold the same values."""

    experiment: str
    cell: str
    block: int
    seed: int
    code: str


def code_hash(experiment: Experiment[Any]) -> str:
    """Hash of everything that decides a block's values: the science, the experiment's own module, seeds, versions.

    `measure` may therefore call `scaling` and its own module, and nothing else of this project; packages beyond NumPy
    and SciPy, and files, are those that the experiment names.
    """
    science = sorted(Path(scaling.__file__).parent.rglob("*.py"))
    own = {Path(inspect.getfile(ancestor)) for ancestor in type(experiment).__mro__ if issubclass(ancestor, Experiment)}
    needs = "".join(f" {package} {installed(package)}" for package in experiment.needs)
    digest = hashlib.sha256(f"{arithmetic()}{needs}".encode())
    for path in [*science, *sorted(own), Path(inspect.getfile(block_rng)), *experiment.files]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


# What the machine may refuse, as against what only a damaged file makes SQLite say.
REFUSALS = {
    sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_FULL, sqlite3.SQLITE_PERM, sqlite3.SQLITE_NOMEM,
}  # fmt: skip
LONGEST_PATH = 500  # bytes; SQLite has room for 512, and gives its journal a longer name
DAMAGE = (sqlite3.DatabaseError, UnicodeDecodeError)  # the second where an error's own words are damaged too


class Store:
    """Finished blocks in one SQLite file; use it as a context manager and from one thread."""

    def __init__(self, path: Path, warn: Warn) -> None:
        """Open or create the store; a damaged file is set aside with a warning. Faults where it can't be written."""
        self._path = path
        self._warn = warn
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._connection = self._open()
            except DAMAGE as error:
                self._set_aside(error)
                self._connection = self._open()
        except (OSError, sqlite3.Error) as error:
            raise self._fault(error) from None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        connection.text_factory = lambda text: text.decode(errors="replace")  # a damaged text fails its checksum
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            (state,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            connection.execute(SCHEMA)
            connection.execute(f"SELECT {', '.join(COLUMNS)} FROM block LIMIT 1")
        except (sqlite3.Error, UnicodeDecodeError):
            connection.close()
            raise
        return connection

    def _set_aside(self, error: Exception) -> None:
        """Rename a damaged file and say so; an error that is the machine's refusal is raised again."""
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
        is_by_header = code == sqlite3.SQLITE_READONLY and os.access(self._path, os.W_OK)  # it names a newer format
        if code in REFUSALS and not is_by_header:
            raise error
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        self._path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        what = " ".join(str(error).split())
        self._warn(f"warning: the store {self._path} is damaged ({what}); set aside as {aside.name}, computing afresh")

    def _fault(self, error: Exception) -> Faults:
        length = len(os.fsencode(self._path))
        if length > LONGEST_PATH:
            error = ValueError(f"a path of {length} bytes is too long for SQLite: {LONGEST_PATH} are allowed")
        return Faults(f"{self._path}: cannot be read and written ({error}); free it or choose another folder with OUT=")

    def _do(self, work: Callable[[sqlite3.Connection], Result]) -> Result:
        """Do it; on a file that turns out to be damaged, set that aside and do it on a new one."""
        try:
            try:
                return work(self._connection)
            except DAMAGE as error:
                self._connection.close()
                self._set_aside(error)
                self._connection = self._open()
                return work(self._connection)
        except (OSError, sqlite3.Error) as error:
            raise self._fault(error) from None

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def load(self, codes: Mapping[str, str], seed: int) -> dict[str, dict[tuple[str, int], NDArray[np.float64]]]:
        """All sound blocks of experiments, given with the hash of their code: {experiment: {(cell, block): values}}.

        Blocks of other code are dropped; of damaged ones a warning tells.
        """
        found: dict[str, dict[tuple[str, int], NDArray[np.float64]]] = {experiment: {} for experiment in codes}
        n_damaged = dict.fromkeys(codes, 0)
        for experiment, code in codes.items():
            for cell, block, shape, payload, checksum in self._do(partial(_rows, experiment, code, seed)):
                key = BlockKey(experiment, cell, block, seed, code)
                if isinstance(payload, bytes) and _checksum(key, shape, payload) == checksum:
                    dimensions = [int(length) for length in shape.split(",") if length]
                    found[experiment][cell, block] = np.frombuffer(payload, dtype="<f8").reshape(dimensions)
                else:
                    n_damaged[experiment] += 1
        if damaged := [experiment for experiment, n in n_damaged.items() if n]:
            self._warn(
                f"warning: {sum(n_damaged.values())} blocks of {', '.join(map(repr, damaged))} are damaged in "
                f"{self._path}; computing them again"
            )
        return found

    def save(self, blocks: Mapping[BlockKey, NDArray[np.float64]]) -> None:
        """Write finished blocks, all or none; damaged rows of the same keys are replaced."""
        rows = [_row(key, values) for key, values in blocks.items()]

        def write(connection: sqlite3.Connection) -> None:
            with connection:  # commits, or rolls back
                connection.execute("BEGIN")
                connection.executemany(f"INSERT OR REPLACE INTO block VALUES ({PLACES})", rows)

        self._do(write)


COLUMNS = ("experiment", "cell", "block", "seed", "code", "shape", "payload", "checksum")
PLACES = ", ".join("?" * len(COLUMNS))


def _rows(experiment: str, code: str, seed: int, connection: sqlite3.Connection) -> list[tuple[Any, ...]]:
    """What the store has of an experiment, sound or not, after those of other code were dropped."""
    connection.execute("DELETE FROM block WHERE experiment = ? AND code != ?", (experiment, code))
    return connection.execute(
        "SELECT cell, block, shape, payload, checksum FROM block WHERE experiment = ? AND seed = ? AND code = ?",
        (experiment, str(seed), code),
    ).fetchall()


def _row(key: BlockKey, values: NDArray[np.float64]) -> tuple[Any, ...]:
    shape = ",".join(str(length) for length in values.shape)
    payload = np.ascontiguousarray(values, dtype="<f8").tobytes()
    name = (key.experiment, key.cell, key.block, str(key.seed), key.code)
    return *name, shape, payload, _checksum(key, shape, payload)


def _checksum(key: BlockKey, shape: str, payload: bytes) -> bytes:
    return hashlib.sha256(f"{key}\n{shape}\n".encode() + payload).digest()
