"""``cti ivr check``, ``draw`` and ``try``: a flow looked at, drawn, and played with the keyboard as the telephone."""

import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Annotated

import typer

from cti.cli import ASKED_WRONGLY, DONE, AsJson, Config, ivr_verbs, run, say, say_error
from cti.errors import ConfigError, NotFound, RequestError

if TYPE_CHECKING:
    from cti.calls.journey import JourneyEvent, KnownBy
    from cti.crm.contact import Answer
    from cti.crm.lookup import Lookup
    from cti.ivr.check import Hearing
    from cti.ivr.flow import Flow
    from cti.ivr.prompts import Said
    from cti.ivr.runner import World
    from cti.ivr.terminal import TerminalVoice
    from cti.settings import Settings
    from cti.telephony.voice import Asked

Which = Annotated[str, typer.Argument(metavar="NAME", help="A flow of the folder ivr.flows, or a file.")]


@ivr_verbs.command()
def check(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME]...", help="Flows of the folder ivr.flows, or files; else all.")
    ] = None,
    json: AsJson = False,
    config: Config = None,
) -> None:
    """Is a flow in order? Every mistake with its line; and can callers hear it, as this site is set up?"""
    run(lambda: _check(names or [], json, config))


async def _check(names: list[str], json: bool, config: "Config") -> int:
    from cti import settings
    from cti.ivr.flow_file import load

    given = settings.load(config)
    files = [_file(name, given.ivr.flows) for name in names] or sorted(given.ivr.flows.glob("*.toml"))
    if not files:
        raise NotFound(f"there are no flows in {given.ivr.flows.absolute()}")
    hearing = _hearing(given)
    wrong = False
    for file in files:
        try:
            flow, findings = load(file, hearing), tuple[str, ...]()
        except ConfigError as error:
            flow, findings, wrong = None, error.findings, True
        warnings = (*_unknown_queues(flow, given), *_unsought_sounds(flow, given)) if flow else ()
        _tell(file, flow, findings, warnings, json=json)
    for file, finding in () if names else _missing_flows(given):
        wrong = True
        _tell(file, None, (finding,), (), json=json)
    return ASKED_WRONGLY if wrong else DONE


def _missing_flows(given: "Settings") -> Iterator[tuple[Path, str]]:
    """Flows that a line shall have, and that are not in the folder."""
    from cti.settings.spelling import did_you_mean

    folder = given.ivr.flows
    there = {file.stem for file in folder.glob("*.toml")}
    lines = {f"ivr.lines.{number}": name for number, name in given.ivr.lines.items()}
    for key, name in ({"ivr.flow": given.ivr.flow} | lines).items():
        if name and name not in there:
            yield (
                folder / f"{name}.toml",
                f"{key}: there is no flow {name} in {folder.absolute()}{did_you_mean(name, there)}",
            )


def _unknown_queues(flow: "Flow", given: "Settings") -> Iterator[str]:
    """No mistakes: a queue without settings works with the defaults. Where none has any, nothing can be said."""
    from cti.settings.spelling import did_you_mean

    for name, step in flow.steps.items():
        queue = getattr(step, "queue", None)
        if queue and given.queues and queue not in given.queues:
            yield f"steps.{name}.queue: {queue} is none of [queues]{did_you_mean(queue, given.queues)}"


def _unsought_sounds(flow: "Flow", given: "Settings") -> Iterator[str]:
    sounds = {sound for _, _, prompt in flow.prompts() for sound in flow.book.sounds(prompt)}
    if sounds and not any(folder.is_dir() for folder in given.ivr.sounds):
        yield f"{_of(len(sounds), 'sound')} not looked for: no folder of ivr.sounds is here"


def _tell(file: Path, flow: "Flow | None", findings: tuple[str, ...], warnings: tuple[str, ...], *, json: bool) -> None:
    import msgspec

    if json:
        counts = {"steps": len(flow.steps), "languages": flow.languages, "texts": len(flow.texts())} if flow else {}
        told = {
            "flow": file.stem,
            "file": str(file),
            "ok": flow is not None,
            "findings": findings,
            "warnings": warnings,
        }
        say(msgspec.json.encode(told | counts).decode())
        return
    for finding in findings:
        say_error(finding)
    for warning in warnings:
        say_error(f"{file}: warning: {warning}")
    if flow:
        steps, languages, texts = len(flow.steps), len(flow.languages), len(flow.texts())
        say(f"{flow.name}: {_of(steps, 'step')}, {_of(languages, 'language')}, {_of(texts, 'text')}; ok")


