import numpy as np
import pytest

from nuclei.statistics import claims
from nuclei.statistics.bootstrap import Bootstrap
from nuclei.statistics.scores import METRICS

CELLS = [(aug, volume) for aug in claims.ARMS for volume in (0.5, 1.0, 2.0)]


def _study(scores):
    """A study of the given macro AUCs by cell, 0.5 elsewhere and in every other metric."""
    shape = (len(CELLS), len(METRICS))
    estimates = np.full(shape, 0.5)
    for cell, value in scores.items():
        estimates[CELLS.index(cell), METRICS.index("macro_auc")] = value
    random = np.random.default_rng(1)

    def around(count, sd):
        return estimates[..., None] + random.normal(0, sd, (*shape, count))

    return Bootstrap(
        CELLS, METRICS, estimates, around(500, 1e-3), around(30, 3e-5), around(3, 1e-4)
    )


def _verdicts(bootstrap, margin=0.01):
    return claims.judge(bootstrap, margin).set_index("claim")


def test_every_claim_is_judged_with_its_interval():
    table = _verdicts(_study({}))
    assert list(table.index) == [
        *"12",
        "3a",
        "3b",
        "4",
        "5",
        "6a",
        "6b",
        "7",
        "8a",
        "8b",
        "9a",
        "9b",
    ]
    assert set(table["verdict"]) <= {"supported", "contradicted", "undecided"}
    assert (table["low"] <= table["high"]).all()


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
    for claim in ("1", "2", "3a", "3b", "4", "6a", "6b"):
        assert table.loc[claim, "verdict"] == "supported", claim
    assert table.loc["4", "estimate"] == pytest.approx(0.05)
    otherwise = _verdicts(_study({("none", 1.0): 0.7, ("crop", 1.0): 0.8}))
    for claim in ("1", "2", "3a", "3b", "4"):
        assert otherwise.loc[claim, "verdict"] == "contradicted", claim


def test_doubling_is_the_mean_gain_of_the_seven_arms():
    gain = _study({(aug, 2.0): 0.5 + 0.01 * i for i, aug in enumerate(claims.ARMS)})
    assert _verdicts(gain).loc["7", "estimate"] == pytest.approx(0.03)


def test_agreement_is_kendalls_tau():
    half = dict(zip(claims.SINGLES, (0.1, 0.2, 0.3, 0.4), strict=True))
    one = dict(zip(claims.SINGLES, (0.1, 0.2, 0.4, 0.3), strict=True))
    scores = {(a, 0.5): s for a, s in half.items()} | {(a, 1.0): s for a, s in one.items()}
    table = _verdicts(_study(scores))
    assert table.loc["5", "estimate"] == pytest.approx(2 / 3)  # scipy.stats.kendalltau's value
    assert table.loc["5", "verdict"] == "contradicted"


def test_a_claim_about_cells_the_study_has_not_is_not_judged():
    study = _study({})
    few = [CELLS.index(("none", 1.0)), CELLS.index(("invert", 1.0))]
    parts = (part[few] for part in study[2:])
    table = _verdicts(Bootstrap([CELLS[i] for i in few], METRICS, *parts))
    assert table.loc["1", "verdict"] != "not judged"
    assert (table["verdict"] == "not judged").sum() == len(table) - 1


def test_a_mistake_in_a_quantity_is_not_taken_for_a_missing_cell():
    with pytest.raises(ValueError, match="not in tuple"):
        claims.judge(_study({})._replace(metrics=("macro_auc",)), 0.01)
