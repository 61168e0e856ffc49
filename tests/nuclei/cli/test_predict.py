"""A trained model on images outside the study: the same crops, so the same probabilities."""

import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from commands import ENVIRONMENT
from PIL import Image

from nuclei.cli.predict import predict
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import of_tables
from nuclei.training import models

CONFIGURATION = "none/x1"


@pytest.fixture
def model(study):
    """Return the folder of a model of the study, which has two networks."""
    return str(study / "models" / CONFIGURATION)


def _mean_of_all_networks(folder, crops):
    names = [path.name for path in folder.glob("*.h5")]
    assert len(names) == 2
    numbers = [map(int, re.findall(r"\d+", name)[:2]) for name in names]
    each = [
        models.load(folder, *pair).predict(crops, batch_size=256, verbose=0) for pair in numbers
    ]
    return pd.DataFrame(np.mean(each, axis=0, dtype=float), columns=list(CLASSES))


@pytest.fixture(scope="module")
def nuclei(study):
    """The study's rows, each with all networks' mean prediction and its place in its field."""
    table = pd.read_csv(study / "data/prepared/nuclei.csv", keep_default_na=False)
    crops = np.load(study / "data/prepared/nuclei.npy")
    rows = table.join(_mean_of_all_networks(study / "models" / CONFIGURATION, crops))
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
    study, model, nuclei, tmp_path, monkeypatch
):
    sources = nuclei["source"].unique()[:2]
    rows = nuclei[nuclei["source"].isin(sources)]
    for source, of_field in rows.groupby("source"):
        shutil.copy(study / "data/raw/simulated" / source, tmp_path)
        name = source.removeprefix("rgb/").removesuffix(".png")
        of_field[["x", "y"]].to_csv(tmp_path / f"{name}.csv", index=False)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text("prepare: {side: 24, window_um: 30}")
    predict(str(tmp_path), model, "out.csv", 0.2)
    table = pd.read_csv(tmp_path / "out.csv")
    wanted = pd.concat([rows[rows["source"] == source] for source in sorted(sources)])
    np.testing.assert_allclose(table[list(CLASSES)], wanted[list(CLASSES)], atol=2e-5)
    assert list(table["predicted"]) == [
        CLASSES[k] for k in wanted[list(CLASSES)].to_numpy().argmax(1)
    ]


def test_a_crop_is_classified_as_in_the_study(study, model, nuclei, tmp_path, capsys):
    crops = np.load(study / "data/prepared/nuclei.npy")
    for row in range(3):
        Image.fromarray(crops[row]).save(tmp_path / f"{row}.png")
    predict(str(tmp_path), model, str(tmp_path / "out.csv"))
    assert "out.csv: 3 nuclei of 3 images" in capsys.readouterr().out
    table = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(table[list(CLASSES)], nuclei[list(CLASSES)][:3], atol=2e-5)


def test_objects_of_qupath_come_back_with_their_classes(study, model, nuclei, tmp_path, capsys):
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
    predict(str(images), model, str(out), 0.2)
    assert capsys.readouterr().out == f"{out}/slide.geojson: {len(rows)} nuclei\n"
    made = json.loads((out / "slide.geojson").read_text())["features"]
    assert [one["id"] for one in made] == [one["id"] for one in features]
    names = {"Stroma": "stromal", "Immune cells": "TIL", "Tumor": "tumor"}
    likeliest = rows[list(CLASSES)].to_numpy().argmax(axis=1)
    said = [names[one["properties"]["classification"]["name"]] for one in made]
    assert said == [CLASSES[k] for k in likeliest]
    with pytest.raises(InputError, match=r"^--out .*: is no folder; valid beside GeoJSON"):
        predict(str(images), model, str(tmp_path / "out.csv"), 0.2)


@pytest.mark.parametrize("out", ["images", ".", "images/a.csv", "taken", "file"])
def test_no_folder_and_nothing_that_is_read_is_replaced(model, tmp_path, out):
    images, taken = tmp_path / "images", tmp_path / "taken"
    for folder in (images, taken):
        folder.mkdir()
        Image.new("RGB", (20, 20)).save(folder / "a.png")
        (folder / "a.csv").write_bytes(b"x,y\n9,9\n")
    beside = b"[]" if out in ("images", "taken", "file") else None
    if beside:
        (images / "a.csv").rename(images / "a.geojson").write_bytes(beside)
    (tmp_path / "file").write_text("mine")
    before = _content(tmp_path)
    with pytest.raises(InputError, match=f"^--out {tmp_path / out}: "):
        predict(str(images), model, str(tmp_path / out), 0.2)
    assert _content(tmp_path) == before


