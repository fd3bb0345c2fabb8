"""The store of finished blocks: one SQLite file, each block written once, in a transaction of its own.

A block is known by its experiment, cell, number, root seed and the hash of the code that computes it; its payload
carries a checksum over all of them, so that a damaged or misplaced row is noticed and computed again.
"""

import hashlib
import inspect
import sqlite3
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

import scaling
from experiments.experiment import Experiment
from experiments.faults import Faults
from experiments.seeds import block_rng

Warn = Callable[[str], None]

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
    """Hash of everything that decides a block's values: the science, the experiment's own module, seeds, NumPy.

    `measure` may therefore call `scaling` and its own module, and nothing else of this project.
    """
    science = sorted(Path(scaling.__file__).parent.rglob("*.py"))
    own = {Path(inspect.getfile(ancestor)) for ancestor in type(experiment).__mro__ if issubclass(ancestor, Experiment)}
    digest = hashlib.sha256(f"python {sys.version_info[:2]} numpy {np.__version__}".encode())
    for path in [*science, *sorted(own), Path(inspect.getfile(block_rng))]:
        digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()[:16]


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
            except sqlite3.OperationalError:
                raise
            except sqlite3.DatabaseError as error:
                self._set_aside(error)
                self._connection = self._open()
        except (OSError, sqlite3.OperationalError) as error:
            raise Faults(f"{path}: cannot be opened for writing ({error}); choose another folder with OUT=") from None

    def _open(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            (state,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            if state != "ok":
                raise sqlite3.DatabaseError(state)
            connection.execute(SCHEMA)
            connection.execute(f"SELECT {', '.join(COLUMNS)} FROM block LIMIT 1")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    def _set_aside(self, error: Exception) -> None:
        number = 1
        while (aside := self._path.with_name(f"{self._path.name}.damaged-{number}")).exists():
            number += 1
        self._path.replace(aside)
        for suffix in ("-wal", "-shm"):
            self._path.with_name(self._path.name + suffix).unlink(missing_ok=True)
        self._warn(f"warning: the store {self._path} is damaged ({error}); set aside as {aside.name}, computing afresh")

    def __enter__(self) -> "Store":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._connection.close()

    def load(self, experiment: str, seed: int, code: str) -> dict[tuple[str, int], NDArray[np.float64]]:
        """All sound blocks of an experiment as {(cell, block): values}; blocks of older code are dropped."""
        found: dict[tuple[str, int], NDArray[np.float64]] = {}
        damaged = []
        try:
            self._connection.execute("DELETE FROM block WHERE experiment = ? AND code != ?", (experiment, code))
            rows = self._connection.execute(
                "SELECT cell, block, shape, payload, checksum FROM block"
                " WHERE experiment = ? AND seed = ? AND code = ?",
                (experiment, str(seed), code),
            ).fetchall()
        except sqlite3.DatabaseError as error:
            raise Faults(
                f"{self._path}: cannot be read ({error}); remove it or choose another folder with OUT="
            ) from None
        for cell, block, shape, payload, checksum in rows:
            key = BlockKey(experiment, cell, block, seed, code)
            if _checksum(key, shape, payload) == checksum:
                dimensions = [int(length) for length in shape.split(",") if length]
                found[cell, block] = np.frombuffer(payload, dtype="<f8").reshape(dimensions)
            else:
                damaged.append(key)
        if damaged:
            self._warn(
                f"warning: {len(damaged)} blocks of {experiment!r} are damaged in {self._path}; computing them again"
            )
        return found

    def save(self, key: BlockKey, values: NDArray[np.float64]) -> None:
        """Write one finished block; a damaged row of the same key is replaced."""
        shape = ",".join(str(length) for length in values.shape)
        payload = np.ascontiguousarray(values, dtype="<f8").tobytes()
        row = (
            key.experiment,
            key.cell,
            key.block,
            str(key.seed),
            key.code,
            shape,
            payload,
            _checksum(key, shape, payload),
        )
        try:
            self._connection.execute(f"INSERT OR REPLACE INTO block VALUES ({', '.join('?' * len(row))})", row)
        except sqlite3.DatabaseError as error:
            raise Faults(
                f"{self._path}: cannot be written ({error}); finished blocks before this one are kept"
            ) from None


COLUMNS = ("experiment", "cell", "block", "seed", "code", "shape", "payload", "checksum")


def _checksum(key: BlockKey, shape: str, payload: bytes) -> bytes:
    return hashlib.sha256(f"{key}\n{shape}\n".encode() + payload).digest()
