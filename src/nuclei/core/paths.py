"""Where things lie, from the project's root: the one place that says so."""

from pathlib import Path

PARAMS = Path("params.yaml")
LOCK = Path("dvc.lock")
RAW = Path("data/raw")
PREPARED = Path("data/prepared")
AUGMENTED = Path("data/augmented")
TRAINING = Path("data/training")
PREDICTIONS = Path("data/predictions")
MODELS = Path("models")
METRICS = Path("metrics")
PLOTS = Path("plots")
SHOWN = Path("shown")

# In the folder of an augmentation: how its copies were drawn.
DRAWS = "draws.json"
# In the folder of an arm that generates: how near made nuclei come to real ones, and what they were
# made of; in a fold's folder, they themselves.
QUALITIES = "synthetic-nuclei.csv"
MADE_OF = "made-of.json"
POOL = "pool.npy"


def copies(aug: str, fold: int) -> Path:
    """Where the copies that a fold reads lie: an arm that is learned has a folder per fold."""
    of_fold = AUGMENTED / aug / f"fold-{fold}"
    return of_fold if of_fold.exists() else AUGMENTED / aug


def pool(aug: str, fold: int) -> Path:
    """Where the nuclei lie that a network made after a fold's training nuclei."""
    return AUGMENTED / aug / f"fold-{fold}" / POOL
