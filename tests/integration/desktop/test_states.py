"""Agents' states over REST and the socket: who may ask for what, and what is told to whom."""

from typing import Any

from tests.integration.desktop.browser import Desktop
from tests.integration.desktop.conftest import LogIn
from tests.integration.desktop.house import House


async def becomes(desktop: Desktop, state: str) -> dict[str, Any]:
    while True:
        presence: dict[str, Any] = (await desktop.hears_of("presence"))["presence"]
        if presence["state"] == state and presence["is_confirmed"]:
            return presence


async def test_a_state_is_asked_for_confirmed_by_the_pbx_and_told(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    async with browser.socket() as desktop:
        assert (await desktop.hears_of("snapshot"))["presence"]["state"] == "NOT_READY"
        status, answer = await browser.ask("POST", "/api/v1/agents/me/state", {"id": "ready-001", "state": "READY"})
        assert (status, answer) == (202, {"command": "ready-001"})
        assert (await desktop.hears_of("command"))["status"] == "done"
        assert (house.queues.has("support"), house.queues.has("billing")) == ("ready", "ready")


async def test_what_is_not_to_be_says_why_for_programs(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    assert house.queues.has("support") == "-"
    body = {"id": "ready-001", "state": "READY"}
    status, problem = await browser.ask("POST", "/api/v1/agents/me/state", body)
    assert (status, problem["code"]) == (409, "not_logged_in")
    async with browser.socket() as desktop:
        await desktop.hears_of("snapshot")
        status, problem = await browser.ask("POST", "/api/v1/agents/me/wrap-up/end", {"id": "end-00001"})
        assert (status, problem["code"]) == (409, "no_wrap_up")
        status, problem = await browser.ask("POST", "/api/v1/agents/me/wrap-up/extend", {"id": "more-0001"})
        assert (status, problem["code"]) == (409, "no_wrap_up")
        unknown = {"id": "lunch-001", "state": "NOT_READY", "reason_code": 77}
        assert (await browser.ask("POST", "/api/v1/agents/me/state", unknown))[0] == 400
        talking = {"id": "talk-0001", "state": "TALKING"}
        assert (await browser.ask("POST", "/api/v1/agents/me/state", talking))[0] == 400
        house.queues.goes()
        status, problem = await browser.ask("POST", "/api/v1/agents/me/state", body)
        assert (status, problem["code"]) == (503, "pbx_unavailable")


async def test_agents_change_their_own_state_and_supervisors_anybody_s(house: House, log_in: LogIn) -> None:
    mara, jon, sue = await log_in("mara"), await log_in("jon"), await log_in("sue")
    async with mara.socket() as desktop:
        await becomes(desktop, "NOT_READY")
        body = {"id": "force-001", "state": "READY"}
        assert (await jon.ask("POST", "/api/v1/agents/mara/state", body))[0] == 403
        assert (await sue.ask("POST", "/api/v1/agents/mara/state", body))[0] == 202
        assert (await becomes(desktop, "READY"))["by"] == "Sue Park"
        status, answer = await jon.ask("GET", "/api/v1/agents/states")
        assert status == 200
        assert {one["agent"]: one["state"] for one in answer["items"]} == {"jon": "LOGOUT", "mara": "READY"}
    assert (await sue.ask("POST", "/api/v1/agents/sue/state", body))[0] == 409  # no phone
    assert (await sue.ask("POST", "/api/v1/agents/nobody/state", body))[0] == 404
    assert house.queues.has("support") == "ready"


async def test_the_end_of_the_session_ends_the_shift(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    async with browser.socket() as desktop:
        await becomes(desktop, "NOT_READY")
        assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 204
        assert await desktop.closed() == 4401
    assert [view.state for view in await house.floor.states(house.hub.agents[0]) if view.agent == "mara"] == ["LOGOUT"]


async def test_a_new_password_keeps_the_shift_and_disabling_ends_it(house: House, log_in: LogIn) -> None:
    browser, ada = await log_in(), await log_in("ada")
    async with browser.socket() as desktop:
        await becomes(desktop, "NOT_READY")
        body = {"old": "a-demo-password", "new": "another-password"}
        assert (await browser.ask("PUT", "/api/v1/session/password", body))[0] == 201
        assert await desktop.closed() == 4401
    assert house.hub.presences["mara"].state == "NOT_READY"  # type: ignore[index]
    assert (await ada.ask("PATCH", "/api/v1/agents/mara", {"is_enabled": False}))[0] == 200
    assert [view.agent for view in await house.floor.states(house.hub.agents[0])] == ["jon"]


async def test_the_site_tells_its_reasons_after_log_in(log_in: LogIn) -> None:
    browser = await log_in()
    _, session = await browser.ask("GET", "/api/v1/session")
    assert session["site"]["reasons"][0] == {"code": 1, "label": "Break"}
    assert session["site"]["wrap_up_extend_s"] == 30.0
    _, site = await browser.ask("GET", "/api/v1/site")
    assert site["reasons"] == []
