"""Two nuclei in one picture, and both of their labels: mixup and CutMix, drawn apart from applied.

Shares are whole 256ths and all arithmetic is in integers or exact, so that bytes do not depend on
the processor.
"""

from collections.abc import Iterable, Iterator
from math import isqrt
from typing import NamedTuple

import numpy as np

from nuclei.training.params import Train

WHOLE = 256  # parts of a share: with a byte's 255, the sums of a blend still fit 16 bits

Batch = tuple[np.ndarray, np.ndarray]  # crops, uint8 (n, S, S, 3); labels, float32 (n, classes)


class Box(NamedTuple):
    """A box of pixels: the first row and column inside, the first ones behind it."""

    top: int
    left: int
    bottom: int
    right: int


def mixed(batches: Iterable[Batch], knobs: Train, seed: int) -> Iterator[Batch]:
    """Mix every batch as the knobs ask for; where both are 0, batches pass as they are.

    As in the papers' own code, a batch has one share, or one box, and its partners are a
    permutation of itself. Every batch is mixed: CutMix does so on ImageNet, on CIFAR every other.

    Args:
        batches: crops, and labels that are one-hot.
        knobs: of the section train.
        seed: of the training. The stream of mixing is a child of it, so the order of batches,
            which draws from the seed's own stream, is the same with and without.
    """
    (random,) = np.random.default_rng(seed).spawn(1)
    for crops, labels in batches:
        if knobs.mixup:
            share, partners = draw_mixup(random, knobs.mixup, len(crops))
            yield mixup(crops, labels, partners, share)
        elif knobs.cutmix:
            box, partners = draw_cutmix(random, knobs.cutmix, *crops.shape[:2])
            yield cutmix(crops, labels, partners, box)
        else:
            yield crops, labels


def draw_mixup(random: np.random.Generator, alpha: float, count: int) -> tuple[int, np.ndarray]:
    """Draw the share that `count` nuclei keep, in 256ths, Beta(alpha, alpha); and partners."""
    return _share(random, alpha), random.permutation(count)


def mixup(crops: np.ndarray, labels: np.ndarray, partners: np.ndarray, share: int) -> Batch:
    """Blend each nucleus with its partner, and their labels alike.

    Zhang et al., ICLR 2018 (arXiv:1710.09412).

    Args:
        crops: uint8 (n, S, S, 3).
        labels: float32 (n, classes), rows that add up to 1.
        partners: whom each is mixed with, int (n,).
        share: of the nucleus itself, 0 to 256 in 256ths.
    """
    own, other = np.uint16(share), np.uint16(WHOLE - share)
    blend = (own * crops + other * crops[partners] + np.uint16(WHOLE // 2)) // np.uint16(WHOLE)
    return blend.astype(np.uint8), _shared(labels, partners, share / WHOLE)


def draw_cutmix(
    random: np.random.Generator, alpha: float, count: int, side: int
) -> tuple[Box, np.ndarray]:
    """Draw the box that `count` nuclei take from their partners; and partners.

    Its area is the share that they lose, Beta(alpha, alpha), where it is not clipped: its centre is
    uniform over the picture of `side` pixels, and it has two equal halves of whole pixels, as in
    the paper's own code.
    """
    lost = WHOLE - _share(random, alpha)
    half = isqrt(side * side * lost // WHOLE) // 2
    y, x = random.integers(side, size=2).tolist()
    box = Box(max(y - half, 0), max(x - half, 0), min(y + half, side), min(x + half, side))
    return box, random.permutation(count)


def cutmix(crops: np.ndarray, labels: np.ndarray, partners: np.ndarray, box: Box) -> Batch:
    """Paste a box of its partner into each nucleus, and mix the labels by pixels.

    Yun et al., ICCV 2019 (arXiv:1905.04899).

    Args:
        crops: uint8 (n, S, S, 3).
        labels: float32 (n, classes), rows that add up to 1.
        partners: of whom each takes the box, int (n,).
        box: what is pasted, within the picture.
    """
    here = np.s_[:, box.top : box.bottom, box.left : box.right]
    pasted = crops.copy()
    pasted[here] = crops[partners][here]
    taken = (box.bottom - box.top) * (box.right - box.left)
    pixels = crops.shape[1] * crops.shape[2]
    return pasted, _shared(labels, partners, (pixels - taken) / pixels)


def _share(random: np.random.Generator, alpha: float) -> int:
    return round(random.beta(alpha, alpha) * WHOLE)


def _shared(labels: np.ndarray, partners: np.ndarray, share: float) -> np.ndarray:
    """Mix labels, float32 (n, classes): they add up to 1 as before."""
    return (share * labels.astype(float) + (1 - share) * labels[partners]).astype(np.float32)
