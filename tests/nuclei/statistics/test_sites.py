import numpy as np
import pandas as pd
import pytest
from examples import predictions

from nuclei.core.classes import CLASSES
from nuclei.statistics import bootstrap, inference, sites


def study_of(site, **keywords):
    """Predictions in which `site` tells where each nucleus is from."""
    study = predictions(**keywords)
    return study._replace(tested=study.tested._replace(site=site(study.tested)))


def only(study, rows):
    tested = study.tested._make(column[rows] for column in study.tested)
    return study._make(
        [tested, {key: values[:, rows] for key, values in study.configurations.items()}]
    )


def of_two(tested):
    return np.where(np.isin(tested.patient, ["P0", "P1"]), "BH", "A2")


def of_tumor(tested):
    return np.where(tested.label == CLASSES.index("tumor"), "BH", "A2")


def test_a_site_is_scored_as_if_it_were_the_whole():
    study = study_of(of_two)
    rows = sites.scores_of_sites(study)
    assert rows["site"].tolist() == ["A2", "BH"] * 3
    ours = rows[rows["site"] == "BH"]
    assert ours["patients"].tolist() == [2] * 3
    inside = study.tested.site == "BH"
    assert ours["nuclei"].iloc[0] == inside.sum()
    alone = bootstrap.resample(only(study, inside), 2)
    expected = inference.scores_of_configurations(alone)[sites.SCORES]
    assert ours[sites.SCORES].to_numpy() == pytest.approx(expected.to_numpy())


def test_a_site_that_two_folds_test_has_a_row_for_each():
    study = study_of(lambda tested: np.where(tested.patient == "P6", "B1", "A2"), patients=(3, 5))
    rows = sites.scores_of_sites(study)
    none = rows[(rows["aug"] == "none") & (rows["volume"] == 1)]
    keys = none[["site", "fold", "patients"]].to_numpy().tolist()
    assert keys == [["A2", 1, 3], ["A2", 2, 4], ["B1", 2, 1]]
    second = only(study, (study.tested.fold == 2) & (study.tested.site == "A2"))
    alone = sites.scores_of_sites(second)
    assert len(rows) == 3 * 3
    theirs = alone[sites.SCORES].to_numpy()
    ours = rows[(rows["site"] == "A2") & (rows["fold"] == 2)]
    assert ours[sites.SCORES].to_numpy() == pytest.approx(theirs)


def test_a_site_of_one_class_is_listed_without_an_auc():
    rows = sites.scores_of_sites(study_of(of_tumor, repeats=1)).set_index("site")
    assert rows.loc["BH", "classes"].tolist() == ["tumor"] * 3
    assert rows.loc["BH", "macro_auc"].isna().all()
    assert rows.loc["BH", "accuracy"].notna().all()


def test_a_site_of_two_classes_is_scored_on_those():
    study = study_of(of_tumor, configurations=[("none", 1.0)], repeats=1)
    row = sites.scores_of_sites(study).set_index("site").loc["A2"]
    inside = only(study, study.tested.site == "A2")
    pairs = []
    for code in (0, 1):
        score = inside.configurations["none", 1.0][0, :, code]
        mine, other = (score[(inside.tested.label == code) == right] for right in (True, False))
        higher, equal = (how(mine[:, None], other) for how in (np.greater, np.equal))
        pairs.append(higher.mean() + equal.mean() / 2)
    assert row["classes"] == " ".join(CLASSES[:2])
    assert row["macro_auc"] == pytest.approx(np.mean(pairs))


def of_four(tested):
    """Fold 1 tests A2 and B1, fold 2 tests B1 and C3, fold 3 tests D4 alone."""
    site_of = {"P0": "A2", "P1": "A2", "P6": "C3", "P7": "C3", "P8": "D4", "P9": "D4"}
    return np.array([site_of.get(patient, "B1") for patient in tested.patient])


