import contextlib
import gzip
import json
import math
from collections import Counter

import pytest
from hypothesis import given, settings
from release import damaged

from nuclei.core.errors import InputError
from nuclei.data.layouts.fields import FieldOfView, Nucleus
from nuclei.data.layouts.qupath import QuPath

QUPATH = QuPath()
FIELD = FieldOfView("s1", "images/s1.svs", "annotations/s1.geojson", "p1", "p1", 0.5)
UUID = "d0852662-6941-4506-bc90-cbda1c2fa7b0"


def _square(x, y, side):
    ring = [[x, y], [x + side, y], [x + side, y + side], [x, y + side], [x, y]]
    return {"type": "Polygon", "coordinates": [ring]}


def _feature(geometry, kind="detection", name="Tumor", **members):
    properties = {"objectType": kind} if kind else {}
    properties |= {"classification": {"name": name, "color": [200, 0, 0]}} if name else {}
    return {"type": "Feature", "geometry": geometry, "properties": properties} | members


def _read(*features, field=FIELD):
    content = json.dumps({"type": "FeatureCollection", "features": features}).encode()
    return QUPATH.nuclei(field, content)


# QuPath 0.4 to 0.6, "Export as GeoJSON" and exportObjectsToGeoJson(..., "FEATURE_COLLECTION"):
# docs/advanced/exporting_annotations of qupath.readthedocs.io; QuPathTypeAdapters writes the keys.
DETECTIONS = f"""{{"type":"FeatureCollection","features":[{{"type":"Feature","id":"{UUID}",
"geometry":{{"type":"Polygon","coordinates":[[[10,20],[14,20],[14,22],[10,22],[10,20]]]}},
"properties":{{"objectType":"detection","isLocked":true,
"classification":{{"name":"Tumor","color":[200,0,0]}},"measurements":{{"Area":NaN}}}}}}]}}"""
# Cell detection: PathObjectTypeAdapter.write puts nucleusGeometry beside geometry; names where a
# class is derived: GsonTools.PathClassTypeAdapter. No FEATURE_COLLECTION: a list.
CELLS = f"""[{{"type":"Feature","id":"{UUID}",
"geometry":{{"type":"Polygon","coordinates":[[[0,0],[40,0],[40,40],[0,40],[0,0]]]}},
"nucleusGeometry":{{"type":"Polygon","coordinates":[[[10,20],[14,20],[14,22],[10,22],[10,20]]],
"isEllipse":true}},"properties":{{"objectType":"cell",
"classification":{{"names":["Immune cells","Positive"],"color":[1,2,3]}}}}}}]"""
# The points tool: one annotation with many points, docs/starting/annotating; one object alone.
POINTS = f"""{{"type":"Feature","id":"{UUID}",
"geometry":{{"type":"MultiPoint","coordinates":[[1.5,2],[3,4]],"plane":{{"c":-1,"z":0,"t":0}}}},
"properties":{{"objectType":"annotation","classification":{{"name":"Stroma","color":[0,1,2]}}}}}}"""
# QuPath 0.2: the kind in the place of the id (LEGACY_TYPE_IDS of QuPathTypeAdapters), colorRGB
# (GsonTools), measurements as a list ("Approach used before v0.4.0").
OLD = """[{"type":"Feature","id":"PathDetectionObject","geometry":{"type":"Polygon",
"coordinates":[[[10,20],[14,20],[14,22],[10,22],[10,20]]]},"properties":{
"classification":{"name":"Tumor","colorRGB":-3670016},"isLocked":false,
"measurements":[{"name":"Area","value":8.0}]}}]"""
# QuPath 0.3 wrote object_type: the same adapter warns of it.
OBJECT_TYPE = """[{"type":"Feature","geometry":{"type":"Point","coordinates":[7,8]},
"properties":{"object_type":"annotation","classification":{"name":"Other","colorRGB":-1}}}]"""


