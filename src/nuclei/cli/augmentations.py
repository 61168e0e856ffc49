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

    # DVC, too, drops a volume that comes twice.
    volumes = list(dict.fromkeys(f"{params.volume}" if v == "${volume}" else v for v in volumes))
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
    in_study = [entry.value for entry in entries[:-1]]
    for name in names:
        if name == "none":
            raise InputError("none stays: the other augmentations are compared with it")
        if name not in in_study:
            raise InputError(f"{name} is not in the study: {', '.join(in_study)}")
    for entry, following in reversed([*pairwise(entries)]):
        if entry.value in names:
            text = text[: entry.start_mark.index] + text[following.start_mark.index :]
    _write(text)

    if params.aug in names:
        print(f"{params.aug} is also `aug` in params.yaml, and in the study until that changes")
    print("to run: evaluate alone; DVC does not notice that an augmentation is gone")
    print("next: `dvc repro --force --single-item evaluate`, which names the files that are left")


def _read() -> tuple[str, list[Node], list[str]]:
    """Return the text of dvc.yaml, the list's entries with their places in it, and the volumes.

    Entries are put into the text and cut out of it: when ruamel.yaml writes the whole file, it
    keeps comments, anchors and quotes, but breaks lines anew.
    """
    try:
        text = DVC_YAML.read_bytes().decode()
        stages = _mapping(_mapping(YAML().compose(text))["stages"])
        augment, train = (
            _mapping(_mapping(stages[name])["matrix"]) for name in ("augment", "train")
        )
        entries, volumes = augment["aug"].value, [node.value for node in train["volume"].value]
        if train["aug"] is not augment["aug"]:
            raise ValueError("stage train has a list of its own; valid: `aug: *augs`")
        if entries[-1].value != EXPERIMENT:
            raise ValueError(f'the list of stage augment must end with "{EXPERIMENT}"')
    except (YAMLError, LookupError, AttributeError, TypeError, ValueError) as error:
        raise InputError(f"{DVC_YAML}: not the study's matrix: {error}") from None
    return text, entries, volumes


def _mapping(node: Node) -> dict[str, Node]:
    return {key.value: value for key, value in node.value}


def _write(text: str) -> None:
    DVC_YAML.write_bytes(text.encode())
    _, entries, _ = _read()
    print(f"{DVC_YAML}: the study compares {', '.join(entry.value for entry in entries[:-1])}")
