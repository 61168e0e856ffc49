"""One release, written again as a table of nuclei and as a project of QuPath: the same crops."""

import itertools
import json
import shutil
from pathlib import Path

import five_sites
import numpy as np
import pandas as pd
import pytest

import prepare
from nuclei.data.layouts.brca_m2c import BrcaM2C
from nuclei.data.layouts.fields import FieldOfView
from nuclei.data.layouts.qupath import QuPath

REAL = Path(__file__).parents[2] / "shared/data/brca-m2c"
QUPATHS = {"tumor": "Tumor", "stromal": "Stroma", "TIL": "Immune cells"}


def rows_of(release):
    """Every nucleus of the release with its field, centre and class."""
    of_class = {"tumor": "tumor", "fibroblast": "stromal", "lymphocyte": "TIL"}
    for path in sorted((release / "csv").glob("*.csv")):
        for _, row in pd.read_csv(path).iterrows():
            if row["raw_classification"] in of_class:
                x, y = (row["xmin"] + row["xmax"]) / 2, (row["ymin"] + row["ymax"]) / 2
                yield path.stem, x, y, of_class[row["raw_classification"]]


def as_table(release, folder, site=True):
    shutil.copytree(release / "rgb", folder / "fields")
    table = [
        {
            "path": f"fields/{name}.png",
            "label": label,
            "patient": name[:12],
            "x": x,
            "y": y,
            "microns_per_pixel": 0.2,
        }
        | ({"site": name[5:7]} if site else {})
        for name, x, y, label in rows_of(release)
    ]
    pd.DataFrame(table).to_csv(folder / "nuclei.csv", index=False)


def as_qupath(release, folder):
    shutil.copytree(release / "rgb", folder / "images")
    (folder / "annotations").mkdir()
    features, images = {}, []
    for name, x, y, label in rows_of(release):
        features.setdefault(name, []).append(
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [x, y]},
                "properties": {
                    "objectType": "detection",
                    "classification": {"name": QUPATHS[label]},
                },
            }
        )
    for name, of in features.items():
        whole = {"type": "FeatureCollection", "features": of}
        (folder / f"annotations/{name}.geojson").write_text(json.dumps(whole))
        images.append((f"{name}.png", name[:12], name[5:7], 0.2))
    columns = ["image", "patient", "site", "microns_per_pixel"]
    pd.DataFrame(images, columns=columns).to_csv(folder / "images.csv", index=False)


def prepared():
    """The bytes of every crop with the patient and class it is of, in an order of their own."""
    table = pd.read_csv("data/prepared/nuclei.csv")
    crops = np.load("data/prepared/nuclei.npy")
    pairs = zip(table["patient"], table["label"], crops, strict=True)
    return sorted((patient, label, crop.tobytes()) for patient, label, crop in pairs)


