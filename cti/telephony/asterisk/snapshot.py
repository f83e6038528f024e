"""What CoreShowChannels says is true, while live events interleave.

An item brings a channel up to date or makes it known; who was known before the list was asked for and is not in it has
hung up unseen. A channel that live events brought meanwhile may be missing from the list and still live, and one that
they buried may still be in it: the mirror's graves keep that one out. Bridges and queues that live events changed since
the lists were asked for are left as those have them: all events come, in time or late, and the last of them is true.
"""

from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import LegId
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.mirror import Channel, Conversation, Mirror
from cti.telephony.asterisk.records.stamps import made_at
from cti.telephony.asterisk.translate.bridges import meet
from cti.telephony.asterisk.translate.headers import read_headers
from cti.telephony.asterisk.translate.queues import wait

HOLDS: Final = "cti-hold"
"""The context in which a customer is who is on hold by the PBX (extensions_cti.conf)."""
_WAITS: Final = "waits "
_NONE: Final = frozenset[str]()
_APART: Final = timedelta(seconds=5)
"""The most that the time of a list is off: behind when we are, and early when it is that of the last event."""


class Snapshot:
    """One reading of the lists. A channel in none is gone, and whoever waited when it began and is in no queue's list has left.

    ``doubted``: what the look before missed. In a look in between, one in which all news is heard, only that is believed: of
    others the news is on its way, for Asterisk answers with lists that are ahead of its events. None: all is believed.
    """

    def __init__(self, mirror: Mirror, doubted: frozenset[str] | None = None) -> None:
        mirror.begin_sync()
        self._mirror = mirror
        self._doubted = doubted
        self.doubts: set[str] = set()
        """What is left for the next look: ids of channels, and who waited."""
        self._missing = set(mirror.channels)
        self._ahead: set[LegId] = set()
        """Channels of which the lists know more than the events so far."""
        self._waited = [known for known in mirror.conversations if known.is_waiting]
        self._entries: list[AmiMessage] | None = None
        self._hear_music: list[Channel] = []
        """Those whom the PBX itself keeps on hold."""

    def listed(self, item: AmiMessage, at: datetime) -> None:
        """A channel."""
        leg = LegId(item.get("Uniqueid"))
        self._missing.discard(leg)
        is_new = leg not in self._mirror.channels
        born = _born(leg, at - timedelta(seconds=_seconds(item.get("Duration"))))
        channel = self._mirror.add(leg, item.get("Channel"), LegId(item.get("Linkedid") or leg), born)
        if channel is None:
            return
        read_headers(self._mirror, channel, item, is_new=is_new)
        if is_new and not channel.conversation.is_told:  # whoever is listed first need not have begun it
            channel.conversation.began_at = min(channel.conversation.began_at, born)
        channel.is_called = True
        self._place(channel, item.get("BridgeId"))
        if is_new:
            self._ahead.add(leg)
            channel.has_held = leg in channel.conversation.held
        if item.get("Context") == HOLDS:
            self._hear_music.append(channel)

    def is_ahead(self, conversation: Conversation) -> bool:
        """Has what was listed so far changed it? Then it is half read."""
        return not self._ahead.isdisjoint(conversation.channels)

    def queued(self, entry: AmiMessage) -> None:
        """A caller in a queue. Kept until the channels are known."""
        self._entries = [*(self._entries or []), entry]

    def queues_are_listed(self) -> None:
        self._entries = self._entries or []

    def complete(self, at: datetime) -> None:
        for leg in self._missing:
            channel = self._mirror.channels.get(leg)
            if channel and self._is_believed(leg):
                channel.why = "resync"
                self._mirror.bury(channel)
        for bridge in list(self._mirror.bridges):
            for channel in self._mirror.in_bridge(bridge)[:1]:
                meet(self._mirror, channel)
        for channel in self._hear_music:
            self._held(channel)
        if self._entries is not None:
            self._settle_queues(self._entries, at)

    def _is_believed(self, missing: str) -> bool:
        if self._doubted is None or missing in self._doubted:
            return True
        self.doubts.add(missing)
        return False

    def _held(self, channel: Channel) -> None:
        """By whoever is alone with them."""
        holders = [other for other in self._mirror.in_bridge(channel.bridge) if other is not channel]
        if len(holders) == 1 and holders[0].id not in self._mirror.held:
            holders[0].has_held = holders[0].is_held_by_pbx = True

    def _settle_queues(self, entries: list[AmiMessage], at: datetime) -> None:
        current = [entry for entry in entries if entry.get("Uniqueid") not in self._mirror.left]
        waiting = {id(known) for entry in current if (known := wait(self._mirror, entry, at))}
        for conversation in self._waited:
            if id(conversation) not in waiting and conversation.is_waiting and self._is_believed(_waits(conversation)):
                conversation.is_waiting, conversation.left_at = False, at
                conversation.left_why = "resync"

    def _place(self, channel: Channel, bridge: str) -> None:
        if channel.id in self._mirror.moved:
            return
        if channel.bridge == bridge:
            return
        self._ahead.add(channel.id)
        if bridge:
            self._mirror.enter_bridge(channel, bridge)
        else:
            self._mirror.leave_bridge(channel)


def still_doubted(mirror: Mirror, doubts: frozenset[str]) -> frozenset[str]:
    """What no news has explained since: the channel is there still, they wait still."""
    if doubts.isdisjoint(mirror.channels) and not any(map(_is_wait, doubts)):
        return _NONE
    waiting = {_waits(one) for one in mirror.conversations if one.is_waiting}
    return frozenset(one for one in doubts if one in waiting or one in mirror.channels)


def _waits(conversation: Conversation) -> str:
    return f"{_WAITS}{conversation.id}"


def _is_wait(doubt: str) -> bool:
    return doubt.startswith(_WAITS)


def _born(leg: LegId, counted: datetime) -> datetime:
    """By the second in its id, where the PBX counts about as many since: where not, its clock was set or is not ours, or the id was
    given by hand."""
    made = made_at(leg)
    return made if made is not None and abs(made - counted) < _APART else counted


def _seconds(text: str) -> int:
    """``00:01:05`` -> 65; a duration that cannot be read is none."""
    parts = text.split(":")
    if not all(part.isdigit() for part in parts):
        return 0
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return total
