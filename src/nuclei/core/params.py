"""What every section of params.yaml shares: how it is checked, and types that several need."""

import re
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from nuclei.core.errors import InputError

Count = Annotated[int, Field(gt=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Side = Annotated[int, Field(ge=8, le=512)]

# Knobs of earlier versions, each with what has become of it; * stands for any name.
OLD_NAMES = {
    "prepare.microns": "is called window_um now",
    "train.average": "is called ema_decay now",
    "train.end": "is called checkpoint now",
    "train.points": "is called evaluations now",
    "train.sample": "is called max_validation now",
    "train.mixup": "has been removed; the recipe language has no mixing",
    "train.cutmix": "has been removed; the recipe language has no mixing",
    "networks.*.threads": "is called intra_op_threads now",
    "networks.*.epochs": "has been removed; write `updates: 10 epochs` for 10 epochs",
}


def _is_a_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{,99}", name):
        valid = "at most 100 letters, digits, dots, dashes and underscores, a letter or digit first"
        raise ValueError(f"{valid}; got {name[:80]!r}")
    return name


Name = Annotated[str, AfterValidator(_is_a_name)]


class Section(BaseModel):
    """Knobs that belong together; a key that is none of them is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StageParams(Section):
    """The sections and experiment knobs that one stage reads; it ignores the others."""

    model_config = ConfigDict(extra="ignore")


Checked = TypeVar("Checked", bound=Section)


def parse(schema: type[Checked], values: Any, file: str = "params.yaml") -> Checked:
    """Check what a file holds against its schema; InputError names key, value and what is valid."""
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{file}: {_first(error, schema, values)}") from None


def _first(error: ValidationError, schema: type[Section], values: Any) -> str:
    # A misspelt key is the cause of the one that is missing.
    first = min(error.errors(), key=lambda details: details["type"] != "extra_forbidden")
    path = first["loc"]
    key = ".".join(str(part) for part in path) or "the whole file"
    got = f"got {_shown(first['input'])}"
    if first["type"] == "missing":
        return f"{key}: this knob is missing"
    if first["type"] == "extra_forbidden":
        old = re.sub(r"^networks\..*\.", "networks.*.", key)
        if old in OLD_NAMES:
            return f"{key}: {OLD_NAMES[old]}"
        return f"{key}: no such knob{_suggestion(path, schema, values)}; {got}"
    message = first["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{key}: {message}" if "got " in message else f"{key}: {message}; {got}"


def _suggestion(path: tuple, schema: Any, values: Any) -> str:
    """Name the knob of the same section that is spelled nearly alike, if the file lacks it."""
    for part in path[:-1]:
        fields = getattr(schema, "model_fields", None)  # None: a mapping from names to sections
        schema = fields[part].annotation if fields else get_args(schema)[-1]
        values = values[part]
    absent = [name for name in schema.model_fields if name not in values]
    alike = get_close_matches(str(path[-1]), absent, n=1)
    return f", perhaps {alike[0]} is meant" if alike else ""


def _shown(value: Any) -> str:
    # A few aliases in YAML make a list of lists whose text would fill the memory.
    return f"a {type(value).__name__}" if isinstance(value, (dict, list)) else repr(value)[:80]
