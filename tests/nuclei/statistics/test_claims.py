import numpy as np
import pytest

from nuclei.statistics import claims
from nuclei.statistics.bootstrap import Bootstrap
from nuclei.statistics.notebook import AUGMENTATIONS, SINGLES
from nuclei.statistics.scores import METRICS as BY_NAME

METRICS = tuple(BY_NAME)
CONFIGURATIONS = [(aug, volume) for aug in AUGMENTATIONS for volume in (0.5, 1.0, 2.0)]
NUMBERS = [*"12", "3a", "3b", "4", "5", "6a", "6b", "7", "8a", "8b", "9a", "9b"]


def _study(scores, metric="macro_auc", configurations=CONFIGURATIONS):
    """A study of the given scores by key, 0.5 elsewhere and in every other metric."""
    estimates = np.full((len(configurations), len(METRICS)), 0.5)
    for key, value in scores.items():
        estimates[configurations.index(key), METRICS.index(metric)] = value
    random = np.random.default_rng(1)

    def noise(*shape, sd):
        return random.normal(0, sd, (*estimates.shape, *shape))

    samples = estimates[..., None] + noise(500, sd=1e-3)
    return Bootstrap(
        configurations, METRICS, estimates, samples, noise(30, sd=1.8e-4), noise(2, 3, sd=1e-4)
    )


def _verdicts(bootstrap, margin=0.01):
    return claims.judge(bootstrap, margin).set_index("claim")


def test_every_claim_is_judged_and_shown_with_its_interval():
    table = _verdicts(_study({}))
    assert list(table.index) == NUMBERS
    assert set(table["verdict"]) <= {"supported", "contradicted", "undecided"}
    shown = table.drop(index="5")  # Kendall's tau has none
    assert (shown["low"] <= shown["estimate"]).all() and (shown["estimate"] <= shown["high"]).all()
    assert table.loc["5", ["low", "high"]].isna().all()


def test_verdicts_turn_with_the_scores():
    as_said = _study(
        {
            ("invert", 1.0): 0.55,
            ("crop", 1.0): 0.45,
            ("invert+flip", 1.0): 0.6,
            ("invert+flip", 0.5): 0.55,
            ("none", 0.5): 0.4,
        }
    )
    table = _verdicts(as_said)
    for claim in ("1", "2", "3a", "3b", "4", "6a", "6b", "7"):
        assert table.loc[claim, "verdict"] == "supported", claim
    otherwise = {("none", 1.0): 0.7, ("crop", 1.0): 0.8, ("none", 0.5): 0.7}
    otherwise |= {(aug, 2.0): 0.8 for aug in AUGMENTATIONS}
    table = _verdicts(_study(otherwise))
    for claim in ("1", "2", "3a", "3b", "4", "6a", "6b", "7"):
        assert table.loc[claim, "verdict"] == "contradicted", claim


def test_a_lead_is_shown_over_the_strongest_other_one():
    lead = _study({("invert+flip", 1.0): 0.6, ("crop", 1.0): 0.55, ("flip", 1.0): 0.2})
    assert _verdicts(lead).loc["4", "estimate"] == pytest.approx(0.05)


def test_the_best_configuration_is_sought_among_all_planned_configurations():
    best = _study({("invert+flip", 0.5): 0.905}, "accuracy")
    assert _verdicts(best).loc[["8a", "8b"], "verdict"].tolist() == ["supported"] * 2
    other = _study({("invert+flip", 0.5): 0.905, ("crop", 2.0): 0.95}, "accuracy")
    assert _verdicts(other).loc[["8a", "8b"], "verdict"].tolist() == ["contradicted", "supported"]


def test_of_a_loss_less_is_better():
    as_claimed = _study({("flip", 1.0): 0.4, ("crop", 1.0): 0.6}, "bce")
    assert _verdicts(as_claimed).loc[["9a", "9b"], "verdict"].tolist() == ["supported"] * 2
    turned = _study({("flip", 1.0): 0.6, ("crop", 1.0): 0.4}, "bce")
    assert _verdicts(turned).loc[["9a", "9b"], "verdict"].tolist() == ["contradicted"] * 2


def test_doubling_is_the_mean_gain_of_the_six_augmentations_that_draw():
    gain = {(aug, 2.0): 0.5 + 0.01 * place for place, aug in enumerate(AUGMENTATIONS)}
    table = _verdicts(_study(gain | {("none", 2.0): 0.9}))
    assert table.loc["7", "estimate"] == pytest.approx(0.035)


def _ranked(half, one):
    at_half = {(aug, 0.5): score for aug, score in zip(SINGLES, half, strict=True)}
    return at_half | {(aug, 1.0): score for aug, score in zip(SINGLES, one, strict=True)}


def test_agreement_is_kendalls_tau():
    one_swapped = _ranked((0.1, 0.2, 0.3, 0.4), (0.1, 0.2, 0.4, 0.3))
    table = _verdicts(_study(one_swapped))
    assert table.loc["5", "estimate"] == pytest.approx(2 / 3)  # scipy.stats.kendalltau's value
    assert table.loc["5", "verdict"] == "contradicted"
    alike = _ranked((0.1, 0.2, 0.3, 0.4), (0.2, 0.4, 0.6, 0.8))
    table = _verdicts(_study(alike))
    assert table.loc["5", ["estimate", "verdict"]].tolist() == [1, "supported"]


def test_an_added_augmentation_enters_no_claim():
    scores = {("invert+flip", 1.0): 0.6}
    configurations = [
        *CONFIGURATIONS,
        ("noise", 0.5),
        ("noise", 1.0),
        ("noise", 2.0),
        ("flip", np.inf),
    ]
    better = {key: 0.99 for key in configurations if key not in CONFIGURATIONS}
    alone, more = (
        _verdicts(_study(scores)),
        _verdicts(_study(scores | better, configurations=configurations)),
    )
    for column in ("estimate", "verdict"):
        assert more[column].tolist() == alone[column].tolist()


def test_a_claim_about_configurations_the_study_has_not_is_not_judged():
    study = _study({})
    few = [CONFIGURATIONS.index(("none", 1.0)), CONFIGURATIONS.index(("invert", 1.0))]
    parts = (part[few] for part in study[2:])
    table = _verdicts(Bootstrap([CONFIGURATIONS[i] for i in few], METRICS, *parts))
    assert table.loc["1", "verdict"] != "not judged"
    assert (table["verdict"] == "not judged").sum() == len(table) - 1
    assert table.loc["2", ["estimate", "low", "high"]].isna().all()


def test_a_mistake_in_a_measure_is_not_taken_for_a_missing_configuration():
    with pytest.raises(ValueError, match="not in tuple"):
        claims.judge(_study({})._replace(metrics=("macro_auc",)), 0.01)
