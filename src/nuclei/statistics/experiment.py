"""What the report says a study was about: the configuration asked for, and how it is compared."""

from typing import NamedTuple


class Experiment(NamedTuple):
    """The configuration that params.yaml asks for, and the knobs of the comparison."""

    data: str  # the data set, a folder of data/raw, as recorded by prepare
    network: str  # as recorded by train
    aug: str
    volume: float
    margin: float  # a difference in a score below this counts as none
    resamples: int
    planned: list[str]  # augmentations; the study's others are added ones
