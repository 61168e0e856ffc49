"""Stage evaluate: predictions -> metrics, the tables behind `dvc plots`, figures, report.md."""

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from nuclei.pipeline import stage

import numpy as np
import pandas as pd

from nuclei.augmentation import recipes
from nuclei.core import draws, files, folds, paths
from nuclei.core.classes import codes
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.core.nuclei import Nuclei
from nuclei.dvc_api import configurations as dvc
from nuclei.report import answer, cautions, document, tables
from nuclei.statistics import bootstrap, predictions, sizes, trainings
from nuclei.statistics.params import EvaluateParams, Experiment
from nuclei.statistics.predictions import Predictions, Tested


def main() -> None:
    """Evaluate the configurations that dvc.yaml defines; what others have left enters no table."""
    params = files.read_params(EvaluateParams)
    knobs, aug, volume = params.evaluate, params.aug, params.volume
    defined = dvc.configurations()
    configurations = {one[:2]: one.name for one in defined}
    if (aug, volume) not in configurations:
        raise InputError(
            f"dvc.yaml: train has no configuration {aug} at volume {volume:g}, for which "
            "params.yaml asks; its matrix names ${aug} and ${volume}"
        )
    nuclei = files.read_csv(paths.PREPARED / "nuclei.csv")
    split = files.read_csv(paths.PREPARED / "folds.csv")
    summary = files.read_json(paths.PREPARED / "summary.json")
    training = {key: _training(name) for key, name in configurations.items()}
    records = {key: content["record"] for key, content in training.items()}
    circumstances = {key: content["record"] | content["knobs"] for key, content in training.items()}
    if knobs.mixed == "refuse" and (difference := cautions.mixed(circumstances)):
        raise InputError(
            f"{paths.TRAINING}: {difference}; train all configurations alike, by "
            "`dvc repro --force --single-item train`, or set evaluate.mixed to allow"
        )
    of_folds = folds.of_tables(nuclei, split)
    tested, rows = predictions.tested_nuclei(nuclei, of_folds)
    test, rescaled = {}, {}
    for key, name in configurations.items():
        about = training[key]["knobs"]["train.repeats"], rows, len(nuclei)
        test[key] = _probabilities(name, "test", *about)
        if recipes.enlargement(key[0]) != 1:
            rescaled[key] = _probabilities(name, "test-at-training-scale", *about)
    predicted = Predictions(tested, test)
    resampled = bootstrap.resample(predicted, knobs.resamples, knobs.seed)
    exact = tables.study(predicted, rescaled, training, resampled, knobs, (aug, volume))
    # Once, for files, page and terminal alike: a number rounded twice would differ among them.
    study = {name: table.round(tables.DIGITS) for name, table in exact.items()}
    study["nuclei"].insert(3, "id", nuclei["id"].to_numpy()[rows[study["nuclei"]["nucleus"]]])

    recorded = trainings.knobs(training, summary["knobs"], knobs)
    network = training[aug, volume]["knobs"]["network"]
    comparison = knobs.margin, knobs.resamples, knobs.planned
    experiment = Experiment(str(recorded["data"]), network, aug, volume, *comparison)
    shared = folds.shared_sites(split, dict(zip(nuclei["patient"], nuclei["site"], strict=True)))
    seen = {site for sites in shared.values() for site in sites}
    sentences = answer.answer(experiment, recorded, tested, seen, study)
    lines = answer.lines(sentences)
    used = pd.DataFrame({"volume": key[1], **record} for key, record in records.items())
    floor = _size_floor(nuclei, of_folds, tested)
    inputs = experiment, recorded, sentences, tested, shared, summary
    page = document.report(*inputs, study, used, floor, _fingerprint(configurations.values()))
    # matplotlib takes half a second to import: a mistake in the inputs is reported before that.
    from nuclei.report import gallery

    crops = files.read_crops(paths.PREPARED / "nuclei.npy")
    prepared = Nuclei(crops, draws.hash_ids(nuclei["id"]), codes(nuclei["label"]))
    # Any volume of an augmentation: their draws are the same.
    names = {key[0]: name for key, name in configurations.items()}
    draws_of = {key[0]: training[key]["draws"] for key in configurations}
    pools = {
        aug: files.read_crops(_path(paths.PREDICTIONS, name, "/pool.npy"))
        for aug, name in names.items()
        if recipes.generates(aug)
    }
    pictures = gallery.pictures(study, prepared, rows, knobs.examples, draws_of, pools)
    with stage.output(paths.PLOTS) as folder:
        _write_pngs(folder / "figures", gallery.charts(study, knobs.margin))
        _write_pngs(folder / document.folder_of_pictures(experiment.data), pictures)
        for name, table in {**study, "answer": lines}.items():
            files.write_csv(folder / f"{name}.csv", table, digits=tables.DIGITS)
        (folder / "report.md").write_text(page, encoding="utf-8")
    with stage.output(paths.METRICS) as folder:
        for name, content in tables.metrics(study, records, aug, volume, floor).items():
            files.write_json(folder / f"{name}.json", content, digits=tables.DIGITS)

    print(*lines["text"], "", document.terminal(study["configurations"]), sep="\n")
    print(f"report: {paths.PLOTS / 'report.md'}")
    if left := dvc.leftovers(defined):
        print(
            f"{len(left)} files belong to no configuration of dvc.yaml, such as {left[0]}: they "
            "are in no table, but in dvc.lock; before a commit, remove them and type `dvc repro`"
        )


def _path(folder: Path, name: str, suffix: str) -> Path:
    """Return where a file of the configuration of that name lies, if it is there."""
    path = folder / f"{name}{suffix}"
    if not path.exists():
        raise InputError(
            f"{path} is missing, though dvc.yaml defines it; make it with "
            f"`dvc repro train@{name.replace('/x', '-')}`"
        )
    return path


def _training(name: str) -> trainings.Training:
    path = _path(paths.TRAINING, name, ".json")
    return trainings.checked(files.read_json(path), str(path))


def _probabilities(name: str, view: str, repeats: int, rows: np.ndarray, nuclei: int) -> np.ndarray:
    path = _path(paths.PREDICTIONS, name, f"/{view}.npy")
    return predictions.checked(files.read_array(path), rows, nuclei, repeats, str(path))


def _size_floor(nuclei: pd.DataFrame, of_folds: list[Fold], tested: Tested) -> float | None:
    path = paths.PREPARED / "sizes.csv"
    if not path.exists():
        return None
    try:
        return sizes.size_floor(nuclei, files.read_csv(path), of_folds, tested)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _fingerprint(names: Iterable[str]) -> str:
    """Return the beginning of the SHA-256 of every prediction file, one after the other."""
    digest = hashlib.sha256()
    for name in names:
        digest.update((paths.PREDICTIONS / name / "test.npy").read_bytes())
    return digest.hexdigest()[:12]


def _write_pngs(folder: Path, pngs: Iterator[tuple[str, bytes]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, png in pngs:
        (folder / f"{name}.png").write_bytes(png)


if __name__ == "__main__":
    stage.run(main)
