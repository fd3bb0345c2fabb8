"""Trained heads: each number against the library's own trace, planted faults refuted, the chapter without models."""

import math
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import html5lib
import numpy as np
import pytest

from conftest import TINY
from experiments import head_windows, packages
from experiments.audit import open_heads
from experiments.audit.measured import Settings, measure_heads
from experiments.claims import Judgement, Verdict, judge_all
from experiments.head_windows import (
    D_K,
    D_MODEL,
    KEPT,
    N_HEADS,
    N_LAYERS,
    N_TOKENS,
    N_WORDS,
    WEIGHTS,
    WITHOUT,
    HeadVectors,
    Observed,
    WindowCell,
)
from experiments.language_models import LANGUAGES, PACKAGE, load_decoder, tokens_of, training_of
from experiments.packages import LOCK, lacking
from experiments.preset import load_preset
from experiments.runner import run
from experiments.seeds import block_rng
from experiments.trained_heads import INITIAL_SD, MEAN_SQUARE, TrainedHeads
from judge import disagreements
from made_heads import made
from report.figures import multipliers, trained_entropy, trained_terms
from report.findings.trained import trained_models
from report.page import draw_all, render
from scaling import softmax_law
from scaling.decoder import Decoder, DecoderPass, initial_decoder
from scaling.vectors import VarianceTerms

needs_the_models = pytest.mark.skipif(lacking(PACKAGE) is not None, reason=str(lacking(PACKAGE)))
SETTINGS: dict[str, Any] = {
    "languages": ["en", "pt"], "n_windows": 3, "n_draws": 4, "multipliers": [0.5, 1.0], "margin": 0.2,
}  # fmt: skip
CLAIMS = {"trained-terms", "trained-basis", "trained-replay", "initial-scores", "initial-missing-entropy"}
Blocks = dict[WindowCell, np.ndarray]


def measured(experiment: TrainedHeads, seed: int) -> Blocks:
    """All block values, by cell."""
    return {
        cell: experiment.measure(cell, block_rng(seed, experiment.name, repr(cell), 0))[None]
        for cell in experiment.cells()
    }


@cache
def blocks_of(seed: int) -> Blocks:
    """Those of the settings above, measured once for all tests."""
    return measured(TrainedHeads(**SETTINGS), seed)


def judged(blocks: Blocks, **change: Any) -> dict[str, Judgement]:
    """All judgements by id."""
    claims = TrainedHeads(**{**SETTINGS, **change}).claims(blocks)
    return {judgement.claim.id: judgement for judgement in judge_all(claims, 0.001).judgements}


@needs_the_models
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_models_are_of_the_shape_that_is_said(language: str) -> None:
    """Both of them; and both texts have as many windows as a preset may ask for, each with a token to follow."""
    decoder, training = load_decoder(language), training_of(language)
    assert (decoder.n_layers, decoder.n_heads, decoder.d_k) == (N_LAYERS, N_HEADS, D_K)
    assert (decoder.d_model, decoder.n_words) == (D_MODEL, N_WORDS)
    assert (training.n_positions, training.initial_sd) == (N_TOKENS, INITIAL_SD)
    assert len(tokens_of(language)) > 18 * N_TOKENS
    with pytest.raises(ValueError, match="n_windows"):
        TrainedHeads(**{**SETTINGS, "n_windows": 19})


@needs_the_models
def test_windows_follow_each_other() -> None:
    """No token is read twice, and each one's target is the token after it."""
    cells = [cell for cell in TrainedHeads(**SETTINGS).cells() if cell.language == "pt"]
    tokens, targets = (np.concatenate([cell.tokens[i][0] for cell in cells]) for i in (0, 1))
    assert tokens.tolist() == tokens_of("pt")[: 3 * N_TOKENS].tolist()
    assert targets.tolist() == tokens_of("pt")[1 : 3 * N_TOKENS + 1].tolist()


