"""A table of nuclei, nuclei.csv: any names, one site or several, crops or centres in fields."""

from nuclei.core.errors import InputError
from nuclei.data.layouts import labels
from nuclei.data.layouts.fields import FieldOfView, Nucleus

FILE = "nuclei.csv"


class Manifest(labels.TableLayout):
    """A row per nucleus, with the path of its image, which is its crop or a field of view."""

    name = "table of nuclei"
    table = FILE
    split_lists = (FILE,)
    columns = ("path", "label", "patient")

    def fields(self, names: list[str], table: bytes) -> list[FieldOfView]:
        """List the images in the order of the table, each with its nuclei.

        Columns are `path,label,patient`, and optionally `site`, `x` and `y` with
        `microns_per_pixel`, and `split`; others are not read. A path is relative to the raw folder.
        With x and y, an image is a field of view; its microns per pixel may be left out if the
        image says them. Without x and y, every image is one nucleus and has one row.
        """
        rows = self.rows(table)
        site_of, patient_of = self.sites(rows), self.one_of_each(rows, "path", "patient")
        self.one_of_each(rows, "path", "microns_per_pixel")
        centred = self.filled(rows, "x")
        if centred != self.filled(rows, "y"):
            raise InputError(f"{FILE}: x without y, or y without x; valid: both, or none of them")
        files = set(names)
        nuclei: dict[str, list[Nucleus]] = {}
        mpp_of: dict[str, float | None] = {}
        for number, row in enumerate(rows):
            where, path = f"{FILE}: row {number}", row["path"]
            if path not in files:
                raise InputError(f"{where}: path {path!r} is no file beside {FILE}")
            if centred:
                cell = row.get("microns_per_pixel", "")
                mpp_of[path] = labels.mpp(cell, f"{where}: microns_per_pixel")
                nucleus = Nucleus(f"{path}/{number}", row["label"], *labels.centre(row, where))
            elif path in nuclei:
                raise InputError(f"{where}: path {path!r} comes before; valid: a row per crop")
            else:
                nucleus = Nucleus(path, row["label"])
            nuclei.setdefault(path, []).append(nucleus)
        fields = []
        for path, patient in patient_of.items():
            site, mpp = site_of[patient], mpp_of.get(path)
            field = FieldOfView(path, path, None, patient, site, mpp, tuple(nuclei[path]))
            fields.append(field._replace(one_nucleus=not centred))
        return fields
