"""The demo as a stranger meets it: the process, its log-in page, a call that pops, ends and is on record, Ctrl-C."""

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from playwright.async_api import async_playwright
from websockets.asyncio.client import connect

from tests.ports import free_port
from tests.testbed.fixtures import require

CTI = Path(sys.executable).with_name("cti")
STATIC = Path(__file__).parents[2] / "cti/web/static/index.html"
POP_LIMIT_S = 30.0
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Running:
    port: int
    folder: Path
    process: subprocess.Popen[str]
    said: list[str]

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"

    def stop(self) -> int:
        """Ctrl-C; the exit code."""
        self.process.send_signal(signal.SIGINT)
        with self.process:
            return self.process.wait(20)


def start(folder: Path, port: int, *more: str) -> Running:
    command = (str(CTI), "demo", "--port", str(port), "--customers", "500", "--speed", "6", *more)
    process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    said: list[str] = []
    for line in process.stdout or ():
        said.append(line.strip())
        if "Ctrl-C stops" in line:
            return Running(port, folder, process, said)
    raise AssertionError(f"it ended with {process.wait()}: {said}")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    running = start(tmp_path_factory.mktemp("demo"), free_port())
    yield running
    if running.process.poll() is None:
        running.stop()


@dataclass(frozen=True, slots=True)
class LoggedIn:
    session: aiohttp.ClientSession
    url: str

    async def get(self, path: str) -> Any:
        async with self.session.get(f"{self.url}/api/v1/{path}") as response:
            assert response.status == 200
            return await response.json()

    async def post(self, path: str, body: Any = None) -> Any:
        async with self.session.post(f"{self.url}/api/v1/{path}", json=body) as response:
            assert response.ok, await response.text()
            return await response.json()


@contextlib.asynccontextmanager
async def logged_in(url: str, agent: str) -> AsyncIterator[LoggedIn]:
    async with aiohttp.ClientSession(headers={"Origin": url}) as session:
        client = LoggedIn(session, url)
        token = (await client.post("session", {"agent": agent, "password": f"welcome-{agent}"}))["token"]
        session.headers["Authorization"] = f"Bearer {token}"
        yield client


@contextlib.asynccontextmanager
async def desktop(client: LoggedIn) -> AsyncIterator[AsyncIterator[dict[str, Any]]]:
    ticket = await client.post("session/ticket")
    async with connect(ticket["ws_url"], origin=client.url) as ws:  # type: ignore[arg-type]
        await ws.send(json.dumps({"type": "hello", "ticket": ticket["ticket"]}))

        async def messages() -> AsyncIterator[dict[str, Any]]:
            async for frame in ws:
                yield json.loads(frame)

        yield messages()


async def first(messages: AsyncIterator[dict[str, Any]], kind: str) -> dict[str, Any]:
    async with asyncio.timeout(POP_LIMIT_S):
        return await anext(one async for one in messages if one["type"] == kind)


def test_it_says_where_and_who(demo: Running) -> None:
    text = "\n".join(demo.said)
    assert demo.url in text
    assert all(f"{name}   welcome-{name}" in text for name in ("ann", "bob", "cho", "sue"))


async def test_the_log_in_page_knows_the_log_ins(demo: Running) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{demo.url}/api/v1/site") as response:
        logins = (await response.json())["demo"]
    assert [login["agent"] for login in logins] == ["ann", "bob", "cho", "sue"]


async def test_a_call_pops_with_its_customer_and_is_on_record_when_it_ends(demo: Running) -> None:
    async with logged_in(demo.url, "ann") as client, desktop(client) as messages:
        pop = (await first(messages, "pop"))["pop"]
        assert pop["card"]["state"] in {"asking", "found", "several", "unknown", "withheld"}
        name = pop["call"]["call"]
        async with asyncio.timeout(POP_LIMIT_S * 2):
            await anext(
                one
                async for one in messages
                if one["type"] == "call" and one["call"]["call"] == name and one["call"]["state"] == "ended"
            )
            while not any(one["call"] == name for one in (await client.get("interactions?limit=20"))["items"]):
                await anext(messages)  # it goes to another agent first: asked again when something has happened


