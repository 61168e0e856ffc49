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
from by_hand import AUGS, CONFIGURATIONS, COUNT, KEYS, VOLUMES
from commands import ROOT
from dvc_render.vega import VegaRenderer
from PIL import Image

import evaluate
from nuclei.core import files, folds, paths
from nuclei.core.errors import InputError
from nuclei.report import tables
from nuclei.statistics import predictions
from nuclei.statistics.hard_nuclei import SHEETS


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("study")
    by_hand.build(folder)
    return folder


def _files(root):
    places = [root / paths.METRICS, root / paths.PLOTS]
    files = [path for place in places for path in place.rglob("*") if path.is_file()]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


@pytest.fixture
def study(root, monkeypatch):
    """The repository after one run of the stage."""
    monkeypatch.chdir(root)
    if not paths.METRICS.exists():
        evaluate.main()
    return root


def test_every_configuration_of_dvc_yaml_and_no_other_is_scored_with_the_same_bytes(study, capsys):
    files = _files(study)
    places = {f"metrics/{aug}/x{volume}.json" for aug, volume in CONFIGURATIONS}
    assert {name for name in files if name.startswith("metrics/")} == places | {
        "metrics/experiment.json"
    }
    scores = pd.read_csv(study / "plots/configurations.csv")
    assert list(zip(scores["aug"], scores["volume"], strict=True)) == KEYS
    overall = {"forest", "volumes", "reliability", "roc", "confusion"}
    nuclei = {f"nuclei-{name}" for name in SHEETS} | {f"contact-{aug}" for aug in AUGS}
    figures = {Path(name).stem for name in files if "/figures/" in name}
    assert figures > overall | nuclei | {"curves", "dose"}
    evaluate.main()
    printed = capsys.readouterr().out
    assert "report: plots/report.md\n2 files belong to no configuration of dvc.yaml, " in printed
    assert _files(study) == files


def test_the_experiment_is_the_configuration_that_was_asked_for(study):
    headline = json.loads((study / "metrics/experiment.json").read_text())
    chosen = json.loads((study / "metrics/invert+flip/x1.json").read_text())
    none = json.loads((study / "metrics/none/x1.json").read_text())
    assert headline["configuration"] == "invert+flip x1"
    assert headline["macro_auc"] == chosen["macro_auc"]["mean"]
    difference = chosen["macro_auc"]["mean"] - none["macro_auc"]["mean"]
    assert headline["minus_none"]["macro_auc"] == pytest.approx(difference, abs=2e-4)
    assert list(none["used"]) == tables.USED
    assert "size_only_macro_auc" not in headline


def test_every_table_covers_every_configuration(study):
    keys = ["aug", "volume"]
    per_configuration = {"configurations": 1, "classes": 3, "sites": 3, "curves": 4}
    expected = {name: dict.fromkeys(KEYS, rows) for name, rows in per_configuration.items()}
    at_volume = [(aug, 1.0) for aug in AUGS]  # the volume that was asked for
    expected["roc"] = dict.fromkeys(at_volume, 303)
    expected["confusion"] = dict.fromkeys([("none", 1.0), ("invert+flip", 1.0)], 9)
    for name, rows in expected.items():
        table = pd.read_csv(study / f"plots/{name}.csv", keep_default_na=False)
        assert table.groupby(keys, sort=False).size().to_dict() == rows, name
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
    contents = [(folder / aug / f"x{v}/test.npy").read_bytes() for aug, v in CONFIGURATIONS]
    page = (study / "plots/report.md").read_text(encoding="utf-8")
    assert f"`{hashlib.sha256(b''.join(contents)).hexdigest()[:12]}`" in page


def test_a_mistake_is_reported_before_the_slow_imports():
    script = "import sys, evaluate; print({'matplotlib', 'sklearn', 'tensorflow'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT / "src", capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"


def test_a_site_named_na_is_a_site(study):
    page = (study / "plots/report.md").read_text(encoding="utf-8").replace("|", " ").split()
    assert "3 test 30 10 10 10 5 1" in " ".join(page)
    assert pd.read_csv(study / "plots/sites.csv", keep_default_na=False)["site"].eq("NA").all()


