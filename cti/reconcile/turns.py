"""Long work in a thread beside the event loop."""

import time
from collections.abc import Iterable, Iterator
from typing import Final, TypeVar

T = TypeVar("T")
_AT_ONCE: Final = 10
"""Some tenths of a millisecond's work. Python itself would let the event loop wait 5 ms for each of its turns."""


def taking_turns(items: Iterable[T]) -> Iterator[T]:
    """After every few of them, whoever waits for the interpreter has it."""
    for number, item in enumerate(items, 1):
        yield item
        if number % _AT_ONCE == 0:
            time.sleep(0)
