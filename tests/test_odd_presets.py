"""Whatever a preset's file holds, it is a preset, or refused in lines that can be read; and soon."""

import random
import re
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import made_presets
from experiments.faults import Faults
from experiments.preset import PRESETS, Preset, load_preset, named_presets
from fault_lines import check_lines
from made_presets import experiments, of_field, to_toml

SECONDS = 4.0  # of a processor, for the longest case
SHORT, LONG = 80, 3000  # cases of each kind
Record = Callable[[str, object], None]

TEXTS = {name: (PRESETS / f"{name}.toml").read_text(encoding="utf-8") for name in named_presets()}
OWN = st.just('base = "quick"\n[variance]\nd_k = [3, 5]\n[scalings]\nrules = [{ rule = "soft-cap", cap = 50.0 }]\n')
VALUES = [  # as TOML writes them, or nearly
    "nan", "-inf", "1e400", "-0.0", "5e-324", "1_000", "+1", "01", "0x" + "f" * 99, "9" * 30, "9" * 5000, "0b101",
    "true", "''", '"x"', '"\\u0000"', '"\\u001b[31m"', '"\\u202e"', '"\\ud800"', '"😀"',
    "'''\na\nb'''", '"' + "x" * 999 + '"',
    "[]", "[[]]", "[1, 'a']", "[1.5, 1]", "[2, 1]", "[1, 1]", "{}", "{ a = 1 }", "{ rule = 'power' }",
    "[{ rule = 'power' }]", "[{ rule = 'sigmoid', bias = nan }]", "[{ rule = 'model', n_heads = 1.5 }]",
    "[{ rule = 'power', alpha = 1 }, { rule = 'power', alpha = 2 }]", "[{ rule = 'raw' }]",
    "[{ rule = 'split', name = 'raw' }]", "[{ rule = 'split', name = 3 }]", "[{ name = 'x' }]",
    "[{ rule = 'log-n', length = [] }]", "[{ rule = {} }]", "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z",
    "[" * 40 + "]" * 40, "[" * 3000, "{ a = " * 50 + "1" + " }" * 50, "quick", "", "# none",
]  # fmt: skip
LINES = [
    "[variance]", "[[variance]]", "[variance.d_k]", "[[scalings.rules]]", "[[scalings.rules.x]]", "[unheard]", "[base]",
    "variance.margin = 0.1", "variance.x.y = 1", "scalings.rules = 3", "'' = 1", '"a\\nb" = 1', '"😀" = 1',
    "name.x = 1", "base = 'quik'", "base = ['quick']", "base = 3", "base = 'full'", "[scalings.rules]",
    "rule = 'power'", "]", "\x00",
    "a" * 3000 + " = 1", "x = '''", "\t=\t", "= 1", "\N{LINE SEPARATOR}", "[" * 5000,
]  # fmt: skip
SETTING = re.compile(r"^([a-z_]+) = (.*)$", re.MULTILINE)


def changed(draw: st.DrawFn, lines: list[str]) -> None:
    """One edit of a preset's lines, in place."""
    at = draw(st.integers(0, len(lines) - 1))
    kind = draw(st.sampled_from(["value", "value", "value", "number", "line", "drop", "repeat", "name", "cut"]))
    setting = SETTING.match(lines[at])
    if kind in ("value", "number") and setting:
        odd = st.sampled_from(VALUES)
        number = st.integers() | st.integers(-(2**70), 2**70) | st.floats()
        lines[at] = f"{setting[1]} = {draw(odd if kind == 'value' else number)}"
    elif kind == "line":
        lines.insert(at, draw(st.sampled_from(LINES) | st.text(max_size=20)))
    elif kind == "drop":
        del lines[at : at + draw(st.integers(1, 5))]
    elif kind == "repeat":
        lines.insert(draw(st.integers(0, len(lines))), lines[at])
    elif kind == "name":
        lines[at] = lines[at].replace(draw(st.sampled_from("a_dkn[]=")), draw(st.text(max_size=2)), 1)
    else:
        lines[at] = lines[at][: draw(st.integers(0, len(lines[at])))]
    lines or lines.append("")


