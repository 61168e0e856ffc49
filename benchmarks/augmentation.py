"""Augmented crops per second on one core, against what a user would write instead.

The same crops go through each operation several ways: ours, with the draw of every nucleus's own
random numbers, as the stages call it and as `nuclei.augment`; and Albumentations, image by image.
The 2022 notebook's recipes go two ways more: Keras's layers on batches, and as in the notebook, a
Keras model called on one image whose result is written as a PNG.

`python benchmarks/augmentation.py` measures and records all operations. With recipes named, such as
`stain rotation`, it measures those alone and keeps the records of the others.
"""

import argparse
import os
import tempfile
import time
from collections.abc import Callable
from functools import cache
from itertools import chain
from math import pi, sqrt
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")  # it would ask PyPI for a newer one
import cv2
import keras
import numpy as np
import results
import tensorflow as tf
from PIL import Image

import nuclei
from nuclei.augmentation import policies, recipes
from nuclei.core import draws
from nuclei.core.nuclei import Nuclei
from nuclei.data.crops import extract_patches
from nuclei.simulation import release

try:
    import albumentations as A
except ImportError:
    A = None

ROUNDS, NUCLEI, BATCH, ALONE = 7, 2048, 256, 64
SLIDES, FIELD = 8, 60  # fields that crops are cut from, one per site; nuclei of a field
NOTEBOOK = ("crop", "rotation", "flip", "invert", "invert+rotation", "invert+flip")
KERAS = {
    "crop": lambda side: [
        keras.layers.RandomCrop(round(side * 2 / 3), round(side * 2 / 3)),
        keras.layers.Resizing(side, side),
    ],
    "rotation": lambda side: [keras.layers.RandomRotation(0.1, fill_mode="reflect")],
    "flip": lambda side: [keras.layers.RandomFlip()],
    "invert": lambda side: [keras.layers.RandomInvert(0.5, value_range=(0, 255))],
}
EDGE = {"border_mode": cv2.BORDER_REFLECT}
# Albumentations' transforms for a crop's side and our operation's strength. Where several do the
# same work, the fastest: RandomSizedCrop is ahead of RandomCrop and Resize, a factor by
# RandomBrightnessContrast of one by ColorJitter, and a window of a padded crop of Affine.
PEERS = {
    "none": lambda side, most: [A.NoOp(p=1)],
    "crop": lambda side, most: [A.RandomSizedCrop((round(side / most),) * 2, (side, side), p=1)],
    "flip": lambda side, most: [A.HorizontalFlip(), A.VerticalFlip()],
    "dihedral": lambda side, most: [A.D4(p=1)],
    "shift": lambda side, most: [
        A.Pad(round(side * most / 100), **EDGE, p=1),
        A.RandomCrop(side, side),
    ],
    "rotation": lambda side, most: [A.Rotate((-most, most), **EDGE, p=1)],
    "scale": lambda side, most: [A.Affine(scale=_around(most), keep_ratio=True, **EDGE, p=1)],
    "shear": lambda side, most: [A.Affine(shear={"x": (-most, most), "y": (0, 0)}, **EDGE, p=1)],
    "elastic": lambda side, most: [_elastic(side / 8, side * most / 100)],
    "blur": lambda side, most: [A.GaussianBlur(0, (0, most), p=1)],
    # Its kernel adds alpha times the differences from 8 neighbours, nine times the detail.
    "sharpen": lambda side, most: [A.Sharpen((0, most / 900), (1, 1), p=1)],
    "jpeg": lambda side, most: [A.ImageCompression("jpeg", (int(most), 95), p=1)],
    "noise": lambda side, most: [A.GaussNoise((most / 100, most / 100), p=1)],
    "channels": lambda side, most: [A.ChannelShuffle(p=1)],
    "invert": lambda side, most: [A.InvertImg(p=0.5)],
    "grayscale": lambda side, most: [A.ToGray(p=0.5)],
    "brightness": lambda side, most: [A.RandomBrightnessContrast(0, most / 100, p=1)],
    "contrast": lambda side, most: [_jitter(contrast=_around(most))],
    "saturation": lambda side, most: [_jitter(saturation=_around(most))],
    "hue": lambda side, most: [_jitter(hue=(-most / 360, most / 360))],
    # Hue as a share of a turn: most % of 90 degrees.
    "color": lambda side, most: [_jitter(*[_around(most)] * 3, (-most / 400, most / 400))],
    "gamma": lambda side, most: [A.RandomGamma((100 / most, 100 * most), p=1)],
    # Its own aspects, up to 3.3, would keep the area below 30 %.
    "erase": lambda side, most: [
        A.Erasing((0.02, most / 100), (most / 100, 100 / most), fill="random", p=0.5),
    ],
    "stain": lambda side, most: [_stain("preset", "ruifrok", most)],
    "macenko": lambda side, most: [_stain("macenko", None, most)],
    "trivial": lambda side, most: [A.OneOf(_set(policies.WIDE, side), p=1)],
    "rand": lambda side, most: [A.SomeOf(_set(policies.USUAL, side), int(most), replace=True, p=1)],
}
DIFFERENT = {  # no transform of theirs does the same
    "channels": "any of six orders of the channels, ours always swaps red and blue",
    "sharpen": "detail is the difference from a plain mean of 3 × 3 pixels, ours from a binomial",
    "jpeg": "takes RGB for BGR, so red weighs as blue does; ours turns it round and back",
    "hue": "a turn in HSV, in whole steps of 2 degrees; ours about the axis of greys",
    "color": "four steps in a random order, the hue in HSV; ours is one matrix",
    "gamma": "exponents uniform between the same bounds, ours uniform in their logarithm",
    "erase": "sides differ less and uniformly, areas are the same",
    "elastic": "numbers on every pixel, ours on nodes an eighth of the side apart",
    "stain": "two stains, the third and what is in none are lost; ours perturbs all three",
    "macenko": "finds stains in all pixels, ours in a quarter; what is in neither stain is lost",
    **dict.fromkeys(("trivial", "rand"), "our set, of the transforms above with their differences"),
}


