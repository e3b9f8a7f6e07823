"""Calls that a killed process left unfinished: ended in the journal, so that no console shows them as live for ever."""

from __future__ import annotations

import logging
from typing import Final

from routing.events import CallEnded, CallEvent, SpeechEnded, StageFailed, Stamped, TranscriptFinal
from routing.journal.ports import Journal
from routing.leg_events import PartyLeft
from routing.state import CallState, fold
from routing.terms import CallEndReason, Stage
from voice.contracts.audio import CallId, Party, Span
from voice.contracts.speech import EndReason

INTERRUPTED: Final = "process.interrupted"
_log = logging.getLogger(__name__)


async def end_interrupted(journal: Journal) -> list[CallId]:
    """End every call that has no call.ended; to be called before any call of this process. Answers which.

    Their segments are closed where their last event stands, words and tone that never came are said to have failed, so
    that each log obeys the grammar of a complete one.

    Raises:
        JournalUnavailableError: the journal cannot be read or written.
    """
    ended: list[CallId] = []
    for call in await journal.unfinished():
        state = CallState(call)
        while page := await journal.read(call, after=state.last_seq):
            state = fold(page, state)
        events = enumerate(_ending(state), start=state.last_seq + 1)
        await journal.append([Stamped(call, seq, state.at, event) for seq, event in events])
        _log.warning("call %s was interrupted and is ended", call)
        ended.append(call)
    return ended


def _ending(state: CallState) -> list[CallEvent]:
    """What is missing in the log of an interrupted call, in an order that its grammar allows."""
    events: list[CallEvent] = []
    for number, segment in state.segments.items():
        if segment.span is None:
            span = Span(segment.start, max(segment.start, state.at))
            events.append(SpeechEnded(segment.party, number, span, EndReason.STREAM_END))
        if segment.party is Party.CALLER and segment.emotion is None:
            events.append(StageFailed(Stage.PROSODY, INTERRUPTED, number))
        if not segment.final:
            events += (
                StageFailed(Stage.RECOGNITION, INTERRUPTED, number),
                TranscriptFinal(number, segment.text, (), "none"),
            )
    events += (PartyLeft(party) for party in sorted(state.parties))
    return [*events, CallEnded(CallEndReason.INTERRUPTED, state.at)]
