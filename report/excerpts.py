"""The running source, to be shown on the page."""

import inspect
import textwrap
from dataclasses import dataclass
from importlib import import_module


@dataclass(frozen=True)
class Excerpt:
    """A function, class or method as its module has it."""

    name: str  # a method's with its class's
    place: str  # the file, relative to the project
    source: str


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
    return Excerpt(".".join(parts[2:]), "/".join(parts[:2]) + ".py", textwrap.dedent(source))
