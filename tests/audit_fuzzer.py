"""Damages sound files of queries and keys in every way it can think of, and opens them.

Each must give arrays, finite and of the shapes told of, or Faults; another exception, a warning, ten seconds or a
gigabyte is a failure. Run by tests/test_audit_campaigns.py in a process of its own:
`python tests/audit_fuzzer.py MUTANTS SEED FOLDER` prints what came of them as JSON.
"""

import io
import json
import re
import resource
import signal
import sys
import traceback
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))

from audit_files import contents, normals, npy_of, peak_of_memory, safetensors
from experiments.audit import open_heads
from experiments.faults import Faults

SECONDS = 10
ADDRESS_SPACE = 2**32  # bytes; what asks for more fails with MemoryError
EXTREMES = [0, 1, 2, 255, 256, 65535, 2**31 - 1, 2**31, 2**32 - 1, 2**62, 2**63 - 1, 2**63, 2**64 - 1]
WORDS = [
    "-1",
    "0",
    "1",
    "2",
    "3",
    "999",
    "1e3",
    "True",
    "null",
    str(2**31),
    str(2**40),
    str(2**63),
    "9" * 5000,
    "[" * 99,
]
NAMES = [
    [b"f4", b"f8", b"f2", b"i4", b"O4"],
    [b"F32", b"F64", b"F16", b"BF16", b"I32"],
    [b"True", b"False"],
    [b"q", b"k", b"x", b"W_q", b"W_k"],
]

Mutation = Callable[[bytes, np.random.Generator], bytes]


def archive(members: dict[str, bytes], method: int) -> bytes:
    """A zip archive whose checksums are right, whatever the members hold."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", method) as archive:
        for name, content in members.items():
            archive.writestr(zipfile.ZipInfo(name), content, method)
    return file.getvalue()


HEADS = {"q": normals(1, 2, 5, 4), "k": normals(2, 2, 7, 4, dtype="float16")}
WEIGHTS = {"W_q": normals(3, 6, 8), "W_k": normals(4, 6, 4), "x": normals(5, 9, 6, dtype="float64")}
LAYERS = {f"layers.{i}.attn.{part}_proj": normals(i, 4, 6) for i in range(3) for part in "qk"}
BFLOAT16 = {"q": np.full((5, 4), 0x3F80, "u2"), "k": np.full((7, 4), 0xBF80, "u2")}
MEMBERS = [{f"{name}.npy": npy_of(array) for name, array in arrays.items()} for arrays in (HEADS, WEIGHTS, LAYERS)]
SEEDS: list[tuple[str, bytes]] = [
    *(("heads.npz", archive(members, zipfile.ZIP_STORED)) for members in MEMBERS),
    *(("heads.npz", archive(members, zipfile.ZIP_DEFLATED)) for members in MEMBERS),
    *(("heads.safetensors", safetensors(arrays)) for arrays in (HEADS, WEIGHTS, LAYERS, BFLOAT16)),
    *(("q.npy", npy_of(array)) for array in (HEADS["q"], np.asfortranarray(HEADS["q"]), HEADS["q"].astype(">f8"))),
]


def place(content: bytes, rng: np.random.Generator) -> int:
    """Any place, but mostly near the ends, where headers and directories stand."""
    near = int(rng.integers(0, 300)) % (len(content) + 1)
    return [near, len(content) - near, int(rng.integers(0, len(content) + 1))][rng.integers(3)]


def flip(content: bytes, rng: np.random.Generator) -> bytes:
    """Turn a few bits."""
    changed = bytearray(content)
    for _ in range(rng.integers(1, 9) if content else 0):
        changed[min(place(content, rng), len(content) - 1)] ^= 1 << int(rng.integers(8))
    return bytes(changed)


def truncate(content: bytes, rng: np.random.Generator) -> bytes:
    """Keep a beginning."""
    return content[: place(content, rng)]


def insert(content: bytes, rng: np.random.Generator) -> bytes:
    """Put bytes between."""
    at = place(content, rng)
    return content[:at] + rng.bytes(rng.integers(1, 50)) + content[at:]


def delete(content: bytes, rng: np.random.Generator) -> bytes:
    """Take bytes out."""
    at = place(content, rng)
    return content[:at] + content[at + int(rng.integers(1, 50)) :]


def duplicate(content: bytes, rng: np.random.Generator) -> bytes:
    """Repeat a chunk."""
    first, last = sorted((place(content, rng), place(content, rng)))
    return content[:last] + content[first:last] * int(rng.integers(1, 4)) + content[last:]


def splice(content: bytes, rng: np.random.Generator) -> bytes:
    """Begin as another file does."""
    _, other = SEEDS[rng.integers(len(SEEDS))]
    return other[: place(other, rng)] + content[place(content, rng) :]


def lie(content: bytes, rng: np.random.Generator) -> bytes:
    """Overwrite a number of bytes with an extreme number."""
    at, size = place(content, rng), int(rng.choice([1, 2, 4, 8]))
    number = EXTREMES[rng.integers(len(EXTREMES))] % 256**size
    return content[:at] + number.to_bytes(size, "little") + content[at + size :]


def misstate(content: bytes, rng: np.random.Generator) -> bytes:
    """Write another number, or what is none, for one of a header's in text."""
    word = WORDS[rng.integers(len(WORDS))].encode()
    return reworded(content, re.compile(rb"(?<=[\[(, ])\d+(?=[\]),])"), word, rng)


