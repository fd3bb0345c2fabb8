"""What is measured of one head: exact identities, rows against plain loops, intervals that hold."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scipy import special, stats
from threadpoolctl import threadpool_limits

from scaling import attention_law, measure_head, softmax_law
from scaling.head_law import _at_nodes, normalised_entropy_of_rows
from scaling.head_rows import Visible
from scaling.heads import HeadMeasurement, HeadQuantities, mean_head, measure_rows
from scaling.token_pieces import TokenPieces
from scaling.vector_moments import VectorMoments

Array = np.ndarray
BASIS_DEPENDENT = {"entry_variance_q", "entry_variance_k", "alignment"}
OVER_TOKENS = HeadQuantities._fields[: HeadQuantities._fields.index("row_sd")]


def head(n_queries: int, n_keys: int, d_k: int, seed: int) -> tuple[Array, Array]:
    """Queries and keys of some means and covariances, with heavy tails, and each key like the query of its token."""
    rng = np.random.default_rng(seed)
    mixing = rng.normal(size=(2, d_k, d_k)) / d_k**0.5
    q, k = (rng.standard_t(5, size=(n, d_k)) @ mixing[i] for i, n in enumerate((n_queries, n_keys)))
    shared = min(n_queries, n_keys)
    k[:shared] += 0.5 * q[:shared]
    return q + rng.normal(size=d_k), k + rng.normal(size=d_k)


def visible_rows(q: Array, k: Array, causal: bool) -> list[tuple[int, Array]]:
    """Each query that is looked at, and its raw scores over the keys that it sees: one loop, nothing shared."""
    shift = len(k) - len(q)
    rows = []
    for i in range(len(q)):
        seen = k[: i + shift + 1] if causal else k
        if not causal or len(seen) >= 16:
            rows.append((i, np.array([np.dot(q[i], key) for key in seen])))
    return rows


@pytest.mark.parametrize(("n_queries", "n_keys", "d_k"), [(128, 128, 32), (40, 100, 8), (100, 30, 5), (17, 16, 64)])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_variance_is_the_sum_of_its_terms(n_queries: int, n_keys: int, d_k: int, seed: int) -> None:
    """Exactly, for any sets: over all pairs; in a row, in the mean, the first two; of the rows' means, the third."""
    q, k = head(n_queries, n_keys, d_k, seed)
    scores = q @ k.T
    found = measure_head(q, k)
    assert found.quantities.mean == pytest.approx(scores.mean(), rel=1e-12, abs=1e-12)
    assert found.quantities.variance == pytest.approx(scores.var(), rel=1e-12)
    assert found.terms.total == pytest.approx(scores.var(), rel=1e-12)
    assert found.terms.within_rows == pytest.approx(scores.var(axis=1).mean(), rel=1e-12)
    assert found.terms.mean_key == pytest.approx(scores.mean(axis=1).var(), rel=1e-12)
    assert found.quantities.row_sd == pytest.approx((found.terms.within_rows / d_k) ** 0.5, rel=1e-12)


@pytest.mark.parametrize("causal", [False, True])
def test_a_change_of_basis_changes_what_it_should(causal: bool) -> None:
    """q → A q, k → A^(-T) k leaves everything but three quantities, which depend on the basis and do change."""
    q, k = head(60, 60, 12, seed=3)
    a = np.random.default_rng(4).normal(size=(12, 12)) + 3 * np.eye(12)
    before = measure_head(q, k, causal=causal).quantities._asdict()
    after = measure_head(q @ a.T, k @ np.linalg.inv(a), causal=causal).quantities._asdict()
    for name, value in before.items():
        if name in BASIS_DEPENDENT:
            assert after[name] != pytest.approx(value, rel=1e-3), name
        else:
            assert after[name] == pytest.approx(value, rel=1e-9, abs=1e-9), name


