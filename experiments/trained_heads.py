"""What the heads of trained language models do, beside those of the same models before they learned anything."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from experiments.claims import Claim
from experiments.experiment import ESTIMATE_COLUMNS, Column, Values, estimate_row
from experiments.head_windows import (
    D_K,
    D_MODEL,
    KEPT,
    N_HEADS,
    N_LAYERS,
    N_TOKENS,
    WEIGHTS,
    HeadWindows,
    Observed,
    WindowCell,
)
from scaling.initialisation import initial_variance

OF_BOTH = ("variance", "joint", "mean_query", "mean_key", "row_sd", "normalised_entropy", "raw_normalised_entropy")
OF_TRAINED = ("max_weight", "raw_max_weight", "dead_share", "raw_dead_share", "on_own", "on_previous", "on_first")
OVER_D_K = OF_BOTH[:4]
LAWS = {"normalised_entropy": "law_entropy", "raw_normalised_entropy": "raw_law_entropy"}
DIGITS, MISSING = 3.0, 0.1  # the most decimal digits that may be lost, and a margin, see there
GROUP = "trained heads"
INITIAL_SD = 0.02  # of the models' first weights
MEAN_SQUARE = initial_variance(D_K, INITIAL_SD**2, float(D_MODEL) ** 2) / D_K  # normalised inputs have ‖x‖² = d_model
SAMPLE = f"a window of {N_TOKENS} tokens"


class TrainedHeads(HeadWindows):
    """Every head of two small language models on their texts, trained and with first weights; and what follows."""

    name: ClassVar[str] = "trained_heads"
    columns: ClassVar[Mapping[str, Column]] = {
        "language": Column("of the model and its text: en, pt; both: of all windows of either", "name"),
        "weights": Column("trained, or initial: drawn anew for each window, normal of sd 0.02", "name"),
        "layer": Column("from 1; empty for a model as a whole", "count"),
        "head": Column("from 1; empty for a layer as a whole", "count"),
        "multiplier": Column("of the scaled scores q·k/√d_k of every head; √d_k: no division"),
        **ESTIMATE_COLUMNS,
        "quantity": Column(
            "variance: Var(q·k)/d_k over all pairs of a window, the sum of joint tr(Σ_q Σ_k)/d_k, mean_query "
            "μ_qᵀ Σ_k μ_q/d_k and mean_key μ_kᵀ Σ_q μ_k/d_k; over causal rows of at least 16 keys: row_sd, standard "
            "deviation of scaled scores within a row (root of the mean variance); normalised_entropy: mean H/ln n; "
            "max_weight: largest weight; dead_share: of rows with tr J below 0.01; on_own, on_previous, on_first: of "
            "rows whose largest weight is on the token itself, the one before it, the first; raw_…: of the same q and "
            "k without the division; mean_square: of q·k over d_k; loss: cross-entropy in nats a token; "
            "loss_difference: from that at multiplier 1 in the same window; mean_entropy: of H/ln n, over all heads",
            "name",
        ),
        "estimate": Column("the mean over windows"),
        "standard_error": Column("the estimate's standard error, from the scatter of the windows"),
        "low": Column("lower end of the 95 % Student t interval over windows"),
        "high": Column("upper end of the 95 % Student t interval over windows"),
        "prediction": Column(
            "of an entropy: mean H/ln n of independent normal scores with the standard deviations of these very rows; "
            "of the mean square: exact over the draw of the weights; else empty"
        ),
        "n_blocks": Column("windows behind the estimate; for mean_square, drawn models", "count"),
    }

    def frame(self, observed: Mapping[WindowCell, Values]) -> pd.DataFrame:
        """Every head of each language, trained and initial; then the multipliers; then what first weights give."""
        seen = _by_language(observed)
        rows = []
        for language, windows in seen.items():
            for i, weights in enumerate(WEIGHTS):
                rows += _head_rows(language, weights, np.stack([window.heads[i] for window in windows]))
            rows += _multiplier_rows(language, windows)
        squares = np.concatenate([window.mean_squares for windows in seen.values() for window in windows])
        for layer, values in enumerate(squares.T, 1):
            rows.append(estimate_row(_index("both", "initial", layer), "mean_square", values, MEAN_SQUARE))
        return pd.DataFrame(rows)

    def claims(self, observed: Mapping[WindowCell, Values]) -> list[Claim]:
        """What is exact for any head; that the replay is the library's model; and what first weights must give."""
        windows = [window for of_one in _by_language(observed).values() for window in of_one]
        rounding = np.stack([window.rounding for window in windows])  # (n_windows, n_weights, 2)
        return [
            _exact(
                "trained-terms",
                r"digits lost, parts of $\operatorname{Var}(q \cdot k)$ from scores and from terms",
                "In every head, trained or not, the variance of all products is the sum of its three terms, the mean "
                "variance within a row is the first two, and the variance of the rows' means is the third.",
                rounding[:, :, 0],
            ),
            _exact(
                "trained-basis",
                r"digits lost, scores and terms of $q$, $k$ and of $A q$, $A^{-\mathsf{T}} k$",
                r"No score and no term changes when all queries of a head are multiplied by a matrix $A$ and all its "
                r"keys by $A^{-\mathsf{T}}$.",
                rounding[:, :, 1],
            ),
            self._replay_claim(windows),
            self._square_claim(windows),
            self._entropy_claim(windows),
        ]

    @staticmethod
    def _replay_claim(windows: Sequence[Observed]) -> Claim:
        return Claim(
            id="trained-replay",
            group=GROUP,
            label="digits lost, logits and the library’s own",
            statement="The forward pass used here gives the logits of the library that the models came with, but for "
            "rounding (root mean square over all tokens and words).",
            source="The library’s own forward pass",
            side="at most",
            prediction=DIGITS,
            margin=DIGITS,
            reason="of the 7 that numbers of 24 bits carry, relative to the logits' standard deviation",
            evidence=_digits_lost(np.array([window.replayed for window in windows]), np.float32),
            sample=SAMPLE,
        )

    def _square_claim(self, windows: Sequence[Observed]) -> Claim:
        squares = np.concatenate([window.mean_squares for window in windows])  # (n_models, n_layers)
        return Claim(
            id="initial-scores",
            group=GROUP,
            label=r"mean of $(q \cdot k)^2$ over its law, first weights",
            statement=rf"Before training the mean square of $q \cdot k$ over all heads is {MEAN_SQUARE:.3g} $d_k$.",
            source="Exact over the draw of the weights, but for the number that keeps the normalisation from dividing "
            "by 0, which takes half a percent",
            prediction=1.0,
            margin=self.margin,
            reason=f"a score's size is then off by less than {100 * (1 - (1 - self.margin) ** 0.5):.0f} %",
            evidence=squares.mean(axis=1) / MEAN_SQUARE,
            sample="a model drawn anew",
        )

    @staticmethod
    def _entropy_claim(windows: Sequence[Observed]) -> Claim:
        lacks = 1 - np.stack([window.heads[WEIGHTS.index("initial")] for window in windows])
        ratios = [
            lacks[..., KEPT.index(name)].mean(axis=(1, 2)) / lacks[..., KEPT.index(law)].mean(axis=(1, 2))
            for name, law in LAWS.items()
        ]
        return Claim(
            id="initial-missing-entropy",
            group=GROUP,
            label=r"$\ln n - H$ over that of normal scores, first weights",
            statement="Before training the softmax lacks as much of $\\ln n$ as with independent normal scores of the "
            "same spread, with the division and without it.",
            source="Approximate, for scores well below 1: half their variance, whatever their law",
            prediction=1.0,
            margin=MISSING,
            reason=rf"{100 * MISSING:g} % of what is itself little: without the division about a hundredth of $\ln n$",
            evidence=np.stack(ratios, axis=1),
            sample=SAMPLE,
            places=("scaled", "raw"),
        )


