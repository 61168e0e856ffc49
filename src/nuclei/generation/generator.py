"""A network that makes synthetic nuclei: it carries noise, along a flow, to crops of a class.

Flow matching along straight lines (Lipman et al., ICLR 2023, arXiv:2210.02747; Liu et al., ICLR
2023, arXiv:2209.03003). Between noise x0 and a crop x1 lies x_t = (1 - t) x0 + t x1. The network
learns the velocity x1 - x0 from x_t, t and the class; to make a nucleus, noise follows it from
t = 0 to 1. It is a U-Net as in Ho et al., NeurIPS 2020 (arXiv:2006.11239), small enough for a core.
"""

from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf
from keras import layers, ops

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.generation.params import Generator
from nuclei.generation.reproducible import in_new_thread, seeded

FEWEST = 50  # training nuclei of a class from which a generator may learn what it looks like
BATCH = 32  # nuclei that an update learns from
TOGETHER = 256  # nuclei that are made at once
WIDTH = 32  # filters where the network is widest in pixels
STEPS = 16  # from noise to a nucleus
LEARNING_RATE = 0.001
AVERAGED = 0.1  # nuclei are made by a running mean of the weights, over this share of the updates
BLOCK = 8  # pixels: inside the network, sides are whole multiples of it


def check(labels: np.ndarray, where: str) -> None:
    """Raise InputError, naming `where`, if a class has too few nuclei to learn from."""
    counts = np.bincount(labels, minlength=len(CLASSES))
    if counts.min() < FEWEST:
        raise InputError(
            f"{where}: {counts.min()} training nuclei of class {CLASSES[counts.argmin()]}; a "
            f"generator needs at least {FEWEST} of each class"
        )


