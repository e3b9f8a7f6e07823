"""One call: a task group that joins the rooms.

    frames ─ Ear (silence for gaps, segmenter) ─┬─ recognizer ── final ─┐
             └─ recorder                        └─ tone ── emotion ─────┴─ turn: meaning ─ emotion again ─ decision

Hearing never waits for understanding. Tone and turns are each worked on in the order of the segments, and a turn uses
only what belongs to it and to turns before it; so a live call, its replay at any pace, and its replay without a pace
come to the same finals, features and decisions.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import Final, assert_never

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint
from anyio.streams.memory import MemoryObjectReceiveStream
from anyio.to_thread import run_sync

from asr.types import Hypothesis, Language
from asr.worker import RecognitionWorker
from prosody.emotion import EmotionTracker
from prosody.features import measure
from routing.decider import Decider
from routing.ear import Ear
from routing.events import (
    AudioDropped,
    CallEnded,
    CallStarted,
    DtmfReceived,
    EmotionScored,
    EmotionShifted,
    PartyJoined,
    PartyLeft,
    ProsodyMeasured,
    SpeechEnded,
    SpeechStarted,
    StageFailed,
    TranscriptFinal,
    TranscriptPartial,
)
from routing.journal.ports import Journal
from routing.log import CallLog
from routing.policy.rules import Policy
from routing.terms import CallEndReason, Stage
from routing.turn import Turn
from routing.understanding.turn import Understander
from voice.contracts.audio import AudioFrame, CallId, Party, Pcm, Samples, SegmentId, from_s
from voice.contracts.errors import UnknownCallError, WarmlineError
from voice.contracts.ports import Clock
from voice.contracts.speech import SpeechSegment
from voice.intake import AudioLost
from voice.recording import StereoRecorder
from voice.vad.segmenter import SegmentAudio, SegmentClosed, Segmenter, SegmenterOutput, SegmentOpened

WAITING_TURNS: Final = 16
"""Utterances that may wait for their turn: at least 16 s of speech. Beyond it hearing waits (and intake drops)."""

Heard = AsyncIterator[AudioFrame | AudioLost]

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Rooms:
    """What a call joins; shared by all calls of a process.

    Attributes:
        new_segmenter: makes a party's segmenter, with a detector of its own.
        worker: recognition.
        new_tracker: makes a caller's emotion tracker.
        understander: the meaning of a turn.
        policy: the policy in force.
        threads: bounds the threads for tone and understanding.
    """

    new_segmenter: Callable[[Party], Segmenter]
    worker: RecognitionWorker
    new_tracker: Callable[[], EmotionTracker]
    understander: Understander
    policy: Callable[[], Policy]
    threads: anyio.CapacityLimiter


class Call:
    """A call from its first frame to its last event.

    Args:
        call: its id.
        started: its first event.
        rooms: what it joins.
        journal: where its events go.
        clock: time.
        media_clock: media time passes with it, from the first frame on; `clock` unless given (replays).
        recorder: where its audio goes, open; None to record nothing. It is closed before the last event, so that
            whoever hears of the end finds the recording.
        in_step: hear on only when all that follows from an utterance is written. For replays without a pace: the log is
            then the same every time, as if every stage took no time.
    """

    def __init__(
        self,
        call: CallId,
        started: CallStarted,
        rooms: Rooms,
        journal: Journal,
        clock: Clock,
        *,
        media_clock: Clock | None = None,
        recorder: StereoRecorder | None = None,
        in_step: bool = False,
    ) -> None:
        self.id = call
        self._started = started
        self._rooms = rooms
        self._media_clock = media_clock or clock
        self._recorder = recorder
        self._in_step = in_step
        self._log = CallLog(call, journal, self._now, clock)
        self._began_s: float | None = None
        self._next_segment = 0
        self._open: dict[Party, Turn] = {}
        self._tracker = rooms.new_tracker()
        self._decider = Decider(started.language, rooms.policy)
        self._under_way = anyio.Event()
        self._over = False
        self._hearing = anyio.CancelScope()
        self._end_reason: CallEndReason | None = None

    @property
    def language(self) -> Language:
        """What the caller speaks."""
        return self._started.language

    @property
    def began_s(self) -> float | None:
        """What the media clock showed at the first frame, when the call's time began; None before."""
        return self._began_s

    async def run(self, heard: Heard, parties: Iterable[Party], ended_by: Callable[[], CallEndReason]) -> CallEndReason:
        """Live the call; returns why it ended, once its last event is stored.

        Args:
            heard: the frames of all parties in order of media time, and what was lost of them.
            parties: who is there from the start.
            ended_by: asked when `heard` ends by itself: why.

        Raises:
            JournalUnavailableError: the journal stayed away for too long.
        """
        present = sorted(parties)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._log.run, name=f"{self.id} log")
            try:
                await self._log.write(self._started, *(PartyJoined(party) for party in present))
                self._under_way.set()
                await self._live(heard, present)
                await self._close_recording()
                self._over = True
                reason = self._end_reason or ended_by()
                await self._log.write(*(PartyLeft(party) for party in present), CallEnded(reason, self._now()))
            finally:
                self._log.close()
        return reason

    def end(self, reason: CallEndReason) -> None:
        """Stop hearing; what was said until now is still worked on."""
        self._end_reason = self._end_reason or reason
        self._hearing.cancel()

    async def press(self, digit: str) -> None:
        """The caller pressed a key.

        Raises:
            UnknownCallError: the call is over.
        """
        await self._under_way.wait()
        if self._over:
            raise UnknownCallError(f"Call {self.id} is over.")
        await self._log.write(DtmfReceived(Party.CALLER, digit), *self._decider.press(digit))

    def _now(self) -> Samples:
        return 0 if self._began_s is None else from_s(self._media_clock.now_s() - self._began_s)

    async def _live(self, heard: Heard, parties: list[Party]) -> None:
        to_tone, toning = anyio.create_memory_object_stream[Turn](WAITING_TURNS)
        to_decide, deciding = anyio.create_memory_object_stream[Turn](WAITING_TURNS)
        ears = {party: Ear(party, self._rooms.new_segmenter(party)) for party in parties}
        async with toning, deciding, anyio.create_task_group() as tasks, to_tone, to_decide:
            tasks.start_soon(self._measure_tone, toning, name=f"{self.id} tone")
            tasks.start_soon(self._take_turns, deciding, name=f"{self.id} turns")

            async def close(turn: Turn, closed: SegmentClosed) -> None:
                await self._close(turn, closed, tasks)
                if turn.party is Party.CALLER:
                    await to_tone.send(turn)
                await to_decide.send(turn)
                if self._in_step:
                    await turn.done.wait()

            async def follow(party: Party, events: Iterable[SegmenterOutput]) -> None:
                for event in events:
                    match event:
                        case SegmentOpened(start=start, pcm=pcm):
                            self._open[party] = turn = await self._begin(party, start)
                            await self._push(turn, pcm)
                        case SegmentAudio(pcm=pcm):
                            await self._push(self._open[party], pcm)
                            await checkpoint()
                        case SegmentClosed() as closed:
                            await close(self._open.pop(party), closed)
                        case _:
                            assert_never(event)

            while (item := await self._next(heard)) is not None:
                if self._began_s is None:
                    self._began_s = self._media_clock.now_s()
                match item:
                    case AudioLost(party=party, span=span):
                        await self._log.write(AudioDropped(party, span))
                    case AudioFrame(party=party) as frame:
                        await self._record(frame)
                        await follow(party, ears[party].hear(frame))
                    case _:
                        assert_never(item)
            for party, ear in ears.items():
                await follow(party, ear.flush())

    async def _next(self, heard: Heard) -> AudioFrame | AudioLost | None:
        """What is heard next; None at the end of the audio or of the call.

        Only this waiting is cut short by `end`: what has been heard is worked on whole, or a final could be lost.
        """
        item: AudioFrame | AudioLost | None = None
        if self._end_reason is None:
            with anyio.CancelScope() as self._hearing:
                item = await anext(heard, None)
        return item

    async def _record(self, frame: AudioFrame) -> None:
        if self._recorder is None:
            return
        try:
            if self._recorder.write(frame.party, frame.start, frame.pcm):
                await run_sync(self._recorder.flush)
        except WarmlineError as error:
            await self._stop_recording(error)

    async def _close_recording(self) -> None:
        if self._recorder is None:
            return
        try:
            await run_sync(self._recorder.close)
        except WarmlineError as error:
            await self._stop_recording(error)

    async def _stop_recording(self, error: WarmlineError) -> None:
        _log.error("call %s: recording stopped (%s)", self.id, error.code)
        self._recorder = None
        await self._log.write(StageFailed(Stage.RECORDING, error.code))

    async def _begin(self, party: Party, start: Samples) -> Turn:
        turn = Turn(SegmentId(self._next_segment), party, start)
        self._next_segment += 1
        await self._log.write(SpeechStarted(party, turn.id, start))
        try:
            turn.utterance = self._rooms.worker.begin(self.language, partial(self._show_partial, turn))
        except WarmlineError as error:
            await self._log.write(StageFailed(Stage.RECOGNITION, error.code, turn.id))
        return turn

    async def _push(self, turn: Turn, pcm: Pcm) -> None:
        if turn.utterance is None:
            return
        try:
            turn.utterance.push(pcm)
        except WarmlineError as error:  # too far behind: better no words than the wrong ones
            turn.utterance.abandon()
            turn.utterance = None
            await self._fail(Stage.RECOGNITION, turn.id, error)

    def _show_partial(self, turn: Turn, hypothesis: Hypothesis) -> None:
        if not turn.recognized.is_set() and hypothesis.text:
            words = turn.words_in_call(hypothesis.words)
            self._log.offer(TranscriptPartial(turn.id, hypothesis.text, words))

    async def _close(self, turn: Turn, closed: SegmentClosed, tasks: TaskGroup) -> None:
        turn.segment = SpeechSegment(turn.id, turn.party, closed.span, closed.pcm, closed.reason)
        tasks.start_soon(self._recognize, turn, name=f"{self.id} final {turn.id}")
        await self._log.write(SpeechEnded(turn.party, turn.id, closed.span, closed.reason))

    async def _recognize(self, turn: Turn) -> None:
        try:
            if turn.utterance is not None:
                turn.hypothesis = await turn.utterance.finish()
        except Exception as error:  # a stage boundary: the call goes on without these words
            await self._fail(Stage.RECOGNITION, turn.id, error)
        finally:
            turn.recognized.set()

    async def _measure_tone(self, turns: MemoryObjectReceiveStream[Turn]) -> None:
        async for turn in turns:
            segment = _closed(turn)
            try:
                features = await run_sync(measure, segment.pcm, limiter=self._rooms.threads)
                score = self._tracker.score_tone(turn.id, segment.span, features)
                turn.has_tone = True
                await self._log.write(ProsodyMeasured(turn.id, features), EmotionScored(turn.id, score))
            except Exception as error:  # a stage boundary: the call goes on without this tone
                await self._fail(Stage.PROSODY, turn.id, error)
            finally:
                turn.toned.set()

    async def _take_turns(self, turns: MemoryObjectReceiveStream[Turn]) -> None:
        async for turn in turns:
            await turn.recognized.wait()
            text = turn.hypothesis.text
            words = turn.words_in_call(turn.hypothesis.words)
            await self._log.write(TranscriptFinal(turn.id, text, words, self._rooms.worker.name))
            if turn.party is Party.CALLER:
                await turn.toned.wait()
                try:
                    await self._understand(turn)
                except Exception as error:  # a stage boundary: the call goes on without this decision
                    await self._fail(Stage.UNDERSTANDING, turn.id, error)
            turn.done.set()

    async def _understand(self, turn: Turn) -> None:
        understand = self._rooms.understander.understand
        meaning = await run_sync(understand, turn.hypothesis.text, self.language, limiter=self._rooms.threads)
        # A cough or a slammed door has no words: it is felt, but it is no turn.
        events = self._decider.hear(turn.id, meaning) if turn.hypothesis.text else []
        if turn.has_tone:
            score, shift = self._tracker.score_words(turn.id, meaning.sentiment.valence, meaning.sentiment.strength)
            self._decider.feel(turn.id, score, shift)
            events.append(EmotionScored(turn.id, score))
            if shift is not None:
                events.append(EmotionShifted(shift))
        if turn.hypothesis.text:
            events += self._decider.decide()
        await self._log.write(*events)

    async def _fail(self, stage: Stage, segment: SegmentId, error: Exception) -> None:
        code = error.code if isinstance(error, WarmlineError) else f"{stage}.{type(error).__name__}"
        _log.error("call %s: %s failed for segment %s (%s)", self.id, stage, segment, code)
        await self._log.write(StageFailed(stage, code, segment))


def _closed(turn: Turn) -> SpeechSegment:
    if turn.segment is None:
        raise RuntimeError(f"Turn {turn.id} is worked on before it is closed.")
    return turn.segment
