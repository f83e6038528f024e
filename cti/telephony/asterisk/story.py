"""What has been told of a call, what the PBX shows now -> the events that tell the difference.

Events are not translated one by one: AMI promises no order between channels, repeats itself, and forgets to say things
while we are away. So the mirror is read anew after each message, and whatever differs from what was told is told. Telling
twice what is already known yields nothing; a snapshot after a lost connection is told in the same way as live news.
"""

from datetime import datetime
from typing import Final

from cti.calls.call import Call, CallState, Direction, Leg, LegId, LegState, Party, PbxName, Role
from cti.calls.events import (
    CallEvent,
    CallInformation,
    Cleared,
    Conferenced,
    ConnectionCleared,
    Delivered,
    Diverted,
    Established,
    Held,
    Offered,
    Queued,
    RecordingChanged,
    Retrieved,
    Transferred,
)
from cti.telephony.asterisk.mirror import CALLING, DOWN, RINGING, UP, Channel, Conversation, Mirror

_UNANSWERED: Final = frozenset({LegState.INITIATED, LegState.RINGING})
_SPEAKING: Final = frozenset({LegState.CONNECTED, LegState.HELD})


def is_quiet(mirror: Mirror, seen: Conversation, told: Call) -> bool:
    """Is there certainly nothing to tell? After most messages there is not, and one look tells; where there may be something,
    there may still be nothing."""
    if seen.parked_in or seen.transfers or seen.recording is not told.recording or not _waits_as_told(seen, told):
        return False
    if (seen.keys or told.keys) and seen.keys != dict(told.keys):
        return False
    if told.answered_at is None and not _is_introduced(seen, told):
        return False
    known = 0
    for channel in seen.parties:
        leg = told.leg(channel.id)
        if _may_be_news(mirror, channel, leg):
            return False
        known += leg is not None
    return known == len(told.legs)


def _waits_as_told(seen: Conversation, told: Call) -> bool:
    if seen.is_waiting:
        return told.is_waiting and seen.queue == told.queue
    return seen.left_at is None or not told.is_waiting


def _is_introduced(seen: Conversation, told: Call) -> bool:
    root = seen.channels.get(seen.root)
    return (
        told.direction is Direction.INBOUND
        and root is not None
        and root.is_party
        and root.number == told.ani
        and bool(told.dnis)
    )


def _may_be_news(mirror: Mirror, channel: Channel, leg: Leg | None) -> bool:
    if channel.role is None or channel.is_gone or channel.why:
        return True
    if channel.state != UP:
        return channel.rings and (leg is None or leg.state is LegState.INITIATED)
    if leg is None or leg.state in _UNANSWERED:
        return len(mirror.bridges.get(channel.bridge, ())) > 1
    return leg.consult or channel.has_held is not (leg.state is LegState.HELD)


