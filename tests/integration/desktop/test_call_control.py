"""From the address a button asks to the command the PBX is sent, and back to the socket."""

from typing import Any
from urllib.parse import quote

import pytest

from cti.calls.events import Diverted
from cti.screenpop.messages import PbxView, PresenceView, QueueView
from cti.store.journeys import Sought
from cti.telephony.commands import BlindTransfer, Failed, FetchParked, Hangup, Originate
from tests.integration.desktop.conftest import LogIn
from tests.integration.desktop.house import JON, MARA, House
from tests.unit.screenpop.stories import Story, at
from tests.unit.store.call_stories import Story as Told
from tests.unit.store.journey_stories import Way

DIAL = {"to": "030 555 12 34", "id": "command-1"}


async def talking(house: House) -> Story:
    story = Story()
    for change in (story.offered(), story.queued(), story.rings(MARA), story.answers(MARA)):
        await house.changed(change)
    return story


async def parks(house: House) -> Story:
    story = await talking(house)
    await house.changed(story.tell(Diverted(call=story.id, at=at(50), cause="parked", to="701")))
    return story


def address(story: Story, action: str) -> str:
    return f"/api/v1/calls/{story.id}/actions/{action}"


async def test_ask_39_two_posts_of_one_command_are_one_command_with_one_result(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    async with browser.socket() as desktop:
        await desktop.hears_of("snapshot")
        for _ in range(2):
            assert await browser.ask("POST", "/api/v1/calls", DIAL) == (202, {"command": "command-1"})
        told = await desktop.hears_of("command")
    assert (told["command"], told["status"]) == ("command-1", "done")
    assert house.link.sent == [Originate(id="command-1", device="PJSIP/1001", to="+49305551234")]


async def test_ask_39_what_the_pbx_refuses_comes_over_the_socket_in_its_words(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    house.link.answer = Failed(command="command-1", reason="No such channel")
    browser = await log_in()
    async with browser.socket() as desktop:
        assert (await browser.ask("POST", address(story, "hangup"), {"id": "command-1"}))[0] == 202
        told = await desktop.hears_of("command")
    assert (told["status"], told["reason"]) == ("failed", "No such channel")


async def test_without_a_pbx_a_command_is_refused_with_a_time_to_come_back(house: House, log_in: LogIn) -> None:
    house.link.state = "lost"
    status, answer = await (await log_in()).ask("POST", "/api/v1/calls", {"to": "110", "id": "command-1"})
    assert (status, answer["code"]) == (503, "pbx_unavailable")


async def test_a_call_is_controlled_by_those_on_it_only(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    answers = {
        agent: (await (await log_in(agent)).ask("POST", address(story, "hangup"), {"id": f"hang-up-{agent}"}))[0]
        for agent in ("mara", "jon", "sue")
    }
    assert answers == {"mara": 202, "jon": 403, "sue": 403}
    assert house.link.sent == [Hangup(id="hang-up-mara", call=story.id, leg=story.phone(MARA).leg)]


async def test_a_transfer_takes_a_number_as_people_write_it(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    body = {"id": "command-1", "to": "(030) 555-12-34"}
    assert (await (await log_in()).ask("POST", address(story, "transfer"), body))[0] == 202
    leg = story.phone(MARA).leg
    assert house.link.sent == [BlindTransfer(id="command-1", call=story.id, leg=leg, to="+49305551234")]


@pytest.mark.parametrize(
    ("action", "body", "status", "code"),
    [
        ("dance", {}, 404, "not_found"),
        ("complete", {}, 409, "not_consulting"),
        ("retrieve", {}, 409, "not_held"),
        ("transfer", {}, 400, "bad_request"),
        ("keys", {}, 400, "bad_request"),
        ("keys", {"keys": "1;2"}, 400, "invalid"),
        ("transfer", {"to": "2002&PJSIP/itsp/1900"}, 400, "not_a_number"),
        ("consult", {"to": "0900 1234567"}, 400, "premium"),
    ],
)
async def test_what_cannot_be_done_is_refused_with_its_reason(  # noqa: PLR0917
    house: House, log_in: LogIn, action: str, body: dict[str, str], status: int, code: str
) -> None:
    story = await talking(house)
    answer = await (await log_in()).ask("POST", address(story, action), {"id": "command-1"} | body)
    assert (answer[0], answer[1]["code"]) == (status, code)
    assert house.link.sent == []


async def test_while_the_pbx_is_lost_the_buttons_say_so(house: House, log_in: LogIn) -> None:
    story = await talking(house)
    house.hub.pbx(PbxView(name="main", state="lost", since=at(60)))
    status, answer = await (await log_in()).ask("POST", address(story, "hangup"), {"id": "command-1"})
    assert (status, answer["code"]) == (409, "pbx_lost")


@pytest.mark.parametrize(
    ("to", "code"),
    [
        ("0900 1234567", "premium"),
        ("+19005551234", "country_not_allowed"),
        ("2002&2003", "not_a_number"),
        ("2002,1", "not_a_number"),
        ("2002/1", "not_a_number"),
        ("2002;1", "not_a_number"),
    ],
)
async def test_56_toll_guard_refuses_before_the_pbx_hears_of_it_and_tells_supervisors(
    house: House, log_in: LogIn, to: str, code: str
) -> None:
    mara, sue = await log_in(), await log_in("sue")
    async with sue.socket() as desktop:
        await desktop.hears_of("snapshot")
        status, answer = await mara.ask("POST", "/api/v1/calls", {"to": to, "id": "command-1"})
        notice = await desktop.hears_of("notice")
    assert (status, answer["code"], house.link.sent) == (400, code, [])
    assert (notice["kind"], notice["agent"], notice["text"]) == ("refused_number", "mara", code)


async def test_a_parked_call_is_seen_and_fetched_by_anybody(house: House, log_in: LogIn) -> None:
    await parks(house)
    jon = await log_in("jon")
    _, answer = await jon.ask("GET", "/api/v1/parked")
    assert [(one["space"], one["by"], one["name"]) for one in answer["items"]] == [("701", "Mara Lind", "Anna Berg")]
    assert (await jon.ask("POST", "/api/v1/parked/701/fetch", {"id": "command-1"}))[0] == 202
    assert house.link.sent == [FetchParked(id="command-1", device=JON.device, space="701")]
    assert (await jon.ask("POST", "/api/v1/parked/702/fetch", {"id": "command-2"}))[0] == 404


async def wished(house: House, number: str = "0305551234") -> str:
    way = Way(Told())
    await house.log.append([way.entered(), way.wants_a_callback("support", number)])
    (callback,) = (await house.log.callbacks(Sought())).items
    return callback.id


async def test_dialling_a_callback_claims_it_and_calls_its_number(house: House, log_in: LogIn) -> None:
    callback = await wished(house)
    browser = await log_in()
    assert (await browser.ask("POST", f"/api/v1/callbacks/{callback}/dial", {"id": "command-1"}))[0] == 202
    assert house.link.sent == [Originate(id="command-1", device="PJSIP/1001", to="+49305551234")]
    (item,) = (await browser.ask("GET", "/api/v1/callbacks"))[1]["items"]
    assert (item["state"], item["claimed_by"]) == ("claimed", "mara")


async def test_56_a_callback_left_for_a_premium_number_is_not_called(house: House, log_in: LogIn) -> None:
    callback = await wished(house, "09001234567")
    answer = await (await log_in()).ask("POST", f"/api/v1/callbacks/{callback}/dial", {"id": "command-1"})
    assert (answer[0], answer[1]["code"], house.link.sent) == (400, "premium", [])


# ---- the directory


async def found(log_in: LogIn, sought: str, agent: str = "mara") -> Any:
    status, answer = await (await log_in(agent)).ask("GET", f"/api/v1/directory?q={sought}")
    assert status == 200, answer
    return answer


@pytest.mark.parametrize(
    ("sought", "names"),
    [
        ("", ["Jon Ek", "Mara Lind", "billing", "support"]),
        ("mar", ["Mara Lind"]),
        ("LIND", ["Mara Lind"]),
        ("ara", []),
        ("100", ["Jon Ek", "Mara Lind"]),
        ("\uff11\uff10\uff10\uff12", ["Jon Ek"]),
        ("\uff2a\uff4f\uff4e", ["Jon Ek"]),
        ("bill", ["billing"]),
        ("6001", ["billing"]),
        ("客", ["support"]),
        ("服", ["support"]),
        ("%", []),
    ],
)
async def test_colleagues_and_queues_are_found_by_how_they_begin(log_in: LogIn, sought: str, names: list[str]) -> None:
    answer = await found(log_in, quote(sought))
    assert names == [one["name"] for one in (*answer["agents"], *answer["queues"])]


async def test_colleagues_come_with_their_state_and_queues_with_who_is_ready(house: House, log_in: LogIn) -> None:
    house.hub.presence(PresenceView(agent="jon", state="READY", since=at(5), queues=("billing",)))
    house.hub.queue(QueueView(name="billing", waiting=3))
    answer = await found(log_in, "")
    assert [(one["id"], one["state"], one["is_me"]) for one in answer["agents"]] == [
        ("jon", "READY", False),
        ("mara", "LOGOUT", True),
    ]
    assert answer["queues"][0] == {
        "name": "billing", "label": "Billing", "extension": "6001", "waiting": 3, "ready": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("sought", "number"),
    [
        ("030 5551234", ("+49305551234", "+49 30 5551234", True, "")),
        ("1002", ("1002", "1002", True, "")),
        ("112", ("112", "112", True, "")),
        ("+886 2 2345 6789", ("+886223456789", "+886 2 2345 6789", False, "country_not_allowed")),
        ("0900 1234567", ("09001234567", "+49 900 1 234567", False, "premium")),
        ("Mara", None),
        ("2002&2003", None),
        ("", None),
    ],
)
async def test_what_is_typed_is_read_as_a_number_too(
    house: House, log_in: LogIn, sought: str, number: tuple[str, str, bool, str] | None
) -> None:
    answer = (await found(log_in, quote(sought)))["number"]
    assert number == (answer and (answer["number"], answer["shown"], answer["allowed"], answer["why_not"]))
    assert house.link.sent == []


async def test_a_supervisor_without_a_phone_sees_the_directory_too(log_in: LogIn) -> None:
    assert (await found(log_in, "030%205551234", "sue"))["number"]["allowed"]
