"""Who is on the line with an agent's leg, read off the mirror: commands name the agent's own leg only."""

from cti.calls.call import LegId, Role
from cti.telephony.asterisk.kinds.kind import Ends
from cti.telephony.asterisk.mirror import Channel, Mirror


def ends_of(mirror: Mirror, channel: Channel) -> Ends:
    heard = [known for leg in mirror.hears(channel) if (known := mirror.channels.get(leg)) and known is not channel]
    others = sorted((known for known in heard if known.is_real), key=_customers_first)
    beside = [known for known in mirror.in_bridge(channel.bridge) if known is not channel]
    customer = _customer(channel)
    rest = (known for known in channel.conversation.channels.values() if not known.is_gone and known is not channel)
    return Ends(
        channel=channel.name,
        other=others[0].id if others else None,
        beside=beside[0].id if len(beside) == 1 else None,
        customer=customer,
        consulted=frozenset(known.id for known in rest if known.id != customer),
        consults_by_phone=any(
            known.consults and known.device == channel.device and not known.is_gone
            for known in channel.conversation.channels.values()
        ),
        is_held=channel.is_held_by_pbx,
        recorded=channel.conversation.recorded,
    )


def _customer(channel: Channel) -> LegId | None:
    """Whose call it is; among colleagues, whoever it has spoken with first."""
    parties = [party for party in channel.conversation.parties if party is not channel]
    customers = [party for party in parties if party.role is Role.CUSTOMER]
    known = customers or [party for party in parties if party.id in channel.was_with]
    return next((party.id for party in known if not party.is_gone), None)


def _customers_first(channel: Channel) -> bool:
    return channel.role is not Role.CUSTOMER