def main() -> None:
    """Print a row per side and recipe: medians over rounds in which every way ran once."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("recipes", nargs="*", help="what to measure; all operations if none")
    named = parser.parse_args().recipes
    if A is None:
        print("Albumentations is not installed: `pip install albumentations==2.0.8`; not recorded")
    records = {}
    # Synthetic nuclei are read from a pool: no arithmetic is timed there.
    operations = [name for name in recipes.OPERATIONS if not recipes.generates(name)]
    for recipe in named or dict.fromkeys([*NOTEBOOK, *operations]):
        for side in (64, 90) if recipe in NOTEBOOK else (64,):
            records[f"{recipe} {side} px"] = _compare(recipe, side)
    if A:
        (results.merge if named else results.record)("augmentation", records)


def _compare(recipe: str, side: int) -> dict:
    names = [step.name for step in recipes.parse(recipe)]
    ways = {"ours": _ours(recipe, side), "nuclei.augment": _library(recipe, side)}
    if A and PEERS.keys() >= set(names):
        ways["albumentations"] = _albumentations(recipe, side)
    if recipe in NOTEBOOK:
        ways |= {"keras": _keras(recipe, side), "notebook": _notebook(recipe, side)}
    record = _rounds(ways, f"{recipe} {side} px")
    differences = "; ".join(DIFFERENT[name] for name in names if name in DIFFERENT)
    if differences and "albumentations" in ways:
        print(f"    not the same: {differences}")
        record["not_the_same"] = differences
    return record


def _rounds(ways: dict[str, Callable[[], int]], title: str) -> dict:
    for way in ways.values():
        way()
    rates = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            rates[name].append(way() / (time.perf_counter() - start))
    return results.compared(title, rates, "crops/s")


@cache
def simulated_crops(side: int) -> np.ndarray:
    """Return nuclei of simulated H&E slides, uint8 (NUCLEI, side, side, 3).

    White noise would not do: a JPEG of it is slow, and it holds no two stains.
    """
    cut = []
    for slide in release.slides(SLIDES).slide_name:
        _, image, nuclei = release.field(1, slide, 0, FIELD)
        corners = nuclei[["xmin", "ymin", "xmax", "ymax"]].to_numpy()
        centres = (corners[:, :2] + corners[:, 2:]) / 2
        cut.append(extract_patches(image, centres, window_um=side, mpp=1, side=side))
    return np.resize(np.concatenate(cut), (NUCLEI, side, side, 3))  # again from the first


def simulated_nuclei(side: int) -> Nuclei:
    """Return the nuclei of `simulated_crops`; their labels are placeholders."""
    hashed_ids = draws.hash_ids(map(str, range(NUCLEI)))
    return Nuclei(simulated_crops(side), hashed_ids, np.zeros(NUCLEI, int))


def _ours(recipe: str, side: int) -> Callable[[], int]:
    nuclei = simulated_nuclei(side)
    learned = recipes.learn(recipe, nuclei.crops, np.arange(NUCLEI))

    def way() -> int:
        for first in range(0, NUCLEI, BATCH):
            part = slice(first, first + BATCH)
            recipes.augment(nuclei.rows(part), recipe, seed=1, copy=0, learned=learned)
        return NUCLEI

    return way


def _library(recipe: str, side: int) -> Callable[[], int]:
    crops = simulated_crops(side)
    learned = nuclei.learn(crops, recipe)

    def way() -> int:
        for first in range(0, NUCLEI, BATCH):
            rows = range(first, first + BATCH)
            batch = crops[first : first + BATCH]
            nuclei.augment(batch, recipe, seed=1, ids=rows, learned=learned)
        return NUCLEI

    return way


def _albumentations(recipe: str, side: int) -> Callable[[], int]:
    crops = simulated_crops(side)
    steps = (PEERS[name](side, strength) for name, strength in recipes.parse(recipe))
    transform = A.Compose(list(chain(*steps)))  # with a seed, both flips would draw the same

    def way() -> int:
        for crop in crops:
            transform(image=crop)
        return NUCLEI

    return way


def _around(most: float) -> tuple[float, float]:
    return 1 - most / 100, 1 + most / 100


def _jitter(brightness=(1, 1), contrast=(1, 1), saturation=(1, 1), hue=(0, 0)):
    return A.ColorJitter(brightness, contrast, saturation, hue, p=1)  # a 1 or a 0 costs nothing


def _elastic(sigma: float, displacement: float):
    # A blur leaves 1 / (2 sigma sqrt(pi)) of a deviation, and uniform noise has 1 / sqrt(3).
    alpha = displacement * 2 * sigma * sqrt(pi) * sqrt(3)
    return A.ElasticTransform(alpha, sigma, noise_distribution="uniform", **EDGE, p=1)


def _stain(method: str, preset: str | None, most: float):
    shift = (-most / 100, most / 100)
    return A.HEStain(method, preset, _around(most), shift, augment_background=True, p=1)


def _set(strengths: dict[str, float | None], side: int) -> list:
    transforms = (PEERS[name](side, strength) for name, strength in strengths.items())
    return [one[0] if len(one) == 1 else A.Sequential(one, p=1) for one in transforms]


def _keras(recipe: str, side: int) -> Callable[[], int]:
    crops, model = simulated_crops(side), _model(recipe, side)
    call = tf.function(lambda batch: model(batch, training=True))

    def way() -> int:
        for first in range(0, NUCLEI, BATCH):
            call(tf.constant(crops[first : first + BATCH])).numpy()
        return NUCLEI

    return way


def _model(recipe: str, side: int) -> keras.Sequential:
    return keras.Sequential([layer for name in recipe.split("+") for layer in KERAS[name](side)])


def _notebook(recipe: str, side: int) -> Callable[[], int]:
    crops, model = simulated_crops(side)[:ALONE], _model(recipe, side)

    def way() -> int:
        with tempfile.TemporaryDirectory() as folder:
            for number, crop in enumerate(crops):
                image = model(tf.constant(crop[None]), training=True)[0]
                pixels = tf.cast(image, tf.uint8).numpy()
                Image.fromarray(pixels).save(Path(folder, f"{number}.png"))
        return ALONE

    return way


if __name__ == "__main__":
    main()
