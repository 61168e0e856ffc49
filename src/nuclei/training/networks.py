"""The networks: stored crops go in, probabilities of the classes come out."""

from collections.abc import Callable
from functools import partial

import keras
import tensorflow as tf
from keras import layers

from nuclei.core.errors import InputError
from nuclei.training.params import Network


def build(network: Network, side: int, classes: int) -> keras.Model:
    """Build a network, with new weights, from uint8 RGB (N, side, side, 3) to float32 (N, classes).

    Scaling and resizing to `network.side` are inside the model. InputError if the ImageNet weights
    could not be downloaded.
    """
    crops = keras.Input((side, side, 3), dtype="uint8", name="crops")
    x = layers.Rescaling(1.0)(crops)
    if network.side is not None and network.side != side:
        x = layers.Resizing(network.side, network.side)(x)
    x = _BODIES[network.architecture](x, network.weights)
    x = layers.GlobalAveragePooling2D()(x)
    for units in network.head:
        x = layers.Dense(units, activation="relu")(x)
    softmax = layers.Dense(
        classes,
        activation="softmax",
        kernel_initializer="glorot_normal",
        dtype="float32",  # under mixed precision a float16 softmax would lose small probabilities
        name="probabilities",
    )
    return keras.Model(crops, softmax(x), name=network.architecture)


def _compact(x: keras.KerasTensor, weights: str, narrowest: int) -> keras.KerasTensor:
    # Halved in resolution from the start: at 32 px the first full-resolution stage costs most and
    # adds least.
    x = _convolution(layers.Rescaling(1 / 127.5, offset=-1)(x), narrowest, stride=2)
    return _residual(x, [(narrowest, 1), (2 * narrowest, 2), (4 * narrowest, 2)])


def _tiny(x: keras.KerasTensor, weights: str) -> keras.KerasTensor:
    # Patches of 4 px as in vision transformers (Dosovitskiy et al., ICLR 2021): an update takes a
    # fifth of the time of small's. Multiples of 16 filters fill a CPU's vectors.
    x = _convolution(layers.Rescaling(1 / 127.5, offset=-1)(x), 16, size=4, stride=4)
    return _residual(x, [(16, 1), (32, 2)])


def _residual(x: keras.KerasTensor, blocks: list[tuple[int, int]]) -> keras.KerasTensor:
    """Add residual blocks of so many filters and strides (He et al., CVPR 2016,
    doi:10.1109/CVPR.2016.90)."""
    x = layers.ReLU()(x)
    for filters, stride in blocks:
        shortcut = x
        if stride > 1:
            shortcut = layers.AveragePooling2D(stride, padding="same")(shortcut)
        if shortcut.shape[-1] != filters:
            shortcut = _convolution(shortcut, filters, size=1)
        x = layers.ReLU()(_convolution(x, filters, stride=stride))
        x = layers.ReLU()(layers.Add()([shortcut, _convolution(x, filters)]))
    return x


def _convolution(
    x: keras.KerasTensor, filters: int, size: int = 3, stride: int = 1
) -> keras.KerasTensor:
    x = layers.Conv2D(
        filters, size, stride, padding="same", use_bias=False, kernel_initializer="he_normal"
    )(x)
    return FusedBatchNormalization(momentum=0.9)(x)


class FusedBatchNormalization(layers.BatchNormalization):
    """Keras's layer, but trained with TensorFlow's fused kernel: a step takes a fifth less time."""

    def call(self, inputs: tf.Tensor, training: bool = False) -> tf.Tensor:
        """Normalise (N, H, W, C) by the batch's moments in training, otherwise by their means."""
        if not training:
            return super().call(inputs, training=False)
        normal, mean, variance = tf.compat.v1.nn.fused_batch_norm(
            inputs, self.gamma, self.beta, epsilon=self.epsilon, is_training=True
        )
        for moving, now in ((self.moving_mean, mean), (self.moving_variance, variance)):
            moving.assign(self.momentum * moving + (1 - self.momentum) * now)
        return normal


def _resnet50(x: keras.KerasTensor, weights: str) -> keras.KerasTensor:
    # The published weights expect blue, green and red, minus ImageNet's means.
    x = layers.Normalization(mean=(103.939, 116.779, 123.68), variance=(1.0, 1.0, 1.0))(
        x[..., ::-1]
    )
    try:
        body = keras.applications.ResNet50(
            include_top=False,
            weights=None if weights == "none" else weights,
            input_shape=x.shape[1:],
        )
    except Exception as error:
        if "URL fetch failure" not in str(error):  # Keras raises a bare Exception
            raise
        raise InputError(
            f"the ImageNet weights could not be downloaded ({error}); "
            "connect once, or set weights: none in params.yaml"
        ) from None
    return body(x)


_BODIES: dict[str, Callable] = {
    "tiny": _tiny,
    "small": partial(_compact, narrowest=16),
    "wide": partial(_compact, narrowest=32),
    "resnet50": _resnet50,
}
