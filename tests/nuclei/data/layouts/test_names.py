import pytest

from nuclei.core.classes import CLASSES
from nuclei.data.layouts import names
from nuclei.data.layouts.fields import Nucleus


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("Tumor", "tumor"),
        ("Stroma", "stromal"),
        ("Immune cells", "TIL"),
        (" lymphocyte ", "TIL"),
        ("Immune cells: CD3", "TIL"),
        ("Tumor: Positive: 2+", "tumor"),
        ("Necrosis", None),
        ("", None),
        (": Tumor", None),
    ],
)
def test_a_name_means_a_class_or_none(name, label):
    assert names.class_of(name, {}) == label


def test_own_names_go_before_the_known_ones():
    own = {"Macrophage": "stromal", "Stroma": None, "Tumor: Negative": None}
    assert names.class_of("macrophage", own) == "stromal"
    assert names.class_of("stroma", own) is None
    assert names.class_of("Tumor: negative", own) is None
    assert names.class_of("Tumor: Positive", own) == "tumor"


def test_an_own_name_that_no_nucleus_has_is_listed():
    own = {"Macrophage": "stromal", " stroma ": None, "Tumor: Negative": None, "Makrophage": None}
    there = ["macrophage: Positive", "Stroma", "Tumor"]
    assert names.without_use(there, own) == ["Tumor: Negative", "Makrophage"]


def test_every_class_is_a_name_of_its_own():
    assert [names.class_of(label, {}) for label in CLASSES] == list(CLASSES)
    assert len(names.CLASS_OF) == sum(map(len, names.SYNONYMS.values()))


def test_what_has_no_class_is_counted_by_its_name():
    nuclei = [Nucleus(str(at), name) for at, name in enumerate(["Tumor", "x", "TIL", "", "x"])]
    kept, dropped = names.named(nuclei, {})
    assert [(nucleus.id, nucleus.label) for nucleus in kept] == [("0", "tumor"), ("2", "TIL")]
    assert dropped == {"class 'x'": 2, "no class": 1}