def rename(content: bytes, rng: np.random.Generator) -> bytes:
    """Write another type, order or name."""
    others = NAMES[rng.integers(len(NAMES))]
    other = others[rng.integers(len(others))]
    return reworded(content, re.compile(rb"\b(" + b"|".join(others) + rb")\b"), other, rng)


def reworded(content: bytes, words: re.Pattern[bytes], new: bytes, rng: np.random.Generator) -> bytes:
    """One of those words replaced; spaces after it make up for its length, as far as there are any."""
    found = list(words.finditer(content))
    if not found:
        return lie(content, rng)
    old = found[rng.integers(len(found))]
    rest = content[old.end() :]
    growth = len(new) - len(old[0])
    rest = rest.replace(b" " * growth, b"", 1) if growth > 0 else rest.replace(b"  ", b" " * (2 - growth), 1)
    return content[: old.start()] + new + rest


MUTATIONS: list[Mutation] = [flip, truncate, insert, delete, duplicate, splice, lie, misstate, misstate, rename]


def mutant(rng: np.random.Generator) -> tuple[str, bytes]:
    """A damaged file: damaged as a whole, or a member of an archive that is itself sound."""
    name, content = SEEDS[rng.integers(len(SEEDS))]
    if name == "heads.npz" and rng.random() < 0.5:
        members = dict(MEMBERS[rng.integers(len(MEMBERS))])
        damaged = list(members)[rng.integers(len(members))]
        members[damaged] = damage(members[damaged], rng)
        return name, archive(members, [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED][rng.integers(2)])
    if name == "heads.safetensors" and rng.random() < 0.5:  # a damaged header of the right length
        end = 8 + int.from_bytes(content[:8], "little")
        header = damage(content[8:end], rng)
        return name, len(header).to_bytes(8, "little") + header + content[end:]
    return name, damage(content, rng)


def damage(content: bytes, rng: np.random.Generator) -> bytes:
    """One mutation, or two or three."""
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        content = MUTATIONS[rng.integers(len(MUTATIONS))](content, rng)
    return content


def outcome(path: Path, rng: np.random.Generator) -> str:
    """What comes of opening the file and reading everything in it."""
    signal.alarm(SECONDS)
    try:
        with open_heads([path], batch_first=bool(rng.random() < 0.2), n_heads=[None, 2][rng.integers(2)]) as audited:
            for sequences in contents(audited):
                for part in (part for pair in sequences for part in pair):
                    if not np.isfinite(part).all() or part.shape[1] != audited.d_k:
                        return "an array that is not finite, or of another d_k"
        return "arrays"
    except Faults as fault:
        sound = all(line.isprintable() and "Traceback" not in line for line in fault.lines)
        return "faults" if sound and fault.lines else f"a fault that cannot be shown: {fault.lines!r}"
    except BaseException:
        return traceback.format_exc()
    finally:
        signal.alarm(0)


def too_slow(*_: object) -> None:
    """What the alarm raises."""
    raise TimeoutError(f"more than {SECONDS} seconds")


def main(n_mutants: int, seed: int, folder: Path) -> dict[str, object]:
    """Counts of outcomes, the failures, and the peak of memory in bytes; a failing mutant is kept in the folder."""
    warnings.simplefilter("error")
    signal.signal(signal.SIGALRM, too_slow)
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    counts: Counter[str] = Counter()
    failures = []
    np.save(folder / "k.npy", HEADS["k"])
    for number in range(n_mutants):
        rng = np.random.default_rng([seed, number])
        name, content = mutant(rng)
        (folder / name).unlink(missing_ok=True)  # some file systems make a rewritten file wait for its disk
        (folder / name).write_bytes(content)
        came_of_it = outcome(folder / name, rng)
        counts[came_of_it if came_of_it in ("arrays", "faults") else "failures"] += 1
        if came_of_it not in ("arrays", "faults"):
            (folder / f"failure-{number}-{name}").write_bytes(content)
            failures.append(f"mutant {number} of seed {seed}: {came_of_it}")
    return {"counts": counts, "failures": failures, "peak": peak_of_memory()}


if __name__ == "__main__":
    print(json.dumps(main(int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3]))))
