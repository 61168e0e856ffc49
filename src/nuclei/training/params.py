"""The knobs of the stage train."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from nuclei.core.params import Count, Name, Positive, Section, Seed, StageParams

Units = Annotated[int, Field(gt=0, le=8192)]
MOST_UPDATES = 1_000_000


class Train(Section):
    """Knobs that every network shares."""

    seed: Seed
    repeats: Count
    checkpoint: Literal["best", "last"]
    evaluations: Count
    patience: Count | None
    max_validation: Annotated[int, Field(ge=30)]
    ema_decay: Annotated[float, Field(ge=0, lt=1)]

    @model_validator(mode="after")
    def _patience_needs_the_best_checkpoint(self) -> "Train":
        if self.patience and self.checkpoint == "last":
            raise ValueError(
                "set patience to null or checkpoint to best; "
                f"got patience {self.patience}, checkpoint last"
            )
        return self


class Network(Section):
    """One entry of ``networks``: an architecture and how it is trained."""

    architecture: Literal["tiny", "small", "wide", "resnet50"]
    weights: Literal["none", "imagenet"] = "none"  # what a training starts from
    side: Annotated[int, Field(ge=16, le=512)] | None = None  # pixels; None: as the crops are
    head: list[Units] = Field(default=[], max_length=8)  # dense layers before the softmax
    loss: Literal["binary_crossentropy", "categorical_crossentropy"] = "categorical_crossentropy"
    learning_rate: Positive
    schedule: Literal["constant", "cosine"] = "constant"  # cosine: the learning rate falls to 0
    batch: Count
    # Threads within a CPU operation; None: one per core. Several add up in another order, to other
    # bytes, and train the compact networks no faster.
    intra_op_threads: Count | None = 1
    updates: int | str  # the budget: a number of updates, or text such as `10 epochs`

    @field_validator("updates", mode="before")
    @classmethod
    def _updates_or_epochs(cls, updates: Any) -> Any:
        if isinstance(updates, str):
            valid = re.fullmatch(r"[1-9][0-9]{,3} epochs", updates) is not None
        else:
            valid = type(updates) is int and 0 < updates <= MOST_UPDATES
        if not valid:
            raise ValueError(
                f"a whole number from 1 to {MOST_UPDATES}, or passes over the training nuclei, "
                "such as 10 epochs"
            )
        return updates

    @model_validator(mode="after")
    def _weights_are_published(self) -> "Network":
        if self.architecture != "resnet50" and self.weights != "none":
            raise ValueError(
                f"{self.architecture} has no published weights, only none; got {self.weights}"
            )
        return self


class TrainParams(StageParams):
    """What the stage reads of params.yaml."""

    network: Name
    train: Train
    networks: dict[str, Network]
