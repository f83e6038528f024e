"""Finished calls on record, and what people add to calls: drafts, notes, results."""

from dataclasses import dataclass
from typing import Final

from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.calls.journey import IvrOutcome
from cti.errors import NotFound, RequestError
from cti.screenpop.access import Deed
from cti.screenpop.views import journey_view
from cti.store.interactions import Filter, Interaction
from cti.store.people import Draft
from cti.web import facts, result_fields
from cti.web.asked import Asked, Reply, Route
from cti.web.schemas import (
    DraftView,
    HandledView,
    InteractionPage,
    InteractionQuery,
    InteractionView,
    NoteBody,
    RatingView,
    ResultBody,
    ResultChoice,
)


async def interactions(asked: Asked[None, InteractionQuery]) -> Reply:
    """Finished calls, newest first, page by page. Agents see those they handled, supervisors all."""
    query = asked.query
    page = await asked.parts.log.between(_filter(asked), cursor=query.cursor, limit=query.limit)
    return Reply(body=InteractionPage(items=tuple(view(past) for past in page.items), cursor=page.cursor))


async def interaction(asked: Asked[None, None]) -> Reply:
    """One finished call."""
    past = await asked.parts.log.get(asked.call)
    if past is None:
        raise NotFound("no such interaction")
    asked.require(Deed.INTERACTION_SEE, own=asked.is_own_interaction(past))
    return Reply(body=view(past))


async def draft(asked: Asked[None, None]) -> Reply:
    """One's own unfinished note."""
    await _subject(asked, Deed.DRAFT)
    saved = await asked.parts.people.draft(asked.agent.id, asked.call)
    return Reply(body=DraftView(text=saved.text, at=saved.at) if saved else DraftView(text=""))


async def put_draft(asked: Asked[NoteBody, None]) -> Reply:
    """Keep an unfinished note; nobody else sees it."""
    await _subject(asked, Deed.DRAFT)
    await asked.parts.people.put_draft(asked.agent.id, asked.call, Draft(asked.body.text, asked.parts.clock()))
    return Reply(status=204)


async def put_note(asked: Asked[NoteBody, None]) -> Reply:
    """The call's note; the latest counts. Also while the call goes on."""
    subject, parts = await _subject(asked, Deed.INTERACTION_WRITE), asked.parts
    await parts.record([facts.note(subject.pbx, subject.call, asked.body.text, by=asked.agent.id, at=parts.clock())])
    return Reply(status=204)


async def put_result(asked: Asked[ResultBody, None]) -> Reply:
    """What came of the call, by a code of the site's list, with what that asks for, and the note; the latest counts."""
    subject, parts, body = await _subject(asked, Deed.INTERACTION_WRITE), asked.parts, asked.body
    choice = _choice(parts.site.results, body.code, subject.queue)
    by, at, fields = asked.agent.id, parts.clock(), result_fields.checked(choice, body.fields)
    added = [facts.result(subject.pbx, subject.call, choice.code, choice.label, by=by, at=at, fields=fields)]
    if body.note is not None:
        added.append(facts.note(subject.pbx, subject.call, body.note, by=by, at=at))
    await parts.record(added)
    parts.shift.result_given(by, subject.call)
    return Reply(status=204)


def view(past: Interaction) -> InteractionView:
    ratings = past.journey.ratings if past.journey else ()
    return InteractionView(
        call=past.call, pbx=past.pbx, direction=past.direction.value, ani=past.ani, ani_name=past.ani_name, dnis=past.dnis,
        queue=past.queue, keys=past.keys, offered_at=past.offered_at, queued_at=past.queued_at,
        answered_at=past.answered_at, ended_at=past.ended_at, wait_s=past.wait_s, ring_s=past.ring_s, talk_s=past.talk_s,
        hold_s=past.hold_s, outcome=past.outcome.value, cause=past.cause, ended_by=past.ended_by, agent=past.agent,
        handled_by=tuple(
            HandledView(
                agent=part.agent, number=part.number, name=part.name, rang_at=part.rang_at, connected_at=part.connected_at,
                cleared_at=part.cleared_at, consult=part.consult, cause=part.cause,
            )
            for part in past.handled_by
        ),
        transfers=past.transfers, contact=past.contact, contact_name=past.contact_name, note=past.note,
        result=past.result, result_label=past.result_label, result_fields=past.result_fields,
        is_not_classified=past.is_not_classified, is_backfilled=past.is_backfilled, journey=journey_view(past.journey) if past.journey else None,
        ratings=tuple(RatingView(question=question, score=score, scale=scale) for question, score, scale in ratings),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Subject:
    pbx: PbxName
    call: CallId
    queue: str


async def _subject(asked: Asked[object, None], deed: Deed) -> _Subject:
    """The call that is written about: one the hub still knows, else one on record."""
    call = asked.parts.hub.call(asked.call)
    if call:
        asked.require(deed, own=asked.is_own_call(call))
        return _Subject(call.pbx, call.id, call.queue)
    past = await asked.parts.log.get(asked.call)
    if past is None:
        raise NotFound("no such call")
    asked.require(deed, own=asked.is_own_interaction(past))
    return _Subject(past.pbx, past.call, past.queue)


def _filter(asked: Asked[None, InteractionQuery]) -> Filter:
    query, me = asked.query, asked.agent.id
    agent = me if query.agent == "me" or not asked.sees_all(Deed.INTERACTION_SEE) else query.agent
    return Filter(
        since=query.since, until=query.until, agent=agent, queue=query.queue,
        direction=Direction(query.direction) if query.direction else None, outcome=_outcome(query.outcome),
        number=query.number, contact=query.contact, text=query.text, flow=query.flow,
        ivr_outcome=IvrOutcome(query.ivr_outcome) if query.ivr_outcome else None, classified=query.classified, backfilled=query.backfilled,
    )  # fmt: skip


def _outcome(text: str | None) -> Outcome | None:
    if text is not None and text not in set(Outcome):
        raise RequestError("no such outcome; there are " + ", ".join(Outcome))
    return Outcome(text) if text else None


def _choice(results: tuple[ResultChoice, ...], code: str, queue: str) -> ResultChoice:
    fitting = [one for one in results if one.code == code and (not one.queues or queue in one.queues)]
    if not fitting:
        raise RequestError("no such result for this queue")
    return fitting[0]


_CALL: Final = "/api/v1/interactions/{call}"
_SEE, _WRITE, _DRAFT = Deed.INTERACTION_SEE, Deed.INTERACTION_WRITE, Deed.DRAFT
ROUTES: Final = (
    Route(
        method="GET",
        path="/api/v1/interactions",
        handler=interactions,
        deed=_SEE,
        query=InteractionQuery,
        gives=InteractionPage,
    ),
    Route(method="GET", path=_CALL, handler=interaction, deed=_SEE, gives=InteractionView, refuses=(404,)),
    Route(method="GET", path=f"{_CALL}/draft", handler=draft, deed=_DRAFT, gives=DraftView, refuses=(404,)),
    Route(
        method="PUT",
        path=f"{_CALL}/draft",
        handler=put_draft,
        deed=_DRAFT,
        body=NoteBody,
        gives=None,
        status=204,
        refuses=(404,),
    ),
    Route(
        method="PUT",
        path=f"{_CALL}/note",
        handler=put_note,
        deed=_WRITE,
        body=NoteBody,
        gives=None,
        status=204,
        refuses=(404,),
    ),
    Route(
        method="PUT",
        path=f"{_CALL}/result",
        handler=put_result,
        deed=_WRITE,
        body=ResultBody,
        gives=None,
        status=204,
        refuses=(404,),
    ),
)
