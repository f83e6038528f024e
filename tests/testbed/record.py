"""Record stories: ``python -m tests.testbed.record [--version 22] [story ...]`` writes
``tests/traces/asterisk/<version>/``.

Beside each ``<story>.ami`` (bytes of the listening account's socket, from the banner on) stands
``<story>.truth.toml``: what the scenario knows to have happened, and what Asterisk's own queue_log and CDR say about
it.
"""

import argparse
import asyncio
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Final

from tests.testbed import parts
from tests.testbed.asterisk import Asterisk
from tests.testbed.stories import STORIES
from tests.testbed.story import Stage, Story, Truth, open_stage, settle

TRACES: Final = Path(__file__).parents[1] / "traces" / "asterisk"


async def record(version: str, name: str, folder: Path) -> None:
    """Play one story on a fresh Asterisk and write its two files."""
    story = STORIES[name]
    async with Asterisk(version) as pbx, open_stage(pbx) as stage:
        await stage.recorder.connect()
        truth = await _play(story, stage)
        await settle(pbx)
        data = await stage.recorder.close()
        await asyncio.to_thread(pbx.stop)
        _write(folder, name, data, truth_toml(version, name, story, truth, pbx))


def _write(folder: Path, name: str, data: bytes, truth: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    folder.joinpath(f"{name}.ami").write_bytes(data)
    folder.joinpath(f"{name}.truth.toml").write_text(truth, encoding="utf-8")


async def _play(story: Story, stage: Stage) -> Truth:
    try:
        return await story(stage)
    except BaseException:
        print(stage.pbx.log_tail(), file=sys.stderr)
        raise


def truth_toml(version: str, name: str, story: Story, truth: Truth, pbx: Asterisk) -> str:
    lines = [
        "# What really happened, as the scenario and Asterisk's own records know it. Written by tests/testbed/record.py.",
        f"story = {_value(name)}",
        f"asterisk = {_value(version)}",
        f"description = {_value(' '.join((story.__doc__ or '').split()))}",
        *([f"note = {_value(truth.note)}"] if truth.note else []),
        f"queue_log = '''\n{_read(pbx.queue_log)}'''",
        f"cdr = '''\n{_read(pbx.cdr_csv)}'''",
        *(line for call in truth.calls for line in ("", "[[calls]]", *_pairs(call))),
    ]
    return "\n".join(lines) + "\n"


def _read(path: Path) -> str:
    """The file's lines. Three quotes in a row would end the TOML text, so they are parted."""
    return path.read_text("utf-8", "replace").replace("'''", "' ' '") if path.exists() else ""


def _pairs(value: object) -> list[str]:
    return [
        f"{field.name} = {_value(getattr(value, field.name))}"
        for field in fields(value)  # type: ignore[arg-type]
        if getattr(value, field.name) not in {None, ""}
    ]


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    if isinstance(value, str):
        return _quoted(value)
    return "{ " + ", ".join(_pairs(value)) + " }"


def _quoted(text: str) -> str:
    """A TOML basic string: quotes, backslashes and everything invisible escaped."""
    out = (
        f"\\u{ord(c):04x}" if not c.isprintable() and ord(c) < 0x10000 else c
        for c in text.replace("\\", "\\\\").replace('"', '\\"')
    )
    return '"' + "".join(out) + '"'


def main() -> int:
    parser = argparse.ArgumentParser(description="Record AMI traces of real calls.")
    parser.add_argument("--version", choices=parts.ASTERISK_VERSIONS, action="append")
    parser.add_argument("--into", type=Path, default=TRACES)
    parser.add_argument("stories", nargs="*", metavar="story")
    args = parser.parse_args()
    unknown = [name for name in args.stories if name not in STORIES]
    if unknown:
        parser.error(f"no such story: {', '.join(unknown)}; there are: {', '.join(STORIES)}")
    return _record_all(args.version or parts.ASTERISK_VERSIONS, args.stories or list(STORIES), args.into)


def _record_all(versions: "list[str] | tuple[str, ...]", names: list[str], into: Path) -> int:
    failed = 0
    for version in versions:
        if parts.asterisk_root(version) is None:
            print(f"NOT RECORDED: no Asterisk {version} here; {parts.PREPARE}")
            failed = 1
            continue
        for name in names:
            began = time.monotonic()
            try:
                asyncio.run(record(version, name, into / version))
                print(f"{version} {name}: {time.monotonic() - began:.1f} s", flush=True)
            except (AssertionError, TimeoutError, OSError, RuntimeError) as error:
                failed = 1
                print(f"{version} {name}: FAILED: {error!r}", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main())
