"""The commands an Asterisk is given, one row for each kind, and the actions that may be sent for them."""

from collections.abc import Mapping
from typing import Any, Final

from cti.telephony.asterisk.kinds import of_calls, of_members
from cti.telephony.asterisk.kinds.kind import Form, Kind
from cti.telephony.commands import Command

KINDS: Final[Mapping[type[Command], Kind[Any]]] = {**of_calls.KINDS, **of_members.KINDS}
FORMS: Final[Mapping[str, Form]] = {**of_calls.FORMS, **of_members.FORMS}
