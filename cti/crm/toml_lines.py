"""On which line of a TOML file a key stands; the parser does not say."""

import re
from collections.abc import Iterator
from typing import Final

_HEADER: Final = re.compile(r"\s*\[([^\[\]]+)\]\s*(?:#.*)?$")
_KEY: Final = re.compile(r"\s*((?:[\w-]+|\"[^\"]*\"|'[^']*')(?:\s*\.\s*(?:[\w-]+|\"[^\"]*\"|'[^']*'))*)\s*=")
_NAME: Final = re.compile(r"[\w-]+|\"[^\"]*\"|'[^']*'")

Path = tuple[str, ...]


def line_of(text: str, path: Path) -> int:
    """The line, from 1, of the key or table ``path``; of the nearest table around it where it does not stand there."""
    places = dict(reversed(list(_places(text))))
    while path and path not in places:
        path = path[:-1]
    return places.get(path, 1)


def _places(text: str) -> Iterator[tuple[Path, int]]:
    table: Path = ()
    closing = ""
    for number, line in enumerate(text.splitlines(), 1):
        if closing:
            closing = "" if closing in line else closing
            continue
        if header := _HEADER.match(line):
            table = _names(header[1])
            yield table, number
        elif key := _KEY.match(line):
            yield (*table, *_names(key[1])), number
            closing = _opened(line[key.end() :])


def _names(text: str) -> Path:
    return tuple(name.strip("\"'") for name in _NAME.findall(text))


def _opened(value: str) -> str:
    """The quotes that must close a text which goes on over this line."""
    for quotes in ('"""', "'''"):
        if value.count(quotes) == 1:
            return quotes
    return ""
