"""Whether the embedded study says the same with other seeds: a table of docs/simulator.md.

`python benchmarks/seeds.py FOLDER...` reads studies that have run, such as clones of the project in
which `train.seed` was set to 1, 4 and 7 before `make study`: so far apart, no two share a training.
"""

import sys
from pathlib import Path

import pandas as pd
import results
import yaml


def main() -> None:
    """Print the table; keep its numbers in results.json."""
    for folder in map(Path, sys.argv[1:]):
        params = yaml.safe_load((folder / "params.yaml").read_text(encoding="utf-8"))
        rows = pd.read_csv(folder / "plots/augmentations.csv", index_col="aug").drop("none")
        verdicts = rows[["difference", "verdict"]].to_dict("index")
        results.merge("seeds", {f"seed {params['train']['seed']}": verdicts})
    print(table(results.read()["seeds"]))


def table(recorded: dict) -> str:
    """Write what was recorded as the table of docs/simulator.md."""
    seeds = {name: rows for name, rows in recorded.items() if name.startswith("seed ")}
    columns = {
        name: {
            aug: f"{row['difference']:+.3f} {row['verdict']}".replace("-", "−")
            for aug, row in rows.items()
            if isinstance(row, dict) and "verdict" in row
        }
        for name, rows in sorted(seeds.items(), key=lambda item: int(item[0].split()[1]))
    }
    lines = pd.DataFrame(columns).rename_axis("macro AUC − none").reset_index()
    return lines.to_markdown(index=False, disable_numparse=True)


if __name__ == "__main__":
    main()
