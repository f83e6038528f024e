"""Logs a person can read in a terminal and a machine elsewhere: event names that never change, plus keys.

``configure`` is called once, by the command line. Every line passes the same three guards, ours and those of libraries:
numbers are masked, by key and, as a last line of defence, wherever text looks like one; what callers type and what
opens doors is never written; control characters and terminal escapes become visible text (OWASP ASVS 16.4.1).
"""

import logging
import re
import sys
from collections.abc import Mapping
from typing import Any, Final, Literal, TextIO, cast

import structlog
from structlog.typing import EventDict, FilteringBoundLogger, Processor, WrappedLogger

from cti.numbers import masked

UNSAID: Final = "[not logged]"
_NUMBERS: Final = frozenset({"ani", "dnis", "number", "numbers", "phone", "to", "caller", "e164", "msisdn"})
_SECRETS: Final = frozenset(
    {
        "digits",
        "pin",
        "dtmf",
        "typed",
        "password",
        "secret",
        "token",
        "ticket",
        "cookie",
        "authorization",
        "credentials",
        "note",
        "notes",
    }
)
# +886 2 2222 0000, %2B886222220000, 0222220000; not 1763754000.12 (a Uniqueid), PJSIP/2001-0000002a, 127.0.0.1, 2026-11-21
_NUMBER_LIKE: Final = re.compile(
    r"(?:\+|%2[Bb])\d(?:[ ()./-]?\d){6,14}(?!\d)|(?<![0-9A-Za-z_.-])\d{7,15}(?![0-9A-Za-z_]|\.\d)"
)
_SECRET_LIKE: Final = re.compile(r"(?i)\b((?:token|ticket|secret|password|pin)s?\s*[=:]\s*)([^\s&,;\"']+)")
# C0, DEL, C1; line and paragraph separators; marks that turn the reading direction; halves of surrogate pairs
_UNSAFE: Final = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_DEEPEST: Final = 6

# Libraries whose finer levels hold what passes over the wire: frames, statements with their values, request lines.
_QUIET: Final[Mapping[str, int]] = {
    "aiohttp.access": logging.WARNING,
    "websockets": logging.WARNING,
    "sqlalchemy": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
}

Level = Literal["debug", "info", "warning", "error"]
Format = Literal["auto", "console", "json"]


def configure(*, level: Level = "info", form: Format = "auto", stream: TextIO | None = None) -> None:
    """Send all logging, ours and the libraries', to ``stream`` (standard error). May be called again."""
    out = stream or sys.stderr
    handler = logging.StreamHandler(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=_before(),
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_guards(), _renderer(out, form)],
        )
    )
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    for name, floor in _QUIET.items():
        logging.getLogger(name).setLevel(floor)
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *_before(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )


def logger(room: str) -> FilteringBoundLogger:
    """Of one room, made once a file. Its lines: ``log.info("pbx_connected", pbx=name)``."""
    return cast("FilteringBoundLogger", structlog.get_logger(room))


def _before() -> list[Processor]:
    return [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]


def _guards() -> list[Processor]:
    """Last, so that nothing is added behind them. Tracebacks become text first: they quote values too."""
    return [structlog.processors.format_exc_info, guarded]


def _renderer(out: TextIO, form: Format) -> Processor:
    if form == "console" or (form == "auto" and out.isatty()):
        plain = structlog.dev.plain_traceback
        return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=plain)
    return structlog.processors.JSONRenderer(ensure_ascii=False)


def guarded(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Mask, leave out, neutralise. A structlog processor."""
    return {key: _safe(value, key) for key, value in event.items()}


def _safe(value: object, key: str = "", depth: int = 0) -> Any:
    words = set(key.lower().replace("-", "_").split("_"))
    if words & _SECRETS:
        return UNSAID if value else value
    if isinstance(value, bool | int | float | None) and not words & _NUMBERS:
        return value
    if isinstance(value, Mapping) and depth < _DEEPEST:
        return {neutralised(str(k)): _safe(v, str(k), depth + 1) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset) and depth < _DEEPEST:
        return [_safe(item, key, depth + 1) for item in value]
    return _safe_text(value, words, is_traceback=key in {"exception", "stack"})


def _safe_text(value: object, words: set[str], *, is_traceback: bool) -> str | None:
    if value is None:
        return None
    text = value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else str(value)
    if words & _NUMBERS:
        return masked(text) if any(map(str.isdigit, text)) else neutralised(text)
    text = _SECRET_LIKE.sub(
        rf"\1{UNSAID}", _NUMBER_LIKE.sub(lambda found: masked(found[0].replace("%2B", "+").replace("%2b", "+")), text)
    )
    # a line of a traceback is indented: no value quoted in it can look like a log line of its own
    return "\n    ".join(map(neutralised, text.splitlines())) if is_traceback else neutralised(text)


def neutralised(text: str) -> str:
    r"""Control characters, reading-direction marks and broken characters as visible text: ``\x1b``, ``\u202e``."""
    return _UNSAFE.sub(lambda found: _escaped(ord(found[0])), text)


def _escaped(code: int) -> str:
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"  # noqa: PLR2004 - the last one-byte character
