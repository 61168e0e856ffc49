"""What a feature of QuPath says of its object: what is a nucleus, where, or why it is none."""

import json
import math

import pytest

from nuclei.core.errors import InputError
from nuclei.qupath import reader

RING = [[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]
HOLE = [[0, 0], [0, 2], [1, 2], [1, 0], [0, 0]]


def _feature(geometry="Point", coordinates=(1, 2), **properties):
    shape = {"type": geometry, "coordinates": coordinates}
    return {"type": "Feature", "geometry": shape, "properties": properties}


@pytest.mark.parametrize(
    ("classification", "name"),
    [
        (None, ""),
        ({}, ""),  # PathClass.NULL_CLASS: GsonTools.PathClassTypeAdapter
        ("Tumor", "Tumor"),
        ({"name": "Tumor", "color": [200, 0, 0]}, "Tumor"),
        ({"names": ["Immune cells", "Positive"], "color": [1, 2, 3, 4]}, "Immune cells: Positive"),
        ({"names": []}, ""),
        # Before QuPath 0.4: the same adapter, "the method used before v0.4.0".
        ({"name": "Tumor: Positive", "colorRGB": -377282}, "Tumor: Positive"),
        ({"name": "Positive", "parentClass": {"name": "Tumor", "colorRGB": -1}}, "Tumor: Positive"),
        ({"colorRGB": -1}, ""),
    ],
)
def test_a_class_is_written_in_many_ways(classification, name):
    assert reader.class_name(_feature(classification=classification), "a") == name
    assert reader.class_name({"type": "Feature"}, "a") == ""


@pytest.mark.parametrize(
    ("feature", "kind"),
    [
        (_feature(objectType="cell"), "cell"),
        (_feature(objectType="tmaCore"), "tmaCore"),
        (_feature(object_type="tma_core"), "tmaCore"),  # LogTools warns of it: QuPathTypeAdapters
        (_feature(objectType="unknown"), "annotation"),
        (_feature(type="annotation"), "annotation"),
        (_feature(type="neoplastic"), "detection"),
        (_feature() | {"id": "PathCellObject"}, "cell"),  # QuPath 0.2: LEGACY_TYPE_IDS
        (_feature() | {"id": "TMACoreObject"}, "tmaCore"),
        (_feature(objectType=None), "detection"),
        ({"type": "Feature", "properties": None}, "detection"),
    ],
)
def test_the_kind_of_an_object_is_what_qupath_reads(feature, kind):
    assert reader.object_type(feature, "a") == kind


def test_ids_are_text_and_the_names_of_classes_of_java_none():
    ids = ["d0852662-6941", 7, "PathCellObject", None]
    assert [reader.feature_id({"id": one}, "a") for one in ids] == ["d0852662-6941", "7", "", ""]
    assert reader.feature_id({}, "a") == ""


def test_a_nucleus_goes_before_its_cell():
    feature = _feature("Polygon", [RING]) | {
        "nucleusGeometry": {"type": "Polygon", "coordinates": [[[1, 1], [2, 1], [2, 2], [1, 1]]]}
    }
    assert reader.outline(feature, "a").longest == 1
    assert reader.outline(feature | {"nucleusGeometry": None}, "a").longest == 4
    assert reader.outline({"geometry": None}, "a") == reader.outline({}, "a") == "no geometry"


@pytest.mark.parametrize("kind", ["LineString", "MultiLineString", "GeometryCollection"])
def test_what_has_no_area_or_is_no_one_shape_is_named(kind):
    assert reader.outline(_feature(kind, None), "a") == kind


@pytest.mark.parametrize(
    ("geometry", "coordinates", "centres", "longest"),
    [
        ("Point", [1, 2], [(1, 2)], math.nan),
        ("Point", [1.5, 2, 0], [(1.5, 2)], math.nan),
        ("MultiPoint", [[1, 2], [3, 4]], [(1, 2), (3, 4)], math.nan),
        ("Polygon", [RING], [(2, 1)], 4),
        ("Polygon", [RING[::-1]], [(2, 1)], 4),
        ("Polygon", [RING, HOLE], [(2.5, 1)], 4),
        ("Polygon", [RING, HOLE[::-1]], [(2.5, 1)], 4),
        ("MultiPolygon", [[RING], [[[x + 6, y] for x, y in RING]]], [(5, 1)], 10),
        ("Polygon", [[[1, 1]] * 4], [(1, 1)], 0),  # no area
        ("Polygon", [[[0, 0], [4, 0], [2, 0], [0, 0]]], [(2, 0)], 4),
        ("Polygon", [[[0, 0], [4, 4], [4, 0], [0, 4], [0, 0]]], [(2, 2)], 4),  # crosses itself
        ("Polygon", [[[0, 0], [4, 4], [4, 0], [0, 4.1], [0, 0]]], [(2, 2.05)], 4.1),
        ("Polygon", [HOLE, RING], [(0.5, 1)], 2),  # a hole larger than its ring
    ],
)
def test_outlines_have_centres_and_a_longest_side(geometry, coordinates, centres, longest):
    found = reader.outline(_feature(geometry, coordinates), "a")
    assert found.geometry == geometry
    assert found.centres == [pytest.approx(centre) for centre in centres]
    assert found.longest == pytest.approx(longest, nan_ok=True)


def test_children_come_behind_their_parent():
    # toJson of a hierarchy: QuPathTypeAdapters.PathObjectTypeAdapter.INSTANCE_HIERARCHY.
    leaf = _feature()
    nested = _feature(childObjects=[_feature(children=[leaf, leaf]), leaf])
    family = list(reader.of_feature(7, nested, "a", 0.5))
    names = ["7", "7.0", "7.0.0", "7.0.1", "7.1"]
    assert [one.where for one in family] == [f"a: feature {name}" for name in names]
    assert [one.feature is leaf for one in family][2:] == [True] * 3
    with pytest.raises(InputError, match=r"^a: feature 7\.1: is 3; valid: an object"):
        list(reader.of_feature(7, _feature(childObjects=[leaf, 3]), "a", 0.5))


OPEN = [[0, 0], [1, 0], [1, 1], [0, 1]]
BAD_SHAPES = [
    ("Circle", RING, "geometry of type 'Circle'; valid: Point, MultiPoint, Polygon, Mul"),
    (None, [1, 2], "geometry of type None"),
    (["Point"], [1, 2], "geometry of type ['Point']"),
    ("Point", None, "Point None: type must be array, but is null; valid: closed rings, or points"),
    ("Point", [], "Point []: is empty; valid: closed rings, or points, of [x, y] in pixels, up to"),
    ("Point", [1], "Point [1]: Expected two or three coordinates found one"),
    ("Point", [1, 2, 3, 4], "Point [1, 2, 3, 4]: Expected two or three coordinates found more"),
    ("Point", ["1", 2], "Point ['1', 2]: type must be number, but is string"),
    ("Point", [1, True], "Point [1, True]: type must be number, but is boolean"),
    ("Point", [1, None], "Point [1, None]: type must be number, but is null"),
    ("Point", [1, 2, "z"], "Point [1, 2, 'z']: type must be number, but is string"),
    ("Point", ["NaN", 2], "Point ['NaN', 2]: type must be number, but is string"),
    ("Point", [1, math.inf], "Point [1, inf]: "),
    ("Point", [-2e9, 1], "Point [-2000000000.0, 1]: lies too far away; valid"),
    ("Point", [10**400, 1], "Point [1000"),
    ("MultiPoint", [], "MultiPoint []: is empty"),
    ("MultiPoint", [1, 2], "MultiPoint [1, 2]: type must be array, but is number"),
    ("MultiPoint", [[1, 2], []], "MultiPoint [[1, 2], []]: Expected two or three coordinates"),
    ("Polygon", [], "Polygon []: is empty"),
    ("Polygon", {}, "Polygon {}: type must be array, but is object"),
    ("Polygon", [[]], "Polygon [[]]: is empty"),
    ("Polygon", [[[0, 0], [1, 1], [0, 0]]], "Polygon [[[0, 0], [1, 1], [0, 0]]]: a ring of fewer"),
    (
        "Polygon",
        [OPEN],
        "Polygon [[[0, 0], [1, 0], [1, 1], [0, 1]]]: Points of LinearRing do not f",
    ),
    ("Polygon", [RING, OPEN], "Polygon [[[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]], [[0, 0], [1, 0"),
    ("Polygon", [RING, []], "Polygon [[[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]], []]: a ring of f"),
    ("Polygon", RING, "Polygon [[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]: type must be array"),
    ("Polygon", [[*RING[:2], [4, "2"], *RING[3:]]], "Polygon [[[0, 0], [4, 0], [4, '2'], [0, 2]"),
    ("Polygon", [[*RING[:2], None, *RING[3:]]], "Polygon [[[0, 0], [4, 0], None, [0, 2]"),
    ("MultiPolygon", [], "MultiPolygon []: is empty"),
    ("MultiPolygon", [RING], "MultiPolygon [[[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]]: type must"),
    (
        "MultiPolygon",
        [[RING], []],
        "MultiPolygon [[[[0, 0], [4, 0], [4, 2], [0, 2], [0, 0]]], []]",
    ),
]


@pytest.mark.parametrize(("geometry", "coordinates", "message"), BAD_SHAPES)
def test_a_bad_shape_is_one_line(geometry, coordinates, message):
    coordinates = list(coordinates) if isinstance(coordinates, tuple) else coordinates
    with pytest.raises(InputError) as error:
        reader.outline(_feature(geometry, coordinates), "a.geojson: feature 3")
    said = str(error.value)
    assert said.startswith(f"a.geojson: feature 3: {message}")
    assert "valid: " in said and "\n" not in said and len(said) < 300


@pytest.mark.parametrize(
    ("function", "feature", "message"),
    [
        (reader.outline, {"geometry": 3}, "geometry 3; valid: Point"),
        (reader.outline, {"nucleusGeometry": "x"}, "geometry 'x'; valid: Point"),
        (reader.class_name, _feature(classification=3), "classification 3; valid: a name"),
        (reader.class_name, _feature(classification=["Tumor"]), "classification ['Tumor']"),
        (reader.class_name, _feature(classification={"name": 1}), "classification {'name': 1}"),
        (reader.class_name, _feature(classification={"names": "A", "name": 2}), None),
        (reader.class_name, _feature(classification={"names": ["A", 1]}), "classification {'nam"),
        (reader.class_name, _feature(classification={"name": "A", "parentClass": "B"}), "classif"),
        (reader.object_type, _feature(objectType="nucleus"), "objectType 'nucleus'; valid: annot"),
        (reader.object_type, _feature(object_type=["cell"]), "object_type ['cell']; valid"),
        (reader.feature_id, {"id": ""}, "id ''; valid: printable text"),
        (reader.feature_id, {"id": "a\nb"}, r"id 'a\nb'; valid"),
        (reader.feature_id, {"id": "\ud800"}, r"id '\ud800'; valid"),
        (reader.feature_id, {"id": 1.5}, "id 1.5; valid"),
        (reader.feature_id, {"id": True}, "id True; valid"),
    ],
)
def test_what_qupath_does_not_write_is_one_line(function, feature, message):
    if message is None:
        assert function(feature, "a") == "A"
        return
    with pytest.raises(InputError) as error:
        function(feature, "a.geojson: feature 3")
    said = str(error.value)
    assert said.startswith(f"a.geojson: feature 3: {message}") and "\n" not in said


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
