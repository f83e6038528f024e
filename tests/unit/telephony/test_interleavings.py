"""Events of different channels come in any order, and more than once; the calls are the same (trust tests 31, 32 and 40)."""

import random
from collections import Counter
from functools import lru_cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cti.calls.call import Call, Role
from cti.calls.events import Cleared, Diverted
from cti.calls.transitions import CallChanged
from cti.envelope import Envelope, of_change
from cti.store.interactions import Filter, Interaction
from cti.store.memory import MemoryInteractionLog
from cti.store.sql import SqlInteractionLog
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.replay.trace import load
from tests import invariants
from tests.postgres_server import MakeDatabase
from tests.traces.expected import HERE

OUTAGES = ("connection_lost", "asterisk_killed", "asterisk_stopped")
TRACES = sorted(
    trace for trace in HERE.glob("*/*.ami") if "hostile" not in trace.name and not trace.name.startswith(OUTAGES)
)
IDS = [f"{trace.parent.name}-{trace.stem}" for trace in TRACES]
every_trace = pytest.mark.parametrize("trace", TRACES, ids=IDS)
DEVICES = {f"PJSIP/200{number}": name for number, name in enumerate(("ann", "bob", "cho"), start=1)}


@lru_cache(maxsize=200)
def messages(trace: Path) -> tuple[AmiMessage, ...]:
    return tuple(message for message in load(trace).messages() if message.event)


def told(heard: "list[AmiMessage] | tuple[AmiMessage, ...]", pbx: str = "pbx") -> list[CallChanged]:
    narrator = Narrator(pbx, Endpoints())
    changes = [change for message in heard if message.event != "FullyBooted" for change in narrator.feed(message)]
    return [*changes, *narrator.end_all("trace_end")]


def essence(changes: list[CallChanged]) -> list[tuple[object, ...]]:
    """What became of each call, without times."""
    return sorted(_essence(change.after) for change in changes if isinstance(change.cause, Cleared))


def _essence(call: Call) -> tuple[object, ...]:
    spoke = {leg.party.number for leg in call.legs if leg.connected_at and leg.party.role is not Role.CUSTOMER}
    transfers = tuple((str(transfer.kind), transfer.to) for transfer in call.transfers)
    return (
        call.id,
        str(call.direction),
        call.ani,
        call.dnis,
        call.queue,
        str(call.outcome),
        tuple(sorted(spoke)),
        transfers,
    )


# ---- 31


@lru_cache(maxsize=200)
def _concerns(trace: Path) -> tuple[frozenset[str], ...]:
    """The channels each message names. AMI promises the order of what names the same channel, and no other (AMI v2
    specification); a channel that is called comes after its caller, a bridge is made before it is entered."""
    return tuple(frozenset(_named(message)) for message in messages(trace))


def _named(message: AmiMessage) -> list[str]:
    channels = [value for key, value in message.headers if key.endswith("Uniqueid") and not key.startswith("Bridge")]
    caller = [message.get("Linkedid")] if message.event == "Newchannel" else []
    bridge = (
        [message.get("BridgeUniqueid")] if message.event in {"BridgeCreate", "BridgeEnter", "BridgeDestroy"} else []
    )
    return channels + caller + bridge


TOGETHER_S = 0.05
"""What happens further apart than this does not change places."""


def stamp(message: AmiMessage) -> float:
    return float(message.get("Timestamp") or 0)


def shuffled(trace: Path, chance: random.Random, swaps: int = 400, furthest: int = 4) -> list[AmiMessage]:
    """The trace with neighbours swapped, again and again, where nothing promises their order."""
    heard, concerns = list(messages(trace)), list(_concerns(trace))
    places = list(range(len(heard)))
    for _ in range(swaps):
        at = chance.randrange(len(heard) - 1)
        is_free = not concerns[at] & concerns[at + 1]
        is_near = abs(places[at] - (at + 1)) <= furthest and abs(places[at + 1] - at) <= furthest
        if is_free and is_near and abs(stamp(heard[at]) - stamp(heard[at + 1])) <= TOGETHER_S:
            for row in (heard, concerns, places):
                row[at], row[at + 1] = row[at + 1], row[at]  # type: ignore[index]
    return heard


DEFINED = [trace for trace in TRACES if trace.stem != "bridged_late_by_command"]
"""In that one two calls begin within a millisecond, and which of them goes on when they are joined is the older one."""


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(DEFINED), st.integers(0, 2**32))
def test_31_event_order_property(trace: Path, seed: int) -> None:
    """The same calls with the same ends, each offered once and cleared once, and time never runs back."""
    changes = told(shuffled(trace, random.Random(seed)))
    assert essence(changes) == essence(told(messages(trace)))
    assert invariants.broken_story(changes) == []


@pytest.mark.parametrize("version", ["16", "22"])
def test_a_phone_that_rings_before_its_dial_is_told_is_the_call_that_comes_back(version: str) -> None:
    trace = HERE / version / "blonde_transfer_comes_back.ami"
    heard = list(messages(trace))
    dial = next(at for at, one in enumerate(heard) if _rings_alone(one))
    rings = next(at for at in range(dial, len(heard)) if heard[at].get("Uniqueid") == heard[dial].get("DestUniqueid"))
    heard.insert(dial, heard.pop(rings))
    assert (heard[dial].event, heard[dial].get("ChannelStateDesc")) == ("Newstate", "Ringing")
    assert essence(told(heard)) == essence(told(messages(trace)))


