"""What the machine is: its processor, by no name of its own, and the versions of what computes."""

import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from threadpoolctl import threadpool_info

from experiments.cli import n_processors
from report.cost_record import Machine

PACKAGES = ("numpy", "scipy", "pandas", "matplotlib")
LONGEST = 80


def machine() -> Machine:
    """What this one is."""
    return Machine(
        processor=_short(_processor()),
        n_processors=n_processors(),
        system=_short(f"{platform.system()} {platform.machine()}"),
        python=_short(platform.python_version()),
        blas=_short(_blas()),
        packages={name: _short(version(name)) for name in PACKAGES},
        torch=_version_of_torch(),
    )


def _processor() -> str:
    """Its model's name where Linux tells it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return next(filter(None, [*names, platform.processor(), platform.machine()]), "unknown")


def _blas() -> str:
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    words = [f"{pool['internal_api']} {pool['version']} ({pool.get('architecture', '')})" for pool in pools]
    return ", ".join(dict.fromkeys(words)) or "unknown"


def _version_of_torch() -> str | None:
    try:
        return _short(version("torch"))
    except PackageNotFoundError:
        return None


def _short(text: str) -> str:
    printable = "".join(c for c in text if c.isprintable()).strip()
    return printable[:LONGEST] or "unknown"
