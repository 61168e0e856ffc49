"""What the stage evaluate reads of params.yaml."""

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from nuclei.core.params import Section, Seed, StageParams
from nuclei.statistics import notebook


class Evaluate(Section):
    """Knobs of the statistics, tables and figures."""

    seed: Seed
    resamples: Annotated[int, Field(ge=200, le=100_000)]
    margin: Annotated[float, Field(gt=0, lt=0.5)]
    examples: Annotated[int, Field(ge=1, le=32)]
    mixed: Literal["refuse", "allow"]
    planned: list[str] = Field(default_factory=lambda: list(notebook.AUGMENTATIONS))


class EvaluateParams(StageParams):
    """The configuration that the experiment asks for, and the section of the stage."""

    aug: str
    volume: Annotated[float, BeforeValidator(float)]  # YAML has `inf` as text
    evaluate: Evaluate
