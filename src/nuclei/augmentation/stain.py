"""The operation stain: sections are stained more or less, differently at each hospital.

Tellez et al., IEEE TMI 2018 (doi:10.1109/TMI.2018.2820199); by default at the strong setting of
Tellez et al., MedIA 2019 (doi:10.1016/j.media.2019.101544), of which `stain-5` is the light one.
Optical density in natural logarithms.
"""

import numpy as np

from nuclei.augmentation import density
from nuclei.augmentation.operation import Operation, Parameters, Strength
from nuclei.core.stains import HED

STAIN = Strength("how far alpha is from 1 and beta from 0, at most", "%", 1, 60, 20)


def draw_stains(keys: np.ndarray, strength: float) -> Parameters:
    """Draw each stain's factor alpha and shift beta; both (N, 3).

    Strength: how far alpha is from 1 and beta from 0, at most, 1 to 60 %, 20 by default.
    """
    return density.draw_concentrations(keys, strength, stains=3)


def stain(crops: np.ndarray, alpha: np.ndarray, beta: np.ndarray) -> np.ndarray:
    """Perturb the concentrations of haematoxylin, eosin and residual.

    Unmix:            c = density · HED⁻¹, where density = −ln(intensity / 255)
    Scale and shift:  c' = alpha · c + beta
    Mix:              density' = c' · HED, and back to intensity

    The three are linear, so they are one 3 × 3 matrix and one offset per nucleus:
    density' = density · (HED⁻¹ · diag(alpha) · HED) + beta · HED.
    """
    inverse = np.linalg.inv(HED)
    # Spelt out as sums: BLAS adds up in another order on another processor.
    matrices = (inverse[:, :, None] * HED * alpha[:, None, :, None]).sum(axis=2)
    return density.mix(crops, matrices, (beta[:, :, None] * HED).sum(axis=1))


OPERATIONS = {
    "stain": Operation(
        draw_stains, stain, "Tellez et al. 2018, doi:10.1109/TMI.2018.2820199", STAIN
    )
}
