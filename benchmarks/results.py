"""What `make bench` measured, with the machine it ran on: benchmarks/results.json.

`python benchmarks/results.py` prints its tables of docs/statistics.md; benchmarks/performance.py
has those of docs/performance.md.
"""

import json
import os
import platform
import re
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median

import pandas as pd

FILE = Path(__file__).with_name("results.json")
PACKAGES = (
    "albumentations",
    "dvc",
    "keras",
    "numpy",
    "opencv-python-headless",
    "tensorflow",
    "torch",
)


def compared(title: str, rates: dict[str, list[float]], unit: str) -> dict:
    """Print and return the rates of several ways, and how often the first beats each other one.

    Args:
        title: what was done.
        rates: by way, one per round; in each round every way ran once, the first is ours.
        unit: of a rate.

    Returns:
        The median rate of each way; each ratio's median, minimum and maximum over the rounds.
    """
    ours, *others = rates
    ratios = {}
    for other in others:
        ratio = sorted(a / b for a, b in zip(rates[ours], rates[other], strict=True))
        ratios[other] = {"median": median(ratio), "min": ratio[0], "max": ratio[-1]}
    medians = {way: median(values) for way, values in rates.items()}
    print(f"{title}: {medians[ours]:,.0f} {unit}")
    for other, r in ratios.items():
        spread = f"{r['median']:.2f} × ({r['min']:.2f} to {r['max']:.2f})"
        print(f"    {spread} of {other}, {medians[other]:,.0f} {unit}")
    return {"unit": unit, "rates": medians, "ratios": ratios}


def idle() -> float:
    """Return the load of this machine; say so where it is too high for a measurement."""
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"not idle: a load of {load:.1f} before anything was begun")
    return load


def read() -> dict:
    """Return all that was recorded, by benchmark."""
    return json.loads(FILE.read_text(encoding="utf-8")) if FILE.exists() else {}


def record(name: str, values: dict) -> None:
    """Write one benchmark's numbers, rounded to 4 digits, beside those of the others."""
    _write({name: _measured_here(values)})


def merge(name: str, records: dict[str, dict]) -> None:
    """Write some records of one benchmark, and keep its other records.

    Each record has its own date and machine. The benchmark's are those of the records without one.
    """
    benchmark = read().get(name, _measured_here({}))
    _write({name: benchmark | {title: _measured_here(row) for title, row in records.items()}})


def _measured_here(values: dict) -> dict:
    return {"date": date.today().isoformat(), "machine": _machine(), **_rounded(values)}


def _write(benchmarks: dict[str, dict]) -> None:
    unfinished = FILE.with_suffix(".unfinished")
    unfinished.write_text(
        json.dumps(read() | benchmarks, indent=1, sort_keys=True) + "\n", encoding="utf-8"
    )
    unfinished.replace(FILE)


def best(rows: list[dict]) -> str:
    """Write the rows of benchmarks/best.py as a table: % with the best one (size of the set)."""
    table = pd.DataFrame(rows)
    table["shown"] = [
        f"{holds:.0f} ({size:.1f})"
        for holds, size in zip(table["holds the best"], table["size"], strict=True)
    ]
    keys = ["patients", "augmentations", "skewness"]
    wide = table.pivot(index=keys, columns="truth", values="shown")[table["truth"].unique()]
    return wide.reset_index().to_markdown(index=False, disable_numparse=True)


def power(rows: list[dict]) -> str:
    """Write the rows of benchmarks/power.py as a table; what was detected in %."""
    digits = {"smallest detectable": 4, "detected of nothing": 1}
    table = pd.DataFrame(
        {name: f"{value:.{digits.get(name, 0)}f}" for name, value in row.items()} for row in rows
    )
    order = ["patients", "skewness", "repeats", "needed", "detected with as many"]
    order += ["smallest detectable", "detected by itself", "detected of nothing"]
    return table[order].to_markdown(index=False, disable_numparse=True)


def _machine() -> dict:
    versions = {}
    for package in PACKAGES:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            continue
    cpu = {"cpu": _cpu(), "cores": os.cpu_count()}
    return {**cpu, "python": platform.python_version(), **versions}


def _cpu() -> str:
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:  # not Linux
        text = ""
    model = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return model[1] if model else platform.processor() or platform.machine()


def _rounded(value):
    if isinstance(value, dict):
        return {str(key): _rounded(v) for key, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_rounded(v) for v in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


if __name__ == "__main__":
    kept = read()
    print(best(kept["best"]["rows"]), power(kept["power"]["rows"]), sep="\n\n")
