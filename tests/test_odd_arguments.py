"""Whatever the public functions are called with, they give finite numbers, or refuse it in one line that says what."""

import resource
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields, is_dataclass
from functools import cached_property, partial
from itertools import islice
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import scaling
from scaling import RAW, SCALED, Gaussian, Tiles, dot_product_law
from scaling.pairs import PAIR_LAWS

SAY_NOTHING = ("measure_head", "Moments.of")  # of what they cannot measure: nan stands for it
SECONDS = 5.0  # of a processor, for the longest call
ADDRESS_SPACE = 6 * 2**30  # bytes: 2³¹ dimensions are asked for too, and more than that is refused by NumPy
TOO_LARGE = ("Maximum allowed dimension exceeded", "array is too big")  # in NumPy's words
PIECES = 3  # that are looked at, of what comes in pieces
SHORT, LONG = 400, 12_000  # cases
Record = Callable[[str, object], None]

RNG = np.random.default_rng
VECTORS, KEYS, LAW = RNG(1).normal(size=(5, 3)), RNG(2).normal(size=(20, 3)), PAIR_LAWS["gaussian"]
TAILS = np.log(np.linspace(0.1, 0.9, 9))
COVARIANCE = np.eye(3)
PAIR = {"mean_q": np.zeros(3), "covariance_q": COVARIANCE, "mean_k": np.ones(3), "covariance_k": COVARIANCE}
CALLS: dict[str, tuple[Callable[..., object], Mapping[str, Any]]] = {  # and arguments that are right
    "attend": (scaling.attend, {"queries": VECTORS, "keys": KEYS, "values": KEYS, "scale": 0.5, "causal": False}),
    "attend(x)": (scaling.simplified_attention, {"x": VECTORS}),
    "attention_law": (scaling.attention_law, {"d_k": 8, "n_keys": 16, "scale": 0.3}),
    "softmax_law": (scaling.softmax_law, {"sigma": 1.5, "n_keys": 16}),
    "dot_product_law": (scaling.dot_product_law, {"d_k": 8}),
    "dot_product_law.pdf": (dot_product_law(8).pdf, {"x": 1.0}),
    "dot_product_law.cdf": (dot_product_law(8).cdf, {"x": 1.0}),
    "dot_product_law.log_tails": (dot_product_law(8).log_tails, {"x": 1.0}),
    "measure_head": (scaling.measure_head, {"q": KEYS, "k": KEYS, "scale": None, "causal": True}),
    "row_observables": (scaling.row_observables, {"scores": VECTORS, "factors": [1.0, 0.5]}),
    "score_gradient": (scaling.score_gradient, {"scores": VECTORS, "upstream": VECTORS}),
    "chained_gradients": (
        scaling.chained_gradients,
        {"q": VECTORS[0], "keys": KEYS, "upstream": np.ones(20), "factor": 0.5},
    ),
    "layer_norm": (scaling.layer_norm, {"x": VECTORS, "epsilon": 1e-5}),
    "initial_variance": (scaling.initial_variance, {"d_k": 8, "weight_variance": 0.1, "squares": 64.0}),
    "limit_of_entropy": (scaling.limit_of_entropy, {"sigma": 1.5, "n_keys": 100}),
    "limit_of_sum_p2": (scaling.limit_of_sum_p2, {"sigma": 3.5, "n_keys": 100}),
    "freezing_d_k": (scaling.freezing_d_k, {"n_keys": 100}),
    "freezing_sigma": (scaling.freezing_sigma, {"n_keys": 100}),
    "mean_interval": (scaling.mean_interval, {"blocks": VECTORS, "confidence": 0.95}),
    "anderson_darling": (scaling.anderson_darling, {"log_cdf": TAILS, "log_sf": TAILS[::-1]}),
    "mean_against_normal": (scaling.mean_against_normal, {"law": dot_product_law(4), "n_draws": 100}),
    "dot_product_moments": (scaling.dot_product_moments, PAIR),
    "Moments.of": (scaling.Moments.of, {"values": VECTORS}),
    "plan_tiles": (scaling.plan_tiles, {"d_k": 8, "relative_variance": 0.01, "kurtosis_q": 3.0, "kurtosis_k": 3.0}),
    "plan_second_moments": (scaling.plan_second_moments, {"d_k": 8, "relative_variance": 0.01}),
    "plan_pairs": (scaling.plan_pairs, {"law": LAW, "d_k": 8, "relative_variance": 0.01}),
    "measure_pairs": (scaling.measure_pairs, {"rng": RNG(1), "law": LAW, "d_k": 8, "tiles": Tiles(2, 4, 4)}),
    "Tiles": (scaling.Tiles, {"n_tiles": 1, "n_queries": 4, "n_keys": 4}),
    "draw_rows": (scaling.draw_rows, {"rng": RNG(1), "d_k": 8, "n_rows": 4, "n_keys": 5}),
    "draw_scores": (
        scaling.draw_scores,
        {"rng": RNG(1), "d_k": 8, "tiles": Tiles(1, 4, 4), "queries": Gaussian(), "keys": Gaussian()},
    ),
    "second_moments": (
        scaling.second_moments,
        {"rng": RNG(1), "d_k": 8, "tiles": Tiles(1, 4, 4), "queries": Gaussian(), "keys": Gaussian()},
    ),
    "entry_law": (scaling.entry_law, {"name": "sign"}),
    "Gaussian": (scaling.Gaussian, {"mean": 0.0, "sd": 2.0}),
    "Uniform": (scaling.Uniform, {"low": 0.0, "high": 1.0}),
    "Sparse": (scaling.Sparse, {"share": 0.1}),
    "StudentT": (scaling.StudentT, {"nu": 8.0}),
    "PowerRule": (partial(scaling.PowerRule, "x"), {"alpha": 0.5}),
    "rule": (scaling.score_rule, {"line": {"rule": "soft-cap", "cap": 50.0}}),
    "RAW.scores": (RAW.scores, {"q": VECTORS, "k": KEYS}),
    "SCALED.scores": (SCALED.scores, {"q": VECTORS, "k": KEYS}),
    "SCALED.factor": (SCALED.factor, {"d_k": 8}),
    "TorchRandom": (scaling.TorchRandom, {"seed": 123}),
    "TorchRandom.rand": (scaling.TorchRandom(1).rand, {"shape": (3, 2)}),
    "SelfAttentionV1": (scaling.SelfAttentionV1, {"d_in": 3, "d_out": 2, "seed": 123}),
    "SelfAttentionV2": (scaling.SelfAttentionV2, {"d_in": 3, "d_out": 2, "seed": 123}),
    "CausalAttention": (scaling.CausalAttention, {"d_in": 3, "d_out": 2, "seed": 123}),
    "MultiHeadAttention": (scaling.MultiHeadAttention, {"d_in": 3, "d_out": 2, "n_heads": 2, "seed": 123}),
    "SelfAttentionV1(x)": (scaling.SelfAttentionV1(3, 2, 123), {"x": VECTORS}),
    "SelfAttentionV2(x)": (scaling.SelfAttentionV2(3, 2, 123), {"x": VECTORS}),
    "MultiHeadAttention(x)": (scaling.MultiHeadAttention(3, 2, 2, 123), {"x": VECTORS}),
}


