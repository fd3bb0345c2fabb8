"""The reader's own files: whatever is wrong with them gets one line that says where and what is allowed."""

import errno
import io
import json
import os
import sys
import warnings
import zipfile
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from audit_files import (
    FORMATS,
    Arrays,
    Save,
    contents,
    normals,
    npy,
    npy_of,
    npz,
    save_compressed,
    save_folder,
    save_npy,
    save_npz,
    save_safetensors,
    with_header,
)
from experiments.audit import open_heads
from experiments.faults import Faults

Q, K = normals(1, 5, 4), normals(2, 7, 4)


def refusal(paths: list[Path], **options: object) -> tuple[str, ...]:
    """The lines that these files get, on opening them or on reading their rows."""
    with pytest.raises(Faults) as caught, open_heads(paths, **options) as audited:  # type: ignore[arg-type]
        contents(audited)
    assert all("\n" not in line and line.isprintable() for line in caught.value.lines)
    return caught.value.lines


# ---------------------------------------------------------------- names and shapes

WEIGHT = normals(3, 2, 4, 3)
PAIRS: dict[str, tuple[Arrays, dict[str, object], list[str]]] = {
    "no keys": (
        {"a.q": Q, "a.kk": K},
        {},
        ["heads.npz: a.q: has no keys; 'a.k' is needed; there are: a.kk; did you mean 'a.kk'?"],
    ),
    "no pair": (
        {"a": Q, "b": K},
        {},
        [
            "heads.npz: no two arrays are named as queries and keys are, such as q and k or query and key; "
            "there are: a, b"
        ],
    ),
    "cases": (
        {"q": Q, "k": K, "K": K},
        {},
        ["heads.npz: q: could go with heads.npz: k or heads.npz: K; names must tell which"],
    ),
    "claimed twice": (
        {"q": Q, "Q": Q, "k": K},
        {},
        ["heads.npz: k: could go with heads.npz: q or heads.npz: Q; names must tell which"],
    ),
    "vectors": (
        {"q": Q[0], "k": K[0]},
        {},
        ["heads.npz: q: has shape (4,); allowed: (n, d_k), (heads, n, d_k) or (layers, heads, n, d_k)"],
    ),
    "batch of vectors": (
        {"q": Q, "k": K},
        {"batch_first": True},
        [
            "heads.npz: q: has shape (5, 4); allowed: (n, d_k), (heads, n, d_k) or (layers, heads, n, d_k), with an "
            "axis of the batch before them"
        ],
    ),
    "a number": (
        {"q": Q[0, 0], "k": K[0, 0]},
        {},
        ["heads.npz: q: has shape (); allowed: (n, d_k), (heads, n, d_k) or (layers, heads, n, d_k)"],
    ),
    "too many axes": (
        {"q": normals(1, 1, 1, 1, 2, 2), "k": normals(1, 1, 1, 1, 2, 2)},
        {},
        ["heads.npz: q: has shape (1, 1, 1, 2, 2); allowed: (n, d_k), (heads, n, d_k) or (layers, heads, n, d_k)"],
    ),
    "axes differ": (
        {"q": Q, "k": K[None]},
        {},
        ["heads.npz: k: has shape (1, 7, 4) and heads.npz: q (5, 4); as many axes are needed"],
    ),
    "d_k differs": (
        {"q": Q, "k": K[:, 1:]},
        {},
        ["heads.npz: k: has 3 columns and heads.npz: q 4; the same number is needed"],
    ),
    "everything differs": (
        {"q": normals(1, 2, 3, 4, 5, 6), "k": normals(1, 3, 4, 3, 5, 7)},
        {"batch_first": True, "n_heads": 5},
        [
            "heads.npz: k: has 3 sequences and heads.npz: q 2; the same number is needed",
            "heads.npz: k: has 4 layers and heads.npz: q 3; the same number is needed",
            "heads.npz: k: has 7 columns and heads.npz: q 6; the same number is needed",
            "heads.npz: k: has 3 key heads; a divisor of the 4 query heads is needed",
            "heads.npz: q: has 4 heads; 5 were told of",
        ],
    ),
    "columns of heads": (
        {"q": Q, "k": K},
        {"n_heads": 3},
        ["heads.npz: q: its 4 columns cannot be shared among 3 heads"],
    ),
    "columns of keys": (
        {"q": Q, "k": K[:, :3]},
        {"n_heads": 2},
        ["heads.npz: k: its 3 columns cannot be shared among heads of d_k = 2"],
    ),
    "d_k of layers": (
        {"a.q": Q, "a.k": K, "b.q": Q[:, :2], "b.k": K[:, :2]},
        {},
        ["heads.npz: b.q: has d_k = 2 and heads.npz: a.q 4; heads of one d_k are needed"],
    ),
    "large d_k": (
        {"q": np.zeros((1, 5000)), "k": np.zeros((1, 5000))},
        {},
        ["heads.npz: q: has d_k = 5000; allowed: 1 to 4096"],
    ),
    "many heads": (
        {"q": np.zeros((70000, 1, 1), "f2"), "k": np.zeros((1, 1, 1), "f2")},
        {},
        ["heads.npz: q: has 70000 heads; allowed: 1 to 65536"],
    ),
    "many heads together": (
        {f"{i}.{part}": np.zeros((40000, 1, 1), "f2") for i in range(2) for part in "qk"},
        {},
        ["heads.npz: 1.q: with those before it there are 80000 heads; allowed: 65536"],
    ),
    "number of heads": ({}, {"n_heads": 0}, ["the number of heads must be a whole number from 1; received 0"]),
    "no inputs": (
        {"W_q": WEIGHT, "W_k": WEIGHT},
        {},
        [
            "heads.npz: W_q: is named as a weight and needs one array 'x' of inputs to multiply by it; there are "
            "0 (if it holds queries, give it another name)"
        ],
    ),
    "two inputs": (
        {"W_q": WEIGHT, "W_k": WEIGHT, "x": Q, "X": Q},
        {},
        [
            "heads.npz: W_q: is named as a weight and needs one array 'x' of inputs to multiply by it; there are "
            "2 (if it holds queries, give it another name)"
        ],
    ),
    "torch": (
        {"q.weight": normals(1, 4, 8), "k.weight": normals(1, 2, 8), "x": normals(1, 9, 8)},
        {"n_heads": 2},
        [
            f"heads.npz: {name}.weight: has shape ({rows}, 8) and heads.npz: x 8 columns: a weight of shape (out, in), "
            "as torch keeps it, must be saved transposed, as (d_in, heads * d_k)"
            for name, rows in (("q", 4), ("k", 2))
        ],
    ),
    "weight alone": (
        {"W_q": WEIGHT[0], "W_k": WEIGHT[0], "x": Q},
        {},
        ["heads.npz: W_q: a weight of shape (4, 3) is shared by heads; say how many there are"],
    ),
    "width": (
        {"W_q": normals(1, 2, 5, 3), "W_k": normals(1, 2, 6, 3), "x": Q},
        {},
        [
            "heads.npz: W_q: has 5 rows and heads.npz: x 4 columns; the same number is needed",
            "heads.npz: W_k: has 6 rows and heads.npz: x 4 columns; the same number is needed",
        ],
    ),
    "layers of inputs": (
        {"W_q": WEIGHT, "W_k": WEIGHT, "x": normals(1, 2, 5, 4)},
        {},
        ["heads.npz: x: has inputs of 2 layers; there are weights of 1"],
    ),
    "inputs' axes": (
        {"W_q": WEIGHT, "W_k": WEIGHT, "x": normals(1, 5)},
        {},
        ["heads.npz: x: has shape (5,); allowed: (n, d_in) or (layers, n, d_in)"],
    ),
    "large weight": (
        {"W_q": np.zeros((1, 2**15, 513), "f2"), "W_k": np.zeros((1, 2**15, 513), "f2"), "x": np.zeros((1, 2**15))},
        {},
        [f"heads.npz: W_q: has {2**15 * 513} entries for each head; allowed: {2**24}"],
    ),
    "large product": (
        {"W_q": np.full((2, 4, 3), 1e300), "W_k": WEIGHT, "x": Q * 0 + 1e10},
        {},
        ["heads.npz: W_q: row 0 of the product is too large to be finite"],
    ),
}


