"""The study's configurations as dvc.yaml defines them, and files that belong to none of them."""

import re
from pathlib import Path
from typing import NamedTuple

from dvc.exceptions import DvcException
from dvc.repo import Repo

from nuclei.core import paths
from nuclei.core.errors import InputError


class Configuration(NamedTuple):
    """An augmentation at a volume; its files lie at AUG/xVOLUME of their folders."""

    aug: str
    volume: float
    name: str  # AUG/xVOLUME


def configurations() -> list[Configuration]:
    """Return the configurations of the train stage, in the order of dvc.yaml's matrix.

    Raises:
        InputError: dvc.yaml cannot be read, or names a volume that is none.
    """
    try:
        with Repo() as repo:
            stages = repo.stage.collect("train")
            outs = [Path(out.def_path) for stage in stages for out in stage.outs]
    except DvcException as error:
        raise InputError(f"dvc.yaml: {error}") from None
    defined = []
    for out in outs:
        if out.is_relative_to(paths.PREDICTIONS):
            aug, volume = out.parent.name, out.name[1:]
            plain = re.fullmatch(r"inf|[0-9]{1,6}(\.[0-9]+)?", volume)
            if not plain or float(volume) == 0:
                raise InputError(
                    f"dvc.yaml: train@{aug}-{volume}: a volume is a positive number such as 0.5, "
                    f"1 or 2, or inf; got {volume!r}"
                )
            defined.append(Configuration(aug, float(volume), f"{aug}/x{volume}"))
    return defined


def leftovers(configurations: list[Configuration]) -> list[Path]:
    """List what lies in the folders that evaluate reads and belongs to none of `configurations`."""
    files = {*paths.PREDICTIONS.glob("*/[!.]*"), *paths.TRAINING.glob("*/[!.]*")}
    files -= {paths.PREDICTIONS / configuration.name for configuration in configurations}
    files -= {paths.TRAINING / f"{configuration.name}.json" for configuration in configurations}
    return sorted(files)
