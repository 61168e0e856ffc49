"""QuPath: images or whole slides, their objects exported as GeoJSON, and a table of patients."""

from collections import Counter

from nuclei.core.errors import InputError
from nuclei.data import slides
from nuclei.data.crops import TIFF_ENDINGS
from nuclei.data.images import ENDINGS
from nuclei.data.layouts import labels
from nuclei.data.layouts.fields import PICTURES, FieldOfView, Nucleus, ending
from nuclei.qupath import pairing, reader

FILE = "images.csv"
MAY_SAY_MPP = (*slides.ENDINGS, *TIFF_ENDINGS)


class QuPath(labels.TableLayout):
    """Images, annotations named after them, and a row per image in a table."""

    name = "QuPath"
    folders = ("images", "annotations")
    table = FILE
    split_lists = (FILE,)
    columns = ("image", "patient")

    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the images in the order of the table; each is named as its file without ending.

        Columns are `image,patient`, and optionally `site`, `microns_per_pixel` and `split`; others
        are not read. An image is the name of a file of images/, with its ending or without. Each
        must have one row and one file of annotations.
        """
        images = pairing.images(names, PICTURES)
        annotations = pairing.annotations(names)
        rows = self.rows(table)
        site_of = self.sites(rows)
        fields: dict[str, FieldOfView] = {}
        for number, row in enumerate(rows):
            where, patient = f"{FILE}: row {number}", row["patient"]
            image = pairing.image(row["image"], images, where)
            if ending(image) not in ENDINGS:
                valid = ", ".join(sorted(ENDINGS))
                raise InputError(f"{where}: image {image!r} cannot be read; valid: {valid}")
            if image in fields:
                raise InputError(f"{where}: image {image!r} comes before; valid: one row per image")
            mpp = labels.mpp(row.get("microns_per_pixel", ""), f"{where}: microns_per_pixel")
            if mpp is None and ending(image) not in MAY_SAY_MPP:
                raise InputError(
                    f"{where}: microns_per_pixel is empty, and {ending(image)} does not say it; "
                    "valid: a number, such as 0.25 at 40x"
                )
            file = pairing.of_image(image, annotations)
            fields[image] = FieldOfView(
                images[image], f"images/{image}", file, patient, site_of[patient], mpp
            )
        if unlisted := sorted(set(images) - set(fields)):
            raise InputError(f"images/{unlisted[0]}: has no row in {FILE}; valid: a row per image")
        used = {field.labels for field in fields.values()}
        if spare := [name for files in annotations.values() for name in files if name not in used]:
            valid = "annotations/IMAGE.geojson"
            raise InputError(f"{spare[0]}: of no image in images/; valid: {valid}")
        return list(fields.values())

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Read an image's GeoJSON, packed by gzip or not; count the objects that are no nuclei."""
        file, mpp = str(field.labels), field.mpp
        assert mpp is not None
        nuclei: list[Nucleus] = []
        dropped: Counter[str] = Counter()
        ids: set[str] = set()
        for one in reader.read(content, file, mpp):
            if one.reason:
                dropped[one.reason] += 1
            for nucleus in of_object(one, mpp):
                if nucleus.id in ids:
                    valid = "an id of its own, or none"
                    raise InputError(f"{one.where}: id {nucleus.id!r} comes before; valid: {valid}")
                ids.add(nucleus.id)
                nuclei.append(nucleus._replace(id=f"{field.name}/{nucleus.id}"))
        return nuclei, dropped


def of_object(one: reader.Object, mpp: float) -> list[Nucleus]:
    """Return the nuclei of an object of QuPath; their ids are unique in their file alone."""
    return [
        Nucleus(identity, one.class_name, x, y, one.longest * mpp)
        for identity, (x, y) in zip(one.ids, one.centres, strict=True)
    ]
