import numpy as np
import pytest
from examples import predictions

from nuclei.classes import CLASSES
from nuclei.statistics import bootstrap, sites


def test_a_site_is_scored_as_if_it_were_the_whole():
    table = predictions()
    table["site"] = np.where(table["patient"].isin(["P0", "P1"]), "BH", "A2")
    rows = sites.scores_of_sites(table)
    assert rows["site"].tolist() == ["A2", "BH"] * 3
    ours = rows[rows["site"] == "BH"]
    assert ours["patients"].tolist() == [2] * 3
    assert ours["nuclei"].iloc[0] == table["patient"].isin(["P0", "P1"]).sum() / 6
    alone = bootstrap.resample(table[table["site"] == "BH"], 2)
    expected = bootstrap.scores_of_cells(alone)[sites.SCORES]
    assert ours[sites.SCORES].to_numpy() == pytest.approx(expected.to_numpy())


def test_a_site_of_one_class_is_listed_without_an_auc():
    table = predictions(repeats=1)
    table["site"] = np.where(table["label"] == "tumor", "BH", "A2")
    rows = sites.scores_of_sites(table).set_index("site")
    assert rows.loc["BH", "classes"].tolist() == ["tumor"] * 3
    assert rows.loc["BH", "macro_auc"].isna().all()
    assert rows.loc["BH", "accuracy"].notna().all()


def test_a_site_of_two_classes_is_scored_on_those():
    table = predictions([("none", 1.0)], repeats=1)
    table["site"] = np.where(table["label"] == "tumor", "BH", "A2")
    row = sites.scores_of_sites(table).set_index("site").loc["A2"]
    inside = table[table["site"] == "A2"]
    pairs = []
    for name in ("stromal", "TIL"):
        mine = inside.loc[inside["label"] == name, name].to_numpy()[:, None]
        other = inside.loc[inside["label"] != name, name].to_numpy()
        pairs.append((mine > other).mean() + (mine == other).mean() / 2)
    assert row["classes"] == " ".join(CLASSES[:2])
    assert row["macro_auc"] == pytest.approx(np.mean(pairs))
