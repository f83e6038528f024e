"""Every route, every role, one's own call and somebody else's: allowed or denied as the table says, denials audited."""

import pytest
from structlog.testing import capture_logs

from cti.screenpop.access import Deed, may
from cti.store.journeys import Sought
from cti.web.asked import Route
from cti.web.server import ROUTES
from tests.integration.desktop.browser import Browser
from tests.integration.desktop.conftest import LogIn
from tests.integration.desktop.house import ADA, JON, MARA, PASSWORD, SUE, House
from tests.unit.screenpop.stories import Story
from tests.unit.store.call_stories import Story as Told
from tests.unit.store.journey_stories import Way

PEOPLE = {agent.id: agent for agent in (MARA, JON, SUE, ADA)}
GUARDED = [route for route in ROUTES if route.deed]
BODIES = {
    "Dial": {"to": "110", "id": "command-1"},
    "CommandBody": {"id": "command-2"},
    "ActionBody": {"id": "command-3", "to": "1002", "keys": "1"},
    "StateBody": {"id": "command-4", "state": "NOT_READY", "reason_code": 1},
    "CallbackEnd": {"state": "done"},
    "CustomerChange": {"company": "Berg AG"},
    "ContactBody": {"contact": "k1"},
    "NoteBody": {"text": "a note"},
    "ResultBody": {"code": "solved"},
    "NewAgent": {"id": "kim", "name": "Kim", "password": "kims-password"},
    "AgentChange": {"name": "Mara"},
    "NewPassword": {"old": PASSWORD, "new": "a-new-password-2"},
}
OF_A_CALL = {
    Deed.CALL_SEE,
    Deed.CALL_CONTROL,
    Deed.CALL_CUSTOMER,
    Deed.INTERACTION_SEE,
    Deed.INTERACTION_WRITE,
    Deed.DRAFT,
}


MARAS = ("{call}", "{voicemail}", "{callback}", "{agent}")
"""Whatever stands there is hers in these tests."""


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


async def of_mara(house: House, *, is_over: bool) -> Story:
    story = Story()
    for change in (story.offered(), story.queued(), story.rings(MARA), story.answers(MARA)):
        await house.changed(change)
    if is_over:
        await house.changed(story.ends())
    return story


async def left_for_mara(house: House) -> tuple[str, str]:
    """A message and a wish to be called back, in a queue that she serves and Jon does not."""
    way = Way(Told())
    await house.log.append([way.entered(), way.leaves_a_message("support"), way.wants_a_callback("support")])
    (message,), (wish,) = (await house.log.voicemails(Sought())).items, (await house.log.callbacks(Sought())).items
    return message.id, wish.id


async def ask(browser: Browser, route: Route, call: str, voicemail: str = "none", callback: str = "none") -> int:
    path = route.path.format(
        call=call, customer="k1", agent="mara", flow="bank", voicemail=voicemail, callback=callback, action="hangup",
        space="701",
    )  # fmt: skip
    body = BODIES[route.body.__name__] if route.body else None
    return (await browser.ask(route.method, path, body))[0]


@pytest.mark.parametrize("agent", ["mara", "jon", "sue", "ada"])
@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_44_ws_authz_matrix(house: House, log_in: LogIn, route: Route, agent: str) -> None:
    assert route.deed
    is_over = route.deed in {Deed.INTERACTION_SEE, Deed.INTERACTION_WRITE}
    story = await of_mara(house, is_over=is_over)
    browser = await log_in(agent)
    is_maras = any(name in route.path for name in ("{call}", "{voicemail}", "{callback}", "{agent}"))
    own = agent == "mara" or not is_maras
    left = await left_for_mara(house)
    with capture_logs() as lines:
        status = await ask(browser, route, story.id, *left)
    allowed = may(PEOPLE[agent].role, route.deed, own=own)  # type: ignore[index]
    assert (status != 403) == allowed, status
    assert status < 500
    denials = [line["agent"] for line in lines if line["event"] == "denied"]
    assert denials == ([] if allowed else [agent])


@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_43_without_a_session_every_guarded_route_says_401(stranger: Browser, route: Route) -> None:
    assert await ask(stranger, route, "main-1") == 401


@pytest.mark.parametrize("route", GUARDED, ids=name)
async def test_a_call_nobody_knows_is_not_found_and_breaks_nothing(log_in: LogIn, route: Route) -> None:
    status = await ask(await log_in("ada"), route, "main-99")
    assert status == 404 if route.deed in OF_A_CALL and "{call}" in route.path else status < 500
