"""QuPath's GeoJSON with what networks say of its nuclei: the objects as they were, and classes."""

import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from nuclei.core.classes import CLASSES
from nuclei.data.layouts import qupath
from nuclei.data.layouts.fields import Nucleus
from nuclei.qupath import geojson, objects
from nuclei.qupath.geojson import Feature

# QuPath's own names and colours: PathClassFactory and PathClass.StandardPathClasses in qupath.lib.
OF_QUPATH = {
    "stromal": ("Stroma", [150, 200, 150]),
    "TIL": ("Immune cells", [160, 90, 160]),
    "tumor": ("Tumor", [200, 0, 0]),
}


def nuclei(content: bytes, file: str, microns_per_pixel: float) -> list[Nucleus]:
    """List the nuclei among the objects of a file, whatever their class is now.

    Args:
        content: GeoJSON, packed by gzip or not.
        file: its name, for messages.
        microns_per_pixel: scale of the image.

    Raises:
        InputError: the file is no GeoJSON of QuPath; names the feature.
    """
    return [
        nucleus
        for place, feature in enumerate(geojson.features(content, file))
        for _, found in _objects(place, feature, file, microns_per_pixel)
        for nucleus in found
    ]


def features(
    content: bytes, file: str, microns_per_pixel: float, probabilities: np.ndarray
) -> Iterator[Feature]:
    """Return the features of a file, those of nuclei with their class and three measurements.

    Everything else of a feature stays. Of several points in one object each becomes a detection of
    its own: QuPath gives an object one class.

    Args:
        content: as for `nuclei`.
        file: as for `nuclei`.
        microns_per_pixel: as for `nuclei`.
        probabilities: float (N, 3), of what `nuclei` has listed.
    """
    rows = iter(probabilities)
    for place, feature in enumerate(geojson.features(content, file)):
        points: list[Feature] = []
        several = False
        for one, found in _objects(place, feature, file, microns_per_pixel):
            if len(found) == 1:
                _classify(one, next(rows))
            elif found:
                several = several or one is feature
                points += [_point(nucleus, next(rows)) for nucleus in found]
        if not several:
            yield feature
        yield from points


def lines(features: Iterator[Feature]) -> Iterator[str]:
    """Write features as a FeatureCollection, a line each."""
    before = '{"type": "FeatureCollection", "features": ['
    for feature in features:
        yield f"{before}\n{json.dumps(feature, ensure_ascii=False)}"
        before = ","
    yield "\n]}\n" if before == "," else f"{before}]}}\n"


def _objects(
    place: int, feature: Feature, file: str, microns_per_pixel: float
) -> Iterator[tuple[Feature, list[Nucleus]]]:
    """Return a feature and its children, each with its nuclei: none of what is no nucleus."""
    for number, one in objects.objects(place, feature, file):
        found = qupath.of_feature(one, number, f"{file}: feature {number}", microns_per_pixel)
        yield one, [] if isinstance(found, str) else found


def _classify(feature: Feature, probabilities: np.ndarray) -> None:
    name, color = OF_QUPATH[CLASSES[int(probabilities.argmax())]]
    properties: dict[str, Any] = feature.get("properties") or {}
    feature["properties"] = properties
    properties["classification"] = {"name": name, "color": color}
    said = {
        f"Probability {OF_QUPATH[label][0]}": round(float(p), 6)
        for label, p in zip(CLASSES, probabilities, strict=True)
    }
    known = properties.get("measurements")
    if isinstance(known, list):  # before QuPath 0.4: a list of names and values
        others = [one for one in known if not (isinstance(one, dict) and one.get("name") in said)]
        measured = [{"name": name, "value": value} for name, value in said.items()]
        properties["measurements"] = others + measured
    else:
        properties["measurements"] = (known if isinstance(known, dict) else {}) | said


def _point(nucleus: Nucleus, probabilities: np.ndarray) -> Feature:
    point: Feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [nucleus.x, nucleus.y]},
        "properties": {"objectType": "detection"},
    }
    _classify(point, probabilities)
    return point
