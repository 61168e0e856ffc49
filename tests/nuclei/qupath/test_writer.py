import json

import numpy as np
import pytest

from nuclei.core.classes import CLASSES
from nuclei.data.layouts.fields import FieldOfView
from nuclei.data.layouts.qupath import QuPath
from nuclei.qupath import geojson, reader, writer

SQUARE = [[[10, 10], [14, 10], [14, 14], [10, 14], [10, 10]]]
HUGE = [[[0, 0], [900, 0], [900, 900], [0, 900], [0, 0]]]


def feature(geometry, coordinates, kind, **others):
    properties = {"objectType": kind, **others}
    shape = {"type": geometry, "coordinates": coordinates}
    return {"type": "Feature", "id": kind, "geometry": shape, "properties": properties}


FEATURES = [
    feature("Polygon", HUGE, "annotation", classification={"name": "Region"}, isLocked=True),
    feature("Polygon", SQUARE, "cell", measurements={"Area": 16.5}, name="mine"),
    feature("Polygon", SQUARE, "detection", measurements=[{"name": "Area", "value": 16}]),
    feature("MultiPoint", [[1, 2], [3, 4]], "annotation", classification={"name": "Tumor"}),
    {"type": "Feature", "geometry": {"type": "Point", "coordinates": [5, 6]}, "properties": None},
]
SAID = np.array(
    [[0.1, 0.2, 0.7], [0.8, 0.1, 0.1], [0.2, 0.5, 0.3], [0.3, 0.3, 0.4], [0.1, 0.6, 0.3]]
)


def written(features=FEATURES, said=SAID, classes=CLASSES):
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    assert sum(len(one.ids) for one in reader.read(content, "a", 0.25)) == len(said)
    return "".join(writer.lines(writer.features(content, "a", 0.25, classes, said)))


def test_every_nucleus_has_its_class_and_everything_else_stays():
    region, cell, detection, *points = json.loads(written())["features"]
    assert region == FEATURES[0]
    assert cell["geometry"] == FEATURES[1]["geometry"] and cell["id"] == "cell"
    assert cell["properties"]["name"] == "mine"
    assert cell["properties"]["classification"] == {"name": "Tumor", "color": [200, 0, 0]}
    assert cell["properties"]["measurements"] == {
        "Area": 16.5,
        "Probability Stroma": 0.1,
        "Probability Immune cells": 0.2,
        "Probability Tumor": 0.7,
    }
    assert detection["properties"]["classification"]["name"] == "Stroma"
    assert detection["properties"]["measurements"][0] == {"name": "Area", "value": 16}
    names = [one["properties"]["classification"]["name"] for one in points]
    assert names == ["Immune cells", "Tumor", "Immune cells"]
    assert [one["geometry"]["coordinates"] for one in points] == [[1, 2], [3, 4], [5, 6]]


def test_what_is_written_is_read_as_the_classes_that_were_said():
    field = FieldOfView("f", "images/f.png", "annotations/f.geojson", "P", "S", 0.25)
    kept, dropped = QuPath().nuclei(field, written().encode())
    names = [nucleus.label for nucleus in kept]
    assert names == ["Tumor", "Stroma", "Immune cells", "Tumor", "Immune cells"]
    assert dropped == {"area annotation": 1}


def test_predicting_twice_leaves_one_set_of_measurements():
    once = json.loads(written())["features"]
    again = json.loads(written(once))["features"]
    assert again == once


@pytest.mark.parametrize("features", [[], FEATURES[:1]])
def test_a_file_without_nuclei_is_a_whole_file(features):
    text = written(features, SAID[:0])
    assert json.loads(text) == {"type": "FeatureCollection", "features": features}
    assert len(list(geojson.features(text.encode(), "a"))) == len(features)


def test_classes_of_a_model_that_qupath_has_no_colour_for_keep_their_names():
    [point] = json.loads(written(FEATURES[4:], np.array([[0.25, 0.75]]), ("tumor", "plasma cell")))[
        "features"
    ]
    assert point["properties"]["classification"] == {"name": "plasma cell"}
    assert point["properties"]["measurements"] == {
        "Probability Tumor": 0.25,
        "Probability plasma cell": 0.75,
    }
