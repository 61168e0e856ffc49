"""The tables of docs/brca-m2c.md and docs/generated.md, from the numbers in docs/numbers.

`python benchmarks/answer.py` prints them; a test holds the pages against them.
"""

import kept
import numpy as np
import pandas as pd

from nuclei.core import files, paths
from nuclei.report import page_tables
from nuclei.report.cautions import FEW_PATIENTS
from nuclei.report.markdown import NONE, change, interval, number, page_table, table, times
from nuclei.statistics.power import MORE_REPEATS


def main() -> None:
    """Print every table, below its name."""
    for name, text in (tables() | of_synthetic_nuclei()).items():
        print(f"[{name}]\n\n{text}\n")


def tables() -> dict[str, str]:
    """Return every table of docs/brca-m2c.md in Markdown, by a name that says what it is about."""
    whole, undecided = study("brca-m2c"), "verdict == 'undecided'"
    repeats = whole["checkpoints"]["repeat"].nunique()
    needs = whole["power"].query(undecided), repeats, MORE_REPEATS, FEW_PATIENTS
    return {
        "the augmentations": page_table("verdicts", whole["augmentations"]),
        "the augmentations at each volume": table(at_volumes(whole["forest"])),
        "the scores": table(scores(whole["configurations"])),
        "the augmentations without the largest sites": table(without(whole, "A7", "A8")),
        "which may be the best": page_table("standings", whole["augmentations"]),
        "the claims": table(claims(whole["claims"])),
        "what would decide the rest": page_table("needs", *needs),
        "the volumes": page_table("volumes", whole["volumes"]),
        "the sites": table(page_tables.sites(whole["sites"], np.inf)),
        "what sites gain": page_table("gains", page_tables.gains(whole["site_gains"])),
        "the classes": page_table("classes", whole["classes"], np.inf),
        "the checkpoints of the trainings": table(page_tables.checkpoints(whole["checkpoints"])),
        "the scores of so many patients": table(
            scores(study("brca-m2c-patients")["configurations"])
        ),
        "what more patients bring": page_table("volumes", study("brca-m2c-patients")["volumes"]),
        "the second network": table(networks(small=whole, wide=study("brca-m2c-wide"))),
        "the choice of the new augmentations": table(choice(study("brca-m2c-selection"))),
    }


def of_synthetic_nuclei() -> dict[str, str]:
    """Return the tables of docs/generated.md, by the same kind of name."""
    tissue, home = study("brca-m2c-generated"), kept.NUMBERS / "brca-m2c-generated"
    tissue["synthetic_nuclei"] = files.read_csv(
        home / f"seed-1/configurations/generated/{paths.QUALITIES}"
    )
    texts = {}
    for where, tables in {"tissue": tissue, "simulated": study("simulated-generated")}.items():
        added, nuclei = tables["synthetic_against_real"], tables["synthetic_nuclei"]
        texts |= {
            f"what synthetic nuclei add, {where}": page_table("against_real", added),
            f"how near they come, {where}": page_table("qualities", nuclei),
        }
    return texts


def networks(**studies: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every augmentation minus none with the last network, beside the others at its volumes."""
    *_, last = studies.values()
    shown = {
        name: at_volumes(tables["forest"]).set_index("augmentation")
        for name, tables in studies.items()
    }
    volumes = at_volumes(last["forest"]).columns[1:]
    columns = {
        f"{name}, {volume}": of.get(volume) for volume in volumes for name, of in shown.items()
    }
    augs = last["forest"]["aug"].unique()
    return pd.DataFrame(columns).reindex(augs).fillna(NONE).reset_index(names="augmentation")


def at_volumes(forest: pd.DataFrame) -> pd.DataFrame:
    """Every augmentation minus none, a column per volume."""
    lines: dict[str, dict] = {}
    for _, row in forest[forest["volume"] != "all"].iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        line[times(float(row["volume"]))] = change(row, "difference")
    return pd.DataFrame(lines.values()).fillna(NONE)


def without(tables: dict[str, pd.DataFrame], *left_out: str) -> pd.DataFrame:
    """Every augmentation minus none, and the same with a site's patients left out."""
    patients = tables["sites"].groupby("site")["patients"].first()
    shown = {f"all {patients.sum()} patients": tables["augmentations"]}
    for site in left_out:
        others = patients.drop(site).sum()
        shown[f"without {site}: {others} patients"] = tables[f"without-{site}"]
    columns = {
        title: augmentations.set_index("aug").apply(change, axis=1, name="difference")
        for title, augmentations in shown.items()
    }
    return pd.DataFrame(columns).drop(index="none").reset_index(names="augmentation")


def scores(configurations: pd.DataFrame) -> pd.DataFrame:
    """Macro AUC of every augmentation, a column per volume."""
    lines: dict[str, dict] = {}
    for _, row in configurations.sort_values("volume", kind="stable").iterrows():
        line = lines.setdefault(row["aug"], {"augmentation": row["aug"]})
        line[times(row["volume"])] = interval(row, "macro_auc")
    return pd.DataFrame(lines.values()).fillna(NONE)


def claims(verdicts: pd.DataFrame) -> pd.DataFrame:
    """Every claim with its estimate and verdict, and the verdict of version 1."""
    before = files.read_csv(kept.NUMBERS / "brca-m2c-version-1-claims.csv").set_index("claim")
    return pd.DataFrame(
        {
            "#": row["claim"],
            "the notebook said": row["statement"],
            "judged by": row["quantity"],
            "estimate (95 %)": change(row, "estimate"),
            "margin": f"{row['margin']:g}",
            "verdict": f"**{row['verdict']}**",
            "version 1": before["verdict"][row["claim"]],
        }
        for _, row in verdicts.iterrows()
    )


def choice(tables: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Every candidate with its loss on validation, which chooses, and what test says of it."""
    losses = tables["checkpoints"].groupby("aug")["validation_loss"].mean().sort_values()
    augmentations = tables["augmentations"].set_index("aug")
    return pd.DataFrame(
        {
            "augmentation": aug,
            "log loss on validation": number(loss),
            "macro AUC − none, on test": change(augmentations.loc[aug], "difference"),
        }
        for aug, loss in losses.items()
    )


def study(name: str) -> dict[str, pd.DataFrame]:
    """Read the tables of a study, without the mark of the augmentation asked for."""
    return {
        path.stem: pd.read_csv(path).drop(columns="asked", errors="ignore")
        for path in (kept.NUMBERS / name).glob("*.csv")
    }


if __name__ == "__main__":
    main()
