"""The service before each real Asterisk; at the end of every story the invariants must hold."""

import contextlib
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.pbx.service import Service, Site, serving
from tests.testbed.asterisk import Asterisk
from tests.testbed.parts import ASTERISK_VERSIONS
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


@pytest.fixture
def written_there(asterisk_of: Callable[[str], Asterisk], request: pytest.FixtureRequest) -> Iterator[None]:
    """What the PBXs wrote themselves is shown with a test that failed."""
    yield
    if request.node.stash.get(HAS_FAILED, False):
        for pbx in map(asterisk_of, ASTERISK_VERSIONS):
            for file in (pbx.queue_log, pbx.cdr_custom):
                lines = file.read_text("utf-8", "replace").splitlines() if file.exists() else []
                print(f"Asterisk {pbx.version}, {file.name}:", *lines[-40:], sep="\n")
