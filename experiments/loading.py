"""What a command line does first of all, before the modules load that take a second; loads nothing itself."""

import os
import sys
from types import TracebackType

from experiments.interrupts import end_at_once


def begin() -> None:
    """Let Ctrl-C and a machine that refuses to load modules end the program without many words."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # none but ours, so that this process may be forked
    end_at_once()
    sys.excepthook = _tell_refusal


def end() -> None:
    """All is loaded: what is not caught from now on is a fault of the program's."""
    sys.excepthook = sys.__excepthook__


def _tell_refusal(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A package that is missing or damaged, too little memory to load it, or too few files that may be open."""
    if not issubclass(kind, ImportError | MemoryError | OSError):
        sys.__excepthook__(kind, error, trace)
        return
    while error.__cause__ is not None:  # NumPy tells a story
        error = error.__cause__
    what = " ".join(str(error).split()) or kind.__name__
    print(f"error: the program cannot be loaded here ({what[:300]}); mend packages with: make setup", file=sys.stderr)
    sys.stderr.flush()
    os._exit(2)
