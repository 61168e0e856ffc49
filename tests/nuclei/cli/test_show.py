"""What tells about operations: their table, and pictures of what they do."""

import io
import re
from pathlib import Path

import five_sites
import numpy as np
import pytest
from click.testing import CliRunner
from commands import ROOT
from PIL import Image

import prepare
from nuclei.augmentation import recipes
from nuclei.cli import show
from nuclei.cli.main import main
from nuclei.core import files
from nuclei.core.errors import InputError
from nuclei.report import operations as table


@pytest.fixture
def prepared(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    five_sites.build(tmp_path)
    prepare.main()


def _pixels(path):
    return np.array(Image.open(io.BytesIO(Path(path).read_bytes())))[..., :3]


def test_a_picture_shows_originals_and_the_copies_that_the_study_stores(prepared):
    show.show("rotation-90")
    picture = _pixels("shown/rotation-90.png")
    nuclei = files.read_nuclei(Path("data/prepared"))
    crops = nuclei.crops
    labels = files.read_csv(Path("data/prepared/nuclei.csv"))["label"].to_numpy(str)
    row = show.contact_sheets.balanced_rows(labels, show.NUCLEI)[:1]
    side, pitch = crops.shape[1], picture.shape[1] - 128
    pitch //= show.COPIES + 1
    zoom = (pitch - 6) // side
    copies = range(show.COPIES)
    made = [recipes.augment(nuclei.rows(row), "rotation-90", 1, copy) for copy in copies]
    for column, crop in enumerate(np.concatenate([crops[row], *made])):
        larger, left = crop.repeat(zoom, 0).repeat(zoom, 1), 128 + column * pitch
        shown = picture[28 : 28 + side * zoom, left : left + side * zoom]
        np.testing.assert_array_equal(shown, larger)


@pytest.mark.parametrize("aug", ["flip+randstainna", None])
def test_what_is_learned_and_all_operations_can_be_shown(prepared, aug):
    show.show(aug, Path("here.png"))
    assert _pixels("here.png").std() > 5


@pytest.mark.parametrize(("aug", "said"), [("melt", "no operation"), ("stain-99", "1 to 60 %")])
def test_a_mistake_is_one_line_and_writes_nothing(prepared, aug, said):
    with pytest.raises(InputError, match=said):
        show.show(aug)
    assert not Path("shown").exists()


def test_without_prepared_nuclei_it_says_what_makes_them(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("params.yaml").write_text((ROOT / "params.yaml").read_text(encoding="utf-8"))
    with pytest.raises(InputError, match=r"nuclei.npy is missing: `dvc repro prepare` makes it"):
        show.show("flip")


def test_the_page_about_operations_is_the_one_that_the_code_writes(tmp_path):
    page = str(tmp_path / "page.md")
    CliRunner().invoke(main, ["operations", "--out", page], catch_exceptions=False)
    page = (tmp_path / "page.md").read_text(encoding="utf-8")
    assert page == (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    count = len(recipes.OPERATIONS)
    assert len(re.findall(r"^\| `[a-z]+` ", page, re.MULTILINE)) == count


def test_the_terminal_says_the_same_as_the_page():
    said = CliRunner().invoke(main, ["operations"], catch_exceptions=False).output
    assert max(map(len, said.splitlines())) <= 100
    for row in table.table().to_dict("records"):
        assert row["what it does"] in said
        if row["number"]:
            assert f"{row['operation']}-{row['default']}: {row['number']}, {row['range']}" in said
