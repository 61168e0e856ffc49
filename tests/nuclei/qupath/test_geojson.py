import contextlib
import gzip
import io
import json

import pytest
from hypothesis import given, settings
from release import damaged

from nuclei.core.errors import InputError
from nuclei.qupath import geojson

SQUARE = [[[0, 0], [4, 0], [4, 4], [0, 4], [0, 0]]]
FEATURE = {
    "type": "Feature",
    "id": "d0852662-6941-4506-bc90-cbda1c2fa7b0",
    "geometry": {"type": "Polygon", "coordinates": SQUARE},
    "properties": {"objectType": "detection", "measurements": {"Circularity": 0.25}},
}
COLLECTION = {"type": "FeatureCollection", "features": [FEATURE, FEATURE | {"id": "ä {[,:]}"}]}


def _read(content, file="a.geojson"):
    content = content if isinstance(content, bytes) else json.dumps(content).encode()
    return list(geojson.features(content, file))


# exportObjectsToGeoJson writes a collection if told "FEATURE_COLLECTION", else a list, or one
# object: qupath.readthedocs.io, docs/advanced/exporting_annotations.
@pytest.mark.parametrize(
    ("content", "features"),
    [
        (COLLECTION, COLLECTION["features"]),
        ({"features": [FEATURE], "name": "a", "crs": {}, "n": 1}, [FEATURE]),
        ({"type": "FeatureCollection", "features": []}, []),
        ([FEATURE, FEATURE], [FEATURE, FEATURE]),
        ([], []),
        (FEATURE, [FEATURE]),
        ({"type": "Feature", "geometry": None}, [{"type": "Feature", "geometry": None}]),
        (b"\xef\xbb\xbf" + json.dumps([FEATURE], indent=2).encode() + b"\r\n", [FEATURE]),
        (gzip.compress(json.dumps(FEATURE).encode()), [FEATURE]),
    ],
)
def test_features_are_those_of_a_collection_a_list_or_one(content, features):
    assert _read(content) == features


def test_nan_is_text_as_later_versions_write_it():
    # QuPath 0.4 writes NaN, 0.5 "NaN": github.com/qupath/qupath/issues/1293 and pull/1296.
    old = b'[{"type": "Feature", "properties": {"measurements": {"a": NaN, "b": -Infinity}}}]'
    new = b'[{"type": "Feature", "properties": {"measurements": {"a": "NaN", "b": "-Infinity"}}}]'
    assert _read(old) == _read(new) == json.loads(new)


@pytest.mark.parametrize("chunk", [1, 2, 3, 5, 8, 13, 1000])
@pytest.mark.parametrize("content", [COLLECTION, [FEATURE], FEATURE, {"a": 1.5e3} | COLLECTION])
def test_chunks_may_end_anywhere(content, chunk, monkeypatch):
    whole = _read(content)
    monkeypatch.setattr(geojson, "CHUNK", chunk)
    for indent in (None, 1):
        text = json.dumps(content, indent=indent, ensure_ascii=False).encode()
        assert _read(text) == _read(gzip.compress(text)) == whole


def test_features_come_before_the_file_is_read_to_its_end(monkeypatch):
    monkeypatch.setattr(geojson, "CHUNK", 500)
    features = geojson.features(json.dumps([FEATURE] * 9).encode()[:-5], "a.geojson")
    assert [next(features) for _ in range(8)] == [FEATURE] * 8
    with pytest.raises(InputError, match="feature 8"):
        next(features)


BAD = [
    (b"", "begins with ''; valid: GeoJSON, a FeatureCollection, a list of features, or one"),
    (b" \n", "begins with ''"),
    (b"id,x,y\n", "begins with 'i'"),
    (b'"text"', "begins with '\"'"),
    (b"null", "begins with 'n'"),
    (b"\xff\xfe[\0]\0", "is not UTF-8 text"),
    (b'["\xff"]', "is not UTF-8 text"),
    (b"\x1f\x8b\x08", "is no whole gzip file"),
    (gzip.compress(b"[]" * 999, mtime=0)[:-9], "is no whole gzip file"),
    (b"[" * 100_000, "feature 0: is nested too deeply"),
    (b'{"a": ' * 100_000, "'a': is nested too deeply"),
    (b"[", "feature 0: character 1: no JSON: Expecting value; valid: a whole file of GeoJSON"),
    (b"{", "a name: character 1: no JSON"),
    (b"{}", "type None; valid: a FeatureCollection"),
    (b"{} {}", "type None"),
    (b"[] []", "after the last feature: character 3: no JSON: '['"),
    (b'{"type": "FeatureCollection"}', "features None; valid: one list"),
    (b'{"type": "FeatureCollection", "features": {"item": {}}}', "features {'item': {}}; valid"),
    (b'{"type": "Topology", "features": []}', "type 'Topology'; valid: a FeatureCollection"),
    (b'{"type": ["Feature"]}', "type ['Feature']; valid"),
    (b'{"type": "Feature", "features": []}', "type 'Feature'; valid"),
    (b'{"features": [], "features": []}', "features []; valid: one list"),
    (b'{"type": "Polygon", "coordinates": []}', "type 'Polygon'; valid"),
    (b"{1: 2}", "the file: character 2: no JSON: the name 1"),
    (b'{"type" "Feature"}', "behind a name: character 8: no JSON: '\"' where : belongs"),
    (b'{"type": "Feature";}', "the file: character 18: no JSON: ';' where , or } belongs"),
    (b"[1]", "feature 0: is 1; valid: an object of type Feature"),
    (b"[[]]", "feature 0: is []"),
    (b"[null]", "feature 0: is None"),
    # exporting ROIs, not objects: qupath.readthedocs.io, docs/advanced/exporting_annotations
    (b'[{"type": "Polygon"}]', "feature 0: type 'Polygon'; valid: Feature, as QuPath exports"),
    (b'[{"type": "Feature", "properties": [1]}]', "feature 0: properties [1]; valid: an object"),
    (b'[{"type": "Feature"}, {"id"}]', "feature 1: character 27: no JSON: Expecting ':'"),
    (b'[{"type": "Feature"} {}]', "after feature 0: character 21: no JSON: '{' where , or ]"),
    (b'[{"type": "Feature"},]', "feature 1: character 21: no JSON"),
    (b'[{"type": "Feature"}', "after feature 0: character 20: no JSON: '' where , or ] belongs"),
    (b"[" + b"1" * 5000 + b"]", "feature 0: "),
    (json.dumps(COLLECTION).encode()[:-20], "feature 1: character"),
]


@pytest.mark.parametrize(("content", "message"), BAD)
def test_a_bad_file_is_one_line(content, message):
    with pytest.raises(InputError) as error:
        _read(content)
    said = str(error.value)
    assert said.startswith(f"a.geojson: {message}") and "\n" not in said and len(said) < 300


def test_a_file_that_is_called_gz_is_packed():
    with pytest.raises(InputError, match=r"^a\.geojson\.GZ: is no whole gzip file"):
        _read(FEATURE, "a.geojson.GZ")


@settings(max_examples=300, deadline=None)
@given(damaged(json.dumps(COLLECTION).encode()) | damaged(gzip.compress(b'[{"type": "Feature"}]')))
def test_damaged_bytes_are_features_or_one_line(content):
    with contextlib.suppress(InputError):
        for feature in _read(content):
            assert feature["type"] == "Feature"


def test_what_is_read_can_be_written_unchanged():
    file = io.StringIO()
    json.dump({"type": "FeatureCollection", "features": _read(COLLECTION)}, file)
    assert json.loads(file.getvalue()) == COLLECTION