ODD: list[Any] = [
    None,
    True,
    np.bool_(True),
    "3",
    "x",
    b"3",
    "",
    [],
    (),
    {},
    {"a": 1},
    {1.0},
    object(),
    len,
    3 + 0j,
    1j,
    10**400,
    -(10**400),
    0,
    -1,
    1,
    2,
    2.0,
    1.5,
    2**31,
    2**62,
    2**63,
    2**64,
    -0.0,
    1e-320,
    1e-200,
    1e-30,
    1e20,
    1e60,
    1e200,
    1.7e308,
    np.nan,
    np.inf,
    -np.inf,
    np.float16(2.0),
    np.float32(1e30),
    np.longdouble("1e4000"),
    np.int8(3),
    np.uint64(2**64 - 1),
    np.array(3),
    np.array([3]),
    np.array(2.5),
    np.array(np.nan),
    np.datetime64("2020-01-01"),
    np.timedelta64(3, "s"),
    [[1, 2], [3]],
    [1, "a"],
    ["a", "b"],
    [None, 1.0],
    range(5),
    iter([1.0, 2.0]),
    memoryview(b"abc"),
    slice(3),
    ...,
    np.zeros(0),
    np.zeros((0, 3)),
    np.zeros((3, 0)),
    np.zeros((2, 0, 3)),
    np.zeros((5, 3)),
    np.ones(3),
    np.ones((1, 1)),
    np.ones((2, 5, 3)),
    np.ones((5, 3), bool),
    np.ones((5, 3), complex),
    np.full((5, 3), None),
    np.array(["a", "b"]),
    np.ma.masked_array(np.ones((5, 3)), mask=True),
    np.ma.masked_array(np.ones(3), mask=[0, 1, 0]),
    np.ma.masked,
    np.full((5, 3), np.nan),
    np.full((20, 3), np.inf),
    np.full((20, 3), 1e200),
    np.full((5, 3), 1e308),
    np.full((20, 3), 1e-300),
    np.full((5, 3), 1e-320),
    np.full((20, 3), 1e60),
    np.full((5, 3), -1e154),
    np.zeros(3, "f4,f4"),

    np.array([2**63], "u8"),    np.full((5, 3), np.longdouble("1e3000")),
    np.array([1, 2], "M8[s]"),
    np.zeros((1,) * 30),
    np.tile(np.arange(5.0), (5, 1)),
]  # fmt: skip
FORMS: list[Callable[[Any], Any]] = [  # in which the same numbers may come
    lambda x: np.asarray(x, np.float32), lambda x: np.asarray(x, np.float16), lambda x: np.asarray(x, np.longdouble),
    lambda x: np.asarray(x, ">f8"), lambda x: np.asfortranarray(x), lambda x: np.repeat(np.asarray(x)[None], 2, 0)[1],
    lambda x: np.asarray(x)[..., None].repeat(2, -1)[..., 1], lambda x: np.asarray(x).tolist(), lambda x: read_only(x),
    lambda x: tuple(np.asarray(x).tolist()) if np.ndim(x) else np.float64(x), lambda x: np.ma.masked_array(x).data,
]  # fmt: skip


