"""The people on one call: who joins and leaves, who hears whom, and what of it the call hears.

Every leg is read by a task of its own, which hands what is said to the bridge (what people hear) and, for whoever
serves, to the call's intake (what is transcribed, recorded and advised on). Whatever the call has to know of the
people goes through the intake, too, so that it stands in its log where it happened.

On hold the caller is recorded and transcribed as before, for the system has told them that it listens; whoever serves
is not, because they do not speak to the caller. Where the caller's own telephone holds the call, nothing of either is.
A muted agent is heard, recorded and transcribed by nobody. What a supervisor says is neither transcribed nor recorded,
even where the caller hears it: no utterance may stand under another's name, and a replay of the recording has to hear
what the call heard. Prompts are not recorded either; the log says what was played. Whoever takes the call over serves
from then on, and is heard as such.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Final

import anyio
import numpy as np
from anyio.abc import TaskGroup
from anyio.lowlevel import checkpoint

from routing.call import Call
from routing.commands import CommandRefusedError, LegMode, TransferAct
from routing.leg_events import (
    CallHeld,
    CallResumed,
    PartyLeft,
    RecordingPaused,
    RecordingResumed,
    SupervisionChanged,
    SupervisionEnded,
    SupervisionStarted,
)
from routing.prompting import Prompting
from routing.seat import Seat
from routing.service_events import PromptPlayed
from routing.serving import Serving
from routing.terms import HandoverFailure
from voice.bridge import MOST_PARTICIPANTS, Bridge, Participant, Standing
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm
from voice.contracts.errors import UnknownCallError, WarmlineError
from voice.contracts.ports import CallLeg, Voice
from voice.intake import Intake
from voice.webrtc.leg import WebRtcLeg

CALLER: Final = "caller:"
"""The caller's id on the bridge; no account has it, for a name has no colon."""

LIFE_FRAMES: Final = 500
"""Every ten seconds of sound are a sign of life: who speaks with a caller is not taken for lost."""

_SILENCE: Final[Pcm] = np.zeros(FRAME_SAMPLES, np.float32)
_SILENCE.setflags(write=False)
_log = logging.getLogger(__name__)


