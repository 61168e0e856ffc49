import keras
import numpy as np
import pytest
from examples import SMALL

from nuclei.core.errors import InputError
from nuclei.training import networks

RESNET = SMALL.model_copy(update={"architecture": "resnet50", "side": 32, "head": [8]})


def test_resnet50_has_the_notebooks_head():
    model = networks.build(RESNET, 16, 3)
    assert model.output_shape == (None, 3)
    assert [layer.units for layer in model.layers if isinstance(layer, keras.layers.Dense)] == [
        8,
        3,
    ]
    assert isinstance(model.layers[-1].kernel_initializer, keras.initializers.GlorotNormal)
    assert model.count_params() > 23_000_000


def test_wide_is_small_with_four_times_the_weights():
    small, wide = (
        networks.build(SMALL.model_copy(update={"architecture": name}), 48, 3)
        for name in ("small", "wide")
    )
    assert [type(layer) for layer in small.layers] == [type(layer) for layer in wide.layers]
    assert wide.count_params() == pytest.approx(4 * small.count_params(), rel=0.02)


def test_imagenet_weights_are_fetched_and_used(monkeypatch, tmp_path):
    published = keras.applications.ResNet50(include_top=False, weights=None)
    stand_in = tmp_path / "resnet.weights.h5"
    published.save_weights(stand_in)
    asked = []
    monkeypatch.setattr(
        "keras.src.utils.file_utils.get_file",
        lambda name, *args, **kwargs: asked.append(name) or str(stand_in),
    )
    model = networks.build(RESNET.model_copy(update={"weights": "imagenet"}), 16, 3)
    assert asked == ["resnet50_weights_tf_dim_ordering_tf_kernels_notop.h5"]
    body = next(layer for layer in model.layers if layer.name.startswith("resnet50"))
    np.testing.assert_array_equal(body.get_weights()[0], published.get_weights()[0])


def test_weights_that_cannot_be_downloaded_are_one_line(monkeypatch):
    def fail(*args, **kwargs):
        raise Exception("URL fetch failure on https://example.org/weights: no route")

    monkeypatch.setattr("keras.src.utils.file_utils.get_file", fail)
    with pytest.raises(InputError, match="set weights: none"):
        networks.build(RESNET.model_copy(update={"weights": "imagenet"}), 16, 3)
