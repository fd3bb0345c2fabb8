"""Records are values: nobody changes one that somebody else holds."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator

import pytest

import scaling
from experiments import claims


def records() -> Iterator[type]:
    """Every dataclass of the science, and those of the claims."""
    modules = [importlib.import_module(f"scaling.{module.name}") for module in pkgutil.iter_modules(scaling.__path__)]
    for module in [*modules, claims]:
        for thing in vars(module).values():
            if isinstance(thing, type) and dataclasses.is_dataclass(thing) and thing.__module__ == module.__name__:
                yield thing


def can_be_changed(record: type) -> bool:
    """Whether something of an object can be set."""
    try:
        record.__setattr__(object.__new__(record), "anything", None)
    except dataclasses.FrozenInstanceError:
        return False
    return True


def test_records_cannot_be_changed() -> None:
    """All of them are frozen."""
    found = list(records())
    assert len(found) > 40
    assert not [record.__qualname__ for record in found if can_be_changed(record)]


def test_a_record_that_could_be_changed_would_be_seen() -> None:
    """The negative control."""
    assert can_be_changed(dataclasses.make_dataclass("Loose", ["field"]))
    with pytest.raises(dataclasses.FrozenInstanceError):
        setattr(claims.Ledger((), 0.1), "family_wise_error", 0.2)  # noqa: B010
