"""How TensorFlow is imported: sooner, and without its greetings."""

import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def quiet_tensorflow() -> Iterator[None]:
    """Import TensorFlow inside this."""
    # Keras imports these where it finds them, for what nothing here calls: a third of its start.
    absent: dict[str, Any] = dict.fromkeys({"matplotlib", "sklearn"} - sys.modules.keys())
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
