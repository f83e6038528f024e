"""The commands an Asterisk is given, one row for each kind, and the actions that may be sent for them."""

from collections.abc import Mapping
from typing import Any, Final

from cti.telephony.asterisk.kinds import asked_first, of_calls, of_members, of_talking, of_transfers
from cti.telephony.asterisk.kinds.kind import Form, Kind
from cti.telephony.commands import Command

KINDS: Final[Mapping[type[Command], Kind[Any]]] = {
    **of_calls.KINDS,
    **of_transfers.KINDS,
    **of_talking.KINDS,
    **of_members.KINDS,
}
FORMS: Final[Mapping[str, Form]] = {
    **asked_first.FORMS,
    **of_calls.FORMS,
    **of_transfers.FORMS,
    **of_talking.FORMS,
    **of_members.FORMS,
}
