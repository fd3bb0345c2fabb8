"""Reads one giant head of a sparse file row by row, and tells how much memory that took at most.

The kind "held" asks for all rows at once, which takes the memory that the others must not. Run by
tests/test_audit_campaigns.py in a process of its own: `python tests/audit_memory.py KIND BYTES FOLDER`.
"""

import io
import json
import sys
import zipfile
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from audit_files import normals, npy, npy_of, peak_of_memory, save_npz, with_header
from experiments.audit import open_heads

D_K = 64
STEP = 2**14  # rows
ZEROS = bytes(2**20)


class SparseFile(io.FileIO):
    """A file in which zeros take no room on the disk."""

    def write(self, data: object) -> int:
        """Skip long runs of zeros."""
        content = bytes(data)  # type: ignore[call-overload]
        if content != ZEROS:
            return super().write(content)
        self.seek(len(content), io.SEEK_CUR)
        return len(content)


def write(kind: str, n_rows: int, folder: Path) -> Path:
    """One head of zeros whose queries have `n_rows` rows in single precision, and keys of two rows."""
    size = n_rows * D_K * 4
    header = f"{{'descr': '<f4', 'fortran_order': {kind == 'fortran'}, 'shape': ({n_rows}, {D_K}), }}"
    keys = normals(1, 2, D_K)
    if kind == "safetensors":
        entries = {
            "k": {"dtype": "F32", "shape": [2, D_K], "data_offsets": [0, keys.nbytes]},
            "q": {"dtype": "F32", "shape": [n_rows, D_K], "data_offsets": [keys.nbytes, keys.nbytes + size]},
        }
        beginning = with_header(json.dumps(entries).encode()) + keys.tobytes()
        path = folder / "heads.safetensors"
    elif kind in ("npz", "compressed"):
        path = folder / "heads.npz"
        method = zipfile.ZIP_STORED if kind == "npz" else zipfile.ZIP_DEFLATED
        with SparseFile(path, "w+") as file, zipfile.ZipFile(file, "w", method) as archive:
            archive.writestr("k.npy", npy_of(keys))
            with archive.open("q.npy", "w", force_zip64=True) as member:
                member.write(npy(header))
                for _ in range(size // len(ZEROS)):
                    member.write(ZEROS)
        return path
    else:
        beginning = npy(header)
        path = folder / ("x.npy" if kind == "weights" else "q.npy")
        np.save(folder / "k.npy", keys)
    with path.open("wb") as sparse:
        sparse.write(beginning)
        sparse.truncate(len(beginning) + size)
    return path


def main(kind: str, size: int, folder: Path) -> dict[str, int]:
    """Rows read, and the peak of memory in bytes."""
    n_rows = size // (4 * D_K)
    paths = [write(kind, n_rows, folder)]
    if kind == "weights":
        weight = normals(2, 1, D_K, D_K)
        paths += save_npz(folder, {"W_q": weight, "W_k": weight})
    with open_heads(paths) as audited:
        rows, _ = audited.heads[0].sequences[0]
        step = n_rows if kind == "held" else STEP
        for first in range(0, n_rows, step):
            assert not rows[first : first + step].any()
        scattered = np.random.default_rng(1).integers(0, n_rows, 1000)
        assert not rows[scattered].any()
    return {"rows": rows.shape[0], "peak": peak_of_memory()}


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], int(sys.argv[2]), Path(sys.argv[3]))))
