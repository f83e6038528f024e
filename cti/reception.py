"""The IVR of a site, put together from Settings: who may ask, which flow answers, what flows may ask for.

``app.py`` makes one where some line has a flow, and runs it beside the rest. What fails here is told in ``health`` and costs
callers the menu: they go to the dialplan's queue.
"""

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import Final

from cti.calls.call import CallId, PbxName
from cti.calls.journey import JourneyEvent, KnownBy, PinTried
from cti.crm.connector import CrmConnector
from cti.crm.contact import Answer
from cti.crm.lookup import Lookup
from cti.crm.pin import Limit, PinLimits, PinRules
from cti.egress import Egress, EgressRules
from cti.errors import StoreUnavailable
from cti.ivr.check import Hearing
from cti.ivr.figures import IvrFigures
from cti.ivr.flows import Flows
from cti.ivr.outside import calls_allowed
from cti.ivr.pbx_sounds import sounds_in
from cti.ivr.pins import Pins
from cti.ivr.requests import QueueLoad
from cti.ivr.runner import Ivr, World
from cti.ivr.services import ask_service
from cti.ivr.speech import VOICES, Speech
from cti.journeys import TYPE_OF, journey_event_of
from cti.log import logger
from cti.routing.waiting import QueueFigures
from cti.settings import Ivr as IvrSettings
from cti.settings import Settings
from cti.store.journeys import JourneyLog
from cti.telephony.asterisk.agi_server import AgiServer
from cti.telephony.link import PbxLink
from cti.telephony.voice import Asked
from cti.web.ports import PartHealth

log = logger("ivr")

