"""Survivors that are explained: tests/survivors.toml says of each why no test can, or should, tell it from the code."""

import tomllib

from tools.mutants.covering import ROOT

FILE = ROOT / "tests" / "survivors.toml"


def explanations() -> dict[tuple[str, str, str, str], str]:
    """The reason by module, scope, line and what the line becomes."""
    if not FILE.exists():
        return {}
    return {
        (group["module"], group["where"], line, becomes): group["why"]
        for group in tomllib.loads(FILE.read_text("utf-8"))["survivors"]
        for line, becomes in group["changes"]
    }
