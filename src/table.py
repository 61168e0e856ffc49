"""Print the answer and the scores of every arm, as the last evaluate wrote them."""

import environment  # noqa: F401, first: it needs no package

# isort: split
import paths
import stage
from nuclei import files
from nuclei.errors import InputError
from nuclei.report import document


def main() -> None:
    """Print what evaluate prints: the answer, the table, and where the report is."""
    path = paths.PLOTS / "cells.csv"
    if not path.exists():
        raise InputError(f"{path} is missing; `dvc repro` makes it")
    answer = files.read_csv(paths.PLOTS / "answer.csv")
    print(*answer["text"], "", document.terminal(files.read_csv(path)), sep="\n")
    print(f"report: {paths.PLOTS / 'report.md'}")


if __name__ == "__main__":
    stage.command(main)
