"""How wide intervals of differences to none are: five folds against the released list.

`python benchmarks/widths.py NAME=FOLDER ...` reads what studies have left in their folders, and
prints the interval of every augmentation's macro AUC minus none at the same volume: as the pages
use it, and as if the trained networks were given, so that patients alone are resampled.
"""

import sys
from pathlib import Path
from statistics import mean

import pandas as pd
import results

from nuclei.core import files, folds
from nuclei.statistics import bootstrap, comparisons, predictions

MARGIN = 0.01


def main() -> None:
    """Print a row per study and augmentation; keep them in results.json."""
    widths = {}
    for word in sys.argv[1:]:
        name, _, folder = word.partition("=")
        study = _read(Path(folder))
        rows = {"in_use": _differences(bootstrap.resample(study)), "given": _given(study)}
        widths[name] = {
            way: {
                f"{row.aug} x{row.volume:g}": [row.difference, row.low, row.high, row.p_holm]
                for row in table.itertuples()
            }
            for way, table in rows.items()
        }
        for way, intervals in widths[name].items():
            for aug, (difference, low, high, p) in intervals.items():
                print(
                    f"{name} {way} {aug}: {difference:+.4f} ({low:+.4f} to {high:+.4f}) p {p:.4f}"
                )
            width = mean(high - low for _, low, high, _ in intervals.values())
            print(f"{name} {way}: mean width {width:.4f}")
    results.record("widths", widths)


def _read(folder: Path) -> predictions.Predictions:
    nuclei = files.read_csv(folder / "data/prepared/nuclei.csv")
    dealt = folds.of_tables(nuclei, files.read_csv(folder / "data/prepared/folds.csv"))
    tested, rows = predictions.tested_nuclei(nuclei, dealt)
    by_configuration = {}
    for path in sorted(folder.glob("data/predictions/*/x*/test.npy")):
        key = path.parts[-3], float(path.parts[-2][1:])
        probabilities = files.read_array(path)
        by_configuration[key] = predictions.checked(probabilities, rows, len(nuclei), str(path))
    return predictions.Predictions(tested, by_configuration)


def _differences(resampled: bootstrap.Bootstrap) -> pd.DataFrame:
    table = comparisons.differences(resampled, MARGIN)
    return table[table["metric"] == "macro_auc"]


def _given(study: predictions.Predictions) -> pd.DataFrame:
    """Draw patients alone: no repeats, nothing for other training sets."""
    joined, factor = bootstrap._joined, bootstrap.variance_factor
    bootstrap._joined = lambda scored, by_repeat, picked: scored.mean(axis=0).T
    bootstrap.variance_factor = lambda folds: 1.0
    resampled = bootstrap.resample(study)
    bootstrap._joined, bootstrap.variance_factor = joined, factor
    return _differences(resampled._replace(repeats=resampled.repeats.mean(axis=3, keepdims=True)))


if __name__ == "__main__":
    main()
