"""A site with an IVR: a real Asterisk whose dialplan asks, the service with flows of the test's own, prompts both can reach.

Stories wait for what is asked of the PBX (``until_said``) and for what is on record (``until_left``), and then key.
"""

import asyncio
import contextlib
import re
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path, PurePosixPath
from typing import Any, Final, TypeVar

from cti import settings
from cti.calls.call import Outcome
from cti.calls.journey import IvrOutcome, Journey, StepLeft
from cti.crm.pin import hash_pin
from cti.envelope import Envelope
from cti.ivr.speech import Speech
from cti.journeys import TYPE_OF
from cti.store.customers import Customer, CustomerNumber, CustomerOrder, put_customers, set_pin
from cti.store.database import Database
from cti.store.interactions import Interaction
from cti.telephony.asterisk.provision.asking import FastAgi
from tests.integration.desktop.browser import Browser
from tests.integration.pbx.service import LIMIT_S, Screen, Service, Site, serving
from tests.testbed.asterisk import Asterisk, free_ports
from tests.testbed.fixtures import require
from tests.testbed.phone import PhoneCall
from tests.testbed.story import CALLER, SUPPORT, Stage, open_stage

T = TypeVar("T")
NO_FLOWS: Final = "0 flows"
PIN: Final = "274190"
CODE: Final = "70012"
ORDER: Final = "88301"
MEI_HUA: Final = Customer(
    id="k1", code=CODE, name="Lin Mei-hua", company="Dawn Trading", tier="gold", language="en",
    numbers=(CustomerNumber(typed="0912-345-678"),), balance=Decimal("1140.50"), currency="EUR",
    orders=(CustomerOrder(id=ORDER, title="Fibre 500", status="on its way", ordered_on=date(2026, 11, 3)),),
)  # fmt: skip
NEIGHBOUR: Final = Customer(
    id="k2", code="70013", name="Chen Chih-ming", numbers=(CustomerNumber(typed="0987-654-321"),)
)
PEOPLE: Final = """
[steps.people]
kind = "to_queue"
queue = "support"
"""
"""Where most flows of these tests end."""
BYE: Final = """
[steps.bye]
kind = "hang_up"
prompt = "Bye."
"""
INTERRUPTED: Final = "interrupted"
WAV_BYTES_A_SECOND: Final = 16_000
PATIENT_S: Final = 5.0
"""The dialplan of these tests waits longer for the first word than a site's, for this machine may be busy with other tests.
How long it does is what ``testbed/test_fail_open.py`` is about."""
_PLAYING: Final = re.compile(r"Playing '([^']+?)(?:\.slin|\.wav|\.gsm)?' \(escape_digits")


def flow(start: str, *steps: str, head: str = "") -> str:
    """The text of a flow's file."""
    return f'start = "{start}"\n{head}\n' + "\n".join(steps)


@dataclass(slots=True)
class Hall:
    """Where callers are: a PBX, its phones, and what it was told to play since this story began."""

    pbx: Asterisk
    stage: Stage
    voice: Speech
    recordings: Path
    log_from: int = field(init=False)

    def __post_init__(self) -> None:
        self.log_from = self.pbx.messages.stat().st_size

    async def call(self, number: str = CALLER, dnis: str = SUPPORT) -> PhoneCall:
        """A caller who has dialled in and hears us."""
        caller = self.stage.caller(dnis, number=number)
        await caller.until_answered()
        return caller

    def pbx_log(self) -> str:
        with self.pbx.messages.open("rb") as file:
            file.seek(self.log_from)
            return file.read().decode("utf-8", "replace")

    async def said(self, text: str, language: str = "en") -> int:
        """How often, to whomever."""
        return _PLAYING.findall(self.pbx_log()).count((await self.voice.sound(text, language)).file)

    async def until_said(self, text: str, *, language: str = "en", times: int = 1) -> None:
        """Until the PBX has begun to play it so often."""
        await until(lambda: self.said(text, language), lambda count: count >= times, f"{text!r} {times} times")

    async def until_logged(self, text: str) -> None:
        """Until the PBX says so in its log."""

        async def log() -> str:
            return self.pbx_log()

        await until(log, lambda said: text in said, f"{text!r} in the PBX's log")

    async def until_beep(self) -> None:
        """Until the PBX listens to a message."""
        await self.until_logged("Playing 'beep")

    async def until_recorded(self, length_s: float) -> None:
        """Until so much of the one message has reached the disk."""

        async def on_disk() -> float:
            recorded = max(self.recordings.glob("*.wav"), key=lambda path: path.stat().st_mtime_ns, default=None)
            return recorded.stat().st_size / WAV_BYTES_A_SECOND if recorded else 0

        await until(on_disk, lambda found_s: found_s >= length_s, f"{length_s} s of a message")


@dataclass(slots=True, kw_only=True)
class House(Hall):
    """The same with the service in it."""

    service: Service
    flows: Path
    began_at: datetime

    def write(self, name: str, text: str) -> None:
        (self.flows / f"{name}.toml").write_text(text, encoding="utf-8")

    # ---- what is on record

    async def facts(self, kind: str) -> tuple[Envelope, ...]:
        """Of all calls of this story."""
        return await self.service.journeys.facts_of(kind, since=self.began_at)

    async def until_left(self, step: str, *, times: int = 1) -> Envelope:
        """Until so many callers have left that step; the last of these facts."""

        async def left() -> list[Envelope]:
            return [fact for fact in await self.facts(TYPE_OF[StepLeft]) if fact.data["step"] == step]

        return (await until(left, lambda found: len(found) >= times, f"{step} left {times} times"))[-1]

    async def told(self) -> tuple[Interaction, Journey]:
        """The one call of this story, over, and its way through the IVR. What we are the last to hear of, that the caller has
        gone, comes onto the row when we do."""

        async def row() -> Interaction:
            return await self.service.row()

        def is_told(row: Interaction) -> bool:
            return row.journey is not None and row.journey.reason != INTERRUPTED

        found = await until(row, is_told, "a row with a whole journey")
        assert found.journey
        return found, found.journey

    async def ended_as(self, outcome: IvrOutcome, call: Outcome) -> Journey:
        row, journey = await self.told()
        assert (journey.outcome, row.outcome) == (outcome, call), journey
        return journey


