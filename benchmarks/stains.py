"""How much stains differ, in the simulator and in real tissue: the table of docs/simulator.md.

`python benchmarks/stains.py` measures the fields of data/raw/simulated and, if the folder is there,
the tiles of data/raw/brca-m2c. A field's colour is the mean CIELAB of its tissue, pixels of L < 88.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import results

RAW = Path(__file__).parents[1] / "data/raw"
IMAGES = {"simulated": "rgb", "brca-m2c": "images"}
CHANNELS = ["L", "a", "b"]
MEASURES = {
    "mean": "mean",
    "between": "SD between sites, by fields",
    "of_sites": "SD between sites of three fields or more",
    "within": "SD within a site",
}


def main() -> None:
    """Print the table; keep its numbers in results.json."""
    for name, folder in IMAGES.items():
        fields = pd.DataFrame(_fields(RAW / name / folder), columns=["site", *CHANNELS])
        if fields.empty:
            sys.exit(f"error: {RAW / name / folder} holds no image")
        results.merge("stains", {name: spread(fields)})
    print(table(results.read()["stains"]))


def _fields(folder: Path) -> Iterator[tuple]:
    for path in sorted(folder.glob("*.png")):
        rgb = cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB)
        lab = cv2.cvtColor(rgb.astype(np.float32) / 255, cv2.COLOR_RGB2LAB)
        yield path.name.split("-")[1], *lab[lab[..., 0] < 88].mean(axis=0).tolist()


def spread(fields: pd.DataFrame) -> dict:
    """Return mean and deviations of L, a and b over fields, which have a ``site`` each."""
    sites = fields.groupby("site")[CHANNELS]
    own_mean, size = sites.transform("mean"), sites.size()
    values = {
        "mean": fields[CHANNELS].mean(),
        "between": own_mean.std(ddof=0),
        "of_sites": sites.mean()[size >= 3].std(),
        "within": ((fields[CHANNELS] - own_mean) ** 2).sum().div(len(fields) - len(size)) ** 0.5,
    }
    numbers = {name: [round(value, 1) for value in row] for name, row in values.items()}
    return numbers | {"fields": len(fields), "sites": len(size)}


def table(recorded: dict) -> str:
    """Write what was recorded as the table of docs/simulator.md."""
    rows = []
    for key, words in MEASURES.items():
        row = {"CIELAB of a field's tissue": words}
        for name, title in (("simulated", "simulated"), ("brca-m2c", "real")):
            for channel, value in zip(CHANNELS, recorded[name][key], strict=True):
                row[f"{channel}, {title}"] = f"{value:.1f}"
        rows.append(row)
    return pd.DataFrame(rows).to_markdown(index=False, disable_numparse=True)


if __name__ == "__main__":
    main()
