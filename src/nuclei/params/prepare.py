"""The knobs of the stage prepare."""

from typing import Annotated, Literal

from pydantic import Field

from nuclei.params.section import Name, Section, Seed, Side, StageParams


class Prepare(Section):
    """Knobs of the crops and splits."""

    seed: Seed
    fold: Annotated[int, Field(ge=1, le=5)]
    microns: Annotated[float, Field(ge=2, le=200)]
    side: Side
    validation: Annotated[float, Field(gt=0, le=0.5)]
    on_error: Literal["fail", "skip"]


class PrepareParams(StageParams):
    """What the stage reads of params.yaml."""

    data: Name
    prepare: Prepare
