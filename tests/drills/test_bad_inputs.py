"""Bad params and bad raw folders: the right result or one clear line, nothing that looks whole."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from dvc.repo import Repo
from release import (
    FIELD,
    HEADER,
    IMAGE,
    LABELS,
    LISTS,
    PARAMS,
    RAW,
    ROOT,
    SAME,
    SLIDES,
    TEST,
    TRAIN,
    build,
    ends,
    ends_right,
    folder_instead,
    link,
    rename,
    replace,
    write,
)

import prepare

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.drill("bad params and raw folders: the right result or one line"),
]
NO = "params.yaml: "
FILES = ": valid: files, folders and links"
BOMB = "".join(f"x{i}: &x{i} [{', '.join([f'*x{i - 1}'] * 9)}]\n" for i in range(1, 30))


def knob(old, new):
    return replace(PARAMS, f"\n{old}", f"\n{new}")


def data(new):
    return replace(PARAMS, "data: release", new)


def every_row(old, new):
    return lambda: [replace(path, old, new)() for path in RAW.glob("csv/*")]


def released(change):
    """Spoil the folder by `change`, and ask for the released list alone."""

    def both():
        knob("  folds: 5", "  folds: released")()
        change()

    return both


def moved(slide, fold, split):
    """Move a slide to one of a fold's two lists from the other."""

    def change():
        other = LISTS[fold, "train" if split == "test" else "test"]
        replace(other, slide, "TCGA-ZZ-ZZZZ-DX1")()
        replace(LISTS[fold, split], "0,", f"9,{slide}\n0,")()

    return change


def no_rows():
    for path in RAW.glob("csv/*"):
        path.write_text(HEADER)


def only(*slides):
    def change():
        for path in [*RAW.glob("rgb/*"), *RAW.glob("csv/*")]:
            if not path.name.startswith(slides):
                path.unlink()

    return change


def empty_folders(*names):
    """Leave folders that hold a file each, of no known ending."""

    def change():
        for name in names:
            shutil.rmtree(RAW / name, ignore_errors=True)
            (RAW / name).mkdir()
            (RAW / name / "a").touch()

    return change


def into_dvcs_cache():
    Repo.init(no_scm=True).close()
    cache = Path(".dvc/cache/files/md5/ab")
    cache.mkdir(parents=True)
    IMAGE.rename(cache / "cd")
    IMAGE.symlink_to((cache / "cd").absolute())


