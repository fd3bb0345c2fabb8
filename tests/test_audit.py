"""An audit's measurements and findings: heads with planted properties, sequences, threads, faults."""

import json
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit_heads import D_K, PLANTED, VARIANCES, N, planted
from experiments.audit.kinds import KEPT, KINDS, QUIET, findings
from experiments.audit.law_curve import law_curve
from experiments.audit.measured import COLUMNS, MEASURED, WITH_INTERVALS, Settings, measure_heads, most_rows
from experiments.audit.options import AuditOptions
from experiments.audit.record import audit_record, data_files
from experiments.audit.sources import HeadSource
from experiments.faults import Faults
from report.audit.paragraphs import WORDS
from report.audit.sentences import SENTENCES
from scaling import freezing_d_k, measure_head, softmax_law


def sources(q: np.ndarray, k: np.ndarray) -> list[HeadSource]:
    """Heads (n_sequences, heads, n, d_k) of one layer."""
    return [HeadSource("a", 0, i, i, [(q[j, i], k[j, i]) for j in range(len(q))]) for i in range(q.shape[1])]


def measured(q: np.ndarray, k: np.ndarray, jobs: int = 1, **settings: object) -> pd.DataFrame:
    """The frame of heads (heads, n, d_k)."""
    return measure_heads(sources(q[None], k[None]), Settings(**settings), jobs)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def frame() -> pd.DataFrame:
    """Of the planted heads."""
    return measured(*planted())


@pytest.mark.parametrize("causal", [False, True], ids=["all keys", "causal"])
@pytest.mark.parametrize("seed", [1, 2])
def test_what_was_planted_is_found_and_nothing_else(seed: int, causal: bool) -> None:
    """Each head is of its own kinds, over all keys as in causal rows."""
    found = measured(*planted(seed), causal=causal)["findings"]
    assert dict(zip(PLANTED, (set(names.split(";")) for names in found), strict=True)) == PLANTED


def test_every_kind_but_those_that_lack_something_is_planted() -> None:
    """So that none is never seen to be found; and each has a heading and a sentence."""
    assert set.union(*PLANTED.values()) == {kind.name for kind in KINDS}
    assert set(WORDS) == set(SENTENCES) == {kind.name for kind in KINDS} > QUIET


def test_planted_numbers_lie_in_their_intervals(frame: pd.DataFrame) -> None:
    """Twice the intervals' half-widths hold what was planted; they are not so wide that anything would do."""
    heads = frame.set_index(pd.Index(PLANTED))
    a = float(np.mean(VARIANCES**2))
    expected = {
        ("untouched", "variance_per_d_k"): 1.0,
        ("large queries", "variance_per_d_k"): 6.0,
        ("large queries", "entry_variance_q"): 6.0,
        ("saturated", "row_sd"): 9.0,
        ("flat", "entry_variance_k"): 0.09,
        ("mean query", "variance_per_d_k"): 2.5,
        ("mean key", "variance_per_d_k"): 4.0,
        ("aligned", "alignment"): a,
        ("aligned", "variance_per_d_k"): a,
        ("opposed", "alignment"): 0.19,
        ("own key", "own_z"): 0.35 * D_K / np.sqrt(D_K),  # up to the mean of 1/|q|
        ("previous token", "entry_variance_k"): 1.7,
    }
    for (name, quantity), value in expected.items():
        middle, low, high = (heads.loc[name, f"{quantity}{end}"] for end in ("", "_low", "_high"))
        assert abs(middle - value) < high - low, (name, quantity)
        assert high - low < 0.4 * abs(value), (name, quantity)
    for name, term, value in (
        ("mean query", "mean_query", 1.5), ("mean key", "mean_key", 3.0), ("aligned", "joint", a),
    ):  # fmt: skip
        error = 4 * np.sqrt(2 / N)  # 4 standard errors of a variance along one direction
        assert heads.loc[name, f"{term}_per_d_k"] == pytest.approx(value, rel=error)
    assert heads.loc["previous token", "on_previous"] > 0.9


