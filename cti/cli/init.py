"""``cti init asterisk``: what Asterisk needs to know, with nothing more allowed than is used."""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from cti.cli import init_verbs, say, say_error


@init_verbs.command()
def asterisk(
    write: Annotated[
        Path | None,
        typer.Option("--write", help="Write the files into this folder instead of printing.", show_default=False),
    ] = None,
    trunk: Annotated[str, typer.Option(help="The PJSIP endpoint that leads outside.")] = "trunk",
    agents: Annotated[str, typer.Option(help="The agents' endpoints, comma between.")] = "1001,1002,1003",
    queue: Annotated[
        list[str] | None, typer.Option(help="NAME=NUMBER that callers dial; may be repeated.", show_default=False)
    ] = None,
) -> None:
    """Print manager.conf, dialplan and queues: two accounts of least privilege, clean numbers, a path that works without us."""
    from cti.cli.provision import files

    events_secret, commands_secret = secrets.token_urlsafe(32), secrets.token_urlsafe(32)
    made = files(
        events_secret, commands_secret, trunk=trunk, agents=agents.split(","), queues=queue or ["support=0800100100"]
    )
    if write is None:
        for name, text in made.items():
            say(f";==== {name} ====")
            say(text)
    else:
        write.mkdir(parents=True, exist_ok=True)
        for name, text in made.items():
            path = write / name
            path.touch(mode=0o600)
            path.write_text(text)
            say_error(f"written: {path}")
    say_error("give cti the two secrets, in its environment or in files only it may read:")
    say_error(f"  CTI_PBX__MAIN__EVENTS_SECRET={events_secret}")
    say_error(f"  CTI_PBX__MAIN__COMMANDS_SECRET={commands_secret}")
