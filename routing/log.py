"""The one writer of a call's log: gives every event its place and hands it to the journal."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

import anyio

from routing.agent_tone import AgentTonePermission
from routing.events import AgentToneAllowed, AgentToneScored, CallEvent, ReportableEvent, StageFailed, Stamped
from routing.journal.ports import Journal
from routing.terms import Stage
from voice.contracts.audio import CallId, Samples, SegmentId
from voice.contracts.errors import AgentToneRefusedError, JournalUnavailableError, WarmlineError
from voice.contracts.ports import Clock

OUTBOX_EVENTS: Final = 512
"""Events that may wait for the journal, about a minute of a call. Beyond it the call waits and leaves out partials."""

RETRY_EVERY_S: Final = 0.5
GIVE_UP_AFTER_S: Final = 30.0
"""How long a journal may be unavailable (disk full, locked) before the call is given up."""

_log = logging.getLogger(__name__)


class CallLog:
    """Stamps events with `seq` and media time and stores them in order; nothing is lost while the journal is away.

    Args:
        call: the call's id.
        journal: where the events go.
        now: media time, in samples since the call began.
        clock: paces the retries.
        agent_tone: the permission to measure agents' tone; without it no such event enters the log.
    """

    def __init__(
        self,
        call: CallId,
        journal: Journal,
        now: Callable[[], Samples],
        clock: Clock,
        *,
        agent_tone: AgentTonePermission | None = None,
    ) -> None:
        self._call = call
        self._journal = journal
        self._now = now
        self._clock = clock
        self._agent_tone = agent_tone
        self._next_seq = 0
        self._last_at: Samples = 0
        self._outbox: list[Stamped] = []
        self._filled = anyio.Event()
        self._drained = anyio.Event()
        self._closed = False

    async def write(self, *events: ReportableEvent) -> None:
        """Add events, together; waits while the journal is too far behind.

        Raises:
            AgentToneRefusedError: one allows agents' tone, and there is no permission to.
        """
        await self._write(events)

    async def write_failure(self, stage: Stage, error: Exception, segment: SegmentId | None = None) -> None:
        """Say that a stage broke, for this segment or, without one, from now on; the call goes on."""
        code = error.code if isinstance(error, WarmlineError) else f"{stage}.{type(error).__name__}"
        where = "" if segment is None else f" for segment {segment}"
        _log.error("call %s: %s failed%s (%s)", self._call, stage, where, code)
        await self.write(StageFailed(stage, code, segment))

    async def write_agent_tone(self, event: AgentToneScored) -> None:
        """Add an agent's tone; the only way for it into a log.

        Raises:
            AgentToneRefusedError: there is no permission to measure it.
        """
        await self._write((event,))

    def offer(self, event: ReportableEvent) -> bool:
        """Add an event that may be left out (a partial); answers whether it was taken."""
        if len(self._outbox) >= OUTBOX_EVENTS or self._closed:
            return False
        self._stamp((event,))
        return True

    def close(self) -> None:
        """No more events follow; `run` returns once all are stored."""
        self._closed = True
        self._filled.set()

    async def run(self) -> None:
        """Store events until closed.

        Raises:
            JournalUnavailableError: the journal stayed away for longer than `GIVE_UP_AFTER_S`.
        """
        while True:
            if not self._outbox:
                if self._closed:
                    return
                await self._filled.wait()
                self._filled = anyio.Event()
                continue
            batch, self._outbox = self._outbox, []
            self._drained.set()
            self._drained = anyio.Event()
            await self._store(batch)

    async def _write(self, events: tuple[CallEvent, ...]) -> None:
        while len(self._outbox) >= OUTBOX_EVENTS:
            await self._drained.wait()
        self._stamp(events)

    def _stamp(self, events: tuple[CallEvent, ...]) -> None:
        if self._agent_tone is None and any(isinstance(event, AgentToneScored | AgentToneAllowed) for event in events):
            raise AgentToneRefusedError(
                "An agent's tone was to be logged without permission.", fix="See the setting 'measure_agents'."
            )
        at = self._last_at = max(self._last_at, self._now())
        for event in events:
            self._outbox.append(Stamped(self._call, self._next_seq, at, event))
            self._next_seq += 1
        self._filled.set()

    async def _store(self, batch: list[Stamped]) -> None:
        give_up_at = self._clock.now_s() + GIVE_UP_AFTER_S
        while True:
            try:
                await self._journal.append(batch)
            except JournalUnavailableError as error:
                now = self._clock.now_s()
                if now >= give_up_at:
                    raise
                _log.warning("call %s: journal unavailable (%s), trying again", self._call, error.code)
                await self._clock.sleep_until(now + RETRY_EVERY_S)
            else:
                return
