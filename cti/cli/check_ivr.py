"""What ``cti check`` looks at for the IVR: flows, the voice that speaks them, the folders both sides share."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

from cti.cli.findings import Finding
from cti.errors import ConfigError, SpeechUnavailable
from cti.settings import Settings


async def of_ivr(given: Settings) -> AsyncIterator[Finding]:
    """Nothing where no line has a flow; nothing of the voice where no flow that can be read says whether it is needed."""
    names = sorted({given.ivr.flow, *given.ivr.lines.values()} - {""})
    if not names:
        return
    languages: set[str] = set()
    flows = [_flow(given, name, languages) for name in names]
    for finding in flows:
        yield finding
    if languages or all(finding.state == "ok" for finding in flows):
        yield await _speech(given, languages)
    for key in ("prompts", "recordings"):
        yield _folder(key, getattr(given.ivr, key))


def _flow(given: Settings, name: str, languages: set[str]) -> Finding:
    from cti.ivr.flow_file import load
    from cti.reception import hearing_of

    try:
        flow = load(given.ivr.flows / f"{name}.toml", hearing_of(given))
    except ConfigError as wrong:
        return Finding(f"ivr flow {name}", "failed", "; ".join(wrong.findings))
    languages.update(flow.languages if flow.texts() else ())
    return Finding(f"ivr flow {name}", "ok", f"{_steps(len(flow.steps))}, {', '.join(flow.languages)}")


def _steps(count: int) -> str:
    return f"{count} step{'' if count == 1 else 's'}"


async def _speech(given: Settings, languages: set[str]) -> Finding:
    from cti.reception import speech_of

    try:
        await speech_of(given.ivr).ready((_HELLO.get(language, "0"), language) for language in sorted(languages))
    except SpeechUnavailable as mute:
        return Finding("ivr speech", "failed", str(mute))
    return Finding("ivr speech", "ok", ", ".join(sorted(languages)) or "not needed: sounds only")


_HELLO = {"en": "Hello.", "zh-Hant": "您好。", "zh-Hans": "您好。"}


def _folder(key: str, folder: Path) -> Finding:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / ".probe").write_bytes(b"")
        (folder / ".probe").unlink()
    except OSError as error:
        return Finding(f"ivr {key}", "failed", f"{folder} cannot be written: {error.strerror}")
    return Finding(f"ivr {key}", "ok", f"{folder.absolute()}; the PBX must reach it too")


def ports(given: Settings) -> Iterator[tuple[str, str, int]]:
    """Those this process would listen on. The web's in any case: health is there."""
    yield "web", given.web.host, given.web.port
    if "push" in given.roles:
        yield "push", given.push.host, given.push.port
    if "pbx" in given.roles and (given.ivr.flow or any(given.ivr.lines.values())):
        yield "ivr", given.ivr.host, given.ivr.port
