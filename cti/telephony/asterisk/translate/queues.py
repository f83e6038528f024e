"""Waiting, being offered to agents, leaving."""

from datetime import datetime, timedelta

from cti.calls.call import LegId
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import is_local, plain_text
from cti.telephony.asterisk.mirror import Conversation, Mirror
from cti.telephony.asterisk.translate.dialling import pass_on_member
from cti.telephony.asterisk.translate.headers import NOTHING, Touched, channel_of, known_channel


def joined(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    channel = channel_of(mirror, message, at)
    if channel is None:
        return NOTHING
    mirror.left.discard(channel.id)
    if channel.consults:
        channel.queue = plain_text(message.get("Queue"))
        return (channel.conversation,)
    conversation = channel.conversation
    conversation.has_abandoned = False
    conversation.queue, conversation.is_waiting, conversation.left_at = plain_text(message.get("Queue")), True, None
    conversation.joined_at = at
    conversation.position = int(message.get("Position")) if message.get("Position").isdigit() else 0
    conversation.left_why, conversation.waits_on = "", channel.id
    return (conversation,)


def abandoned(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    channel = known_channel(mirror, message)
    if channel:
        channel.conversation.has_abandoned = True
    return NOTHING


def left(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    """Asterisk does not say why. Answered, where a phone it called is up; given up, where the far end has hung up; else
    out of time (or the queue ran empty), for which app_queue counts it as abandoned too (16 and 22: queue_timeout.ami), or by
    a key, for which it does not."""
    mirror.left.add(LegId(message.get("Uniqueid")))
    channel = known_channel(mirror, message)
    if channel is None:
        return NOTHING
    if channel.consults:
        channel.queue = ""
        return NOTHING
    conversation = channel.conversation
    answered = any(
        other.is_up and channel in (other.called_by, mirror.caller_of(other))
        for other in conversation.channels.values()
    )
    conversation.is_waiting = False
    if not answered and not conversation.is_picked_up and conversation.hung_up_by != channel.id:
        conversation.left_at = at
        conversation.left_why = "timeout" if conversation.has_abandoned else "key"
    return (conversation,)


def entry(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    conversation = wait(mirror, message, at)
    return (conversation,) if conversation else NOTHING


def wait(mirror: Mirror, entry: AmiMessage, at: datetime) -> Conversation | None:
    """A QueueEntry of QueueStatus: this channel waits, for so long already. None for a channel that is not known."""
    channel = mirror.channels.get(LegId(entry.get("Uniqueid")))
    if channel is None:
        return None
    conversation = channel.conversation
    if not conversation.is_waiting:
        waited_s = int(entry.get("Wait")) if entry.get("Wait").isdigit() else 0
        conversation.joined_at = max(conversation.began_at, at - timedelta(seconds=waited_s))
    conversation.queue, conversation.is_waiting, conversation.waits_on = (
        plain_text(entry.get("Queue")),
        True,
        channel.id,
    )
    conversation.position = int(entry.get("Position")) if entry.get("Position").isdigit() else 0
    return conversation


def agent_called(mirror: Mirror, message: AmiMessage, at: datetime) -> Touched:
    caller = channel_of(mirror, message, at)
    called = channel_of(mirror, message, at, "Dest")
    if called is None:
        return NOTHING
    called.is_called = True
    called.member = plain_text(message.get("MemberName")) or plain_text(message.get("Interface"))
    called.called_by = called.called_by or caller
    for channel in called.conversation.channels.values():
        if channel.called_by is not None and not channel.member:
            pass_on_member(channel)
    return (called.conversation,)


def member(mirror: Mirror, message: AmiMessage, _at: datetime) -> Touched:
    for header in ("StateInterface", "Interface", "Location"):
        device = message.get(header)
        if device and not is_local(device):
            mirror.members.add(device)
    return NOTHING
