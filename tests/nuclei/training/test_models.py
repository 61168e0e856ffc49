import examples
import numpy as np
import pytest
from examples import SMALL

from nuclei import files
from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.training import models, networks

DESCRIPTION = {"classes": CLASSES, "side": 16, "microns": 16.0, "network": SMALL.model_dump()}


@pytest.fixture(scope="module")
def model():
    return networks.build(SMALL, 16)


def test_a_saved_model_is_loaded_in_one_line(model, tmp_path):
    files.write_json(tmp_path / "model.json", DESCRIPTION)
    models.save(SMALL, 16, model.get_weights(), models.weights_file(tmp_path, repeat=1))
    loaded, (crops, _) = models.load(tmp_path, repeat=1), examples.crops(9, 1)
    expected = model.predict(crops, verbose=0)
    np.testing.assert_allclose(loaded.predict(crops, verbose=0), expected, atol=1e-6)
    assert models.repeats(tmp_path) == 1


def test_weights_files_have_the_same_bytes_at_every_save(model, tmp_path):
    for name in ("a", "b"):
        models.save(SMALL, 16, model.get_weights(), tmp_path / f"{name}.weights.h5")
    assert (tmp_path / "a.weights.h5").read_bytes() == (tmp_path / "b.weights.h5").read_bytes()


def test_a_description_is_checked_as_params_are(tmp_path):
    path = tmp_path / "model.json"
    files.write_json(path, DESCRIPTION)
    assert models.describe(tmp_path).side == 16
    files.write_json(path, DESCRIPTION | {"side": 7})
    with pytest.raises(InputError, match=rf"^{path}: side: .*; got 7"):
        models.describe(tmp_path)
