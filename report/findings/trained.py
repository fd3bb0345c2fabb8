"""What the sentences on trained models state, computed from the results of the run."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from experiments.head_windows import D_K, N_HEADS, N_LAYERS, N_TOKENS, N_WORDS, WITHOUT
from experiments.language_models import training_of
from experiments.packages import LOCK, WANTED
from experiments.runner import Results
from experiments.trained_heads import INITIAL_SD, MEAN_SQUARE
from report.figures.multipliers import at, best
from report.figures.selection import select
from report.figures.trained_entropy import RULES, misses
from report.figures.trained_terms import LANGUAGES, heads, languages, near_one, shares
from report.findings.learning import Estimate
from scaling.head_rows import LEAST_KEYS

AUTHORS = {"en": "Lewis Carroll", "pt": "Machado de Assis"}
TEXTS = {"en": "Alice’s Adventures in Wonderland", "pt": "Dom Casmurro"}
MOST_PREVIOUS = 2  # heads of each model that the table shows


@dataclass(frozen=True)
class Model:
    """A trained model on its text."""

    words: str
    author: str
    text: str
    loss: float  # nats a token
    held_out_loss: float  # on other text, as the package reports it
    initial_loss: float
    best: float  # multiplier of the smallest loss
    cost: Estimate  # of no division, in loss


@dataclass(frozen=True)
class HeadLine:
    """A head, as a line of the table has it."""

    language: str
    layer: int
    head: int
    on_previous: float
    on_own: float
    max_weight: float
    raw_max_weight: float
    entropy: float
    raw_entropy: float


@dataclass(frozen=True)
class Under:
    """Medians over the trained heads under one rule, and how they stand to the law of normal scores."""

    entropy: float
    max_weight: float
    dead_share: float
    spread: float  # standard deviation of the scores within a row
    n_below: int
    correlation: float  # over heads, of H/ln n with the law's


@dataclass(frozen=True)
class Absent:
    """What the chapter says where the models are not installed."""

    is_measured: ClassVar[bool] = False
    package: str
    version: str
    lock: str


@dataclass(frozen=True)
class Trained:
    """Everything that the chapter states beyond the judgements themselves."""

    is_measured: ClassVar[bool] = True
    package: str
    d_k: int
    n_layers: int
    n_heads: int  # of a layer
    n_tokens: int
    n_words: int
    least_keys: int  # of a row
    initial_sd: float  # of first weights
    n_windows: int
    models: list[Model]
    n_all: int  # heads of all models
    n_near_one: int
    lowest: float  # of Var(q·k)/d_k
    median: float
    highest: float
    initial_median: float
    exact: float  # mean square of first scores over d_k
    constants: float  # median share of the third term
    most_constants: float
    under: Mapping[str, Under]  # by rule
    previous: list[HeadLine]

    @property
    def growth(self) -> float:
        """Of the median variance, by training."""
        return self.median / self.initial_median

    @property
    def is_least_at_one(self) -> bool:
        """Whether every model's loss is least with its scores as they are."""
        return all(model.best == 1 for model in self.models)

    @property
    def costs(self) -> bool:
        """Whether every model's loss is higher without the division, beyond doubt."""
        return all(model.cost.low > 0 for model in self.models)


def trained_models(results: Results) -> Trained | Absent:
    """All of it, from the frame; or what is lacking."""
    ((package, version),) = WANTED.items()
    if "trained_heads" not in results.frames:
        return Absent(package, version, LOCK)
    frame = results.frames["trained_heads"]
    variances = heads(frame, "variance")["estimate"]
    constants = shares(frame)["mean_key"]
    return Trained(
        package=package,
        d_k=D_K,
        n_layers=N_LAYERS,
        n_heads=N_HEADS,
        n_tokens=N_TOKENS,
        n_words=N_WORDS,
        least_keys=LEAST_KEYS,
        initial_sd=INITIAL_SD,
        n_windows=results.preset.trained_heads.n_windows,
        models=[_model(frame, language) for language in languages(frame)],
        n_all=len(variances),
        n_near_one=near_one(variances),
        lowest=float(variances.min()),
        median=float(variances.median()),
        highest=float(variances.max()),
        initial_median=float(heads(frame, "variance", "initial")["estimate"].median()),
        exact=MEAN_SQUARE,
        constants=float(constants.median()),
        most_constants=float(constants.max()),
        under={rule: _under(frame, rule) for rule in RULES},
        previous=[line for language in languages(frame) for line in _most_previous(frame, language)],
    )


def _model(frame: pd.DataFrame, language: str) -> Model:
    initial = select(frame, language=language, quantity="loss", weights="initial").iloc[0]
    cost = at(frame, language, "loss_difference", WITHOUT)
    return Model(
        words=LANGUAGES[language],
        author=AUTHORS[language],
        text=TEXTS[language],
        loss=float(at(frame, language, "loss", 1.0)["estimate"]),
        held_out_loss=training_of(language).held_out_loss,
        initial_loss=float(initial["estimate"]),
        best=best(frame, language),
        cost=Estimate(float(cost["estimate"]), float(cost["low"]), float(cost["high"])),
    )


def _under(frame: pd.DataFrame, rule: str) -> Under:
    (name, factor), prefix = RULES[rule], "raw_" if rule == "raw" else ""
    rows, less = heads(frame, name), misses(frame, rule)
    return Under(
        entropy=float(rows["estimate"].median()),
        max_weight=float(heads(frame, f"{prefix}max_weight")["estimate"].median()),
        dead_share=float(heads(frame, f"{prefix}dead_share")["estimate"].median()),
        spread=float(heads(frame, "row_sd")["estimate"].median()) * factor,
        n_below=int((less < 0).sum()),
        correlation=float(np.corrcoef(rows["estimate"], rows["prediction"])[0, 1]),
    )


def _most_previous(frame: pd.DataFrame, language: str) -> list[HeadLine]:
    """The heads whose largest weight is most often on the token before, the first of them first."""
    rows = heads(frame, "on_previous", language=language).sort_values("estimate", ascending=False, kind="stable")
    return [
        _line(select(frame, language=language, weights="trained", layer=row["layer"], head=row["head"]))
        for _, row in rows.head(MOST_PREVIOUS).iterrows()
    ]


def _line(rows: pd.DataFrame) -> HeadLine:
    value = rows.set_index("quantity")["estimate"]
    first = rows.iloc[0]
    return HeadLine(
        language=LANGUAGES[str(first["language"])],
        layer=int(first["layer"]),
        head=int(first["head"]),
        on_previous=float(value["on_previous"]),
        on_own=float(value["on_own"]),
        max_weight=float(value["max_weight"]),
        raw_max_weight=float(value["raw_max_weight"]),
        entropy=float(value["normalised_entropy"]),
        raw_entropy=float(value["raw_normalised_entropy"]),
    )
