"""Print the answer and the scores of every arm, as the last evaluate wrote them."""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
from nuclei.core import files, paths
from nuclei.core.errors import InputError
from nuclei.pipeline import stage
from nuclei.report import document


def main() -> None:
    """Print what evaluate prints: the answer, the table, and where the report is."""
    found = {name: paths.PLOTS / f"{name}.csv" for name in ("answer", "configurations")}
    for path in found.values():
        if not path.exists():
            raise InputError(f"{path} is missing; `dvc repro` makes it")
    answer, cells = (files.read_csv(path) for path in found.values())
    print(*answer["text"], "", document.terminal(cells), sep="\n")
    print(f"report: {paths.PLOTS / 'report.md'}")


if __name__ == "__main__":
    stage.command(main)
