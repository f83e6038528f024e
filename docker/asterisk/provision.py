# ruff: noqa: INP001 - a script of its own, in no package
"""Write the configuration of the Asterisk in compose.yaml: ``python provision.py FOLDER``.

What CTI needs comes from the product (``cti.telephony.asterisk.provision``, as ``cti init asterisk`` prints it and the tests run
it); ``etc/`` beside this file adds the least an Asterisk needs to start.
"""

import sys
from pathlib import Path
from typing import Final

from cti.telephony.asterisk.provision import FastAgi, InboundNumber, ProvisionOptions, QueuePlan, render

SECRETS: Final = Path("/run/secrets")
PHONES: Final = {"2001": "Ann", "2002": "Bob", "2003": "Cho", "2004": "Dee", "2005": "Eve", "2006": "Fay"}
QUEUES: Final = {"support": ("3001", "0800100100"), "sales": ("3002", "0800100200")}
INSIDE_NET: Final = "172.30.99.0/255.255.255.0"
CTI: Final = "172.30.99.10"


def options(events_secret: str, commands_secret: str, fastagi_secret: str) -> ProvisionOptions:
    return ProvisionOptions(
        events_secret=events_secret,
        commands_secret=commands_secret,
        fastagi=FastAgi(secret=fastagi_secret, host=CTI),
        queues=tuple(QueuePlan(name, extension) for name, (extension, _) in QUEUES.items()),
        inbound=tuple(InboundNumber(number, name) for name, (_, number) in QUEUES.items()),
        ami_bind="0.0.0.0",  # noqa: S104 - the port is not published, and only the inner net is permitted
        permit=(INSIDE_NET,),
    )


def files(given: ProvisionOptions, phone_password: str) -> dict[str, str]:
    """File name -> text: all of /etc/asterisk."""
    here = {path.name: path.read_text(encoding="utf-8") for path in Path(__file__).with_name("etc").glob("*.conf")}
    phones = "\n".join(_phone(number, name, phone_password) for number, name in PHONES.items())
    return here | {"pjsip.conf": here["pjsip.conf"] + phones} | render(given)


def _phone(number: str, name: str, password: str) -> str:
    return f"""
[{number}](cti-agent)
transport = udp
aors = {number}
auth = {number}
callerid = {name} <{number}>

[{number}]
type = auth
auth_type = digest
username = {number}
password = {password}

[{number}]
type = aor
max_contacts = 1
remove_existing = yes
"""


def _secret(name: str) -> str:
    return SECRETS.joinpath(name).read_text(encoding="utf-8").strip()


def main(folder: Path) -> None:
    given = options(_secret("events_secret"), _secret("commands_secret"), _secret("fastagi_secret"))
    for name, text in files(given, _secret("phone_password")).items():
        folder.joinpath(name).write_text(text, encoding="utf-8")  # the volume is these two containers' only


if __name__ == "__main__":
    main(Path(sys.argv[1]))
