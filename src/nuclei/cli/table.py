"""Print the answer and every augmentation's scores, as the last evaluate wrote them."""

from nuclei.core import files, paths
from nuclei.core.errors import InputError
from nuclei.report import document


def table() -> None:
    """Print what evaluate prints: the answer, the scores, and where the report is.

    Raises:
        InputError: evaluate has not written its tables yet.
    """
    tables = {name: paths.PLOTS / f"{name}.csv" for name in ("answer", "configurations")}
    for path in tables.values():
        if not path.exists():
            raise InputError(f"{path} is missing; `dvc repro` makes it")
    answer, configurations = (files.read_csv(path) for path in tables.values())
    print(*answer["text"], "", document.terminal(configurations), sep="\n")
    print(f"report: {paths.PLOTS / 'report.md'}")
