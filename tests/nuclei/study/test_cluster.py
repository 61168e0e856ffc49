"""What reaches a Dask worker, and that Dask is needed for nothing else."""

import subprocess
import sys

from commands import ENVIRONMENT, ROOT
from distributed.protocol import pickle

from nuclei.study import cluster
from nuclei.study.worker import Clones

LOADS = """
import sys
sys.modules["nuclei"] = None  # as where the project is not installed
from distributed.protocol import pickle
print(pickle.loads(sys.stdin.buffer.read()))
"""


def test_what_travels_to_a_worker_needs_no_copy_of_the_project_there():
    for sent in (Clones(b"a tree"), cluster._task("plugin")):
        words = [sys.executable, "-c", LOADS]
        done = subprocess.run(words, input=pickle.dumps(sent), env=ENVIRONMENT, capture_output=True)
        assert done.returncode == 0, done.stderr.decode()


def test_dask_is_imported_for_a_cluster_alone():
    code = "import sys, nuclei.study.run; print({'dask', 'distributed'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True
    )
    assert done.stdout == "set()\n", done.stderr