@pytest.mark.parametrize(
    ("n_queries", "n_keys", "causal"), [(50, 50, False), (50, 50, True), (9, 33, True), (20, 7, False)]
)
@pytest.mark.parametrize("scale", [None, 2.5])
def test_rows_by_plain_loops(n_queries: int, n_keys: int, causal: bool, scale: float | None) -> None:
    """Every quantity of the rows, written out one row at a time with SciPy's softmax."""
    q, k = head(n_queries, n_keys, 6, seed=5)
    c = 6**-0.5 if scale is None else scale
    rows = visible_rows(q, k, causal)
    expected: dict[str, list[float]] = {name: [] for name in HeadQuantities._fields}
    variances = []
    for i, s in rows:
        own = i + n_keys - n_queries
        variances.append(s.var())
        expected["on_first"].append(s.argmax() == 0)
        if causal or n_queries == n_keys:
            expected["own_z"].append((s[own] - s.mean()) / s.std())
            expected["on_own"].append(s.argmax() == own)
            expected["on_previous"].append(s.argmax() == own - 1)
        for prefix, factor in (("", c), ("raw_", 1.0)):
            p = special.softmax(factor * s)
            entropy = stats.entropy(p)
            expected[f"{prefix}normalised_entropy"].append(entropy / np.log(len(s)))
            expected[f"{prefix}effective_keys"].append(np.exp(entropy))
            expected[f"{prefix}max_weight"].append(p.max())
            expected[f"{prefix}jacobian_trace"].append(1 - p @ p)
            expected[f"{prefix}dead_share"].append(1 - p @ p < 0.01)
            law = softmax_law(factor * s.std(ddof=1), len(s)).entropy / np.log(len(s))
            expected[f"{prefix}law_entropy"].append(float(law))
    measured = measure_head(q, k, scale, causal)
    found = measured.quantities._asdict()
    assert measured.n_rows == len(rows)
    assert found["row_sd"] == pytest.approx(c * np.mean(variances) ** 0.5, rel=1e-12)
    for name, values in expected.items():
        if values:
            tolerance = 1e-5 if name.endswith("law_entropy") else 1e-9
            assert found[name] == pytest.approx(np.mean(values), rel=tolerance, abs=1e-12), name
    if not causal and n_queries != n_keys:
        assert np.isnan([found["own_z"], found["on_own"], found["on_previous"]]).all()


def test_moments_by_their_definitions() -> None:
    """Entry variances, alignment and the number of components, from covariances that NumPy computes."""
    q, k = head(80, 60, 9, seed=6)
    sigma_q, sigma_k = (np.cov(x.T, bias=True) for x in (q, k))
    found = measure_head(q, k).quantities
    eigenvalues = np.linalg.eigvals(sigma_q @ sigma_k)
    assert found.entry_variance_q == pytest.approx(q.var(axis=0).mean())
    assert found.entry_variance_k == pytest.approx(k.var(axis=0).mean())
    assert found.alignment == pytest.approx(9 * np.trace(sigma_q @ sigma_k) / np.trace(sigma_q) / np.trace(sigma_k))
    assert found.effective_d_k == pytest.approx(eigenvalues.sum().real ** 2 / (eigenvalues**2).sum().real)
    assert 1 <= found.effective_d_k <= 9


def test_independent_standard_normals_are_as_the_lecture_assumes() -> None:
    """Var(q·k) = d_k, alignment 1, and the exact law's entropies: each within 5 standard errors."""
    rng = np.random.default_rng(7)
    d_k, n = 64, 256
    found = measure_head(*rng.normal(size=(2, n, d_k)))
    law = attention_law(d_k, n, [d_k**-0.5, 1.0]).entropy / np.log(n)
    targets = {"variance": d_k, "alignment": 1.0, "normalised_entropy": law[0], "raw_normalised_entropy": law[1]}
    for name, target in targets.items():
        interval = found.interval(name)
        assert interval is not None
        assert abs(interval.estimate - target) < 5 * interval.standard_error, name


