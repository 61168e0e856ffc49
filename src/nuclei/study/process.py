"""Run one configuration after another in a process that loads TensorFlow once.

`local.Lane` starts it. It imports no heavy library before it has its core or GPU.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import traceback
from multiprocessing import parent_process
from pathlib import Path

from tqdm import tqdm

from nuclei.core.errors import InputError

_updates: ctypes.c_uint64  # shared memory


def begin(core: int | None, gpu: str | None, log: str, updates: ctypes.c_uint64) -> None:
    """Bind this process to its core or GPU, send its output to `log`, and count in `updates`."""
    global _updates
    _updates = updates
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C ends
    threading.Thread(target=_end_with_the_parent, daemon=True).start()
    descriptor = os.open(log, os.O_WRONLY | os.O_APPEND)
    for stream in (1, 2):  # which TensorFlow's C++ code writes to as well
        os.dup2(descriptor, stream)
    # By default a bar's lock is a semaphore, which a process that is killed leaves behind.
    tqdm.set_lock(threading.RLock())
    if core is not None:
        os.sched_setaffinity(0, {core})
    if gpu is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpu
    sys.path.insert(0, str(Path("src").resolve()))  # the stage scripts of this folder


def _end_with_the_parent() -> None:
    """End this process once its parent was killed, since nobody would record its output."""
    if parent := parent_process():
        parent.join()
    os._exit(1)


def run(name: str) -> str:
    """Run a configuration; return its error or a bug's traceback, an empty text if it is done."""
    os.environ["DVC_STAGE"] = name  # DVC sets it too
    try:
        import augment
        import train
        from nuclei.augmentation import recipes

        stage, configuration = name.split("@")
        if stage == "train":
            aug, _, volume = configuration.rpartition("-")
            train.configuration(aug, volume, _count)
        elif recipes.generates(configuration):
            # In a process of its own: synthetic nuclei need TensorFlow to have one intra-op thread,
            # which would bind the trainings after them, too.
            return _script("src/augment.py", configuration)
        else:
            augment.main(configuration)
    except (InputError, OSError) as error:
        return f"error: {error}"
    except Exception:  # as text, because the parent may be unable to import the exception's class
        return traceback.format_exc().rstrip()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return ""


def _script(*words: str) -> str:
    """Run a stage's script; return its error or traceback, an empty text if it is done."""
    done = subprocess.run([sys.executable, *words], stderr=subprocess.PIPE, text=True, check=False)
    if done.returncode == 0:
        return ""
    *_, last = done.stderr.splitlines() or [
        f"error: {' '.join(words)} ended with {done.returncode}"
    ]
    return last if last.startswith("error: ") else done.stderr.rstrip()


def _count() -> None:
    _updates.value += 1
