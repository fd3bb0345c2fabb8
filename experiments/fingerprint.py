"""What must agree between two machines for a block to have the same bytes on both."""

import hashlib
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy import special

import experiments.preset  # noqa: F401 - every experiment is loaded before the sources are read, see below
import scaling
from experiments.arithmetic import arithmetic
from experiments.packages import ABSENT, LOCK, WANTED, installed

# Read once, as this module is loaded: a worker that was started before the files were edited computes with what it
# loaded then, whatever they say by now.
FOLDERS = (Path(scaling.__file__).parent, Path(__file__).parent)
KINDS = ("*.py", "*.txt")
SOURCES = [
    (path.name, path.read_bytes()) for folder in FOLDERS for kind in KINDS for path in sorted(folder.rglob(kind))
]


class Fingerprint(NamedTuple):
    """Versions, the hash of this project's code and texts, and the hash of a small computation."""

    python: str
    numpy: str
    scipy: str
    c_library: str
    code: str
    optional: tuple[str, ...]
    digits: str


RESULT = "its blocks would have other bytes; stop it"


@cache
def fingerprint() -> Fingerprint:
    """That of this process, whose BLAS must be set to one thread."""
    code = hashlib.sha256()
    for name, source in SOURCES:
        code.update(name.encode() + b"\0" + source + b"\0")
    optional = tuple(map(installed, WANTED))
    python, numpy, scipy, c_library = arithmetic().values()
    return Fingerprint(python, numpy, scipy, c_library, code.hexdigest()[:12], optional, _digits())


def _digits() -> str:
    """Hash of some draws, products and transcendental functions: processors of another make differ in last digits."""
    x = np.random.default_rng(7).standard_normal((64, 512))
    parts = (x, x @ x.T, np.exp(x), np.log(np.abs(x)), np.tanh(x), special.log_ndtr(x), x.sum(axis=1), np.sqrt(x**2))
    return hashlib.sha256(b"".join(np.ascontiguousarray(part).tobytes() for part in parts)).hexdigest()[:12]


def difference(theirs: Fingerprint, ours: Fingerprint) -> str:
    """What is not the same, and what to do about it; empty where all is the same."""
    *versions, code, _, digits = (a != b for a, b in zip(theirs, ours, strict=True))
    if any(versions):
        what = "; ".join(
            f"has {label} {there}, this machine {here}"
            for label, there, here in zip(arithmetic(), theirs, ours, strict=False)
            if there != here
        )
        return f"{what}: {RESULT}, and set it up from the same commit, with the same Python on the same system"
    if code:
        return f"has other code of this project than this machine: {RESULT}, and start it again from the same commit"
    for (name, wanted), there, here in zip(WANTED.items(), theirs.optional, ours.optional, strict=True):
        if here == wanted != there:  # where this machine has it not, no block needs it
            has = f"lacks {name}" if there == ABSENT else f"has {name} {there}"
            return f"{has}, this machine has {here}: it cannot measure every block; install there what {LOCK} names"
    if digits:
        return f"has a processor whose arithmetic gives other last digits: {RESULT}, and use machines of one kind"
    return ""
