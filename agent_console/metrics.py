"""Numbers for whoever operates this, in Prometheus' text format. The only door to prometheus_client.

What happens in calls is counted by following the journal, as every reader does; what stands in a moment (live calls,
recognition, queues) is asked for when somebody reads. No number is about a person: labels are parties, channels,
reasons, stages and the queues that the desk's file names, so their number is bounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import anyio
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_1_0_0

from routing.callback_events import CallbackAnswered, CallbackDialled, CallbackFailed, CallbackRequested
from routing.commands import Command, CommandRefusedError, Commands, OfferCall, Outcome
from routing.events import CallEnded, CallStarted, StageFailed, Stamped
from routing.journal.ports import JournalReader
from routing.leg_events import MediaMeasured, PartyJoined, PartyLeft
from voice.contracts.audio import CallId, Party
from voice.contracts.errors import JournalUnavailableError, SlowFollowerError
from voice.contracts.ports import Clock

FORMAT: Final = CONTENT_TYPE_PLAIN_1_0_0
"""The media type of a page."""

FOLLOWED_CALLS: Final = 1_000
"""Calls whose legs are counted; as many as can be live at once."""

RETRY_S: Final = 1.0
"""Pause after the journal could not be followed."""

REFUSALS: Final = frozenset(
    {"call.throttled", "capacity.exceeded", "server.draining", "webrtc.sdp", "webrtc.media", "stream.refused"}
)
"""Reasons for which calls are refused; any other counts as `other`."""

_SHARES: Final = (0.001, 0.005, 0.01, 0.03, 0.05, 0.1, 0.2, 0.5)
_SECONDS: Final = (0.005, 0.01, 0.02, 0.04, 0.06, 0.1, 0.15, 0.2, 0.3, 0.5, 1.0)
_OPINIONS: Final = (1.5, 2.0, 2.5, 3.0, 3.5, 3.8, 4.0, 4.2, 4.3, 4.4)


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand in a moment.

    Attributes:
        live_calls: calls at this moment.
        utterances_open: begun and not finished.
        finals_waiting: utterances that are finished and that no engine has taken up.
        audio_waiting_s: audio that no engine has heard yet.
        seats: utterances that can be recognized at the same time.
        audio_s: audio handed to recognition since the start.
        recognition_cpu_s: CPU time of recognition since the start.
        waiting: callers in each queue.
    """

    live_calls: int
    utterances_open: int
    finals_waiting: int
    audio_waiting_s: float
    seats: int
    audio_s: float
    recognition_cpu_s: float
    waiting: Mapping[str, int]


