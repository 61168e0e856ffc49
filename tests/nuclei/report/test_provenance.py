from pathlib import Path

import pandas as pd
import yaml

from nuclei.params.section import parse
from nuclei.params.study import StudyParams
from nuclei.report import provenance

SETTINGS = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))


def test_counts_tell_nuclei_patients_and_sites_apart():
    rows = {"label": ["TIL", "tumor", "TIL"], "patient": ["P1", "P1", "P2"], "site": "A1"}
    row = provenance.counts({"train": pd.DataFrame(rows)}).iloc[0].to_dict()
    expected = {"split": "train", "nuclei": 3, "stromal": 0, "TIL": 2, "tumor": 1}
    assert row == expected | {"patients": 2, "sites": 1}


def test_dropped_rows_are_told_by_reason():
    summary = {"dropped": {"point": 5, "unlabeled": 2}}
    assert provenance.dropped(summary) == ["Dropped: 5 point, 2 unlabeled."]
    assert provenance.dropped({"dropped": {}}) == []


def test_knobs_name_the_network_in_use_alone():
    shown = provenance.knobs(parse(StudyParams, SETTINGS | {"network": "resnet50"}))
    shown = dict(zip(shown["setting"], shown["value"], strict=True))
    assert shown["resnet50.architecture"] == "resnet50"
    assert shown["evaluate.margin"] == str(SETTINGS["evaluate"]["margin"])
    assert not any(name.startswith("small.") for name in shown)


def test_equal_cells_share_a_row_of_what_was_used():
    records = pd.DataFrame({"volume": [0.5, 0.5, 1.0], "device": "CPU", "nuclei": [5, 5, 10]})
    used = provenance.used(records)
    assert used.to_numpy().tolist() == [["×0.5", "CPU", 5, 2], ["×1", "CPU", 10, 1]]
