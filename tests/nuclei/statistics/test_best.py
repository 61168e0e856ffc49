import numpy as np
import pytest

from nuclei.statistics import best, bootstrap, comparisons

CONFIGURATIONS = [
    (aug, volume) for aug in ("none", "flip", "crop", "invert") for volume in (1.0, 2.0)
]

EQUAL = dict.fromkeys(("none", "flip", "crop", "invert"), 0.8)


def study(scores, sd=0.01, configurations=CONFIGURATIONS):
    """A study whose augmentations have these scores at every volume, with independent noise."""
    random, configurations = (
        np.random.default_rng(2),
        [key for key in configurations if key[0] in scores],
    )
    estimates = np.array([[scores[aug]] for aug, _ in configurations])
    samples = estimates[..., None] + random.normal(0, sd, (*estimates.shape, 4000))
    influence = random.normal(0, sd / 60**0.5, (*estimates.shape, 60))
    repeats = np.zeros((*estimates.shape, 5, 2))
    return bootstrap.Bootstrap(
        list(configurations), ("score",), estimates, samples, influence, repeats
    )


def standings(scores, **more):
    return best.standings(study(scores, **more), "score").set_index("aug")


def critical_values(study, aug):
    """By how many of their standard deviations the gaps of the others to `aug` may be wrong."""
    scores = [comparisons.over_volumes(study, "score", other) for other in EQUAL]
    one = scores[list(EQUAL).index(aug)]
    deviations = [(score.samples - one.samples).std() for score in scores if score is not one]
    assert deviations == pytest.approx([0.01] * 3, rel=0.05)  # of two volumes
    allowances = best._gaps(scores, one)[1]
    return np.delete(allowances, list(EQUAL).index(aug)) / deviations


def test_the_best_augmentation_is_alone_where_it_leads_by_far():
    table = standings({"none": 0.8, "flip": 0.9, "crop": 0.7, "invert": 0.6})
    assert table.index[table["may_be_best"]].tolist() == ["flip"]
    assert table.loc["flip", "share"] == 1
    assert table.loc["flip", "lead"] == pytest.approx(0.1)
    assert table.loc["flip", "low"] == 0  # Hsu: it is the best, by how much is another question
    assert table.loc["crop", "high"] == 0
    assert table.loc["crop", "low"] < -0.2 < table.loc["crop", "lead"] + 0.05


def test_the_leader_is_decided_on_exact_scores():
    table = best.standings(study({"none": 0.8, "flip": 0.80002, "crop": 0.80004}), "score")
    assert best.leader(table) == "crop"
    rounded = table.round(4)
    assert rounded["lead"].tolist() == [0, 0, 0]  # the first one would lead
    assert rounded.loc[rounded["leads"], "aug"].tolist() == ["crop"]


def test_without_standings_nothing_leads():
    alone = best.standings(study({"none": 0.8}, configurations=[("none", 1.0)]), "score")
    assert best.leader(alone) == "none"
    assert alone["leads"].tolist() == []


def test_augmentations_that_cannot_be_told_apart_all_may_be_best():
    table = standings(EQUAL)
    assert table["may_be_best"].all()
    assert table["share"].sum() == pytest.approx(1)
    assert table["share"].between(0.2, 0.3).all()
    assert (table["low"] < 0).all() and (table["high"] > 0).all()


def test_augmentations_that_are_one_and_the_same_are_not_shut_out():
    same = study(EQUAL, sd=0.0)
    assert best.standings(same, "score")["may_be_best"].all()


def test_the_bound_covers_all_gaps_at_once():
    """Of 3 gaps that share one score's noise: wider than one gap's, narrower than Bonferroni's."""
    critical = critical_values(study(EQUAL), "flip")
    assert (critical > 2.0).all() and (critical < 2.55).all()


def test_a_gap_of_few_degrees_of_freedom_has_a_wider_bound_of_its_own():
    few = study(EQUAL)
    few.influence[6:, :, 1:] *= 1e-3  # of invert one patient carries the variance
    few.influence[6:, :, 0] = 0.1
    none, crop, invert = critical_values(few, "flip")
    assert invert > 1.4 * crop
    assert crop == pytest.approx(none, rel=0.1)


def test_augmentations_that_are_equal_share_alike():
    same = study(EQUAL, sd=0.0)
    assert best.standings(same, "score")["share"].tolist() == [0.25] * 4


def test_without_a_resample_that_has_every_class_nothing_is_compared():
    lost = study(EQUAL)
    lost.samples[:] = np.nan
    assert best.standings(lost, "score").empty


@pytest.mark.parametrize("configurations", [[("flip", 1.0)], [("flip", 1.0), ("none", 2.0)]])
def test_nothing_to_compare_has_no_rows(configurations):
    assert best.standings(
        study({"flip": 0.8, "none": 0.8}, configurations=configurations), "score"
    ).empty
