import numpy as np
import pytest
from examples import CONFIGURATIONS, predictions

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.statistics import bootstrap, scores

FOLDS = [(8,), (6, 2), (2, 5, 3)]  # how many patients each fold tests
CONFIGURATION = [("none", 1.0)]


@pytest.fixture
def plain(monkeypatch):
    """Resamples that are not widened."""
    monkeypatch.setattr(bootstrap, "variance_factor", lambda folds: 1.0)


def only(study, rows):
    """Some of the nuclei, or all in another order."""
    tested, configurations = study
    kept = tested._make(column[rows] for column in tested)
    return study._make([kept, {key: values[:, rows] for key, values in configurations.items()}])


def parts(study):
    """Of each fold its share of the patients, and its nuclei."""
    tested = study.tested
    for fold in np.unique(tested.fold):
        rows = tested.fold == fold
        yield len(set(tested.patient[rows])) / len(set(tested.patient)), only(study, rows)


def scored(study):
    """The plain way: scores by key (C, M) of nuclei that one fold tests, means over repeats."""
    return np.array(
        [
            np.mean([one_repeat(study.tested.label, repeat) for repeat in probabilities], axis=0)
            for probabilities in study.configurations.values()
        ]
    )


def one_repeat(label, probability):
    return list(scores.score(label, probability.astype(float)).values())


@pytest.mark.parametrize("patients", FOLDS)
def test_estimates_are_means_over_repeats_and_over_folds_by_their_patients(patients):
    study = predictions(patients=patients)
    resampled = bootstrap.resample(study, 2)
    assert resampled.configurations == list(CONFIGURATIONS)
    assert resampled.metrics == tuple(scores.METRICS)
    expected = sum(share * scored(part) for share, part in parts(study))
    assert resampled.estimates == pytest.approx(expected, abs=1e-12)
    assert resampled.repeats.mean(axis=3).sum(axis=2) == pytest.approx(expected, abs=1e-12)


def test_ranks_are_never_taken_across_folds():
    study = predictions(CONFIGURATION, repeats=1, patients=(4, 4))
    moved = {key: values.copy() for key, values in study.configurations.items()}
    moved[CONFIGURATION[0]][:, study.tested.fold == 2] **= 3  # keeps every rank within fold 2
    before, after = (
        bootstrap.resample(each, 20) for each in (study, study._replace(configurations=moved))
    )
    auc = [name.endswith("auc") or name.startswith("auc") for name in before.metrics]
    assert after.estimates[:, auc] == pytest.approx(before.estimates[:, auc], abs=1e-12)
    assert after.samples[:, auc] == pytest.approx(before.samples[:, auc], abs=1e-12)
    pooled = scores.score(study.tested.label, moved[CONFIGURATION[0]][0].astype(float))
    assert abs(pooled["macro_auc"] - after.estimates[0, 0]) > 0.02


def test_repeats_are_kept_by_fold_with_what_each_adds():
    study = predictions(patients=(6, 2))
    resampled = bootstrap.resample(study, 2)
    for fold, (share, part) in enumerate(parts(study)):
        second = one_repeat(part.tested.label, part.configurations["flip", 1.0][1])
        assert resampled.repeats[1, :, fold, 1] == pytest.approx(share * np.array(second))


@pytest.mark.parametrize("seed", range(3))
def test_a_weighting_scores_as_rows_repeated_that_often(seed):
    tested, configurations = predictions(CONFIGURATION, repeats=1)
    patient = np.array([int(name[1:]) for name in tested.patient])
    probability = configurations[CONFIGURATION[0]][0].astype(float)
    weight = np.random.default_rng(seed).multinomial(8, np.full(8, 1 / 8))
    ours = scores.scores(scores.totals(tested.label, probability, patient, 8), weight[None] * 1.0)
    again = np.repeat(np.arange(len(patient)), weight[patient])
    theirs = scores.score(tested.label[again], probability[again])
    assert ours[0] == pytest.approx(list(theirs.values()), abs=1e-9)


@pytest.mark.parametrize("patients", FOLDS)
def test_the_influence_of_a_patient_is_what_its_fold_scores_without_it(patients):
    study = predictions(patients=patients)
    resampled = bootstrap.resample(study, 2)
    variance = 0
    for share, part in parts(study):
        names = np.unique(part.tested.patient)
        without = np.array([scored(only(part, part.tested.patient != name)) for name in names])
        spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
        variance += share**2 * (1 - 1 / len(names)) * spread  # the jackknife's
    assert resampled.influence.shape[2] == sum(patients)
    assert (resampled.influence**2).sum(axis=2) == pytest.approx(variance)


def test_a_patient_who_lowers_the_score_has_a_negative_influence():
    study = predictions(CONFIGURATION, repeats=1)
    resampled = bootstrap.resample(answered(study, study.tested.patient != "P3"), 2)
    accuracy = resampled.influence[0, resampled.metrics.index("accuracy")]
    assert (accuracy < 0).tolist() == [name == 3 for name in range(8)]


def test_the_variance_of_resamples_is_that_of_the_patients(plain):
    resampled = bootstrap.resample(
        predictions(CONFIGURATION, repeats=1, patients=(12, 20), count=3000), 4000
    )
    row = resampled.metrics.index("log_loss")
    expected = (resampled.influence[0, row] ** 2).sum()
    assert resampled.samples[0, row].var() == pytest.approx(expected, rel=0.1)


