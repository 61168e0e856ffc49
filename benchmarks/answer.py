"""The tables of docs/brca-m2c.md and docs/generated.md, from the numbers in docs/numbers.

`python benchmarks/answer.py` prints them; a test holds the pages against them.
"""

import kept
import numpy as np
import pandas as pd

from nuclei.core import files, paths
from nuclei.report import comparison, made_nuclei, sections
from nuclei.report.markdown import NONE, change, interval, number, table, times
from nuclei.statistics import sites


def main() -> None:
    """Print every table, below its name."""
    for name, text in (tables() | of_made_nuclei()).items():
        print(f"[{name}]\n\n{text}\n")


def tables() -> dict[str, str]:
    """Return every table of docs/brca-m2c.md in Markdown, by a name that says what it is about."""
    found, margin = study("brca-m2c"), kept.params_of("brca-m2c/seed-1").evaluate.margin
    patients = int(found["sites"].groupby("site")["patients"].first().sum())
    repeats = found["checkpoints"]["repeat"].nunique()
    return {
        "the arms": comparison.verdicts(found["augmentations"], margin)[-1],
        "the arms at each volume": table(at_volumes(found["forest"])),
        "the scores": table(scores(found["configurations"])),
        "the arms without the largest hospitals": table(without(found, "A7", "A8")),
        "which may be the best": comparison.standings(found["augmentations"])[-1],
        "the claims": table(claims(found["claims"])),
        "what would decide the rest": comparison.needs(found["power"], patients, repeats)[-1],
        "the volumes": table(sections.volumes(found["volumes"])),
        "the hospitals": table(sections.sites(found["sites"], np.inf)),
        "what hospitals gain": sections.gains(sites.gains(found["sites"]))[-1],
        "the classes": table(sections.classes(found["classes"], np.inf)),
        "the ends of the trainings": table(sections.ends(found["checkpoints"])),
        "the scores of so many patients": table(
            scores(study("brca-m2c-patients")["configurations"])
        ),
        "what more patients bring": table(sections.volumes(study("brca-m2c-patients")["volumes"])),
        "the second network": table(networks(small=found, wide=study("brca-m2c-wide"))),
        "the choice of the new arms": table(choice(study("brca-m2c-selection"))),
    }


def of_made_nuclei() -> dict[str, str]:
    """Return the tables of docs/generated.md, by the same kind of name."""
    tissue, home = study("brca-m2c-generated"), kept.NUMBERS / "brca-m2c-generated"
    tissue["synthetic_nuclei"] = files.read_csv(home / f"seed-1/cells/generated/{paths.QUALITIES}")
    made = {}
    for where, found in {"tissue": tissue, "simulated": study("simulated-generated")}.items():
        said = made_nuclei.made_nuclei(found)
        made |= {
            f"what made nuclei add, {where}": said[2],
            f"how near they come, {where}": said[-1],
        }
    return made


def networks(**found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every arm of the last network minus none, beside the others' at the same volumes."""
    *_, last = found.values()
    shown = {name: at_volumes(of["forest"]).set_index("augmentation") for name, of in found.items()}
    volumes = at_volumes(last["forest"]).columns[1:]
    columns = {f"{name}, {at}": of.get(at) for at in volumes for name, of in shown.items()}
    arms = last["forest"]["aug"].unique()
    return pd.DataFrame(columns).reindex(arms).fillna(NONE).reset_index(names="augmentation")


def at_volumes(forest: pd.DataFrame) -> pd.DataFrame:
    """Every arm minus none, a column per volume."""
    lines: dict[str, dict] = {}
    for _, row in forest[forest["volume"] != "all"].iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        line[times(float(row["volume"]))] = change(row, "difference")
    return pd.DataFrame(lines.values()).fillna(NONE)


def without(found: dict[str, pd.DataFrame], *left_out: str) -> pd.DataFrame:
    """Every arm minus none, and the same where a hospital's patients are not tested."""
    patients = found["sites"].groupby("site")["patients"].first()
    shown = {f"all {patients.sum()} patients": found["augmentations"]}
    for site in left_out:
        others = patients.drop(site).sum()
        shown[f"without {site}: {others} patients"] = found[f"without-{site}"]
    columns = {
        title: arms.set_index("aug").apply(change, axis=1, name="difference")
        for title, arms in shown.items()
    }
    return pd.DataFrame(columns).drop(index="none").reset_index(names="augmentation")


def scores(cells: pd.DataFrame) -> pd.DataFrame:
    """Macro AUC of every arm, a column per volume."""
    lines: dict[str, dict] = {}
    for _, row in cells.sort_values("volume", kind="stable").iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        line[times(row["volume"])] = interval(row, "macro_auc")
    return pd.DataFrame(lines.values()).fillna(NONE)


def claims(judged: pd.DataFrame) -> pd.DataFrame:
    """Every claim with its estimate and verdict, and the verdict of version 1."""
    before = files.read_csv(kept.NUMBERS / "brca-m2c-version-1-claims.csv").set_index("claim")
    rows = sections.claims(judged).drop(columns=["rule"])
    return rows.assign(**{"version 1": judged["claim"].map(before["verdict"])})


def choice(found: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every candidate with its loss on validation, which chooses, and what test says of it."""
    lost = found["checkpoints"].groupby("aug")["validation_loss"].mean().sort_values()
    arms = found["augmentations"].set_index("aug")
    return pd.DataFrame(
        {
            "augmentation": aug,
            "log loss on validation": number(loss),
            "macro AUC − none, on test": change(arms.loc[aug], "difference"),
        }
        for aug, loss in lost.items()
    )


def study(name: str) -> dict[str, pd.DataFrame]:
    """Read the tables of a study, without the mark of the arm that was asked for."""
    return {
        path.stem: pd.read_csv(path).drop(columns="asked", errors="ignore")
        for path in (kept.NUMBERS / name).glob("*.csv")
    }


if __name__ == "__main__":
    main()
