"""Logging in and out: throttled, silent about who exists, and over when it is over."""

import asyncio
import dataclasses
import time
from datetime import UTC, datetime

import pytest

from cti.agents.agent import Agent, AgentId
from cti.errors import StoreUnavailable
from cti.store.people import MemoryPeople
from cti.web.passwords import hash_password
from tests.integration.desktop.browser import Browser, Desktop, open_socket
from tests.integration.desktop.conftest import LogIn
from tests.integration.desktop.house import MARA, PASSWORD, House, build, opened

WRONG = "wrong"
NEW = "a-new-password-2"


async def is_closed_within_a_second(desktop: Desktop) -> bool:
    async with asyncio.timeout(1):
        return await desktop.closed() == 4401


async def away(*_: object) -> None:
    raise StoreUnavailable("the database is away")


async def guess(browser: Browser, agent: str, password: str = WRONG) -> tuple[int, str]:
    status, answer = await browser.ask("POST", "/api/v1/session", {"agent": agent, "password": password})
    return status, answer.get("detail", "")


async def test_47_login_bruteforce_is_throttled(stranger: Browser) -> None:
    statuses = [await guess(stranger, "mara") for _ in range(1000)]
    refused = [status for status, _ in statuses if status == 429]
    assert len(refused) > 980
    assert (await guess(stranger, "mara", PASSWORD))[0] == 429


async def test_47_guesses_at_the_same_moment_count_too(stranger: Browser) -> None:
    statuses = await asyncio.gather(*(guess(stranger, "mara") for _ in range(40)))
    assert sum(status == 401 for status, _ in statuses) <= 5


