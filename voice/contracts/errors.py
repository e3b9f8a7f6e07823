"""The one tree of errors.

Every error that Warmline raises on purpose descends from `WarmlineError`, carries a stable `code` for machines and
logs, and a message for people that says what was expected, what came, and (where one exists) how to mend it.
"""

from __future__ import annotations

from typing import ClassVar


class WarmlineError(Exception):
    """Base of all errors; `code` is stable, `fix` says how to mend it (may be empty)."""

    code: ClassVar[str] = "warmline.error"

    def __init__(self, message: str, *, fix: str = "") -> None:
        super().__init__(message)
        self.fix = fix

    def __str__(self) -> str:
        message = super().__str__()
        return f"{message} {self.fix}".rstrip()


class AudioFormatError(WarmlineError):
    """Audio that cannot be what it claims to be, or that holds nothing."""

    code = "audio.format"


class AudioEmptyError(AudioFormatError):
    """A recording without a single sample."""

    code = "audio.empty"


class AudioTruncatedError(AudioFormatError):
    """A recording that ends before its header says so, beyond what can be used."""

    code = "audio.truncated"


class FrameError(WarmlineError):
    """A frame that breaks the contract of `AudioFrame`: length, alignment, type."""

    code = "audio.frame"


class TurnAnswerError(WarmlineError):
    """A judgement of a pause that is no probability, or that was still missing when it was needed."""

    code = "turn.answer"


class SdpError(WarmlineError):
    """A session description that cannot be parsed or has no usable audio."""

    code = "webrtc.sdp"


class MediaError(WarmlineError):
    """A peer whose media cannot be set up or was lost."""

    code = "webrtc.media"


class RtpError(WarmlineError):
    """An RTP or RTCP packet, or the payload of one, that is malformed; it is counted and dropped."""

    code = "rtp.malformed"


class OpusError(WarmlineError):
    """libopus is not there, or refuses what it was given."""

    code = "audio.opus"


class CapacityError(WarmlineError):
    """No room for another call, or a bounded queue that may not drop is full."""

    code = "capacity.exceeded"


class RecordingError(WarmlineError):
    """The recording cannot be written (disk full, read-only folder)."""

    code = "recording.write"


class BridgeError(WarmlineError):
    """Somebody who cannot take part in a conversation, or not in that way."""

    code = "bridge.state"


class PeaksError(WarmlineError):
    """A file of peaks that is none, or damaged; they can be measured again."""

    code = "recording.peaks"


class ModelError(WarmlineError):
    """A model that is missing, unknown, corrupt or of the wrong kind."""

    code = "model.error"


class ModelMissingError(ModelError):
    """A model whose folder or files are not there."""

    code = "model.missing"


class ModelCorruptError(ModelError):
    """A model whose files are there but are not what the catalogue expects."""

    code = "model.corrupt"


class ModelFetchError(ModelError):
    """A model that could not be fetched."""

    code = "model.fetch"


class RecognitionProcessError(ModelError):
    """A recognition process that failed; base of what the server does about it."""

    code = "asr.worker"


class WorkerLostError(RecognitionProcessError):
    """A recognition process that died; what was open in it goes on in another."""

    code = "asr.worker_lost"


class WorkerHungError(RecognitionProcessError):
    """A recognition process that hung and was killed; what was open in it goes on in another."""

    code = "asr.worker_hung"


class WorkerProtocolError(RecognitionProcessError):
    """Bytes from or for a recognition process that are not of its protocol."""

    code = "asr.worker_protocol"


class UtteranceGivenUpError(RecognitionProcessError):
    """An utterance that every process broke on that tried it, or that found none to try it."""

    code = "asr.utterance_given_up"


class PromptError(WarmlineError):
    """Recorded prompts that are missing or not what they should be."""

    code = "prompt.missing"


class StreamProtocolError(WarmlineError):
    """A message of a media stream that breaks the protocol."""

    code = "stream.protocol"


class StreamRefusedError(WarmlineError):
    """A media stream that may not connect."""

    code = "stream.refused"


