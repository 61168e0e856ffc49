import pytest

from nuclei.errors import InputError
from nuclei.raw import Field, Nucleus, check_frame, names_in, pixels, text

FIELD = Field("f", "rgb/f.png", "csv/f.csv", "TCGA-A2-A04T", "A2", 0.2)


def test_names_in_takes_only_the_folder_and_the_ending():
    names = ["rgb/a.png", "rgb/b.jpg", "rgbx/c.png", "rgb.png", "rgb/a.png.txt"]
    assert names_in(names, "rgb", ".png") == {"a"}


def test_text_strips_a_byte_order_mark_and_rejects_other_encodings():
    assert text(b"\xef\xbb\xbfa", "f") == "a"
    with pytest.raises(InputError, match=r"^csv/f\.csv: byte 1 is not UTF-8 text$"):
        text(b"a\xff", "csv/f.csv")


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "1e3", "1_0", "٣"])
def test_pixels_must_be_a_number(value):
    with pytest.raises(InputError, match=r"^f: row 1: xmin must be a number of pixels; got"):
        pixels(value, "f: row 1: xmin")


def test_a_centre_outside_the_image_is_an_error_and_an_overhanging_box_is_not():
    check_frame(FIELD, [Nucleus("f/0", "TIL", 0, 9.5)], height=10, width=20)
    for x, y in [(20, 5), (-1, 5), (5, -1)]:
        with pytest.raises(InputError, match="share one frame"):
            check_frame(FIELD, [Nucleus("f/0", "TIL", x, y)], height=10, width=20)
    with pytest.raises(InputError, match=r"^csv/f\.csv: row 7: .* outside rgb/f\.png of 20 × 10"):
        check_frame(FIELD, [Nucleus("f/7", "TIL", 9.5, 10)], height=10, width=20)