def test_a_row_says_what_measure_head_says(frame: pd.DataFrame) -> None:
    """Quantities to the last digits, raw ones and intervals among them; few enough rows that all are looked at."""
    q, k = planted()
    for i, row in frame.iterrows():
        one = measure_head(q[i], k[i])
        for name, value in one.quantities._asdict().items():
            assert row[name] == pytest.approx(value, rel=1e-12, nan_ok=True)
        assert row["raw_row_sd"] == pytest.approx(one.quantities.row_sd * D_K**0.5)
        interval = one.interval("normalised_entropy")
        assert interval is not None
        assert row["normalised_entropy_low"] == pytest.approx(max(0, float(interval.low)))
        assert row["normalised_entropy_high"] == pytest.approx(min(1, float(interval.high)))
        terms = row["joint"] + row["mean_query"] + row["mean_key"]
        assert row["variance_per_d_k"] == pytest.approx(terms / D_K, rel=1e-12)
        assert (row["n_rows"], row["n_queries"], row["n_keys"]) == (N, N, N)


def test_the_temperature_brings_the_entropy(frame: pd.DataFrame) -> None:
    """With the scale that it comes to, the entropy is the target's, within what rows left out can change."""
    q, k = planted()
    for i, row in frame.iterrows():
        again = measure_head(q[i], k[i], scale=row["scale"] / row["temperature"]).quantities.normalised_entropy
        assert again == pytest.approx(row["target_entropy"], abs=0.02)
        assert row["target_entropy"] == row["unit_entropy"] == pytest.approx(softmax_law(1.0, N).entropy / np.log(N))
    chosen = measured(q[:1], k[:1], entropy=0.5)
    assert chosen["target_entropy"].tolist() == [0.5]
    scale = chosen["scale"].iloc[0] / chosen["temperature"].iloc[0]
    assert measure_head(q[0], k[0], scale).quantities.normalised_entropy == pytest.approx(0.5, abs=0.02)


def test_the_curve_is_the_law_at_the_rows_own_numbers_of_keys(frame: pd.DataFrame) -> None:
    """Over all keys that of `softmax_law`; causal, its mean over rows; both reach beyond every head."""
    curve = law_curve(frame, causal=False)
    exact = softmax_law(curve["row_sd"], N).entropy / np.log(N)
    assert np.allclose(curve["normalised_entropy"], exact, atol=1e-7)
    assert curve["row_sd"].min() <= frame["row_sd"].min()
    assert curve["row_sd"].max() >= frame["raw_row_sd"].max()
    few = frame.assign(n_keys=20, n_queries=20)
    causal = law_curve(few, causal=True)
    at = causal["row_sd"].iloc[[10, 20]]
    plain = np.mean([softmax_law(at, n).entropy / np.log(n) for n in range(16, 21)], axis=0)
    assert np.allclose(causal["normalised_entropy"].iloc[[10, 20]], plain, atol=1e-7)
    both = law_curve(pd.concat([frame, few, frame.assign(n_keys=99)]), causal=False)
    assert both["n_keys"].unique().tolist() == [20, N]


@pytest.mark.parametrize(
    ("n_keys", "n_sequences", "most"),
    [(128, 1, 16384), (4096, 1, 512), (4096, 8, 64), (10**6, 1, 64), (10**6, 2, 32), (4096, 100, 16)],
)
def test_rows_are_planned_by_their_scores(n_keys: int, n_sequences: int, most: int) -> None:
    """About two million scores to a head, but no fewer rows than say something."""
    assert most_rows(n_keys, n_sequences) == most


@pytest.mark.parametrize("n_sequences", [3, 10, 40])
def test_sequences_are_averaged(n_sequences: int) -> None:
    """Quantities are means of what each sequence has by itself, and one temperature serves all."""
    q, k = np.random.default_rng(2).normal(size=(2, n_sequences, 1, 40, 8))
    frame = measure_heads(sources(q, k), Settings(), 1)
    alone = [measure_head(q[j, 0], k[j, 0]).quantities for j in range(n_sequences)]
    row = frame.iloc[0]
    assert row["normalised_entropy"] == pytest.approx(np.mean([one.normalised_entropy for one in alone]))
    assert row["variance"] == pytest.approx(np.mean([one.variance for one in alone]))
    assert row["n_sequences"] == n_sequences
    assert row["n_rows"] == n_sequences * 40
    assert row["normalised_entropy_low"] < row["normalised_entropy"] < row["normalised_entropy_high"]
    assert row["temperature"] == pytest.approx(row["row_sd"], rel=0.1)


