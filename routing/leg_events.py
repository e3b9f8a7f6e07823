"""Events about the people on a call and their audio: who came and went, holds, supervision, recording, quality.

Part of the closed union in `routing.events`, which says how events are named.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, TypeAlias

from routing.terms import SupervisionMode
from voice.contracts.audio import Party, Span


@dataclass(frozen=True, slots=True)
class PartyJoined:
    """A party's audio can be heard from now on."""

    TYPE: ClassVar[str] = "party.joined"
    party: Party
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class PartyLeft:
    """A party is gone."""

    TYPE: ClassVar[str] = "party.left"
    party: Party
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class PartyMuted:
    """What the party says is heard by nobody, transcribed nowhere and recorded as silence, until `party.unmuted`."""

    TYPE: ClassVar[str] = "party.muted"
    party: Party
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class PartyUnmuted:
    """The end of a mute."""

    TYPE: ClassVar[str] = "party.unmuted"
    party: Party
    agent: str | None = None


@dataclass(frozen=True, slots=True)
class CallHeld:
    """The caller hears no one.

    Attributes:
        by: who did it: the account of whoever serves or oversees, or `caller`.
        party: agent: the caller waits and hears music; caller: their own telephone has put us on hold, what it plays
            is neither heard nor recorded. Both may be so at once.
    """

    TYPE: ClassVar[str] = "call.held"
    by: str
    party: Party = Party.AGENT


@dataclass(frozen=True, slots=True)
class CallResumed:
    """The end of a hold by that party; see `CallHeld`."""

    TYPE: ClassVar[str] = "call.resumed"
    by: str
    party: Party = Party.AGENT


@dataclass(frozen=True, slots=True)
class SupervisionStarted:
    """A supervisor is on the call."""

    TYPE: ClassVar[str] = "supervision.started"
    supervisor: str
    mode: SupervisionMode


@dataclass(frozen=True, slots=True)
class SupervisionChanged:
    """The supervisor takes part in another way from now on."""

    TYPE: ClassVar[str] = "supervision.changed"
    supervisor: str
    mode: SupervisionMode


@dataclass(frozen=True, slots=True)
class SupervisionEnded:
    """The supervisor is gone, or has taken the call over and serves it now."""

    TYPE: ClassVar[str] = "supervision.ended"
    supervisor: str


@dataclass(frozen=True, slots=True)
class RecordingPaused:
    """The recording holds silence from now on, and nothing is transcribed: payment data is being said."""

    TYPE: ClassVar[str] = "recording.paused"
    by: str


@dataclass(frozen=True, slots=True)
class RecordingResumed:
    """The end of a pause."""

    TYPE: ClassVar[str] = "recording.resumed"
    by: str


@dataclass(frozen=True, slots=True)
class AgentAwaited:
    """The leg of the agent who serves is gone; the caller waits to music until they are back, or for `grace_s`.

    `party.joined` of the same agent ends it, or `handover.failed`.
    """

    TYPE: ClassVar[str] = "agent.awaited"
    agent: str
    grace_s: float


@dataclass(frozen=True, slots=True)
class LegReplaced:
    """Somebody else is at the other end of a party's leg: their telephone system has passed them on, or us.

    Attributes:
        address: who, as the telephone says.
    """

    TYPE: ClassVar[str] = "leg.replaced"
    party: Party
    address: str


@dataclass(frozen=True, slots=True)
class AudioDropped:
    """Audio of this span is lost; the pipeline and the recording hold silence there."""

    TYPE: ClassVar[str] = "audio.dropped"
    party: Party
    span: Span


@dataclass(frozen=True, slots=True)
class MediaMeasured:
    """How well a party's audio came through since the last such event; None is what the transport does not tell.

    Attributes:
        party: whose.
        agent: which agent or supervisor, where it is one.
        loss: share of the packets that were sent to us and have not come in time, 0 to 1.
        late: share that came after their place in time had been filled, 0 to 1.
        concealed: share of the time for which sound had to be made up or was missing, 0 to 1.
        jitter_ms: how unevenly packets arrive (RFC 3550, A.8).
        delay_ms: how long the buffer holds a packet that came as fast as any.
        round_trip_ms: to the other side and back; None until a report has told.
        mos: what a listener would call it, 1 (bad) to 4.5 (excellent); an estimate, see `voice/rtp/quality.py`.
        lost_there: share of what we sent that the other side last reported as lost, 0 to 1; None until a report has
            told.
    """

    TYPE: ClassVar[str] = "media.measured"
    party: Party
    agent: str | None
    loss: float | None
    late: float | None
    concealed: float | None
    jitter_ms: float | None
    delay_ms: float | None
    round_trip_ms: float | None
    mos: float | None
    lost_there: float | None = None


LegEvent: TypeAlias = (
    PartyJoined
    | PartyLeft
    | PartyMuted
    | PartyUnmuted
    | CallHeld
    | CallResumed
    | SupervisionStarted
    | SupervisionChanged
    | SupervisionEnded
    | RecordingPaused
    | RecordingResumed
    | AgentAwaited
    | LegReplaced
    | AudioDropped
    | MediaMeasured
)
"""All of these."""
