"""What the verdict finds wrong: in rows that were filled in as in those that we saw."""

from dataclasses import replace as replaced
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cti.calls.call import CallId, Direction, Outcome, PbxName
from cti.store.interactions import Interaction
from tests.chaos.away import Away
from tests.chaos.check import Verdict, verdict
from tests.chaos.desks import Desk
from tests.chaos.story import unshown
from tests.chaos.truth import TrueCall, of_ami
from tests.running import Running

BEGAN = 1_795_290_000.25
SEEN: list[Away] = []
AWAY = [Away(BEGAN - 60, BEGAN + 60)]
CALL = TrueCall(
    id="1795290000.7", began_at=BEGAN, channels={"1795290000.7", "1795290000.9"}, ani="0911", talked_at=BEGAN + 5,
    ended_at=BEGAN + 12, agents=["ann"], ended_by="customer", rings={"ann": (BEGAN + 4, BEGAN + 5)},
)  # fmt: skip


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(BEGAN + seconds, UTC)


SAW = Interaction(
    pbx=PbxName("main"), call=CallId(f"main-{CALL.id}"), direction=Direction.INBOUND, ani="0911", ani_name="", dnis="", queue="floor",
    keys={}, offered_at=at(0), queued_at=None, answered_at=at(5), ended_at=at(12), wait_s=5, ring_s=1, talk_s=7, hold_s=0,
    outcome=Outcome.ANSWERED, cause="normal", ended_by="customer", agent="ann", handled_by=(), transfers=(), contact="",
    contact_name="", note="", result="", result_label="",
)  # fmt: skip
FILLED_IN = replace(SAW, is_backfilled=True, answered_at=at(4.75))


def of(*rows: Interaction, away: list[Away], call: TrueCall = CALL, stalled_s: float = 0.0) -> Verdict:
    return verdict(rows, {call.id: call}, away, lambda _at: stalled_s, since=BEGAN - 1)


def test_what_is_as_asterisk_has_it_is_well() -> None:
    for found in (of(SAW, away=SEEN), of(FILLED_IN, away=AWAY)):
        assert (found.calls, found.lost, found.doubled, found.wrong, found.unmarked) == (1, [], [], [], [])


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (replace(FILLED_IN, agent="dee"), "agent 'dee', and by Asterisk ['ann']"),
        (replace(FILLED_IN, ani="0999"), "from 0999, and by Asterisk 0911"),
        (replace(FILLED_IN, outcome=Outcome.ABANDONED), "outcome abandoned, and by Asterisk answered"),
        (replace(FILLED_IN, ended_by="agent"), "ended by 'agent', and by Asterisk 'customer'"),
        (replace(FILLED_IN, offered_at=at(0.1)), "offered is 100 ms off, and 50 are allowed"),
        (replace(FILLED_IN, ended_at=at(13)), "ended is 1000 ms off, and 50 are allowed"),
        (replace(FILLED_IN, answered_at=at(6.2)), "answered is 1200 ms off, and 1050 are allowed"),
    ],
)
def test_a_row_that_was_filled_in_otherwise_than_asterisk_has_it_is_wrong(row: Interaction, words: str) -> None:
    assert of(row, away=AWAY).wrong == [f"{CALL.id}: {words}"]


def test_a_mark_excuses_no_time_that_we_saw() -> None:
    late = replace(FILLED_IN, offered_at=at(0.1), answered_at=at(5.9))
    assert len(of(late, away=[Away(BEGAN + 10, BEGAN + 60)]).wrong) == 2


def test_a_queue_that_was_joined_unseen_is_known_where_the_call_was_over_by_our_return() -> None:
    queued, nameless = replaced(CALL, queue="floor", queued_at=BEGAN + 0.75), replace(FILLED_IN, queue="")
    assert of(nameless, away=AWAY, call=queued).wrong == [f"{CALL.id}: queue '', and by Asterisk 'floor'"]
    back = [Away(BEGAN - 60, BEGAN + 9)]
    assert of(nameless, away=back, call=queued).wrong == []
    assert len(of(replace(FILLED_IN, queue="sales"), away=back, call=queued).wrong) == 1


def test_what_is_wrong_and_not_marked_says_so() -> None:
    found = of(replace(SAW, agent="", answered_at=at(7)), away=AWAY)
    assert (found.wrong, len(found.unmarked)) == ([], 2)


def test_a_call_by_the_name_of_another_of_its_channels_is_doubled() -> None:
    again = replace(SAW, call=CallId("main-1795290000.9"))
    assert (of(SAW, again, away=SEEN).doubled, of(again, away=SEEN).lost) == ([CALL.id], [])


