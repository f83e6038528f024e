"""What spool and tail have of calls that are not over. Pure, but for the lines that come from wherever they stand.

A spool may hold a gigabyte of facts, nearly all of calls that ended in it. Of a call that did, its key is kept; of an agent, the
last state, which says all there is; the rest as it was written, and read when all have been looked at.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, TypeVar

import msgspec

from cti.agent_facts import STATE
from cti.envelope import Envelope
from cti.store.derive import CLEARED
from cti.store.storable import Key, Line, fresh, line_from, line_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    lines: tuple[Line, ...] = ()
    """Call by call, each in its order."""
    ended: frozenset[Key] = frozenset()
    """The calls whose end stands there."""

    @property
    def facts(self) -> tuple[Envelope, ...]:
        return tuple(line.fact for line in self.lines)


class _Head(msgspec.Struct):
    source: str
    subject: str
    type: str


_head: Final = msgspec.json.Decoder(_Head)


def unfinished(lines: Iterable[bytes]) -> Unfinished:
    """``lines``: the JSON of facts in their order, some of them twice."""
    going_on: dict[Key, list[bytes]] = {}
    ended = set[Key]()
    for json in lines:
        head = _read(json, _head.decode)
        if head is None:
            continue
        key = head.source, head.subject
        if head.type == CLEARED:
            ended.add(key)
            going_on.pop(key, None)
        elif head.type == STATE:
            going_on[key] = [json]
        elif key not in ended:
            going_on.setdefault(key, []).append(json)
    found = (_read(json, line_from) for told in going_on.values() for json in told)
    return Unfinished(lines=tuple(fresh(filter(None, found), {})), ended=frozenset(ended))


def _read(json: bytes, decode: Callable[[bytes], T]) -> T | None:
    """None for what a later version may have written, and this one does not understand."""
    try:
        return decode(json)
    except ValueError:
        return None


def together(on_record: Iterable[Envelope], left: Unfinished) -> tuple[Envelope, ...]:
    """The calls open ``on_record`` as they are with what is ``left`` to be written, call by call, and those only that has.

    ``left`` must have been read first: what was on its way meanwhile is in both then, and told once.
    """
    by_key: dict[Key, list[Envelope]] = {}
    for line in fresh([*map(line_of, on_record), *left.lines], {}):
        by_key.setdefault((line.fact.source, line.fact.subject), []).append(line.fact)
    return tuple(fact for key, facts in by_key.items() if key not in left.ended for fact in facts)
