from math import inf
from pathlib import Path

from nuclei.pipeline.params import StudyParams

import pandas as pd
import pytest
import yaml

from nuclei.core.folds import SPLITS
from nuclei.core.params import parse
from nuclei.report import provenance

SETTINGS = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))


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


def test_dropped_rows_are_told_by_reason():
    summary = {"dropped": {"point": 5, "unlabeled": 2}}
    assert provenance.dropped(summary) == ["Dropped: 5 point, 2 unlabeled."]
    assert provenance.dropped({"dropped": {}}) == []


def test_knobs_name_the_network_in_use_alone():
    shown = provenance.knobs(parse(StudyParams, SETTINGS | {"network": "resnet50"}), False)
    shown = dict(zip(shown["setting"], shown["value"], strict=True))
    assert shown["resnet50.architecture"] == "resnet50"
    assert shown["evaluate.margin"] == str(SETTINGS["evaluate"]["margin"])
    assert not any(name.startswith("small.") for name in shown)


def test_equal_cells_share_a_row_of_what_was_used():
    records = {"volume": [0.5, 0.5, 1.0, inf], "device": "CPU", "nuclei": [5, 5, 10, 10]}
    used = provenance.used(pd.DataFrame(records))
    rows = [["×0.5", "CPU", 5, 2], ["×1", "CPU", 10, 1], ["×∞", "CPU", 10, 1]]
    assert used.to_numpy().tolist() == rows


RECORD = {"tensorflow": "2.21.0", "keras": "3.15.1", "device": "CPU", "replicas": 1}
RECORD |= {"precision": "float32", "updates": 200}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({}, None),
        ({"updates": 400}, None),
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
    ],
)
def test_a_cell_that_was_trained_otherwise_is_named(change, said):
    records = {("none", 1.0): RECORD, ("none", 0.5): RECORD, ("flip", 0.5): RECORD | change}
    assert provenance.mixed(records) == said
