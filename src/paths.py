"""Where things lie, from the project's root: the one place that says so."""

from pathlib import Path

PARAMS = Path("params.yaml")
LOCK = Path("dvc.lock")
RAW = Path("data/raw")
PREPARED = Path("data/prepared")
AUGMENTED = Path("data/augmented")
FRESH = Path("data/fresh")
TRAINING = Path("data/training")
PREDICTIONS = Path("data/predictions")
MODELS = Path("models")
METRICS = Path("metrics")
PLOTS = Path("plots")
SHOWN = Path("shown")


def copies(aug: str, fold: int) -> Path:
    """Where the copies that a fold reads lie: an arm that is learned has a folder per fold."""
    of_fold = AUGMENTED / aug / f"fold-{fold}"
    return of_fold if of_fold.exists() else AUGMENTED / aug
