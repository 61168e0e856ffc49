"""What a feature of QuPath's GeoJSON says of its object: its kind, its class, where it lies.

QuPath's own reader and writer are QuPathTypeAdapters, GsonTools and ROITypeAdapters in the package
qupath.lib.io. Coordinates are pixels of the image in full resolution, from its top left corner.
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import shapely

from nuclei.core.errors import InputError
from nuclei.qupath.geojson import Feature, checked, shown

POINTS = ("Point", "MultiPoint")
SHAPES = (*POINTS, "Polygon", "MultiPolygon")
GEOMETRIES = ", ".join(SHAPES)
# Lines are measured distances; other programs write collections.
NO_SHAPES = ("LineString", "MultiLineString", "GeometryCollection")
FARTHEST = 1e9  # pixels; beyond it, areas would lose their last digits

KINDS = ("annotation", "detection", "cell", "tile", "tmaCore", "root")
# What QuPath reads, too. Version 0.2 wrote the names of its Java classes in the place of an id.
LEGACY = {f"Path{kind.capitalize()}Object": kind for kind in KINDS} | {"TMACoreObject": "tmaCore"}
KIND_OF = {kind: kind for kind in KINDS} | LEGACY
KIND_OF |= {"tma_core": "tmaCore", "unknown": "annotation"}


class Outline(NamedTuple):
    """Where an object lies, in pixels: its centre, or all points of a MultiPoint.

    `longest` is the longer side of the box around it; nan for points.
    """

    geometry: str
    centres: list[tuple[float, float]]
    longest: float = math.nan


def _properties(feature: Feature) -> Feature:
    return feature.get("properties") or {}


def objects(number: int, feature: Feature, file: str) -> Iterator[tuple[str, Feature]]:
    """Return a feature and those that its properties hold as `childObjects`, at any depth.

    Yields:
        The number and the feature of each: 3 for the feature that is third after the first of its
        file, then 3.0 for its first child.

    Raises:
        InputError: a child is no feature.
    """
    left = [(str(number), feature)]
    while left:
        name, parent = left.pop()
        yield name, parent
        properties = _properties(parent)
        children = properties.get("childObjects", properties.get("children"))
        if isinstance(children, list):
            named = [(f"{name}.{place}", child) for place, child in enumerate(children)]
            left += [(of, checked(child, f"{file}: feature {of}")) for of, child in reversed(named)]


def feature_id(feature: Feature, where: str) -> str:
    """Return a feature's id, a UUID since QuPath 0.4, or an empty string if it has none.

    Raises:
        InputError: beginning with `where`, the id is neither printable text nor a whole number.
    """
    value = feature.get("id")
    if value is None or (isinstance(value, str) and value in LEGACY):
        return ""
    if type(value) is int or (isinstance(value, str) and value and value.isprintable()):
        return str(value)
    raise InputError(f"{where}: id {shown(value)}; valid: printable text, such as a UUID")


def object_type(feature: Feature, where: str) -> str:
    """Return which of KINDS an object is; "detection" if the feature does not say.

    Raises:
        InputError: beginning with `where`, QuPath has no object of the type that it names.
    """
    properties = _properties(feature)
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
    """Return the name of an object's class, "A: B" if it has several; empty without a class.

    Raises:
        InputError: beginning with `where`, QuPath writes no such classification.
    """
    classification = _properties(feature).get("classification")
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
    raise InputError(
        f"{where}: classification {shown(classification)}; valid: a name, an object with name or "
        "names, or null"
    )


def outline(feature: Feature, where: str) -> Outline | str:
    """Measure a feature's shape: of a cell its nucleus, if QuPath has written that beside it.

    Returns:
        The outline, or why there is none: "no geometry", or that it is a line or a collection. The
        centre is the centroid. If the shape has no area, or crosses itself so that its centroid is
        outside, the centre is the middle of its box.

    Raises:
        InputError: beginning with `where`, the geometry is of another type or malformed.
    """
    geometry = feature.get("nucleusGeometry")
    if geometry is None:
        geometry = feature.get("geometry")
    if geometry is None:
        return "no geometry"
    if not isinstance(geometry, dict):
        raise InputError(f"{where}: geometry {shown(geometry)}; valid: {GEOMETRIES}, or null")
    kind, coordinates = geometry.get("type"), geometry.get("coordinates")
    if kind in NO_SHAPES:
        return str(kind)
    if kind not in SHAPES:
        raise InputError(f"{where}: geometry of type {shown(kind)}; valid: {GEOMETRIES}")
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
