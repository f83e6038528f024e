"""The IVR of a site, put together from its settings: who may ask, what answers, and a start whatever is away."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Any, Final

import pytest

from cti.app.listeners import port_taken
from cti.calls.call import CallId, LegId, PbxName
from cti.calls.journey import JourneyEvent, KnownBy, PinTried
from cti.crm.connectors.memory import MemoryConnector
from cti.crm.contact import Contact, ContactId, ContactNumber, Found, Order, Unknown
from cti.crm.lookup import Lookup, LookupRules
from cti.crm.pin import hash_pin
from cti.envelope import Envelope
from cti.errors import ConfigError, StoreUnavailable
from cti.ivr.requests import Fetch, PinResult, QueueLoad, Unreachable
from cti.journeys import of_journey
from cti.reception import Neighbours, Reception, hearing_of, wants_reception
from cti.routing.waiting import QueueFigures
from cti.settings import Settings, parse
from cti.store.memory import MemoryInteractionLog
from cti.telephony.asterisk.agi_server import proof_of
from cti.telephony.voice import Asked
from tests.conftest import LogLines
from tests.unit.screenpop.stories import Story
from tests.unit.switchboard.paper import PaperLink

PIN: Final = "739164"
ANI: Final = "+49305551234"
ANNA: Final = Contact(
    id=ContactId("k1"), code="70012", name="Anna Berg", numbers=(ContactNumber(typed=ANI, e164=ANI),),
    orders=(Order(id="A-88301", title="Router", status="sent"),),
)  # fmt: skip
HASHES: Final = {ANNA.id: hash_pin(PIN)}
SHOP: Final = 'start = "bye"\n[steps.bye]\nkind = "hang_up"\nprompt = ""\n'
ONE_PBX: Final = '[[pbx]]\nname = "main"\nevents_secret = "e"\ncommands_secret = "c"\nfastagi_secret = "a-long-enough-secret-0123456789"\n'


@dataclass(slots=True)
class Site:
    folder: Path
    log: MemoryInteractionLog = field(default_factory=lambda: MemoryInteractionLog(dict))
    links: dict[PbxName, Any] = field(default_factory=dict)
    told: list[JourneyEvent] = field(default_factory=list)

    def given(self, ivr: str = 'flow = "shop"', pbx: str = ONE_PBX) -> Settings:
        places = "".join(
            f'{key} = "{self.folder / key}"\n' for key in ("flows", "prompts", "recordings") if key not in ivr
        )
        return parse(f"[ivr]\n{places}{ivr}\n{pbx}", file=self.folder / "cti.toml", environ={})

    def reception(self, ivr: str = 'flow = "shop"', pbx: str = ONE_PBX) -> Reception:
        customers = MemoryConnector([ANNA], country="DE", pin_hashes=HASHES)
        given = self.given(ivr, pbx)
        any_port = {} if "port" in ivr else {"ivr": given.ivr.model_copy(update={"port": 0})}
        return Reception(
            given.model_copy(update=any_port),
            Neighbours(
                links=self.links, customers=customers, lookup=Lookup(customers, LookupRules(country="DE")),
                journeys=self.log, queue_load=lambda queue: QueueFigures(queue, 3, None), tell=self.told.append,
            ),
        )  # fmt: skip

    def write(self, name: str, text: str = SHOP) -> None:
        (self.folder / "flows").mkdir(exist_ok=True)
        (self.folder / "flows" / f"{name}.toml").write_text(text)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.write("shop")
    return made


@asynccontextmanager
async def running(reception: Reception) -> AsyncIterator[Reception]:
    up = asyncio.Event()
    task = asyncio.create_task(reception.run(up))
    async with asyncio.timeout(10):
        await asyncio.wait({task, asyncio.create_task(up.wait())}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            await task
        yield reception
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


async def ask(reception: Reception, *, secret: str = "a-long-enough-secret-0123456789", pbx: str = "main") -> bytes:  # noqa: S107 - made up
    """Our first word to a PBX that asks; empty where it is not believed."""
    reader, writer = await asyncio.open_connection("127.0.0.1", reception.server.port)
    fields = {
        "network_script": pbx, "uniqueid": "1.1", "extension": "0800", "arg_1": "ivr", "arg_2": "support",
        "arg_3": "nonce-0001", "arg_4": proof_of(secret, "1.1", "nonce-0001"),
    }  # fmt: skip
    writer.write("".join(f"agi_{name}: {value}\n" for name, value in fields.items()).encode() + b"\n")
    try:
        return await reader.readline()
    finally:
        writer.close()
        await writer.wait_closed()


# ---- is there one at all?


@pytest.mark.parametrize(
    ("ivr", "pbx", "wanted"),
    [
        ('flow = "shop"', ONE_PBX, True),
        ('lines = { "0800" = "shop" }', ONE_PBX, True),
        ('lines = { "0800" = "" }', ONE_PBX, False),
        ("", ONE_PBX, False),
        ('flow = "shop"', "", False),
        ("", ONE_PBX.replace("fastagi_secret", "#"), False),
    ],
    ids=["a flow for all", "one for a line", "a line without", "no flow", "no pbx", "nothing"],
)
def test_a_reception_needs_a_flow_and_a_pbx_that_may_ask(site: Site, ivr: str, pbx: str, wanted: bool) -> None:  # noqa: FBT001
    assert wants_reception(site.given(ivr, pbx)) is wanted


async def test_each_line_has_its_flow(site: Site) -> None:
    site.write("bank", SHOP + "\n")
    reception = site.reception('flow = "shop"\nlines = { "0800" = "bank", "0801" = "" }')
    await reception.flows.read()
    found = [reception.flows.flow_for(_asked(dnis=dnis)) for dnis in ("0800", "0801", "0802")]
    assert [flow and flow.name for flow in found] == ["bank", None, "shop"]


def _asked(**more: Any) -> Asked:
    return Asked(**{"pbx": PbxName("main"), "leg": LegId("1.1"), "ani": ANI} | more)


async def test_only_a_pbx_that_knows_its_secret_is_answered(site: Site) -> None:
    async with running(site.reception()) as reception:
        assert (await ask(reception)).startswith(b"SET AUTOHANGUP")
        assert await ask(reception, secret="another-secret") == b""
        assert await ask(reception, pbx="other") == b""
        assert reception.server.figures.refused == {"proof": 2}


async def test_a_pbx_without_a_secret_has_no_door(site: Site) -> None:
    """Or the proof would be one that anybody can make."""
    silent = '[[pbx]]\nname = "other"\nevents_secret = "e"\ncommands_secret = "c"\n'
    async with running(site.reception(pbx=ONE_PBX + silent)) as reception:
        assert await ask(reception, secret="", pbx="other") == b""


async def test_recordings_have_a_folder_and_no_start_fails_for_want_of_one(site: Site, log_lines: LogLines) -> None:
    async with running(site.reception()):
        assert (site.folder / "recordings").is_dir()
    (site.folder / "file").write_text("")
    async with running(site.reception(f'flow = "shop"\nrecordings = "{site.folder}/file/r"')):
        assert "recordings_cannot_be_kept" in [line["event"] for line in log_lines()]


# ---- what flows may ask for


async def test_customers_are_found_by_code_number_and_order(site: Site) -> None:
    find = site.reception().ivr._world.find_customer
    for by, value in ((KnownBy.CODE, "70012"), (KnownBy.NUMBER, "030 5551234"), (KnownBy.ORDER, "88301")):
        answer = await find(by, value)
        assert isinstance(answer, Found), (by, answer)
        assert [match.contact.id for match in answer.matches] == ["k1"]
        assert isinstance(await find(by, "4711"), Unknown)


async def test_the_call_is_the_one_that_has_the_channel_and_else_the_one_it_will_begin(site: Site) -> None:
    story = Story()
    story.offered()
    site.links[PbxName("main")] = PaperLink(PbxName("main"), calls=(story.call,))
    call_of = site.reception().ivr._world.call_of
    assert call_of(_asked(leg=story.customer().leg)) == story.id
    assert call_of(_asked(leg="1.7")) == CallId("main-1.7")
    assert call_of(_asked(pbx="other", leg=story.customer().leg)) == f"other-{story.customer().leg}"


async def test_only_services_that_are_named_may_be_inside_the_house(site: Site) -> None:
    fetch = site.reception('flow = "shop"\nservices = ["http://127.0.0.1:9"]').ivr._world.fetch
    reasons = [await fetch(_get(f"http://127.0.0.1:{port}/")) for port in (9, 8)]
    assert reasons == [Unreachable("no connection"), Unreachable("127.0.0.1: port 8 is not among those permitted")]


def _get(url: str) -> Fetch:
    return Fetch(url=url, method="GET", values={}, body={}, budget_s=1.0)


async def test_queues_and_recordings_are_those_of_the_settings(site: Site) -> None:
    world = site.reception('flow = "shop"\nrecordings_as_pbx = "/mnt/messages"').ivr._world
    assert (world.queue_load("support"), world.recordings) == (QueueLoad(3, None), PurePosixPath("/mnt/messages"))
    assert site.reception().ivr._world.recordings == PurePosixPath(site.folder / "recordings")


def test_sounds_are_looked_for_only_where_there_are_any(site: Site) -> None:
    here, there = site.folder / "sounds", site.folder / "nowhere"
    (here / "en" / "custom").mkdir(parents=True)
    (here / "en" / "custom" / "hello.gsm").touch()
    known = hearing_of(site.given(f'sounds = ["{here}", "{there}"]')).has_sound
    assert [known(name) for name in ("custom/hello", "custom/hallo")] == [True, False]
    assert hearing_of(site.given(f'sounds = ["{there}"]')).has_sound("custom/hallo")


def test_a_flow_sends_callers_only_where_click_to_dial_may_call(site: Site) -> None:
    why_not = hearing_of(site.given()).why_not_called
    assert why_not("0223334444") == ""
    assert "not allowed" in why_not("+442079460711")


# ---- PINs


async def _tries(reception: Reception, *keyed: str, caller: str = ANI) -> list[PinResult]:
    return [await reception.ivr._world.check_pin(ANNA.id, one, caller) for one in keyed]


async def test_pins_are_limited_as_the_settings_say(site: Site) -> None:
    reception = site.reception('flow = "shop"\npin_tries = 2')
    assert await _tries(reception, "1", "2", PIN) == [PinResult.WRONG, PinResult.WRONG, PinResult.LOCKED]


async def test_callers_are_limited_as_the_settings_say(site: Site) -> None:
    reception = site.reception('flow = "shop"\npin_tries = 9\npin_tries_per_caller = 1')
    assert await _tries(reception, "1", PIN) == [PinResult.WRONG, PinResult.LOCKED]
    assert await _tries(reception, PIN, caller="+4930777") == [PinResult.OK]


def _tried(ago: timedelta, nr: int) -> Envelope:
    at = datetime.now(UTC) - ago
    return of_journey(
        PinTried(
            call=CallId(f"c{nr}"), pbx=PbxName("main"), at=at, session="s", nr=1, contact=ANNA.id, caller=ANI, result="wrong"
        )
    )  # fmt: skip


async def test_a_restart_forgives_nobody_before_the_first_caller_is_let_in(site: Site) -> None:
    await site.log.append([_tried(timedelta(minutes=5), nr) for nr in range(5)])
    async with running(site.reception()) as reception:
        assert await _tries(reception, PIN) == [PinResult.LOCKED]


async def test_what_is_long_past_is_forgiven(site: Site) -> None:
    await site.log.append([_tried(timedelta(hours=3), nr) for nr in range(5)])
    async with running(site.reception()) as reception:
        assert await _tries(reception, PIN) == [PinResult.OK]


@pytest.mark.parametrize("is_hanging", [False, True], ids=["away", "hangs"])
async def test_a_record_that_is_away_at_the_start_does_not_keep_callers_out(
    site: Site, is_hanging: bool, monkeypatch: pytest.MonkeyPatch, log_lines: LogLines  # noqa: FBT001
) -> None:  # fmt: skip
    async def facts_of(*_: object, **__: object) -> None:
        if is_hanging:
            await asyncio.Event().wait()
        raise StoreUnavailable("no connection")

    monkeypatch.setattr("cti.reception.RECORD_S", 0.01)
    monkeypatch.setattr(site.log, "facts_of", facts_of)
    async with running(site.reception()) as reception:
        assert await _tries(reception, PIN) == [PinResult.OK]
    warned = [line for line in log_lines() if line["event"] == "pin_limits_begin_anew"]
    assert [line["reason"] for line in warned] == ["no answer within 0.01 s" if is_hanging else "no connection"]


# ---- health, and the port


async def test_health_counts_the_flows_and_tells_the_first_mistake(site: Site) -> None:
    reception = site.reception('flow = "shop"\nlines = { "0800" = "bank" }')
    await reception.flows.read()
    health = reception.health
    assert (health.name, health.state) == ("ivr", "degraded")
    assert (
        health.detail
        == f"{site.folder}/flows/bank.toml: cannot be read: No such file or directory; `cti ivr check` tells all"
    )
    site.write("bank")
    await reception.flows.read()
    assert (reception.health.state, reception.health.detail) == ("ok", "2 flows")


async def test_health_says_how_many_more_mistakes_there_are(site: Site) -> None:
    reception = site.reception('flow = "a"\nlines = { "0800" = "b", "0801" = "c" }')
    await reception.flows.read()
    assert "(and 2 more)" in reception.health.detail


@contextmanager
def taken() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield int(listener.getsockname()[1])


async def test_a_port_that_is_taken_is_told_in_words_and_nothing_stays_behind(site: Site) -> None:
    with taken() as port:
        before = asyncio.all_tasks()
        words = f"ivr.port: 127.0.0.1:{port} is taken by another program"
        with pytest.raises(ConfigError, match=words), port_taken("ivr", "127.0.0.1", port):
            await site.reception(f'flow = "shop"\nport = {port}').run(asyncio.Event())
        assert asyncio.all_tasks() == before


async def test_a_flow_whose_reading_breaks_does_not_end_the_service(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks(*_: object) -> None:
        raise RuntimeError("a mistake of ours")

    monkeypatch.setattr("cti.ivr.flows.load", breaks)
    async with running(site.reception()) as reception:
        while not reception.flows.findings:  # noqa: ASYNC110 - nothing announces it
            await asyncio.sleep(0.005)
        assert reception.health.state == "degraded"