def _content(folder):
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_geojson_comes_back_by_the_name_it_had(model, tmp_path, capsys):
    images, out = tmp_path / "images", tmp_path / "out"
    images.mkdir()
    point = {"type": "Point", "coordinates": [9, 9]}
    properties = {"objectType": "detection"}
    feature = {"type": "Feature", "id": "1", "geometry": point, "properties": properties}
    for image, beside in (("a.png", "a.png"), ("a.jpg", "a.jpg"), ("b.ome.tif", "b")):
        Image.new("RGB", (20, 20)).save(images / image)
        (images / f"{beside}.geojson").write_text(json.dumps([feature]))
    predict(str(images), model, str(out), 0.2)
    names = ["a.jpg.geojson", "a.png.geojson", "b.geojson", "predicted-by.json"]
    assert sorted(path.name for path in out.iterdir()) == names
    assert capsys.readouterr().out.count(": 1 nuclei") == 3
    (images / "a.png.geojson").write_text("{")
    with pytest.raises(InputError, match="no JSON"):
        predict(str(images), model, str(tmp_path / "second"), 0.2)
    assert capsys.readouterr().out == "" and not (tmp_path / "second").exists()


def _images(folder, beside=()):
    """Write an image, and files beside it; return the folder."""
    folder.mkdir()
    Image.new("RGB", (20, 20)).save(folder / "a.png")
    for name, content in beside:
        (folder / name).write_text(content)
    return folder


POINT = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [9, 9]}}
OBJECTS = [("a.geojson", json.dumps(POINT))]


def test_an_own_earlier_folder_is_replaced(model, tmp_path):
    images, out = str(_images(tmp_path / "images", OBJECTS)), tmp_path / "out"
    predict(images, model, str(out), 0.2)
    first = _content(out)
    assert json.loads((out / "predicted-by.json").read_text())["model"] == model
    predict(images, model, str(out), 0.2)
    assert _content(out) == first


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda out: (out / "notes.txt").write_text("mine"), "notes.txt was not written by this"),
        (lambda out: (out / "mine").mkdir(), "mine was not written by this command"),
        (lambda out: (out / "a.geojson").write_text("[]"), "a.geojson was changed since"),
        (lambda out: (out / "predicted-by.json").unlink(), "a.geojson was not written by this"),
        (lambda out: (out / "predicted-by.json").write_text("{"), "predicted-by.json: Expecting"),
        (lambda out: (out.parent / "images/a.geojson").rename(out.parent / "images/a.png.geojson"),
         "a.geojson is of no image given now"),
    ],
)  # fmt: skip
def test_nothing_of_the_users_in_an_earlier_folder_is_lost(model, tmp_path, change, why):
    images, out = _images(tmp_path / "images", OBJECTS), tmp_path / "out"
    predict(str(images), model, str(out), 0.2)
    change(out)
    before = _content(out)
    with pytest.raises(InputError, match=re.escape(why)):
        predict(str(images), model, str(out), 0.2)
    assert _content(out) == before


def test_a_table_that_the_command_did_not_write_is_not_replaced(model, tmp_path):
    images, out = str(_images(tmp_path / "images")), tmp_path / "out.csv"
    out.write_text("mine")
    with pytest.raises(InputError, match=r"^--out .*: out\.csv was not written by this command"):
        predict(images, model, str(out))
    assert out.read_text() == "mine"
    out.unlink()
    predict(images, model, str(out))
    first = out.read_text()
    predict(images, model, str(out))  # its own
    assert out.read_text() == first
    out.write_text(first.replace("stromal", "Stromal"))
    with pytest.raises(InputError, match=r"out\.csv was changed since it was written"):
        predict(images, model, str(out))


def test_an_earlier_table_beside_the_images_is_replaced_and_not_read(model, tmp_path, monkeypatch):
    monkeypatch.chdir(_images(tmp_path / "images"))
    predict(".", model)
    first = (tmp_path / "images/predicted.csv").read_text()
    predict(".", model)
    assert (tmp_path / "images/predicted.csv").read_text() == first
    (tmp_path / "images/predicted.csv").write_text("mine")
    with pytest.raises(InputError, match=r"predicted\.csv was changed since it was written"):
        predict(".", model)
    with pytest.raises(InputError, match=r"predicted\.csv: no image of that name beside it"):
        predict(".", model, "other.csv")


def test_what_a_user_puts_into_the_folder_meanwhile_is_not_lost(model, tmp_path, monkeypatch):
    images, out = str(_images(tmp_path / "images", OBJECTS)), tmp_path / "out"
    predict(images, model, str(out), 0.2)
    ensemble = models.ensemble

    def slow(folder):
        (out / "notes.txt").write_text("mine")
        return ensemble(folder)

    monkeypatch.setattr(models, "ensemble", slow)
    with pytest.raises(InputError, match=r"notes\.txt was not written by this command"):
        predict(images, model, str(out), 0.2)
    assert (out / "notes.txt").read_text() == "mine"


