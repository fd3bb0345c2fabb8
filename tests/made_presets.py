"""Random presets that are valid and small, drawn from what the models of the settings allow: edges first of all."""

import json
import math
import random
from dataclasses import fields
from typing import Annotated, Any, Literal, get_args, get_origin

from annotated_types import Ge, Le, Lt, MaxLen, MinLen, MultipleOf
from pydantic import AfterValidator, ValidationError
from pydantic.fields import FieldInfo

from conftest import TINY
from experiments.experiment import Experiment
from experiments.preset import MAX_SEED, Preset, load_preset
from scaling.entries import ENTRY_LAWS
from scaling.rule_names import SCORE_RULES, score_rule

DRAWS = 2e6  # of all blocks of an experiment: a tenth of a second of work
MOST_CELLS = 40  # of an experiment
REFUSED = 300  # draws of an experiment's settings before those of a preset must do
MOST_BLOCKS, MOST_VALUES = 16, 5  # of an experiment and of a list
NAMES = ("plain", "ünï-cödé 北京", "<b>&'\"</b>", "$\\frac{1$ and $d_k", "{{ 7*7 }}", "=1+1", "x" * 40, "-")
PARAMETERS: dict[str, tuple[Any, ...]] = {  # of rules of scaling
    "name": ("other", "a", "power", "x-1", "b2", "scaled-2"),
    "alpha": (-8.0, -1.0, 0.0, 0.123456789, 0.5, 1.0, 1, 3.0, 8.0),
    "temperature": (1e-6, 0.5, 1.0, 2, 1e6),
    "n_heads": (1, 3, 64, 2**62),
    "length": (2, 3, 512, 2**62),
    "power": (0.0, 0, 0.5, 1.0, 4.0),
    "s": (1e-6, 0.43, 1.0, 1e6),
    "gain": (1e-6, 0.1, 8.0, 1e6),
    "cap": (1e-6, 0.5, 50.0, 1e6),
    "bias": (-100.0, -4, 0.0, 2.5, 100.0),
}


def random_preset(rng: random.Random, draws: float = DRAWS) -> Preset:
    """A valid preset, none of whose experiments draws more than so many numbers."""
    return Preset.model_validate(random_settings(rng, draws))


def random_settings(rng: random.Random, draws: float = DRAWS) -> dict[str, Any]:
    """Its settings, as a file would have them."""
    return {
        "name": rng.choice(NAMES),
        "seed": rng.choice([0, MAX_SEED, rng.randrange(MAX_SEED)]),
        "family_wise_error": rng.choice([1e-9, 0.001, 0.1]),
        **{name: random_experiment(rng, model, draws) for name, model in experiments().items()},
    }


def experiments() -> dict[str, type[Experiment[Any]]]:
    """The models of the experiments, by name."""
    fields = {name: field.annotation for name, field in Preset.model_fields.items()}
    return {name: model for name, model in fields.items() if isinstance(model, type) and issubclass(model, Experiment)}


def random_experiment(rng: random.Random, model: type[Experiment[Any]], draws: float = DRAWS) -> dict[str, Any]:
    """An experiment's settings: drawn until they are valid and cheap, else those of the tiny preset."""
    for _ in range(REFUSED):
        settings = {name: of_field(rng, name, field) for name, field in model.model_fields.items()}
        try:
            experiment = model.model_validate(settings)
        except ValidationError:
            continue
        if not experiment.excesses() and len(experiment.cells()) <= MOST_CELLS and cost(experiment) <= draws:
            return settings
    return dict(getattr(load_preset(str(TINY)), model.name).model_dump())


def cost(experiment: Experiment[Any]) -> float:
    """Numbers that all its blocks draw."""
    return experiment.n_blocks * sum(experiment.size(cell).draws for cell in experiment.cells())