@needs_the_models
@pytest.mark.parametrize("language", LANGUAGES)
def test_an_audit_of_the_same_queries_and_keys_agrees(language: str, tmp_path: Path) -> None:
    """Dumped to a file, windows as sequences and keys once for the heads that share them: the chapter's numbers."""
    windows = np.stack([cell.tokens[0][0] for cell in TrainedHeads(**SETTINGS).cells() if cell.language == language])
    found = load_decoder(language).run(windows)
    np.savez(tmp_path / "heads.npz", q=np.moveaxis(found.queries, 1, 0), k=np.moveaxis(found.keys, 1, 0))
    with open_heads([tmp_path / "heads.npz"], batch_first=True) as audited:
        audit = measure_heads(audited.heads, Settings(causal=True), 1).set_index(["layer_number", "head"])
    frame = TrainedHeads(**SETTINGS).frame(blocks_of(1))
    rows = frame[(frame["language"] == language) & (frame["weights"] == "trained") & frame["head"].notna()]
    assert len(rows) == N_LAYERS * N_HEADS * rows["quantity"].nunique()
    for row in rows.itertuples():
        name = f"{row.quantity}_per_d_k" if f"{row.quantity}_per_d_k" in audit else row.quantity
        assert audit.loc[(row.layer - 1, row.head - 1), name] == pytest.approx(row.estimate, rel=1e-6, abs=1e-9), name


def traced(language: str, tokens: np.ndarray, multiplier: float = 1.0) -> Any:
    """The library's own trace of a window, the weights of its queries multiplied; and its loss."""
    import glassllm

    model, _ = glassllm.load_pretrained(language)
    for name, parameter in model.named_parameters().items():
        if name.endswith("W_Q"):
            parameter.data = parameter.data * np.float32(multiplier)
    tracer = glassllm.Tracer()
    with glassllm.no_grad():
        logits = model(tokens, trace=tracer).data[0].astype(np.float64)
    return tracer, logits


