from math import inf

import pandas as pd
import pytest

from nuclei.core.folds import SPLITS
from nuclei.report import provenance


def counted(nuclei):
    classes = {"stromal": 0, "TIL": nuclei - 1, "tumor": 1}
    return {"nuclei": nuclei, **classes, "patients": 2, "sites": 1}


def test_counts_have_a_row_per_fold_and_split():
    folds = {
        fold: {split: counted(10 * place + int(fold)) for place, split in enumerate(SPLITS, 1)}
        for fold in ("1", "2")
    }
    rows = provenance.counts({"folds": folds, "dropped": {}})
    assert rows["fold"].tolist() == ["1"] * 3 + ["2"] * 3
    assert rows["split"].tolist() == ["train", "validation", "test"] * 2
    assert rows["nuclei"].tolist() == [11, 21, 31, 12, 22, 32]
    assert rows.iloc[5].to_dict() == {"fold": "2", "split": "test"} | counted(32)


def test_equal_configurations_share_a_row_of_what_was_used():
    records = {"volume": [0.5, 0.5, 1.0, inf], "device": "CPU", "nuclei": [5, 5, 10, 10]}
    used = provenance.used(pd.DataFrame(records))
    rows = [["×0.5", "CPU", 5, 2], ["×1", "CPU", 10, 1], ["×∞", "CPU", 10, 1]]
    assert used.to_numpy().tolist() == rows


RECORD = {"tensorflow": "2.21.0", "keras": "3.15.1", "device": "CPU", "replicas": 1}
RECORD |= {"precision": "float32", "updates": 200, "nuclei": 80}
RECORD |= {"train.repeats": 2, "networks.small.updates": 200}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({}, None),
        ({"updates": 400, "nuclei": 160}, None),  # a larger volume
        (
            {"tensorflow": "2.22.0"},
            "flip at volume 0.5 was trained with tensorflow 2.22.0, none at volume 1 with 2.21.0",
        ),
        (
            {"replicas": 2},
            "flip at volume 0.5 was trained with replicas 2, none at volume 1 with 1",
        ),
        (
            {"device": "NVIDIA A100"},
            "flip at volume 0.5 was trained with device NVIDIA A100, none at volume 1 with CPU",
        ),
        (
            {"train.repeats": 3},
            "flip at volume 0.5 was trained with train.repeats 3, none at volume 1 with 2",
        ),
        (
            {"networks.small.updates": 400, "updates": 400},
            "flip at volume 0.5 was trained with networks.small.updates 400, none at volume 1 "
            "with 200",
        ),
        (
            {"train.ema_decay": 0.995},
            "flip at volume 0.5 was trained with train.ema_decay 0.995, none at volume 1 with not "
            "recorded",
        ),
    ],
)
def test_a_configuration_that_was_trained_in_another_way_is_named(change, message):
    records = {("none", 1.0): RECORD, ("none", 0.5): RECORD, ("flip", 0.5): RECORD | change}
    assert provenance.mixed(records) == message
