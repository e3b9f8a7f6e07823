"""The tone of one call: measured while somebody speaks, scored utterance by utterance.

An open segment's audio goes to a thread in blocks of a second, so that little is left to do when the segment closes.
Blocks and closed segments share one queue and are worked on one after the other; an utterance's result depends on its
own audio and on the utterances before it, never on how it was cut into blocks or when a thread was free.

Only the caller is listened to. An agent is where the installation has permission for it (P6); nothing else makes this
class look at an agent's audio.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final, TypeAlias

import anyio
import numpy as np
from anyio.streams.memory import MemoryObjectReceiveStream, MemoryObjectSendStream
from anyio.to_thread import run_sync

from prosody.emotion import EmotionTracker
from prosody.features import UtteranceAnalyser
from prosody.fusion import affect_of_tag
from prosody.ports import ToneModel
from prosody.types import (
    AgentTone,
    EmotionScore,
    EmotionShift,
    ProsodyFeatures,
    ToneInput,
    ToneRating,
    VoiceNormal,
)
from routing.agent_tone import AgentTonePermission
from routing.carry_over import keep_voice
from routing.events import AgentToneScored, EmotionScored, ProsodyMeasured, VoiceLearned
from routing.log import CallLog
from routing.terms import Stage
from routing.turn import Turn
from voice.contracts.audio import CallId, Party, Pcm, Samples, SegmentId, from_s
from voice.contracts.errors import EmotionInputError
from voice.contracts.speech import SpeechSegment

BLOCK: Final[Samples] = from_s(1)
"""Audio that is gathered before a thread is woken for it."""

BLOCKS_WAITING: Final = 8
"""Blocks that may wait for a thread: 8 s of speech. One that finds no room stays with its utterance for the next."""

WAITING: Final = BLOCKS_WAITING + 16
"""Blocks and closed utterances that may wait for a thread. Only where 16 utterances wait, hearing waits as well (and
intake drops)."""

_EMOTION_TAG: Final = "emotion:"
"""How a recognizer's tag begins that names an emotion, see `asr.types.Hypothesis`."""


@dataclass(slots=True, eq=False)
class _Listening:
    """An utterance that is being measured; `analyser` is None once it broke."""

    party: Party
    analyser: UtteranceAnalyser | None
    gathered: list[Pcm] = field(default_factory=list)
    samples: Samples = 0

    def take(self) -> tuple[Pcm, ...]:
        """What was gathered; from now on it is somebody else's."""
        taken, self.gathered, self.samples = tuple(self.gathered), [], 0
        return taken


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    """Audio of an open utterance, on its way to a thread."""

    segment: SegmentId
    audio: tuple[Pcm, ...]


_Work: TypeAlias = _Block | Turn


