"""The running source, to be shown on the page."""

import ast
import inspect
import re
import textwrap
from dataclasses import dataclass
from importlib import import_module

EXAMPLES = r'(?s: *>>> (?:(?!""").)*?)'


@dataclass(frozen=True)
class Excerpt:
    """A function, class or method as its module has it, but for the examples at the end of docstrings."""

    name: str  # a method's with its class's
    place: str  # the file, relative to the project
    source: str

    @property
    def bare(self) -> str:
        """The source without docstrings, and without the blank lines behind them."""
        lines = self.source.splitlines()
        for node in ast.walk(ast.parse(self.source)):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and ast.get_docstring(node) is not None:
                words = node.body[0]
                last = words.end_lineno or words.lineno
                is_blank_behind = last < len(lines) and not lines[last].strip()
                for number in range(words.lineno - 1, last + is_blank_behind):
                    lines[number] = "\0"
        return "\n".join(line for line in lines if line != "\0") + "\n"


def excerpt(dotted: str) -> Excerpt:
    """The source of `package.module.thing` or `package.module.Class.method`; ValueError where there is none."""
    parts = dotted.split(".")
    if len(parts) < 3:
        raise ValueError(f"excerpt: {dotted!r} must name a module of a package and a thing in it")
    try:
        thing = import_module(".".join(parts[:2]))
        for part in parts[2:]:
            thing = getattr(thing, part)
        source = inspect.getsource(thing)
    except (ImportError, AttributeError, TypeError) as error:
        raise ValueError(f"excerpt: {dotted!r} is not in the source ({error})") from None
    return Excerpt(".".join(parts[2:]), "/".join(parts[:2]) + ".py", textwrap.dedent(without_examples(source)))


def without_examples(source: str) -> str:
    """The source without the examples that its docstrings end with, since the page shows what they would."""
    of_one_line = re.sub(rf'(""".*)\n\n{EXAMPLES}\n *(?=""")', r"\1", source)
    return re.sub(rf'\n\n{EXAMPLES}(?=\n *""")', "", of_one_line)
