"""What has been told of a call, what the PBX shows now -> the events that tell the difference.

Events are not translated one by one: AMI promises no order between channels, repeats itself, and forgets to say things
while we are away. So the mirror is read anew after each message, and whatever differs from what was told is told. Telling
twice what is already known yields nothing; a snapshot after a lost connection is told in the same way as live news.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cti.calls.call import Call, CallState, Direction, Leg, LegState, Party, PbxName, Role
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


@dataclass(frozen=True, slots=True)
class Storyteller:
    """Reads one conversation off the mirror. Holds nothing of its own."""

    mirror: Mirror

    def news(self, seen: Conversation, told: Call | None, at: datetime) -> CallEvent | None:
        """The next event to tell, or None when all is told. Asked again after each, with what is told by then."""
        if seen.is_over:
            return None
        if told is None:
            return self._offered(seen)
        return next(self._differences(seen, told, at), None)

    # ---- the beginning

    def _offered(self, seen: Conversation) -> Offered | None:
        origin = seen.origin
        if origin is None or not self._is_begun(seen, origin):
            return None
        direction = self._direction(seen, origin)
        return Offered(
            call=seen.id, at=seen.began_at, pbx=PbxName(self.mirror.pbx), direction=direction, keys=tuple(seen.keys.items()),
            ani=self._ani(origin, direction), ani_name=origin.caller_name, dnis=self._dnis(seen, origin), party=self._party(seen, origin),
        )  # fmt: skip

    def _is_begun(self, seen: Conversation, origin: Channel) -> bool:
        """A trunk's call is one at once. What an agent's phone begins may turn out to be a pickup, the fetching of a parked
        call or a consultation, so it is told when it calls somebody, waits in a queue, speaks, or ends. Of a phone that we make
        ring we know what it is for."""
        if self._role(seen, origin) is Role.CUSTOMER and not origin.is_gone:
            return origin.state != DOWN or len(seen.parties()) > 1
        if origin.is_ours:
            return not origin.fetches or bool(origin.was_with)
        others = [other for other in seen.parties() if other is not origin]
        return bool(others) or seen.is_waiting or origin.state == RINGING or bool(origin.was_with) or origin.is_gone

    def _direction(self, seen: Conversation, origin: Channel) -> Direction:
        if self._role(seen, origin) is Role.CUSTOMER:
            return Direction.INBOUND if origin.state == CALLING or not origin.rings else Direction.OUTBOUND
        called = [other for other in seen.parties() if other is not origin]
        if called:
            outside = any(not self.mirror.is_agents(other) for other in called)
            return Direction.OUTBOUND if outside else Direction.INTERNAL
        dialled = self._dnis(seen, origin)
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

    def _dnis(self, seen: Conversation, origin: Channel) -> str:
        if origin.exten or origin.dialled:
            return origin.exten or origin.dialled
        return next((other.dialled for other in seen.parties() if other is not origin and other.dialled), "")

    # ---- what is new

    def _differences(self, seen: Conversation, told: Call, at: datetime) -> Iterator[CallEvent]:
        yield from self._information(seen, told, at)
        yield from self._transfers(seen, told)
        yield from self._parking(seen, told, at)
        yield from self._queue(seen, told, at)
        yield from self._gone(seen, told, at)
        if self._has_ended(seen, told):
            yield from self._leave(told, at)
            yield self._end(seen, told, at)
            return
        yield from self._phones(seen, told, at)
        yield from self._holds(seen, told, at)
        if seen.recording is not told.recording:
            yield RecordingChanged(call=told.id, at=at, recording=seen.recording)

    def _information(self, seen: Conversation, told: Call, at: datetime) -> Iterator[CallEvent]:
        origin = seen.origin
        if origin is None or (told.answered_at is not None and dict(told.keys) == seen.keys):
            return
        direction = told.direction
        if direction is not Direction.INBOUND:
            direction = self._direction(seen, origin) if told.answered_at is None else direction
        ani, name = self._ani(origin, direction) or told.ani, origin.caller_name or told.ani_name
        dnis = told.dnis or self._dnis(seen, origin)
        if told.direction is not Direction.INBOUND and told.answered_at is None:
            dnis = origin.exten or dnis  # an Originate's phone goes to the number it calls once it is picked up
        if (direction, ani, dnis, seen.keys) != (told.direction, told.ani, told.dnis, dict(told.keys)):
            yield CallInformation(
                call=told.id, at=at, direction=direction, ani=ani, ani_name=name, dnis=dnis, keys=tuple(seen.keys.items()),
            )  # fmt: skip

    def _transfers(self, seen: Conversation, told: Call) -> Iterator[CallEvent]:
        for transfer in seen.transfers[len(told.transfers) :]:
            by = told.leg(transfer.by)
            target = seen.channels.get(transfer.target) if transfer.target else None
            yield Transferred(
                call=told.id, at=transfer.at, kind=transfer.kind, to_number=transfer.to,
                by=by.party if by else self._party(seen, seen.channels[transfer.by]),
                to=self._party(seen, target) if target else None,
            )  # fmt: skip

    def _parking(self, seen: Conversation, told: Call, at: datetime) -> Iterator[CallEvent]:
        if seen.parked_in and told.state is not CallState.PARKED:
            yield Diverted(call=told.id, at=at, cause="parked", to=seen.parked_in)

    def _queue(self, seen: Conversation, told: Call, at: datetime) -> Iterator[CallEvent]:
        if seen.is_waiting and not (told.is_waiting and told.queue == seen.queue):
            yield Queued(call=told.id, at=seen.joined_at or at, queue=seen.queue, position=seen.position)
        if seen.left_at is not None and told.is_waiting and not seen.is_waiting:
            yield Diverted(call=told.id, at=seen.left_at, cause=seen.left_why or "left")

    def _gone(self, seen: Conversation, told: Call, at: datetime) -> Iterator[CallEvent]:
        for leg in told.live_legs():
            channel = seen.channels.get(leg.party.leg)
            if channel is not None and not self._is_out(channel):
                continue
            if self._is_the_calls_end(told, leg):
                continue
            if leg.state in _SPEAKING:
                yield ConnectionCleared(
                    call=told.id, at=at, party=leg.party, cause=channel.why if channel else "resync"
                )
                continue
            cause = self._cause(seen, told, channel)
            if leg is not told.legs[0] or (leg.state is LegState.RINGING and (channel is None or channel.state != UP)):
                yield Diverted(
                    call=told.id, at=at, party=leg.party, cause=cause, to=channel.where_to if channel else ""
                )

    def _is_the_calls_end(self, told: Call, leg: Leg) -> bool:
        if leg.party.role is not Role.CUSTOMER or (leg is not told.legs[0] and leg.state not in _SPEAKING):
            return False
        return not any(other.is_live and other.party.role is Role.CUSTOMER for other in told.legs if other is not leg)

    def _is_out(self, channel: Channel) -> bool:
        return channel.is_gone or (bool(channel.why) and not channel.is_up and channel.called_by is not None)

    def _cause(self, seen: Conversation, told: Call, channel: Channel | None) -> str:
        """Why a phone stopped ringing, or a channel ended. ``normal`` and ``cancelled`` are the PBX's word for several."""
        if channel is None:
            return "resync"
        if channel.why not in {"cancelled", "no_answer", "normal", ""} or channel.state == UP:
            return channel.why or "normal"
        if any(
            other.is_up and other.called_by is channel.called_by and other is not channel for other in seen.parties()
        ):
            return "answered_elsewhere" if channel.is_called else channel.why or "normal"
        origin = seen.origin
        if channel is origin:
            return "no_answer" if channel.rings else channel.why or "normal"
        if (
            channel.why == "cancelled"
            and channel.member
            and origin is not None
            and not origin.is_gone
            and told.is_waiting
        ):
            return "cancelled" if seen.hung_up_by == origin.id else "no_answer"
        return channel.why or "normal"

    def _phones(self, seen: Conversation, told: Call, at: datetime) -> Iterator[CallEvent]:
        with_customer = self._with_customer(seen)
        for channel in seen.parties():
            if self._is_out(channel):
                if told.leg(channel.id) is None and channel.is_called and channel.state != UP:  # refused before it rang
                    yield Diverted(call=told.id, at=at, party=self._party(seen, channel), cause=self._cause(seen, told, channel),
                                   to=channel.where_to)  # fmt: skip
                continue
            yield from self._phone(seen, told, at, channel, is_with_customer=channel.id in with_customer)

    def _phone(
        self, seen: Conversation, told: Call, at: datetime, channel: Channel, *, is_with_customer: bool
    ) -> Iterator[CallEvent]:
        leg = told.leg(channel.id)
        is_first = leg is not None and leg is told.legs[0]
        consult = self._is_consultation(seen, channel)
        if (
            self._rings(channel)
            and (channel.is_called or is_first)
            and (leg is None or leg.state is LegState.INITIATED)
        ):
            yield Delivered(call=told.id, at=at, party=self._party(seen, channel), consult=consult)
        elif is_first or not channel.is_up:
            return
        elif is_with_customer:
            yield from self._connected(seen, told, at, channel, leg)
        elif consult and (leg is None or leg.state in _UNANSWERED) and self._speaks(channel):
            yield Established(call=told.id, at=at, party=self._party(seen, channel), consult=True)

    def _speaks(self, channel: Channel) -> bool:
        heard = (self.mirror.channels.get(leg) for leg in self.mirror.hears(channel))
        return any(other is not None and other.is_real and other is not channel for other in heard)

    def _connected(
        self, seen: Conversation, told: Call, at: datetime, channel: Channel, leg: Leg | None
    ) -> Iterator[CallEvent]:
        party = self._party(seen, channel)
        if leg is None or leg.state in _UNANSWERED:
            yield Established(call=told.id, at=at, party=party)
        elif leg.consult and told.state is not CallState.PARKED and not self._was_transferring(told, leg):
            yield from self._joined(seen, told, at, channel)

    def _joined(self, seen: Conversation, told: Call, at: datetime, channel: Channel) -> Iterator[CallEvent]:
        """Someone who was consulted hears the customer now. With the consulting agent there, three speak. Without, it is a
        transfer in the making, which its own event tells a moment later; unless the agent is gone and nothing was told."""
        party, by = self._party(seen, channel), self.mirror.caller_of(channel)
        by = self._primary(seen, by) if by else None
        if by is not None and by.id in self._with_customer(seen):
            leg = told.leg(by.id)
            yield Conferenced(call=told.id, at=at, party=party, by=leg.party if leg else None)
        elif by is None or by.is_gone:
            yield Established(call=told.id, at=at, party=party)

    def _primary(self, seen: Conversation, channel: Channel) -> Channel:
        """The channel an agent has the customer on, where ``channel`` is the agent's second."""
        if not channel.consults:
            return channel
        return next((other for other in seen.parties() if other.device == channel.device), channel)

    def _was_transferring(self, told: Call, leg: Leg) -> bool:
        """Someone who handed the call on speaks to the customer a moment longer; nothing has come back."""
        return any(transfer.by == leg.party.leg for transfer in told.transfers)

    def _holds(self, seen: Conversation, told: Call, at: datetime) -> Iterator[CallEvent]:
        """Asterisk says Hold for a phone's re-INVITE and for a feature code alike; music on hold also plays in queues."""
        with_customer = self._with_customer(seen)
        for leg in told.live_legs():
            channel = seen.channels.get(leg.party.leg)
            if channel is None or leg.consult or leg.party.role is Role.CUSTOMER:
                continue
            if leg.state is LegState.CONNECTED and channel.has_held:
                yield Held(call=told.id, at=at, party=leg.party)
            elif leg.state is LegState.HELD and not channel.has_held and channel.id in with_customer:
                yield Retrieved(call=told.id, at=at, party=leg.party)

    def _leave(self, told: Call, at: datetime) -> Iterator[CallEvent]:
        """Who still speaks when the call ends. Asterisk lets either side go first; the story is the same."""
        for leg in told.live_legs():
            if leg.party.role is not Role.CUSTOMER and leg.state in _SPEAKING:
                yield ConnectionCleared(call=told.id, at=at, party=leg.party, cause="normal")

    def _end(self, seen: Conversation, told: Call, at: datetime) -> CallEvent:
        customer = next((leg for leg in reversed(told.legs) if leg.party.role is Role.CUSTOMER), None)
        channel = seen.channels.get(customer.party.leg) if customer else seen.origin
        cause = self._cause(seen, told, channel)
        return Cleared(call=told.id, at=at, cause=cause, ended_by=self._who_ended(seen))

    def _has_ended(self, seen: Conversation, told: Call) -> bool:
        live = [channel for channel in seen.parties() if not channel.is_gone]
        if not live:
            return True
        customers = [leg for leg in told.legs if leg.party.role is Role.CUSTOMER]
        is_gone = customers and all(
            (channel := seen.channels.get(leg.party.leg)) is None or channel.is_gone for leg in customers
        )
        return bool(is_gone) and (told.answered_at is not None or told.direction is Direction.INBOUND)

    def _who_ended(self, seen: Conversation) -> str:
        channel = seen.channels.get(seen.hung_up_by) if seen.hung_up_by else None
        return str(self._role(seen, channel)) if channel else "system"

    # ---- who is who

    def _with_customer(self, seen: Conversation) -> set[str]:
        anchor = self._anchor(seen)
        return set(self.mirror.hears(anchor)) if anchor else set()

    def _anchor(self, seen: Conversation) -> Channel | None:
        """Whom the others are connected to: the customer; among colleagues, the caller."""
        live = [channel for channel in seen.parties() if not channel.is_gone]
        customers = [channel for channel in live if self._role(seen, channel) is Role.CUSTOMER]
        origin = seen.origin
        if customers and origin is not None and self._role(seen, origin) is Role.AGENT and customers[0].is_up:
            return customers[0]
        if customers and origin in customers:
            return origin
        return origin if origin in live else next((channel for channel in live if channel.was_with), None)

    def _is_consultation(self, seen: Conversation, channel: Channel) -> bool:
        """Is this phone called by an agent, beside the customer?"""
        caller = self.mirror.caller_of(channel)
        if caller is None:
            return bool(channel.called_by) and any(other.was_with for other in seen.parties() if other is not channel)
        if caller.consults:
            return True
        return self._role(seen, caller) is Role.AGENT and any(leg != channel.id for leg in caller.was_with)

    def _rings(self, channel: Channel) -> bool:
        return channel.rings and not channel.is_up and channel.state != CALLING

    def _role(self, seen: Conversation, channel: Channel) -> Role:
        if channel.role is None:
            channel.role = self._new_role(seen, channel)
        return channel.role

    def _new_role(self, seen: Conversation, channel: Channel) -> Role:
        if self.mirror.is_agents(channel):
            return Role.AGENT
        others = [other for other in seen.parties() if other is not channel and other.role is Role.CUSTOMER]
        return Role.EXTERNAL if any(other.was_with or not other.is_gone for other in others) else Role.CUSTOMER

    def _party(self, seen: Conversation, channel: Channel) -> Party:
        role = self._role(seen, channel)
        phone = channel.device.rpartition("/")[2]
        number = phone if role is Role.AGENT and phone.isdigit() else channel.number
        if channel is not seen.origin and role is not Role.AGENT:
            number = channel.dialled or channel.number
        shows_another = (role is not Role.AGENT and channel is not seen.origin) or channel.caller_name.isdigit()
        return Party(
            leg=channel.id, role=role, number=number, name=channel.member or ("" if shows_another else channel.caller_name),
            channel=channel.name, device=channel.device, member=channel.member,
        )  # fmt: skip
