"""Parameters as the drivers write them."""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any, Final

_PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
"""As SQLAlchemy reads a text."""
_KEPT: Final = 1024
_Sizes = tuple[tuple[str, int], ...]


def named(sql: str, values: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """The way of SQLite: ``IN :ids`` -> ``IN (:ids0, :ids1)``."""
    sizes = _sizes(values)
    if not sizes:
        return _named(sql, sizes), values
    single = {name: value for name, value in values.items() if not isinstance(value, list)}
    listed = {f"{name}{at}": one for name, _ in sizes for at, one in enumerate(values[name])}
    return _named(sql, sizes), single | listed


def numbered(sql: str, values: Mapping[str, Any]) -> tuple[str, list[Any]]:
    """The way of PostgreSQL: ``e164 = :e164 AND id IN :ids`` -> ``e164 = $1 AND id IN ($2, $3)``."""
    written, names = _numbered(sql, _sizes(values))
    row: list[Any] = []
    for name in names:
        value = values[name]
        row += value if isinstance(value, list) else [value]
    return written, row


def _sizes(values: Mapping[str, Any]) -> _Sizes:
    return tuple((name, len(value)) for name, value in values.items() if isinstance(value, list))


@lru_cache(maxsize=_KEPT)
def _named(sql: str, lists: _Sizes) -> str:
    sizes = dict(lists)

    def place(found: re.Match[str]) -> str:
        name = found[1]
        return _in(f":{name}{at}" for at in range(sizes[name])) if name in sizes else found[0]

    return _PARAMETER.sub(place, sql).replace("\\:", ":")


@lru_cache(maxsize=_KEPT)
def _numbered(sql: str, lists: _Sizes) -> tuple[str, tuple[str, ...]]:
    sizes, places, count = dict(lists), dict[str, str](), 0

    def place(found: re.Match[str]) -> str:
        nonlocal count
        name = found[1]
        if name not in places:
            size, first = sizes.get(name, 1), count + 1
            count += size
            places[name] = _in(f"${first + at}" for at in range(size)) if name in sizes else f"${first}"
        return places[name]

    return _PARAMETER.sub(place, sql).replace("\\:", ":"), tuple(places)


def _in(places: Iterable[str]) -> str:
    return f"({', '.join(places) or 'NULL'})"
