"""Which augmentation helps a network tell nuclei apart: the study's library, arrays in and out.

A package per stage, which docs/architecture.md lists. For code of your own, `augment`, `learn`,
`load` and `InputError` stand here (docs/python.md); what they need is imported at their first use.
"""

from importlib import import_module
from typing import Any

# By text: an import statement would make every stage depend on all that the library uses.
_PLACES = dict.fromkeys(("augment", "learn", "load"), "nuclei.interface")
_PLACES["InputError"] = "nuclei.core.errors"


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(_PLACES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_PLACES})
