"""The tables of docs/performance.md, from benchmarks/results.json.

`python benchmarks/performance.py` prints them; a test holds the page against them.
"""

import pandas as pd
import results

from nuclei.report import markdown

STEPS = ("dvc add", "dvc push", "dvc pull", "dvc checkout", "dvc status")


def main() -> None:
    """Print every table, below its name, and when it was measured."""
    kept = results.read()
    for name, text in tables(kept).items():
        print(f"[{name}, {kept[name.partition(':')[0]]['date']}]\n\n{text}\n")


def tables(kept: dict) -> dict[str, str]:
    """Return every table in Markdown, by the name of its benchmark."""
    return {
        "augmentation": augmentations(kept["augmentation"]),
        "writing": writing(kept["writing"]),
        "training": training(kept["training"]),
        "study": study(kept["study"]),
        "fresh": fresh(kept["fresh"]),
        "versioning": versioning(kept["versioning"]),
        "versioning: bytes": stored(kept["versioning"]["bytes"]),
        "growth": growth(kept["growth"]),
        "slide": slide(kept["slide"]),
        "nothing": nothing(kept["nothing"]),
    }


def augmentations(records: dict) -> str:
    """Crops per second of every recipe, and how many times those of others.

    Records measured on other days than the rest have their date beside them.
    """
    others = {
        "albumentations": "Albumentations",
        "keras": "Keras",
        "notebook": "the notebook's way",
    }
    header = ["recipe", "px", "crops/s", *(f"× {name}" for name in others.values()), "measured"]
    rows = []
    for title, row in _rows(records):
        if title != "none 64 px":
            recipe, side, _ = title.split()
            ratios = [_spread(row["ratios"].get(other)) for other in others]
            rate = f"{row['rates']['ours'] / 1000:.1f} k"
            rows.append([recipe, side, rate, *ratios, row.get("date", records["date"])])
    columns = len(header) if len({row[-1] for row in rows}) > 1 else len(header) - 1
    return _table(header[:columns], [row[:columns] for row in rows])


def writing(records: dict) -> str:
    """What an augment stage writes in a second, as a share of a plain write."""
    rows = []
    for recipe, row in _rows(records):
        of = row["ratios"]["plain write"]
        share, low, high = (f"{100 * of[name]:.0f}" for name in ("median", "min", "max"))
        rows.append([recipe, f"{row['rates']['ours']:.0f}", f"{share} % ({low} to {high})"])
    rows.sort(key=lambda row: -float(row[2].split()[0]))
    return _table(["recipe", "MB/s", "of the plain write's speed"], rows)


def training(record: dict) -> str:
    """Updates per second of the stage's loop and of what one would use instead."""
    names = {
        "bare steps": "bare steps on a batch in memory",
        "Keras fit": "Keras `fit`",
        "PyTorch": "PyTorch, the same network in a plain loop",
        "PyTorch, channels last": "PyTorch, channels last",
    }
    rates, ours = record["rates"], "the stage's loop"
    rows = [[ours, f"{rates[ours]:.0f}", ""]]
    for way, name in names.items():
        rows.append([name, f"{rates[way]:.0f}", _spread(record["ratios"][way], digits=2)])
    return _table(["", "updates/s", "the stage's loop against it"], rows)


def study(record: dict) -> str:
    """The seconds of the whole study beside those of its updates alone."""
    rows = [
        ["best rate of bare updates", f"{record['updates_per_second']:.0f}/s"],
        [
            "TensorFlow's own 4,096 × 4,096 product",
            f"{record['gflops_of_the_product']:.0f} GFLOP/s",
        ],
        [
            f"the study's {record['updates']:,} updates at that rate",
            f"{record['pure_updates']:.0f} s",
        ],
        ["`make study`, everything included", _against(record, "seconds", "whole")],
        [
            "of which runs of `augment` and `train`",
            _against(record, "seconds_of_configurations", "configurations"),
        ],
    ]
    return _table(["", ""], rows)


def fresh(records: dict) -> str:
    """What drawing a batch anew costs beside an update."""
    rows = [
        [name, f"{row['ms']:.2f}", f"{100 * row['share']:.1f} %"]
        for name, row in sorted(_rows(records), key=lambda pair: pair[1]["ms"])
        if name not in ("update", "none")
    ]
    return _table(["recipe", "ms for a batch", "of an update"], rows)


