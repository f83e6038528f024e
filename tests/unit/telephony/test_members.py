"""Who is a member of which queue: what is told, and when."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti.calls.call import PbxName
from cti.telephony.asterisk.ami_codec import AmiDecoder, AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.members import Members
from cti.telephony.asterisk.narrator import Narrator
from cti.telephony.asterisk.shape import fault_of
from cti.telephony.link import LinkChanged, MemberChanged, MembersRead, News
from tests.unit.telephony.fake_ami import Chan, FakeAmi, block, event, linked

MAIN = PbxName("main")
NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
PHONE = "PJSIP/2001"
DONE = block(("Event", "QueueStatusComplete"), ("EventList", "Complete"), ("ListItems", "1"))


def at(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def told(**more: Any) -> MemberChanged:
    return MemberChanged(
        **{"pbx": MAIN, "queue": "support", "device": PHONE, "name": "ann", "is_member": True, "at": NOON, **more}
    )


def live(
    name: str,
    *,
    paused: str = "0",
    reason: str = "",
    penalty: str = "0",
    interface: str = PHONE,
    state_interface: str = PHONE,
    membership: str = "dynamic",
    queue: str = "support",
) -> bytes:
    """As app_queue writes it."""
    return block(
        ("Event", name), ("Privilege", "agent,all"), ("Queue", queue), ("MemberName", "ann"), ("Interface", interface),
        ("StateInterface", state_interface), ("Membership", membership), ("Penalty", penalty), ("CallsTaken", "0"), ("LastCall", "0"),
        ("InCall", "0"), ("Status", "1"), ("Paused", paused), ("PausedReason", reason), ("Ringinuse", "0"), ("Wrapuptime", "2"),
    )  # fmt: skip


def item(
    *, paused: str = "0", reason: str = "", membership: str = "dynamic", queue: str = "support", interface: str = PHONE
) -> bytes:
    """Of the list."""
    return block(
        ("Event", "QueueMember"), ("Queue", queue), ("Name", "ann"), ("Location", interface), ("StateInterface", PHONE),
        ("Membership", membership), ("Penalty", "0"), ("CallsTaken", "0"), ("LastCall", "0"), ("InCall", "0"), ("Status", "1"),
        ("Paused", paused), ("PausedReason", reason), ("Wrapuptime", "2"),
    )  # fmt: skip


def messages(*blocks: bytes) -> list[AmiMessage]:
    return AmiDecoder().feed(b"".join(blocks))


def feed(members: Members, *blocks: bytes, when: datetime = NOON) -> list[MemberChanged | MembersRead]:
    return [news for message in messages(*blocks) for news in members.feed(message, when)]


def test_an_agent_s_day_in_a_queue() -> None:
    members = Members(MAIN)
    assert feed(members, live("QueueMemberAdded", paused="1", reason="login", penalty="3")) == [
        told(paused=True, reason="login", penalty=3)
    ]
    assert feed(members, live("QueueMemberPause", paused="1", reason="lunch", penalty="3")) == [
        told(paused=True, reason="lunch", penalty=3)
    ]
    assert feed(members, live("QueueMemberPause", penalty="3")) == [told(penalty=3)]
    assert feed(members, live("QueueMemberPenalty", penalty="7")) == [told(penalty=7)]
    assert feed(members, live("QueueMemberRemoved", penalty="7")) == [told(is_member=False, penalty=7)]
    assert feed(members, live("QueueMemberRemoved", penalty="7")) == []


def test_what_changes_nothing_is_no_news() -> None:
    members = Members(MAIN)
    feed(members, live("QueueMemberAdded", paused="1", reason="lunch"))
    assert feed(members, live("QueueMemberPause", paused="1", reason="lunch"), item(paused="1", reason="lunch")) == []


@pytest.mark.parametrize("membership", ["static", "realtime"])
def test_a_member_of_the_configuration_is_not_dynamic(membership: str) -> None:
    assert feed(Members(MAIN), item(membership=membership)) == [told(is_dynamic=False)]


@pytest.mark.parametrize(
    ("interface", "state_interface", "device"),
    [
        ("Local/2001@agents/n", PHONE, PHONE),
        ("PJSIP/2002", "hint:2001@internal", "PJSIP/2002"),
        ("PJSIP/2002", "Custom:ann", "PJSIP/2002"),
        ("Local/2001@agents", "Local/2001@agents", "Local/2001@agents"),
        ("PJSIP/2002", "", "PJSIP/2002"),
    ],
)
def test_people_know_the_phone_behind_an_interface(interface: str, state_interface: str, device: str) -> None:
    (news,) = feed(Members(MAIN), live("QueueMemberAdded", interface=interface, state_interface=state_interface))
    assert isinstance(news, MemberChanged)
    assert news.device == device


def test_the_queue_s_own_word_for_a_phone_is_known() -> None:
    members = Members(MAIN)
    feed(members, live("QueueMemberAdded", interface="Local/2001@agents/n"))
    assert members.interface("support", PHONE) == "Local/2001@agents/n"
    assert members.interface("sales", PHONE) == PHONE
    feed(members, live("QueueMemberAdded"))
    assert members.interface("support", PHONE) == PHONE


def test_when_the_lists_are_read_every_member_is_told_and_whoever_is_missing_too() -> None:
    members = Members(MAIN)
    feed(members, live("QueueMemberAdded"), live("QueueMemberAdded", queue="sales"))
    members.begin_sync(at(60))
    assert feed(members, item(), DONE, when=at(61)) == [
        told(at=at(61)),
        told(queue="sales", is_member=False, at=at(61)),
        MembersRead(pbx=MAIN, began_at=at(60), at=at(61)),
    ]


def test_what_happens_while_the_lists_are_told_is_not_undone_by_them() -> None:
    members = Members(MAIN)
    members.begin_sync(NOON)
    news = feed(
        members, live("QueueMemberAdded", queue="sales"), item(), live("QueueMemberPause", paused="1", reason="x"), DONE
    )
    assert news == [
        told(queue="sales"),
        told(),
        told(paused=True, reason="x"),
        MembersRead(pbx=MAIN, began_at=NOON, at=NOON),
    ]


def test_a_list_that_nobody_asked_for_ends_nothing() -> None:
    assert feed(Members(MAIN), item(), DONE) == [told()]


def test_who_is_nowhere_or_nobody_is_passed_over() -> None:
    assert feed(Members(MAIN), live("QueueMemberAdded", queue=""), live("QueueMemberAdded", interface="")) == []


def test_texts_from_the_pbx_are_made_fit_to_show_and_odd_figures_are_none() -> None:
    (news,) = feed(
        Members(MAIN), live("QueueMemberAdded", paused="1", reason="lunch\x1b[2J" + "x" * 200, penalty="many")
    )
    assert isinstance(news, MemberChanged)
    assert "\x1b" not in news.reason
    assert len(news.reason) == 120
    assert news.penalty == 0


_EVENTS = st.sampled_from(
    [
        live("QueueMemberAdded"), live("QueueMemberAdded", queue="sales", paused="1", reason="x"), live("QueueMemberRemoved"),
        live("QueueMemberRemoved", queue="sales"), live("QueueMemberPause", paused="1", reason="x"), live("QueueMemberPause"),
        live("QueueMemberPenalty", penalty="5"), item(), item(queue="sales", paused="1", reason="y"),
    ]
)  # fmt: skip


@given(before=st.lists(_EVENTS), listed=st.lists(_EVENTS))
def test_whoever_keeps_what_is_told_has_what_the_pbx_has(before: list[bytes], listed: list[bytes]) -> None:
    """Told or deduced: a member not told since the lists began is none."""
    members, known = Members(MAIN), dict[tuple[str, str], MemberChanged]()

    def hear(news: MemberChanged | MembersRead) -> None:
        match news:
            case MemberChanged(is_member=True):
                known[news.queue, news.device] = news
            case MemberChanged():
                known.pop((news.queue, news.device), None)
            case MembersRead():
                assert all(one.at >= news.began_at for one in known.values())

    for number, data in enumerate(before):
        for news in feed(members, data, when=at(number)):
            hear(news)
    members.begin_sync(at(1000))
    for number, data in enumerate([*listed, DONE]):
        for news in feed(members, data, when=at(1000 + number)):
            hear(news)
    assert {key: (one.paused, one.penalty) for key, one in known.items()} == {
        key: (one.paused, one.penalty) for key, one in members._known.items()
    }


# ---- what is not believed


@pytest.mark.parametrize("name", ["QueueMemberAdded", "QueueMemberPause", "QueueMemberPenalty", "QueueMemberRemoved"])
def test_a_member_s_event_as_asterisk_writes_it_has_no_fault(name: str) -> None:
    assert fault_of(messages(live(name))[0]) is None
    assert fault_of(messages(item())[0]) is None


@pytest.mark.parametrize(
    "spoilt",
    [
        live("QueueMemberPause")[:-2] + b"Uniqueid: 1.1\r\nLinkedid: 1.1\r\n\r\n",
        live("QueueMemberPause")[:-2] + b"Paused: 1\r\n\r\n",
        live("QueueMemberPause").replace(b"Interface: PJSIP/2001\r\n", b"", 1),
        live("QueueMemberPause").replace(b"Queue: support\r\n", b"Queue: support\r\nX: y\r\n"),
        block(("Event", "QueueMemberRemoved"), ("Queue", "support"), ("Interface", PHONE)),
    ],
    ids=["a channel's tail", "a header twice", "one missing", "one between", "made up"],
)
def test_a_member_s_event_that_somebody_had_a_hand_in_is_not_believed(spoilt: bytes) -> None:
    narrator = Narrator("main", Endpoints())
    narrator.feed(messages(live("QueueMemberAdded"))[0], received_at=NOON)
    narrator.member_news.clear()
    narrator.feed(messages(spoilt)[0], received_at=NOON)
    assert not narrator.member_news
    assert sum(narrator.quarantined.values()) == 1


def test_a_member_s_event_inside_a_caller_s_name_is_not_believed() -> None:
    """Well-formed as it is, it stands between an event that was cut and its tail."""
    narrator = Narrator("main", Endpoints())
    forged = live("QueueMemberPause", paused="1", reason="forged")
    name = "x\r\n\r\n" + forged.decode() + "CallerIDName: y"
    for message in messages(live("QueueMemberAdded"), event("Newchannel", Chan(id="1.1", caller_name=name))):
        narrator.feed(message, received_at=NOON)
    assert [news.reason for news in narrator.member_news if isinstance(news, MemberChanged)] == [""]


# ---- through the link


async def test_members_are_told_once_the_pbx_is_said_to_be_connected() -> None:
    async with FakeAmi({"QueueStatus": [item(paused="1", reason="lunch")]}) as pbx, linked(pbx) as watched:
        await watched.until_connected()
        first, *rest = [news for news in watched.news if isinstance(news, LinkChanged | MemberChanged | MembersRead)]
        assert isinstance(first, LinkChanged)
        assert _shown(rest) == [("support", True, "lunch"), "read"]
        await pbx.say(live("QueueMemberPause"))
        await watched.until(lambda: _shown(watched.news)[-1:] == [("support", False, "")])


def _shown(news: list[News]) -> list[object]:
    return [
        "read" if isinstance(one, MembersRead) else (one.queue, one.paused, one.reason)
        for one in news
        if isinstance(one, MemberChanged | MembersRead)
    ]
