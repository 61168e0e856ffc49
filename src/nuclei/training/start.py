"""How TensorFlow is imported: without its greetings, but not without its reasons."""

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
    """Import TensorFlow inside this; its greetings are not shown but kept.

    Yields:
        A list that holds the lines that it said once the block has ended.
    """
    said: list[str] = []
    # Errors after the import are shown, greetings are not: its log level is read late.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    # TensorFlow leaves these kernels off on a processor without AVX-512, where they train the
    # small network twice as fast. Where they do not exist it does not read this.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    # TensorFlow speaks on the process's own stderr, below Python's.
    with TemporaryFile() as kept:
        sys.stderr.flush()
        stderr = os.dup(2)
        os.dup2(kept.fileno(), 2)
        try:
            yield said
            gc.freeze()  # what was imported stays: it need not be searched for waste
        finally:
            os.dup2(stderr, 2)
            os.close(stderr)
            kept.seek(0)
            said += kept.read().decode(errors="replace").splitlines()


def used(record: dict, said: list[str]) -> list[str]:
    """Say in one line what training runs on, and why a GPU that the machine shows is not used.

    Args:
        record: of `loop.devices`.
        said: what TensorFlow said when it was imported.
    """
    several = f"{record['replicas']} × " if record["replicas"] > 1 else ""
    version = f"TensorFlow {record['tensorflow']}"
    lines = [f"training on {several}{record['device']}, {record['precision']}, {version}"]
    # Whoever sets CUDA_VISIBLE_DEVICES chooses among the GPUs.
    shown = 0 if "CUDA_VISIBLE_DEVICES" in os.environ else len(list(GPUS.glob("*")))
    visible = 0 if record["device"] == "CPU" else record["replicas"]
    if shown > visible:
        lines.append(f"warning: TensorFlow uses {visible} of {shown} GPUs; it says:")
        lines += [f"    {line}" for line in said] or ["    nothing"]
    return lines
