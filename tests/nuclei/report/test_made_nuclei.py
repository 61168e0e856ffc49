import pandas as pd

from nuclei.report.made_nuclei import made_nuclei

QUALITIES = pd.DataFrame(
    {"fold": fold, "nuclei": nuclei, "kid": kid, "precision": 0.75}
    | {"recall": 0.25, "near": 0.125 * fold}
    | {f"accuracy_{label}": 0.5 for label in ("stromal", "TIL", "tumor")}
    for fold in (1, 2)
    for nuclei, kid in (("made", 10.0 * fold), ("noise", 500))
)


def test_a_study_without_made_nuclei_says_nothing_of_them():
    assert made_nuclei({}) == []


def test_qualities_are_means_over_folds_in_the_order_of_the_table():
    said = made_nuclei({"synthetic_nuclei": QUALITIES})
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said[-1].splitlines()]
    assert lines[0][:2] == ["nuclei", "KID × 1000"]
    assert lines[2][:5] == ["made", "15.0", "0.75", "0.25", "0.19"]
    assert [line[0] for line in lines[2:]] == ["made", "noise"]


def test_what_made_nuclei_add_is_told_where_the_arm_without_them_is_there():
    gap = {"difference": -0.012, "low": -0.02, "high": -0.004, "verdict": "worse"}
    rows = [{"aug": "generated+flip", "other": "flip", "volume": float("inf")} | gap]
    said = made_nuclei(
        {"synthetic_nuclei": QUALITIES, "synthetic_against_real": pd.DataFrame(rows)}
    )
    cells = [cell.strip() for cell in said[2].splitlines()[2].split("|")[1:-1]]
    change = "−0.012 (−0.020 to −0.004)"
    assert cells == ["generated+flip", "flip", "×∞", change, "**worse**"]