def by_loops(tracer: Any, layer: int, head: int) -> dict[str, float]:
    """A head's quantities from the queries, keys and weights that the library has traced, row by row."""
    q = tracer.get("attn.rope_q", layer, head).value.astype(np.float64)
    k = tracer.get("attn.rope_k", layer).value[head // 2].astype(np.float64)
    weights = tracer.get("attn.softmax", layer, head).value.astype(np.float64)
    rows, variances = [], []
    for i in range(15, N_TOKENS):
        scores = [float(q[i] @ k[j]) for j in range(i + 1)]
        variances.append(np.var(scores))
        raw = np.exp(np.array(scores) - max(scores))
        pair = (weights[i, : i + 1], raw / raw.sum())
        largest = int(np.argmax(scores))
        rows.append(
            [largest == i, largest == i - 1, largest == 0]
            + [
                value
                for p in pair
                for value in (-float(p[p > 0] @ np.log(p[p > 0])) / math.log(i + 1), p.max(), p @ p > 0.99)
            ]
        )
    own, previous, first, *softmax = np.mean(np.array(rows, dtype=float), axis=0)
    products = q @ k.T
    found = {
        "variance": products.var(), "mean_key": (q @ k.mean(axis=0)).var(), "mean_query": (k @ q.mean(axis=0)).var(),
        "joint": ((q - q.mean(axis=0)) @ (k - k.mean(axis=0)).T).var(), "row_sd": math.sqrt(np.mean(variances) / D_K),
        "on_own": own, "on_previous": previous, "on_first": first,
    }  # fmt: skip
    names = ("normalised_entropy", "max_weight", "dead_share")
    found |= dict(zip([*names, *(f"raw_{name}" for name in names)], softmax, strict=True))
    return found


@needs_the_models
@pytest.mark.parametrize("language", LANGUAGES)
def test_every_number_is_that_of_the_librarys_own_trace(language: str) -> None:
    """Heads of all layers in the second window, one of each pair that shares its keys; the wrong keys give others."""
    cell = next(cell for cell in blocks_of(1) if cell.language == language and cell.window == 1)
    seen = Observed(cell, blocks_of(1)[cell][0]).heads[0]
    tracer, _ = traced(language, cell.tokens[0])
    for layer, head in ((0, 0), (1, 3), (2, 1), (3, 2)):
        found = dict(zip(KEPT, seen[layer, head], strict=True))
        expected = by_loops(tracer, layer, head)
        other = by_loops(tracer, layer, (head + 2) % 4)
        for name in expected.keys() - {"on_own", "on_previous", "on_first"}:
            assert found[name] == pytest.approx(expected[name], rel=2e-4, abs=1e-6), name
        for name in ("on_own", "on_previous", "on_first"):
            assert found[name] == pytest.approx(expected[name], abs=1.5 / 113)  # a tie may be rounded either way
        assert set(expected) == set(KEPT) - {"law_entropy", "raw_law_entropy"}
        assert found["variance"] != pytest.approx(other["variance"], rel=1e-3)


@needs_the_models
@pytest.mark.parametrize("multiplier", [0.5, 1.0, WITHOUT])
def test_a_multiplier_is_that_of_the_queries_weights(multiplier: float) -> None:
    """Loss and entropy of the whole model, against the library's with each W_Q multiplied."""
    cell = next(iter(blocks_of(1)))
    loss, entropy = Observed(cell, blocks_of(1)[cell][0]).sweep[cell.multipliers.index(multiplier)]
    tracer, logits = traced("en", cell.tokens[0], multiplier)
    largest = logits.max(axis=1)
    log_partition = largest + np.log(np.exp(logits - largest[:, None]).sum(axis=1))
    assert loss == pytest.approx(np.mean(log_partition - logits[np.arange(N_TOKENS), cell.tokens[1][0]]), rel=1e-5)
    shares = []
    for layer, head in np.ndindex(N_LAYERS, N_HEADS):
        p = tracer.get("attn.softmax", layer, head).value.astype(np.float64)
        logs = np.log(np.where(p > 0, p, 1.0))
        shares.append(-(p * logs).sum(axis=1)[15:] / np.log(np.arange(16, N_TOKENS + 1)))
    assert entropy == pytest.approx(np.mean(shares), rel=1e-4)


@needs_the_models
def test_first_weights_give_what_is_predicted() -> None:
    """The mean square in every layer, at the judge's level; not that of weights a twentieth larger."""
    windows = [Observed(cell, blocks[0]) for seed in range(2) for cell, blocks in blocks_of(seed).items()]
    squares = np.concatenate([window.mean_squares for window in windows])
    assert squares.shape == (48, N_LAYERS)
    assert pytest.approx((128 * 0.02**2) ** 2) == MEAN_SQUARE
    assert disagreements(squares, MEAN_SQUARE) == []
    assert disagreements(squares, 1.05**4 * MEAN_SQUARE)[:2] == [0, 1]
    losses = [window.initial_loss for window in windows]
    assert losses == pytest.approx([math.log(N_WORDS)] * len(losses), abs=0.15)


@needs_the_models
def test_true_claims_are_confirmed_at_planned_sizes() -> None:
    """For several seeds, with room to spare where nothing is drawn."""
    for seed in range(3):
        found = judged(blocks_of(seed))
        assert set(found) == CLAIMS
        assert {judgement.verdict for judgement in found.values()} == {Verdict.CONFIRMED}
        assert max(found[name].high for name in ("trained-terms", "trained-basis", "trained-replay")) < 2.5
        assert found["initial-scores"].claim.margin / found["initial-scores"].standard_error > 7
    assert pytest.approx(0.00262144) == MEAN_SQUARE


def other_keys(found: DecoderPass) -> HeadVectors:
    """Each head with the keys of the other key head."""
    q, k = (np.asarray(vectors[:, 0], dtype=np.float64) for vectors in (found.queries, found.keys))
    return HeadVectors(q, np.tile(k, (1, 2, 1, 1)))


def larger_queries(language: str) -> Decoder:
    """One in a hundred too large."""
    decoder = load_decoder(language)
    layers = tuple(replace(layer, w_query=layer.w_query * np.float32(1.01)) for layer in decoder.layers)
    return replace(decoder, layers=layers)


def swapped_keys(language: str) -> Decoder:
    """The last layer's key heads in the other order."""
    decoder = load_decoder(language)
    last = decoder.layers[-1]
    swapped = np.concatenate(np.split(last.w_key, 2, axis=1)[::-1], axis=1)
    return replace(decoder, layers=(*decoder.layers[:-1], replace(last, w_key=swapped)))


def two_terms(mean_q: np.ndarray, covariance_q: np.ndarray, mean_k: np.ndarray, covariance_k: np.ndarray) -> Any:
    """The third is forgotten."""
    return VarianceTerms(float(np.vdot(covariance_q, covariance_k)), float(mean_q @ covariance_k @ mean_q), 0.0)


def exchanged(mean_q: np.ndarray, covariance_q: np.ndarray, mean_k: np.ndarray, covariance_k: np.ndarray) -> Any:
    """The second and the third are taken for each other: their sum is right, their places are not."""
    second, third = float(mean_q @ covariance_k @ mean_q), float(mean_k @ covariance_q @ mean_k)
    return VarianceTerms(float(np.vdot(covariance_q, covariance_k)), third, second)


def same_basis(heads: HeadVectors, a: np.ndarray) -> HeadVectors:
    """A for both."""
    return HeadVectors(heads.q @ a.T, heads.k @ a.T)


def larger_start(like: Decoder, sd: float, rng: np.random.Generator) -> Decoder:
    """First weights a quarter larger than is said."""
    return initial_decoder(like, 1.25 * sd, rng)


@needs_the_models
@pytest.mark.parametrize(
    ("where", "name", "fault", "refuted"),
    [
        (head_windows, "variance_terms", two_terms, {"trained-terms"}),
        (head_windows, "variance_terms", exchanged, {"trained-terms"}),
        (HeadVectors, "in_basis", same_basis, {"trained-basis"}),
        (head_windows, "load_decoder", larger_queries, {"trained-replay"}),
        (head_windows, "load_decoder", swapped_keys, {"trained-replay"}),
        (head_windows, "initial_decoder", larger_start, {"initial-scores"}),
    ],
    ids=["two terms", "terms exchanged", "one basis", "larger queries", "keys swapped", "larger start"],
)
def test_planted_faults_are_refuted(
    monkeypatch: pytest.MonkeyPatch, where: Any, name: str, fault: Callable[..., Any], refuted: set[str]
) -> None:
    """In their own claims, and in no other."""
    experiment = TrainedHeads(**{**SETTINGS, "multipliers": [1.0], "n_draws": 3})
    monkeypatch.setattr(where, name, fault)
    monkeypatch.setattr(HeadVectors, "quantities", property(lambda heads: np.ones((16, len(KEPT))) / 2))
    found = judged(measured(experiment, 2), n_draws=3)
    del found["initial-missing-entropy"]  # not measured here
    assert {claim for claim, judgement in found.items() if judgement.verdict == Verdict.REFUTED} == refuted


@needs_the_models
def test_another_entropy_is_refuted() -> None:
    """That of scores a tenth wider, whose law lacks a fifth more; and raw entropies taken for scaled ones."""
    for wrong in (lambda lacks: 1.21 * lacks, lambda lacks: lacks / 32):
        planted = {}
        for cell, blocks in blocks_of(0).items():
            values = blocks.copy()
            heads = values[0, : 2 * 16 * len(KEPT)].reshape(2, 16, len(KEPT))
            place = KEPT.index("raw_normalised_entropy")
            heads[1, :, place] = 1 - wrong(1 - heads[1, :, place])
            planted[cell] = values
        found = judged(planted)
        assert found["initial-missing-entropy"].verdict == Verdict.REFUTED
        assert found["initial-missing-entropy"].place == "raw"


@needs_the_models
def test_the_wrong_keys_are_noticed() -> None:
    """A head's own keys give the library's scores; those of the other key head do not."""
    (cell, *_) = TrainedHeads(**SETTINGS).cells()
    found = load_decoder("en").run(cell.tokens[0])
    tracer, _ = traced("en", cell.tokens[0])
    for vectors, is_right in ((HeadVectors.of(found), True), (other_keys(found), False)):
        products = vectors.products / math.sqrt(D_K)
        same = [
            np.allclose(products[layer, head], tracer.get("attn.scores", layer, head).value, atol=1e-3)
            for layer, head in np.ndindex(N_LAYERS, N_HEADS)
        ]
        assert all(same) == is_right
        assert sum(same) >= 8 * is_right


def test_the_frame_is_of_the_windows_values() -> None:
    """Means and intervals over windows; differences in the same window; laws as predictions of entropies."""
    experiment = TrainedHeads(**SETTINGS)
    blocks = made(experiment)
    frame = experiment.frame(blocks)
    assert set(frame.columns) == set(experiment.columns)
    assert len(frame) == 2 * (16 * (14 + 7) + 3 * 3 + 1) + 4
    windows = [Observed(cell, values[0]) for cell, values in blocks.items() if cell.language == "pt"]
    rows = frame[frame["language"] == "pt"].set_index(["weights", "layer", "head", "quantity"]).sort_index()
    for i, weights in enumerate(WEIGHTS):
        values = np.array([window.heads[i, 2, 1] for window in windows])
        of = dict(zip(KEPT, values.T, strict=True))
        assert rows.loc[(weights, 3, 2, "mean_key"), "estimate"] == pytest.approx(of["mean_key"].mean() / 32)
        entropy = rows.loc[(weights, 3, 2, "raw_normalised_entropy")]
        assert entropy["estimate"] == pytest.approx(of["raw_normalised_entropy"].mean())
        assert entropy["prediction"] == pytest.approx(of["raw_law_entropy"].mean())
        assert entropy["standard_error"] == pytest.approx(of["raw_normalised_entropy"].std(ddof=1) / 3**0.5)
    sweep = np.array([window.sweep[:, 0] for window in windows])
    row = multipliers.at(frame, "pt", "loss_difference", WITHOUT)
    assert row["estimate"] == pytest.approx((sweep[:, 2] - sweep[:, 1]).mean())
    assert row["standard_error"] == pytest.approx((sweep[:, 2] - sweep[:, 1]).std(ddof=1) / 3**0.5)
    assert multipliers.at(frame, "pt", "loss_difference", 1.0)["high"] == 0
    squares = frame[frame["quantity"] == "mean_square"]
    assert squares["n_blocks"].tolist() == [24] * 4
    assert squares["prediction"].tolist() == [MEAN_SQUARE] * 4


@needs_the_models
def test_the_mean_over_heads_is_that_of_the_heads() -> None:
    """The whole model at multiplier 1 is the one whose heads are measured."""
    experiment = TrainedHeads(**SETTINGS)
    frame = experiment.frame(blocks_of(0))
    for language in LANGUAGES:
        heads = trained_terms.heads(frame, "normalised_entropy", language=language)
        assert len(heads) == 16
        whole = multipliers.at(frame, language, "mean_entropy", 1.0)
        assert whole["estimate"] == pytest.approx(heads["estimate"].mean())


def test_the_curve_is_the_mean_law_of_the_rows() -> None:
    """Over rows of 16 to 128 keys; against the law itself, row by row."""
    for sigma in (0.05, 1.0, 12.0):
        expected = np.mean([softmax_law(sigma, n).entropy / math.log(n) for n in range(16, 129)])
        assert trained_entropy.law(np.array([sigma])) == pytest.approx([expected], abs=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"languages": ["de"]}, "'en' or 'pt'"),
        ({"languages": ["en", "en"]}, "the languages must differ"),
        ({"languages": []}, "languages"),
        ({"n_windows": 1}, "n_windows"),
        ({"n_draws": 0}, "n_draws"),
        ({"multipliers": [0.5, 2.0]}, "1 must be among the multipliers"),
        ({"multipliers": [1.0, 5.65]}, r"5\.657, no division, is among the multipliers anyway"),
        ({"multipliers": [1.0, 0.5]}, "must increase strictly"),
        ({"multipliers": [1.0, 65.0]}, "multipliers"),
        ({"margin": 1.0}, "margin"),
    ],
)
def test_impossible_settings_are_refused(change: dict[str, Any], message: str) -> None:
    """Whatever is installed."""
    with pytest.raises(ValueError, match=message):
        TrainedHeads(**{**SETTINGS, **change})


