"""The README tells the truth: its commands exist, its examples run, its files are there."""

import re
import subprocess
import tomllib
from pathlib import Path

import numpy as np
import pytest

from conftest import ROOT
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
    example, _ = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    variance, *entropies = (float(word) for word in re.findall(r"\d+\.\d+", capsys.readouterr().out))
    assert 50 < variance < 80
    assert entropies[0] < 1 < 3 < entropies[1] < 3.92
    assert entropies[:2] == pytest.approx(entropies[2:], abs=0.2)


def test_the_example_of_classes_runs(capsys: pytest.CaptureFixture[str]) -> None:
    """Contexts of six tokens from two classes and from two heads, and between them weights whose rows sum to 1."""
    _, example = blocks("python")
    exec(compile(example, "README.md", "exec"), {})
    numbers = [float(word) for word in re.findall(r"-?\d+\.\d+(?:e[-+]\d+)?", capsys.readouterr().out)]
    assert len(numbers) == 6 * 2 + 6 * 6 + 6 * 2
    assert np.array(numbers[12:48]).reshape(6, 6).sum(axis=1) == pytest.approx(np.ones(6), abs=1e-6)


def test_the_folders_it_draws_exist() -> None:
    """Every folder of the house is there."""
    for folder in re.findall(r"^(\w+)/  ", README, flags=re.MULTILINE):
        assert (ROOT / folder).is_dir()
