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
    found = {name: paths.PLOTS / f"{name}.csv" for name in ("answer", "cells")}
    for path in found.values():
        if not path.exists():
            raise InputError(f"{path} is missing; `dvc repro` makes it")
    answer, cells = (files.read_csv(path) for path in found.values())
    print(*answer["text"], "", document.terminal(cells), sep="\n")
    print(f"report: {paths.PLOTS / 'report.md'}")


if __name__ == "__main__":
    stage.command(main)
