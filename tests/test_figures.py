import io

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nuclei import figures
from nuclei.classes import CLASSES

AUGS, VOLUMES = ["none", "invert+flip"], [0.5, 1.0]
RNG = np.random.default_rng(0)


def table(**axes):
    rows = pd.MultiIndex.from_product(axes.values(), names=axes).to_frame(index=False)
    numbers = ["macro_auc", "accuracy", "loss", "tpr", "share"]
    return rows.assign(**{name: RNG.uniform(0.5, 1, len(rows)) for name in numbers})


SCORES = table(aug=AUGS, volume=VOLUMES, repeat=[0, 1, 2])
ROC = table(aug=AUGS, volume=VOLUMES, **{"class": CLASSES}, fpr=[0.0, 0.5, 1.0])
CONFUSION = table(aug=AUGS, volume=VOLUMES, actual=CLASSES, predicted=CLASSES)
CURVES = table(aug=AUGS, volume=VOLUMES, split=["train", "validation"], updates=[40, 80])
CROPS = RNG.integers(0, 256, (4, 32, 32, 3), np.uint8)


def opened(png):
    return Image.open(io.BytesIO(png))


@pytest.mark.parametrize(
    ("draw", "arguments"),
    [
        (figures.arms, [SCORES]),
        (figures.volumes, [SCORES]),
        (figures.roc, [ROC]),
        (figures.confusion, [CONFUSION]),
        (figures.curves, [CURVES]),
        (figures.contact_sheet, [CROPS, 255 - CROPS, ["TIL"] * 4, "invert+flip"]),
    ],
)
def test_a_figure_has_readme_width_and_the_same_bytes_whatever_the_users_style(draw, arguments):
    png = draw(*arguments)
    assert 1200 <= opened(png).width <= 1245
    assert "Software" not in opened(png).info
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        assert draw(*arguments) == png


def test_one_repeat_and_one_volume_draw():
    assert figures.arms(SCORES[(SCORES["repeat"] == 0) & (SCORES["volume"] == 1)])
    assert figures.volumes(SCORES[(SCORES["repeat"] == 0) & (SCORES["volume"] == 1)])


def test_more_augmentations_than_colours_still_differ():
    looks = figures._looks(pd.DataFrame({"aug": [f"a{i}" for i in range(12)]}))
    assert len({str(look) for look in looks.values()}) == 12


@pytest.mark.parametrize(("count", "by_class"), [(8, [3, 3, 2]), (3, [1, 1, 1]), (20, [8, 8, 4])])
def test_examples_are_the_first_nuclei_of_every_class(count, by_class):
    label = np.array([*np.resize(CLASSES, 12), *["stromal", "TIL"] * 10])
    rows = figures.balanced_rows(label, count)
    assert [(label[rows] == name).sum() for name in CLASSES] == by_class
    assert list(rows[: by_class[0]]) == list(np.flatnonzero(label == "stromal")[: by_class[0]])


def test_a_contact_sheet_shows_every_pixel_as_a_square():
    sheet = np.array(opened(figures.contact_sheet(CROPS, 255 - CROPS, ["TIL"] * 4, "x")))[..., :3]
    zoom = 9  # (1245 - 64) / 4 holds 9 times 32 pixels
    larger = CROPS[0].repeat(zoom, 0).repeat(zoom, 1)
    top, left = 32, 64
    side = 32 * zoom
    assert (sheet[top : top + side, left : left + side] == larger).all()
    below = sheet[top + side + 6 : top + 2 * side + 6, left : left + side]
    assert (below == 255 - larger).all()


def test_crops_wider_than_their_room_shrink():
    crops = np.zeros((32, 224, 224, 3), np.uint8)
    assert opened(figures.contact_sheet(crops, crops, ["TIL"] * 32, "none")).width <= 1245
