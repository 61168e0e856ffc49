"""The embedded data set in the layout of the NuCLS release: slides, folds, fields, boxes."""

from itertools import cycle, islice, product

import cv2
import numpy as np
import pandas as pd

from nuclei.simulation import kinds, tissue
from nuclei.simulation.tissue import Placed

FOLDS = {1: "BH OL A1 AC", 2: "A2 AN AQ S3", 3: "E2 GM AO LL", 4: "C8 D8 AR", 5: "A7 EW GI"}
FOLD_OF = {site: fold for fold, sites in FOLDS.items() for site in sites.split()}
COLUMNS = [f"{name}_classification" for name in ("raw", "main", "super")]
COLUMNS += ["type", "xmin", "ymin", "xmax", "ymax", "coords_x", "coords_y"]


def slides(patients: int) -> pd.DataFrame:
    """Return ``slide_name`` (with an S, for simulated), ``hospital`` and ``fold`` per patient."""
    sites = list(islice(cycle(FOLD_OF), patients))
    names = [f"TCGA-{site}-S{np.base_repr(i, 36).zfill(3)}-DX1" for i, site in enumerate(sites)]
    table = pd.DataFrame({"slide_name": names, "hospital": sites})
    return table.assign(fold=table.hospital.map(FOLD_OF))


def folds(slides: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return the split tables of the release by file name: test and train slides of each fold."""
    slides = slides.sort_values("slide_name")
    tables = {}
    for fold, split in product(FOLDS, ("train", "test")):
        table = slides[(slides.fold == fold) == (split == "test")].reset_index(drop=True)
        table = table[["slide_name", "hospital"]].assign(type=split, fold=fold)
        tables[f"fold_{fold}_{split}.csv"] = table
    return tables


def field(
    seed: int, slide_name: str, index: int, nuclei: int
) -> tuple[str, np.ndarray, pd.DataFrame]:
    """Simulate a field of a slide, with so many classified `nuclei` on average.

    Returns its name, its image, uint8 RGB (H, W, 3), and its nuclei in the release's columns. The
    same arguments give the same field; fields of a slide, and slides of a site, look alike.
    """
    rng = _rng(seed, slide_name, index)
    height, width = (rng.normal(302, 16, 2) * max(1, nuclei / 60) ** 0.5).astype(int)
    shape = int(1.26 * height), int(1.26 * width)
    top, left = rng.integers(5_000, 60_000, 2)
    key = rng.bytes(12).hex()
    name = f"{slide_name}_id-{key}_left-{left}_top-{top}_bottom-{top + height}_right-{left + width}"
    cells = kinds.cells(rng, _rng(seed, slide_name, "cells"), nuclei)
    tumor = sum(look.length**2 * look.aspect for kind, look in cells if kind == "tumor")
    grown = tissue.tissue(rng, shape, 1.6 * tumor)
    placed = tissue.place(rng, grown, cells)
    stains = tissue.stain(rng, grown, placed)
    site, section = _rng(seed, slide_name[5:7]), _rng(seed, slide_name, "stain")
    return name, tissue.photograph(rng, site, section, stains), _table(rng, placed)


def _rng(*key: int | str) -> np.random.Generator:
    return np.random.default_rng(list("/".join(map(str, key)).encode()))


def _table(rng: np.random.Generator, placed: list[Placed]) -> pd.DataFrame:
    rows = []
    for kind, _, (_, down, right), depth in placed:
        outline = rng.choice(["rectangle", "polyline", "point"], p=[0.68, 0.30, 0.02])
        x, y, width, height = cv2.boundingRect((depth > 0).astype(np.uint8))
        if outline == "point":
            x, y, width, height = x + width // 2, y + height // 2, 0, 0
        left, top = x + right.start, y + down.start
        box = left, top, left + width, top + height
        raw = rng.choice(["", "correction_"], p=[0.98, 0.02]) + kind
        coords = (",".join(str(box[i]) for i in way) for way in ([0, 2, 2, 0, 0], [1, 1, 3, 3, 1]))
        classes = kinds.KINDS.loc[kind]
        rows.append((raw, classes["main"], classes["super"], outline, *box, *coords))
    return pd.DataFrame(rows, columns=COLUMNS)
