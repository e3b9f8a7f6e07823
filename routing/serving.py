"""What the lines of a call ask of the desk: who may serve, and what became of it."""

from __future__ import annotations

from typing import Protocol

from anyio.lowlevel import checkpoint

from asr.types import Language
from routing.commands import CommandRefusedError
from routing.terms import HandoverFailure
from voice.contracts.audio import CallId


class Serving(Protocol):
    """The desk, as seen from the calls."""

    def check(self, call: CallId, agent: str, /) -> None:
        """Return where the caller is this agent's to serve.

        Raises:
            CommandRefusedError: `call.state` where they are not: nobody has accepted them, or somebody else has.
        """
        ...

    async def bridged(self, call: CallId, agent: str, /) -> None:
        """Caller and agent are about to hear each other.

        Raises:
            CommandRefusedError: the caller is not this agent's any more.
        """
        ...

    async def lost(self, call: CallId, agent: str, code: HandoverFailure, /) -> None:
        """The agent is off the line, and the call goes on: the caller goes back to the old place."""
        ...

    async def alive(self, agent: str, /) -> None:
        """The agent's leg still brings sound."""
        ...

    async def take_over(self, call: CallId, agent: str, former: str | None, language: Language, /) -> None:
        """Make the caller this agent's, at once.

        Args:
            call: the caller's.
            agent: who serves from now on.
            former: who is on the line as serving; None where nobody is.
            language: what the caller speaks.

        Raises:
            CommandRefusedError: somebody else took them over, or the agent serves somebody else.
        """
        ...

    async def ask(self, call: CallId, agent: str, for_s: float, /) -> None:
        """Keep an agent for this call, of whom a colleague asks to come to it: nobody else is offered to them.

        Args:
            call: the colleague's.
            agent: who is asked.
            for_s: for how long, unless it is said again.

        Raises:
            CommandRefusedError: `agent.unknown`, or `agent.engaged`: they are not ready, are offered somebody or asked
                elsewhere, or are with as many callers as they take.
        """
        ...

    async def excuse(self, call: CallId, agent: str, /) -> None:
        """The agent is not asked to this call any more; never refused."""
        ...

    def check_queue(self, queue: str, /) -> None:
        """Return where callers may be passed on to a queue now.

        Raises:
            CommandRefusedError: `queue.unknown`, or `call.state`: it is closed.
        """
        ...

    async def requeue(self, call: CallId, agent: str, queue: str, language: Language, /) -> None:
        """The agent who serves passes the caller on to a queue, and is free.

        Raises:
            CommandRefusedError: nothing has changed, unless the reason is `journal.unavailable`.
        """
        ...

    async def finished(self, call: CallId, agent: str, /) -> None:
        """The agent has served the caller, who goes on with somebody outside.

        Raises:
            CommandRefusedError: the caller is not this agent's any more.
        """
        ...


class NoDesk:
    """A `Serving` for a server without a desk: nobody may serve."""

    def check(self, call: CallId, _agent: str, /) -> None:
        """See `Serving`."""
        raise CommandRefusedError("call.state", f"This server keeps no desk, so call {call} is nobody's to serve.")

    async def bridged(self, call: CallId, agent: str, /) -> None:
        """See `Serving`."""
        await checkpoint()
        self.check(call, agent)

    async def lost(self, _call: CallId, _agent: str, _code: HandoverFailure, /) -> None:
        """See `Serving`."""
        await checkpoint()

    async def alive(self, _agent: str, /) -> None:
        """See `Serving`."""
        await checkpoint()

    async def take_over(self, call: CallId, agent: str, _former: str | None, _language: Language, /) -> None:
        """See `Serving`."""
        await checkpoint()
        self.check(call, agent)

    async def ask(self, _call: CallId, agent: str, _for_s: float, /) -> None:
        """See `Serving`."""
        await checkpoint()
        raise CommandRefusedError("agent.unknown", f"This server keeps no desk, so {agent[:60]!r} is unknown.")

    async def excuse(self, _call: CallId, _agent: str, /) -> None:
        """See `Serving`."""
        await checkpoint()

    def check_queue(self, queue: str, /) -> None:
        """See `Serving`."""
        raise CommandRefusedError("queue.unknown", f"This server keeps no desk, so {queue[:60]!r} is unknown.")

    async def requeue(self, call: CallId, agent: str, _queue: str, _language: Language, /) -> None:
        """See `Serving`."""
        await checkpoint()
        self.check(call, agent)

    async def finished(self, call: CallId, agent: str, /) -> None:
        """See `Serving`."""
        await checkpoint()
        self.check(call, agent)
