"""One call: a task group that joins the rooms.

    frames ─ Tape ─ Hearing (ears, utterances) ─┬─ recognizer ── final ─┐
             └─ recorder                        ├─ tone ── emotion ─────┴─ turn: meaning ─ emotion again ─ decision
                                                └─ coach (timing)          └─ coach (frustration, pace)

Whatever is heard goes past the tape first, so that a recording holds what the call heard.

Hearing never waits for understanding. Tone and turns are each worked on in the order of the segments, and a turn uses
only what belongs to it and to turns before it; so a live call, its replay at any pace, and its replay without a pace
come to the same finals, features, decisions and hints.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Iterable
from functools import partial
from typing import Final, assert_never

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream
from anyio.to_thread import run_sync

from asr.types import Language
from routing.advice import Advice
from routing.callback_events import CallbackEvent
from routing.carry_over import can_be_known_again
from routing.coaching import Coach
from routing.decider import Decider
from routing.events import (
    AgentToneAllowed,
    CallAttribute,
    CallEnded,
    CallStarted,
    DtmfReceived,
    EmotionScored,
    EmotionShifted,
    VoiceLearned,
    VoiceRecalled,
)
from routing.handover import Handover, HandoverEvent, follow, given_up
from routing.hearing import Hearing
from routing.journal.ports import Journal
from routing.leg_events import (
    AudioDropped,
    LegEvent,
    PartyJoined,
    PartyLeft,
    RecordingPaused,
    RecordingResumed,
    SupervisionEnded,
    SupervisionStarted,
)
from routing.log import CallLog
from routing.media_watch import MediaWatch
from routing.rooms import Rooms
from routing.service_events import AnnouncementMade, PromptPlayed
from routing.tape import Tape
from routing.terms import CallEndReason, Stage
from routing.tone import CallTone
from routing.transfer_events import TransferEvent
from routing.transferring import Transferring, broken_off
from routing.transferring import follow as follow_transfer
from routing.turn import Turn
from routing.understanding.continuation import Told
from voice.contracts.audio import AudioFrame, CallId, Party, Samples, from_s
from voice.contracts.errors import UnknownCallError, WarmlineError
from voice.contracts.ports import Clock
from voice.intake import AudioLost, Begun, IntakeItem, Noted
from voice.recording import StereoRecorder

WAITING_TURNS: Final = 16
"""Utterances that may wait for their turn: at least 16 s of speech. Beyond it hearing waits (and intake drops)."""

Heard = AsyncIterator[IntakeItem]

_log = logging.getLogger(__name__)


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
        recalled: what the call begins with instead of asking the journal: the replay of a call begins as that call did.
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
        recalled: VoiceRecalled | None = None,
    ) -> None:
        self.id = call
        self._started = started
        self._rooms = rooms
        self._journal = journal
        self._media_clock = media_clock or clock
        self._in_step = in_step
        self._recalled = recalled
        self._log = CallLog(call, journal, self._now, clock, agent_tone=rooms.agent_tone)
        self._tone = CallTone(call, self._log, rooms.threads, model=rooms.tone_model, agents=rooms.agent_tone)
        self._tape = Tape(self._log, recorder)
        self.media = MediaWatch()
        self._advice = Advice(self._log)
        self._hearing = Hearing(
            call,
            started.language,
            self._log,
            self._tone,
            self._advice,
            worker=rooms.worker,
            new_segmenter=rooms.new_segmenter,
            judge_turn=rooms.judge_turn,
            # A file waits for who hears it; whoever speaks does not.
            is_live=media_clock is None,
        )
        self._began_s: float | None = None
        self._present: list[tuple[Party, str | None]] = []
        self._supervisors: list[str] = []
        self._transferring = Transferring()
        self._begun = anyio.Event()
        situation = partial(rooms.situation, call)
        self._decider = Decider(started, rooms.policy, zone=rooms.zone, situation=situation)
        self._handover: Handover | None = None
        self._under_way = anyio.Event()
        self._over = False
        self._heard_out = False
        self._waiting = anyio.CancelScope()
        self._end_reason: CallEndReason | None = None
        self._last_reason: CallEndReason | None = None

    @property
    def language(self) -> Language:
        """What the caller speaks."""
        return self._started.language

    @property
    def attributes(self) -> tuple[CallAttribute, ...]:
        """What else came with the call."""
        return self._started.attributes

    @property
    def begun(self) -> anyio.Event:
        """Set at the first frame, when the call's time begins."""
        return self._begun

    @property
    def is_over(self) -> bool:
        """Whether nothing more is heard, though what was said may still be worked on."""
        return self._over or self._heard_out or self._end_reason is not None

    def media_now(self) -> Samples:
        """Media time; 0 before the first frame."""
        return self._now()

    @property
    def began_s(self) -> float | None:
        """What the media clock showed at the first frame, when the call's time began; None before."""
        return self._began_s

    async def run(self, heard: Heard, parties: Iterable[Party], ended_by: Callable[[], CallEndReason]) -> CallEndReason:
        """Live the call; returns why it ended, once its last event is stored.

        Args:
            heard: the frames of all parties in order of media time, what was lost of them, and between them what
                happens to the people on the call: events of `routing.leg_events`, and whose audio begins.
            parties: who is there from the start.
            ended_by: asked when `heard` ends by itself: why.

        Raises:
            JournalUnavailableError: the journal stayed away for too long.
        """
        self._present = [(party, None) for party in sorted(parties)]
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._log.run, name=f"{self.id} log")
            try:
                await self._log.write(self._started, *(PartyJoined(*one) for one in self._present))
                if self._rooms.agent_tone is not None:
                    await self._log.write(AgentToneAllowed(self._rooms.agent_tone.legal_basis))
                if recalled := await self._recall():
                    await self._log.write(recalled)
                self._under_way.set()
                async with self.media.measuring(self._log.write, self._media_clock):
                    await self._live(heard)
                await self._tape.close()
                self._over = True
                reason = self._end_reason or self._last_reason or ended_by()
                await self._log.write(
                    *self.media.last(),
                    *self._learned(),
                    *given_up(self._handover),
                    *broken_off(self._transferring),
                    *(SupervisionEnded(who) for who in self._supervisors),
                    *(PartyLeft(*one) for one in self._present),
                    CallEnded(reason, self._now()),
                )
            finally:
                self._log.close()
        return reason

    def end(self, reason: CallEndReason) -> None:
        """Stop hearing; what was said until now is still worked on."""
        self._end_reason = self._end_reason or reason
        self._waiting.cancel()

    def end_when_heard(self, reason: CallEndReason) -> None:
        """Why the call ends, once all that was noted until now is written: whoever asks closes what is heard from."""
        self._last_reason = reason

    async def press(self, digit: str) -> None:
        """The caller pressed a key.

        Raises:
            UnknownCallError: the call is over.
        """
        await self._under_way.wait()
        if self._over:
            raise UnknownCallError(f"Call {self.id} is over.")
        await self._log.write(DtmfReceived(Party.CALLER, digit), *self._decider.press(digit, self._now()))

    async def hand_over(self, *steps: HandoverEvent | CallbackEvent) -> None:
        """Write how the hand-over to a human goes on, or a callback instead.

        Raises:
            UnknownCallError: the call is over.
            HandoverError: a step cannot follow on those before.
        """
        await self._under_way.wait()
        if self._over:
            raise UnknownCallError(f"Call {self.id} is over.")
        for step in (one for one in steps if isinstance(one, HandoverEvent)):
            self._handover = follow(self._handover, step)
        await self._log.write(*steps)

    def _now(self) -> Samples:
        return 0 if self._began_s is None else from_s(self._media_clock.now_s() - self._began_s)

    @property
    def _carries_over(self) -> bool:
        """Whether this caller's voice is kept, and asked for."""
        return self._rooms.carry_over and can_be_known_again(self._started.channel, self._started.caller)

    async def _recall(self) -> VoiceRecalled | None:
        """How the caller sounded before; None where that is not known. The call can do without."""
        found = self._recalled
        try:
            if found is None and self._carries_over:
                found = await self._journal.recall_voice(self._started.channel, self._started.caller)
            if found is not None:
                self._tone.recall(found.normal)
        except WarmlineError as error:
            _log.warning("call %s: the caller's voice is not recalled (%s)", self.id, error.code)
            return None
        return found

    def _learned(self) -> list[VoiceLearned]:
        learned = self._tone.learned() if self._carries_over else None
        return [] if learned is None else [learned]

    async def _live(self, heard: Heard) -> None:
        to_decide, deciding = anyio.create_memory_object_stream[Turn](WAITING_TURNS)

        async def take(turn: Turn) -> None:
            await to_decide.send(turn)
            if self._in_step:
                await turn.done.wait()

        # Hearing outlives the turns, which wait for the words of what it closed.
        async with (
            self._tone.working(),
            self._hearing.working(take),
            deciding,
            anyio.create_task_group() as tasks,
            to_decide,
        ):
            tasks.start_soon(self._take_turns, deciding, name=f"{self.id} turns")
            for party, _ in self._present:
                self._listen_to(party, 0)
            while (item := await self._next(heard)) is not None:
                await self._take_in(item)
            await self._hearing.finish()

    async def _take_in(self, item: IntakeItem) -> None:
        """One frame, or what came between two of them."""
        if self._began_s is None and not isinstance(item, Noted):
            self._began_s = self._media_clock.now_s()
            self._begun.set()
        match item:
            case AudioLost(party=Party.BOT) | Begun(party=Party.BOT):
                pass  # between what our side says there is nothing, which is no loss
            case AudioLost(party=party, span=span):
                await self._log.write(AudioDropped(party, span))
            case AudioFrame() as frame:
                await self._hearing.hear(await self._tape.write(frame))
            case Begun(party=party, start=start, who=who):
                self._present.append((party, who))
                await self._log.write(PartyJoined(party, who))
                self._listen_to(party, start)
            case Noted(what=PartyLeft() as left):
                await self._hearing.leave(left.party)
                await self._forget(left)
            case Noted(what=what):
                await self._note(what)
            case _:
                assert_never(item)

    def _listen_to(self, party: Party, since: Samples) -> None:
        """Hear a party from a moment on."""
        self._hearing.listen_to(party, since)
        if party is Party.AGENT:
            self._advice.begin(Coach(self.language, self._rooms.coaching, since))

    async def _forget(self, left: PartyLeft) -> None:
        """Nothing more will be heard of a party."""
        self._present = [one for one in self._present if one != (left.party, left.agent)]
        if left.party is Party.AGENT:
            self._advice.end()
        await self._log.write(left)

    async def _note(self, what: object) -> None:
        """Take notice of what happened to the people on the call, where it happened in what they say."""
        match what:
            case RecordingPaused():
                self._tape.pause()
            case RecordingResumed():
                self._tape.resume()
            case SupervisionStarted(supervisor=who):
                self._supervisors.append(who)
            case SupervisionEnded(supervisor=who):
                self._supervisors.remove(who)
            case what if isinstance(what, TransferEvent):
                self._transferring = follow_transfer(self._transferring, what)
        if not isinstance(what, LegEvent | PromptPlayed | TransferEvent | AnnouncementMade):
            raise TypeError(f"An event of the people on a call was expected; got {type(what).__name__}.")
        await self._log.write(what)

    async def _next(self, heard: Heard) -> IntakeItem | None:
        """What is heard next; None at the end of the audio or of the call.

        Only this waiting is cut short by `end`: what has been heard is worked on whole, or a final could be lost.
        """
        item: IntakeItem | None = None
        if self._end_reason is None:
            with anyio.CancelScope() as self._waiting:
                item = await anext(heard, None)
        self._heard_out = item is None
        return item

    async def _take_turns(self, turns: MemoryObjectReceiveStream[Turn]) -> None:
        async for turn in turns:
            await turn.recognized.wait()
            if self._in_step:
                await turn.toned.wait()
            await self._log.write(turn.final(self._rooms.worker.name))
            await self._advice.say(turn)
            if turn.party is Party.CALLER:
                await turn.toned.wait()
                try:
                    await self._understand(turn)
                except Exception as error:  # a stage boundary: the call goes on without this decision
                    await self._log.write_failure(Stage.UNDERSTANDING, error, turn.id)
            turn.done.set()

    async def _understand(self, turn: Turn) -> None:
        understand = self._rooms.understander.understand
        today = self._decider.today
        meaning = await run_sync(understand, turn.hypothesis.text, self.language, today, limiter=self._rooms.threads)
        told = Told(turn.id, turn.hypothesis.text, turn.closed.span)
        # A cough or a slammed door has no words: it is felt, but it is no turn.
        events = self._decider.hear(turn.id, meaning, told) if turn.hypothesis.text else []
        scored = self._tone.score_words(turn, meaning.sentiment.valence, meaning.sentiment.strength)
        if scored is not None:
            score, shift = scored
            self._decider.feel(turn.id, score, shift)
            events.append(EmotionScored(turn.id, score))
            if shift is not None:
                events.append(EmotionShifted(shift))
        if turn.hypothesis.text:
            events += self._decider.decide(turn.id, turn.closed.span.end)
        await self._log.write(*events)
        if scored is not None:
            await self._advice.feel(turn, *scored)