def test_sizes_give_the_floor(study):
    nuclei, split = (files.read_csv(paths.PREPARED / f"{name}.csv") for name in ("nuclei", "folds"))
    of_folds = folds.of_tables(nuclei, split)
    tested, _ = predictions.tested_nuclei(nuclei, of_folds)
    longest = np.repeat([8.0, 5.0, 12.0], COUNT // 3) + np.linspace(0, 2, COUNT)
    path = study / paths.PREPARED / "sizes.csv"
    assert evaluate._size_floor(nuclei, of_folds, tested) is None
    pd.DataFrame({"id": nuclei["id"], "longest": longest}).to_csv(path, index=False)
    assert evaluate._size_floor(nuclei, of_folds, tested) == 1
    path.write_text("id,longest\nn0,8\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"sizes.csv: nucleus n\d+: longest is nan"):
        evaluate._size_floor(nuclei, of_folds, tested)
    path.unlink()


@pytest.fixture
def change(study):
    """Replace text in files of the study, for one test."""
    originals = _files(study)

    def replace(path, old, new):
        text = (study / path).read_text(encoding="utf-8")
        assert old in text
        originals.setdefault(path, text.encode())
        (study / path).write_text(text.replace(old, new), encoding="utf-8")

    yield replace
    for path in {*_files(study)} - {*originals}:
        (study / path).unlink()
    for path, content in originals.items():
        (study / path).write_bytes(content)


FLIP = "data/training/flip/x1.json"


@pytest.mark.parametrize(
    ("old", "new", "difference"),
    [
        ('"tensorflow": "2.21.0"', '"tensorflow": "2.22.0"', "tensorflow 2.22.0"),
        ('"train.seed": 1', '"train.seed": 77', "train.seed 77"),
    ],
)
def test_what_was_trained_otherwise_is_compared_only_if_asked(study, change, old, new, difference):
    before = _files(study)
    change(FLIP, old, new)
    with pytest.raises(InputError, match=f"flip at volume 1 was trained with {difference}, "):
        evaluate.main()
    assert _files(study) == before
    change("params.yaml", "mixed: refuse", "mixed: allow")
    evaluate.main()
    page = (study / "plots/report.md").read_text(encoding="utf-8")
    assert difference.split()[1] in page


def test_the_page_prints_the_knobs_that_were_used_not_those_of_today(study, change):
    before = (study / "plots/report.md").read_text(encoding="utf-8")
    change("params.yaml", "repeats: 3", "repeats: 4")
    change("params.yaml", "data: simulated", "data: nucls")
    evaluate.main()
    assert (study / "plots/report.md").read_text(encoding="utf-8") == before
    assert "2 repeats" in before


def test_predictions_of_another_number_of_repeats_than_was_recorded_are_refused(study, change):
    before = _files(study)
    for aug, volume in CONFIGURATIONS:
        change(f"data/training/{aug}/x{volume}.json", '"train.repeats": 2', '"train.repeats": 3')
    with pytest.raises(InputError, match=r"test.npy: float32 \(2, 90, 3\); valid: .* 3 repeats"):
        evaluate.main()
    assert _files(study) == before


def test_a_training_that_recorded_no_knobs_is_named(study, change):
    change(FLIP, '"knobs"', '"other"')
    with pytest.raises(InputError, match=r"flip/x1.json: it lacks knobs, .*`dvc repro`"):
        evaluate.main()


def test_a_misspelt_planned_augmentation_is_refused(study, change):
    change("params.yaml", "- invert+flip", "- invert-flip")
    with pytest.raises(InputError, match=r"evaluate.planned.6: .*'invert-flip'"):
        evaluate.main()


def test_examples_are_drawn_again_from_what_a_training_recorded(study):
    """The same nuclei stand below each other, flipped as the stage augment would."""
    picture = np.array(Image.open(study / "plots/figures/contact-flip.png"))[..., :3]
    side = 4 * 32  # of a nucleus; 6 px part it from the next
    rows = [picture[top : top + side] for top in (28, 28 + side + 6)]
    ways = []
    for left in range(128, picture.shape[1], side + 6):
        original, flipped = (row[:, left : left + side] for row in rows)
        turned = [original, original[::-1], original[:, ::-1], original[::-1, ::-1]]
        ways.append([(flipped == way).all() for way in turned])
    assert len(ways) == 8
    assert np.any(ways, axis=1).all()
    assert not np.all(ways, axis=0)[0]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", r"x0\.5/test\.npy: not an array"),
        (b"repeat,id\n0,test0\n", r"x0\.5/test\.npy: not an array"),
    ],
)
def test_bad_predictions_end_in_one_line_and_write_nothing(study, content, message):
    path = study / paths.PREDICTIONS / "flip/x0.5/test.npy"
    kept, before = path.read_bytes(), _files(study)
    path.write_bytes(content)
    with pytest.raises(InputError, match=message) as error:
        evaluate.main()
    path.write_bytes(kept)
    assert "\n" not in str(error.value)
    assert _files(study) == before


def test_a_missing_configuration_is_named_with_what_makes_it(study):
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
