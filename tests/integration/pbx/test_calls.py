"""Real calls through the whole service; each row is held against what Asterisk itself says of the call."""

import csv
from datetime import datetime

import pytest

from cti.calls.call import Outcome, TransferKind
from cti.store.interactions import Interaction
from tests.integration.pbx.service import Service, Site, on_22, serving
from tests.integration.pbx.stamps import heard, spans
from tests.testbed import sipp, stories_queue, stories_transfer
from tests.testbed.asterisk import Asterisk
from tests.testbed.fixtures import require
from tests.testbed.sipp import AwaitHangUp, HangUp, Sipp, Wait
from tests.testbed.story import SUPPORT, Stage, Story, Truth, connect, hang_up

GOLDEN_S = 0.05
"""How far a figure of ours may be from Asterisk's own stamps."""


def assert_within(figure_s: float, limits_s: tuple[float, float]) -> None:
    assert limits_s[0] <= figure_s <= limits_s[1]


def spoke(row: Interaction) -> list[str]:
    """Who spoke with the customer, in order."""
    return [part.number for part in row.handled_by if part.connected_at and not part.consult]


def rang(row: Interaction) -> list[str]:
    return [part.number for part in row.handled_by if part.rang_at]


def handed(row: Interaction) -> list[tuple[str, str]]:
    return [(transfer["kind"], transfer["to"]) for transfer in row.transfers]


async def played(story: Story, stage: Stage, service: Service) -> tuple[Truth, Interaction]:
    truth = await story(stage)
    return truth, await service.row()


async def test_18_basic_inbound_golden(asterisk: Asterisk, service: Service) -> None:
    """Wait and talk are those of Asterisk's own event stamps, within 50 ms, and of its queue_log, within its seconds."""
    require("sipp")
    async with heard(asterisk) as stamps:
        agent = Sipp(sipp.agent(AwaitHangUp(), ring_s=1.3), asterisk.ports.sip, asterisk.ports.agents["2001"])
        caller = Sipp(sipp.caller(Wait(4.5), HangUp()), asterisk.ports.sip, rows=[("0912345678", "Wang", SUPPORT)])
        async with agent as ann, caller as wang:
            assert [await wang.wait(), await ann.wait()] == [0, 0], wang.errors() + ann.errors()
        row = await service.row()
        await stamps.until(
            "Hangup", row.call
        )  # AgentComplete may come without its channel's headers, when that is gone
        await service.until(
            lambda: any(line[4] == "COMPLETECALLER" for line in queue_log(asterisk)), "queue_log's word"
        )
    joined = stamps.between("QueueCallerJoin", "QueueCallerJoin", row.call)
    called = stamps.between("AgentCalled", "AgentCalled", row.call)
    connected = stamps.between("AgentConnect", "BridgeEnter", row.call)
    ended = stamps.between("HangupRequest", "Hangup", row.call)
    assert_within(row.wait_s, spans(joined, connected, GOLDEN_S))
    assert_within(row.talk_s, spans(connected, ended, GOLDEN_S))
    assert_within(row.ring_s, spans(called, connected, GOLDEN_S))
    assert (row.hold_s, row.outcome, row.ended_by, row.agent) == (0.0, Outcome.ANSWERED, "customer", "ann")
    (told,) = told_by_queue_log(asterisk, [row])
    assert abs(told["wait_s"] - row.wait_s) <= 1
    assert abs(told["talk_s"] - row.talk_s) <= 1


async def test_19_abandon_in_queue(stage: Stage, service: Service) -> None:
    async with heard(stage.pbx) as stamps:
        _, row = await played(stories_queue.abandoned_in_queue, stage, service)
        await stamps.until("Hangup", row.call)
    assert (row.outcome, row.queue, row.ended_by, row.agent) == (Outcome.ABANDONED, "empty", "customer", "")
    joined = stamps.between("QueueCallerJoin", "QueueCallerJoin", row.call)
    assert_within(row.wait_s, spans(joined, stamps.between("HangupRequest", "Hangup", row.call), GOLDEN_S))
    assert row.talk_s == 0


@on_22
async def test_19_abandon_while_the_phone_rings(stage: Stage, service: Service) -> None:
    _, row = await played(stories_queue.abandoned_while_ringing, stage, service)
    assert (row.outcome, row.ended_by, rang(row), spoke(row)) == (Outcome.ABANDONED, "customer", ["2001"], [])


@on_22
async def test_20_exit_with_key(stage: Stage, service: Service) -> None:
    _, row = await played(stories_queue.queue_exit_by_key, stage, service)
    assert (row.outcome, row.queue) == (Outcome.QUEUE_EXIT, "keyed")


