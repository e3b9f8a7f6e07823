"""The grammar of a call's log: which events may come in which order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from prosody.types import EmotionBasis
from routing.callback_events import (
    Callback,
    CallbackAnswered,
    CallbackDialled,
    CallbackEvent,
    CallbackFailed,
    CallbackRequested,
)
from routing.callback_events import follow as follow_callback
from routing.events import (
    AgentToneAllowed,
    AgentToneScored,
    CallEnded,
    CallStarted,
    CoachingHinted,
    EmotionScored,
    EmotionShifted,
    EntityFound,
    IntentRecognized,
    KeyPointFound,
    ProsodyMeasured,
    SpeechEnded,
    SpeechStarted,
    StageFailed,
    Stamped,
    TranscriptFinal,
    TranscriptPartial,
    VoiceLearned,
    VoiceRecalled,
)
from routing.handover import Handover, HandoverEvent, follow
from routing.leg_events import (
    CallHeld,
    CallResumed,
    MediaMeasured,
    PartyJoined,
    PartyLeft,
    PartyMuted,
    PartyUnmuted,
    RecordingPaused,
    RecordingResumed,
    SupervisionChanged,
    SupervisionEnded,
    SupervisionStarted,
)
from routing.service_events import (
    CallWrappedUp,
    DecisionMade,
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
    KnowledgeSuggested,
    NoteWritten,
    PriorityChanged,
    RouteDecided,
    SummaryPrepared,
)
from routing.terms import Stage
from routing.transfer_events import (
    ConsultAnswered,
    ConsultAwaited,
    ConsultEnded,
    ConsultStarted,
    TransferAccepted,
    TransferCompleted,
    TransferEvent,
    TransferFailed,
    TransferRequested,
)
from routing.transferring import Transferring
from routing.transferring import follow as follow_transfer
from voice.contracts.audio import Party, SegmentId
from voice.contracts.errors import CallbackError, HandoverError, LogGrammarError, TransferError


@dataclass(slots=True)
class _Segment:
    """What the log has said of one segment so far."""

    party: Party
    start: int
    ended: bool = False
    text: str | None = None
    measured: bool = False
    scores: list[EmotionBasis] = field(default_factory=list)


@dataclass(slots=True)
class _Reader:
    """The state of reading a log; `read` raises where an event may not stand."""

    seq: int = -1
    at: int = 0
    call: str | None = None
    ended: bool = False
    held: set[Party] = field(default_factory=set)
    paused: bool = False
    muted: set[tuple[Party, str | None]] = field(default_factory=set)
    supervisors: set[str] = field(default_factory=set)
    priority: int = 0
    level: str | None = None
    recalled: bool = False
    learned: bool = False
    agent_tone: bool = False
    present: set[tuple[Party, str | None]] = field(default_factory=set)
    segments: dict[SegmentId, _Segment] = field(default_factory=dict)
    failed: set[tuple[Stage, SegmentId | None]] = field(default_factory=set)
    tickets: dict[str, Handover] = field(default_factory=dict)
    transferring: Transferring = field(default_factory=Transferring)
    callback: Callback | None = None

    def read(self, stamped: Stamped) -> None:
        self._read_stamp(stamped)
        match stamped.event:
            case CallStarted():
                _demand(stamped.seq == 0, stamped, "call.started is the first event and stands once")
            case CallEnded():
                self.ended = True
            case (
                PartyJoined()
                | PartyLeft()
                | PartyMuted()
                | PartyUnmuted()
                | CallHeld()
                | CallResumed()
                | SupervisionStarted()
                | SupervisionChanged()
                | SupervisionEnded()
                | RecordingPaused()
                | RecordingResumed()
                | MediaMeasured()
            ):
                self._read_legs(stamped)
            case PriorityChanged(previous=previous, current=current, evidence=evidence):
                _demand(
                    previous == self.priority,
                    stamped,
                    f"previous priority was {self.priority}, not {previous}",
                )
                _demand(0 <= current <= 99 and current != previous, stamped, "priority changes within 0 to 99")
                self._known(stamped, *evidence)
                self.priority = current
            case RouteDecided(evidence=evidence) | SummaryPrepared(evidence=evidence):
                self._known(stamped, *evidence)
            case DecisionMade(segment=segment, priority=priority, facts=facts):
                _demand(0 <= priority <= 99, stamped, "a priority is 0 to 99")
                self._known(stamped, *([] if segment is None else [segment]), *(s for f in facts for s in f.evidence))
            case CoachingHinted(evidence=evidence):
                served = any(party is Party.AGENT for party, _ in self.present)
                _demand(served, stamped, "hints are for an agent who is on the call")
                self._known(stamped, *evidence)
            case (
                HandoverRequested() | HandoverOffered() | HandoverAccepted() | HandoverBridged() | HandoverFailed()
            ) as step:
                self._read_handover(stamped, step)
            case (
                ConsultStarted()
                | ConsultAnswered()
                | ConsultAwaited()
                | ConsultEnded()
                | TransferRequested()
                | TransferAccepted()
                | TransferCompleted()
                | TransferFailed()
            ) as step:
                self._read_transfer(stamped, step)
            case CallbackRequested() | CallbackDialled() | CallbackAnswered() | CallbackFailed() as step:
                self._read_callback(stamped, step)
            case (
                ProsodyMeasured()
                | EmotionScored()
                | EmotionShifted()
                | VoiceRecalled()
                | VoiceLearned()
                | AgentToneAllowed()
                | AgentToneScored()
            ):
                self._read_tone(stamped)
            case StageFailed(stage=stage, segment=segment):
                self.failed.add((stage, segment))
            case _:
                self._read_speech(stamped)

    def _read_stamp(self, stamped: Stamped) -> None:
        _demand(stamped.seq == self.seq + 1, stamped, f"seq {self.seq + 1} comes next")
        _demand(stamped.at >= self.at, stamped, "time does not run backwards")
        _demand(self.call in (None, stamped.call), stamped, f"this log is of call {self.call}")
        _demand(
            stamped.seq > 0 or isinstance(stamped.event, CallStarted),
            stamped,
            "a log begins with call.started",
        )
        after = isinstance(stamped.event, NoteWritten | SummaryPrepared | CallWrappedUp | CallbackEvent)
        _demand(not self.ended or after, stamped, "the call has ended")
        self.seq, self.at, self.call = stamped.seq, stamped.at, stamped.call

    def _read_legs(self, stamped: Stamped) -> None:
        match stamped.event:
            case PartyJoined(party=party, agent=agent):
                _demand((party, agent) not in self.present, stamped, f"{party} has joined already")
                self.present.add((party, agent))
            case PartyLeft(party=party, agent=agent):
                _demand((party, agent) in self.present, stamped, f"{party} was not there")
                self.present.discard((party, agent))
                self.muted.discard((party, agent))
            case PartyMuted(party=party, agent=agent):
                _demand((party, agent) in self.present, stamped, f"{party} is not there")
                _demand((party, agent) not in self.muted, stamped, f"{party} is muted already")
                self.muted.add((party, agent))
            case PartyUnmuted(party=party, agent=agent):
                _demand((party, agent) in self.muted, stamped, f"{party} was not muted")
                self.muted.discard((party, agent))
            case CallHeld(party=party):
                _demand(party not in self.held, stamped, f"the {party} holds the call already")
                self.held.add(party)
            case CallResumed(party=party):
                _demand(party in self.held, stamped, f"the {party} did not hold the call")
                self.held.discard(party)
            case SupervisionStarted(supervisor=who):
                _demand(who not in self.supervisors, stamped, f"{who} supervises the call already")
                self.supervisors.add(who)
            case SupervisionChanged(supervisor=who):
                _demand(who in self.supervisors, stamped, f"{who} does not supervise the call")
            case SupervisionEnded(supervisor=who):
                _demand(who in self.supervisors, stamped, f"{who} does not supervise the call")
                self.supervisors.discard(who)
            case RecordingPaused():
                _demand(not self.paused, stamped, "the recording is paused already")
                self.paused = True
            case RecordingResumed():
                _demand(self.paused, stamped, "the recording was not paused")
                self.paused = False
            case MediaMeasured(loss=loss, late=late, concealed=concealed, lost_there=lost_there):
                _demand(
                    all(share is None or 0 <= share <= 1 for share in (loss, late, concealed, lost_there)),
                    stamped,
                    "shares lie in 0 to 1",
                )
            case _:
                pass

    def _read_speech(self, stamped: Stamped) -> None:
        match stamped.event:
            case SpeechStarted(party=party, segment=segment, start=start):
                _demand(segment == len(self.segments), stamped, f"segment {len(self.segments)} comes next")
                _demand(not self.learned, stamped, "nobody speaks after voice.learned")
                speaking = [s for s in self.segments.values() if s.party is party and not s.ended]
                _demand(not speaking, stamped, f"{party} speaks already")
                self.segments[segment] = _Segment(party, start)
            case SpeechEnded(party=party, segment=segment, span=span):
                one = self._segment(stamped, segment)
                _demand(not one.ended and one.party is party, stamped, "the segment was not open for this party")
                _demand(span.start == one.start, stamped, "the span starts where speech.started said")
                one.ended = True
            case TranscriptPartial(segment=segment):
                _demand(self._segment(stamped, segment).text is None, stamped, "no partial follows the final")
            case TranscriptFinal(segment=segment, text=text):
                one = self._segment(stamped, segment)
                _demand(one.ended, stamped, "the final follows speech.ended")
                _demand(one.text is None, stamped, "a segment has one final")
                one.text = text
            case (
                KeyPointFound(segment=segment, start=start, end=end, text=text)
                | EntityFound(segment=segment, start=start, end=end, text=text)
            ):
                final = self._segment(stamped, segment).text
                _demand(final is not None and final[start:end] == text, stamped, "the offsets give the text")
                if isinstance(stamped.event, EntityFound) and (begun := stamped.event.begun_in) is not None:
                    _demand(begun < segment, stamped, "a value is begun before it is completed")
                    self._known(stamped, begun)
            case IntentRecognized(segment=segment) | KnowledgeSuggested(segment=segment):
                self._known(stamped, segment)
            case _:
                pass

    def _read_tone(self, stamped: Stamped) -> None:
        match stamped.event:
            case ProsodyMeasured(segment=segment):
                one = self._segment(stamped, segment)
                _demand(one.party is Party.CALLER, stamped, "only the caller's tone is measured")
                _demand(one.ended and not one.measured, stamped, "prosody is measured once, after speech.ended")
                one.measured = True
            case EmotionScored(segment=segment, score=score):
                one = self._segment(stamped, segment)
                _demand(one.party is Party.CALLER, stamped, "only the caller's emotion is scored")
                self._read_emotion(stamped, one, score.basis)
            case EmotionShifted(shift=shift):
                expected = self.level or "settled"
                _demand(shift.previous == expected, stamped, f"the level was {expected}, not {shift.previous}")
                _demand(shift.current != shift.previous, stamped, "a shift changes the level")
                for segment in shift.segments:
                    one = self._segment(stamped, segment)
                    _demand(one.party is Party.CALLER, stamped, "only the caller's level shifts")
                self.level = shift.current
            case VoiceRecalled():
                _demand(not self.segments, stamped, "a voice is recalled before any speech")
                _demand(not self.recalled, stamped, "a voice is recalled once")
                self.recalled = True
            case VoiceLearned():
                _demand(not self.learned, stamped, "a voice is learned once")
                _demand(
                    all(one.ended for one in self.segments.values()), stamped, "a voice is learned after all speech"
                )
                self.learned = True
            case AgentToneAllowed():
                _demand(not self.segments and not self.agent_tone, stamped, "agent tone is allowed once, first")
                self.agent_tone = True
            case AgentToneScored(segment=segment):
                one = self._segment(stamped, segment)
                _demand(self.agent_tone, stamped, "agent.tone_allowed comes before any agent's tone")
                _demand(one.party is Party.AGENT and one.ended, stamped, "it is an agent's segment, after speech.ended")
                _demand(not one.measured, stamped, "an agent's tone is scored once")
                one.measured = True
            case _:
                pass

    def _read_emotion(self, stamped: Stamped, one: _Segment, basis: EmotionBasis) -> None:
        _demand(one.measured, stamped, "emotion follows prosody.measured")
        if basis is EmotionBasis.TONE:
            _demand(not one.scores, stamped, "tone alone is scored once, first")
        else:
            _demand(basis not in one.scores, stamped, "a segment is rescored once")
            _demand(one.text is not None, stamped, "the words are there before they count")
        one.scores.append(basis)

    def _read_handover(self, stamped: Stamped, step: HandoverEvent) -> None:
        try:
            self.tickets[step.ticket] = follow(self.tickets.get(step.ticket), step)
        except HandoverError as error:
            _demand(False, stamped, error.args[0].rstrip("."))

    def _read_transfer(self, stamped: Stamped, step: TransferEvent) -> None:
        try:
            self.transferring = follow_transfer(self.transferring, step)
        except TransferError as error:
            _demand(False, stamped, error.args[0].rstrip("."))

    def _read_callback(self, stamped: Stamped, step: CallbackEvent) -> None:
        try:
            self.callback = follow_callback(self.callback, step)
        except CallbackError as error:
            _demand(False, stamped, error.args[0].rstrip("."))

    def _segment(self, stamped: Stamped, segment: SegmentId) -> _Segment:
        _demand(segment in self.segments, stamped, f"segment {segment} has not started")
        return self.segments[segment]

    def _known(self, stamped: Stamped, *segments: SegmentId) -> None:
        for segment in segments:
            self._segment(stamped, segment)

    def finish(self) -> None:
        """Check what must have happened once the log is complete."""
        if not self.ended:
            raise LogGrammarError(f"Call {self.call}: a complete log holds call.ended.")
        if self.transferring != Transferring():
            raise LogGrammarError(f"Call {self.call}: a consultation or transfer never ended.")
        for number, one in self.segments.items():
            if not one.ended:
                raise LogGrammarError(f"Call {self.call}: segment {number} was never closed.")
            if one.text is None:
                raise LogGrammarError(f"Call {self.call}: segment {number} has no final.")
            excused = {(Stage.PROSODY, number), (Stage.PROSODY, None)} & self.failed
            if one.party is Party.CALLER and not one.measured and not excused:
                raise LogGrammarError(f"Call {self.call}: caller segment {number} has no prosody and no stage.failed.")


def check_log(events: Iterable[Stamped], *, complete: bool = True) -> None:
    """Check one call's log against the grammar.

    Args:
        events: the events of one call, in order of `seq`, from 0.
        complete: whether the call is over; then it must have ended, and every segment must be closed and have its
            one final.

    Raises:
        LogGrammarError: names the first event that may not stand where it stands.
    """
    reader = _Reader()
    for stamped in events:
        reader.read(stamped)
    if reader.seq < 0:
        raise LogGrammarError("A log holds at least call.started; this one is empty.")
    if complete:
        reader.finish()


def _demand(holds: bool, stamped: Stamped, rule: str) -> None:
    if not holds:
        raise LogGrammarError(f"Call {stamped.call}, seq {stamped.seq} ({stamped.event.TYPE}): {rule}.")
