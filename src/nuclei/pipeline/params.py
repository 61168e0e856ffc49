"""The whole of params.yaml, which is checked before any stage runs."""

import re
from math import inf
from typing import Any

from pydantic import field_validator, model_validator

from nuclei.augmentation.params import Augment
from nuclei.core.params import Name, Section
from nuclei.data.params import Prepare
from nuclei.generation.params import Generator
from nuclei.simulation.params import Simulate
from nuclei.statistics.params import Evaluate
from nuclei.training.params import Network, Train


class StudyParams(Section):
    """The knobs of the experiment, and a section per stage."""

    data: Name
    network: Name
    aug: str
    volume: int | float
    simulate: Simulate
    prepare: Prepare
    augment: Augment
    generator: Generator
    train: Train
    networks: dict[str, Network]
    evaluate: Evaluate

    @field_validator("aug")
    @classmethod
    def _recipe_is_spelled_right(cls, aug: str) -> str:
        step = r"[a-z]+(-[0-9]+(\.[0-9]+)?)?"
        if not re.fullmatch(rf"{step}(\+{step})*", aug):  # DVC puts it on a command line
            raise ValueError(
                "operations in lower case, with or without a number, joined by + without spaces, "
                f"such as invert+flip or rotation-18+flip; got {aug[:80]!r}"
            )
        return aug

    @field_validator("volume", mode="before")
    @classmethod
    def _canonical_volume(cls, volume: Any) -> Any:
        if volume in ("inf", inf):  # DVC's -S writes the number
            return inf
        valid = isinstance(volume, (int, float)) and not isinstance(volume, bool)
        if not valid or not volume > 0:
            raise ValueError("a positive number such as 0.5, 1 or 2, or inf for fresh draws")
        if isinstance(volume, float) and volume.is_integer():
            raise ValueError(f"a whole volume is written {int(volume)}; got {volume!r}")
        return volume

    @model_validator(mode="after")
    def _network_can_be_built(self) -> "StudyParams":
        if self.network not in self.networks:
            raise ValueError(f"network must be one of {sorted(self.networks)}; got {self.network}")
        network = self.networks[self.network]
        side = network.side or self.prepare.side
        if network.architecture == "resnet50" and side < 32:
            raise ValueError(f"networks.{self.network}: resnet50 takes a side from 32; got {side}")
        return self
