"""What no single value can be blamed for: values that are right alone and wrong together."""

from collections.abc import Iterator, Sequence
from typing import Final, get_args

from cti.settings.keys import KeyPath
from cti.settings.model import Settings
from cti.settings.spelling import did_you_mean
from cti.settings.values import Role

MAX_RESULTS: Final = 15
"""More than an agent can read at a glance is more than an agent picks rightly from."""

Finding = tuple[KeyPath, str]


def contradictions(settings: Settings) -> Iterator[Finding]:
    """Where each stands, and what is wrong."""
    yield from _of_one_process(settings)
    yield from _of_several_processes(settings)
    yield from _second_ones(("pbx",), [pbx.name for pbx in settings.pbx], "one named")
    yield from _second_ones(("agents",), [account.id for account in settings.agents], "one named")
    yield from _pbx_names_alike(settings)
    yield from _of_results(settings)
    yield from _of_crm(settings)
    yield from _of_ivr(settings)


def _of_one_process(settings: Settings) -> Iterator[Finding]:
    if settings.web.port == settings.push.port:
        yield ("push", "port"), f"{settings.push.port} is web.port already"
    if settings.ivr.port in {settings.web.port, settings.push.port}:
        yield ("ivr", "port"), f"{settings.ivr.port} is the port of web or push already"


def _of_several_processes(settings: Settings) -> Iterator[Finding]:
    """A reader of the PBXs alone, others in front of the desktops: what they share is in PostgreSQL, and told over Redis."""
    roles = set(settings.roles)
    if roles == set(get_args(Role)):
        return
    if ("pbx" in roles and roles != {"pbx"}) or not roles:
        yield ("roles",), "pbx goes alone, or with both push and web; push and web go together, or each alone"
    if roles == {"pbx"} and not settings.pbx:
        yield ("roles",), "pbx has no [[pbx]] to read"
    if settings.database.url.get_secret_value().startswith("sqlite"):
        yield ("database", "url"), "several processes share a PostgreSQL: postgresql://cti@localhost/cti"
    if not settings.redis.url.get_secret_value():
        yield ("redis", "url"), "is missing: several processes tell each other by it, redis://localhost:6379/0"


def _second_ones(path: KeyPath, names: Sequence[str], what: str) -> Iterator[Finding]:
    yield from (((*path, i), f"a second {what} {name}") for i, name in enumerate(names) if name in names[:i])


def _pbx_names_alike(settings: Settings) -> Iterator[Finding]:
    """A call's id is its PBX's name, a dash and Asterisk's own id, which may begin with a systemname and a dash."""
    for i, pbx in enumerate(settings.pbx):
        for other in settings.pbx:
            if pbx.name.startswith(f"{other.name}-"):
                words = f"begins like {other.name}: with a systemname in Asterisk, their calls could have one id"
                yield ("pbx", i, "name"), words


def _of_results(settings: Settings) -> Iterator[Finding]:
    for queue, codes in settings.results.items():
        if len(codes) > MAX_RESULTS:
            yield ("results", queue), f"{len(codes)} results; agents pick well from at most {MAX_RESULTS}"
        if queue != "default" and queue not in settings.queues:
            yield ("results", queue), f"no such queue in [queues]{did_you_mean(queue, settings.queues)}"
        yield from _second_ones(("results", queue), [code.code for code in codes], "result")


def _of_crm(settings: Settings) -> Iterator[Finding]:
    mapping = settings.crm.mapping
    if settings.crm.connector == "sql" and mapping is None:
        example = "config/crm/example-sql.toml"
        yield ("crm", "mapping"), f"is missing: the connector sql needs a mapping file, such as {example}"
    if mapping is not None and not mapping.exists():
        yield ("crm", "mapping"), f"no such file: {mapping}"


def _of_ivr(settings: Settings) -> Iterator[Finding]:
    """A line that leads to a flow which nobody asks for would be found by nobody. Readers of the PBXs answer."""
    is_wanted = "pbx" in settings.roles and (settings.ivr.flow or any(settings.ivr.lines.values()))
    if is_wanted and settings.pbx and not any(pbx.fastagi_secret.get_secret_value() for pbx in settings.pbx):
        words = "no PBX can ask for a flow: give [[pbx]] the fastagi_secret that `cti init asterisk` made"
        yield ("ivr", "lines" if settings.ivr.lines else "flow"), words
