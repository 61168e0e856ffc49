"""Pools of made nuclei, for the stage augment: a network per fold makes one, another judges it.

They take minutes, and those of `generated` and of `generated+flip` are the same. So they are kept
in data/pools, which is no output of DVC: `dvc exp run` removes the arm that was asked for before.
"""

import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path

from nuclei.pipeline import stage

import numpy as np
import pandas as pd
from tqdm import tqdm

from nuclei.augmentation.recipes import Learned
from nuclei.core import files, paths
from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import Fold
from nuclei.generation import quality as made_nuclei
from nuclei.generation.params import Generator
from nuclei.generation.quality import Seen
from nuclei.training import start

KEPT = Path("data/pools")  # not in paths.py, for nobody else looks there
DIGITS = 4


def write(
    folder: Path, crops: np.ndarray, labels: np.ndarray, dealt: list[Fold], knobs: Generator
) -> dict[int, Learned]:
    """Write pools of nuclei, made after each fold's training nuclei, and how near they come.

    Pools that were made of the same before are copied; where another arm is making them, this one
    waits for it.

    Args:
        folder: of the arm, still empty.
        crops: uint8 (N, S, S, 3), all nuclei as they were prepared.
        labels: positions in CLASSES, int (N,).
        dealt: the folds.
        knobs: the section ``generator`` of params.yaml.

    Returns:
        By the number of the fold, its pool as `recipes.augment` takes it.

    Raises:
        InputError: a class has too few training nuclei, or validation has none to compare with.
    """
    made_of = _fingerprint(crops, labels, dealt, knobs)
    names = {fold.number: Path(f"fold-{fold.number}", paths.POOL) for fold in dealt}
    written = [*names.values(), Path(paths.QUALITIES)]
    kept = KEPT / sha256(json.dumps(made_of).encode()).hexdigest()[:16]
    with stage.locked(kept.with_name(f".{kept.name}.unfinished.turn")):
        if not _whole(kept, made_of, written):
            with stage.output(kept) as unfinished:
                for name in names.values():
                    (unfinished / name).parent.mkdir(parents=True)
                _make(unfinished, names, crops, labels, dealt, knobs)
                made = made_of | {"written": _hash(unfinished, written)}
                files.write_json(unfinished / paths.MADE_OF, made)
        for name in (*written, Path(paths.MADE_OF)):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(kept / name, folder / name)
    pools = {number: files.read_crops(folder / name) for number, name in names.items()}
    return {number: {"generated": {"pool": pool}} for number, pool in pools.items()}


def _make(
    folder: Path,
    names: dict[int, Path],
    crops: np.ndarray,
    labels: np.ndarray,
    dealt: list[Fold],
    knobs: Generator,
) -> None:
    os.environ["TF_NUM_INTRAOP_THREADS"] = "1"  # more add up in another order, to other bytes
    with start.quiet_tensorflow():
        import tensorflow as tf

        from nuclei.generation import feature_extractor as judge
        from nuclei.generation import generator

        tf.config.list_physical_devices()  # what there is to say of GPUs is said in here
    judged = {}
    for fold in dealt:
        generator.check(labels[fold.train], f"fold {fold.number}")
        judged[fold.number] = _judged(fold, labels)

    def of_fold(fold: Fold) -> pd.DataFrame:
        training = crops[fold.train], labels[fold.train]
        pool = generator.pool(knobs, *training, progress.update)
        np.save(folder / names[fold.number], pool)
        look = judge.train(*training, knobs.seed)
        rows = judged[fold.number]
        sets = made_nuclei.sets(labels[rows], *training, pool, knobs.seed)
        found = made_nuclei.qualities(
            Seen(*look(crops[rows]), labels[rows]),
            Seen(*look(training[0]), training[1]),
            {name: Seen(*look(shown), labels[rows]) for name, shown in sets.items()},
        )
        found.insert(0, "fold", fold.number)
        return found

    steps = len(dealt) * generator.steps(knobs)
    with (
        tqdm(total=steps, unit=" steps", disable=None, leave=False) as progress,
        ThreadPoolExecutor(os.cpu_count()) as threads,
    ):
        qualities = pd.concat(threads.map(of_fold, dealt))
    files.write_csv(folder / paths.QUALITIES, qualities, digits=DIGITS)


def _judged(fold: Fold, labels: np.ndarray) -> np.ndarray:
    """Choose evenly the nuclei of validation with which made ones are compared, of every class."""
    count = min(len(fold.validation), made_nuclei.MOST)
    rows = fold.validation[np.arange(count) * len(fold.validation) // count]
    for code in sorted({*range(len(CLASSES))} - {*labels[rows]}):
        raise InputError(
            f"fold {fold.number}: no {CLASSES[code]} nucleus among the {count} of validation with "
            "which made nuclei are compared; valid: some of each class"
        )
    return rows


def _fingerprint(
    crops: np.ndarray, labels: np.ndarray, dealt: list[Fold], knobs: Generator
) -> dict[str, str]:
    """What pools are made of: hashes of the nuclei as they are dealt, the knobs and the code."""
    nuclei = sha256(np.ascontiguousarray(crops).data)
    nuclei.update(labels.tobytes())
    for fold in dealt:
        nuclei.update(np.concatenate([[fold.number, -1], fold.train, [-1], fold.validation]).data)
    code = sha256()
    for name in _CODE:
        code.update((Path(__file__).parents[1] / name).read_bytes())
    return {
        "nuclei": nuclei.hexdigest(),
        "knobs": knobs.model_dump_json(),
        "code": code.hexdigest(),
        "tensorflow": version("tensorflow"),
        "keras": version("keras"),
    }


_CODE = (
    *(f"generation/{name}.py" for name in ("pools", "generator", "feature_extractor", "quality")),
    "training/networks.py",
)


def _whole(kept: Path, made_of: dict[str, str], written: list[Path]) -> bool:
    """Whether pools that were made of that lie there, and no bit of them has flipped since."""
    if not all((kept / name).exists() for name in (*written, Path(paths.MADE_OF))):
        return False
    try:
        found = files.read_json(kept / paths.MADE_OF)
    except InputError:
        return False
    return found == made_of | {"written": _hash(kept, written)}


def _hash(folder: Path, written: list[Path]) -> str:
    digest = sha256()
    for name in written:
        digest.update((folder / name).read_bytes())
    return digest.hexdigest()
