"""A whole night is filled in, once; what is known, live or being written elsewhere is left alone."""

import gzip
import json
import os
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
import pytest

from cti.calls.call import Call, CallId, Direction, LegId, Outcome, Party, PbxName, Role
from cti.calls.events import Cleared, Offered
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged, begin
from cti.envelope import Envelope, event_of, of_change
from cti.errors import RecordsUnreadable
from cti.reconcile.backfill import Backfill
from cti.reconcile.fill import facts_for
from cti.reconcile.reading import calls_ended
from cti.store import schema
from cti.store.backfills import SqlBackfills
from cti.store.database import Database
from cti.store.interactions import Filter, Interaction
from cti.store.sql import SqlInteractionLog
from tests.integration.cli.conftest import Run, settings
from tests.integration.reconcile.written import EVERY_S, MIDNIGHT, Night

CALLS = 2000
HOUR = timedelta(hours=1)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    url = f"sqlite:///{tmp_path}/cti.db"
    await schema.make_ready(url)
    made = Database(url)
    yield made
    await made.close()


def of(night: Night, database: Database) -> Backfill:
    return Backfill(night.places, SqlInteractionLog(database), SqlBackfills(database))


async def fill(night: Night, database: Database, since: datetime = MIDNIGHT - HOUR) -> int:
    backfill, log = of(night, database), SqlInteractionLog(database)
    plan = await backfill.plan(since, night.ends + HOUR)
    await backfill.carry_out(plan, log.append)
    return len(plan.missing) + len(plan.partly)


async def rows(database: Database) -> list[Interaction]:
    log, found, cursor = SqlInteractionLog(database), list[Interaction](), None
    while True:
        page = await log.between(Filter(), cursor=cursor, limit=500)
        found += page.items
        cursor = page.cursor
        if cursor is None:
            return found


async def test_14_a_whole_night_away_is_filled_in_once(database: Database, tmp_path: Path) -> None:
    night = Night(tmp_path, CALLS).write()
    assert await fill(night, database) == CALLS
    assert await fill(night, database) == 0
    found = await rows(database)
    assert len(found) == CALLS
    assert {item.is_backfilled for item in found} == {True}
    assert sum(item.outcome is Outcome.ABANDONED for item in found) == CALLS // 5
    assert {item.talk_s for item in found if item.outcome is Outcome.ANSWERED} == {30.25}
    assert {item.call for item in found} == {f"main-{night.id(number)}" for number in range(CALLS)}


async def test_14_what_was_filled_in_is_the_same_after_a_rebuild(database: Database, tmp_path: Path) -> None:
    night = Night(tmp_path, 40).write()
    await fill(night, database)
    before = await rows(database)
    assert await SqlInteractionLog(database).rebuild() == 40
    assert await rows(database) == before


async def test_only_what_ended_in_the_time_asked_for(tmp_path: Path) -> None:
    night = Night(tmp_path, CALLS).write()
    began = MIDNIGHT + timedelta(seconds=EVERY_S * (CALLS - 100))
    found = await calls_ended(night.places, began, began + timedelta(seconds=EVERY_S * 10))
    assert {began <= call.ended_at < began + timedelta(seconds=EVERY_S * 10) for call in found} == {True}
    assert 9 <= len(found) <= 11


