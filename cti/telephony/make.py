"""Settings of one PBX -> its link. The one place that says which kind of PBX there is."""

import re
from collections.abc import Callable

from cti.calls.call import PbxName
from cti.settings import Pbx, Site, Toll
from cti.telephony.asterisk.account import Account
from cti.telephony.asterisk.ami_link import AmiLink
from cti.telephony.asterisk.control import Control
from cti.telephony.asterisk.dialplan import Dialplan
from cti.telephony.asterisk.endpoints import Endpoints


def make_link(pbx: Pbx, site: Site, toll: Toll, *, may_act: Callable[[], bool] = lambda: True) -> AmiLink:
    name = PbxName(pbx.name)
    commands = Account(
        host=pbx.host, port=pbx.port, user=pbx.commands_user, secret=pbx.commands_secret.get_secret_value()
    )
    control = Control(name, commands, _dialplan(pbx, site, toll), may_act=may_act)
    return AmiLink(name, events_account(pbx), endpoints(pbx), control=control)


def events_account(pbx: Pbx) -> Account:
    return Account(host=pbx.host, port=pbx.port, user=pbx.events_user, secret=pbx.events_secret.get_secret_value())


def endpoints(pbx: Pbx) -> Endpoints:
    internal = "|".join(f"(?:{pattern})" for pattern in (pbx.internal_pattern, *pbx.local_patterns))
    return Endpoints(
        agents=re.compile(pbx.agent_pattern),
        trunks=re.compile(pbx.trunk_pattern) if pbx.trunk_pattern else None,
        internal=re.compile(internal),
        keys=tuple((variable, variable.removeprefix("CTI_").lower()) for variable in pbx.keys),
    )


def _dialplan(pbx: Pbx, site: Site, toll: Toll) -> Dialplan:
    return Dialplan(
        outgoing_context=pbx.outgoing_context,
        internal_context=pbx.internal_context,
        transfer_context=pbx.transfer_context,
        parking_context=pbx.parking_context,
        parking_pattern=pbx.parking_pattern,
        internal_pattern=pbx.internal_pattern,
        outgoing_trunk=pbx.outgoing_trunk,
        country=site.country,
        national=pbx.dial_format == "national",
        allowed_countries=frozenset(toll.allowed_countries),
        emergency_numbers=frozenset(toll.emergency_numbers),
    )
