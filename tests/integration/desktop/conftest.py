"""A house and browsers in it."""

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from tests.integration.desktop.browser import Browser
from tests.integration.desktop.house import House, build, opened

LogIn = Callable[..., Awaitable[Browser]]


@pytest.fixture
async def house() -> AsyncIterator[House]:
    async with opened(await build()) as there:
        yield there


@pytest.fixture
async def log_in(house: House) -> AsyncIterator[LogIn]:
    async with contextlib.AsyncExitStack() as stack:

        async def browser(agent: str = "mara") -> Browser:
            opened_here = await stack.enter_async_context(Browser(house))
            return await opened_here.log_in(agent)

        yield browser


@pytest.fixture
async def stranger(house: House) -> AsyncIterator[Browser]:
    async with Browser(house) as browser:
        yield browser
