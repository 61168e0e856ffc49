"""The cells of the study as dvc.yaml defines them, and what lies beside them."""

from pathlib import Path
from typing import NamedTuple

from dvc.repo import Repo

from nuclei.core import paths


class Configuration(NamedTuple):
    """One cell of the study's matrix; its files lie at AUG/xVOLUME of their folders."""

    aug: str
    volume: float
    name: str  # AUG/xVOLUME


def configurations() -> list[Configuration]:
    """Return the cells of the train stage, in the order of dvc.yaml's matrix."""
    with Repo() as repo:
        outs = [Path(out.def_path) for cell in repo.stage.collect("train") for out in cell.outs]
    predictions = [out for out in outs if out.is_relative_to(paths.PREDICTIONS)]
    named = [(out.parent.name, out.name[1:]) for out in predictions]
    return [Configuration(aug, float(volume), f"{aug}/x{volume}") for aug, volume in named]


def leftovers(cells: list[Configuration]) -> list[Path]:
    """List what lies in the folders that evaluate reads, and is of none of the cells."""
    found = {
        *paths.AUGMENTED.glob("[!.]*"),
        *paths.PREDICTIONS.glob("*/[!.]*"),
        *paths.TRAINING.glob("*/[!.]*"),
    }
    for cell in cells:
        found -= {paths.AUGMENTED / cell.aug}
        found -= {paths.PREDICTIONS / cell.name, paths.TRAINING / f"{cell.name}.json"}
    return sorted(found)
