"""A table of nuclei, nuclei.csv: any names, one site or several, crops or centres in fields."""

from collections import Counter

from nuclei.core.errors import InputError
from nuclei.data.layouts import labels, tables
from nuclei.data.layouts.fields import FieldOfView, Nucleus

FILE = "nuclei.csv"


class Manifest(tables.TableLayout):
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
        image says them. Without x and y, every image is one nucleus.

        Raises:
            InputError: naming the row: a path is no file, or comes twice as a crop; a cell is
                empty; a number is none; some rows have what others lack; an image has two patients
                or resolutions; a patient has two sites.
        """
        rows = tables.rows(table, FILE, self.columns)
        site_of, files = tables.sites(rows, FILE), set(names)
        centred = tables.filled(rows, "x", FILE)
        if centred != tables.filled(rows, "y", FILE):
            raise InputError(f"{FILE}: x without y, or y without x; valid: both, or none of them")
        first: dict[str, int] = {}
        fields: dict[str, FieldOfView] = {}
        nuclei_of: dict[str, list[Nucleus]] = {}
        for number, row in enumerate(rows):
            where, path = f"{FILE}: row {number}", row["path"]
            if path not in files:
                raise InputError(f"{where}: path {path!r} is no file beside {FILE}")
            if path not in first:
                first[path], nuclei_of[path] = number, []
                site, mpp = site_of[row["patient"]], tables.mpp(row, where) if centred else None
                fields[path] = FieldOfView(
                    path, path, None, row["patient"], site, mpp, one_nucleus=not centred
                )
            elif not centred:
                raise InputError(f"{where}: path {path!r} comes before, in row {first[path]}")
            nucleus = _nucleus(row, number, where, centred)
            _check_same_image(row, rows[first[path]], where, first[path])
            nuclei_of[path].append(nucleus)
        return [fields[path]._replace(nuclei=tuple(nuclei_of[path])) for path in fields]

    def nuclei(self, field: FieldOfView, content: bytes) -> tuple[list[Nucleus], Counter[str]]:
        """Return the nuclei that the table has listed; a field has no file of its own."""
        return list(field.nuclei), Counter()


def _nucleus(row: tables.Row, number: int, where: str, centred: bool) -> Nucleus:
    if not centred:
        return Nucleus(row["path"], row["label"])
    return Nucleus(f"{row['path']}/{number}", row["label"], *labels.centre(row, where))


def _check_same_image(row: tables.Row, before: tables.Row, where: str, number: int) -> None:
    for column in ("patient", "microns_per_pixel"):
        if row.get(column) != before.get(column):
            raise InputError(
                f"{where}: {column} {row[column]!r}, but {before[column]!r} in row {number} of the "
                "same image"
            )
