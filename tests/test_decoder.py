"""The decoder's forward pass: against plain loops, against the library whose weights it takes, and by laws."""

import math
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from experiments.language_models import LANGUAGES, PACKAGE, load_decoder, tokens_of, training_of
from experiments.packages import lacking
from scaling.decoder import NAMES, Decoder, cross_entropy, initial_decoder, rotated, rotations

Array = NDArray[np.floating[Any]]

N_WORDS, D_MODEL, D_K, N_HEADS, N_KEY_HEADS, D_HIDDEN = 11, 8, 4, 4, 2, 5
needs_the_models = pytest.mark.skipif(lacking(PACKAGE) is not None, reason=str(lacking(PACKAGE)))


def weights(seed: int = 1, dtype: type = np.float64) -> dict[str, Array]:
    """Weights of a small model of two layers, by their names; gains that are not ones."""
    rng = np.random.default_rng(seed)
    wide, narrow = N_HEADS * D_K, N_KEY_HEADS * D_K
    shapes: dict[str, tuple[int, ...]] = {"E": (N_WORDS, D_MODEL), "norm_f.gamma": (D_MODEL,)}
    for i in range(2):
        shapes |= {f"blocks.{i}.attn.W_Q": (D_MODEL, wide), f"blocks.{i}.attn.W_K": (D_MODEL, narrow)}
        shapes |= {f"blocks.{i}.attn.W_V": (D_MODEL, narrow), f"blocks.{i}.attn.W_O": (wide, D_MODEL)}
        shapes |= {f"blocks.{i}.ffn.W{part}": (D_MODEL, D_HIDDEN) for part in (1, 3)}
        shapes |= {f"blocks.{i}.ffn.W2": (D_HIDDEN, D_MODEL)}
        shapes |= {f"blocks.{i}.norm{part}.gamma": (D_MODEL,) for part in (1, 2)}
    return {name: rng.normal(0, 0.7, shape).astype(dtype) for name, shape in shapes.items()}


def small(seed: int = 1, dtype: type = np.float64) -> Decoder:
    """The model of these weights."""
    return Decoder.of(weights(seed, dtype), N_HEADS, base=50.0, epsilon=1e-3)


def tokens(n_sequences: int = 3, n_tokens: int = 7) -> NDArray[np.int64]:
    """Tokens of the small model."""
    return np.random.default_rng(2).integers(0, N_WORDS, (n_sequences, n_tokens))


