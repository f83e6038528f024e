"""Keys as they come, one by one, to an answer: when is it complete, and what of those who key ahead?"""

from collections.abc import Sequence

from cti.ivr.requests import Ask, Heard
from cti.telephony.voice import KEYS, Sound, VoiceChannel


class Ear:
    """One caller's keys. Raises as ``VoiceChannel`` does.

    Whoever knows the menu does not wait for it: a key stops what is said, and counts for the next question, whose words are
    then not said either. But the hash that people key behind a code which was complete without it counts for nothing.
    """

    def __init__(self, voice: VoiceChannel) -> None:
        self._voice = voice
        self._ahead = ""
        self._stops = KEYS
        """What stops the next words."""

    async def say(self, sounds: Sequence[Sound]) -> None:
        if sounds and not self._ahead:
            self._ahead = await self._voice.play(sounds, until=self._stops)
            self._stops = KEYS

    async def hear(self, sounds: Sequence[Sound], ask: Ask) -> Heard:
        await self.say(sounds)
        key = await self._key(ask.first_s)
        keys = ""
        while key:
            if key == ask.end:
                return Heard(keys, "end")
            keys += key
            if len(keys) == ask.most or keys in ask.alone:
                self._stops = KEYS.replace(ask.end, "")
                return Heard(keys, "full")
            key = await self._key(ask.between_s)
        return Heard(keys, "silence")

    def forget(self) -> None:
        """What was keyed ahead is no answer to what comes now."""
        self._ahead, self._stops = "", KEYS

    async def _key(self, within_s: float) -> str:
        if self._ahead:
            key, self._ahead = self._ahead[0], self._ahead[1:]
            return key
        return await self._voice.key(within_s=within_s)