def steps(knobs: Generator) -> int:
    """Return how often `pool` calls `advance`."""
    return knobs.updates + STEPS * len(CLASSES) * -(-knobs.pool // TOGETHER)


@in_new_thread
def pool(
    knobs: Generator,
    crops: np.ndarray,
    labels: np.ndarray,
    advance: Callable[[], object] = lambda: None,
) -> np.ndarray:
    """Train a generator on crops, uint8 RGB (N, S, S, 3), and make ``knobs.pool`` per class.

    These are uint8 RGB (classes * knobs.pool, S, S, 3), in the order of CLASSES. On one kind of
    machine, with one thread within an operation, the same arguments give the same bytes.
    """
    random, side = np.random.default_rng(knobs.seed), crops.shape[1]
    flow = seeded(knobs.seed, lambda: _flow(side + -side % BLOCK))
    _train(flow, knobs.updates, crops, labels, random, advance)
    make = _maker(flow)
    synthetic = []
    for code in range(len(CLASSES)):
        of_class = [make(code, random, advance) for _ in range(0, knobs.pool, TOGETHER)]
        synthetic.append(np.concatenate(of_class)[: knobs.pool, :side, :side])
    return np.concatenate(synthetic)


def _train(
    flow: keras.Model,
    updates: int,
    crops: np.ndarray,
    labels: np.ndarray,
    random: np.random.Generator,
    advance: Callable[[], object],
) -> None:
    """Train the network; in the end it has the running mean of its weights."""
    rate = keras.optimizers.schedules.CosineDecay(LEARNING_RATE, updates)
    decay = max(0.0, 1 - 1 / (AVERAGED * updates))
    optimizer = keras.optimizers.Adam(rate, beta_2=0.99, use_ema=True, ema_momentum=decay)
    optimizer.build(flow.trainable_variables)

    @tf.function(autograph=False)
    def learn(crops: tf.Tensor, noise: tf.Tensor, times: tf.Tensor, one_hot: tf.Tensor) -> None:
        part = times[:, :, None, None]
        between = (1 - part) * noise + part * crops
        with tf.GradientTape() as tape:
            velocity = flow([between, times, one_hot], training=True)
            loss = tf.reduce_mean((velocity - (crops - noise)) ** 2)
        gradients = tape.gradient(loss, flow.trainable_variables)
        optimizer.apply_gradients(zip(gradients, flow.trainable_variables, strict=True))

    margin = flow.input_shape[0][1] - crops.shape[1]
    rows_of = [np.flatnonzero(labels == code) for code in range(len(CLASSES))]
    for _ in range(updates):
        # Every class as often: the rarest is as hard to make as the others.
        codes = random.integers(len(CLASSES), size=BATCH)
        rows = np.array([random.choice(rows_of[code]) for code in codes])
        batch = crops[rows] / np.float32(127.5) - 1
        batch = np.pad(batch, ((0, 0), (0, margin), (0, margin), (0, 0)), mode="symmetric")
        noise = random.standard_normal(batch.shape, np.float32)
        # Halfway is hardest, so most often asked for: Esser et al., ICML 2024, arXiv:2403.03206.
        times = 1 / (1 + np.exp(-random.standard_normal((BATCH, 1), np.float32)))
        learn(*map(tf.constant, (batch, noise, times, _one_hot(codes))))
        advance()
    optimizer.finalize_variable_values(flow.trainable_variables)


def _maker(flow: keras.Model) -> Callable[..., np.ndarray]:
    """Return what makes nuclei of a class, uint8: always TOGETHER of them, to be traced once."""
    side = flow.input_shape[0][1]

    @tf.function(autograph=False)
    def follow(x: tf.Tensor, times: tf.Tensor, one_hot: tf.Tensor) -> tf.Tensor:
        return x + flow([x, times, one_hot], training=False) / STEPS

    def make(code: int, random: np.random.Generator, advance: Callable[[], object]) -> np.ndarray:
        one_hot = tf.constant(_one_hot(np.full(TOGETHER, code)))
        x = tf.constant(random.standard_normal((TOGETHER, side, side, 3), np.float32))
        for step in range(STEPS):
            x = follow(x, tf.fill((TOGETHER, 1), np.float32(step / STEPS)), one_hot)
            advance()
        return np.rint((x.numpy() + 1) * 127.5).clip(0, 255).astype(np.uint8)

    return make


def _one_hot(codes: np.ndarray) -> np.ndarray:
    return np.eye(len(CLASSES), dtype=np.float32)[codes]


def _flow(side: int) -> keras.Model:
    """Build the network: crops on their way, times (N, 1), one-hot classes to velocities."""
    crops, times = keras.Input((side, side, 3)), keras.Input((1,))
    one_hot = keras.Input((len(CLASSES),))
    waves = times * 2.0 ** np.arange(6, dtype=np.float32)
    condition = layers.Concatenate()([ops.sin(waves), ops.cos(waves), one_hot])
    for _ in range(2):
        condition = layers.Dense(4 * WIDTH, activation="silu")(condition)
    # Blocks of 2 x 2 pixels as channels: full resolution costs most and adds least.
    half = side // 2
    x = ops.reshape(crops, (-1, half, 2, half, 2, 3))
    x = ops.reshape(ops.transpose(x, (0, 1, 3, 2, 4, 5)), (-1, half, half, 12))
    fine = _block(_convolution(x, WIDTH), condition, WIDTH)
    middle = _block(_convolution(fine, 2 * WIDTH, stride=2), condition, 2 * WIDTH)
    x = _convolution(middle, 4 * WIDTH, stride=2)
    for _ in range(2):
        x = _block(x, condition, 4 * WIDTH)
    for skipped, width in ((middle, 2 * WIDTH), (fine, WIDTH)):
        x = layers.UpSampling2D()(_convolution(x, width, size=1))
        x = _block(layers.Concatenate()([x, skipped]), condition, width)
    x = _convolution(ops.silu(layers.RMSNormalization()(x)), 12, kernel="zeros")
    x = ops.transpose(ops.reshape(x, (-1, half, half, 2, 2, 3)), (0, 1, 3, 2, 4, 5))
    return keras.Model([crops, times, one_hot], ops.reshape(x, (-1, side, side, 3)))


def _block(x: keras.KerasTensor, condition: keras.KerasTensor, filters: int) -> keras.KerasTensor:
    """Add a residual block, which the condition (time and class) scales and shifts."""
    inside = _convolution(ops.silu(layers.RMSNormalization()(x)), filters)
    inside = layers.RMSNormalization()(inside)
    scale, shift = (
        layers.Reshape((1, 1, filters))(layers.Dense(filters)(condition)) for _ in range(2)
    )
    inside = ops.silu(inside * (1 + scale) + shift)
    shortcut = x if x.shape[-1] == filters else _convolution(x, filters, size=1)
    return shortcut + _convolution(inside, filters, kernel="zeros")


def _convolution(
    x: keras.KerasTensor,
    filters: int,
    size: int = 3,
    stride: int = 1,
    kernel: str = "glorot_uniform",
) -> keras.KerasTensor:
    return layers.Conv2D(filters, size, stride, padding="same", kernel_initializer=kernel)(x)
