"""AMI messages of one PBX in, changes of calls out. The pure heart of the event plane: no socket, no clock.

``ami_link.py`` feeds it live, ``replay`` feeds it a trace; both get the same story.
"""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Final

from cti.calls.call import Call, LegId, PbxName
from cti.calls.frozen import changed
from cti.calls.transitions import CallChanged
from cti.telephony.asterisk import members
from cti.telephony.asterisk.ami_codec import AmiMessage
from cti.telephony.asterisk.endpoints import Endpoints
from cti.telephony.asterisk.ends import ends_of
from cti.telephony.asterisk.kinds.kind import Ends
from cti.telephony.asterisk.mirror import Conversation, Mirror
from cti.telephony.asterisk.pbx_clock import PbxClock
from cti.telephony.asterisk.shape import Gate
from cti.telephony.asterisk.snapshot import Snapshot, still_doubted
from cti.telephony.asterisk.teller import Teller
from cti.telephony.asterisk.translate import TRANSLATE
from cti.telephony.asterisk.translate.headers import Contradiction
from cti.telephony.link import MemberChanged, MembersRead


class Narrator:
    """Who calls it: the link's reading task, and replay. Times come from the PBX, or from ``received_at``."""

    def __init__(self, pbx: str, endpoints: Endpoints) -> None:
        self.quarantined: Counter[str] = Counter()
        """Blocks not believed, by why."""
        self.not_believed = 0
        """How many, so that whoever feeds us knows whether this one was."""
        self._is_odd = False
        """Something odd was seen; a snapshot would settle it. Cleared by ``begin_sync``."""
        self._was_away = False
        """Before the snapshot that is being read, or was read last."""
        self._doubts = frozenset[str]()
        """What that missed, and the next one may end."""
        self.members = members.Members(PbxName(pbx))
        self.member_news: list[MemberChanged | MembersRead] = []
        """For whoever feeds us to take away."""
        self._mirror = Mirror(pbx, endpoints)
        self._teller = Teller(self._mirror)
        self.tracker, self.anomalies = self._teller.tracker, self._teller.anomalies
        self._gate = Gate()
        self._clock = PbxClock()
        self._snapshot: Snapshot | None = None

    def restore(self, calls: Iterable[Call]) -> None:
        """The calls that were live when the service stopped, before the first snapshot."""
        for call in calls:
            self.tracker.restore([call])
            self._mirror.restore(call)

    def feed(
        self, message: AmiMessage, *, received_at: datetime | None = None, monotonic_s: float | None = None
    ) -> list[CallChanged]:
        """What this message changes. ``monotonic_s`` guards against steps of the PBX's clock; a replay has none."""
        if message.event == "SuccessfulAuth":  # the first event of every login, and often the only one for long
            self._clock.time_of(message, received_at=received_at, monotonic_s=monotonic_s)
        translate = TRANSLATE.get(message.event)
        if translate is None and message.event and message.event not in _READ:
            return self._pass_over(message)
        fault = self._gate.fault(message)
        if fault:
            self._quarantine(fault)
            return []
        at = self._clock.time_of(message, received_at=received_at, monotonic_s=monotonic_s)
        if message.event in members.EVENTS:
            self.member_news += self.members.feed(message, at)
        if message.event in _OTHERS:
            return self._of_the_pbx(message, at)
        try:
            touched = translate(self._mirror, message, at) if translate else ()
        except Contradiction:
            self._quarantine("a known channel by another name")
            return []
        return self._teller.tell_all(self._ripe(touched), at)

    def _ripe(self, touched: Iterable[Conversation]) -> Iterable[Conversation]:
        """After an absence, all is told when the lists are complete. A look in between holds back only what the lists themselves
        have begun to change: a phone that rings meanwhile pops."""
        if self._snapshot is None:
            return touched
        return () if self._was_away else [one for one in touched if not self._snapshot.is_ahead(one)]

    def _of_the_pbx(self, message: AmiMessage, at: datetime) -> list[CallChanged]:
        match message.event:
            case "Shutdown":
                return self._shut_down(at)
            case "FullyBooted":  # Asterisk says so once in a connection, and then it does not come here
                self._quarantine("a start of the PBX in mid-connection")
                return []
            case _:
                return self._listed(message, at)

    def _pass_over(self, message: AmiMessage) -> list[CallChanged]:
        """Not wanted, but if a caller had a hand in it, what follows must not be believed either."""
        if fault := self._gate.unread(message):
            self._quarantine(fault)
        return []

    def hangs_up(self, leg: LegId, *, really: bool = True) -> None:
        """Somebody asks us to end that leg, which AMI would not tell from the PBX's own doing; or it came to nothing."""
        channel = self._mirror.channels.get(leg)
        if channel is None or channel.consults:
            return
        conversation = channel.conversation
        if really and conversation.hung_up_by is None:
            conversation.hung_up_by = leg
        elif not really and conversation.hung_up_by == leg:
            conversation.hung_up_by = None

    def intends(self, leg: LegId, exten: str) -> None:
        """We are about to make that leg, which will call ``exten``: its call is told before the phone rings."""
        self._mirror.intends(leg, exten)

    def ends_of(self, leg: LegId) -> Ends:
        channel = self._mirror.channels.get(leg)
        return ends_of(self._mirror, channel) if channel else Ends()

    def is_parked(self, space: str) -> bool:
        return self._mirror.is_parked(space)

    # ---- snapshots

    def begin_sync(self, *, was_away: bool = False) -> None:
        """The lists are about to be asked for. Live events are applied all the while."""
        self._is_odd, self._was_away = False, was_away
        self.members.begin_sync(self._clock.now)
        self._snapshot = Snapshot(self._mirror, None if was_away else self._doubts)

    def wants_reread(self) -> bool:
        """Something was not believed, or what the lists missed is still said to be there."""
        self._doubts = still_doubted(self._mirror, self._doubts)
        return self._is_odd or bool(self._doubts)

    def _listed(self, message: AmiMessage, at: datetime) -> list[CallChanged]:
        if self._snapshot is None and message.event in {"CoreShowChannel", "CoreShowChannelsComplete"}:
            self._snapshot = Snapshot(self._mirror)  # a trace that holds a list
        if self._snapshot is None:
            return (
                self._teller.tell_all(TRANSLATE["QueueEntry"](self._mirror, message, at), at)
                if message.event == "QueueEntry"
                else []
            )
        match message.event:
            case "CoreShowChannel":
                self._snapshot.listed(message, at)
            case "QueueEntry":
                self._snapshot.queued(message)
            case "QueueStatusComplete":
                self._snapshot.queues_are_listed()
            case _:
                return self._end_sync(self._snapshot, at)
        return []

    def _end_sync(self, snapshot: Snapshot, at: datetime) -> list[CallChanged]:
        snapshot.complete(at)
        self._snapshot, self._doubts = None, frozenset(snapshot.doubts)
        self._teller.returned_at = at if self._was_away else self._teller.returned_at
        told = [home for call in self.tracker.live if (home := self._home(call))]
        changes = self._teller.tell_all([*told, *self._mirror.conversations], at)
        return [changed(change, is_inferred=True) for change in changes] if self._was_away else changes

    def _home(self, call: Call) -> Conversation | None:
        return next((home for leg in call.legs if (home := self._mirror.conversation_of(leg.party.leg))), None)

    def booted(
        self, uptime_s: float | None, now: datetime | None, *, lost_at: datetime | None = None
    ) -> list[CallChanged]:
        """The PBX is up since then. Calls from before its start are over: nothing survives a restart, no id is used again.
        They ended when the connection did, as far as anyone can tell. ``now`` and ``lost_at`` are by this machine's clock."""
        now = self._clock.theirs(now) if now else self._clock.now
        if uptime_s is None or not self.tracker.live:
            return []
        started = now - timedelta(seconds=uptime_s)
        if all(call.offered_at >= started for call in self.tracker.live):
            return []
        self._mirror.clear()
        return self.end_all("pbx_restart", self._clock.theirs(lost_at) if lost_at else now)

    def _shut_down(self, at: datetime) -> list[CallChanged]:
        """The PBX stops now, and hangs everybody up as if the far ends had done it: the calls end before they look so."""
        changes = self.end_all("pbx_restart", at)
        self._mirror.clear()
        return changes

    def end_all(self, cause: str, at: datetime | None = None) -> list[CallChanged]:
        """Whatever is live ends: a restart of the PBX, the end of a trace."""
        return self._teller.end_all(cause, at or self._clock.now)

    def clock_offset_s(self, now: datetime) -> float | None:
        """How far the PBX's clock is ahead of ``now``, which is when its last event was read; None when it sends no stamps."""
        stamp = self._clock.stamp
        return None if stamp is None else stamp - now.timestamp()

    def _quarantine(self, fault: str) -> None:
        self.quarantined[fault] += 1
        self.not_believed += 1
        self._is_odd = True


_LISTS: Final = frozenset({"CoreShowChannel", "CoreShowChannelsComplete", "QueueEntry", "QueueStatusComplete"})
_OTHERS: Final = _LISTS | {"Shutdown", "FullyBooted"}
_READ: Final = _OTHERS | members.EVENTS
