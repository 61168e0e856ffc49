"""The pages' templates, and how numbers, tables and figures are written in markdown."""

import re
from collections.abc import Mapping
from math import inf
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader, StrictUndefined
from tabulate import tabulate

from nuclei.core.classes import CLASSES

NONE = "–"


def render(template: str, **values: Any) -> str:
    """Fill in a template of this package, by its file's name; its filters are the functions below.

    A value that the template names and lacks raises jinja2.UndefinedError.
    """
    return _PAGES.get_template(template).render(values)


def page_table(name: str, *tables: Any) -> str:
    """Write a table of report.md alone, by the name of its macro in tables.md.j2."""
    return getattr(_PAGES.get_template("tables.md.j2").module, name)(*tables)


def cell(value: Any) -> Any:
    """Keep a bar in a name of the user's from ending its cell."""
    return value.replace("|", r"\|") if isinstance(value, str) else value


def table(rows: pd.DataFrame) -> str:
    """Write a table with its header, every value as it prints."""
    return rows.map(cell).to_markdown(index=False, disable_numparse=True)


def aligned(lines: str) -> str:
    """Align a table of lines such as ``| flip | 0.9 |``; the first one is its header."""
    header, *rows = (
        [text.strip() for text in re.split(r"(?<!\\)\|", line)[1:-1]] for line in lines.splitlines()
    )
    return tabulate(rows, header, tablefmt="pipe", disable_numparse=True)


def figure(name: str, folder: str = "figures") -> str:
    """Embed the figure of that name, by a link relative to plots/."""
    return f"![{name}]({folder}/{name}.png)"


def number(value: float, form: str = ".3f") -> str:
    """Write three digits and a true minus, or a dash where there is no number."""
    return NONE if pd.isna(value) else format(value, form).replace("-", "−")


def signed(value: float) -> str:
    """Write a difference, such as +0.012."""
    return number(value, "+.3f")


def interval(row: Mapping[str, float], score: str) -> str:
    """Write a score, such as 0.851 (0.802 to 0.899), from ``score, score_low, score_high``."""
    low, high = number(row[f"{score}_low"]), number(row[f"{score}_high"])
    return f"{number(row[score])} ({low} to {high})"


def change(row: Mapping[str, float], name: str, prefix: str = "") -> str:
    """Write a difference, such as +0.012 (−0.003 to +0.025), from ``name``, ``low`` and ``high``.

    The names of the bounds may have a prefix, such as ``log_loss_``.
    """
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    if pd.isna(row[name]) or pd.isna(low):
        return signed(row[name])
    return f"{signed(row[name])} ({signed(low)} to {signed(high)})"


def p_value(p: float) -> str:
    """Write a p-value, never as 0."""
    return "< 0.001" if p < 0.001 else number(p)


def times(volume: float) -> str:
    """Write a volume, such as ×0.5; ×∞ draws every pass anew."""
    return NONE if pd.isna(volume) else f"×{volume:g}".replace("inf", "∞")


def counted(count: int, noun: str) -> str:
    """Write a count and its noun, such as 1 repeat or 2 repeats."""
    return f"{count} {noun}" + ("s" if count > 1 else "")


def named(row: Mapping[str, Any]) -> str:
    """Write the augmentation of a row, in bold if it is the one that was asked for."""
    return f"**{row['aug']}**" if row.get("asked") else row["aug"]


def listed(names: list[str]) -> str:
    """Write names as code, such as `crop`, `flip` and `none`."""
    *others, last = [f"`{name}`" for name in names]
    return f"{', '.join(others)} and {last}" if others else last


_PAGES = Environment(
    loader=PackageLoader("nuclei.report", "."),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)
_FILTERS = [cell, table, aligned, figure, named, counted, listed]
_FILTERS += [number, signed, interval, change, p_value, times]
_PAGES.globals |= {"CLASSES": CLASSES, "inf": inf}
_PAGES.filters |= {function.__name__: function for function in _FILTERS}
