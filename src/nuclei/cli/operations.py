"""Print the table of all operations, or write docs/operations.md."""

from nuclei.pipeline import environment  # noqa: F401, first: it needs no package

# isort: split
from pathlib import Path

from nuclei.pipeline import stage
from nuclei.report import operations


def main(out: str = "") -> None:
    """Print the table; with `out`, write the page about operations there."""
    if out:
        Path(out).write_text(operations.page(), encoding="utf-8")
    else:
        print(operations.terminal())


if __name__ == "__main__":
    stage.command(main)
