"""Packages that a run can do without: an experiment that needs one is left out where it is not installed."""

from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version

WANTED: Mapping[str, str] = {"glassllm": "0.1.0"}  # by name, the one version that is measured with
LOCK = "requirements-models.lock"
ABSENT = "absent"


def installed(package: str) -> str:
    """The installed version, or "absent"."""
    try:
        return version(package)
    except PackageNotFoundError:
        return ABSENT


def lacking(package: str) -> str | None:
    """Why what needs this package cannot run here, with the command that mends it; None where it can."""
    here, wanted = installed(package), WANTED[package]
    if here == wanted:
        return None
    what = "which is not installed" if here == ABSENT else f"not {here}, which is installed"
    return f"needs {package} {wanted}, {what}; for it: .venv/bin/python -m pip install --no-deps -r {LOCK}"