async def test_21_rona(stage: Stage, service: Service) -> None:
    """The call's side: it keeps its place, one phone after the other rings once, and nobody's silence is the customer's."""
    _, row = await played(stories_queue.ring_no_answer_then_other, stage, service)
    assert (row.outcome, rang(row), spoke(row), row.agent) == (Outcome.ANSWERED, ["2001", "2002"], ["2002"], "bob")
    assert [part.cause for part in row.handled_by] == ["no_answer", "normal"]
    queued = [fact for fact in await service.log.facts(row.call) if fact.type == "cti.call.queued.v1"]
    assert len(queued) == 1


@on_22
@pytest.mark.parametrize(
    ("story", "to", "last"),
    [
        (stories_transfer.blind_transfer_by_key_to_agent, "2002", "bob"),
        (stories_transfer.blind_transfer_by_refer_to_agent, "2002", "bob"),
        (stories_transfer.blind_transfer_by_refer_to_queue, "3005", "bob"),
    ],
    ids=["key", "refer", "to_queue"],
)
async def test_22_blind_transfer(stage: Stage, service: Service, story: Story, to: str, last: str) -> None:
    _, row = await played(story, stage, service)
    assert (handed(row), spoke(row), row.agent) == ([(TransferKind.BLIND, to)], ["2001", "2002"], last)
    assert row.outcome is Outcome.ANSWERED


@on_22
async def test_23_atxfer_features(stage: Stage, service: Service) -> None:
    _, row = await played(stories_transfer.attended_transfer_by_key, stage, service)
    assert (handed(row), row.agent) == ([(TransferKind.ATTENDED, "2002")], "bob")


async def test_24_atxfer_refer_replaces(stage: Stage, service: Service) -> None:
    """Two channels of the transferring phone that nothing but one event ties together: still one call, one row."""
    _, row = await played(stories_transfer.attended_transfer_by_refer, stage, service)
    assert (handed(row), row.agent) == ([(TransferKind.ATTENDED, "2002")], "bob")
    assert row.hold_s > 0.5


@on_22
@pytest.mark.parametrize(
    "story", [stories_transfer.blonde_transfer_by_key, stories_transfer.blonde_transfer_by_refer], ids=["key", "refer"]
)
async def test_25_blonde(stage: Stage, service: Service, story: Story) -> None:
    _, row = await played(story, stage, service)
    assert (handed(row), row.agent) == ([(TransferKind.BLONDE, "2002")], "bob")


@on_22
async def test_26_failed_transfer_recall(stage: Stage, service: Service) -> None:
    _, row = await played(stories_transfer.blonde_transfer_comes_back, stage, service)
    assert (handed(row), spoke(row)[0], spoke(row)[-1], row.agent) == (
        [(TransferKind.BLONDE, "2002")],
        "2001",
        "2001",
        "ann",
    )


@on_22
async def test_26_failed_transfer_that_never_left(stage: Stage, service: Service) -> None:
    _, row = await played(stories_transfer.attended_transfer_declined_comes_back, stage, service)
    assert (handed(row), row.agent, row.outcome) == ([], "ann", Outcome.ANSWERED)


@pytest.mark.parametrize(
    "story", [stories_queue.agent_by_local_channel, stories_queue.agent_by_local_channel_n], ids=["optimised", "kept"]
)
async def test_28_local_optimisation(stage: Stage, service: Service, story: Story) -> None:
    """An agent behind a Local channel: the call neither ends nor doubles when the channel optimises itself away."""
    truth, row = await played(story, stage, service)
    assert (row.outcome, rang(row), spoke(row), row.agent, row.ended_by) == (
        Outcome.ANSWERED,
        ["2001"],
        ["2001"],
        "ann",
        "customer",
    )
    assert row.talk_s == pytest.approx(truth.calls[0].talk_s, abs=1.0)


@on_22
async def test_the_agent_hangs_up(stage: Stage, service: Service) -> None:
    _, row = await played(stories_queue.plain_inbound_agent_hangs_up, stage, service)
    assert (row.outcome, row.ended_by, row.agent) == (Outcome.ANSWERED, "agent", "ann")


@on_22
async def test_a_name_in_chinese_arrives_as_it_was_sent(stage: Stage, service: Service) -> None:
    caller, agent = await connect(stage, name="王小明")
    await hang_up(caller, agent)
    assert (await service.row()).ani_name == "王小明"


# ---- many at once


