import pandas as pd

from nuclei.report.made_nuclei import made_nuclei


def test_a_study_without_made_nuclei_says_nothing_of_them():
    assert made_nuclei({}) == []


def test_qualities_are_means_over_folds_in_the_order_of_the_table():
    accuracies = {f"accuracy_{label}": 0.5 for label in ("stromal", "TIL", "tumor")}
    rows = [
        {"aug": "generated", "fold": fold, "nuclei": nuclei, "kid": kid, "precision": 0.75}
        | {"recall": 0.25, "near": 0.125 * fold}
        | accuracies
        for fold in (1, 2)
        for nuclei, kid in (("made", 10.0 * fold), ("noise", 500))
    ]
    said = made_nuclei({"made_nuclei": pd.DataFrame(rows)})
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in said[-1].splitlines()]
    assert lines[0][:3] == ["augmentation", "nuclei", "KID × 1000"]
    assert lines[2][:6] == ["generated", "made", "15.0", "0.75", "0.25", "0.19"]
    assert [line[1] for line in lines[2:]] == ["made", "noise"]
