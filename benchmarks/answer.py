"""The tables of docs/brca-m2c.md, from the numbers of its studies in docs/numbers.

`python benchmarks/answer.py` prints them; a test holds the page against them.
"""

from pathlib import Path

import pandas as pd

from nuclei import files
from nuclei.params.study import StudyParams
from nuclei.report import comparison, sections
from nuclei.report.markdown import NONE, change, interval, number, table, times

NUMBERS = Path(__file__).parents[1] / "docs/numbers"


def main() -> None:
    """Print every table, below its name."""
    for name, text in tables().items():
        print(f"[{name}]\n\n{text}\n")


def tables() -> dict[str, str]:
    """Return every table of the page in Markdown, by a name that says what it is about."""
    study, params = _study("brca-m2c"), _params("brca-m2c")
    patients, repeats = (
        study["sites"].groupby("site")["patients"].first().sum(),
        params.train.repeats,
    )
    return {
        "the arms": comparison.verdicts(study["arms"], params.evaluate.margin)[-1],
        "the arms at each volume": table(at_volumes(study["forest"])),
        "the scores": table(scores(study["cells"])),
        "which may be the best": comparison.standings(study["arms"])[-1],
        "the claims": table(claims(study["claims"])),
        "what would decide the rest": comparison.needs(study["power"], int(patients), repeats)[-1],
        "the volumes": table(sections.volumes(study["volumes"])),
        "the hospitals": table(sections.sites(study["sites"], params.volume)),
        "the classes": table(sections.classes(study["classes"], params.volume)),
        "the ends of the trainings": table(sections.ends(study["ends"])),
        "the choice of the new arms": table(choice(_study("brca-m2c-selection"))),
    }


def at_volumes(forest: pd.DataFrame) -> pd.DataFrame:
    """Every arm minus none, a column per volume."""
    lines: dict[str, dict] = {}
    for _, row in forest[forest["volume"] != "all"].iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        line[times(float(row["volume"]))] = change(row, "difference")
    return pd.DataFrame(lines.values()).fillna(NONE)


def scores(cells: pd.DataFrame) -> pd.DataFrame:
    """Macro AUC of every arm, a column per volume."""
    lines: dict[str, dict] = {}
    for _, row in cells.sort_values("volume", kind="stable").iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        line[times(row["volume"])] = interval(row, "macro_auc")
    return pd.DataFrame(lines.values()).fillna(NONE)


def claims(judged: pd.DataFrame) -> pd.DataFrame:
    """Every claim with its estimate and verdict, and the verdict of version 1."""
    before = files.read_csv(NUMBERS / "brca-m2c-version-1-claims.csv").set_index("claim")
    rows = sections.claims(judged).drop(columns=["rule"])
    return rows.assign(**{"version 1": judged["claim"].map(before["verdict"])})


def choice(study: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every candidate with its loss on validation, which chooses, and what test says of it."""
    lost = study["ends"].groupby("aug")["validation_loss"].mean().sort_values()
    arms = study["arms"].set_index("aug")
    return pd.DataFrame(
        {
            "augmentation": aug,
            "log loss on validation": number(loss),
            "macro AUC − none, on test": change(arms.loc[aug], "difference"),
        }
        for aug, loss in lost.items()
    )


def _study(name: str) -> dict[str, pd.DataFrame]:
    return {
        path.stem: pd.read_csv(path).drop(columns="asked", errors="ignore")
        for path in (NUMBERS / name).glob("*.csv")
    }


def _params(name: str) -> StudyParams:
    return files.read_params(StudyParams, NUMBERS / name / "params.yaml")


if __name__ == "__main__":
    main()
