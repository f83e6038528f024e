"""The console's files and what the browser is told about them; and that nothing private gets into a log."""

import dataclasses
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from tests.integration.desktop.browser import Browser
from tests.integration.desktop.house import MARA, PASSWORD, House, build, opened
from tests.unit.screenpop.stories import Story

PAGE = "<!doctype html><title>console</title>"


@pytest.fixture
async def built(tmp_path: Path) -> AsyncIterator[House]:
    (tmp_path / "static" / "assets").mkdir(parents=True)
    (tmp_path / "static" / "index.html").write_text(PAGE)
    (tmp_path / "static" / "assets" / "index-3f9a.js").write_text("console.log(1)")
    (tmp_path / "static" / "favicon.svg").write_text("<svg/>")
    (tmp_path / "secret.txt").write_text("secret")
    house = await build()
    house.parts = dataclasses.replace(house.parts, static=tmp_path / "static")
    async with opened(house):
        yield house


async def test_the_page_is_never_kept_and_hashed_files_are_for_ever(built: House) -> None:
    async with Browser(built) as browser:
        kept = {
            path: (await browser.response("GET", path)).headers["Cache-Control"]
            for path in ("/", "/assets/index-3f9a.js", "/favicon.svg")
        }
    assert kept == {
        "/": "no-store",
        "/assets/index-3f9a.js": "public, max-age=31536000, immutable",
        "/favicon.svg": "no-cache",
    }


async def test_nothing_inline_nothing_framed_and_the_socket_is_the_only_other_address(built: House) -> None:
    async with Browser(built) as browser:
        for path in ("/", "/assets/index-3f9a.js", "/api/v1/site", "/nowhere"):
            said = (await browser.response("GET", path)).headers
            policy = said["Content-Security-Policy"]
            assert f"connect-src 'self' ws://127.0.0.1:{built.ws_port};" in policy
            assert "default-src 'self'" in policy
            assert "frame-ancestors 'none'" in policy
            assert "unsafe" not in policy
            assert said["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/../secret.txt",
        "/%2e%2e/secret.txt",
        "/assets/..%2f..%2fsecret.txt",
        "/assets",
        "/.git/config",
        "/%00",
        "/" + 300 * "a",
    ],
    ids=lambda path: path[:40],
)
async def test_nothing_outside_the_consoles_files_is_given(built: House, path: str) -> None:
    async with Browser(built) as browser:
        response = await browser.response("GET", path)
        assert response.status == 404
        assert b"secret" not in await response.read()


async def test_a_console_not_built_says_so(tmp_path: Path) -> None:
    house = await build()
    house.parts = dataclasses.replace(house.parts, static=tmp_path)
    async with opened(house), Browser(house) as browser:
        response = await browser.response("GET", "/")
        assert response.status == 503
        assert "make console" in await response.text()


async def test_52_pii_in_logs_neither_numbers_notes_nor_keys(built: House) -> None:
    number, note, wrong = "+4917666554433", "canary-note", "canary-password"
    with capture_logs() as lines:
        story = Story()
        for change in (story.offered(number, ani_name="canary-name"), story.rings(MARA), story.answers(MARA)):
            await built.changed(change)
        async with Browser(built) as browser:
            await browser.ask("POST", "/api/v1/session", {"agent": "mara", "password": wrong})
            await browser.log_in()
            ticket = await browser.ticket()
            async with browser.socket() as desktop:
                await desktop.say(type="focus", call="canary-call")
                await desktop.say(type="receipt", pop="canary-pop", step=note)
                await desktop.hears_of("problem")
            await browser.ask("PUT", f"/api/v1/interactions/{story.id}/note", {"text": note})
            await browser.ask("POST", "/api/v1/calls", {"to": number, "id": "command-1"})
            await browser.ask("GET", f"/api/v1/customers?q={number}")
            await browser.ask("POST", "/api/v1/agents", {"id": "kim", "name": "canary-name", "password": wrong + wrong})
            metrics = await (await browser.response("GET", "/metrics")).text()
            secrets = [browser.cookie, ticket]
    written = json.dumps(lines, default=str) + metrics
    canaries = [number, number[1:], number[-9:], note, wrong, PASSWORD, "canary", *secrets]
    assert [canary for canary in canaries if canary in written] == []
