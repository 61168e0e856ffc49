import examples
import pandas as pd
import pytest

from nuclei.errors import InputError
from nuclei.statistics.predictions import check


def predictions():
    """Two repeats of one cell; the 60 nuclei are n0 to n59, the class of n1 is TIL."""
    table = examples.predictions([("none", 1.0)], count=60, digits=6).drop(
        columns=["aug", "volume"]
    )
    table["label"] = ["stromal", "TIL", "tumor"] * 40
    return table


def test_good_predictions_pass_in_any_row_order():
    table = predictions()
    check(table.sample(frac=1, random_state=0), table[table["repeat"] == 0], "x1.csv")


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (lambda t: t.drop(columns="TIL"), "column TIL is missing"),
        (lambda t: t.iloc[:0], "no rows"),
        (lambda t: t.drop(index=7), "59 nuclei in 59 rows; each of the 60"),
        (lambda t: pd.concat([t, t.tail(1)]), "repeat 1: 60 nuclei in 61 rows"),
        (lambda t: t.assign(label=t["label"].replace("TIL", "tumor")), "n1 has label tumor"),
        (lambda t: t.assign(TIL=t["TIL"].where(t.index != 5)), "nucleus n5: probabilities"),
        (lambda t: t.assign(TIL=t["TIL"] + 0.5), "sum to 1"),
    ],
)
def test_bad_predictions_are_named(damage, said):
    table = predictions()
    with pytest.raises(InputError, match=said) as error:
        check(damage(table), table[table["repeat"] == 0], "flip/x1.csv")
    assert str(error.value).startswith("flip/x1.csv: ")
    assert "\n" not in str(error.value)
