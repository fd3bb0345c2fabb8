"""What a command line does first of all, before the modules load that take a second; loads nothing itself."""

import os
import sys
from types import TracebackType

try:
    import resource
except ImportError:  # not everywhere
    resource = None  # type: ignore[assignment]

from experiments.interrupts import end_at_once

NEEDED = 2**29  # bytes of addresses that all libraries take; with much less OpenBLAS waits for them for ever


def begin() -> None:
    """Let Ctrl-C and a machine that refuses to load modules end the program without many words."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # none but ours, so that this process may be forked
    end_at_once()
    sys.excepthook = _tell_refusal
    if (allowed := _address_space()) < NEEDED:
        raise MemoryError(f"{allowed >> 20} MiB of memory are allowed by ulimit -v, {NEEDED >> 20} are needed")


def end() -> None:
    """All is loaded: what is not caught from now on is a fault of the program's."""
    sys.excepthook = sys.__excepthook__


def _address_space() -> int:
    """Bytes that this process may map."""
    if resource is None:
        return sys.maxsize
    allowed, _ = resource.getrlimit(resource.RLIMIT_AS)
    return sys.maxsize if allowed == resource.RLIM_INFINITY else allowed


def _tell_refusal(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """A package that is missing or damaged, too little memory to load it, or too few files that may be open."""
    if not issubclass(kind, ImportError | MemoryError | OSError):
        sys.__excepthook__(kind, error, trace)
        return
    while error.__cause__ is not None:  # NumPy tells a story
        error = error.__cause__
    what = " ".join(str(error).split()) or kind.__name__
    hint = "; mend packages with: make setup" if issubclass(kind, ImportError) else ""
    print(f"error: the program cannot be loaded here ({what[:300]}){hint}", file=sys.stderr)
    sys.stderr.flush()
    os._exit(2)
