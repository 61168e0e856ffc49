"""What the stage evaluate reads of params.yaml."""

from typing import Annotated, Literal, NamedTuple

from pydantic import AfterValidator, BeforeValidator, Field

from nuclei.core.errors import InputError
from nuclei.core.params import Section, Seed, StageParams
from nuclei.statistics import notebook


def _is_an_augmentation(recipe: str) -> str:
    if recipe not in notebook.AUGMENTATIONS:
        from nuclei.augmentation import recipes  # slow to import, and every stage checks all knobs

        try:
            recipes.parse(recipe)
        except InputError as error:
            raise ValueError(str(error)) from None
    return recipe


class Evaluate(Section):
    """Knobs of the statistics, tables and figures."""

    seed: Seed
    resamples: Annotated[int, Field(ge=200, le=100_000)]
    margin: Annotated[float, Field(gt=0, lt=0.5)]
    examples: Annotated[int, Field(ge=1, le=32)]
    mixed: Literal["refuse", "allow"]
    planned: list[Annotated[str, AfterValidator(_is_an_augmentation)]] = Field(
        default_factory=lambda: list(notebook.AUGMENTATIONS)
    )


class EvaluateParams(StageParams):
    """The configuration that the experiment asks for, and the section of the stage."""

    aug: str
    volume: Annotated[float, BeforeValidator(float)]  # YAML has `inf` as text
    evaluate: Evaluate


class Experiment(NamedTuple):
    """What a study is about: the configuration asked for, and the knobs of the comparison."""

    data: str  # the data set, a folder of data/raw, as recorded by prepare
    network: str  # as recorded by train
    aug: str
    volume: float
    margin: float  # a difference in a score below this counts as none
    resamples: int
    planned: list[str]  # augmentations; the study's others are added ones
