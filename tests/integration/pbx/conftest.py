"""The service before each real Asterisk; at the end of every story the invariants must hold."""

import contextlib
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.pbx.service import Service, Site, serving
from tests.testbed.asterisk import Asterisk
from tests.testbed.story import Recorder
from tests.testbed.told import story_of

HAS_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, Any]:
    report = yield
    item.stash[HAS_FAILED] = item.stash.get(HAS_FAILED, False) or report.failed
    return report


@pytest.fixture
def site(asterisk: Asterisk, tmp_path: Path) -> Site:
    return Site({"main": asterisk}, tmp_path)


@pytest.fixture
async def heard(site: Site, request: pytest.FixtureRequest) -> AsyncIterator[None]:
    """What the PBX told is shown with a test that failed: for stories that seldom do."""
    recorder = Recorder(site.pbxs["main"])
    await recorder.connect()
    yield
    with contextlib.suppress(OSError):
        told = await recorder.close()
        if request.node.stash.get(HAS_FAILED, False):
            print(story_of(told))


@pytest.fixture
async def service(site: Site) -> AsyncIterator[Service]:
    """Running and connected; what it leaves behind is checked."""
    async with serving(site) as running:
        yield running
        assert await running.broken() == []
