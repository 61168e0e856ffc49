"""Operations on stains: stain, macenko in the crop's own two stains, randstainna in CIELAB."""

from functools import partial

import cv2
import numpy as np

from nuclei.augmentation import colour
from nuclei.augmentation.operation import Operation, Parameters, Strength, all_at_once
from nuclei.core.draws import normal, uniform
from nuclei.core.stains import HED

AMOUNT = Strength("how far alpha is from 1 and beta from 0, at most", "%", 1, 60, 20)
# Densities are whole multiples of 1/DENSITY and matrices of 1/UNIT. As no row of a matrix adds up
# to more than LARGEST, every sum stays below 2**24, where float32 is exact in any order.
DENSITY, UNIT, LARGEST = 256, 1024, 11
TISSUE = 0.15  # optical density, in every channel, from which a pixel is stained
EXTREME = 0.01  # share of the pixels beyond a stain's angle: the paper's alpha
FEWEST = 30  # stained pixels from which stains are estimated
MEASURED = 32  # pixels along a side that are read, at least: every second one of 64
NEARLY_ONE = 0.98  # cosine between two stains that are hardly two
INTENSITIES = np.maximum(np.arange(256), 1)
TO_DENSITY = np.round(-np.log(INTENSITIES / 255) * DENSITY).astype(np.int16)
# Of every int16 density; negative ones come last, as uint16 has them.
DENSITIES = np.maximum(np.arange(2**16).astype(np.uint16).view(np.int16), 0)
TO_INTENSITY = np.round(255 * np.exp(-DENSITIES / DENSITY)).astype(np.uint8)
TEMPLATE_UNIT = 256  # a template's numbers are whole multiples of 1/TEMPLATE_UNIT of a byte
FLATTEST = 1.0  # a channel's deviation, in bytes, below which it is not stretched further


def draw_concentrations(keys: np.ndarray, strength: float, stains: int) -> Parameters:
    """Draw the factors alpha and the shifts beta of concentrations, both float (N, stains)."""
    most = strength / 100
    alpha = [uniform(keys, index, 1 - most, 1 + most) for index in range(stains)]
    beta = [uniform(keys, index, -most, most) for index in range(stains, 2 * stains)]
    return {"alpha": np.stack(alpha, axis=1), "beta": np.stack(beta, axis=1)}