async def until(
    asked: Callable[[], Awaitable[T]], reached: Callable[[T], bool], what: str, within_s: float = LIMIT_S
) -> T:
    """For what nothing announces."""
    try:
        async with asyncio.timeout(within_s):
            while not reached(found := await asked()):  # noqa: ASYNC110 - nothing announces it
                await asyncio.sleep(0.02)
            return found
    except TimeoutError:
        raise AssertionError(f"not within {within_s} s: {what}; last seen: {await asked()}") from None


async def meets(house: House, agent: str = "2001", *, talk_s: float = 0.3) -> None:
    """The caller has been handed over: that agent's phone rings, they talk, the agent hangs up."""
    ringing = await house.stage.agents[agent].rings()
    ringing.answer()
    await house.service.until(lambda: any(call.state == "talking" for call in house.service.calls), "talking")
    await asyncio.sleep(talk_s)
    ringing.hang_up()


async def contacts_of(pop: Mapping[str, Any], screen: Screen) -> list[dict[str, Any]]:
    """Those on the card, once there are some: it is in the pop, or follows at once."""
    card = pop["card"]
    while not card["contacts"]:
        card = await screen.hears("card", call=pop["call"]["call"])
    found: list[dict[str, Any]] = card["contacts"]
    return found


def asking_pbx(version: str, extra: Mapping[str, str] | None = None) -> Asterisk:
    """Not started."""
    require(f"asterisk-{version}", "espeak-ng")
    ports = free_ports()
    asked = FastAgi(secret=secrets.token_urlsafe(32), port=ports.fastagi, timeout_s=PATIENT_S)
    return Asterisk(version, fastagi=asked, ports=ports, extra=extra or {})


def running(version: str) -> Iterator[Asterisk]:
    """For a fixture of a module: started once, used by one story after another."""
    with asking_pbx(version) as pbx:
        yield pbx


@contextlib.asynccontextmanager
async def house(
    pbx: Asterisk, folder: Path, flows: Mapping[str, str], *, state: str = "ok", **given: object
) -> AsyncIterator[House]:
    """``flows``: name -> text; the first one is for every line. The service has read them when this begins. ``given``: more
    of the settings. Afterwards nobody is left in the PBX, and what must hold after every story holds.
    """
    await asyncio.to_thread(pbx.hang_up_everything)
    site = Site({"main": pbx}, folder, ivr=ivr_settings(pbx, folder, flows, **given))
    began_at = datetime.now(UTC) - timedelta(seconds=1)
    async with open_stage(pbx) as stage, serving(site, prepare=customers) as service:
        await until_in_use(service, state)
        yield House(
            pbx,
            stage,
            voice_of(site.ivr),
            site.ivr.recordings,
            service=service,
            flows=site.ivr.flows,
            began_at=began_at,
        )
        await asyncio.to_thread(pbx.hang_up_everything)
        assert pbx.is_idle()
        assert await service.broken() == []


def voice_of(ivr: settings.Ivr) -> Speech:
    """Finds what the service has said, or is to say."""
    return Speech(ivr.prompts, seen_as=PurePosixPath(ivr.prompts_as_pbx), words_per_min=ivr.speed_wpm)


async def until_in_use(service: Service, state: str = "ok") -> str:
    """Until the flows have been read and their texts are spoken. What is said of them."""

    async def health() -> dict[str, str]:
        return await health_of_ivr(service)

    def is_so(part: dict[str, str]) -> bool:
        return part["state"] == state and part["detail"] != NO_FLOWS

    return (await until(health, is_so, f"the flows {state}", 30))["detail"]


async def health_of_ivr(service: Service) -> dict[str, str]:
    async with Browser(service) as browser:  # type: ignore[arg-type]
        parts = (await (await browser.response("GET", "/readyz")).json())["parts"]
    return next(part for part in parts if part["name"] == "ivr")


def ivr_settings(pbx: Asterisk, folder: Path, flows: Mapping[str, str], **given: object) -> settings.Ivr:
    assert pbx.fastagi
    (folder / "ivr").mkdir(exist_ok=True)
    messages = pbx.shared / "messages" / folder.name
    for name, text in flows.items():
        (folder / "ivr" / f"{name}.toml").write_text(text, encoding="utf-8")
    values = {
        "port": pbx.fastagi.port, "flows": folder / "ivr", "flow": next(iter(flows)),
        "prompts": pbx.shared / "prompts", "prompts_as_pbx": f"{pbx.shared_inside}/prompts",
        "recordings": messages, "recordings_as_pbx": f"{pbx.shared_inside}/messages/{folder.name}", "sounds": (),
    }  # fmt: skip
    return settings.Ivr(**values | given)  # type: ignore[arg-type]


async def customers(database: Database) -> None:
    await put_customers(database, (MEI_HUA, NEIGHBOUR), country="TW")
    await set_pin(database, MEI_HUA.id, hash_pin(PIN), at=datetime.now(UTC))