class CallTone:
    """Measures and scores the tone of one call's utterances.

    Args:
        call: the call's id, for the log of the process.
        log: where events go.
        threads: bounds the threads of all calls.
        model: judges utterances besides the rules; None for rules alone.
        agents: the permission to measure agents' tone; None, as it is by default, leaves agents alone.
    """

    def __init__(
        self,
        call: CallId,
        log: CallLog,
        threads: anyio.CapacityLimiter,
        *,
        model: ToneModel | None = None,
        agents: AgentTonePermission | None = None,
    ) -> None:
        self._call = call
        self._log = log
        self._threads = threads
        self._model = model
        self._caller = EmotionTracker()
        self._before = VoiceNormal()
        self._agent = None if agents is None else EmotionTracker()
        self._open: dict[SegmentId, _Listening] = {}
        self._work: MemoryObjectSendStream[_Work] | None = None

    def recall(self, normal: VoiceNormal) -> None:
        """Begin with how the caller sounded before; to be called before their first utterance.

        Raises:
            EmotionInputError: no call can have learned that.
        """
        self._caller = EmotionTracker(normal)
        self._before = self._caller.normal()

    def learned(self) -> VoiceLearned | None:
        """What this call taught of the caller's voice; None where that is too little to keep."""
        return keep_voice(self._caller.normal(), self._before)

    def measures(self, party: Party) -> bool:
        """Whether this party's tone is measured."""
        return self._tracker(party) is not None

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Work on utterances while the context lasts; on leaving, what was closed is worked on to its end."""
        send, receive = anyio.create_memory_object_stream[_Work](WAITING)
        async with receive, anyio.create_task_group() as tasks, send:
            self._work = send
            tasks.start_soon(self._work_on, receive, name=f"{self._call} tone")
            yield

    def begin(self, turn: Turn) -> None:
        """A segment is open."""
        if self.measures(turn.party):
            self._open[turn.id] = _Listening(turn.party, UtteranceAnalyser())

    def hear(self, turn: Turn, pcm: Pcm) -> None:
        """More audio of an open segment; never waits."""
        listening = self._open.get(turn.id)
        if listening is None or listening.analyser is None or self._work is None:
            return
        listening.gathered.append(pcm)
        listening.samples += len(pcm)
        if listening.samples < BLOCK or self._work.statistics().current_buffer_used >= BLOCKS_WAITING:
            return
        self._work.send_nowait(_Block(turn.id, listening.take()))

    async def close(self, turn: Turn) -> None:
        """A segment is closed: its tone is scored, then `turn.toned` is set; at once where it is not measured."""
        if turn.id in self._open and self._work is not None:
            await self._work.send(turn)
        else:
            turn.toned.set()

    def score_words(
        self, turn: Turn, valence: float | None, strength: float
    ) -> tuple[EmotionScore, EmotionShift | None] | None:
        """Score a caller's turn again with its words; None where its tone could not be scored.

        Raises:
            EmotionInputError: turns out of order, or a value outside its range.
        """
        if not turn.has_tone:
            return None
        tagged = (tag.removeprefix(_EMOTION_TAG) for tag in turn.hypothesis.tags if tag.startswith(_EMOTION_TAG))
        heard = next((rating for rating in map(affect_of_tag, tagged) if rating is not None), None)
        return self._caller.score_words(turn.id, valence, strength, heard)

    def _tracker(self, party: Party) -> EmotionTracker | None:
        match party:
            case Party.CALLER:
                return self._caller
            case Party.AGENT:
                return self._agent
            case Party.BOT:
                return None

    async def _work_on(self, work: MemoryObjectReceiveStream[_Work]) -> None:
        async for item in work:
            if isinstance(item, _Block):
                await self._feed(item)
            else:
                try:
                    await self._score(item)
                finally:
                    item.toned.set()

    async def _feed(self, block: _Block) -> None:
        listening = self._open[block.segment]
        if listening.analyser is None:
            return
        try:
            await run_sync(_feed, listening.analyser, block.audio, limiter=self._threads)
        except Exception as error:  # a stage boundary: the call goes on without this utterance's tone
            listening.analyser = None
            await self._log.write_failure(Stage.PROSODY, error, block.segment)

    async def _score(self, turn: Turn) -> None:
        listening, segment = self._open.pop(turn.id), turn.closed
        tracker = self._tracker(turn.party)
        if listening.analyser is None or tracker is None:
            return
        try:
            finish = partial(_finish, listening.analyser, listening.take(), tracker.usual_hz)
            features = await run_sync(finish, limiter=self._threads)
        except Exception as error:  # a stage boundary: the call goes on without this utterance's tone
            await self._log.write_failure(Stage.PROSODY, error, turn.id)
            return
        if turn.party is Party.CALLER:
            await self._score_caller(turn, segment, features)
        else:
            await self._score_agent(tracker, segment, features)

    async def _score_caller(self, turn: Turn, segment: SpeechSegment, features: ProsodyFeatures) -> None:
        rating = await self._rate(segment, features)
        try:
            try:
                score = self._caller.score_tone(segment.id, segment.span, features, rating)
            except EmotionInputError as error:
                if rating is None:
                    raise
                # What the model said cannot be; the rules can do without.
                await self._log.write_failure(Stage.EMOTION, error, segment.id)
                score = self._caller.score_tone(segment.id, segment.span, features)
        except Exception as error:  # a stage boundary: what was measured stays
            await self._log.write(ProsodyMeasured(segment.id, features))
            await self._log.write_failure(Stage.EMOTION, error, segment.id)
            return
        turn.has_tone = True
        await self._log.write(ProsodyMeasured(segment.id, features), EmotionScored(segment.id, score))

    async def _rate(self, segment: SpeechSegment, features: ProsodyFeatures) -> ToneRating | None:
        """What the tone model says; None where there is none, it abstains, or it breaks."""
        if self._model is None:
            return None
        utterance = ToneInput(segment.pcm, features, self._caller.normal())
        try:
            return await run_sync(self._model.rate, utterance, limiter=self._threads)
        except Exception as error:  # a stage boundary: the rules go on without the model
            await self._log.write_failure(Stage.EMOTION, error, segment.id)
            return None

    async def _score_agent(self, tracker: EmotionTracker, segment: SpeechSegment, features: ProsodyFeatures) -> None:
        try:
            score = tracker.score_tone(segment.id, segment.span, features)
            tracker.score_words(segment.id, None, 0.0)  # an agent's words are no evidence; the tracker waits for them
            tone = AgentTone(score.arousal, score.confidence)
            await self._log.write_agent_tone(AgentToneScored(segment.id, tone))
        except Exception as error:  # a stage boundary: the call goes on without it
            await self._log.write_failure(Stage.EMOTION, error, segment.id)


def _feed(analyser: UtteranceAnalyser, audio: Sequence[Pcm]) -> None:
    """Thread side: hear a block."""
    if audio:
        analyser.feed(np.concatenate(audio))


def _finish(analyser: UtteranceAnalyser, rest: Sequence[Pcm], usual_hz: float | None) -> ProsodyFeatures:
    """Thread side: hear the rest and measure."""
    _feed(analyser, rest)
    return analyser.finish(usual_hz)
