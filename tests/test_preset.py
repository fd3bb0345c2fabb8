"""Presets: those that come with the project are sound, and a wrong one has every fault named at once."""

from pathlib import Path

import pytest

from experiments.experiment import cell_key
from experiments.faults import Faults
from experiments.preset import load_preset, named_presets
from experiments.softmax_rows import CHANGE
from scaling.aligned import AlignedLaw
from scaling.sampling import FEWEST, variance_of_mean_square


def faults(tmp_path: Path, text: str | bytes) -> list[str]:
    """The lines that a preset file with this text gets, without its own name."""
    path = tmp_path / "mine.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(Faults) as caught:
        load_preset(str(path))
    assert all("\n" not in line and line.startswith(f"preset {path}: ") for line in caught.value.lines)
    return [line.removeprefix(f"preset {path}: ") for line in caught.value.lines]


def test_the_named_presets_reach_what_they_promise() -> None:
    """Quick to 256, default to 4096, full to 16384 dimensions; 64, 4096 and 65536 keys."""
    assert named_presets() == ["quick", "default", "full"]
    reach = {
        name: (load_preset(name).variance.d_k[-1], load_preset(name).saturation.n_keys[-1]) for name in named_presets()
    }
    assert reach == {"quick": (256, 64), "default": (4096, 4096), "full": (16384, 65536)}
    for name in named_presets():
        assert load_preset(name).name == name


def test_cells_have_names_of_their_own() -> None:
    """No two cells of an experiment share a key, in any preset."""
    for name in named_presets():
        for experiment in load_preset(name).experiments:
            keys = [cell_key(cell) for cell in experiment.cells()]
            assert len(set(keys)) == len(keys)


def test_the_hash_follows_settings_and_not_spelling(tmp_path: Path) -> None:
    """The same settings written otherwise have the same hash; another seed has another."""
    path = tmp_path / "same.toml"
    path.write_text('base = "quick"\n\n[variance]\nmargin = 0.010\n')
    assert load_preset(str(path)).digest == load_preset("quick").digest
    assert load_preset("quick", seed=1).digest != load_preset("quick").digest


def test_a_base_is_overlaid_table_by_table(tmp_path: Path) -> None:
    """What a preset does not say stays as its base has it."""
    path = tmp_path / "mine.toml"
    path.write_text('base = "quick"\nname = "mine"\n[variance]\nd_k = [3, 5]\n')
    preset = load_preset(str(path))
    assert (preset.name, preset.variance.d_k, preset.variance.margin) == ("mine", [3, 5], 0.01)
    assert preset.saturation == load_preset("quick").saturation