async def test_a_pop_says_how_the_caller_came_through_the_menu(demo: Running) -> None:
    async with logged_in(demo.url, "bob") as client, desktop(client) as messages:
        async with asyncio.timeout(POP_LIMIT_S * 2):
            came = await anext(
                one["pop"]["call"]["journey"]
                async for one in messages
                if one["type"] == "pop" and one["pop"]["call"]["direction"] == "inbound"
            )
    assert (came["flow"], came["label"]) == ("bank", "Bank and shop")
    assert [step["step"] for step in came["steps"]][:2] == ["language", "greet"]


async def test_the_supervisor_sees_what_the_menu_did_and_agents_do_not(demo: Running) -> None:
    async with logged_in(demo.url, "sue") as client:
        report = await client.get("reports/ivr/bank")
        totals = report["totals"]
        assert totals["entered"] > 100
        assert 0 < totals["containment"] < 1
        assert {"language", "menu", "survey"} <= {step["step"] for step in report["steps"]}
        async with client.session.get(f"{demo.url}/api/v1/ivr/flows/bank/picture") as response:
            assert (response.status, response.content_type) == (200, "image/svg+xml")
            assert "Order status" in await response.text()
    async with logged_in(demo.url, "ann") as client:
        for path in ("reports/ivr/bank", "ivr/flows/bank/picture"):
            async with client.session.get(f"{demo.url}/api/v1/{path}") as response:
                assert response.status == 403


async def test_there_is_a_past(demo: Running) -> None:
    async with logged_in(demo.url, "bob") as client:
        items = (await client.get("interactions?limit=100"))["items"]
    assert len(items) > 50
    assert {"solved", "callback"} <= {one["result"] for one in items}
    assert any(one["note"] for one in items)


async def test_a_customer_can_be_called(demo: Running) -> None:
    async with logged_in(demo.url, "cho") as client, desktop(client) as messages:
        async with asyncio.timeout(POP_LIMIT_S * 2):
            async for message in messages:
                calls = (
                    message.get("calls", []) if message["type"] == "snapshot" else [message.get("call", {"state": ""})]
                )
                if message["type"] in {"snapshot", "call"} and all(call["state"] in {"", "ended"} for call in calls):
                    break  # the phone is free
        await client.post("calls", {"to": "0227120118", "id": "command-0001"})
        told = await first(messages, "command")
    assert (told["command"], told["status"]) == ("command-0001", "done")


def test_a_second_one_on_the_same_port_is_told_so(demo: Running, tmp_path: Path) -> None:
    done = subprocess.run(
        (str(CTI), "demo", "--port", str(demo.port)),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert f"web.port: 127.0.0.1:{demo.port}" in done.stderr


READY = """() => fetch('/api/v1/agents/me/state', {
    method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify({id: 'demo-ready-1', state: 'READY'}),
})"""


@pytest.mark.browser
async def test_a_pop_is_seen_in_the_console(demo: Running) -> None:
    require("chromium")
    if not STATIC.exists():
        pytest.skip("NOT AVAILABLE: the built console; make console")
    path = os.environ.get("CTI_CHROMIUM") or shutil.which("chromium") or "/usr/bin/chromium"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        page = await (await browser.new_context(locale="en-GB")).new_page()
        await page.goto(demo.url)
        await page.locator(".demo button", has_text="Bob").click()
        await page.get_by_text("Live", exact=True).wait_for()
        await page.evaluate(READY)  # Bob's desktop of an earlier test is gone, and so he is not ready
        await page.locator("[data-pop]").first.wait_for(timeout=60_000)
        await browser.close()


def test_ctrl_c_ends_it_and_a_second_start_makes_nothing_anew(tmp_path: Path) -> None:
    port = free_port()
    assert start(tmp_path, port).stop() == 0
    again = start(tmp_path, port)
    assert again.stop() == 0
    assert not any("making" in line for line in again.said)


def test_fresh_starts_anew(tmp_path: Path) -> None:
    port = free_port()
    start(tmp_path, port).stop()
    again = start(tmp_path, port, "--fresh")
    again.stop()
    assert any("making 500 customers" in line for line in again.said)
