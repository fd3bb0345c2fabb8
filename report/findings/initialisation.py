"""What the sentences on a layer's first scores state, computed from the results of the run."""

from collections.abc import Mapping
from dataclasses import dataclass

from experiments.claims import Judgement
from experiments.initialisation import LAYERS
from experiments.runner import Results
from report.figures.initialisation import sizes
from report.figures.selection import select
from scaling.initialisation import GPT_2_SD

GPT_2_WIDTH = 768  # of its smallest model
WEIGHT_VARIANCES = {
    "gpt-2": f"{GPT_2_SD:g}^2",
    "linear": r"1/(3 d_{\mathrm{in}})",
    "glorot-packed": r"2/(d_{\mathrm{in}} + 3 d_{\mathrm{in}})",
    "unit": r"1/d_{\mathrm{in}}",
    "glorot-square": r"2/(d_{\mathrm{in}} + d_{\mathrm{in}})",
    "glorot-head": r"2/(d_{\mathrm{in}} + d_k)",
    "he": r"2/d_{\mathrm{in}}",
}


@dataclass(frozen=True)
class FirstScores:
    """One kind of layer, as measured, with its verdict."""

    words: str
    weight_variance: str  # in LaTeX
    exact: float  # variance of the scaled scores, after layer norm
    variance: float
    entropy: float  # as a share of ln n, after layer norm
    raw_entropy: float  # with the larger inputs, without layer norm
    judgement: Judgement  # on the variance


@dataclass(frozen=True)
class Initial:
    """Everything that the chapter states beyond the judgements themselves."""

    d_in: int
    d_k: int
    n_keys: int
    input_sd: float
    margin: float
    layers: Mapping[str, FirstScores]
    entropies: Judgement | None  # where the law is near enough for a claim
    exact_own: float  # variance of a token's score with itself over that of two tokens, unnormalised, linear layer
    own: float  # as measured
    own_error: float  # its standard error
    exact_head_sd: float  # relative, of a head's variance over tokens, over the draw of its weights
    head_sd: float
    gpt_2_sd: float = GPT_2_SD
    gpt_2_width: int = GPT_2_WIDTH

    @property
    def gpt_2_variance(self) -> float:
        """Of scaled scores at that width, after layer norm."""
        return (self.gpt_2_width * self.gpt_2_sd**2) ** 2

    @property
    def gpt_2_unit_width(self) -> float:
        """The width at which that standard deviation would give variance 1."""
        return self.gpt_2_sd**-2


def first_scores(results: Results) -> Initial:
    """All of it, from the frame and the ledger."""
    settings, frame = results.preset.initialisation, results.frames["initialisation"]
    unit, larger = sizes(frame)[0], sizes(frame)[-1]
    rows = frame.set_index(["layer", "norm", "input_sd", "quantity"])
    scatter = select(frame, quantity="scatter", layer="linear").iloc[0]

    def value(layer: str, norm: str, sd: float, quantity: str, column: str = "estimate") -> float:
        return float(rows[column][layer, norm, sd, quantity])

    def own(column: str) -> float:
        own, other = (value("linear", "none", unit, name, column) for name in ("own_variance", "variance"))
        return own / other

    layers = {
        name: FirstScores(
            words=layer.words,
            weight_variance=WEIGHT_VARIANCES[name],
            exact=value(name, "layer", unit, "variance", "prediction"),
            variance=value(name, "layer", unit, "variance"),
            entropy=value(name, "layer", unit, "normalised_entropy"),
            raw_entropy=value(name, "none", larger, "normalised_entropy"),
            judgement=results.ledger[f"initial-variance-{name}"],
        )
        for name, layer in LAYERS.items()
    }
    return Initial(
        d_in=settings.d_in,
        d_k=settings.d_k,
        n_keys=settings.n_tokens,
        input_sd=settings.input_sd,
        margin=settings.margin,
        layers=layers,
        entropies=next((found for found in results.ledger.judgements if found.claim.id == "initial-entropies"), None),
        exact_own=own("prediction"),
        own=own("estimate"),
        own_error=value("linear", "none", unit, "own_variance", "standard_error")
        / value("linear", "none", unit, "variance"),
        exact_head_sd=float(scatter["prediction"]) ** 0.5,
        head_sd=float(scatter["estimate"]) ** 0.5,
    )
