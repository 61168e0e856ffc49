"""Which file of images/ a row means, and which file of annotations/ belongs to an image."""

import re
from collections.abc import Collection, Mapping
from pathlib import PurePosixPath

from nuclei.core.errors import InputError

LISTS_OF_PICTURES = (".vms", ".vmu")


def stem(name: str) -> str:
    """Return a name without its ending as QuPath does: a of a.ome.tif, and a.b of a.b.svs."""
    return re.sub(r"(\.ome(?=\.tiff?$))?\.[^.]+$", "", name, flags=re.IGNORECASE)


def bases(image: str) -> list[str]:
    """Return the names that a file of an image's nuclei may have before its ending."""
    return list(dict.fromkeys((stem(image), PurePosixPath(image).stem, image)))


def without_parts(names: list[str]) -> list[str]:
    """Leave out the pictures that are parts of slides in VMS, and no images by themselves.

    Such a slide is a file that lists JPEGs beside it. Their names begin with its own.
    """
    slides = tuple(stem(name) for name in names if name.lower().endswith(LISTS_OF_PICTURES))
    return [
        name
        for name in names
        if not (slides and name.startswith(slides) and name.lower().endswith((".jpg", ".jpeg")))
    ]


def images(names: list[str], endings: Collection[str]) -> dict[str, str]:
    """Return the pictures in images/, each with its name without ending.

    Pictures in folders of images/ are left out: a slide in MRXS keeps its parts in one.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        endings: of pictures, in lower case.

    Raises:
        InputError: two pictures differ in their ending alone.
    """
    inside = [name.removeprefix("images/") for name in sorted(names) if name.startswith("images/")]
    pictures = [
        name for name in inside if "/" not in name and PurePosixPath(name).suffix.lower() in endings
    ]
    images: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in without_parts(pictures):
        images[name] = stem(name)
        if (other := first.setdefault(stem(name), name)) != name:
            raise InputError(
                f"images/{name}: {other} is called {stem(name)!r}, too; valid: names that differ "
                "in more than their ending"
            )
    return images


def image(cell: str, images: Mapping[str, str], where: str) -> str:
    """Return the picture that a table names, with its ending or without.

    Args:
        cell: of the column image.
        images: as `images` returns them.
        where: the row, for messages.

    Raises:
        InputError: there is no such picture.
    """
    matches = [cell] if cell in images else [name for name in images if images[name] == cell]
    if not matches:
        raise InputError(f"{where}: image {cell!r} is no picture in images/; valid: its name there")
    return matches[0]


def annotations(names: list[str]) -> dict[str, list[str]]:
    """Return the files of annotations/ by their names without .geojson or .geojson.gz."""
    by_base: dict[str, list[str]] = {}
    for name in sorted(names):
        if match := re.fullmatch(r"annotations/([^/]+)\.geojson(\.gz)?", name, re.IGNORECASE):
            by_base.setdefault(match[1], []).append(name)
    return by_base


def of_image(image: str, annotations: Mapping[str, list[str]]) -> str:
    """Return an image's annotations, which QuPath names after it with its ending or without.

    Args:
        image: a file's name in images/.
        annotations: as `annotations` returns them.

    Raises:
        InputError: there is no such file, or more than one.
    """
    matches = [name for base in bases(image) for name in annotations.get(base, [])]
    valid = f"annotations/{stem(image)}.geojson, or .geojson.gz"
    if not matches:
        raise InputError(f"images/{image}: has no annotations; valid: {valid}")
    if len(matches) > 1:
        raise InputError(f"images/{image}: has {' and '.join(matches)}; valid: one of them")
    return matches[0]