def by_loops(w: dict[str, Array], ids: NDArray[np.int64], multiplier: float) -> list[list[float]]:
    """Logits of one sequence, token by token, with the numbers of `small`: plain sums, angles as complex numbers."""

    def rms(x: Array, gain: Array) -> Array:
        return np.array(
            [a / math.sqrt(sum(b * b for b in x) / len(x) + 1e-3) * g for a, g in zip(x, gain, strict=True)]
        )

    def turned(x: Array, position: int) -> list[complex]:
        pairs = [complex(x[2 * i], x[2 * i + 1]) for i in range(D_K // 2)]
        return [z * np.exp(1j * position * 50.0 ** (-2 * i / D_K)) for i, z in enumerate(pairs)]

    def head(x: Array, number: int) -> Array:
        return x[number * D_K : (number + 1) * D_K]

    xs = [w["E"][token] for token in ids]
    for i in range(2):
        layer = {field: w[f"blocks.{i}.{name}"] for field, name in NAMES.items()}
        normalised = [rms(x, layer["gain_1"]) for x in xs]
        added = []
        for m, h in enumerate(normalised):
            contexts = []
            for number in range(N_HEADS):
                shared = number // (N_HEADS // N_KEY_HEADS)
                q = turned(head(h @ layer["w_query"], number), m)
                keys = [turned(head(other @ layer["w_key"], shared), j) for j, other in enumerate(normalised[: m + 1])]
                scores = [sum((a * b.conjugate()).real for a, b in zip(q, k, strict=True)) for k in keys]
                e = [math.exp(multiplier * score / math.sqrt(D_K)) for score in scores]
                values = [head(other @ layer["w_value"], shared) for other in normalised[: m + 1]]
                contexts.append(sum(a / sum(e) * v for a, v in zip(e, values, strict=True)))
            added.append(np.concatenate(contexts) @ layer["w_out"])
        xs = [x + more for x, more in zip(xs, added, strict=True)]
        for m, x in enumerate(xs):
            h = rms(x, layer["gain_2"])
            gate = np.array([a / (1 + math.exp(-a)) for a in h @ layer["w_gate"]])
            xs[m] = x + (gate * (h @ layer["w_up"])) @ layer["w_down"]
    return [list(w["E"] @ rms(x, w["norm_f.gamma"])) for x in xs]


@pytest.mark.parametrize("multiplier", [1.0, 0.0, -0.5, 2.0])
def test_the_pass_is_that_of_plain_loops(multiplier: float) -> None:
    """Sums over entries, tokens and heads, written out, give the same logits, whatever multiplies the scores."""
    ids = tokens()
    logits = small().run(ids, multiplier).logits
    for sequence, found in zip(ids, logits, strict=True):
        np.testing.assert_allclose(found, by_loops(weights(), sequence, multiplier), rtol=1e-11, atol=1e-11)


def test_shapes_and_precision_are_those_of_the_weights() -> None:
    """Every array has the axes that its record names; single precision stays so."""
    for dtype, close in ((np.float64, 1e-13), (np.float32, 1e-5)):
        decoder = small(dtype=dtype)
        found = decoder.run(tokens())
        assert (decoder.n_layers, decoder.n_words, decoder.d_model, decoder.d_k) == (2, N_WORDS, D_MODEL, D_K)
        assert (decoder.n_heads, decoder.n_key_heads, decoder.n_sharing) == (N_HEADS, N_KEY_HEADS, 2)
        assert found.logits.shape == (3, 7, N_WORDS)
        assert found.queries.shape == (2, 3, N_HEADS, 7, D_K)
        assert found.keys.shape == (2, 3, N_KEY_HEADS, 7, D_K)
        assert {part.dtype for part in vars(found).values()} == {np.dtype(dtype)}
        np.testing.assert_allclose(found.logits, small().run(tokens()).logits, rtol=close, atol=close)


def test_a_single_layer_is_a_model_too() -> None:
    """Its sizes are read off its only layer, and its numbers are Llama's unless others are given."""
    one = Decoder.of({name: w for name, w in weights().items() if not name.startswith("blocks.1.")}, N_HEADS)
    assert (one.n_layers, one.d_k, one.n_key_heads, one.n_sharing) == (1, D_K, N_KEY_HEADS, 2)
    assert (one.base, one.epsilon) == (10_000.0, 1e-6)
    assert one.run(tokens()).logits.shape == (3, 7, N_WORDS)


def test_multipliers_are_taken_up_to_a_million() -> None:
    """Of either sign, and not beyond."""
    for multiplier in (1e6, -1e6):
        assert np.isfinite(small().run(tokens(), multiplier).logits).all()
    with pytest.raises(ValueError, match="multiplier must be a number within ±1e6"):
        small().run(tokens(), 1e6 + 0.5)


def test_no_token_sees_a_later_one() -> None:
    """Another last token changes its own logits and none before; a part of a sequence has the logits of the whole."""
    decoder, ids = small(), tokens()
    other = ids.copy()
    other[:, -1] = (other[:, -1] + 1) % N_WORDS
    logits, changed = decoder.run(ids).logits, decoder.run(other).logits
    np.testing.assert_array_equal(changed[:, :-1], logits[:, :-1])
    assert (changed[:, -1] != logits[:, -1]).any(axis=-1).all()
    np.testing.assert_allclose(decoder.run(ids[:, :4]).logits, logits[:, :4], rtol=1e-12, atol=1e-12)


def test_sequences_know_nothing_of_each_other() -> None:
    """A batch is its sequences one by one, in their order."""
    decoder, ids = small(), tokens()
    together = decoder.run(ids)
    for i, sequence in enumerate(ids):
        alone = decoder.run(sequence[None])
        np.testing.assert_allclose(alone.logits[0], together.logits[i], rtol=1e-12, atol=1e-12)
        np.testing.assert_allclose(alone.keys[:, 0], together.keys[:, i], rtol=1e-12, atol=1e-12)


def test_a_multiplier_is_one_of_the_queries_weights() -> None:
    """W_Q times c gives the logits of the multiplier c, and queries c times as long in the first layer."""
    c, w = 1.7, weights()
    longer = Decoder.of({n: c * a if n.endswith("W_Q") else a for n, a in w.items()}, N_HEADS, 50.0, 1e-3).run(tokens())
    multiplied = small().run(tokens(), c)
    np.testing.assert_allclose(longer.logits, multiplied.logits, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(longer.queries, c * multiplied.queries, rtol=1e-12, atol=1e-12)
    np.testing.assert_allclose(longer.keys, multiplied.keys, rtol=1e-12, atol=1e-12)


def test_a_score_knows_distances_alone() -> None:
    """Rotated by their positions, a query and a key that are the same everywhere have one score for each distance."""
    rng = np.random.default_rng(4)
    q, k = rng.standard_normal((2, 6))
    turns = rotations(9, 6, 100.0)
    scores = rotated(np.tile(q, (9, 1)), *turns) @ rotated(np.tile(k, (9, 1)), *turns).T  # (n_queries, n_keys)
    for distance in range(-8, 9):
        np.testing.assert_allclose(np.diag(scores, distance), np.diag(scores, distance)[0], rtol=1e-12)
    assert scores[0, 0] == pytest.approx(q @ k)
    assert np.ptp(scores[0]) > 0.1
    np.testing.assert_allclose(np.linalg.norm(rotated(np.tile(q, (9, 1)), *turns), axis=1), np.linalg.norm(q))


def test_a_model_before_it_learns() -> None:
    """Weights of mean 0 and the given standard deviation (within 5 standard errors), gains 1; the rng decides."""
    like = Decoder.of({**weights(dtype=np.float32), "E": np.ones((4000, D_MODEL), np.float32)}, N_HEADS, 50.0)
    start = initial_decoder(like, 0.3, np.random.default_rng(5))
    drawn = [start.embedding, *(a for layer in start.layers for a in vars(layer).values() if a.ndim == 2)]
    values = np.concatenate([a.ravel() for a in drawn])
    assert values.dtype == np.float32
    assert abs(values.mean()) < 5 * 0.3 / math.sqrt(values.size)
    assert abs(values.std() / 0.3 - 1) < 5 / math.sqrt(2 * values.size)
    assert all((a == 1).all() for layer in start.layers for a in (layer.gain_1, layer.gain_2))
    assert (start.gain == 1).all()
    assert (start.n_heads, start.base, start.epsilon) == (like.n_heads, like.base, like.epsilon)
    again = initial_decoder(like, 0.3, np.random.default_rng(5))
    np.testing.assert_array_equal(again.layers[1].w_down, start.layers[1].w_down)
    assert (initial_decoder(like, 0.3, np.random.default_rng(6)).embedding != start.embedding).any()


def test_one_token_and_one_word_have_a_loss() -> None:
    """ln 3 among three equal ones, in no list at all; nothing where there is only one word."""
    assert float(cross_entropy([0.0, 0.0, 0.0], 1)) == pytest.approx(math.log(3))
    assert cross_entropy([[5.0]], [0]).tolist() == [0.0]


def test_cross_entropy_is_the_log_of_the_softmax() -> None:
    """In nats: ln n for equal logits, and what the softmax itself says, far apart as they may be."""
    logits, targets = 4 * np.random.default_rng(7).standard_normal((2, 3, 5)), np.array([[0, 4, 2], [1, 1, 3]])
    softmax = np.exp(logits) / np.exp(logits).sum(axis=-1, keepdims=True)
    expected = [[-math.log(softmax[i, j, targets[i, j]]) for j in range(3)] for i in range(2)]
    np.testing.assert_allclose(cross_entropy(logits, targets), expected, rtol=1e-12)
    assert cross_entropy(np.zeros((1, 8)), np.array([3])) == pytest.approx(math.log(8))
    np.testing.assert_allclose(cross_entropy([[0.0, 5000.0]], [0]), 5000.0)


def altered(**changes: Array | None) -> dict[str, Array]:
    """The small model's weights with some changed (dots as two underscores), or left out."""
    named = {name.replace("__", "."): change for name, change in changes.items()}
    kept = {name: weight for name, weight in weights().items() if name not in named}
    return kept | {name: change for name, change in named.items() if change is not None}


def of_width(**widths: int) -> dict[str, Array]:
    """The small model's weights, ones in every layer for those of attention that get another width."""
    changed = {
        f"blocks.{i}.attn.{name}": np.ones((width, D_MODEL) if name == "W_O" else (D_MODEL, width))
        for i in range(2)
        for name, width in widths.items()
    }
    return weights() | changed


def test_a_hidden_layer_of_one_is_allowed() -> None:
    """As is any other size from 1."""
    narrow = {name: w[:, :1] for name, w in weights().items() if name.endswith(("W1", "W3"))}
    narrow |= {name: w[:1] for name, w in weights().items() if name.endswith("W2")}
    assert np.isfinite(Decoder.of(weights() | narrow, N_HEADS).run(tokens()).logits).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Decoder.of({}, 4), r"Decoder: E, norm_f\.gamma and, in every layer i, .* received \[\]"),
        (lambda: Decoder.of(altered(E=None), 4), r"are needed; received \['blocks"),
        (lambda: Decoder.of(altered(other=np.ones(3)), 4), "are needed; received"),
        (lambda: Decoder.of(altered(E=np.full((11, 8), np.nan)), 4), "Decoder: E must be finite real numbers"),
        (
            lambda: Decoder.of(altered(E=np.ones((11, 9))), 4),
            r"blocks\.0\.attn\.W_Q has shape \(8, 16\), which does not",
        ),
        (lambda: Decoder.of(altered(E=np.ones(8)), 4), r"Decoder: E has shape \(8,\), which does not go"),
        (lambda: Decoder.of(altered(blocks__1__ffn__W3=np.ones((8, 6))), 4), r"blocks\.1\.ffn\.W3 has shape \(8, 6\)"),
        (lambda: Decoder.of(altered(E=np.ones((0, 8))), 4), r"Decoder: E has shape \(0, 8\), which does not go"),
        (lambda: Decoder.of(of_width(W_Q=18, W_O=18), 4), "Decoder: 4 heads need queries .* received 18 and 8"),
        (lambda: Decoder.of(of_width(W_K=9, W_V=9), 4), "Decoder: 4 heads need queries .* received 16 and 9"),
        (lambda: Decoder.of(of_width(W_K=12, W_V=12), 4), "Decoder: 4 heads need queries .* received 16 and 12"),
        (lambda: Decoder.of(weights(), 3), "Decoder: 3 heads need queries .* received 16 and 8"),
        (lambda: Decoder.of(weights(), 16), "Decoder: 16 heads need queries .* d_k even"),
        (lambda: Decoder.of(weights(), 0), "Decoder: n_heads must be a whole number from 1; received 0"),
        (lambda: Decoder.of(weights(), 4, base=0.0), "Decoder: base must be a number above 0; received 0.0"),
        (lambda: Decoder.of(weights(), 4, epsilon=-1.0), "Decoder: epsilon must be a number above 0; received -1.0"),
        (lambda: small().run([[0, 11]]), "run: tokens must lie from 0 to 10; received 0 to 11"),
        (lambda: small().run([[-1]]), "run: tokens must lie from 0 to 10; received -1 to -1"),
        (
            lambda: small().run([1, 2]),
            r"run: tokens must be whole numbers \(n_sequences, n_tokens\); received \[1, 2\]",
        ),
        (lambda: small().run([[0.5]]), r"run: tokens must be whole numbers .* received \[\[0\.5\]\]"),
        (lambda: small().run([[1]], math.nan), r"run: multiplier must be a number within ±1e6; received nan"),
        (lambda: small().run([[1]], 2e6), r"run: multiplier must be a number within ±1e6; received 2000000\.0"),
        (
            lambda: initial_decoder(small(), 0.0, np.random.default_rng(1)),
            "initial_decoder: sd must be .* received 0.0",
        ),
        (lambda: cross_entropy(np.zeros((2, 3)), [0]), r"cross_entropy: .* received shapes \(2, 3\) and \(1,\)"),
        (lambda: cross_entropy(1.0, 0), r"cross_entropy: .* received shapes \(\) and \(\)"),
        (
            lambda: cross_entropy(np.zeros((0, 3)), np.zeros(0, int)),
            r"cross_entropy: .* received shapes \(0, 3\) and \(0,\)",
        ),
        (
            lambda: cross_entropy(np.zeros((1, 2, 3)), [[0, 3]]),
            "cross_entropy: targets must lie from 0 to 2; received 0 to 3",
        ),
        (lambda: cross_entropy(np.zeros((1, 3)), [0.0]), "cross_entropy: .* whole numbers"),
        (lambda: cross_entropy(np.zeros((1, 3)), [3]), "cross_entropy: targets must lie from 0 to 2; received 3 to 3"),
        (lambda: cross_entropy([[math.inf]], [0]), "cross_entropy: logits must be finite real numbers"),
    ],
)
def test_what_makes_no_sense_is_refused(call: Callable[[], object], message: str) -> None:
    """One line that says what was received and what is allowed."""
    with pytest.raises(ValueError, match=message) as caught:
        call()
    assert "\n" not in str(caught.value)


