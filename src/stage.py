"""What every stage script shares: where things lie, how params are read, how a stage ends."""

import fcntl
import gc
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from nuclei import params
from nuclei.errors import InputError

if TYPE_CHECKING:
    from dvc.output import Output

RAW = Path("data/raw")
PREPARED = Path("data/prepared")
AUGMENTED = Path("data/augmented")
TRAINING = Path("data/training")
PREDICTIONS = Path("data/predictions")
MODELS = Path("models")
METRICS = Path("metrics")
PLOTS = Path("plots")
UNFINISHED = Path("data/.unfinished")


def read_params(path: Path = Path("params.yaml")) -> params.Params:
    """Read and check params.yaml; raises InputError with the file and the key."""
    try:
        # The parser with which DVC reads and writes the file: 1e-05 is a number to it.
        values = YAML(typ="safe", pure=True).load(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError, YAMLError) as error:
        raise InputError(f"{path}: {' '.join(str(error).split())}") from None
    return params.parse(values)


def read_crops(path: Path) -> np.ndarray:
    """Map an array of crops, uint8 RGB (N, S, S, 3), read-only; nothing it holds is unpickled.

    Raises:
        InputError: the file is no such array, or not whole.
    """
    try:
        with np.errstate(over="ignore"):  # a shape that no file can hold
            crops = np.lib.format.open_memmap(path, mode="r")
        count, side = crops.shape[:2]
        if crops.shape != (count, side, side, 3) or crops.size == 0 or crops.dtype != np.uint8:
            raise ValueError(f"{crops.dtype} {crops.shape}")
        if not crops.flags.c_contiguous:
            raise ValueError("in Fortran order")
    except (ValueError, SyntaxError, OverflowError) as error:
        found = " ".join(str(error).split())
        valid = "uint8 (N, S, S, 3) in C order, N and S above 0"
        raise InputError(f"{path}: not an array of crops: {found}; valid: {valid}") from None
    return crops


@contextmanager
def output(path: Path) -> Iterator[Path]:
    """Yield a place to write to; only what was written without an error comes to lie at `path`."""
    unfinished = UNFINISHED / path
    unfinished.parent.mkdir(parents=True, exist_ok=True)
    # A stage whose `dvc repro` was killed may still be writing: wait until it ends.
    with unfinished.with_name(f"{unfinished.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        _remove(unfinished)
        try:
            yield unfinished
        except BaseException:
            _remove(unfinished)  # what it takes of a full disk is wanted
            raise
        _remove(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished.rename(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def changed_files(out: "Output") -> Iterator[Path]:
    """Yield the files of an output whose bytes are not those that DVC recorded for it."""
    from dvc_data.hashfile.hash import file_md5

    path = Path(out.fs_path)
    md5s = {path: out.hash_info.value} if out.hash_info else {}
    if out.hash_info.isdir and path.is_dir():
        files = out.get_obj() or ()  # the list of a folder's files; None where the cache lost it
        md5s = {path.joinpath(*name): found.value for name, _, found in files}
    for path, md5 in md5s.items():
        if not path.is_file() or file_md5(str(path), out.fs) != md5:
            yield path


def _check_inputs(name: str) -> None:
    # DVC takes a corrupt object of its cache for whole, and so what it checks out from there.
    from dvc.repo import Repo

    missing, made_by = [], []
    with Repo() as repo:
        # Not repo.stage.collect, which would read all of dvc.lock once more.
        (this,) = (stage for stage in repo.index.stages if stage.addressing == name)
        deps = [dep.fs_path for dep in this.deps]
        for out in repo.index.outs:
            if any(out.fs.isin_or_eq(out.fs_path, dep) for dep in deps):
                for path in changed_files(out):
                    if path.exists():
                        raise InputError(
                            f"{out.fs.relpath(str(path))}: not the bytes that its stage wrote; "
                            "`make verify` finds what is corrupt, `dvc repro` then makes it anew"
                        )
                    missing.append(out.fs.relpath(str(path)))
                    made_by.append(out.stage.addressing.partition("@")[0])
    if missing:
        stages = " ".join(dict.fromkeys(made_by))
        raise InputError(
            f"{missing[0]} is missing, {len(missing) - 1} more; `dvc pull {stages}` fetches what "
            f"a remote has, `dvc repro {stages}` makes it"
        )


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Import TensorFlow inside this: sooner, and without its greetings."""
    # Keras imports these where it finds them, for what nothing here calls: a third of its start.
    absent = dict.fromkeys({"matplotlib", "sklearn"} - sys.modules.keys())
    sys.modules.update(absent)
    # TensorFlow greets on the process's own stderr before its log level is read.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
        gc.freeze()
    finally:
        for name in absent:
            del sys.modules[name]
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def run(main: Callable[..., None]) -> None:
    """Call a stage's `main` with the command line's words; a user's mistake ends in one line."""
    script, *words = sys.argv
    try:
        signature(main).bind(*words)
    except TypeError:
        names = " ".join(name.upper() for name in signature(main).parameters)
        sys.exit(f"usage: {Path(script).name} {names}")
    try:
        if "DVC_STAGE" in os.environ:
            _check_inputs(os.environ["DVC_STAGE"])
        gc.freeze()  # what was imported stays: searched for waste, it takes a stage up to 3 seconds
        main(*words)
    except (InputError, OSError) as error:
        # One line, even where the name of a file or a key holds a line end.
        sys.exit(f"error: {' '.join(str(error).split())}")
