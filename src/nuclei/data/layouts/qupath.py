"""QuPath: images or whole slides, their objects exported as GeoJSON, and a table of patients."""

from collections import Counter
from collections.abc import Mapping

from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS
from nuclei.data import crops, slides
from nuclei.data.images import ENDINGS
from nuclei.data.layouts import tables
from nuclei.data.layouts.fields import BY_THE_IMAGE, PICTURES, FieldOfView, Nucleus, ending
from nuclei.qupath import pairing, reader

NAME = "QuPath"
FOLDERS = ("images", "annotations")
TABLES = ("images.csv",)
PRECEDENCE = SPLITS  # of no use: a patient in two splits is an error
FILE = TABLES[0]
COLUMNS = ("image", "patient")
WITH_SCALE = (*slides.ENDINGS, *crops.TIFF.endings)  # what may say its own microns per pixel


def fields(names: list[str], content: Mapping[str, bytes]) -> list[FieldOfView]:
    """List the images, which images.csv gives patients.

    Columns are `image,patient`, and optionally `site`, `microns_per_pixel` and `split`; others
    are not read. An image is the name of a file of images/, with its ending or without.

    Args:
        names: POSIX names of all files, relative to the raw folder.
        content: of images.csv.

    Returns:
        One FieldOfView per image, in the order of the table; named as the image without ending.

    Raises:
        InputError: naming the row or file: an image without file, annotations or row, or that
            comes twice; an empty cell; a number that is none; a patient of two sites.
    """
    images = pairing.images(names, PICTURES)
    annotations = pairing.annotations(names)
    rows = tables.rows(content[FILE], FILE, COLUMNS)
    site_of = tables.sites(rows, FILE)
    found: dict[str, FieldOfView] = {}
    for number, row in enumerate(rows):
        where, patient = f"{FILE}: row {number}", row["patient"]
        image = pairing.image(row["image"], images, where)
        if ending(image) not in ENDINGS:
            valid = ", ".join(sorted(ENDINGS))
            raise InputError(f"{where}: image {image!r} cannot be read; valid: {valid}")
        if image in found:
            raise InputError(f"{where}: image {image!r} comes before; valid: one row per image")
        found[image] = FieldOfView(
            images[image],
            f"images/{image}",
            pairing.of_image(image, annotations),
            patient,
            site_of[patient],
            _scale(row, image, where),
        )
    if unlisted := sorted(set(images) - set(found)):
        raise InputError(f"images/{unlisted[0]}: has no row in {FILE}; valid: a row per image")
    read = {field.labels for field in found.values()}
    if spare := [name for of_name in annotations.values() for name in of_name if name not in read]:
        raise InputError(f"{spare[0]}: of no image in images/; valid: annotations/IMAGE.geojson")
    return list(found.values())


def _scale(row: tables.Row, image: str, where: str) -> float:
    scale = tables.scale(row, where)
    if scale is None and ending(image) not in WITH_SCALE:
        raise InputError(
            f"{where}: microns_per_pixel is empty, and {ending(image)} does not say it; valid: a "
            "number, such as 0.25 at 40x"
        )
    return scale or BY_THE_IMAGE


def nuclei(field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
    """Read an image's annotations: the nuclei, with the name that QuPath has for their class.

    Args:
        field: the image; where its scale is not known, no nucleus has a size.
        content: its GeoJSON, packed by gzip or not.

    Returns:
        The nuclei, and a count of the objects that are none, by what they are.

    Raises:
        InputError: the file is no GeoJSON of QuPath, or an id comes twice; names the feature.
    """
    file, mpp = str(field.labels), field.microns_per_pixel
    assert mpp is not None
    kept: list[Nucleus] = []
    dropped: Counter[str] = Counter()
    ids: set[str] = set()
    for one in reader.read(content, file, mpp):
        if one.reason:
            dropped[one.reason] += 1
        for nucleus in of_object(one, mpp):
            if nucleus.id in ids:
                raise InputError(
                    f"{one.where}: id {nucleus.id!r} comes before; valid: an id of its own, or none"
                )
            ids.add(nucleus.id)
            kept.append(nucleus._replace(id=f"{field.name}/{nucleus.id}"))
    return kept, dropped


def of_object(one: reader.Object, mpp: float) -> list[Nucleus]:
    """Return the nuclei of an object of QuPath; their ids are unique in their file alone."""
    return [
        Nucleus(identity, one.class_name, float(x), float(y), one.longest * mpp)
        for identity, (x, y) in zip(one.ids, one.centres, strict=True)
    ]


def lists(folds: bool) -> list[str]:
    """The table lists the splits, too; it has no folds."""
    return [] if folds else [FILE]


def released_folds(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> None:
    """Return None: the table has no folds."""


def released_splits(fields: list[FieldOfView], lists: Mapping[str, bytes]) -> dict[str, str]:
    """Tell the split of every image by the column `split`.

    Raises:
        InputError: there is no such column, a split is none, or a patient is in two of them.
    """
    split_of = tables.splits(tables.rows(lists[FILE], FILE, COLUMNS), FILE)
    return {field.name: split_of[field.patient] for field in fields}
