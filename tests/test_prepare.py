import json
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest

import prepare
import raw_folder
from nuclei.errors import InputError

ROOT = Path(__file__).parents[1]
REAL = ROOT.parent / "shared" / "data"
HEADER = ",raw_classification,type,xmin,ymin,xmax,ymax\n"
ROWS = "".join(
    f"{i},{name},rectangle,{4 * i},10,{4 * i + 8},30\n"
    for i, name in enumerate(["tumor", "fibroblast", "lymphocyte", "unlabeled", "tumor"])
)
SITES = ["A1", "A2", "AN", "BH", "E2"]  # BH and E2 are the test sites below


def _field(site, patient=0):
    return f"TCGA-{site}-A00{patient}-DX1_id-{'0' * 24}_left-1_top-1_bottom-2_right-2"


def _write(path, content):
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content)
    else:
        cv2.imwrite(str(path), content[..., ::-1])


def _params(folder, data, **prepare):
    lines = (ROOT / "params.yaml").read_text().splitlines()
    for knob, value in {"data": data, **prepare}.items():
        places = [i for i, line in enumerate(lines) if line.strip().startswith(f"{knob}:")]
        indent = len(lines[places[0]]) - len(lines[places[0]].lstrip())
        lines[places[0]] = " " * indent + f"{knob}: {value}"
    (folder / "params.yaml").write_text("\n".join(lines))


@pytest.fixture
def release(tmp_path, monkeypatch):
    """Two patients of each site in the NuCLS layout; returns the raw folder."""
    raw = tmp_path / "data" / "raw" / "release"
    pixels = np.random.default_rng(0)
    for site in SITES:
        for patient in (0, 1):
            image = pixels.integers(0, 256, (40, 50, 3), dtype=np.uint8)
            _write(raw / "rgb" / f"{_field(site, patient)}.png", image)
            _write(raw / "csv" / f"{_field(site, patient)}.csv", HEADER + ROWS)
    slides = {site: [f"TCGA-{site}-A00{patient}-DX1" for patient in (0, 1)] for site in SITES}
    for split, sites in [("train", SITES[:3]), ("test", SITES[3:])]:
        listed = pd.DataFrame({"slide_name": [slide for site in sites for slide in slides[site]]})
        _write(raw / "train_test_splits" / f"fold_1_{split}.csv", listed.to_csv())
    _params(tmp_path, "release")
    monkeypatch.chdir(tmp_path)
    return raw


def _outputs():
    return {path.name: path.read_bytes() for path in Path("data/prepared").iterdir()}


def _summary():
    return json.loads(Path("data/prepared/summary.json").read_text())


def test_rows_images_and_summary_agree(release):
    prepare.main()
    tables = {}
    for split in ("train", "validation", "test"):
        images = np.load(f"data/prepared/{split}.npy", mmap_mode="r")
        tables[split] = pd.read_csv(f"data/prepared/{split}.csv")
        assert images.dtype == np.uint8
        assert images.flags.c_contiguous
        assert images.shape == (len(tables[split]), 32, 32, 3)
    assert list(tables["train"]) == ["id", "label", "patient", "site", "source"]
    table = pd.concat(tables)
    assert table["id"].is_unique
    assert set(tables["test"]["site"]) == {"BH", "E2"}
    assert tables["validation"]["site"].nunique() == 1
    summary = _summary()
    assert summary["rows"] == {"read": 50, "kept": 40, "dropped": 10}
    assert summary["dropped"] == {"unlabeled": 10}
    assert summary["held_out_sites"] == list(tables["validation"]["site"].unique())
    assert summary["kept"]["test"]["tumor"] == {"nuclei": 8, "patients": 4, "sites": 2}
    sizes = pd.read_csv("data/prepared/sizes.csv")
    assert set(sizes["id"]) == set(table["id"])
    assert set(sizes["longest"]) == {4.0}
    assert {path.name for path in Path("data/prepared").iterdir()} == {
        *(f"{split}.{ending}" for split in tables for ending in ("npy", "csv")),
        "summary.json",
        "sizes.csv",
    }


def test_an_image_is_the_crop_of_its_row(release):
    pixels = np.zeros((40, 50, 3), np.uint8)
    for site in SITES:
        for patient in (0, 1):
            # The first two channels tell the field, the third tells x.
            pixels[:] = SITES.index(site), patient, 0
            pixels[..., 2] = np.arange(50)
            _write(release / "rgb" / f"{_field(site, patient)}.png", pixels)
    _params(Path(), "release", microns=2)
    prepare.main()
    for split in ("train", "validation", "test"):
        table = pd.read_csv(f"data/prepared/{split}.csv")
        images = np.load(f"data/prepared/{split}.npy")
        for row, image in zip(table.itertuples(), images, strict=True):
            assert (image[..., :2] == [SITES.index(row.site), int(row.patient[-1])]).all()
            assert abs(image[..., 2].mean() - (4 * int(row.id.rsplit("/")[-1]) + 4)) < 1


def test_a_nucleus_outside_its_image_is_an_error(release):
    _write(release / "rgb" / f"{_field('A1')}.png", np.zeros((40, 15, 3), np.uint8))
    with pytest.raises(InputError, match=r"row 4: centre x 20, y 20 lies outside .* of 15 × 40"):
        prepare.main()


def test_hidden_files_are_no_fields(release):
    _write(release / "rgb" / f"._{_field('A1')}.png", "resource fork")
    _write(release / "rgb" / ".thumbnails" / "a.png", "")
    prepare.main()
    assert _summary()["fields"]["found"] == 10


