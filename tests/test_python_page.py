"""The code of docs/python.md, typed as it stands there: its blocks one after another."""

import re
from importlib.util import find_spec

import examples
import keras
import numpy as np
import pytest
from commands import ROOT

PAGES = [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), ROOT / "data/README.md"]
PAGE = (ROOT / "docs/python.md").read_text(encoding="utf-8")
MODEL = re.search(r'nuclei\.load\("(.*?)"\)', PAGE)[1]


def _blocks(title):
    section = re.search(rf"^## {title}\n(.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)[1]
    blocks = re.findall(r"^```python\n(.*?)^```$", section, re.MULTILINE | re.DOTALL)
    assert blocks, title
    return blocks


def _typed(title):
    """Type the blocks of a section after those of the first one; return all names."""
    names = {"__name__": "typed"}
    for block in dict.fromkeys([*_blocks("Augment"), *_blocks(title)]):
        exec(compile(block, f"docs/python.md, {title}", "exec"), names)
    return names


def _expected(names, copy):
    """What every image should look like in an epoch, in the order of the images."""
    return names["augment"](names["images"], "dihedral+stain", seed=1, copy=copy)


def _rows(crops, expected):
    """Which image each crop was drawn from."""
    places = {crop.tobytes(): row for row, crop in enumerate(expected)}
    return [places[np.ascontiguousarray(crop).tobytes()] for crop in crops]


def test_the_sections_with_code_are_those_that_are_typed():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)
    titles = [section.partition("\n")[0] for section in sections if "```python" in section]
    assert titles == [
        "Augment",
        "A PyTorch Dataset",
        "A tf.data map",
        "A Keras PyDataset",
        "Load a model",
    ]


def test_the_first_blocks_augment():
    names = _typed("Augment")
    assert names["augmented"].shape == names["images"].shape
    assert not np.array_equal(names["augmented"], names["images"])


@pytest.mark.skipif(find_spec("torch") is None, reason="PyTorch is in benchmarks/requirements.txt")
def test_the_pytorch_dataset_draws_for_an_image_anew_in_every_epoch():
    names = _typed("A PyTorch Dataset")
    crops, classes = names["crops"], names["classes"]
    assert (tuple(crops.shape), str(crops.dtype)) == ((64, 3, 64, 64), "torch.float32")
    assert (tuple(classes.shape), str(classes.dtype)) == ((64,), "torch.int64")
    pixels = (crops * 255).round().byte().permute(0, 2, 3, 1).numpy()
    rows = _rows(pixels, _expected(names, 1))
    assert np.array_equal(names["labels"][rows], classes.numpy())
    names["dataset"].epoch = 0
    in_processes = names["torch"].utils.data.DataLoader(names["dataset"], 64, num_workers=1)
    pixels = (next(iter(in_processes))[0] * 255).round().byte().permute(0, 2, 3, 1).numpy()
    assert np.array_equal(pixels, _expected(names, 0)[:64])


def test_the_tf_data_map_draws_for_an_image_anew_in_every_epoch():
    names = _typed("A tf.data map")
    batches = list(names["data"].as_numpy_iterator())
    assert names["data"].element_spec[0].shape.as_list() == [None, 64, 64, 3]
    crops, classes = (np.concatenate(parts) for parts in zip(*batches, strict=True))
    count = len(names["images"])
    for copy in (0, 1):
        part = slice(copy * count, (copy + 1) * count)
        rows = _rows(crops[part], _expected(names, copy))
        assert sorted(rows) == list(range(count)) != rows
        assert np.array_equal(names["labels"][rows], classes[part])


def test_the_keras_dataset_draws_for_an_image_anew_in_every_epoch():
    names = _typed("A Keras PyDataset")
    batches, seen = names["batches"], []

    class Watched(type(batches)):
        def __getitem__(self, batch):
            crops, classes = super().__getitem__(batch)
            seen.append((self.epoch, batch))
            assert np.array_equal(crops, _expected(names, self.epoch)[64 * batch :][:64])
            assert np.array_equal(classes, names["labels"][64 * batch :][:64])
            return crops, classes

    layers = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(3, activation="softmax")]
    model = keras.Sequential(layers)
    model.compile(loss="sparse_categorical_crossentropy")
    model.fit(Watched(names["images"], names["labels"]), epochs=2, verbose=0)
    whole = {(epoch, batch) for epoch in (1, 2) for batch in range(4)}  # 0: Keras looks at a few
    assert whole <= {*seen} and {epoch for epoch, _ in seen} <= {0, 1, 2}


def test_the_model_predicts(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    examples.untrained(tmp_path / MODEL, side=64)
    names = _typed("Load a model")
    assert names["probabilities"].shape == (len(names["images"]), 3)
    assert {*names["predicted"]} <= {"stromal", "TIL", "tumor"}


def test_no_page_has_the_project_of_another_installed():
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        assert not re.search(r"pip3? install (\S+ )*['\"]?nuclei\b", text), page.name
