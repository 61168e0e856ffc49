"""Which file of images/ a row means, and which file of annotations/ belongs to an image."""

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from nuclei.core.errors import InputError


def stem(name: str) -> str:
    """Return a name without its ending as QuPath does: a of a.ome.tif, and a.b of a.b.svs."""
    return re.sub(r"(\.ome(?=\.tiff?$))?\.[^.]+$", "", name, flags=re.IGNORECASE)


def bases(image: str) -> list[str]:
    """Return the names that a file of an image's nuclei may have before its ending."""
    return list(dict.fromkeys((stem(image), PurePosixPath(image).stem, image)))


def without_parts(names: list[str]) -> list[str]:
    """Leave out the parts of slides in VMS: JPEGs whose names begin with that of the slide."""
    slides = tuple(stem(name) for name in names if name.lower().endswith((".vms", ".vmu")))
    return [
        name
        for name in names
        if not (name.startswith(slides) and name.lower().endswith((".jpg", ".jpeg")))
    ]


def images(names: list[str], endings: Collection[str]) -> dict[str, str]:
    """Return the pictures in images/, by their lower-case endings: each with its name without one.

    None in folders there: a slide in MRXS keeps parts in one. InputError if two share a name.
    """
    folder = PurePosixPath("images")
    files = [path for path in map(PurePosixPath, sorted(names)) if path.parent == folder]
    pictures = without_parts([path.name for path in files if path.suffix.lower() in endings])
    first: dict[str, str] = {}
    for name in pictures:
        if (other := first.setdefault(stem(name), name)) != name:
            raise InputError(
                f"images/{name}: {other} is called {stem(name)!r}, too; valid: names that differ "
                "in more than their ending"
            )
    return {name: stem(name) for name in pictures}


def image(cell: str, images: Mapping[str, str], where: str) -> str:
    """Return the picture that a cell of a table names, with its ending or without."""
    for name in images:  # sorted, so a whole name comes before a longer one of that stem
        if cell in (name, images[name]):
            return name
    raise InputError(f"{where}: image {cell!r} is no picture in images/; valid: its name there")


def annotations(names: list[str]) -> dict[str, list[str]]:
    """Return the files of annotations/ by their names without .geojson or .geojson.gz."""
    by_base: dict[str, list[str]] = {}
    for name in sorted(names):
        if match := re.fullmatch(r"annotations/([^/]+)\.geojson(\.gz)?", name, re.IGNORECASE):
            by_base.setdefault(match[1], []).append(name)
    return by_base


def of_image(image: str, annotations: Mapping[str, list[str]]) -> str:
    """Return the one file of an image's annotations, named after it with its ending or without."""
    matches = [name for base in bases(image) for name in annotations.get(base, [])]
    valid = f"annotations/{stem(image)}.geojson, or .geojson.gz"
    if not matches:
        raise InputError(f"images/{image}: has no annotations; valid: {valid}")
    if len(matches) > 1:
        raise InputError(f"images/{image}: has {' and '.join(matches)}; valid: one of them")
    return matches[0]
