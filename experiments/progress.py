"""The line that tells how far a long command has come."""

import sys
from threading import RLock
from typing import Any

from tqdm import tqdm


def progress_bar(total: int, unit: str, done: int = 0) -> "tqdm[Any]":
    """What is done, rate and time left, on standard error; silent when that is not a terminal."""
    silent = True if sys.stderr is None else None  # None: tqdm finds out whether it is a terminal
    tqdm.set_lock(RLock())  # its own is between processes: Python 3.14 complains of one that an interruption leaves
    return tqdm(total=total, initial=done, unit=f" {unit}", file=sys.stderr, disable=silent)