def test_configurations_are_paired_so_an_augmentation_differs_from_its_copy_by_nothing():
    study = predictions(CONFIGURATION, repeats=3, patients=(4, 4))
    study.configurations["copy", 1.0] = study.configurations["none", 1.0]
    resampled = bootstrap.resample(study, 50)
    gap = bootstrap.contrast(resampled, "macro_auc", {("copy", 1.0): 1, ("none", 1.0): -1})
    assert gap.samples.tolist() == [0] * 50
    assert not gap.influence.any() and not gap.repeats.any()
    assert resampled.samples[0, 0].std() > 0


def answered(study, right):
    """The same nuclei with a certain answer each, the true class where `right`, (N,) or (R, N)."""
    label = study.tested.label
    configurations = {
        key: np.eye(3, dtype=np.float32)[
            np.where(np.broadcast_to(right, values.shape[:2]), label, (label + 1) % 3)
        ]
        for key, values in study.configurations.items()
    }
    return study._replace(configurations=configurations)


def accuracies(study):
    resampled = bootstrap.resample(study, 60)
    return set(resampled.samples[0, resampled.metrics.index("accuracy")].tolist())


def test_a_fold_weighs_as_its_patients_whatever_its_nuclei(plain):
    study = predictions(CONFIGURATION, repeats=1, patients=(6, 2))
    small = study.tested.fold == 2
    few = only(study, small | (np.arange(len(small)) < 80))
    assert accuracies(answered(few, few.tested.fold == 1)) == {0.75}


def test_patients_are_drawn_whole(plain):
    study = predictions(CONFIGURATION, repeats=1, patients=(2,))
    assert accuracies(answered(study, study.tested.patient == "P0")) == {0, 1}


def test_patients_are_drawn_within_their_fold(plain):
    study = predictions(CONFIGURATION, repeats=1, patients=(2, 2))
    assert accuracies(answered(study, study.tested.patient != "P1")) == {0.5, 1}


def test_repeats_are_drawn_whole_one_fewer_than_there_are(plain):
    study = predictions(CONFIGURATION, repeats=3)
    assert accuracies(answered(study, [[True], [False], [False]])) == {0, 0.5, 1}


def test_repeats_of_one_fold_are_drawn_apart_from_those_of_another(plain):
    study = predictions(CONFIGURATION, repeats=2, patients=(4, 4))
    assert accuracies(answered(study, [[True], [False]])) == {0, 0.5, 1}


def test_the_seed_and_nothing_else_decides():
    study = predictions(patients=(5, 3))
    first = bootstrap.resample(study, 20).samples
    assert (bootstrap.resample(study, 20, seed=2).samples != first).any()
    again = bootstrap.resample(only(study, np.random.default_rng(0).permutation(240)), 20)
    assert again.samples == pytest.approx(first, abs=1e-12)
    turned = study._replace(configurations=dict(reversed(study.configurations.items())))
    assert (bootstrap.resample(turned, 20).samples[::-1] == first).all()


def lone_class(study):
    """The same, but only P0 has TIL."""
    label = study.tested.label.copy()
    label[(label == CLASSES.index("TIL")) & (study.tested.patient != "P0")] = CLASSES.index("tumor")
    return study._replace(tested=study.tested._replace(label=label))


def test_a_class_of_one_patient_is_undefined_where_that_patient_is_not_drawn():
    resampled = bootstrap.resample(lone_class(predictions(repeats=1)), 200)
    missing = dict(zip(resampled.metrics, np.isnan(resampled.samples[0]).mean(axis=1), strict=True))
    assert 0.2 < missing["macro_auc"] < 0.6
    assert missing["auc_TIL"] == missing["recall_TIL"] == missing["macro_f1"]
    assert missing["accuracy"] == missing["auc_tumor"] == 0


def test_leaving_out_the_one_patient_of_a_class_is_undefined_and_no_other():
    resampled = bootstrap.resample(lone_class(predictions(repeats=1)), 2)
    assert np.isnan(resampled.influence[0, 0]).tolist() == [name == 0 for name in range(8)]


def test_contrasts_are_sums_of_configurations():
    resampled = bootstrap.resample(predictions(patients=(5, 3)), 10)
    row = resampled.metrics.index("log_loss")
    gap = bootstrap.contrast(resampled, "log_loss", {("flip", 1.0): 1, ("none", 2.0): -2})
    for ours, theirs in zip(gap, resampled[2:], strict=True):
        assert ours == pytest.approx(theirs[1, row] - 2 * theirs[2, row])
    with pytest.raises(bootstrap.MissingConfigurationError):
        bootstrap.contrast(resampled, "log_loss", {("flip", 1.0): 1, ("flip", 2.0): -1})


def without_til_in_fold_2(study):
    label = np.where(study.tested.fold == 2, 2, study.tested.label)
    return study._replace(tested=study.tested._replace(label=label))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda p: only(p, np.isin(p.tested.patient, ["P0", "P5", "P6"])),
            "fold 1 tests 1 patient",
        ),
        (without_til_in_fold_2, "fold 2 tests no stromal; an AUC needs every class"),
        (
            lambda p: p._replace(
                configurations=p.configurations
                | {("flip", np.inf): p.configurations["flip", 1.0][:1]}
            ),
            "flip at volume inf has 1 repeats, none at volume 1 has 2",
        ),
    ],
)
def test_predictions_that_cannot_be_compared_are_named(damage, message):
    with pytest.raises(InputError, match=message) as error:
        bootstrap.resample(damage(predictions(patients=(5, 3))), 5)
    assert "\n" not in str(error.value)
