import pytest

from nuclei.core.errors import InputError
from nuclei.data.layouts.fields import FieldOfView, Nucleus, check_frame, names_in, not_read

FIELD = FieldOfView("f", "rgb/f.png", "csv/f.csv", "TCGA-A2-A04T", "A2", 0.2)


def test_names_in_takes_only_the_folder_and_the_ending():
    names = ["rgb/a.png", "rgb/b.jpg", "rgbx/c.png", "rgb.png", "rgb/a.png.txt"]
    assert names_in(names, "rgb", ".png") == {"a"}


def test_pictures_that_nothing_reads_are_named_by_ending():
    names = ["a.PNG", "b/c.jpg", "b/d.jpg", "README.md", "e.svs", "f"]
    assert not_read(names, ["a.PNG", "e.svs"]) == {".jpg": ["b/c.jpg", "b/d.jpg"]}
    assert not_read(names, []).keys() == {".png", ".jpg", ".svs"}


def test_a_centre_outside_the_image_is_an_error_and_an_overhanging_box_is_not():
    check_frame(FIELD, [Nucleus("f/0", "TIL", 0, 9.5)], "csv/f.csv", height=10, width=20)
    for x, y in [(20, 5), (-1, 5), (5, -1)]:
        with pytest.raises(InputError, match="share one frame"):
            check_frame(FIELD, [Nucleus("f/0", "TIL", x, y)], "csv/f.csv", height=10, width=20)


@pytest.mark.parametrize(
    ("identity", "file", "named"),
    [
        ("f/7", "csv/f.csv", "csv/f.csv: row 7: "),
        ("f/7", "nuclei.csv", "nuclei.csv: row 7: "),
        ("f/7", "a.geojson/nuclei.csv", "a.geojson/nuclei.csv: row 7: "),
        ("f/a1-b2/0", "annotations/f.geojson.gz", "annotations/f.geojson.gz: feature a1-b2/0: "),
    ],
)
def test_a_centre_outside_is_named_by_the_file_that_has_it(identity, file, named):
    with pytest.raises(InputError, match=rf"^{named}centre .* outside rgb/f\.png of 20 × 10"):
        check_frame(FIELD, [Nucleus(identity, "TIL", 9.5, 10)], file, height=10, width=20)
