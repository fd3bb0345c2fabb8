"""Trained language models, and a text for each: what experiments on them measure.

The models are those of the package glassllm, one for each language; it is optional, so it is imported only where a
model is loaded. The texts are prose by the authors whose books the models have learned from; texts/README.md says more.
"""

import json
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from experiments.experiment import CellT, Experiment
from scaling.decoder import Decoder

PACKAGE = "glassllm"
LANGUAGES = ("en", "pt")
TEXTS = Path(__file__).with_name("texts")

Tokens = NDArray[np.int64]


class OnLanguageModels(Experiment[CellT]):
    """An experiment on trained language models; left out where their package is absent."""

    needs: ClassVar[tuple[str, ...]] = (PACKAGE,)
    files: ClassVar[tuple[Path, ...]] = tuple(TEXTS / f"{language}.txt" for language in LANGUAGES)


@dataclass(frozen=True)
class Training:
    """What the package says of a model's training; which of its tokens were held out it does not say."""

    n_positions: int  # tokens of a sequence
    initial_sd: float  # of the first weights
    held_out_loss: float  # nats a token


@cache
def load_decoder(language: str) -> Decoder:
    """The trained model of a language, in single precision, as it comes."""
    from glassllm import load_pretrained

    model, _ = load_pretrained(language)
    weights = {name: tensor.data for name, tensor in model.named_parameters().items()}
    return Decoder.of(weights, n_heads=model.cfg.n_heads, base=model.cfg.rope_base, epsilon=model.cfg.eps)


@cache
def tokens_of(language: str) -> Tokens:
    """(n_tokens,): the language's text, cut into the tokens of its model."""
    from glassllm import load_pretrained

    _, tokenizer = load_pretrained(language)
    tokens = np.array(tokenizer.encode((TEXTS / f"{language}.txt").read_text(encoding="utf-8")))
    tokens.setflags(write=False)  # there is one array for all who ask
    return tokens


@cache
def training_of(language: str) -> Training:
    """How the model of a language was trained."""
    from glassllm import load_pretrained

    model, _ = load_pretrained(language)
    record = json.loads((resources.files(PACKAGE) / "weights" / f"{language}.meta.json").read_text(encoding="utf-8"))
    return Training(model.cfg.max_len, model.cfg.init_std, record["val_loss"])
