"""A raw release of five sites with two patients each, knobs to prepare it by, what comes out."""

import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
from commands import ROOT

HEADER = ",raw_classification,type,xmin,ymin,xmax,ymax\n"
ROWS = "".join(
    f"{i},{name},rectangle,{4 * i},10,{4 * i + 8},30\n"
    for i, name in enumerate(["tumor", "fibroblast", "lymphocyte", "unlabeled", "tumor"])
)
SITES = ["A1", "A2", "AN", "BH", "E2"]  # fold n tests the n-th


def field(site, patient=0):
    """Name the one field of view of a patient."""
    return f"TCGA-{site}-A00{patient}-DX1_id-{'0' * 24}_left-1_top-1_bottom-2_right-2"


def write(path, content):
    """Write text, or the pixels of an image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content)
    else:
        cv2.imwrite(str(path), content[..., ::-1])


def params(folder, data, **prepare):
    """Write the shipped params.yaml with other values of some knobs."""
    lines = (ROOT / "params.yaml").read_text().splitlines()
    for knob, value in {"data": data, "folds": len(SITES), **prepare}.items():
        places = [i for i, line in enumerate(lines) if line.strip().startswith(f"{knob}:")]
        indent = len(lines[places[0]]) - len(lines[places[0]].lstrip())
        lines[places[0]] = " " * indent + f"{knob}: {value}"
    (folder / "params.yaml").write_text("\n".join(lines))


def build(folder):
    """Put two patients of each site in the NuCLS layout into a folder; return the raw folder."""
    raw = folder / "data" / "raw" / "release"
    pixels = np.random.default_rng(0)
    for site in SITES:
        for patient in (0, 1):
            image = pixels.integers(0, 256, (40, 50, 3), dtype=np.uint8)
            write(raw / "rgb" / f"{field(site, patient)}.png", image)
            write(raw / "csv" / f"{field(site, patient)}.csv", HEADER + ROWS)
    for fold, tested in enumerate(SITES, start=1):
        for split in ("train", "test"):
            slides = [
                f"TCGA-{site}-A00{patient}-DX1"
                for site in SITES
                for patient in (0, 1)
                if (site == tested) == (split == "test")
            ]
            listed = pd.DataFrame({"slide_name": slides})
            write(raw / "train_test_splits" / f"fold_{fold}_{split}.csv", listed.to_csv())
    params(folder, "release")
    return raw


def outputs():
    """The bytes of every file that prepare has written."""
    return {path.name: path.read_bytes() for path in Path("data/prepared").iterdir()}


def summary():
    """The content of summary.json."""
    return json.loads(Path("data/prepared/summary.json").read_text())
