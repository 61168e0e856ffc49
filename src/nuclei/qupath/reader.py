"""The objects of a file of QuPath: which of them are nuclei, and where those lie.

`file` is what messages call the file, `mpp` the microns per pixel of its image.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

from nuclei.qupath import geojson, objects
from nuclei.qupath.geojson import Feature

LARGEST = 50  # microns; people outline nuclei as annotations, and regions of tissue, too
NO_NUCLEI = {"tile": "tile", "tmaCore": "TMA core", "root": "root object"}


class Object(NamedTuple):
    """An object and its nuclei: one, several if it is a MultiPoint, or the reason for none."""

    feature: Feature  # as it stands in the file
    where: str  # the file and the feature, for messages
    reason: str = ""  # why it is no nucleus, such as "tile"
    class_name: str = ""  # as QuPath shows it; empty without a class
    ids: tuple[str, ...] = ()  # of each nucleus
    centres: tuple[tuple[float, float], ...] = ()  # x and y of each nucleus, in pixels
    longest: float = math.nan  # longer side of the box around the nucleus, in pixels


def read(content: bytes, file: str, mpp: float) -> Iterator[Object]:
    """Read the objects of GeoJSON, packed by gzip or not, each before its children.

    Raises:
        InputError: the file is no GeoJSON of QuPath; names the feature.
    """
    for number, feature in enumerate(geojson.features(content, file)):
        yield from of_feature(number, feature, file, mpp)


def of_feature(number: int, feature: Feature, file: str, mpp: float) -> Iterator[Object]:
    """Read the object that a feature, the n-th of its file, is; and its children, at any depth.

    Raises:
        InputError: naming the file and the feature that is not as QuPath writes it.
    """
    for name, one in objects.objects(number, feature, file):
        yield _object(one, name, f"{file}: feature {name}", mpp)


def _object(feature: Feature, name: str, where: str, mpp: float) -> Object:
    kind = objects.object_type(feature, where)
    if kind in NO_NUCLEI:
        return Object(feature, where, NO_NUCLEI[kind])
    outline = objects.outline(feature, where)
    if isinstance(outline, str):
        return Object(feature, where, outline)
    class_name = objects.class_name(feature, where)
    is_area = kind == "annotation" and not math.isnan(outline.longest)
    if is_area and not (class_name and outline.longest * mpp <= LARGEST):
        return Object(feature, where, "area annotation")
    identity = objects.feature_id(feature, where) or name
    ids = [identity]
    if outline.geometry == "MultiPoint":
        ids = [f"{identity}/{number}" for number in range(len(outline.centres))]
    return Object(
        feature, where, "", class_name, tuple(ids), tuple(outline.centres), outline.longest
    )