def theirs(language: str, multiplier: float = 1.0, dtype: type = np.float64) -> Any:
    """The library's own model in that precision, its queries' weights multiplied."""
    import glassllm

    model, _ = glassllm.load_pretrained(language)
    model = glassllm.GlassLM(model.cfg, dtype=dtype)
    trained = glassllm.load_pretrained(language)[0].named_parameters()
    for name, parameter in model.named_parameters().items():
        parameter.data = trained[name].data.astype(dtype) * dtype(multiplier if name.endswith("W_Q") else 1)
    return model


def ours(language: str, dtype: type) -> Decoder:
    """The same weights in that precision."""
    decoder = load_decoder(language)
    layers = tuple(
        replace(layer, **{name: a.astype(dtype) for name, a in vars(layer).items()}) for layer in decoder.layers
    )
    return replace(decoder, embedding=decoder.embedding.astype(dtype), layers=layers, gain=decoder.gain.astype(dtype))


@needs_the_models
@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("dtype", "close"), [(np.float64, 1e-12), (np.float32, 2e-6)])
def test_logits_are_the_librarys(language: str, dtype: type, close: float) -> None:
    """On three pieces of the text, trained scores and others; to so much of the largest logit."""
    import glassllm

    ids = tokens_of(language)[: 3 * 128].reshape(3, 128)
    for multiplier in (1.0, math.sqrt(32)):
        model = theirs(language, multiplier, dtype)
        with glassllm.no_grad():
            expected = model(ids).data
        found = ours(language, dtype).run(ids, multiplier).logits
        np.testing.assert_allclose(found, expected, rtol=0, atol=close * np.abs(expected).max() * multiplier)


