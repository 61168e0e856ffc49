"""Stage prepare: a raw data set of any known layout -> uniform crops, and folds of patients."""

from pathlib import Path

from nuclei.pipeline import stage

from nuclei.core import files, paths
from nuclei.core.errors import InputError
from nuclei.data import order, raw_folder, splits
from nuclei.data.layouts import names as names_of_classes
from nuclei.data.layouts import recognition
from nuclei.data.layouts.fields import FieldOfView, not_read
from nuclei.data.layouts.recognition import Layout
from nuclei.data.params import Prepare, PrepareParams

ORDERS = {"nuclei": order.of_nuclei, "patients": order.of_patients}


def main() -> None:
    """Read data/raw/NAME, write data/prepared."""
    params = files.read_params(PrepareParams)
    knobs = params.prepare
    folder = raw_folder.find(params.data)
    names = raw_folder.names(folder, _cache_folder)
    layout = recognition.recognise(names, str(folder))
    tables = {name: raw_folder.content(folder / name) for name in layout.TABLES}
    fields = layout.fields(names, tables)
    if not fields:
        where = f"in {layout.FOLDERS[0]}/" if layout.FOLDERS else f"in {layout.TABLES[0]}"
        raise InputError(f"{folder}: {layout.NAME}, but without an image {where}")
    if len({field.site for field in fields}) == 1:
        # Of one hospital none can be held out: patients take the place of sites.
        fields = [field._replace(site=field.patient) for field in fields]
    site_of = {field.patient: field.site for field in fields}
    splits_of, moved = _splits(folder, layout, fields, knobs)
    folds = splits.table(
        {
            fold: splits.with_validation(split_of, site_of, knobs.validation, knobs.seed, fold)
            for fold, split_of in splits_of.items()
        }
    )
    with stage.output(paths.PREPARED) as unfinished:
        unfinished.mkdir()
        in_reading_order = unfinished / "crops"
        with in_reading_order.open("wb") as file:
            read = raw_folder.read_fields(folder, layout, fields, knobs, file)
        table = read.table
        splits.check(table, folds)
        rows = ORDERS[knobs.order](table, knobs.seed)
        with in_reading_order.open("rb") as file:
            files.write_crops_in_order(unfinished / "nuclei.npy", file, rows, knobs.side)
        in_reading_order.unlink()
        table = table.iloc[rows]
        files.write_csv(unfinished / "nuclei.csv", table[raw_folder.COLUMNS])
        files.write_csv(unfinished / "folds.csv", folds)
        if table["longest"].notna().all():
            files.write_csv(unfinished / "sizes.csv", table[["id", "longest"]].round(4))
        about = {"data": params.data, "layout": layout.NAME, "side": knobs.side}
        about["window_um"] = knobs.window_um if fields[0].microns_per_pixel else None
        about["order"] = knobs.order
        counted = splits.summary(table, len(fields), read.dropped, read.skipped)
        left = _left_out(names, fields, read.stretched)
        chosen = {"moved": moved, "folds": splits.count(table, folds)}
        files.write_json(unfinished / "summary.json", about | counted | left | chosen)
    _tell(counted, left)
    for name in names_of_classes.without_use(read.names, knobs.classes):
        print(
            f"not used: prepare.classes {name!r}: no nucleus, read as {layout.NAME}, is called that"
        )


def _cache_folder() -> Path | None:
    from nuclei.dvc_api import config  # half a second to import, and few need it

    return config.cache_folder()


def _left_out(names: list[str], fields: list[FieldOfView], stretched: list[str]) -> dict:
    """Count the pictures of no field of view, by ending, and the crops that change their shape."""
    found = not_read(names, {field.image for field in fields})
    counted = {ending: {"files": len(of), "first": of[0]} for ending, of in found.items()}
    changed = {"files": len(stretched), "first": stretched[0]} if stretched else {}
    return {"pictures_not_read": counted, "crops_not_square": changed}


def _tell(counted: dict, left: dict) -> None:
    """Say on the terminal what of the data is left out."""
    rows, dropped = counted["rows"], counted["dropped"]
    if dropped:
        named = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
        print(f"{rows['kept']} of {rows['read']} nuclei kept; dropped: {named}")
    for name, why in counted["skipped"].items():
        print(f"skipped: {name}: {why}")
    for ending, of in left["pictures_not_read"].items():
        print(f"not read: {of['files']} {ending} files, such as {of['first']}")
    if of := left["crops_not_square"]:
        print(f"not square, so stretched: {of['files']} crops, such as {of['first']}")


def _splits(
    folder: Path, layout: Layout, fields: list[FieldOfView], knobs: Prepare
) -> tuple[dict[int, dict[str, str]], dict[str, dict]]:
    """Return the splits by patient of every fold, and patients whom the lists put into several."""
    patient_of = {field.name: field.patient for field in fields}
    in_folds = knobs.folds != "released"
    lists = {name: raw_folder.content(folder / name) for name in layout.lists(in_folds)}
    if not in_folds:
        split_of, moved = splits.by_patient(
            patient_of, layout.released_splits(fields, lists), layout.PRECEDENCE
        )
        return {1: split_of}, moved
    released = layout.released_folds(fields, lists)
    if released is None:
        site_of = {field.patient: field.site for field in fields}
        return splits.of_folds(splits.dealt(site_of, int(knobs.folds), knobs.seed)), {}
    fold_of = splits.tested_once(patient_of, released)
    if (count := len(set(fold_of.values()))) != knobs.folds:
        valid = f"{count} or released" if count > 1 else "released"
        raise InputError(
            f"prepare.folds: {knobs.folds}; the patients here are tested by {count} of the folds "
            f"of the {layout.NAME}; valid: {valid}"
        )
    return splits.of_folds(fold_of), {}


if __name__ == "__main__":
    stage.run(main)
