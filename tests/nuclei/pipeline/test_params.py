import contextlib
from copy import deepcopy
from math import inf
from pathlib import Path

from nuclei.pipeline.params import StudyParams

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from nuclei.augmentation.params import AugmentParams
from nuclei.core.errors import InputError
from nuclei.core.params import parse
from nuclei.data.params import PrepareParams
from nuclei.simulation.params import SimulateParams
from nuclei.training.params import TrainParams

SHIPPED = yaml.safe_load((Path(__file__).parents[3] / "params.yaml").read_text(encoding="utf-8"))


def _changed(key, value):
    values = deepcopy(SHIPPED)
    *path, last = key.split(".")
    section = values
    for part in path:
        section = section[part]
    section[last] = value
    return values


def test_the_shipped_file_is_valid():
    parsed = parse(StudyParams, SHIPPED)
    assert parsed.networks[parsed.network].batch == SHIPPED["networks"]["tiny"]["batch"]


@pytest.mark.parametrize(("crop", "network"), [(32, 16), (16, None)])
def test_a_network_is_refused_crops_too_small_for_it(crop, network):
    values = _changed("networks.resnet50.side", network) | {"network": "resnet50"}
    values["prepare"]["side"] = crop
    with pytest.raises(InputError, match=r"networks\.resnet50: .* from 32; got 16"):
        parse(StudyParams, values)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("data", "../elsewhere", "data: .*'../elsewhere'"),
        ("network", "vgg", "network must be one of .*resnet50.*small.*; got vgg"),
        ("aug", "", "aug: operations in lower case, .*; got ''"),
        ("aug", "Flip", "aug: operations in lower case, .*; got 'Flip'"),
        ("aug", "stain + flip", "aug: .* without spaces, .*; got 'stain \\+ flip'"),
        ("volume", 0, "volume: a positive number such as 0.5, 1 or 2, or inf for fresh .*; got 0"),
        ("volume", "1", "volume: a positive number .*; got '1'"),
        ("volume", 2.0, "a whole volume is written 2; got 2.0"),
        ("volume", float("nan"), "volume: a positive number .*; got nan"),
        ("volume", -inf, "volume: a positive number .*; got -inf"),
        ("volume", "infinite", "volume: a positive number .*; got 'infinite'"),
        ("seed", 1, "seed: no such knob; got 1"),
        ("prepare.fold", 1, "prepare.fold: no such knob; got 1"),
        ("prepare.folds", 1, "prepare.folds: 2 to 20, or released .*; got 1"),
        ("prepare.folds", 21, "prepare.folds: 2 to 20, or released .*; got 21"),
        ("prepare.folds", "all", "prepare.folds: 2 to 20, or released .*; got 'all'"),
        ("prepare.order", "sites", "prepare.order: should be 'nuclei' or 'patients'; got 'sites'"),
        (
            "prepare.on_error",
            "ignore",
            "prepare.on_error: should be 'fail' or 'skip'; got 'ignore'",
        ),
        ("prepare.validation", 0.9, "prepare.validation: .*; got 0.9"),
        ("prepare.classes", {"Stroma": "stroma"}, "prepare.classes.Stroma: .*; got .stroma."),
        ("train.checkpoint", "first", "train.checkpoint: should be 'best' or 'last'; got 'first'"),
        ("train.ema_decay", 1, "train.ema_decay: should be less than 1; got 1"),
        ("train.patience", 0, "train.patience: .*greater than 0; got 0"),
        ("train.repeats", 0, "train.repeats: should be greater than 0; got 0"),
        ("train.repeats", 2.5, "train.repeats: .*integer.*; got 2.5"),
        ("train.seed", "x", "train.seed: .*; got 'x'"),
        ("train.seed", [1], "train.seed: .*; got a list"),
        ("train.repeats", 10**9, "train.repeats: .*1000000; got 1000000000"),
        ("aug", "flip; ls", "aug: operations in lower case, .*; got 'flip; ls'"),
        ("data", "a b", "data: at most 100 letters, .*; got 'a b'"),
        ("networks.small.bach", 4, "networks.small.bach: no such knob; got 4"),
        ("networks.small.learning_rate", float("inf"), "learning_rate: .*finite.*; got inf"),
        ("networks.resnet50.head", [0], "networks.resnet50.head.0: .*; got 0"),
        ("networks.small.weights", "imagenet", "networks.small: small .* only none; got imagenet"),
        ("networks.tiny.weights", "imagenet", "networks.tiny: tiny .* only none; got imagenet"),
        ("networks.wide.weights", "imagenet", "networks.wide: wide .* only none; got imagenet"),
        ("evaluate.margin", 0, "evaluate.margin: should be greater than 0; got 0"),
        ("evaluate", None, "evaluate: .*; got None"),
    ],
)
def test_a_bad_knob_is_named_with_what_was_found(key, value, said):
    with pytest.raises(InputError, match=f"^params.yaml: .*{said}") as error:
        parse(StudyParams, _changed(key, value))
    assert "\n" not in str(error.value)


