"""``cti init asterisk``: what Asterisk needs to know, with nothing more allowed than is used."""

import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from cti.cli import init_verbs, say, say_error
from cti.errors import RequestError


@init_verbs.command()
def asterisk(
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write the files into this folder instead of printing.", show_default=False),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that are in the folder already.")] = False,
    trunk: Annotated[str, typer.Option(help="The PJSIP endpoint that leads outside.")] = "trunk",
    agents: Annotated[str, typer.Option(help="The agents' endpoints, comma between.")] = "1001,1002,1003",
    queue: Annotated[
        list[str] | None, typer.Option(help="NAME=NUMBER that callers dial; may be repeated.", show_default=False)
    ] = None,
    fastagi: Annotated[str, typer.Option(help="HOST:PORT where the dialplan finds cti.")] = "127.0.0.1:4573",
    no_ivr: Annotated[
        bool, typer.Option("--no-ivr", help="The dialplan asks nobody: callers go straight to their queue.")
    ] = False,
) -> None:
    """Print manager.conf, dialplan and queues: two accounts of least privilege, clean numbers, a path that works without us."""
    from cti.cli.provision import Secrets, files

    made_up = Secrets(
        events=secrets.token_urlsafe(32),
        commands=secrets.token_urlsafe(32),
        fastagi="" if no_ivr else secrets.token_urlsafe(32),
    )
    made = files(
        made_up, trunk=trunk, agents=agents.split(","), queues=queue or ["support=0800100100"], fastagi=fastagi
    )
    if write is None:
        for name, text in made.items():
            say(f";==== {name} ====")
            say(text)
    else:
        _write(made, write, force=force)
    say_error("give cti these secrets, in its environment or in files only it may read:")
    say_error(f"  CTI_PBX__MAIN__EVENTS_SECRET={made_up.events}")
    say_error(f"  CTI_PBX__MAIN__COMMANDS_SECRET={made_up.commands}")
    if made_up.fastagi:
        say_error(f"  CTI_PBX__MAIN__FASTAGI_SECRET={made_up.fastagi}")


def _write(made: Mapping[str, str], folder: Path, *, force: bool) -> None:
    there = [str(folder / name) for name in made if (folder / name).exists()]
    if there and not force:
        raise RequestError(f"already there: {', '.join(there)}; nothing is written; --force replaces them")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            _write_secret(folder / name, text)
    except OSError as error:
        raise RequestError(f"{folder} cannot be written: {error.strerror}") from error


def _write_secret(path: Path, text: str) -> None:
    """A new file: one that was there might be open to all, and would stay so."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_text(text)
    say_error(f"written: {path}")
