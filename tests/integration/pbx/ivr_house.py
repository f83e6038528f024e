"""A site with an IVR: a real Asterisk whose dialplan asks, the service with flows of the test's own, prompts both can reach."""

import asyncio
import contextlib
import secrets
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

from cti import settings
from cti.crm.pin import hash_pin
from cti.store.customers import Customer, CustomerNumber, CustomerOrder, put_customers, set_pin
from cti.store.database import Database
from cti.telephony.asterisk.provision.asking import FastAgi
from tests.integration.desktop.browser import Browser
from tests.integration.desktop.house import free_port
from tests.integration.pbx.service import Service, Site, serving
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.story import Stage, open_stage

NO_FLOWS: Final = "0 flows"
PIN: Final = "274190"
CODE: Final = "70012"
MEI_HUA: Final = Customer(
    id="k1", code=CODE, name="Lin Mei-hua", company="Dawn Trading", tier="gold", language="en",
    numbers=(CustomerNumber(typed="0912-345-678"),), balance=Decimal("1140.50"), currency="EUR",
    orders=(CustomerOrder(id="88301", title="Fibre 500", status="on its way", ordered_on=date(2026, 11, 3)),),
)  # fmt: skip
NEIGHBOUR: Final = Customer(id="k2", code="70013", name="Chen Chih-ming", numbers=(CustomerNumber(typed="0987-654-321"),))


@dataclass(slots=True)
class House:
    pbx: Asterisk
    stage: Stage
    service: Service
    flows: Path


@contextlib.asynccontextmanager
async def asking_pbx(version: str) -> AsyncIterator[Asterisk]:
    require(f"asterisk-{version}", "espeak-ng")
    async with Asterisk(version, fastagi=FastAgi(secret=secrets.token_urlsafe(32), port=free_port())) as pbx:
        yield pbx


@contextlib.asynccontextmanager
async def house(pbx: Asterisk, folder: Path, flows: Mapping[str, str], **given: object) -> AsyncIterator[House]:
    """``flows``: name -> text; the first one is for every line. The service has read them when this begins."""
    site = Site({"main": pbx}, folder, ivr=ivr_settings(pbx, folder, flows, **given))
    async with open_stage(pbx) as stage, serving(site, prepare=customers) as service:
        await until_in_use(service)
        yield House(pbx, stage, service, folder / "ivr")
        await asyncio.to_thread(pbx.hang_up_everything)
        assert await service.broken() == []


async def until_in_use(service: Service, state: str = "ok") -> None:
    """Until the flows have been read and their texts are spoken."""
    async with asyncio.timeout(30):
        while not ((part := await health_of_ivr(service))["state"] == state and part["detail"] != NO_FLOWS):  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.05)


async def health_of_ivr(service: Service) -> dict[str, str]:
    async with Browser(service) as browser:  # type: ignore[arg-type]
        parts = (await (await browser.response("GET", "/readyz")).json())["parts"]
    return next(part for part in parts if part["name"] == "ivr")


def ivr_settings(pbx: Asterisk, folder: Path, flows: Mapping[str, str], **given: object) -> settings.Ivr:
    assert pbx.fastagi
    (folder / "ivr").mkdir(exist_ok=True)
    for name, text in flows.items():
        (folder / "ivr" / f"{name}.toml").write_text(text, encoding="utf-8")
    values = {
        "port": pbx.fastagi.port, "flows": folder / "ivr", "flow": next(iter(flows)),
        "prompts": pbx.shared / "prompts", "prompts_as_pbx": f"{pbx.shared_inside}/prompts",
        "recordings": pbx.shared / "messages", "recordings_as_pbx": f"{pbx.shared_inside}/messages", "sounds": (),
    }  # fmt: skip
    return settings.Ivr(**values | given)  # type: ignore[arg-type]


async def customers(database: Database) -> None:
    await put_customers(database, (MEI_HUA, NEIGHBOUR), country="TW")
    await set_pin(database, MEI_HUA.id, hash_pin(PIN), at=datetime.now(UTC))