def test_every_fault_is_listed_at_once(tmp_path: Path) -> None:
    """Each with its place, what was received, what is allowed, and the nearest name for a typo."""
    lines = faults(
        tmp_path,
        """
        base = "quick"
        sed = 3
        seed = -1
        family_wise_error = "small"
        [variance]
        d_kk = [1]
        d_k = [4, 2]
        margin = 2
        entries = "gausian"
        [saturation]
        n_keys = [1, 8]
        precision = nan
        [lecture_demo]
        n_pairs = 1001
        [variances]
        """,
    )
    expected = [
        "seed: input should be greater than or equal to 0 (received -1)",
        "family_wise_error: input should be a valid number (received 'small')",
        "variance.entries: entry law 'gausian' is unknown; allowed: gaussian, uniform, sign, student-t; "
        "did you mean 'gaussian'? (received 'gausian')",
        "variance.d_k: the values must increase strictly (received [4, 2])",
        "variance.margin: input should be less than 1 (received 2)",
        "variance.d_kk: unknown setting; allowed: n_blocks, entries, d_k, margin; did you mean 'd_k'?",
        "lecture_demo.n_pairs: input should be a multiple of 50 (received 1001)",
        "saturation.n_keys: a softmax over one key has nothing to choose; every n_keys must be at least 2 "
        "(received [1, 8])",
        "saturation.precision: input should be a finite number (received nan)",
    ]
    assert lines[: len(expected)] == expected
    assert lines[-2].startswith("sed: unknown setting; allowed: name, seed, ")
    assert lines[-2].endswith("; did you mean 'seed'?")
    assert lines[-1].endswith("; did you mean 'variance'?")
    assert len(lines) == len(expected) + 2


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a = ", "is not valid TOML: Invalid value (at end of document)"),
        ("x = " + "[" * 5000, "is not valid TOML: "),
        (b"\xff\xfe", "is not UTF-8 text; a TOML file is needed"),
        ('base = "quik"', "base: 'quik' is unknown; allowed: quick, default, full; did you mean 'quick'?"),
        ("base = 3", "base: 3 is unknown; allowed: quick, default, full"),
        ("seed = " + "9" * 5000, "is not valid TOML: "),
        ('base = "quick"\nseed = 0x' + "f" * 5000, "seed: input should be"),
        ('base = "quick"\nname = "a\\u001b[31m"', "name: control characters are not allowed"),
        ('base = "quick"\n"a\\nb" = 1', "a\\nb: unknown setting"),
        (
            'base = "quick"\nfamily_wise_error = 1e-17',
            "family_wise_error: input should be greater than",
        ),
        (
            'base = "quick"\n[variance]\nmargin = 1e-160',
            "variance.margin: input should be greater than",
        ),
        (
            'base = "quick"\n[lecture_demo]\nd_k = [1000000]\nn_pairs = 1000000',
            'lecture_demo: a block of {"d_k":1000000,"n_pairs":1000000} would draw 2e+12 numbers and hold 2e+12 at',
        ),
        ('base = "quick"\n[derivation]\nmargin = 1e-6', "derivation: a block of "),
        ('base = "quick"\n[saturation]\nn_keys = [1048576]\nprecision = 0.0001', "saturation: a block of "),
        (
            'base = "quick"\n[questions]\nd_k = 1\nn_keys = 2\nmargin = 1e-4',
            "questions: a block of ",  # few draws, but hours of work on their scores
        ),
        (
            'base = "quick"\n[aligned]\nrho = [0.1234567, 0.1234568]',
            "aligned.rho: the values must differ within six digits (received [0.1234567, 0.1234568])",
        ),
        (
            'base = "quick"\n[aligned]\nrho = [1e-80, 0.5]',
            "aligned.rho: a correlation must be 0 or at least 0.001 (received [1e-80, 0.5])",
        ),
        (
            'base = "quick"\n[variance]\nn_blocks = 2\nentries = "student-t"\nmargin = 1e-6',
            "variance: a block would draw and hold more numbers than can be planned; at most 6.9e+10 and 6.7e+07 are",
        ),
        (
            'base = "quick"\n[assumptions]\nn_blocks = 2\nd_k = [1]\nmargin = 1e-6',
            "assumptions: a block would draw and hold more numbers than can be planned; at most",
        ),
        ('base = "quick"\n[saturation]\nd_k = [1_000_001]', "saturation.d_k.0: input should be less than or equal to"),
        (
            'base = "quick"\n[saturation]\nd_k = [1]\nn_keys = [65536]\nentries = "sign"\nprecision = 0.0001',
            "saturation: a block of ",  # few draws, but hours of work on their scores
        ),
        (
            'base = "quick"\n[initialisation]\nn_blocks = 2\nd_in = 8\nd_k = 1\nn_tokens = 2\nmargin = 0.004',
            "initialisation: a block of ",  # the same, of many small heads
        ),
        ('base = "quick"\nvariance = 3', "variance: input should be"),
        ('base = "quick"\n[variance]\nd_k = [true]', "variance.d_k.0: input should be a valid integer (received True)"),
        ('base = "quick"\n[variance]\nd_k = []', "variance.d_k: list should have at least 1 item"),
        (
            'base = "quick"\n[peaky]\nn_blocks = 2',
            "peaky.n_blocks: input should be less than or equal to 1 (received 2)",
        ),
        ('base = "quick"\n[variance]\nn_blocks = 1', "variance.n_blocks: input should be greater than or equal to 2"),
    ],
)
def test_one_fault_is_one_line(tmp_path: Path, text: str | bytes, line: str) -> None:
    """Whatever is wrong with a file, it is said in one line."""
    found = faults(tmp_path, text)
    assert len(found) == 1
    assert found[0].startswith(line)


def test_one_sign_times_another_can_be_planned(tmp_path: Path) -> None:
    """At d_k = 1 the square of a product of signs never varies; there are scores for its histogram all the same."""
    path = tmp_path / "mine.toml"
    path.write_text('base = "quick"\n[distribution]\nd_k = [1, 2]\nentries = "sign"\n')
    assert min(cell.tiles.n_scores for cell in load_preset(str(path)).distribution.cells()) >= FEWEST


def test_an_empty_file_lacks_everything(tmp_path: Path) -> None:
    """Each setting that is missing is named."""
    assert "variance: is missing" in faults(tmp_path, "")


def test_unknown_presets_and_files(tmp_path: Path) -> None:
    """A name that is no preset, a path that is no file, a folder."""
    for which, line in {
        "defualt": "preset 'defualt' is unknown; allowed: quick, default, full, or the path of a .toml file; "
        "did you mean 'default'?",
        "none.toml": "preset none.toml: no such file; give a TOML file or one of quick, default, full",
        str(tmp_path): f"preset {tmp_path}: no such file; give a TOML file or one of quick, default, full",
    }.items():
        with pytest.raises(Faults) as caught:
            load_preset(which)
        assert caught.value.lines == (line,)


def test_the_compared_variances_have_scores_enough() -> None:
    """In every preset the margin on the change of the variance over keys holds ten standard errors, near 2 ln n."""
    for name in named_presets():
        saturation = load_preset(name).saturation
        ends = (saturation.n_keys[0], saturation.n_keys[-1])
        cells = [cell for cell in saturation.cells() if cell.d_k == saturation.turning and cell.n_keys in ends]
        variance = sum(variance_of_mean_square(cell.d_k, cell.tiles) for cell in cells) / saturation.n_blocks
        assert len(cells) == 2
        assert 10 * variance**0.5 <= CHANGE


def test_aligned_blocks_do_not_bias_the_root_of_their_variance() -> None:
    """With however many blocks, the root is low by a tenth of the margin at most: (2 + excess)/8 of 1/n_pairs."""
    aligned = load_preset("quick").aligned
    for n_blocks in (2, 32, 100_000):
        for cell in aligned.model_copy(update={"n_blocks": n_blocks}).cells():
            excess = max(AlignedLaw(cell.d_k, rho).excess_kurtosis for rho in cell.rho)
            assert (2 + excess) / (8 * cell.n_pairs) <= aligned.margin / 10
