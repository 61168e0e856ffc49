import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from nuclei.core.classes import CLASSES
from nuclei.report import contact_sheets
from nuclei.statistics.hard_nuclei import SHEETS

SIDE, ZOOM = 32, 4  # 139 px from nucleus to nucleus hold 4 times 32 pixels
GAP, LEFT, PITCH = 6, 128, 139  # px
CROPS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), np.uint8)


@pytest.mark.parametrize(("count", "by_class"), [(8, [3, 3, 2]), (3, [1, 1, 1]), (20, [8, 8, 4])])
def test_examples_are_the_first_nuclei_of_every_class(count, by_class):
    label = np.array([*np.resize(CLASSES, 12), *["stromal", "TIL"] * 10])
    rows = contact_sheets.balanced_rows(label, count)
    assert [(label[rows] == name).sum() for name in CLASSES] == by_class
    assert list(rows[: by_class[0]]) == list(np.flatnonzero(label == "stromal")[: by_class[0]])


def opened(png):
    return np.array(Image.open(io.BytesIO(png)))[..., :3]


def test_a_contact_sheet_shows_every_pixel_as_a_square():
    picture = opened(contact_sheets.sheet([CROPS, 255 - CROPS], ["original", "x"], [["TIL"] * 4]))
    side = 8 * 32  # (1245 - 128) / 4 holds 8 times 32 pixels
    assert picture.shape == (28 + 2 * (side + GAP), LEFT + 4 * (side + GAP), 3)
    larger = CROPS[0].repeat(8, 0).repeat(8, 1)
    top = 28
    assert (picture[top : top + side, LEFT : LEFT + side] == larger).all()
    below = picture[top + side + GAP : top + 2 * side + GAP, LEFT : LEFT + side]
    assert (below == 255 - larger).all()


def test_rows_and_columns_of_a_sheet_are_named():
    picture = opened(contact_sheets.sheet([CROPS] * 2, ["original", "x"], [["TIL"] * 4]))
    ink, middle = (picture < 128).any(axis=2), len(picture) // 2
    assert ink[:middle, :LEFT].any() and ink[middle:, :LEFT].any()
    assert ink[:28, LEFT:].any()


def test_crops_wider_than_their_room_shrink():
    crops = np.zeros((32, 224, 224, 3), np.uint8)
    picture = opened(contact_sheets.sheet([crops, crops], ["original", "none"], [["TIL"] * 32]))
    assert picture.shape[1] <= 1245


def rows(sheet, *count, aug="invert+rotation"):
    """So many rows of each class."""
    labels = np.repeat(CLASSES, count)
    votes = {"predicted": "tumor", "wrong": 1, "others_predicted": "stromal"}
    extremes = {"high_aug": aug, "high": 0.914, "low_aug": "none", "low": 0.118}
    return pd.DataFrame({"label": labels}).assign(sheet=sheet, **votes, **extremes)


def crops(count, side=SIDE):
    return np.random.default_rng(0).integers(0, 100, (count, side, side, 3), np.uint8)


def picture_of(table, pixels):
    return opened(contact_sheets.nuclei_sheet(table, pixels))


@pytest.mark.parametrize("sheet", SHEETS)
def test_a_sheet_shows_every_pixel_as_a_square_in_the_row_of_its_class(sheet):
    pixels = crops(13)
    picture = picture_of(rows(sheet, 8, 3, 2), pixels)
    shown = SIDE * ZOOM
    height = len(picture) // 3
    top = height - shown - GAP
    first = [(0, 0), (8, 1), (11, 2)]  # a row's first nucleus
    for nucleus, down, right in [*((n, row, 0) for n, row in first), (7, 0, 7), (10, 1, 2)]:
        y, x = top + down * height, LEFT + right * PITCH
        larger = pixels[nucleus].repeat(ZOOM, 0).repeat(ZOOM, 1)
        assert (picture[y : y + shown, x : x + shown] == larger).all()


@pytest.mark.parametrize(
    ("count", "side"), [((8, 8, 8), 64), ((1, 0, 0), 224), ((0, 0, 0), 32), ((20, 3, 0), 32)]
)
def test_a_sheet_is_as_wide_as_a_readme_whatever_it_shows(count, side):
    picture = picture_of(rows("wrong", *count), crops(sum(count), side))
    assert picture.shape[1] == LEFT + 8 * PITCH <= 1245


def test_a_class_without_a_nucleus_has_a_dash():
    picture = picture_of(rows("best-alone", 0, 1, 0), crops(1))
    height = len(picture) // 3
    ink = (picture < 128).all(axis=2)[:, LEFT : LEFT + PITCH]
    for row in (0, 2):
        dash = ink[row * height : (row + 1) * height]
        assert 0 < dash.sum() < 50


def test_more_nuclei_than_a_line_holds_go_on_below():
    pixels = crops(10)
    picture = picture_of(rows("best-alone", 9, 1, 0), pixels)
    height = len(picture) // 4  # two lines of stromal, one of each other class
    for nucleus, line in ((0, 0), (8, 1), (9, 2)):
        y = (line + 1) * height - SIDE * ZOOM - GAP
        assert (picture[y : y + ZOOM, LEFT : LEFT + ZOOM] == pixels[nucleus, 0, 0]).all()


@pytest.mark.parametrize("aug", ["invert+rotation", "randstainna-70", "flip+stain-5+scanner-0.5"])
def test_words_above_a_nucleus_leave_its_neighbours_alone(aug):
    """White columns of pixels part the words of neighbours, white lines a class from the next."""
    picture = picture_of(rows("disagreed", 8, 8, 8, aug=aug), crops(24))
    height = len(picture) // 3
    for row in range(3):
        words = picture[row * height : (row + 1) * height - SIDE * ZOOM - GAP]
        between = LEFT + SIDE * ZOOM + (PITCH - SIDE * ZOOM) // 2
        for column in range(8):
            gap = between + column * PITCH
            assert (words[:, gap - 1 : gap + 2].min(axis=(0, 2)) == 255).any()
        assert (words[-1] == 255).all()
        assert (words[:, LEFT:] < 128).any()


def test_the_class_is_named_beside_its_row():
    picture = picture_of(rows("wrong", 1, 1, 1), crops(3))
    names = (picture[:, :LEFT] < 128).any(axis=2)
    assert not names[:, 0].any()  # not cut off
    height = len(picture) // 3
    assert all(names[row * height : (row + 1) * height].any() for row in range(3))


@pytest.mark.parametrize(
    ("sheet", "words"),
    [
        ("wrong", "said tumor\n100 % wrong"),
        ("best-alone", "others: stromal"),
        ("disagreed", ".91 invert\n+rotation\n.12 none"),
    ],
)
def test_words_say_why_a_nucleus_is_shown(sheet, words):
    assert contact_sheets.words_above(rows(sheet, 1, 0, 0).iloc[0]) == words


def test_the_same_nuclei_make_the_same_bytes():
    table, pixels = rows("disagreed", 2, 2, 2), crops(6)
    assert contact_sheets.nuclei_sheet(table, pixels) == contact_sheets.nuclei_sheet(table, pixels)
