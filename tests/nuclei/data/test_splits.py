import contextlib

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei.core.classes import CLASSES
from nuclei.core.errors import InputError
from nuclei.core.folds import SPLITS, shared_sites
from nuclei.data import splits

OF_TWO = {patient: patient.split()[0] for patient in (*SPLITS, "train 2", "test 2")}
SITES = {f"P{i}": f"site {i % 10}" for i in range(100)}


def _nuclei(patients=SPLITS):
    """A nucleus of each class for every patient, whose site is the same as its name."""
    rows = [(patient, label, patient) for patient in patients for label in CLASSES]
    return pd.DataFrame(rows, columns=["patient", "label", "site"])


def test_a_patient_of_two_released_splits_goes_whole_to_the_first_of_the_precedence():
    patient_of = {"a": "P", "b": "P", "c": "Q"}
    released = {"a": "validation", "b": "train", "c": "validation"}
    split_of, moved = splits.by_patient(patient_of, released)
    assert split_of == {"P": "train", "Q": "validation"}
    assert moved == {"P": {"from": ["train", "validation"], "to": "train"}}
    split_of, _ = splits.by_patient(patient_of, released | {"b": "test"})
    assert split_of == {"P": "test", "Q": "validation"}
    split_of, _ = splits.by_patient(patient_of, released | {"a": "train", "b": "test"})
    assert split_of == {"P": "test", "Q": "validation"}  # on train and test lists: tested whole


def test_a_patient_whom_two_folds_test_is_named():
    patient_of = {"a": "P", "b": "P", "c": "Q"}
    assert splits.tested_once(patient_of, {"a": 2, "b": 2, "c": 1}) == {"P": 2, "Q": 1}
    with pytest.raises(InputError, match=r"^patient P is tested by folds 2 and 3; valid: one$"):
        splits.tested_once(patient_of, {"a": 2, "b": 3, "c": 1})


def test_whole_sites_are_dealt_to_folds_of_about_equally_many_patients():
    site_of = {f"{site}{i}": site for site, size in zip("abcdefg", range(1, 8), strict=True)
               for i in range(size)}  # fmt: skip
    fold_of = splits.dealt(site_of, 3, seed=1)
    assert {*fold_of} == {*site_of}
    assert len({(site_of[patient], fold) for patient, fold in fold_of.items()}) == 7
    tested = pd.Series(fold_of).value_counts()
    assert sorted(tested.index) == [1, 2, 3]
    assert tested.max() - tested.min() <= 1
    assert splits.dealt(dict(reversed(site_of.items())), 3, seed=1) == fold_of


def test_the_seed_decides_between_sites_of_one_size_and_nothing_else_does():
    dealt = {tuple(sorted(splits.dealt(SITES, 5, seed).items())) for seed in range(9)}
    assert len(dealt) > 1
    for fold_of in map(dict, dealt):
        assert set(pd.Series(fold_of).value_counts()) == {20}


def test_fewer_sites_than_folds_are_an_error():
    assert set(splits.dealt({"P": "a", "Q": "b"}, 2, 1).values()) == {1, 2}
    with pytest.raises(InputError, match=r"3 folds of whole sites .* the data hold 2: a, b; valid"):
        splits.dealt({"P": "a", "Q": "b"}, 3, 1)


def test_a_fold_tests_its_own_patients_and_trains_on_all_others():
    assert splits.of_folds({"P": 2, "Q": 1, "R": 2}) == {
        1: {"P": "train", "Q": "test", "R": "train"},
        2: {"P": "test", "Q": "train", "R": "test"},
    }


def test_validation_is_whole_sites_of_train_up_to_the_share():
    split_of = {patient: "test" if site == "site 3" else "train" for patient, site in SITES.items()}

    def held(split_of, seed=1, fold=1):
        chosen = splits.with_validation(split_of, SITES, 0.15, seed, fold)
        return {SITES[patient] for patient in chosen if chosen[patient] == "validation"}

    chosen = splits.with_validation(split_of, SITES, 0.15, 1, 1)
    assert len(held(split_of)) == 2
    assert "site 3" not in held(split_of)
    for patient, site in SITES.items():
        assert (chosen[patient] == "validation") == (site in held(split_of))
        assert (chosen[patient] == "test") == (site == "site 3")
    assert held(dict(reversed(split_of.items()))) == held(split_of)
    assert len({tuple(sorted(held(split_of, seed=seed))) for seed in range(9)}) > 1
    assert len({tuple(sorted(held(split_of, fold=fold))) for fold in range(9)}) > 1


def test_validation_never_takes_all_sites():
    site_of = {"P": "a", "Q": "b", "R": "b"}
    for seed in range(9):
        chosen = splits.with_validation(dict.fromkeys(site_of, "train"), site_of, 0.5, seed, 1)
        assert {*chosen.values()} == {"train", "validation"}
    with pytest.raises(InputError, match=r"^fold 4: .* are of site a; at least two sites"):
        splits.with_validation({"P": "train"}, {"P": "a"}, 0.5, 1, 4)
    with pytest.raises(InputError, match=r"^fold 1: .* are of site none; at least two sites"):
        splits.with_validation({"P": "test"}, {"P": "a"}, 0.5, 1, 1)