def stain(crops: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Perturb the concentrations of haematoxylin, eosin and residual (Tellez et al. 2018).

    The default is the strong setting of Tellez et al. 2019 (doi:10.1016/j.media.2019.101544);
    `stain-5` is their light one.

    Unmixing, scaling and shifting, and mixing are one matrix and one offset per nucleus:
    density' = density · (HED⁻¹ · diag(alpha) · HED) + beta · HED, density = −ln(intensity / 255).
    """
    inverse = np.linalg.inv(HED)
    # Spelt out as sums: BLAS adds up in another order on another processor.
    matrices = (inverse[:, :, None] * HED * alpha[:, None, :, None]).sum(axis=2)
    return mix(crops, matrices, (beta[:, :, None] * HED).sum(axis=1))


def perturb(crops: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Perturb the concentrations of the crop's own haematoxylin and eosin.

    As TIAToolbox does (Pocock et al. 2022, doi:10.1038/s43856-022-00186-5) when it augments the
    background too; but what is in neither stain is kept. With S, the crop's two stains as rows, and
    its pseudo-inverse S⁺, density' = density · (1 + S⁺ · diag(alpha − 1) · S) + beta · S.
    """
    own = stains(crops)
    a, b, c = ((own[:, i] * own[:, j]).sum(axis=1) for i, j in ((0, 0), (0, 1), (1, 1)))
    gram = np.stack([np.stack([c, -b], axis=1), np.stack([-b, a], axis=1)], axis=1)
    gram /= (a * c - b * b)[:, None, None]
    inverse = (own[:, :, :, None] * gram[:, :, None, :]).sum(axis=1)  # S⁺ = Sᵀ (S Sᵀ)⁻¹
    change = inverse[:, :, :, None] * ((alpha - 1)[:, :, None] * own)[:, None]
    offsets = (beta[:, :, None] * own).sum(axis=1)
    return mix(crops, np.eye(3) + change.sum(axis=2), offsets)


def stains(crops: np.ndarray) -> np.ndarray:
    """Estimate every crop's haematoxylin and eosin, unit rows of float (N, 2, 3).

    After Macenko et al., ISBI 2009 (doi:10.1109/ISBI.2009.5193250): the stains are the two extreme
    directions of a crop's densities, in the plane of their two largest components. A crop with too
    few stained pixels, or only one stain, has Ruifrok's stains.
    """
    step = max(crops.shape[1] // MEASURED, 1)
    measured = to_densities(np.ascontiguousarray(crops[:, ::step, ::step]))
    # Channels first; whole numbers, so that products and their sums are exact in any order.
    pixels = measured.shape[1] ** 2
    densities = measured.reshape(-1, pixels, 3).transpose(0, 2, 1).astype(np.float64)
    stained = densities.min(axis=1) > TISSUE * DENSITY
    axes = _plane(densities, stained)
    along, across = (axes @ densities).transpose(1, 0, 2)
    low, high = _bounds(across, along, stained)
    pair = axes[:, :1] + np.stack([low, high], axis=1)[:, :, None] * axes[:, 1:]
    # Haematoxylin absorbs more of the red than eosin does.
    lengths = np.linalg.norm(pair, axis=2)
    eosin_first = pair[:, 0, 0] * lengths[:, 1] < pair[:, 1, 0] * lengths[:, 0]
    pair = pair / lengths[:, :, None]
    pair = np.where(eosin_first[:, None, None], pair[:, ::-1], pair)
    cosine = (pair[:, 0] * pair[:, 1]).sum(axis=1)
    usable = (stained.sum(axis=1) >= FEWEST) & (cosine < NEARLY_ONE)
    return np.where(usable[:, None, None], pair, HED[:2])


def _plane(densities: np.ndarray, stained: np.ndarray) -> np.ndarray:
    """Return the two largest components of stained pixels' densities (N, 3, P), as (N, 2, 3)."""
    tissue = densities * stained[:, None]
    # About the origin, as in the paper: of two colours alone, both axes are still certain.
    _, vectors = np.linalg.eigh(tissue @ tissue.transpose(0, 2, 1))
    # Rounding takes away the last bits, which processors may compute in their own way.
    axes = np.rint(vectors[:, :, :0:-1].transpose(0, 2, 1) * UNIT)
    # The first one into the densities, which are positive.
    return axes * np.where(axes[:, :1].sum(axis=2, keepdims=True) < 0, -1, 1)


def _bounds(across: np.ndarray, along: np.ndarray, stained: np.ndarray) -> tuple:
    """Return the two slopes, (N,) each, with a share EXTREME of the stained pixels beyond them."""
    ahead = stained & (along > 0)
    slopes = np.where(ahead, across / np.where(ahead, along, 1), np.inf)
    slopes.sort(axis=1)
    count = ahead.sum(axis=1)
    low = np.floor(EXTREME * np.maximum(count - 1, 0)).astype(int)
    high = np.maximum(count - 1 - low, 0)
    bounds = (np.take_along_axis(slopes, place[:, None], axis=1)[:, 0] for place in (low, high))
    return tuple(np.where(np.isfinite(bound), bound, 0) for bound in bounds)


def to_densities(crops: np.ndarray) -> np.ndarray:
    """Return −ln(intensity / 255) of crops, uint8 (N, S, S, 3), in 1/DENSITY, int16."""
    return all_at_once(crops, lambda pixels: cv2.LUT(pixels, TO_DENSITY))


def mix(crops: np.ndarray, matrices: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Replace every density d, a natural logarithm, by d · matrix + offset.

    crops: uint8 RGB (N, S, S, 3); matrices: float (N, 3, 3); offsets: float (N, 3).
    """
    turned = np.transpose(matrices, (0, 2, 1))
    rows = np.abs(turned).sum(axis=2, keepdims=True)
    turned = np.rint(turned * np.minimum(1, LARGEST / np.maximum(rows, 1e-9)) * UNIT) / UNIT
    shifted = np.rint(offsets[:, :, None] * DENSITY * UNIT) / UNIT
    out = np.empty_like(crops)
    both = np.concatenate([turned, shifted], axis=2).astype(np.float32)
    for image, matrix, target in zip(crops, both, out, strict=True):
        mixed = cv2.transform(cv2.LUT(image, TO_DENSITY), matrix)
        cv2.LUT(mixed.view(np.uint16), TO_INTENSITY, dst=target)
    return out


def learn_template(crops: np.ndarray, rows: np.ndarray) -> dict[str, list]:
    """Measure how a fold's training crops are coloured, uint8 (N, S, S, 3) at rows, int (n,).

    ``template`` holds whole numbers (2, 6), in 1/TEMPLATE_UNIT: of the six `statistics` of crops
    their means over crops, then their deviations.
    """
    measured = np.concatenate([statistics(_to_lab(crops[row, None])) for row in rows])
    numbers = np.rint(measured * TEMPLATE_UNIT)
    template = np.rint([numbers.mean(axis=0), numbers.std(axis=0)])
    return {"template": template.astype(int).tolist()}


def draw_templates(keys: np.ndarray, strength: float) -> Parameters:
    """Draw how far each nucleus's template is from the middle one, in deviations, float (N, 6)."""
    away = [normal(keys, index) for index in range(6)]
    return {"away": np.stack(away, axis=1) * strength / 100}


def restain(crops: np.ndarray, away: np.ndarray, template: list) -> np.ndarray:
    """Give CIELAB's channels the means and deviations that are `away` from the template's.

    After Shen et al., MICCAI 2022: every nucleus gets the colours of a virtual site. A crop of one
    nucleus differs from others by what it shows as much as by its stain, so by default templates
    spread 70 % as far as crops do, as in the authors' own example of a training.
    """
    lab = _to_lab(crops)
    now = statistics(lab)
    middle, spread = np.array(template) / TEMPLATE_UNIT
    wanted = np.maximum(middle + away * spread, 0)
    factors = np.minimum(wanted[:, 3:] / np.maximum(now[:, 3:], FLATTEST), colour.LARGEST)
    matrices = factors[:, :, None] * np.eye(3)
    restained = colour.mix(lab, matrices, wanted[:, :3] - factors * now[:, :3])
    # On bytes, conversion is in whole numbers both ways.
    return all_at_once(restained, lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_LAB2RGB))


def statistics(lab: np.ndarray) -> np.ndarray:
    """Return the means, then the deviations of every crop's three channels, float (N, 6)."""
    numbers = [np.concatenate(cv2.meanStdDev(crop))[:, 0] for crop in lab]
    return np.array(numbers).reshape(len(lab), 6)


def _to_lab(crops: np.ndarray) -> np.ndarray:
    return all_at_once(crops, lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))


OPERATIONS = {
    "stain": Operation(
        "Perturb the concentrations of haematoxylin, eosin and residual.",
        partial(draw_concentrations, stains=3),
        stain,
        "Tellez et al. 2018, doi:10.1109/TMI.2018.2820199",
        AMOUNT,
    ),
    "macenko": Operation(
        "Perturb the concentrations of the crop's own haematoxylin and eosin.",
        partial(draw_concentrations, stains=2),
        perturb,
        "Macenko et al. 2009, doi:10.1109/ISBI.2009.5193250",
        AMOUNT,
    ),
    "randstainna": Operation(
        "Give the channels of CIELAB means and deviations that are drawn from a template.",
        draw_templates,
        restain,
        "Shen et al. 2022, doi:10.1007/978-3-031-16434-7_21",
        Strength("how far templates spread, of what training crops do", "%", 5, 100, 70),
        learn_template,
    ),
}
