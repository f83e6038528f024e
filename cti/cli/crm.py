"""``cti crm lookup NUMBER``: ask the customer system as a call would, and see why. ``cti crm pin CODE``: a customer's PIN."""

import getpass
import sys
from typing import TYPE_CHECKING, Annotated

import typer

from cti.cli import DONE, FAILED, AsJson, Config, crm_verbs, run, say

if TYPE_CHECKING:
    from cti.crm.contact import Match
    from cti.store.database import Database


@crm_verbs.command()
def lookup(
    number: Annotated[str, typer.Argument(help="As a caller's number might look.")] = "",
    code: Annotated[str, typer.Option(help="A customer code, as keyed into the IVR.")] = "",
    json: AsJson = False,
    config: Config = None,
) -> None:
    """Who is it? The answer a pop would get, with why each match is one, and how long it took."""
    run(lambda: _lookup(number, code, json, config))


async def _lookup(number: str, code: str, json: bool, config: "Config") -> int:
    import time

    import msgspec

    from cti import settings
    from cti.crm.connectors import Setup, connect
    from cti.crm.contact import Found, Unavailable
    from cti.crm.lookup import Lookup, LookupRules
    from cti.errors import RequestError

    if not number and not code:
        raise RequestError("what is to be looked up? cti crm lookup NUMBER, or --code CODE")
    given = settings.load(config)
    url = given.database.url.get_secret_value()
    connector = connect(given.crm.connector, Setup(country=given.site.country, own_url=url, mapping=given.crm.mapping))
    asking = Lookup(connector, LookupRules(country=given.site.country, budget_s=given.crm.budget_s))
    began = time.monotonic()
    try:
        answer = await asking.who(keys={"customer_code": code} if code else {}, number=number)
    finally:
        await asking.close()
    took_ms = (time.monotonic() - began) * 1000
    if json:
        kind = type(answer).__name__.lower()
        say(
            msgspec.json.encode(
                {"answer": kind, "took_ms": round(took_ms, 1), **msgspec.to_builtins(answer)}, order="sorted"
            ).decode()
        )
    elif isinstance(answer, Found):
        for match in answer.matches:
            say(_line(match))
        for match in answer.disagrees:
            say(f"but the number says: {_line(match)}")
        say(f"{len(answer.matches)} found in {answer.source}, {took_ms:.0f} ms")
    else:
        say(f"{type(answer).__name__.lower()}: {answer.reason} ({took_ms:.0f} ms)")
    return FAILED if isinstance(answer, Unavailable) else DONE


def _line(match: "Match") -> str:
    contact = match.contact
    return f"{contact.name or contact.company or '-'}  code {contact.code or '-'}  by {match.by}: {match.value}"


@crm_verbs.command()
def pin(
    code: Annotated[str, typer.Argument(help="The customer's code.")],
    remove: Annotated[bool, typer.Option("--remove", help="Take the PIN away.")] = False,
    config: Config = None,
) -> None:
    """Set the PIN a customer keys into the IVR, 6 to 12 digits. It is asked for twice, or read as one line from standard input.

    For customers in the service's own tables (`[crm] connector = "own"`); a customer system of yours keeps its PINs itself.
    """
    run(lambda: _pin(code, remove, config))


async def _pin(code: str, remove: bool, config: "Config") -> int:
    from cti import settings
    from cti.errors import RequestError
    from cti.store import schema
    from cti.store.database import Database

    given = settings.load(config)
    if given.crm.connector != "own":
        raise RequestError(f"customers' PINs are in the customer system ({given.crm.connector}); set them there")
    url = given.database.url.get_secret_value()
    await schema.make_ready(url)
    database = Database(url)
    try:
        return await (_removed if remove else _set)(database, code)
    finally:
        await database.close()


async def _set(database: "Database", code: str) -> int:
    from datetime import UTC, datetime

    from cti.crm.pin import hash_pin
    from cti.store.customers import set_pin

    customer = await _customer(database, code)
    await set_pin(database, customer, hash_pin(_typed_pin(), code=code), at=datetime.now(UTC))
    say(f"the PIN of customer {customer} is set")
    return DONE


async def _removed(database: "Database", code: str) -> int:
    from cti.store.customers import remove_pin

    customer = await _customer(database, code)
    had_one = await remove_pin(database, customer)
    say(f"customer {customer} has no PIN any more" if had_one else f"customer {customer} had no PIN")
    return DONE


async def _customer(database: "Database", code: str) -> str:
    from cti.errors import Conflict, NotFound
    from cti.store.customers import customers_with_code

    found = await customers_with_code(database, code)
    if not found:
        raise NotFound(f"there is no customer with the code {code}")
    if len(found) > 1:
        raise Conflict(f"the code {code} is that of several customers: {', '.join(found)}")
    return found[0]


def _typed_pin() -> str:
    from cti.errors import RequestError

    if not sys.stdin.isatty():
        return sys.stdin.readline().strip()
    typed = getpass.getpass("PIN: ")
    if getpass.getpass("The same again: ") != typed:
        raise RequestError("the two are not the same; nothing is changed")
    return typed
