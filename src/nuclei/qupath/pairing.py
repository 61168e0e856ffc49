"""Which file of images/ a row means, and which of annotations/ is the image's."""

import re
from collections.abc import Mapping
from pathlib import PurePosixPath

from nuclei.core.errors import InputError
from nuclei.data import crops, slides
from nuclei.data.images import ENDINGS
from nuclei.data.layouts.fields import PICTURES, ending

WITH_SCALE = frozenset((*slides.ENDINGS, *crops.TIFF.endings))  # what may say its own scale


def stem(name: str) -> str:
    """The name as QuPath has it without ending: of a.ome.tif it is a, of a.b.svs it is a.b."""
    return re.sub(r"(\.ome(?=\.tiff?$))?\.[^.]+$", "", name, flags=re.IGNORECASE)


def bases(image: str) -> list[str]:
    """The names that a file of an image's own may have before its ending, QuPath's first."""
    return list(dict.fromkeys((stem(image), PurePosixPath(image).stem, image)))


def without_parts(images: list[str]) -> list[str]:
    """Leave out the pictures of which slides in VMS consist: not one of them is an image by itself.

    Such a slide comes as a file that lists pictures beside it, whose names begin with its own.
    """
    lists = tuple(stem(name) for name in images if ending(name) in (".vms", ".vmu"))
    return [
        name
        for name in images
        if not (lists and name.startswith(lists) and ending(name) in (".jpg", ".jpeg"))
    ]


def images(names: list[str]) -> dict[str, str]:
    """Return the pictures in images/, and their names without ending.

    Not those in folders of it: a slide in MRXS keeps its parts in one.

    Raises:
        InputError: two pictures differ in their ending alone.
    """
    here = [name.removeprefix("images/") for name in sorted(names) if name.startswith("images/")]
    here = [name for name in here if "/" not in name and ending(name) in PICTURES]
    images: dict[str, str] = {}
    first: dict[str, str] = {}
    for name in without_parts(here):
        images[name] = stem(name)
        if (other := first.setdefault(stem(name), name)) != name:
            raise InputError(
                f"images/{name}: {other} is called {stem(name)!r}, too; valid: names that differ "
                "in more than their ending"
            )
    return images


def image(cell: str, images: Mapping[str, str], where: str) -> str:
    """Find the file that a cell means, by its name with or without ending.

    Args:
        cell: of the column image.
        images: of `images`.
        where: the row, for messages.

    Raises:
        InputError: there is no such file, or of no format that is read.
    """
    names = [cell] if cell in images else [name for name in images if images[name] == cell]
    if not names:
        raise InputError(f"{where}: image {cell!r} is no picture in images/; valid: its name there")
    if ending(names[0]) not in ENDINGS:
        valid = ", ".join(sorted(ENDINGS))
        raise InputError(f"{where}: image {names[0]!r} cannot be read; valid: {valid}")
    return names[0]


def annotations(names: list[str]) -> dict[str, list[str]]:
    """Return the files of annotations/ by their names without .geojson or .geojson.gz."""
    found: dict[str, list[str]] = {}
    for name in sorted(names):
        if match := re.fullmatch(r"annotations/([^/]+)\.geojson(\.gz)?", name, re.IGNORECASE):
            found.setdefault(match[1], []).append(name)
    return found


def of_image(image: str, annotations: Mapping[str, list[str]]) -> str:
    """Find an image's annotations, which QuPath names after it with or without its ending.

    Args:
        image: a file's name in images/.
        annotations: of `annotations`.

    Raises:
        InputError: there are none, or more than one file of them.
    """
    found = [name for base in bases(image) for name in annotations.get(base, [])]
    valid = f"annotations/{stem(image)}.geojson, or .geojson.gz"
    if not found:
        raise InputError(f"images/{image}: has no annotations; valid: {valid}")
    if len(found) > 1:
        raise InputError(f"images/{image}: has {' and '.join(found)}; valid: one of them")
    return found[0]
