"""What every section of params.yaml shares: how it is checked, and types that several need."""

import re
from difflib import get_close_matches
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from nuclei.core.errors import InputError

Count = Annotated[int, Field(gt=0, le=1_000_000)]
Seed = Annotated[int, Field(ge=0, lt=2**32)]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]
Side = Annotated[int, Field(ge=8, le=512)]


def _is_a_name(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{,99}", name):
        raise ValueError(
            "at most 100 letters, digits, dots, dashes and underscores, the first one a "
            f"letter or a digit; got {name[:80]!r}"
        )
    return name


Name = Annotated[str, AfterValidator(_is_a_name)]


class Section(BaseModel):
    """Knobs that belong together; a key that is none of them is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class StageParams(Section):
    """The sections and experiment knobs that one stage reads; the others are not its business."""

    model_config = ConfigDict(extra="ignore")


Checked = TypeVar("Checked", bound=Section)


def parse(schema: type[Checked], values: Any, file: str = "params.yaml") -> Checked:
    """Check the content of a file against its schema.

    Args:
        schema: what the file must hold.
        values: what it holds, a nested mapping.
        file: its name, for messages.

    Raises:
        InputError: naming the first bad key, the value found and what would be valid.
    """
    try:
        return schema.model_validate(values)
    except ValidationError as error:
        raise InputError(f"{file}: {_first(error)}") from None


def _first(error: ValidationError) -> str:
    # A misspelt key is the cause of the one that is missing.
    first = min(error.errors(), key=lambda found: found["type"] != "extra_forbidden")
    key = ".".join(str(part) for part in first["loc"]) or "the whole file"
    if first["type"] == "extra_forbidden":
        return f"{key}: no such knob{_meant(first['loc'], error)}; got {_found(first['input'])}"
    if first["type"] == "missing":
        return f"{key}: this knob is missing"
    said = first["msg"].removeprefix("Value error, ").replace("Input should be", "should be")
    return f"{key}: {said}" if "got " in said else f"{key}: {said}; got {_found(first['input'])}"


def _meant(key: tuple, error: ValidationError) -> str:
    """Name the missing key of the same section that is spelt nearly alike."""
    missing = [
        str(found["loc"][-1])
        for found in error.errors()
        if found["type"] == "missing" and found["loc"][:-1] == key[:-1]
    ]
    alike = get_close_matches(str(key[-1]), missing, n=1)
    return f", perhaps {alike[0]} is meant" if alike else ""


def _found(value: Any) -> str:
    # A few aliases in YAML make a list of lists whose text would fill the memory.
    return f"a {type(value).__name__}" if isinstance(value, (dict, list)) else repr(value)[:80]
