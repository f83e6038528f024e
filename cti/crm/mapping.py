"""A mapping file: the questions put to an SQL database, and which columns of the answers mean what.

Pure: text in, ``CrmMapping`` out, or one ``ConfigError`` with every mistake and the line it stands on. What may stand in
such a file is said in ``docs/how-to/connect-your-crm.md``; ``config/crm/example-sql.toml`` shows all of it.
"""

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from cti.crm.contact import Flag
from cti.crm.toml_lines import line_of
from cti.errors import ConfigError

Columns = tuple[str, ...]
"""Joined by a space: first and last name."""

QUESTIONS: Final[Mapping[str, frozenset[str]]] = {
    "find_by_number": frozenset({"e164", "digits", "national", "trunk"}),
    "find_by_code": frozenset({"code"}),
    "find_by_order": frozenset({"order", "digits"}),
    "pin_hash": frozenset({"id"}),
    "get": frozenset({"id"}),
    "search": frozenset(
        {"text", "holds", "holds_folded", "begins", "begins_folded", "digits", "holds_digits", "limit"}
    ),
}
"""Each question, and the parameters it may use. ``find_by_number`` also has ``last4`` to ``last12``, ``loose4``..."""
OPTIONAL: Final = frozenset({"find_by_order", "pin_hash"})
"""Without these nobody is found by an order, and nobody has a PIN."""
PARTS: Final[Mapping[str, tuple[str, ...]]] = {
    "numbers": ("typed", "e164", "label"),
    "flags": ("flag",),
    "preferences": ("name", "value"),
    "cases": ("id", "title", "status", "opened_at"),
    "orders": ("id", "title", "status", "ordered_on", "amount"),
}
"""What a contact has several of, each from a query of its own, and the fields of one."""
_NEEDED: Final[Mapping[str, tuple[str, ...]]] = {
    "numbers": ("typed",), "flags": ("flag",), "preferences": ("name", "value"), "cases": ("id", "title"), "orders": ("id", "title"),
}  # fmt: skip
_SINGLE: Final = (
    "id",
    "code",
    "name",
    "company",
    "language",
    "segment",
    "tier",
    "email",
    "country",
    "balance",
    "currency",
)
_LABELLED: Final = ("numbers", "preferences", "fields")
_ID_TYPES: Final = ("text", "integer", "uuid")
_DIGITS: Final = re.compile(r"(?:last|loose)(?:[4-9]|1[0-2])")
PARAMETER: Final = re.compile(r"(?<![:\w\\]):(\w+)(?!:)")
_READS: Final = re.compile(r"\s*(?:--[^\n]*\n\s*)*(?:select|with)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Part:
    query: str
    contact: str
    """The column with the contact's id."""
    columns: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class CrmMapping:
    """``place`` names the file, for messages."""

    place: str
    name: str
    url: str = ""
    password_file: str = ""
    id_type: str = "text"
    contact: Mapping[str, Columns]
    numbers: Mapping[str, str] = field(default_factory=dict)
    """Label -> column: numbers that stand in the contact's own row."""
    preferences: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    flags: Mapping[Flag, str] = field(default_factory=dict)
    record_url: str = ""
    questions: Mapping[str, str]
    parts: Mapping[str, Part] = field(default_factory=dict)


def load(path: Path) -> CrmMapping:
    try:
        return parse(path.read_text(encoding="utf-8"), place=str(path))
    except OSError as exc:
        raise ConfigError(f"{path}: cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: is not UTF-8") from exc


def parse(text: str, *, place: str) -> CrmMapping:
    try:
        tree = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(_syntax(place, exc)) from exc
    check = _Check(text, place)
    mapping = check.mapping(tree)
    if check.findings:
        raise ConfigError(*(words for _, words in sorted(check.findings)))
    return mapping


def parameters_of(query: str) -> frozenset[str]:
    return frozenset(PARAMETER.findall(query))


def _syntax(place: str, exc: tomllib.TOMLDecodeError) -> str:
    found = re.search(r"(.*) \(at line (\d+), column \d+\)", str(exc))
    return f"{place}:{found[2]}: {found[1]}" if found else f"{place}: {exc}"


class _Check:
    """Reads the tree and notes everything that is wrong with it."""

    def __init__(self, text: str, place: str) -> None:
        self._text = text
        self._place = place
        self.findings: list[tuple[int, str]] = []

    def mapping(self, tree: dict[str, Any]) -> CrmMapping:
        self._known((), tree, ("name", "database", "contact", "queries", *PARTS))
        database = self._table(tree, "database", ("url", "password_file"))
        contact = self._table(tree, "contact", (*_SINGLE, *_LABELLED, "id_type", "flags", "url"))
        if "id" not in contact:
            self._note(("contact",), 'which column is the contact\'s id? id = "..."')
        if "balance" in contact and "currency" not in contact:
            self._note(("contact", "balance"), "balance needs currency, a column with EUR and the like")
        return CrmMapping(
            place=self._place,
            name=self._text_at((), tree, "name") or Path(self._place).stem,
            url=self._text_at(("database",), database, "url"),
            password_file=self._text_at(("database",), database, "password_file"),
            id_type=self._one_of(("contact",), contact, "id_type", _ID_TYPES),
            contact={name: self._columns(contact, name) for name in _SINGLE if name in contact},
            **{name: self._named_columns(contact, name) for name in _LABELLED},
            flags=self._flags(contact),
            record_url=self._record_url(contact),
            questions=self._questions(tree),
            parts={name: self._part(tree, name) for name in PARTS if name in tree},
        )

    def _questions(self, tree: dict[str, Any]) -> dict[str, str]:
        queries = self._table(tree, "queries", tuple(QUESTIONS))
        for name in QUESTIONS:
            if name not in queries and name not in OPTIONAL:
                self._note(("queries",), f"the query {name} is missing")
        return {
            name: self._query(("queries",), queries, name, QUESTIONS[name]) for name in QUESTIONS if name in queries
        }

    def _part(self, tree: dict[str, Any], name: str) -> Part:
        table = self._table(tree, name, ("query", "contact", *PARTS[name]))
        for needed in ("query", "contact", *_NEEDED[name]):
            if needed not in table:
                self._note((name,), f"{needed} is missing")
        query = self._query((name,), table, "query", frozenset({"ids"})) if "query" in table else ""
        if query and "ids" not in parameters_of(query):
            self._note((name, "query"), "asks for all contacts at once: ... WHERE <the contact's id> IN :ids")
        columns = {column: self._text_at((name,), table, column) for column in PARTS[name] if column in table}
        return Part(query, self._text_at((name,), table, "contact"), columns)

    def _query(self, path: tuple[str, ...], table: dict[str, Any], name: str, known: frozenset[str]) -> str:
        query = self._text_at(path, table, name).strip().removesuffix(";")
        if query and not _READS.match(query):
            self._note((*path, name), "is no question: it should begin with SELECT or WITH")
        if ";" in query:
            self._note((*path, name), "holds several statements; one is asked")
        for wrong in sorted(parameters_of(query) - known):
            if not (name == "find_by_number" and _DIGITS.fullmatch(wrong)):
                self._note((*path, name), f":{wrong} is no parameter of {name}; it has {_spelt(known)}")
        return query

    def _columns(self, contact: dict[str, Any], name: str) -> Columns:
        value = contact[name]
        columns = value if isinstance(value, list) else [value]
        if not columns or not all(isinstance(column, str) and column for column in columns):
            self._note(("contact", name), f"{name} is a column, or a list of columns")
            return ()
        return tuple(columns)

    def _named_columns(self, contact: dict[str, Any], name: str) -> dict[str, str]:
        value = contact.get(name, {})
        if not isinstance(value, dict):
            self._note(("contact", name), f"[contact.{name}] is a table of labels and columns")
            return {}
        return {label: self._text_at(("contact", name), value, label) for label in value}

    def _flags(self, contact: dict[str, Any]) -> dict[Flag, str]:
        columns = self._named_columns(contact, "flags")
        known = {flag.value: flag for flag in Flag}
        for name in columns.keys() - known.keys():
            self._note(("contact", "flags", name), f"{name} is no flag; there are {_spelt(known)}")
        return {known[name]: column for name, column in columns.items() if name in known}

    def _record_url(self, contact: dict[str, Any]) -> str:
        url = self._text_at(("contact",), contact, "url")
        if url and not url.startswith(("https://", "http://")):
            self._note(("contact", "url"), "url begins with https:// or http://")
        for name in re.findall(r"\{([^}]*)\}", url):
            if name not in ("id", "code"):
                self._note(("contact", "url"), f"{{{name}}} is not known in url; {{id}} and {{code}} are")
        return url

    def _table(self, tree: dict[str, Any], name: str, known: tuple[str, ...]) -> dict[str, Any]:
        table = tree.get(name, {})
        if not isinstance(table, dict):
            self._note((name,), f"[{name}] is a table")
            return {}
        self._known((name,), table, known)
        return table

    def _known(self, path: tuple[str, ...], table: dict[str, Any], known: Iterable[str]) -> None:
        known = tuple(known)
        for name in table:
            if name not in known:
                self._note((*path, name), f"{name} is not known here; there are {_spelt(known)}")

    def _text_at(self, path: tuple[str, ...], table: dict[str, Any], name: str) -> str:
        value = table.get(name, "")
        if isinstance(value, str) and (value.strip() or name not in table):
            return value
        self._note((*path, name), f"{name} should be text")
        return ""

    def _one_of(self, path: tuple[str, ...], table: dict[str, Any], name: str, choices: tuple[str, ...]) -> str:
        value = self._text_at(path, table, name) or choices[0]
        if value not in choices:
            self._note((*path, name), f"{name} is one of {_spelt(choices)}")
        return value

    def _note(self, path: tuple[str, ...], words: str) -> None:
        line = line_of(self._text, path)
        self.findings.append((line, f"{self._place}:{line}: {words}"))


def _spelt(names: Iterable[str]) -> str:
    return ", ".join(sorted(names))
