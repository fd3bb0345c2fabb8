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
from typing import TYPE_CHECKING, Any

from experiments.memory import keep_freed_memory

if TYPE_CHECKING:
    from experiments.blocks import Batch, Batches

TIMED = {  # function → phase
    "experiments.cli.run": "run",
    "report.page.draw_all": "drawing",
    "report.page.render": "rendering",
}
SAMPLING = "experiments.executor.LocalExecutor.run"  # a generator, through which all blocks come
WORK = "experiments.blocks.Batches.took"  # told how long each batch took where it was measured


class PhaseTimer:
    """Seconds by phase, and those that all workers together spent on blocks."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.block_seconds = 0.0

    def __call__(self, phase: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its calls timed."""

        @wraps(function)
        def timed(*arguments: Any, **settings: Any) -> Any:
            started = time.perf_counter()
            try:
                return function(*arguments, **settings)
            finally:
                self.seconds[phase] += time.perf_counter() - started

        return timed

    def generator(self, phase: str, function: Callable[..., Iterator[Any]]) -> Callable[..., Iterator[Any]]:
        """The generator function, timed from its first value to its last."""

        @wraps(function)
        def timed(*arguments: Any, **settings: Any) -> Iterator[Any]:
            started = time.perf_counter()
            yield from function(*arguments, **settings)
            self.seconds[phase] += time.perf_counter() - started

        return timed

    def batch(self, took: Callable[["Batches", "Batch", float], None]) -> Callable[["Batches", "Batch", float], None]:
        """The method that is told the seconds of each batch, overheard."""

        @wraps(took)
        def heard(batches: "Batches", batch: "Batch", seconds: float) -> None:
            self.block_seconds += seconds
            took(batches, batch, seconds)

        return heard


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
    replace(WORK, timer.batch)
    keep_freed_memory()  # as the command line does
    code: int = command.main(sys.argv[1:])
    told = {"phases": phases_of(timer), "sampling_processor_seconds": timer.block_seconds}
    print(json.dumps(told))
    return code


if __name__ == "__main__":
    sys.exit(main())
