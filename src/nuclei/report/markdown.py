"""How numbers, tables and figures are written in markdown."""

import pandas as pd

NONE = "–"


def table(rows: pd.DataFrame) -> str:
    """A table with its header; every cell as it prints."""
    return rows.to_markdown(index=False, disable_numparse=True)


def figure(name: str, caption: str) -> str:
    """The figure of that name, by a link relative to plots/, and its caption."""
    return f"![{name}](figures/{name}.png)\n\n{caption}"


def number(value: float, form: str = ".3f") -> str:
    """Three digits and a true minus; a dash where there is no number."""
    return NONE if pd.isna(value) else format(value, form).replace("-", "−")


def interval(row: pd.Series, score: str) -> str:
    """A score, such as 0.851 (0.802 to 0.899), from ``score, score_low, score_high``."""
    low, high = number(row[f"{score}_low"]), number(row[f"{score}_high"])
    return f"{number(row[score])} ({low} to {high})"


def change(row: pd.Series, name: str) -> str:
    """A difference, such as +0.012 (−0.003 to +0.025), from ``name, low, high``."""
    if pd.isna(row[name]):
        return NONE
    if pd.isna(row["low"]):
        return number(row[name], "+.3f")
    estimate, low, high = (number(row[key], "+.3f") for key in (name, "low", "high"))
    return f"{estimate} ({low} to {high})"


def p_value(p: float) -> str:
    """A p-value, never shown as 0."""
    return "< 0.001" if p < 0.001 else number(p)


def times(volume: float) -> str:
    """A volume, such as ×0.5; ×∞ draws every pass anew."""
    return NONE if pd.isna(volume) else f"×{volume:g}".replace("inf", "∞")