@st.composite
def edited(draw: st.DrawFn) -> bytes:
    """A preset that comes with the project, or one of a reader's over it, with a few edits."""
    lines = draw(st.sampled_from(list(TEXTS.values())) | OWN).splitlines()
    for _ in range(draw(st.integers(1, 4))):
        changed(draw, lines)
    return "\n".join(lines).encode("utf-8", "surrogatepass")


@st.composite
def built(draw: st.DrawFn) -> bytes:
    """What the models of the settings allow, each by itself; together it may be too much, or too little."""
    rng = random.Random(draw(st.integers(0, 2**32)))
    names = draw(st.sets(st.sampled_from(list(experiments())), min_size=1, max_size=6))
    tables = {
        name: {key: of_field(rng, key, field) for key, field in experiments()[name].model_fields.items()}
        for name in sorted(names)
    }
    return to_toml({"base": "quick", "name": rng.choice(made_presets.NAMES), **tables}).encode()


LETTERS = st.sampled_from([*"abdk_.=\"'[]{}#,\n\r\t -+0123456789e\\u:T", "\ufeff", "\x00", "é", "\ud800"])
KINDS: dict[str, st.SearchStrategy[bytes]] = {
    "bytes": st.binary(max_size=300),
    "texts": st.lists(LETTERS, max_size=200).map(lambda letters: "".join(letters).encode("utf-8", "surrogatepass")),
    "edited": edited(),
    "built": built(),
}


def judged(path: Path, content: bytes) -> str:
    """What came of a file: a preset, or faults; AssertionError where it is neither, slow, or in lines for nobody."""
    path.unlink(missing_ok=True)
    path.write_bytes(content)
    started = time.process_time()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            came = type(load_preset(str(path))).__name__
        assert came == Preset.__name__
    except Faults as faults:
        check_lines(faults, f"preset {path}: ")
        came = "faults"
    assert time.process_time() - started < SECONDS
    return came


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("n_cases", [SHORT, pytest.param(LONG, marks=pytest.mark.soak)])
def test_a_file_is_a_preset_or_refused_in_lines(
    tmp_path: Path, kind: str, n_cases: int, record_property: Record
) -> None:
    """Random bytes, texts, edits of what is there, and settings drawn from their models; both come of the last two."""
    came: Counter[str] = Counter()

    @settings(
        max_examples=n_cases, deadline=None, database=None, derandomize=n_cases == SHORT,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(KINDS[kind])
    def judge(content: bytes) -> None:
        came[judged(tmp_path / "mine.toml", content)] += 1

    judge()
    record_property("cases", came.total())
    record_property("accepted", came["Preset"])
    assert came["faults"] > n_cases / 10
    if kind in ("edited", "built"):
        assert came["Preset"] > n_cases / 50


SOUND = load_preset("quick")


def _crash(*_: object) -> Preset:
    raise KeyError("a fault that is no Faults")


def _say_too_much(*_: object) -> Preset:
    raise Faults("Traceback (most recent call last)")


def _warn(*_: object) -> Preset:
    warnings.warn("of something", RuntimeWarning, stacklevel=1)
    return SOUND


def _dawdle(*_: object) -> Preset:
    started = time.process_time()
    while time.process_time() - started < 0.2:
        pass
    return SOUND


@pytest.mark.parametrize("planted", [_crash, _say_too_much, _warn, _dawdle])
def test_the_judge_can_fail(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, planted: object) -> None:
    """Its negative control: another exception, a line for nobody, a warning, and a wait are each seen."""
    assert judged(tmp_path / "mine.toml", b'base = "quick"') == "Preset"
    assert judged(tmp_path / "mine.toml", b'base = "quik"') == "faults"
    monkeypatch.setattr(f"{__name__}.load_preset", planted)
    monkeypatch.setattr(f"{__name__}.SECONDS", 0.1)
    with pytest.raises((AssertionError, KeyError, RuntimeWarning)):
        judged(tmp_path / "mine.toml", b'base = "quick"')
