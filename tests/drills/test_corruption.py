"""A bit flips, a file is cut short or lost: it is found, named, made anew, never silently used."""

import hashlib
import os
import random
import shutil

import pytest
from commands import NUCLEI, clone, run
from damage import attempt, flip_a_byte, is_whole, kept

# A stage that reads, and what it reads; in turn.
READERS = {
    "train@invert+flip-1": "data/augmented/invert+flip",  # it names single files of the folder
    "prepare": "data/raw/simulated",
    "augment@none": "data/prepared",
    "evaluate": "data/predictions",
}


@pytest.mark.parametrize("where", ["cache", "workspace"])
def test_a_flipped_bit_stops_the_stage_that_reads_it(study, tmp_path, tries, drilled, where):
    wrong = []
    for seed in range(tries):
        chance = random.Random(f"{where} {seed}")
        folder = shutil.copytree(study, tmp_path / str(seed))
        reader, source = list(READERS.items())[seed % len(READERS)]
        path = chance.choice(_files(folder / source))
        if where == "cache":
            flip_a_byte(kept(folder / ".dvc/cache", _md5(path)))
            path.unlink()
            run(folder, "dvc", "checkout")
        else:
            run(folder, "dvc", "status")
            flip_a_byte(path)
        believed = "up to date" in run(folder, "dvc", "status")
        code, _, error = attempt(folder, "dvc", "repro", "--force", "--single-item", reader)
        named = str(path.relative_to(folder))
        stopped = code != 0 and f"error: {named}: not the bytes" in error
        found = attempt(folder, *NUCLEI, "verify")
        run(folder, "dvc", "repro")
        if not (believed and stopped and found[0] == 1 and named in found[1] + found[2]):
            wrong.append(f"{reader}, {named}: {code} {error} {found}")
        elif not is_whole(folder, study):
            wrong.append(f"{reader}, {named}: not mended")
        shutil.rmtree(folder)
    drilled(f"bit flipped in the {where}", tries, len(wrong))
    assert not wrong


def test_a_damaged_remote_stops_a_pull_and_is_mended_by_a_push(study, tmp_path, tries, drilled):
    wrong = []
    for seed in range(tries):
        chance = random.Random(seed)
        here = tmp_path / str(seed)
        owner, remote = shutil.copytree(study, here / "owner"), here / "remote"
        run(owner, "dvc", "remote", "add", "--default", "store", str(remote))
        run(owner, "dvc", "remote", "modify", "store", "verify", "true")
        run(owner, "dvc", "push")
        run(owner, "git", "commit", "--quiet", "--all", "--message", "Share")
        damaged = [kept(remote, _md5(path)) for path in chance.sample(_cached(owner), 3)]
        flip_a_byte(damaged[0])
        damaged[1].chmod(0o644)
        os.truncate(damaged[1], damaged[1].stat().st_size // 2)
        damaged[2].unlink(missing_ok=True)

        teammate = clone(owner, here / "teammate")
        code, _, error = attempt(teammate, "dvc", "pull")
        run(teammate, "dvc", "repro")
        if code == 0 or "failed to" not in error or not is_whole(teammate, study):
            wrong.append(f"seed {seed}: {code} {error}")

        for path in [*damaged, *remote.rglob("*.dir")]:
            path.unlink(missing_ok=True)
        run(owner, "dvc", "push")
        run(clone(owner, here / "next"), "dvc", "pull")
        if not is_whole(here / "next", study):
            wrong.append(f"seed {seed}: not mended by a push")
        shutil.rmtree(here)
    drilled("remote: bit flipped, file cut short, file lost", 3 * tries, len(wrong))
    assert not wrong


def test_absent_inputs_are_named_with_all_that_fetches_them(study, tmp_path):
    folder = clone(study, tmp_path / "study")
    allow = ["--single-item", "--force", "--allow-missing"]
    code, _, error = attempt(folder, "dvc", "repro", *allow, "evaluate")
    assert code != 0
    assert "; `dvc pull prepare train` fetches what a remote has" in error


def _files(folder):
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _cached(folder):
    """The files that DVC caches, one for each content."""
    paths = [*_files(folder / "models"), *_files(folder / "data")]
    return list({_md5(path): path for path in paths}.values())


def _md5(path):
    return hashlib.md5(path.read_bytes()).hexdigest()
