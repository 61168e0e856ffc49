"""Bad files between the stages, and bad words to them: one clear line, and no output."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from dvc.repo import Repo
from release import PARAMS, build, ends, replace, write

import augment
import evaluate
import prepare
import train

CROPS, COPY = Path("data/prepared/nuclei.npy"), Path("data/augmented/none/copy-0.npy")
FOLDS, DRAWS = Path("data/prepared/folds.csv"), Path("data/augmented/none/draws.json")
PREDICTED = Path("data/predictions/none/x1/test.npy")
TRAINED = Path("data/training/none/x1.json")
DVC_YAML = """
stages:
  train:
    matrix: {aug: [none], volume: [1]}
    cmd: unused
    outs:
      - data/predictions/${item.aug}/x${item.volume}
"""
RECORD = (
    '{"record": {"device": "CPU", "replicas": 1, "precision": "float32", "tensorflow": "2", '
    '"keras": "3", "nuclei": 9, "updates": 8}, "checkpoints": [{"fold": 1, "repeat": 0, "seed": 1, '
    '"updates": 8, "of": 8, "validation_loss": 0.6}], "curves": [{"fold": 1, "repeat": 0, '
    '"updates": 8, "split": "train", "loss": 1.0, "accuracy": 0.5, "macro_auc": 0.6}], '
    '"knobs": {"network": "small", "train.repeats": 2}, "draws": {"seed": 1, "learned": {}}}'
)
pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.drill("bad files between stages, bad words: one clear line"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Hold a small study up to the predictions of its one cell."""
    folder = tmp_path_factory.mktemp("whole")
    build(folder)
    (folder / "dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
    Repo.init(str(folder), no_scm=True).close()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert ends(prepare.main) is None
        assert ends(augment.main, "none") is None
        for path in (PREDICTED, TRAINED):
            path.parent.mkdir(parents=True)
        drawn = np.random.default_rng(0).dirichlet([1, 1, 1], (2, len(np.load(CROPS))))
        np.save(PREDICTED, drawn.astype(np.float32))
        TRAINED.write_text(RECORD, encoding="utf-8")
    return folder


def put(*probabilities):
    """Change what the second repeat says of the fourth nucleus."""

    def spoil():
        table = np.load(PREDICTED)
        table[1, 3] = probabilities
        np.save(PREDICTED, table)

    return spoil


def array(path, make):
    """Write another array, made from the one there."""
    return lambda: np.save(path, make(np.load(path)))


def cut_short(path):
    return lambda: path.write_bytes(path.read_bytes()[:-1])


def as_archive(path):
    def change():
        np.savez("x", np.load(path))
        shutil.move("x.npz", path)

    return change


def header(shape):
    """Write the header of an array that the file does not hold."""

    def change():
        with CROPS.open("wb") as file:
            kind = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, kind)

    return change


def nothing():
    """Spoil no file: the words are bad."""


