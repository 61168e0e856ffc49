"""What the stages before evaluate would have written, put together by hand."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from commands import ROOT, run
from dvc.repo import Repo

import evaluate
from nuclei.core import paths
from nuclei.core.classes import CLASSES

AUGS, VOLUMES = ["none", "flip", "crop", "crop-2", "invert+flip"], ["1", "0.5", "inf"]
CONFIGURATIONS = [(aug, volume) for aug in AUGS for volume in VOLUMES]
KEYS = [(aug, float(volume)) for aug, volume in CONFIGURATIONS]
COUNT = 90  # nuclei, of 15 patients, whom three folds test
KNOBS = {
    **{"network": "small", "train.seed": 1, "train.repeats": 2, "train.checkpoint": "best"},
    **{"train.evaluations": 2, "train.patience": None, "networks.small.batch": 64},
    "augment.seed": 1,
}
DVC_YAML = """
stages:
  train:
    matrix:
      aug: []
      volume: [1, 0.5, inf, "${volume}"]
    cmd: unused
    outs:
      - models/${item.aug}/x${item.volume}
      - data/predictions/${item.aug}/x${item.volume}
      - data/training/${item.aug}/x${item.volume}.json
"""


def build(root, augs=AUGS):
    """Make a DVC repository that holds all configurations of its dvc.yaml, and one more.

    Its experiment is the last of the augmentations.
    """
    Repo.init(str(root), no_scm=True).close()
    pipeline = yaml.safe_load(DVC_YAML)
    pipeline["stages"]["train"]["matrix"]["aug"] = [*augs[:-1], "${aug}"]
    (root / "dvc.yaml").write_text(yaml.safe_dump(pipeline, sort_keys=False), encoding="utf-8")
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings |= {"aug": augs[-1], "volume": 1}
    settings["evaluate"]["resamples"] = 200
    (root / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    rng = np.random.default_rng(0)
    _prepared(root, rng.integers(0, 256, (COUNT, 32, 32, 3), np.uint8))
    for aug in augs:
        for volume in VOLUMES:
            _trained(root, aug, volume, rng)
    _trained(root, "leftover", "1", rng)


def evaluated(root, augs):
    """Make such a repository with git, evaluate it, and commit its metrics, charts and tables."""
    root.mkdir(exist_ok=True)
    build(root, augs)
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    with (root / "dvc.yaml").open("a", encoding="utf-8") as file:
        yaml.safe_dump({"plots": plots}, file, sort_keys=False)
    local = shutil.ignore_patterns("cache", "tmp", "config.local", "offline.html")
    shutil.copytree(ROOT / ".dvc", root / ".dvc", ignore=local, dirs_exist_ok=True)
    for name in (".gitignore", ".dvcignore"):
        shutil.copy(ROOT / name, root)
    (root / "src").symlink_to(ROOT / "src")
    run(root, "git", "init", "--quiet")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        evaluate.main()
    run(root, "git", "add", ".")
    run(root, "git", "commit", "--quiet", "-m", "Evaluate")
    return root


def _prepared(root, crops):
    prepared = root / paths.PREPARED
    prepared.mkdir(parents=True)
    rows = pd.DataFrame({"id": [f"n{i}" for i in range(COUNT)]})
    rows["patient"] = [f"P{i % 15}" for i in range(COUNT)]
    rows["label"], rows["site"] = np.repeat(CLASSES, COUNT // 3), "NA"
    rows.to_csv(prepared / "nuclei.csv", index=False)
    names = ("test", "validation", "train")
    folds = [(n, f"P{i}", names[(i - n + 1) % 3]) for n in (1, 2, 3) for i in range(15)]
    table = pd.DataFrame(folds, columns=["fold", "patient", "split"])
    table.to_csv(prepared / "folds.csv", index=False)
    counted = {"nuclei": 30} | dict.fromkeys(CLASSES, 10) | {"patients": 5, "sites": 1}
    summary = {"dropped": {"point": 5}, "order": "nuclei", "moved": {}}
    summary["knobs"] = {"data": "simulated", "prepare.order": "nuclei", "prepare.folds": 3}
    summary["folds"] = {str(n): dict.fromkeys(names[::-1], counted) for n in (1, 2, 3)}
    (prepared / "summary.json").write_text(json.dumps(summary), encoding="utf-8")
    np.save(prepared / "nuclei.npy", crops)


def _trained(root, aug, volume, rng):
    folder = root / paths.PREDICTIONS / aug / f"x{volume}"
    folder.mkdir(parents=True)
    for name in ("test", "test-at-training-scale")[: 1 + ("crop" in aug)]:
        np.save(folder / f"{name}.npy", rng.dirichlet([1, 1, 1], (2, COUNT)).astype(np.float32))
    networks = [{"fold": fold, "repeat": repeat} for fold in (1, 2, 3) for repeat in (0, 1)]
    curves = [
        network
        | {"updates": updates, "split": split}
        | {"loss": 1.0, "accuracy": 0.5, "macro_auc": 0.6}
        for network in networks
        for updates in (40, 80)
        for split in ("train", "validation")
    ]
    kept = {"seed": 1, "updates": 40, "of": 80, "validation_loss": 0.6, "late_fall": 0.0}
    record = {"device": "CPU", "replicas": 1, "precision": "float32", "tensorflow": "2.21.0"}
    record |= {"keras": "3.15.1", "nuclei": 60, "updates": 80}
    content = {"record": record, "knobs": KNOBS, "curves": curves}
    content["checkpoints"] = [network | kept for network in networks]
    content["draws"] = {"seed": 1, "learned": {}}
    path = root / paths.TRAINING / aug / f"x{volume}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content), encoding="utf-8")