class Metrics:
    """All numbers of one server.

    Args:
        standing: asked whenever a page is read.
    """

    def __init__(self, standing: Callable[[], Standing]) -> None:
        self._standing = standing
        self._present: OrderedDict[CallId, set[tuple[Party, str | None]]] = OrderedDict()
        self._registry = registry = CollectorRegistry(auto_describe=False)
        ProcessCollector(registry=registry)

        def counted(name: str, about: str, *labels: str) -> Counter:
            return Counter(f"warmline_{name}", about, labels, registry=registry)

        def stands(name: str, about: str, *labels: str) -> Gauge:
            return Gauge(f"warmline_{name}", about, labels, registry=registry)

        def spread(name: str, about: str, buckets: tuple[float, ...]) -> Histogram:
            return Histogram(f"warmline_media_{name}", about, ("party",), registry=registry, buckets=buckets)

        self._started = counted("calls_started", "Calls that began.", "channel")
        self._ended = counted("calls_ended", "Calls that ended, by reason.", "reason")
        self._refused = counted("calls_refused", "Calls that were refused, by reason.", "reason")
        self._failed = counted("stage_failures", "Times a stage of a call failed and the call went on.", "stage")
        self._callbacks = counted("callbacks", "Steps of callbacks: requested, dialled, answered, given_up.", "step")
        self._missed = counted("callbacks_missed", "Callbacks that did not reach the caller, by reason.", "reason")
        self._live = stands("calls_live", "Calls at this moment.")
        self._legs = stands("legs_live", "Parties on calls at this moment.", "party")
        self._loss = spread("loss_ratio", "Share of packets that did not come in time, per leg and 5 s.", _SHARES)
        self._lost_there = spread(
            "lost_there_ratio", "Share of our packets that the other side lost, per report.", _SHARES
        )
        self._concealed = spread("concealed_ratio", "Share of time without sound of its own, per leg and 5 s.", _SHARES)
        self._jitter = spread("jitter_seconds", "Interarrival jitter (RFC 3550), per leg and 5 s.", _SECONDS)
        self._delay = spread("delay_seconds", "What the jitter buffer holds, per leg and 5 s.", _SECONDS)
        self._round_trip = spread("round_trip_seconds", "Round trip to the other side, per leg and 5 s.", _SECONDS)
        self._opinion = spread("mos", "Estimated mean opinion score (G.107), 1 to 4.5, per leg and 5 s.", _OPINIONS)
        self._utterances = stands("recognition_utterances_open", "Utterances begun and not finished.")
        self._finals = stands("recognition_finals_waiting", "Finished utterances that no engine has taken up.")
        self._unheard = stands("recognition_audio_waiting_seconds", "Audio that no engine has heard yet.")
        self._seats = stands("recognition_seats", "Utterances that can be worked on at the same time.")
        self._pushed = stands("recognition_audio_seconds", "Audio handed to recognition since the start.")
        self._cpu = stands("recognition_cpu_seconds", "CPU time of recognition since the start.")
        self._waiting = stands("desk_callers_waiting", "Callers who wait, by queue of the desk's file.", "queue")

    def note(self, stamped: Stamped) -> None:
        """Count one event."""
        match stamped.event:
            case CallStarted(channel=channel):
                self._started.labels(channel).inc()
            case CallEnded(reason=reason):
                self._ended.labels(reason).inc()
                self._present.pop(stamped.call, None)
            case PartyJoined(party=party, agent=agent):
                self._present.setdefault(stamped.call, set()).add((party, agent))
                while len(self._present) > FOLLOWED_CALLS:
                    self._present.popitem(last=False)
            case PartyLeft(party=party, agent=agent):
                self._present.get(stamped.call, set()).discard((party, agent))
            case CallbackFailed(code=code, given_up=given_up):
                self._missed.labels(code).inc()
                if given_up:
                    self._callbacks.labels("given_up").inc()
            case CallbackRequested() | CallbackDialled() | CallbackAnswered():
                self._callbacks.labels(stamped.event.TYPE.partition(".")[2]).inc()
            case StageFailed(stage=stage):
                self._failed.labels(stage).inc()
            case MediaMeasured() as measured:
                self._note_media(measured)
            case _:
                pass

    def note_refusal(self, reason: str) -> None:
        """Count a call that was refused."""
        # What the telephone line refuses is one of `voice.sip.gate.Refusal`, which this file may not know.
        is_known = reason in REFUSALS or reason.startswith("sip.")
        self._refused.labels(reason if is_known else "other").inc()

    def refusals(self) -> dict[str, int]:
        """Calls that were refused since the start, by reason."""
        samples = (sample for family in self._refused.collect() for sample in family.samples)
        return {one.labels["reason"]: int(one.value) for one in samples if one.name.endswith("_total")}

    def page(self) -> bytes:
        """Everything, as Prometheus reads it."""
        now = self._standing()
        self._live.set(now.live_calls)
        for party in Party:
            there = sum(present is party for parties in self._present.values() for present, _ in parties)
            self._legs.labels(party).set(there)
        self._utterances.set(now.utterances_open)
        self._finals.set(now.finals_waiting)
        self._unheard.set(now.audio_waiting_s)
        self._seats.set(now.seats)
        self._pushed.set(now.audio_s)
        self._cpu.set(now.recognition_cpu_s)
        # A queue that the desk's file no longer names is gone.
        self._waiting.clear()
        for queue, count in now.waiting.items():
            self._waiting.labels(queue).set(count)
        return generate_latest(self._registry)

    @asynccontextmanager
    async def following(self, journal: JournalReader, clock: Clock) -> AsyncIterator[None]:
        """Count what the journal stores, for as long as the context lasts. What is missed is not counted."""

        async def follow() -> None:
            while True:
                try:
                    async with journal.watch() as news:
                        async for stamped in news:
                            self.note(stamped)
                except (SlowFollowerError, JournalUnavailableError):
                    # Legs that left meanwhile would be counted for ever.
                    self._present.clear()
                await clock.sleep_until(clock.now_s() + RETRY_S)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(follow, name="metrics")
            yield
            tasks.cancel_scope.cancel()

    def _note_media(self, measured: MediaMeasured) -> None:
        party = measured.party
        for figure, share in (
            (self._loss, measured.loss),
            (self._lost_there, measured.lost_there),
            (self._concealed, measured.concealed),
        ):
            if share is not None:
                figure.labels(party).observe(share)
        for figure, ms in (
            (self._jitter, measured.jitter_ms),
            (self._delay, measured.delay_ms),
            (self._round_trip, measured.round_trip_ms),
        ):
            if ms is not None:
                figure.labels(party).observe(ms / 1000)
        if measured.mos is not None:
            self._opinion.labels(party).observe(measured.mos)


class CountedCommands:
    """Commands whose refused offers of a call are counted; implements `Commands`.

    Args:
        commands: carry them out.
        metrics: count.
    """

    def __init__(self, commands: Commands, metrics: Metrics) -> None:
        self._commands = commands
        self._metrics = metrics

    async def execute(self, command: Command) -> Outcome:
        """Carry out a command.

        Raises:
            CommandRefusedError: as the commands behind it.
        """
        try:
            return await self._commands.execute(command)
        except CommandRefusedError as refused:
            if isinstance(command, OfferCall):
                self._metrics.note_refusal(refused.reason)
            raise
