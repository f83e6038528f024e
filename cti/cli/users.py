"""``cti user``: who may log in. Passwords are asked for, or read from standard input; never given in argv."""

import getpass
import secrets
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cti.cli import DONE, AsJson, Config, run, say, user_verbs

if TYPE_CHECKING:
    from contextlib import AbstractAsyncContextManager

    from cti.agents.agent import Agent
    from cti.store.sql_people import SqlPeople


@user_verbs.command()
def add(
    name: Annotated[str, typer.Argument(help="The log-in name.")],
    shown: Annotated[str, typer.Option("--name", help="The name colleagues see; the log-in name when not given.")] = "",
    role: Annotated[str, typer.Option(help="agent, supervisor or admin.")] = "agent",
    device: Annotated[str, typer.Option(help="The phone in the PBX's words: PJSIP/1001.")] = "",
    extension: Annotated[str, typer.Option(help="What colleagues dial; the device's own digits when not given.")] = "",
    queues: Annotated[
        str, typer.Option(help="Comma between; with a penalty where there is one: support,billing:2.")
    ] = "",
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    config: Config = None,
) -> None:
    """Add somebody who may log in. Without a password given, one is made and printed once."""
    from cti.agents.agent import Agent, AgentId, AgentRole
    from cti.errors import RequestError

    if role not in set(AgentRole):
        raise RequestError(f"no such role: {role}; agent, supervisor or admin")
    digits = device.rpartition("/")[2]
    penalties = _penalties(queues)
    agent = Agent(
        id=AgentId(name), name=shown or name, role=AgentRole(role), device=device,
        extension=extension or (digits if digits.isdigit() else ""), queues=tuple(penalties),
        penalties={queue: penalty for queue, penalty in penalties.items() if penalty},
    )  # fmt: skip
    _check_forms(agent)
    run(lambda: _add(agent, password_stdin, config))


def _check_forms(agent: "Agent") -> None:
    """As over REST."""
    import msgspec

    from cti.errors import RequestError
    from cti.web.schemas import AgentName, Device, Extension, Penalty, PersonName, Short

    for what, given, form, words in (
        ("the log-in name", agent.id, AgentName, "up to 64 letters, digits, - _ . @ were expected, and not me, which means oneself"),
        ("--name", agent.name, PersonName, "up to 200 letters were expected"),
        ("--device", agent.device, Device, "the phone in the PBX's words was expected, such as PJSIP/1001"),
        ("the extension", agent.extension, Extension, "up to 20 digits were expected, such as 1001; --extension says another"),
        *(("--queues", queue, Short, "up to 200 letters were expected") for queue in agent.queues),
        *((f"the penalty of {queue}", penalty, Penalty, "0 to 1000 was expected") for queue, penalty in agent.penalties.items()),
    ):  # fmt: skip
        try:
            msgspec.convert(given, form)
        except msgspec.ValidationError:
            raise RequestError(f"{what} {given!r}: {words}") from None


def _penalties(queues: str) -> dict[str, int]:
    """Each queue with its penalty."""
    from cti.errors import RequestError

    found = {}
    for one in filter(None, queues.split(",")):
        queue, _, penalty = one.partition(":")
        if penalty and not (penalty.isdecimal() and penalty.isascii()):
            raise RequestError(f"the penalty of {queue} is a whole number from 0, not {penalty}")
        found[queue.strip()] = int(penalty or 0)
    return found


async def _add(agent: "Agent", password_stdin: bool, config: "Config") -> int:
    from cti.web.passwords import hash_password

    password, is_made = _password(password_stdin)
    async with _people(config) as people:
        await people.add(agent, hash_password(password))
    say(f"added {agent.id}" + (f"; the password is {password}" if is_made else ""))
    return DONE


@user_verbs.command()
def passwd(
    name: Annotated[str, typer.Argument(help="The log-in name.")],
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
    config: Config = None,
) -> None:
    """Set a password. Whoever is logged in by that name is logged out; their desktop closes within 15 seconds."""
    run(lambda: _passwd(name, password_stdin, config))


async def _passwd(name: str, password_stdin: bool, config: "Config") -> int:
    from cti.agents.agent import AgentId
    from cti.web.passwords import hash_password

    password, is_made = _password(password_stdin)
    async with _people(config) as people:
        await people.set_password(AgentId(name), hash_password(password))
        await people.end_sessions(AgentId(name))
    say(f"the password of {name} is set" + (f": {password}" if is_made else ""))
    return DONE


@user_verbs.command(name="list")
def list_users(json: AsJson = False, config: Config = None) -> None:
    """Who may log in."""
    run(lambda: _list(json, config))


async def _list(json: bool, config: "Config") -> int:
    import msgspec

    async with _people(config) as people:
        agents = await people.agents()
    for agent in agents:
        if json:
            say(msgspec.json.encode(agent).decode())
        else:
            say(
                f"{agent.id:<16} {agent.role:<10} {agent.device or '-':<20} {agent.name}{'' if agent.is_enabled else '  (disabled)'}"
            )
    return DONE


def _password(from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made here."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\n"), False
    if sys.stdin.isatty():
        typed = getpass.getpass("Password (empty: make one): ")
        if typed:
            return typed, False
    return secrets.token_urlsafe(12), True


def _people(config: "Config") -> "AbstractAsyncContextManager[SqlPeople]":
    import contextlib
    from collections.abc import AsyncIterator

    from cti import settings
    from cti.store import schema
    from cti.store.database import Database
    from cti.store.sql_people import SqlPeople

    @contextlib.asynccontextmanager
    async def opened() -> AsyncIterator[SqlPeople]:
        url = settings.load(config).database.url.get_secret_value()
        await schema.make_ready(url)
        database = Database(url)
        try:
            yield SqlPeople(database)
        finally:
            await database.close()

    return opened()
