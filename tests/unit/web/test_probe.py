"""What a process without a console says of itself."""

from collections.abc import AsyncIterator, Sequence

import pytest
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client import CollectorRegistry, Gauge

from cti.web.ports import PartHealth
from cti.web.probe import make_probe

Probe = TestClient[object, object]


class Reader:
    def __init__(self) -> None:
        self.parts: Sequence[PartHealth] = ()
        self.registry = CollectorRegistry()

    async def health(self) -> Sequence[PartHealth]:
        return self.parts


@pytest.fixture
def reader() -> Reader:
    return Reader()


@pytest.fixture
async def probe(reader: Reader) -> AsyncIterator[TestClient]:
    async with TestClient(TestServer(make_probe(reader.health, reader.registry, version="1"))) as client:
        yield client


async def test_it_is_alive(probe: TestClient) -> None:
    answer = await probe.get("/healthz")
    assert (answer.status, await answer.json()) == (200, {"alive": True, "version": "1"})


async def test_a_standby_is_ready_for_its_turn(probe: TestClient, reader: Reader) -> None:
    reader.parts = (PartHealth("lease", "standby", "one has the lease of /pbx/main"),)
    answer = await probe.get("/readyz")
    told = {"name": "lease", "state": "standby", "detail": "one has the lease of /pbx/main"}
    assert (answer.status, await answer.json()) == (200, {"ready": True, "parts": [told]})


async def test_what_has_failed_is_not_ready(probe: TestClient, reader: Reader) -> None:
    reader.parts = (PartHealth("pbx:main", "failed", "refused"),)
    assert (await probe.get("/readyz")).status == 503


async def test_its_figures_are_there(probe: TestClient, reader: Reader) -> None:
    Gauge("cti_lease_active", "-", registry=reader.registry).set(1)
    assert "cti_lease_active 1.0" in await (await probe.get("/metrics")).text()


async def test_nothing_else_is(probe: TestClient) -> None:
    assert (await probe.get("/api/v1/calls")).status == 404


async def test_where_a_console_will_be_whoever_asks_is_to_come_again(reader: Reader) -> None:
    standby = make_probe(reader.health, reader.registry, version="1", stands_by=True)
    async with TestClient(TestServer(standby)) as client:
        answer = await client.get("/api/v1/calls")
        assert (answer.status, answer.headers["Retry-After"], (await answer.json())["code"]) == (
            503,
            "5",
            "standing_by",
        )
        assert (await client.get("/healthz")).status == 200
