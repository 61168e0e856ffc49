"""Draw H&E fields of view with boxed nuclei, in the layout of the NuCLS release.

A simulator: sizes of nuclei and frequencies of classes follow real breast tissue (NuCLS, Amgad et
al., GigaScience 2022), no pixel comes from any. Lengths are px of 0.2 µm, stains natural OD.
"""

from collections import namedtuple
from io import StringIO
from itertools import cycle, islice, product

import cv2
import numpy as np
import pandas as pd
from scipy import ndimage
from scipy.special import expit

from nuclei.stains import HED

FOLDS = {1: "BH OL A1 AC", 2: "A2 AN AQ S3", 3: "E2 GM AO LL", 4: "C8 D8 AR", 5: "A7 EW GI"}
FOLD_OF = {hospital: fold for fold, codes in FOLDS.items() for hospital in codes.split()}

# share: of the nuclei that belong to a class; the last rows belong to none and come on top.
# length: median major axis; spread: SD of its log; aspect: minor over major axis; taper: 2 is an
# ellipse, 1 has pointed ends; bend: of the major axis; ragged: outline; chromatin: haematoxylin;
# clumps: its contrast; rim: its excess at the membrane; nucleoli: mean number; then the cytoplasm:
# reach: its width; basic: its haematoxylin; eosin.
_KINDS = """
raw                  main                super          share length spread aspect taper bend ragged chromatin clumps rim nucleoli reach basic eosin
tumor                tumor_nonMitotic    tumor_any      .412  53  .21 .74 2.0 .05 .10 0.95 .26 .55 1.5  12 .35 .70
mitotic_figure       tumor_mitotic       tumor_any      .008  45  .20 .50 1.8 .08 .35 2.10 .20 .00 0.0  15 .15 .55
fibroblast           nonTILnonMQ_stromal nonTIL_stromal .172  50  .26 .34 1.3 .14 .07 1.30 .16 .20 0.4   3 .10 .75
vascular_endothelium nonTILnonMQ_stromal nonTIL_stromal .013  48  .22 .34 1.4 .25 .07 1.40 .16 .20 0.2   3 .10 .80
macrophage           macrophage          nonTIL_stromal .025  42  .20 .64 2.0 .18 .10 1.00 .20 .40 0.6  14 .10 .45
lymphocyte           lymphocyte          sTIL           .270  26  .15 .88 2.1 .02 .05 1.70 .18 .10 0.1   3 .15 .30
plasma_cell          plasma_cell         sTIL           .100  28  .15 .84 2.1 .02 .06 1.60 .35 .25 0.1  11 .50 .70
unlabeled            AMBIGUOUS           AMBIGUOUS      .110  40  .30 .60 2.0 .05 .10 1.30 .25 .25 0.4   6 .25 .60
neutrophil           other_nucleus       other_nucleus  .010  26  .20 .75 2.0 .20 .35 1.90 .20 .00 0.0   6 .05 .70
apoptotic_body       AMBIGUOUS           AMBIGUOUS      .020  20  .30 .80 2.1 .02 .15 2.20 .05 .00 0.0   8 .10 1.2
"""  # noqa: E501
KINDS = pd.read_csv(StringIO(_KINDS), sep=r"\s+", index_col="raw")
CLASSIFIED = 7  # the rows above unlabeled
COLUMNS = [f"{level}_classification" for level in ("raw", "main", "super")]
COLUMNS += ["type", "xmin", "ymin", "xmax", "ymax", "coords_x", "coords_y"]
_Look = namedtuple("_Look", KINDS.columns[3:])


def slides(patients: int) -> pd.DataFrame:
    """One slide per patient, the hospitals in turn: slide_name (S: simulated), hospital, fold."""
    hospitals = list(islice(cycle(FOLD_OF), patients))
    names = [f"TCGA-{h}-S{np.base_repr(i, 36).zfill(3)}-DX1" for i, h in enumerate(hospitals)]
    table = pd.DataFrame({"slide_name": names, "hospital": hospitals})
    return table.assign(fold=table.hospital.map(FOLD_OF))


