"""Bad files between the stages, and bad words to them: one clear line, and no output."""

import re
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.repo import Repo
from release import PARAMS, build, ends, replace, write

import augment
import evaluate
import prepare
import train

CROPS, COPY = Path("data/prepared/train.npy"), Path("data/augmented/none/copy-0.npy")
PREDICTED = Path("data/predictions/none/x1.csv")
TRAINED = Path("data/training/none/x1.json")
DVC_YAML = """
stages:
  train:
    matrix: {aug: [none], volume: [1]}
    cmd: unused
    outs:
      - data/predictions/${item.aug}/x${item.volume}.csv
"""
RECORD = (
    '{"record": {"device": "CPU", "replicas": 1, "precision": "float32", "tensorflow": "2", '
    '"keras": "3", "nuclei": 9, "updates": 8}, "curves": [{"repeat": 0, "updates": 8, '
    '"split": "train", "loss": 1.0, "accuracy": 0.5, "macro_auc": 0.6}]}'
)
FIRST = re.compile("^0,.*\n", re.MULTILINE)
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
        test = pd.read_csv("data/prepared/test.csv")[["id", "label", "patient", "site"]]
        test.insert(0, "repeat", 0)
        test[["stromal", "TIL", "tumor"]] = np.random.default_rng(0).dirichlet([1, 1, 1], len(test))
        for path, text in [(PREDICTED, test.round(6).to_csv(index=False)), (TRAINED, RECORD)]:
            path.parent.mkdir(parents=True)
            path.write_text(text, encoding="utf-8")
    return folder


def first_row(change):
    """Change the cells of the first prediction."""

    def spoil():
        text = PREDICTED.read_text(encoding="utf-8")
        cells = FIRST.search(text)[0].rstrip("\n").split(",")
        changed = change(cells)
        lines = [",".join(cells) + "\n" for cells in changed]
        PREDICTED.write_text(FIRST.sub("".join(lines), text, count=1), encoding="utf-8")

    return spoil


def put(place, value):
    return first_row(lambda cells: [[*cells[:place], value, *cells[place + 1 :]]])


def array(path, make):
    """Write another array, made from the one there."""
    return lambda: np.save(path, make(np.load(path)))


def cut_short():
    COPY.write_bytes(COPY.read_bytes()[:-1])


def as_archive():
    np.savez("x", np.load(CROPS))
    shutil.move("x.npz", CROPS)


def header(shape):
    """Write the header of an array that the file does not hold."""

    def change():
        with CROPS.open("wb") as file:
            kind = {"descr": "|u1", "fortran_order": False, "shape": shape}
            np.lib.format.write_array_header_1_0(file, kind)

    return change


def no_rows():
    header, _, _ = PREDICTED.read_text(encoding="utf-8").partition("\n")
    PREDICTED.write_text(header, encoding="utf-8")


def nothing():
    """Spoil no file: the words are bad."""


