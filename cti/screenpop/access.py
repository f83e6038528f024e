"""Who may do what, over the socket and over REST: the one table. Default is no.

``own`` means: a call the agent's phone has or had a part in, a pop made for the agent, the agent's own draft.
"""

from collections.abc import Mapping
from enum import IntEnum, StrEnum
from typing import Final

from cti.agents.agent import AgentRole
from cti.errors import Forbidden


class Deed(StrEnum):
    # over the socket
    RECEIPT = "receipt"
    FOCUS = "focus"
    # over REST
    ME = "me"
    """The asker's own session: who am I, log out, a ticket, a new password."""
    CALL_SEE = "call_see"
    CALL_DIAL = "call_dial"
    """From one's own phone; there is no other way to ask."""
    CALL_CONTROL = "call_control"
    """Whatever the call's actions offer, with one's own leg."""
    CALL_FETCH = "call_fetch"
    """Fetch a parked call: anybody's, as with the phone."""
    CALL_CUSTOMER = "call_customer"
    """Say who the caller is, or is not."""
    INTERACTION_SEE = "interaction_see"
    INTERACTION_WRITE = "interaction_write"
    """Note and result."""
    DRAFT = "draft"
    CUSTOMER_SEE = "customer_see"
    CUSTOMER_WRITE = "customer_write"
    CALLBACK_SEE = "callback_see"
    """Own: those of one's own queues."""
    CALLBACK_WRITE = "callback_write"
    """Take, dial, close. Own: as above."""
    STATE_SET = "state_set"
    """Ready, not ready, log out, wrap-up."""
    STATE_SEE = "state_see"
    """Colleagues' states: whoever transfers must know who is free."""
    AGENT_SEE = "agent_see"
    AGENT_MANAGE = "agent_manage"
    FIGURES_SEE = "figures_see"


class Reach(IntEnum):
    NONE = 0
    OWN = 1
    ANY = 2


_N, _O, _A = Reach.NONE, Reach.OWN, Reach.ANY

TABLE: Final[Mapping[Deed, tuple[Reach, Reach, Reach]]] = {
    #                        agent supervisor admin
    Deed.RECEIPT:           (_O,   _O,        _O),
    Deed.FOCUS:             (_O,   _O,        _O),
    Deed.ME:                (_O,   _O,        _O),
    Deed.CALL_SEE:          (_O,   _A,        _A),
    Deed.CALL_DIAL:         (_O,   _O,        _O),
    Deed.CALL_CONTROL:      (_O,   _O,        _O),
    Deed.CALL_FETCH:        (_A,   _A,        _A),
    Deed.CALL_CUSTOMER:     (_O,   _A,        _A),
    Deed.INTERACTION_SEE:   (_O,   _A,        _A),
    Deed.INTERACTION_WRITE: (_O,   _A,        _A),
    Deed.DRAFT:             (_O,   _O,        _O),
    Deed.CUSTOMER_SEE:      (_A,   _A,        _A),
    Deed.CUSTOMER_WRITE:    (_A,   _A,        _A),
    Deed.CALLBACK_SEE:      (_O,   _A,        _A),
    Deed.CALLBACK_WRITE:    (_O,   _A,        _A),
    Deed.STATE_SET:         (_O,   _A,        _A),
    Deed.STATE_SEE:         (_A,   _A,        _A),
    Deed.AGENT_SEE:         (_A,   _A,        _A),
    Deed.AGENT_MANAGE:      (_N,   _N,        _A),
    Deed.FIGURES_SEE:       (_N,   _A,        _A),
}  # fmt: skip
_COLUMN: Final = {AgentRole.AGENT: 0, AgentRole.SUPERVISOR: 1, AgentRole.ADMIN: 2}


def reach(role: AgentRole, deed: Deed) -> Reach:
    return TABLE[deed][_COLUMN[role]]


def may(role: AgentRole, deed: Deed, *, own: bool) -> bool:
    return reach(role, deed) >= (Reach.OWN if own else Reach.ANY)


def require(role: AgentRole, deed: Deed, *, own: bool) -> None:
    """Raises ``Forbidden``; whoever catches it writes the audit line."""
    if not may(role, deed, own=own):
        raise Forbidden(f"the role {role.value} does not include this" + ("" if own else " for what is not one's own"))
