"""The table of who may do what, spelt out a second time by hand: a change to it is a change here."""

import pytest

from cti.agents.agent import AgentRole
from cti.errors import Forbidden
from cti.screenpop.access import TABLE, Deed, may, require

A, S, D = AgentRole.AGENT, AgentRole.SUPERVISOR, AgentRole.ADMIN
EVERYONE = {A, S, D}
OWN = {
    **dict.fromkeys(Deed, EVERYONE),
    Deed.AGENT_MANAGE: {D},
    Deed.FIGURES_SEE: {S, D},
}
OTHERS: dict[Deed, set[AgentRole]] = {
    **{deed: set() for deed in Deed},
    Deed.CALL_SEE: {S, D},
    Deed.CALL_FETCH: EVERYONE,
    Deed.CALL_CUSTOMER: {S, D},
    Deed.INTERACTION_SEE: {S, D},
    Deed.INTERACTION_WRITE: {S, D},
    Deed.CUSTOMER_SEE: EVERYONE,
    Deed.CUSTOMER_WRITE: EVERYONE,
    Deed.CALLBACK_SEE: {S, D},
    Deed.CALLBACK_WRITE: {S, D},
    Deed.STATE_SET: {S, D},
    Deed.STATE_SEE: EVERYONE,
    Deed.AGENT_SEE: EVERYONE,
    Deed.AGENT_MANAGE: {D},
    Deed.FIGURES_SEE: {S, D},
}


@pytest.mark.parametrize("role", AgentRole)
@pytest.mark.parametrize("deed", Deed)
def test_44_ws_authz_matrix(role: AgentRole, deed: Deed) -> None:
    assert (role in OWN[deed], role in OTHERS[deed]) == (may(role, deed, own=True), may(role, deed, own=False))


def test_every_deed_stands_in_the_table() -> None:
    assert set(Deed) == set(TABLE)


def test_what_is_not_allowed_raises() -> None:
    with pytest.raises(Forbidden):
        require(A, Deed.CALL_SEE, own=False)
    require(A, Deed.CALL_SEE, own=True)
