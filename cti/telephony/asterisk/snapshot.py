"""What CoreShowChannels says is true, while live events interleave.

An item brings a channel up to date or makes it known; who was known before the list was asked for and is not in it has
hung up unseen. A channel that live events brought meanwhile may be missing from the list and still live, and one that
they buried may still be in it: the mirror's graves keep that one out.
"""

from datetime import datetime, timedelta

from cti.calls.call import LegId
from cti.numbers import dialled_digits
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import dialled_exten, plain_text
from cti.telephony.asterisk.mirror import UP, Mirror


class Snapshot:
    def __init__(self, mirror: Mirror) -> None:
        self._mirror = mirror
        self._missing = set(mirror.channels)

    def listed(self, item: AmiMessage, at: datetime) -> None:
        leg, name = LegId(item.get("Uniqueid")), item.get("Channel")
        self._missing.discard(leg)
        is_new = leg not in self._mirror.channels
        born = at - timedelta(seconds=_seconds(item.get("Duration")))
        channel = self._mirror.add(leg, name, LegId(item.get("Linkedid") or leg), born)
        if channel is None:
            return
        if is_new:
            channel.number = dialled_digits(item.get("CallerIDNum"))
            channel.caller_name = plain_text(item.get("CallerIDName"))
            channel.exten = dialled_exten(item.get("Exten"))
        if item.get("ChannelState").isdigit() and channel.state != UP:
            channel.state = int(item.get("ChannelState"))
        for variable in item.get_all("ChanVariable"):
            key, _, value = variable.partition("=")
            for known, meaning in self._mirror.endpoints.keys:
                if known == key and value:
                    channel.conversation.keys[meaning] = plain_text(value)
        self._place(channel.id, item.get("BridgeId"))

    def _place(self, leg: LegId, bridge: str) -> None:
        channel = self._mirror.channels[leg]
        if bridge and channel.bridge != bridge:
            self._mirror.enter_bridge(channel, bridge)
        elif not bridge and channel.bridge:
            self._mirror.leave_bridge(channel)

    def complete(self) -> None:
        for leg in self._missing:
            channel = self._mirror.channels.get(leg)
            if channel:
                channel.why = "resync"
                self._mirror.bury(channel)


def _seconds(text: str) -> int:
    """``00:01:05`` -> 65; a duration that cannot be read is none."""
    parts = text.split(":")
    if not all(part.isdigit() for part in parts):
        return 0
    total = 0
    for part in parts:
        total = total * 60 + int(part)
    return total
