"""What is asked with a result, checked: every mistake at once, in words for whoever typed it."""

import re
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Final

from cti.errors import RequestError
from cti.web.schemas import ResultChoice, ResultField

_NUMBER: Final = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,6})?")
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def checked(choice: ResultChoice, given: Mapping[str, str]) -> dict[str, str]:
    """Those that say something. Raises ``RequestError``."""
    said = {name: text.strip() for name, text in given.items() if text.strip()}
    if wrong := [*_unknown(choice, said), *_mistakes(choice, said)]:
        raise RequestError("; ".join(wrong))
    return said


def _unknown(choice: ResultChoice, said: Mapping[str, str]) -> Iterator[str]:
    known = {field.name for field in choice.fields}
    return (f"{choice.label} has no field {name[:40]}" for name in said if name not in known)


def _mistakes(choice: ResultChoice, said: Mapping[str, str]) -> Iterator[str]:
    for field in choice.fields:
        text = said.get(field.name)
        if text is None and field.is_required:
            yield f"{field.label} is missing"
        elif text is not None and (why := _why_not(field, text)):
            yield f"{field.label} {why}"


def _why_not(field: ResultField, text: str) -> str:
    match field.kind:
        case "number":
            return "" if _NUMBER.fullmatch(text) else "is a number, such as 129.50"
        case "date":
            return "" if _is_date(text) else "is a date, such as 2026-12-24"
        case "choice":
            return "" if text in field.choices else f"is one of {', '.join(field.choices)}"
        case "text":
            return ""


def _is_date(text: str) -> bool:
    if not _DATE.fullmatch(text):
        return False
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
