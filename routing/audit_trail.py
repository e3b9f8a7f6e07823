"""Writes the audit log while calls are served: what the policy decided, what the desk did, what humans overrode.

Decisions are taken from the journal and the desk's log, where they are stored already, so that none is missing however
the process ended: whatever is not in the audit log yet is added when it is opened again. An override is written before
it takes effect.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final, Self

import anyio
from anyio.to_thread import run_sync

from routing.audit import AuditEntry, AuditKind, OverrideReason, PlainValue
from routing.desk.events import ContactMoved, ContactReturned, ContactTaken, ContactTurnedAway, Logged, OfferMade
from routing.events import Stamped
from routing.journal.audit_log import AuditLogFile
from routing.journal.ports import JournalReader
from routing.service_events import PriorityChanged, RouteDecided
from voice.contracts.errors import JournalUnavailableError, SlowFollowerError
from voice.contracts.ports import Clock

WAITING_ENTRIES: Final = 4_096
"""Entries that may wait to be stored: minutes of a busy installation. Beyond it whoever adds one waits."""

CAUGHT_UP_CALLS: Final = 200
"""The newest calls whose decisions are compared with the audit log when it is opened."""

RETRY_S: Final = 1.0

_log = logging.getLogger(__name__)


def of_call(stamped: Stamped, at: str) -> AuditEntry | None:
    """The entry about an event of a call; None where it is no decision."""
    match stamped.event:
        case RouteDecided(target=target, rule=rule, evidence=evidence, policy_version=version):
            details: dict[str, PlainValue] = {"target": target.value}
        case PriorityChanged(previous=previous, current=current, rule=rule, evidence=evidence, policy_version=version):
            details = {"previous": previous, "current": current}
        case _:
            return None
    segments = ",".join(str(segment) for segment in evidence)
    details |= {"seq": stamped.seq, "evidence": segments, "policy_version": version}
    return AuditEntry(at, AuditKind.DECISION, stamped.call, "policy", stamped.event.TYPE, rule, details)


def of_desk(logged: Logged, at: str) -> AuditEntry | None:
    """The entry about an event of the desk; None where the desk did not choose anything."""
    details: dict[str, PlainValue] = {"desk_seq": logged.seq}
    match logged.event:
        case OfferMade(offer=offer, agent=agent):
            reason, details = "highest_score", details | {"offer": offer, "agent": agent}
        case ContactMoved(queue=queue, reason=why):
            reason, details = why.value, details | {"queue": queue}
        case ContactReturned(code=code, agent=agent, back_to=back_to):
            reason, details = code.value, details | {"agent": agent, "back_to": back_to.value}
        case ContactTaken(agent=agent, former=former):
            reason, details = "take_over", details | {"agent": agent, "former": former}
        case ContactTurnedAway(queue=queue):
            reason, details = "closed", details | {"queue": queue}
        case _:
            return None
    return AuditEntry(at, AuditKind.ASSIGNMENT, logged.event.call, "desk", logged.event.TYPE, reason, details)


class AuditTrail:
    """Made by `AuditTrail.open`."""

    def __init__(self, log: AuditLogFile, clock: Clock) -> None:
        self._file = log
        self._clock = clock
        self._lock = anyio.Lock()
        self._send, self._receive = anyio.create_memory_object_stream[AuditEntry](WAITING_ENTRIES)
        self._seqs: dict[str, int] = {}
        self._desk_seq = -1

    @classmethod
    @asynccontextmanager
    async def open(cls, log: AuditLogFile, journal: JournalReader, clock: Clock) -> AsyncIterator[Self]:
        """A trail for as long as the context lasts; what waits is stored on leaving.

        Raises:
            AuditError: the log holds what is no entry.
            JournalUnavailableError: a log cannot be read.
        """
        trail = cls(log, clock)
        await run_sync(trail._look_back)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(trail._store, name="audit")
            async with anyio.create_task_group() as watching:
                watching.start_soon(trail._watch, journal, name="audit of calls")
                try:
                    yield trail
                finally:
                    watching.cancel_scope.cancel()
                    trail._send.close()  # the writer stores what waits, then ends

    async def note_desk(self, logged: Sequence[Logged]) -> None:
        """Add what the desk decided; what was added before is left out."""
        for one in logged:
            if one.seq > self._desk_seq:
                self._desk_seq = one.seq
                await self._add(of_desk(one, self._now()))

    async def override(
        self,
        actor: str,
        subject: str,
        action: str,
        reason: OverrideReason,
        details: Mapping[str, PlainValue],
    ) -> None:
        """Write a human's override; returns when it is durable, so that it takes effect only afterwards.

        Raises:
            AuditError: it lacks a note.
            JournalUnavailableError: it cannot be stored.
        """
        entry = AuditEntry(self._now(), AuditKind.OVERRIDE, subject, actor, action, reason.value, details)
        async with self._lock:
            await run_sync(self._file.append, [entry])

    def _now(self) -> str:
        return self._clock.utc_now().isoformat(timespec="milliseconds")

    async def _add(self, entry: AuditEntry | None) -> None:
        if entry is not None:
            await self._send.send(entry)

    def _look_back(self) -> None:
        """What of the calls and of the desk is in the log already."""
        for record in self._file.records():
            entry = record.entry()
            details = entry.get("details", {})
            if "desk_seq" in details:
                self._desk_seq = max(self._desk_seq, int(details["desk_seq"]))
            elif "seq" in details:
                self._seqs[entry["subject"]] = max(self._seqs.get(entry["subject"], -1), int(details["seq"]))

    async def _watch(self, journal: JournalReader) -> None:
        while True:
            try:
                async with journal.watch() as events:
                    await self._catch_up(journal)
                    async for stamped in events:
                        await self._take(stamped)
            except SlowFollowerError:
                _log.warning("audit: behind the journal, reading on from it")
            except JournalUnavailableError as error:
                _log.error("audit: the journal cannot be read (%s)", error.code)
                await self._clock.sleep_until(self._clock.now_s() + RETRY_S)

    async def _catch_up(self, journal: JournalReader) -> None:
        for entry in reversed(await journal.calls(limit=CAUGHT_UP_CALLS)):
            after = min(self._seqs.get(entry.call, -1), entry.last_seq)
            for stamped in await journal.read(entry.call, after=after):
                await self._take(stamped)

    async def _take(self, stamped: Stamped) -> None:
        if stamped.seq > self._seqs.get(stamped.call, -1):
            entry = of_call(stamped, self._now())
            if entry is not None:
                self._seqs[stamped.call] = stamped.seq
                await self._add(entry)

    async def _store(self) -> None:
        with self._receive:
            async for first in self._receive:
                batch = [first]
                while self._receive.statistics().current_buffer_used:
                    batch.append(self._receive.receive_nowait())
                with anyio.CancelScope(shield=True):
                    await self._store_batch(batch)

    async def _store_batch(self, batch: Sequence[AuditEntry]) -> None:
        for attempt in range(30):
            try:
                async with self._lock:
                    await run_sync(self._file.append, batch)
            except JournalUnavailableError as error:
                _log.error("audit: %d entries wait, the log cannot be written (%s)", len(batch), error.code)
                if attempt == 29:
                    raise
                await self._clock.sleep_until(self._clock.now_s() + RETRY_S)
            else:
                return