IN_PARAMS = {
    "no file": (PARAMS.unlink, "params.yaml.*No such file"),
    "a folder": (folder_instead(PARAMS), "params.yaml.*Is a directory"),
    "empty": (write(PARAMS, ""), NO + "the whole file: .*; got None"),
    "a list": (write(PARAMS, "- a\n- b\n"), NO + "the whole file: .*; got a list"),
    "no YAML": (write(PARAMS, "a: [1"), NO + ".*line 1"),
    "two documents": (knob("prepare:", "---\nprepare:"), NO + "expected a single document"),
    "UTF-16": (write(PARAMS, "data: a".encode("utf-16")), NO + ".*can't decode"),
    "unknown key": (
        knob("  folds: 5", "  flods: 2\n  folds: 5"),
        NO + "prepare.flods: no such knob",
    ),
    "a knob of version 1": (knob("  folds: 5", "  fold: 1"), NO + "prepare.fold: .*perhaps folds"),
    "missing key": (knob("  folds: 5", "  #"), NO + "prepare.folds: this knob is missing"),
    "a key twice": (knob("  folds: 5", "  folds: 4\n  folds: 5"), NO + '.*duplicate key "folds"'),
    "a key of two lines": (knob("data:", '"a\\nb": 1\ndata:'), NO + "a b: no such knob"),
    "text for a number": (knob("  folds: 5", "  folds: one"), NO + "prepare.folds.*: .*got 'one'"),
    "yes for a number": (knob("  folds: 5", "  folds: true"), NO + "prepare.folds.*: .*got True"),
    "out of range": (knob("  folds: 5", "  folds: 21"), NO + "prepare.folds.*: .*got 21"),
    "other than the release has": (knob("  folds: 5", "  folds: 4"), {}),
    "no order": (knob("  order: nuclei", "  order: sites"), NO + "prepare.order: .*got 'sites'"),
    "not a number": (
        knob("  window_um: 16", "  window_um: .nan"),
        NO + "prepare.window_um: .*got nan",
    ),
    "10^400": (knob("  copies: 2", f"  copies: 1{'0' * 400}"), NO + "augment.copies: .*1000000"),
    "5,000 digits": (knob("  copies: 2", f"  copies: {'9' * 5000}"), NO + "Exceeds the limit"),
    "10^12 copies": (knob("  copies: 2", "  copies: 1000000000000"), NO + "augment.copies: .*"),
    "no date": (knob("data:", "a: 2022-13-45\ndata:"), NO + "month must be in 1..12"),
    "a Python object": (
        knob("data:", "a: !!python/object/apply:os.mkdir [pwned]\ndata:"),
        NO + "could not determine a constructor",
    ),
    "aliases that explode": (
        write(PARAMS, "x0: &x0 [1]\n" + BOMB),
        NO + "x0: no such knob; got a list",
    ),
    "an alias bomb as a knob": (
        data(f"x0: &x0 [1]\n{BOMB}data: *x29"),
        NO + "x0: no such knob; got a list",
    ),
    "deep nesting": (write(PARAMS, "[" * 1_100), NO + "maximum recursion depth"),
    "a small number": (knob("    learning_rate: 0.003", "    learning_rate: 1e-05"), SAME),
    "Windows line ends": (lambda: write(PARAMS, PARAMS.read_text().replace("\n", "\r\n"))(), SAME),
    "data outside": (data("data: ../raw/release"), NO + "data: .*'../raw/release'"),
    "data absolute": (data("data: /etc"), NO + "data: .*'/etc'"),
    "data of two lines": (data('data: "release\\n"'), NO + "data: .*release"),
    "data long": (data(f"data: {'a' * 300}"), "params.yaml: data: .*at most 100 .*a{70}"),
    "data not there": (data("data: nucls"), NO + "data: .*raw holds: release$"),
    "a command as aug": (
        knob("aug: none", "aug: flip; touch pwned"),
        NO + "aug: operations in lower case",
    ),
}
IN_THE_FOLDER = {
    "an image out": (link(IMAGE, "aside"), f"{IMAGE}: a link to a place outside {RAW}"),
    "labels absolute": (link(LABELS, "/etc/passwd"), f"{LABELS}: a link to a place outside"),
    "a link to nothing": (link(IMAGE, "nothing"), f"{IMAGE}{FILES}"),
    "a link to itself": (link(IMAGE, IMAGE), f"{IMAGE}{FILES}"),
    "a linked folder": (link(TRAIN.parent, "aside"), f"{TRAIN.parent}{FILES}"),
    "the raw folder a link": (link(RAW, "aside"), SAME),
    "a link inside": (lambda: (IMAGE.rename(RAW / "x"), IMAGE.symlink_to("../x")), SAME),
    "a link into DVC's cache": (into_dvcs_cache, SAME),
    "a pipe": (lambda: os.mkfifo(RAW / "rgb/pipe.png"), f"rgb/pipe.png{FILES}"),
    "a folder as image": (folder_instead(IMAGE), f"{IMAGE}: Is a directory"),
    "a folder as labels": (folder_instead(LABELS), f"{LABELS}: Is a directory"),
    "a missing image": (IMAGE.unlink, f"{IMAGE}: No such file"),
    "missing labels": (LABELS.unlink, f"{LABELS}: No such file"),
    "a name of two lines": (write(RAW / "rgb/a\nb.png", b""), r"'rgb/a\\nb.png': a name must be"),
    "a name no UTF-8": (write(RAW / "rgb/\udcff.png", b""), r"'rgb/\\udcff.png': a name must be"),
    "a name with a space": (rename(IMAGE, f"{FIELD} .png"), "rgb/.* : not the name of a field"),
    "a long name": (write(RAW / f"rgb/{'a' * 240}.png", b""), "a{240}: not the name of a field"),
    "a name in small letters": (rename(IMAGE, f"{FIELD.lower()}.png"), "not the name of a field"),
    "full-width digits": (rename(IMAGE, f"{FIELD[:-1]}２.png"), "not the name of a field"),
    "a hidden file": (write(RAW / "rgb/.DS_Store", b"x"), SAME),
    "no known layout": (rename(RAW / "rgb", "png"), "holds no known layout; found folders: csv, p"),
    "two layouts": (empty_folders("images", "labels"), "more than one known layout"),
    "no field": (only("x"), f"{RAW}: holds no known layout; found folders: train_test_splits"),
    "no image": (empty_folders("rgb", "csv"), "NuCLS release, but without an image in rgb/"),
    "one patient": (only(SLIDES[0]), "prepare.folds: 5 folds .* hold 1: .*; valid: released"),
    "one patient of the list": (released(only(SLIDES[0])), "outside test are of site none; at le"),
    "one site": (
        released(only("TCGA-A1", "TCGA-BH")),
        "fold 1: .* of site BH; at least two sites are needed",
    ),
    "a site of five is lacking": (
        only("TCGA-A", "TCGA-E"),
        "prepare.folds: 5 folds of whole sites .* the data hold 4: A1, A2, AN, E2; valid",
    ),
    "no test": (released(only("TCGA-A2", "TCGA-B")), "fold 1: no patient is in test"),
    "one class": (every_row("lymphocyte", "tumor"), "fold 1: .* holds no TIL nucleus; every split"),
    "no nucleus": (no_rows, "no nucleus remains of 10 fields"),
    "a slide in both lists": (
        replace(TEST, "1,", f"9,{SLIDES[6]}\n1,"),
        f"{SLIDES[6]} is in both of",
    ),
    "a slide in no list": (replace(TRAIN, SLIDES[2], "../x"), f"{SLIDES[2]} is in neither of"),
    "an unknown slide": (replace(TRAIN, "5,", "5,TCGA-ZZ-ZZZZ-DX1\n6,"), SAME),
    "an empty list": (write(TRAIN, ""), "fold_1_train.csv: header lacks slide_name; got ''"),
    "no row in a list": (write(TEST, ",slide_name\n"), "is in neither of"),
    "no list": (TEST.unlink, f"{TEST}: No such file"),
    "no list of fold 5": (LISTS[5, "train"].unlink, f"{LISTS[5, 'train']}: No such file"),
    "a slide that two folds test": (moved(SLIDES[0], 2, "test"), "is tested by these folds: 1, 2"),
    "a slide that no fold tests": (
        moved(SLIDES[3], 2, "train"),
        "is tested by these folds: none",
    ),
}
CASES = {f"params.yaml: {what}": case for what, case in IN_PARAMS.items()}
CASES |= {f"raw folder: {what}": case for what, case in IN_THE_FOLDER.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_right_result_or_one_line(case, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    ends_right(prepare.main, *CASES[case])
    assert capfd.readouterr() == ("", "")
    assert not Path("pwned").exists()


@pytest.mark.parametrize(
    ("script", "what"),
    [
        ("prepare", "deep nesting"),
        ("simulate", "a Python object"),
        ("evaluate", "a key of two lines"),
    ],
)
def test_the_command_line_says_the_same(script, what, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build()
    change, expected = IN_PARAMS[what]
    change()
    command = [sys.executable, ROOT / f"src/{script}.py"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=180)
    assert (done.returncode, done.stdout) == (1, "")
    assert re.fullmatch(f"error: {expected}.*\n", done.stderr)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder and file")
@pytest.mark.parametrize("path", [RAW / "rgb", IMAGE, LABELS, PARAMS])
def test_what_may_not_be_read_is_named(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    build()
    mode = path.stat().st_mode
    path.chmod(0)
    said = ends(prepare.main)
    path.chmod(mode)
    assert re.fullmatch(f"error: .*({path}|{path.resolve()}).*", said)
    assert "Permission denied" in said and not Path("data/prepared").exists()