@pytest.mark.parametrize("case", PAIRS)
def test_arrays_that_do_not_fit_get_a_line_for_each_fault(tmp_path: Path, case: str) -> None:
    """Which array, what was found, what is allowed."""
    arrays, options, lines = PAIRS[case]
    assert refusal(save_npz(tmp_path, arrays), **options) == tuple(lines)


@pytest.mark.parametrize(
    ("array", "line"),
    [
        (np.ones((2, 2), int), "holds whole numbers ('<i8'); allowed: float16, bfloat16, float32, float64"),
        (np.ones((2, 2), bool), "holds truth values ('|b1')"),
        (np.ones((2, 2), complex), "holds complex numbers ('<c16')"),
        (np.ones((2, 2), np.longdouble), "holds numbers of another precision ("),
        (np.array([["a"]]), "holds text ('<U1')"),
        (np.array([[None]]), "holds Python objects ('|O')"),
        (np.zeros((2, 2), "M8[s]"), "holds dates ('<M8[s]')"),
        (np.zeros((2, 2), "f4,f4"), "holds records ("),
        (np.zeros((0, 4), "f4"), "is empty, of shape (0, 4); every axis needs an entry"),
        (np.zeros((4, 0), "f4"), "is empty, of shape (4, 0); every axis needs an entry"),
    ],
)
@pytest.mark.parametrize("save", [save_npz, save_compressed, save_npy])
def test_arrays_of_other_kinds_are_refused(tmp_path: Path, save: Save, array: NDArray[np.generic], line: str) -> None:
    """Only floats are taken, and nothing is unpickled."""
    where = "q.npy" if save is save_npy else "heads.npz: q"
    (found,) = refusal(save(tmp_path, {"q": array, "k": K}))
    assert found.startswith(f"{where}: {line}")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("save", FORMATS)
