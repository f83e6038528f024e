"""All stories by name: what `record.py` plays, in this order. One function each; the docstring is the trace's
description.
"""

import inspect
from types import ModuleType
from typing import Final

from tests.testbed import (
    stories_busy,
    stories_caller,
    stories_control,
    stories_outbound,
    stories_queue,
    stories_transfer,
)
from tests.testbed.story import Story


def _of(module: ModuleType) -> dict[str, Story]:
    found = inspect.getmembers(module, inspect.iscoroutinefunction)
    own = [
        function
        for _, function in found
        if function.__module__ == module.__name__ and not function.__name__.startswith("_")
    ]
    return {
        function.__name__: function for function in sorted(own, key=lambda function: function.__code__.co_firstlineno)
    }


STORIES: Final[dict[str, Story]] = {
    **_of(stories_queue),
    **_of(stories_caller),
    **_of(stories_transfer),
    **_of(stories_control),
    **_of(stories_outbound),
    **_of(stories_busy),
}
