"""A file is checked against a schema: each mistake is one line that names the key."""

import pytest

from nuclei.core.errors import InputError
from nuclei.core.params import OLD_NAMES, Section, parse


class Knobs(Section):
    """Two knobs, of which one may be absent."""

    seed: int
    batch: int = 64


class File(Section):
    """Three sections, and a mapping from names to sections."""

    prepare: Knobs
    train: Knobs
    networks: dict[str, Knobs]


@pytest.fixture
def values():
    """The content of a file that is valid."""
    return {"prepare": {"seed": 1}, "train": {"seed": 1}, "networks": {"my-own": {"seed": 1}}}


def test_a_knob_with_a_default_may_be_absent(values):
    assert parse(File, values).train == Knobs(seed=1, batch=64)


@pytest.mark.parametrize("section", ["train", "networks.my-own"])
@pytest.mark.parametrize(("key", "misspelt"), [("seed", "sed"), ("batch", "bach")])
def test_a_misspelt_knob_is_named_with_the_one_that_is_meant(values, section, key, misspelt):
    knobs = values["train"] if section == "train" else values["networks"]["my-own"]
    knobs[misspelt] = knobs.pop(key, 3)
    with pytest.raises(InputError) as error:
        parse(File, values)
    line = f"params.yaml: {section}.{misspelt}: no such knob, perhaps {key} is meant; got "
    assert str(error.value).startswith(line)


def test_a_knob_that_the_file_holds_is_not_suggested(values):
    values["train"] |= {"batch": 4, "bach": 5}
    with pytest.raises(InputError, match=r"^params.yaml: train.bach: no such knob; got 5$"):
        parse(File, values)


@pytest.mark.parametrize("old", OLD_NAMES)
def test_an_old_knob_is_refused_in_one_line_that_says_what_to_write(values, old):
    section, _, key = old.rpartition(".")
    knobs = values["networks"]["my-own"] if "networks" in section else values[section]
    del knobs["seed"]  # its new name may be missing, too
    knobs[key] = None
    with pytest.raises(InputError) as error:
        parse(File, values)
    assert str(error.value) == f"params.yaml: {old.replace('*', 'my-own')}: {OLD_NAMES[old]}"
