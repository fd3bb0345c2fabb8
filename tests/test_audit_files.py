"""The reader's own files: every accepted shape and format gives the heads that plain NumPy gives."""

from pathlib import Path

import numpy as np
import pytest

from audit_files import FORMATS, Save, contents, normals, save_npy, save_npz, save_safetensors
from experiments.audit import open_heads

Q, K = normals(1, 5, 4), normals(2, 7, 4)


# ---------------------------------------------------------------- formats and shapes


@pytest.mark.parametrize("save", FORMATS)
@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
@pytest.mark.parametrize("n_heads", [None, 3])
def test_every_format_gives_the_entries_that_were_saved(
    tmp_path: Path, save: Save, dtype: str, n_heads: int | None
) -> None:
    """Halves become single precision, the rest stays, and nothing is rounded."""
    lead = () if n_heads is None else (n_heads,)
    q, k = normals(1, *lead, 5, 4, dtype=dtype), normals(2, *lead, 7, 4, dtype=dtype)
    with open_heads(save(tmp_path, {"q": q, "k": k})) as audited:
        assert audited.d_k == 4
        assert [(head.layer, head.layer_number, head.head, head.key_head) for head in audited.heads] == [
            ("0", 0, head, head) for head in range(n_heads or 1)
        ]
        for head, ((found_q, found_k),) in enumerate(contents(audited)):
            assert found_q.dtype == found_k.dtype == ("float64" if dtype == "float64" else "float32")
            np.testing.assert_array_equal(found_q, q[head] if lead else q)
            np.testing.assert_array_equal(found_k, k[head] if lead else k)


def test_bfloat16_is_the_upper_half_of_single_precision(tmp_path: Path) -> None:
    """Bits moved by hand give the same floats."""
    q, k = ((part.view(np.uint32) >> 16).astype(np.uint16) for part in (Q, K))
    with open_heads(save_safetensors(tmp_path, {"q": q, "k": k})) as audited:
        ((found_q, found_k),) = contents(audited)[0]
        assert "bfloat16" in audited.read[0]
    np.testing.assert_array_equal(found_q, (Q.view(np.uint32) & 0xFFFF0000).view(np.float32))
    np.testing.assert_allclose(found_k, K, rtol=2.0**-7)


SHAPES = {  # axes before (n, d_k): of q and k in the file, and in full as (batch, layers, heads)
    "one head": ((), (), (1, 1, 1), (1, 1, 1)),
    "heads": ((6,), (6,), (1, 1, 6), (1, 1, 6)),
    "layers": ((3, 6), (3, 6), (1, 3, 6), (1, 3, 6)),
    "shared keys": ((6,), (2,), (1, 1, 6), (1, 1, 2)),
    "one key head": ((3, 6), (3, 1), (1, 3, 6), (1, 3, 1)),
    "batch": ((2,), (2,), (2, 1, 1), (2, 1, 1)),
    "batch of heads": ((2, 6), (2, 3), (2, 1, 6), (2, 1, 3)),
    "batch of layers": ((2, 3, 6), (2, 3, 2), (2, 3, 6), (2, 3, 2)),
}


@pytest.mark.parametrize("case", SHAPES)
@pytest.mark.parametrize("save", [save_npz, save_npy])
@pytest.mark.parametrize("order", ["C", "F"])
def test_every_shape_gives_the_heads_of_plain_indexing(tmp_path: Path, case: str, save: Save, order: str) -> None:
    """Layers, heads and sequences are where NumPy's indices say, in either order of memory."""
    q_axes, k_axes, all_q_axes, all_k_axes = SHAPES[case]
    q, k = np.array(normals(1, *q_axes, 5, 4), order=order), np.array(normals(2, *k_axes, 7, 4), order=order)
    all_q, all_k = q.reshape(*all_q_axes, 5, 4), k.reshape(*all_k_axes, 7, 4)
    _, n_layers, n_heads = all_q_axes
    with open_heads(save(tmp_path, {"q": q, "k": k}), batch_first="batch" in case) as audited:
        assert len(audited.heads) == n_layers * n_heads
        for number, (head, sequences) in enumerate(zip(audited.heads, contents(audited), strict=True)):
            layer, place = divmod(number, n_heads)
            assert (head.layer, head.layer_number, head.head) == (str(layer), layer, place)
            assert head.key_head == place * all_k.shape[2] // n_heads
            assert len(sequences) == len(all_q)
            for sequence, (found_q, found_k) in enumerate(sequences):
                np.testing.assert_array_equal(found_q, all_q[sequence, layer, place])
                np.testing.assert_array_equal(found_k, all_k[sequence, layer, head.key_head])


