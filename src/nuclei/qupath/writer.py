"""QuPath's GeoJSON with what networks predict: the objects as they were, now with classes."""

import json
from collections.abc import Iterator, Sequence

import numpy as np

from nuclei.qupath import geojson, reader
from nuclei.qupath.geojson import Feature

# QuPath's own names and colours: PathClassFactory and PathClass.StandardPathClasses in qupath.lib.
NAMES = {"stromal": "Stroma", "TIL": "Immune cells", "tumor": "Tumor"}
COLOURS = {"stromal": [150, 200, 150], "TIL": [160, 90, 160], "tumor": [200, 0, 0]}


def features(
    content: bytes, file: str, mpp: float, classes: Sequence[str], probabilities: np.ndarray
) -> Iterator[Feature]:
    """Return the features of a file, those of nuclei with a class and a measurement per class.

    Everything else of a feature stays. An object of several points becomes a detection for each of
    them, because QuPath gives an object one class. Classes that are not of this project keep their
    names and get no colour. `probabilities` are float (N, C), a row per nucleus of `reader.read`.
    """
    rows = iter(probabilities)
    for number, feature in enumerate(geojson.features(content, file)):
        points: list[Feature] = []
        replaced = False
        for one in reader.of_feature(number, feature, file, mpp):
            if len(one.centres) == 1:
                _classify(one.feature, classes, next(rows))
            elif one.centres:
                replaced = replaced or one.feature is feature
                points += [_point(centre, classes, next(rows)) for centre in one.centres]
        if not replaced:
            yield feature
        yield from points


def lines(features: Iterator[Feature]) -> Iterator[str]:
    """Write features as a FeatureCollection, a line each."""
    before = '{"type": "FeatureCollection", "features": ['
    for feature in features:
        yield f"{before}\n{json.dumps(feature, ensure_ascii=False)}"
        before = ","
    yield "\n]}\n" if before == "," else f"{before}]}}\n"


def _classify(feature: Feature, classes: Sequence[str], probabilities: np.ndarray) -> None:
    likeliest = classes[int(probabilities.argmax())]
    feature["properties"] = properties = feature.get("properties") or {}
    properties["classification"] = {"name": NAMES.get(likeliest, likeliest)}
    if likeliest in COLOURS:
        properties["classification"]["color"] = COLOURS[likeliest]
    new = {
        f"Probability {NAMES.get(label, label)}": round(float(probability), 6)
        for label, probability in zip(classes, probabilities, strict=True)
    }
    old = properties.get("measurements")
    if isinstance(old, list):  # before QuPath 0.4: a list of names and values
        kept = [one for one in old if not (isinstance(one, dict) and one.get("name") in new)]
        properties["measurements"] = kept + [{"name": k, "value": v} for k, v in new.items()]
    else:
        properties["measurements"] = (old if isinstance(old, dict) else {}) | new


def _point(
    centre: tuple[float, float], classes: Sequence[str], probabilities: np.ndarray
) -> Feature:
    point: Feature = {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": list(centre)},
        "properties": {"objectType": "detection"},
    }
    _classify(point, classes, probabilities)
    return point