@pytest.mark.parametrize("size", [0.01, 1.0, 100.0])
def test_captions_are_true_of_other_heads(size: float) -> None:
    """One language or both, heads far below d_k, about it and far above: counts, ranges and places are the frame's."""
    for languages in (["pt"], ["en", "pt"]):
        experiment = TrainedHeads(**{**SETTINGS, "languages": languages, "multipliers": [1.0]})
        frame = experiment.frame(made(experiment, size=size))
        variances = trained_terms.heads(frame, "variance")["estimate"]
        near = int(((variances > 0.5) & (variances < 2)).sum())
        caption = trained_terms.caption(frame)
        assert f"Of {16 * len(languages)} trained heads {near} ha{'s' if near == 1 else 've'} a variance" in caption
        parts = trained_terms.shares(frame)
        assert np.allclose(parts.sum(axis=1), 1)
        below = int((trained_entropy.misses(frame, "raw") < 0).sum())
        assert f"({below} of {16 * len(languages)} lie below)" in trained_entropy.caption(frame)
        assert "1 has the smallest loss" in multipliers.caption(frame)
        assert ("both models" in multipliers.caption(frame)) == (len(languages) == 2)
        for spec in (trained_terms.VARIANCES, trained_entropy.ONE_CURVE, multipliers.MULTIPLIERS):
            assert not re.search("nan|inf", spec.caption(frame) + spec.alt(frame))
            assert ("English" in spec.alt(frame)) == ("en" in languages)
    moved = frame.assign(estimate=frame["estimate"] - (frame["multiplier"] > 1) * (frame["language"] == "en"))
    assert "The smallest losses are at 1 and 5.65685" in multipliers.caption(moved)


