"""What became of conversations, as changes of calls: their news since they were last told. Pure.

The narrator calls it, with the conversations that a message touched.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import Anomaly, LegId
from cti.calls.events import CallEvent, Cleared
from cti.calls.frozen import changed
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.telephony.asterisk.mirror import Conversation, Mirror
from cti.telephony.asterisk.story import Story, is_quiet

_MOST_NEWS: Final = 64
"""Events told of one conversation after one message; more would be a circle, and is an anomaly."""
_JUST_NOW: Final = timedelta(seconds=2)


class Teller:
    def __init__(self, mirror: Mirror) -> None:
        self.tracker = CallTracker()
        self.anomalies: Counter[str] = Counter()
        self.returned_at: datetime | None = None
        """When the last absence was over."""
        self._mirror = mirror

    def tell_all(self, touched: Iterable[Conversation], at: datetime) -> list[CallChanged]:
        changes: list[CallChanged] = []
        for conversation in dict.fromkeys(touched):
            if not conversation.channels and conversation.is_told and self._is_merged(conversation):
                changes += self._merged(conversation, at)
            else:
                changes += self._tell(conversation, at)
        return changes

    def _tell(self, conversation: Conversation, at: datetime) -> list[CallChanged]:
        told = self.tracker.get(conversation.id)
        if told is not None and not conversation.is_over and is_quiet(self._mirror, conversation, told):
            return []
        changes: list[CallChanged] = []
        story = Story(self._mirror, conversation)
        for _ in range(_MOST_NEWS):
            event = story.news(told, at)
            change = self._apply(event) if event else None
            if change is None:
                break
            conversation.is_told = True
            changes.append(changed(change, is_inferred=True) if self._is_half_seen(change) else change)
            told = change.after
            if isinstance(event, Cleared):
                conversation.is_over = True
                break
            if is_quiet(self._mirror, conversation, told):
                break
        else:
            self.anomalies["told in a circle"] += 1
        if conversation.is_over or story.origin is None:
            self._bury(conversation)
        return changes

    def _is_half_seen(self, change: CallChanged) -> bool:
        """It ended as we came back, and who hung up, and whatever else was before, we did not see."""
        event, returned_at = change.cause, self.returned_at
        if not isinstance(event, Cleared) or event.ended_by != "system" or returned_at is None or change.before is None:
            return False
        return change.before.offered_at < returned_at <= event.at < returned_at + _JUST_NOW

    def _is_merged(self, conversation: Conversation) -> bool:
        if conversation.is_over:
            return False
        return self._mirror.conversation_of(next(iter(conversation.aliases), LegId(""))) is not conversation

    def _merged(self, conversation: Conversation, at: datetime) -> list[CallChanged]:
        """It goes on as part of an older one."""
        conversation.is_over = True
        heir = self._mirror.conversation_of(next(iter(conversation.aliases)))
        if self.tracker.get(conversation.id) is None or heir is None:
            return []
        change = self._apply(Cleared(call=conversation.id, at=at, cause="merged", ended_by="system", into=heir.id))
        return [change] if change else []

    def _apply(self, event: CallEvent) -> CallChanged | None:
        change = self.tracker.apply(event)
        if isinstance(change, Anomaly):
            self.anomalies[f"{change.state}:{change.event}"] += 1
            return None
        return change

    def _bury(self, conversation: Conversation) -> None:
        if all(channel.is_gone for channel in conversation.channels.values()):
            self._mirror.forget(conversation)

    def end_all(self, cause: str, at: datetime) -> list[CallChanged]:
        """Whatever is live ends."""
        for conversation in self._mirror.conversations:
            conversation.is_over = True
        ended = [
            Cleared(call=call.id, at=max(at, call.since), cause=cause, ended_by="system") for call in self.tracker.live
        ]
        return [change for event in ended if (change := self._apply(event))]
