import hashlib
import json
import subprocess
import sys
from pathlib import Path

import by_hand
import numpy as np
import pandas as pd
import pytest
import yaml
from by_hand import AUGS, CELLS, COUNT, KEYS, VOLUMES
from commands import ROOT
from dvc_render.vega import VegaRenderer

import evaluate
from nuclei.core import files, folds, paths
from nuclei.core.errors import InputError
from nuclei.report import tables
from nuclei.statistics import predictions as predicted
from nuclei.statistics.hard_nuclei import SHEETS


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("study")
    by_hand.build(root)
    return root


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
    cells = pd.read_csv(study / "plots/configurations.csv")
    assert list(zip(cells["aug"], cells["volume"], strict=True)) == KEYS
    levels = {f"{name}-x{volume}" for name in ("accuracy", "loss") for volume in VOLUMES}
    overall = {"forest", "accuracy-volume", "macro-auc-volume", "reliability", "roc", "confusion"}
    nuclei = {f"nuclei-{name}" for name in SHEETS} | {f"contact-{aug}" for aug in AUGS}
    drawn = levels | overall | nuclei | {"curves", "ends", "dose"}
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
    per_cell = {
        "configurations": 1,
        "classes": 3,
        "sites": 3,
        "roc": 303,
        "confusion": 9,
        "curves": 4,
    }
    for name, rows in per_cell.items():
        table = pd.read_csv(study / f"plots/{name}.csv", keep_default_na=False)
        assert table.groupby(keys, sort=False).size().to_dict() == dict.fromkeys(KEYS, rows), name
    dose = pd.read_csv(study / "plots/dose.csv")
    assert dose["aug"].tolist() == ["crop", "crop-2"] * len(VOLUMES)
    bins = pd.read_csv(study / "plots/calibration.csv").groupby(keys, sort=False)
    assert list(bins.groups) == KEYS
    assert bins["share"].sum().to_numpy() == pytest.approx(1, abs=1e-3)
    differences = pd.read_csv(study / "plots/differences.csv")
    assert differences.groupby(keys, sort=False).size().to_dict() == dict.fromkeys(KEYS[3:], 13)
    volumes = pd.read_csv(study / "plots/volumes.csv")
    # From half to all, and from all to fresh draws, of which none has none.
    assert volumes["aug"].tolist() == ["none", *np.repeat(AUGS[1:], 2)]
    claims = pd.read_csv(study / "plots/claims.csv")
    assert set(claims.loc[claims["claim"] == "6b", "verdict"]) < {
        "supported",
        "contradicted",
        "undecided",
    }
    assert set(claims.loc[claims["claim"] == "1", "verdict"]) == {"not judged"}


def test_the_report_names_the_contents_of_the_predictions(study):
    folder = study / paths.PREDICTIONS
    contents = [(folder / aug / f"x{v}/test.npy").read_bytes() for aug, v in CELLS]
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
    assert "3 test 30 10 10 10 5 1" in " ".join(page)
    assert pd.read_csv(study / "plots/sites.csv", keep_default_na=False)["site"].eq("NA").all()


def test_sizes_give_the_floor(study):
    nuclei, dealt = (files.read_csv(paths.PREPARED / f"{name}.csv") for name in ("nuclei", "folds"))
    found = folds.of_tables(nuclei, dealt)
    tested, _ = predicted.tested_nuclei(nuclei, found)
    longest = np.repeat([8.0, 5.0, 12.0], COUNT // 3) + np.linspace(0, 2, COUNT)
    path = study / paths.PREPARED / "sizes.csv"
    assert evaluate._size_floor(nuclei, found, tested) is None
    pd.DataFrame({"id": nuclei["id"], "longest": longest}).to_csv(path, index=False)
    assert evaluate._size_floor(nuclei, found, tested) == 1
    path.write_text("id,longest\nn0,8\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"sizes.csv: nucleus n\d+: longest is nan"):
        evaluate._size_floor(nuclei, found, tested)
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
        (b"", r"x0\.5/test\.npy: not an array"),
        (b"repeat,id\n0,test0\n", r"x0\.5/test\.npy: not an array"),
    ],
)
def test_bad_predictions_end_in_one_line_and_write_nothing(study, content, said):
    path = study / paths.PREDICTIONS / "flip/x0.5/test.npy"
    kept, before = path.read_bytes(), _files(study)
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as error:
        evaluate.main()
    path.write_bytes(kept)
    assert "\n" not in str(error.value)
    assert _files(study) == before


def test_a_missing_cell_is_named_with_what_makes_it(study):
    folder, before = study / paths.PREDICTIONS / "flip/xinf", _files(study)
    folder.rename(study / "aside")
    with pytest.raises(
        InputError, match=r"flip/xinf/test.npy is missing, .*`dvc repro train@flip-inf`"
    ):
        evaluate.main()
    (study / "aside").rename(folder)
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
