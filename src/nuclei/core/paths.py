"""Where files lie, relative to the project's root."""

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
# In the folder of a recipe with synthetic nuclei: how near they come to real ones, and hashes of
# what they were learned from. In a fold's folder: the nuclei themselves.
QUALITIES = "synthetic-nuclei.csv"
MADE_OF = "made-of.json"
POOL = "pool.npy"


def copies(aug: str, fold: int) -> Path:
    """Return the folder of the copies that a fold reads; a learned recipe has one per fold."""
    folder = AUGMENTED / aug / f"fold-{fold}"
    return folder if folder.exists() else AUGMENTED / aug


def pool(aug: str, fold: int) -> Path:
    """Return the file of synthetic nuclei that were learned from a fold's training nuclei."""
    return AUGMENTED / aug / f"fold-{fold}" / POOL