@pytest.mark.parametrize(
    ("content", "nuclei"),
    [
        (DETECTIONS, [Nucleus(f"s1/{UUID}", "Tumor", 12, 21, 2)]),
        (CELLS, [Nucleus(f"s1/{UUID}", "Immune cells: Positive", 12, 21, 2)]),
        (
            POINTS,
            [Nucleus(f"s1/{UUID}/0", "Stroma", 1.5, 2), Nucleus(f"s1/{UUID}/1", "Stroma", 3, 4)],
        ),
        (OLD, [Nucleus("s1/0", "Tumor", 12, 21, 2)]),
        (OBJECT_TYPE, [Nucleus("s1/0", "Other", 7, 8)]),
        ("[]", []),
    ],
)
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_what_qupath_exports_are_nuclei(content, nuclei, pack):
    kept, dropped = QUPATH.nuclei(FIELD, pack(content.encode()))
    assert [repr(nucleus) for nucleus in kept] == [
        repr(
            nucleus._replace(x=float(nucleus.x), y=float(nucleus.y), longest=nucleus.longest * 1.0)
        )
        for nucleus in nuclei
    ]
    assert not dropped


def test_what_is_no_nucleus_is_counted():
    kept, dropped = _read(
        _feature(_square(0, 0, 100), "annotation"),  # 50 microns
        _feature(_square(0, 0, 101), "annotation"),
        _feature(_square(0, 0, 10), "annotation", name=None),
        _feature(_square(0, 0, 500), "detection", name=None),
        _feature(_square(0, 0, 500), kind=None),
        _feature(_square(0, 0, 10), "tile"),
        _feature({"type": "LineString"}, "tmaCore"),
        _feature(None, "root"),
        _feature(None),
        _feature({"type": "Point", "coordinates": [1, 2]}, "annotation", name=None),
    )
    assert [(nucleus.id, nucleus.label) for nucleus in kept] == [
        ("s1/0", "Tumor"),
        ("s1/3", ""),
        ("s1/4", "Tumor"),
        ("s1/9", ""),
    ]
    assert dropped == Counter(
        {"area annotation": 2, "tile": 1, "TMA core": 1, "root object": 1, "no geometry": 1}
    )


def test_objects_inside_others_are_read():
    core = _feature(_square(0, 0, 900), "tmaCore", childObjects=None)
    core["properties"]["childObjects"] = [_feature(_square(0, 0, 4)), _feature(_square(4, 0, 4))]
    kept, dropped = _read(core)
    assert [(nucleus.id, nucleus.x) for nucleus in kept] == [("s1/0.0", 2), ("s1/0.1", 6)]
    assert dropped == {"TMA core": 1}


@pytest.mark.parametrize(
    ("features", "message"),
    [
        ([_feature(_square(0, 0, 4), id="a")] * 2, "feature 1: id 'a' comes before; valid: an id"),
        ([_feature(_square(0, 0, 4)), _feature(_square(0, 0, 4), id=0)], "feature 1: id '0' comes"),
        ([_feature({"type": "Circle", "coordinates": []})], "feature 0: geometry of type 'Circle'"),
        ([_feature(_square(0, 0, 4), "nucleus")], "feature 0: objectType 'nucleus'; valid: annot"),
        ([_feature(_square(0, 0, 4)) | {"type": "x"}], "feature 0: type 'x'; valid: Feature"),
    ],
)
def test_a_bad_annotation_file_is_one_line(features, message):
    with pytest.raises(InputError) as error:
        _read(*features)
    assert str(error.value).startswith(f"annotations/s1.geojson: {message}")


@settings(max_examples=300, deadline=None)
@given(damaged(DETECTIONS.encode()) | damaged(CELLS.encode()) | damaged(POINTS.encode()))
def test_damaged_annotations_are_nuclei_or_one_line(content):
    with contextlib.suppress(InputError):
        for nucleus in QUPATH.nuclei(FIELD, content)[0]:
            assert nucleus.id.isprintable() and math.isfinite(nucleus.x + nucleus.y)


def test_the_release_has_no_folds_and_its_table_lists_splits():
    assert QUPATH.fold_lists == () and QUPATH.split_lists == ("images.csv",)
    assert QUPATH.released_folds([FIELD], {}) is None
