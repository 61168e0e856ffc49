"""The tables of docs/brca-m2c.md, from the numbers of its studies in docs/numbers.

`python benchmarks/answer.py` prints them; a test holds the page against them.
"""

import kept
import pandas as pd

from nuclei.report.markdown import change, number, table


def choice(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every candidate with its loss on validation, which chooses, and what test says of it."""
    lost = found["ends"].groupby("aug")["validation_loss"].mean().sort_values()
    arms = found["arms"].set_index("aug")
    return pd.DataFrame(
        {
            "augmentation": aug,
            "log loss on validation": number(loss),
            "macro AUC − none, on test": change(arms.loc[aug], "difference"),
        }
        for aug, loss in lost.items()
    )


def study(name: str) -> dict[str, pd.DataFrame]:
    """Read the tables of a study."""
    return {path.stem: pd.read_csv(path) for path in (kept.NUMBERS / name).glob("*.csv")}


if __name__ == "__main__":
    print(table(choice(study("brca-m2c-selection"))))
