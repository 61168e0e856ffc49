"""Another processor, fewer cores, another locale: what is cut and augmented stays the same.

Two things are not among it. The simulator's exponentials depend on the processor in their last
digit, so its fields are drawn here but for the old processor. And so do a network's sums;
docs/reliability.md says by how much.
"""

import hashlib
import os
import shutil
import sys

import pytest
from damage import attempt
from numpy._core._multiarray_umath import __cpu_dispatch__, __cpu_features__

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="it sets processors by Linux's tools"
)
CORE = str(min(os.sched_getaffinity(0))) if sys.platform == "linux" else ""
EVERYTHING = "crop+rotation+flip+invert+noise+grayscale+stain"
DRAW, *CUT = ["simulate.py"], ["prepare.py"], ["augment.py", EVERYTHING]
MACHINES = {
    "one core": (["taskset", "--cpu-list", CORE], {}),
    "processor of 2005": (
        [],
        {
            "NPY_DISABLE_CPU_FEATURES": " ".join(
                name for name in __cpu_dispatch__ if __cpu_features__[name]
            ),
            "OPENCV_CPU_DISABLE": "SSE4_1,SSE4_2,AVX,FP16,AVX2,AVX512_SKX",
            "OPENCV_IPP": "disabled",
            "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX2,-FMA,-AVX512F,-SSE4_1,-SSE4_2",
        },
    ),
    "another place": ([], {"LC_ALL": "C", "TZ": "Asia/Tokyo", "PYTHONHASHSEED": "7"}),
}


@pytest.fixture(scope="module")
def here(study, tmp_path_factory):
    """The bytes that this machine makes."""
    folder = shutil.copytree(study, tmp_path_factory.mktemp("here") / "study")
    return _made(folder, [DRAW, *CUT], [], {})


@pytest.mark.parametrize("machine", MACHINES)
def test_another_machine_makes_the_same_bytes(study, here, tmp_path, drilled, machine):
    steps = CUT if machine == "processor of 2005" else [DRAW, *CUT]
    made = _made(shutil.copytree(study, tmp_path / "study"), steps, *MACHINES[machine])
    wrong = [path for path in here | made if made.get(path) != here.get(path)]
    drilled(f"another machine: {machine}, files", len(here), len(wrong))
    assert not wrong


def _made(folder, steps, before, environment):
    """Draw, cut and augment the data anew; return the hash of every file made."""
    for name in ("prepared", "augmented", "training", "predictions"):
        shutil.rmtree(folder / "data" / name, ignore_errors=True)
    if DRAW in steps:
        shutil.rmtree(folder / "data/raw")
    for script, *words in steps:
        code, _, error = attempt(folder, *before, "python", f"src/{script}", *words, **environment)
        assert code == 0, error
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted((folder / "data").rglob("*"))
        if path.is_file()
    }
