"""The knobs of the stage prepare."""

from typing import Annotated, Literal

from pydantic import Field, field_validator

from nuclei.core.params import Name, Section, Seed, Side, StageParams


class Prepare(Section):
    """Knobs of the crops and splits."""

    seed: Seed
    folds: int | str
    order: Literal["nuclei", "patients"]
    window_um: Annotated[float, Field(ge=2, le=200)]
    side: Side
    validation: Annotated[float, Field(gt=0, le=0.5)]
    on_error: Literal["fail", "skip"]
    classes: dict[str, Literal["stromal", "TIL", "tumor"] | None]

    @field_validator("folds")
    @classmethod
    def _count_or_released(cls, folds: int | str) -> int | str:
        if folds != "released" and not (isinstance(folds, int) and 2 <= folds <= 20):
            raise ValueError(f"2 to 20, or released for the released list alone; got {folds!r}")
        return folds


class PrepareParams(StageParams):
    """What the stage reads of params.yaml."""

    data: Name
    prepare: Prepare
    simulate: dict[str, int]  # recorded with the data that it simulated