async def test_a_file_that_was_rotated_in_the_night_is_read_whole(database: Database, tmp_path: Path) -> None:
    night = Night(tmp_path, 200).write()
    for file in (night.queue_log, night.cdr):
        lines = file.read_text().splitlines(keepends=True)
        first = tmp_path / f"{file.name}.1.gz"
        with gzip.open(first, "wt") as rotated:
            rotated.writelines(lines[: len(lines) // 3])
        (tmp_path / f"{file.name}.0").write_text("".join(lines[len(lines) // 3 : len(lines) // 2]))
        file.write_text("".join(lines[len(lines) // 2 :]))
        ends = night.ends.timestamp()
        for age, piece in enumerate((file, tmp_path / f"{file.name}.0", first)):
            os.utime(piece, (ends - age, ends - age))
    assert await fill(night, database) == 200


async def test_calls_we_saw_the_end_of_are_known_by_any_of_their_ids(database: Database, tmp_path: Path) -> None:
    night = Night(tmp_path, 10).write()
    log = SqlInteractionLog(database)
    calls = await calls_ended(night.places, MIDNIGHT - HOUR, night.ends + HOUR)
    await log.append([_own(fact) for fact in facts_for(calls[0])])
    await log.append([_own(fact, CallId(f"main-{night.id(1).split('.')[0]}.3")) for fact in facts_for(calls[1])])
    plan = await of(night, database).plan(MIDNIGHT - HOUR, night.ends + HOUR)
    assert (len(plan.missing), plan.known) == (8, 2)


async def test_an_end_that_we_only_inferred_is_replaced(database: Database, tmp_path: Path) -> None:
    night = Night(tmp_path, 1).write()
    (call,) = await calls_ended(night.places, MIDNIGHT - HOUR, night.ends + HOUR)
    log, whole = SqlInteractionLog(database), [_own(fact) for fact in facts_for(call)]
    seen = [fact for fact in whole if fact.type not in {"cti.call.connection_cleared.v1", "cti.call.cleared.v1"}]
    await log.append([*seen, *_lost(seen, night.ends)])
    (inferred,) = await rows(database)
    assert (inferred.cause, inferred.is_backfilled) == ("resync", False)
    assert await fill(night, database) == 1
    assert await fill(night, database) == 0
    (filled,) = await rows(database)
    assert (filled.cause, filled.is_backfilled, filled.ended_at) == ("normal", True, call.ended_at)
    assert (filled.talk_s, filled.ended_by) == (30.25, "customer")
    assert len(filled.handled_by) == 1


async def test_a_call_without_an_end_that_nobody_knows_of_any_more_gets_its_own(
    database: Database, tmp_path: Path
) -> None:
    """A start that could not read the record forgot it, so nobody ended it."""
    night = Night(tmp_path, 1).write()
    (call,) = await calls_ended(night.places, MIDNIGHT - HOUR, night.ends + HOUR)
    log, whole = SqlInteractionLog(database), [_own(fact) for fact in facts_for(call)]
    await log.append([fact for fact in whole if "cleared" not in fact.type])
    by_hand = await of(night, database).plan(MIDNIGHT - HOUR, night.ends + HOUR, live=None)
    assert (by_hand.known, by_hand.partly) == (1, ())  # perhaps it is live
    assert await fill(night, database) == 1
    assert await fill(night, database) == 0
    (filled,) = await rows(database)
    assert (filled.call, filled.ended_at, filled.talk_s, filled.is_backfilled) == (
        whole[0].subject, call.ended_at, 30.25, True,
    )  # fmt: skip
    assert await log.open_facts() == ()


async def test_a_live_call_whose_channel_has_the_name_of_one_of_the_night_is_not_that_one(
    database: Database, tmp_path: Path
) -> None:
    """Asterisk counts from 0 again after its start."""
    night = Night(tmp_path, 2).write()
    plan = await of(night, database).plan(
        MIDNIGHT - HOUR, night.ends + HOUR, [_talking("main-1.2", night.ends, "PJSIP/trunk-00000000")]
    )
    assert (len(plan.missing), plan.live) == (2, 0)
    plan = await of(night, database).plan(
        MIDNIGHT - HOUR, night.ends + HOUR, [_talking("main-1.2", MIDNIGHT, "PJSIP/trunk-00000000")]
    )
    assert (len(plan.missing), plan.live) == (1, 1)


async def test_a_call_whose_cdr_is_written_later_is_left_until_it_is(database: Database, tmp_path: Path) -> None:
    """``batch = yes``: five minutes late, and not all of a call at once."""
    night = Night(tmp_path, 10).write()
    records = night.cdr.read_text()
    night.cdr.write_text("")
    backfill, log = of(night, database), SqlInteractionLog(database)
    soon = await backfill.plan(MIDNIGHT - HOUR, night.ends + HOUR, settled=MIDNIGHT)
    assert (soon.missing, soon.unsettled, soon.known) == ((), 10, 0)
    night.cdr.write_text(records)
    plan = await backfill.plan(MIDNIGHT - HOUR, night.ends + HOUR, settled=MIDNIGHT)
    await backfill.carry_out(plan, log.append)
    assert {(item.dnis, bool(item.handled_by)) for item in await rows(database)} == {
        ("0800100100", True),
        ("0800100100", False),
    }
    assert (len(plan.missing), plan.unsettled) == (10, 0)


async def test_a_call_that_never_gets_a_cdr_is_filled_in_in_the_end(database: Database, tmp_path: Path) -> None:
    night = Night(tmp_path, 10).write()
    night.cdr.write_text("")
    assert await fill(night, database) == 10


async def test_one_pbxs_calls_are_not_anothers(database: Database, tmp_path: Path) -> None:
    for name in ("north", "south"):
        (tmp_path / name).mkdir()
        assert await fill(Night(tmp_path / name, 5, pbx=name).write(), database) == 5
    found = await rows(database)
    assert sorted({(item.pbx, item.call.partition("-")[0]) for item in found}) == [
        ("north", "north"),
        ("south", "south"),
    ]
    assert len(found) == 10


async def test_a_file_that_is_not_there_says_what_to_do(database: Database, tmp_path: Path) -> None:
    with pytest.raises(RecordsUnreadable, match=r"no such file; .* is the path right"):
        await of(Night(tmp_path, 1), database).plan(MIDNIGHT, MIDNIGHT + HOUR)


async def test_by_hand(cti: Run, tmp_path: Path) -> None:
    (tmp_path / "pbx").mkdir()
    night = Night(tmp_path / "pbx", 50).write()
    text = f'[[pbx]]\nname = "main"\nevents_secret = "x"\ncommands_secret = "x"\nqueue_log = "{night.queue_log}"\ncdr = "{night.cdr}"\n'
    asked = ("backfill", "--config", settings(tmp_path, text), "--from", "2026-11-21T20:00+00:00", "--json")
    tried, done, again = await cti(*asked, "--dry-run"), await cti(*asked), await cti(*asked)
    assert [said.code for said in (tried, done, again)] == [0, 0, 0], done.err
    counts = [len(json.loads(said.out)["filled_in"]) for said in (tried, done, again)]
    assert counts == [50, 50, 0]
    said = await cti(*asked[:-1])
    assert "50 calls on the PBX's record; 50 known here, 0 were filled in" in said.out


async def test_by_hand_it_says_what_is_wrong(cti: Run, tmp_path: Path) -> None:
    bare = '[[pbx]]\nname = "main"\nevents_secret = "x"\ncommands_secret = "x"\n'
    file = settings(tmp_path, bare)
    said = await cti("backfill", "--config", file, "--from", "2026-11-21T20:00")
    assert (said.code, "neither queue_log nor cdr is set" in said.err) == (2, True)
    file = settings(tmp_path, f'{bare}queue_log = "/nowhere/queue_log"\n')
    said = await cti("backfill", "--config", file, "--from", "2026-11-21T20:00")
    assert (said.code, "/nowhere/queue_log: no such file" in said.err) == (1, True)
    said = await cti("backfill", "--config", file, "--from", "yesterday")
    assert (said.code, "--from yesterday" in said.err) == (2, True)
    (tmp_path / "var" / "spool").mkdir(parents=True)
    for name in ("facts.tail", "facts.spool"):
        (waiting := tmp_path / "var" / "spool" / name).write_text("a fact")
        said = await cti("backfill", "--config", file, "--from", "2026-11-21T20:00")
        assert (said.code, "facts wait in" in said.err, name in said.err) == (2, True, True)
        waiting.unlink()


def _talking(name: str, began: datetime, channel: str) -> Call:
    party = Party(leg=LegId(name), role=Role.CUSTOMER, number="0912345678", channel=channel)
    return begin(
        Offered(
            call=CallId(name), at=began, pbx=PbxName("main"), direction=Direction.INBOUND, ani="0912345678", party=party
        )
    ).after


def _own(fact: Envelope, call: CallId | None = None) -> Envelope:
    """As if we had seen it."""
    subject = call or CallId(fact.subject)
    data = {name: value for name, value in fact.data.items() if name != "backfilled"}
    return msgspec.structs.replace(fact, id=f"{subject}#{fact.sequence}", subject=subject, data=data)


def _lost(seen: Sequence[Envelope], at: datetime) -> list[Envelope]:
    tracker, found = CallTracker(), list[Envelope]()
    for fact in seen:
        if event := event_of(fact):
            tracker.apply(event)
    for call in tracker.live:
        change = tracker.apply(Cleared(call=call.id, at=at, cause="resync", ended_by="system"))
        found += [of_change(change)] if isinstance(change, CallChanged) else []
    return found
