"""Errors on their way between processes: by name, with their words and fields, and the same error again on the other side."""

from typing import Any, Final

import msgspec

from cti.errors import (
    Conflict,
    CtiError,
    Forbidden,
    NotFound,
    NotNow,
    NumberRefused,
    PbxUnavailable,
    RequestError,
    StateMisuse,
    StoreUnavailable,
    TooMany,
)

_KNOWN: Final[dict[str, type[CtiError]]] = {
    kind.__name__: kind
    for kind in (
        RequestError,
        NotFound,
        Forbidden,
        Conflict,
        NotNow,
        NumberRefused,
        TooMany,
        PbxUnavailable,
        StoreUnavailable,
        StateMisuse,
    )
}


def encode_error(error: CtiError) -> bytes:
    """The nearest kind that the other side knows."""
    kind = next(one for one in type(error).__mro__ if one.__name__ in _KNOWN or one is CtiError)
    name = kind.__name__ if kind is not CtiError else StateMisuse.__name__
    return msgspec.json.encode({"error": name, "words": str(error), **_fields(error)})


def decode_error(body: bytes) -> CtiError:
    """What is of no kind known here is a mistake of the other side's."""
    try:
        told: dict[str, Any] = msgspec.json.decode(body, type=dict[str, Any])
        kind = _KNOWN[told["error"]]
        names = getattr(kind, "__dataclass_fields__", ())
        return kind(**{name: told[name] for name in names}) if names else kind(str(told["words"]))
    except (msgspec.DecodeError, KeyError, TypeError):
        return StateMisuse("an answer that cannot be read")


def _fields(error: CtiError) -> dict[str, Any]:
    return {name: getattr(error, name) for name in getattr(error, "__dataclass_fields__", ())}
