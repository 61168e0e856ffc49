"""The knobs of the stage evaluate."""

from typing import Annotated, Literal

from pydantic import Field

from nuclei.core.params import Section, Seed
from nuclei.statistics import notebook


class Evaluate(Section):
    """Knobs of the statistics, tables and figures."""

    seed: Seed
    resamples: Annotated[int, Field(ge=200, le=100_000)]
    margin: Annotated[float, Field(gt=0, lt=0.5)]
    examples: Annotated[int, Field(ge=1, le=32)]
    mixed: Literal["refuse", "allow"]
    planned: list[str] = Field(default_factory=lambda: list(notebook.AUGMENTATIONS))