def _exact(name: str, label: str, statement: str, evidence: Values) -> Claim:
    return Claim(
        id=name,
        group=GROUP,
        label=label,
        statement=statement,
        source="Exact in real arithmetic, for any queries and keys",
        side="at most",
        prediction=DIGITS,
        margin=DIGITS,
        reason="of the 16 that numbers of 53 bits carry; every sum costs some part of one",
        evidence=_digits_lost(evidence, np.float64),
        sample=SAMPLE,
        places=WEIGHTS,
    )


def _digits_lost(deviations: Values, precision: type[np.floating[Any]]) -> Values:
    """log₁₀ of relative deviations in units of a precision's rounding; 0 for less than one."""
    lost: Values = np.log10(np.maximum(deviations / np.finfo(precision).eps, 1.0))
    return lost


def _by_language(observed: Mapping[WindowCell, Values]) -> dict[str, list[Observed]]:
    seen: dict[str, list[Observed]] = {}
    for cell, blocks in observed.items():
        seen.setdefault(cell.language, []).append(Observed(cell, blocks[0]))
    return seen


def _index(
    language: str, weights: str, layer: float = np.nan, head: float = np.nan, multiplier: float = 1.0
) -> dict[str, object]:
    return {"language": language, "weights": weights, "layer": layer, "head": head, "multiplier": multiplier}


def _head_rows(language: str, weights: str, heads: Values) -> list[dict[str, object]]:
    """Of heads (n_windows, n_layers, n_heads, n_kept)."""
    rows = []
    for layer, head in np.ndindex(N_LAYERS, N_HEADS):
        index = _index(language, weights, layer + 1, head + 1)
        of = dict(zip(KEPT, heads[:, layer, head].T, strict=True))
        for name in OF_BOTH + (OF_TRAINED if weights == "trained" else ()):
            values = of[name] / D_K if name in OVER_D_K else of[name]
            law = float(of[LAWS[name]].mean()) if name in LAWS else np.nan
            rows.append(estimate_row(index, name, values, law))
    return rows


def _multiplier_rows(language: str, windows: Sequence[Observed]) -> list[dict[str, object]]:
    multipliers = windows[0].cell.multipliers
    sweep = np.stack([window.sweep for window in windows])  # (n_windows, n_multipliers, 2)
    difference = sweep[:, :, 0] - sweep[:, [multipliers.index(1.0)], 0]
    rows = []
    for i, multiplier in enumerate(multipliers):
        index = _index(language, "trained", multiplier=multiplier)
        rows.append(estimate_row(index, "loss", sweep[:, i, 0]))
        rows.append(estimate_row(index, "loss_difference", difference[:, i]))
        rows.append(estimate_row(index, "mean_entropy", sweep[:, i, 1]))
    losses = np.array([window.initial_loss for window in windows])
    return [*rows, estimate_row(_index(language, "initial"), "loss", losses)]
