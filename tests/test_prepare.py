"""Prepare: what it writes of a release, and how it ends where a release is not as it should be."""

from pathlib import Path

import five_sites
import numpy as np
import pandas as pd
import pytest
import yaml
from commands import ROOT

import prepare
from nuclei.core.errors import InputError
from nuclei.data import raw_folder


@pytest.fixture
def release(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return five_sites.build(tmp_path)


def test_rows_images_and_summary_agree(release):
    prepare.main()
    images = np.load("data/prepared/nuclei.npy", mmap_mode="r")
    table = pd.read_csv("data/prepared/nuclei.csv")
    assert images.dtype == np.uint8 and images.flags.c_contiguous
    assert images.shape == (len(table), 32, 32, 3) == (40, 32, 32, 3)
    assert list(table) == ["id", "label", "patient", "site", "source"]
    assert table["id"].is_unique
    summary = five_sites.summary()
    assert summary["rows"] == {"read": 50, "kept": 40, "dropped": 10}
    assert summary["dropped"] == {"unlabeled": 10}
    assert summary["order"] == "nuclei" and summary["moved"] == {}
    counted = {"nuclei": 8, "stromal": 2, "TIL": 2, "tumor": 4, "patients": 2, "sites": 1}
    for fold in "12345":
        assert summary["folds"][fold]["test"] == summary["folds"][fold]["validation"] == counted
        assert summary["folds"][fold]["train"] == {k: 3 * n for k, n in counted.items()}
    sizes = pd.read_csv("data/prepared/sizes.csv")
    assert list(sizes["id"]) == list(table["id"])
    assert set(sizes["longest"]) == {4.0}
    assert {*five_sites.outputs()} == {
        "nuclei.npy",
        "nuclei.csv",
        "folds.csv",
        "sizes.csv",
        "summary.json",
    }


def test_knobs_of_the_simulation_are_recorded_with_simulated_data_alone(release):
    prepare.main()
    recorded = five_sites.summary()["knobs"]
    assert not [name for name in recorded if name.startswith("simulate.")]
    release.rename(release.with_name("simulated"))
    five_sites.params(Path(), "simulated", patients=60)
    prepare.main()
    shipped = yaml.safe_load((ROOT / "params.yaml").read_text(encoding="utf-8"))["simulate"]
    simulate = {f"simulate.{name}": value for name, value in (shipped | {"patients": 60}).items()}
    assert five_sites.summary()["knobs"] == recorded | simulate | {"data": "simulated"}


def test_an_image_is_the_crop_of_its_row(release):
    pixels = np.zeros((40, 50, 3), np.uint8)
    for site in five_sites.SITES:
        for patient in (0, 1):
            # The first two channels tell the field, the third tells x.
            pixels[:] = five_sites.SITES.index(site), patient, 0
            pixels[..., 2] = np.arange(50)
            five_sites.write(release / "rgb" / f"{five_sites.field(site, patient)}.png", pixels)
    five_sites.params(Path(), "release", window_um=2)
    prepare.main()
    table = pd.read_csv("data/prepared/nuclei.csv")
    images = np.load("data/prepared/nuclei.npy")
    for row, image in zip(table.itertuples(), images, strict=True):
        assert (image[..., :2] == [five_sites.SITES.index(row.site), int(row.patient[-1])]).all()
        assert abs(image[..., 2].mean() - (4 * int(row.id.rsplit("/")[-1]) + 4)) < 1


def test_a_nucleus_outside_its_image_is_an_error(release):
    five_sites.write(
        release / "rgb" / f"{five_sites.field('A1')}.png", np.zeros((40, 15, 3), np.uint8)
    )
    with pytest.raises(InputError, match=r"row 4: centre x 20, y 20 lies outside .* of 15 × 40"):
        prepare.main()


def test_hidden_files_are_no_fields(release):
    five_sites.write(release / "rgb" / f"._{five_sites.field('A1')}.png", "resource fork")
    five_sites.write(release / "rgb" / ".thumbnails" / "a.png", "")
    prepare.main()
    assert five_sites.summary()["fields"]["found"] == 10


def test_the_same_input_gives_the_same_bytes_whatever_the_listing_and_the_workers(
    release, monkeypatch
):
    prepare.main()
    first = five_sites.outputs()
    walk = raw_folder.os.walk
    monkeypatch.setattr(
        raw_folder.os, "walk", lambda root, **_: ((p, d, f[::-1]) for p, d, f in walk(root))
    )
    monkeypatch.setattr(raw_folder.os, "cpu_count", lambda: 1)
    prepare.main()
    assert five_sites.outputs() == first


def test_an_unreadable_field_fails_or_is_skipped_and_listed(release):
    image = release / "rgb" / f"{five_sites.field('A2')}.png"
    image.write_bytes(image.read_bytes()[:-100])
    with pytest.raises(InputError, match=rf"^rgb/{five_sites.field('A2')}\.png: not a whole PNG"):
        prepare.main()
    (release / "rgb" / f"{five_sites.field('E2')}.png").unlink()
    (release / "csv" / f"{five_sites.field('BH')}.csv").write_bytes(b"\xff")
    # Labels, and that there are images, come first: they take no time.
    with pytest.raises(InputError, match=rf"^csv/{five_sites.field('BH')}\.csv: byte 0 is not"):
        prepare.main()
    assert not Path("data/prepared").exists()
    five_sites.params(Path(), "release", on_error="skip", folds="released")  # tests A1
    prepare.main()
    skipped = five_sites.summary()["skipped"]
    assert list(skipped) == [five_sites.field("A2"), five_sites.field("BH"), five_sites.field("E2")]
    assert "not UTF-8" in skipped[five_sites.field("BH")]
    assert "No such file" in skipped[five_sites.field("E2")]
    assert five_sites.summary()["fields"] == {"found": 10, "skipped": 3, "without_nuclei": 0}
    assert five_sites.summary()["rows"]["read"] == 35
    # What is left is what a release without those fields gives, to the byte.
    skipping = five_sites.outputs()
    for name in skipped:
        (release / "rgb" / f"{name}.png").unlink(missing_ok=True)
        (release / "csv" / f"{name}.csv").unlink()
    prepare.main()
    for file in ("nuclei.npy", "nuclei.csv", "sizes.csv"):
        assert five_sites.outputs()[file] == skipping[file]


def test_nothing_readable_is_an_error_even_if_skipping(release):
    for path in (release / "rgb").iterdir():
        path.write_bytes(b"")
    five_sites.params(Path(), "release", on_error="skip")
    with pytest.raises(
        InputError, match="no nucleus remains of 10 fields; the first field skipped"
    ):
        prepare.main()


def test_a_field_without_nuclei_is_counted(release):
    five_sites.write(release / "csv" / f"{five_sites.field('A2')}.csv", five_sites.HEADER)
    five_sites.params(Path(), "release", folds="released")  # tests A1
    prepare.main()
    assert five_sites.summary()["fields"] == {"found": 10, "skipped": 0, "without_nuclei": 1}


def test_a_missing_folder_is_one_line_with_those_there(release):
    five_sites.params(Path(), "nucls")
    with pytest.raises(InputError, match=r"no folder data/raw/nucls; data/raw holds: release$"):
        prepare.main()


def test_the_raw_folder_may_be_a_link_but_a_file_in_it_may_not_lead_out(release, tmp_path):
    release.rename(tmp_path / "elsewhere")
    release.symlink_to(tmp_path / "elsewhere")
    prepare.main()
    image = release / "rgb" / f"{five_sites.field('A1')}.png"
    image.rename(tmp_path / "outside.png")
    image.symlink_to(tmp_path / "outside.png")
    with pytest.raises(
        InputError, match=rf"{five_sites.field('A1')}\.png: a link to a place outside"
    ):
        prepare.main()


@pytest.mark.parametrize("skip", [False, True])
def test_that_no_nucleus_has_a_name_is_claimed_only_where_it_is_known(release, capsys, skip):
    knobs = {"classes": "{unlabeled: tumor}", "folds": "released"}
    if skip:
        (release / "rgb" / f"{five_sites.field('E2')}.png").unlink()
        knobs["on_error"] = "skip"
    five_sites.params(Path(), "release", **knobs)
    prepare.main()
    said = capsys.readouterr().out
    assert "not used: prepare.classes 'unlabeled': " in said
    assert "no nucleus" not in said  # there are ten, whose name the layout maps
