"""The service before each real Asterisk; at the end of every story the invariants must hold."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.pbx.service import Service, Site, serving
from tests.testbed.asterisk import Asterisk


@pytest.fixture
def site(asterisk: Asterisk, tmp_path: Path) -> Site:
    return Site({"main": asterisk}, tmp_path)


@pytest.fixture
async def service(site: Site) -> AsyncIterator[Service]:
    """Running and connected; what it leaves behind is checked."""
    async with serving(site) as running:
        yield running
        assert await running.broken() == []