class Lines:
    """The lines of one call.

    Args:
        call: the call.
        caller: the caller's leg.
        intake: where the call hears from.
        serving: the desk.
        new_hold_sound: makes what a caller on hold hears; None for silence.
    """

    def __init__(
        self,
        call: Call,
        caller: CallLeg,
        intake: Intake,
        serving: Serving,
        new_hold_sound: Callable[[], Voice] | None,
    ) -> None:
        self._call = call
        self._intake = intake
        self._serving = serving
        self._bridge = Bridge(new_hold_sound)
        self._prompting = Prompting(caller, self._bridge, intake)
        self._seats: dict[str, Seat] = {}
        self._caller = caller
        self._both = Party.AGENT in caller.source.parties
        self._is_away = False
        self._paused = False
        self._tasks: TaskGroup | None = None
        self._deciding = anyio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let people join while the context lasts; on leaving, everybody's leg is closed."""
        self._call.media.attach(Party.CALLER, None, self._caller)
        self._bridge.join(Participant(CALLER, Standing.CALLER), self._caller.sink)
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                self._prompting.close()
                tasks.cancel_scope.cancel()

    @property
    def caller(self) -> CallLeg:
        """The caller's leg."""
        return self._caller

    def hear_caller(self, frame: AudioFrame) -> None:
        """A frame of the caller's leg."""
        if frame.party is Party.CALLER:
            self._bridge.hear(CALLER, frame.pcm)
        self._intake.put(frame)

    async def announce(self, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        """See `Switchboard.announce`."""
        self._demand_open()
        server = self._server()
        if not disclosure and server is not None and server.joined:
            self._intake.note(PromptPlayed(prompt, disclosure, completed=False))  # people speak for themselves
        else:
            await self._prompting.announce(prompt, pcm, disclosure=disclosure)

    async def join(self, who: str, mode: LegMode, answer: Callable[[], Awaitable[CallLeg]]) -> None:
        """Let somebody join.

        Args:
            who: their account.
            mode: as what.
            answer: answers their offer with a leg, which is left when they or the call are gone.

        Raises:
            CommandRefusedError: `call.state`, `capacity.exceeded`, or the desk's reason.
            WarmlineError: the offer cannot be answered.
        """
        tasks = self._demand_open()
        if who in self._seats:
            raise CommandRefusedError("call.state", f"{who} is on this call already.", fix="Leave it first.")
        if len(self._seats) + 1 >= MOST_PARTICIPANTS:
            raise CommandRefusedError(
                "capacity.exceeded", f"At most {MOST_PARTICIPANTS} people are on a call.", fix="Wait until one leaves."
            )
        if mode is LegMode.SERVE:
            self._make_way(who)
        seat = self._seats[who] = Seat(who, mode)
        try:
            seat.leg = leg = await answer()
        except BaseException:
            del self._seats[who]
            raise
        tasks.start_soon(self._attend, seat, leg, name=f"{self._call.id} leg of {mode}")

    async def reoffer(self, who: str, sdp: str) -> str:
        """Answer somebody's new offer, because their network has changed; their leg goes on.

        Raises:
            CommandRefusedError: `call.state` where they are not on the call.
            WarmlineError: the offer cannot be answered.
        """
        self._demand_open()
        leg = self._find(who).leg
        if not isinstance(leg, WebRtcLeg):
            raise CommandRefusedError("call.state", "Only a leg from a browser can be offered anew.")
        return await leg.reoffer(sdp)

    async def pass_on(self, act: TransferAct) -> None:
        """Pass the caller on, or consult somebody.

        Raises:
            CommandRefusedError: `call.state`.
        """
        await checkpoint()
        raise CommandRefusedError("call.state", f"{type(act).__name__} is not carried out here.")

    async def change_mode(self, who: str, mode: LegMode) -> None:
        """Let a supervisor take part otherwise; with `SERVE` they serve from now on, and whoever did is off the call.

        Raises:
            CommandRefusedError: `call.state`, or the desk's reason.
        """
        before = self._server()
        async with self._deciding:
            self._demand_open()
            seat = self._find(who)
            if seat.mode is mode:
                return
            if mode is LegMode.SERVE and self._server() is not before:
                raise CommandRefusedError("call.state", "Somebody else has just taken this call over.")
            if seat.mode is LegMode.SERVE:
                raise CommandRefusedError("call.state", f"{who} serves this caller.", fix="Leave the call first.")
            if mode is LegMode.SERVE:
                await self._take_over(seat)
                return
            seat.mode = mode
            if seat.joined:
                self._bridge.change(who, standing=seat.standing)
                self._intake.note(seat.supervision_event(SupervisionChanged))

    async def leave(self, who: str) -> None:
        """Let somebody go; returns when they are gone.

        Raises:
            CommandRefusedError: `call.state` where they are not on the call.
        """
        self._demand_open()
        seat = self._find(who)
        if seat.failure is not None:
            seat.failure = HandoverFailure.DECLINED
        seat.scope.cancel()
        await seat.gone.wait()

    def mute(self, who: str, *, muted: bool) -> None:
        """Let nobody hear a leg, or everybody again.

        Raises:
            CommandRefusedError: `call.state` where they are not on the call.
        """
        self._demand_open()
        seat = self._find(who)
        if seat.muted is muted:
            return
        seat.muted = muted
        if seat.joined:
            self._bridge.change(who, muted=muted)
            if seat.mode is LegMode.SERVE and not seat.begins:
                self._intake.note(seat.mute_event())

    def hold(self, who: str, *, held: bool, oversees: bool) -> None:
        """Put the caller on hold, or fetch them back.

        Raises:
            CommandRefusedError: `call.not_yours`, or `call.state` where nobody serves.
        """
        self._demand_open()
        self._demand_say(who, oversees=oversees)
        if self._bridge.state.held is not held:
            self._hold(who, held=held)

    def note_hold(self, *, held: bool) -> None:
        """The caller's own telephone has put us on hold, or fetched us back; their leg is silent meanwhile.

        Raises:
            CapacityError: too much waits to be taken notice of.
        """
        if self._is_away is not held:
            self._intake.note((CallHeld if held else CallResumed)(Party.CALLER.value, Party.CALLER))
            self._is_away = held

    def pause_recording(self, who: str, *, paused: bool, oversees: bool) -> None:
        """Keep nothing of what is said, or go on keeping it.

        Raises:
            CommandRefusedError: `call.not_yours`, or `call.state` where nobody serves.
        """
        self._demand_open()
        self._demand_say(who, oversees=oversees)
        if self._paused is not paused:
            self._pause(who, paused=paused)

    def _demand_open(self) -> TaskGroup:
        if self._tasks is None or self._call.is_over:
            raise UnknownCallError(f"Call {self._call.id} is over, or has not begun yet.")
        return self._tasks

    def _make_way(self, who: str) -> None:
        """Let somebody serve: the desk decides; whoever is on the line for whom it has found another one goes."""
        if self._both:
            raise CommandRefusedError("call.state", "Somebody outside of Warmline serves this caller.")
        self._serving.check(self._call.id, who)
        if (former := self._server()) is not None:
            self._dismiss(former)

    def _dismiss(self, seat: Seat) -> None:
        """Send away who served; the desk knows."""
        seat.failure = None
        self._depart(seat)
        seat.scope.cancel()

    def _demand_say(self, who: str, *, oversees: bool) -> None:
        server = self._server()
        if server is None or not server.joined:
            raise CommandRefusedError("call.state", "Nobody serves this caller.")
        if server.who != who and not oversees:
            raise CommandRefusedError("call.not_yours", "Somebody else serves this caller.", fix="Ask a supervisor.")

    def _find(self, who: str) -> Seat:
        seat = self._seats.get(who)
        if seat is None:
            raise CommandRefusedError("call.state", f"{who} is not on this call.", fix="Join it first.")
        return seat

    def _server(self) -> Seat | None:
        return next((seat for seat in self._seats.values() if seat.mode is LegMode.SERVE), None)

    async def _attend(self, seat: Seat, leg: CallLeg) -> None:
        """One leg, from its first packet to its last."""
        try:
            with seat.scope:
                async with leg:
                    try:
                        await self._listen(seat, leg)
                    finally:
                        self._depart(seat)  # before the leg is closed, which may take a moment
        except Exception as error:  # the boundary of a leg: whatever its transport does, the call goes on
            code = error.code if isinstance(error, WarmlineError) else type(error).__name__
            _log.error("call %s: a leg's audio ended (%s)", self._call.id, code)
        finally:
            self._depart(seat)

    async def _listen(self, seat: Seat, leg: CallLeg) -> None:
        async with aclosing(leg.source.frames()) as frames, anyio.create_task_group() as arriving:
            async for frame in frames:
                if not seat.arriving:
                    seat.arriving = True
                    arriving.start_soon(self._arrive, seat, leg, name=f"{self._call.id} arrival")
                if seat.joined:
                    self._hear(seat, frame)
            arriving.cancel_scope.cancel()

    async def _arrive(self, seat: Seat, leg: CallLeg) -> None:
        """Sound comes from somebody: let them take part as soon as they may."""
        await self._call.begun.wait()
        if seat.mode is LegMode.SERVE:
            await self._prompting.disclosed()
            try:
                await self._serving.bridged(self._call.id, seat.who)
            except CommandRefusedError as refused:
                _log.warning("call %s: the desk let no leg serve (%s)", self._call.id, refused.reason)
                seat.failure = None
                seat.scope.cancel()
                return
            seat.failure = HandoverFailure.AGENT_LOST
        self._bridge.join(Participant(seat.who, seat.standing, seat.muted), leg.sink)
        self._call.media.attach(Party.AGENT, seat.who, leg)
        seat.joined = True
        if seat.mode is LegMode.SERVE:
            seat.begins = True
            self._prompting.hush()
        else:
            self._intake.note(seat.supervision_event(SupervisionStarted))

    def _hear(self, seat: Seat, frame: AudioFrame) -> None:
        self._bridge.hear(seat.who, frame.pcm)
        if seat.mode is not LegMode.SERVE:
            return
        if seat.begins:
            start = max(self._call.media_now() // FRAME_SAMPLES * FRAME_SAMPLES, self._intake.put_up_to(Party.AGENT))
            seat.offset = start - frame.start
            self._intake.begin(Party.AGENT, start, seat.who)
            seat.begins = False
            if seat.muted:
                self._intake.note(seat.mute_event())
        seat.frames += 1
        if seat.frames % LIFE_FRAMES == 0 and self._tasks is not None:
            self._tasks.start_soon(self._serving.alive, seat.who, name=f"{self._call.id} sign of life")
        silent = seat.muted or self._bridge.state.held or self._is_away
        self._intake.put(AudioFrame(Party.AGENT, frame.start + seat.offset, _SILENCE if silent else frame.pcm))

    async def _take_over(self, seat: Seat) -> None:
        if not seat.joined:
            raise CommandRefusedError("call.state", "Sound has to come first.", fix="Try again in a moment.")
        if self._both:
            raise CommandRefusedError("call.state", "Somebody outside of Warmline serves this caller.")
        former = self._server()
        await self._serving.take_over(self._call.id, seat.who, former.who if former else None, self._call.language)
        if former is not None:
            self._dismiss(former)
        seat.failure = HandoverFailure.AGENT_LOST
        if seat.gone.is_set():  # lost while the desk decided
            await self._serving.lost(self._call.id, seat.who, seat.failure)
            raise CommandRefusedError("call.state", f"{seat.who} is not on this call any more.")
        self._intake.note(SupervisionEnded(seat.who))
        seat.mode = LegMode.SERVE
        seat.begins = True
        self._bridge.change(seat.who, standing=Standing.AGENT)

    def _depart(self, seat: Seat) -> None:
        """Somebody is gone; may be called again."""
        if seat.gone.is_set():
            return
        seat.gone.set()
        del self._seats[seat.who]
        self._bridge.leave(seat.who)
        self._call.media.detach(Party.AGENT, seat.who)
        joined, seat.joined = seat.joined, False
        if self._tasks is None or self._call.is_over:  # the call is over, and says so itself
            return
        if seat.mode is not LegMode.SERVE:
            if joined:
                self._intake.note(SupervisionEnded(seat.who))
            return
        if joined and not seat.begins:
            self._intake.note(PartyLeft(Party.AGENT, seat.who))
        if seat.failure is not None:
            self._release(seat.who)
            self._tasks.start_soon(
                self._serving.lost, self._call.id, seat.who, seat.failure, name=f"{self._call.id} agent lost"
            )

    def _release(self, who: str) -> None:
        """Nobody serves any more, so nobody would fetch the caller from hold or go on recording."""
        if self._bridge.state.held:
            self._hold(who, held=False)
        if self._paused:
            self._pause(who, paused=False)

    def _hold(self, who: str, *, held: bool) -> None:
        self._intake.note(CallHeld(who) if held else CallResumed(who))
        self._bridge.hold(held)

    def _pause(self, who: str, *, paused: bool) -> None:
        self._intake.note(RecordingPaused(who) if paused else RecordingResumed(who))
        self._paused = paused