ARRAY = "data/prepared/train.npy: not an array of crops: "
EVALUATE = {
    "no file": (PREDICTED.unlink, r"x1.csv is missing, .*`dvc repro train@none-1`"),
    "empty": (write(PREDICTED, ""), "x1.csv: No columns to parse"),
    "only a header": (no_rows, "x1.csv: no rows"),
    "not UTF-8": (write(PREDICTED, b"repeat,id\n\xff,1"), "x1.csv: .*can't decode"),
    "a cell too many": (first_row(lambda c: [[*c, "1", "2"]]), "x1.csv: "),
    "a cell too few": (first_row(lambda c: [c[:-1]]), "repeat 0, nucleus .*, ; three from 0"),
    "no column of a class": (replace(PREDICTED, "TIL", "til"), "x1.csv: column TIL is missing"),
    "NaN": (put(5, "nan"), "repeat 0, nucleus .*: probabilities nan, "),
    "negative": (first_row(lambda c: [[*c[:5], "-0.2", "0.6", "0.6"]]), "probabilities -0.2, 0.6"),
    "infinite": (put(5, "1e400"), "probabilities inf, "),
    "a sum of 2": (
        first_row(lambda c: [[*c[:5], "1", "0.5", "0.5"]]),
        "probabilities 1.0, 0.5, 0.5",
    ),
    "text": (put(5, "high"), "probabilities high, "),
    "full-width digits": (put(5, "１"), "probabilities １, "),
    "a missing nucleus": (first_row(lambda c: []), "repeat 0: 11 nuclei in 11 rows"),
    "a nucleus twice": (first_row(lambda c: [c, c]), "repeat 0: 12 nuclei in 13 rows"),
    "another nucleus": (put(1, "x/0"), "repeat 0: 12 nuclei in 12 rows"),
    "another label": (put(2, "Tumor"), "has label Tumor, the test rows say "),
    "another patient": (put(3, "TCGA-ZZ-ZZZZ"), "has patient TCGA-ZZ-ZZZZ, the test rows say "),
    "another site": (put(4, "ZZ"), "has site ZZ, the test rows say "),
    "repeat is text": (put(0, "first"), "repeat 0: 11 nuclei in 11 rows"),
    "a repeat of one nucleus": (put(0, "7"), "repeat 0: 11 nuclei in 11 rows"),
    "a record that is no JSON": (write(TRAINED, "{"), "none/x1.json: "),
    "an array of another shape": (array(COPY, lambda a: a[0]), "copy-0.npy: not an array of crops"),
}
AUGMENT = {
    "an unknown operation": (
        nothing,
        "augmentation 'blur': no operation 'blur'; valid: none",
        "blur",
    ),
    "a path": (nothing, r"augmentation '\.\./x': no operation", "../x"),
    "no word": (nothing, "augmentation '': no operation", ""),
    "a doubled operation": (nothing, "may stand in a recipe only once", "flip+flip"),
    "no crops": (CROPS.unlink, "No such file or directory: 'data/prepared/train.npy'", "none"),
    "three axes": (array(CROPS, lambda a: a[0]), ARRAY + r"uint8 \(16, 16, 3\)", "none"),
    "no square": (array(CROPS, lambda a: a[:, 1:]), ARRAY + r"uint8 \(\d+, 15, 16, 3\)", "none"),
    "one channel": (array(CROPS, lambda a: a[..., :1]), ARRAY + ".*16, 1", "none"),
    "floats": (array(CROPS, lambda a: a / 255), ARRAY + "float64", "none"),
    "no crop": (array(CROPS, lambda a: a[:0]), ARRAY + r"uint8 \(0, 16", "none"),
    "Fortran order": (array(CROPS, np.asfortranarray), ARRAY + "in Fortran order", "none"),
    "objects": (array(CROPS, lambda a: a.astype(object)), ARRAY + ".*Python objects", "none"),
    "zero bytes": (write(CROPS, b""), ARRAY, "none"),
    "an archive": (as_archive, ARRAY + "the magic string is not correct", "none"),
    "HTML": (write(CROPS, b"<html></html>"), ARRAY + "the magic string is not correct", "none"),
    "more than the file holds": (header((10**6, 16, 16, 3)), ARRAY + "mmap length", "none"),
    "more than a file can hold": (header((2**62, 16, 16, 3)), ARRAY, "none"),
    "a negative count": (header((-1, 16, 16, 3)), ARRAY, "none"),
    "a header of code": (write(CROPS, b"\x93NUMPY\1\0\x10\0__import__('os')"), ARRAY, "none"),
}
TRAIN = {
    "an unknown augmentation": (nothing, "'blur': data/augmented holds none;", "blur", "1"),
    "a path": (nothing, r"augmentation '\.\./prepared'", "../prepared", "1"),
    "an absolute path": (nothing, "augmentation '/etc'", "/etc", "1"),
    "a path as volume": (nothing, "volume: .* got '../../x'", "none", "../../x"),
    "volume 0": (nothing, "volume: a positive number .* got '0'", "none", "0"),
    "volume nan": (nothing, "volume: a positive number .* got 'nan'", "none", "nan"),
    "volume 1e9": (nothing, "volume: a positive number .* got '1e9'", "none", "1e9"),
    "full-width volume": (nothing, "volume: a positive number .* got '１'", "none", "１"),
    "a missing copy": (nothing, "copy-2.npy is missing: volume 2.5 reads 3 copies", "none", "2.5"),
    "a hundred thousand copies": (nothing, "reads 100000 copies; raise", "none", "100000"),
    "a copy cut short": (cut_short, "copy-0.npy: not an array of crops: mmap length", "none", "1"),
    "too few words": (nothing, "usage: stage.py AUG VOLUME", "none"),
    "a network that is not there": (
        replace(PARAMS, "network: small", "network: vgg"),
        "network must be one of",
        *("none", "1"),
    ),
}
CASES = {
    f"{main.__module__}: {what}": (main, *case)
    for main, cases in [(evaluate.main, EVALUATE), (augment.main, AUGMENT), (train.main, TRAIN)]
    for what, case in cases.items()
}


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
    assert capfd.readouterr() == ("", "")


def test_a_column_too_many_changes_no_score(whole, tmp_path, monkeypatch):
    found = []
    for name in ("as it was", "more"):
        shutil.copytree(whole, tmp_path / name)
        monkeypatch.chdir(tmp_path / name)
        if name == "more":
            pd.read_csv(PREDICTED).assign(note="x").to_csv(PREDICTED, index=False)
        assert ends(evaluate.main) is None
        found.append([path.read_bytes() for path in sorted(Path("metrics").rglob("*.json"))])
    assert found[0] == found[1] and len(found[0]) == 2