@pytest.fixture
def release(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return five_sites.build(tmp_path)


@pytest.mark.parametrize("write", [as_table, as_qupath])
def test_another_layout_has_the_same_crops_and_whole_hospitals(release, write):
    prepare.main()
    wanted = prepared()
    shutil.rmtree("data/prepared")
    write(release, release.parent / "mine")
    five_sites.params(Path(), "mine")
    prepare.main()
    assert prepared() == wanted
    folds = five_sites.summary()["folds"]
    assert [folds[fold]["test"]["sites"] for fold in folds] == [1] * 5


@pytest.mark.parametrize("one_site", [True, False])
def test_of_one_hospital_patients_are_dealt_to_folds(release, one_site):
    mine = release.parent / "mine"
    as_table(release, mine, site=False)
    if one_site:
        table = pd.read_csv(mine / "nuclei.csv").assign(site="North")
        table.to_csv(mine / "nuclei.csv", index=False)
    five_sites.params(Path(), "mine")
    prepare.main()
    table = pd.read_csv("data/prepared/nuclei.csv")
    assert (table["site"] == table["patient"]).all()
    folds = pd.read_csv("data/prepared/folds.csv")
    tested = folds[folds["split"] == "test"]
    assert sorted(tested["patient"]) == sorted(set(table["patient"]))
    assert (tested.groupby("fold").size() == 2).all()


def test_what_is_left_out_is_counted_and_told(release, capsys):
    mine = release.parent / "mine"
    as_table(release, mine)
    table = pd.read_csv(mine / "nuclei.csv")
    table.loc[:1, "label"] = ["Macrophage", "debris"]
    table.to_csv(mine / "nuclei.csv", index=False)
    (mine / "other.JPG").write_bytes(b"")
    five_sites.params(Path(), "mine", classes="{macrophage: stromal}")
    prepare.main()
    summary = five_sites.summary()
    assert summary["dropped"] == {"class 'debris'": 1}
    assert summary["pictures_not_read"] == {".jpg": {"files": 1, "first": "other.JPG"}}
    said = capsys.readouterr().out
    assert "39 of 40 nuclei kept; dropped: 1 class 'debris'\n" in said
    assert "not read: 1 .jpg files, such as other.JPG\n" in said


def test_a_name_in_a_skipped_field_alone_is_not_said_to_be_of_no_nucleus(release, capsys):
    mine = release.parent / "mine"
    as_table(release, mine)
    table = pd.read_csv(mine / "nuclei.csv")
    first = table["path"].iloc[0]
    table.loc[table["path"] == first, "label"] = "Macrophage"
    table.to_csv(mine / "nuclei.csv", index=False)
    (mine / first).write_bytes(b"")
    five_sites.params(Path(), "mine", classes="{macrophage: stromal}", on_error="skip", folds=2)
    prepare.main()
    said = capsys.readouterr().out
    assert "not used: prepare.classes 'macrophage': " in said
    assert "no nucleus, read as table of nuclei, is called that" not in said


def test_crops_that_are_not_square_are_counted_and_told(release, capsys):
    mine = release.parent / "mine"
    rows = []
    for number, (site, patient) in enumerate(itertools.product(five_sites.SITES, "AB")):
        for label in ("tumor", "stroma", "TIL", "debris"):  # debris is dropped
            path = f"{number}-{label}.png"
            shape = (30, 40, 3) if path in ("0-TIL.png", "0-debris.png") else (40, 40, 3)
            five_sites.write(mine / path, np.zeros(shape, np.uint8))
            rows.append((path, label, site + patient, site))
    columns = ["path", "label", "patient", "site"]
    pd.DataFrame(rows, columns=columns).to_csv(mine / "nuclei.csv", index=False)
    five_sites.params(Path(), "mine")
    prepare.main()
    counted = five_sites.summary()["crops_not_square"]
    assert counted == {"files": 1, "first": "0-TIL.png"}
    said = "not square, so stretched: 1 crops, such as 0-TIL.png\n"
    assert said in capsys.readouterr().out


@pytest.mark.skipif(not REAL.is_dir(), reason="real BRCA-M2C is not at hand")
def test_real_dots_as_points_of_qupath_are_the_same_nuclei():
    fields = BrcaM2C().fields([f"images/{path.name}" for path in (REAL / "images").iterdir()], b"")
    count = 0
    for field in fields:
        dots, _ = BrcaM2C().nuclei(field, (REAL / field.labels).read_bytes())
        features = [
            {
                "type": "Feature",
                "geometry": {"type": "Point", "coordinates": [dot.x, dot.y]},
                "properties": {"objectType": "detection", "classification": {"name": dot.label}},
            }
            for dot in dots
        ]
        written = FieldOfView(field.name, field.image, "a.geojson", field.patient, field.site, 0.5)
        nuclei, dropped = QuPath().nuclei(written, json.dumps(features).encode())
        assert [nucleus[:4] for nucleus in nuclei] == [dot[:4] for dot in dots]
        assert not dropped
        count += len(nuclei)
    assert count == 30638
