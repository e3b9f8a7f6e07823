"""The desk as the lines of a call ask it: a `Serving` over the keeper."""

from __future__ import annotations

import logging
import secrets
from typing import Final

from asr.types import Language
from routing.commands import CommandRefusedError
from routing.desk.commands import (
    AskAgent,
    ConfirmBridge,
    DeskCommand,
    EnterQueue,
    ExcuseAgent,
    FailBridge,
    FinishCall,
    ShowLife,
    TakeContact,
)
from routing.desk.decisions import ENGAGED
from routing.desk.keeper import Keeper
from routing.desk.terms import AgentId, QueueId
from routing.document import suggest
from routing.terms import HandoverFailure
from voice.contracts.audio import CallId
from voice.contracts.errors import JournalUnavailableError
from voice.contracts.ports import Clock

RETRY_S: Final = 1.0
ATTEMPTS: Final = 30
"""How often the desk is told again of a lost agent where it cannot store that: half a minute."""

_log = logging.getLogger(__name__)


class DeskServing:
    """Asks and tells the desk who serves whom.

    Args:
        keeper: the desk's.
        clock: paces the retries.
    """

    def __init__(self, keeper: Keeper, clock: Clock) -> None:
        self._keeper = keeper
        self._clock = clock

    def check(self, call: CallId, agent: str, /) -> None:
        """See `Serving`."""
        contact = self._keeper.ledger.contacts.get(call)
        if contact is None or contact.agent != agent or contact.state not in ENGAGED:
            raise CommandRefusedError(
                "call.state", f"{agent} has not accepted this caller.", fix="Accept the offer first."
            )

    async def bridged(self, call: CallId, agent: str, /) -> None:
        """See `Serving`."""
        await self._keeper.execute(ConfirmBridge(_key(), call, AgentId(agent)))

    async def lost(self, call: CallId, agent: str, code: HandoverFailure, /) -> None:
        """See `Serving`."""
        await self._tell(FailBridge(_key(), call, AgentId(agent), code))

    async def alive(self, agent: str, /) -> None:
        """See `Serving`."""
        try:
            await self._keeper.execute(ShowLife(_key(), AgentId(agent)))
        except CommandRefusedError as refused:
            _log.debug("desk: a sign of life was not taken (%s)", refused.reason)

    async def take_over(self, call: CallId, agent: str, former: str | None, language: Language, /) -> None:
        """See `Serving`."""
        held_by = None if former is None else AgentId(former)
        await self._keeper.execute(TakeContact(_key(), call, AgentId(agent), held_by, language))

    async def ask(self, call: CallId, agent: str, for_s: float, /) -> None:
        """See `Serving`."""
        await self._keeper.execute(AskAgent(_key(), call, AgentId(agent), for_s))

    async def excuse(self, call: CallId, agent: str, /) -> None:
        """See `Serving`."""
        try:
            await self._keeper.execute(ExcuseAgent(_key(), call, AgentId(agent)))
        except CommandRefusedError as refused:
            _log.info("desk: an agent is not excused and kept until their time is over (%s)", refused.reason)

    def check_queue(self, queue: str, /) -> None:
        """See `Serving`."""
        found = self._keeper.ledger.config.queues.get(QueueId(queue))
        if found is None:
            fix = suggest(queue, self._keeper.ledger.config.queues)
            raise CommandRefusedError("queue.unknown", f"No queue {queue[:60]!r} is known.", fix=fix)
        if not found.is_open(self._keeper.now_s()):
            raise CommandRefusedError("call.state", f"Queue {queue} is closed.", fix="Choose another queue.")

    async def requeue(self, call: CallId, agent: str, queue: str, language: Language, /) -> None:
        """See `Serving`; the caller waits anew there, with the priority of the call."""
        self.check_queue(queue)
        contact = self._keeper.ledger.contacts.get(call)
        priority = 0 if contact is None else contact.priority
        await self.finished(call, agent)
        ticket = f"{call}.q{secrets.token_hex(4)}"
        await self._keeper.execute(EnterQueue(ticket, call, ticket, language, QueueId(queue), priority))

    async def finished(self, call: CallId, agent: str, /) -> None:
        """See `Serving`."""
        await self._keeper.execute(FinishCall(_key(), call, AgentId(agent)))

    async def _tell(self, command: DeskCommand) -> None:
        for _ in range(ATTEMPTS):
            try:
                await self._keeper.execute(command)
            except CommandRefusedError as refused:
                if refused.reason != JournalUnavailableError.code:
                    # The caller hung up meanwhile, or is with somebody else already: the desk knows better.
                    _log.info("desk: %s came too late (%s)", type(command).__name__, refused.reason)
                    return
                await self._clock.sleep_until(self._clock.now_s() + RETRY_S)
            else:
                return


def _key() -> str:
    return secrets.token_hex(16)
