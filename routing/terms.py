"""The terms that events, facts and decisions share."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Channel(StrEnum):
    """How the caller reached us."""

    WEBRTC = "webrtc"
    SIP = "sip"
    STREAM = "stream"
    REPLAY = "replay"


class Direction(StrEnum):
    """Who called whom."""

    INBOUND = "inbound"
    OUTBOUND = "outbound"


class CallEndReason(StrEnum):
    """Why a call ended."""

    CALLER_HUNG_UP = "caller_hung_up"
    AGENT_HUNG_UP = "agent_hung_up"
    AUDIO_ENDED = "audio_ended"
    NEVER_CONNECTED = "never_connected"
    CONNECTION_LOST = "connection_lost"
    SERVER_SHUTDOWN = "server_shutdown"
    TRANSFERRED = "transferred"
    """The caller's telephone was told to call somebody outside instead, and reached them."""

    INTERRUPTED = "interrupted"
    """The process was killed; found and ended when it started again."""

    FAILED = "failed"


class Grade(StrEnum):
    """How demanding a need is: simple ones go to the AI, complex and urgent ones to a human (R1)."""

    SIMPLE = "simple"
    COMPLEX = "complex"
    URGENT = "urgent"


class KeyPointTag(StrEnum):
    """What kind of key point a stretch of text is (R12)."""

    ISSUE = "issue"
    REQUEST = "request"
    IDENTIFIER = "identifier"
    PROMISE = "promise"
    SENTIMENT = "sentiment"
    OUTCOME = "outcome"


class RouteTarget(StrEnum):
    """Who serves the caller."""

    AI = "ai"
    HUMAN = "human"


class SupervisionMode(StrEnum):
    """How a supervisor takes part in a call."""

    LISTEN = "listen"
    """Hears everybody, is heard by nobody."""

    WHISPER = "whisper"
    """Hears everybody, is heard by the agent only."""

    BARGE = "barge"
    """Hears and is heard by everybody."""


class HintKind(StrEnum):
    """What a coaching hint is about."""

    RISING_FRUSTRATION = "rising_frustration"
    TALKING_OVER = "talking_over"
    LONG_SILENCE = "long_silence"
    SPEAKING_TOO_FAST = "speaking_too_fast"


class Stage(StrEnum):
    """A part of the pipeline that may fail while the call goes on."""

    INTAKE = "intake"
    DETECTION = "detection"
    RECORDING = "recording"
    RECOGNITION = "recognition"
    PROSODY = "prosody"
    EMOTION = "emotion"
    COACHING = "coaching"
    UNDERSTANDING = "understanding"
    POLICY = "policy"


@dataclass(frozen=True, slots=True)
class Wording:
    """A text for people, in both languages."""

    zh: str
    en: str


class CollaborationMode(StrEnum):
    """How AI and people share the work (R14)."""

    AI_FIRST = "ai_first"
    """AI优先+人工兜底: the AI serves, people stand behind it."""

    HUMAN_FIRST = "human_first"
    """人工主导+AI辅助: people serve, the AI helps them."""


class HandoverFailure(StrEnum):
    """Why a hand-over to a human did not come about (R9)."""

    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    NOBODY_SIGNED_IN = "nobody_signed_in"
    CLOSED = "closed"
    AGENT_LOST = "agent_lost"
    TECHNICAL = "technical"
    CALLER_GONE = "caller_gone"
    WITHDRAWN = "withdrawn"
    """The route changed before anybody took the call."""


class HandoverReturn(StrEnum):
    """Who looks after a caller whose hand-over failed; the place in the queue is kept either way."""

    AI = "ai"
    QUEUE = "queue"


class TransferKind(StrEnum):
    """How a caller is passed on."""

    BLIND = "blind"
    """Whoever serves stays until the other one takes the caller, and does not speak with them."""

    ATTENDED = "attended"
    """Whoever serves has spoken with the other one before: see `ConsultStarted`."""


class TargetKind(StrEnum):
    """To whom a caller is passed on, or who is consulted."""

    AGENT = "agent"
    QUEUE = "queue"
    URI = "uri"
    """Somebody outside: a SIP or telephone address."""


class TransferFailure(StrEnum):
    """Why a transfer did not come about; the caller is with whoever served, unless they are gone."""

    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FORBIDDEN = "forbidden"
    """That address may not be called from here."""

    UNREACHABLE = "unreachable"
    """There is no such address, or no way to it."""

    TECHNICAL = "technical"
    WITHDRAWN = "withdrawn"
    """Whoever served took it back, or is gone."""

    CALLER_GONE = "caller_gone"


class ConsultEnd(StrEnum):
    """Why a consultation ended."""

    RETURNED = "returned"
    """Whoever serves went back to the caller."""

    TRANSFERRED = "transferred"
    """Whoever was consulted serves the caller now."""

    LEFT = "left"
    """Whoever was consulted is gone."""

    DECLINED = "declined"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    FORBIDDEN = "forbidden"
    UNREACHABLE = "unreachable"
    TECHNICAL = "technical"
    ABANDONED = "abandoned"
    """Whoever served is gone."""

    CALLER_GONE = "caller_gone"