async def test_47_what_the_database_could_not_tell_was_no_mistake(
    stranger: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(MemoryPeople, "password_hash", away)
        assert {(await guess(stranger, "mara", PASSWORD))[0] for _ in range(40)} == {503}
    assert (await guess(stranger, "mara", PASSWORD))[0] == 201


async def test_47_one_address_that_tries_many_names_is_throttled(stranger: Browser) -> None:
    statuses = [(await guess(stranger, f"user{number}"))[0] for number in range(60)]
    assert 429 in statuses


async def test_47_a_refusal_says_how_long_to_wait(stranger: Browser) -> None:
    for _ in range(5):
        await guess(stranger, "mara")
    body = {"agent": "mara", "password": "wrong"}
    response = await stranger.response("POST", "/api/v1/session", json=body)
    assert response.status == 429
    assert int(response.headers["Retry-After"]) >= 1


async def test_what_is_no_utf8_is_not_understood(stranger: Browser) -> None:
    said = {"data": b'{"agent":"\xff","password":"x"}', "headers": {"Content-Type": "application/json"}}
    assert (await stranger.response("POST", "/api/v1/session", **said)).status == 400


async def test_47_no_user_oracle_in_words_or_time(stranger: Browser) -> None:
    async def timed(agent: str) -> tuple[float, tuple[int, str]]:
        began = time.perf_counter()
        answer = await guess(stranger, agent)
        return time.perf_counter() - began, answer

    known, unknown = [], []
    for number in range(4):
        known.append(await timed("jon"))
        unknown.append(await timed(f"nobody{number}"))
    assert {answer for _, answer in known} == {answer for _, answer in unknown} == {(401, "name or password is wrong")}
    named, guessed = (min(spent for spent, _ in tries) for tries in (known, unknown))  # what others do only adds to it
    assert 0.3 < guessed / named < 3


async def test_48_session_lifecycle_a_log_in_makes_a_new_token_each_time(house: House) -> None:
    async with Browser(house) as browser:
        await browser.log_in()
        first = browser.cookie
        await browser.log_in()
        assert browser.cookie != first
        assert len(browser.cookie) == 43


async def test_48_a_token_chosen_by_somebody_else_never_becomes_a_session(house: House) -> None:
    async with Browser(house) as browser:
        fixed = {"Cookie": "cti_session=fixed-by-an-attacker"}
        await browser.ask("POST", "/api/v1/session", {"agent": "mara", "password": PASSWORD}, fixed)
        assert browser.cookie != "fixed-by-an-attacker"
    async with Browser(house) as attacker:
        assert (await attacker.ask("GET", "/api/v1/session", headers=fixed))[0] == 401


async def test_48_the_cookie_is_out_of_reach_of_scripts_and_other_sites(stranger: Browser) -> None:
    response = await stranger.response("POST", "/api/v1/session", json={"agent": "mara", "password": PASSWORD})
    cookie = response.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Strict" in cookie


async def test_48_log_out_ends_session_tickets_and_socket_at_once(log_in: LogIn) -> None:
    browser = await log_in()
    token = browser.cookie
    async with browser.socket() as desktop:
        await desktop.hears_of("snapshot")
        assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 204
        assert await is_closed_within_a_second(desktop)
    assert (await browser.ask("GET", "/api/v1/session", headers={"Authorization": f"Bearer {token}"}))[0] == 401


async def test_48_disabling_a_person_closes_their_socket_and_session_at_once(log_in: LogIn) -> None:
    mara, admin = await log_in(), await log_in("ada")
    async with mara.socket() as desktop:
        await desktop.hears_of("snapshot")
        assert (await admin.ask("PATCH", "/api/v1/agents/mara", {"is_enabled": False}))[0] == 200
        assert await is_closed_within_a_second(desktop)
    assert (await mara.ask("GET", "/api/v1/session"))[0] == 401
    assert (await guess(mara, "mara", PASSWORD))[0] == 401


async def test_48_a_new_password_ends_every_other_session(log_in: LogIn, stranger: Browser) -> None:
    here, elsewhere = await log_in(), await log_in()
    async with elsewhere.socket() as desktop:
        await desktop.hears_of("snapshot")
        status, _ = await here.ask("PUT", "/api/v1/session/password", {"old": PASSWORD, "new": NEW})
        assert status == 201
        assert await is_closed_within_a_second(desktop)
    assert (await elsewhere.ask("GET", "/api/v1/session"))[0] == 401
    assert (await here.ask("GET", "/api/v1/session"))[0] == 200
    assert (await guess(stranger, "mara", PASSWORD))[0] == 401
    assert (await guess(stranger, "mara", NEW))[0] == 201


@pytest.mark.parametrize(("old", "new", "status"), [("wrong", NEW, 401), (PASSWORD, "short", 400)])
async def test_48_a_password_is_changed_only_by_whoever_knows_it(
    log_in: LogIn, old: str, new: str, status: int
) -> None:
    browser = await log_in()
    assert (await browser.ask("PUT", "/api/v1/session/password", {"old": old, "new": new}))[0] == status


async def test_a_program_may_bring_its_token_instead_of_a_cookie(house: House, stranger: Browser) -> None:
    _, answer = await stranger.ask("POST", "/api/v1/session", {"agent": "mara", "password": PASSWORD})
    async with Browser(house, origin="") as program:
        program.headers = {"Authorization": f"Bearer {answer['token']}"}
        assert (await program.ask("POST", "/api/v1/session/ticket"))[0] == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {},
    ],
    ids=str,
)
async def test_h30_a_page_of_another_site_cannot_act_with_our_cookie(log_in: LogIn, headers: dict[str, str]) -> None:
    browser = await log_in()
    browser.origin = ""
    assert (await browser.ask("POST", "/api/v1/calls", {"to": "110", "id": "command-1"}, headers))[0] == 403
    assert (await browser.ask("DELETE", "/api/v1/session", headers=headers))[0] == 403
    assert (await browser.ask("GET", "/api/v1/session"))[0] == 200


async def test_a_page_of_ours_needs_no_more_than_what_browsers_say(log_in: LogIn) -> None:
    browser = await log_in()
    browser.origin = ""
    assert (await browser.ask("POST", "/api/v1/session/ticket", headers={"Sec-Fetch-Site": "same-origin"}))[0] == 201


