"""The knobs of the stage train."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from nuclei.core.params import Count, Name, Positive, Section, Seed, StageParams

Units = Annotated[int, Field(gt=0, le=8192)]


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
    def _patience_waits_for_the_best(self) -> "Train":
        if self.patience and self.checkpoint == "last":
            raise ValueError(
                "set patience to null or checkpoint to best; "
                f"got patience {self.patience}, checkpoint last"
            )
        return self


class Network(Section):
    """One entry of ``networks``: an architecture and how it is trained."""

    architecture: Literal["small", "wide", "resnet50"]
    weights: Literal["none", "imagenet"]
    side: Annotated[int, Field(ge=16, le=512)] | None
    head: Annotated[list[Units], Field(max_length=8)]
    loss: Literal["binary_crossentropy", "categorical_crossentropy"]
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]
    batch: Count
    intra_op_threads: Count | None
    epochs: Count | None
    updates: Count | None

    @model_validator(mode="after")
    def _one_budget(self) -> "Network":
        if (self.epochs is None) == (self.updates is None):
            raise ValueError(
                "set exactly one of epochs and updates, the other null; "
                f"got epochs {self.epochs}, updates {self.updates}"
            )
        return self

    @model_validator(mode="after")
    def _has_its_weights(self) -> "Network":
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
