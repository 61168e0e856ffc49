"""The knobs of the stage simulate."""

from typing import Annotated

from pydantic import Field

from nuclei.core.params import Count, Section, Seed, StageParams


class Simulate(Section):
    """Knobs of the embedded data set."""

    seed: Seed
    patients: Annotated[int, Field(ge=36, le=36**3)]  # a name holds three base-36 digits
    fields: Count
    nuclei: Annotated[int, Field(ge=10, le=200)]


class SimulateParams(StageParams):
    """What the stage reads of params.yaml."""

    simulate: Simulate