def test_the_classes_are_those_of_the_model(model, tmp_path, monkeypatch):
    names = ["c", "b", "a"]
    described = models.describe(model).model_copy(update={"classes": names})
    monkeypatch.setattr(models, "describe", lambda folder: described)
    monkeypatch.setattr(
        models, "ensemble", lambda folder: lambda crops: np.array([[0.1, 0.7, 0.2]])
    )
    predict(str(_images(tmp_path / "images")), model, str(tmp_path / "out.csv"))
    table = pd.read_csv(tmp_path / "out.csv")
    assert list(table)[3:] == [*names, "predicted"] and list(table["predicted"]) == ["b"]


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


def test_a_model_whose_description_is_not_whole_is_refused_in_one_line(model, tmp_path):
    copy, images = tmp_path / "model", str(_images(tmp_path / "images"))
    shutil.copytree(model, copy)
    described = json.loads((copy / "model.json").read_text())
    del described["network"]
    (copy / "model.json").write_text(json.dumps(described))
    with pytest.raises(InputError, match=r"model\.json: network: this knob is missing$"):
        predict(images, str(copy), str(tmp_path / "out.csv"))
    assert not (tmp_path / "out.csv").exists()


WORDS = [
    (("nowhere", "m"), "nowhere: is no folder; valid: one that holds images"),
    (("images", "m"), "m: holds no model.json; valid: a model, such as models/flip/x2"),
    (("images", "model", None, 25.0), "--mpp '25.0'; valid: 0.01 to 10, such as 0.25 at 40x"),
    (("images", "model", "images"), "--out images: is a folder; valid: a file, such as pred"),
]
FILES = [
    ({}, None, "holds no image; valid: .png"),
    ({"a.png": None, "b.csv": b"x,y\n1,1\n"}, 0.25, "b.csv: no image of that name beside"),
    ({"a.png": None, "a.csv": b"x,y\n"}, 0.25, "a.csv: no nucleus, nor in any other file"),
    ({"a.png": None, "a.jpg": None, "a.csv": b"x,y\n"}, 1.0, "a.csv: a.jpg and a.png beside"),
    ({"a.png": (345, 372)}, None, "345 × 372 pixels, and no CSV or GeoJSON of its name beside"),
    ({"a.png": None, "a.geojson": b"[]", "a.csv": b"x,y\n"}, 1.0, "a.csv is of a.png, too"),
    ({"a.png": None, "a.geojson": b"{"}, 1.0, "no JSON"),
    (
        {"a.png": None, "a.geojson": b"[]"},
        None,
        "does not say its microns per pixel; valid: --mpp",
    ),
    ({"a.png": b"no"}, None, "a.png: not a whole PNG"),
    (
        {"a.png": None, "a.csv": b"x,y\n1,1\n"},
        None,
        "microns per pixel; valid: --mpp",
    ),
    ({"a.png": None, "a.csv": b"x,z\n1,1\n"}, 0.25, "header lacks y"),
    ({"a.png": None, "a.csv": b"x,y\n1,1\n1,99\n"}, 0.25, "row 1: centre x 1, y 99"),
]


def _write(folder, files):
    """Write files by their content; None or a size is an image."""
    folder.mkdir(exist_ok=True)
    for name, content in files.items():
        if content is None or isinstance(content, tuple):
            Image.new("RGB", content or (20, 20)).save(folder / name)
        else:
            (folder / name).write_bytes(content)


@pytest.mark.parametrize(("files", "mpp", "line"), FILES)
def test_a_mistake_is_one_line_and_writes_nothing(model, tmp_path, files, mpp, line):
    _write(tmp_path, files)
    with pytest.raises(InputError) as error:
        predict(str(tmp_path), model, str(tmp_path / "out"), mpp)
    assert line in str(error.value) and "\n" not in str(error.value)
    assert {path.name for path in tmp_path.iterdir()} == set(files)


def test_a_mistake_is_told_before_tensorflow_is_imported(tmp_path):
    _images(tmp_path / "images")
    _write(tmp_path / "model", {"model.json": b"{}"})
    calls, lines = map(list, zip(*WORDS, strict=True))
    for number, (files, mpp, line) in enumerate(FILES):
        _write(tmp_path / str(number), files)
        calls.append((str(number), "model", "out", mpp))
        lines.append(line)
    code = f"""
import sys
from nuclei.cli.predict import predict
for words in {calls}:
    try:
        predict(*words)
    except Exception as error:
        print("tensorflow" in sys.modules, error)
"""
    source = {"PYTHONPATH": str(sys.modules["nuclei"].__path__[0] + "/..")}
    words = [sys.executable, "-c", code]
    done = subprocess.run(
        words, cwd=tmp_path, env=ENVIRONMENT | source, capture_output=True, text=True
    )
    for printed, line in zip(done.stdout.splitlines(), lines, strict=True):
        assert printed.startswith("False ") and line in printed, done.stderr