def test_threads_change_nothing() -> None:
    """The same numbers to the last bit, in the order of the heads."""
    q, k = planted()
    pd.testing.assert_frame_equal(measured(q, k), measured(q, k, jobs=3), check_exact=True)


def test_intervals_stay_within_what_a_quantity_can_be() -> None:
    """Shares within 0 and 1, spreads above 0; a head of too few tokens has none, nor any sentence with nan."""
    q, k = np.random.default_rng(1).normal(size=(2, 6, 40, 4)) * np.array([0.05, 1, 3, 10, 50, 300])[:, None, None]
    frame = measured(q, k)
    for name, (low, high) in WITH_INTERVALS.items():
        assert (frame[f"{name}_low"] >= low).all()
        assert (frame[f"{name}_high"] <= high).all()
        assert (frame[f"{name}_low"] <= frame[name]).all()
        assert (frame[name] <= frame[f"{name}_high"]).all()
    few = measured(q[:, :9], k[:, :9])
    assert few[[f"{name}_low" for name in WITH_INTERVALS]].isna().all(axis=None)


def odd_heads() -> list[tuple[np.ndarray, np.ndarray]]:
    """Constant, zero, tiny, huge, one-dimensional, few and unequal queries and keys."""
    rng = np.random.default_rng(3)
    z = rng.normal(size=(2, 50, 3))
    return [
        (np.zeros((50, 3)), np.zeros((50, 3))),
        (np.ones((50, 3)), np.ones((50, 3))),
        (z[0], np.ones((50, 3))),
        (np.ones((50, 3)), z[1]),
        (z[0] * 1e-30, z[1]),
        (z[0] * 1e30, z[1] * 1e25),
        (z[0, :1], z[1, :2]),
        (z[0, :7], z[1]),
        (z[0, :, :1], z[1, :, :1]),
    ]


@pytest.mark.parametrize("place", range(len(odd_heads())))
def test_odd_heads_get_sentences_too(place: int) -> None:
    """Whatever is found of them can be said: no division by zero, no nan, no number of thirty digits."""
    q, k = odd_heads()[place]
    frame = measure_heads([HeadSource("a", 0, 0, 0, [(q, k)])], Settings(), 1)
    head = next(frame.itertuples())
    for name in filter(None, frame["findings"].iloc[0].split(";")):
        sentence = SENTENCES[name](head)
        assert "nan" not in sentence
        assert "inf" not in sentence
        assert max(map(len, sentence.split())) < 25, sentence


def test_conditions_are_those_of_their_words(frame: pd.DataFrame) -> None:
    """At a threshold and just beyond it, for each kind whose condition is of one number."""
    plain = frame.iloc[[0]]
    edges = {
        "sharp": ("row_sd", 2.0, 1.999),
        "aligned": ("alignment", 2.0, 1.999),
        "opposed": ("alignment", 0.5, 0.501),
        "own-key": ("own_z", -1.0, -0.999),
        "entry-size": ("entry_variance_k", 2.001, 2.0),
        "few-components": ("effective_d_k", 8.0, 8.001),
        "fixed-place": ("on_first", 0.5, 0.499),
        "as-assumed": ("variance_per_d_k", 1.25, 1.251),
        "saturated": ("dead_share", 0.5, 0.499),
        "off-law": ("law_entropy", plain["normalised_entropy"].iloc[0] - 0.1001, plain["law_entropy"].iloc[0]),
    }
    for name, (column, inside, outside) in edges.items():
        assert name in findings(plain.assign(**{column: inside}))[0], name
        assert name not in findings(plain.assign(**{column: outside}))[0], name
    few = plain.assign(effective_d_k=2.0, n_keys=2 * D_K - 1)
    assert "few-components" not in findings(few)[0]
    assert "saved" not in findings(plain.assign(scale=1.0))[0]


