"""Presets: what is run, as a TOML file that is validated whole.

A preset of the reader's own may begin with `base = "quick"` and then says only what differs.
"""

import hashlib
import json
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import ErrorDetails

from experiments.aligned import Aligned
from experiments.assumptions import Assumptions
from experiments.causal import Causal
from experiments.derivation import Derivation
from experiments.distribution import Distribution
from experiments.experiment import Experiment
from experiments.explorer import Explorer
from experiments.faults import Faults, nearest_name
from experiments.freezing import Freezing
from experiments.goodness import Goodness
from experiments.gradient_map import GradientMap
from experiments.gradients import Gradients
from experiments.initialisation import Initialisation
from experiments.learning import Learning
from experiments.lecture_demo import LectureDemo
from experiments.lookup import Lookup
from experiments.peaky import Peaky
from experiments.questions import Questions
from experiments.saturation import Saturation
from experiments.saturation_map import SaturationMap
from experiments.scalings import Scalings
from experiments.self_attention import SelfAttention
from experiments.softmax_row import SoftmaxRow
from experiments.variance import Variance
from scaling.arrays import shown

PRESETS = Path(__file__).with_name("presets")
MAX_SEED = 2**63 - 1


def _printable(name: str) -> str:
    if not name.isprintable():
        raise ValueError("control characters are not allowed")
    return name


class Preset(BaseModel):
    """The experiments of a run, in the order in which they are measured, and what they share."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)

    name: Annotated[str, Field(min_length=1, max_length=40), AfterValidator(_printable)]
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)]
    family_wise_error: Annotated[float, Field(ge=1e-9, le=0.1)]
    self_attention: SelfAttention
    causal: Causal
    peaky: Peaky
    softmax_row: SoftmaxRow
    derivation: Derivation
    variance: Variance
    distribution: Distribution
    goodness: Goodness
    lecture_demo: LectureDemo
    saturation: Saturation
    saturation_map: SaturationMap
    freezing: Freezing
    gradients: Gradients
    gradient_map: GradientMap
    explorer: Explorer
    questions: Questions
    aligned: Aligned
    lookup: Lookup
    scalings: Scalings
    assumptions: Assumptions
    initialisation: Initialisation
    learning: Learning

    @property
    def declared(self) -> list[Experiment[Any]]:
        """Every experiment of the preset."""
        values = (getattr(self, name) for name in type(self).model_fields)
        return [value for value in values if isinstance(value, Experiment)]

    @property
    def experiments(self) -> list[Experiment[Any]]:
        """Those that can run here: the others lack a package."""
        return [experiment for experiment in self.declared if experiment.absence is None]

    @property
    def left_out(self) -> list[str]:
        """One line for each experiment that cannot run here."""
        absences = {experiment.name: experiment.absence for experiment in self.declared}
        return [f"{name} is left out: {absence}" for name, absence in absences.items() if absence]

    @property
    def digest(self) -> str:
        """Hash of every setting: two presets with the same digest give the same bytes, with the same packages."""
        settings = json.dumps(self.model_dump(mode="json"), sort_keys=True)
        return hashlib.sha256(settings.encode()).hexdigest()[:16]


def named_presets() -> list[str]:
    """The presets that come with the project, smallest first."""
    return sorted((path.stem for path in PRESETS.glob("*.toml")), key=["quick", "default", "full"].index)


def load_preset(which: str, seed: int | None = None) -> Preset:
    """The preset of that name or in that TOML file, with `seed` in place of its own if given.

    Raises Faults with one line for every fault in it.
    """
    settings = _settings(which)
    if seed is not None:
        settings["seed"] = seed
    try:
        preset = Preset.model_validate(settings)
    except ValidationError as error:
        raise Faults(*(f"preset {which}: {_fault_line(fault)}" for fault in error.errors(include_url=False))) from None
    too_large = [f"preset {which}: {line}" for experiment in preset.declared for line in experiment.excesses()]
    if too_large:
        raise Faults(*too_large)
    return preset


def _settings(which: str) -> dict[str, Any]:
    """The settings in a preset's file, over those of its `base` if it names one."""
    path = _path_of(which)
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise Faults(f"preset {which}: cannot be read ({error.strerror})") from None
    except UnicodeDecodeError:
        raise Faults(f"preset {which}: is not UTF-8 text; a TOML file is needed") from None
    except (ValueError, RecursionError) as error:  # ValueError: not TOML, or an integer of thousands of digits
        raise Faults(f"preset {which}: is not valid TOML: {error}") from None
    base = settings.pop("base", None)
    if base is None:
        return settings
    if base not in named_presets():
        hint = nearest_name(str(base), named_presets())
        raise Faults(f"preset {which}: base: {shown(base)} is unknown; allowed: {', '.join(named_presets())}{hint}")
    inherited = _settings(base)
    for name, value in settings.items():
        tables = isinstance(value, dict) and isinstance(inherited.get(name), dict)
        inherited[name] = inherited[name] | value if tables else value
    return inherited


def _path_of(which: str) -> Path:
    if which in named_presets():
        return PRESETS / f"{which}.toml"
    if which.endswith(".toml") or "/" in which:
        path = Path(which)
        if not os.path.isfile(path):  # unlike Path.is_file, False for a name that is too long
            raise Faults(f"preset {which}: no such file; give a TOML file or one of {', '.join(named_presets())}")
        return path
    raise Faults(
        f"preset {which!r} is unknown; allowed: {', '.join(named_presets())}, or the path of a .toml file"
        + nearest_name(which, named_presets())
    )


def _fault_line(fault: ErrorDetails) -> str:
    """Where, what was received, and what is allowed."""
    *parents, last = fault["loc"] or ("",)
    where = ".".join(str(part) for part in fault["loc"])
    if fault["type"] == "extra_forbidden":
        allowed = _fields_at(Preset, [str(part) for part in parents])
        return f"{where}: unknown setting; allowed: {', '.join(allowed)}{nearest_name(str(last), allowed)}"
    if fault["type"] == "missing":
        return f"{where}: is missing"
    what = fault["msg"].removeprefix("Value error, ")
    return f"{where}: {what[0].lower()}{what[1:]} (received {shown(fault['input'])})"


def _fields_at(model: type[BaseModel], path: list[str]) -> list[str]:
    """Names of the settings allowed below a path of the preset."""
    fields: Mapping[str, Any] = model.model_fields
    for part in path:
        inner = _model_in(fields[part].annotation) if part in fields else None
        if inner is None:
            return []
        fields = inner.model_fields
    return list(fields)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if get_origin(annotation) in (Union, UnionType):
        return next((found for option in get_args(annotation) if (found := _model_in(option))), None)
    return annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
