"""Every number that the lecture prints comes out; they are written here in its own notation, apart from the project's.

The project keeps them in `experiments/lecture.py`, to show beside what it computes; it must hold the same ones.
"""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import pytest

from experiments import lecture, self_attention
from experiments.experiment import Experiment
from experiments.peaky import SCORES, Peaky
from experiments.self_attention import MATRICES, SelfAttention
from scaling import SelfAttentionV1, SelfAttentionV2, simplified_attention

SENTENCE = "Your journey starts with one step"
EMBEDDINGS = ".43 .15 .89 | .55 .87 .66 | .57 .85 .64 | .22 .58 .33 | .77 .25 .10 | .05 .80 .55"

WHOLE = {  # matrices printed whole
    ("basic", "w_query"): ".2961 .5166 | .2517 .6886 | .0740 .8665",
    ("basic", "w_key"): ".1366 .1025 | .1841 .7264 | .3153 .6871",
    ("basic", "w_value"): ".0756 .1966 | .3164 .4017 | .1186 .8274",
    ("basic", "scores"): (
        ".9231 1.3545 1.3241 .7910 .4032 1.1330 | 1.2705 1.8524 1.8111 1.0795 .5577 1.5440 |"
        "1.2544 1.8284 1.7877 1.0654 .5508 1.5238 | .6973 1.0167 .9941 .5925 .3061 .8475 |"
        ".6114 .8819 .8626 .5121 .2707 .7307 | .8995 1.3165 1.2871 .7682 .3937 1.0996"
    ),
    ("basic", "context"): ".2996 .8053 | .3061 .8210 | .3058 .8203 | .2948 .7939 | .2927 .7891 | .2990 .8040",
    ("advanced", "context"): (
        "-.0739 .0713 | -.0748 .0703 | -.0749 .0702 | -.0760 .0685 | -.0763 .0679 | -.0754 .0693"
    ),
}
SECOND_TOKEN = {  # matrices of which only the row of "journey" is printed
    ("recap", "scores"): ".9544 1.4950 1.4754 .8434 .7070 1.0865",
    ("recap", "weights"): ".1385 .2379 .2333 .1240 .1082 .1581",
    ("recap", "context"): ".4419 .6515 .5683",
    ("basic", "queries"): ".4306 1.4551",
    ("basic", "keys"): ".4433 1.1419",
    ("basic", "values"): ".3951 1.0037",
    ("basic", "weights"): ".1500 .2264 .2199 .1311 .0906 .1820",
}
PEAKY = {1.0: ".1925 .1426 .2351 .1426 .2872", 8.0: ".0326 .0030 .1615 .0030 .8000"}
VARIANCES = {5: "5.3922 4.6929 5.4774 4.8213", 20: "19.9692 20.4034", 100: "100.6794 98.8363"}
DIVIDED = {5: "1.0784 .9386 1.0955 .9643", 20: ".9985 1.0202", 100: "1.0068 .9884"}


def numbers(row: str) -> tuple[float, ...]:
    """One printed row."""
    return tuple(map(float, row.split()))


def matrix(text: str) -> tuple[tuple[float, ...], ...]:
    """A printed matrix, its rows parted by bars."""
    return tuple(map(numbers, text.split("|")))


PRINTED = {key: dict(enumerate(matrix(text))) for key, text in WHOLE.items()} | {
    key: {1: numbers(row)} for key, row in SECOND_TOKEN.items()
}
every_row = pytest.mark.parametrize(
    ("key", "row"), [(key, row) for key, rows in PRINTED.items() for row in rows], ids=lambda part: str(part)
)


def disagreements(computed: np.ndarray, printed: tuple[float, ...]) -> list[int]:
    """Positions at which a computed number does not round to the printed one."""
    assert np.shape(computed) == np.shape(printed)
    return np.flatnonzero(~(np.abs(np.subtract(computed, printed)) <= 0.5e-4)).tolist()


def computed() -> dict[str, Mapping[str, np.ndarray]]:
    """Every matrix of the three models, from the science alone."""
    x = np.array(matrix(EMBEDDINGS))
    basic, advanced = SelfAttentionV1(3, 2, seed=123), SelfAttentionV2(3, 2, seed=789)
    assert np.array_equal(basic(x), basic.steps(x).context)
    assert np.array_equal(advanced(x), advanced.steps(x).context)
    return {
        "recap": vars(simplified_attention(x)),
        "basic": vars(basic) | vars(basic.steps(x)),
        "advanced": vars(advanced) | vars(advanced.steps(x)),
    }


COMPUTED = computed()


def frame(experiment: Experiment) -> pd.DataFrame:  # type: ignore[type-arg]
    """The frame of an experiment that draws nothing."""
    rng = np.random.default_rng()
    return experiment.frame({cell: experiment.measure(cell, rng)[None] for cell in experiment.cells()})


@every_row
def test_each_printed_row_comes_out(key: tuple[str, str], row: int) -> None:
    """All four digits of every number; the next row, or another number in its place, would be noticed."""
    model, name = key
    found = COMPUTED[model][name]
    assert disagreements(found[row], PRINTED[key][row]) == []
    assert disagreements(found[(row + 1) % len(found)], PRINTED[key][row]) != [], "the negative control"
    assert disagreements(found[row] + 1e-4, PRINTED[key][row]) == list(range(found.shape[1]))


