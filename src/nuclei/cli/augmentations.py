"""Edit the study's list of augmentations: stage augment's in dvc.yaml, which train shares."""

from collections.abc import Sequence
from pathlib import Path

from nuclei.pipeline.params import StudyParams

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedSeq
from ruamel.yaml.error import YAMLError

from nuclei.augmentation import recipes
from nuclei.core import files
from nuclei.core.errors import InputError

DVC_YAML = Path("dvc.yaml")
EXPERIMENT = "${aug}"  # the augmentation that `aug` in params.yaml names; it stays last


def add(names: Sequence[str]) -> None:
    """Add recipes; InputError, and no change, if one is invalid or in the study already."""
    params = files.read_params(StudyParams)
    lines, augs, volumes = _read()
    for number, name in enumerate(names):
        recipes.parse(name)
        if name in (*augs, *names[:number]):
            raise InputError(f"{name} is in the study already")
    line, column = augs.lc.item(len(augs) - 1)
    before, after = lines[line][:column], lines[line][column:]
    # In a flow list, [a, b], entries are parted by commas; in a block list, by lines with a dash.
    between = f"\n{before}" if before.strip() == "-" else ", "
    lines[line] = before + "".join(name + between for name in names) + after
    _write(lines)

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
    """Remove recipes; InputError, and no change, if one is the baseline or not in the study."""
    params = files.read_params(StudyParams)
    lines, augs, _ = _read()
    for name in names:
        if name == "none":
            raise InputError("none stays: the other augmentations are compared with it")
        if name not in augs[:-1]:
            raise InputError(f"{name} is not in the study: {', '.join(map(str, augs[:-1]))}")
    for number in reversed(range(len(augs) - 1)):
        if augs[number] in names:
            (line, column), (last, rest) = augs.lc.item(number), augs.lc.item(number + 1)
            lines[line : last + 1] = [lines[line][:column] + lines[last][rest:]]
    _write(lines)

    if params.aug in names:
        print(f"{params.aug} is also `aug` in params.yaml, and in the study until that changes")
    print("to run: evaluate alone; DVC does not notice that an augmentation is gone")
    print("next: `dvc repro --force --single-item evaluate`, which names the files that are left")


def _read() -> tuple[list[str], CommentedSeq, list[str]]:
    """Return the lines of dvc.yaml, the list, which knows its entries' places, and the volumes.

    Its text is edited, because ruamel.yaml breaks lines anew when it writes a whole file.
    """
    content = DVC_YAML.read_bytes()
    augs, volumes = _parsed(content)
    return content.decode().splitlines(keepends=True), augs, volumes


def _parsed(content: bytes) -> tuple[CommentedSeq, list[str]]:
    try:
        text = content.decode()
        stages = YAML(typ="rt").load(text)["stages"]
        augs, train = stages["augment"]["matrix"]["aug"], stages["train"]["matrix"]
        if train["aug"] is not augs:
            raise ValueError("stage train has a list of its own; valid: `aug: *augs`")
        if augs[-1] != EXPERIMENT:
            raise ValueError(f'the list of stage augment must end with "{EXPERIMENT}"')
        return augs, [str(volume) for volume in train["volume"]]
    except (YAMLError, LookupError, TypeError, ValueError) as error:
        raise InputError(f"{DVC_YAML}: not the study's matrix: {error}") from None


def _write(lines: list[str]) -> None:
    content = "".join(lines).encode()
    augs, _ = _parsed(content)
    unfinished = DVC_YAML.with_name(f".{DVC_YAML}.unfinished")
    unfinished.write_bytes(content)
    unfinished.replace(DVC_YAML)
    print(f"{DVC_YAML}: the study compares {', '.join(map(str, augs[:-1]))}")
