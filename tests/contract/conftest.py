"""The record in each of its kinds, for all that is asked of it."""

from collections.abc import AsyncIterator

import pytest

from cti.store.interactions import InteractionLog
from cti.store.memory import MemoryInteractionLog
from cti.store.sql import SqlInteractionLog
from tests.postgres_server import MakeDatabase
from tests.unit.store.call_stories import DEVICES


@pytest.fixture
def devices() -> dict[str, str]:
    return dict(DEVICES)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def log(
    request: pytest.FixtureRequest, devices: dict[str, str], make_database: MakeDatabase
) -> AsyncIterator[InteractionLog]:
    if request.param == "memory":
        yield MemoryInteractionLog(lambda: devices)
        return
    async with make_database(request.param) as database:
        yield SqlInteractionLog(database, lambda: devices)
