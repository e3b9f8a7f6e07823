"""The live calls of this process: carries out commands, and sees every call through to its last event."""

from __future__ import annotations

import logging
import secrets
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final, Self

import anyio
from anyio.abc import TaskGroup
from anyio.to_thread import run_sync

from asr.types import Language
from routing.call import Call
from routing.callback_events import CallbackEvent
from routing.commands import (
    CallAnswered,
    Command,
    CommandRefusedError,
    Done,
    HangUp,
    JoinCall,
    OfferCall,
    Outcome,
    PressKey,
    ReofferCall,
    ShowSecret,
)
from routing.dialing import AnsweredLeg, Dialer, NoDialer, Wanted
from routing.events import CallAttribute, CallStarted
from routing.executions import Executions
from routing.handover import HandoverEvent
from routing.journal.ports import Journal
from routing.leg_commands import Answer, carry_out
from routing.lines import Lines
from routing.live_call import Holds, Keys, LiveCall, Successors
from routing.ringing import Ringing
from routing.rooms import Rooms
from routing.seats import GRACE_S
from routing.service_events import AnnouncementMade
from routing.serving import NoDesk, Serving
from routing.terms import CallEndReason, Channel, Direction
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import RecordingError, UnknownCallError, WarmlineError
from voice.contracts.ports import CallLeg, Clock, Voice
from voice.contracts.recording import RecordingFormat
from voice.intake import Intake
from voice.recording import StereoRecorder
from voice.webrtc.leg import WebRtcLeg

DRAIN_S: Final = 10.0
"""How long live calls may take to finish their last utterances when the process stops."""

_DIGITS: Final = frozenset("0123456789*#ABCD")
_log = logging.getLogger(__name__)


