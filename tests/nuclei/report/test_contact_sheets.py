import io

import numpy as np
import pytest
from PIL import Image

from nuclei.core.classes import CLASSES
from nuclei.report import contact_sheets

CROPS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)


def opened(png):
    return Image.open(io.BytesIO(png))


@pytest.mark.parametrize(("count", "by_class"), [(8, [3, 3, 2]), (3, [1, 1, 1]), (20, [8, 8, 4])])
def test_examples_are_the_first_nuclei_of_every_class(count, by_class):
    label = np.array([*np.resize(CLASSES, 12), *["stromal", "TIL"] * 10])
    rows = contact_sheets.balanced_rows(label, count)
    assert [(label[rows] == name).sum() for name in CLASSES] == by_class
    assert list(rows[: by_class[0]]) == list(np.flatnonzero(label == "stromal")[: by_class[0]])


def test_a_contact_sheet_shows_every_pixel_as_a_square():
    png = contact_sheets.contact_sheet(CROPS, 255 - CROPS, ["TIL"] * 4, "x")
    sheet = np.array(opened(png))[..., :3]
    assert 1200 <= sheet.shape[1] <= 1245
    zoom = 9  # (1245 - 64) / 4 holds 9 times 32 pixels
    larger = CROPS[0].repeat(zoom, 0).repeat(zoom, 1)
    top, left = 32, 64
    side = 32 * zoom
    assert (sheet[top : top + side, left : left + side] == larger).all()
    below = sheet[top + side + 6 : top + 2 * side + 6, left : left + side]
    assert (below == 255 - larger).all()


def test_crops_wider_than_their_room_shrink():
    crops = np.zeros((32, 224, 224, 3), np.uint8)
    sheet = contact_sheets.contact_sheet(crops, crops, ["TIL"] * 32, "none")
    assert opened(sheet).width <= 1245