@pytest.mark.parametrize(
    ("sizes", "share", "never"),
    [
        ({"a": 60, "b": 20, "c": 12, "d": 8}, 0.29, "a"),
        ({"a": 60, "b": 20, "c": 12, "d": 8}, 0.03, "abc"),  # none fits: the smallest
        ({"a": 90, "b": 6, "c": 4}, 0.15, "a"),  # though the others are too few
    ],
)
def test_training_keeps_the_sites_that_have_far_more_than_validation_lacks(sizes, share, never):
    site_of = {f"{site}{i}": site for site, size in sizes.items() for i in range(size)}
    for seed in range(20):
        chosen = splits.with_validation(dict.fromkeys(site_of, "train"), site_of, share, seed, 1)
        held = {site_of[patient] for patient in chosen if chosen[patient] == "validation"}
        assert held and not held & set(never)
        assert sum(sizes[site] for site in held) >= share * 100 or held == {"b", "c"}


def test_a_released_validation_is_kept():
    split_of = {"P": "train", "Q": "validation"}
    assert splits.with_validation(split_of, {"P": "a", "Q": "b"}, 0.5, 1, 1) == split_of


def test_check_names_the_fold_and_the_split_that_lacks_a_class():
    swapped = {"test": "train", "test 2": "train", "train": "test", "train 2": "test"}
    folds = splits.table({1: OF_TWO, 2: OF_TWO | swapped})
    nuclei = _nuclei([*OF_TWO])
    splits.check(nuclei, folds)
    lacking = nuclei[~nuclei["patient"].str.startswith("test") | (nuclei["label"] != "TIL")]
    with pytest.raises(InputError, match=r"^fold 1: test holds no TIL nucleus.*prepare\.seed"):
        splits.check(lacking, folds)
    with pytest.raises(InputError, match=r"^fold 2: train holds no TIL nucleus"):
        splits.check(lacking, folds[folds["fold"] == 2])
    with pytest.raises(InputError, match=r"^fold 1: validation holds no stromal nucleus"):
        splits.check(nuclei[nuclei["patient"] != "validation"], folds)


def test_check_names_a_split_without_a_patient():
    folds = splits.table({1: {"train": "train", "test": "test"}})
    with pytest.raises(InputError, match=r"^fold 1: no patient is in validation$"):
        splits.check(_nuclei(), folds)


def test_check_names_the_fold_that_tests_too_few_patients_with_nuclei_for_an_interval():
    of_two = _nuclei([*OF_TWO])
    alone = of_two[of_two["patient"] != "test 2"]
    said = r"^fold 1: test holds nuclei of 1 patient; .* at least 2: change prepare\.seed"
    with pytest.raises(InputError, match=said):
        splits.check(alone, splits.table({1: OF_TWO}))


def test_a_site_that_a_fold_has_seen_and_tests_is_told():
    folds = splits.table(
        {1: {"P": "train", "Q": "test", "R": "train"}, 2: {"P": "test", "Q": "test", "R": "train"}}
    )
    assert shared_sites(folds, {"P": "a", "Q": "a", "R": "b"}) == {1: ["a"]}
    assert shared_sites(folds, {"P": "a", "Q": "b", "R": "c"}) == {}
    chosen_by = splits.table({3: {"P": "validation", "Q": "test", "R": "train"}})
    assert shared_sites(chosen_by, {"P": "a", "Q": "a", "R": "b"}) == {3: ["a"]}
    assert shared_sites(chosen_by, {"P": "a", "Q": "b", "R": "a"}) == {}


@settings(max_examples=100, deadline=None)
@given(
    released=st.lists(st.tuples(st.integers(0, 5), st.sampled_from(SPLITS)), min_size=1),
    share=st.floats(0.01, 0.5),
    seed=st.integers(0, 99),
)
def test_a_patient_is_in_one_split_and_validation_takes_no_site_of_train(released, share, seed):
    patient_of = {str(i): f"P{patient}" for i, (patient, _) in enumerate(released)}
    listed = {str(i): split for i, (_, split) in enumerate(released)}
    split_of, moved = splits.by_patient(patient_of, listed)
    assert {*split_of} == {*patient_of.values()}
    for patient in split_of:
        found = {listed[field] for field, own in patient_of.items() if own == patient}
        assert split_of[patient] in found
        assert (patient in moved) == (len(found) > 1)
    site_of = {patient: patient[1] for patient in split_of}
    with contextlib.suppress(InputError):
        chosen = splits.with_validation(split_of, site_of, share, seed, 1)
        moved_to = {patient for patient in split_of if chosen[patient] != split_of[patient]}
        assert {*chosen} == {*split_of} and (not moved_to or "train" in chosen.values())
        assert all((split_of[p], chosen[p]) == ("train", "validation") for p in moved_to)


@settings(max_examples=100, deadline=None)
@given(
    sites=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=40),
    count=st.integers(2, 8),
    seed=st.integers(0, 99),
)
def test_every_patient_is_tested_once_and_no_site_is_trained_on_and_tested(sites, count, seed):
    site_of = {f"P{i}": site for i, site in enumerate(sites)}
    with contextlib.suppress(InputError):
        dealt = splits.of_folds(splits.dealt(site_of, count, seed))
        assert len(dealt) == count
        whole = splits.table(
            {n: splits.with_validation(of, site_of, 0.15, seed, n) for n, of in dealt.items()}
        )
        tested = whole[whole["split"] == "test"]["patient"]
        assert sorted(tested) == sorted(site_of)
        assert shared_sites(whole, site_of) == {}