@pytest.fixture(autouse=True)
def little_memory() -> Iterator[None]:
    """No more address space than a small machine's, so that what is too large is refused and not begun."""
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_AS, before)


def read_only(x: object) -> np.ndarray:
    """A copy that cannot be changed."""
    array = np.array(x)
    array.flags.writeable = False
    return array


def numbers(result: object) -> list[np.ndarray]:
    """All numbers that a result holds, or gives when it is asked."""
    if result is None or isinstance(result, str | bool):
        return []
    if isinstance(result, int | float | np.ndarray | np.generic):
        return [np.asarray(result)]
    if is_dataclass(result) or callable(result):
        names = [field.name for field in fields(result)] if is_dataclass(result) else []
        names += [name for name, of in vars(type(result)).items() if isinstance(of, property | cached_property)]
        return [number for name in names for number in numbers(getattr(result, name))]
    parts = islice(result, PIECES) if isinstance(result, Iterator) else result
    return [number for part in parts for number in numbers(part)] if isinstance(parts, Iterable) else []


def came_of(name: str, arguments: Mapping[str, Any]) -> list[np.ndarray] | None:
    """The numbers of a result, or None where it was refused; AssertionError for a silent NaN, or another way out."""
    started = time.process_time()
    call = CALLS[name][0]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = numbers(call(**arguments))
    except (ValueError, TypeError, MemoryError) as error:
        if str(error).startswith(TOO_LARGE) or isinstance(error, MemoryError):
            assert any(isinstance(value, int) and value > 2**30 for value in arguments.values())
            return None  # NumPy's own words for what no memory holds
        words = str(error).replace("entry law", "entry_law")
        check_words(words, [name, *name.replace("(", ".").split("."), *arguments])
        found = None
    for number in found or []:
        if number.dtype.kind in "fc":
            assert not np.isinf(number).any()
            assert (
                name in ("measure_head", "Moments.of") or not np.isnan(number).any()
            )  # which says what it cannot measure
    assert time.process_time() - started < SECONDS
    return found