def versioning(records: dict) -> str:
    """Seconds of DVC's steps for an augmentation as arrays and as PNG files."""
    rows = []
    for step in STEPS:
        row = records[step]
        ratio = {"median": row["ratio"], "min": row["ratio_min"], "max": row["ratio_max"]}
        rows.append([f"`{step}`", f"{row['arrays']:.2f}", f"{row['png']:.2f}", _spread(ratio)])
    return _table(["", "arrays", "PNG files", "times faster"], rows)


def stored(sizes: dict) -> str:
    """Megabytes in DVC's cache, of 8 augmentations at 3 stored volumes."""
    size = {name: f"{value / 1e6:.0f}" for name, value in sizes.items() if name != "source"}
    in_blocks = f"{size['png']}; on a disk with blocks of 4 KB {size['png_in_blocks']}"
    rows = [
        ["arrays, as here: a volume is a prefix, no data set is stored twice", size["arrays"]],
        ["a PNG file each, drawn anew for every volume as in the notebook", size["png_anew"]],
        ["PNG files of the very draws used here, equal files once", in_blocks],
    ]
    return _table(["", "MB"], rows)


def growth(records: dict) -> str:
    """Seconds and megabytes of each stage over the number of nuclei."""
    sizes = sorted((of for _, of in _rows(records)), key=lambda of: of["nuclei"])
    first, *_, last = sizes
    rows = []
    for stage in ("simulate", "prepare", "augment", "evaluate"):
        columns = [f"{of[stage]['seconds']:.1f} ({of[stage]['peak'] / 1e6:.0f})" for of in sizes]
        more = last[stage]["seconds"] - first[stage]["seconds"]
        more *= 1000 / (last["nuclei"] - first["nuclei"])
        name = "augment@invert+flip" if stage == "augment" else stage
        rows.append([f"`{name}`", *columns, f"{more:.2g}"])
    counts = [f"{of['nuclei']:,}" for of in sizes]
    return _table(["stage", f"{counts[0]} nuclei", *counts[1:], "s per 1,000 more"], rows)


def slide(records: dict) -> str:
    """Seconds and megabytes of a slide's cells."""
    steps = {
        "cut 20000": "20,000 cells: read their GeoJSON, cut their windows",
        "cut 100000": "100,000 cells: the same",
        "classify 20000": "20,000 cells: classify them, write GeoJSON (`nuclei predict`)",
    }
    rows = [
        [step, f"{records[name]['seconds']:.0f}", f"{records[name]['peak MB']:.0f}"]
        for name, step in steps.items()
    ]
    return _table(["", "seconds", "MB at the peak"], rows)


def nothing(records: dict) -> str:
    """Seconds until DVC finds nothing to do, and until each script has started."""
    titles = {"start of train": "start of `train`, before TensorFlow"}
    rows = []
    for name, row in _rows(records):
        if name != "python -c pass":
            name = titles.get(name, f"`{name}`" if "dvc" in name else f"start of `{name[9:]}`")
            spread = f"{row['seconds']:.2f} ({row['min']:.2f} to {row['max']:.2f})"
            rows.append([name, spread, f"{row['multiple']:.0f}"])
    return _table(["", "seconds", "starts of Python (`python -c pass`)"], rows)


def _rows(records: dict) -> list[tuple[str, dict]]:
    """What was measured, without the machine."""
    return [
        (name, row) for name, row in records.items() if isinstance(row, dict) and name != "machine"
    ]


def _against(record: dict, seconds: str, ratio: str) -> str:
    return f"{record[seconds]:.0f} s, {record[ratio]:.2f} times"


def _spread(of: dict | None, digits: int | None = None) -> str:
    """A median, such as 4.1 (3.6 to 4.4), with a digit where it is small."""
    if of is None:
        return ""
    form = f",.{int(of['median'] < 20) if digits is None else digits}f"
    median, low, high = (format(of[name], form) for name in ("median", "min", "max"))
    return f"{median} ({low} to {high})"


def _table(header: list[str], rows: list[list[str]]) -> str:
    return markdown.table(pd.DataFrame(rows, columns=header))


if __name__ == "__main__":
    main()
