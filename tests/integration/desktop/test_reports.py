"""Reports, callbacks and voicemails over REST: as JSON that OpenAPI describes, as files, each to those it is for."""

import csv
import io
import wave
import zipfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.integration.desktop.browser import Browser
from tests.integration.desktop.house import House, build, opened
from tests.unit.store.call_stories import NINE, Story
from tests.unit.store.journey_stories import Way, gave_up, self_served

PERIOD = "since=2026-11-23T00:00:00Z&until=2026-11-24T00:00:00Z"


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    folder = tmp_path / "recordings"
    folder.mkdir()
    return folder


@asynccontextmanager
async def house_with(**parts: Any) -> AsyncIterator[House]:
    built = await build()
    built.parts = replace(built.parts, **parts)
    async with opened(built) as there:
        yield there


@pytest.fixture
async def house(recordings: Path) -> AsyncIterator[House]:
    async with house_with(recordings=recordings) as there:
        yield there


async def of_the_day(house: House) -> None:
    for n in range(3):
        await house.log.append(self_served(f"{n}.1", begins=NINE + timedelta(minutes=n)))
    await house.log.append(gave_up("9.1"))


async def asked_for(house: House, queue: str, *, minute: int = 0, file: str = "main/1.wav") -> None:
    way = Way(Story(f"{queue}-{minute}", begins=NINE + timedelta(minutes=minute)))
    await house.log.append(
        [way.entered(), way.identified(), way.wants_a_callback(queue), way.leaves_a_message(queue, file)]
    )


def a_recording(path: Path) -> bytes:
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(256)) * 10)
    return path.read_bytes()


# ---- reports


async def test_a_supervisor_sees_how_callers_got_on_in_a_flow(house: House, log_in: Any) -> None:
    await of_the_day(house)
    status, report = await (await log_in("sue")).ask("GET", f"/api/v1/reports/ivr/bank?{PERIOD}")
    assert status == 200
    assert (report["totals"]["entered"], report["totals"]["containment"]) == (4, 0.75)
    assert [(step["step"], step["journeys"], step["dropout_rate"]) for step in report["steps"]] == [
        ("menu", 4, 0.0),
        ("code", 4, 0.25),
        ("status", 3, 0.0),
    ]
    assert (report["worst"]["step"], report["worst"]["message"]) == ("code", "ivr_worst_abandoned")


async def test_flows_are_listed_with_their_totals(house: House, log_in: Any) -> None:
    await of_the_day(house)
    _, report = await (await log_in("ada")).ask("GET", f"/api/v1/reports/ivr?{PERIOD}")
    assert [(one["flow"], one["label"], one["entered"]) for one in report["items"]] == [("bank", "Bank", 4)]


async def test_a_flow_nobody_came_to_says_so_with_nulls(house: House, log_in: Any) -> None:
    status, report = await (await log_in("sue")).ask("GET", f"/api/v1/reports/ivr/nowhere?{PERIOD}")
    assert (status, report["totals"]["containment"], report["worst"]) == (200, None, None)


async def test_without_a_period_it_is_the_last_week() -> None:
    async with house_with(clock=lambda: NINE + timedelta(days=2)) as house, Browser(house) as browser:
        await of_the_day(house)
        _, report = await (await browser.log_in("sue")).ask("GET", "/api/v1/reports/ivr")
    assert (report["since"], report["until"]) == ("2026-11-18T09:00:00Z", "2026-11-25T09:00:00Z")
    assert [one["entered"] for one in report["items"]] == [4]


@pytest.mark.parametrize(
    "query",
    [
        "since=2026-11-24T00:00:00Z&until=2026-11-23T00:00:00Z",
        "since=2026-11-23T00:00:00Z&until=2026-11-23T00:00:00Z",
        "since=2024-11-23T00:00:00Z&until=2026-11-24T00:00:00Z",
        "since=2026-11-23T00:00:00&until=2026-11-24T00:00:00Z",
        "since=yesterday",
        "until=0001-01-01T00:00:00Z",
        "since=0001-01-01T00:00:00%2B08:00&until=0001-06-01T00:00:00%2B08:00",
        "format=pdf",
        "flow=bank",
    ],
)
async def test_a_period_that_is_none_is_refused(log_in: Any, query: str) -> None:
    assert (await (await log_in("sue")).ask("GET", f"/api/v1/reports/ivr?{query}"))[0] == 400


