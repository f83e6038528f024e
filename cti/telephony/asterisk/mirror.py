"""What the PBX has now: channels, bridges, who called whom; and which channels make one conversation.

The mirror only believes and remembers. ``translate`` writes into it, one small function per AMI event; ``story.py``
reads off it what a call has become.

Which channels make one conversation: a channel belongs where its Linkedid belongs; where the channel belongs that called
it; where the others in its bridge belong (the older conversation wins, as in Asterisk); and a phone that calls out while
it has a customer on hold is consulting for that customer. Two legs of a SIP attended transfer (REFER with Replaces) share
no Linkedid at all; only the AttendedTransfer event ties them.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from cti.calls.call import Call, CallId, LegId, LegState, Recording, Role, TransferKind
from cti.telephony.asterisk.endpoints import Endpoints, is_local, other_half

DOWN: Final = 0
CALLING: Final = 4
RINGING: Final = 5
UP: Final = 6
"""ChannelState, as in include/asterisk/channelstate.h."""


@dataclass(slots=True, eq=False)
class Channel:
    id: LegId
    name: str
    device: str
    conversation: "Conversation"
    created_at: datetime
    state: int = DOWN
    number: str = ""
    caller_name: str = ""
    exten: str = ""
    bridge: str = ""
    called_by: "Channel | None" = None
    """Whose Dial or Queue made it; a Local channel's half, where one lies between."""
    member: str = ""
    """The queue's name for the agent, where a queue offered the call."""
    dialled: str = ""
    """The digits it was called with."""
    role: Role | None = None
    rings: bool = False
    has_held: bool = False
    is_gone: bool = False
    was_with: frozenset[LegId] = frozenset()
    """Whom it has spoken with so far."""
    why: str = ""
    """Why its Dial ended, or it was hung up."""
    where_to: str = ""
    is_called: bool = False
    """Somebody's Dial, Queue or Originate rings it, as the PBX said or a snapshot implies."""
    queue: str = ""
    """Where an agent's second channel waits for a colleague."""
    consults: bool = False
    """An agent's second channel, with which the agent consults: plumbing, as the agent is in the call already."""

    is_held_by_pbx: bool = False
    """``has_held``, and not by itself."""
    is_ours: bool = False
    """We make it ring, to call somebody for its agent."""
    fetches: bool = False
    """We make it ring, to take a parked call: no call of its own."""

    is_real: bool = field(init=False)
    """A phone's or trunk's channel, not plumbing inside the PBX."""

    def __post_init__(self) -> None:
        self.is_real = not is_local(self.name)

    @property
    def is_party(self) -> bool:
        return self.is_real and not self.consults

    @property
    def is_up(self) -> bool:
        return self.state == UP and not self.is_gone


@dataclass(frozen=True, slots=True)
class SeenTransfer:
    kind: TransferKind
    by: LegId
    to: str
    target: LegId | None
    at: datetime


@dataclass(slots=True, eq=False)
class Conversation:
    """Channels that belong to one call of a customer."""

    id: CallId
    root: LegId
    """The Linkedid it began with: the channel that started it."""
    began_at: datetime
    channels: dict[LegId, Channel] = field(default_factory=dict)
    """All it ever had, in the order they appeared."""
    parties: list[Channel] = field(default_factory=list)
    """Those of them that are somebody's part in the call."""
    aliases: set[LegId] = field(default_factory=set)
    """Every Uniqueid and Linkedid that leads here."""
    queue: str = ""
    position: int = 0
    is_waiting: bool = False
    waits_on: LegId | None = None
    """The channel that waits in the queue."""
    joined_at: datetime | None = None
    """When it began to wait."""
    is_picked_up: bool = False
    left_at: datetime | None = None
    """It left its queue then, unanswered."""
    left_why: str = ""
    has_abandoned: bool = False
    parked_in: str = ""
    recording: Recording = Recording.OFF
    recorded: LegId | None = None
    """The channel that is."""
    held: frozenset[LegId] = frozenset()
    """Who had the customer on hold when the service stopped."""
    keys: dict[str, str] = field(default_factory=dict)
    transfers: list[SeenTransfer] = field(default_factory=list)
    hung_up_by: LegId | None = None
    is_stopped: bool = False
    """The PBX hangs everybody up because it stops."""
    is_told: bool = False
    is_over: bool = False

    @property
    def origin(self) -> Channel | None:
        """Who began it: the channel it is named after or, where that is plumbing, the first that is anybody's phone."""
        root = self.channels.get(self.root)
        if root is not None and root.is_party:
            return root
        return next(iter(self.parties), None)


