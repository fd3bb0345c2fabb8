"""Text with formulas between dollar signs, in templates and in plain strings."""

import re

from jinja2 import Environment
from jinja2.ext import Extension
from markupsafe import Markup, escape

from report.formulas import to_mathml

_DISPLAY = re.compile(r"\$\$\s*(?:\((?P<name>~?[\w-]+)\)\s*)?(?P<latex>[^$]+?)\s*\$\$")
_INLINE = re.compile(r"\$(?P<latex>[^$]+)\$")


def prose(text: str) -> Markup:
    """Plain text → HTML: what stands between single dollar signs becomes MathML, everything else is escaped."""
    pieces = _INLINE.split(text)
    return Markup("").join(
        to_mathml(piece) if i % 2 else escape(piece.replace("'", "’").replace(" %", "\u00a0%"))
        for i, piece in enumerate(pieces)
    )


class Formulas(Extension):
    """Lets a template write $…$ for a formula in a line and $$(name) …$$ for a numbered one on a line of its own."""

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Replace formulas by calls of `equation` and `maths`."""
        source = _DISPLAY.sub(
            lambda found: f"{{{{ equation({_literal(found['name'])}, {_literal(found['latex'])}) }}}}", source
        )
        return _INLINE.sub(lambda found: f"{{{{ maths({_literal(found['latex'])}) }}}}", source)


def _literal(text: str | None) -> str:
    """A Jinja string literal."""
    if text is None:
        return "none"
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    return f'"{escaped}"'


def add_formulas(environment: Environment) -> None:
    """Give an environment the extension and its `maths` function."""
    environment.add_extension(Formulas)
    environment.globals["maths"] = to_mathml