def of_field(rng: random.Random, name: str, field: FieldInfo) -> Any:
    """A value of a setting."""
    if name == "entries":
        return rng.choice(list(ENTRY_LAWS))
    if name == "rules":
        return [line for line in (random_rule(rng) for _ in range(rng.randrange(7))) if line]
    if name == "n_blocks":
        least, most = bounds(field.metadata)
        return rng.choice([int(least), rng.randint(int(least), int(min(most, MOST_BLOCKS)))])
    found = of_type(rng, field.annotation, field.metadata)
    if name == "multipliers":
        return sorted({1.0, *found})  # which has to be among them
    if name in ("largest_d_k", "largest_n_keys") and any(isinstance(one, AfterValidator) for one in field.metadata):
        return 2 ** round(math.log2(found))  # as the explorer wants it
    return found


def of_type(rng: random.Random, annotation: Any, metadata: list[Any]) -> Any:
    """A value that an annotation with these limits allows, validators aside."""
    if get_origin(annotation) is Annotated:
        inner, *more = get_args(annotation)
        found = [part for one in more for part in (one.metadata if isinstance(one, FieldInfo) else [one])]
        return of_type(rng, inner, found)
    if get_origin(annotation) is list:
        least = next((one.min_length for one in metadata if isinstance(one, MinLen)), 0)
        most = next((one.max_length for one in metadata if isinstance(one, MaxLen)), MOST_VALUES)
        count = rng.choice([least, rng.randint(least, min(most, MOST_VALUES))])
        return sorted({of_type(rng, get_args(annotation)[0], []) for _ in range(count)})
    if get_origin(annotation) is Literal:
        return rng.choice(get_args(annotation))
    low, high = bounds(metadata)
    if annotation is int:
        step = next((one.multiple_of for one in metadata if isinstance(one, MultipleOf)), 1)
        return step * round(between(rng, low, high) / step)
    return rng.choice([float(f"{between(rng, low, high):.3g}"), between(rng, low, high)])


def bounds(metadata: list[Any]) -> tuple[float, float]:
    """The least and the largest number that is allowed."""
    low = next(one.ge for one in metadata if isinstance(one, Ge))
    high = next(one for one in metadata if isinstance(one, Le | Lt))
    return low, high.le if isinstance(high, Le) else math.nextafter(high.lt, 0)


def between(rng: random.Random, low: float, high: float) -> float:
    """An end of the range, a number near its lower one, or any, as likely of each size."""
    kind = rng.randrange(10)
    if kind == 0:
        return low
    if kind == 1:
        return high
    if kind < 5:
        return min(high, low + rng.randrange(4) * max(1e-3, low / 2))
    if low <= 0:
        return low + (high - low) * rng.random() ** 2
    return min(high, max(low, math.exp(rng.uniform(math.log(low), math.log(high)))))


def random_rule(rng: random.Random) -> dict[str, Any] | None:
    """A line of rules, or None where the rule refuses what was drawn for it."""
    rule = rng.choice(list(SCORE_RULES))
    known = [field.name for field in fields(SCORE_RULES[rule])]  # type: ignore[arg-type]  # a dataclass
    line = {"rule": rule, **{name: rng.choice(PARAMETERS[name]) for name in known if rng.random() < 0.8}}
    try:
        score_rule(line)
    except ValueError:
        return None
    return line


def to_toml(settings: dict[str, Any]) -> str:
    """Settings as a TOML file: single ones, then a table for each experiment."""
    tables = {name: value for name, value in settings.items() if isinstance(value, dict)}
    lines = [f"{name} = {_value(value)}" for name, value in settings.items() if name not in tables]
    for name, table in tables.items():
        lines += [f"[{name}]", *(f"{key} = {_value(value)}" for key, value in table.items())]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{key} = {_value(inner)}" for key, inner in value.items()) + " }"
    if isinstance(value, list):
        return f"[{', '.join(map(_value, value))}]"
    return json.dumps(value, ensure_ascii=False)