def test_saturated_rows_of_normal_scores_are_frozen() -> None:
    """At the spread where attention freezes, the entropy is above the threshold for all numbers of keys up to 10⁵."""
    for n_keys in (16, 100, 1000, 10**4, 10**5):
        frozen = softmax_law(freezing_d_k(n_keys) ** 0.5, n_keys).entropy
        assert KEPT < frozen / softmax_law(1.0, n_keys).entropy < 2.1 * KEPT


def test_columns_have_a_dictionary(frame: pd.DataFrame) -> None:
    """Every column, in its order; three quantities depend on the basis, and their intervals with them."""
    assert list(frame) == list(COLUMNS)
    changed = {name.removesuffix("_low").removesuffix("_high") for name, of in COLUMNS.items() if of.depends_on_basis}
    assert changed == {"entry_variance_q", "entry_variance_k", "alignment"}


def test_another_basis_changes_only_what_is_said_to_depend_on_it() -> None:
    """q → A q, k → A^(-T) k: the other columns stay to many digits, and those three do not."""
    q, k = planted()
    rng = np.random.default_rng(8)
    a = rng.normal(size=(D_K, D_K)) + 6 * np.eye(D_K)
    before, after = (measured(*pair).iloc[0] for pair in ((q[:1], k[:1]), (q[:1] @ a.T, k[:1] @ np.linalg.inv(a))))
    for name, column in MEASURED.items():
        if name == "layer" or column.depends_on_basis:
            continue
        assert after[name] == pytest.approx(before[name], rel=1e-6, abs=1e-9), name
    for name in ("entry_variance_q", "entry_variance_k", "alignment"):
        assert after[name] != pytest.approx(before[name], rel=0.1)


OPTIONS = AuditOptions((Path("a.npz"),), False, None, Settings(), 1, Path("build"))


def test_csv_and_json_hold_every_digit(frame: pd.DataFrame) -> None:
    """What is read back from either is what was measured, to the last bit, nothing among it."""
    frame = frame.assign(own_z=np.nan)
    files = data_files(frame, law_curve(frame, causal=False), audit_record(frame, ["a.npz: q", "b"], OPTIONS))
    read = pd.read_csv(BytesIO(files["audit/audit.csv"]))
    pd.testing.assert_frame_equal(read, frame, check_exact=True)
    record = json.loads(files["audit/audit.json"])
    heads = pd.DataFrame([{**head, "findings": ";".join(head["findings"])} for head in record["heads"]])
    assert heads["own_z"].isna().all()
    pd.testing.assert_frame_equal(heads.assign(own_z=np.nan), frame, check_exact=True)
    assert [column["column"] for column in record["columns"]] == list(frame)
    assert record["read"] == ["a.npz: q", "b"]
    assert record["settings"] == {"batch_first": False, "causal": False, "scale": None, "entropy": None, "heads": None}
    n_found = {kind["name"]: kind["n_heads"] for kind in record["findings"]}
    assert n_found == {kind.name: sum(kind.name in names for names in PLANTED.values()) for kind in KINDS}


def test_a_head_that_cannot_be_measured_is_named() -> None:
    """Its layer and number, and why; the first of several."""
    q, k = np.zeros((2, 3, 12, 4))
    with pytest.raises(Faults, match=r"^layer a, head 0: measure_head: causal rows are measured from 16 keys") as found:
        measured(q, k, causal=True, jobs=2)
    assert len(found.value.lines) == 1
    q = np.ones((3, 40, 4))
    q[1:] = 1e90
    with pytest.raises(Faults, match=r"^layer a, head 1: measure_head: the entries of q must not be larger than"):
        measured(q, np.ones((3, 40, 4)), jobs=2)


def test_faults_of_reading_come_through() -> None:
    """They name the file themselves."""

    class Broken(Sequence[tuple[np.ndarray, np.ndarray]]):
        def __len__(self) -> int:
            return 1

        def __getitem__(self, place: object) -> tuple[np.ndarray, np.ndarray]:  # type: ignore[override]
            raise Faults("a.npz: q: entry [0, 0] is nan; every entry must be finite")

    with pytest.raises(Faults, match=r"^a\.npz: q: entry"):
        measure_heads([HeadSource("a", 0, 0, 0, Broken())], Settings(), 2)