def check_words(words: str, names: Sequence[str]) -> None:
    """AssertionError unless it is one line that names the function or the argument."""
    assert words
    assert words.isprintable()
    assert len(words) < 500
    assert any(name and name in words for name in names), words


@pytest.mark.parametrize("name", CALLS)
def test_right_arguments_are_taken(name: str) -> None:
    """As they stand here: the control of all that follows."""
    assert came_of(name, CALLS[name][1]) is not None


@pytest.mark.parametrize("n_cases", [SHORT, pytest.param(LONG, marks=pytest.mark.soak)])
def test_odd_arguments_give_numbers_or_one_line(n_cases: int, record_property: Record) -> None:
    """One argument, or two, of another kind, shape, or size."""
    came: Counter[bool] = Counter()

    @settings(
        max_examples=n_cases, deadline=None, database=None, derandomize=n_cases == SHORT,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(st.data())
    def judge(data: st.DataObject) -> None:
        name = data.draw(st.sampled_from(list(CALLS)))
        arguments = dict(CALLS[name][1])
        for argument in data.draw(st.lists(st.sampled_from(list(arguments)), min_size=1, max_size=2)):
            arguments[argument] = ODD[data.draw(st.integers(0, len(ODD) - 1))]
        came[came_of(name, arguments) is None] += 1

    judge()
    record_property("cases", came.total())
    record_property("taken", came[False])
    assert min(came.values()) > n_cases / 20


TAKE_ARRAYS = [
    (name, argument)
    for name, (_, arguments) in CALLS.items()
    for argument, value in arguments.items()
    if isinstance(value, np.ndarray) or name.startswith(("softmax_law", "dot_product_law.", "limit_of"))
    if not isinstance(value, int)
]


@pytest.mark.parametrize(("name", "argument"), TAKE_ARRAYS)
def test_the_same_numbers_give_the_same_in_any_form(name: str, argument: str, record_property: Record) -> None:
    """In another precision, byte order, layout, as a list, or read-only: as the same numbers in double precision."""
    arguments = CALLS[name][1]
    for form in FORMS:
        given = form(arguments[argument])
        found = came_of(name, {**arguments, argument: given})
        expected = came_of(name, {**arguments, argument: np.asarray(given, np.float64)})
        assert found is not None
        assert expected is not None
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_allclose(np.float64(one), np.float64(other), rtol=2e-5, atol=1e-5)
    record_property("cases", len(FORMS))


def test_the_judge_can_fail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its negative control: a silent NaN, a warning, another exception, and a line that names nothing."""

    def crash(x: object) -> object:
        raise KeyError(x)

    def mumble(_x: object) -> object:
        raise ValueError("bad input")

    wrong = [lambda x: float("nan"), lambda x: np.array([1.0]) / 0, crash, mumble]
    for call in wrong:
        monkeypatch.setitem(CALLS, "wrong", (call, {"x": 1.0}))
        with pytest.raises((AssertionError, RuntimeWarning, KeyError)):
            came_of("wrong", {"x": 1.0} if call is not mumble else {"_x": 1.0})