def _of(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _hearing(given: "Settings") -> "Hearing":
    """As this site's callers would hear it: by the PBX's sounds and the speech program."""
    import shutil

    from cti.ivr.check import Hearing
    from cti.ivr.outside import calls_allowed
    from cti.ivr.pbx_sounds import sounds_in
    from cti.ivr.speech import MOST_SIGNS, VOICES

    program, voices = "espeak-ng", {**VOICES, **given.ivr.voices}
    is_there = shutil.which(program) is not None

    def why_unspoken(said: "Said") -> str:
        if not is_there:
            return f"{program} is not installed: `apt install espeak-ng`"
        if said.language not in voices:
            return _no_voice(said.language, program)
        return f"it is longer than {MOST_SIGNS} signs" if len(said.text) > MOST_SIGNS else ""

    toll = given.toll
    why_not_called = calls_allowed(
        country=given.site.country, countries=toll.allowed_countries, emergency=toll.emergency_numbers
    )
    return Hearing(has_sound=sounds_in(given.ivr.sounds), why_unspoken=why_unspoken, why_not_called=why_not_called)


def _no_voice(language: str, program: str) -> str:
    voices = f'voices = {{ {language} = "{language.lower()}" }}'
    return f"there is no voice for {language}; set {voices} under [ivr], or another of `{program} --voices`"


@ivr_verbs.command()
def draw(
    name: Which,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The file to write; else standard output.", show_default=False)
    ] = None,
    config: Config = None,
) -> None:
    """Draw a flow, as SVG."""
    from cti import settings
    from cti.ivr.flow_file import load
    from cti.ivr.graph import graph_of
    from cti.ivr.picture import picture

    drawn = picture(graph_of(load(_file(name, settings.load(config).ivr.flows))))
    if output is None:
        sys.stdout.write(drawn)
        return
    try:
        output.write_text(drawn, encoding="utf-8")
    except OSError as error:
        raise RequestError(f"{output} cannot be written: {error.strerror}") from error


@ivr_verbs.command(name="try")
def try_flow(
    name: Which,
    number: Annotated[str, typer.Option(help="The calling number; else it is withheld.", show_default=False)] = "",
    at: Annotated[
        str, typer.Option(help="When: 2026-12-24T20:00, where the site is; else now.", show_default=False)
    ] = "",
    after: Annotated[bool, typer.Option("--after", help="As after the conversation: how was it?")] = False,
    json: AsJson = False,
    config: Config = None,
) -> None:
    """Be the caller of a flow. What would be said is shown; 0-9, * and # are the telephone's keys; h hangs up.

    The customer system and outside services are really asked. Nothing is recorded, and no callback is noted. From a pipe, a
    line is the answer to one question.
    """
    run(lambda: _try(name, number=number, at=at, is_after=after, json=json, config=config))


async def _try(name: str, *, number: str, at: str, is_after: bool, json: bool, config: "Config") -> int:
    from cti import settings
    from cti.calls.call import LegId, PbxName
    from cti.ivr.flow_file import load
    from cti.telephony.voice import Asked

    given = settings.load(config)
    flow = load(_file(name, given.ivr.flows))
    if is_after and flow.after is None:
        raise RequestError(f"{flow.name} asks nothing after the conversation: it has no `after`")
    asked = Asked(pbx=PbxName("try"), leg=LegId("1.1"), ani=number, is_after=is_after, nonce="try")
    began = _time(at, given.site.time_zone)
    if not json:
        _greet(flow, number, began, given.site.time_zone)
    voice, events = await _played(given, flow, asked, began, is_shown=not json)
    _show(voice, events, json=json)
    return DONE