def _in_vain(trace: Path, *, customer_leaves: bool) -> list[AmiMessage]:
    """The same, but nobody picks up: the phone it comes back to rings until Asterisk hangs it up, and then the customer."""
    heard = list(messages(trace))
    back = next(one.get("DestUniqueid") for one in heard if _rings_alone(one))
    rings = next(at for at, one in enumerate(heard) if one.get("Uniqueid") == back and one.event == "Newstate")
    caller = next(one.get("Uniqueid") for one in heard if one.event == "Newchannel")
    ends = {one.get("Uniqueid"): one for one in heard if one.event == "Hangup"}
    asks = [one for one in heard if (one.event, one.get("Uniqueid")) == ("HangupRequest", caller)]
    return [*heard[: rings + 1], *(asks if customer_leaves else []), _ringing(ends[back]), ends[caller]]


def _ringing(message: AmiMessage) -> AmiMessage:
    still = {"ChannelState": "5", "ChannelStateDesc": "Ringing"}
    return AmiMessage.of((name, still.get(name, value)) for name, value in message.headers)


@pytest.mark.parametrize("version", ["16", "22"])
@pytest.mark.parametrize(("customer_leaves", "cause"), [(False, "no_answer"), (True, "normal")])
def test_a_call_that_comes_back_to_a_phone_in_vain_was_answered_by_nobody_else(
    version: str, cause: str, *, customer_leaves: bool
) -> None:
    changes = told(_in_vain(HERE / version / "blonde_transfer_comes_back.ami", customer_leaves=customer_leaves))
    gone = [change.cause for change in changes if isinstance(change.cause, Diverted) and change.cause.party]
    assert [(one.party.number, one.cause) for one in gone if one.party][-1:] == [("2001", cause)]


def _rings_alone(message: AmiMessage) -> bool:
    return message.event == "DialBegin" and not message.get("Uniqueid")


def test_31_event_order_property_the_shuffle_does_shuffle() -> None:
    trace = HERE / "22" / "two_callers_at_once.ami"
    heard = shuffled(trace, random.Random(1))
    assert [message.headers for message in heard] != [message.headers for message in messages(trace)]
    assert Counter(heard) == Counter(messages(trace))


# ---- 32


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(TRACES), st.integers(0, 2**32))
def test_32_duplicate_events(trace: Path, seed: int) -> None:
    """Each event delivered one to three times, at once: the same story, word for word."""
    chance = random.Random(seed)
    heard = [message for message in messages(trace) for _ in range(chance.randint(1, 3))]
    once, often = told(messages(trace)), told(heard)
    assert essence(once) == essence(often)
    assert invariants.broken_story(often) == []


TALES = ["two_callers_at_once", "attended_transfer_by_refer", "ring_no_answer_then_other", "click_to_dial_answered"]


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
async def test_32_duplicate_events_two_services_write_into_one_database(kind: str, make_database: MakeDatabase) -> None:
    """Both hear everything and both write it, one a step behind the other: the rows of one."""
    facts = [of_change(change) for tale in TALES for change in told(messages(HERE / "22" / f"{tale}.ami"))]
    async with make_database(kind) as alone, make_database(kind) as shared:
        once, first, second = SqlInteractionLog(alone), SqlInteractionLog(shared), SqlInteractionLog(shared)
        await once.append(facts)
        for start in range(0, len(facts), 3):
            await first.append(facts[start : start + 3])
            await second.append(facts[max(0, start - 2) : start + 1])
        await second.append(facts)
        wanted = (await once.between(Filter(), limit=500)).items
        assert (await first.between(Filter(), limit=500)).items == wanted
        assert len(wanted) == 5
        for row in wanted:
            assert await first.facts(row.call) == await once.facts(row.call)


# ---- 40


@every_trace
def test_40_uniqueid_collision(trace: Path) -> None:
    """Two PBXs without a systemname, the same Uniqueids: their calls have ids of their own."""
    one, other = told(messages(trace), "north"), told(messages(trace), "south")
    assert {change.after.pbx for change in one} | {change.after.pbx for change in other} == {"north", "south"}
    assert not {change.after.id for change in one} & {change.after.id for change in other}
    assert not {of_change(change).id for change in one} & {of_change(change).id for change in other}


async def test_40_uniqueid_collision_through_to_the_rows(make_database: MakeDatabase) -> None:
    tale = messages(HERE / "22" / "two_callers_at_once.ami")
    together = interleaved(
        [of_change(change) for change in told(tale, "north")], [of_change(change) for change in told(tale, "south")]
    )
    async with make_database("sqlite") as database:
        log = SqlInteractionLog(database)
        await log.append(together)
        rows = (await log.between(Filter(), limit=500)).items
    assert Counter(row.pbx for row in rows) == {"north": 2, "south": 2}
    assert sorted(without_pbx(row) for row in rows if row.pbx == "north") == sorted(
        without_pbx(row) for row in rows if row.pbx == "south"
    )


async def test_40_uniqueid_collision_in_memory_too() -> None:
    tale = messages(HERE / "22" / "plain_inbound_caller_hangs_up.ami")
    log = MemoryInteractionLog(lambda: DEVICES)
    await log.append([of_change(change) for pbx in ("north", "south") for change in told(tale, pbx)])
    assert len((await log.between(Filter())).items) == 2


def interleaved(one: list[Envelope], other: list[Envelope]) -> list[Envelope]:
    return [fact for pair in zip(one, other, strict=True) for fact in pair]


def without_pbx(row: Interaction) -> tuple[object, ...]:
    return (row.call.removeprefix(row.pbx), row.ani, row.dnis, row.queue, str(row.outcome), row.wait_s, row.talk_s)