def test_patience_waits_for_the_best_point_and_for_no_other():
    values = _changed("train.patience", 2)
    assert parse(StudyParams, values).train.patience == 2
    values["train"]["checkpoint"] = "last"
    said = "train: set patience to null or checkpoint to best; got patience 2, checkpoint last"
    with pytest.raises(InputError, match=said):
        parse(StudyParams, values)


def test_volume_inf_and_the_released_list_are_valid():
    assert parse(StudyParams, _changed("volume", "inf")).volume == inf  # as dvc.yaml writes it
    assert parse(StudyParams, _changed("volume", inf)).volume == inf  # as `-S volume=inf` does
    assert parse(StudyParams, _changed("prepare.folds", "released")).prepare.folds == "released"


def test_params_of_version_1_are_one_line_that_names_the_knob_meant():
    values = deepcopy(SHIPPED)
    values["prepare"]["fold"] = 1
    for knob in ("folds", "order"):
        del values["prepare"][knob]
    with pytest.raises(InputError) as error:
        parse(StudyParams, values)
    said = "params.yaml: prepare.fold: no such knob, perhaps folds is meant; got 1"
    assert str(error.value) == said


def test_a_missing_knob_is_named():
    values = deepcopy(SHIPPED)
    del values["train"]["repeats"]
    with pytest.raises(InputError, match=r"train\.repeats: this knob is missing"):
        parse(StudyParams, values)


@pytest.mark.parametrize(
    ("section", "right", "misspelt"),
    [("train", "repeats", "repeat"), ("prepare", "folds", "fold"), ("evaluate", "seed", "sed")],
)
def test_a_misspelt_knob_is_named_with_the_one_that_is_meant(section, right, misspelt):
    values = deepcopy(SHIPPED)
    values[section][misspelt] = values[section].pop(right)
    said = rf"{section}\.{misspelt}: no such knob, perhaps {right} is meant; got "
    with pytest.raises(InputError, match=said):
        parse(StudyParams, values)


@pytest.mark.parametrize("content", [None, [], "text", 3])
def test_a_file_that_is_no_mapping_is_refused(content):
    with pytest.raises(InputError, match=r"params\.yaml: the whole file"):
        parse(StudyParams, content)


KEYS = [*SHIPPED] + [f"{s}.{k}" for s, of in SHIPPED.items() if isinstance(of, dict) for k in of]
KEYS += [f"networks.small.{key}" for key in SHIPPED["networks"]["small"]]
SCALARS = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.dates()
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(SCALARS, inner), max_leaves=5
)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(KEYS), VALUES)
def test_any_value_is_taken_as_it_is_or_named(key, value):
    try:
        parsed = parse(StudyParams, _changed(key, value)).model_dump(exclude_unset=True)
    except InputError as error:
        assert str(error).startswith("params.yaml: ") and len(str(error)) < 500
    else:
        assert parsed == _changed(key, value)


@settings(max_examples=100, deadline=None)
@given(VALUES)
def test_any_file_is_params_or_an_error(values):
    with contextlib.suppress(InputError):
        parse(StudyParams, values)
        pytest.fail("nothing so small is whole")


STAGES = [AugmentParams, PrepareParams, SimulateParams, TrainParams]


@pytest.mark.parametrize("schema", STAGES)
def test_a_stage_reads_its_own_sections_whatever_the_others_hold(schema):
    others = {key: None for key in SHIPPED if key not in schema.model_fields}
    assert parse(schema, SHIPPED | others) == parse(schema, SHIPPED)


@pytest.mark.parametrize("schema", STAGES)
def test_a_stage_and_the_study_agree_on_what_a_section_is(schema):
    for name, field in schema.model_fields.items():
        if (schema, name) == (PrepareParams, "simulate"):
            continue  # recorded as it stands; prepare does not depend on the code of simulate
        assert repr(field) == repr(StudyParams.model_fields[name])