def test_the_second_tokens_score_with_itself() -> None:
    """Query 2 times key 2 is 1.8524."""
    assert disagreements(COMPUTED["basic"]["scores"][1, 1:2], (1.8524,)) == []


@pytest.mark.parametrize("factor", PEAKY)
def test_the_peaky_softmax_comes_out(factor: float) -> None:
    """The experiment's frame holds the lecture's vector at both sizes and the printed weights."""
    rows = frame(Peaky()).query("factor == @factor").sort_values("index")
    assert rows["score"].to_numpy() == pytest.approx(factor * np.array(numbers(".1 -.2 .3 -.2 .5")), rel=1e-15)
    assert disagreements(rows["weight"].to_numpy(), numbers(PEAKY[factor])) == []
    assert disagreements(rows["weight"].to_numpy(), numbers(PEAKY[9 - factor])) != []


def test_the_toy_sentence_breaks_the_derivations_assumptions() -> None:
    """All 36 scores are positive with variance .19, and the division hardly moves the second token's entropy."""
    scores = COMPUTED["basic"]["scores"]
    assert (scores.min().round(2), scores.mean().round(2), scores.var().round(2)) == (0.27, 1.00, 0.19)
    assert min(COMPUTED["basic"][name].min() for name in ("queries", "keys", "values")) > 0
    raw = np.exp(scores[1]) / np.exp(scores[1]).sum()
    entropies = [float(-(p * np.log(p)).sum()) for p in (raw, COMPUTED["basic"]["weights"][1])]
    assert [round(entropy, 3) for entropy in (*entropies, np.log(6))] == [1.710, 1.748, 1.792]


def test_the_project_holds_the_same_sentence() -> None:
    """Tokens and embeddings as in the lecture, and its two seeds, which give the same matrices as here."""
    assert " ".join(self_attention.TOKENS) == SENTENCE
    assert matrix(EMBEDDINGS) == self_attention.EMBEDDINGS
    assert numbers(".1 -.2 .3 -.2 .5") == SCORES
    for model, names in MATRICES.items():
        for name in set(names) - {"embeddings"}:
            assert np.array_equal(self_attention.MODELS[model]()[name], COMPUTED[model][name]), (model, name)


def test_the_project_holds_the_same_printed_numbers() -> None:
    """Each of them and no other: a changed, added or lost digit in experiments/lecture.py shows here."""
    assert lecture.MATRICES == PRINTED
    assert {factor: numbers(row) for factor, row in PEAKY.items()} == lecture.PEAKY
    runs = {d_k: tuple(zip(numbers(row), numbers(DIVIDED[d_k]), strict=True)) for d_k, row in VARIANCES.items()}
    assert runs == lecture.VARIANCES
    assert (lecture.DECIMALS, lecture.VARIANCE_PAIRS) == (4, 1000)


def test_the_printed_variances_agree_with_each_other() -> None:
    """What is printed after the division is what is printed before it, divided by d_k; all within 1.7 deviations."""
    for d_k, row in VARIANCES.items():
        before, after = np.array(numbers(row)), numbers(DIVIDED[d_k])
        assert np.abs(before / d_k - after).max() <= 0.5e-4 + 0.5e-4 / d_k  # both are rounded
        assert np.abs(before / d_k - 1).max() <= 1.7 * np.sqrt((2 + 6 / d_k) / lecture.VARIANCE_PAIRS)


def test_the_frame_shows_each_printed_number_beside_the_computed_one() -> None:
    """One row per entry of every matrix, labelled; printed where the lecture prints, empty elsewhere."""
    found = frame(SelfAttention())
    assert list(found.columns) == list(SelfAttention.columns)
    assert not found.duplicated(["model", "matrix", "row", "column"]).any()
    shown = found.dropna(subset="printed")
    assert len(shown) == sum(len(row) for rows in PRINTED.values() for row in rows.values())
    assert disagreements(shown["value"].to_numpy(), tuple(shown["printed"])) == []
    for _, entry in found.iterrows():
        printed = PRINTED.get((entry["model"], entry["matrix"]), {}).get(entry["row"])
        assert np.isnan(entry["printed"]) if printed is None else entry["printed"] == printed[entry["column"]]


def test_the_frames_labels_are_tokens_or_dimensions() -> None:
    """A side that counts tokens is labelled with the sentence, any other with dimensions from 1."""
    found = frame(SelfAttention()).query("model == 'basic'")
    tokens = SENTENCE.split()
    sides = {"w_key": (list("123"), list("12")), "keys": (tokens, list("12")), "scores": (tokens, tokens)}
    sides |= {"weights": (tokens, tokens), "scaled_scores": (tokens, tokens), "context": (tokens, list("12"))}
    for name, (rows, columns) in sides.items():
        entries = found[found["matrix"] == name]
        assert entries["row_label"].tolist() == [label for label in rows for _ in columns], name
        assert entries["column_label"].tolist() == columns * len(rows), name
