"""Print the scores of every arm, as the last evaluate wrote them."""

import environment  # noqa: F401, first: it needs no package

# isort: split
import paths
import stage
from nuclei import files
from nuclei.errors import InputError
from nuclei.report import document


def main() -> None:
    """Print the table that evaluate prints, and where the report is."""
    path = paths.PLOTS / "cells.csv"
    if not path.exists():
        raise InputError(f"{path} is missing; `dvc repro` makes it")
    print(document.terminal(files.read_csv(path)))
    print(f"report: {paths.PLOTS / 'report.md'}")


if __name__ == "__main__":
    stage.command(main)
