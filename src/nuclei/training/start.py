"""How TensorFlow is imported: quietly, but its messages are kept in case a GPU is not used."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile

GPUS = Path("/proc/driver/nvidia/gpus")  # where Linux lists them


@contextmanager
def quiet_tensorflow() -> Iterator[list[str]]:
    """Import TensorFlow inside this context; in the end the list has the lines that it printed."""
    messages: list[str] = []
    # TensorFlow reads its log level after the import: later errors are shown, greetings are not.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow leaves these kernels off on a processor without AVX-512, where they train the
    # small network twice as fast. It does not read this where they do not exist.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # TensorFlow prints to the process's stderr, below Python's.
    with TemporaryFile() as log:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(log.fileno(), 2)
        try:
            yield messages
            gc.freeze()  # what was imported stays: the garbage collector need not search it
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            log.seek(0)
            messages += log.read().decode(errors="replace").splitlines()


def used(record: dict, messages: list[str]) -> list[str]:
    """Return a line on the record of `loop.devices`; if a GPU is not used, also the messages."""
    several = f"{record['replicas']} × " if record["replicas"] > 1 else ""
    version = f"TensorFlow {record['tensorflow']}"
    lines = [f"training on {several}{record['device']}, {record['precision']}, {version}"]
    # Whoever sets CUDA_VISIBLE_DEVICES has chosen among the GPUs.
    present = 0 if "CUDA_VISIBLE_DEVICES" in os.environ else len(list(GPUS.glob("*")))
    visible = 0 if record["device"] == "CPU" else record["replicas"]
    if present > visible:
        lines.append(f"warning: TensorFlow uses {visible} of {present} GPUs; it says:")
        lines += [f"    {line}" for line in messages] or ["    nothing"]
    return lines