def folds(slides: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The split tables of the release by file name: test and train slides of each fold."""
    slides = slides.sort_values("slide_name")
    tables = {}
    for fold, split in product(FOLDS, ("train", "test")):
        table = slides[(slides.fold == fold) == (split == "test")].reset_index(drop=True)
        table = table[["slide_name", "hospital"]].assign(type=split, fold=fold)
        tables[f"fold_{fold}_{split}.csv"] = table
    return tables


def field(seed: int, slide: str, index: int, nuclei: int) -> tuple[str, np.ndarray, pd.DataFrame]:
    """Draw one field of view; the same arguments give the same field.

    Args:
        seed: of the data set.
        slide: a slide_name of `slides`; fields of a slide look alike, so do slides of a hospital.
        index: of the field among the slide's.
        nuclei: mean number of nuclei that belong to a class.

    Returns:
        The field's name, its image (uint8 (H, W, 3), RGB) and its nuclei in the release's columns.
    """
    rng = _rng(seed, slide, index)
    height, width = (rng.normal(302, 16, 2) * max(1, nuclei / 60) ** 0.5).astype(int)
    shape = int(1.26 * height), int(1.26 * width)
    top, left = rng.integers(5_000, 60_000, 2)
    key = rng.bytes(12).hex()
    name = f"{slide}_id-{key}_left-{left}_top-{top}_bottom-{top + height}_right-{left + width}"
    cells = _cells(rng, _rng(seed, slide, "cells"), nuclei)
    tumor = sum(look.length**2 * look.aspect for kind, look in cells if kind == "tumor")
    nest, gap, fibre, strands = _tissue(rng, shape, 1.6 * tumor)
    placed = _place(rng, nest, gap, fibre, cells)
    stains = _stain(rng, nest, gap, strands, placed)
    image = _photograph(rng, _rng(seed, slide[5:7]), _rng(seed, slide, "stain"), stains)
    return name, image, _table(rng, placed)


def _rng(*key: int | str) -> np.random.Generator:
    return np.random.default_rng(list("/".join(map(str, key)).encode()))


def _cells(rng, patient, nuclei) -> list[tuple[str, _Look]]:
    """Kind and look of every nucleus, the largest first, around what is typical of the patient."""
    share = KINDS.share.to_numpy(copy=True)
    share[:CLASSIFIED] = patient.dirichlet(5 * share[:CLASSIFIED])
    typical = KINDS[list(_Look._fields)].to_numpy()
    typical = typical * np.exp(patient.normal(0, 0.11, typical.shape))
    kind = np.repeat(np.arange(len(KINDS)), rng.poisson(nuclei * share))
    # Part of the way towards another kind: few nuclei are typical of their own.
    other = typical[rng.integers(CLASSIFIED, size=len(kind))]
    look = typical[kind] + rng.beta(1, 8, (len(kind), 1)) * (other - typical[kind])
    sway = np.full(look.shape, 0.2)
    sway[:, 0], sway[:, 3] = look[:, 1], 0.08  # length has its own spread, taper hardly varies
    look *= np.exp(rng.normal(0, sway))
    order = np.argsort(-look[:, 0], kind="stable")
    return [(KINDS.index[kind[i]], _Look(*look[i])) for i in order]


def _noise(rng, shape, sigma) -> np.ndarray:
    """Smooth noise of zero mean and unit variance; sigma is the size of its spots in px."""
    step = max(1.0, sigma / 2)
    noise = rng.standard_normal([int(n / step) + 4 for n in shape], dtype=np.float32)
    noise = cv2.GaussianBlur(noise, (0, 0), sigma / step)
    noise = cv2.resize(noise, None, fx=step, fy=step, interpolation=cv2.INTER_CUBIC)
    noise = noise[: shape[0], : shape[1]]
    return (noise - noise.mean()) / noise.std()


def _tissue(rng, shape, nest_area) -> tuple[np.ndarray, ...]:
    """Nests of tumor and gaps (0 to 1), direction of the fibres (radians) and their texture."""
    nest = _noise(rng, shape, 38) + 0.25 * _noise(rng, shape, 9)
    nest -= np.quantile(nest, 1 - np.clip(nest_area / nest.size, 0.02, 0.9))
    gap = _noise(rng, shape, 20) + 0.2 * _noise(rng, shape, 6)
    gap -= np.quantile(gap, rng.uniform(0.9, 1))
    # Fibres are the level lines of a height that climbs across the field, at nests and at gaps.
    y, x = np.indices(shape, dtype=np.float32)
    tilt = rng.uniform(0, np.pi)
    height = np.cos(tilt) * x + np.sin(tilt) * y + 22 * _noise(rng, shape, 55)
    height += 45 * np.tanh(nest) + 15 * np.tanh(gap)
    down, right = np.gradient(height)
    along = np.cos(tilt) * y - np.sin(tilt) * x
    white = np.fft.fft2(rng.standard_normal((512, 512)))
    streaks = (ndimage.fourier_gaussian(white, sigma) for sigma in ((1.2, 22), (4, 60)))
    fine, coarse = (np.fft.ifft2(streak).real for streak in streaks)
    strands = 0.6 * fine / fine.std() + 0.9 * coarse / coarse.std()
    strands = ndimage.map_coordinates(strands, [height, along], order=1, mode="grid-wrap")
    return expit(8 * nest), expit(14 * gap), np.arctan2(right, -down), strands / strands.std()


def _place(rng, nest, gap, fibre, cells) -> list[tuple]:
    """Kind, look, window of the field and depth below the membrane in it, for each nucleus."""
    solid = 1 - gap
    habitat = {"tumor": solid * nest**2, "fibroblast": solid * (1 - nest) ** 2}
    habitat |= {"mitotic_figure": habitat["tumor"], "vascular_endothelium": solid * gap}
    scattered = solid * (1.15 - nest) * np.exp(1.5 * _noise(rng, nest.shape, 25))
    free = np.uint8(solid > 0.5)
    rows, columns = np.indices(nest.shape, sparse=True)
    placed = []
    for kind, look in cells:
        room = 3 * cv2.distanceTransform(free[::3, ::3], cv2.DIST_L2, 3).astype(float)
        lacking = np.maximum(0.45 * look.length * look.aspect**0.5 - room, 0)
        weight = (habitat.get(kind, scattered)[::3, ::3] + 1e-9) * np.exp(-lacking)
        spot = rng.choice(weight.size, p=weight.ravel() / weight.sum())
        y, x = (3 * int(i) for i in np.unravel_index(spot, weight.shape))
        angle = rng.uniform(0, np.pi)
        if kind in ("fibroblast", "vascular_endothelium"):
            angle = fibre[y, x] + rng.normal(0, 0.25)
        radius = int(0.7 * look.length + look.reach) + 4
        down, right = (slice(max(c - radius, 0), c + radius + 1) for c in (y, x))
        depth = _depth(rng, look, angle, rows[down] - y, columns[:, right] - x)
        free[down, right][depth > -1] = 0
        placed.append((kind, look, (..., down, right), depth))
    return placed


def _depth(rng, look, angle, y, x) -> np.ndarray:
    """A bent, pointed ellipse whose outline wavers; y and x are px from its centre."""
    long, short = look.length / 2, look.length * min(look.aspect, 1) / 2
    u = (np.cos(angle) * x + np.sin(angle) * y) / long
    v = (np.cos(angle) * y - np.sin(angle) * x) / short
    v += rng.choice([-1, 1]) * look.bend * (u**2 - 0.4) * long / short
    reach = np.sqrt(np.abs(u) ** look.taper + v**2)
    polar = np.arctan2(v, u)
    for waves in (2, 3, 4, 5):
        swing = 1.5 * look.ragged / waves * rng.standard_normal()
        reach *= 1 + swing * np.cos(waves * polar + rng.uniform(0, 2 * np.pi))
    return (1 - reach) * short


def _stain(rng, nest, gap, strands, placed) -> np.ndarray:
    """Haematoxylin and eosin, (2, H, W): fibres, tumor's cytoplasm, other cytoplasm, nuclei."""
    grain, clump, bubble, cloud = (_noise(rng, nest.shape, size) for size in (1.2, 2.6, 3.5, 12))
    stains = np.stack([0.10 + 0.04 * strands, 0.85 + 0.28 * strands]) * (1 + 0.1 * cloud)
    stains[1] *= expit(4 * (strands + 1.7))
    outside = np.ones(nest.shape, np.uint8)
    for kind, _, window, depth in placed:
        if kind in ("tumor", "mitotic_figure"):
            outside[window][depth > 0] = 0
    _, cell = cv2.distanceTransformWithLabels(outside, cv2.DIST_L2, 5)
    border = cv2.morphologyEx(np.float32(cell), cv2.MORPH_GRADIENT, np.ones((3, 3))) > 0
    border = cv2.GaussianBlur(np.float32(border), (0, 0), 1.2) * rng.normal(-0.1, 0.3)
    tone = rng.normal(1, 0.12, cell.max() + 1)[cell] * expit(4 * (rng.uniform(1.3, 3) - bubble))
    cytoplasm = [0.30 + 0.06 * grain, 0.75 + 0.09 * grain + 0.09 * cloud + border]
    stains += nest * (tone * np.stack(cytoplasm) - stains)
    for _, look, window, depth in placed:
        cytoplasm = np.reshape([look.basic, look.eosin], (2, 1, 1)) * (1 + 0.2 * clump[window])
        stains[window] += 0.75 * expit((depth + look.reach) / 1.5) * (cytoplasm - stains[window])
    stains *= 1 - gap
    for _, look, window, depth in placed:
        grains = rng.uniform(0.2, 0.9) * grain[window] + rng.uniform(0.2, 0.9) * clump[window]
        nucleus = np.stack([_chromatin(rng, look, depth, grains), np.full(depth.shape, 0.25)])
        # Stains add up through the section's thickness, so what lies below shines through.
        stains[window] += expit(depth / rng.uniform(0.5, 1.1)) * (nucleus - 0.8 * stains[window])
    return np.clip(stains, 0, None)


def _chromatin(rng, look, depth, grains) -> np.ndarray:
    membrane = np.exp(-(((depth - 1.5) / 1.8) ** 2)) - 0.25
    chromatin = look.chromatin * (1 + look.clumps * grains + look.rim * membrane)
    rows, columns = np.indices(depth.shape, sparse=True)
    for _ in range(rng.poisson(look.nucleoli)):
        y, x = rng.choice(np.argwhere(depth > depth.max() - 6))
        distance = np.hypot(rows - y, columns - x)
        chromatin += rng.uniform(0.4, 0.9) * expit((rng.uniform(2, 4) - distance) / 0.7)
    return np.clip(chromatin, 0.1, None)


def _photograph(rng, site, slide, stains) -> np.ndarray:
    """Mix the stains by Beer–Lambert's law; absorption, strength, blur, light differ by site."""
    vectors = np.maximum(HED[:2] + site.normal(0, 0.06, (2, 3)), 0.02)
    vectors[1] += site.uniform(0, 0.35) * HED[2]
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    strength = np.exp(site.normal(0, 0.25, (2, 1)) + slide.normal(0, 0.1, (2, 1)))
    vectors *= strength * [[1.15], [0.75]]
    od = cv2.GaussianBlur(np.einsum("shw,sc->hwc", stains, vectors), (0, 0), site.uniform(0.7, 1.6))
    light = site.uniform(228, 248) * (1 - np.abs(site.normal(0, 0.02, 3)))
    noise = cv2.GaussianBlur(rng.standard_normal(od.shape), (0, 0), 0.6)
    image = light * np.exp(-od) + site.uniform(2, 7) * noise
    return np.clip(np.rint(image), 0, 255).astype(np.uint8)


def _table(rng, placed) -> pd.DataFrame:
    rows = []
    for kind, _, (_, down, right), depth in placed:
        how = rng.choice(["rectangle", "polyline", "point"], p=[0.68, 0.30, 0.02])
        x, y, width, height = cv2.boundingRect(np.uint8(depth > 0))
        if how == "point":
            x, y, width, height = x + width // 2, y + height // 2, 0, 0
        left, top = x + right.start, y + down.start
        box = left, top, left + width, top + height
        raw = rng.choice(["", "correction_"], p=[0.98, 0.02]) + kind
        coords = (",".join(str(box[i]) for i in way) for way in ([0, 2, 2, 0, 0], [1, 1, 3, 3, 1]))
        rows.append((raw, KINDS.at[kind, "main"], KINDS.at[kind, "super"], how, *box, *coords))
    return pd.DataFrame(rows, columns=COLUMNS)
