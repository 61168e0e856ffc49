"""Rehash DVC's cache and all outputs; move aside what is corrupt, so that DVC makes it anew."""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
import sys

from nuclei.dvc_api import files
from nuclei.pipeline import stage


def main() -> None:
    """Name every corrupt object, changed output and torn record; exit 1 if there is any."""
    found = files.mend()
    for line in found:
        print(line)
    if found:
        sys.exit("error: not all was whole; type `dvc repro`, with --pull if a remote has the data")
    print("whole: every object of the cache and every output")


if __name__ == "__main__":
    stage.command(main)
