"""matplotlib, loaded as it comes: without settings, backend, caches and fonts of the user's, and without a home.

It wants a folder of its own to be there as it loads, by default in the user's home, and there a list of all fonts of
the machine, which takes seconds to make and is not used here (see `report.figures.fonts`). It gets a temporary one.
"""

import json
import os
import re
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

HOME = "MPLCONFIGDIR"
NO_FONTS: dict[str, Any] = {
    "__class__": "FontManager", "ttflist": [], "afmlist": [], "default_size": None,
    "_FontManager__default_weight": "normal", "defaultFamily": {"ttf": "DejaVu Sans", "afm": "Helvetica"},
}  # fmt: skip


def load() -> None:
    """Load what looks for that folder; afterwards nothing does."""
    before = os.environ.get(HOME)
    os.environ.pop("MPLBACKEND", None)  # no window is opened, and one that is unknown would be a fault
    with TemporaryDirectory(prefix="matplotlib-") as folder:
        os.environ[HOME] = folder
        version = _version()
        (Path(folder) / f"fontlist-v{version}.json").write_text(json.dumps(NO_FONTS | {"_version": version}))
        import_module("matplotlib.font_manager")  # which finds the folder
    del os.environ[HOME]
    if before is not None:
        os.environ[HOME] = before


def _version() -> str | int:
    """Of the list of fonts, which its file's name tells; a wrong one costs the seconds to make the list, no more."""
    package = find_spec("matplotlib")
    assert package is not None
    assert package.origin is not None
    source = Path(package.origin).with_name("font_manager.py").read_text(encoding="utf-8")
    found = re.search(r"^    __version__ = (['\"]?)([\w.]+)\1$", source, re.MULTILINE)
    return "" if found is None else found[2] if found[1] else int(found[2])
