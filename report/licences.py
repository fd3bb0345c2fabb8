"""Whose work a report stands on: every package that it needs, with its version, by licence.

What decides is metadata alone, so that versions that agree say the same whatever else is installed beside them.
"""

from collections.abc import Iterable
from importlib.metadata import Distribution, PackageMetadata

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from experiments.packages import ABSENT, WANTED, installed

NEEDED = (  # as pyproject.toml declares them
    "jinja2", "markupsafe", "math-core", "matplotlib", "numpy", "packaging", "pandas", "pillow", "pydantic",
    "pydantic-core", "python-pptx", "scipy", "seaborn", "threadpoolctl", "tqdm", "ziafont", "ziamath",
)  # fmt: skip
NOT_STATED = "not stated"
LONGEST = 60  # letters of a licence's name; a field that is longer has its text
SPDX = {  # names that metadata have for a licence; where they leave open which of several it is, so do these
    "MIT License": "MIT",
    "BSD License": "BSD",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF",
}


def licences() -> dict[str, list[str]]:
    """What a report stands on here, by licence: `name version`, both in order."""
    models = (name for name in WANTED if installed(name) != ABSENT)
    found = needed() | {name: Distribution.from_name(name) for name in models}
    grouped: dict[str, list[str]] = {}
    for name, package in sorted(found.items()):
        grouped.setdefault(licence(package.metadata), []).append(f"{name} {package.version}")
    return dict(sorted(grouped.items()))


def needed(declared: Iterable[str] = NEEDED) -> dict[str, Distribution]:
    """Packages by name: those that are declared, and what they need in turn on this platform."""
    found: dict[str, Distribution] = {}
    waiting = [*declared]
    while waiting:
        wanted = Requirement(waiting.pop())
        name = canonicalize_name(wanted.name)
        if name not in found and (wanted.marker is None or wanted.marker.evaluate({"extra": ""})):
            found[name] = Distribution.from_name(name)
            waiting += found[name].requires or ()
    return found


def licence(metadata: PackageMetadata) -> str:
    """The licence in SPDX's letters: as an expression, else in a few words, else by classifiers."""
    expression, field = (" ".join(metadata.get_all(name) or ()) for name in ("License-Expression", "License"))
    kinds = (kind.split(" :: ") for kind in metadata.get_all("Classifier") or ())
    classified = " AND ".join(kind[-1] for kind in kinds if kind[0] == "License")
    stated = expression or (field if len(field) <= LONGEST else "") or classified
    return SPDX.get(stated, stated) or NOT_STATED