def test_what_an_augmentation_gains_without_a_site_is_the_difference_of_a_study_without_it():
    study = study_of(of_four, patients=(4, 4, 2), count=600)
    gained = sites.gains(sites.scores_of_sites(study)).set_index("site")
    assert gained.index.tolist() == ["A2", "B1", "C3", "D4"]
    for site, row in gained.iterrows():
        rest = bootstrap.resample(only(study, study.tested.site != site), 2)
        gap = bootstrap.contrast(rest, "macro_auc", {("flip", 1.0): 1, ("none", 1.0): -1})
        assert row["without"] == pytest.approx(gap.estimate, abs=1e-12), site


def test_without_the_only_site_or_the_only_one_of_a_class_there_is_no_gain_to_know():
    alone = sites.scores_of_sites(study_of(lambda tested: np.full(len(tested.label), "A2")))
    assert alone["macro_auc_without"].isna().all()
    rest_has_no_tumor = sites.scores_of_sites(study_of(of_tumor)).set_index("site")
    assert rest_has_no_tumor.loc["BH", "macro_auc_without"].isna().all()
    assert sites.gains(alone)["without"].isna().all()


def scored(*rows):
    """Rows of augmentation, volume, site, fold, patients and macro AUC."""
    columns = ["aug", "volume", "site", "fold", "patients", "macro_auc"]
    return pd.DataFrame(rows, columns=columns).assign(macro_auc_without=0.8)


def test_what_an_augmentation_gains_at_a_site_is_the_mean_over_shared_volumes_and_its_patients():
    gained = sites.gains(
        scored(
            *(("none", 1, "A1", 1, 2, 0.80), ("none", 2, "A1", 1, 2, 0.80)),
            *(("none", 1, "A1", 2, 6, 0.70), ("none", 2, "A1", 2, 6, 0.70)),
            *(("none", 1, "B2", 2, 1, 0.90), ("none", 2, "B2", 2, 1, 0.90)),
            *(("flip", 1, "A1", 1, 2, 0.82), ("flip", 2, "A1", 1, 2, 0.86)),
            *(("flip", 1, "A1", 2, 6, 0.71), ("flip", 2, "A1", 2, 6, 0.71)),
            *(("flip", 1, "B2", 2, 1, 0.80), ("flip", 2, "B2", 2, 1, 0.84)),
            ("flip", np.inf, "B2", 2, 1, 0.10),  # none has no such key
        )
    )
    assert gained[["aug", "site"]].to_numpy().tolist() == [["flip", "A1"], ["flip", "B2"]]
    assert gained["gain"].tolist() == pytest.approx([(2 * 0.04 + 6 * 0.01) / 8, -0.08])


def test_an_augmentation_that_generates_gains_where_it_shows_synthetic_nuclei():
    rows = [("none", volume, "A1", 1, 2, 0.8) for volume in (0.5, 1, 2, np.inf)]
    for aug, at_two in (("generated", 0.7), ("flip", 0.7)):
        scores = (0.8, 0.8, at_two, 0.8)
        of_arm = zip((0.5, 1, 2, np.inf), scores, strict=True)
        rows += [(aug, volume, "A1", 1, 2, score) for volume, score in of_arm]
    gained = sites.gains(scored(*rows)).set_index("aug")["gain"]
    assert gained["generated"] == pytest.approx(-0.05) and gained["flip"] == pytest.approx(-0.025)


def test_a_site_without_an_auc_gains_nothing_that_is_known():
    rows = [("none", 1, "A1", 1, 2, np.nan), ("flip", 1, "A1", 1, 2, np.nan)]
    rows += [("none", 1, "B2", 1, 2, 0.5), ("flip", 1, "B2", 1, 2, 0.6)]
    assert sites.gains(scored(*rows))["site"].tolist() == ["B2"]
    assert sites.gains(scored(*rows[:2])).empty
    assert sites.gains(scored(*rows[3:])).empty
