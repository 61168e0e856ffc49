"""Edit the study's list of augmentations: stage augment's in dvc.yaml, which train shares."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from nuclei.pipeline.params import StudyParams

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import Node

from nuclei.augmentation import recipes
from nuclei.core import files
from nuclei.core.errors import InputError

DVC_YAML = Path("dvc.yaml")
EXPERIMENT = "${aug}"  # the augmentation that `aug` in params.yaml names; it stays last


def add(names: Sequence[str]) -> None:
    """Add recipes to the list; print what will run and what to type next.

    Raises:
        InputError: a recipe is invalid or in the list already. The file is unchanged.
    """
    params = files.read_params(StudyParams)
    text, entries, volumes = _read()
    in_study = {recipes.parse(entry.value): entry.value for entry in entries[:-1]}
    for name in names:
        steps = recipes.parse(name)
        if steps in in_study:
            raise InputError(f"{name} is in the study already, as {in_study[steps]}")
        in_study[steps] = name
    start = entries[-1].start_mark.index
    # In a flow list, [a, b], entries are parted by commas; in a block list, by lines with a dash.
    line = text[text.rfind("\n", 0, start) + 1 : start]
    between = f"\n{line}" if line.strip() == "-" else ", "
    _write(text[:start] + "".join(name + between for name in names) + text[start:])

    volumes = [str(params.volume) if volume == "${volume}" else volume for volume in volumes]
    volumes = list(dict.fromkeys(volumes))  # as DVC does
    folds = 1 if params.prepare.folds == "released" else int(params.prepare.folds)
    networks = len(volumes) * folds * params.train.repeats
    print(
        f"to run, unless DVC has it: {', '.join(f'augment@{name}' for name in names)}, and "
        f"trainings at volumes {', '.join(volumes)}: {len(names) * networks} networks, {networks} "
        f"each ({len(volumes)} volumes × {folds} folds × {params.train.repeats} repeats)"
    )
    print("next: `make study`, on all cores, or `dvc repro`")


def remove(names: Sequence[str]) -> None:
    """Remove recipes from the list; print what to type next.

    Raises:
        InputError: a recipe is not in the list, or is the baseline. The file is unchanged.
    """
    params = files.read_params(StudyParams)
    text, entries, _ = _read()
    for name in names:
        if name == "none":
            raise InputError("none stays: the other augmentations are compared with it")
        if name not in _names(entries):
            raise InputError(f"{name} is not in the study: {', '.join(_names(entries))}")
    for entry, following in reversed([*pairwise(entries)]):
        if entry.value in names:
            text = text[: entry.start_mark.index] + text[following.start_mark.index :]
    _write(text)

    if params.aug in names:
        print(f"{params.aug} is also `aug` in params.yaml, and in the study until that changes")
    print("to run: evaluate alone; DVC does not notice that an augmentation is gone")
    print("next: `dvc repro --force --single-item evaluate`, which names the files that are left")


def _names(entries: list[Node]) -> list[str]:
    return [entry.value for entry in entries[:-1]]


def _read() -> tuple[str, list[Node], list[str]]:
    """Return the text of dvc.yaml, the list's entries with their places in it, and the volumes.

    Entries are put into the text and cut out of it: when ruamel.yaml writes the whole file, it
    keeps comments, anchors and quotes, but breaks lines anew.
    """
    try:
        text = DVC_YAML.read_bytes().decode()
        document = YAML().compose(text)
        augment, train, volume = (
            _at(document, "stages", stage, "matrix", axis)
            for stage, axis in (("augment", "aug"), ("train", "aug"), ("train", "volume"))
        )
        entries, volumes = augment.value, [entry.value for entry in volume.value]
    except (YAMLError, KeyError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{DVC_YAML}: not the study's matrix: {error}") from None
    if train is not augment:
        raise InputError(f"{DVC_YAML}: stage train has a list of its own; valid: `aug: *augs`")
    if not entries or entries[-1].value != EXPERIMENT:
        raise InputError(f'{DVC_YAML}: the list of stage augment must end with "{EXPERIMENT}"')
    return text, entries, volumes


def _at(node: Node, *keys: str) -> Node:
    """Return the node at a path of keys; raises KeyError if there is none."""
    for key in keys:
        node = {name.value: value for name, value in node.value}[key]
    return node


def _write(text: str) -> None:
    """Write dvc.yaml, and print the study's augmentations."""
    DVC_YAML.write_bytes(text.encode())
    print(f"{DVC_YAML}: the study compares {', '.join(_names(_read()[1]))}")
