"""Fixtures every test may ask for: the test PBXs and their phones, databases, and what was logged."""

import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import astuple, dataclass
from typing import Any

import hypothesis
import pytest
import structlog

from cti import log

pytest_plugins = ("tests.testbed.fixtures", "tests.databases", "tests.redis_fixtures")

hypothesis.settings.register_profile("shared machine", deadline=None)  # how long one example takes says nothing here
hypothesis.settings.load_profile("shared machine")

LogLines = Callable[[], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Canaries:
    """Values put into a story to see where they come out again (trust test 52)."""

    number: str = "+886912345678"
    pin: str = "739164"
    note: str = "canary: wants to cancel, see case 4411"
    token: str = "Zk3vQ9-canary-token"

    def found_in(self, text: str) -> list[str]:
        """Those that stand in ``text``; the number also without its plus."""
        return [canary for canary in (*astuple(self), self.number[1:]) if canary in text]


@pytest.fixture
def canaries() -> Canaries:
    return Canaries()


@pytest.fixture
def log_lines() -> Iterator[LogLines]:
    """Logging as in production, at its finest, into memory; called, it returns the lines so far. Afterwards all is as before."""
    stream, root, saved = io.StringIO(), logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    log.configure(level="debug", form="json", stream=stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    logging.captureWarnings(capture=False)
    logging.basicConfig(level=level, handlers=handlers, force=True)
    structlog.configure(**saved)
