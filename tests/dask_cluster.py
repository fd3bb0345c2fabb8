"""A Dask cluster on this machine for tests: a scheduler and workers, each a process that can be killed."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from conftest import ROOT


class LocalCluster:
    """Starts processes on ports that are free, and kills them all at the end."""

    def __init__(self, folder: Path, **environment: str) -> None:
        """Start a scheduler; its files go to `folder`, and its environment is ours with some more variables."""
        self._folder = folder
        self._environment = {name: value for name, value in os.environ.items() if name != "PYTHONWARNINGS"}
        self.processes: list[subprocess.Popen[bytes]] = []
        known = folder / "scheduler.json"
        self._environment |= environment
        self.scheduler = self._start("scheduler", "--host", "127.0.0.1", "--port", "0", "--scheduler-file", known)
        wait_for(lambda: known.exists() and known.read_text().endswith("}"), "the scheduler")
        self.address = str(json.loads(known.read_text())["address"])

    def start_worker(self, project: Path | None = ROOT) -> "subprocess.Popen[bytes]":
        """Start a worker of one thread that computes with that copy of the project, or knows of none."""
        self._environment["PYTHONPATH"] = f"{project}:{ROOT / 'tests'}" if project else ""
        options = ("--no-nanny", "--nthreads", 1, "--local-directory", self._folder)
        return self._start("worker", self.address, *options)

    def _start(self, *arguments: object) -> "subprocess.Popen[bytes]":
        with (self._folder / "log").open("ab") as log:
            command = [sys.executable, "-P", "-m", "dask", *map(str, arguments), "--no-dashboard"]
            process = subprocess.Popen(command, cwd=self._folder, env=self._environment, stdout=log, stderr=log)
        self.processes.append(process)
        return process

    def __enter__(self) -> "LocalCluster":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


def wait_for(condition: Callable[[], object], what: str, seconds: float = 60.0) -> None:
    """Return as soon as the condition holds; fail with the name of what did not come."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds:g} s")
        time.sleep(0.02)
