"""Stage prepare: a raw data set of any known layout -> uniform crops, and folds of patients."""

from pathlib import Path

from nuclei.pipeline import stage

import numpy as np
import pandas as pd

from nuclei.core import files, paths
from nuclei.data import raw_folder, reading, splits, summary
from nuclei.data.order import ORDERS
from nuclei.data.params import PrepareParams


def main() -> None:
    """Read data/raw/NAME, write data/prepared."""
    params = files.read_params(PrepareParams)
    knobs = params.prepare
    raw = raw_folder.find(params.data, _cache_folder)
    names = raw.layout.split_lists if knobs.folds == "released" else raw.layout.fold_lists
    lists = {name: raw_folder.content(raw.folder / name) for name in names}
    folds, moved = splits.of_layout(raw.layout, raw.fields, lists, knobs)

    def arrange(table: pd.DataFrame) -> np.ndarray:
        splits.check(table, folds)
        return ORDERS[knobs.order](table, knobs.seed)

    with stage.output(paths.PREPARED) as unfinished:
        unfinished.mkdir()
        read = reading.read(raw, knobs, unfinished / "nuclei.npy", arrange)
        table = read.table
        files.write_csv(unfinished / "nuclei.csv", table[reading.COLUMNS])
        files.write_csv(unfinished / "folds.csv", folds)
        if table["longest"].notna().all():
            files.write_csv(unfinished / "sizes.csv", table[["id", "longest"]].round(4))
        content = summary.of_all(params, raw, read, folds, moved)
        files.write_json(unfinished / "summary.json", content)
    _print_left_out(content)
    for line in summary.unused_names(raw, read, knobs.classes):
        print(line)


def _cache_folder() -> Path | None:
    from nuclei.dvc_api import config  # half a second to import, and few need it

    return config.cache_folder()


def _print_left_out(content: dict) -> None:
    """Print what of the data is left out, given the content of summary.json."""
    rows, dropped = content["rows"], content["dropped"]
    if dropped:
        reasons = ", ".join(f"{count} {reason}" for reason, count in dropped.items())
        print(f"{rows['kept']} of {rows['read']} nuclei kept; dropped: {reasons}")
    for name, why in content["skipped"].items():
        print(f"skipped: {name}: {why}")
    for ending, some in content["pictures_not_read"].items():
        print(f"not read: {some['files']} {ending} files, such as {some['first']}")
    if some := content["crops_not_square"]:
        print(f"not square, so stretched: {some['files']} crops, such as {some['first']}")


if __name__ == "__main__":
    stage.run(main)
