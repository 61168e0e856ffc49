"""How wide the interval of an arm's difference to none is: five folds against the released list.

`python benchmarks/widths.py NAME=FOLDER ...` reads what studies have left in their folders, and
prints the interval of every arm's macro AUC minus none at the same volume: as the pages use it, and
as if the trained networks were given, so that patients alone are drawn.
"""

import sys
from pathlib import Path
from statistics import mean

import pandas as pd
import results

from nuclei.core import files, folds
from nuclei.statistics import bootstrap, predictions
from nuclei.statistics import comparisons as arms

MARGIN = 0.01


def main() -> None:
    """Print a row per study and arm; keep them in results.json."""
    found = {}
    for word in sys.argv[1:]:
        name, _, folder = word.partition("=")
        study = _read(Path(folder))
        rows = {"in_use": _differences(bootstrap.resample(study)), "given": _given(study)}
        found[name] = {
            way: {
                f"{row.aug} x{row.volume:g}": [row.difference, row.low, row.high, row.p_holm]
                for row in table.itertuples()
            }
            for way, table in rows.items()
        }
        for way, of_arms in found[name].items():
            for arm, (difference, low, high, p) in of_arms.items():
                print(
                    f"{name} {way} {arm}: {difference:+.4f} ({low:+.4f} to {high:+.4f}) p {p:.4f}"
                )
            print(
                f"{name} {way}: mean width {mean(arm[2] - arm[1] for arm in of_arms.values()):.4f}"
            )
    results.record("widths", found)


def _read(folder: Path) -> predictions.Predictions:
    nuclei = files.read_csv(folder / "data/prepared/nuclei.csv")
    dealt = folds.of_tables(nuclei, files.read_csv(folder / "data/prepared/folds.csv"))
    tested, rows = predictions.tested_nuclei(nuclei, dealt)
    cells = {}
    for path in sorted(folder.glob("data/predictions/*/x*/test.npy")):
        key = path.parts[-3], float(path.parts[-2][1:])
        found = files.read_array(path)
        cells[key] = predictions.checked(found, rows, len(nuclei), str(path))
    return predictions.Predictions(tested, cells)


def _differences(drawn: bootstrap.Bootstrap) -> pd.DataFrame:
    table = arms.differences(drawn, MARGIN)
    return table[table["metric"] == "macro_auc"]


def _given(study: predictions.Predictions) -> pd.DataFrame:
    """Draw patients alone: no repeats, nothing for other training sets."""
    joined, factor = bootstrap._joined, bootstrap.variance_factor
    bootstrap._joined = lambda scored, by_repeat, picked: scored.mean(axis=0).T
    bootstrap.variance_factor = lambda folds: 1.0
    drawn = bootstrap.resample(study)
    bootstrap._joined, bootstrap.variance_factor = joined, factor
    return _differences(drawn._replace(repeats=drawn.repeats.mean(axis=3, keepdims=True)))


if __name__ == "__main__":
    main()
