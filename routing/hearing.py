"""What a call hears: every party's audio cut into utterances, their pauses judged, their words recognized."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from functools import partial
from typing import Final, assert_never

import anyio
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from asr.ports import Recognition
from asr.types import Hypothesis, Language
from routing.advice import Advice
from routing.ear import Ear
from routing.events import SpeechEnded, SpeechStarted, TranscriptPartial
from routing.log import CallLog
from routing.terms import Stage
from routing.tone import CallTone
from routing.turn import Turn
from voice.contracts.audio import AudioFrame, CallId, Party, Pcm, Samples, SegmentId
from voice.contracts.errors import TurnAnswerError, WarmlineError
from voice.contracts.speech import SpeechSegment
from voice.turns.judge import Judge, Pause, TurnJudge
from voice.vad.segmenter import SegmentAudio, SegmentClosed, Segmenter, SegmenterOutput, SegmentOpened

JUDGED_WITHIN_S: Final = 1.0
"""How long hearing a live call waits for a pause to be judged once that is due; half of what intake can bridge. Then
the pause is an ordinary one."""

Take = Callable[[Turn], Awaitable[None]]
"""Takes a closed utterance, whose words and tone may still be on their way; hearing waits for it."""


class Hearing:
    """The ears of one call. What is heard goes to recognition, to the call's tone and to the coach.

    Args:
        call: its id.
        language: what its people speak.
        log: where events go.
        tone: told of every utterance.
        advice: told who speaks when.
        worker: recognition.
        new_segmenter: makes a party's segmenter, with a detector of its own.
        judge_turn: what judges pauses in a language; None where the segmenters ask nothing.
        is_live: whether the parties speak now, so that hearing must not wait for long.
    """

    def __init__(
        self,
        call: CallId,
        language: Language,
        log: CallLog,
        tone: CallTone,
        advice: Advice,
        *,
        worker: Recognition,
        new_segmenter: Callable[[Party], Segmenter],
        judge_turn: Callable[[Language], Judge] | None,
        is_live: bool,
    ) -> None:
        self._call = call
        self._language = language
        self._log = log
        self._tone = tone
        self._advice = advice
        self._worker = worker
        self._new_segmenter = new_segmenter
        self._judge_turn = judge_turn
        self._is_live = is_live
        self._ears: dict[Party, Ear] = {}
        self._judges: dict[Party, TurnJudge | None] = {}
        self._open: dict[Party, Turn] = {}
        self._next_segment = 0
        self._work: tuple[TaskGroup, Take] | None = None

    @asynccontextmanager
    async def working(self, take: Take) -> AsyncIterator[None]:
        """Hear while the context lasts; on leaving, what was closed is recognized to its end.

        Args:
            take: given every utterance when it is closed, in the order of the closing.
        """
        async with anyio.create_task_group() as tasks:
            self._work = tasks, take
            yield

    def listen_to(self, party: Party, since: Samples) -> None:
        """Hear a party from a moment on."""
        tasks, _ = self._at_work()
        self._ears[party] = Ear(party, self._new_segmenter(party), since)
        self._judges[party] = None if self._judge_turn is None else TurnJudge(self._judge_turn(self._language), tasks)

    async def hear(self, frame: AudioFrame) -> None:
        """A frame of a party; one that is not listened to is left out."""
        if (ear := self._ears.get(frame.party)) is not None:
            await self._follow(frame.party, ear.hear(frame))

    async def leave(self, party: Party) -> None:
        """Nothing more will come from a party: what they were saying is closed."""
        if (ear := self._ears.get(party)) is not None:
            await self._follow(party, ear.flush())
        self._ears.pop(party, None)
        self._judges.pop(party, None)

    async def finish(self) -> None:
        """The audio is at its end: what is open is closed."""
        # The recording holds silence where one party's audio ended before the other's; so is it heard.
        end = max((ear.heard for ear in self._ears.values()), default=0)
        for party, ear in self._ears.items():
            await self._follow(party, ear.wait(end))
        for party, ear in self._ears.items():
            await self._follow(party, ear.flush())

    def _at_work(self) -> tuple[TaskGroup, Take]:
        if self._work is None:
            raise RuntimeError(f"Call {self._call} is to hear before it works on what is heard.")
        return self._work

    async def _follow(self, party: Party, events: Iterable[SegmenterOutput]) -> None:
        ear, judge = self._ears[party], self._judges[party]
        for event in events:
            match event:
                case SegmentOpened(start=start, pcm=pcm):
                    self._open[party] = turn = await self._begin(party, start)
                    await self._advice.open(turn, start + len(pcm))
                    await self._push(turn, pcm)
                case SegmentAudio(pcm=pcm) as audio:
                    turn = self._open[party]
                    await self._push(turn, pcm, speech=audio.speech)
                    if audio.question is not None and judge is not None:
                        judge.ask(Pause(audio.question.pcm, turn.heard_so_far))
                    if audio.answer_due:
                        ear.answer(await self._judged(turn, judge))
                    await checkpoint()
                case SegmentClosed() as closed:
                    await self._advice.close(closed)
                    await self._close(self._open.pop(party), closed)
                case _:
                    assert_never(event)
        await self._advice.hear(party, ear.heard)

    async def _judged(self, turn: Turn, judge: TurnJudge | None) -> float | None:
        """What is thought of the latest pause; None leaves the ordinary hang-over."""
        if judge is None:
            return None
        try:
            with anyio.fail_after(JUDGED_WITHIN_S if self._is_live else None):
                return await judge.answer()
        except TimeoutError:
            late = TurnAnswerError(f"A pause was not judged within {JUDGED_WITHIN_S:g} s of when it was due.")
            await self._log.write_failure(Stage.DETECTION, late, turn.id)
            return None
        except WarmlineError as error:
            await self._log.write_failure(Stage.DETECTION, error, turn.id)
            return None

    async def _begin(self, party: Party, start: Samples) -> Turn:
        tasks, _ = self._at_work()
        turn = Turn(SegmentId(self._next_segment), party, start)
        self._next_segment += 1
        await self._log.write(SpeechStarted(party, turn.id, start))
        self._tone.begin(turn)

        def note_setback(why: WarmlineError) -> None:
            tasks.start_soon(self._log.write_failure, Stage.RECOGNITION, why, turn.id)

        try:
            show = partial(self._show_partial, turn)
            turn.utterance = self._worker.begin(self._language, show, on_setback=note_setback)
        except WarmlineError as error:
            await self._log.write_failure(Stage.RECOGNITION, error, turn.id)
        return turn

    async def _push(self, turn: Turn, pcm: Pcm, *, speech: bool = True) -> None:
        self._tone.hear(turn, pcm)
        if turn.utterance is None:
            return
        try:
            turn.utterance.push(pcm, speech=speech)
        except WarmlineError as error:  # too far behind: better no words than the wrong ones
            turn.utterance.abandon()
            turn.utterance = None
            await self._log.write_failure(Stage.RECOGNITION, error, turn.id)

    def _show_partial(self, turn: Turn, hypothesis: Hypothesis) -> None:
        if not turn.recognized.is_set() and hypothesis.text:
            words = turn.words_in_call(hypothesis.words)
            self._log.offer(TranscriptPartial(turn.id, hypothesis.text, words))

    async def _close(self, turn: Turn, closed: SegmentClosed) -> None:
        tasks, take = self._at_work()
        turn.segment = SpeechSegment(turn.id, turn.party, closed.span, closed.pcm, closed.reason, closed.silence)
        tasks.start_soon(self._recognize, turn, name=f"{self._call} final {turn.id}")
        await self._log.write(SpeechEnded(turn.party, turn.id, closed.span, closed.reason))
        await self._tone.close(turn)
        await take(turn)

    async def _recognize(self, turn: Turn) -> None:
        try:
            if turn.utterance is not None:
                turn.hypothesis = await turn.utterance.finish()
        except Exception as error:  # a stage boundary: the call goes on without these words
            await self._log.write_failure(Stage.RECOGNITION, error, turn.id)
        finally:
            turn.recognized.set()
