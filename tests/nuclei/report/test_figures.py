import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest

from nuclei.core.classes import CLASSES
from nuclei.report import figures

AUGS, VOLUMES = ["none", "invert+flip"], [1.0, np.inf, 0.5]
RNG = np.random.default_rng(0)


def table(**axes):
    rows = pd.MultiIndex.from_product(axes.values(), names=axes).to_frame(index=False)
    numbers = ["macro_auc", "accuracy", "loss", "tpr", "share", "confidence"]
    rows = rows.assign(asked=rows["aug"] == "invert+flip")
    return rows.assign(**{name: RNG.uniform(0.5, 1, len(rows)) for name in numbers})


SCORES = table(aug=AUGS, volume=VOLUMES, repeat=[0, 1, 2])
CONFIGURATIONS = SCORES.groupby(["aug", "volume"], sort=False)["macro_auc"].mean().reset_index()
CONFIGURATIONS = CONFIGURATIONS.assign(asked=CONFIGURATIONS["aug"] == "invert+flip")
CONFIGURATIONS = CONFIGURATIONS.assign(
    macro_auc_low=CONFIGURATIONS["macro_auc"] - 0.02,
    macro_auc_high=CONFIGURATIONS["macro_auc"] + 0.01,
)
ROC = table(aug=AUGS, volume=[1.0], **{"class": CLASSES}, fpr=[0.0, 0.5, 1.0])
CONFUSION = table(aug=AUGS, volume=[1.0], actual=CLASSES, predicted=CLASSES)
CURVES = table(aug=AUGS, volume=VOLUMES, split=["train", "validation"], updates=[40, 80])
RELIABILITY = table(aug=AUGS, volume=VOLUMES, bin=[4, 9])
CHECKPOINTS = table(aug=AUGS, volume=VOLUMES, fold=[1, 2], repeat=[0, 1])
CHECKPOINTS = CHECKPOINTS.assign(updates=RNG.integers(1, 41, len(CHECKPOINTS)) * 5, of=200)


@pytest.fixture
def unsaved(monkeypatch):
    """Figures themselves, before they become bytes."""
    monkeypatch.setattr(figures.style, "png", lambda figure: figure)
    return figures


@pytest.mark.parametrize(
    ("draw", "arguments"),
    [
        (figures.volumes, [CONFIGURATIONS]),
        (figures.reliability, [RELIABILITY]),
        (figures.roc, [ROC]),
        (figures.confusion, [CONFUSION]),
        (figures.curves, [CURVES]),
        (figures.checkpoints, [CHECKPOINTS]),
    ],
)
def test_a_figure_has_the_same_bytes_whatever_the_users_style(draw, arguments):
    png = draw(*arguments)
    assert png.startswith(b"\x89PNG")
    with mpl.rc_context({"font.size": 20, "axes.facecolor": "red"}):
        assert draw(*arguments) == png


def test_volumes_ascend_in_every_panel_with_their_intervals(unsaved):
    axes = unsaved.volumes(CONFIGURATIONS).axes
    assert [axis.get_title() for axis in axes] == AUGS
    for axis, aug in zip(axes, AUGS, strict=True):
        none, line = axis.lines[:2]
        assert list(none.get_xdata()) == list(line.get_xdata()) == [0, 1, 2]  # equal steps
        assert [tick.get_text() for tick in axis.get_xticklabels()] == ["×0.5", "×1", "×∞"]
        rows = CONFIGURATIONS[CONFIGURATIONS["aug"] == aug].sort_values("volume")
        assert list(line.get_ydata()) == rows["macro_auc"].tolist()
        [bars] = axis.collections
        bounds = np.array([segment[:, 1] for segment in bars.get_segments()])
        assert bounds == pytest.approx(rows[["macro_auc_low", "macro_auc_high"]].to_numpy())


