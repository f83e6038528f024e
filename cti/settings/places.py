"""Where a mistake stands: the line of the file, or the variable that brought it."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from cti.settings.keys import NAMED_BY, KeyPath, Tree, dotted


@dataclass(frozen=True, slots=True)
class Source:
    """The file read: its name, where its keys stand, and whether others may read it."""

    file: str
    lines: Mapping[KeyPath, int]
    is_private: bool

    def place(self, path: KeyPath, variables: Mapping[KeyPath, str], tree: Tree) -> str:
        """Where a mistake at ``path`` stands: ``file:line: key``, or the variable it came from."""
        key = dotted(path, tree)
        prefixes = [path[:n] for n in range(len(path), 0, -1)]
        if variable := next((variables[prefix] for prefix in prefixes if prefix in variables), None):
            return variable
        known = next((prefix for prefix in prefixes if prefix in self.lines), None)
        return f"{self.file}:{self.lines[known]}: {key}" if known else f"{self.file}: {key}"


def single_tables(tree: Tree, source: Source) -> list[str]:
    """``[pbx]`` where ``[[pbx]]`` was meant: made a list of it, in place, for the sake of the other mistakes in it."""
    findings = []
    for name in NAMED_BY.keys() & tree.keys():
        given = tree[name] if isinstance(tree[name], list) else [tree[name]]
        entries = [entry for entry in given if isinstance(entry, dict)]
        if entries != tree[name]:
            findings.append(f"{source.place((name,), {}, tree)}: write [[{name}]], with two brackets, once for each")
        tree[name] = entries
    return findings


def lines_of(text: str) -> dict[KeyPath, int]:
    """Where each key of a valid TOML text stands: path -> line. Keys inside inline tables are found by what holds them."""
    places: dict[KeyPath, int] = {}
    counts: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for number, line in _statements(text):
        if header := re.match(r"\s*(\[\[?)\s*(.+?)\s*\]", line):
            table = _resolve(_parts(header[2]), counts)
            if header[1] == "[[":
                places.setdefault(table, number)
                counts[table] = counts.get(table, -1) + 1
                table = (*table, counts[table])
            places[table] = number
        elif key := re.match(r"\s*((?:[A-Za-z0-9_.-]|\"[^\"]*\"|'[^']*'|\s(?=\s*[.=]))+)\s*=", line):
            places.setdefault((*table, *_parts(key[1])), number)
    return places


def _statements(text: str) -> Iterator[tuple[int, str]]:
    """The lines on which something begins: not those inside an array or a text of several lines."""
    open_brackets, quote = 0, ""
    for number, line in enumerate(text.splitlines(), 1):
        if not open_brackets and not quote:
            yield number, line
        for token in re.finditer(r'"""|\'\'\'|"(?:\\.|[^"\\])*"|\'[^\']*\'|[\[\]{}#]', line):
            if token[0] in {'"""', "'''"}:
                quote = "" if quote == token[0] else quote or token[0]
            elif not quote and token[0] == "#":
                break
            elif not quote:
                open_brackets += {"[": 1, "{": 1, "]": -1, "}": -1}.get(token[0], 0)


def _parts(key: str) -> KeyPath:
    return tuple(part.strip("\"'") for part in re.findall(r"\"[^\"]*\"|'[^']*'|[A-Za-z0-9_-]+", key))


def _resolve(path: KeyPath, counts: Mapping[KeyPath, int]) -> KeyPath:
    """A table below one that stands several times belongs to the last of them."""
    whole: KeyPath = ()
    for part in path[:-1]:
        whole = (*whole, part)
        whole = (*whole, counts[whole]) if whole in counts else whole
    return (*whole, *path[-1:])
