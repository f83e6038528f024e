"""pytest fixtures over the test bed. In the top conftest: ``pytest_plugins = ["tests.testbed.fixtures"]``.

``asterisk`` runs a test on each version, ``asterisk_22`` and ``asterisk_16`` on one; each Asterisk lives for the
whole session and is idle again before every test. ``stage`` is the same with phones at hand. Where parts are missing
the tests are skipped, by name.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from tests.testbed import parts
from tests.testbed.asterisk import Asterisk
from tests.testbed.proxy import TcpProxy
from tests.testbed.story import Stage, open_stage


@pytest.fixture(scope="session")
def asterisk_of() -> Iterator[Callable[[str], Asterisk]]:
    """Version -> the session's Asterisk of that version, started when first asked for."""
    running: dict[str, Asterisk] = {}

    def get(version: str) -> Asterisk:
        require(f"asterisk-{version}")
        if version not in running:
            running[version] = Asterisk(version)
            running[version].start()
        return running[version]

    yield get
    for pbx in running.values():
        pbx.remove()


@pytest.fixture
def asterisk_22(asterisk_of: Callable[[str], Asterisk]) -> Asterisk:
    return _idle(asterisk_of("22"))


@pytest.fixture
def asterisk_16(asterisk_of: Callable[[str], Asterisk]) -> Asterisk:
    return _idle(asterisk_of("16"))


@pytest.fixture(params=[pytest.param(version, marks=pytest.mark.real_asterisk) for version in parts.ASTERISK_VERSIONS])
def asterisk(request: pytest.FixtureRequest, asterisk_of: Callable[[str], Asterisk]) -> Asterisk:
    return _idle(asterisk_of(request.param))


@pytest.fixture
async def stage(asterisk: Asterisk) -> AsyncIterator[Stage]:
    """Asterisk with six agents' phones, the carrier and the commands account; hung up afterwards."""
    async with open_stage(asterisk) as opened:
        yield opened
        await asyncio.to_thread(asterisk.hang_up_everything)


@pytest.fixture
async def ami_proxy(asterisk: Asterisk) -> AsyncIterator[TcpProxy]:
    """A proxy before that Asterisk's AMI port."""
    async with TcpProxy(asterisk.ports.ami) as proxy:
        yield proxy


def require(*names: str) -> None:
    """Skip the test, naming what is missing: ``require("asterisk-22", "sipp")``. See `parts.missing_for` for the
    names.
    """
    missing = parts.missing_for(names)
    if missing:
        pytest.skip(f"NOT AVAILABLE: {', '.join(missing)}; {parts.PREPARE}")


def _idle(pbx: Asterisk) -> Asterisk:
    """Running (a test may have killed it) and without calls."""
    if not pbx.is_running:
        pbx.start()
    elif not pbx.is_idle():
        pbx.hang_up_everything()
    return pbx
