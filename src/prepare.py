"""Stage prepare: a raw data set of any known layout -> uniform crops in three splits."""

import environment  # noqa: F401, first: it needs no package

# isort: split
import numpy as np

import paths
import raw_folder
import stage
from nuclei import files, splits
from nuclei.errors import InputError
from nuclei.layouts import recognition
from nuclei.params.prepare import PrepareParams


def main() -> None:
    """Read data/raw/NAME, write data/prepared."""
    params = files.read_params(PrepareParams)
    knobs = params.prepare
    folder = raw_folder.find(params.data)
    names = raw_folder.names(folder)
    layout = recognition.recognise(names, str(folder))
    fields = layout.fields(names)
    if not fields:
        raise InputError(f"{folder}: {layout.NAME}, but without an image in {layout.FOLDERS[0]}/")
    lists = {name: raw_folder.content(folder / name) for name in layout.lists(knobs.fold)}
    released = layout.released_splits(fields, lists)
    patient_of = {field.name: field.patient for field in fields}
    split_of, moved = splits.by_patient(patient_of, released, layout.PRECEDENCE)
    split_of, held_out = splits.with_validation(
        split_of, {f.patient: f.site for f in fields}, knobs.validation, knobs.seed
    )
    with stage.output(paths.PREPARED) as unfinished:
        unfinished.mkdir()
        in_reading_order = unfinished / "crops"
        with in_reading_order.open("wb") as file:
            table, dropped, skipped = raw_folder.read_fields(folder, layout, fields, knobs, file)
        table["split"] = table["patient"].map(split_of)
        splits.check(table)
        with in_reading_order.open("rb") as file:
            for split in splits.SPLITS:
                rows = np.flatnonzero(table["split"] == split)
                rows = rows[splits.order(table.iloc[rows], knobs.seed)]
                files.write_crops_in_order(unfinished / f"{split}.npy", file, rows, knobs.side)
                files.write_csv(unfinished / f"{split}.csv", table.iloc[rows][raw_folder.COLUMNS])
        in_reading_order.unlink()
        if table["longest"].notna().all():
            files.write_csv(unfinished / "sizes.csv", table[["id", "longest"]].round(4))
        about = {"data": params.data, "layout": layout.NAME, "side": knobs.side}
        about["microns"] = knobs.microns if fields[0].microns_per_pixel else None
        counted = splits.summary(table, len(fields), dropped, skipped)
        chosen = {"moved": moved, "held_out_sites": held_out, "kept": splits.count(table)}
        files.write_json(unfinished / "summary.json", about | counted | chosen)


if __name__ == "__main__":
    stage.run(main)