async def _played(
    given: "Settings", flow: "Flow", asked: "Asked", began: datetime, *, is_shown: bool
) -> "tuple[TerminalVoice, list[JourneyEvent]]":
    from cti.ivr.runner import Ivr
    from cti.ivr.speech import TextOnly
    from cti.ivr.terminal import Keypad, Lines, TerminalVoice

    def now() -> datetime:
        return began + timedelta(seconds=voice.spent_s)

    def is_secret() -> bool:
        return any(session.is_asking_secret for session in ivr.live.values())

    events: list[JourneyEvent] = []
    keypad = Keypad() if sys.stdin.isatty() else None
    voice = TerminalVoice(asked, keypad or Lines(sys.stdin), _write if is_shown else _nowhere, is_secret=is_secret)
    async with _world(given) as world:
        ivr = Ivr(lambda _: flow, TextOnly(), world, events.append, clock=now)
        with keypad.listening(sys.stdin) if keypad else nullcontext():
            await ivr.serve(voice)
    return voice, events


def _greet(flow: "Flow", number: str, began: datetime, zone: str) -> None:
    from zoneinfo import ZoneInfo

    who = number or "a withheld number"
    say(f"{flow.label}, called from {who}, {began.astimezone(ZoneInfo(zone)):%A %Y-%m-%d %H:%M} in {zone}")
    if sys.stdin.isatty():
        say("0-9 * # are the telephone's keys; Enter: say nothing; h: hang up")
    say()


def _show(voice: "TerminalVoice", events: "list[JourneyEvent]", *, json: bool) -> None:
    from cti.calls.journey import fold
    from cti.cli.journey import told
    from cti.envelope import encode
    from cti.journeys import of_journey

    if json:
        for event in events:
            say(encode(of_journey(event)).decode())
        return
    journey = None
    for event in events:
        journey = fold(journey, event)
    say()
    for line in told(journey, voice.left) if journey else ():
        say(line)


@asynccontextmanager
async def _world(given: "Settings") -> "AsyncIterator[World]":
    """The site's own, but for what would leave a trace."""
    from functools import partial

    from cti.calls.call import CallId
    from cti.crm.connectors import Setup, connect
    from cti.crm.lookup import Lookup, LookupRules
    from cti.crm.pin import PinLimits, PinRules
    from cti.egress import Egress, EgressRules
    from cti.ivr.pins import Pins
    from cti.ivr.requests import QueueLoad
    from cti.ivr.runner import World
    from cti.ivr.services import ask_service

    own = given.database.url.get_secret_value()
    connector = connect(given.crm.connector, Setup(country=given.site.country, own_url=own, mapping=given.crm.mapping))
    lookup = Lookup(connector, LookupRules(country=given.site.country, budget_s=given.crm.budget_s))
    pins = Pins(connector, PinLimits(PinRules()))
    egress = Egress(EgressRules(origins=given.ivr.services))
    try:
        yield World(
            find_customer=partial(_find, lookup), check_pin=pins.check, fetch=partial(ask_service, egress),
            queue_load=lambda _: QueueLoad(0), call_of=lambda _: CallId("try"), zone=given.site.time_zone,
            recordings=PurePosixPath(),
        )  # fmt: skip
    finally:
        await lookup.close()


async def _find(lookup: "Lookup", by: "KnownBy", value: str) -> "Answer":
    match by.value:
        case "code":
            return await lookup.who(keys={"customer_code": value}, number="")
        case "number":
            return await lookup.who(keys={}, number=value)
    return await lookup.by_order(value)


# ---- what was asked for


def _file(name: str, folder: Path) -> Path:
    """A path, or the name of a flow in the site's folder."""
    if "/" in name or name.endswith(".toml"):
        return Path(name)
    file = folder / f"{name}.toml"
    if not file.exists():
        there = ", ".join(sorted(one.stem for one in folder.glob("*.toml")))
        raise NotFound(f"there is no flow {name} in {folder.absolute()}" + (f"; there are {there}" if there else ""))
    return file


def _time(text: str, zone: str) -> datetime:
    from zoneinfo import ZoneInfo

    if not text:
        return datetime.now(UTC)
    try:
        given = datetime.fromisoformat(text)
    except ValueError as error:
        raise RequestError(f"--at {text}: is no time, such as 2026-12-24T20:00") from error
    return given if given.tzinfo else given.replace(tzinfo=ZoneInfo(zone))


def _write(text: str) -> None:
    sys.stdout.write(text)
    sys.stdout.flush()


def _nowhere(_text: str) -> None:
    pass
