"""Stage evaluate: predictions -> metrics, the tables behind `dvc plots`, figures, report.md."""

import hashlib
from pathlib import Path

from nuclei.pipeline import stage
from nuclei.pipeline.params import StudyParams

import numpy as np
import pandas as pd

from nuclei.augmentation import recipes
from nuclei.core import files, folds, paths
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.dvc_api import configurations as known
from nuclei.dvc_api.configurations import Configuration
from nuclei.report import answer, document, provenance, tables
from nuclei.statistics import bootstrap, sizes
from nuclei.statistics import predictions as predicted
from nuclei.statistics.predictions import Predictions, Tested

DIGITS = 4  # of every number in tables and metrics


def main() -> None:
    """Evaluate exactly the cells that dvc.yaml defines: leftovers of others enter no table."""
    params = files.read_params(StudyParams)
    knobs = params.evaluate
    cells = known.configurations()
    if (params.aug, params.volume) not in [(cell.aug, cell.volume) for cell in cells]:
        raise InputError(
            f"dvc.yaml: no cell of train is {params.aug} at volume {params.volume:g}, of which "
            "params.yaml asks; its matrix names ${aug} and ${volume}"
        )
    nuclei = files.read_csv(paths.PREPARED / "nuclei.csv")
    dealt = files.read_csv(paths.PREPARED / "folds.csv")
    found = folds.of_tables(nuclei, dealt)
    tested, rows = predicted.tested_nuclei(nuclei, found)
    training = {
        cell: files.read_json(_made(paths.TRAINING / f"{cell.name}.json", cell)) for cell in cells
    }
    records = {(cell.aug, cell.volume): training[cell]["record"] for cell in cells}
    if knobs.mixed == "refuse" and (differing := provenance.mixed(records)):
        raise InputError(
            f"{paths.TRAINING}: {differing}; train all cells alike, by "
            "`dvc repro --force --single-item train`, or set evaluate.mixed to allow"
        )
    predictions = Predictions(tested, _read(cells, "test", rows, len(nuclei)))
    rescaled = _read(cells, "test-at-training-scale", rows, len(nuclei))
    curves, ends = (
        pd.concat(
            [pd.DataFrame(training[c][name]).assign(aug=c.aug, volume=c.volume) for c in cells]
        )
        for name in ("curves", "made")
    )
    drawn = bootstrap.resample(predictions, knobs.resamples, knobs.seed)
    made = tables.study(predictions, rescaled, curves, ends, drawn, knobs, params.aug)
    # Once, for files, page and terminal alike: a number rounded twice would differ among them.
    made = {name: table.round(DIGITS) for name, table in made.items()}
    made["nuclei"].insert(3, "id", nuclei["id"].to_numpy()[rows[made["nuclei"]["nucleus"]]])
    if generated := next((c.aug for c in cells if recipes.generates(c.aug)), None):
        # Any of them: they are augmented by the same knobs, so their pools are the same.
        made["synthetic_nuclei"] = files.read_csv(paths.AUGMENTED / generated / paths.QUALITIES)
    floor = _size_floor(nuclei, found, tested)
    # matplotlib takes half a second to import: a mistake in the inputs is told before that
    from nuclei.report import gallery

    with stage.output(paths.PLOTS) as folder:
        (folder / "figures").mkdir(parents=True)
        for name, table in made.items():
            files.write_csv(folder / f"{name}.csv", table, digits=DIGITS)
        for name, png in gallery.charts(made, drawn, knobs.margin):
            (folder / "figures" / f"{name}.png").write_bytes(png)
        pictures = folder / document.folder_of_pictures(params.data)
        pictures.mkdir(exist_ok=True)
        for name, png in gallery.pictures(made, rows, nuclei["label"], knobs, _crops):
            (pictures / f"{name}.png").write_bytes(png)
        used = pd.DataFrame({"volume": volume, **of} for (_, volume), of in records.items())
        summary = files.read_json(paths.PREPARED / "summary.json")
        shared = folds.shared_sites(
            dealt, dict(zip(nuclei["patient"], nuclei["site"], strict=True))
        )
        seen = {site for of_fold in shared.values() for site in of_fold}
        said = answer.answer(params, tested, seen, made)
        lines = answer.lines(said)
        files.write_csv(folder / "answer.csv", lines)
        text = document.report(
            params, said, tested, shared, summary, made, used, floor, _fingerprint(cells)
        )
        (folder / "report.md").write_text(text, encoding="utf-8")
    with stage.output(paths.METRICS) as folder:
        metrics = tables.metrics(made, records, params.aug, params.volume, floor)
        for name, content in metrics.items():
            files.write_json(folder / f"{name}.json", content, digits=DIGITS)

    print(*lines["text"], "", document.terminal(made["configurations"]), sep="\n")
    print(f"report: {paths.PLOTS / 'report.md'}")
    if left := known.leftovers(cells):
        print(
            f"{len(left)} files are of no cell of dvc.yaml, such as {left[0]}: in no table, but in "
            "dvc.lock; before you commit it, remove them and type `dvc repro`"
        )


def _made(path: Path, cell: Configuration) -> Path:
    if not path.exists():
        raise InputError(
            f"{path} is missing, though dvc.yaml defines {cell.aug} at volume {cell.volume:g}; "
            f"make it with `dvc repro train@{cell.aug}-{cell.volume:g}`"
        )
    return path


def _read(
    cells: list[Configuration], name: str, rows: np.ndarray, nuclei: int
) -> dict[predicted.Configuration, np.ndarray]:
    """Read the probabilities of that name of every cell that has them."""
    found = {}
    for cell in cells:
        path = paths.PREDICTIONS / cell.name / f"{name}.npy"
        if name == "test" or path.exists():
            made = files.read_array(_made(path, cell))
            found[cell.aug, cell.volume] = predicted.checked(made, rows, nuclei, str(path))
    return found


def _size_floor(nuclei: pd.DataFrame, found: list[Fold], tested: Tested) -> float | None:
    path = paths.PREPARED / "sizes.csv"
    if not path.exists():
        return None
    longest = nuclei.merge(files.read_csv(path), on="id", how="left")["longest"].to_numpy()
    label, ids = nuclei["label"].to_numpy(str), nuclei["id"].to_numpy(str)
    try:
        return sizes.size_floor(longest, label, ids, found, tested)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _fingerprint(cells: list[Configuration]) -> str:
    """The beginning of the SHA-256 of every prediction file, one after the other."""
    digest = hashlib.sha256()
    for cell in cells:
        digest.update((paths.PREDICTIONS / cell.name / "test.npy").read_bytes())
    return digest.hexdigest()[:12]


def _crops(aug: str | None, rows: np.ndarray) -> np.ndarray:
    if not aug:
        return files.read_crops(paths.PREPARED / "nuclei.npy")[rows]
    folder = paths.copies(aug, fold=1)
    # In the first copy of an arm that generates stands no made nucleus.
    made = folder / "copy-1.npy" if recipes.generates(aug) else folder / "copy-0.npy"
    return files.read_crops(made if made.exists() else folder / "copy-0.npy")[rows]


if __name__ == "__main__":
    stage.run(main)
