"""What people call from code of their own."""

import json
import re
import subprocess
import sys

import examples
import numpy as np
import pytest
from commands import ROOT

import nuclei
from nuclei.augmentation import recipes
from nuclei.core.draws import hash_ids
from nuclei.core.nuclei import Nuclei
from nuclei.training import models

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib
IMAGES = np.random.default_rng(0).integers(0, 256, (12, 16, 16, 3), dtype=np.uint8)
MODULES = {"numpy": "numpy", "opencv-python-headless": "cv2"}  # that augmenting may import


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A configuration of two networks with the weights that they begin with."""
    return examples.untrained(tmp_path_factory.mktemp("models") / "flip" / "x1", side=16)


def test_an_image_is_drawn_for_by_seed_and_position_or_id():
    first = nuclei.augment(IMAGES, "dihedral+stain", seed=1)
    assert (first.shape, first.dtype) == (IMAGES.shape, np.uint8)
    assert np.array_equal(first, nuclei.augment(IMAGES, "dihedral+stain", seed=1))
    assert not np.array_equal(first, nuclei.augment(IMAGES, "dihedral+stain", seed=2))
    assert not np.array_equal(first, nuclei.augment(IMAGES, "dihedral+stain", seed=1, copy=1))
    rows = np.array([7, 3])
    part = nuclei.augment(IMAGES[rows], "dihedral+stain", seed=1, ids=rows)
    assert np.array_equal(part, first[rows])
    assert not np.array_equal(nuclei.augment(IMAGES[rows], "dihedral+stain", seed=1), first[rows])


def test_it_draws_what_the_study_draws():
    ids = [f"nucleus-{i}" for i in range(len(IMAGES))]
    study = Nuclei(IMAGES, hash_ids(ids), np.zeros(len(IMAGES), int))
    for copy in (0, 3):
        expected = recipes.augment(study, "rotation+noise", 5, copy)
        assert np.array_equal(
            nuclei.augment(IMAGES, "rotation+noise", 5, ids=ids, copy=copy), expected
        )


@pytest.mark.parametrize("recipe", [name for name in recipes.OPERATIONS if name != "generated"])
def test_what_it_returns_is_new_whole_and_of_any_number(recipe):
    backwards = IMAGES[:, :, :, ::-1]  # as of OpenCV's BGR
    learned = nuclei.learn(IMAGES, recipe)
    augmented = nuclei.augment(backwards, recipe, 1, learned=json.loads(json.dumps(learned)))
    assert augmented.flags.writeable and not np.may_share_memory(augmented, IMAGES)
    again = nuclei.augment(np.ascontiguousarray(backwards), recipe, 1, learned=learned)
    assert np.array_equal(augmented, again)
    assert nuclei.augment(IMAGES[:0], recipe, 1, learned=learned).shape == (0, 16, 16, 3)


@pytest.mark.parametrize(
    ("images", "got"),
    [
        (IMAGES / 255, "float64 of shape (12, 16, 16, 3)"),
        (IMAGES.transpose(0, 3, 1, 2), "uint8 of shape (12, 3, 16, 16)"),
        (IMAGES[0], "uint8 of shape (16, 16, 3)"),
        (IMAGES[:, :8], "uint8 of shape (12, 8, 16, 3)"),
        (IMAGES[:, :0, :0], "uint8 of shape (12, 0, 0, 3)"),
        (np.concatenate([IMAGES, IMAGES[..., :1]], axis=3), "uint8 of shape (12, 16, 16, 4)"),
        (IMAGES.astype(np.int8), "int8 of shape (12, 16, 16, 3)"),
        ([IMAGES[0], IMAGES[0, :8]], "a list that NumPy takes for no array"),
        ("image.png", "<U9 of shape ()"),
    ],
)
def test_other_images_are_refused_in_one_line_that_ends_in_what_was_received(images, got):
    expected = f"images: should be RGB from 0 to 255, uint8 of shape (N, S, S, 3); got {got}"
    for call in (lambda: nuclei.augment(images, "flip", 1), lambda: nuclei.learn(images, "flip")):
        with pytest.raises(nuclei.InputError) as caught:
            call()
        assert str(caught.value) == expected


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"recipe": "flop"}, "no operation 'flop'"),
        ({"recipe": ["flip", "stain"]}, "got ['flip', 'stain']"),
        ({"seed": 1.0}, "seed: should be a whole number from 0; got 1.0"),
        ({"copy": -1}, "copy: should be a whole number from 0; got -1"),
        ({"ids": ["a", "b"]}, "ids: should be 12, one of each image; got 2"),
        ({"ids": [b"a"] * 12}, "ids: should be text or whole numbers; got b'a'"),
        ({"ids": np.arange(12.0)}, "ids: should be text or whole numbers; got np.float64(0.0)"),
        ({"labels": ["tumor"] * 12}, "labels: should be whole numbers, (12,); got <U5"),
    ],
)
def test_other_mistakes_end_in_what_was_received(changed, message):
    with pytest.raises(nuclei.InputError, match=re.escape(message)):
        nuclei.augment(**({"images": IMAGES, "recipe": "flip", "seed": 1} | changed))


def test_a_recipe_that_learns_says_what_it_needs_and_works_with_it():
    recipe = "dihedral+randstainna"
    with pytest.raises(nuclei.InputError) as caught:
        nuclei.augment(IMAGES, recipe, 1)
    (how,) = re.findall(r"give (learned=.*?);", str(caught.value))
    assert how == f"learned=nuclei.learn(TRAINING_IMAGES, {recipe!r})"
    assert str(caught.value).endswith("got learned of nothing")
    augmented = nuclei.augment(IMAGES, recipe, 1, learned=nuclei.learn(IMAGES[:6], recipe))
    other = nuclei.augment(IMAGES, recipe, 1, learned=nuclei.learn(IMAGES // 2, recipe))
    assert not np.array_equal(augmented, other)
    with pytest.raises(nuclei.InputError, match=r"one at least.*got uint8 of shape \(0,"):
        nuclei.learn(IMAGES[:0], recipe)


def test_a_recipe_with_synthetic_nuclei_says_what_it_needs_and_works_with_it():
    labels, pool = np.arange(12) % 3, np.repeat(np.uint8([10, 20, 30]), 4)
    pool = np.broadcast_to(pool[:, None, None, None], (12, 16, 16, 3))
    learned = {"generated": {"pool": pool}}
    for given in ({}, {"learned": learned}, {"labels": labels}):
        with pytest.raises(nuclei.InputError, match=r"data/augmented/generated/fold-F.*; got"):
            nuclei.augment(IMAGES, "generated", 1, **given)
    real, synthetic = (
        nuclei.augment(IMAGES, "generated", 1, copy=copy, learned=learned, labels=labels)
        for copy in (0, 1)
    )
    assert np.array_equal(real, IMAGES)
    assert np.array_equal(synthetic[:, 0, 0, 0], 10 * (labels + 1))


def test_a_model_predicts_the_mean_of_its_networks(folder):
    model = nuclei.load(folder)
    assert (model.classes, model.side, model.window_um) == (["stromal", "TIL", "tumor"], 16, 8.0)
    members = [models.load(folder, fold)(IMAGES, training=False).numpy() for fold in (1, 2)]
    probabilities = model.predict(IMAGES)
    assert np.abs(members[0] - members[1]).max() > 1e-3
    np.testing.assert_allclose(probabilities, np.mean(members, axis=0), atol=1e-6)
    assert model.predict(IMAGES[:0]).shape == (0, 3)
    for crops in (IMAGES / 255, IMAGES[:, :8, :8], IMAGES.transpose(0, 3, 1, 2), IMAGES[0]):
        with pytest.raises(nuclei.InputError) as caught:
            model.predict(crops)
        assert str(caught.value).endswith(
            f"uint8 of shape (N, 16, 16, 3); got {crops.dtype} of shape {crops.shape}"
        )
    with pytest.raises(nuclei.InputError, match=r"model\.json"):
        nuclei.load(folder.parent)


ALONE = """
import sys
from importlib.abc import MetaPathFinder

class OnlyThese(MetaPathFinder):
    def find_spec(self, name, path, target=None):
        if name.partition(".")[0] not in {*sys.stdlib_module_names, "nuclei", *sys.argv[1:]}:
            raise ModuleNotFoundError(f"no {name}", name=name)

sys.meta_path.insert(0, OnlyThese())
import nuclei
assert "numpy" not in sys.modules, "nothing is imported before it is used"
import numpy as np
from nuclei import augment
images = np.zeros((2, 64, 64, 3), np.uint8)
for recipe in ("dihedral+stain", "trivial", "randstainna"):
    augment(images, recipe, seed=1, learned=nuclei.learn(images, recipe))
try:
    nuclei.load("models/flip/x1")
except nuclei.InputError as error:
    print(error)
"""


def test_the_augmentations_need_what_the_base_installation_has_and_nothing_else():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    base = [re.match(r"[a-z-]+", requirement)[0] for requirement in project["dependencies"]]
    assert sorted(base) == sorted(MODULES)
    words = [sys.executable, "-c", ALONE, *MODULES.values()]
    paths = {"PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(words, env=paths, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "needs" in done.stdout and "pip install '.[pipeline]'" in done.stdout
