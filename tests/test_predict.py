"""A trained model on images outside the study: the same crops, so the same probabilities."""

import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from commands import ENVIRONMENT
from PIL import Image

from nuclei.classes import CLASSES

CELL = "none/x0.5"


def _predict(study, *words):
    command = [sys.executable, "src/predict.py", *map(str, words)]
    return subprocess.run(command, cwd=study, env=ENVIRONMENT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def test_nuclei(study):
    """The study's test rows, each with its mean prediction and its place in its field."""
    predictions = pd.read_csv(study / "data/predictions" / f"{CELL}.csv")
    mean = predictions.groupby("id", sort=False)[list(CLASSES)].mean().reset_index()
    rows = pd.read_csv(study / "data/prepared/test.csv").merge(mean, on="id")
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
    study, test_nuclei, tmp_path
):
    sources = test_nuclei["source"].unique()[:2]
    rows = test_nuclei[test_nuclei["source"].isin(sources)]
    for source, nuclei in rows.groupby("source"):
        shutil.copy(study / "data/raw/simulated" / source, tmp_path)
        name = source.removeprefix("rgb/").removesuffix(".png")
        nuclei[["x", "y"]].to_csv(tmp_path / f"{name}.csv", index=False)
    params = study / "params.yaml"
    before = params.read_text()
    params.write_text(before.replace("side: 16", "side: 24").replace("microns: 16", "microns: 30"))
    try:
        done = _predict(study, tmp_path, f"models/{CELL}", tmp_path / "out.csv", 0.2)
    finally:
        params.write_text(before)
    assert done.returncode == 0, done.stderr
    made = pd.read_csv(tmp_path / "out.csv")
    wanted = pd.concat([rows[rows["source"] == source] for source in sorted(sources)])
    np.testing.assert_allclose(made[list(CLASSES)], wanted[list(CLASSES)], atol=2e-5)
    assert list(made["predicted"]) == [
        CLASSES[k] for k in wanted[list(CLASSES)].to_numpy().argmax(1)
    ]


def test_a_crop_is_classified_as_in_the_study(study, test_nuclei, tmp_path):
    crops = np.load(study / "data/prepared/test.npy")
    for row in range(3):
        Image.fromarray(crops[row]).save(tmp_path / f"{row}.png")
    done = _predict(study, tmp_path, f"models/{CELL}", tmp_path / "out.csv")
    assert "out.csv: 3 nuclei of 3 images" in done.stdout, done.stderr
    made = pd.read_csv(tmp_path / "out.csv")
    np.testing.assert_allclose(made[list(CLASSES)], test_nuclei[list(CLASSES)][:3], atol=2e-5)


@pytest.mark.parametrize(
    ("files", "scale", "said"),
    [
        ({}, (), "holds no .png"),
        ({"a.png": b"no"}, (), "a.png: not a whole PNG"),
        ({"a.png": None, "a.csv": b"x,y\n1,1\n"}, (), "MICRONS_PER_PIXEL must be given"),
        ({"a.png": None, "a.csv": b"x,y\n1,1\n"}, (25,), "MICRONS_PER_PIXEL: 25; valid"),
        ({"a.png": None, "a.csv": b"x,z\n1,1\n"}, (0.25,), "header lacks y"),
        ({"a.png": None, "a.csv": b"x,y\n1,1\n1,99\n"}, (0.25,), "row 1: centre x 1, y 99"),
    ],
)
def test_a_mistake_is_one_line_and_writes_nothing(study, tmp_path, files, scale, said):
    for name, content in files.items():
        if content is None:
            Image.new("RGB", (20, 20)).save(tmp_path / name)
        else:
            (tmp_path / name).write_bytes(content)
    done = _predict(study, tmp_path, f"models/{CELL}", tmp_path / "out", *scale)
    assert done.returncode == 1
    assert done.stderr.startswith("error: ") and done.stderr.count("\n") == 1
    assert said in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == set(files)
