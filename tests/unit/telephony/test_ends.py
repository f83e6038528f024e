"""Who is on the line with an agent's leg, and what is known of a leg of ours before it rings."""

from collections.abc import Callable, Iterator

import pytest

from cti.calls.call import CallState, LegId, Recording, Role
from cti.calls.transitions import CallChanged
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.kinds.kind import Ends
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.replay.trace import load
from tests.traces.expected import HERE

both = pytest.mark.parametrize("version", ["22", "16"])
Stop = Callable[[list[CallChanged]], object]


class Played:
    """A trace, played as far as one likes."""

    def __init__(self, version: str, story: str) -> None:
        self.narrator = Narrator("pbx", Endpoints())
        self.told: list[CallChanged] = []
        self._messages: Iterator[AmiMessage] = iter(messages(version, story))

    def until(self, stop: Stop = lambda _told: False) -> list[CallChanged]:
        for message in self._messages:
            self.told += self.narrator.feed(message)
            if stop(self.told):
                break
        return self.told

    @property
    def kinds(self) -> list[str]:
        return [type(change.cause).__name__ for change in self.told]

    def leg(self, number: str) -> LegId:
        call = self.told[-1].after
        return next(leg.party.leg for leg in call.legs if leg.party.number == number)

    def ends(self, number: str = "2001") -> Ends:
        return self.narrator.ends_of(self.leg(number))


def messages(version: str, story: str) -> list[AmiMessage]:
    return list(load(HERE / version / f"{story}.ami").messages())


def kind(name: str, times: int = 1) -> Stop:
    return lambda told: [type(change.cause).__name__ for change in told].count(name) >= times


@both
def test_the_customer_stays_the_customer_while_a_colleague_is_asked(version: str) -> None:
    played = Played(version, "consulted_and_swapped_by_command")
    played.until(kind("Established"))
    ends, customer = played.ends(), played.told[-1].after.legs[0].party.leg
    assert (ends.customer, ends.other, ends.beside, ends.consulted) == (customer, customer, customer, frozenset())
    played.until(kind("Established", 2))
    ends = played.ends()
    assert (ends.customer, ends.other) == (customer, played.leg("2002"))
    assert ends.consulted >= {played.leg("2002"), ends.beside}


@both
def test_a_hold_by_the_pbx_is_known_for_what_it_is(version: str) -> None:
    played = Played(version, "held_by_the_pbx")
    played.until(kind("Held"))
    assert played.ends().is_held
    played.until(kind("Retrieved"))
    assert not played.ends().is_held
    phone = Played(version, "hold_and_retrieve")
    phone.until(kind("Held"))
    assert not phone.ends().is_held


@both
def test_what_is_recorded_is_remembered_after_a_transfer(version: str) -> None:
    played = Played(version, "recorded_by_command")
    played.until(lambda told: told and told[-1].after.transfers and told[-1].after.state is CallState.TALKING)
    ends = played.ends("2002")
    assert played.told[-1].after.recording is Recording.ON
    assert ends.recorded == ends.customer == played.told[-1].after.legs[0].party.leg


@both
def test_a_second_line_of_the_phone_is_the_phone_s(version: str) -> None:
    played = Played(version, "attended_transfer_by_refer")
    played.until(kind("Established", 2))
    assert played.ends().consults_by_phone


def test_of_a_leg_nobody_knows_nobody_is_there() -> None:
    assert Narrator("pbx", Endpoints()).ends_of(LegId("9.9")) == Ends()


@both
def test_a_call_of_ours_is_offered_before_its_phone_rings(version: str) -> None:
    story = "click_to_dial_answered"
    leg = next(one.get("Uniqueid") for one in messages(version, story) if one.event == "Newchannel")
    played = Played(version, story)
    played.narrator.intends(LegId(leg), "0223334444")
    (offered,) = played.until(kind("Offered"))
    assert (offered.after.dnis, offered.after.direction, offered.after.ani) == ("0223334444", "outbound", "2001")
    assert offered.after.legs[0].party.role is Role.AGENT
    played.until()
    assert played.kinds[:2] == ["Offered", "Delivered"]
    assert (played.kinds.count("Offered"), played.kinds.count("Cleared")) == (1, 1)


@both
def test_a_phone_that_fetches_a_parked_call_is_no_call_of_its_own(version: str) -> None:
    story = "parked_and_fetched_by_command"
    leg = [one.get("Uniqueid") for one in messages(version, story) if one.event == "Newchannel"][-1]
    played = Played(version, story)
    played.narrator.intends(LegId(leg), "701")
    played.until()
    assert len({change.after.id for change in played.told}) == 1
    assert played.leg("2003") == leg


@both
def test_a_phone_that_did_not_fetch_leaves_nothing_behind(version: str) -> None:
    story = "click_to_dial_agent_declines"
    leg = next(one.get("Uniqueid") for one in messages(version, story) if one.event == "Newchannel")
    parked = Played(version, "parked_and_fetched")
    parked.until(lambda told: told and told[-1].after.parked_in)
    parked.narrator.intends(LegId(leg), parked.told[-1].after.parked_in)
    before = len(parked.told)
    for message in messages(version, story):
        if message.event in {"Newchannel", "Newstate", "DialBegin", "DialState", "DialEnd", "HangupRequest", "Hangup"}:
            parked.told += parked.narrator.feed(message)
    assert parked.told[before:] == []


@both
def test_a_call_that_was_parked_when_the_service_stopped_can_be_fetched(version: str) -> None:
    played = Played(version, "parked_and_fetched")
    played.until(lambda told: told and told[-1].after.parked_in)
    call = played.told[-1].after
    assert played.narrator.is_parked(call.parked_in)
    again = Narrator("pbx", Endpoints())
    assert not again.is_parked(call.parked_in)
    again.restore([call])
    assert again.is_parked(call.parked_in)
