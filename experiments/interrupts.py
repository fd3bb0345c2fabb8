"""Ctrl-C, a request to end (SIGTERM) and a closed terminal (SIGHUP): one way to stop, and its exit status.

What was ignored as the program began, as by nohup, stays so. Loads nothing, so that it can be first.
"""

import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNALS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]
PATIENCE = 4.0  # seconds for what is under way to be cleared away
AGAIN = 0.05  # seconds until an interruption that got lost comes again


def end_at_once() -> None:
    """Let a signal just end this process: there is nothing to keep yet, or no more."""
    _set(signal.SIG_DFL)


def pass_by() -> None:
    """Let signals pass by this process, which another one ends."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    end_at_once()


@contextmanager
def held_back() -> Iterator[None]:
    """Processes that are started meanwhile never see a signal; it reaches this one afterwards."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, SIGNALS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Interruption:
    """Raises a KeyboardInterrupt at the first signal; later ones change nothing.

    Where that gets lost, since some code lets no exception pass, or where clearing away takes too long, `give_up` is
    called, and the process ended.
    """

    def __init__(self, give_up: Callable[[], None]) -> None:
        self._give_up = give_up
        self._number: int | None = None
        _set(self._interrupt)
        sys.unraisablehook = self._unraisable

    @property
    def status(self) -> int:
        """The exit status by which a shell tells of the signal."""
        return 128 + (self._number or signal.SIGINT)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            return
        self._number = number
        self._alarm(PATIENCE)
        raise KeyboardInterrupt

    def _alarm(self, seconds: float) -> None:
        if hasattr(signal, "setitimer"):
            signal.signal(signal.SIGALRM, self._end)
            signal.setitimer(signal.ITIMER_REAL, seconds)

    def _end(self, number: int, frame: FrameType | None) -> None:
        self._give_up()
        os._exit(self.status)

    def _unraisable(self, lost: "sys.UnraisableHookArgs") -> None:
        if issubclass(lost.exc_type, KeyboardInterrupt):
            self._alarm(AGAIN)
        else:
            sys.__unraisablehook__(lost)


def _set(action: "Callable[[int, FrameType | None], None] | signal.Handlers") -> None:
    for number in SIGNALS:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, action)
