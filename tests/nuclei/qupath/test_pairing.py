"""Which file belongs to which image, by names alone."""

import pytest

from nuclei.core.errors import InputError
from nuclei.qupath import pairing


@pytest.mark.parametrize(
    ("image", "names"),
    [
        ("a.b.ndpi", ["a.b", "a.b.ndpi"]),
        ("a.ome.tiff", ["a", "a.ome", "a.ome.tiff"]),  # GeneralTools.stripExtension
        ("a.OME.TIF", ["a", "a.OME", "a.OME.TIF"]),
    ],
)
def test_files_of_an_image_have_its_name_with_or_without_ending(image, names):
    assert pairing.stem(image) == names[0]
    assert pairing.bases(image) == names


def test_only_pictures_of_the_given_endings_lie_in_images():
    names = ["images/a.SVS", "images/b.txt", "images/c/d.svs", "c.svs"]
    assert pairing.images(names, [".svs"]) == {"a.SVS": "a"}
    assert pairing.images(names, [".svs", ".txt"]) == {"a.SVS": "a", "b.txt": "b"}


def test_an_image_has_one_file_of_annotations():
    files = pairing.annotations(["annotations/a.geojson", "annotations/b.GeoJSON.gz", "a.geojson"])
    assert pairing.of_image("b.png", files) == "annotations/b.GeoJSON.gz"
    with pytest.raises(InputError, match=r"^images/c\.png: has no annotations; valid: "):
        pairing.of_image("c.png", files)