class UnknownEngineError(WarmlineError):
    """A recognizer, detector or model name that does not exist."""

    code = "engine.unknown"


class EventError(WarmlineError):
    """An event in wire form that is malformed or of an unknown type."""

    code = "event.malformed"


class LogGrammarError(WarmlineError):
    """A call's log that breaks the grammar stated by `check_log`."""

    code = "event.grammar"


class JournalError(WarmlineError):
    """The journal refuses or cannot serve a request."""

    code = "journal.error"


class JournalSequenceError(JournalError):
    """An append whose `seq` is not the next one of its call."""

    code = "journal.sequence"


class JournalUnavailableError(JournalError):
    """The journal's storage cannot be written or read."""

    code = "journal.unavailable"


class JournalPositionError(JournalError):
    """A resume from a `seq` that the call has not reached."""

    code = "journal.position"


class UnknownCallError(JournalError):
    """A call that the journal or the switchboard does not know."""

    code = "call.unknown"


class SlowFollowerError(JournalError):
    """A follower that fell behind its bounded queue; it may resume by `seq`."""

    code = "journal.slow_follower"


class EmotionInputError(WarmlineError):
    """Tone or words of a segment that come out of order or out of range."""

    code = "emotion.input"


class AgentToneRefusedError(WarmlineError):
    """An agent's tone that was measured, or was to be, without permission."""

    code = "agent_tone.refused"


class PolicyError(WarmlineError):
    """A policy file that is not valid; the message names line and field."""

    code = "policy.invalid"


class UnderstandingDataError(WarmlineError):
    """A lexicon, an intent list or training data that is not valid; the message names line and field."""

    code = "understanding.data"


class SettingsError(WarmlineError):
    """A setting that is unknown or out of range."""

    code = "settings.invalid"


class AccountError(WarmlineError):
    """An account that cannot be created or does not exist."""

    code = "account.invalid"


class PortInUseError(WarmlineError):
    """The address to listen on is taken."""

    code = "serve.port_in_use"


class DataFolderError(WarmlineError):
    """The data folder cannot be created or written."""

    code = "data.unwritable"


class DataFolderInUseError(DataFolderError):
    """Another process serves from the data folder."""

    code = "data.in_use"


class OutputError(WarmlineError):
    """A file that a command shall write and cannot."""

    code = "output.unwritable"


class MissingExtraError(WarmlineError):
    """A library that only an optional part needs, and that is not installed."""

    code = "install.extra"


class ManifestError(WarmlineError):
    """A list of labelled recordings that cannot be used; the message names line and reason."""

    code = "manifest.invalid"


class TermsError(WarmlineError):
    """A file of domain terms that cannot be read, or a line in it that is no term."""

    code = "terms.invalid"


class RttmError(WarmlineError):
    """A list of speaker turns that cannot be read; the message names the line."""

    code = "diarization.rttm"


class DiarizationError(WarmlineError):
    """A recording that cannot be diarized, or whose speakers are not as it was said."""

    code = "diarization.failed"


class DeskError(WarmlineError):
    """The desk, its set-up or its log cannot be used."""

    code = "desk.error"


class DeskConfigError(DeskError):
    """A desk file that is not valid; the message names line and field."""

    code = "desk.invalid"


class DeskTimeError(DeskError):
    """A moment that is no time."""

    code = "desk.time"


class DeskLogError(DeskError):
    """A desk's log that cannot be read or does not follow on itself."""

    code = "desk.log"


class HandoverError(WarmlineError):
    """A step of a hand-over that cannot follow on the one before."""

    code = "handover.step"


class TransferError(WarmlineError):
    """A step of a consultation or transfer that cannot follow on those before."""

    code: ClassVar[str] = "transfer.order"


class CallbackError(WarmlineError):
    """A step of a callback that cannot follow on those before."""

    code: ClassVar[str] = "callback.order"


class AuditError(WarmlineError):
    """An audit entry that may not be written, or an audit log that cannot be read."""

    code = "audit.invalid"
