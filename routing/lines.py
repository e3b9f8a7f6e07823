"""The people on one call: who joins and leaves, who hears whom, and what of it the call hears.

Whatever the call has to know of the people goes through its intake, so that it stands in its log where it happened.

On hold the caller is recorded and transcribed as before, for the system has told them that it listens; whoever serves
is not, because they do not speak to the caller. Where the caller's own telephone holds the call, nothing of either is.
A muted agent is heard, recorded and transcribed by nobody. What a supervisor or somebody who is consulted says is never
transcribed: no utterance may stand under another's name. Where the caller hears it, it is recorded with whoever serves,
as prompts are; what is whispered is not. Whoever takes the call over serves from then on, and is heard as such.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import anyio

from routing.call import Call
from routing.commands import CommandRefusedError, LegMode, TransferAct
from routing.dialing import Dialer
from routing.leg_events import CallHeld, CallResumed, LegReplaced, SupervisionChanged, SupervisionEnded
from routing.prompting import Prompting
from routing.seat import CALLER, Seat
from routing.seats import Seats
from routing.service_events import PromptPlayed
from routing.serving import Serving
from routing.terms import HandoverFailure
from routing.transfers import Transfers
from voice.aside import Aside
from voice.bridge import MOST_PARTICIPANTS, Bridge, Participant, Standing
from voice.contracts.audio import AudioFrame, Party, Pcm
from voice.contracts.ports import CallLeg, Clock, Voice
from voice.intake import Intake
from voice.webrtc.leg import WebRtcLeg


class Lines:
    """The lines of one call.

    Args:
        call: the call.
        caller: the caller's leg.
        intake: where the call hears from.
        serving: the desk.
        new_hold_sound: makes what a caller on hold hears; None for silence.
        dialer: the way to people outside.
        clock: time.
        grace_s: how long an agent whose leg is lost is waited for.
    """

    def __init__(
        self,
        call: Call,
        caller: CallLeg,
        intake: Intake,
        serving: Serving,
        new_hold_sound: Callable[[], Voice] | None,
        *,
        dialer: Dialer,
        clock: Clock,
        grace_s: float,
    ) -> None:
        self._call = call
        self._intake = intake
        self._serving = serving
        self._bridge = Bridge(new_hold_sound)
        self._aside = Aside()
        self._prompting = Prompting(caller, self._bridge, intake, self._aside, call.media_now)
        self._seats = Seats(call, intake, serving, self._bridge, self._prompting, self._aside, clock, grace_s)
        self._transfers = Transfers(self._seats, caller, dialer)
        self._seats.consulted = self._transfers
        self._caller = caller
        self._both = Party.AGENT in caller.source.parties
        self._deciding = anyio.Lock()

    @asynccontextmanager
    async def open(self) -> AsyncIterator[None]:
        """Let people join while the context lasts; on leaving, everybody's leg is closed."""
        self._call.media.attach(Party.CALLER, None, self._caller)
        self._bridge.join(Participant(CALLER, Standing.CALLER), self._caller.sink)
        async with self._seats.open():
            try:
                yield
            finally:
                self._prompting.close()

    @property
    def caller(self) -> CallLeg:
        """The caller's leg."""
        return self._caller

    def hear_caller(self, frame: AudioFrame) -> None:
        """A frame of the caller's leg."""
        if frame.party is Party.CALLER:
            self._bridge.hear(CALLER, frame.pcm)
        self._intake.put(frame)
        self._take_down()

    def _take_down(self) -> None:
        """Let the recording have what the caller heard besides whoever serves them."""
        for frame in self._aside.due(self._call.media_now()):
            if frame.start > self._intake.put_up_to(Party.BOT):
                self._intake.begin(Party.BOT, frame.start)
            self._intake.put(frame)

    async def announce(self, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        """See `Switchboard.announce`."""
        self._seats.demand_open()
        server = self._seats.server()
        if not disclosure and server is not None and server.joined:
            self._intake.note(PromptPlayed(prompt, disclosure, completed=False))  # people speak for themselves
        else:
            await self._prompting.announce(prompt, pcm, disclosure=disclosure)

    async def join(self, who: str, mode: LegMode, answer: Callable[[], Awaitable[CallLeg]]) -> None:
        """Let somebody join; whoever serves and whose leg brings nothing any more joins in its stead.

        Args:
            who: their account.
            mode: as what.
            answer: answers their offer with a leg, which is left when they or the call are gone.

        Raises:
            CommandRefusedError: `call.state`, `capacity.exceeded`, or the desk's reason.
            WarmlineError: the offer cannot be answered.
        """
        self._seats.demand_open()
        if (before := self._seats.taken.get(who)) is not None:
            self._seats.drop_stale(before)
        if len(self._seats.taken) + 1 >= MOST_PARTICIPANTS:
            raise CommandRefusedError(
                "capacity.exceeded", f"At most {MOST_PARTICIPANTS} people are on a call.", fix="Wait until one leaves."
            )
        seat = Seat(who, mode)
        if self._transfers.invites(who, mode):
            seat.mode = LegMode.CONSULT
            self._transfers.expect(seat)
        elif mode is LegMode.CONSULT:
            raise CommandRefusedError("call.state", f"{who} is not asked for help on this call.")
        elif mode is LegMode.SERVE:
            self._make_way(who)
        try:
            await self._seats.add(seat, answer)
        except BaseException:
            self._transfers.expect_no_more(seat)
            raise

    async def reoffer(self, who: str, sdp: str) -> str:
        """Answer somebody's new offer, because their network has changed; their leg goes on.

        Raises:
            CommandRefusedError: `call.state` where they are not on the call.
            WarmlineError: the offer cannot be answered.
        """
        self._seats.demand_open()
        leg = self._seats.find(who).leg
        if not isinstance(leg, WebRtcLeg):
            raise CommandRefusedError("call.state", "Only a leg from a browser can be offered anew.")
        return await leg.reoffer(sdp)

    async def pass_on(self, act: TransferAct) -> None:
        """Pass the caller on, or consult somebody; see `Transfers.act`."""
        await self._transfers.act(act)

    async def change_mode(self, who: str, mode: LegMode) -> None:
        """Let a supervisor take part otherwise; with `SERVE` they serve from now on, and whoever did is off the call.

        Raises:
            CommandRefusedError: `call.state`, or the desk's reason.
        """
        before = self._seats.server()
        async with self._deciding:
            self._seats.demand_open()
            seat = self._seats.find(who)
            if seat.mode is mode:
                return
            if mode is LegMode.SERVE and self._seats.server() is not before:
                raise CommandRefusedError("call.state", "Somebody else has just taken this call over.")
            if seat.mode is LegMode.SERVE:
                raise CommandRefusedError("call.state", f"{who} serves this caller.", fix="Leave the call first.")
            if LegMode.CONSULT in (mode, seat.mode):
                raise CommandRefusedError("call.state", f"{who} cannot take part so.", fix="Leave the call first.")
            if mode is LegMode.SERVE:
                await self._take_over(seat)
                return
            seat.mode = mode
            if seat.joined:
                self._bridge.change(who, standing=seat.standing)
                self._intake.note(seat.supervision_event(SupervisionChanged))

    async def leave(self, who: str) -> None:
        """Let somebody go; returns when they are gone. An agent who is waited for is waited for no more.

        Raises:
            CommandRefusedError: `call.state` where they are not on the call.
        """
        self._seats.demand_open()
        if who == self._seats.awaited and who not in self._seats.taken:
            self._seats.give_up(who, HandoverFailure.DECLINED)
            return
        seat = self._seats.find(who)
        if seat.failure is not None:
            seat.failure = HandoverFailure.DECLINED
        seat.scope.cancel()
        await seat.gone.wait()

    def mute(self, who: str, *, muted: bool) -> None:
        """Let nobody hear a leg, or everybody again.

        Raises:
            CommandRefusedError: `call.state` where they are not on the call.
        """
        self._seats.demand_open()
        seat = self._seats.find(who)
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
        self._seats.demand_open()
        self._seats.demand_say(who, oversees=oversees)
        self._seats.hold(who, held=held)

    def note_hold(self, *, held: bool) -> None:
        """The caller's own telephone has put us on hold, or fetched us back; their leg is silent meanwhile.

        Raises:
            CapacityError: too much waits to be taken notice of.
        """
        if self._seats.is_caller_away is not held:
            self._intake.note((CallHeld if held else CallResumed)(Party.CALLER.value, Party.CALLER))
            self._seats.is_caller_away = held

    def note_successor(self, address: str) -> None:
        """Somebody else is at the caller's telephone: their leg goes on, and so does the call.

        Raises:
            CapacityError: too much waits to be taken notice of.
        """
        self._intake.note(LegReplaced(Party.CALLER, address))

    def pause_recording(self, who: str, *, paused: bool, oversees: bool) -> None:
        """Keep nothing of what is said, or go on keeping it.

        Raises:
            CommandRefusedError: `call.not_yours`, or `call.state` where nobody serves.
        """
        self._seats.demand_open()
        self._seats.demand_say(who, oversees=oversees)
        self._seats.pause(who, paused=paused)

    def _make_way(self, who: str) -> None:
        """Let somebody serve: the desk decides; whoever is on the line for whom it has found another one goes."""
        if self._both:
            raise CommandRefusedError("call.state", "Somebody outside of Warmline serves this caller.")
        self._serving.check(self._call.id, who)
        if (former := self._seats.server()) is not None:
            self._transfers.abandon()
            self._seats.dismiss(former)

    async def _take_over(self, seat: Seat) -> None:
        if not seat.joined:
            raise CommandRefusedError("call.state", "Sound has to come first.", fix="Try again in a moment.")
        if self._both:
            raise CommandRefusedError("call.state", "Somebody outside of Warmline serves this caller.")
        former = self._seats.server()
        held_by = self._seats.awaited if former is None else None if former.outside else former.who
        await self._serving.take_over(self._call.id, seat.who, held_by, self._call.language)
        if former is not None:
            self._transfers.abandon()
            self._seats.dismiss(former)
        if seat.gone.is_set():  # lost while the desk decided
            self._seats.end_wait()
            await self._serving.lost(self._call.id, seat.who, HandoverFailure.AGENT_LOST)
            raise CommandRefusedError("call.state", f"{seat.who} is not on this call any more.")
        self._intake.note(SupervisionEnded(seat.who))
        self._seats.promote(seat)
