"""A question and what belongs to its answer as one statement, in words that SQLite and PostgreSQL share."""

import re
from collections.abc import Iterable
from typing import Final

_AMONG: Final = re.compile(r"\bIN\s*:ids\b(?!:)", re.IGNORECASE)
_OTHERWISE: Final = re.compile(r"(?<![:\w\\]):ids\b(?!:)")


class NotAsOne(Exception):  # noqa: N818 - reads as the answer it becomes
    """One of the details says ``:ids`` otherwise than as ``IN :ids``."""


def as_one(sql: str, details: Iterable[str], *, key: str, most: int, among: str) -> str:
    """Gives the rows of ``sql``, each with a column more for each of the ``details``: expressions whose value is JSON, asking who is
    ``IN :ids``. They are NULL where there are more rows than ``most``. ``among`` is how the database best hears ``IN {}``, given
    a query in brackets. Raises ``NotAsOne``."""
    name = key.replace('"', '""')
    ids = among.format(f'(SELECT cti_found."{name}" FROM cti_found LIMIT {most})')  # noqa: S608 - wraps what is asked anyway
    are_few = f"(SELECT count(*) FROM cti_found) <= {most}"  # noqa: S608
    cases = (f"CASE WHEN {are_few} THEN {_asked_among(ids, one)} END" for one in details)
    columns = ", ".join(("cti_found.*", *cases))
    return f"WITH cti_found AS (\n{sql}\n) SELECT {columns} FROM cti_found"  # noqa: S608


def _asked_among(ids: str, detail: str) -> str:
    written = _AMONG.sub(lambda _: ids, detail)
    if _OTHERWISE.search(written):
        raise NotAsOne("asks for :ids otherwise than by IN :ids")
    return written
