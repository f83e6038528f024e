"""One connection's conversation, by a clock of the test's own: login, FullyBooted, lists, silence."""

import re

import pytest

from cti.errors import PbxAuthFailed, PbxRefused, PbxUnavailable
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.ami_session import AmiSession, Booted, Happening, Heard, Send, SyncBegins, Synced
from tests.unit.telephony.fake_ami import COMPLETE, GREETING, Chan, block, event, fully_booted

YES = block(("Response", "Success"), ("Message", "Authentication accepted"))


def parsed(data: bytes) -> list[AmiMessage]:
    return AmiDecoder().feed(data)


class Conversation:
    """The session, what it said, and what time it is."""

    def __init__(self) -> None:
        self.session = AmiSession("cti-events", "s" * 32, 0.0)
        self.sent: list[dict[str, str]] = []
        self.now_s = 0.0

    def hears(self, data: bytes, at_s: float | None = None) -> list[Happening]:
        self.now_s = self.now_s if at_s is None else at_s
        return self._kept([one for message in parsed(data) for one in self.session.handle(message, self.now_s)])

    def ticks(self, at_s: float) -> list[Happening]:
        self.now_s = at_s
        return self._kept(list(self.session.tick(at_s)))

    def _kept(self, happenings: list[Happening]) -> list[Happening]:
        for one in happenings:
            if isinstance(one, Send):
                self.sent.append(dict(line.split(": ", 1) for line in one.data.decode().strip().split("\r\n")))
        return [one for one in happenings if not isinstance(one, Send)]

    @property
    def actions(self) -> list[str]:
        return [action["Action"] for action in self.sent]

    def completes(self, name: str) -> list[Happening]:
        """That list is told to its end."""
        action = next(action for action in reversed(self.sent) if action["Action"] == name)
        return self.hears(block(("Event", COMPLETE[name]), ("ActionID", action["ActionID"]), ("EventList", "Complete")))

    def boots(self) -> "Conversation":
        self.hears(GREETING + YES + fully_booted())
        return self

    def syncs(self) -> "Conversation":
        self.boots()
        for name in COMPLETE:
            self.completes(name)
        return self


def test_15_fullybooted_gate() -> None:
    """While Asterisk is loading nothing is asked; then everything is, the channels last."""
    talk = Conversation()
    talk.hears(GREETING + YES)
    assert talk.actions == ["Login"]
    for at_s in range(1, 120):
        talk.hears(event("DeviceStateChange", None, ("Device", "PJSIP/2001"), ("State", "NOT_INUSE")), float(at_s))
        talk.ticks(float(at_s))
    assert set(talk.actions) == {"Login", "Ping"}
    assert talk.hears(fully_booted(1)) == [Booted(1.0), SyncBegins()]
    assert talk.actions[-4:] == ["QueueStatus", "BridgeList", "DeviceStateList", "CoreShowChannels"]


def test_the_picture_is_whole_when_every_list_is() -> None:
    talk = Conversation().boots()
    told = [talk.completes(name) for name in COMPLETE]
    assert [Synced() in one for one in told] == [False, False, False, True]


def test_another_s_list_completes_nothing() -> None:
    talk = Conversation().boots()
    for name in COMPLETE.values():
        talk.hears(block(("Event", name), ("ActionID", "somebody-1"), ("EventList", "Complete")))
    assert talk.session.state == "syncing"


def test_the_numbers_of_actions_cannot_be_guessed() -> None:
    first, second = Conversation().boots().sent, Conversation().boots().sent
    assert not {action["ActionID"] for action in first} & {action["ActionID"] for action in second}
    assert len({action["ActionID"] for action in first}) == len(first)
    assert all(re.fullmatch(r"[0-9a-f]{8}-\d+", action["ActionID"]) for action in first)


def test_13_half_open_link_is_dead_after_fifteen_seconds_of_silence() -> None:
    """A ping every 5 s; three unanswered are the end."""
    talk = Conversation().syncs()
    for at_s in (5.0, 10.0):
        assert talk.session.next_deadline_s == at_s
        talk.ticks(at_s)
    assert talk.actions[-2:] == ["Ping", "Ping"]
    assert talk.session.next_deadline_s == 15.0
    with pytest.raises(PbxUnavailable, match="silent for 15 s"):
        talk.ticks(15.0)


def test_13_half_open_link_whatever_comes_is_a_sign_of_life() -> None:
    talk = Conversation().syncs()
    for at_s in range(5, 300, 5):
        talk.ticks(float(at_s))
        talk.hears(
            block(("Response", "Success"), ("ActionID", talk.sent[-1]["ActionID"]), ("Ping", "Pong")), at_s + 0.1
        )
    assert talk.session.state == "ready"


def test_who_does_not_greet_is_left() -> None:
    talk = Conversation()
    with pytest.raises(PbxUnavailable):
        talk.ticks(15.0)


def test_a_list_that_does_not_end_is_named() -> None:
    talk = Conversation().boots()
    for name in ("QueueStatus", "BridgeList", "DeviceStateList"):
        talk.completes(name)
    talk.hears(event("DeviceStateChange"), 14.0)
    with pytest.raises(PbxUnavailable, match="CoreShowChannels"):
        talk.ticks(15.0)


def test_a_refused_login_is_told_in_the_pbx_s_words() -> None:
    talk = Conversation()
    with pytest.raises(PbxAuthFailed, match="Authentication failed"):
        talk.hears(GREETING + block(("Response", "Error"), ("Message", "Authentication failed")))


def test_a_list_the_account_may_not_ask_for_is_named() -> None:
    talk = Conversation().boots()
    with pytest.raises(PbxRefused, match="CoreShowChannels: Permission denied"):
        talk.hears(
            block(("Response", "Error"), ("ActionID", talk.sent[-1]["ActionID"]), ("Message", "Permission denied"))
        )


def test_everything_is_asked_anew_only_when_all_is_known() -> None:
    talk = Conversation().boots()
    assert list(talk.session.resync(1.0)) == []
    talk = Conversation().syncs()
    assert SyncBegins() in list(talk.session.resync(1.0))
    assert list(talk.session.resync(1.0)) == []


def test_events_are_handed_on_from_the_first() -> None:
    talk = Conversation()
    talk.hears(GREETING + YES)
    (heard,) = talk.hears(event("Newchannel", Chan(id="1.1")))
    assert isinstance(heard, Heard)


def test_a_second_start_in_one_connection_is_not_believed() -> None:
    talk = Conversation().syncs()
    (heard,) = talk.hears(fully_booted(0))
    assert isinstance(heard, Heard)


def test_the_secret_stands_in_no_repr() -> None:
    assert "s" * 32 not in repr(Conversation().session)