def test_an_entry_that_is_not_finite_is_named_with_its_place(tmp_path: Path, save: Save, value: float) -> None:
    """Its index is NumPy's, found when its rows are read and not before."""
    q = normals(1, 3, 2, 5, 4, dtype="float16")
    q[2, 1, 3, 1] = value
    where = (
        "q.npy"
        if save in (save_npy, save_folder)
        else f"heads.{'safetensors' if save is save_safetensors else 'npz'}: q"
    )
    paths = save(tmp_path, {"q": q, "k": normals(2, 3, 2, 5, 4)})
    assert refusal(paths) == (f"{where}: entry [2, 1, 3, 1] is {value}; every entry must be finite",)
    with open_heads(paths) as audited:
        rows, _ = audited.heads[5].sequences[0]
        assert np.isfinite(rows[:3]).all()
        with pytest.raises(Faults, match="entry"):
            rows[np.array([4, 3])]


def test_an_entry_of_a_weight_or_an_input_is_named_too(tmp_path: Path) -> None:
    """Columns are counted in the file's array, not in the head's."""
    weight = normals(1, 4, 6)
    weight[2, 5] = np.nan
    paths = save_npz(tmp_path, {"W_q": weight, "W_k": np.ones((4, 6)), "x": Q})
    assert refusal(paths, n_heads=2) == ("heads.npz: W_q: entry [2, 5] is nan; every entry must be finite",)
    paths = save_npz(tmp_path, {"W_q": WEIGHT, "W_k": WEIGHT, "x": np.full((5, 4), np.inf)})
    assert refusal(paths)[0].startswith("heads.npz: x: entry [0, 0] is")


# ---------------------------------------------------------------- files


def test_no_file_is_a_fault() -> None:
    """An empty list says what can be given."""
    assert refusal([]) == ("no file was given; allowed: .npz, .npy or .safetensors, or a folder of .npy files",)


@pytest.mark.parametrize("name", ["q.npy", "heads.npz", "heads.safetensors", "folder"])
def test_a_missing_file_is_a_fault(tmp_path: Path, name: str) -> None:
    """With its whole path, so that a wrong folder is seen."""
    assert refusal([tmp_path / name]) == (f"{tmp_path / name}: no such file",)


def test_every_faulty_file_is_named(tmp_path: Path) -> None:
    """One line for each of several."""
    (tmp_path / "a.npz").write_bytes(b"")
    assert refusal([tmp_path / name for name in ("a.npz", "b.npz", "b.safetensors")]) == (
        "a.npz: is no sound .npz file, it is damaged or cut short; numpy.savez writes one",
        f"{tmp_path / 'b.npz'}: no such file",
        f"{tmp_path / 'b.safetensors'}: no such file",
    )


@pytest.mark.parametrize("suffix", ["npy", "npz", "safetensors"])
def test_pipes_and_devices_are_not_opened(tmp_path: Path, suffix: str) -> None:
    """A pipe that nobody writes to does not make the reader wait; a device is refused as well."""
    os.mkfifo(tmp_path / f"q.{suffix}")
    (tmp_path / f"zero.{suffix}").symlink_to("/dev/zero")
    for name in (f"q.{suffix}", f"zero.{suffix}"):
        assert refusal([tmp_path / name]) == (
            f"{tmp_path / name}: is no regular file; a pipe or device cannot be read in any order, copy it to a file",
        )


