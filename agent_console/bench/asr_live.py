"""How soon finals come at real pace, and how late the event loop gets meanwhile."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import anyio

from agent_console.bench.asr_costs import cpu_s
from agent_console.bench.asr_speech import Spoken
from asr.ports import Recognition
from voice.contracts.audio import FRAME_SAMPLES, to_ms, to_s
from voice.contracts.ports import Clock

TICK_S: Final = 0.01
APART_S: Final = 0.137
"""Between the beginnings of calls; real ones do not begin in step."""


@dataclass(frozen=True, slots=True)
class Live:
    """Utterances at real pace.

    Attributes:
        finals_ms: from the moment the last audio of an utterance was due to its final.
        after_sound_ms: the same from the last speech in it: what callers wait, with the pause that ends an utterance.
        cpu_ms: CPU time of all processes in the time of `finals_ms`: about the wait on a machine that has nothing
            else to do, however busy this one is. Means something for one call only.
        stalls_ms: how late the event loop was, at each tick of 10 ms.
    """

    finals_ms: tuple[float, ...]
    after_sound_ms: tuple[float, ...]
    cpu_ms: tuple[float, ...]
    stalls_ms: tuple[float, ...]


async def measure_live_calls(worker: Recognition, utterances: Sequence[Spoken], clock: Clock, calls: int) -> Live:
    """Speak the utterances to a running worker in chunks of 20 ms, `calls` at a time, each when it would be spoken.

    Times count from when audio was due, so that an event loop that is late counts as waiting.

    Raises:
        ModelError: the engine broke.
    """
    finals: list[float] = []
    after_sound: list[float] = []
    cpu: list[float] = []
    stalls: list[float] = []

    async def watch() -> None:
        due = clock.now_s()
        while True:
            due = max(due, clock.now_s()) + TICK_S
            await clock.sleep_until(due)
            stalls.append((clock.now_s() - due) * 1000)

    async def call(number: int, turns: Iterator[Spoken]) -> None:
        await clock.sleep_until(clock.now_s() + number * APART_S)
        for spoken in turns:
            final_ms, cpu_ms = await _speak(worker, spoken, clock)
            finals.append(final_ms)
            cpu.append(cpu_ms)
            after_sound.append(final_ms + to_ms(spoken.pause))

    async with anyio.create_task_group() as watching:
        watching.start_soon(watch)
        turns = iter(utterances)
        async with anyio.create_task_group() as speaking:
            for number in range(calls):
                speaking.start_soon(call, number, turns)
        watching.cancel_scope.cancel()
    return Live(tuple(finals), tuple(after_sound), tuple(cpu), tuple(stalls))


async def _speak(worker: Recognition, spoken: Spoken, clock: Clock) -> tuple[float, float]:
    """One utterance; answers how long after its end the final came, and the CPU time of that, milliseconds."""
    began = clock.now_s()
    utterance = worker.begin(spoken.language, lambda _: None)
    for number, speech in enumerate(spoken.speech):
        start = number * FRAME_SAMPLES
        await clock.sleep_until(began + to_s(start + FRAME_SAMPLES))
        utterance.push(spoken.pcm[start : start + FRAME_SAMPLES], speech=speech)
    before = cpu_s(worker)
    await utterance.finish()
    return (clock.now_s() - began - to_s(len(spoken.pcm))) * 1000, (cpu_s(worker) - before) * 1000
