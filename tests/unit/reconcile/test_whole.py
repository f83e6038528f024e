"""Asterisk may write call detail records minutes late: are those of a call all there?"""

import pytest

from cti.calls.call import PbxName
from cti.reconcile.recorded_calls import recorded_calls
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.records import cdr, queue_log
from cti.telephony.asterisk.records.cdr import CdrRow
from tests.unit.telephony.test_records import TAIPEI

ENTERED = "1795290803|1795290803.0|support|NONE|ENTERQUEUE||0912345678|1\n"
TALKED = (
    "1795290809|1795290803.0|support|Ann|RINGNOANSWER|5000\n"
    "1795290812|1795290803.0|support|Bob|CONNECT|9|1795290809.2|2\n"
)
RANG, SPOKE, AFTER, SHORT = (
    f'cti1,1795290803.0,1795290803.0,{number},{start}.5,{start}.5,{end}.5,{word},"0912345678","0800100100","in","",'
    f'"PJSIP/trunk-00000000","{phone}","Queue","support"\n'
    for number, start, end, word, phone in (
        (0, 1795290803, 1795290808, "NO ANSWER", "PJSIP/2001-00000001"), (2, 1795290809, 1795290842, "ANSWERED", "PJSIP/2002-00000002"),
        (4, 1795290842, 1795290860, "ANSWERED", "PJSIP/2003-00000003"), (4, 1795290842, 1795290843, "ANSWERED", "PJSIP/2003-00000003"),
    )
)  # fmt: skip


def written(text: str) -> list[CdrRow]:
    return list(cdr.of_csv(text.splitlines(keepends=True), TAIPEI))


@pytest.mark.parametrize(
    ("last", "records", "is_whole"),
    [
        ("COMPLETEAGENT|9|30|1", "", False),
        ("COMPLETEAGENT|9|30|1", RANG, False),
        ("COMPLETEAGENT|9|30|1", RANG + SPOKE, True),
        ("BLINDTRANSFER|2003|in|9|30|1", RANG + SPOKE, False),
        ("BLINDTRANSFER|2003|in|9|30|1", RANG + SPOKE + AFTER, True),
        ("BLINDTRANSFER|2003|in|9|30|1", RANG + SPOKE + SHORT, True),
        ("RINGCANCELED|200", RANG + SPOKE + AFTER, False),
    ],
    ids=["none", "the first who was rung", "all", "until it was handed over", "and after", "and a moment after", "queue is late"],
)  # fmt: skip
def test_a_call_is_whole_once_its_cdr_reaches_as_far_as_its_queue(last: str, records: str, *, is_whole: bool) -> None:
    lines = (ENTERED + TALKED + f"1795290842|1795290803.0|support|Bob|{last}\n").splitlines(keepends=True)
    (call,) = recorded_calls(
        queue_log.of_lines(lines), written(records), pbx=PbxName("main"), endpoints=Endpoints()
    ) or (None,)
    assert call is not None
    assert call.is_whole is is_whole


def test_of_a_talk_that_the_queue_does_not_know_to_be_over_its_line_is_to_come() -> None:
    """Asterisk writes it in another thread than the CDR: either may be first."""
    (call,) = recorded_calls(
        queue_log.of_lines((ENTERED + TALKED).splitlines(keepends=True)), written(RANG + SPOKE),
        pbx=PbxName("main"), endpoints=Endpoints(),
    )  # fmt: skip
    assert (call.is_whole, call.ended_by) == (False, "")


@pytest.mark.parametrize(("said", "by"), [("COMPLETECALLER", "customer"), ("COMPLETEAGENT", "agent")])
def test_a_busy_pbx_writes_the_end_seconds_later_in_its_cdr_and_the_queue_knows_who_hung_up(said: str, by: str) -> None:
    lines = ENTERED + TALKED + f"1795290839|1795290803.0|support|Bob|{said}|9|27|1\n"
    (call,) = recorded_calls(
        queue_log.of_lines(lines.splitlines(keepends=True)), written(RANG + SPOKE), pbx=PbxName("main"), endpoints=Endpoints()
    )  # fmt: skip
    assert (call.ended_by, call.is_whole) == (by, True)


def test_a_queue_s_line_a_moment_late_is_not_when_the_call_ended() -> None:
    lines = ENTERED + TALKED + "1795290843|1795290803.0|support|Bob|COMPLETECALLER|9|30|1\n"
    (call,) = recorded_calls(
        queue_log.of_lines(lines.splitlines(keepends=True)), written(RANG + SPOKE), pbx=PbxName("main"), endpoints=Endpoints()
    )  # fmt: skip
    assert call.ended_at.timestamp() == 1795290842.5


def test_a_short_talk_that_was_handed_over_is_not_whole_by_the_record_of_itself() -> None:
    """It began, and was handed over, in one second, which queue_log cuts off."""
    lines = (
        ENTERED
        + "1795290809|1795290803.0|support|Bob|CONNECT|6|1795290809.2|0\n1795290809|1795290803.0|support|Bob|BLINDTRANSFER|2003|in|6|0|1\n"
    )
    spoke, after = (
        f'cti1,1795290803.0,1795290803.0,{number},1795290809.{begins},1795290809.{begins},{ends},ANSWERED,"0912345678","0800100100",'
        f'"in","","PJSIP/trunk-00000000","{phone}","{app}",""\n'
        for number, begins, ends, phone, app in (
            (2, 1, "1795290809.7", "PJSIP/2002-00000002", "Queue"), (4, 7, "1795290815.5", "PJSIP/2003-00000003", "Dial"),
        )
    )  # fmt: skip
    found = [
        recorded_calls(
            queue_log.of_lines(lines.splitlines(keepends=True)),
            written(rows),
            pbx=PbxName("main"),
            endpoints=Endpoints(),
        )[0].is_whole
        for rows in (spoke, spoke + after)
    ]
    assert found == [False, True]


def test_a_call_outside_of_queues_is_whole_by_its_cdr_alone() -> None:
    (call,) = recorded_calls((), written(SPOKE), pbx=PbxName("main"), endpoints=Endpoints())
    assert call.is_whole
