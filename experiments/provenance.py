"""Where the numbers come from: seed, preset, versions, commit. No clock and no machine, so that the bytes repeat."""

import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiments.arithmetic import arithmetic
from experiments.packages import WANTED, installed
from experiments.preset import Preset

ROOT = Path(__file__).parents[1]
PACKAGES = ("numpy", "scipy", "pandas", "matplotlib", "seaborn", "jinja2", "math-core")


def provenance(preset: Preset) -> dict[str, Any]:
    """Everything that decides the bytes of a report."""
    return {
        "preset": preset.name,
        "preset_hash": preset.digest,
        "seed": preset.seed,
        **versions(),
    }


def versions() -> dict[str, Any]:
    """The code and what it stands on."""
    return {
        "commit": commit(),
        "python": platform.python_version(),
        "c_library": arithmetic()["C library"],
        "packages": {name: version(name) for name in PACKAGES} | {name: installed(name) for name in WANTED},
    }


def commit() -> str:
    """The commit checked out here, with "+" when tracked files were changed since; "unknown" without git or a checkout.

    OSError where the machine has no room for another process or file: a commit that exists is not to be called unknown.
    """
    if not (ROOT / ".git").exists():
        return "unknown"
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain", "--untracked-files=no") else "")
    except (FileNotFoundError, PermissionError, subprocess.CalledProcessError):
        return "unknown"


def _git(*arguments: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=True
    ).stdout.strip()
