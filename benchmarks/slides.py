"""Asks what slides cost beside the page, from blocks that are there already.

Both are made by their commands from copies of one filled store, with no figures kept; and the slides once more, with
their own. All take turns in each round; the table shows medians over rounds, and of each round's ratios to the page:

    .venv/bin/python -m benchmarks.slides [PRESET]
"""

import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.timing import Work, interleaved, ratio, spread

ROOT = Path(__file__).parents[1]
ROUNDS = 3


def run(package: str, command: str, preset: str, out: Path) -> None:
    """One command of the project's, in a process of its own."""
    line = [sys.executable, "-m", package, command, "--preset", preset, "--out", str(out)]
    subprocess.run(line, cwd=ROOT, check=True, capture_output=True)


def from_store(store: Path, command: str, preset: str) -> None:
    """Make a product in an empty folder, but for the store."""
    with TemporaryDirectory() as folder:
        shutil.copy(store, folder)
        run("report", command, preset, Path(folder))


def works(folder: Path, preset: str) -> dict[str, Work]:
    """What is compared; `folder` is filled first."""
    run("report", "slides", preset, folder)
    store = folder / "results.sqlite"
    return {
        "page": partial(from_store, store, "page", preset),
        "slides": partial(from_store, store, "slides", preset),
        "slides again": partial(run, "report", "slides", preset, folder),
    }


def lines_of(seconds: Mapping[str, Sequence[float]]) -> list[str]:
    """The table."""
    lines = ["made               seconds   over the page"]
    for name, values in seconds.items():
        lines.append(f"{name:<16} {spread(values).median:9.1f} {ratio(values, seconds['page']).median:15.2f}")
    return lines


def main(arguments: Sequence[str]) -> None:
    """Measure, and print the table."""
    with TemporaryDirectory() as folder:
        seconds = interleaved(works(Path(folder), arguments[0] if arguments else "default"), ROUNDS)
    print("\n".join(lines_of(seconds)))


if __name__ == "__main__":
    main(sys.argv[1:])