async def test_csv_is_an_attachment_with_a_row_for_each_step(house: House, log_in: Any) -> None:
    await of_the_day(house)
    browser = await log_in("sue")
    response = await browser.response("GET", f"/api/v1/reports/ivr/bank?{PERIOD}&format=csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert response.headers["Content-Disposition"] == 'attachment; filename="ivr-bank_2026-11-23_2026-11-24.csv"'
    header, *rows = csv.reader(io.StringIO((await response.read()).decode("utf-8-sig")))
    assert [dict(zip(header, row, strict=True))["Came here (journeys)"] for row in rows] == ["4", "4", "3"]


async def test_xlsx_has_steps_totals_and_survey(house: House, log_in: Any) -> None:
    await of_the_day(house)
    browser = await log_in("sue")
    response = await browser.response("GET", f"/api/v1/reports/ivr/bank?{PERIOD}&format=xlsx")
    assert response.headers["Content-Disposition"].endswith('.xlsx"')
    with zipfile.ZipFile(io.BytesIO(await response.read())) as book:
        assert [name for name in book.namelist() if "worksheets/sheet" in name] == [
            f"xl/worksheets/sheet{n}.xml" for n in (1, 2, 3)
        ]


async def test_a_flows_name_cannot_break_the_files_name(log_in: Any) -> None:
    browser = await log_in("sue")
    response = await browser.response("GET", f"/api/v1/reports/ivr/a%22%0d%0ab%e7%8e%8b?{PERIOD}&format=csv")
    assert response.headers["Content-Disposition"] == 'attachment; filename="ivr-a_b__2026-11-23_2026-11-24.csv"'


@pytest.mark.parametrize(
    "path", ["/api/v1/reports/ivr", "/api/v1/reports/ivr/bank", "/api/v1/reports/ivr/bank?format=csv"]
)
async def test_agents_see_no_reports_and_the_attempt_is_written_down(log_in: Any, path: str) -> None:
    browser = await log_in()
    with capture_logs() as lines:
        assert (await browser.ask("GET", path))[0] == 403
    assert [line["agent"] for line in lines if line["event"] == "denied"] == ["mara"]


async def test_who_takes_a_report_away_is_written_down(log_in: Any) -> None:
    browser = await log_in("sue")
    with capture_logs() as lines:
        await browser.response("GET", f"/api/v1/reports/ivr?{PERIOD}&format=csv")
        await browser.response("GET", f"/api/v1/reports/ivr?{PERIOD}")
    taken = [(line["agent"], line["report"], line["format"]) for line in lines if line["event"] == "report_exported"]
    assert taken == [("sue", "ivr", "csv")]


# ---- callbacks and voicemails


async def test_agents_see_the_callbacks_of_their_queues_and_supervisors_all(house: House, log_in: Any) -> None:
    await asked_for(house, "support")
    await asked_for(house, "billing", minute=1)
    seen = {}
    for agent in ("mara", "jon", "sue", "ada"):
        _, page = await (await log_in(agent)).ask("GET", "/api/v1/callbacks")
        seen[agent] = [one["queue"] for one in page["items"]]
    both = ["support", "billing"]
    assert seen == {"mara": both, "jon": ["billing"], "sue": both, "ada": both}


@pytest.mark.parametrize("kind", ["callbacks", "voicemails"])
async def test_an_agent_cannot_ask_for_another_queue(house: House, log_in: Any, kind: str) -> None:
    await asked_for(house, "support")
    jon, sue = await log_in("jon"), await log_in("sue")
    assert (await jon.ask("GET", f"/api/v1/{kind}?queue=support"))[1]["items"] == []
    assert len((await sue.ask("GET", f"/api/v1/{kind}?queue=support"))[1]["items"]) == 1
    assert (await sue.ask("GET", f"/api/v1/{kind}?queue=sales"))[1]["items"] == []


async def test_a_callback_says_whom_to_call_and_since_when_they_wait(house: House, log_in: Any) -> None:
    await asked_for(house, "support")
    _, page = await (await log_in()).ask("GET", "/api/v1/callbacks?state=open")
    (wish,) = page["items"]
    told = {name: wish[name] for name in ("number", "contact_name", "reason", "state", "entered_at")}
    assert told == {
        "number": "+49301234567", "contact_name": "Anna Berg", "reason": "orders", "state": "open",
        "entered_at": "2026-11-23T09:00:00Z",
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["callbacks", "voicemails"])
async def test_lists_go_on_page_by_page(house: House, log_in: Any, kind: str) -> None:
    for minute in range(5):
        await asked_for(house, "support", minute=minute)
    browser, calls, cursor = await log_in(), [], ""
    while True:
        _, page = await browser.ask("GET", f"/api/v1/{kind}?limit=2{cursor}")
        calls += [one["call"] for one in page["items"]]
        if page["cursor"] is None:
            break
        cursor = f"&cursor={page['cursor']}"
    in_order = [f"main-support-{minute}" for minute in range(5)]
    assert calls == (in_order if kind == "callbacks" else in_order[::-1])


async def listen(house: House, browser: Any, **headers: str) -> Any:
    _, page = await browser.ask("GET", "/api/v1/voicemails")
    return await browser.response("GET", f"/api/v1/voicemails/{page['items'][0]['id']}/audio", headers=headers)


async def test_a_message_can_be_heard_also_in_parts(house: House, log_in: Any, recordings: Path) -> None:
    sound = a_recording(recordings / "main" / "1.wav")
    await asked_for(house, "support")
    browser = await log_in()
    with capture_logs() as lines:
        response = await listen(house, browser)
    assert (response.status, response.content_type, await response.read()) == (200, "audio/wav", sound)
    assert response.headers["Cache-Control"] == "no-store"
    assert [line["agent"] for line in lines if line["event"] == "voicemail_heard"] == ["mara"]
    part = await listen(house, browser, Range="bytes=0-3")
    assert (part.status, await part.read()) == (206, b"RIFF")


async def test_a_file_told_without_its_ending_is_found(house: House, log_in: Any, recordings: Path) -> None:
    a_recording(recordings / "main" / "1.wav")
    await asked_for(house, "support", file="main/1")
    assert (await listen(house, await log_in())).status == 200


@pytest.mark.parametrize(
    "file", ["../secret.wav", "main/../../secret.wav", "/etc/hosts", "link.wav", "main", "gone.wav", "", "."]
)
async def test_nothing_outside_the_folder_of_recordings_is_ever_served(
    house: House, log_in: Any, recordings: Path, file: str
) -> None:
    a_recording(recordings.parent / "secret.wav")
    (recordings / "main.wav").mkdir()
    (recordings / "link.wav").symlink_to(recordings.parent / "secret.wav")
    await asked_for(house, "support", file=file)
    response = await listen(house, await log_in())
    assert (response.status, (await response.json())["detail"]) == (404, "the recording is not there any more")


async def test_without_a_folder_no_message_can_be_heard() -> None:
    async with house_with() as house, Browser(house) as browser:
        await asked_for(house, "support")
        response = await listen(house, await browser.log_in("sue"))
    assert (response.status, (await response.json())["detail"]) == (404, "no folder of recordings is configured")


async def test_a_message_nobody_left_is_not_found(log_in: Any) -> None:
    status, answer = await (await log_in("sue")).ask("GET", "/api/v1/voicemails/0123456789/audio")
    assert (status, answer["detail"]) == (404, "no such voicemail")


# ---- interactions


async def test_a_finished_call_shows_how_its_caller_came_and_how_they_rated_it(house: House, log_in: Any) -> None:
    await of_the_day(house)
    survey = Way(Story("0.1"), "s2", "survey")
    await house.log.append([survey.entered(30, is_after=True), survey.rated(4)])
    _, page = await (await log_in("sue")).ask("GET", "/api/v1/interactions?flow=bank&ivr_outcome=self_served&limit=3")
    (*_, first) = page["items"]
    assert [step["step"] for step in first["journey"]["steps"]] == ["menu", "code", "status"]
    assert first["ratings"] == [{"question": "how_was_it", "score": 4, "scale": 5}]
    assert (await (await log_in("sue")).ask("GET", "/api/v1/interactions?flow=cards"))[1]["items"] == []
