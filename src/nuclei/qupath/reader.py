"""The objects of QuPath's GeoJSON: which of them are nuclei, of what class, and where they lie.

QuPath's own reader and writer are QuPathTypeAdapters, GsonTools and ROITypeAdapters in the package
qupath.lib.io. Coordinates are pixels of the image in full resolution, from its top left corner.
An InputError on what QuPath does not write begins with `where`: the file and the feature.
"""

import json
import math
import re
from collections.abc import Iterator
from reprlib import repr as shown
from typing import Any, NamedTuple

import shapely

from nuclei.core.errors import InputError
from nuclei.qupath.geojson import Feature, checked, features

LARGEST = 50  # microns; people outline nuclei as annotations, and regions of tissue, too
POINTS = ("Point", "MultiPoint")
SHAPES = (*POINTS, "Polygon", "MultiPolygon")
# Lines are measured distances; other programs write collections.
NO_SHAPES = ("LineString", "MultiLineString", "GeometryCollection")
FARTHEST = 1e9  # pixels; beyond it, areas would lose their last digits

KINDS = ("annotation", "detection", "cell", "tile", "tmaCore", "root")
NO_NUCLEI = {"tile": "tile", "tmaCore": "TMA core", "root": "root object"}  # as reasons
# What QuPath reads, too. Version 0.2 wrote the names of its Java classes in the place of an id.
LEGACY = {f"Path{kind.capitalize()}Object": kind for kind in KINDS} | {"TMACoreObject": "tmaCore"}
KIND_OF = {kind: kind for kind in KINDS} | LEGACY
KIND_OF |= {"tma_core": "tmaCore", "unknown": "annotation"}


class Outline(NamedTuple):
    """Where an object lies, in pixels."""

    geometry: str
    centres: list[tuple[float, float]]  # x and y: one, or all points of a MultiPoint
    longest: float = math.nan  # longer side of the box around it; nan for points


class Object(NamedTuple):
    """An object and its nuclei: one, several if it is a MultiPoint, or the reason for none."""

    feature: Feature  # as it stands in the file
    where: str
    reason: str = ""  # why it is no nucleus, such as "tile"
    class_name: str = ""  # as QuPath shows it; empty without a class
    ids: tuple[str, ...] = ()  # of each nucleus
    centres: tuple[tuple[float, float], ...] = ()  # x and y of each nucleus, in pixels
    longest: float = math.nan  # longer side of the box around the nucleus, in pixels


def read(content: bytes, file: str, mpp: float) -> Iterator[Object]:
    """Read the objects of GeoJSON, packed by gzip or not, each before its children."""
    for number, feature in enumerate(features(content, file)):
        yield from of_feature(number, feature, file, mpp)


def of_feature(number: int, feature: Feature, file: str, mpp: float) -> Iterator[Object]:
    """Read the object of a file's n-th feature, and its children: those of 3 are 3.0, 3.1, ..."""
    left = [(str(number), feature)]
    while left:
        name, parent = left.pop()
        yield _object(parent, name, f"{file}: feature {name}", mpp)
        properties = parent.get("properties") or {}
        children = properties.get("childObjects", properties.get("children"))
        if isinstance(children, list):
            named = [(f"{name}.{place}", child) for place, child in enumerate(children)]
            left += [(key, checked(one, f"{file}: feature {key}")) for key, one in reversed(named)]


def _object(feature: Feature, name: str, where: str, mpp: float) -> Object:
    kind = object_type(feature, where)
    if kind in NO_NUCLEI:
        return Object(feature, where, NO_NUCLEI[kind])
    shape = outline(feature, where)
    if isinstance(shape, str):
        return Object(feature, where, shape)
    label = class_name(feature, where)
    is_area = kind == "annotation" and not math.isnan(shape.longest)
    if is_area and not (label and shape.longest * mpp <= LARGEST):
        return Object(feature, where, "area annotation")
    identity = feature_id(feature, where) or name
    ids = [identity]
    if shape.geometry == "MultiPoint":
        ids = [f"{identity}/{number}" for number in range(len(shape.centres))]
    return Object(feature, where, "", label, tuple(ids), tuple(shape.centres), shape.longest)


