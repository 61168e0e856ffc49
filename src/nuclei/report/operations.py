"""The table of all operations, for the terminal and for docs/operations.md."""

import pandas as pd

from nuclei.augmentation.operation import Operation
from nuclei.augmentation.policies import WIDE
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.report.markdown import render


def table() -> pd.DataFrame:
    """What every operation does, what its number means, and where it comes from."""
    return pd.DataFrame(_row(name, operation) for name, operation in OPERATIONS.items())


def page() -> str:
    """Write the text of docs/operations.md."""
    operations = table().assign(operation=lambda rows: "`" + rows["operation"] + "`")
    wide = (
        f"`{name}`" if strength is None else f"`{name}-{strength:g}`"
        for name, strength in WIDE.items()
    )
    return render("operations.md.j2", operations=operations, wide=", ".join(wide))


def terminal() -> str:
    """Write the table in lines, without the sources."""
    width = max(map(len, OPERATIONS)) + 2
    lines = []
    for row in table().to_dict("records"):
        lines.append(f"{row['operation']:<{width}}{row['what it does']}")
        if row["number"]:
            meaning = f"{row['number']}, {row['range']}"
            lines.append(f"{'':<{width}}{row['operation']}-{row['default']}: {meaning}")
    return "\n".join(lines)


def number(name: str) -> str:
    """Say what the number of an operation means, with its unit: the label of an axis."""
    strength = OPERATIONS[name].strength
    assert strength, f"{name} takes no number"
    return f"{strength.meaning} ({strength.unit})" if strength.unit else strength.meaning


def _row(name: str, operation: Operation) -> dict[str, str]:
    row = {"operation": name, "what it does": operation.does}
    row |= {"number": "", "range": "", "default": ""}
    if strength := operation.strength:
        row["number"] = strength.meaning
        row["range"] = f"{strength.low:g} to {strength.high:g} {strength.unit}".rstrip()
        row["default"] = f"{strength.default:g}"
    return row | {"from": operation.source}