async def test_twenty_calls_at_once_have_the_rows_of_queue_log_and_cdr(asterisk: Asterisk, site: Site) -> None:
    """Three phones, twenty callers: some are answered, the others give up. Who, how long, by whom: as Asterisk has it."""
    require("sipp")
    numbers = [f"09{number:08}" for number in range(20)]
    async with serving(site) as service:
        begun = len(queue_log(asterisk))
        agents = [
            Sipp(
                sipp.agent(Wait(talk_s), HangUp(), ring_s=0.3),
                asterisk.ports.sip,
                asterisk.ports.agents[agent],
                calls=50,
            )
            for agent, talk_s in (("2001", 1.0), ("2002", 1.2), ("2003", 0.8))
        ]
        caller = sipp.caller(AwaitHangUp())
        patient = Sipp(
            caller, asterisk.ports.sip, rows=[(n, "王小明", "0800100200") for n in numbers[:14]], calls=14, rate=20
        )
        hasty = Sipp(
            sipp.caller(Wait(2.0), HangUp()),
            asterisk.ports.sip,
            rows=[(n, "Lin", "0800100440") for n in numbers[14:]],
            calls=6,
            rate=20,
        )
        async with agents[0], agents[1], agents[2], patient, hasty:
            await service.until(lambda: len(service.calls) >= 15, "fifteen calls at once")
            assert [await patient.wait(), await hasty.wait()] == [0, 0], patient.errors() + hasty.errors()
        rows = await service.rows(20)
        assert await service.broken() == []

    told = told_by_queue_log(asterisk, rows, after=begun)
    for row, log in zip(rows, told, strict=True):
        assert (log["outcome"], log["queue"], log["agents"]) == (row.outcome, row.queue, spoke(row)), row.call
        assert abs(log["wait_s"] - row.wait_s) <= 1.1, (row.call, log)
        assert abs(log["talk_s"] - row.talk_s) <= 1.1, (row.call, log)
    assert sorted(numbers) == sorted(row.ani for row in rows)
    records = cdrs(asterisk)
    for row in rows:
        own = records[row.call.removeprefix("main-")]
        put_through = [cdr for cdr in own if cdr["disposition"] == "ANSWERED" and cdr["dst"].startswith("PJSIP")]
        assert [cdr["dst"].partition("/")[2].partition("-")[0] for cdr in put_through] == spoke(row)
        assert {cdr["src"] for cdr in own} == {row.ani}
        assert {cdr["dialled"] for cdr in own} == {row.dnis}
        assert abs(min(moment(cdr["start"]) for cdr in own) - row.offered_at.timestamp()) <= 1.1, (row.call, own)
        assert abs(max(moment(cdr["end"]) for cdr in own) - row.ended_at.timestamp()) <= 1.1, (row.call, own)


def moment(text: str) -> float:
    """A CDR's time: whole seconds, in UTC."""
    return datetime.fromisoformat(f"{text}+00:00").timestamp()


QueueLog = list[list[str]]


def queue_log(pbx: Asterisk) -> QueueLog:
    """Time, call, queue, agent, event, data."""
    return [line.split("|") for line in pbx.queue_log.read_text().splitlines()]


def told_by_queue_log(
    pbx: Asterisk, rows: "list[Interaction] | tuple[Interaction, ...]", after: int = 0
) -> list[dict[str, object]]:
    """What Asterisk's queue_log says of each row's call."""
    return [
        _told([line for line in queue_log(pbx)[after:] if line[1] == row.call.removeprefix("main-")]) for row in rows
    ]


def _told(lines: QueueLog) -> dict[str, object]:
    by_event = {line[4]: line for line in lines}
    done = by_event.get("COMPLETECALLER") or by_event.get("COMPLETEAGENT")
    left = by_event.get("ABANDON")
    names = {"Ann": "2001", "Bob": "2002", "Cho": "2003"}
    return {
        "outcome": Outcome.ANSWERED if done else Outcome.ABANDONED,
        "queue": by_event["ENTERQUEUE"][2],
        "agents": [names[line[3]] for line in lines if line[4] == "CONNECT"],
        "wait_s": int(done[5]) if done else int(left[7]) if left else -1,
        "talk_s": int(done[6]) if done else 0,
    }


CDR_FIELDS = (
    "account", "src", "dialled", "context", "clid", "channel", "dst", "app", "data", "start", "answer", "end", "duration",
    "billsec", "disposition", "flags", "uniqueid",
)  # fmt: skip


def cdrs(pbx: Asterisk) -> dict[str, list[dict[str, str]]]:
    """Uniqueid -> its records, from Asterisk's own Master.csv."""
    found: dict[str, list[dict[str, str]]] = {}
    with pbx.cdr_csv.open(encoding="utf-8", newline="") as file:
        for line in csv.reader(file):
            record = dict(zip(CDR_FIELDS, line, strict=False))
            found.setdefault(record["uniqueid"], []).append(record)
    return found
