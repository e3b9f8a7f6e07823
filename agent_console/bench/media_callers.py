"""Legs and their callers, who are a process of their own: connected, and each heard."""

from __future__ import annotations

import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import anyio
import numpy as np
import orjson
from anyio.abc import ByteSendStream
from anyio.streams.buffered import BufferedByteReceiveStream

from agent_console.bench.media_far_end import CONNECT_S as FAR_CONNECT_S
from agent_console.bench.media_legs import Leg
from voice.contracts.audio import Pcm
from voice.contracts.errors import MediaError

CONNECT_S: Final = 40.0
"""How long the callers' process may take to start and to connect, beyond what it allows itself to connect."""

READY_S: Final = 15.0
"""How long it may take until every leg hears its caller. A load that does not get there is measured all the same."""

READY_FRAMES: Final = 25
"""A leg hears its caller once it has had half a second."""

SETTLE_S: Final = 1.0
"""After the last leg hears: buffers fill, first packets are parsed."""

LOOK_S: Final = 0.01
"""How often it is looked whether all hear."""

MAX_LINE: Final = 8 << 20


@dataclass(frozen=True, slots=True)
class _FarEnd:
    """The callers' process: their offers, where their answers go, and its standard input."""

    offers: Sequence[str]
    answer: Callable[[Sequence[str]], Awaitable[None]]
    orders: ByteSendStream


@asynccontextmanager
async def connected(
    new_leg: Callable[[], Leg], legs: int, speech: Pcm
) -> AsyncIterator[tuple[Sequence[Leg], ByteSendStream]]:
    """Legs that hear their callers; and where orders for the callers go.

    Where there are several cores, this process keeps to one of them meanwhile, and the callers to the others.

    Args:
        new_leg: makes one.
        legs: how many.
        speech: what callers say, 16 kHz.

    Raises:
        MediaError: the callers' process ended, or said nothing for too long.
    """
    made = [new_leg() for _ in range(legs)]
    with _one_core() as others:
        try:
            async with _far_end(legs, speech, others) as callers, anyio.create_task_group() as tasks:
                answers = [await leg.answer(offer) for leg, offer in zip(made, callers.offers, strict=True)]
                for leg in made:
                    tasks.start_soon(leg.run)
                await callers.answer(answers)
                await _until_all_hear(made)
                yield made, callers.orders
                tasks.cancel_scope.cancel()
        finally:
            with anyio.CancelScope(shield=True):
                for leg in made:
                    await leg.close()


async def _until_all_hear(legs: Sequence[Leg]) -> None:
    with anyio.move_on_after(READY_S):
        while any(leg.frames < READY_FRAMES for leg in legs):  # noqa: ASYNC110 - a leg sets no event per frame
            await anyio.sleep(LOOK_S)
    await anyio.sleep(SETTLE_S)


@contextmanager
def _one_core() -> Iterator[Sequence[int]]:
    """Keep this thread, and those it starts, to one core; answers the others. Nothing happens where there is one."""
    if not hasattr(os, "sched_setaffinity") or len(cores := sorted(os.sched_getaffinity(0))) < 2:
        yield ()
        return
    os.sched_setaffinity(0, cores[:1])
    try:
        yield cores[1:]
    finally:
        os.sched_setaffinity(0, cores)


@asynccontextmanager
async def _far_end(legs: int, speech: Pcm, cores: Sequence[int]) -> AsyncIterator[_FarEnd]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "speech.npy"
        np.save(path, speech)
        command = [sys.executable, "-m", "agent_console.bench.media_far_end", str(legs), str(path)]
        async with await anyio.open_process([*command, orjson.dumps(list(cores)).decode()], stderr=None) as process:
            if process.stdin is None or process.stdout is None:
                raise MediaError("The callers' process has no pipes.")
            lines = BufferedByteReceiveStream(process.stdout)
            to_process = process.stdin
            try:
                with anyio.fail_after(CONNECT_S):
                    offers = orjson.loads(await lines.receive_until(b"\n", MAX_LINE))

                async def answer(answers: Sequence[str]) -> None:
                    await to_process.send(orjson.dumps(list(answers)) + b"\n")
                    with anyio.fail_after(CONNECT_S + FAR_CONNECT_S):
                        await lines.receive_until(b"\n", MAX_LINE)

                yield _FarEnd(offers, answer, to_process)
            except TimeoutError as error:
                raise MediaError("The callers' process was expected to get ready; it says nothing.") from error
            except (anyio.EndOfStream, anyio.IncompleteRead) as error:
                raise MediaError("The callers' process ended before its calls did.") from error
            finally:
                with anyio.CancelScope(shield=True):
                    await to_process.aclose()
                    with anyio.move_on_after(5):
                        await process.wait()
                    if process.returncode is None:
                        process.kill()