class Story:
    """One conversation as the mirror has it after a message. Holds what is looked up more than once; told, it is thrown away."""

    __slots__ = ("_heard", "mirror", "origin", "parties", "seen")

    def __init__(self, mirror: Mirror, seen: Conversation) -> None:
        self.mirror = mirror
        self.seen = seen
        self.parties = seen.parties
        self.origin = seen.origin
        self._heard: set[LegId] | None = None
        """Who can speak with the customer, once somebody asked."""

    def news(self, told: Call | None, at: datetime) -> CallEvent | None:
        """The next event to tell, or None when all is told. Asked again after each, with what is told by then."""
        if self.seen.is_over:
            return None
        if told is None:
            return self._offered()
        return (
            self._information(told, at)
            or self._transferred(told)
            or self._parked(told, at)
            or self._queue(told, at)
            or self._gone(told, at)
            or self._end(told, at)
            or self._phone(told, at)
            or self._hold(told, at)
            or self._recording(told, at)
        )

    # ---- the beginning

    def _offered(self) -> Offered | None:
        origin = self.origin
        if origin is None or not self._is_begun(origin):
            return None
        direction = self._direction(origin)
        return Offered(
            call=self.seen.id, at=self.seen.began_at, pbx=PbxName(self.mirror.pbx), direction=direction, keys=tuple(self.seen.keys.items()),
            ani=self._ani(origin, direction), ani_name=origin.caller_name, dnis=self._dnis(origin), party=self._party(origin),
        )  # fmt: skip

    def _is_begun(self, origin: Channel) -> bool:
        """A trunk's call is one at once. What an agent's phone begins may turn out to be a pickup, the fetching of a parked
        call or a consultation, so it is told when it calls somebody, waits in a queue, speaks, or ends. Of a phone that we make
        ring we know what it is for."""
        if self._role(origin) is Role.CUSTOMER and not origin.is_gone:
            return origin.state != DOWN or len(self.parties) > 1
        if origin.is_ours:
            return not origin.fetches or bool(origin.was_with)
        others = [other for other in self.parties if other is not origin]
        return (
            bool(others) or self.seen.is_waiting or origin.state == RINGING or bool(origin.was_with) or origin.is_gone
        )

    def _direction(self, origin: Channel) -> Direction:
        if self._role(origin) is Role.CUSTOMER:
            return Direction.INBOUND if origin.state == CALLING or not origin.rings else Direction.OUTBOUND
        called = [other for other in self.parties if other is not origin]
        if called:
            outside = any(not self.mirror.is_agents(other) for other in called)
            return Direction.OUTBOUND if outside else Direction.INTERNAL
        dialled = self._dnis(origin)
        return Direction.INTERNAL if dialled and self.mirror.endpoints.is_internal(dialled) else Direction.OUTBOUND

    def _ani(self, origin: Channel, direction: Direction) -> str:
        if direction is Direction.INBOUND:
            return origin.number
        if origin.role is Role.CUSTOMER:
            return ""  # the PBX itself calls the customer first, as a dialler does
        if self.mirror.endpoints.is_internal(origin.number):
            return origin.number
        phone = origin.device.rpartition("/")[2]  # an Originate shows the number it is about to call as the caller's
        return phone if phone.isdigit() else origin.number

    def _dnis(self, origin: Channel) -> str:
        if origin.exten or origin.dialled:
            return origin.exten or origin.dialled
        return next((other.dialled for other in self.parties if other is not origin and other.dialled), "")

    # ---- what is new: the first of each kind, or None

    def _has_other_keys(self, told: Call) -> bool:
        return bool(told.keys or self.seen.keys) and dict(told.keys) != self.seen.keys

    def _information(self, told: Call, at: datetime) -> CallEvent | None:
        origin = self.origin
        has_other_keys = self._has_other_keys(told)
        if origin is None or (told.answered_at is not None and not has_other_keys):
            return None
        direction = told.direction
        if direction is not Direction.INBOUND:
            direction = self._direction(origin) if told.answered_at is None else direction
        ani, name = self._ani(origin, direction) or told.ani, origin.caller_name or told.ani_name
        dnis = told.dnis or self._dnis(origin)
        if told.direction is not Direction.INBOUND and told.answered_at is None:
            dnis = origin.exten or dnis  # an Originate's phone goes to the number it calls once it is picked up
        if not has_other_keys and direction is told.direction and ani == told.ani and dnis == told.dnis:
            return None
        return CallInformation(
            call=told.id, at=at, direction=direction, ani=ani, ani_name=name, dnis=dnis, keys=tuple(self.seen.keys.items()),
        )  # fmt: skip

    def _transferred(self, told: Call) -> CallEvent | None:
        if len(self.seen.transfers) <= len(told.transfers):
            return None
        transfer = self.seen.transfers[len(told.transfers)]
        by = told.leg(transfer.by)
        target = self.seen.channels.get(transfer.target) if transfer.target else None
        return Transferred(
            call=told.id, at=transfer.at, kind=transfer.kind, to_number=transfer.to,
            by=by.party if by else self._party(self.seen.channels[transfer.by]),
            to=self._party(target) if target else None,
        )  # fmt: skip

    def _parked(self, told: Call, at: datetime) -> CallEvent | None:
        if not self.seen.parked_in or told.state is CallState.PARKED:
            return None
        return Diverted(call=told.id, at=at, cause="parked", to=self.seen.parked_in)

    def _queue(self, told: Call, at: datetime) -> CallEvent | None:
        seen = self.seen
        if seen.is_waiting and not (told.is_waiting and told.queue == seen.queue):
            return Queued(call=told.id, at=seen.joined_at or at, queue=seen.queue, position=seen.position)
        if seen.left_at is not None and told.is_waiting and not seen.is_waiting:
            return Diverted(call=told.id, at=seen.left_at, cause=seen.left_why or "left")
        return None

    def _gone(self, told: Call, at: datetime) -> CallEvent | None:
        for leg in told.legs:
            if leg.state is LegState.GONE:
                continue
            channel = self.seen.channels.get(leg.party.leg)
            is_out = channel is None or self._is_out(channel)
            if is_out and not self._is_the_calls_end(told, leg) and (left := self._left(told, at, leg, channel)):
                return left
        return None

    def _left(self, told: Call, at: datetime, leg: Leg, channel: Channel | None) -> CallEvent | None:
        if leg.state in _SPEAKING:
            return ConnectionCleared(call=told.id, at=at, party=leg.party, cause=channel.why if channel else "resync")
        cause = self._cause(told, channel)
        if leg is not told.legs[0] or (leg.state is LegState.RINGING and (channel is None or channel.state != UP)):
            return Diverted(call=told.id, at=at, party=leg.party, cause=cause, to=channel.where_to if channel else "")
        return None

    def _is_the_calls_end(self, told: Call, leg: Leg) -> bool:
        if leg.party.role is not Role.CUSTOMER or (leg is not told.legs[0] and leg.state not in _SPEAKING):
            return False
        return not any(other.is_live and other.party.role is Role.CUSTOMER for other in told.legs if other is not leg)

    def _is_out(self, channel: Channel) -> bool:
        return channel.is_gone or (bool(channel.why) and not channel.is_up and channel.called_by is not None)

    def _cause(self, told: Call, channel: Channel | None) -> str:
        """Why a phone stopped ringing, or a channel ended. ``normal`` and ``cancelled`` are the PBX's word for several."""
        if channel is None:
            return "resync"
        if channel.why not in {"cancelled", "no_answer", "normal", ""} or channel.state == UP:
            return channel.why or "normal"
        origin = self.origin
        beside = (other for other in self.parties if other is not channel and other is not origin and other.is_up)
        if any(other.called_by is channel.called_by for other in beside):
            return "answered_elsewhere" if channel.is_called else channel.why or "normal"
        if channel is origin or self._is_recalled(channel):
            return "no_answer" if channel.rings else channel.why or "normal"
        if (
            channel.why == "cancelled"
            and channel.member
            and origin is not None
            and not origin.is_gone
            and told.is_waiting
        ):
            return "cancelled" if self.seen.hung_up_by == origin.id else "no_answer"
        return channel.why or "normal"

    def _is_recalled(self, channel: Channel) -> bool:
        """Does a transfer that failed ring the phone it came from, and the customer waits still? No Dial tells how that ends."""
        if channel.called_by is not None or self.seen.hung_up_by is not None:
            return False
        gave = (self.seen.channels.get(transfer.by) for transfer in self.seen.transfers)
        return any(by is not None and by.device == channel.device for by in gave)

    def _phone(self, told: Call, at: datetime) -> CallEvent | None:
        for channel in self.parties:
            if channel.role is None and not channel.is_gone:
                self._role(channel)  # while it is known who was there when it came
        for channel in self.parties:
            if event := self._of_phone(told, at, channel, told.leg(channel.id)):
                return event
        return None

    def _of_phone(self, told: Call, at: datetime, channel: Channel, leg: Leg | None) -> CallEvent | None:
        if self._is_out(channel):
            if leg is None and channel.is_called and channel.state != UP:  # refused before it rang
                party, cause = self._party(channel), self._cause(told, channel)
                return Diverted(call=told.id, at=at, party=party, cause=cause, to=channel.where_to)
        elif channel.state == UP:
            if leg is None or leg is not told.legs[0]:
                return self._picked_up(told, at, channel, leg)
        elif self._rings(channel, leg, told):
            return Delivered(call=told.id, at=at, party=self._party(channel), consult=self._is_consultation(channel))
        return None

    def _rings(self, channel: Channel, leg: Leg | None, told: Call) -> bool:
        """Does it ring, and is not told yet to?"""
        if not channel.rings or channel.state == CALLING or not (leg is None or leg.state is LegState.INITIATED):
            return False
        return channel.is_called or (leg is not None and leg is told.legs[0])

    def _picked_up(self, told: Call, at: datetime, channel: Channel, leg: Leg | None) -> CallEvent | None:
        is_news = leg is None or leg.state in _UNANSWERED
        if not is_news and not (leg is not None and leg.consult):
            return None
        if channel.id in self._with_customer():
            if is_news:
                return Established(call=told.id, at=at, party=self._party(channel))
            if leg is not None and told.state is not CallState.PARKED and not self._was_transferring(told, leg):
                return self._joined(told, at, channel)
        elif is_news and self._is_consultation(channel) and self._speaks(channel):
            return Established(call=told.id, at=at, party=self._party(channel), consult=True)
        return None

    def _speaks(self, channel: Channel) -> bool:
        heard = (self.mirror.channels.get(leg) for leg in self.mirror.hears(channel))
        return any(other is not None and other.is_real and other is not channel for other in heard)

    def _joined(self, told: Call, at: datetime, channel: Channel) -> CallEvent | None:
        """Someone who was consulted hears the customer now. With the consulting agent there, three speak. Without, it is a
        transfer in the making, which its own event tells a moment later; unless the agent is gone and nothing was told."""
        party, by = self._party(channel), self.mirror.caller_of(channel)
        by = self._primary(by) if by else None
        if by is not None and by.id in self._with_customer():
            leg = told.leg(by.id)
            return Conferenced(call=told.id, at=at, party=party, by=leg.party if leg else None)
        return Established(call=told.id, at=at, party=party) if by is None or by.is_gone else None

    def _primary(self, channel: Channel) -> Channel:
        """The channel an agent has the customer on, where ``channel`` is the agent's second."""
        if not channel.consults:
            return channel
        return next((other for other in self.parties if other.device == channel.device), channel)

    def _was_transferring(self, told: Call, leg: Leg) -> bool:
        """Someone who handed the call on speaks to the customer a moment longer; nothing has come back."""
        return any(transfer.by == leg.party.leg for transfer in told.transfers)

    def _hold(self, told: Call, at: datetime) -> CallEvent | None:
        """Asterisk says Hold for a phone's re-INVITE and for a feature code alike; music on hold also plays in queues."""
        for leg in told.legs:
            if leg.state not in _SPEAKING or leg.consult or leg.party.role is Role.CUSTOMER:
                continue
            channel = self.seen.channels.get(leg.party.leg)
            if channel is None:
                continue
            if leg.state is LegState.CONNECTED and channel.has_held:
                return Held(call=told.id, at=at, party=leg.party)
            if leg.state is LegState.HELD and not channel.has_held and channel.id in self._with_customer():
                return Retrieved(call=told.id, at=at, party=leg.party)
        return None

    def _recording(self, told: Call, at: datetime) -> CallEvent | None:
        recording = self.seen.recording
        return None if recording is told.recording else RecordingChanged(call=told.id, at=at, recording=recording)

    def _end(self, told: Call, at: datetime) -> CallEvent | None:
        """Who still speaks leaves first. Asterisk lets either side go first; the story is the same."""
        if not self._has_ended(told):
            return None
        for leg in told.legs:
            if leg.party.role is not Role.CUSTOMER and leg.state in _SPEAKING:
                return ConnectionCleared(call=told.id, at=at, party=leg.party, cause="normal")
        customer = next((leg for leg in reversed(told.legs) if leg.party.role is Role.CUSTOMER), None)
        channel = self.seen.channels.get(customer.party.leg) if customer else self.origin
        cause = self._cause(told, channel)
        return Cleared(call=told.id, at=at, cause=cause, ended_by=self._who_ended())

    def _has_ended(self, told: Call) -> bool:
        if all(channel.is_gone for channel in self.parties):
            return True
        if told.answered_at is None and told.direction is not Direction.INBOUND:
            return False
        customers = [leg.party.leg for leg in told.legs if leg.party.role is Role.CUSTOMER]
        channels = [self.seen.channels.get(leg) for leg in customers]
        return bool(channels) and all(channel is None or channel.is_gone for channel in channels)

    def _who_ended(self) -> str:
        channel = self.seen.channels.get(self.seen.hung_up_by) if self.seen.hung_up_by else None
        return str(self._role(channel)) if channel else "system"

    # ---- who is who

    def _with_customer(self) -> set[LegId]:
        if self._heard is None:
            anchor = self._anchor()
            self._heard = self.mirror.hears(anchor) if anchor else set()
        return self._heard

    def _anchor(self) -> Channel | None:
        """Whom the others are connected to: the customer; among colleagues, the caller."""
        live = [channel for channel in self.parties if not channel.is_gone]
        customers = [channel for channel in live if self._role(channel) is Role.CUSTOMER]
        origin = self.origin
        if customers and origin is not None and self._role(origin) is Role.AGENT and customers[0].is_up:
            return customers[0]
        if customers and origin in customers:
            return origin
        return origin if origin in live else next((channel for channel in live if channel.was_with), None)

    def _is_consultation(self, channel: Channel) -> bool:
        """Is this phone called by an agent, beside the customer?"""
        caller = self.mirror.caller_of(channel)
        if caller is None:
            return bool(channel.called_by) and any(other.was_with for other in self.parties if other is not channel)
        if caller.consults:
            return True
        return self._role(caller) is Role.AGENT and any(leg != channel.id for leg in caller.was_with)

    def _role(self, channel: Channel) -> Role:
        if channel.role is None:
            channel.role = self._new_role(channel)
        return channel.role

    def _new_role(self, channel: Channel) -> Role:
        if self.mirror.is_agents(channel):
            return Role.AGENT
        others = [other for other in self.parties if other is not channel and other.role is Role.CUSTOMER]
        return Role.EXTERNAL if any(other.was_with or not other.is_gone for other in others) else Role.CUSTOMER

    def _party(self, channel: Channel) -> Party:
        role = self._role(channel)
        phone = channel.device.rpartition("/")[2]
        number = phone if role is Role.AGENT and phone.isdigit() else channel.number
        if channel is not self.origin and role is not Role.AGENT:
            number = channel.dialled or channel.number
        shows_another = (role is not Role.AGENT and channel is not self.origin) or channel.caller_name.isdigit()
        return Party(
            leg=channel.id, role=role, number=number, name=channel.member or ("" if shows_another else channel.caller_name),
            channel=channel.name, device=channel.device, member=channel.member,
        )  # fmt: skip