TRIED: Final = TYPE_OF[PinTried]
AN_HOUR_S: Final = 3600.0
RECORD_S: Final = 5.0
"""What the record may take at start to tell of earlier PINs; without it, limits begin anew."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbours:
    """What the reception needs of the other rooms."""

    links: Mapping[PbxName, PbxLink]
    customers: CrmConnector
    lookup: Lookup
    journeys: JourneyLog
    queue_load: Callable[[str], QueueFigures]
    tell: Callable[[JourneyEvent], None]


class Reception:
    def __init__(self, given: Settings, beside: Neighbours) -> None:
        ivr = given.ivr
        self._beside = beside
        self._rules = _pin_rules(ivr)
        self._recordings = ivr.recordings
        self._pins = Pins(beside.customers, PinLimits(self._rules))
        self.speech = speech_of(ivr)
        self.flows = Flows(ivr.flows, ivr.lines, ivr.flow, self.speech, hearing_of(given))
        self.ivr = Ivr(self.flows.flow_for, self.speech, _world(given, beside, self._pins), beside.tell)
        self.server = AgiServer(
            host=ivr.host, port=ivr.port, permit=ivr.permit, doors=_doors(given), serve=self.ivr.serve
        )

    async def run(self, started: asyncio.Event) -> None:
        """Until cancelled. Raises OSError where the port is taken.

        Whoever calls while prompts are still being spoken for the first time goes straight to their queue.
        """
        _make_folder(self._recordings)
        await self._restore_pins()
        work = (self.server.run(started), self.flows.watch(), self.speech.keep_tidy())
        tasks = [asyncio.create_task(one) for one in work]
        try:
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    @property
    def figures(self) -> IvrFigures:
        return IvrFigures(self.server.figures, self.ivr.outcomes, self.ivr.pins)

    @property
    def health(self) -> PartHealth:
        """A flow that cannot be used is no failure: its callers reach their queue."""
        if findings := self.flows.findings:
            more = f" (and {len(findings) - 1} more)" if findings[1:] else ""
            return PartHealth("ivr", "degraded", f"{findings[0]}{more}; `cti ivr check` tells all")
        count = len(self.flows.all)
        return PartHealth("ivr", "ok", f"{count} flow{'' if count == 1 else 's'}")

    async def _restore_pins(self) -> None:
        since = datetime.now(UTC) - timedelta(seconds=self._rules.looks_back_s)
        try:
            async with asyncio.timeout(RECORD_S):
                facts = await self._beside.journeys.facts_of(TRIED, since=since)
        except (StoreUnavailable, TimeoutError) as away:
            log.warning("pin_limits_begin_anew", reason=str(away) or f"no answer within {RECORD_S:g} s")
            return
        self._pins.restore(event for fact in facts if isinstance(event := journey_event_of(fact), PinTried))


def _make_folder(recordings: Path) -> None:
    """Asterisk makes no folders: without it, messages would be lost."""
    try:
        recordings.mkdir(parents=True, exist_ok=True)
    except OSError as wrong:
        log.warning("recordings_cannot_be_kept", folder=str(recordings), reason=wrong.strerror)


def wants_reception(given: Settings) -> bool:
    """Is there a line with a flow, and a PBX that may ask?"""
    has_flow = bool(given.ivr.flow) or any(given.ivr.lines.values())
    return has_flow and bool(_doors(given))


def _doors(given: Settings) -> dict[PbxName, str]:
    secrets = {PbxName(pbx.name): pbx.fastagi_secret.get_secret_value() for pbx in given.pbx}
    return {name: secret for name, secret in secrets.items() if secret}


def _pin_rules(ivr: IvrSettings) -> PinRules:
    return PinRules(
        account=Limit(ivr.pin_tries, ivr.pin_lock_s, ivr.pin_lock_s),
        caller=Limit(ivr.pin_tries_per_caller, AN_HOUR_S, AN_HOUR_S),
        overall=Limit(ivr.pin_tries_overall, AN_HOUR_S, AN_HOUR_S / 6),
    )


def speech_of(ivr: IvrSettings) -> Speech:
    seen_as = PurePosixPath(ivr.prompts_as_pbx) if ivr.prompts_as_pbx else None
    return Speech(
        ivr.prompts,
        seen_as=seen_as,
        voices={**VOICES, **ivr.voices},
        words_per_min=ivr.speed_wpm,
        readers=ivr.prompts_readers,
    )


def hearing_of(given: Settings) -> Hearing:
    """What callers of this site can hear, and where they may be sent. What cannot be spoken is found when it is."""
    toll = given.toll
    return Hearing(
        has_sound=sounds_in(given.ivr.sounds),
        why_not_called=calls_allowed(
            country=given.site.country, countries=toll.allowed_countries, emergency=toll.emergency_numbers
        ),
    )


def _world(given: Settings, beside: Neighbours, pins: Pins) -> World:
    egress = Egress(EgressRules(origins=given.ivr.services))
    recordings = given.ivr.recordings_as_pbx or str(given.ivr.recordings.absolute())

    async def find(by: KnownBy, value: str) -> Answer:
        match by:
            case KnownBy.CODE:
                return await beside.lookup.who(keys={"customer_code": value}, number="")
            case KnownBy.NUMBER:
                return await beside.lookup.who(keys={}, number=value)
            case KnownBy.ORDER:
                return await beside.lookup.by_order(value)

    def load(queue: str) -> QueueLoad:
        figures = beside.queue_load(queue)
        return QueueLoad(figures.waiting, figures.oldest_since)

    def call_of(asked: Asked) -> CallId:
        """The call that has the channel; before we heard of it, the one it will begin."""
        link = beside.links.get(asked.pbx)
        known = (call.id for call in link.calls if call.leg(asked.leg)) if link else iter(())
        return next(known, CallId(f"{asked.pbx}-{asked.leg}"))

    async def discard(name: str) -> None:
        with contextlib.suppress(OSError):
            await asyncio.to_thread((given.ivr.recordings / name).unlink)

    return World(
        find_customer=find, check_pin=pins.check, fetch=lambda request: ask_service(egress, request), queue_load=load,
        call_of=call_of, zone=given.site.time_zone, recordings=PurePosixPath(recordings), discard=discard,
    )  # fmt: skip