class Mirror:
    """One PBX's channels and bridges. Everything is keyed by Uniqueid; the PBX's name keeps PBXs apart."""

    MOST_GRAVES: Final = 10_000
    MOST_INTENDED: Final = 1_000

    def __init__(self, pbx: str, endpoints: Endpoints) -> None:
        self.pbx = pbx
        self.endpoints = endpoints
        self.channels: dict[LegId, Channel] = {}
        self.by_name: dict[str, Channel] = {}
        self.of_device: dict[str, dict[LegId, Channel]] = {}
        """The channels each phone or trunk has now."""
        self.handed_on_by: dict[str, dict[LegId, Channel]] = {}
        """Device -> its channels that handed a call on, gone or not, in that order."""
        self._parked: dict[str, Conversation] = {}
        """Parking space -> who was put there last."""
        self.bridges: dict[str, set[LegId]] = {}
        self.shared_bridges: set[str] = set()
        """Bridges in which strangers meet: parking, conferences, holding."""
        self.members: set[str] = set()
        """Devices that are some queue's members."""
        self.moved: set[LegId] = set()
        """Channels that entered or left a bridge since the lists were asked for: of these a list may be out of date."""
        self.intended: dict[LegId, str] = {}
        """What a channel that is about to be made for us will call."""
        self.left: set[LegId] = set()
        """The same of those who left a queue."""
        self.held: set[LegId] = set()
        """The same of those who were told to hold, or to hold no more."""
        self._home: dict[LegId, Conversation] = {}
        self._graves: dict[LegId, None] = {}

    # ---- conversations

    def restore(self, call: Call) -> None:
        """A call that was live when the service stopped; the first snapshot says which of its channels still are."""
        root = call.legs[0].party.leg if call.legs else LegId("")
        conversation = Conversation(
            call.id, root, call.offered_at, is_told=True, queue=call.queue, is_waiting=call.is_waiting,
            recording=call.recording, parked_in=call.parked_in, recorded=_recorded(call),
            held=frozenset(leg.party.leg for leg in call.live_legs() if leg.state is LegState.HELD and not leg.consult),
        )  # fmt: skip
        conversation.keys = dict(call.keys)
        for leg in call.live_legs():
            self._lead(leg.party.leg, conversation)
        if call.parked_in:
            self.park(conversation, call.parked_in)

    def conversation_of(self, leg: LegId) -> Conversation | None:
        return self._home.get(leg)

    @property
    def conversations(self) -> list[Conversation]:
        return list({id(known): known for known in self._home.values()}.values())

    def merge(self, one: Conversation, other: Conversation) -> tuple[Conversation, Conversation]:
        """Make one of two: ``(the one that stays, the one that is no more)``. The older stays, and one that is over never does."""
        stays, goes = sorted((one, other), key=lambda known: (known.is_over, not known.is_told, known.began_at))
        for leg in goes.aliases:
            self._lead(leg, stays)
        for channel in goes.channels.values():
            channel.conversation = stays
        merged = sorted((stays.channels | goes.channels).values(), key=lambda channel: channel.created_at)
        stays.channels = {channel.id: channel for channel in merged}
        stays.parties = [channel for channel in merged if channel.is_party]
        stays.transfers.extend(goes.transfers)
        if goes.recording is not Recording.OFF:
            stays.recording, stays.recorded = goes.recording, goes.recorded
        stays.keys = goes.keys | stays.keys
        goes.channels, goes.parties, goes.parked_in = {}, [], ""
        return stays, goes

    def forget(self, conversation: Conversation) -> None:
        """It is over and its channels are gone."""
        for leg in conversation.aliases:
            if self._home.get(leg) is conversation:
                del self._home[leg]
        for transfer in conversation.transfers:
            by = conversation.channels.get(transfer.by)
            if by is not None:
                _drop(self.handed_on_by, by)
        conversation.channels, conversation.parties = {}, []  # they know it, too: a circle is garbage for long

    def hand_on(self, conversation: Conversation, transfer: SeenTransfer) -> None:
        """Told twice, it was once."""
        if any((known.by, known.at) == (transfer.by, transfer.at) for known in conversation.transfers):
            return
        conversation.transfers.append(transfer)
        by = conversation.channels.get(transfer.by)
        if by is not None:
            handed = self.handed_on_by.setdefault(by.device, {})
            handed.pop(by.id, None)
            handed[by.id] = by

    def park(self, conversation: Conversation, space: str) -> None:
        conversation.parked_in = space
        self._parked[space] = conversation

    def is_parked(self, space: str) -> bool:
        known = self._parked.get(space)
        return known is not None and known.parked_in == space and not known.is_over

    def _lead(self, leg: LegId, conversation: Conversation) -> None:
        self._home[leg] = conversation
        conversation.aliases.add(leg)

    # ---- channels

    def intends(self, leg: LegId, exten: str) -> None:
        self.intended[leg] = exten
        if len(self.intended) > self.MOST_INTENDED:  # phones that do not exist never get a channel
            del self.intended[next(iter(self.intended))]

    def add(self, leg: LegId, name: str, linked: LegId, at: datetime) -> Channel | None:
        """A channel the PBX reports. None for one that is known by another name, or is in its grave."""
        known = self.channels.get(leg)
        if known:
            return known if known.name == name else None
        if leg in self._graves:
            return None
        conversation = self._home.get(leg) or self._home.get(linked) or self._begin(linked, at)
        channel = Channel(leg, name, _device(name), conversation, at)
        self._lead(leg, conversation)
        self._lead(linked, conversation)
        conversation.channels[leg] = channel
        if channel.is_real:
            conversation.parties.append(channel)
        self.channels[leg] = channel
        self.by_name[name] = channel
        self.of_device.setdefault(channel.device, {})[leg] = channel
        return channel

    def _begin(self, linked: LegId, at: datetime) -> Conversation:
        return Conversation(CallId(f"{self.pbx}-{linked}"), linked, at)

    def bury(self, channel: Channel) -> None:
        """It is hung up. Its id is never used again, so late news of it is refused."""
        channel.is_gone = True
        self.leave_bridge(channel)
        self.channels.pop(channel.id, None)
        self.by_name.pop(channel.name, None)
        _drop(self.of_device, channel)
        self.dig(channel.id)

    def dig(self, leg: LegId) -> None:
        """That channel is gone, whether it was ever known or not: a list may still have it."""
        for of_the_living in (self.moved, self.left, self.held):
            of_the_living.discard(leg)
        self._graves[leg] = None
        if len(self._graves) > self.MOST_GRAVES:
            self._graves.pop(next(iter(self._graves)))

    def begin_sync(self) -> None:
        """The lists are asked for now."""
        self.moved.clear()
        self.left.clear()
        self.held.clear()

    def clear(self) -> None:
        """The PBX has restarted: nothing of before exists."""
        self.__init__(self.pbx, self.endpoints)  # type: ignore[misc]

    # ---- bridges

    def enter_bridge(self, channel: Channel, bridge: str) -> None:
        self.leave_bridge(channel)
        channel.bridge = bridge
        self.bridges.setdefault(bridge, set()).add(channel.id)

    def leave_bridge(self, channel: Channel) -> None:
        inside = self.bridges.get(channel.bridge)
        if inside is not None:
            inside.discard(channel.id)
            if not inside:
                del self.bridges[channel.bridge]
        channel.bridge = ""

    def in_bridge(self, bridge: str) -> list[Channel]:
        inside = self.bridges.get(bridge) if bridge else None
        return [self.channels[leg] for leg in inside if leg in self.channels] if inside else []

    def hears(self, channel: Channel) -> set[LegId]:
        """Everyone whom ``channel`` can speak with now: through its bridge, and through Local channels into others."""
        if channel.is_real and not channel.bridge:
            return {channel.id}
        reached: set[LegId] = set()
        waiting = [channel]
        while waiting:
            current = waiting.pop()
            if current.id in reached:
                continue
            reached.add(current.id)
            if current.bridge not in self.shared_bridges:
                waiting.extend(self.in_bridge(current.bridge))
            if not current.is_real and (other := self.by_name.get(other_half(current.name))):
                waiting.append(other)
        return reached

    def is_agents(self, channel: Channel) -> bool:
        return bool(channel.member) or channel.device in self.members or self.endpoints.is_agent(channel.device)

    def caller_of(self, channel: Channel) -> Channel | None:
        """Whose phone or trunk had ``channel`` called, seen through the Local channels between."""
        seen: set[LegId] = set()
        caller = channel.called_by
        while caller is not None and is_local(caller.name) and caller.id not in seen:
            seen.add(caller.id)
            half = self._half(caller)
            caller = caller.called_by or (half.called_by if half else None)
        return caller

    def _half(self, channel: Channel) -> Channel | None:
        name = other_half(channel.name)
        return next((known for known in channel.conversation.channels.values() if known.name == name), None)


def _drop(by_device: dict[str, dict[LegId, Channel]], channel: Channel) -> None:
    known = by_device.get(channel.device)
    if known is not None:
        known.pop(channel.id, None)
        if not known:
            del by_device[channel.device]


def _recorded(call: Call) -> LegId | None:
    """Recordings run on the customer's channel."""
    customers = (leg.party.leg for leg in call.live_legs() if leg.party.role is Role.CUSTOMER)
    return next(customers, None) if call.recording is not Recording.OFF else None


def _device(name: str) -> str:
    return name.rpartition("-")[0] or name
