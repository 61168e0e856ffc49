"""The operation randstainna: every nucleus gets the colours of a virtual site.

Shen et al., MICCAI 2022 (doi:10.1007/978-3-031-16434-7_21), in CIELAB. The means and deviations of
a crop's three channels are replaced by random ones, which spread as those of training crops do. The
operation learns: its template comes from a fold's training nuclei only. A crop of one nucleus
differs from others by what it shows as much as by its stain. So by default templates spread 70 % as
far as crops do, as in the authors' own example of a training.
"""

import cv2
import numpy as np

from nuclei.augmentation import colour
from nuclei.augmentation.operation import Operation, Parameters, Strength, all_at_once
from nuclei.core import draws

UNIT = 256  # a template's numbers are whole multiples of 1/UNIT of a byte
FLATTEST = 1.0  # a channel's deviation, in bytes, below which it is not stretched further
CHUNK = 1024  # crops measured at once


def learn_template(crops: np.ndarray, rows: np.ndarray) -> dict[str, list]:
    """Measure how a fold's training crops are coloured.

    Args:
        crops: uint8 (N, S, S, 3), all nuclei.
        rows: of the training nuclei, int (n,).

    Returns:
        ``template``: whole numbers (2, 6) in 1/UNIT. A crop has six numbers: the means of L, a and
        b, then their deviations. The first row holds their means over crops, the second their
        deviations.
    """
    chunks = (crops[rows[first : first + CHUNK]] for first in range(0, len(rows), CHUNK))
    measured = np.concatenate([np.rint(statistics(_to_lab(chunk)) * UNIT) for chunk in chunks])
    template = np.rint([measured.mean(axis=0), measured.std(axis=0)])
    return {"template": template.astype(int).tolist()}


def draw_templates(keys: np.ndarray, strength: float) -> Parameters:
    """Draw how far each nucleus's template is from the middle one, in deviations, float (N, 6)."""
    away = [draws.normal(keys, index) for index in range(6)]
    return {"away": np.stack(away, axis=1) * strength / 100}


def restain(crops: np.ndarray, away: np.ndarray, template: list) -> np.ndarray:
    """Give the channels of CIELAB the means and deviations that are `away` from the template's.

    Args:
        crops: uint8 RGB (N, S, S, 3).
        away: of `draw_templates`.
        template: of `learn_template`.
    """
    lab = _to_lab(crops)
    now = statistics(lab)
    middle, spread = np.array(template) / UNIT
    wanted = np.maximum(middle + away * spread, 0)
    factors = np.minimum(wanted[:, 3:] / np.maximum(now[:, 3:], FLATTEST), colour.LARGEST)
    matrices = factors[:, :, None] * np.eye(3)
    return _to_rgb(colour.mix(lab, matrices, wanted[:, :3] - factors * now[:, :3]))


def statistics(lab: np.ndarray) -> np.ndarray:
    """Return the means, then the deviations of every crop's three channels, float (N, 6)."""
    numbers = [np.concatenate(cv2.meanStdDev(crop))[:, 0] for crop in lab]
    return np.array(numbers).reshape(len(lab), 6)


def _to_lab(crops: np.ndarray) -> np.ndarray:
    return all_at_once(crops, lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_RGB2LAB))


def _to_rgb(lab: np.ndarray) -> np.ndarray:
    # On bytes both ways are in whole numbers.
    return all_at_once(lab, lambda pixels: cv2.cvtColor(pixels, cv2.COLOR_LAB2RGB))


OPERATIONS = {
    "randstainna": Operation(
        "Give the channels of CIELAB means and deviations that are drawn from a template.",
        draw_templates,
        restain,
        "Shen et al. 2022, doi:10.1007/978-3-031-16434-7_21",
        Strength("how far templates spread, of what training crops do", "%", 5, 100, 70),
        learn_template,
    )
}
