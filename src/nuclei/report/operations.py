"""The table of all operations, for the terminal and for docs/operations.md."""

from inspect import getdoc
from textwrap import fill

import pandas as pd

from nuclei.augmentation.operation import Operation
from nuclei.augmentation.policies import WIDE
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.report import markdown

_PAGE = """# Operations

*Written by `make operations OUT=docs/operations.md`: change the code, not this page.*

An augmentation is operations joined by `+`, applied in that order, such as `invert+flip`. An
operation with a number in this table may be given another one after a dash: `rotation-90`,
`flip+stain-5`. Without it, the number is the default. Most operations draw a value for every
nucleus, anywhere up to the number: it is a limit, not what every nucleus gets. At every number an
operation draws the same random numbers: two strengths differ by nothing else.

{table}

`randstainna` learns how the training nuclei are coloured, from all training nuclei of a fold, at
every volume, and from no other patients. Its copies lie in a folder per fold,
`data/augmented/randstainna/fold-F/`: with five folds they take five times the disk of another arm.
Volume inf reads none of them.

`generated` takes time: for every fold a network learns from the fold's training nuclei and makes
others, in `data/augmented/AUG/fold-F/pool.npy`. Every second copy, and every second pass at volume
inf, holds made nuclei of the same classes, the others the nuclei themselves:
[generated.md](generated.md).

`trivial` and `rand` draw from one set of operations. `trivial` applies one, up to a high strength:

{wide}.

`rand-3` applies three of the set, one after the other, each up to its default.

`crop` enlarges all training nuclei alike, so the report also tests it on test nuclei that are as
large; `scale` makes as many smaller as larger.

To see what an operation does to nuclei, `make show AUG=stain-10` draws some of yours, several
times. `make show` draws all operations; this is what it makes of the simulated nuclei:

![Every operation, three draws of a nucleus of each class](operations.png)
"""


def table() -> pd.DataFrame:
    """What every operation does, what its number means, and where it comes from."""
    return pd.DataFrame(_row(name, operation) for name, operation in OPERATIONS.items())


def page() -> str:
    """The text of docs/operations.md."""
    named = table().assign(operation=lambda rows: "`" + rows["operation"] + "`")
    wide = ", ".join(
        f"`{name}`" if strength is None else f"`{name}-{strength:g}`"
        for name, strength in WIDE.items()
    )
    return _PAGE.format(table=markdown.table(named), wide=fill(wide, 96))


def terminal() -> str:
    """The table in lines, without the sources: what an operation does, what its number means."""
    width = max(map(len, OPERATIONS)) + 2
    lines = []
    for row in table().to_dict("records"):
        lines.append(f"{row['operation']:<{width}}{row['what it does']}")
        if row["number"]:
            says = f"{row['number']}, {row['range']}"
            lines.append(f"{'':<{width}}{row['operation']}-{row['default']}: {says}")
    return "\n".join(lines)


def number(name: str) -> str:
    """What the number of an operation means, with its unit: the label of an axis of strengths."""
    strength = OPERATIONS[name].strength
    assert strength, f"{name} takes no number"
    return f"{strength.meaning} ({strength.unit})" if strength.unit else strength.meaning


def _row(name: str, operation: Operation) -> dict[str, str]:
    does = (getdoc(operation.apply) or "").partition("\n")[0]
    row = {"operation": name, "what it does": does, "number": "", "range": "", "default": ""}
    if strength := operation.strength:
        unit = f" {strength.unit}" if strength.unit else ""
        row["number"] = strength.meaning
        row["range"] = f"{strength.low:g} to {strength.high:g}{unit}"
        row["default"] = f"{strength.default:g}"
    return row | {"from": operation.source}