def test_reliability_has_a_panel_per_augmentation_and_a_line_per_volume(unsaved):
    axes = unsaved.reliability(RELIABILITY).axes
    assert [axis.get_title() for axis in axes] == AUGS
    one = RELIABILITY[(RELIABILITY["aug"] == "none") & (RELIABILITY["volume"] == 0.5)]
    curves = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes[0].lines]
    assert (one["confidence"].tolist(), one["accuracy"].tolist()) in curves
    assert ([0, 1], [0, 1]) in curves


def test_a_volume_that_an_augmentation_lacks_leaves_its_place_free(unsaved):
    some = CONFIGURATIONS[(CONFIGURATIONS["aug"] == "none") | (CONFIGURATIONS["volume"] != 1)]
    _, flip = unsaved.volumes(some).axes
    none, line = flip.lines[:2]
    assert (list(none.get_xdata()), list(line.get_xdata())) == ([0, 1, 2], [0, 2])


def test_roc_has_a_panel_per_class_and_a_line_per_augmentation(unsaved):
    axes = unsaved.roc(ROC).axes
    assert [axis.get_title() for axis in axes] == [f"{name} against the rest" for name in CLASSES]
    for axis, name in zip(axes, CLASSES, strict=True):
        lines = [list(line.get_ydata()) for line in axis.lines]
        rates = ROC[ROC["class"] == name].groupby("aug", sort=False)["tpr"].agg(list)
        assert lines == [*rates, [0, 1]]


def test_confusion_has_a_matrix_per_augmentation_in_percent(unsaved):
    axes = unsaved.confusion(CONFUSION).axes
    assert [axis.get_title() for axis in axes] == AUGS
    for axis, aug in zip(axes, AUGS, strict=True):
        shares = CONFUSION.loc[CONFUSION["aug"] == aug, "share"]  # actual by predicted, as classes
        assert [text.get_text() for text in axis.texts] == [f"{100 * one:.0f}" for one in shares]


def test_curves_have_loss_of_both_splits_and_macro_auc_of_validation_by_volume(unsaved):
    axes = np.reshape(unsaved.curves(CURVES).axes, (3, 3))
    titles = [axis.get_title() for axis in axes[0]]
    assert titles == ["volume ×0.5", "volume ×1", "volume ×∞"]
    names = ["loss, train", "loss, validation", "macro AUC, validation"]
    assert [axis.get_ylabel() for axis in axes[:, 0]] == names
    for row, (score, split) in zip(
        axes,
        [("loss", "train"), ("loss", "validation"), ("macro_auc", "validation")],
        strict=True,
    ):
        rows = CURVES[(CURVES["volume"] == np.inf) & (CURVES["split"] == split)]
        flip = rows[rows["aug"] == "invert+flip"]
        shown = [(list(line.get_xdata()), list(line.get_ydata())) for line in row[2].lines]
        assert len(shown) == 2
        assert ([40, 80], flip[score].tolist()) in shown


def test_checkpoints_have_a_mark_per_network_in_the_panel_of_its_volume(unsaved):
    axes = unsaved.checkpoints(CHECKPOINTS).axes
    assert [axis.get_title() for axis in axes] == ["volume ×0.5", "volume ×1", "volume ×∞"]
    assert [label.get_text() for label in axes[0].get_yticklabels()] == AUGS
    for axis, volume in zip(axes, (0.5, 1.0, np.inf), strict=True):
        for aug, marks in zip(AUGS, axis.lines, strict=True):
            rows = CHECKPOINTS[(CHECKPOINTS["aug"] == aug) & (CHECKPOINTS["volume"] == volume)]
            assert list(marks.get_xdata()) == rows["updates"].tolist()
            assert list(np.round(marks.get_ydata())) == [AUGS.index(aug)] * 4
        assert axis.get_xlim()[1] > 200


def test_one_volume_draws():
    assert figures.volumes(CONFIGURATIONS[CONFIGURATIONS["volume"] == 1])
