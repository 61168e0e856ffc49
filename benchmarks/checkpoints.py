"""Which checkpoint of a training to keep, on BRCA-M2C: `python benchmarks/checkpoints.py DATA`.

DATA is the folder Dataset-BRCA-M2C. Runs recorded in benchmarks/checkpoints.jsonl are not repeated.
Without DATA the script compares the recorded runs and writes nothing.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections import namedtuple
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import results
import yaml

from nuclei.core import draws, files, folds
from nuclei.core.classes import codes
from nuclei.data import order
from nuclei.training.params import TrainParams

ROOT = Path(__file__).parents[1]
RECORDED = Path(__file__).with_name("checkpoints.jsonl")
BUDGETS, SEEDS, SIZES, TESTED = (1500, 3000, 6000), (1, 2), (512, 1024, 2048), 4096
DECAYS = ("0.99", "0.995", "0.998")  # per update, of running means of the weights
WEIGHTS = {"cosine": ("plain", *DECAYS[:2]), "constant": ("plain", *DECAYS)}
COMPARED, STORED = (("none", True), ("flip+stain", True)), ("flip", False)
RULES = {  # the checkpoint is the point with the highest; weights have [loss, macro AUC]
    "highest AUC": lambda point, weights, size: point[weights][size][1],
    "lowest loss": lambda point, weights, size: -point[weights][size][0],
    "last point": lambda point, weights, size: point["updates"],
    "best on test": lambda point, weights, size: point[weights]["test"][1],
}
FORMS = {"change": "+.4f", "worst": "+.4f", "last": ".0%", "measured": ".0%", "updates": ",.0f"}


# Not `fresh`: every pass reads the same stored copy. 24 points are 12 of each budget.
Run = namedtuple("Run", "schedule budget aug fresh seed points")
Way = namedtuple("Way", "schedule weights rule")  # of choosing a checkpoint
RUNS = [
    *(Run("constant", 6000, "none", True, seed, 48) for seed in SEEDS),
    *(Run("constant", 6000, *aug, s, 24) for aug in (COMPARED[1], STORED) for s in SEEDS),
    *(Run("cosine", b, *aug, seed, 12) for aug, b, seed in product(COMPARED, BUDGETS, SEEDS)),
]
WAYS = [Way(s, w, r) for s, of in WEIGHTS.items() for w in of for r in list(RULES)[:3]]
CHOOSING = [Way("constant", w, r) for w in ("plain", *DECAYS[1:]) for r in list(RULES)[:2]]
KEPT = Way("constant", "0.995", "lowest loss")


def main(data: str = "") -> None:
    """With DATA, train the missing runs and record them; print how the ways compare."""
    if data:
        os.environ |= {"TF_NUM_INTRAOP_THREADS": "1", "TF_NUM_INTEROP_THREADS": "1"}
        with tempfile.TemporaryDirectory() as folder:
            nuclei = _prepared(Path(folder), Path(data).resolve())
        done = [Run(*(run[field] for field in Run._fields)) for run in recorded()]
        for run in (run for run in RUNS if run not in done):
            line = json.dumps(run._asdict() | _trained(run, *nuclei), separators=(",", ":"))
            with RECORDED.open("a", encoding="utf-8") as file:
                file.write(f"{line}\n")
        results.record("checkpoints", {"runs": len(recorded()), "ways": summary(recorded())})
    print(*(f"{name}\n\n{table}\n" for name, table in tables(recorded()).items()), sep="\n")


def recorded() -> list[dict]:
    """Return the recorded runs."""
    return [json.loads(line) for line in RECORDED.read_text(encoding="utf-8").splitlines()]


def tables(runs: list[dict]) -> dict[str, str]:
    """Compare, in Markdown, as docs/training-length.md does; a / b / c are of the budgets."""
    sizes = {f"{size:,} nuclei": {"size": size} for size in SIZES}
    points = {f"{count} points": {"points": count} for count in (4, 6, 12)}
    many = {f"{count} points": {"points": count} for count in (4, 6, 8, 12, 24, 48)}
    patience = {f"patience {p}" if p else "none": {"patience": p} for p in (1, 2, 3, 4, None)}
    rules = {rule: {"way": KEPT._replace(rule=rule)} for rule in list(RULES)[1:]}
    augs = {"none": COMPARED[:1], "flip+stain": COMPARED[1:], "flip, stored": (STORED,)}
    seconds = pd.DataFrame([{"augmentation": run["aug"]} | run["seconds"] for run in runs])
    medians = seconds.groupby("augmentation", sort=False).median()
    long = {"budgets": BUDGETS[-1:], "augs": COMPARED[:1]}
    named = {
        "ways": [_compared(way, reached) for way, reached in summary(runs).items()],
        "sizes": [_row(runs, _name(way), sizes, way=way) for way in CHOOSING],
        "points": [_row(runs, _name(way), points, way=way) for way in CHOOSING],
        "many points": [_row(runs, _name(way), many, way=way, **long) for way in CHOOSING],
        "patience": [_row(runs, field, patience, field) for field in ("test", "measured")],
        "augmentations": [_row(runs, name, rules, augs=pair) for name, pair in augs.items()],
        "updates": [_row(runs, n, rules, "updates", augs=pair) for n, pair in augs.items()],
        "seconds": medians.map("{:.3f}".format).reset_index(),
    }
    markdown = {"index": False, "disable_numparse": True}
    return {name: pd.DataFrame(rows).to_markdown(**markdown) for name, rows in named.items()}


def summary(runs: list[dict]) -> dict[str, dict]:
    """Return what each way reaches at each budget: macro AUC, and how it varies."""
    return {_name(way): {str(b): _reached(runs, way, b) for b in BUDGETS} for way in WAYS}


def _reached(runs: list[dict], way: Way, budget: int) -> dict[str, float]:
    checkpoints = _checkpoints(runs, budget, way)
    reached = {field: _mean(checkpoints, field) for field in ("validation", "test", "last")}
    by_aug = [[checkpoint["test"] for checkpoint in seeds] for seeds in _by_aug(checkpoints)]
    variances = [np.var(scores, ddof=1) for scores in by_aug if len(scores) > 1]
    reached["sd"] = float(np.mean(variances) ** 0.5)
    if budget > BUDGETS[0]:
        half = _checkpoints(runs, budget // 2, way)
        changes = {run: kept["test"] - half[run]["test"] for run, kept in checkpoints.items()}
        means = [np.mean(seeds) for seeds in _by_aug(changes)]
        reached["change"], reached["worst"] = float(np.mean(means)), float(min(means))
    return reached


def _checkpoints(
    runs: list[dict], budget: int, way=KEPT, augs=COMPARED, size=2048, points=12, patience=None
) -> dict[tuple[str, int], dict]:
    """Return the checkpoint of each run of these augmentations, by augmentation and seed."""
    checkpoints, marks = {}, _evenly(budget, points)
    for run in runs:  # one at a constant rate begins as shorter ones do
        of_budget = way.schedule == "constant" or run["budget"] == budget
        if run["schedule"] == way.schedule and of_budget and (run["aug"], run["fresh"]) in augs:
            curve = [point for point in run["curve"] if point["updates"] in marks]
            scores = [RULES[way.rule](point, way.weights, str(size)) for point in curve]
            best, measured = _searched(scores, patience or points)
            kept, checkpoint = curve[best][way.weights], {"updates": curve[best]["updates"]}
            checkpoint |= {"validation": kept["2048"][1], "test": kept["test"][1]}
            checkpoint |= {"last": best == points - 1, "measured": measured / points}
            checkpoints[run["aug"], run["seed"]] = checkpoint
    return checkpoints


def _evenly(budget: int, points: int) -> set[int]:
    return set(np.linspace(0, budget, points + 1).round().astype(int)[1:].tolist())


def _searched(scores: list[float], patience: int) -> tuple[int, int]:
    """Return the highest before `patience` in a row are lower, and how many were looked at."""
    best = 0
    for point, score in enumerate(scores):
        if score > scores[best]:
            best = point
        elif point - best >= patience:
            return best, point + 1
    return best, len(scores)


def _by_aug(by_run: dict) -> list[list]:
    augs = dict.fromkeys(aug for aug, _ in by_run)
    return [[value for run, value in by_run.items() if run[0] == aug] for aug in augs]


def _mean(checkpoints: dict[tuple[str, int], dict], field: str) -> float:
    """Average over augmentations, each of them over its seeds."""
    means = [np.mean([kept[field] for kept in seeds]) for seeds in _by_aug(checkpoints)]
    return float(np.mean(means))


def _name(way: Way) -> str:
    return ", ".join(f"mean {word}" if word in DECAYS else word for word in way)


def _compared(way: str, reached: dict[str, dict]) -> dict[str, str]:
    fields = ("validation", "test", "sd", "change", "worst", "last")
    values = {name: [of[name] for of in reached.values() if name in of] for name in fields}
    return {"way": way} | {name: _joined(of, name) for name, of in values.items()}


def _row(runs: list[dict], name: str, columns: dict, field="test", budgets=BUDGETS, **how) -> dict:
    """Return a row of means over runs, with something changed in each column."""
    row = {"": name}
    for title, changed in columns.items():
        of_budgets = [_checkpoints(runs, budget, **how, **changed) for budget in budgets]
        row[title] = _joined([_mean(checkpoints, field) for checkpoints in of_budgets], field)
    return row


def _joined(values: list[float], field: str) -> str:
    return " / ".join(format(value, FORMS.get(field, ".4f")) for value in values)


def _prepared(folder: Path, data: Path) -> tuple[list, list, list]:
    """Prepare the released lists; return ids, labels and crops: of train, validation and test."""
    params = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    params["data"], params["prepare"]["folds"] = "brca-m2c", "released"
    (folder / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
    (folder / "data/raw").mkdir(parents=True)
    (folder / "data/raw/brca-m2c").symlink_to(data)
    subprocess.run([sys.executable, str(ROOT / "src/prepare.py")], cwd=folder, check=True)
    prepared = folder / "data/prepared"
    nuclei = files.read_csv(prepared / "nuclei.csv")
    (fold,) = folds.of_tables(nuclei, files.read_csv(prepared / "folds.csv"))
    rows = []  # each split in an order of its own: then its first nuclei are balanced as all are
    for of, most in zip(fold[1:], (None, SIZES[-1], TESTED), strict=True):
        rows.append(of[order.of_nuclei(nuclei.iloc[of], params["prepare"]["seed"])[:most]])
    columns = nuclei["id"].to_numpy(), codes(nuclei["label"]), np.load(prepared / "nuclei.npy")
    return tuple([column[of] for of in rows] for column in columns)


def _trained(run: Run, ids: list, labels: list, crops: list) -> dict:
    """Train a run; return the seconds of an update and of a point, and its points."""
    from nuclei.augmentation.fresh import Draw

    from nuclei.training import loop, passes

    small = files.read_params(TrainParams, ROOT / "params.yaml").networks["small"]
    network = small.model_copy(update={"schedule": run.schedule, "updates": run.budget})
    described = network.model_dump_json()
    learner = loop._learner(described, 32, run.budget)
    loop._assign(learner.model.weights, loop._initial_weights(described, 32, run.seed))
    loop._assign(learner.model.optimizer.variables, learner.optimizer_at_rest)
    rows, hashed = np.arange(len(ids[0])), draws.hash_ids(ids[0])
    pictures = passes.fresh(crops[0], labels[0], rows, hashed, Draw(run.aug, 1, {}, ""), {})
    if not run.fresh:
        pictures = passes.stored([pictures(rows, 0)], rows, len(rows))
    training = loop.Training(pictures, labels[0])
    each = [(b, 12) for b in BUDGETS] if run.points == 24 else [(run.budget, run.points)]
    marks = set().union(*(_evenly(*of) for of in each))
    decays, means = np.array(DECAYS, float)[:, None], np.zeros(())
    curve, spent, begun = [], 0.0, time.perf_counter()
    for update, batch in enumerate(loop._batches(training, 64, run.budget, run.seed), start=1):
        learner.step(*(loop._shared_out(part, learner.strategy) for part in batch))
        now = np.concatenate([weights.ravel() for weights in learner.model.get_weights()])
        share = decays * (1 - decays ** (update - 1)) / (1 - decays**update)  # as Adam corrects
        means = share * means + (1 - share) * now
        if update in marks:
            paused = time.perf_counter()
            of = dict(zip(("plain", *DECAYS), (now, *means), strict=True))
            scores = {w: _measured(learner, of[w], labels, crops) for w in WEIGHTS[run.schedule]}
            curve.append({"updates": update, **scores})
            spent += time.perf_counter() - paused
    update = (time.perf_counter() - begun - spent) / run.budget
    point = spent / len(curve) / len(scores) * SIZES[-1] / (SIZES[-1] + TESTED)
    return {"seconds": {"update": round(update, 5), "point": round(point, 5)}, "curve": curve}


def _measured(learner: tuple, flat: np.ndarray, labels: list, crops: list) -> dict[str, list]:
    """Return loss and macro AUC of weights, on the first nuclei of validation and on test."""
    from nuclei.training import loop

    for variable in learner.averaged.weights:
        value, flat = np.split(flat, [variable.shape.num_elements()])
        variable.assign(value.reshape(variable.shape))
    on_validation, on_test = (loop.probabilities(learner.predict, of) for of in crops[1:])
    scores = {str(n): loop._scores(labels[1][:n], on_validation[:n]) for n in SIZES}
    scores["test"] = loop._scores(labels[2], on_test)
    return {n: [round(of[key], 5) for key in ("loss", "macro_auc")] for n, of in scores.items()}


if __name__ == "__main__":
    main(*sys.argv[1:])
