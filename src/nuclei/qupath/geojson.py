"""GeoJSON, feature by feature: neither its text nor all its features are ever held at once."""

import gzip
import io
import json
import re
import zlib
from collections.abc import Iterator
from itertools import count
from reprlib import repr as shown  # a value in one line, shortened if it is long
from typing import Any

from nuclei.core.errors import InputError

Feature = dict[str, Any]

VALID = "a FeatureCollection, a list of features, or one Feature"
SPACE = re.compile(r"[ \t\n\r]*")
CHUNK = 1 << 20  # characters
EXPONENT = 3  # characters; of "1e+5", no more than these can stand behind what is a number alone
# QuPath 0.4 writes NaN where a measurement has no value, which is not JSON; later ones write "NaN".
DECODER = json.JSONDecoder(parse_constant=str)


class _Text:
    """JSON text that is unpacked, decoded and parsed chunk by chunk."""

    def __init__(self, content: bytes, file: str) -> None:
        packed = content[:2] == b"\x1f\x8b" or file.lower().endswith(".gz")
        raw = io.BytesIO(content)
        binary: Any = gzip.GzipFile(fileobj=raw) if packed else raw
        self.stream = io.TextIOWrapper(binary, "utf-8-sig", newline="")
        # The chunk, how far it is parsed, and how many characters came before it.
        self.file, self.text, self.position, self.before = file, "", 0, 0

    def more(self) -> bool:
        """Read on, at least as much as is not parsed yet; return whether there was more."""
        try:
            new = self.stream.read(max(CHUNK, len(self.text) - self.position))
        except UnicodeDecodeError:
            raise InputError(f"{self.file}: is not UTF-8 text; valid: GeoJSON") from None
        except (OSError, EOFError, zlib.error) as error:
            raise InputError(f"{self.file}: is no whole gzip file: {error}") from None
        self.before += self.position
        self.text, self.position = self.text[self.position :] + new, 0
        return bool(new)

    def peek(self) -> str:
        """Return the next character that is not white space, or an empty string at the end."""
        while True:
            if match := SPACE.match(self.text, self.position):
                self.position = match.end()
            if self.position < len(self.text):
                return self.text[self.position]
            if not self.more():
                return ""

    def take(self, valid: str, where: str) -> str:
        """Step over the next character, which must be one of `valid`, and return it."""
        character = self.peek()
        if not character or character not in valid:
            raise self.broken(where, f"{character!r} where {' or '.join(valid)} belongs")
        self.position += 1
        return character

    def value(self, where: str) -> Any:
        """Parse the value that comes next."""
        self.peek()
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.position)
            except RecursionError:
                raise InputError(f"{self.file}: {where}: is nested too deeply") from None
            except ValueError as error:
                further = getattr(error, "pos", self.position) - self.position
                if self.more():
                    continue
                why = getattr(error, "msg", str(error))
                raise self.broken(where, why, further) from None
            length = end - self.position
            may_go_on = isinstance(value, int | float) and len(self.text) - end < EXPONENT
            if may_go_on and self.more():
                continue
            self.position += length
            return value

    def broken(self, where: str, why: str, further: int = 0) -> InputError:
        """Return the error that the text is no JSON, so many characters further on."""
        place = f"{self.file}: {where}: character {self.before + self.position + further}"
        return InputError(f"{place}: no JSON: {why}; valid: a whole file of GeoJSON")


def features(content: bytes, file: str) -> Iterator[Feature]:
    """Read the features of GeoJSON one by one, with everything that they hold; NaN is "NaN".

    A file named .gz must be packed by gzip, others may be. InputError counts features from 0.
    """
    text = _Text(content, file)
    first = text.peek()
    if first == "[":
        yield from _list(text)
    elif first == "{":
        yield from _object(text)
    else:
        raise InputError(f"{file}: begins with {first!r}; valid: GeoJSON, {VALID}")
    if text.peek():
        raise text.broken("after the last feature", f"{text.peek()!r}")


def _list(text: _Text) -> Iterator[Feature]:
    text.take("[", "features")
    if text.peek() == "]":
        text.take("]", "features")
        return
    for number in count():
        where = f"feature {number}"
        yield checked(text.value(where), f"{text.file}: {where}")
        if text.take(",]", f"after {where}") == "]":
            return


def _object(text: _Text) -> Iterator[Feature]:
    text.take("{", "the file")
    others: Feature = {}
    collected = False
    more = text.peek() != "}" or text.take("}", "the file") != "}"
    while more:
        key = text.value("a name")
        if not isinstance(key, str):
            raise text.broken("the file", f"the name {shown(key)}")
        text.take(":", "behind a name")
        if key == "features" and not collected and text.peek() == "[":
            yield from _list(text)
            collected = True
        else:
            others[key] = text.value(shown(key))
        more = text.take(",}", "the file") == ","
    kind = others.get("type", "FeatureCollection" if collected else None)
    if kind == "Feature" and not collected:
        yield checked(others, f"{text.file}: feature 0")
    elif kind != "FeatureCollection":
        raise InputError(f"{text.file}: type {shown(kind)}; valid: {VALID}")
    elif not collected or "features" in others:
        raise InputError(f"{text.file}: features {shown(others.get('features'))}; valid: one list")


def checked(value: Any, where: str) -> Feature:
    """Return a value that is a feature; raise InputError, beginning with `where`, on others."""
    if not isinstance(value, dict):
        raise InputError(f"{where}: is {shown(value)}; valid: an object of type Feature")
    kind, properties = value.get("type"), value.get("properties")
    if kind != "Feature":
        raise InputError(f"{where}: type {shown(kind)}; valid: Feature, as QuPath exports objects")
    if not isinstance(properties, dict | None):
        raise InputError(f"{where}: properties {shown(properties)}; valid: an object, or null")
    return value
