import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from dvc.repo import Repo
from dvc_render.vega import VegaRenderer

import evaluate
import paths
from nuclei import files
from nuclei.classes import CLASSES
from nuclei.errors import InputError
from nuclei.report import tables

ROOT = Path(__file__).parents[1]
AUGS, VOLUMES = ["none", "flip", "invert+flip"], [1, 0.5]
CELLS = [(aug, volume) for aug in AUGS for volume in VOLUMES]
DVC_YAML = """
stages:
  train:
    matrix:
      aug: [none, flip, "${aug}"]
      volume: [1, 0.5, "${volume}"]
    cmd: unused
    outs:
      - models/${item.aug}/x${item.volume}
      - data/predictions/${item.aug}/x${item.volume}.csv
      - data/training/${item.aug}/x${item.volume}.json
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A DVC repository with everything the stages before evaluate would have written."""
    root = tmp_path_factory.mktemp("study")
    Repo.init(str(root), no_scm=True).close()
    (root / "dvc.yaml").write_text(DVC_YAML, encoding="utf-8")
    settings = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))
    settings |= {"aug": "invert+flip", "volume": 1}
    settings["evaluate"]["resamples"] = 200
    (root / "params.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    rng = np.random.default_rng(0)
    prepared = root / paths.PREPARED
    prepared.mkdir(parents=True)
    for split in ("train", "validation", "test"):
        rows = pd.DataFrame({"id": [f"{split}{i}" for i in range(60)]})
        rows["patient"] = [f"{split}-{i % 7}" for i in range(60)]
        rows["label"], rows["site"] = np.resize(CLASSES, 60), "NA"
        rows.to_csv(prepared / f"{split}.csv", index=False)
    (prepared / "summary.json").write_text('{"dropped": {"point": 5}}', encoding="utf-8")
    crops = rng.integers(0, 256, (60, 32, 32, 3), np.uint8)
    np.save(prepared / "train.npy", crops)
    for aug in AUGS:
        (root / paths.AUGMENTED / aug).mkdir(parents=True)
        np.save(root / paths.AUGMENTED / aug / "copy-0.npy", crops)
    for aug, volume in [*CELLS, ("leftover", 1)]:
        tables = [rows.assign(repeat=repeat) for repeat in range(2)]
        for table in tables:
            table[list(CLASSES)] = rng.dirichlet([1, 1, 1], 60).round(6)
        _write(root, paths.PREDICTIONS, aug, volume, pd.concat(tables).to_csv(index=False))
        curves = [
            {"repeat": 0, "updates": updates, "split": split}
            | {"loss": 1.0, "accuracy": 0.5, "macro_auc": 0.6}
            for updates in (40, 80)
            for split in ("train", "validation")
        ]
        record = {"device": "CPU", "replicas": 1, "precision": "float32", "tensorflow": "2.21.0"}
        record |= {"keras": "3.15.1"}
        record |= {"nuclei": 60, "updates": 80}
        text = json.dumps({"record": record, "curves": curves})
        _write(root, paths.TRAINING, aug, volume, text)
    return root


def _write(root, folder, aug, volume, text):
    path = root / folder / aug / f"x{volume}{'.csv' if folder == paths.PREDICTIONS else '.json'}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def _files(root):
    places = [root / paths.METRICS, root / paths.PLOTS]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def study(made, monkeypatch):
    """The repository after one run of the stage."""
    monkeypatch.chdir(made)
    if not paths.METRICS.exists():
        evaluate.main()
    return made


def test_every_cell_of_dvc_yaml_and_no_other_is_scored_with_the_same_bytes(study, capsys):
    files = _files(study)
    places = {f"metrics/{aug}/x{volume}.json" for aug, volume in CELLS}
    assert {name for name in files if name.startswith("metrics/")} == places | {
        "metrics/experiment.json"
    }
    cells = pd.read_csv(study / "plots/cells.csv")
    assert list(zip(cells["aug"], cells["volume"], strict=True)) == CELLS
    levels = {f"{name}-x{volume}" for name in ("accuracy", "loss") for volume in VOLUMES}
    overall = {"forest", "accuracy-volume", "macro-auc-volume", "reliability", "roc", "confusion"}
    drawn = levels | overall | {"curves"} | {f"contact-{aug}" for aug in AUGS}
    assert {Path(name).stem for name in files if "/figures/" in name} == drawn
    evaluate.main()
    said = capsys.readouterr().out
    assert "report: plots/report.md\n2 files are of no cell of dvc.yaml, such as data/" in said
    assert _files(study) == files


def test_the_experiment_is_the_chosen_cell(study):
    headline = json.loads((study / "metrics/experiment.json").read_text())
    chosen = json.loads((study / "metrics/invert+flip/x1.json").read_text())
    none = json.loads((study / "metrics/none/x1.json").read_text())
    assert headline["arm"] == "invert+flip x1"
    assert headline["macro_auc"] == chosen["macro_auc"]["mean"]
    difference = chosen["macro_auc"]["mean"] - none["macro_auc"]["mean"]
    assert headline["minus_none"]["macro_auc"] == pytest.approx(difference, abs=2e-4)
    assert list(none["used"]) == tables.USED
    assert "size_only_macro_auc" not in headline


def test_every_table_covers_every_cell(study):
    keys = ["aug", "volume"]
    per_cell = {"cells": 1, "classes": 3, "sites": 1, "roc": 303, "confusion": 9, "curves": 4}
    for name, rows in per_cell.items():
        table = pd.read_csv(study / f"plots/{name}.csv", keep_default_na=False)
        assert table.groupby(keys, sort=False).size().to_dict() == dict.fromkeys(CELLS, rows), name
    bins = pd.read_csv(study / "plots/calibration.csv").groupby(keys, sort=False)
    assert list(bins.groups) == CELLS
    assert bins["share"].sum().to_numpy() == pytest.approx(1, abs=1e-3)
    differences = pd.read_csv(study / "plots/differences.csv")
    assert differences.groupby(keys, sort=False).size().to_dict() == dict.fromkeys(CELLS[2:], 12)
    volumes = pd.read_csv(study / "plots/volumes.csv")
    assert volumes["aug"].tolist() == AUGS
    claims = pd.read_csv(study / "plots/claims.csv")
    assert set(claims.loc[claims["claim"] == "6b", "verdict"]) < {
        "supported",
        "contradicted",
        "undecided",
    }
    assert set(claims.loc[claims["claim"] == "1", "verdict"]) == {"not judged"}


def test_the_report_names_the_contents_of_the_predictions(study):
    contents = [(study / paths.PREDICTIONS / aug / f"x{v}.csv").read_bytes() for aug, v in CELLS]
    page = (study / "plots/report.md").read_text(encoding="utf-8")
    assert f"`{hashlib.sha256(b''.join(contents)).hexdigest()[:12]}`" in page


def test_a_mistake_is_told_before_the_slow_imports():
    said = "import sys, evaluate; print({'matplotlib', 'sklearn', 'tensorflow'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", said], cwd=ROOT / "src", capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_a_site_named_na_is_a_site(study):
    page = (study / "plots/report.md").read_text(encoding="utf-8").replace("|", " ").split()
    assert "test 60 20 20 20 7 1 Dropped:" in " ".join(page)


