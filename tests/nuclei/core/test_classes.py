import pytest

from nuclei.core.classes import CLASSES, codes


def test_codes_are_positions_in_classes():
    assert codes(reversed(CLASSES)).tolist() == [2, 1, 0]
    assert codes([]).dtype == "int64"
    with pytest.raises(KeyError, match="tumour"):
        codes(["tumour"])
