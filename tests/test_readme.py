"""The README tells the truth: its commands exist, its examples run, its files are there."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from conftest import ROOT
from experiments.audit import open_heads
from experiments.preset import load_preset

README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    """Fenced blocks of one language."""
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.DOTALL)


COMMANDS = [line.split("#")[0].strip() for block in blocks("sh") for line in block.splitlines() if line.strip()]


def test_a_picture_comes_first_and_is_there() -> None:
    """The first thing after the title is a picture that exists."""
    (path,) = re.findall(r"!\[[^]]*\]\(([^)]*)\)", README)
    assert README.index(f"]({path})") < README.index("```sh")
    assert (ROOT / path).stat().st_size < 200_000


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_is_one_that_make_knows(command: str) -> None:
    """`make -n` accepts it, and every variable is one that `make help` lists."""
    assert command.startswith("make ")
    done = subprocess.run(["make", "-n", *command.split()[1:]], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    help_text = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for word in command.split()[1:]:
        assert re.search(rf"^  {re.escape(word.split('=')[0])}\b", help_text, flags=re.MULTILINE), word


def test_the_presets_it_names_exist(tmp_path: Path) -> None:
    """The named ones load, and so does the example."""
    for name in re.findall(r"PRESET=(\w+)(?![.\w])", README):
        load_preset(name)
    (example,) = blocks("toml")
    assert tomllib.loads(example)["base"] == "quick"
    (tmp_path / "mine.toml").write_text(example, encoding="utf-8")
    assert load_preset(str(tmp_path / "mine.toml")).variance.d_k == [3, 5, 7, 100]


def test_the_python_example_runs_and_prints_what_it_says(capsys: pytest.CaptureFixture[str]) -> None:
    """A variance near 64, a raw entropy far below the scaled one, and both near their exact means."""
    *_, example, _ = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    variance, *entropies = (float(word) for word in re.findall(r"\d+\.\d+", capsys.readouterr().out))
    assert 50 < variance < 80
    assert entropies[0] < 1 < 3 < entropies[1] < 3.92
    assert entropies[:2] == pytest.approx(entropies[2:], abs=0.2)


def test_the_example_of_classes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Contexts of six tokens from two classes and from two heads, and between them weights whose rows sum to 1."""
    *_, example = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    numbers = [float(word) for word in re.findall(r"-?\d+\.\d+(?:e[-+]\d+)?", capsys.readouterr().out)]
    assert len(numbers) == 6 * 2 + 6 * 6 + 6 * 2
    assert np.array(numbers[12:48]).reshape(6, 6).sum(axis=1) == pytest.approx(np.ones(6), abs=1e-6)


def test_the_dump_from_numpy_can_be_audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve heads of 512 tokens."""
    monkeypatch.chdir(tmp_path)
    exec(compile(blocks("python")[0], "README.md", "exec"), {})
    with open_heads([Path("heads.npz")]) as audited:
        assert (len(audited.heads), audited.d_k) == (12, 64)
        assert audited.heads[3].sequences[0][0].shape == (512, 64)


class Tensor(np.ndarray):
    """Stands for PyTorch's tensors: an array with the methods that the recipes call."""

    detach = float = cpu = lambda self: self

    def numpy(self) -> np.ndarray:
        """The array."""
        return np.asarray(self)


class Projection:
    """Stands for a linear layer: calls its hooks with what it gives."""

    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights
        self.hooks: list[object] = []

    def register_forward_hook(self, hook: object) -> "Projection":
        """Keep a hook; the layer is its handle as well."""
        self.hooks.append(hook)
        return self

    def remove(self) -> None:
        """Forget the hooks."""
        self.hooks.clear()

    def __call__(self, x: np.ndarray) -> np.ndarray:
        """What the layer gives."""
        output = (x @ self.weights).view(Tensor)
        for hook in self.hooks:
            hook(self, (x,), output)  # type: ignore[operator]
        return output


def test_the_dump_from_hooks_can_be_audited(tmp_path: Path) -> None:
    """Queries and keys of every layer and head as the model made them, key heads shared; the hooks are gone again."""
    rng = np.random.default_rng(3)
    parts = {
        f"model.layers.{layer}.self_attn.{name}_proj": Projection(rng.normal(size=(24, width)).astype(np.float32))
        for layer in (0, 10, 2)
        for name, width in (("q", 32), ("k", 16), ("v", 16))
    }
    x = rng.normal(size=(2, 20, 24)).astype(np.float32)

    class Model:
        named_modules = staticmethod(parts.items)

        def __call__(self, inputs: np.ndarray) -> None:
            for part in parts.values():
                part(inputs)

    found: dict[str, object] = {"np": np}
    exec(compile(blocks("python")[1], "README.md", "exec"), found)
    found["dump"](Model(), {"inputs": x}, tmp_path / "heads.npz")  # type: ignore[operator]
    assert not any(part.hooks for part in parts.values())
    with open_heads([tmp_path / "heads.npz"], batch_first=True, n_heads=4) as audited:
        assert [(head.layer_number, head.head, head.key_head) for head in audited.heads[:5]] == [
            (0, 0, 0), (0, 1, 0), (0, 2, 1), (0, 3, 1), (1, 0, 0),
        ]  # fmt: skip
        assert len(audited.heads) == 12
        q, k = audited.heads[-2].sequences[1]  # layer 10, head 2
        weights = [parts[f"model.layers.10.self_attn.{name}_proj"].weights for name in "qk"]
        assert np.allclose(q[:], x[1] @ weights[0][:, 16:24], atol=1e-5)
        assert np.allclose(k[:], x[1] @ weights[1][:, 8:16], atol=1e-5)


def test_the_dump_behind_a_rotation_can_be_audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the rotation returns is kept, layer by layer, and returned."""
    llama = ModuleType("transformers.models.llama.modeling_llama")
    llama.apply_rotary_pos_emb = lambda q, k, cos, sin: (q * cos + sin, k * cos - sin)  # type: ignore[attr-defined]
    package = ModuleType("transformers.models.llama")
    package.modeling_llama = llama  # type: ignore[attr-defined]
    for name in ("transformers", "transformers.models"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, package.__name__, package)
    found: dict[str, object] = {}
    exec(compile(blocks("python")[2], "README.md", "exec"), found)
    q, k = np.random.default_rng(3).normal(size=(2, 3, 4, 20, 8)).view(Tensor)  # layers are called one by one
    for layer in range(3):
        turned = llama.apply_rotary_pos_emb(q[layer, None], k[layer, None], cos=2.0, sin=1.0)
        assert np.array_equal(turned[0], 2 * q[layer, None] + 1)
    np.savez(tmp_path / "heads.npz", **found["kept"])  # type: ignore[arg-type]
    with open_heads([tmp_path / "heads.npz"], batch_first=True) as audited:
        assert len(audited.heads) == 12
        rows = audited.heads[7].sequences[0]
        assert np.array_equal(rows[0][:], 2 * q[1, 3] + 1)
        assert np.array_equal(rows[1][:], 2 * k[1, 3] - 1)


def test_the_folders_it_draws_exist() -> None:
    """Every folder of the house is there."""
    for folder in re.findall(r"^(\w+)/  ", README, flags=re.MULTILINE):
        assert (ROOT / folder).is_dir()
