"""The picture as code: news from PBXs -> who is calling -> desktops and record.

::

    PbxLink --CallChanged----> Pipeline --> Hub        the pop, at once
    Ivr -----JourneyEvent----/    |-------> Journal    the fact, never waited for
                                  `-------> Lookup     asked as soon as a caller is known; its answer follows as a card

``news`` is the sink of the links and of the IVR: it is quick, waits for nobody and never raises. Look-ups are tasks of their own,
one a call.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

import msgspec

from cti import numbers
from cti.calls.call import Call, CallId, Direction
from cti.calls.events import CallInformation
from cti.calls.journey import Identified, Journey, JourneyEvent, fold
from cti.calls.transitions import CallChanged
from cti.clock import now
from cti.crm.contact import Answer, Found, MatchedBy
from cti.crm.lookup import Asked, Lookup
from cti.envelope import Envelope, of_change
from cti.errors import StoreError
from cti.journeys import of_journey
from cti.log import logger
from cti.routing.waiting import QueueFigures, WaitingRoom
from cti.screenpop import views
from cti.screenpop.dialled import Dialled, DialledNumbers
from cti.screenpop.figures import Noted, fact
from cti.screenpop.hub import Hub
from cti.screenpop.messages import CustomerCard, PbxView, QueueView
from cti.store.interactions import InteractionLog
from cti.store.journal import Journal
from cti.store.past import PastCall
from cti.telephony.link import LinkChanged, News

log = logger("pipeline")

MOST_JOURNEYS: Final = 10_000
"""Kept for calls we were never told the end of."""
HISTORY_S: Final = 1.0
"""What the record may take to say what was before; without it the card goes out bare, and the history follows."""


class Pipeline:
    def __init__(
        self,
        *,
        hub: Hub,
        journal: Journal,
        lookup: Lookup,
        interactions: InteractionLog,
        country: str,
        dialled: DialledNumbers | None = None,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._hub = hub
        self._journal = journal
        self._lookup = lookup
        self._interactions = interactions
        self._country = country
        self._dialled = dialled or DialledNumbers()
        self._clock = clock
        self._asking: dict[CallId, asyncio.Task[None]] = {}
        self._journeys: OrderedDict[CallId, Journey] = OrderedDict()
        self._waiting = WaitingRoom()
        hub.listeners.on_receipt = self._receipt

    # ---- the sink

    def news(self, news: News) -> None:
        match news:
            case CallChanged():
                self._call(news)
            case JourneyEvent():
                self._journey(news)
            case LinkChanged():
                self._hub.pbx(PbxView(name=news.pbx, state=news.state, since=news.at))

    def _journey(self, event: JourneyEvent) -> None:
        """A caller came a step further in the IVR. What is heard after the call's end is for the record only."""
        self._journal.record(of_journey(event))
        journey, call = fold(self._journeys.get(event.call), event), self._hub.call(event.call)
        if journey is None or (call and not call.is_live):
            return
        self._keep(journey)
        try:
            self._hub.journey(event.call, journey)
        except Exception:
            log.exception("journey_not_shown", call=event.call)
        if call and isinstance(event, Identified):
            self._hub.card(views.asking(call))  # whom the number speaks for is not who calls
            self._ask(call)

    def restore(self, calls: Iterable[Call], journeys: Iterable[Journey] = ()) -> None:
        """Calls that were live when the service last stopped: on screen again, and asked about again."""
        calls = tuple(calls)
        for journey in journeys:
            self._keep(journey)
            self._hub.journey(journey.call, journey)
        self._hub.restore(calls)
        for call in calls:
            self._count(call)
            self._ask(call)

    def queue_load(self, queue: str) -> QueueFigures:
        """How many wait there now, and since when."""
        return self._waiting.figures(queue)

    async def close(self) -> None:
        for task in tuple(self._asking.values()):
            task.cancel()
        await asyncio.gather(*self._asking.values(), return_exceptions=True)

    # ---- one step of a call

    def _call(self, change: CallChanged) -> None:
        self._journal.record(of_change(change))
        if change.before is None:
            self._begins(change.after)
        self._show(change)
        if not change.after.is_live:
            self._ended(change.after)
        elif self._is_news_of_who(change):
            self._ask(change.after)

    def _begins(self, call: Call) -> None:
        dialled = self._dialled.begins(call, self._clock())
        if dialled and dialled.placed:
            self._journal.record(dialled.placed(call.id, self._clock()))

    def _show(self, change: CallChanged) -> None:
        """A mistake in what is shown costs neither the record nor the events that follow."""
        try:
            self._hub.call_changed(change)
            self._count(change.after)
        except Exception:
            log.exception("not_shown", call=change.after.id)

    def _is_news_of_who(self, change: CallChanged) -> bool:
        """A call begins, and who it is can be asked already; or what is known of the caller has changed."""
        before, after = change.before, change.after
        if before is None:
            is_known = after.id in self._journeys or self._dialled.of(after.id)
            return bool(after.customer_number or after.keys or is_known)
        return isinstance(change.cause, CallInformation) and (
            (before.keys, before.customer_number) != (after.keys, after.customer_number)
        )

    def _keep(self, journey: Journey) -> None:
        self._journeys[journey.call] = journey
        if len(self._journeys) > MOST_JOURNEYS:
            self._journeys.popitem(last=False)

    def _ended(self, call: Call) -> None:
        journey = self._journeys.pop(call.id, None)
        task = self._asking.pop(call.id, None)
        if task:
            task.cancel()
        log.info(
            "call_ended", call=call.id, pbx=call.pbx, direction=call.direction, outcome=call.outcome, cause=call.cause,
            queue=call.queue, wait_s=_rounded(call.wait_s), talk_s=_rounded(call.talk_s), hold_s=_rounded(call.hold_s), ani=call.ani,
            ivr=journey.outcome if journey else None,
        )  # fmt: skip

    def _count(self, call: Call) -> None:
        for figures in self._waiting.seen(call):
            self._hub.queue(QueueView(name=figures.queue, waiting=figures.waiting, oldest_since=figures.oldest_since))

    # ---- who is calling

    def _ask(self, call: Call) -> None:
        if call.direction is Direction.INTERNAL and not call.keys and not self._dialled.of(call.id):
            return
        running = self._asking.pop(call.id, None)
        if running:
            running.cancel()
        task = asyncio.create_task(self._fill(call), name=f"card-{call.id}")
        self._asking[call.id] = task
        task.add_done_callback(lambda done: self._done(call.id, done))

    def _done(self, call: CallId, task: "asyncio.Task[None]") -> None:
        if self._asking.get(call) is task:
            del self._asking[call]
        if not task.cancelled() and (error := task.exception()):
            log.error("card_failed", call=call, error=type(error).__name__, exc_info=error)

    async def _fill(self, call: Call) -> None:
        """The card: the answer in time, or "slow" and the answer when it comes; our own history beside it in any case."""
        asked = self._start(call)
        answer = await asked.answer()
        if asked.is_pending:
            self._hub.card(await self._card(call, None))
            answer = await asked.late()
            if self._hub.card_of(call).chosen:
                return  # an agent found out meanwhile
        answer = _as_clicked(answer, self._dialled.of(call.id))
        self._hub.card(await self._card(call, answer))
        self._note_who(call, answer)

    def _start(self, call: Call) -> Asked:
        """Who it is by what the caller said in the IVR, or whom the agent clicked on; a number dialled is known before it is told."""
        journey, dialled = self._journeys.get(call.id), self._dialled.of(call.id)
        named = journey.contact if journey else dialled.contact or "" if dialled else ""
        number = call.customer_number or (dialled.number if dialled else "")
        return self._lookup.start(keys=dict(call.keys), number=number, contact=named)

    async def _card(self, call: Call, answer: Answer | None) -> CustomerCard:
        past = await self._past(call, answer)
        if answer is None:
            history = tuple(views.history_item(one) for one in past)[: views.HISTORY_LIMIT]
            slow = views.slow(views.asking(call))
            return msgspec.structs.replace(slow, history=history, calls_24h=self._calls_24h(call, past))
        return views.answered(call, answer, history=past, calls_24h=self._calls_24h(call, past))

    async def _past(self, call: Call, answer: Answer | None) -> tuple[PastCall, ...]:
        contacts = [match.contact.id for match in answer.matches] if isinstance(answer, Found) else []
        spelt = self._spellings(call.customer_number)
        if not contacts and not spelt:
            return ()
        try:
            async with asyncio.timeout(HISTORY_S):
                return await self._interactions.history(contacts=contacts, numbers=spelt)
        except (StoreError, TimeoutError):
            return ()

    def _spellings(self, number: str) -> list[str]:
        if numbers.is_withheld(number):
            return []
        parsed = numbers.parse(number, country=self._country)
        return [number, parsed.e164] if parsed else [number]

    def _calls_24h(self, call: Call, past: Iterable[PastCall]) -> int:
        since = call.offered_at - timedelta(hours=24)
        return 1 + sum(one.offered_at >= since and one.call != call.id for one in past)

    def _note_who(self, call: Call, answer: Answer) -> None:
        """The only match is who it was, until an agent says otherwise."""
        if isinstance(answer, Found) and len(answer.matches) == 1:
            contact = answer.matches[0].contact
            self._journal.record(
                Envelope(
                    id=f"{call.id}#customer#{contact.id}", source=f"/pbx/{call.pbx}", type="cti.interaction.customer.v1",
                    subject=call.id, time=self._clock(), sequence=0,
                    data={"contact": contact.id, "name": contact.name or contact.company, "by": ""},
                )
            )  # fmt: skip

    # ---- the way back

    def _receipt(self, noted: Noted) -> None:
        self._journal.record(fact(noted))


def _as_clicked(answer: Answer, dialled: Dialled | None) -> Answer:
    """Whom an agent clicked on was not named by a caller."""
    if not isinstance(answer, Found) or dialled is None or dialled.contact is None:
        return answer
    matches = (replace(one, by=MatchedBy.NUMBER, value=dialled.number) for one in answer.matches)
    return replace(answer, matches=tuple(matches))


def _rounded(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds, 2)
