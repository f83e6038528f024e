"""AMI messages of one PBX in, changes of calls out. The pure heart of the event plane: no socket, no clock.

``ami_link.py`` feeds it live, ``replay`` feeds it a trace; both get the same story.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from cti.calls.call import Anomaly, Call, LegId
from cti.calls.events import CallEvent, Cleared
from cti.calls.tracker import CallTracker
from cti.calls.transitions import CallChanged
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.mirror import Conversation, Mirror
from cti.telephony.asterisk.pbx_clock import PbxClock
from cti.telephony.asterisk.shape import Gate
from cti.telephony.asterisk.snapshot import Snapshot
from cti.telephony.asterisk.story import Storyteller
from cti.telephony.asterisk.translate import TRANSLATE, Contradiction

_MOST_NEWS: Final = 64
"""Events told of one conversation after one message; more would be a circle, and is an anomaly."""


class Narrator:
    """Who calls it: the link's reading task, and replay. Times come from the PBX, or from ``received_at``."""

    def __init__(self, pbx: str, endpoints: Endpoints) -> None:
        self.tracker = CallTracker()
        self.anomalies: Counter[str] = Counter()
        self.quarantined: Counter[str] = Counter()
        """Blocks not believed, by why."""
        self.wants_reread = False
        """Something odd was seen; a snapshot would settle it. Cleared by ``begin_sync``."""
        self._mirror = Mirror(pbx, endpoints)
        self._story = Storyteller(self._mirror)
        self._gate = Gate()
        self._clock = PbxClock()
        self._snapshot: Snapshot | None = None

    def restore(self, calls: Iterable[Call]) -> None:
        """The calls that were live when the service stopped, before the first snapshot."""
        for call in calls:
            self.tracker.restore([call])
            self._mirror.restore(call)

    def feed(self, message: AmiMessage, *, received_at: datetime | None = None, monotonic_s: float | None = None) -> list[CallChanged]:
        """What this message changes. ``monotonic_s`` guards against steps of the PBX's clock; a replay has none."""
        translate = TRANSLATE.get(message.event)
        if translate is None and message.event not in _OTHERS and message.event:
            return []
        at = self._clock.time_of(message, received_at=received_at, monotonic_s=monotonic_s)
        fault = self._gate.fault(message)
        if fault:
            self._quarantine(fault)
            return []
        if message.event == "CoreShowChannel":
            self._listed(message, at)
            return []
        if message.event == "CoreShowChannelsComplete":
            return self._end_list(at)
        if translate is None:
            return []
        try:
            touched = list(translate(self._mirror, message, at))
        except Contradiction:
            self._quarantine("a known channel by another name")
            return []
        return self._tell_all(touched, at) if self._snapshot is None else []

    # ---- snapshots

    def begin_sync(self) -> None:
        """CoreShowChannels is about to be asked for. Nothing is told until ``end_sync``; live events go on being applied."""
        self.wants_reread = False
        self._snapshot = Snapshot(self._mirror)

    def _listed(self, message: AmiMessage, at: datetime) -> None:
        if self._snapshot is None:
            self._snapshot = Snapshot(self._mirror)
        self._snapshot.listed(message, at)

    def _end_list(self, at: datetime) -> list[CallChanged]:
        """The list is whole: who was known and is not in it has hung up meanwhile."""
        if self._snapshot is None:
            return []
        self._snapshot.complete()
        self._snapshot = None
        told = [home for call in self.tracker.live if (home := self._home(call))]
        return self._tell_all([*told, *self._mirror.conversations], at)

    def _home(self, call: Call) -> Conversation | None:
        return next((home for leg in call.legs if (home := self._mirror.conversation_of(leg.party.leg))), None)

    @property
    def is_syncing(self) -> bool:
        return self._snapshot is not None

    def pbx_restarted(self, at: datetime) -> list[CallChanged]:
        """Nothing of before the restart exists any more: all calls end."""
        self._mirror.clear()
        return self._end_everything(at, "pbx_restart")

    def _end_everything(self, at: datetime, cause: str) -> list[CallChanged]:
        ended = (self._apply(Cleared(call=call.id, at=max(at, call.since), cause=cause, ended_by="system")) for call in self.tracker.live)
        return [change for change in ended if change]

    # ---- telling

    def _tell_all(self, touched: Iterable[Conversation], at: datetime) -> list[CallChanged]:
        changes: list[CallChanged] = []
        for conversation in dict.fromkeys(touched):
            if conversation.is_told and not conversation.channels and not conversation.is_over and self._is_merged(conversation):
                changes.extend(self._merged(conversation, at))
            else:
                changes.extend(self._tell(conversation, at))
        return changes

    def _tell(self, conversation: Conversation, at: datetime) -> list[CallChanged]:
        changes: list[CallChanged] = []
        for _ in range(_MOST_NEWS):
            event = self._story.news(conversation, self.tracker.get(conversation.id), at)
            change = self._apply(event) if event else None
            if change is None:
                break
            conversation.is_told = True
            changes.append(change)
            if isinstance(event, Cleared):
                conversation.is_over = True
        if conversation.is_over or conversation.origin is None:
            self._bury(conversation)
        return changes

    def _is_merged(self, conversation: Conversation) -> bool:
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

    def _quarantine(self, fault: str) -> None:
        self.quarantined[fault] += 1
        self.wants_reread = True


_OTHERS: Final = frozenset({"CoreShowChannel", "CoreShowChannelsComplete"})

