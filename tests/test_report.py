from pathlib import Path

import pandas as pd
import pytest
import yaml

from nuclei import params, report

SETTINGS = yaml.safe_load((Path(__file__).parents[1] / "params.yaml").read_text(encoding="utf-8"))
SPLITS = {
    "train": pd.DataFrame(
        {"label": ["TIL", "tumor", "TIL"], "patient": ["P1", "P1", "P2"], "site": "A1"}
    )
}
USED = pd.DataFrame({"volume": [0.5, 0.5, 1.0, 1.0], "device": "CPU", "nuclei": [5, 5, 10, 10]})


def arms(sd=0.01):
    names = ["macro_auc", "accuracy", "balanced_accuracy", "macro_f1", "log_loss", "bce"]
    rows = [
        {"aug": aug, "volume": volume}
        | {name: score + volume / 10 for name in names}
        | {f"{name}_sd": sd for name in names}
        for aug, score in (("none", 0.7), ("flip", 0.75))
        for volume in (1.0, 0.5)
    ]
    return pd.DataFrame(rows)


def page(table=None, floor=0.8, summary=None, **changed):
    chosen = params.parse(SETTINGS | {"aug": "flip", "volume": 1} | changed)
    table = arms() if table is None else table
    return report.page(chosen, SPLITS, summary or {}, table, USED, floor)


def test_the_page_leads_with_the_experiment_and_its_difference():
    lead = page().splitlines()[2]
    assert "`flip` at volume ×1" in lead
    assert "macro AUC 0.850 ± 0.010" in lead
    assert "macro AUC +0.050, accuracy +0.050" in lead
    assert "size alone: macro AUC 0.800" in lead


def test_none_is_not_compared_with_itself():
    assert "Against" not in page(aug="none")


def test_a_data_set_without_sizes_has_no_floor():
    assert "size alone" not in page(floor=None)


@pytest.mark.parametrize(("data", "said"), [("simulated", True), ("nucls", False)])
def test_simulated_nuclei_are_called_so(data, said):
    assert ("simulated: nothing here is a finding" in page(data=data)) == said


def test_one_repeat_has_no_deviation():
    assert "±" in page()
    assert "0.850 ±" not in page(arms(sd=float("nan")))


def test_arms_stand_by_volume_in_the_order_of_the_matrix():
    text = page()
    assert text.index("### Volume ×0.5") < text.index("### Volume ×1")
    table = text[text.index("### Volume ×0.5") : text.index("### Volume ×1")]
    assert table.index("| none ") < table.index("| flip ")


def test_figures_are_embedded_by_relative_links():
    text = page()
    for name in ("arms", "volumes", "roc", "confusion", "curves", "contact-none", "contact-flip"):
        assert f"](figures/{name}.png)" in text


def test_dropped_rows_are_told_by_reason():
    assert "Dropped: 5 point, 2 unlabeled." in page(
        summary={"dropped": {"point": 5, "unlabeled": 2}}
    )
    assert "Dropped" not in page(summary={"dropped": {}})


def test_equal_cells_share_a_row_of_what_was_used():
    rows = page()[page().index("## What was used") :].splitlines()
    assert [row.split()[1:-1:2] for row in rows[4:]] == [
        ["×0.5", "CPU", "5", "2"],
        ["×1", "CPU", "10", "2"],
    ]


def test_counts_tell_nuclei_patients_and_sites_apart():
    row = report.counts(SPLITS).iloc[0].to_dict()
    expected = {"split": "train", "nuclei": 3, "stromal": 0, "TIL": 2, "tumor": 1}
    assert row == expected | {"patients": 2, "sites": 1}


def test_the_terminal_table_has_a_line_per_arm_and_fits():
    lines = report.terminal(arms()).splitlines()
    assert [line.split()[0] for line in lines[-2:]] == ["none", "flip"]
    assert lines[-1].split()[1:] == ["0.800", "0.850", "0.800", "0.850"]
    assert max(map(len, lines)) <= 100