def test_heads_side_by_side_are_told_apart_by_their_number(tmp_path: Path) -> None:
    """(batch, n, heads * d_k), as a hook on a projection saves it, with fewer key heads."""
    q, k = normals(1, 2, 5, 6 * 4), normals(2, 2, 7, 2 * 4)
    with open_heads(save_npz(tmp_path, {"q_proj": q, "k_proj": k}), batch_first=True, n_heads=6) as audited:
        assert audited.d_k == 4
        assert [head.key_head for head in audited.heads] == [0, 0, 0, 1, 1, 1]
        for head, sequences in zip(audited.heads, contents(audited), strict=True):
            for sequence, (found_q, found_k) in enumerate(sequences):
                np.testing.assert_array_equal(found_q, q[sequence].reshape(5, 6, 4)[:, head.head])
                np.testing.assert_array_equal(found_k, k[sequence].reshape(7, 2, 4)[:, head.key_head])


@pytest.mark.parametrize("save", FORMATS)
@pytest.mark.parametrize("order", ["C", "F"])
def test_rows_are_taken_as_numpy_takes_them(
    tmp_path: Path, save: Save, order: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slices and whole numbers of every kind, over chunks and gaps of a few rows; each answer is a copy."""
    q = np.array(normals(1, 500, 4), order=order)
    monkeypatch.setattr("experiments.audit.stored.CHUNK", 16 * 7)
    monkeypatch.setattr("experiments.audit.stored.NEAR", 16 * 3)
    draws = np.random.default_rng(5).integers(-500, 500, 200)
    every = [
        slice(None),
        slice(3, 400, 7),
        slice(None, None, -3),
        slice(9, 2),
        slice(-4, None),
        draws,
        draws[:0],
        draws[:1],
    ]
    with open_heads(save(tmp_path, {"q": q, "k": K})) as audited:
        rows, _ = audited.heads[0].sequences[0]
        for index in every:
            found = rows[index]
            np.testing.assert_array_equal(found, q[index])
            found[:] = 0
        np.testing.assert_array_equal(rows[:], q)
        for wrong in (np.array([500]), np.array([-501]), np.array([0.0]), np.array([True]), np.array([[0]])):
            with pytest.raises(IndexError, match="rows must"):
                rows[wrong]


def test_numbers_in_the_other_order_of_bytes_are_turned(tmp_path: Path) -> None:
    """What a big-endian machine saved is the same numbers."""
    with open_heads(save_npz(tmp_path, {"q": Q.astype(">f4"), "k": K.astype(">f8")})) as audited:
        ((q, k),) = contents(audited)[0]
    assert q.dtype.isnative
    assert k.dtype.isnative
    np.testing.assert_array_equal(q, Q)
    np.testing.assert_array_equal(k, K)


# ---------------------------------------------------------------- names


@pytest.mark.parametrize(
    ("q_name", "k_name", "layer"),
    [
        ("q", "k", "0"),
        ("Q", "K", "0"),
        ("query", "Key", "0"),
        ("queries", "keys", "0"),
        ("layers.0.attn.q_proj", "layers.0.attn.k_proj", "layers.0.attn.proj"),
        ("h/3/Query", "h/3/key", "h/3"),
        ("q-layer one", "k-layer one", "layer one"),
        ("encoder q", "encoder k", "encoder"),
        ("<script>.q", "<script>.k", "<script>"),
        ("\x1b[2J.q", "\x1b[2J.k", "\\x1b[2J"),
        ("key.q", "key.k", "key"),
    ],
)
def test_a_pair_is_two_names_that_differ_in_one_word(tmp_path: Path, q_name: str, k_name: str, layer: str) -> None:
    """What is left of the name is the layer's; text stays text, and control characters are written out."""
    with open_heads(save_safetensors(tmp_path, {k_name: K, q_name: Q})) as audited:
        assert [head.layer for head in audited.heads] == [layer]
        np.testing.assert_array_equal(contents(audited)[0][0][0], Q)
        assert all(line.isprintable() for line in audited.read)


def test_layers_stand_in_natural_order(tmp_path: Path) -> None:
    """Layer 10 comes after layer 2, whatever the order in the file, and stacked layers are numbered."""
    arrays = {f"layers.{i}.{part}": np.full((2, 3), i, "f4") for i in (10, 2, 1) for part in "kq"}
    with open_heads(save_npz(tmp_path, arrays)) as audited:
        assert [head.layer for head in audited.heads] == ["layers.1", "layers.2", "layers.10"]
        assert [head.layer_number for head in audited.heads] == [0, 1, 2]
        assert [sequences[0][0][0, 0] for sequences in contents(audited)] == [1, 2, 10]
    stacked = {f"{name}.{part}": normals(1, 2, 3, 5, 4) for name in ("decoder", "encoder") for part in "qk"}
    with open_heads(save_safetensors(tmp_path, stacked)) as audited:
        assert [head.layer for head in audited.heads][::3] == ["decoder 0", "decoder 1", "encoder 0", "encoder 1"]
        assert [head.layer_number for head in audited.heads] == [layer for layer in range(4) for _ in range(3)]


def test_layers_of_one_name_take_their_files_too(tmp_path: Path) -> None:
    """Files with q and k each are layers that can be told apart."""
    for i in (10, 9):
        np.savez(tmp_path / f"layer{i}.npz", q=Q + i, k=K)
    with open_heads([tmp_path / "layer10.npz", tmp_path / "layer9.npz"]) as audited:
        assert [head.layer for head in audited.heads] == ["layer9.npz: q", "layer10.npz: q"]
        np.testing.assert_array_equal(contents(audited)[0][0][0], Q + 9)


@pytest.mark.parametrize("given", ["q.npy", "k.npy"])
def test_a_partner_beside_a_file_is_found(tmp_path: Path, given: str) -> None:
    """One of two .npy files is enough; others beside it are left alone."""
    save_npy(tmp_path, {"q": Q, "k": K, "q2": Q, "x": Q})
    with open_heads([tmp_path / given]) as audited:
        assert audited.read == ("q.npy (5, 4) float32, k.npy (7, 4) float32",)
        np.testing.assert_array_equal(contents(audited)[0][0][1], K)


def test_what_was_read_is_told_without_folders(tmp_path: Path) -> None:
    """Files, names, shapes and types; arrays that are no part of a pair are named, and may hold anything."""
    others = {name: np.array([None]) for name in ("mask", "labels", "key_mask")}
    paths = save_npz(tmp_path, {"a.q": Q, "a.k": K, **others}) + save_npy(tmp_path, {"b.q": Q, "b.k": K, "c": K})
    with open_heads(paths) as audited:
        assert audited.read == (
            "heads.npz: a.q (5, 4) float32, a.k (7, 4) float32",
            "b.q.npy (5, 4) float32, b.k.npy (7, 4) float32",
            "heads.npz: left out mask, labels, key_mask",
            "left out c.npy",
        )


# ---------------------------------------------------------------- weights


@pytest.mark.parametrize("save", FORMATS)
@pytest.mark.parametrize("batch", [(), (2,)])
@pytest.mark.parametrize("case", ["columns", "heads", "layers", "layers of inputs", "pairs of weights"])
def test_weights_give_inputs_times_weights(tmp_path: Path, save: Save, batch: tuple[int, ...], case: str) -> None:
    """q = x W_q for each layer, head and sequence, as a product of whole arrays gives it."""
    x = normals(1, *batch, *((3,) if case in ("layers of inputs", "pairs of weights") else ()), 9, 8)
    w_q, w_k = normals(2, 3, 4, 8, 2), normals(3, 3, 2, 8, 2)
    arrays = {"W_q": w_q, "W_k": w_k}
    if case == "columns":
        arrays = {"W_q": np.hstack(w_q[0]), "W_k": np.hstack(w_k[0])}
    if case == "heads":
        arrays = {"W_q": w_q[0], "W_k": w_k[0]}
    if case == "pairs of weights":
        arrays = {f"{i}.{part}.weight": w[i] for i in range(3) for part, w in (("q", w_q), ("k", w_k))}
    with open_heads(save(tmp_path, arrays | {"x": x}), batch_first=bool(batch), n_heads=4) as audited:
        assert len(audited.heads) == 4 * (1 if case in ("columns", "heads") else 3)
        assert any("multiplied by the weights" in line for line in audited.read)
        for head, sequences in zip(audited.heads, contents(audited), strict=True):
            assert len(sequences) == (batch or (1,))[0]
            for sequence, (q, k) in enumerate(sequences):
                inputs = x[sequence] if batch else x
                inputs = inputs[head.layer_number] if inputs.ndim == 3 else inputs
                np.testing.assert_allclose(q, inputs @ w_q[head.layer_number, head.head].astype("f8"), rtol=1e-12)
                np.testing.assert_allclose(k, inputs @ w_k[head.layer_number, head.key_head].astype("f8"), rtol=1e-12)


def test_rows_of_a_product_are_taken_as_numpy_takes_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Any rows, over blocks of a few."""
    monkeypatch.setattr("experiments.audit.projection.CHUNK", 8 * 8 * 3)
    x, w = normals(1, 20, 8, dtype="float64"), normals(2, 1, 8, 4, dtype="float64")
    with open_heads(save_npz(tmp_path, {"wq": w, "wk": w, "x": x})) as audited:
        rows, _ = audited.heads[0].sequences[0]
        for index in (slice(None), slice(2, 15, 4), slice(4, 2), np.array([3, 3, -1, 0])):
            np.testing.assert_allclose(rows[index], x[index] @ w[0], rtol=1e-12, atol=1e-12)


def test_inputs_beside_weights_are_found(tmp_path: Path) -> None:
    """W_q.npy alone brings W_k.npy and x.npy; a .safetensors file goes with x.npy given beside it."""
    w = normals(1, 2, 4, 3)
    save_npy(tmp_path, {"W_q": w, "W_k": w, "x": Q})
    with open_heads([tmp_path / "W_q.npy"]) as audited:
        np.testing.assert_allclose(contents(audited)[1][0][0], Q @ w[1].astype("f8"))
    paths = save_safetensors(tmp_path, {"W_q": w, "W_k": w})
    with open_heads([*paths, tmp_path / "x.npy"]) as audited:
        np.testing.assert_allclose(contents(audited)[0][0][1], Q @ w[0].astype("f8"))
