"""Augmented crops per second on one core, against what a user would write instead.

The same crops go through each recipe in four ways: ours, with the draw of every nucleus's own
random numbers; Keras's layers on batches; Albumentations, image by image; and the 2022 notebook's
way, a Keras model called on one image whose result is written as a PNG.
"""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
import cv2
import keras
import numpy as np
import results
import tensorflow as tf
from PIL import Image

from nuclei import draws
from nuclei.augmentation import recipes

try:
    import albumentations
except ImportError:
    albumentations = None

ROUNDS, NUCLEI, BATCH, ALONE = 7, 2048, 256, 64
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
ALBUMENTATIONS = {
    "crop": lambda side: [
        albumentations.RandomCrop(round(side * 2 / 3), round(side * 2 / 3)),
        albumentations.Resize(side, side),
    ],
    "rotation": lambda side: [
        albumentations.Rotate(36, p=1, border_mode=cv2.BORDER_REFLECT),
    ],
    "flip": lambda side: [albumentations.HorizontalFlip(), albumentations.VerticalFlip()],
    "invert": lambda side: [albumentations.InvertImg(p=0.5)],
}


def main() -> None:
    """Print a row per side and recipe: medians over rounds in which every way ran once."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
    cv2.setNumThreads(1)
    if albumentations is None:
        print("Albumentations is not installed (`pip install albumentations==2.0.8`): left out")
    found = {}
    for side in (64, 90):
        for recipe in NOTEBOOK:
            found[f"{recipe} {side} px"] = _compare(recipe, side)
        for recipe in recipes.OPERATIONS.keys() - set(NOTEBOOK):
            found[f"{recipe} {side} px"] = _rounds(
                {"ours": _ours(recipe, side)}, f"{recipe} {side} px"
            )
    results.record("augmentation", found)


def _compare(recipe: str, side: int) -> dict:
    ways = {"ours": _ours(recipe, side), "keras": _keras(recipe, side)}
    if albumentations:
        ways["albumentations"] = _albumentations(recipe, side)
    ways["notebook"] = _notebook(recipe, side)
    return _rounds(ways, title=f"{recipe} {side} px")


def _rounds(ways: dict[str, Callable[[], int]], title: str) -> dict:
    for way in ways.values():
        way()
    rates = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            start = time.perf_counter()
            rates[name].append(way() / (time.perf_counter() - start))
    return results.compared(title, rates, "crops/s")


def _crops(side: int) -> np.ndarray:
    return np.random.default_rng(1).integers(0, 256, (NUCLEI, side, side, 3), dtype=np.uint8)


def _ours(recipe: str, side: int) -> Callable[[], int]:
    crops, hashed = _crops(side), draws.hash_ids(map(str, range(NUCLEI)))

    def way() -> int:
        for first in range(0, NUCLEI, BATCH):
            part = slice(first, first + BATCH)
            recipes.augment(crops[part], hashed[part], recipe, seed=1, copy=0)
        return NUCLEI

    return way


def _layers(table: dict, recipe: str, side: int) -> list:
    return [layer for name in recipe.split("+") for layer in table[name](side)]


def _keras(recipe: str, side: int) -> Callable[[], int]:
    crops = _crops(side)
    model = keras.Sequential(_layers(KERAS, recipe, side))
    call = tf.function(lambda batch: model(batch, training=True))

    def way() -> int:
        for first in range(0, NUCLEI, BATCH):
            call(tf.constant(crops[first : first + BATCH])).numpy()
        return NUCLEI

    return way


def _albumentations(recipe: str, side: int) -> Callable[[], int]:
    crops = _crops(side)
    transform = albumentations.Compose(_layers(ALBUMENTATIONS, recipe, side))

    def way() -> int:
        for crop in crops:
            transform(image=crop)
        return NUCLEI

    return way


def _notebook(recipe: str, side: int) -> Callable[[], int]:
    crops = _crops(side)[:ALONE]
    model = keras.Sequential(_layers(KERAS, recipe, side))

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
