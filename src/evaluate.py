"""Stage evaluate: predictions -> metrics, the tables behind `dvc plots`, figures, report.md."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from dvc.repo import Repo

import stage
from nuclei import figures, metrics, report
from nuclei.errors import InputError

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
    curves = [pd.DataFrame(training[c]["curves"]).assign(aug=c.aug, volume=c.volume) for c in cells]
    used = pd.DataFrame({"volume": c.volume, **training[c]["record"]} for c in cells)
    summary = json.loads((stage.PREPARED / "summary.json").read_text(encoding="utf-8"))

    scores = metrics.scores(predictions)
    floor = _size_floor(splits)
    tables = {
        "arms": metrics.arms(scores),
        "roc": metrics.roc(predictions),
        "confusion": metrics.confusion(predictions),
        "curves": metrics.curves(pd.concat(curves)),
    }
    arms = tables["arms"]

    with stage.output(stage.METRICS) as folder:
        headline = metrics.experiment(arms, params.aug, params.volume, floor)
        _write_json(folder / "experiment.json", headline)
        for cell in cells:
            record = training[cell]["record"]
            content = metrics.cell_metrics(arms, cell.aug, cell.volume, record)
            _write_json(folder / f"{cell.place}.json", content)

    with stage.output(stage.PLOTS) as folder:
        (folder / "figures").mkdir(parents=True)
        for name, table in tables.items():
            table.round(4).to_csv(folder / f"{name}.csv", index=False, float_format="%g")
        for name, png in _figures(scores, tables, splits["train"], params.evaluate.examples):
            (folder / "figures" / f"{name}.png").write_bytes(png)
        page = report.page(params, splits, summary, arms, used, floor)
        (folder / "report.md").write_text(page, encoding="utf-8")

    print(report.terminal(arms))
    print(f"report: {stage.PLOTS / 'report.md'}")


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


def _read_table(split: str) -> pd.DataFrame:
    return pd.read_csv(stage.PREPARED / f"{split}.csv", dtype=str, keep_default_na=False)


def _read_training(cell: Cell) -> dict[str, Any]:
    path = stage.TRAINING / f"{cell.place}.json"
    return json.loads(_found(path, cell).read_text(encoding="utf-8"))


def _read_predictions(cell: Cell, test: pd.DataFrame) -> pd.DataFrame:
    path = stage.PREDICTIONS / f"{cell.place}.csv"
    try:
        table = pd.read_csv(_found(path, cell), dtype=TEXT, keep_default_na=False)
    except ValueError as error:  # every way in which pandas cannot parse a file
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    metrics.check(table, test, str(path))
    return table.assign(aug=cell.aug, volume=cell.volume)


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


def _figures(
    scores: pd.DataFrame, tables: dict[str, pd.DataFrame], train: pd.DataFrame, examples: int
) -> Iterator[tuple[str, bytes]]:
    yield "arms", figures.arms(scores)
    yield "volumes", figures.volumes(scores)
    yield "roc", figures.roc(tables["roc"])
    yield "confusion", figures.confusion(tables["confusion"])
    yield "curves", figures.curves(tables["curves"])
    rows = figures.balanced_rows(train["label"].to_numpy(str), examples)
    labels = train["label"].iloc[rows].tolist()
    originals = _read_crops(stage.PREPARED / "train.npy")[rows]
    for aug in scores["aug"].unique():
        augmented = _read_crops(stage.AUGMENTED / aug / "copy-0.npy")[rows]
        yield f"contact-{aug}", figures.contact_sheet(originals, augmented, labels, aug)


def _read_crops(path: Path) -> np.ndarray:
    return np.load(path, mmap_mode="r", allow_pickle=False)


def _write_json(path: Path, content: dict[str, Any]) -> None:
    # The + 0.0 turns a difference that rounds to -0.0 into 0.0.
    rounded = json.loads(json.dumps(content), parse_float=lambda text: round(float(text), 4) + 0.0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rounded, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    stage.run(main)