@needs_the_models
@pytest.mark.parametrize("language", LANGUAGES)
def test_queries_and_keys_are_those_that_the_library_traces(language: str) -> None:
    """In every layer, and with them, head by head, the weights of attention."""
    import glassllm

    ids = tokens_of(language)[200:300]
    model, tracer = theirs(language), glassllm.Tracer()
    with glassllm.no_grad():
        model(ids, trace=tracer)
    found = ours(language, np.float64).run(ids[None])
    for layer in range(4):
        for step, part in (("attn.rope_q", found.queries), ("attn.rope_k", found.keys)):
            np.testing.assert_allclose(part[layer, 0], tracer.get(step, layer).value, rtol=0, atol=1e-11)
        for head in range(4):
            scores = found.queries[layer, 0, head] @ found.keys[layer, 0, head // 2].T / math.sqrt(32)
            e = np.tril(np.exp(scores))
            expected = tracer.get("attn.softmax", layer, head).value
            np.testing.assert_allclose(e / e.sum(axis=1, keepdims=True), expected, rtol=0, atol=1e-12)


@needs_the_models
def test_a_model_before_it_learns_is_the_librarys() -> None:
    """The same generator gives the very weights with which the library would begin."""
    import glassllm

    trained = load_decoder("en")
    start = initial_decoder(trained, training_of("en").initial_sd, np.random.default_rng(3))
    fresh = glassllm.GlassLM(glassllm.Config(), seed=3)
    names = {name: parameter.data for name, parameter in fresh.named_parameters().items()}
    np.testing.assert_array_equal(start.embedding, names["E"])
    for i, layer in enumerate(start.layers):
        for field, name in NAMES.items():
            np.testing.assert_array_equal(getattr(layer, field), names[f"blocks.{i}.{name}"], err_msg=name)


@needs_the_models
@pytest.mark.parametrize("language", LANGUAGES)
def test_the_texts_are_of_the_kind_that_the_models_know(language: str) -> None:
    """Long enough for 16 sequences and their next tokens, without an unknown one, and no harder than what was held out.

    The loss is far below that of a model which has learned nothing, ln 1024, and within half a nat below, or 0.1 above,
    what the library states for its held-out tokens, if not better still: the text was most likely learned from.
    """
    ids, n_words = tokens_of(language), load_decoder(language).n_words
    n_positions = training_of(language).n_positions
    assert len(ids) >= 16 * (n_positions + 1)
    assert (ids.min(), ids.max() < n_words) == (ids[ids > 3].min(), True)  # 0 to 3 stand for no text
    whole = ids[: 16 * (n_positions + 1)].reshape(16, -1)
    loss = cross_entropy(load_decoder(language).run(whole[:, :-1]).logits, whole[:, 1:]).mean()
    assert 2.5 < loss < training_of(language).held_out_loss + 0.1 < math.log(n_words)
