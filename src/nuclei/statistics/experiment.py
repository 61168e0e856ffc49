"""What the study compares, and how sure it is to be: what statistics and report need to know."""

from typing import NamedTuple


class Experiment(NamedTuple):
    """The experiment that was asked for, and the knobs of the comparison."""

    data: str  # the folder of data/raw
    network: str
    aug: str
    volume: float
    margin: float  # a difference of a score below this counts as none
    resamples: int
    planned: list[str]  # recipes; the others of the study are added ones
