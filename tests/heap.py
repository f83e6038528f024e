"""What a process holds, by name: how many of each class, how many entries in whose dict, deque, list or set.

Two looks at a service that has come to rest, with much work between them, must find the same; what has grown names itself.
"""

import asyncio
import gc
import os
import sys
import threading
from collections import Counter, deque
from collections.abc import Iterator, Mapping
from functools import _lru_cache_wrapper
from pathlib import Path
from typing import Any, Final

Held = Counter[str]
_CONTAINERS: Final = (dict, list, set, deque)
_OURS: Final = "cti"


def held() -> Held:
    """Entries as ``cti.screenpop.book.Book._live``, those of containers in it as ``..._live.[]``, objects as ``Call.(objects)``."""
    gc.collect()
    found = Counter(of_the_process())
    for one in gc.get_objects():
        kind = type(one)
        found[_name(_module(kind), kind.__qualname__, "(objects)")] += 1
        if _is_ours(kind):
            for name, value in _attributes(one):
                _count(found, _name(_module(kind), kind.__qualname__, name), value)
    for module, name, value in _globals():
        _count(found, _name(module, name), value)
    return found


def of_the_process() -> dict[str, int]:
    return {
        "descriptors": len(list(Path("/proc/self/fd").iterdir())),
        "threads": threading.active_count(),
        "tasks": len(asyncio.all_tasks()) if asyncio._get_running_loop() else 0,
        "blocks of memory": sys.getallocatedblocks(),
    }


def grown(before: Mapping[str, int], after: Mapping[str, int], *, by_more_than: int) -> dict[str, tuple[int, int]]:
    """What has more entries than before, with both counts, those that grew most first."""
    more = {
        name: (before.get(name, 0), count)
        for name, count in after.items()
        if count - before.get(name, 0) > by_more_than
    }
    return dict(sorted(more.items(), key=lambda one: one[1][0] - one[1][1]))


def rss_kb() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") // 1024


def _count(found: Counter[str], name: str, value: object) -> None:
    if isinstance(value, _lru_cache_wrapper):
        found[_name(name, "(cached)")] += value.cache_info().currsize
    elif isinstance(value, _CONTAINERS):
        found[name] += len(value)
        for inner in tuple(value.values() if isinstance(value, dict) else value):
            if isinstance(inner, _CONTAINERS):
                found[_name(name, "[]")] += len(inner)


def _name(*words: str) -> str:
    """The same text each time, so that looking leaves nothing behind."""
    return sys.intern(".".join(words))


def _attributes(one: object) -> Iterator[tuple[str, Any]]:
    yield from tuple(getattr(one, "__dict__", {}).items())
    for kind in type(one).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in {"__dict__", "__weakref__"} and hasattr(one, name):
                yield name, getattr(one, name)


def _globals() -> Iterator[tuple[str, str, object]]:
    for module in [name for name in sys.modules if name.split(".")[0] == _OURS]:
        yield from ((module, name, value) for name, value in tuple(vars(sys.modules[module]).items()))


def _is_ours(kind: type) -> bool:
    return _module(kind).split(".")[0] == _OURS


def _module(kind: type) -> str:
    return str(kind.__module__)
