"""Agents hear how the callers whom they call back are rung: the network's tones and announcements, or our own tone.

There is no call yet, so nothing of it is recorded or understood, and nobody hears the agent. The line ends with the
ringing; once somebody has answered, the agent joins their call with a line of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import aclosing, contextmanager

import anyio
from anyio.abc import TaskGroup

from routing.commands import CommandRefusedError, JoinCall, LegAnswered
from routing.dialing import Hear, Wanted
from routing.leg_commands import Answer
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import WarmlineError
from voice.feed import Feed
from voice.webrtc.leg import WebRtcLeg

_log = logging.getLogger(__name__)


class Ringing:
    """Who is rung back at this moment, by the call that asked for it.

    Args:
        answer: answers an agent's offer with a leg.
    """

    def __init__(self, answer: Answer) -> None:
        self._answer = answer
        self._rung: dict[CallId, _Rung] = {}

    @contextmanager
    def open(self, wanted: Wanted, tasks: TaskGroup) -> Iterator[Hear]:
        """Let the agent hear what is given, as long as the context lasts."""
        rung = self._rung[wanted.asked] = _Rung(wanted, tasks)
        try:
            yield rung.hear
        finally:
            if self._rung.get(wanted.asked) is rung:
                del self._rung[wanted.asked]
            rung.close()

    def expects(self, command: JoinCall) -> bool:
        """Whether somebody is rung for the agent who wants to join."""
        rung = self._rung.get(command.call)
        return rung is not None and rung.agent == command.who

    async def join(self, command: JoinCall) -> LegAnswered:
        """Let the agent listen; another line of theirs ends, for a page that was loaded again comes anew.

        Raises:
            CommandRefusedError: nobody is rung any more, or the offer cannot be answered.
        """
        rung = self._rung.get(command.call)
        try:
            leg = await self._answer(command.sdp)
        except WarmlineError as error:
            raise CommandRefusedError(error.code, str(error.args[0]), fix=error.fix) from error
        if rung is None or rung is not self._rung.get(command.call):  # the leg holds sockets already
            with anyio.CancelScope(shield=True):
                await leg.close()
            raise CommandRefusedError("call.state", "Nobody is rung back here any more.")
        rung.listen(leg)
        return LegAnswered(command.call, leg.answer_sdp)


class _Rung:
    """Somebody who is rung, and the line of the agent who waits for them."""

    def __init__(self, wanted: Wanted, tasks: TaskGroup) -> None:
        self.agent = wanted.agent
        self._asked = wanted.asked
        self._tasks = tasks
        self._tones = Feed()
        self._line = anyio.CancelScope()

    def hear(self, pcm: Pcm) -> None:
        self._tones.put(pcm)

    def listen(self, leg: WebRtcLeg) -> None:
        self.close()
        self._line, self._tones = anyio.CancelScope(), Feed()
        leg.sink.mix_in(self._tones)
        self._tasks.start_soon(self._attend, leg, self._line, name=f"{self._asked} ringing")

    def close(self) -> None:
        self._line.cancel()

    async def _attend(self, leg: WebRtcLeg, line: anyio.CancelScope) -> None:
        try:
            with line:
                async with leg, aclosing(leg.source.frames()) as frames:
                    async for _ in frames:
                        pass  # nobody is there to hear it
        except Exception as error:  # the boundary of a leg: whatever its transport does, they are rung on
            code = error.code if isinstance(error, WarmlineError) else type(error).__name__
            _log.error("call %s: an agent hears no ringing any more (%s)", self._asked, code)
