import pytest

from nuclei.core.errors import InputError
from nuclei.data.layouts.labels import pixels, text


def test_text_strips_a_byte_order_mark_and_rejects_other_encodings():
    assert text(b"\xef\xbb\xbfa", "f") == "a"
    with pytest.raises(InputError, match=r"^csv/f\.csv: byte 1 is not UTF-8 text$"):
        text(b"a\xff", "csv/f.csv")


@pytest.mark.parametrize("value", ["", "x", "nan", "inf", "1e3", "1_0", "٣", "\x1c10"])
def test_pixels_must_be_a_number(value):
    with pytest.raises(InputError, match=r"^f: row 1: xmin must be a number of pixels; got"):
        pixels(value, "f: row 1: xmin")
