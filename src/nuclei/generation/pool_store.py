"""The store of pools of synthetic nuclei, data/pools, for the stage augment.

Pools take minutes to make, and those of `generated` and `generated+flip` are the same. The store is
no output of DVC, because `dvc exp run` removes the augmentation that was asked for before.
"""

import json
import os
import shutil
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pandas as pd

import nuclei
from nuclei.augmentation.recipes import Learned
from nuclei.core import files, outputs, paths
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.generation.params import Generator
from nuclei.training import start

STORE = Path("data/pools")  # not in paths.py, because nothing else reads it
CODE = ("generation", "training", "core")  # packages on which the bytes of a pool depend


def write(
    folder: Path, crops: np.ndarray, labels: np.ndarray, folds: list[Fold], knobs: Generator
) -> dict[int, Learned]:
    """Write a pool of synthetic nuclei per fold, and a table of how near they come to real ones.

    If the store has pools of the same nuclei, knobs and code, they are copied. If another process
    is making them, this one waits for it. Arguments and errors are of `generation.pools.make`;
    returns each fold's pool, by its number, as `recipes.augment` takes it.
    """
    fingerprint = _fingerprint(crops, labels, folds, knobs)
    names = {fold.number: Path(f"fold-{fold.number}", paths.POOL) for fold in folds}
    written = [*names.values(), Path(paths.QUALITIES)]
    stored = STORE / sha256(json.dumps(fingerprint).encode()).hexdigest()[:16]
    with outputs.locked(stored.with_name(f".{stored.name}.unfinished.turn")):
        if not _is_whole(stored, fingerprint, written):
            with outputs.output(stored) as unfinished:
                pools, qualities = _make(crops, labels, folds, knobs)
                for number, name in names.items():
                    (unfinished / name).parent.mkdir(parents=True)
                    np.save(unfinished / name, pools[number])
                files.write_csv(unfinished / paths.QUALITIES, qualities, digits=4)
                record = fingerprint | {"written": _hash(unfinished, written)}
                files.write_json(unfinished / paths.MADE_OF, record)
        for name in (*written, Path(paths.MADE_OF)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(stored / name, folder / name)
    return {n: {"generated": {"pool": files.read_crops(folder / names[n])}} for n in names}


def _make(
    crops: np.ndarray, labels: np.ndarray, folds: list[Fold], knobs: Generator
) -> tuple[dict[int, np.ndarray], pd.DataFrame]:
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # several add up in another order, to other bytes
    with start.quiet_tensorflow():
        import tensorflow as tf

        from nuclei.generation import pools

        tf.config.list_physical_devices()  # TensorFlow's messages about GPUs come here, unseen
    return pools.make(crops, labels, folds, knobs)


def _fingerprint(
    crops: np.ndarray, labels: np.ndarray, folds: list[Fold], knobs: Generator
) -> dict[str, str]:
    """Hash all that pools depend on: the nuclei of each fold, the knobs, the code, the versions."""
    of_nuclei = sha256(np.ascontiguousarray(crops).data)
    of_nuclei.update(labels.tobytes())
    for fold in folds:
        rows = np.concatenate([[fold.number, -1], fold.train, [-1], fold.validation])
        of_nuclei.update(rows.data)
    package = Path(nuclei.__file__).parent
    code = [path for place in CODE for path in sorted(package.glob(f"{place}/*.py"))]
    return {
        "nuclei": of_nuclei.hexdigest(),
        "knobs": knobs.model_dump_json(),
        "code": _hash(package, code),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
    }


def _is_whole(stored: Path, fingerprint: dict[str, str], written: list[Path]) -> bool:
    """Whether the store has these pools, and no bit of them has flipped since."""
    try:
        record = files.read_json(stored / paths.MADE_OF)
        return record == fingerprint | {"written": _hash(stored, written)}
    except (InputError, FileNotFoundError):
        return False


def _hash(folder: Path, names: list[Path]) -> str:
    digest = sha256()
    for name in names:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