def feature_id(feature: Feature, where: str) -> str:
    """Return an id, empty if there is none; raise InputError if it is no text or whole number."""
    value = feature.get("id")
    if value is None or (isinstance(value, str) and value in LEGACY):
        return ""
    if type(value) is int or (isinstance(value, str) and value and value.isprintable()):
        return str(value)
    raise InputError(f"{where}: id {shown(value)}; valid: printable text, such as a UUID")


def object_type(feature: Feature, where: str) -> str:
    """Return which of KINDS an object is, by default a detection; raise InputError on others."""
    properties = feature.get("properties") or {}
    for key in ("objectType", "object_type"):  # the latter before QuPath 0.4
        if (kind := properties.get(key)) is not None:
            if isinstance(kind, str) and kind in KIND_OF:
                return KIND_OF[kind]
            raise InputError(f"{where}: {key} {shown(kind)}; valid: {', '.join(KINDS)}")
    # Other programs write anything into these two.
    for kind in (properties.get("type"), feature.get("id")):
        if isinstance(kind, str) and kind in KIND_OF:
            return KIND_OF[kind]
    return "detection"


def class_name(feature: Feature, where: str) -> str:
    """Return an object's class, "A: B" if it has several; raise InputError if it is malformed."""
    classification = (feature.get("properties") or {}).get("classification")
    parts: list[str] = []
    part = classification
    while isinstance(part, dict):
        names = part["names"] if part.get("names") is not None else part.get("name")
        names = names if isinstance(names, list) else [names]
        if not all(isinstance(name, str) for name in names) and names != [None]:
            break
        parts = [*(name for name in names if name), *parts]
        part = part.get("parentClass")  # a derived class before QuPath 0.4
    if part is None or (isinstance(part, str) and part is classification):
        return ": ".join(parts) or part or ""
    valid = "a name, an object with name or names, or null"
    raise InputError(f"{where}: classification {shown(classification)}; valid: {valid}")


def outline(feature: Feature, where: str) -> Outline | str:
    """Measure a feature's shape (of a cell, its nucleus's), or return why it has none.

    The centre is the centroid or, if the shape has no area or crosses itself so that its centroid
    is outside, the middle of its box.
    """
    geometry = feature.get("nucleusGeometry")
    if geometry is None:
        geometry = feature.get("geometry")
    if geometry is None:
        return "no geometry"
    if not isinstance(geometry, dict):
        raise InputError(
            f"{where}: geometry {shown(geometry)}; valid: {', '.join(SHAPES)}, or null"
        )
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind in NO_SHAPES:
        return str(kind)
    if kind not in SHAPES:
        raise InputError(f"{where}: geometry of type {shown(kind)}; valid: {', '.join(SHAPES)}")
    try:
        shape = _shape(kind, coordinates)
    except (shapely.GEOSException, ValueError, RecursionError) as error:
        why = re.sub(r".*json\.exception\S* |.*Exception: ", "", str(error)).strip("'")
        raise InputError(
            f"{where}: {kind} {shown(coordinates)}: {why[:80]}; valid: closed rings, or points, of "
            f"[x, y] in pixels, up to {FARTHEST:.0e}"
        ) from None
    if kind in POINTS:
        return Outline(kind, [(x, y) for x, y in shapely.get_coordinates(shape).tolist()])
    left, top, right, bottom = shape.bounds
    centre = (left + right) / 2, (top + bottom) / 2
    if shape.area > 0:
        ((x, y),) = shape.centroid.coords
        if left <= x <= right and top <= y <= bottom:
            centre = x, y
    return Outline(kind, [centre], max(right - left, bottom - top))


def _shape(kind: str, coordinates: Any) -> shapely.Geometry:
    """Return a geometry of GeoJSON; check what GEOS lets pass and no nucleus has."""
    shape = shapely.from_geojson(json.dumps({"type": kind, "coordinates": coordinates}))
    parts = shapely.get_parts(shape)
    if shape.is_empty or shapely.is_empty(parts).any():
        raise ValueError("is empty")
    if kind not in POINTS and shapely.get_num_coordinates(shapely.get_rings(parts)).min() < 4:
        raise ValueError("a ring of fewer than 4 positions")
    if max(map(abs, shape.bounds)) > FARTHEST:
        raise ValueError("lies too far away")
    return shape
