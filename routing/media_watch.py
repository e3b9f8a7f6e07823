"""How well each leg of a live call comes through, as events: the differences of its numbers over time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Final, Protocol, TypeAlias, runtime_checkable

import anyio

from routing.leg_events import MediaMeasured
from voice.contracts.audio import Party
from voice.contracts.ports import Clock
from voice.contracts.statistics import LegStatistics, StreamStatistics
from voice.rtp.quality import mean_opinion, rating
from voice.rtp.session import CODEC_MS

EVERY_S: Final = 5.0
"""How often a call's legs are measured."""

Counts: TypeAlias = LegStatistics | StreamStatistics
Numbers = Callable[[], Counts]


@runtime_checkable
class MeasuredLeg(Protocol):
    """A leg that counts its packets."""

    def statistics(self) -> Counts:
        """The numbers so far."""
        ...


class MediaWatch:
    """The legs of one call, and what each had counted when it was measured last.

    A leg is measured from its first packet on. From then on a time without any packet is a time without sound: even a
    silent sender sends something (Opus every 0.4 s).
    """

    def __init__(self) -> None:
        self._legs: dict[tuple[Party, str | None], tuple[Numbers, Counts | None]] = {}
        self._parting: list[MediaMeasured] = []

    def attach(self, party: Party, agent: str | None, leg: object) -> None:
        """Measure a leg from now on; one that counts nothing (it has no `statistics`) is passed over.

        Args:
            party: whose audio comes from it.
            agent: which agent or supervisor, where it is one.
            leg: replaces the one that was there for them.
        """
        if isinstance(leg, MeasuredLeg):
            self._legs[party, agent] = (leg.statistics, None)

    def detach(self, party: Party, agent: str | None) -> None:
        """Measure a leg for the last time; the next measurement tells.

        Nothing is told of a leg that is not known, nor where nothing came since it was measured: it was gone already.
        """
        if (known := self._legs.pop((party, agent), None)) is not None:
            numbers, before = known
            now = numbers()
            if before is None or now.received > before.received:
                self._parting += _measured(party, agent, before, now)

    def measure(self) -> list[MediaMeasured]:
        """All legs, as they came through since they were measured last."""
        events, self._parting = self._parting, []
        for (party, agent), (numbers, before) in self._legs.items():
            now = numbers()
            events += _measured(party, agent, before, now)
            self._legs[party, agent] = (numbers, now if now.received else None)
        return events

    def last(self) -> list[MediaMeasured]:
        """All legs for the last time: the call is over."""
        for party, agent in list(self._legs):
            self.detach(party, agent)
        return self.measure()

    @asynccontextmanager
    async def measuring(self, write: Callable[..., Awaitable[None]], clock: Clock) -> AsyncIterator[None]:
        """Write a measurement every `EVERY_S`, for as long as the context lasts.

        Args:
            write: takes events.
            clock: paces.
        """

        async def measure() -> None:
            while True:
                await clock.sleep_until(clock.now_s() + EVERY_S)
                await write(*self.measure())

        async with anyio.create_task_group() as tasks:
            # A replay has no legs.
            if self._legs:
                tasks.start_soon(measure, name="media watch")
            yield
            tasks.cancel_scope.cancel()


def _measured(party: Party, agent: str | None, before: Counts | None, now: Counts) -> list[MediaMeasured]:
    """One leg between two moments; nothing before its first packet."""
    if not now.received:
        return []
    if isinstance(now, StreamStatistics):
        return [_streamed(party, agent, before if isinstance(before, StreamStatistics) else None, now)]

    def more(name: str) -> int:
        grown: int = getattr(now, name) - (getattr(before, name) if before else 0)
        return grown

    late = max(0, more("late"))
    # Whoever comes late was counted as lost before.
    gone = max(0, more("lost") + late)
    came = max(0, more("received") - more("duplicate") - late)
    expected = came + gone
    made_up = max(0, more("concealed")) + max(0, more("skipped"))
    sounded = max(0, more("played")) + max(0, more("recovered")) + made_up
    concealed = made_up / sounded if sounded else float(not came)
    one_way_ms = CODEC_MS + now.delay_ms + (now.round_trip_ms or 0.0) / 2
    return [
        MediaMeasured(
            party=party,
            agent=agent,
            loss=gone / expected if expected else 0.0,
            late=min(1.0, late / expected) if expected else 0.0,
            concealed=concealed,
            jitter_ms=round(now.jitter_ms, 3),
            delay_ms=round(now.delay_ms, 3),
            round_trip_ms=None if now.round_trip_ms is None else round(now.round_trip_ms, 3),
            mos=round(mean_opinion(rating(one_way_ms, concealed)), 3),
            lost_there=now.lost_on_the_way_out,
        )
    ]


def _streamed(party: Party, agent: str | None, before: StreamStatistics | None, now: StreamStatistics) -> MediaMeasured:
    """A provider's stream between two moments: it tells nothing of packets, of the way to it, or of a listener."""
    received = now.received - (before.received if before else 0)
    played = now.played - (before.played if before else 0)
    skipped = now.skipped - (before.skipped if before else 0)
    late = now.late - (before.late if before else 0)
    return MediaMeasured(
        party=party,
        agent=agent,
        loss=None,
        late=late / received if received else None,
        concealed=skipped / (played + skipped) if played + skipped else 1.0,
        jitter_ms=round(now.jitter_ms, 3),
        delay_ms=None,
        round_trip_ms=None,
        mos=None,
    )
