"""The knobs of the stage augment."""

from typing import Annotated

from pydantic import Field

from nuclei.params.section import Section, Seed, StageParams


class Augment(Section):
    """Knobs of the augmented data sets."""

    seed: Seed
    copies: Annotated[int, Field(ge=2, le=1_000_000)]  # dvc.yaml names the first two


class AugmentParams(StageParams):
    """What the stage reads of params.yaml."""

    augment: Augment
