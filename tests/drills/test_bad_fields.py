"""Bad label files and images: the right result or one clear line, nothing that looks whole."""

import numpy as np
import pytest
from PIL import Image
from release import (
    IMAGE,
    LABELS,
    PIXELS,
    SAME,
    TABLE,
    ends_right,
    image,
    interlaced,
    png,
    replace,
    write,
)

import prepare

pytestmark = [
    pytest.mark.filterwarnings("error"),
    pytest.mark.drill("bad label files and images: the right result or one line"),
]


def row(old, new):
    return replace(LABELS, old, new)


def flipped(content, place):
    """Flip one bit."""
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


IN_LABELS = {
    "empty": (write(LABELS, ""), f"{LABELS.name}: header lacks raw_classification, type"),
    "no class column": (row("raw_classification", "class"), "header lacks raw_classification; got"),
    "a column twice": (row("type", "xmin"), "header lacks type"),
    "xmin twice": (row(",raw", "xmin,raw"), "header names a column twice"),
    "an unused column": (lambda: write(LABELS, TABLE.replace("\n", ",\n"))(), SAME),
    "too few cells": (row("0,tumor,rectangle,0,10", "0,tumor,0,10"), "row 0: must have 7 cells"),
    "too many cells": (row("0,tumor", "0,0,tumor"), "row 0: must have 7 cells as the header"),
    "a huge cell": (
        row("0,tumor", "0" * 140_000 + ",tumor"),
        "line 2: field larger than field lim",
    ),
    "a NUL byte": (row("0,tumor", "0,tumor\0"), r"row 0: unknown raw_classification 'tumor\\x00'"),
    "UTF-16": (write(LABELS, TABLE.encode("utf-16")), "byte 0 is not UTF-8 text"),
    "Latin-1": (write(LABELS, TABLE.encode() + b"\xe9"), "is not UTF-8 text"),
    "a byte order mark": (write(LABELS, b"\xef\xbb\xbf" + TABLE.encode()), SAME),
    "Windows line ends": (write(LABELS, TABLE.replace("\n", "\r\n")), SAME),
    "quoted cells": (row("0,tumor,rectangle", '"0","tumor","rectangle"'), SAME),
    "an open quote": (row("8,30\n1", '8,"30\n1'), "line 4: unexpected end of data"),
    "semicolons": (write(LABELS, TABLE.replace(",", ";")), "header lacks raw_classification"),
    "unknown class": (row("tumor", "tumour"), "row 0: unknown raw_classification 'tumour'; valid"),
    "1e400": (row("0,10,8", "0,1e400,8"), "row 0: ymin must be a number of pixels; got '1e400'"),
    "nan": (row("0,10,8", "0,nan,8"), "row 0: ymin must be a number of pixels; got 'nan'"),
    "inf": (row("0,10,8", "0,-inf,8"), "row 0: ymin must be a number of pixels; got '-inf'"),
    "full-width digits": (row("0,10,8", "0,１２,8"), "row 0: ymin must be a number .* got '１２'"),
    "400 digits": (row("0,10,8", f"0,10,{'9' * 400}"), "row 0: centre x inf, y 20 lies outside"),
    "negative": (row("0,10,8", "-90,10,8"), "row 0: centre x -41, y 20 lies outside rgb/"),
    "outside": (row("0,10,8,30", "60,10,68,30"), "row 0: centre x 64, y 20 lies outside rgb/"),
    "min and max swapped": (row("0,10,8,30", "8,10,0,30"), {"box without area": 1}),
    "a point": (row("rectangle,0,10,8,30", "point,,,,"), {"point": 1}),
    "another class": (row("tumor", "neutrophil"), {"neutrophil": 1}),
}
IN_IMAGES = {
    "zero bytes": (b"", "not a whole PNG"),
    "truncated": (image()[:-200], "not a whole PNG"),
    "0 × 0": (png(0, 0, b""), "not a whole PNG"),
    "a wrong checksum": (flipped(image(), 100), "not a whole PNG"),
    "a wrong header": (flipped(image(), 19), "not a whole PNG"),
    "16-bit": (
        png(50, 40, b"\0" * 40 * 301, depth=16),
        "PNG with RGB;16B pixels; valid: 8-bit RGB",
    ),
    "grey": (image(mode="L"), "PNG with L pixels"),
    "palette": (image(mode="P"), "PNG with P pixels"),
    "transparent": (image(np.dstack([PIXELS, PIXELS[..., 0]]), "RGBA"), "PNG with RGBA pixels"),
    "one transparent colour": (
        image(transparency=(1, 2, 3)),
        "PNG with RGB partly transparent pixels",
    ),
    "opaque": (image(mode="RGBA"), SAME),
    "interlaced": (interlaced(), SAME),
    "animated": (image(save_all=True, append_images=[Image.new("RGB", (50, 40))]), SAME),
    "JPEG": (image(kind="JPEG"), {}),
    "CMYK JPEG": (image(mode="CMYK", kind="JPEG"), "JPEG with CMYK;I pixels"),
    "a bomb": (png(30_000, 30_000, b""), "30000 × 30000 pixels; valid: at most 89,478,485"),
    "of another field": (image(PIXELS[:, :9]), "lies outside"),
    "HTML": (b"<html>404</html>", "not a whole PNG"),
}
CASES = {f"labels: {what}": case for what, case in IN_LABELS.items()}
CASES |= {f"image: {what}": (write(IMAGE, png), said) for what, (png, said) in IN_IMAGES.items()}


@pytest.mark.parametrize("case", CASES)
def test_the_right_result_or_one_line(case, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    ends_right(prepare.main, *CASES[case])
    said, dropped = capfd.readouterr(), CASES[case][1]
    assert said.err == ""
    if isinstance(dropped, dict) and dropped:
        [(reason, count)] = dropped.items()
        assert said.out == f"29 of 30 nuclei kept; dropped: {count} {reason}\n"
    else:
        assert said.out == ""