class Switchboard:
    """Implements `Commands`; made by `Switchboard.open`.

    Args:
        rooms: what each call joins.
        journal: where events go.
        answer: answers an SDP offer with a leg.
        clock: time.
        recordings: folder for `<call>.wav` (or .flac, .opus); None to record nothing.
        max_calls: calls at once; one more is refused with `capacity.exceeded`.
        new_hold_sound: makes what a caller on hold hears; None for silence.
        recording_format: what a recording becomes when its call is over.
        agent_grace_s: how long a caller waits for an agent whose leg is lost before somebody else is looked for.
    """

    def __init__(
        self,
        rooms: Rooms,
        journal: Journal,
        answer: Answer,
        clock: Clock,
        recordings: Path | None,
        max_calls: int,
        recording_format: RecordingFormat = RecordingFormat.WAV,
        new_hold_sound: Callable[[], Voice] | None = None,
        agent_grace_s: float = GRACE_S,
    ) -> None:
        self._rooms = rooms
        self._journal = journal
        self._answer = answer
        self._clock = clock
        self._recordings = recordings
        self._recording_format = recording_format
        self._max_calls = max_calls
        self._new_hold_sound = new_hold_sound
        self._agent_grace_s = agent_grace_s
        self._dialer: Dialer = NoDialer()
        self._serving: Serving = NoDesk()
        self._live: dict[CallId, LiveCall] = {}
        self._answering = 0
        self._ringing = Ringing(answer)
        self._executions = Executions(self._carry_out)
        self._tasks: TaskGroup | None = None
        self._idle = anyio.Event()
        self._draining = False

    @classmethod
    @asynccontextmanager
    async def open(
        cls,
        rooms: Rooms,
        journal: Journal,
        answer: Answer,
        clock: Clock,
        *,
        recordings: Path | None,
        max_calls: int,
        recording_format: RecordingFormat = RecordingFormat.WAV,
        new_hold_sound: Callable[[], Voice] | None = None,
        agent_grace_s: float = GRACE_S,
    ) -> AsyncIterator[Self]:
        """A switchboard for as long as the context lasts; on leaving, live calls are ended and seen through."""
        board = cls(
            rooms, journal, answer, clock, recordings, max_calls, recording_format, new_hold_sound, agent_grace_s
        )
        async with anyio.create_task_group() as tasks:
            board._tasks = tasks
            try:
                yield board
            finally:
                with anyio.move_on_after(DRAIN_S, shield=True):
                    await board._drain()
                tasks.cancel_scope.cancel()

    @property
    def live_calls(self) -> int:
        """Calls at this moment."""
        return len(self._live)

    def ask(self, desk: Serving) -> None:
        """Ask this desk from now on who may serve whom; before, nobody may."""
        self._serving = desk

    def dial_with(self, dialer: Dialer) -> None:
        """Call people outside over this from now on, for transfers and consultations; before, nobody is reached."""
        self._dialer = dialer

    async def announce(self, call: CallId, prompt: str, pcm: Pcm, *, disclosure: bool) -> None:
        """Play something to a caller over everything else; returns when it was played or cut, which the log then says.

        A disclosure is never cut, and an agent who comes meanwhile is joined to the caller when it has ended; any
        other prompt is cut by the next one and by an agent who comes, and not begun while one is there.

        Args:
            call: whose caller.
            prompt: its name, for the log.
            pcm: 16 kHz mono float32, shape (n,).
            disclosure: whether the caller has to hear it to its end.

        Raises:
            UnknownCallError: the call is over.
            CapacityError: it is longer than two minutes.
        """
        await self._find_live(call).lines.announce(prompt, pcm, disclosure=disclosure)

    def note(self, call: CallId, made: AnnouncementMade) -> None:
        """Write into a live call's log that something was announced to its caller.

        Raises:
            UnknownCallError: the call is over.
            CapacityError: too much waits to be written.
        """
        self._find_live(call).intake.note(made)

    async def hand_over(self, call: CallId, step: HandoverEvent | CallbackEvent) -> None:
        """Write a step of a hand-over, or of a callback, into a live call's log.

        Raises:
            UnknownCallError: the call is over.
            HandoverError: the step cannot follow on those before.
        """
        await self._find_live(call).call.hand_over(step)

    def is_live(self, call: CallId) -> bool:
        """Whether a call goes on, or is being seen through to its end."""
        return call in self._live

    def reaches(self, uri: str, attributes: tuple[CallAttribute, ...]) -> bool:
        """Whether somebody may be called from here; see `Dialer.reaches`."""
        return self._dialer.reaches(uri, attributes)

    async def call_back(self, wanted: Wanted) -> CallId:
        """Call somebody who wants that, and begin the call when they answer; cancelling gives it up until then.

        Raises:
            DialError: they were not reached.
            CommandRefusedError: `capacity.exceeded` or `server.draining`; nobody was called.
        """
        with self._line() as tasks:
            with self._ringing.open(wanted, tasks) as hear:
                answered = await self._dialer.call_back(wanted, hear)
            try:
                who = wanted.caller, wanted.called, wanted.language, wanted.attributes
                live = await self._take(answered, tasks, *who, Direction.OUTBOUND)
            except BaseException:  # nobody will enter the leg, and it holds sockets already
                with anyio.CancelScope(shield=True):
                    await answered.leg.__aexit__(None, None, None)
                raise
        return live.call.id

    def hang_up(self, call: CallId) -> None:
        """End a call that we made and that nobody serves; nothing happens where it is over."""
        if (live := self._live.get(call)) is not None:
            live.call.end(CallEndReason.AGENT_HUNG_UP)

    async def execute(self, command: Command) -> Outcome:
        """See `Commands.execute`."""
        return await self._executions.execute(command)

    async def _carry_out(self, command: Command) -> Outcome:
        match command:
            case OfferCall():
                return await self._offer(command)
            case ReofferCall():
                return await self._reoffer(command)
            case HangUp(call=call, by=by, secret=secret):
                live = self._find(call, secret)
                by_caller = secret is not None
                live.call.end(CallEndReason.CALLER_HUNG_UP if by_caller else CallEndReason.AGENT_HUNG_UP)
                _log.info("call %s: hang-up by %s", call, "caller" if by_caller else by)
                return Done(call)
            case PressKey(call=call, digit=digit, secret=secret):
                if digit not in _DIGITS:
                    raise CommandRefusedError("dtmf.digit", f"A key is one of 0-9, *, #, A-D; got {digit!r}.")
                try:
                    await self._find(call, secret).call.press(digit)
                except UnknownCallError as error:
                    raise CommandRefusedError(error.code, str(error)) from error
                return Done(call)
            case ShowSecret(call=call, secret=secret):
                self._find(call, secret)
                return Done(call)
            case JoinCall() if self._ringing.expects(command):
                return await self._ringing.join(command)
            case _:
                lines = self._find(command.call, None).lines
                return await carry_out(command, lines, self._answer, draining=self._draining)

    def _find_live(self, call: CallId) -> LiveCall:
        if (live := self._live.get(call)) is None:
            raise UnknownCallError(f"No live call {call!r}.")
        return live

    def _find(self, call: CallId, secret: str | None) -> LiveCall:
        live = self._live.get(call)
        if live is None:
            raise CommandRefusedError("call.unknown", f"No live call {call!r}; it may have ended.")
        if secret is not None and not secrets.compare_digest(secret.encode(), live.secret.encode()):
            raise CommandRefusedError("secret.wrong", "This call belongs to somebody else.")
        return live

    async def _offer(self, command: OfferCall) -> CallAnswered:
        try:
            with self._line() as tasks:
                leg = await self._answer(command.sdp)
                try:
                    answered = AnsweredLeg(leg, Channel.WEBRTC)
                    live = await self._take(answered, tasks, command.caller, "web", command.language)
                except BaseException:  # nobody will enter the leg, and it holds sockets already
                    with anyio.CancelScope(shield=True):
                        await leg.close()
                    raise
        except CommandRefusedError:
            raise
        except WarmlineError as error:
            raise CommandRefusedError(error.code, str(error)) from error
        return CallAnswered(live.call.id, leg.answer_sdp, live.secret)

    async def _reoffer(self, command: ReofferCall) -> CallAnswered:
        leg = self._find(command.call, command.secret).lines.caller
        if not isinstance(leg, WebRtcLeg):
            raise CommandRefusedError("call.state", "Only a call from a browser can be offered anew.")
        try:
            return CallAnswered(command.call, await leg.reoffer(command.sdp), command.secret)
        except WarmlineError as error:
            raise CommandRefusedError(error.code, str(error.args[0]), fix=error.fix) from error

    @contextmanager
    def _line(self) -> Iterator[TaskGroup]:
        """Keep a line free for a call that is about to begin."""
        if self._draining or self._tasks is None:
            raise CommandRefusedError("server.draining", "The server is stopping.", fix="Call again in a minute.")
        if len(self._live) + self._answering >= self._max_calls:
            raise CommandRefusedError(
                "capacity.exceeded", f"All {self._max_calls} lines are in use.", fix="Call again in a few minutes."
            )
        if (full := self._rooms.refusal()) is not None:
            raise CommandRefusedError(full.code, str(full))
        self._answering += 1
        try:
            yield self._tasks
        finally:
            self._answering -= 1

    async def take(
        self,
        leg: CallLeg,
        channel: Channel,
        *,
        caller: str,
        called: str,
        language: Language,
        keys: Keys | None = None,
        holds: Holds | None = None,
        attributes: tuple[CallAttribute, ...] = (),
        successors: Successors | None = None,
    ) -> CallId:
        """Begin the call of a leg whose transport has accepted it; the leg is entered, and left when the call is over.

        Returns once something may be said in the call.

        Args:
            leg: the caller's.
            channel: how they came.
            caller: their address.
            called: what they called.
            language: what they speak.
            keys: the keys they press.
            holds: whether their telephone holds the call.
            attributes: what else came with the call.
            successors: who takes their place at their telephone.

        Raises:
            CommandRefusedError: `capacity.exceeded` or `server.draining`; the leg is still the asker's.
        """
        with self._line() as tasks:
            answered = AnsweredLeg(leg, channel, keys, holds, successors)
            live = await self._take(answered, tasks, caller, called, language, attributes)
        await live.opened.wait()
        return live.call.id

    async def _take(
        self,
        answered: AnsweredLeg,
        tasks: TaskGroup,
        caller: str,
        called: str,
        language: Language,
        attributes: tuple[CallAttribute, ...] = (),
        direction: Direction = Direction.INBOUND,
    ) -> LiveCall:
        began = self._clock.utc_now()
        call_id = CallId(f"c-{began:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}")
        began_at = began.isoformat(timespec="milliseconds")
        started = CallStarted(direction, answered.channel, caller, called, language, began_at, attributes)
        recorder = await self._open_recorder(call_id)
        call = Call(call_id, started, self._rooms, self._journal, self._clock, recorder=recorder)
        intake = Intake()
        lines = Lines(
            call,
            answered.leg,
            intake,
            self._serving,
            self._new_hold_sound,
            dialer=self._dialer,
            clock=self._clock,
            grace_s=self._agent_grace_s,
        )
        live = self._live[call_id] = LiveCall(call, lines, intake, recorder, secrets.token_urlsafe(24))
        tasks.start_soon(self._serve, live, answered, name=call_id)
        return live

    async def _open_recorder(self, call: CallId) -> StereoRecorder | None:
        if self._recordings is None:
            return None
        recorder = StereoRecorder(self._recordings / f"{call}{self._recording_format.suffix}")
        try:
            await run_sync(recorder.open)
        except RecordingError as error:
            _log.error("call %s: no recording (%s)", call, error.code)
            return None
        return recorder

    async def _serve(self, live: LiveCall, answered: AnsweredLeg) -> None:
        try:
            await live.run(self._rooms.listen, answered.keys, answered.holds, answered.successors)
        except Exception:  # the boundary of a call: whatever breaks here harms no other call
            _log.exception("call %s failed", live.call.id)
        finally:
            del self._live[live.call.id]
            if not self._live:
                self._idle.set()

    async def _drain(self) -> None:
        self._draining = True
        for live in list(self._live.values()):
            live.call.end(CallEndReason.SERVER_SHUTDOWN)
        if self._live:
            self._idle = anyio.Event()
            await self._idle.wait()
