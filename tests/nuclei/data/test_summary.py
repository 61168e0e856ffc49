"""What summary.json says of the folds, and of names in prepare.classes that nothing uses."""

from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from nuclei.core.classes import CLASSES
from nuclei.core.folds import SPLITS
from nuclei.data import splits, summary
from nuclei.data.layouts.fields import FieldOfView
from nuclei.data.layouts.manifest import Manifest
from nuclei.data.layouts.nucls import Nucls
from nuclei.data.raw_folder import RawFolder
from nuclei.data.reading import Labelled, Read


def _nuclei(patients):
    """A nucleus of each class for every patient, whose site is the same as its name."""
    rows = [(patient, label, patient) for patient in patients for label in CLASSES]
    return pd.DataFrame(rows, columns=["patient", "label", "site"])


def test_count_is_by_fold_and_split():
    table = pd.concat([_nuclei(["P", "Q"]), _nuclei(["Q"])])
    folds = splits.table({1: {"P": "test", "Q": "train"}, 2: {"P": "train", "Q": "test"}})
    folds = pd.concat([folds, splits.table({1: {"R": "validation"}, 2: {"R": "validation"}})])
    counts = summary.of_folds(table, folds)
    assert list(counts) == ["1", "2"] and list(counts["1"]) == list(SPLITS)
    both = {"nuclei": 6, "stromal": 2, "TIL": 2, "tumor": 2, "patients": 1, "sites": 1}
    assert counts["1"]["train"] == counts["2"]["test"] == both
    assert counts["1"]["test"]["nuclei"] == 3
    assert set(counts["2"]["validation"].values()) == {0}


FIELD = FieldOfView("f", "f.png", None, "P", "S", 0.25)


@pytest.mark.parametrize(
    ("layout", "skipped", "why"),
    [
        (Manifest(), {}, "no nucleus, read as table of nuclei, is called that"),
        (Manifest(), {"g": "?"}, "it may be in one of the 1 fields skipped, but in no other"),
        (Nucls(), {}, "read as NuCLS release, nuclei are called TIL, tumor alone"),
    ],
)
def test_a_name_without_use_is_told_with_what_is_known_of_it(layout, skipped, why):
    labelled = Labelled(FIELD, [], Counter(), {"TIL", "tumor"}, False)
    read = Read(pd.DataFrame(), [labelled], skipped)
    raw = RawFolder(Path("x"), [], layout, [FIELD])
    lines = summary.unused_names(raw, read, {"Tumor": None, "debris": None})
    assert lines == [f"not used: prepare.classes 'debris': {why}"]
