"""What a database can keep: facts cleaned of what strangers may send and PostgreSQL refuses, and of doubtful ids."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from cti.envelope import Envelope, decode, encode

REPLACEMENT: Final = "\ufffd"
_NUL: Final = b"\\u0000"
_DATA: Final = b'","data":'


@dataclass(frozen=True, slots=True)
class Line:
    """A fact as it can be stored and its JSON, made once: for tail, spool and database."""

    fact: Envelope
    json: bytes

    @property
    def data(self) -> str:
        """The JSON of the fact's data: what comes last. No text before it has such a row of quotation marks unescaped."""
        return self.json[self.json.index(_DATA) + len(_DATA) : -1].decode()


def line_of(fact: Envelope) -> Line:
    """The fact as it can be stored: U+0000 and halves of surrogate pairs become U+FFFD."""
    try:
        json = encode(fact)
    except UnicodeEncodeError:
        json = _NUL
    if _NUL not in json:
        return Line(fact, json)
    cleaned = msgspec.structs.replace(
        fact, id=clean(fact.id), source=clean(fact.source), subject=clean(fact.subject), data=clean(fact.data)
    )
    return Line(cleaned, encode(cleaned))


def line_from(json: bytes) -> Line:
    """Raises ``msgspec.ValidationError`` (a ValueError) for what is no fact."""
    return Line(decode(json), json)


Key = tuple[str, str]


def key_of(fact: Envelope) -> Key:
    """What makes a fact one: CloudEvents has ids unique within a source."""
    return fact.source, fact.id


def other_key_of(fact: Envelope) -> Key:
    """What the fact is filed under where its id is another event's."""
    return fact.source, f"{fact.id}~{fact.type}"


def fresh(lines: Iterable[Line], known: Mapping[Key, str]) -> list[Line]:
    """The facts not told before; ``known`` has the types of those that were, under both keys.

    A fact told twice has the same id and type. Two different events under one id happen where a service was killed and
    counts a call's events anew from where it knows; the second is filed under an id of its own, for it may be the
    call's end.
    """
    types, new = dict(known), []
    for line in lines:
        fact, key = line.fact, key_of(line.fact)
        if types.get(key, fact.type) != fact.type:
            key = other_key_of(fact)
            line = Line(msgspec.structs.replace(fact, id=key[1]), line.json)  # noqa: PLW2901 - its data is the same
        if key not in types:
            types[key] = fact.type
            new.append(line)
    return new


def clean(value: Any) -> Any:
    """Text that no database refuses, in whatever it stands."""
    if isinstance(value, str):
        if value.isascii() and "\x00" not in value:
            return value
        return value.replace("\x00", REPLACEMENT).encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {clean(name): clean(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [clean(item) for item in value]
    return value