def test_folders_pipes_within_them_and_hidden_files(tmp_path: Path) -> None:
    """A folder needs .npy files that are not hidden, and each of them must be one."""
    (tmp_path / "._q.npy").write_bytes(b"")
    (tmp_path / "heads.npz").mkdir()
    for folder in (tmp_path, tmp_path / "heads.npz"):
        assert refusal([folder]) == (f"{folder}: is a folder without .npy files; other files are given by their names",)
    save_npy(tmp_path, {"k": K})
    os.mkfifo(tmp_path / "q.npy")
    assert "q.npy: is no regular file" in refusal([tmp_path])[0]
    assert "q.npy: is no regular file" in refusal([tmp_path / "k.npy"])[0]


@pytest.mark.parametrize("name", ["q.pt", "q", "q.npy.gz"])
def test_other_suffixes_are_named(tmp_path: Path, name: str) -> None:
    """Whatever the file holds."""
    (tmp_path / name).write_bytes(npy_of(Q))
    suffix = Path(name).suffix
    assert refusal([tmp_path / name]) == (
        f"{tmp_path / name}: files that end in {suffix!r} are not read; allowed: .npz, .npy or .safetensors",
    )


@pytest.mark.parametrize("name", ["q" * 300 + ".npy", "q\0.npy", "\x1b[2J.npz", "\udcff.npz"])
def test_a_name_that_no_file_can_have_is_a_fault(tmp_path: Path, name: str) -> None:
    """Too long, or with a null; control characters and broken text are written out."""
    assert len(refusal([tmp_path / name])) == 1


def test_a_file_that_may_not_be_read_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the system's reason; a file, a folder, and bytes that the disk does not give."""
    refused = PermissionError(errno.EACCES, "Permission denied")

    def refuse(*_: object) -> int:
        raise refused

    (path,) = save_npz(tmp_path, {"q": Q, "k": K})
    for function, given in (("open", path), ("listdir", tmp_path)):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, refuse)
            assert refusal([given]) == (f"{given}: cannot be read (Permission denied)",)
    refused = OSError(errno.EIO, "Input/output error")
    with open_heads([path]) as audited, monkeypatch.context() as patch:
        patch.setattr(os, "preadv", refuse)
        with pytest.raises(Faults, match=r"heads\.npz: cannot be read \(Input/output error\)"):
            contents(audited)


def test_a_file_given_twice_is_a_fault(tmp_path: Path) -> None:
    """Also by another way to it."""
    (path,) = save_npz(tmp_path, {"q": Q, "k": K})
    (tmp_path / "link.npz").symlink_to(path)
    assert refusal([path, path]) == ("heads.npz: q: was given twice", "heads.npz: k: was given twice")
    assert refusal([path, tmp_path / "link.npz"])[0] == "link.npz: q: was given twice"
    save_npy(tmp_path, {"q": Q, "k": K})
    assert refusal([tmp_path, tmp_path / "q.npy"]) == ("q.npy: was given twice",)