def test_an_end_that_asterisk_did_not_live_to_tell_was_while_we_were_away() -> None:
    died = TrueCall(id=CALL.id, began_at=BEGAN, channels={CALL.id}, talked_at=BEGAN + 5, agents=["ann"])
    away, row = [Away(BEGAN + 10, BEGAN + 20)], replace(SAW, cause="pbx_restart", ended_by="system")
    assert of(row, away=away, call=died).wrong == []
    assert len(of(replace(row, ended_at=at(8.9)), away=away, call=died).wrong) == 1


def test_what_is_forgiven_is_told() -> None:
    found = of(replace(SAW, ended_at=at(12.06)), away=SEEN, stalled_s=0.04)
    assert found.wrong == []
    assert (round(found.worst_ms), round(found.forgiven_ms)) == (20, 40)


def test_what_asterisk_told_late_is_no_fault_of_who_was_told() -> None:
    heard = b"Event: Hangup\r\nTimestamp: %.6f\r\nUniqueid: %s\r\n\r\n" % (BEGAN + 12.3, CALL.id.encode())
    call = replaced(CALL, told_at={})
    of_ami(heard, {call.id: call})
    late = replace(SAW, ended_at=at(12.29), talk_s=7.29)
    assert of(late, away=SEEN, call=call).wrong == []
    assert round(of(late, away=SEEN, call=call).forgiven_ms) == 280
    assert of(replace(SAW, ended_at=at(12.5)), away=SEEN, call=call).wrong != []
    assert of(late, away=SEEN).wrong != []


def test_what_is_forgiven_has_a_bound_unless_the_machine_stood_still_for_longer() -> None:
    late = replace(SAW, ended_at=at(12.6), talk_s=7.6)
    told = replaced(CALL, told_at={"ended": BEGAN + 12.6})
    assert of(late, away=SEEN, call=told).wrong == [f"{CALL.id}: ended is 600 ms off, too late to be forgiven"]
    stood = of(late, away=SEEN, call=told, stalled_s=0.7)
    assert (stood.wrong, stood.untold) == (
        [], [f"{CALL.id}: ended is 600 ms off, and the machine stood still too long to tell"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("row", "words"),
    [
        (FILLED_IN, "said to be unseen, and we were there"),
        (replace(SAW, cause="resync", ended_by="system"), "said to be unseen, and we were there"),
        (replace(SAW, queue="sales"), "queue 'sales', and by Asterisk 'floor'"),
        (replace(SAW, queued_at=at(2.2)), "queued is 450 ms off, and 50 are allowed"),
        (replace(SAW, wait_s=5.5), "waited 5.500 s, and by its times 5.000"),
        (replace(SAW, talk_s=5), "talked 5.000 s and held 0.000, and by its times 7.000 together"),
    ],
)
def test_of_a_call_that_we_saw_all_of_nothing_is_excused(row: Interaction, words: str) -> None:
    queued = replaced(CALL, queue="floor", queued_at=BEGAN + 0.75)
    assert words in [one.removeprefix(f"{CALL.id}: ") for one in of(row, away=SEEN, call=queued).wrong]
    assert of(replace(SAW, queued_at=at(1.5), wait_s=3.5, talk_s=5, hold_s=2), away=SEEN, call=queued).wrong == []


@pytest.mark.parametrize(
    ("desk", "words"),
    [
        ({"popped": [f"main-{CALL.id}"]}, []),
        ({}, ["had no pop of it"]),
        ({"gaps": [(BEGAN + 3.9, BEGAN + 6)]}, []),
        ({"gaps": [(BEGAN + 3.9, BEGAN + 4.7)]}, ["had no pop of it"]),
        ({"gaps": [(BEGAN + 4.8, BEGAN + 6)]}, ["had no pop of it"]),
        ({"popped": [f"main-{CALL.id}"], "carded": set()}, ["was not shown it with who calls"]),
        ({"gaps": [(BEGAN + 3, BEGAN + 6)], "shown": set()}, ["was not shown it with who calls"]),
    ],
)
def test_who_took_a_call_had_its_pop_or_was_cut_off_and_came_back_to_the_call(
    desk: dict[str, Any], words: list[str]
) -> None:
    told = {"shown": {f"main-{CALL.id}"}, "carded": {f"main-{CALL.id}"}} | desk
    anns = Desk("ann", Running(folder=Path()), **told)
    assert list(unshown(anns, CALL)) == [f"ann took {CALL.id} and {what}" for what in words]
