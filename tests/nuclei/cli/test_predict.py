"""A trained model on images outside the study: the same crops, so the same probabilities."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from commands import ENVIRONMENT
from PIL import Image

from nuclei.core.classes import CLASSES
from nuclei.core.folds import of_tables
from nuclei.training import models

CONFIGURATION = "none/x0.5"


def _predict(study, *words):
    command = [sys.executable, "-m", "nuclei.cli.predict", *map(str, words)]
    return subprocess.run(command, cwd=study, env=ENVIRONMENT, capture_output=True, text=True)


def _mean_of_all_networks(study, crops):
    made = json.loads((study / "models" / CONFIGURATION / "model.json").read_text())["checkpoints"]
    assert len(made) == 2
    networks = [
        models.load(study / "models" / CONFIGURATION, of["fold"], of["repeat"]) for of in made
    ]
    each = [network.predict(crops, batch_size=256, verbose=0) for network in networks]
    return pd.DataFrame(np.mean(each, axis=0, dtype=float), columns=list(CLASSES))


@pytest.fixture(scope="module")
def nuclei(study):
    """The study's rows, each with all networks' mean prediction and its place in its field."""
    table = pd.read_csv(study / "data/prepared/nuclei.csv", keep_default_na=False)
    rows = table.join(_mean_of_all_networks(study, np.load(study / "data/prepared/nuclei.npy")))
    boxes = []
    for name, fields in rows.groupby("source"):
        labels = pd.read_csv(
            study / "data/raw/simulated" / name.replace("rgb/", "csv/").replace("png", "csv")
        )
        boxes.append(
            labels.iloc[fields["id"].str.rpartition("/")[2].astype(int)].set_index(fields.index)
        )
    box = pd.concat(boxes)
    return rows.assign(x=(box.xmin + box.xmax) / 2, y=(box.ymin + box.ymax) / 2)


def test_a_field_is_classified_as_in_the_study_whatever_params_yaml_says_now(
    study, nuclei, tmp_path
):
    sources = nuclei["source"].unique()[:2]
    rows = nuclei[nuclei["source"].isin(sources)]
    for source, of_field in rows.groupby("source"):
        shutil.copy(study / "data/raw/simulated" / source, tmp_path)
        name = source.removeprefix("rgb/").removesuffix(".png")
        of_field[["x", "y"]].to_csv(tmp_path / f"{name}.csv", index=False)
    params = study / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("side: 16", "side: 24").replace("microns: 16", "microns: 30"))
    try:
        done = _predict(study, tmp_path, f"models/{CONFIGURATION}", tmp_path / "out.csv", 0.2)
    finally:
        params.write_text(before)
    assert done.returncode == 0, done.stderr
    made = pd.read_csv(tmp_path / "out.csv")
    wanted = pd.concat([rows[rows["source"] == source] for source in sorted(sources)])
    np.testing.assert_allclose(made[list(CLASSES)], wanted[list(CLASSES)], atol=2e-5)
    assert list(made["predicted"]) == [
        CLASSES[k] for k in wanted[list(CLASSES)].to_numpy().argmax(1)
    ]


def test_a_crop_is_classified_as_in_the_study(study, nuclei, tmp_path):
    crops = np.load(study / "data/prepared/nuclei.npy")
    for row in range(3):
        Image.fromarray(crops[row]).save(tmp_path / f"{row}.png")
    done = _predict(study, tmp_path, f"models/{CONFIGURATION}", tmp_path / "out.csv")
    assert "out.csv: 3 nuclei of 3 images" in done.stdout, done.stderr
    made = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(made[list(CLASSES)], nuclei[list(CLASSES)][:3], atol=2e-5)


def test_objects_of_qupath_come_back_with_their_classes(study, nuclei, tmp_path):
    source = nuclei["source"].iloc[0]
    rows = nuclei[nuclei["source"] == source]
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    shutil.copy(study / "data/raw/simulated" / source, images / "slide.png")
    features = [
        {
            "type": "Feature",
            "id": f"id-{row.id}",
            "geometry": {"type": "Point", "coordinates": [row.x, row.y]},
            "properties": {"objectType": "detection", "name": row.id},
        }
        for row in rows.itertuples()
    ]
    (images / "slide.geojson").write_text(json.dumps(features))
    done = _predict(study, images, f"models/{CONFIGURATION}", out, 0.2)
    assert done.stdout == f"{out}/slide.geojson: {len(rows)} nuclei\n", done.stderr
    made = json.loads((out / "slide.geojson").read_text())["features"]
    assert [one["id"] for one in made] == [one["id"] for one in features]
    names = {"Stroma": "stromal", "Immune cells": "TIL", "Tumor": "tumor"}
    likeliest = rows[list(CLASSES)].to_numpy().argmax(axis=1)
    said = [names[one["properties"]["classification"]["name"]] for one in made]
    assert said == [CLASSES[k] for k in likeliest]
    done = _predict(study, images, f"models/{CONFIGURATION}", tmp_path / "out.csv", 0.2)
    assert done.returncode == 1 and "OUT: " in done.stderr


@pytest.mark.parametrize("out", ["images", ".", "images/a.csv", "taken", "file"])
def test_no_folder_and_nothing_that_is_read_is_replaced(study, tmp_path, out):
    images, taken = tmp_path / "images", tmp_path / "taken"
    for folder in (images, taken):
        folder.mkdir()
        Image.new("RGB", (20, 20)).save(folder / "a.png")
        (folder / "a.csv").write_bytes(b"x,y\n9,9\n")
    beside = b"[]" if out in ("images", "taken", "file") else None
    if beside:
        (images / "a.csv").rename(images / "a.geojson").write_bytes(beside)
    (tmp_path / "file").write_text("mine")
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    done = _predict(study, images, f"models/{CONFIGURATION}", tmp_path / out, 0.2)
    assert done.returncode == 1 and done.stderr.startswith(f"error: OUT: {tmp_path / out}")
    after = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert after == before


def test_geojson_comes_back_by_the_name_it_had(study, tmp_path):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    point = {"type": "Point", "coordinates": [9, 9]}
    properties = {"objectType": "detection"}
    feature = {"type": "Feature", "id": "1", "geometry": point, "properties": properties}
    for image, beside in (("a.png", "a.png"), ("a.jpg", "a.jpg"), ("b.ome.tif", "b")):
        Image.new("RGB", (20, 20)).save(images / image)
        (images / f"{beside}.geojson").write_text(json.dumps([feature]))
    done = _predict(study, images, f"models/{CONFIGURATION}", out, 0.2)
    assert sorted(path.name for path in out.iterdir()) == [
        "a.jpg.geojson",
        "a.png.geojson",
        "b.geojson",
    ], done.stderr
    assert done.stdout.count(": 1 nuclei") == 3
    (images / "a.png.geojson").write_text("{")
    done = _predict(study, images, f"models/{CONFIGURATION}", tmp_path / "second", 0.2)
    assert done.stdout == "" and not (tmp_path / "second").exists()


@pytest.mark.parametrize(("words", "name"), [(("", "m", "o"), "IMAGES"), (("i", "", ""), "MODEL")])
def test_what_is_not_given_is_named(study, words, name):
    done = _predict(study, *words)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith(f"error: {name}: is missing; valid: make predict IMAGES=DIR")


def test_a_loaded_network_says_of_its_folds_test_nuclei_what_the_study_says(study):
    crops = np.load(study / "data/prepared/nuclei.npy")
    found = of_tables(
        pd.read_csv(study / "data/prepared/nuclei.csv", keep_default_na=False),
        pd.read_csv(study / "data/prepared/folds.csv"),
    )
    predicted = np.load(study / "data/predictions" / CONFIGURATION / "test.npy")
    for fold, repeat in ((found[0], 1), (found[0], 0)):
        network = models.load(study / "models" / CONFIGURATION, fold.number, repeat)
        said = network.predict(crops[fold.test], verbose=0)
        np.testing.assert_allclose(said, predicted[repeat, fold.test], atol=1e-5)


def test_a_model_of_version_1_is_refused_in_one_line(study, tmp_path):
    model, images = tmp_path / "model", tmp_path / "images"
    shutil.copytree(study / "models" / CONFIGURATION, model)
    images.mkdir()
    Image.new("RGB", (20, 20)).save(images / "a.png")
    described = json.loads((model / "model.json").read_text())
    del described["checkpoints"]
    (model / "model.json").write_text(json.dumps(described))
    done = _predict(study, images, model, tmp_path / "out.csv")
    assert done.returncode == 1 and not (tmp_path / "out.csv").exists()
    assert done.stderr == f"error: {model}/model.json: checkpoints: this knob is missing\n"


@pytest.mark.parametrize(
    ("files", "scale", "said"),
    [
        ({}, (), "holds no image; valid: .png"),
        ({"a.png": None, "b.csv": b"x,y\n1,1\n"}, (0.25,), "b.csv: no image of that name beside"),
        ({"a.png": None, "a.csv": b"x,y\n"}, (0.25,), "a.csv: no nucleus, nor in any other file"),
        ({"a.png": None, "a.jpg": None, "a.csv": b"x,y\n"}, (1,), "a.csv: a.jpg and a.png beside"),
        ({"a.png": (345, 372)}, (), "345 × 372 pixels, and no CSV or GeoJSON of its name beside"),
        ({"a.png": None, "a.geojson": b"[]", "a.csv": b"x,y\n"}, (1,), "a.csv is of a.png, too"),
        ({"a.png": None, "a.geojson": b"{"}, (1,), "no JSON"),
        ({"a.png": None, "a.geojson": b"[]"}, (), "does not say its microns per pixel; valid: MIC"),
        ({"a.png": b"no"}, (), "a.png: not a whole PNG"),
        (
            {"a.png": None, "a.csv": b"x,y\n1,1\n"},
            (),
            "microns per pixel; valid: MICRONS_PER_PIXEL",
        ),
        ({"a.png": None, "a.csv": b"x,y\n1,1\n"}, (25,), "MICRONS_PER_PIXEL '25'; valid"),
        ({"a.png": None, "a.csv": b"x,y\n1,1\n"}, ("0,25",), "MICRONS_PER_PIXEL '0,25'; valid"),
        ({"a.png": None, "a.csv": b"x,z\n1,1\n"}, (0.25,), "header lacks y"),
        ({"a.png": None, "a.csv": b"x,y\n1,1\n1,99\n"}, (0.25,), "row 1: centre x 1, y 99"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(study, tmp_path, files, scale, said):
    for name, content in files.items():
        if content is None or isinstance(content, tuple):
            Image.new("RGB", content or (20, 20)).save(tmp_path / name)
        else:
            (tmp_path / name).write_bytes(content)
    done = _predict(study, tmp_path, f"models/{CONFIGURATION}", tmp_path / "out", *scale)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert said in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == set(files)
