"""A live call with all that belongs to it: the caller's leg, the people, the recording."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final

import anyio
from anyio.to_thread import run_sync

from routing.call import Call
from routing.lines import Lines
from routing.terms import CallEndReason
from voice.contracts.errors import CapacityError, UnknownCallError, WarmlineError
from voice.contracts.ports import AudioSource, CallLeg, LegEnd
from voice.intake import Intake
from voice.recording import StereoRecorder

_END_REASONS: Final = {
    None: CallEndReason.CONNECTION_LOST,
    LegEnd.HUNG_UP: CallEndReason.CALLER_HUNG_UP,
    LegEnd.CONNECTION_LOST: CallEndReason.CONNECTION_LOST,
    LegEnd.NEVER_CONNECTED: CallEndReason.NEVER_CONNECTED,
    LegEnd.LEFT: CallEndReason.CONNECTION_LOST,
}
_log = logging.getLogger(__name__)

Keys = AsyncGenerator[str]
"""Keys of a telephone as they are pressed."""

Holds = AsyncGenerator[bool]
"""Whether a telephone holds the call, as that changes; not at first."""


Successors = AsyncGenerator[str]
"""Who takes the place of the caller at their telephone, by address."""


@dataclass(slots=True, eq=False)
class LiveCall:
    """A call and its means.

    Attributes:
        call: the call itself.
        lines: the caller's leg, and the people on it.
        intake: where the call hears from.
        recorder: open; None where nothing is recorded.
        secret: by which its caller commands it.
        opened: set once people may join it and something may be said in it, and also where it ended before.
    """

    call: Call
    lines: Lines
    intake: Intake
    recorder: StereoRecorder | None
    secret: str
    opened: anyio.Event = field(default_factory=anyio.Event)

    async def run(
        self,
        listen: Callable[[CallLeg], AudioSource],
        keys: Keys | None,
        holds: Holds | None = None,
        successors: Successors | None = None,
    ) -> None:
        """Enter the caller's leg and see the call through to its last event; whatever happens, the recording is closed.

        Args:
            listen: what is heard from a leg.
            keys: the keys that the caller presses.
            holds: whether the caller's telephone holds the call.
            successors: who takes the caller's place there.
        """
        try:
            await self._talk(listen, keys, holds, successors)
        finally:
            self.opened.set()
            if self.recorder is not None:
                with anyio.CancelScope(shield=True):
                    await run_sync(self.recorder.close)

    async def _talk(
        self,
        listen: Callable[[CallLeg], AudioSource],
        keys: Keys | None,
        holds: Holds | None,
        successors: Successors | None,
    ) -> None:
        call, lines, intake, leg = self.call, self.lines, self.intake, self.lines.caller

        async def take_in() -> None:
            try:
                async with leg, aclosing(listen(leg).frames()) as frames:
                    async for frame in frames:
                        lines.hear_caller(frame)
            except WarmlineError as error:
                _log.warning("call %s: audio ended (%s)", call.id, error.code)
            except Exception as error:  # the boundary of a leg: the call ends well, whatever its transport does
                _log.error("call %s: audio ended (%s)", call.id, type(error).__name__)
            finally:
                intake.close()

        async with anyio.create_task_group() as tasks, lines.open():
            self.opened.set()
            tasks.start_soon(take_in, name=f"{call.id} intake")
            if keys is not None:
                tasks.start_soon(_press, call, keys, name=f"{call.id} keys")
            if holds is not None:
                tasks.start_soon(_follow_holds, lines, holds, name=f"{call.id} holds")
            if successors is not None:
                tasks.start_soon(_follow_successors, lines, successors, name=f"{call.id} successors")
            await call.run(intake, leg.source.parties, lambda: _END_REASONS[leg.end_reason])
            tasks.cancel_scope.cancel()


async def _press(call: Call, keys: Keys) -> None:
    async with aclosing(keys):
        async for digit in keys:
            try:
                await call.press(digit)
            except UnknownCallError:
                return


async def _follow_holds(lines: Lines, holds: Holds) -> None:
    async with aclosing(holds):
        async for held in holds:
            try:
                lines.note_hold(held=held)
            except CapacityError as error:  # whoever presses that fast is told late
                _log.warning("a hold was not noted (%s)", error.code)


async def _follow_successors(lines: Lines, successors: Successors) -> None:
    async with aclosing(successors):
        async for address in successors:
            try:
                lines.note_successor(address)
            except CapacityError as error:
                _log.warning("that a caller was replaced was not noted (%s)", error.code)
