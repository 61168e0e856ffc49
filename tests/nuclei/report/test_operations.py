import pytest

from nuclei.augmentation.policies import WIDE
from nuclei.augmentation.recipes import OPERATIONS
from nuclei.report import operations


def test_every_operation_has_a_row_that_says_what_it_does_and_where_it_comes_from():
    table = operations.table()
    assert table["operation"].tolist() == list(OPERATIONS)
    assert table["what it does"].str.len().between(10, 90).all()
    assert table["from"].str.len().gt(0).all()
    row = table.set_index("operation").loc["rotation"]
    assert row["number"] == "largest angle either way"
    assert (row["range"], row["default"]) == ("1 to 180 degrees", "36")
    assert table.set_index("operation").loc["gamma", "range"] == "1.05 to 4"


def test_the_page_has_the_table_and_what_trivial_draws_from():
    page = operations.page()
    for name in OPERATIONS:
        assert f"\n| `{name}` " in page
    drawn_from = page.split("up to a high strength:\n\n")[1].split(".\n\n")[0]
    assert drawn_from.count("`") == 2 * len(WIDE)
    assert "`none`, `rotation-180`" in drawn_from
    assert max(map(len, drawn_from.splitlines())) <= 96


def test_the_terminal_has_lines_without_sources():
    lines = operations.terminal().splitlines()
    assert any(line.split()[:1] == ["flip"] for line in lines)
    assert any("rotation-36: largest angle either way, 1 to 180 degrees" in line for line in lines)
    assert "doi:" not in operations.terminal()


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("rotation", "largest angle either way (degrees)"),
        ("gamma", "largest exponent; its inverse is the smallest"),
    ],
)
def test_the_label_of_an_axis_has_the_unit_of_the_number(name, label):
    assert operations.number(name) == label
