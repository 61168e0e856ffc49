"""What the documents say of recorded benchmarks is what the benchmarks compute from them."""

import importlib
import json
import re
import shutil
import sys
from datetime import date

import numpy as np
import pandas as pd
import pytest
from commands import ROOT, run

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def benchmark(monkeypatch):
    """Import a module of benchmarks/; the folder has names of src/, so it leaves the path."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    yield importlib.import_module
    for name in ("checkpoints", "results", "performance", "answer", "kept", "augmentation"):
        sys.modules.pop(name, None)


@pytest.fixture
def checkpoints(benchmark):
    return benchmark("checkpoints")


def test_the_page_on_speed_has_the_tables_of_what_was_recorded(benchmark):
    kept = benchmark("results").read()
    page = (ROOT / "docs/performance.md").read_text(encoding="utf-8")
    tables = benchmark("performance").tables(kept)
    missing = [name for name, table in tables.items() if f"\n\n{table}\n\n" not in page]
    assert not missing, "put what `python benchmarks/performance.py` prints into the page"
    said, roofline = " ".join(page.split()), kept["training"]["roofline"]
    shown = f"{roofline['achieved']:.0f} GFLOP/s, {100 * roofline['share']:.0f} % of TensorFlow"
    assert shown in said and f"that core, {kept['fresh']['update']['ms']:.1f} ms; 7 rounds" in said
    assert f"by far**, with {100 * kept['fresh']['macenko']['share']:.0f} %" in said


def test_one_operation_is_measured_alone_and_the_others_records_stay(
    benchmark, monkeypatch, tmp_path
):
    results, augmentation = benchmark("results"), benchmark("augmentation")
    before = results.read()
    file = tmp_path / "results.json"
    file.write_text(json.dumps(before), encoding="utf-8")
    measured = {"unit": "crops/s", "rates": {"ours": 1000.0}, "ratios": {}}
    monkeypatch.setattr(results, "FILE", file)
    monkeypatch.setattr(augmentation, "A", object())
    monkeypatch.setattr(augmentation, "_compare", lambda recipe, side: dict(measured))
    monkeypatch.setattr(augmentation.cv2, "setNumThreads", lambda threads: None)
    monkeypatch.delattr("os.sched_setaffinity", raising=False)
    monkeypatch.setattr(sys, "argv", ["augmentation.py", "stain", "rotation"])
    augmentation.main()
    after = results.read()
    renewed = {"stain 64 px", "rotation 64 px", "rotation 90 px"}
    for title in renewed:
        row = after["augmentation"].pop(title)
        assert row.pop("date") == date.today().isoformat() and row.pop("machine")["cores"]
        assert row == measured and before["augmentation"].pop(title) != measured
    assert after == before


def test_the_table_has_the_date_of_each_record_where_they_differ(benchmark):
    row = {"rates": {"ours": 1000.0}, "ratios": {}}
    kept = {"date": "2026-11-26", "machine": {}, "flip 64 px": row, "stain 64 px": row}
    table = benchmark("performance").augmentations
    assert "measured" not in table(kept)
    assert "measured" not in table(kept | {"stain 64 px": row | {"date": "2026-11-26"}})
    mixed = table(kept | {"stain 64 px": row | {"date": "2026-12-01"}}).splitlines()
    title, _, *dates = [line.split("|")[-2].strip() for line in mixed]
    assert (title, dates) == ("measured", ["2026-11-26", "2026-12-01"])


def test_the_page_has_the_tables_of_the_simulated_studies(benchmark):
    results = benchmark("results")
    kept = results.read()
    page = (ROOT / "docs/statistics.md").read_text(encoding="utf-8")
    for table in (results.best(kept["best"]["rows"]), results.power(kept["power"]["rows"])):
        assert f"\n\n{table}\n\n" in page


def test_the_page_has_the_tables_of_the_recorded_runs(checkpoints):
    page = (ROOT / "docs/training-length.md").read_text(encoding="utf-8")
    tables = checkpoints.tables(checkpoints.recorded())
    assert len(tables) == 8
    missing = [name for name, table in tables.items() if f"\n\n{table}\n\n" not in page]
    assert not missing, "put what `python benchmarks/checkpoints.py` prints into the page"


def test_the_page_on_tissue_has_the_tables_of_its_numbers(benchmark):
    page = (ROOT / "docs/brca-m2c.md").read_text(encoding="utf-8")
    tables = benchmark("answer").tables()
    missing = [name for name, table in tables.items() if f"\n\n{table}\n\n" not in page]
    assert not missing, "put what `python benchmarks/answer.py` prints into docs/brca-m2c.md"


def test_the_answer_on_tissue_is_that_of_its_numbers(benchmark):
    answer = benchmark("answer")
    page = " ".join((ROOT / "docs/brca-m2c.md").read_text(encoding="utf-8").split())
    readme = " ".join(README.split())
    study = answer.study("brca-m2c")
    augs, without = study["augmentations"].set_index("aug"), study["without-A7"].set_index("aug")
    names = ["randstainna", "dihedral+randstainna+blur", "randstainna+trivial"]
    recolour = augs.loc[names]
    assert (recolour["low"] > 0).all() and recolour["difference"].idxmax() == names[-1]
    said = f"gain {recolour['difference'].min():.3f} to {recolour['difference'].max():.3f} over all"
    assert said in page
    best = ("dihedral+stain", names[-1])
    rows = [table.loc[aug] for table in (augs, without) for aug in best]
    for row in (*rows, augs.loc["crop"]):
        assert answer.change(row, "difference") in page.partition("## The study")[0]
    for row in rows:
        assert answer.change(row, "difference") in readme
    assert augs["lead"].idxmax() == "dihedral+stain" and without.loc[best[0], "verdict"] == "better"
    moved = ["rotation", "flip", "invert", "invert+rotation", "invert+flip"]
    assert {*augs.loc[moved, "verdict"]} == {"undecided"}
    assert (without.loc[[*moved, *names], "difference"] < 0).all()
    assert f"would be {6 * augs.loc['randstainna', 'p_holm']:.2f}" in page
    p_holm = augs["p_holm"].sort_values()
    assert p_holm.iloc[5] == augs.loc["randstainna", "p_holm"]  # so five of eleven are smaller
    gained = study["site_gains"].set_index("site").groupby("aug")["gain"]
    assert (gained.max()["crop"] < 0) and (gained.idxmax()[names] == "A7").all()
    none = study["sites"].query("aug == 'none'").groupby("site")[["macro_auc", "patients"]].mean()
    assert none["macro_auc"].idxmin() == "A7" and "A7, with 29 of the 113 patients" in page
    assert none.loc["A7", "patients"] == 29
    for aug in ("dihedral+stain", "flip+stain"):
        assert (gained.get_group(aug) > 0).sum() == 10 and gained.get_group(aug).idxmax() == "A7"
    searched = answer.study("brca-m2c-selection")
    in_search = searched["without-A7"].set_index("aug")["difference"]
    said = "without A7 they gained +{:.3f} and +{:.3f}".format(
        *in_search[["dihedral+stain", "flip+stain"]]
    )
    assert said in page and in_search[names].max() < 0.01
    of_search = (
        searched["augmentations"].set_index("aug")["difference"].sort_values(ascending=False)
    )
    assert list(of_search.index[:2]) == ["dihedral+stain", "flip+stain"]
    elsewhere = gained.apply(lambda gains: gains.drop("A7")).loc[names]
    said = f"gains up to {gained.max()[names].max():.2f} at one site, and costs up to "
    assert f"{said}{-elsewhere.min():.2f} at another" in page
    early = study["checkpoints"].query("updates == 250")["fold"]
    assert f"Of the {len(study['checkpoints'])} trainings {len(early)} were kept after 250" in page
    assert f"{(early == 2).sum()} of them in fold 2" in page
    verdicts = study["claims"]["verdict"].value_counts()
    decided, undecided = verdicts["supported"] + verdicts["contradicted"], verdicts["undecided"]
    said = f"Of the thirteen verdicts {decided} are decided here, {undecided} are undecided."
    assert said in page and verdicts.sum() == 13
    needs = study["power"].query("of == 'claim' and verdict == 'undecided'")
    noisy = (needs["se_repeats"] > needs["se_patients"]).sum()
    assert f"For {noisy} of the ten in the next section" in page and len(needs) == 10
    scaled = study["scale"].query("aug == 'crop'").set_index("volume")[["scaled", "difference"]]
    said = [f"−{-left:.3f} of −{-whole:.3f}" for left, whole in scaled.loc[[1, np.inf]].to_numpy()]
    assert "enlarged alike, {} remain at ×1, and {} at ×∞".format(*said) in page


def test_how_much_data_it_takes_is_that_of_the_numbers(benchmark):
    answer = benchmark("answer")
    page = " ".join((ROOT / "docs/brca-m2c.md").read_text(encoding="utf-8").split())
    study = answer.study("brca-m2c")
    gains = study["volumes"].set_index(["aug", "smaller", "larger"])
    more = gains.xs((0.5, 1), level=("smaller", "larger"))
    assert (
        f"every patient better than with half, {answer.change(more.loc['none'], 'gain')}." in page
    )
    assert (more["gain"] > 0).all() and len(more) == 8
    assert (more["verdict"] == "still rising").sum() == 6
    scores = study["configurations"].set_index(["aug", "volume"])["macro_auc"]
    noise = scores["none", 1], scores["none", 2]
    assert "between {:.3f} and {:.3f} lies the noise".format(*noise) in page
    detectable = study["power"].query("of == 'augmentation'")["detectable"]
    own_nuclei = " ".join((ROOT / "docs/own-nuclei.md").read_text(encoding="utf-8").split())
    said = f"of about {detectable.min():.2f} to {detectable.max():.2f} in macro AUC"
    assert said in own_nuclei
    reached = scores["randstainna+trivial", 0.5], scores["none", 1]
    assert reached[0] > reached[1]
    said = "`randstainna+trivial` reaches {:.3f} with half of the nuclei, `none` {:.3f} with all;"
    assert said.format(*reached) in page
    of_sites = study["sites"].set_index(["site", "aug", "volume"])["macro_auc"]
    pair = (("randstainna+trivial", 0.5), ("none", 1))
    half, all_of_them = (of_sites.xs(key, level=("aug", "volume")) for key in pair)
    assert (half < all_of_them).sum() == 9 and (half - all_of_them).idxmax() == "A7"
    fresh = gains.xs(np.inf, level="larger").reset_index("smaller", drop=True)["verdict"]
    rising = {"dihedral+stain", "flip+stain", "dihedral+randstainna+blur"}
    assert set(fresh.index[fresh == "still rising"]) == rising
    assert gains.loc[("randstainna+trivial", 1, 2), "verdict"] == "still rising"
    patients = answer.study("brca-m2c-patients")
    fewer = patients["volumes"].set_index(["aug", "smaller", "larger"]).loc[("none", 0.5, 1)]
    recolouring = patients["forest"].set_index(["aug", "volume"]).loc["randstainna+trivial"]
    for volume, name in (("0.5", "half"), ("0.25", "a quarter")):
        gain = answer.change(recolouring.loc[volume], "difference")
        assert f"{gain} with {name} of the patients" in page
    assert f"better than with half of them, {answer.change(fewer, 'gain')}, for one choice" in page
    assert fewer["low"] > more.loc["none", "high"]
    seventh = study["claims"].set_index("claim").loc["7"]
    assert f"to add: {answer.change(seventh, 'estimate')}, averaged over the notebook's six" in page
    assert seventh["verdict"] == "undecided"
    declined = patients["volumes"].query("smaller == 0.125 and gain < 0")["gain"].round(3)
    assert declined.tolist() == [-0.058] * 2 and "did 0.058 worse than with the eighth" in page


def test_what_the_second_network_says_is_that_of_its_numbers(benchmark):
    answer = benchmark("answer")
    page = " ".join((ROOT / "docs/brca-m2c.md").read_text(encoding="utf-8").split())
    wide, small = answer.study("brca-m2c-wide"), answer.study("brca-m2c")
    gaps = wide["forest"].set_index(["aug", "volume"])
    agreed = [answer.change(gaps.loc["randstainna+trivial", v], "difference") for v in ("1", "inf")]
    assert "gains {} at ×1 and {} at ×∞".format(*agreed) in page
    assert f"gains {agreed[1]} with it" in page
    without = wide["without-A7"].set_index("aug").loc["randstainna+trivial"]
    assert f"without A7 it gains {answer.change(without, 'difference')}" in page
    costs = [-gaps.loc[("invert+flip", v), "difference"] for v in ("1", "inf")]
    assert "costs `wide` {:.3f} at ×1 and {:.3f} at ×∞".format(*costs) in page
    assert {gaps.loc[(aug, "all"), "verdict"] for aug in ("flip", "dihedral")} == {"equivalent"}
    assert gaps.loc[("dihedral", "inf"), "verdict"] == "worse"
    assert f"`dihedral` costs {-gaps.loc[('dihedral', 'inf'), 'difference']:.3f}" in page
    scores = wide["sites"].query("volume == inf").pivot(index="site", columns="aug")["macro_auc"]
    most, least = (scores[aug] - scores["none"] for aug in ("randstainna+trivial", "invert+flip"))
    assert (most.idxmax(), least.idxmin()) == ("A7", "A8")
    assert f"A7 again (+{most['A7']:.3f} at ×∞)" in page and f"(−{-least['A8']:.3f} at ×∞)" in page
    reached = [
        study["configurations"].set_index(["aug", "volume"]).loc[("none", 1), "macro_auc"]
        for study in (wide, small)
    ]
    assert "`wide` reaches {:.3f} at ×1, `small` {:.3f}".format(*reached) in page
    kept = wide["checkpoints"].query("aug == 'invert+flip'")
    assert len(kept) == 10 and (kept["updates"] == kept["of"]).all()


def test_the_page_of_synthetic_nuclei_is_that_of_its_numbers(benchmark):
    page = (ROOT / "docs/generated.md").read_text(encoding="utf-8")
    answer = benchmark("answer")
    missing = [name for name, text in answer.of_synthetic_nuclei().items() if text not in page]
    assert not missing, "put what `python benchmarks/answer.py` prints into docs/generated.md"
    added = answer.study("brca-m2c-generated")["synthetic_against_real"].set_index(
        ["aug", "volume"]
    )
    assert added["verdict"].tolist() == ["worse"] * 3 + ["undecided"]
    against_none = answer.study("brca-m2c-generated")["forest"].set_index("aug")
    assert set(against_none.loc["generated+flip", "verdict"]) == {"undecided"}
    assert answer.change(added.loc["generated", 2], "difference") in " ".join(page.split())
    home = ROOT / "docs/numbers/brca-m2c-generated"
    near = [
        pd.read_csv(home / f"seed-{seed}/configurations/{aug}/synthetic-nuclei.csv").query(
            "nuclei == 'made'"
        )["near"]
        for seed, aug in ((1, "generated"), (2, "generated+flip"))
    ]
    assert np.array_equal(*near) and f"{near[0].mean():.0%}".replace("%", " %") in page


def test_the_augmentations_that_validation_chose_are_ahead_on_test_as_a_family(benchmark):
    answer = benchmark("answer")
    chosen = answer.choice(answer.study("brca-m2c-selection"))
    recolouring = chosen.iloc[: list(chosen["augmentation"]).index("dihedral")]
    assert len(recolouring) == 12
    gains = recolouring["macro AUC − none, on test"].str[1:6].astype(float)
    assert gains.min() > 0.02 and gains.max() < 0.04


def test_the_page_has_what_a_short_patience_did(benchmark):
    study = benchmark("answer").study
    page = " ".join((ROOT / "docs/training-length.md").read_text(encoding="utf-8").split())
    with_patience, without = study("brca-m2c-patience"), study("brca-m2c-selection")
    early, trainings = [], []
    for tables in (with_patience, without):
        third = tables["checkpoints"].query("fold == 3")["updates"]
        early.append((third <= 400).sum())
        trainings.append(len(third))
    assert f"of fold 3's {trainings[0]} trainings, {early[0]} were kept after 400" in page
    assert f"Of its {trainings[1]} trainings without patience" in page
    assert f"[{early[1]} was]" in page
    first, second = (
        tables["configurations"].query("aug == 'none'")["macro_auc"].iloc[-1]
        for tables in (with_patience, without)
    )
    assert f"macro AUC of {first:.3f} on test, and {second:.3f} without" in page


@pytest.mark.parametrize("repeats", [1, 3])
def test_kept_predictions_keep_every_class_and_nearly_every_digit(benchmark, repeats):
    kept = benchmark("kept")
    odds = np.random.default_rng(1).normal(0, 4, (repeats, 5000, 3))
    odds[:, :500] = odds[:, :500].round()  # ties
    exact = np.exp(odds) / np.exp(odds).sum(axis=-1, keepdims=True)
    unpacked = kept.unpack(kept.pack(exact.astype(np.float32)))
    assert unpacked.shape == exact.shape and unpacked.dtype == np.float32
    assert (unpacked.argmax(axis=-1) == exact.astype(np.float32).argmax(axis=-1)).all()
    assert np.abs(unpacked - exact).max() < 0.016


def test_kept_predictions_give_the_scores_of_the_page(benchmark):
    kept, answer = benchmark("kept"), benchmark("answer")
    study = kept.read("brca-m2c-selection")
    scores = answer.study("brca-m2c-selection")["configurations"].set_index(["aug", "volume"])
    assert study.configurations["test"].keys() == study.training.keys() == {*scores.index}
    for configuration, probabilities in study.configurations["test"].items():
        tested = study.tested
        right = probabilities.argmax(axis=-1) == tested.label
        shares = pd.Series(tested.patient).groupby(tested.fold).nunique()
        accuracy = pd.Series(right.mean(axis=0)).groupby(tested.fold).mean()
        assert (accuracy * shares / shares.sum()).sum() == pytest.approx(
            scores.loc[configuration, "accuracy"], abs=1e-4
        )


def test_kept_predictions_give_the_tables_that_are_kept(benchmark, monkeypatch, tmp_path):
    kept, answer = benchmark("kept"), benchmark("answer")
    before = answer.study("brca-m2c-selection")
    monkeypatch.setattr(kept, "NUMBERS", tmp_path)
    folder = shutil.copytree(ROOT / "docs/numbers/brca-m2c-selection", tmp_path / "selection")
    params = (folder / "params.yaml").read_text(encoding="utf-8")
    quick = params.replace("resamples: 2000", "resamples: 200")  # estimates need none of them
    assert quick != params
    (folder / "params.yaml").write_text(quick, encoding="utf-8")
    kept.evaluate("again", "selection")
    again = answer.study("again")
    assert again.keys() == {*kept.TABLES} & before.keys()
    for name, column in (
        ("forest", "difference"),
        ("augmentations", "lead"),
        ("sites", "accuracy"),
    ):
        assert again[name].columns.equals(before[name].columns)
        assert again[name][column].equals(before[name][column])


def test_a_site_that_is_left_out_is_not_tested(benchmark):
    kept = benchmark("kept")
    study = kept.read("brca-m2c-selection")
    others = kept.leave_out(study, "A7")
    stays = study.tested.site != "A7"
    assert set(others.tested.site) == {*study.tested.site} - {"A7"}
    assert np.array_equal(others.tested.patient, study.tested.patient[stays])
    for view, by_configuration in others.configurations.items():
        for key, probabilities in by_configuration.items():
            assert np.array_equal(probabilities, study.configurations[view][key][:, stays])
    with pytest.raises(SystemExit, match="A77: no such site; valid: "):
        kept.leave_out(study, "A77")


def test_the_repeats_of_two_kept_studies_are_taken_together(benchmark):
    kept = benchmark("kept")
    first = kept.read("brca-m2c-selection")
    training = {key: record for key, record in first.training.items() if key[0] != "rand"}
    both = kept.together([first, first._replace(training=training)])
    assert both.training.keys() == both.configurations["test"].keys() == training.keys()
    for key, probabilities in both.configurations["test"].items():
        assert np.array_equal(probabilities, first.configurations["test"][key][[0, 0]])
        rows = both.training[key]["checkpoints"]
        assert [row["repeat"] for row in rows] == [0] * 5 + [1] * 5
    other = first._replace(tested=first.tested._replace(fold=first.tested.fold + 1))
    with pytest.raises(SystemExit, match="not tested the same nuclei"):
        kept.together([first, other])


def test_recorded_runs_are_runs_that_the_script_would_train(checkpoints):
    for recorded in checkpoints.recorded():
        run = checkpoints.Run(*(recorded[field] for field in checkpoints.Run._fields))
        assert run in checkpoints.RUNS and len(recorded["curve"]) == run.points
        for point in recorded["curve"]:
            assert set(point) == {"updates", *checkpoints.WEIGHTS[run.schedule]}


def test_the_results_are_the_summary_of_the_recorded_runs(checkpoints):
    kept = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))["checkpoints"]
    recorded = checkpoints.recorded()
    summary = checkpoints.summary(recorded)
    assert kept["runs"] == len(recorded) and kept["ways"].keys() == summary.keys()
    for way, by_budget in summary.items():
        for budget, reached in by_budget.items():
            assert kept["ways"][way][budget] == pytest.approx(reached, abs=1e-4)


def test_comparing_needs_no_tensorflow():
    said = run(ROOT, sys.executable, "-X", "importtime", "benchmarks/checkpoints.py")
    assert "constant, mean 0.995, lowest loss" in said
    assert re.search(r"\|\s+numpy$", said, re.MULTILINE)
    assert not re.search(r"\|\s+tensorflow$", said, re.MULTILINE)


@pytest.mark.parametrize(
    ("scores", "patience", "best"),
    [
        ([1, 3, 2, 2, 4], 9, (4, 5)),
        ([1, 3, 2, 2, 4], 2, (1, 4)),
        ([1, 3, 2, 4, 3], 2, (3, 5)),
        ([2, 2, 2], 9, (0, 3)),
    ],
)
def test_the_first_of_the_highest_is_the_checkpoint_unless_patience_ends_earlier(
    checkpoints, scores, patience, best
):
    assert checkpoints._searched(scores, patience) == best


def test_the_widths_of_the_page_are_those_that_were_recorded():
    widths = json.loads((ROOT / "benchmarks/results.json").read_text(encoding="utf-8"))["widths"]
    page = (ROOT / "docs/brca-m2c.md").read_text(encoding="utf-8")
    for aug in ("flip", "stain", "flip+stain"):
        bounds = [
            widths[study][way][f"{aug} xinf"]
            for way in ("given", "in_use")
            for study in ("released", "five_folds")
        ]
        row = " | ".join(f"{high - low:.3f}" for _, low, high, _ in bounds)
        assert f"| {aug} ×∞ |" in page and f" | {row} |" in page