async def test_48_a_ticket_of_a_session_that_was_logged_out_opens_no_socket(log_in: LogIn, house: House) -> None:
    browser = await log_in()
    ticket = await browser.ticket()
    assert (await browser.ask("DELETE", "/api/v1/session"))[0] == 204
    async with open_socket(house, house.origin) as ws:
        desktop = Desktop(ws)
        await desktop.say(type="hello", ticket=ticket)
        assert await is_closed_within_a_second(desktop)


async def test_48_a_new_role_ends_every_session_of_the_old_one(log_in: LogIn) -> None:
    mara, admin = await log_in(), await log_in("ada")
    async with mara.socket() as desktop:
        await desktop.hears_of("snapshot")
        assert (await admin.ask("PATCH", "/api/v1/agents/mara", {"role": "supervisor"}))[0] == 200
        assert await is_closed_within_a_second(desktop)
    assert (await mara.ask("GET", "/api/v1/session"))[0] == 401


async def test_48_one_session_s_end_leaves_others_of_the_same_person_alone(log_in: LogIn) -> None:
    here, elsewhere = await log_in(), await log_in()
    assert (await elsewhere.ask("DELETE", "/api/v1/session"))[0] == 204
    assert (await here.ask("GET", "/api/v1/session"))[0] == 200


async def test_48_a_session_ends_by_itself(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    assert (await browser.ask("GET", "/api/v1/session"))[0] == 200
    for token_hash, session in house.people._sessions.items():
        house.people._sessions[token_hash] = dataclasses.replace(session, ends_at=datetime.now(UTC))
    assert (await browser.ask("GET", "/api/v1/session"))[0] == 401


async def test_48_whoever_was_disabled_behind_our_back_is_not_let_in(house: House, log_in: LogIn) -> None:
    browser = await log_in()
    await house.people.change(dataclasses.replace(MARA, is_enabled=False))
    assert (await browser.ask("GET", "/api/v1/session"))[0] == 401
    assert (await guess(browser, "mara", PASSWORD))[0] == 401


async def test_behind_tls_the_cookie_is_marked_so() -> None:
    house = await build()
    house.parts = dataclasses.replace(house.parts, site=dataclasses.replace(house.parts.site, is_https=True))
    async with opened(house), Browser(house) as browser:
        response = await browser.response("POST", "/api/v1/session", json={"agent": "mara", "password": PASSWORD})
    assert "Secure" in response.headers["Set-Cookie"]
    assert response.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize(("proxies", "blocked"), [(frozenset({"127.0.0.1"}), False), (frozenset(), True)])
async def test_47_behind_a_proxy_of_ours_each_browser_has_its_own_address(
    proxies: frozenset[str],
    blocked: bool,  # noqa: FBT001
) -> None:
    house = await build()
    house.parts = dataclasses.replace(house.parts, site=dataclasses.replace(house.parts.site, trusted_proxies=proxies))
    async with opened(house), Browser(house) as browser:
        for number in range(35):
            body = {"agent": f"user{number}", "password": WRONG}
            await browser.ask("POST", "/api/v1/session", body, {"X-Forwarded-For": "6.6.6.6, 10.0.0.1"})
        body = {"agent": "mara", "password": PASSWORD}
        status, _ = await browser.ask("POST", "/api/v1/session", body, {"X-Forwarded-For": "6.6.6.6, 10.0.0.2"})
    assert (status == 429) is blocked


async def test_who_is_added_from_the_command_line_can_work_at_once(house: House, log_in: LogIn) -> None:
    await house.people.add(Agent(id=AgentId("new"), name="New Here", device="PJSIP/1099"), hash_password(PASSWORD))
    async with (await log_in("new")).socket() as desktop:
        assert (await desktop.hears())["me"]["name"] == "New Here"
