"""The kinds of nuclei, what each looks like, and the nuclei of a field."""

from io import StringIO
from typing import NamedTuple

import numpy as np
import pandas as pd

# share: of the nuclei that belong to a class. The last rows belong to no class and come on top.
# length: median major axis; spread: SD of its log. The other numbers are the fields of Look.
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


class Look(NamedTuple):
    """What one nucleus and its cell look like."""

    length: float  # major axis
    spread: float  # SD of the log of its kind's lengths
    aspect: float  # minor over major axis
    taper: float  # 2 is an ellipse, 1 has pointed ends
    bend: float  # of the major axis
    ragged: float  # how much the outline wavers
    chromatin: float  # haematoxylin
    clumps: float  # its contrast
    rim: float  # its excess at the membrane
    nucleoli: float  # their mean number
    reach: float  # width of the cytoplasm
    basic: float  # the cytoplasm's haematoxylin
    eosin: float  # the cytoplasm's eosin


def cells(
    rng: np.random.Generator, patient: np.random.Generator, nuclei: int
) -> list[tuple[str, Look]]:
    """Draw the kinds and looks of a field's cells, the largest first; `nuclei` on average."""
    share = KINDS.share.to_numpy(copy=True)
    share[:CLASSIFIED] = patient.dirichlet(5 * share[:CLASSIFIED])
    typical = KINDS[list(Look._fields)].to_numpy()
    typical = typical * np.exp(patient.normal(0, 0.11, typical.shape))
    kind = np.repeat(np.arange(len(KINDS)), rng.poisson(nuclei * share))
    # Few nuclei are typical: each looks a little like one of another kind.
    other = typical[rng.integers(CLASSIFIED, size=len(kind))]
    looks = typical[kind] + rng.beta(1, 8, (len(kind), 1)) * (other - typical[kind])
    column = {name: index for index, name in enumerate(Look._fields)}
    sway = np.full(looks.shape, 0.2)
    sway[:, column["length"]] = looks[:, column["spread"]]  # length has its own spread,
    sway[:, column["taper"]] = 0.08  # taper hardly varies
    looks *= np.exp(rng.normal(0, sway))
    largest_first = np.argsort(-looks[:, column["length"]], kind="stable")
    return [(KINDS.index[kind[i]], Look(*looks[i])) for i in largest_first]
