"""Who hears whom on a call, and the feeds that carry it.

`hears` is the whole rule. The bridge keeps one feed for every pair of a speaker and a listener who hears them; each
listener's sink takes from its feeds at its own pace and mixes what it takes, so nobody is ever fed their own voice.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from voice.contracts.audio import Pcm
from voice.contracts.errors import BridgeError
from voice.contracts.ports import AudioSink, Voice
from voice.feed import Feed

MOST_PARTICIPANTS: Final = 10
"""The caller, who serves, and eight who supervise: a voice more costs every other one's leg."""


class Standing(StrEnum):
    """As what somebody takes part."""

    CALLER = "caller"
    AGENT = "agent"
    LISTEN = "listen"
    """Hears everybody, is heard by nobody."""

    WHISPER = "whisper"
    """Hears everybody, is heard by the agent only."""

    BARGE = "barge"
    """Hears and is heard by everybody."""

    EXPERT = "expert"
    """Is consulted: hears and is heard by everybody, and so by the caller only where these are not on hold."""


class Prompt(StrEnum):
    """What is being played to the caller over everything else."""

    NONE = "none"
    ORDINARY = "ordinary"
    """The caller hears nothing but it; the others still hear the caller."""

    DISCLOSURE = "disclosure"
    """The caller and the others are joined only when it has ended (R7)."""


@dataclass(frozen=True, slots=True)
class Participant:
    """Somebody on a call.

    Attributes:
        id: who; one of each is on a call.
        standing: as what.
        muted: heard by nobody.
    """

    id: str
    standing: Standing
    muted: bool = False


@dataclass(frozen=True, slots=True)
class Conversation:
    """Everything that decides who hears whom.

    Attributes:
        participants: by id.
        held: the caller waits: hears nobody, is heard by nobody. The others still hear each other.
        prompt: what is being played to the caller.
        waits: the caller waits for somebody who is to serve them.
    """

    participants: Mapping[str, Participant] = field(default_factory=lambda: MappingProxyType({}))
    held: bool = False
    prompt: Prompt = Prompt.NONE
    waits: bool = False


def hears(listener: Participant, speaker: Participant, state: Conversation) -> bool:
    """Whether one hears the other now; never oneself."""
    if listener.id == speaker.id or speaker.muted:
        return False
    standings = listener.standing, speaker.standing
    if Standing.CALLER in standings and (state.held or state.prompt is Prompt.DISCLOSURE):
        return False
    if listener.standing is Standing.CALLER and state.prompt is not Prompt.NONE:
        return False
    match speaker.standing:
        case Standing.LISTEN:
            return False
        case Standing.WHISPER:
            return listener.standing is Standing.AGENT
        case Standing.CALLER | Standing.AGENT | Standing.BARGE | Standing.EXPERT:
            return True


class Bridge:
    """Carries voices between the participants of one call, as `hears` has it.

    Args:
        new_hold_sound: makes what a caller hears on hold, and who waits and hears nobody; None for silence.
    """

    def __init__(self, new_hold_sound: Callable[[], Voice] | None = None) -> None:
        self._new_hold_sound = new_hold_sound
        self._state = Conversation()
        self._sinks: dict[str, AudioSink] = {}
        self._feeds: dict[str, dict[str, Feed]] = {}
        self._hold_sounds: dict[str, Voice] = {}

    @property
    def state(self) -> Conversation:
        """Who is there, and what else decides who hears whom."""
        return self._state

    @property
    def pairs(self) -> frozenset[tuple[str, str]]:
        """Listener and speaker of every feed."""
        return frozenset((listener, speaker) for speaker, feeds in self._feeds.items() for listener in feeds)

    def is_heard(self, speaker: str, listener: str) -> bool:
        """Whether one is heard by the other now."""
        return listener in self._feeds.get(speaker, {})

    def join(self, participant: Participant, sink: AudioSink) -> None:
        """Take somebody in.

        Args:
            participant: who, and as what.
            sink: where they hear the others.

        Raises:
            BridgeError: they are there already, or nobody more may be.
        """
        there = self._state.participants
        if participant.id in there:
            raise BridgeError(f"{participant.standing} has joined already.")
        if len(there) >= MOST_PARTICIPANTS:
            raise BridgeError(f"At most {MOST_PARTICIPANTS} people are on a call.")
        self._sinks[participant.id] = sink
        self._set(participants={**there, participant.id: participant})

    def leave(self, who: str) -> None:
        """Let somebody go; nothing happens where they are not there."""
        self._set(participants={one: kept for one, kept in self._state.participants.items() if one != who})
        self._sinks.pop(who, None)

    def change(self, who: str, *, standing: Standing | None = None, muted: bool | None = None) -> None:
        """Let somebody take part otherwise.

        Raises:
            BridgeError: they are not there.
        """
        before = self._state.participants.get(who)
        if before is None:
            raise BridgeError("Only somebody who has joined can take part otherwise.")
        after = replace(
            before,
            standing=before.standing if standing is None else standing,
            muted=before.muted if muted is None else muted,
        )
        self._set(participants={**self._state.participants, who: after})

    def hold(self, held: bool) -> None:
        """Put the caller on hold, or fetch them back."""
        self._set(held=held)

    def wait(self, waits: bool) -> None:
        """Let the caller wait for somebody who is to serve them, to the sound of a hold where they hear nobody."""
        self._set(waits=waits)

    def prompt(self, prompt: Prompt) -> None:
        """Say what is being played to the caller from now on."""
        self._set(prompt=prompt)

    def hear(self, speaker: str, pcm: Pcm) -> None:
        """What somebody says; whoever is not there is heard by nobody."""
        for feed in self._feeds.get(speaker, {}).values():
            feed.put(pcm)

    def _set(
        self,
        *,
        participants: Mapping[str, Participant] | None = None,
        held: bool | None = None,
        prompt: Prompt | None = None,
        waits: bool | None = None,
    ) -> None:
        before = self._state
        self._state = Conversation(
            before.participants if participants is None else MappingProxyType(dict(participants)),
            before.held if held is None else held,
            before.prompt if prompt is None else prompt,
            before.waits if waits is None else waits,
        )
        self._connect()
        self._play_hold_sound()

    def _connect(self) -> None:
        there = self._state.participants
        wanted = {
            (listener.id, speaker.id)
            for listener in there.values()
            for speaker in there.values()
            if hears(listener, speaker, self._state)
        }
        for listener, speaker in self.pairs - wanted:
            feed = self._feeds[speaker].pop(listener)
            self._sinks[listener].leave_out(feed)
            if not self._feeds[speaker]:
                del self._feeds[speaker]
        for listener, speaker in wanted - self.pairs:
            feed = self._feeds.setdefault(speaker, {})[listener] = Feed()
            self._sinks[listener].mix_in(feed)

    def _play_hold_sound(self) -> None:
        state = self._state
        hear_somebody = {listener for listener, _ in self.pairs}
        waits = {
            one.id
            for one in state.participants.values()
            if one.standing is Standing.CALLER
            and (state.held or (state.waits and one.id not in hear_somebody))
            and state.prompt is Prompt.NONE
        }
        for listener in set(self._hold_sounds) - waits:
            self._sinks[listener].leave_out(self._hold_sounds.pop(listener))
        if self._new_hold_sound is not None:
            for listener in waits - set(self._hold_sounds):
                sound = self._hold_sounds[listener] = self._new_hold_sound()
                self._sinks[listener].mix_in(sound)
