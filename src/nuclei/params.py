"""The schema of params.yaml: every knob, its type and its range."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from nuclei.errors import InputError

Count = Annotated[int, Field(gt=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Side = Annotated[int, Field(ge=8, le=512)]
Units = Annotated[int, Field(gt=0, le=8192)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=100)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class Simulate(_Section):
    """Knobs of the embedded data set."""

    seed: Seed
    patients: Annotated[int, Field(ge=36, le=36**3)]  # a name holds three base-36 digits
    fields: Count
    nuclei: Annotated[int, Field(ge=10, le=200)]


class Prepare(_Section):
    """Knobs of the crops and splits."""

    seed: Seed
    fold: Annotated[int, Field(ge=1, le=5)]
    microns: Annotated[float, Field(ge=2, le=200)]
    side: Side
    validation: Annotated[float, Field(gt=0, le=0.5)]
    on_error: Literal["fail", "skip"]


class Augment(_Section):
    """Knobs of the augmented data sets."""

    seed: Seed
    copies: Count


class Train(_Section):
    """Knobs that every network shares."""

    seed: Seed
    repeats: Count
    points: Count
    sample: Annotated[int, Field(ge=30)]


class Network(_Section):
    """One entry of ``networks``: an architecture and how it is trained."""

    architecture: Literal["small", "resnet50"]
    weights: Literal["none", "imagenet"]
    side: Annotated[int, Field(ge=16, le=512)] | None
    head: Annotated[list[Units], Field(max_length=8)]
    loss: Literal["binary_crossentropy", "categorical_crossentropy"]
    learning_rate: Positive
    schedule: Literal["constant", "cosine"]
    batch: Count
    threads: Count | None
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
        if self.architecture == "small" and self.weights != "none":
            raise ValueError(f"small has no published weights, only none; got {self.weights}")
        return self


class Evaluate(_Section):
    """Knobs of the statistics, tables and figures."""

    seed: Seed
    resamples: Annotated[int, Field(ge=200, le=100_000)]
    margin: Annotated[float, Field(gt=0, lt=0.5)]
    examples: Annotated[int, Field(ge=1, le=32)]


class Params(_Section):
    """The whole of params.yaml."""

    data: Name
    network: Name
    aug: Annotated[str, Field(pattern=r"^[a-z]+(\+[a-z]+)*$")]  # DVC puts it on a command line
    volume: int | float
    simulate: Simulate
    prepare: Prepare
    augment: Augment
    train: Train
    networks: dict[str, Network]
    evaluate: Evaluate

    @field_validator("volume", mode="before")
    @classmethod
    def _canonical_volume(cls, volume: Any) -> Any:
        valid = isinstance(volume, (int, float)) and not isinstance(volume, bool)
        if not valid or not 0 < volume < float("inf"):
            raise ValueError("a positive number such as 0.5, 1 or 2")
        if isinstance(volume, float) and volume.is_integer():
            raise ValueError(f"a whole volume is written {int(volume)}; got {volume!r}")
        return volume

    @model_validator(mode="after")
    def _network_can_be_built(self) -> "Params":
        if self.network not in self.networks:
            raise ValueError(f"network must be one of {sorted(self.networks)}; got {self.network}")
        network = self.networks[self.network]
        side = network.side or self.prepare.side
        if network.architecture == "resnet50" and side < 32:
            raise ValueError(f"networks.{self.network}: resnet50 takes a side from 32; got {side}")
        return self


class Record(_Section):
    """A model.json: what a network takes and gives, and how it was made."""

    classes: list[str]
    side: Side
    microns: Positive | None
    network: Network


def parse(values: Any) -> Params:
    """Check the content of params.yaml against the schema.

    Args:
        values: what the YAML file holds, a nested mapping.

    Raises:
        InputError: naming the first bad key, the value found and what would be valid.
    """
    try:
        return Params.model_validate(values)
    except ValidationError as error:
        raise InputError(f"params.yaml: {_first(error)}") from None


def parse_record(values: Any, file: str) -> Record:
    """Check the content of a model.json, which `file` names, as `parse` does params.yaml."""
    try:
        return Record.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{file}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    key = ".".join(str(part) for part in first["loc"]) or "the whole file"
    if first["type"] == "extra_forbidden":
        return f"{key}: no such knob; got {_found(first['input'])}"
    if first["type"] == "missing":
        return f"{key}: this knob is missing"
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{key}: {said}" if "got " in said else f"{key}: {said}; got {_found(first['input'])}"


def _found(value: Any) -> str:
    # A few aliases in YAML make a list of lists whose text would fill the memory.
    return f"a {type(value).__name__}" if isinstance(value, (dict, list)) else repr(value)[:80]