def test_sizes_give_the_floor(study):
    ids = [f"{split}{i}" for split in ("train", "test") for i in range(60)]
    longest = np.resize([8.0, 5.0, 12.0], 120) + np.linspace(0, 2, 120)
    path = study / paths.PREPARED / "sizes.csv"
    pd.DataFrame({"id": ids, "longest": longest}).to_csv(path, index=False)
    assert (
        evaluate._size_floor(
            {s: files.read_csv(paths.PREPARED / f"{s}.csv") for s in ("train", "test")}
        )
        == 1
    )
    path.write_text("id,longest\ntrain0,8\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"sizes.csv: nucleus train1: longest is nan"):
        evaluate._size_floor(
            {s: files.read_csv(paths.PREPARED / f"{s}.csv") for s in ("train", "test")}
        )
    path.unlink()


def test_cells_that_were_trained_otherwise_are_compared_only_if_asked(study):
    path = study / paths.TRAINING / "flip/x1.json"
    kept, before = path.read_text(), _files(study)
    path.write_text(kept.replace("2.21.0", "2.22.0"))
    with pytest.raises(InputError, match=r"flip at volume 1 was trained with tensorflow 2.22.0, "):
        evaluate.main()
    assert _files(study) == before
    params = study / "params.yaml"
    text = params.read_text()
    params.write_text(text.replace("mixed: refuse", "mixed: allow"))
    evaluate.main()
    assert "2.22.0" in (study / "plots/report.md").read_text(encoding="utf-8")
    path.write_text(kept)
    params.write_text(text)
    evaluate.main()
    assert _files(study) == before


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, r"x0.5.csv is missing, .*`dvc repro train@flip-0.5`"),
        ("", "x0.5.csv: No columns"),
        ("repeat,id\n0,test0\n", "x0.5.csv: column label is missing"),
    ],
)
def test_bad_predictions_end_in_one_line_and_write_nothing(study, content, said):
    path = study / paths.PREDICTIONS / "flip/x0.5.csv"
    kept, before = path.read_text(), _files(study)
    path.unlink() if content is None else path.write_text(content)
    with pytest.raises(InputError, match=said) as error:
        evaluate.main()
    path.write_text(kept)
    assert "\n" not in str(error.value)
    assert _files(study) == before


def test_every_plot_of_dvc_yaml_fills_its_template(study):
    plots = yaml.safe_load((ROOT / "dvc.yaml").read_text(encoding="utf-8"))["plots"]
    for title, plot in (item for entry in plots for item in entry.items()):
        [(path, y)] = plot["y"].items()
        rows = pd.read_csv(study / path).assign(rev="workspace").to_dict("records")
        renderer = VegaRenderer(
            rows, title, x=plot["x"], y=y, template=plot["template"], title=title,
            template_dir=str(ROOT / ".dvc/plots"),
        )  # fmt: skip
        filled = json.dumps(renderer.get_filled_template())
        assert "<DVC_METRIC" not in filled, title
        assert len(rows) == filled.count('"rev": "workspace"')
