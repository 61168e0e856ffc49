"""What the drills share: ways to damage a study, and to look whether it is whole again."""

import json
import os
import shutil
import subprocess
from pathlib import Path

import yaml
from commands import ENVIRONMENT, NUCLEI, run
from dvc.utils.serialize import modify_yaml


def attempt(folder, *words, **environment):
    """Run a command that may fail; return its exit code and what it said on stdout and stderr."""
    done = subprocess.run(
        words, cwd=folder, env=ENVIRONMENT | environment, capture_output=True, text=True
    )
    return done.returncode, done.stdout, done.stderr


def stages(folder):
    """The entries of dvc.lock by stage, in the order in which the stages ran."""
    return yaml.safe_load((folder / "dvc.lock").read_text())["stages"]


def kept(folder, md5):
    """The place of an object in the cache of `folder`, or in a remote."""
    return Path(folder, "files/md5", md5[:2], md5[2:])


def forget(folder, names):
    """Have DVC run the stages anew and keep all they write: nothing remembers a run of them."""
    entries = stages(folder)
    cache = folder / ".dvc/cache"
    for out in (out for name in names for out in entries[name]["outs"]):
        path = kept(cache, out["md5"])
        if path.suffix == ".dir" and path.exists():
            for file in json.loads(path.read_bytes()):
                kept(cache, file["md5"]).unlink(missing_ok=True)
        path.unlink(missing_ok=True)
    for name in names:
        entries[name]["cmd"] += " --once"
    text = yaml.safe_dump({"schema": "2.0", "stages": entries}, sort_keys=False)
    (folder / "dvc.lock").write_text(text)
    shutil.rmtree(cache / "runs", ignore_errors=True)


def generate(folder):
    """Have a copy of the study make synthetic nuclei, quickly.

    Returns:
        What was written, by the file's name.
    """
    with modify_yaml(folder / "params.yaml") as params:
        params["generator"] |= {"updates": 5, "pool": 16}
    for name, few in {
        "generator.py": {"FEWEST = 50": "FEWEST = 3", "TOGETHER = 256": "TOGETHER = 16"},
        "feature_extractor.py": {"UPDATES = 800": "UPDATES = 5"},
    }.items():
        code = folder / "src/nuclei/generation" / name
        text = code.read_text(encoding="utf-8")
        for old, new in few.items():
            assert old in text
            text = text.replace(old, new)
        code.write_text(text, encoding="utf-8")
    run(folder, "python", "src/augment.py", "generated")
    return generated(folder)


def generated(folder):
    """The bytes of all that an augmentation by synthetic nuclei consists of, by the file's name."""
    arm = folder / "data/augmented/generated"
    return {path.name: path.read_bytes() for path in arm.rglob("*.*")}


def flip_a_byte(path):
    """Change one bit of a file in its middle, as a failing disk does: its times and mode stay."""
    was = path.stat()
    path.chmod(0o644)
    with path.open("r+b") as file:
        file.seek(was.st_size // 2)
        byte = file.read(1)[0]
        file.seek(was.st_size // 2)
        file.write(bytes([byte ^ 1]))
    os.utime(path, ns=(was.st_atime_ns, was.st_mtime_ns))
    path.chmod(was.st_mode)


def is_whole(folder, study):
    """Whether dvc.lock is that of the undisturbed study, and all files are what it says."""
    same = (folder / "dvc.lock").read_bytes() == (study / "dvc.lock").read_bytes()
    return same and attempt(folder, *NUCLEI, "verify")[0] == 0
