"""A phase timer around one run of the command `python -m report page`, which knows nothing of it.

    python -m benchmarks.phases page --preset quick --out FOLDER

runs the command and prints, on a last line of its own, JSON with the seconds of each phase.
"""

import importlib
import json
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from functools import partial, wraps
from typing import Any

TIMED = {  # function → phase
    "experiments.cli.run": "run",
    "report.page.draw_all": "drawing",
    "report.page.render": "rendering",
}
SAMPLING = "experiments.executor.ThreadExecutor.run"  # a generator, through which all blocks come


class PhaseTimer:
    """Seconds by phase, of wall time and of the processor."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.processor_seconds: dict[str, float] = defaultdict(float)

    def __call__(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its calls timed."""

        @wraps(function)
        def timed(*arguments: Any, **settings: Any) -> Any:
            started = time.perf_counter(), time.process_time()
            try:
                return function(*arguments, **settings)
            finally:
                self._add(phase, *started)

        return timed

    def generator(self, phase: str, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """The generator function, timed from its first value to its last."""

        @wraps(function)
        def timed(*arguments: Any, **settings: Any) -> Iterator[Any]:
            started = time.perf_counter(), time.process_time()
            yield from function(*arguments, **settings)
            self._add(phase, *started)

        return timed

    def _add(self, phase: str, wall: float, processor: float) -> None:
        self.seconds[phase] += time.perf_counter() - wall
        self.processor_seconds[phase] += time.process_time() - processor


def replace(path: str, change: Callable[[Any], Any]) -> None:
    """Put something else in the place of a function, named from its module on."""
    module, *names = _split(path)
    owner: Any = importlib.import_module(module)
    for name in names[:-1]:
        owner = getattr(owner, name)
    setattr(owner, names[-1], change(getattr(owner, names[-1])))


def _split(path: str) -> list[str]:
    """The module (two names, here) and what is in it."""
    first, second, *rest = path.split(".")
    return [f"{first}.{second}", *rest]


def phases_of(timer: PhaseTimer) -> Mapping[str, float]:
    """Seconds of the phases that the record knows, but for what is left over."""
    seconds = timer.seconds
    return {
        "imports": seconds["imports"],
        "sampling and laws": seconds["sampling"],
        "frames and claims": max(0.0, seconds["run"] - seconds["sampling"]),
        "drawing": seconds["drawing"],
        "rendering": seconds["rendering"],
    }


def main() -> int:
    """Import, instrument, run, tell."""
    timer = PhaseTimer()
    command = timer("imports", importlib.import_module)("report.__main__")
    for path, phase in TIMED.items():
        replace(path, partial(timer, phase))
    replace(SAMPLING, partial(timer.generator, "sampling"))
    code: int = command.main(sys.argv[1:])
    told = {"phases": phases_of(timer), "sampling_processor_seconds": timer.processor_seconds["sampling"]}
    print(json.dumps(told))
    return code


if __name__ == "__main__":
    sys.exit(main())