@pytest.mark.parametrize("save", FORMATS)
def test_text_and_truncated_files_are_refused(tmp_path: Path, save: Save) -> None:
    """Cut anywhere, or text under the right name: a line, never an array."""
    paths = save(tmp_path, {"q": Q, "k": K})
    path = tmp_path / "q.npy" if paths[0].suffix in ("", ".npy") else paths[0]
    content = path.read_bytes()
    for cut in (0, 1, 7, 9, 40, len(content) // 2, len(content) - 1):
        path.write_bytes(content[:cut])
        assert len(refusal(paths)) == 1
    for text in (b"q,k\n1,2\n" * 100, b"\n", "{é".encode("utf-16"), content + b"x"):
        path.write_bytes(text)
        if not (path.suffix == ".npz" and text.startswith(b"PK")):  # zip allows bytes behind it
            assert len(refusal(paths)) == 1


def test_a_file_that_shrinks_while_it_is_read_is_a_fault(tmp_path: Path) -> None:
    """What was promised on opening is missed on reading."""
    (path,) = save_npz(tmp_path, {"q": Q, "k": K})
    size = path.stat().st_size
    with open_heads([path]) as audited:
        os.truncate(path, 150)
        with pytest.raises(Faults, match=rf"heads\.npz: became shorter than its {size} bytes while it was read"):
            contents(audited)


# ---------------------------------------------------------------- headers of .npy files

GOOD = "{'descr': '<f4', 'fortran_order': False, 'shape': (5, 4), }"
HEADERS = {
    "descr": ("'<f4'", "'<x9'", "holds something else ('<x9')"),
    "many digits": ("(5, 4)", f"(0x{'f' * 8000}, 4)", "its header tells of shape (a number too long to write, 4); "),
    "huge": ("(5, 4)", f"({2**40}, {2**40})", f"its header tells of shape ({2**40}, {2**40}) in float32, "),
    "negative": ("(5, 4)", "(-5, -4)", "its header tells of shape (-5, -4); whole numbers from 0 are needed"),
    "truth": ("(5, 4)", "(True, 20)", "its header tells of shape (True, 20); whole numbers from 0 are needed"),
    "floats": ("(5, 4)", "(5.0, 4)", "its header tells of shape (5.0, 4); whole numbers from 0 are needed"),
    "a list": ("(5, 4)", "[5, 4]", "its header tells of shape [5, 4]; whole numbers from 0 are needed"),
    "many axes": ("(5, 4)", f"({'1, ' * 40})", "its header tells of shape ("),
    "more": ("(5, 4)", "(5, 5)", "its header tells of shape (5, 5) in float32, "),
    "fewer": ("(5, 4)", "(5, 3)", "its header tells of shape (5, 3) in float32, "),
    "order": ("False", "0", "its header cannot be understood"),
    "code": ("False", "__import__('os')", "its header cannot be understood"),
    "old": ("(5, 4)", "(5L, 4L)", "its header cannot be understood"),
    "an escape": ("'<f4'", r"'\d'", r"holds records ('\\d')"),
    "deep": ("(5, 4)", "(" * 3000 + ")" * 3000, "its header cannot be understood"),
    "signs": ("(5, 4)", "(" + "-" * 9000 + "5, 4)", "its header "),
    "another key": ("'shape'", "'shapes'", "its header cannot be understood"),
    "no dictionary": (GOOD, "5", "its header cannot be understood"),
    "unhashable": (GOOD, "{[]: 1}", "its header cannot be understood"),
    "long": (GOOD, GOOD + " " * 20000, "its header of 20060 bytes is too long; allowed: 10000"),
}


@pytest.mark.parametrize("case", HEADERS)
@pytest.mark.parametrize("container", ["npy", "stored", "deflated"])
def test_a_header_that_lies_is_not_believed(tmp_path: Path, case: str, container: str) -> None:
    """Shapes, types and Python's own syntax: a line, at once, without the memory that was promised."""
    old, new, line = HEADERS[case]
    content = npy(GOOD.replace(old, new), Q.tobytes())
    (tmp_path / "q.npy").write_bytes(content)
    save_npy(tmp_path, {"k": K})
    path = tmp_path / "q.npy"
    if container != "npy":
        method = zipfile.ZIP_STORED if container == "stored" else zipfile.ZIP_DEFLATED
        path = npz(tmp_path / "heads.npz", {"q.npy": content, "k.npy": npy_of(K)}, method)
    (found,) = refusal([path])
    assert found.startswith("q.npy: " + line if container == "npy" else "heads.npz: q: " + line)


@pytest.mark.parametrize("version", [b"\1\0", b"\2\0", b"\3\0"])
def test_every_version_of_the_header_is_read(tmp_path: Path, version: bytes) -> None:
    """Only the length's size differs; version 4 is unknown."""
    (tmp_path / "q.npy").write_bytes(npy(GOOD, Q.tobytes(), version))
    save_npy(tmp_path, {"k": K})
    with open_heads([tmp_path]) as audited:
        np.testing.assert_array_equal(contents(audited)[0][0][0], Q)
    (tmp_path / "q.npy").write_bytes(npy(GOOD, Q.tobytes(), b"\4\0"))
    assert refusal([tmp_path]) == ("q.npy: does not begin as a .npy file does; numpy.save writes one",)


def test_scattered_matrices_are_read_up_to_a_size(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A stack in Fortran order is read by going through all of it for each matrix, so a large one is refused."""
    stack = np.array(normals(1, 2, 5, 4), order="F")
    monkeypatch.setattr("experiments.audit.stored.MAX_SCATTERED", stack.nbytes)
    paths = save_npz(tmp_path, {"q": stack, "k": stack})
    with open_heads(paths) as audited:
        np.testing.assert_array_equal(contents(audited)[1][0][0], stack[1])
    monkeypatch.setattr("experiments.audit.stored.MAX_SCATTERED", stack.nbytes - 1)
    assert refusal(paths)[0] == (
        "heads.npz: q: 160 bytes in Fortran order, in which its matrices lie scattered; allowed: 159 bytes; "
        "save numpy.ascontiguousarray(array)"
    )


def test_rows_too_long_to_hold_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is the least that is read."""
    monkeypatch.setattr("experiments.audit.stored.MAX_ROW", 15)
    found = refusal(save_npz(tmp_path, {"q": Q, "k": K}))
    assert found[0] == "heads.npz: q: rows of 4 entries are too long; allowed: 15 bytes a row"


# ---------------------------------------------------------------- archives


def patched(path: Path, where: bytes, offset: int, value: bytes, last: bool = True) -> list[Path]:
    """The archive with bytes overwritten behind the last (or first) occurrence of a signature."""
    content = bytearray(path.read_bytes())
    start = (content.rindex(where) if last else content.index(where)) + offset
    content[start : start + len(value)] = value
    path.write_bytes(content)
    return [path]


LOCAL, CENTRAL = b"PK\3\4", b"PK\1\2"
ARCHIVES = {  # signature, offset and bytes to write, and the line; the last central record is q's
    "encrypted": (CENTRAL, 8, b"\1", "heads.npz: q: is encrypted; save it without a password"),
    "method": (
        CENTRAL,
        10,
        b"\x0c",
        "heads.npz: q: is compressed by method 12; allowed: stored or deflated, as by numpy.savez and "
        "numpy.savez_compressed",
    ),
    "checksum": (CENTRAL, 16, b"\0\0\0\0", "heads.npz: q: is damaged: its checksum is wrong"),
    "place": (LOCAL, 0, b"PK\3\5", "heads.npz: q: is damaged: it does not lie where the directory says"),
    "name's length": (LOCAL, 26, b"\xff\xff", "heads.npz: q: is damaged: it does not lie where the directory says"),
    "packed size": (CENTRAL, 20, b"\1\0\0\0", None),
    "size": (CENTRAL, 24, b"\1\1\0\0", None),
    "overlap": (CENTRAL, 42, b"\1\0\0\0", "heads.npz: q.npy: lies where another array lies; the file is damaged"),
    "version": (
        CENTRAL,
        6,
        b"\xff",
        "heads.npz: is no sound .npz file, it is damaged or cut short; numpy.savez writes one",
    ),
}


@pytest.mark.parametrize("case", ARCHIVES)
@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_archive_that_lies_is_not_believed(tmp_path: Path, case: str, method: int) -> None:
    """Flags, methods, sizes, places and checksums."""
    signature, offset, value, line = ARCHIVES[case]
    path = npz(tmp_path / "heads.npz", {"k.npy": npy_of(K), "q.npy": npy_of(Q)}, method)
    (found,) = refusal(patched(path, signature, offset, value))
    assert found == line if line else found.startswith("heads.npz: q: ")


def test_changed_entries_fail_the_checksum(tmp_path: Path) -> None:
    """One bit of a stored array."""
    (path,) = save_npz(tmp_path, {"q": Q, "k": K})
    content = bytearray(path.read_bytes())
    content[content.index(Q.tobytes())] ^= 1
    path.write_bytes(content)
    assert refusal([path]) == ("heads.npz: q: is damaged: its checksum is wrong",)


def test_a_name_that_stands_twice_is_a_fault(tmp_path: Path) -> None:
    """In an archive and in a .safetensors file."""
    with zipfile.ZipFile(tmp_path / "heads.npz", "w") as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # zipfile's own remark on it
        for name in ("q.npy", "k.npy", "q.npy"):
            archive.writestr(name, npy_of(Q))
    assert refusal([tmp_path / "heads.npz"]) == (
        "heads.npz: q.npy: is there twice; each array needs a name of its own",
    )
    (tmp_path / "a.safetensors").write_bytes(with_header(b'{"q": 1, "q": 1}'))
    assert refusal([tmp_path / "a.safetensors"]) == (
        "a.safetensors: q: is there twice; each array needs a name of its own",
    )


def test_what_unpacks_to_far_more_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Zeros pack a thousandfold: as an array of moderate size they are read, as a trap they are not."""
    path = tmp_path / "heads.npz"
    np.savez_compressed(path, q=np.zeros((1000, 64), "f4"), k=K[:, :1] * np.ones(64, "f4"))
    with open_heads([path]) as audited:
        assert not contents(audited)[0][0][0].any()
    monkeypatch.setattr("experiments.audit.npz.FREE_SIZE", 2**17)
    with zipfile.ZipFile(path) as archive:
        packed = archive.getinfo("q.npy").compress_size
    assert refusal([path]) == (
        f"heads.npz: q: {packed} bytes that unpack to 256128 look like a trap; allowed: 200 times as many, or 131072; "
        "numpy.savez saves it without compression",
    )


@pytest.mark.parametrize(
    ("promised", "line"),
    [
        (4, "it unpacks to more than the 128 bytes that it declares"),
        (6, "it unpacks to 144 bytes, not the 160 bytes that"),
    ],
)
def test_an_archive_that_misstates_a_size_is_refused(tmp_path: Path, promised: int, line: str) -> None:
    """Header and directory agree on a size, and the packed bytes give more or fewer."""
    content = npy(GOOD.replace("(5, 4)", f"({promised}, 4)"), Q.tobytes())
    size = len(content) + 16 * (promised - 5)
    path = npz(tmp_path / "heads.npz", {"k.npy": npy_of(K), "q.npy": content}, zipfile.ZIP_DEFLATED)
    (found,) = refusal(patched(path, CENTRAL, 24, size.to_bytes(4, "little")))
    assert found.startswith("heads.npz: q: is damaged: it unpacks to")
    assert ("more than" in found) == (promised == 4)


def test_unpacking_leaves_nothing_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file is seen in the folder, neither meanwhile nor after a fault; too little room is told before."""
    paths = save_compressed(tmp_path, {"q": Q, "k": K})
    (scratch := tmp_path / "scratch").mkdir()
    with open_heads(paths, scratch=scratch) as audited:
        np.testing.assert_array_equal(contents(audited)[0][0][0], Q)
        assert list(scratch.iterdir()) == []
    n_open = len(os.listdir("/proc/self/fd")) if sys.platform == "linux" else None
    refusal(patched(paths[0], CENTRAL, 16, b"\0\0\0\0"), scratch=scratch)
    assert list(scratch.iterdir()) == []
    assert n_open is None or len(os.listdir("/proc/self/fd")) == n_open
    paths = save_compressed(tmp_path, {"q": Q, "k": K})
    assert refusal(paths, scratch=tmp_path / "none")[0] == (
        f"heads.npz: q: cannot be unpacked in {tmp_path / 'none'} (No such file or directory)"
    )
    monkeypatch.setattr("experiments.audit.npz.SPARE_ROOM", 2**62)
    (line, _) = refusal(paths, scratch=scratch)
    assert line.startswith(f"heads.npz: q: unpacking it takes 208 bytes in {scratch}, where ")
    assert line.endswith(" are free; numpy.savez saves it without compression")


def test_a_large_directory_is_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names and places take few bytes, whatever a file says."""
    paths = save_npz(tmp_path, {"q": Q, "k": K})
    monkeypatch.setattr("experiments.audit.npz.MAX_DIRECTORY", 10)
    assert refusal(paths)[0].startswith("heads.npz: is no sound .npz file")


@pytest.mark.parametrize("container", ["heads.npz", "heads.safetensors"])
def test_a_long_name_is_refused(tmp_path: Path, container: str) -> None:
    """A name of many words would have as many partners."""
    content = {"q": Q, "q." * 1000: K}
    save = save_npz if container == "heads.npz" else save_safetensors
    (found,) = refusal(save(tmp_path, content))
    assert found.startswith(f"{container}: q.q.q.")
    assert found.endswith("...: is a name of more than 400 characters")


def test_of_very_many_faults_the_first_are_told(tmp_path: Path) -> None:
    """Twenty lines and the number of the others, at once; no name is compared with a hundred thousand others."""
    n = 30_000
    header = {f"{i}.q": {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]} for i in range(n)}
    (tmp_path / "heads.safetensors").write_bytes(with_header(json.dumps(header).encode()))
    found = refusal([tmp_path / "heads.safetensors"])
    assert len(found) == 21
    assert found[-1] == f"... and {n - 20} more such lines"
    assert all("has no keys" in line for line in found[:-1])


def test_a_full_disk_is_a_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system says on writing is told, and closing what was begun does not say it again."""
    if not os.path.exists("/dev/full"):
        pytest.skip("no device that is always full")
    monkeypatch.setattr("tempfile.TemporaryFile", lambda buffering, dir: io.FileIO("/dev/full", "w"))
    found = refusal(save_compressed(tmp_path, {"q": Q, "k": K}), scratch=tmp_path)
    assert found[0] == f"heads.npz: q: cannot be unpacked in {tmp_path} (No space left on device)"


# ---------------------------------------------------------------- .safetensors files


def entry(dtype: object = "F32", shape: object = (5, 4), places: object = (0, 80)) -> dict[str, object]:
    """What a header says of an array."""
    return {"dtype": dtype, "shape": shape, "data_offsets": places}


LAST = entry(places=(80, 160))
TENSORS = {
    "no JSON": (b"q" * 50, "its header is no JSON object; it is damaged or no .safetensors file"),
    "no object": (b"[1]", "its header is no JSON object"),
    "pairs": (b'[["q", 1]]', "its header is no JSON object"),
    "deep": (b'{"q":' + b"[" * 100_000, "its header is no JSON object"),
    "many digits": (b'{"q":' + b"1" * 5000 + b"}", "its header is no JSON object"),
    "no text": (b'{"\xff": 1}', "its header is no JSON object"),
    "a number": ({"q": 5, "k": LAST}, "q: the header must give dtype, shape and data_offsets; it says {}"),
    "missing": ({"q": {"dtype": "F32"}, "k": LAST}, "q: the header must give dtype, shape and data_offsets; it says {"),
    "shape": ({"q": entry(shape="5"), "k": LAST}, "q: the header must give dtype, shape and data_offsets"),
    "negative": ({"q": entry(shape=[-5, -4]), "k": LAST}, "q: the header must give dtype"),
    "floats": ({"q": entry(shape=[5.0, 4]), "k": LAST}, "q: the header must give dtype"),
    "truth": ({"q": entry(shape=[True, 20]), "k": LAST}, "q: the header must give dtype"),
    "endless": ({"q": entry(shape=[float("inf"), 4]), "k": LAST}, "q: the header must give dtype"),
    "huge": (
        {"q": entry(shape=[2**62] * 4), "k": LAST},
        f"q: its header tells of shape ({', '.join([str(2**62)] * 4)})",
    ),
    "beyond counting": ({"q": entry(shape=[2**62 + 1, 1]), "k": LAST}, "q: the header must give dtype"),
    "axes": (
        {"q": entry(shape=[1] * 40), "k": LAST},
        "q: the header tells of shape [1, 1, 1, 1, 1, 1, ...] at [0, 80]",
    ),
    "backwards": ({"q": entry(places=[80, 0]), "k": LAST}, "q: the header tells of shape [5, 4] at [80, 0]"),
    "three places": ({"q": entry(places=[0, 8, 80]), "k": LAST}, "q: the header tells of shape [5, 4] at [0, 8, 80]"),
    "size": (
        {"q": entry(shape=[5, 5]), "k": LAST},
        "q: its header tells of shape (5, 5) in float32, 100 bytes, and gives it 80",
    ),
    "overlap": (
        {"q": entry(), "k": entry(places=[79, 159])},
        "k: lies where another array lies; the header is damaged",
    ),
    "beyond": (
        {"q": entry(), "k": entry(places=[2**40, 2**40 + 80])},
        f"its header tells of {2**40 + 80} bytes of arrays; there are 160; it is cut short",
    ),
    "rest": ({"q": entry()}, "its header tells of 80 bytes of arrays; there are 160"),
    "whole numbers": ({"q": entry("I32"), "k": LAST}, "q: holds 'I32'; allowed: float16, bfloat16, float32, float64"),
    "bytes": ({"q": entry("F8_E4M3"), "k": LAST}, "q: holds 'F8_E4M3'; allowed: float16, bfloat16, float32, float64"),
    "empty": (
        {"q": entry(shape=[0, 4], places=[0, 0]), "k": LAST, "m": entry(places=[0, 80])},
        "q: is empty, of shape (0, 4); every axis needs an entry",
    ),
    "half a letter": ({"\ud800.q": entry(), "k": LAST}, r"\ud800.q: has no keys; '\ud800.k' is needed; there are: k"),
}


@pytest.mark.parametrize("case", TENSORS)
def test_a_header_of_safetensors_that_lies_is_not_believed(tmp_path: Path, case: str) -> None:
    """Every field of every array is checked before any of them is read."""
    header, line = TENSORS[case]
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    (tmp_path / "heads.safetensors").write_bytes(with_header(text) + Q.tobytes() + Q.tobytes())
    (found,) = refusal([tmp_path / "heads.safetensors"])
    assert found.startswith(f"heads.safetensors: {line}")


@pytest.mark.parametrize("length", [2**63, 2**40, 2**25])
def test_the_length_of_a_header_is_not_believed(tmp_path: Path, length: int) -> None:
    """Neither one beyond the file's end nor one that would fill the memory."""
    with (tmp_path / "heads.safetensors").open("wb") as file:
        file.write(length.to_bytes(8, "little"))
        file.truncate(2**26)
    line = (
        f"its header of {2**25} bytes is too long; allowed: {2**24}"
        if length == 2**25
        else "ends within its header; it is cut short or no .safetensors file"
    )
    assert refusal([tmp_path / "heads.safetensors"]) == (f"heads.safetensors: {line}",)