@pytest.mark.parametrize("causal", [False, True])
@pytest.mark.parametrize("n", [50, 130])
def test_slices_change_nothing(causal: bool, n: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read a few vectors at a time, rows and moments are what they are in one piece."""
    q, k = head(n, n, 7, seed=8)
    whole = measure_head(q, k, causal=causal)
    for module in ("scaling.vector_moments", "scaling.head_rows"):
        monkeypatch.setattr(f"{module}.HELD", 40)
    in_slices = measure_head(q, k, causal=causal)
    assert in_slices.quantities == pytest.approx(whole.quantities, rel=1e-10, abs=1e-12)
    assert in_slices.pieces == pytest.approx(whole.pieces, rel=1e-9, abs=1e-9)


def test_fewer_rows_are_spread_evenly() -> None:
    """With at most 10 rows the moments stay, and the rows are the middles of ten equal parts."""
    q, k = head(200, 200, 8, seed=9)
    all_rows, some = measure_rows(q, k), measure_rows(q, k, most=10)
    assert (some.n_rows, all_rows.n_rows) == (10, 200)
    assert some.quantities[: len(OVER_TOKENS)] == pytest.approx(all_rows.quantities[: len(OVER_TOKENS)], rel=1e-12)
    picked = measure_head(q[10::20], k).quantities
    assert some.quantities.normalised_entropy == pytest.approx(picked.normalised_entropy)


class Read:
    """Vectors that are only ever handed out in slices, in half precision."""

    def __init__(self, vectors: Array) -> None:
        self._vectors, self.shape, self.most = vectors.astype(np.float16), vectors.shape, 0

    def __getitem__(self, rows: Any) -> Array:
        some = self._vectors[rows].astype(np.float32)
        self.most = max(self.most, some.size)
        return some


def test_vectors_may_be_read_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Anything with a shape and slices serves, and is asked for few vectors at a time; values as of the array."""
    monkeypatch.setattr("scaling.vector_moments.HELD", 64)
    monkeypatch.setattr("scaling.head_rows.HELD", 64)
    q, k = (Read(x) for x in head(50, 50, 8, seed=10))
    found = measure_rows(q, k, causal=True)
    assert found.quantities == pytest.approx(measure_head(q[:], k[:], causal=True).quantities, rel=1e-12)
    assert max(q.most, k.most) == 50 * 8 > 64  # the last, plain reading
    q.most = k.most = 0
    measure_rows(q, k, causal=True)
    assert max(q.most, k.most) <= 64


@pytest.mark.parametrize("causal", [False, True])
def test_intervals_hold(causal: bool) -> None:
    """Over 120 heads of independent tokens, 95 % intervals hold for the mean over heads at least 88 % of the time.

    1 - 0.88 is 3.5 binomial standard errors above 5 %. Rows share their keys, so that the standard error of their mean
    as if they were independent is too small, as the second part shows.
    """
    rng = np.random.default_rng(11)
    with threadpool_limits(limits=1, user_api="blas"):
        found = [measure_head(*rng.normal(size=(2, 64, 8)) + 0.3, causal=causal) for _ in range(120)]
    names = ("variance", "joint", "row_sd", "normalised_entropy", "raw_normalised_entropy", "max_weight", "alignment")
    for name in names:
        estimates = np.array([getattr(one.quantities, name) for one in found])
        intervals = [one.interval(name) for one in found]
        holds = [interval is not None and interval.low <= estimates.mean() <= interval.high for interval in intervals]
        assert np.mean(holds) > 0.88, name
        assert np.mean([2 * one.standard_error for one in intervals if one]) < 5 * estimates.std(), name
    entropies = np.array([one.quantities.normalised_entropy for one in found])
    one_head = rng.normal(size=(2, 64, 8)) + 0.3
    rows = [stats.entropy(special.softmax(s / 8**0.5)) / np.log(len(s)) for _, s in visible_rows(*one_head, causal)]
    assert np.std(rows) / len(rows) ** 0.5 < 0.75 * entropies.std()


def test_a_piece_left_out_is_left_out() -> None:
    """The pseudo-values are 8 times the whole less 7 times the head without those queries and keys."""
    q, k = head(64, 64, 5, seed=12)
    found = measure_head(q, k)
    piece_of = TokenPieces(64, 8).piece_of
    for piece in (0, 3, 7):
        kept = piece_of != piece
        without = measure_head(q[kept], k[kept]).quantities
        expected = 8 * np.array(found.quantities) - 7 * np.array(without)
        for name in ("variance", "mean_key", "row_sd", "normalised_entropy", "raw_effective_keys", "law_entropy"):
            i = HeadQuantities._fields.index(name)
            assert found.pieces[piece, i] == pytest.approx(expected[i], rel=1e-9), name


def test_few_tokens_have_no_interval() -> None:
    """Fewer than 16 tokens cannot be split into 8, nor are those of whom none is wanted; nan has no interval either."""
    q, k = head(15, 40, 4, seed=13)
    assert measure_head(q, k).interval("variance") is None
    q, k = head(20, 40, 4, seed=13)
    assert measure_rows(q, k, intervals=False).interval("variance") is None
    assert measure_head(q, k).interval("variance") is not None
    assert measure_head(q, k).interval("own_z") is None
    assert measure_head(*head(16, 16, 4, seed=13)).interval("variance") is not None


def test_two_pieces_are_the_fewest_for_an_interval() -> None:
    """Their pseudo-values are enough for a scatter; one has none."""
    found = measure_head(*head(16, 16, 4, seed=13))
    assert replace(found, pieces=found.pieces[:2]).interval("variance") is not None
    assert replace(found, pieces=found.pieces[:1]).interval("variance") is None


def test_the_smallest_head_has_rows() -> None:
    """One query and two keys, worked out by hand; without intervals, and without own keys."""
    found = measure_head([[1.0, 2.0]], [[1.0, 0.0], [0.0, 2.0]], scale=1.0)  # scores 1 and 4
    p = 1 / (1 + np.exp(-3.0))
    expected = {"mean": 2.5, "variance": 2.25, "row_sd": 1.5, "max_weight": p, "jacobian_trace": 2 * p * (1 - p)}
    expected["effective_keys"] = np.exp(special.entr(p) + special.entr(1 - p))
    assert {name: getattr(found.quantities, name) for name in expected} == pytest.approx(expected)
    assert np.isnan([found.quantities.own_z, found.quantities.on_own, found.quantities.on_previous]).all()
    assert found.quantities.on_first == 0
    assert found.pieces.shape == (0, len(HeadQuantities._fields))
    assert found.interval("variance") is None


@pytest.mark.parametrize("scale", [1e-30, 1e30])
def test_scales_are_taken_up_to_their_limits(scale: float) -> None:
    """And no softmax at either end is anything but even, or one key."""
    found = measure_head(*head(16, 16, 4, seed=13), scale=scale).quantities
    assert found.max_weight == pytest.approx(1 / 16 if scale < 1 else 1)


def test_entries_are_taken_up_to_their_limit() -> None:
    """1e60, told by the mean and by the scatter of the entries."""
    entries = np.full((16, 2), 1e60)
    assert measure_head(entries, np.ones((16, 2))).quantities.mean == pytest.approx(2e60)
    either = np.repeat([[1.0, 1.0], [-1.0, -1.0]], 8, axis=0)  # of both signs in each of the pieces that are looked at
    for large in (np.nextafter(1e60, np.inf) * np.ones((16, 2)), 2e60 * either):
        with pytest.raises(ValueError, match="the entries of q must not be larger than about 1e"):
            measure_head(large, np.ones((16, 2)))


@pytest.mark.parametrize("n_sequences", [2, 8, 9])
def test_several_sequences(n_sequences: int) -> None:
    """Quantities are means over sequences; from 8 on these are the pieces, of fewer theirs are."""
    parts = [measure_head(*head(20, 20, 4, seed)) for seed in range(n_sequences)]
    found = mean_head(parts)
    assert found.quantities.variance == pytest.approx(np.mean([part.quantities.variance for part in parts]))
    assert (found.n_rows, len(found.pieces)) == (20 * n_sequences, {2: 16, 8: 8, 9: 9}[n_sequences])
    assert mean_head(parts[:1]) is parts[0]
    estimates = [part.quantities.row_sd for part in parts]
    if n_sequences == 9:
        interval = found.interval("row_sd")
        assert interval is not None
        assert interval.standard_error == pytest.approx(np.std(estimates, ddof=1) / 3)


def test_degenerate_heads() -> None:
    """Equal keys make equal scores: even rows and no number of components; zeros make no warning either."""
    q = np.random.default_rng(14).normal(size=(20, 3))
    for k in (np.ones((20, 3)), np.zeros((20, 3))):
        found = measure_head(q, k).quantities
        assert found.row_sd == pytest.approx(0, abs=1e-12)
        assert found.normalised_entropy == pytest.approx(1)
        assert found.own_z == pytest.approx(0, abs=1)
        assert np.isnan(found.effective_d_k)
        assert np.isnan(found.alignment)
    huge = measure_head(q * 1e50, np.eye(3)[np.arange(20) % 3] * 1e55)
    assert np.isfinite(huge.quantities).all()
    assert huge.quantities.dead_share > 0.9 or huge.quantities.max_weight < 0.2  # one key, or all that are equal
    tiny = measure_head(q * 1e-180, q * 1e-180)
    assert tiny.quantities.normalised_entropy == pytest.approx(1)


def test_rows_are_taken_evenly_from_those_that_are_measured() -> None:
    """Causal ones from the sixteenth on, each in the middle of a fifth of them; all, where as many are wanted."""
    assert Visible(100, 100, True).queries(5).tolist() == [23, 40, 57, 74, 91]
    assert Visible(10, 100, True).queries(3).tolist() == [1, 5, 8]
    assert Visible(10, 10, False).queries(10).tolist() == list(range(10))
    assert Visible(10, 10, False).queries(9).tolist() == [0, 1, 2, 3, 5, 6, 7, 8, 9]
    assert Visible(15, 15, True).queries().tolist() == []


@pytest.mark.parametrize("numbers", [[5, 100, 1000], [*range(2, 13), 500]])
def test_the_law_of_rows_of_few_lengths_is_exact(numbers: list[int]) -> None:
    """Twelve lengths are few; what is kept for the next call cannot be changed."""
    sigma = np.linspace(0.3, 4, len(numbers))
    found = normalised_entropy_of_rows(sigma, np.array(numbers))
    exact = [float(softmax_law(s, n).entropy) / np.log(n) for s, n in zip(sigma, numbers, strict=True)]
    assert found == pytest.approx(np.array(exact), abs=1e-8)
    with pytest.raises(ValueError, match="read-only"):
        _at_nodes(numbers[0])[:] = 0


def test_the_law_of_rows_of_many_lengths_reaches_from_the_shortest_to_the_longest() -> None:
    """A spline in ln n through twelve of them, the first and the last among these."""
    numbers = np.unique(np.geomspace(2, 5000, 60).round().astype(int))
    found = normalised_entropy_of_rows(np.full(len(numbers), 1.5), numbers)
    exact = np.array([float(softmax_law(1.5, int(n)).entropy) / np.log(n) for n in numbers])
    assert found == pytest.approx(exact, abs=2e-4)
    assert found[[0, -1]] == pytest.approx(exact[[0, -1]], abs=1e-8)


def test_moments_of_vectors_merge() -> None:
    """In any cut, far from zero: NumPy's mean and covariance; nothing is what it was without it."""
    x = np.random.default_rng(15).normal(size=(100, 4)) + 1e4
    stretches = [(0, 13), (13, 14), (14, 100)]
    found = VectorMoments.of(x, stretches)
    assert found.count == 100
    assert found.mean == pytest.approx(x.mean(axis=0), rel=1e-14)
    assert found.covariance == pytest.approx(np.cov(x.T, bias=True), rel=1e-9)
    nothing = VectorMoments.of(x, [])
    assert (nothing + found).covariance == pytest.approx((found + nothing).covariance)


@pytest.mark.parametrize(("n_tokens", "n_pieces"), [(16, 8), (20, 8), (31, 8), (64, 8), (1000, 8), (7, 1)])
def test_pieces_of_tokens(n_tokens: int, n_pieces: int) -> None:
    """Each token is in one piece; pieces differ by few tokens and each reaches over most of the sequence."""
    pieces = TokenPieces(n_tokens, n_pieces)
    assert sorted(pieces.order) == list(range(n_tokens))
    assert list(pieces.order[pieces.rank]) == list(range(n_tokens))
    sizes = np.bincount(pieces.piece_of, minlength=n_pieces)
    assert sizes.tolist() == np.diff(pieces.bounds).tolist()
    assert sizes.min() > 0
    assert sizes.max() - sizes.min() <= max(4, n_tokens // n_pieces // 2)
    if n_tokens >= 64:
        for piece in range(n_pieces):
            places = np.flatnonzero(pieces.piece_of == piece)
            assert places[0] < n_tokens / 4
            assert places[-1] >= 3 * n_tokens / 4


def test_pieces_of_tokens_by_hand() -> None:
    """Four stretches to a piece, fewer where there are too few tokens, and one for all without a cut."""
    assert TokenPieces(10, 1).stretches == [[(0, 10)]]
    assert TokenPieces(16, 2).stretches == [[(0, 2), (4, 6), (8, 10), (12, 14)], [(2, 4), (6, 8), (10, 12), (14, 16)]]
    assert TokenPieces(3, 3).stretches == [[(0, 1)], [(1, 2)], [(2, 3)]]
    assert TokenPieces(5, 2).stretches == [[(0, 1), (2, 4)], [(1, 2), (4, 5)]]


@pytest.mark.parametrize(
    "numbers", [[5, 5, 9, 200], list(range(2, 60)), [16, 40, 100, 1000, 5000] * 4 + list(range(16, 40))]
)
def test_the_law_of_unequal_rows(numbers: list[int]) -> None:
    """Each row's own σ and number of keys, against the law asked for that row alone."""
    rng = np.random.default_rng(16)
    n_keys, sigma = np.array(numbers), np.exp(rng.uniform(-6, 6, size=(2, len(numbers))))
    found = normalised_entropy_of_rows(sigma, n_keys)
    for place in rng.permutation(len(numbers))[:12]:
        n = int(n_keys[place])
        expected = softmax_law(sigma[:, place], n).entropy / np.log(n)
        assert found[:, place] == pytest.approx(expected, abs=1e-8 if len(set(numbers)) <= 12 else 1e-5)


def test_the_law_of_rows_at_its_ends() -> None:
    """Equal scores have all of ln n; scores beyond the law's range next to none of it."""
    found = normalised_entropy_of_rows(np.array([0.0, 1e4, 1e30]), np.array([8, 8, 8]))
    assert found[0] == pytest.approx(1)
    assert found[2] == found[1] < 1e-3


def of(n_q: int = 20, n_k: int = 20, d_k: int = 4) -> tuple[Array, Array]:
    """Any head of that size."""
    return np.ones((n_q, d_k)), np.ones((n_k, d_k))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"q": np.ones((2, 3, 4)), "k": np.ones((2, 3, 4))},
            r"measure_head: q must be one head's, of shape \(n, d_k\)",
        ),
        ({"q": np.ones((3, 4)), "k": np.ones((3, 5))}, r"measure_head: q \(\.\.\., n_queries, d_k\) and k"),
        ({"q": [[np.nan, 1.0]], "k": np.ones((3, 2))}, "measure_head: q must be finite real numbers; received nan"),
        ({"q": np.ones((3, 2)), "k": [[True, False]]}, "measure_head: k must be finite real numbers"),
        ({"q": np.full((3, 2), 1e70), "k": np.ones((3, 2))}, "the entries of q must not be larger than about 1e"),
        ({"q": np.full((3, 2), 1e200), "k": np.ones((3, 2))}, "the entries of q must not be larger than about 1e"),
        ({"q": np.ones((3, 2)), "k": np.ones((1, 2))}, "at least 1 query and 2 keys are needed; received 3 and 1"),
        ({"q": np.ones((0, 2)), "k": np.ones((4, 2))}, "at least 1 query and 2 keys are needed; received 0 and 4"),
        (dict(zip("qk", of(), strict=True)) | {"scale": 0.0}, "scale must be a number from 1e-30 to 1e.30; received 0"),
        (
            dict(zip("qk", of(), strict=True)) | {"scale": True},
            "scale must be a number from 1e-30 to 1e.30; received Tr",
        ),
        (dict(zip("qk", of(21, 20), strict=True)) | {"causal": True}, "received 21 queries and 20 keys"),
        (
            dict(zip("qk", of(15, 15), strict=True)) | {"causal": True},
            "causal rows are measured from 16 keys; received 15",
        ),
    ],
)
def test_what_is_refused(arguments: dict[str, Any], message: str) -> None:
    """One line each that says what was received and what is allowed."""
    with pytest.raises(ValueError, match=message) as refused:
        measure_head(**arguments)
    assert "\n" not in str(refused.value)


def test_what_it_returns() -> None:
    """A record of the head's sizes beside its quantities."""
    found = measure_head(*of(20, 30), scale=0.25, causal=True)
    assert isinstance(found, HeadMeasurement)
    sizes = (found.d_k, found.n_queries, found.n_keys, found.scale, found.causal)
    assert sizes == (4, 20, 30, 0.25, True)
    assert found.n_rows == 15  # the first five have fewer than 16 keys
