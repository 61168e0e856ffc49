import numpy as np
import pytest
from examples import KNOBS

from nuclei.training import mixing
from nuclei.training.mixing import Box

RANDOM = np.random.default_rng(1)
CROPS = RANDOM.integers(0, 256, (6, 15, 15, 3), dtype=np.uint8)
LABELS = np.eye(3, dtype=np.float32)[[0, 1, 2, 0, 1, 2]]
PARTNERS = np.array([1, 3, 2, 5, 0, 4])
EMPTY, FULL = Box(4, 7, 4, 9), Box(0, 0, 15, 15)


def _mixed(seed=1, count=4, **knobs):
    """The bytes of some batches, all of the same nuclei, mixed."""
    batches = [(CROPS, LABELS)] * count
    of = mixing.mixed(batches, KNOBS.model_copy(update=knobs), seed)
    return [crops.tobytes() + labels.tobytes() for crops, labels in of]


def test_batches_pass_as_they_are_where_both_knobs_are_0():
    ((crops, labels),) = mixing.mixed([(CROPS, LABELS)], KNOBS, seed=1)
    assert crops is CROPS and labels is LABELS


@pytest.mark.parametrize(
    ("apply", "all_own", "all_other"), [(mixing.mixup, 256, 0), (mixing.cutmix, EMPTY, FULL)]
)
def test_whole_shares_are_the_nucleus_itself_and_its_partner(apply, all_own, all_other):
    for how, expected in ((all_own, np.arange(6)), (all_other, PARTNERS)):
        crops, labels = apply(CROPS, LABELS, PARTNERS, how)
        assert crops.dtype == np.uint8 and labels.dtype == np.float32
        np.testing.assert_array_equal(crops, CROPS[expected])
        np.testing.assert_array_equal(labels, LABELS[expected])


def test_mixup_is_the_plain_formula_rounded_at_every_share_and_pair_of_bytes():
    values = np.arange(256, dtype=np.uint8)
    pairs = np.stack([np.repeat(values, 256), np.tile(values, 256)]).reshape(2, 256, 256, 1)
    for share in range(257):
        plain = (share * pairs.astype(float) + (256.0 - share) * pairs[::-1]) / 256
        crops, labels = mixing.mixup(pairs, LABELS[:2], np.array([1, 0]), share)
        np.testing.assert_array_equal(crops, np.floor(plain + 0.5))
        np.testing.assert_array_equal(labels[0], np.float32([share / 256, 1 - share / 256, 0]))
        np.testing.assert_array_equal(labels.sum(axis=1), 1)


@pytest.mark.parametrize("box", [Box(2, 0, 7, 11), Box(0, 14, 15, 15), Box(3, 3, 4, 4)])
def test_cutmix_takes_the_box_from_the_partner_and_its_pixels_from_the_label(box):
    crops, labels = mixing.cutmix(CROPS, LABELS, PARTNERS, box)
    inside = np.zeros((15, 15), bool)
    inside[box.top : box.bottom, box.left : box.right] = True
    np.testing.assert_array_equal(crops[:, inside], CROPS[PARTNERS][:, inside])
    np.testing.assert_array_equal(crops[:, ~inside], CROPS[:, ~inside])
    own = 1 - inside.mean()
    np.testing.assert_allclose(labels[0], [own, 1 - own, 0], rtol=1e-6)
    np.testing.assert_array_equal(labels[2], LABELS[2])  # its own partner
    np.testing.assert_allclose(labels.sum(axis=1), 1, rtol=1e-6)


def test_applying_leaves_what_it_is_given_alone():
    crops, labels = CROPS.copy(), LABELS.copy()
    mixing.mixup(crops, labels, PARTNERS, 100)
    mixing.cutmix(crops, labels, PARTNERS, FULL)
    assert crops.tobytes() == CROPS.tobytes() and labels.tobytes() == LABELS.tobytes()


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_shares_are_of_the_beta_distribution_and_partners_a_permutation(alpha):
    random = np.random.default_rng(2)
    drawn = [mixing.draw_mixup(random, alpha, 5) for _ in range(4000)]
    shares = np.array([share for share, _ in drawn]) / 256
    assert shares.min() >= 0 and shares.max() <= 1
    assert abs(shares.mean() - 0.5) < 0.03
    assert abs(shares.var() / (1 / (8 * alpha + 4)) - 1) < 0.1
    assert all(sorted(partners) == [0, 1, 2, 3, 4] for _, partners in drawn)
    assert len({tuple(partners) for _, partners in drawn}) == 120


def test_boxes_are_of_the_share_that_is_lost_and_clipped_at_the_border(monkeypatch):
    monkeypatch.setattr(mixing, "_share", lambda random, alpha: 192)  # a quarter: 16 of 32 pixels
    random = np.random.default_rng(2)
    boxes = [mixing.draw_cutmix(random, 1, 3, 32)[0] for _ in range(2000)]
    assert {box.bottom for box in boxes} == {*range(8, 33)}
    for low, high in ((box.top, box.bottom) for box in boxes):
        assert high - low == 16 or (low == 0 and high >= 8) or (high == 32 and low <= 23)
    assert {(box.left, box.right) for box in boxes} == {(box.top, box.bottom) for box in boxes}
    assert len({(box.top, box.left) for box in boxes}) > 400


@pytest.mark.parametrize("knobs", [{"mixup": 0.4}, {"cutmix": 1.0}])
def test_the_seed_decides_and_each_batch_is_mixed_anew(knobs):
    assert _mixed(**knobs) == _mixed(**knobs)
    assert len({*_mixed(**knobs), *_mixed(seed=2, **knobs)}) == 8
    assert _mixed(count=2, **knobs) == _mixed(**knobs)[:2]


def test_the_random_numbers_are_not_those_that_order_the_batches():
    ordering = np.random.default_rng(1)
    share, partners = mixing.draw_mixup(ordering, 0.4, 6)
    crops, _ = mixing.mixup(CROPS, LABELS, partners, share)
    ((mixed, _),) = mixing.mixed([(CROPS, LABELS)], KNOBS.model_copy(update={"mixup": 0.4}), seed=1)
    assert (crops != mixed).any()