def test_the_same_input_gives_the_same_bytes_whatever_the_listing_and_the_workers(
    release, monkeypatch
):
    prepare.main()
    first = _outputs()
    walk = raw_folder.os.walk
    monkeypatch.setattr(
        raw_folder.os, "walk", lambda root, **_: ((p, d, f[::-1]) for p, d, f in walk(root))
    )
    monkeypatch.setattr(raw_folder.os, "cpu_count", lambda: 1)
    prepare.main()
    assert _outputs() == first


def test_an_unreadable_field_fails_or_is_skipped_and_listed(release):
    image = release / "rgb" / f"{_field('A1')}.png"
    image.write_bytes(image.read_bytes()[:-100])
    (release / "csv" / f"{_field('BH')}.csv").write_bytes(b"\xff")
    (release / "rgb" / f"{_field('E2')}.png").unlink()
    with pytest.raises(InputError, match=rf"^rgb/{_field('A1')}\.png: not a whole PNG"):
        prepare.main()
    assert not Path("data/prepared").exists()
    _params(Path(), "release", on_error="skip")
    prepare.main()
    skipped = _summary()["skipped"]
    assert list(skipped) == [_field("A1"), _field("BH"), _field("E2")]
    assert "not UTF-8" in skipped[_field("BH")]
    assert "No such file" in skipped[_field("E2")]
    assert _summary()["fields"] == {"found": 10, "skipped": 3, "without_nuclei": 0}
    assert _summary()["rows"]["read"] == 35


def test_nothing_readable_is_an_error_even_if_skipping(release):
    for path in (release / "rgb").iterdir():
        path.write_bytes(b"")
    _params(Path(), "release", on_error="skip")
    with pytest.raises(
        InputError, match="no nucleus remains of 10 fields; the first field skipped"
    ):
        prepare.main()


def test_a_field_without_nuclei_is_counted(release):
    _write(release / "csv" / f"{_field('A1')}.csv", HEADER)
    prepare.main()
    assert _summary()["fields"] == {"found": 10, "skipped": 0, "without_nuclei": 1}


def test_a_missing_class_is_named(release):
    for site in ("BH", "E2"):
        for patient in (0, 1):
            _write(
                release / "csv" / f"{_field(site, patient)}.csv",
                HEADER + ROWS.replace("lymphocyte", "tumor"),
            )
    with pytest.raises(InputError, match="test holds no TIL nucleus"):
        prepare.main()


def test_a_missing_folder_is_one_line_with_those_there(release):
    _params(Path(), "nucls")
    with pytest.raises(InputError, match=r"no folder data/raw/nucls; data/raw holds: release$"):
        prepare.main()


def test_a_missing_fold_names_its_file(release):
    _params(Path(), "release", fold=3)
    with pytest.raises(InputError, match=r"fold_3_train\.csv: No such file"):
        prepare.main()


def test_the_raw_folder_may_be_a_link_but_a_file_in_it_may_not_lead_out(release, tmp_path):
    release.rename(tmp_path / "elsewhere")
    release.symlink_to(tmp_path / "elsewhere")
    prepare.main()
    image = release / "rgb" / f"{_field('A1')}.png"
    image.rename(tmp_path / "outside.png")
    image.symlink_to(tmp_path / "outside.png")
    with pytest.raises(InputError, match=rf"{_field('A1')}\.png: a link to a place outside"):
        prepare.main()


def test_crops_of_the_notebook(tmp_path, monkeypatch):
    raw = tmp_path / "data" / "raw" / "crops"
    for site, folder in [
        ("A1", "classification"),
        ("A2", "classification"),
        ("BH", "classification"),
        ("BH", "classification_test"),
    ]:
        for i, label in enumerate(["tumor", "stromal", "TIL", "unknown"]):
            image = np.full((20 + 30 * i, 40, 3), i, np.uint8)
            _write(raw / folder / f"{label}.{i}.0.TCGA-{site}-A000-DX1.png", image)
    _params(tmp_path, "crops")
    monkeypatch.chdir(tmp_path)
    prepare.main()
    summary = _summary()
    assert summary["rows"] == {"read": 16, "kept": 12, "dropped": 4}
    assert summary["moved"] == {"TCGA-BH-A000": {"from": ["train", "test"], "to": "test"}}
    assert summary["kept"]["test"]["all"] == {"nuclei": 6, "patients": 1, "sites": 1}
    assert not Path("data/prepared/sizes.csv").exists()


@pytest.mark.skipif(not (REAL / "brca-m2c").is_dir(), reason="real BRCA-M2C is not at hand")
def test_real_brca_m2c(tmp_path, monkeypatch):
    (tmp_path / "data" / "raw").mkdir(parents=True)
    (tmp_path / "data" / "raw" / "brca-m2c").symlink_to(REAL / "brca-m2c")
    _params(tmp_path, "brca-m2c")
    monkeypatch.chdir(tmp_path)
    prepare.main()
    summary = _summary()
    assert summary["rows"] == {"read": 30638, "kept": 30638, "dropped": 0}
    whole = {"from": ["train", "validation"], "to": "train"}
    assert summary["moved"] == {"TCGA-A7-A0DB": whole, "TCGA-A7-A13G": whole}
    counts = {split: of["all"] for split, of in summary["kept"].items()}
    assert {split: count["patients"] for split, count in counts.items()} == {
        "train": 75,
        "validation": 8,
        "test": 30,
    }
    assert sum(count["nuclei"] for count in counts.values()) == 30638
