"""Print the table of all operations, or write docs/operations.md."""

from pathlib import Path

from nuclei.report import operations as table


def operations(out: Path | None = None) -> None:
    """Print what every operation does, or write the page about operations to `out`."""
    if out:
        out.write_text(table.page(), encoding="utf-8")
    else:
        print(table.terminal())
