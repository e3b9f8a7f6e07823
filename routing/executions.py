"""Commands that were carried out, so that one which is repeated is answered and not carried out again."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import anyio

from routing.commands import Command, CommandRefusedError, Outcome

REMEMBERED_COMMANDS: Final = 2048
"""Outcomes kept for repeated keys; at 10 commands a second the last three minutes."""


@dataclass(slots=True, eq=False)
class _Execution:
    """A command being carried out, or carried out; repeated keys wait for `done`."""

    done: anyio.Event = field(default_factory=anyio.Event)
    outcome: Outcome | None = None
    refusal: CommandRefusedError | None = None


class Executions:
    """Carries every command out once.

    Args:
        carry_out: does it; raises `CommandRefusedError` where it cannot be done.
    """

    def __init__(self, carry_out: Callable[[Command], Awaitable[Outcome]]) -> None:
        self._carry_out = carry_out
        self._known: OrderedDict[Command, _Execution] = OrderedDict()

    async def execute(self, command: Command) -> Outcome:
        """See `Commands.execute`."""
        # The whole command is the key, not `command.key` alone: who guesses another caller's key learns nothing by it.
        if known := self._known.get(command):
            await known.done.wait()
        else:
            known = self._known[command] = _Execution()
            while len(self._known) > REMEMBERED_COMMANDS:
                self._known.popitem(last=False)
            try:
                known.outcome = await self._carry_out(command)
            except CommandRefusedError as refusal:
                known.refusal = refusal
            except BaseException:
                self._known.pop(command, None)  # cancelled or broken: it may be tried again
                raise
            finally:
                known.done.set()
        if known.refusal:
            raise known.refusal
        if known.outcome is None:
            raise CommandRefusedError("command.interrupted", "The command was interrupted.", fix="Send it again.")
        return known.outcome
