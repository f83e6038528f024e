"""What stands in the logs, and what never does (trust test 52, pii_in_logs: the unit's side)."""

import io
import json
import logging
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cti import log
from cti.numbers import masked

LogLines = Callable[[], list[dict[str, Any]]]


def fail(words: str) -> None:
    raise ValueError(words)


def console(write: Callable[[], None]) -> str:
    stream = io.StringIO()
    log.configure(form="console", stream=stream)
    write()
    return stream.getvalue()


def test_a_line_has_its_event_its_keys_and_its_time(log_lines: LogLines) -> None:
    log.logger("telephony").info("call_ended", talk_s=81.4, cause="normal")
    (line,) = log_lines()
    assert line.pop("timestamp").endswith("Z")
    assert line == {"event": "call_ended", "talk_s": 81.4, "cause": "normal", "level": "info", "logger": "telephony"}


@pytest.mark.parametrize("key", ["ani", "dnis", "number", "to", "caller_number", "to_number"])
def test_a_number_is_masked_by_its_key(log_lines: LogLines, key: str) -> None:
    log.logger("x").info("e", **{key: "0912 345 678"})
    assert log_lines()[0][key] == "•••••••678"


@pytest.mark.parametrize(
    "key", ["pin", "digits", "password", "events_secret", "token", "ticket", "note", "Authorization"]
)
def test_what_opens_doors_is_not_written(log_lines: LogLines, key: str) -> None:
    log.logger("x").info("e", **{key: "canary"})
    assert log_lines()[0][key] == log.UNSAID


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("sip:0912345678@10.0.0.1", "sip:•••••••678@10.0.0.1"),
        ("Local/886912345678@cti-outbound-00000001;1", "Local/•••••••••678@cti-outbound-00000001;1"),
        ("call to +886 2 2222 0123 failed", "call to ••••••••••123 failed"),
        ("GET /api/v1/customers?number=%2B886912345678", "GET /api/v1/customers?number=••••••••••678"),
        ("/ws?ticket=abcdef&x=1", f"/ws?ticket={log.UNSAID}&x=1"),
        ("main-1763754000.12", "main-1763754000.12"),
        ("PJSIP/2001-0000002a", "PJSIP/2001-0000002a"),
        ("127.0.0.1:52345 at 2026-11-21T19:00:00.123456Z", "127.0.0.1:52345 at 2026-11-21T19:00:00.123456Z"),
    ],
)
def test_what_looks_like_a_number_is_masked_wherever_it_stands(log_lines: LogLines, text: str, expected: str) -> None:
    log.logger("x").info("e", reason=text, nested={"deep": [text]})
    assert (log_lines()[0]["reason"], log_lines()[0]["nested"]["deep"]) == (expected, [expected])


def test_52_pii_in_logs(log_lines: LogLines, canaries: Any) -> None:
    """No way of writing a line lets the canaries through: key, nested, event text, exception, library, bound context."""
    mine, library, number, token = log.logger("x"), logging.getLogger("some.library"), canaries.number, canaries.token
    mine.info("e", ani=number, pin=canaries.pin, note=canaries.note, session_token=token)
    mine.info(
        "e", call={"ani": number, "legs": [{"number": number, "digits": canaries.pin}]}, headers={"Cookie": token}
    )
    mine.bind(caller=number).warning("e", url=f"/x?token={token}&n={number}")
    library.warning("request from %s with token=%s", number, token)
    try:
        fail(f"no such customer: {number}, pin: {canaries.pin}")
    except ValueError:
        mine.exception("e")
        library.exception("failed")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        warnings.warn(f"odd number {number}", stacklevel=1)
    text = json.dumps(log_lines(), ensure_ascii=False)
    assert canaries.found_in(text) == []
    assert len(log_lines()) == 7
    assert masked(number) in text


def test_libraries_are_kept_from_writing_what_passes_over_the_wire(log_lines: LogLines) -> None:
    logging.getLogger("websockets.server").debug("< TEXT canary")
    logging.getLogger("aiohttp.access").info("GET /canary")
    logging.getLogger("sqlalchemy.engine").info("canary")
    assert log_lines() == []


def test_a_library_s_warning_comes_through(log_lines: LogLines) -> None:
    logging.getLogger("aiohttp.server").error("Error handling request")
    assert [(line["level"], line["logger"]) for line in log_lines()] == [("error", "aiohttp.server")]


@pytest.mark.usefixtures("log_lines")
@given(st.text(st.characters(max_codepoint=0x2100)))
def test_no_text_writes_a_second_line_or_an_escape(text: str) -> None:
    shown = console(lambda: log.logger("x").info("e", name=text, key=[text]))
    assert len(shown.splitlines()) == 1
    assert not any(ord(char) < 32 or 127 <= ord(char) < 160 for char in shown.rstrip("\n"))


@pytest.mark.usefixtures("log_lines")
def test_a_name_with_an_escape_is_shown_as_text() -> None:
    shown = console(lambda: log.logger("x").info("e", name="\x1b[31mred\u202e\r\nlevel=error forged"))
    assert r"\x1b[31mred\u202e\x0d\x0alevel=error forged" in shown.replace("\\\\", "\\")


@pytest.mark.usefixtures("log_lines")
def test_a_line_break_quoted_in_a_traceback_forges_no_log_line() -> None:
    def write() -> None:
        try:
            fail("name\n2026-11-21T00:00:00Z [info] forged")
        except ValueError:
            log.logger("x").exception("e")

    (_, *rest) = console(write).splitlines()
    assert [line for line in rest if not line.startswith(("    ", "Traceback"))] == []


def test_halves_of_surrogate_pairs_do_not_stop_a_line(log_lines: LogLines) -> None:
    log.logger("x").info("e", name="a\ud800b", raw=b"\xff")
    assert (log_lines()[0]["name"], log_lines()[0]["raw"]) == ("a\\ud800b", "\\xff")


def test_below_the_level_nothing_is_written() -> None:
    assert console(lambda: log.logger("x").debug("e")) == ""
