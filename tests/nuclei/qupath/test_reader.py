"""One reader of QuPath's objects: what is a nucleus, where it lies, or why it is none."""

import json
import math

import pytest

from nuclei.core.errors import InputError
from nuclei.qupath import reader

SQUARE = {"type": "Polygon", "coordinates": [[[0, 0], [40, 0], [40, 40], [0, 40], [0, 0]]]}
POINTS = {"type": "MultiPoint", "coordinates": [[1, 2], [3, 4]]}


def _object(geometry, mpp=0.5, name="Tumor", **members):
    properties = {"objectType": "annotation", "classification": {"name": name} if name else None}
    feature = {"type": "Feature", "geometry": geometry, "properties": properties} | members
    [one] = reader.read(json.dumps(feature).encode(), "a.geojson", mpp)
    return one


def test_an_object_says_in_pixels_where_its_nuclei_lie():
    one = _object(SQUARE, id="x")
    assert (one.ids, one.centres, one.longest) == (("x",), ((20, 20),), 40)
    assert (one.class_name, one.reason, one.where) == ("Tumor", "", "a.geojson: feature 0")
    several = _object(POINTS)
    assert (several.ids, several.centres) == (("0/0", "0/1"), ((1, 2), (3, 4)))
    assert math.isnan(several.longest)


@pytest.mark.parametrize(
    ("one", "reason"),
    [
        (_object(SQUARE, mpp=1.25), ""),  # 50 microns
        (_object(SQUARE, mpp=1.26), "area annotation"),
        (_object(SQUARE, name=None), "area annotation"),
        (_object(None), "no geometry"),
        (_object({"type": "LineString"}), "LineString"),
    ],
)
def test_what_is_no_nucleus_says_why(one, reason):
    assert one.reason == reason
    assert bool(one.ids) == bool(one.centres) == (not reason)


def test_a_mistake_names_the_file_and_the_feature():
    with pytest.raises(InputError, match=r"^a\.geojson: feature 0: id ''"):
        _object(POINTS, id="")
