"""Stage evaluate: predictions -> metrics, the tables behind `dvc plots`, figures, report.md."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd
from dvc.repo import Repo

import stage
from nuclei import bootstrap, calibration, claims, inference, metrics, report, sites, tables
from nuclei.errors import InputError
from nuclei.params import Evaluate, Params

TEXT = dict.fromkeys(["id", "label", "patient", "site"], str)


class Cell(NamedTuple):
    """One cell of the study's matrix; its files lie at AUG/xVOLUME of their folders."""

    aug: str
    volume: float
    place: str


def main() -> None:
    """Evaluate exactly the cells that dvc.yaml defines: leftovers of others enter no table."""
    params = stage.read_params()
    cells = _cells()
    splits = {name: _read_table(name) for name in ("train", "validation", "test")}
    training = {cell: _read_training(cell) for cell in cells}
    predictions = pd.concat(
        [_read_predictions(cell, splits["test"]) for cell in cells], ignore_index=True
    )
    summary = json.loads((stage.PREPARED / "summary.json").read_text(encoding="utf-8"))
    curves = [pd.DataFrame(training[c]["curves"]).assign(aug=c.aug, volume=c.volume) for c in cells]

    settings = params.evaluate
    scores = metrics.scores(predictions)
    drawn = bootstrap.resample(predictions, settings.resamples, settings.seed)
    intervals = inference.intervals(drawn)
    arms = tables.with_intervals(metrics.arms(scores), intervals)
    made = {
        "arms": arms.merge(calibration.errors(predictions), on=tables.CELL),
        "differences": inference.differences(drawn, settings.margin),
        "claims": claims.judge(drawn, settings.margin),
        "volumes": tables.volumes(drawn, "macro_auc", settings.margin),
        "sites": sites.scores(predictions),
        "classes": inference.per_class(intervals),
        "calibration": calibration.reliability(predictions),
        "roc": metrics.roc(predictions),
        "confusion": metrics.confusion(predictions),
        "curves": metrics.curves(pd.concat(curves)),
    }
    floor = _size_floor(splits)
    records = {cell: training[cell]["record"] for cell in cells}
    with stage.output(stage.PLOTS) as folder:
        (folder / "figures").mkdir(parents=True)
        for name, table in made.items():
            (folder / f"{name}.csv").write_text(_csv(table), encoding="utf-8")
        for name, png in _figures(scores, made, splits["train"], settings):
            (folder / "figures" / f"{name}.png").write_bytes(png)
        used = pd.DataFrame({"volume": c.volume, **record} for c, record in records.items())
        page = report.page(params, splits, summary, made, used, floor, _fingerprint(cells))
        (folder / "report.md").write_text(page, encoding="utf-8")
        _write_metrics(params, made, records, floor)

    print(report.terminal(made["arms"]))
    print(f"report: {stage.PLOTS / 'report.md'}")
    if left := _leftovers(cells):
        print(
            f"{len(left)} files are of no cell of dvc.yaml, such as {left[0]}: in no table, but in "
            "dvc.lock; before you commit it, remove them and say `dvc repro`"
        )


def _cells() -> list[Cell]:
    """The cells of the train stage, in the order of dvc.yaml's matrix."""
    with Repo() as repo:
        outs = [Path(out.def_path) for cell in repo.stage.collect("train") for out in cell.outs]
    places = [
        out.relative_to(stage.PREDICTIONS).as_posix().removesuffix(".csv")
        for out in outs
        if out.is_relative_to(stage.PREDICTIONS)
    ]
    named = [(place, *place.split("/x")) for place in places]
    return [Cell(aug, float(volume), place) for place, aug, volume in named]


def _leftovers(cells: list[Cell]) -> list[Path]:
    # DVC hashes the folders that this stage reads as a whole.
    own = {stage.AUGMENTED / cell.aug for cell in cells}
    own |= {stage.PREDICTIONS / f"{cell.place}.csv" for cell in cells}
    own |= {stage.TRAINING / f"{cell.place}.json" for cell in cells}
    found = [*stage.AUGMENTED.glob("*"), *stage.PREDICTIONS.glob("*/*")]
    return sorted({*found, *stage.TRAINING.glob("*/*")} - own)


def _read_table(split: str) -> pd.DataFrame:
    return pd.read_csv(stage.PREPARED / f"{split}.csv", dtype=str, keep_default_na=False)


