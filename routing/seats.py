"""The legs on one call besides the caller's, and what the call hears of them.

Every leg is read by a task of its own, which hands what is said to the bridge (what people hear) and, for whoever
serves, to the call's intake (what is transcribed, recorded and advised on).

The leg of an agent who serves may be lost: their page was loaded again, their network changed. The caller then hears
music for a while, and the same agent who joins again goes on; the desk learns of it only when that time is over. An
agent who is consulted is waited for as long.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from typing import Final, Protocol

import anyio
import numpy as np
from anyio.abc import TaskGroup

from routing.call import Call
from routing.commands import CommandRefusedError, LegMode
from routing.leg_events import (
    AgentAwaited,
    CallHeld,
    CallResumed,
    PartyLeft,
    RecordingPaused,
    RecordingResumed,
    SupervisionEnded,
    SupervisionStarted,
)
from routing.prompting import Prompting
from routing.seat import CALLER, Seat
from routing.serving import Serving
from routing.terms import CallEndReason, HandoverFailure
from voice.aside import Aside
from voice.bridge import Bridge, Participant, Standing
from voice.contracts.audio import FRAME_SAMPLES, AudioFrame, Party, Pcm
from voice.contracts.errors import UnknownCallError, WarmlineError
from voice.contracts.ports import CallLeg, Clock
from voice.intake import Intake

GRACE_S: Final = 15.0
"""How long an agent whose leg is lost may take to come back, unless it is said otherwise."""

LIFE_FRAMES: Final = 500
"""Every ten seconds of sound are a sign of life: who speaks with a caller is not taken for lost."""

STALE_S: Final = 1.0
"""After so long without a frame a leg is dead, and the same person may join anew."""

_SILENCE: Final[Pcm] = np.zeros(FRAME_SAMPLES, np.float32)
_SILENCE.setflags(write=False)
_log = logging.getLogger(__name__)


class Consulted(Protocol):
    """Told of the legs of those who are asked for help, or to whom a caller is passed on."""

    async def welcome(self, seat: Seat, /) -> None:
        """Such a leg brings sound, and is on the bridge."""
        ...

    def miss(self, seat: Seat, /) -> None:
        """Such a leg is gone."""
        ...

    def abandon(self) -> None:
        """Whoever served is gone for good."""
        ...


class Seats:
    """Who is on a call besides the caller.

    Args:
        call: the call.
        intake: where the call hears from.
        serving: the desk.
        bridge: who hears whom.
        prompting: what the caller is told.
        aside: takes down what the caller hears of those who do not serve.
        clock: time.
        grace_s: how long an agent whose leg is lost is waited for; 0 for not at all.
    """

    def __init__(
        self,
        call: Call,
        intake: Intake,
        serving: Serving,
        bridge: Bridge,
        prompting: Prompting,
        aside: Aside,
        clock: Clock,
        grace_s: float,
    ) -> None:
        self.call = call
        self.bridge = bridge
        self.intake = intake
        self.serving = serving
        self.clock = clock
        self.paused = False
        self.is_caller_away = False
        self.taken: dict[str, Seat] = {}
        self.awaited: str | None = None
        self.consulted: Consulted | None = None
        self.grace_s = grace_s
        self._waiting = anyio.CancelScope()
        self._prompting = prompting
        self._aside = aside
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let people sit down while the context lasts; on leaving, everybody's leg is closed."""
        async with anyio.create_task_group() as tasks:
            self._tasks = tasks
            try:
                yield
            finally:
                self._tasks = None
                tasks.cancel_scope.cancel()

    def demand_open(self) -> TaskGroup:
        """The tasks of the call, while it goes on.

        Raises:
            UnknownCallError: it is over, or has not begun.
        """
        if self._tasks is None or self.call.is_over:
            raise UnknownCallError(f"Call {self.call.id} is over, or has not begun yet.")
        return self._tasks

    def find(self, who: str) -> Seat:
        """Somebody's seat.

        Raises:
            CommandRefusedError: `call.state` where they are not on the call.
        """
        seat = self.taken.get(who)
        if seat is None:
            raise CommandRefusedError("call.state", f"{who} is not on this call.", fix="Join it first.")
        return seat

    def server(self) -> Seat | None:
        """Whoever serves, or is about to."""
        return next((seat for seat in self.taken.values() if seat.mode is LegMode.SERVE), None)

    def demand_say(self, who: str, *, oversees: bool = False) -> Seat:
        """Whoever serves, where that is `who` or `who` oversees.

        Raises:
            CommandRefusedError: `call.not_yours`, or `call.state` where nobody serves.
        """
        server = self.server()
        if server is None or not server.joined:
            raise CommandRefusedError("call.state", "Nobody serves this caller.")
        if server.who != who and not oversees:
            raise CommandRefusedError("call.not_yours", "Somebody else serves this caller.", fix="Ask a supervisor.")
        return server

    async def add(self, seat: Seat, answer: Callable[[], Awaitable[CallLeg]]) -> None:
        """Let somebody sit down as soon as their leg is answered.

        Raises:
            WarmlineError: it cannot be answered, or they are not wanted any more when it is.
        """
        tasks = self.demand_open()
        self.taken[seat.who] = seat
        try:
            leg = await answer()
        except BaseException:
            self.taken.pop(seat.who, None)
            raise
        if self._tasks is tasks and not self.call.is_over and not seat.gone.is_set():
            self.seat(seat, leg, tasks)
            return
        # The call has ended meanwhile, or whoever asked for them has taken that back; the leg holds sockets already.
        self.taken.pop(seat.who, None)
        with anyio.CancelScope(shield=True):
            async with leg:
                pass
        self.demand_open()
        raise CommandRefusedError("call.state", f"{seat.who} is not wanted on this call any more.")

    def seat(self, seat: Seat, leg: CallLeg, tasks: TaskGroup) -> None:
        """Attend to a leg from now on; it is left when it or the call is over."""
        self.taken[seat.who] = seat
        seat.leg, seat.heard_s = leg, self.clock.now_s()
        tasks.start_soon(self._attend, seat, leg, name=f"{self.call.id} leg of {seat.mode}")

    def drop_stale(self, seat: Seat) -> None:
        """Forget a leg that brings nothing any more, so that the same person may join anew.

        Raises:
            CommandRefusedError: `call.state`: it is alive.
        """
        if self.clock.now_s() - seat.heard_s < STALE_S:
            raise CommandRefusedError("call.state", f"{seat.who} is on this call already.", fix="Leave it first.")
        if self.grace_s <= 0:
            seat.failure = None
        self.depart(seat)
        seat.scope.cancel()

    def dismiss(self, seat: Seat) -> None:
        """Send somebody away; the desk knows."""
        seat.failure = None
        self.depart(seat)
        seat.scope.cancel()

    def depart(self, seat: Seat) -> None:
        """Somebody is gone; may be called again."""
        if seat.gone.is_set():
            return
        seat.gone.set()
        del self.taken[seat.who]
        self.bridge.leave(seat.who)
        self.call.media.detach(Party.AGENT, seat.who)
        joined, seat.joined = seat.joined, False
        if self._tasks is None or self.call.is_over:  # the call is over, and says so itself
            return
        if seat.mode is LegMode.CONSULT:
            if self.consulted is not None:
                self.consulted.miss(seat)
            return
        if seat.mode is not LegMode.SERVE:
            if joined:
                self.intake.note(SupervisionEnded(seat.who))
            return
        if joined and not seat.begins:
            self.intake.note(PartyLeft(Party.AGENT, seat.who))
        if seat.outside:
            if seat.failure is not None:  # nobody of ours is left to serve the caller
                self.call.end(CallEndReason.AGENT_HUNG_UP)
        elif seat.failure is HandoverFailure.AGENT_LOST and self.grace_s > 0:
            self._await_agent(seat.who, self._tasks)
        elif seat.failure is HandoverFailure.DECLINED or (seat.failure is not None and self.awaited is None):
            self.give_up(seat.who, seat.failure)

    def give_up(self, who: str, failure: HandoverFailure) -> None:
        """The agent is gone for good: the desk looks for another one."""
        self.end_wait()
        if self.consulted is not None:
            self.consulted.abandon()
        self._release(who)
        if self._tasks is not None:
            self._tasks.start_soon(self.serving.lost, self.call.id, who, failure, name=f"{self.call.id} agent lost")

    def end_wait(self) -> None:
        """Nobody is waited for any more."""
        self.awaited = None
        self._waiting.cancel()
        self.bridge.wait(False)

    def hold(self, who: str, *, held: bool) -> None:
        """Put the caller on hold, or fetch them back; nothing happens where they are."""
        if self.bridge.state.held is not held:
            self.intake.note(CallHeld(who) if held else CallResumed(who))
            self.bridge.hold(held)

    def pause(self, who: str, *, paused: bool) -> None:
        """Keep nothing of what is said, or go on keeping it; nothing happens where that is so."""
        if self.paused is not paused:
            self.intake.note(RecordingPaused(who) if paused else RecordingResumed(who))
            self.paused = paused

    def promote(self, seat: Seat) -> None:
        """Let somebody on the bridge serve from now on; whoever did is gone."""
        self.end_wait()
        seat.mode, seat.failure, seat.begins = LegMode.SERVE, HandoverFailure.AGENT_LOST, True
        self.bridge.change(seat.who, standing=Standing.AGENT)

    async def _attend(self, seat: Seat, leg: CallLeg) -> None:
        """One leg, from its first packet to its last."""
        try:
            with seat.scope:
                async with leg:
                    try:
                        await self._listen(seat, leg)
                    finally:
                        self.depart(seat)  # before the leg is closed, which may take a moment
        except Exception as error:  # the boundary of a leg: whatever its transport does, the call goes on
            code = error.code if isinstance(error, WarmlineError) else type(error).__name__
            _log.error("call %s: a leg's audio ended (%s)", self.call.id, code)
        finally:
            self.depart(seat)

    async def _listen(self, seat: Seat, leg: CallLeg) -> None:
        async with aclosing(leg.source.frames()) as frames, anyio.create_task_group() as arriving:
            async for frame in frames:
                seat.heard_s = self.clock.now_s()
                if not seat.arriving:
                    seat.arriving = True
                    arriving.start_soon(self._arrive, seat, leg, name=f"{self.call.id} arrival")
                if seat.joined:
                    self._hear(seat, frame)
            arriving.cancel_scope.cancel()

    async def _arrive(self, seat: Seat, leg: CallLeg) -> None:
        """Sound comes from somebody: let them take part as soon as they may."""
        await self.call.begun.wait()
        if seat.mode is LegMode.SERVE:
            await self._prompting.disclosed()
            try:
                await self.serving.bridged(self.call.id, seat.who)
            except CommandRefusedError as refused:
                _log.warning("call %s: the desk let no leg serve (%s)", self.call.id, refused.reason)
                seat.failure = None
                seat.scope.cancel()
                return
            seat.failure = HandoverFailure.AGENT_LOST
        self.bridge.join(Participant(seat.who, seat.standing, seat.muted), leg.sink)
        self.call.media.attach(Party.AGENT, seat.who, leg)
        seat.joined = True
        if seat.mode is LegMode.SERVE:
            seat.begins = True
            self.end_wait()
            self._prompting.hush()
        elif seat.mode is LegMode.CONSULT:
            if self.consulted is not None:
                await self.consulted.welcome(seat)
        else:
            self.intake.note(seat.supervision_event(SupervisionStarted))

    def _hear(self, seat: Seat, frame: AudioFrame) -> None:
        self.bridge.hear(seat.who, frame.pcm)
        if seat.mode is not LegMode.SERVE:
            self._hear_aside(seat, frame)
            return
        if seat.begins:
            start = max(self.call.media_now() // FRAME_SAMPLES * FRAME_SAMPLES, self.intake.put_up_to(Party.AGENT))
            seat.offset = start - frame.start
            self.intake.begin(Party.AGENT, start, seat.who)
            seat.begins = False
            if seat.muted:
                self.intake.note(seat.mute_event())
        seat.frames += 1
        if seat.frames % LIFE_FRAMES == 0 and self._tasks is not None and not seat.outside:
            self._tasks.start_soon(self.serving.alive, seat.who, name=f"{self.call.id} sign of life")
        silent = seat.muted or self.bridge.state.held or self.is_caller_away
        self.intake.put(AudioFrame(Party.AGENT, frame.start + seat.offset, _SILENCE if silent else frame.pcm))

    def _hear_aside(self, seat: Seat, frame: AudioFrame) -> None:
        """Somebody speaks who does not serve: it is recorded where the caller hears it."""
        if not self.bridge.is_heard(seat.who, CALLER):
            seat.aside = False
            return
        if not seat.aside or frame.start + seat.offset < self._aside.given_up_to:  # new, or later than ever before
            seat.offset, seat.aside = self.call.media_now() // FRAME_SAMPLES * FRAME_SAMPLES - frame.start, True
        self._aside.hear(frame.start + seat.offset, frame.pcm)

    def _await_agent(self, who: str, tasks: TaskGroup) -> None:
        self.awaited, self._waiting = who, anyio.CancelScope()
        self.intake.note(AgentAwaited(who, self.grace_s))
        self.bridge.wait(True)
        tasks.start_soon(self._outwait, who, self._waiting, name=f"{self.call.id} agent awaited")

    async def _outwait(self, who: str, waiting: anyio.CancelScope) -> None:
        with waiting:
            await self.clock.sleep_until(self.clock.now_s() + self.grace_s)
            self.give_up(who, HandoverFailure.AGENT_LOST)

    def _release(self, who: str) -> None:
        """Nobody serves any more, so nobody would fetch the caller from hold or go on recording."""
        self.hold(who, held=False)
        self.pause(who, paused=False)