NO_ARRAY = "data/prepared/nuclei.npy: not an array: "
ARRAY = "data/prepared/nuclei.npy: not an array of crops: "
SHAPE = r"; valid: float32 \(2, 30, 3\), which are the 2 repeats"
EVALUATE = {
    "no folder": (
        lambda: shutil.rmtree(PREDICTED.parent),
        "x1/test.npy is missing, .*train@none-1`",
    ),
    "no file": (PREDICTED.unlink, "x1/test.npy is missing, .*train@none-1`"),
    "empty": (write(PREDICTED, b""), "x1/test.npy: not an array: "),
    "a table of version 1": (write(PREDICTED, "repeat,id\n0,a\n"), "x1/test.npy: not an array: "),
    "cut short": (cut_short(PREDICTED), "x1/test.npy: not an array: mmap length"),
    "an archive": (as_archive(PREDICTED), "x1/test.npy: not an array: the magic string"),
    "doubles": (array(PREDICTED, lambda a: a.astype(float)), "test.npy: float64 .*" + SHAPE),
    "integers": (array(PREDICTED, lambda a: a.astype(int)), "test.npy: int64 .*" + SHAPE),
    "one repeat without its axis": (array(PREDICTED, lambda a: a[0]), r"float32 \(30, 3\)" + SHAPE),
    "no repeat": (array(PREDICTED, lambda a: a[:0]), r"\(0, 30, 3\)" + SHAPE),
    "a nucleus too few": (array(PREDICTED, lambda a: a[:, 1:]), r"\(2, 29, 3\)" + SHAPE),
    "a nucleus too many": (array(PREDICTED, lambda a: a[:, [0, *range(30)]]), "31, 3.*" + SHAPE),
    "a class too few": (array(PREDICTED, lambda a: a[..., 1:]), r"\(2, 30, 2\)" + SHAPE),
    "NaN": (put(np.nan, 0.5, 0.5), "repeat 1, row 3 of nuclei.csv: probabilities nan, 0.5, 0.5"),
    "a fold that was not predicted": (put(*[np.nan] * 3), "row 3 .*: probabilities nan, nan, nan"),
    "negative": (
        put(-0.2, 0.6, 0.6),
        "probabilities -0.2, 0.6, 0.6; valid: 3 from 0 to 1 that sum",
    ),
    "infinite": (put(np.inf, 0, 0), "probabilities inf, "),
    "a sum of 2": (put(1, 0.5, 0.5), "probabilities 1, 0.5, 0.5"),
    "a record that is no JSON": (write(TRAINED, "{"), "none/x1.json: "),
    "a record without draws": (
        replace(TRAINED, '"draws"', '"drew"'),
        "none/x1.json: it lacks draws",
    ),
}
AUGMENT = {
    "an unknown operation": (
        nothing,
        "augmentation 'melt': no operation 'melt'; valid: none",
        "melt",
    ),
    "a path": (nothing, r"augmentation '\.\./x': no operation", "../x"),
    "no word": (nothing, "augmentation '': no operation", ""),
    "a doubled operation": (nothing, "may stand in a recipe only once", "flip+flip"),
    "no crops": (CROPS.unlink, "No such file or directory: 'data/prepared/nuclei.npy'", "none"),
    "three axes": (array(CROPS, lambda a: a[0]), ARRAY + r"uint8 \(16, 16, 3\)", "none"),
    "no square": (array(CROPS, lambda a: a[:, 1:]), ARRAY + r"uint8 \(\d+, 15, 16, 3\)", "none"),
    "one channel": (array(CROPS, lambda a: a[..., :1]), ARRAY + ".*16, 1", "none"),
    "floats": (array(CROPS, lambda a: a / 255), ARRAY + "float64", "none"),
    "no crop": (array(CROPS, lambda a: a[:0]), ARRAY + r"uint8 \(0, 16", "none"),
    "Fortran order": (array(CROPS, np.asfortranarray), ARRAY + "in Fortran order", "none"),
    "objects": (array(CROPS, lambda a: a.astype(object)), NO_ARRAY + ".*Python objects", "none"),
    "zero bytes": (write(CROPS, b""), NO_ARRAY, "none"),
    "an archive": (as_archive(CROPS), NO_ARRAY + "the magic string is not correct", "none"),
    "HTML": (write(CROPS, b"<html></html>"), NO_ARRAY + "the magic string is not correct", "none"),
    "more than the file holds": (header((10**6, 16, 16, 3)), NO_ARRAY + "mmap length", "none"),
    "more than a file can hold": (header((2**62, 16, 16, 3)), NO_ARRAY, "none"),
    "a negative count": (header((-1, 16, 16, 3)), NO_ARRAY, "none"),
    "a header of code": (write(CROPS, b"\x93NUMPY\1\0\x10\0__import__('os')"), NO_ARRAY, "none"),
}
TRAIN = {
    "an unknown augmentation": (nothing, "'melt': data/augmented holds none;", "melt", "1"),
    "a path": (nothing, r"augmentation '\.\./prepared'", "../prepared", "1"),
    "an absolute path": (nothing, "augmentation '/etc'", "/etc", "1"),
    "a path as volume": (nothing, "volume: .* got '../../x'", "none", "../../x"),
    "volume 0": (nothing, "volume: a positive number .* got '0'", "none", "0"),
    "volume nan": (nothing, "volume: a positive number .* got 'nan'", "none", "nan"),
    "volume Inf": (nothing, "volume: a positive number .* got 'Inf'", "none", "Inf"),
    "volume 1e9": (nothing, "volume: a positive number .* got '1e9'", "none", "1e9"),
    "full-width volume": (nothing, "volume: a positive number .* got '１'", "none", "１"),
    "a missing copy": (nothing, "copy-2.npy is missing: volume 2.5 reads 3 copies", "none", "2.5"),
    "a hundred thousand copies": (nothing, "reads 100000 copies; raise", "none", "100000"),
    "a copy cut short": (cut_short(COPY), "copy-0.npy: not an array: mmap length", "none", "1"),
    "infinity in other words": (
        nothing,
        "volume: a positive number .* got 'infinity'",
        "none",
        "infinity",
    ),
    "a volume of no nucleus": (nothing, "volume: .*0.001 holds no nucleus", "none", "0.001"),
    "another draw than was stored": (
        array(COPY, lambda a: a ^ 1),
        f"{COPY.parent}: none draws otherwise now; type `dvc repro augment@none`",
        *("none", "inf"),
    ),
    "no record of the draws": (DRAWS.unlink, "No such file or directory: '.*json'", "none", "inf"),
    "draws that are no JSON": (write(DRAWS, "{"), f"{DRAWS}: ", "none", "1"),
    "draws of another kind": (write(DRAWS, '{"seed": 1}'), f"{DRAWS}: learned: ", "none", "1"),
    "folds that are no table": (write(FOLDS, b"\xff"), f"{FOLDS}: ", "none", "1"),
    "too few words": (nothing, "usage: stage.py AUG VOLUME", "none"),
    "a network that is not there": (
        replace(PARAMS, "network: tiny", "network: vgg"),
        "network must be one of",
        *("none", "1"),
    ),
}
CASES = {
    f"{main.__module__}: {what}": (main, *case)
    for main, cases in [(evaluate.main, EVALUATE), (augment.main, AUGMENT), (train.main, TRAIN)]
    for what, case in cases.items()
}


# Found once TensorFlow is there, behind the line that says what training runs on.
LATE = {"train: a volume of no nucleus", "train: folds that are no table"}


def _files():
    return {path for path in Path().rglob("*") if path.is_file()}


@pytest.mark.parametrize("case", CASES)
def test_a_bad_file_or_word_is_one_line(case, whole, tmp_path, monkeypatch, capfd):
    folder = tmp_path / "study"
    shutil.copytree(whole, folder)
    monkeypatch.chdir(folder)
    main, change, expected, *words = CASES[case]
    change()
    before = _files()
    said = ends(main, *words)
    assert re.match(f"(error|usage): .*{expected}|{expected}", said) and "\n" not in said
    assert _files() == before and not (tmp_path / "x").exists()
    out, err = capfd.readouterr()
    assert (out, "" if case in LATE else err) == ("", "")
