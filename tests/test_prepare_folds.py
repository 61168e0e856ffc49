"""Prepare: which patients each fold trains on, is validated on, and tests."""

from itertools import product
from pathlib import Path

import five_sites
import numpy as np
import pandas as pd
import pytest
from commands import ROOT

import prepare
from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS, shared_sites

REAL = ROOT.parent / "shared" / "data"


@pytest.fixture
def release(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return five_sites.build(tmp_path)


def _folds():
    return pd.read_csv("data/prepared/folds.csv")


def _is_sound():
    """Every patient is in every fold, in one split, and tested once, its site apart from train."""
    nuclei, folds = pd.read_csv("data/prepared/nuclei.csv"), _folds()
    patients = sorted(nuclei["patient"].unique())
    for _, rows in folds.groupby("fold"):
        assert sorted(rows["patient"]) == patients
        assert set(rows["split"]) == set(SPLITS)
    tested = folds[folds["split"] == "test"]["patient"]
    assert sorted(tested) == patients
    site_of = dict(zip(nuclei["patient"], nuclei["site"], strict=True))
    assert shared_sites(folds, site_of) == {}
    held = folds.assign(site=folds["patient"].map(site_of)).groupby(["fold", "site"])["split"]
    assert (held.nunique() == 1).all()


def test_each_fold_tests_the_patients_of_its_list_and_every_patient_is_tested_once(release):
    prepare.main()
    _is_sound()
    folds = _folds()
    assert list(folds) == ["fold", "patient", "split"]
    tested = folds[folds["split"] == "test"].groupby("fold")["patient"].agg(list)
    assert tested.to_dict() == {
        n: [f"TCGA-{site}-A00{patient}" for patient in (0, 1)]
        for n, site in enumerate(five_sites.SITES, 1)
    }


def test_released_is_the_first_list_alone(release):
    prepare.main()
    five = _folds()
    five_sites.params(Path(), "release", folds="released")
    prepare.main()
    pd.testing.assert_frame_equal(_folds(), five[five["fold"] == 1])
    assert list(five_sites.summary()["folds"]) == ["1"]


@pytest.mark.parametrize("order", ["nuclei", "patients"])
def test_the_order_is_the_one_asked_for_and_the_folds_are_not_its_business(release, order):
    prepare.main()
    before = five_sites.outputs()
    five_sites.params(Path(), "release", order=order)
    prepare.main()
    patients = pd.read_csv("data/prepared/nuclei.csv")["patient"].to_numpy()
    assert five_sites.summary()["order"] == order
    assert ((patients[1:] != patients[:-1]).sum() + 1 == 10) == (order == "patients")
    assert five_sites.outputs()["folds.csv"] == before["folds.csv"]


def test_a_missing_class_is_named_with_fold_and_split(release):
    for patient in (0, 1):
        path = release / "csv" / f"{five_sites.field('AN', patient)}.csv"
        five_sites.write(path, five_sites.HEADER + five_sites.ROWS.replace("lymphocyte", "tumor"))
    with pytest.raises(InputError, match=r"fold [1-5]: (test|validation) holds no TIL nucleus"):
        prepare.main()
    assert not Path("data/prepared").exists()


def test_a_missing_fold_names_its_file_unless_the_first_is_asked_for_alone(release):
    for split in ("train", "test"):
        (release / f"train_test_splits/fold_3_{split}.csv").unlink()
    with pytest.raises(InputError, match=r"fold_3_train\.csv: No such file"):
        prepare.main()
    five_sites.params(Path(), "release", folds="released")
    prepare.main()


def test_another_number_of_folds_than_was_released_deals_whole_sites(release):
    five_sites.params(Path(), "release", folds=4)
    prepare.main()
    _is_sound()
    tested = [counts["test"]["patients"] for counts in five_sites.summary()["folds"].values()]
    assert sorted(tested) == [2, 2, 2, 4]  # of five sites of two patients, one fold has two


def test_a_patient_with_slides_in_two_folds_is_named(release):
    other = five_sites.field("A2").replace("DX1", "DX2")
    five_sites.write(release / "rgb" / f"{other}.png", np.zeros((40, 50, 3), np.uint8))
    five_sites.write(release / "csv" / f"{other}.csv", five_sites.HEADER + five_sites.ROWS)
    for fold in range(1, 6):
        path = release / f"train_test_splits/fold_{fold}_{'test' if fold == 4 else 'train'}.csv"
        path.write_text(path.read_text() + "9,TCGA-A2-A000-DX2\n")
    with pytest.raises(InputError, match="patient TCGA-A2-A000 is tested by folds 2 and 4; valid"):
        prepare.main()


@pytest.fixture
def notebook(tmp_path, monkeypatch):
    """Crops of six patients of three sites, two of them in both folders."""
    raw = tmp_path / "data" / "raw" / "crops"
    for site, folder in [
        ("A1", "classification"),
        ("A2", "classification"),
        ("BH", "classification"),
        ("BH", "classification_test"),
    ]:
        names = enumerate(["tumor", "stromal", "TIL", "unknown"])
        for (i, label), patient in product(names, ("A000", "A001")):
            image = np.full((20 + 30 * i, 40, 3), i, np.uint8)
            five_sites.write(raw / folder / f"{label}.{i}.0.TCGA-{site}-{patient}-DX1.png", image)
    monkeypatch.chdir(tmp_path)


def test_crops_of_the_notebook_as_its_folders_split_them(notebook):
    five_sites.params(Path(), "crops", folds="released")
    prepare.main()
    summary = five_sites.summary()
    assert summary["rows"] == {"read": 32, "kept": 24, "dropped": 8}
    moved = {"from": ["train", "test"], "to": "test"}
    assert summary["moved"] == {"TCGA-BH-A000": moved, "TCGA-BH-A001": moved}
    test = summary["folds"]["1"]["test"]
    assert (test["nuclei"], test["patients"], test["sites"]) == (12, 2, 1)
    assert not Path("data/prepared/sizes.csv").exists()


def test_a_release_without_folds_is_dealt_whole_sites_and_not_more_folds_than_sites(notebook):
    five_sites.params(Path(), "crops", folds=3)
    prepare.main()
    _is_sound()
    assert (
        list(five_sites.summary()["folds"]) == ["1", "2", "3"]
        and five_sites.summary()["moved"] == {}
    )
    five_sites.params(Path(), "crops", folds=5)
    with pytest.raises(InputError, match=r"5 folds of whole sites .* the data hold 3: A1, A2, BH;"):
        prepare.main()


def _real(folder, monkeypatch, name, data):
    (folder / "data" / "raw").mkdir(parents=True)
    (folder / "data" / "raw" / name).symlink_to(data)
    monkeypatch.chdir(folder)


needs_brca = pytest.mark.skipif(
    not (REAL / "brca-m2c").is_dir(), reason="real BRCA-M2C is not at hand"
)


@needs_brca
def test_real_brca_m2c_as_released(tmp_path, monkeypatch):
    _real(tmp_path, monkeypatch, "brca-m2c", REAL / "brca-m2c")
    five_sites.params(tmp_path, "brca-m2c", folds="released")
    prepare.main()
    summary = five_sites.summary()
    assert summary["rows"] == {"read": 30638, "kept": 30638, "dropped": 0}
    whole = {"from": ["train", "validation"], "to": "train"}
    assert summary["moved"] == {"TCGA-A7-A0DB": whole, "TCGA-A7-A13G": whole}
    counts = summary["folds"]["1"]
    patients = {split: count["patients"] for split, count in counts.items()}
    assert patients == {"train": 75, "validation": 8, "test": 30}
    assert sum(count["nuclei"] for count in counts.values()) == 30638


@needs_brca
@pytest.mark.parametrize("order", ["nuclei", "patients"])
def test_real_brca_m2c_in_five_folds_of_whole_sites(tmp_path, monkeypatch, order):
    _real(tmp_path, monkeypatch, "brca-m2c", REAL / "brca-m2c")
    five_sites.params(tmp_path, "brca-m2c", order=order)
    prepare.main()
    _is_sound()
    tested = [counts["test"]["patients"] for counts in five_sites.summary()["folds"].values()]
    assert tested == [47, 29, 17, 10, 10]  # two sites hold two thirds of the patients