def _read_training(cell: Cell) -> dict[str, Any]:
    path = stage.TRAINING / f"{cell.place}.json"
    try:
        return json.loads(_found(path, cell).read_text(encoding="utf-8"))
    except ValueError as error:
        raise InputError(f"{path}: {error}") from None


def _read_predictions(cell: Cell, test: pd.DataFrame) -> pd.DataFrame:
    path = stage.PREDICTIONS / f"{cell.place}.csv"
    try:
        table = pd.read_csv(_found(path, cell), dtype=TEXT, keep_default_na=False)
    except ValueError as error:  # every way in which pandas cannot parse a file
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    metrics.check(table, test, str(path))
    # Only the check needs the ids; of all cells together, they are most of the memory.
    return table.drop(columns="id").assign(aug=cell.aug, volume=cell.volume)


def _found(path: Path, cell: Cell) -> Path:
    if not path.exists():
        raise InputError(
            f"{path} is missing, though dvc.yaml defines {cell.aug} at volume {cell.volume:g}; "
            f"make it with `dvc repro train@{cell.aug}-{cell.volume:g}`"
        )
    return path


def _size_floor(splits: dict[str, pd.DataFrame]) -> float | None:
    path = stage.PREPARED / "sizes.csv"
    if not path.exists():
        return None
    sizes = pd.read_csv(path, dtype={"id": str})
    train, test = (splits[name].merge(sizes, on="id", how="left") for name in ("train", "test"))
    try:
        return metrics.size_floor(train, test)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _fingerprint(cells: list[Cell]) -> str:
    """The beginning of the SHA-256 of every prediction file, one after the other."""
    digest = hashlib.sha256()
    for cell in cells:
        digest.update((stage.PREDICTIONS / f"{cell.place}.csv").read_bytes())
    return digest.hexdigest()[:12]


def _write_metrics(
    params: Params, made: dict[str, pd.DataFrame], records: dict[Cell, dict], floor: float | None
) -> None:
    arms, differences = made["arms"], made["differences"]
    with stage.output(stage.METRICS) as folder:
        headline = tables.experiment(arms, differences, params.aug, params.volume, floor)
        _write_json(folder / "experiment.json", headline)
        for (aug, volume, place), record in records.items():
            used = {name: record[name] for name in tables.USED}
            content = tables.cell_metrics(arms, differences, aug, volume, used)
            _write_json(folder / f"{place}.json", content)


def _figures(
    scores: pd.DataFrame, made: dict[str, pd.DataFrame], train: pd.DataFrame, settings: Evaluate
) -> Iterator[tuple[str, bytes]]:
    # matplotlib takes half a second to import: a mistake in the inputs is told before that
    from nuclei import contact_sheets, figures, forest

    arms = made["arms"]
    if len(made["differences"]):
        yield "forest", forest.forest(made["differences"], settings.margin)
    for volume in sorted(arms["volume"].unique()):
        yield f"accuracy-x{volume:g}", figures.level(arms, scores, "accuracy", volume)
        yield f"loss-x{volume:g}", figures.level(arms, scores, "bce", volume)
    yield "accuracy-volume", figures.volumes(arms, "accuracy")
    yield "macro-auc-volume", figures.volumes(arms, "macro_auc")
    yield "reliability", figures.reliability(made["calibration"])
    yield "roc", figures.roc(made["roc"])
    yield "confusion", figures.confusion(made["confusion"])
    yield "curves", figures.curves(made["curves"])
    rows = contact_sheets.balanced_rows(train["label"].to_numpy(str), settings.examples)
    labels = train["label"].iloc[rows].tolist()
    originals = stage.read_crops(stage.PREPARED / "train.npy")[rows]
    for aug in arms["aug"].unique():
        augmented = stage.read_crops(stage.AUGMENTED / aug / "copy-0.npy")[rows]
        sheet = contact_sheets.contact_sheet(originals, augmented, labels, aug)
        yield f"contact-{aug}", sheet


def _csv(table: pd.DataFrame) -> str:
    # The + 0.0 turns a number that rounds to -0.0 into 0.0.
    rounded = table.select_dtypes("float").round(4) + 0.0
    return table.assign(**rounded).to_csv(index=False, float_format="%g")


def _write_json(path: Path, content: dict[str, Any]) -> None:
    rounded = json.loads(json.dumps(content), parse_float=lambda text: round(float(text), 4) + 0.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
