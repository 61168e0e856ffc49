"""Rehash DVC's cache and all outputs; move aside what is corrupt, so that DVC makes it anew."""

import sys

from nuclei.dvc_api import files


def verify() -> None:
    """Name every corrupt object, changed output and torn record; exit with code 1 if any exists.

    Raises:
        InputError: another DVC process runs here.
    """
    problems = files.mend()
    for line in problems:
        print(line)
    if problems:
        sys.exit("error: not all was whole; type `dvc repro`, with --pull if a remote has the data")
    print("whole: every object of the cache and every output")
