"""``cti crm lookup NUMBER``: ask the customer system as a call would, and see why."""

from typing import Annotated

import typer

from cti.cli import DONE, FAILED, AsJson, Config, crm_verbs, run, say


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
            contact = match.contact
            say(f"{contact.name or contact.company or '-'}  code {contact.code or '-'}  by {match.by}: {match.value}")
        say(f"{len(answer.matches)} found in {answer.source}, {took_ms:.0f} ms")
    else:
        say(f"{type(answer).__name__.lower()}: {answer.reason} ({took_ms:.0f} ms)")
    return FAILED if isinstance(answer, Unavailable) else DONE
