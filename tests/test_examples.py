"""The examples in docstrings: every public name has one, and what it prints is what stands there."""

import ast
import doctest
import inspect
import re
import typing

import numpy as np
import pytest

import scaling
from conftest import ROOT
from report.excerpts import without_examples

PUBLIC = {name: getattr(scaling, name) for name in scaling.__all__}
CALLABLE = {name: thing for name, thing in PUBLIC.items() if hasattr(thing, "__name__")}  # functions and classes
RETURNED = {typing.get_type_hints(thing)["return"] for thing in CALLABLE.values() if not inspect.isclass(thing)}
RESULTS = {name for name, thing in CALLABLE.items() if thing in RETURNED}  # which the functions' examples show
WITHOUT = {  # and why
    "Decoder": "weights of a whole language model",
    "HeadQuantities": "a field of what measure_head gives",
    "PairLaw": "abstract; PAIR_LAWS has some",
    "PairMoments": "the arguments of dot_product_moments by name",
}
SHOWN = {name: thing for name, thing in CALLABLE.items() if ">>>" in (thing.__doc__ or "")}


def failures(name: str, docstring: str) -> list[str]:
    """What an example of a docstring prints other than it says, where readers have imported what it needs."""
    test = doctest.DocTestParser().get_doctest(docstring, {"np": np, **PUBLIC}, name, None, None)
    said: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=said.append)
    assert test.examples, "it has none"
    return said


@pytest.mark.parametrize("name", SHOWN)
def test_an_example_prints_what_it_says(name: str) -> None:
    """As a reader would run it, with NumPy and the public names imported."""
    assert failures(name, inspect.getdoc(SHOWN[name]) or "") == []


def test_an_example_that_lies_is_noticed() -> None:
    """The negative control: another number, and an error."""
    assert failures("true", ">>> dot_product_law(64).variance\n64.0\n") == []
    for wrong in (">>> dot_product_law(64).variance\n65.0\n", ">>> dot_product_law(0).variance\n0.0\n"):
        assert failures("wrong", wrong)
    with pytest.raises(AssertionError, match="it has none"):
        failures("none", "Words alone.")


def test_every_public_name_has_an_example() -> None:
    """But for what another one's shows; and no module has one that is not run here."""
    assert CALLABLE.keys() - SHOWN.keys() - RESULTS == WITHOUT.keys()
    folders = ("scaling", "experiments", "report")
    sources = [path.read_text() for folder in folders for path in (ROOT / folder).rglob("*.py")]
    assert sum(len(re.findall(r"\n\n +>>> ", source)) for source in sources) == len(SHOWN) > 35


def test_excerpts_leave_examples_out() -> None:
    """The lines of every example, the blank one before it, and nothing else."""
    for thing in SHOWN.values():
        source = inspect.getsource(thing)
        (node,) = ast.parse(source).body
        docstring = ast.get_docstring(node, clean=False) or ""  # as it is written: __doc__ has lost its indentation
        words, _, examples = docstring.partition("\n\n    >>> ")
        closed = words if "\n" not in words else f"{words}\n    "
        assert examples
        assert without_examples(source) == source.replace(f'"""{docstring}"""', f'"""{closed}"""')
    assert without_examples('def f():\n    """F."""\n    return 1\n') == 'def f():\n    """F."""\n    return 1\n'
