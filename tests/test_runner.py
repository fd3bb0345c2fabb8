"""The run: the same results whatever the workers, the order, or what was there before."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from threading import RLock

import numpy as np
import pytest
from tqdm import tqdm

from conftest import TINY
from experiments.blocks import Block
from experiments.executor import Finished, LocalExecutor
from experiments.output import data_files
from experiments.preset import load_preset
from experiments.progress import progress_bar
from experiments.runner import run
from experiments.seeds import block_rng
from experiments.workers import Workers


class Shuffled(LocalExecutor):
    """Hands blocks back one by one in an order of its own."""

    def run(self, blocks: Iterable[Block]) -> Iterator[Finished]:
        """All of them, shuffled."""
        finished = [
            ((block,), [value])
            for batch, values in super().run(blocks)
            for block, value in zip(batch, values, strict=True)
        ]
        np.random.default_rng(9).shuffle(finished)  # type: ignore[arg-type]
        return iter(finished)


class Interrupted(LocalExecutor):
    """Is interrupted after five batches."""

    def run(self, blocks: Iterable[Block]) -> Iterator[Finished]:
        """The first five batches, then Ctrl-C."""
        for count, finished in enumerate(super().run(blocks)):
            if count == 5:
                raise KeyboardInterrupt
            yield finished


@pytest.fixture(scope="module")
def workers() -> Iterator[Workers]:
    """Three processes."""
    with Workers(3, ["experiments.preset"]) as workers:
        yield workers


def test_workers_and_order_do_not_show(tmp_path: Path, reference: dict[str, bytes], workers: Workers) -> None:
    """Three workers whose results come in another order give the same bytes."""
    results = run(load_preset(str(TINY)), tmp_path / "results.sqlite", pytest.fail, Shuffled(workers))
    assert data_files(results) == reference


def test_an_interrupted_run_goes_on_from_what_it_finished(
    tmp_path: Path, reference: dict[str, bytes], workers: Workers
) -> None:
    """Interrupted again and again, it ends with the same bytes, and says how much it reused."""
    preset, store = load_preset(str(TINY)), tmp_path / "results.sqlite"
    for _ in range(2):
        with pytest.raises(KeyboardInterrupt):
            run(preset, store, pytest.fail, Interrupted(workers))
    results = run(preset, store, pytest.fail, LocalExecutor(workers))
    assert results.n_reused >= 10
    assert results.n_computed > 0
    assert data_files(results) == reference
    again = run(preset, store, pytest.fail)
    assert (again.n_computed, again.n_reused) == (0, results.n_computed + results.n_reused)
    assert data_files(again) == reference


def test_a_new_cell_changes_no_other_cells_draws(tmp_path: Path) -> None:
    """With one more d_k, the rows of those that were there before keep every digit."""
    (tmp_path / "more.toml").write_text(TINY.read_text().replace("d_k = [1, 4, 16]", "d_k = [1, 3, 4, 16, 32]"))
    frames = [
        run(load_preset(which), tmp_path / f"{i}.sqlite", pytest.fail).frames["variance"]
        for i, which in enumerate((str(TINY), str(tmp_path / "more.toml")))
    ]
    both = frames[1][frames[1]["d_k"].isin([1, 4, 16])].reset_index(drop=True)
    assert both.equals(frames[0])


def test_another_seed_changes_every_draw(tmp_path: Path, reference: dict[str, bytes]) -> None:
    """All frames but those in which nothing is drawn."""
    other = data_files(run(load_preset(str(TINY), seed=1), tmp_path / "results.sqlite", pytest.fail))
    same = {name for name in reference if name.endswith(".csv") and other[name] == reference[name]}
    still = ("self_attention", "causal", "peaky", "freezing", "saturation_map", "gradient_map", "explorer")
    assert same == {f"data/{name}.csv" for name in still}


def test_generators_depend_on_each_part_of_a_blocks_name() -> None:
    """Experiment, cell, block and seed all matter; the same four give the same draws."""
    names = [(1, "a", "c", 0), (2, "a", "c", 0), (1, "b", "c", 0), (1, "a", "d", 0), (1, "a", "c", 1)]
    draws = [block_rng(*name).standard_normal() for name in names]
    assert len(set(draws)) == len(draws)
    assert block_rng(*names[0]).standard_normal() == draws[0]


def test_dictionaries_name_every_column(reference: dict[str, bytes]) -> None:
    """Each CSV has a data dictionary with its columns in order, each with a meaning and a unit."""
    import json

    for name, content in reference.items():
        if name.endswith(".csv"):
            dictionary = json.loads(reference[name.replace(".csv", ".json")])["columns"]
            assert [entry["column"] for entry in dictionary] == content.decode().splitlines()[0].split(",")
            assert all(entry["meaning"] and entry["unit"] for entry in dictionary)


def test_the_bar_has_a_lock_of_threads() -> None:
    """One between processes would be left behind by an interruption, and Python 3.14 prints a warning of it."""
    progress_bar(1, "blocks").close()
    assert isinstance(tqdm.get_lock(), type(RLock()))