@needs_the_models
def test_sentences_take_their_numbers_from_the_run(report: Path) -> None:
    """The tiny preset's: one language, two windows, no multiplier but 1 and no division."""
    results = run(load_preset(str(TINY)), report / "results.sqlite", pytest.fail)
    found = trained_models(results)
    assert found.is_measured
    assert [model.words for model in found.models] == ["English"]
    variances = trained_terms.heads(results.frames["trained_heads"], "variance")["estimate"]
    assert (found.lowest, found.highest, found.n_all) == (variances.min(), variances.max(), 16)
    assert found.n_near_one == trained_terms.near_one(variances)
    assert found.under["raw"].spread == pytest.approx(found.under["scaled"].spread * WITHOUT)
    first, second = found.previous
    assert first.on_previous >= second.on_previous
    page = (report / "report" / "index.html").read_text(encoding="utf-8")
    chapter = re.search(r'<section id="section-trained">.*?</section>', page, flags=re.DOTALL)
    assert chapter is not None
    assert f"English, layer {first.layer}, head {first.head}" in chapter[0]
    assert chapter[0].count("<figure") == 3
    assert "Portuguese" not in re.sub(r"<table.*", "", chapter[0], flags=re.DOTALL)


def test_without_the_models_the_page_is_whole(report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The chapter says in two sentences what is missing and how to get it; nothing else speaks of it."""
    monkeypatch.setattr(packages, "installed", lambda package: packages.ABSENT)
    results = run(load_preset(str(TINY)), report / "results.sqlite", pytest.fail)
    assert "trained_heads" not in results.frames
    assert not CLAIMS & {judgement.claim.id for judgement in results.ledger.judgements}
    page = render(results, draw_all(results, shutil.copytree(report / ".figures", tmp_path / "kept")))
    html5lib.HTMLParser(strict=True).parse(page)
    chapter = re.search(r'<section id="section-trained">.*?</section>', page, flags=re.DOTALL)
    assert chapter is not None
    text = " ".join(re.sub("<[^>]*>", "", chapter[0]).split())
    assert "glassllm 0.1.0, which this run did not have" in text
    assert f"pip install --no-deps -r {LOCK}" in text
    assert "<figure" not in chapter[0]
    assert "<table" not in chapter[0]
    assert not re.search(r'id="figure-trained', page)
    assert page.count('href="#section-trained"') == page[: page.index("<main")].count('href="#section-trained"') + 4
