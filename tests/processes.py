"""The command lines as processes that tests stop, and what a session of them leaves behind."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from conftest import ROOT

ALONE, GROUP = "alone", "group"  # whom a signal reaches: the process, or its children too as from a terminal


def begin(*arguments: object, environment: Mapping[str, str] | None = None, **more: Any) -> "subprocess.Popen[str]":
    """`python -m …` in a session of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", *map(str, arguments)],
        **{"cwd": ROOT, "stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **more},
        env=environment,
        text=True,
        start_new_session=True,
    )


def send(process: "subprocess.Popen[str]", number: int, whom: str = ALONE) -> None:
    """A signal, unless the process has ended."""
    if process.poll() is None:
        (os.killpg if whom == GROUP else os.kill)(process.pid, number)


def members(session: int) -> list[int]:
    """Processes of a session that are still there, dead ones that nobody has waited for left out."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            state, _, _, its_session = (folder / "stat").read_text().rpartition(")")[2].split()[:4]
        except OSError:
            continue
        if int(its_session) == session and state not in "ZX":
            found.append(int(folder.name))
    return found


def left_behind(session: int, seconds: float = 10.0) -> list[int]:
    """Members of a session that have not ended after so long; they are ended."""
    deadline = time.monotonic() + seconds
    while (found := members(session)) and time.monotonic() < deadline:
        time.sleep(0.02)
    for one in found:
        os.kill(one, signal.SIGKILL)
    return found


def lines(errors: str) -> list[str]:
    """What was said but for notes, which tell what a machine lacks for all of the preset."""
    return [line for line in errors.splitlines() if line and not line.startswith("note: ")]
