"""Tables in another shape, as report.md and the answer show them."""

import pandas as pd

from nuclei.core.folds import SPLITS
from nuclei.report.markdown import NONE, change, number, times


def strengths(dose: pd.DataFrame) -> pd.DataFrame:
    """Every strength against none, a column per volume."""
    lines: dict[tuple, dict] = {}
    for _, row in dose.sort_values(["series", "strength"], kind="stable").iterrows():
        strength = f"{row['strength']:g} {row['unit']}".rstrip()
        first = {"series": row["series"], "strength": strength, "augmentation": row["aug"]}
        line = lines.setdefault((row["series"], row["aug"]), first)
        line[f"− none, {times(row['volume'])}"] = change(row, "difference")
    return pd.DataFrame(lines.values()).fillna(NONE)


def sites(sites: pd.DataFrame, volume: float) -> pd.DataFrame:
    """Macro AUC of every augmentation at every site, a row per fold that tests it."""
    rows, key = sites[sites["volume"] == volume], ["site", "fold"]
    about = rows.groupby(key)[["patients", "nuclei", "classes"]].first()
    aucs = rows.pivot(index=key, columns="aug", values="macro_auc")[rows["aug"].unique()]
    return about.join(aucs.map(number)).reset_index()


def gains(site_gains: pd.DataFrame) -> pd.DataFrame:
    """At how many sites every augmentation gains, and how much; each site counts once.

    ``without`` is what the augmentation gains with the patients of ``most_site`` left out.
    """
    lines = []
    for aug, rows in site_gains.groupby("aug", sort=False):
        gain = rows.set_index("site")["gain"]
        least, most = gain.idxmin(), gain.idxmax()
        without = rows.set_index("site")["without"][most]
        line = {"aug": aug, "gaining": (gain > 0).sum(), "sites": len(gain), "mean": gain.mean()}
        line |= {"least": gain[least], "least_site": least}
        lines.append(line | {"most": gain[most], "most_site": most, "without": without})
    return pd.DataFrame(lines)


def checkpoints(checkpoints: pd.DataFrame) -> pd.DataFrame:
    """After how many updates networks were kept: median and range over a configuration's."""
    lines: dict[str, dict] = {}
    for (aug, volume), rows in checkpoints.groupby(["aug", "volume"], sort=False):
        median, low, high = (f"{rows['updates'].agg(how):g}" for how in ("median", "min", "max"))
        late = (rows["updates"] == rows["of"]).sum()
        kept = f"{median} ({low} to {high})" + (f", {late} at the end" if late else "")
        lines.setdefault(aug, {"augmentation": aug})[times(volume)] = kept
    return pd.DataFrame(lines.values()).fillna(NONE)


def counts(summary: dict) -> pd.DataFrame:
    """Nuclei by class, patients and sites of each split of each fold, of prepare's summary."""
    return pd.DataFrame(
        {"fold": fold, "split": split, **numbers[split]}
        for fold, numbers in summary["folds"].items()
        for split in SPLITS
    )


def used(records: pd.DataFrame) -> pd.DataFrame:
    """Training records, a row per configuration; equal ones are counted in ``configurations``."""
    rows = records.assign(volume=[times(volume) for volume in records["volume"]])
    return rows.value_counts(sort=False).rename("configurations").reset_index()
