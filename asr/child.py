"""A recognition process: loads a model, recognizes what the server sends, and ends with the server.

Run as `python -m asr.child SOCKET RECORD` with the numbers of two inherited file descriptors. What is to be loaded
comes first over the socket; then frames of `asr/child_protocol.py` go both ways. Before each step on an utterance its
id is written into the record, which is memory that the server sees as well: however a native call ends the process, the
server knows which utterance it was at.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import mmap
import os
import pickle
import signal
import socket
import struct
import sys
from collections import deque
from collections.abc import Callable
from functools import partial
from time import process_time, thread_time
from typing import Final, NoReturn

from asr.child_messages import (
    Abandon,
    Beat,
    Begin,
    Failed,
    Finish,
    Finished,
    Heard,
    Message,
    Push,
    Ready,
    Refused,
    Settle,
    Settled,
    Told,
)
from asr.child_protocol import FrameReader, encode
from asr.ports import Recognizer, Reporting
from asr.thread_utterance import ThreadUtterance
from asr.types import Hypothesis
from asr.worker import RecognitionWorker
from voice.contracts.audio import Samples
from voice.contracts.errors import ModelError, WarmlineError, WorkerProtocolError

BEAT_S: Final = 0.2
"""How often the process says that it lives."""

REMEMBERED: Final = 64
"""Native calls by whose cost the next are judged; those of a few utterances."""

ENOUGH: Final = 8
"""Of these, how many are needed."""

WORTH_S: Final = 0.02
"""CPU time from which a call counts among them; audio that is only kept costs nothing."""

READ_BYTES: Final = 1 << 16

RECORD: Final = struct.Struct("<QQQ")
"""What the record holds: the number of the step under way (0 for none), the utterance's id, its samples."""

PLAN_LENGTH: Final = struct.Struct("<I")
"""Before the plan: its length in bytes."""

Plan = Callable[[], Recognizer]
"""Makes the recognizer; goes to the process pickled, so it has to be importable there."""

_PR_SET_PDEATHSIG: Final = 1

_log = logging.getLogger(__name__)


class _Process:
    """The server's utterances, in this process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, record: mmap.mmap) -> None:
        self._reader = reader
        self._writer = writer
        self._record = record
        self._steps = 0
        # CPU time of the native calls and steps that were done last, and when the one under way began.
        self._costs: deque[float] = deque(maxlen=REMEMBERED)
        self._dearest_s = 0.0
        self._began_cpu_s = 0.0
        self._utterances: dict[int, ThreadUtterance] = {}

    async def serve(self) -> None:
        """Load, then recognize until the server closes the socket."""
        length = PLAN_LENGTH.unpack(await self._reader.readexactly(PLAN_LENGTH.size))[0]
        pickled = await self._reader.readexactly(length)
        plan: Plan = pickle.loads(pickled)  # noqa: S301  the server made it; nobody else has the other end of the socket
        try:
            recognizer = plan()
        except WarmlineError as error:
            await self._refuse(Refused(error.code, error.args[0], error.fix))
            return
        except MemoryError:
            await self._refuse(Refused(ModelError.code, "There is not enough memory for the model.", "Free some."))
            return
        async with (
            RecognitionWorker(recognizer, threads=1, on_step=self._note_step) as worker,
            asyncio.TaskGroup() as tasks,
        ):
            if isinstance(recognizer, Reporting):
                recognizer.report_calls(self._note_call)
            self._send(Ready(recognizer.name, recognizer.languages))
            tasks.create_task(self._beat(worker))
            frames = FrameReader()
            while data := await self._reader.read(READ_BYTES):
                for message in frames.feed(data):
                    self._take(message, worker, tasks)
            # The server is gone or has closed: nobody waits for what a thread is at, which may never end.
            _leave()

    async def _refuse(self, refused: Refused) -> None:
        self._send(refused)
        await self._writer.drain()
        self._writer.close()
        await self._writer.wait_closed()

    def _take(self, message: Message, worker: RecognitionWorker, tasks: asyncio.TaskGroup) -> None:
        match message:
            case Begin(id=key, language=language, partials=partials):
                try:
                    self._utterances[key] = worker.begin(
                        language,
                        partial(self._tell, key) if partials else None,
                        on_heard=partial(self._tell_heard, key),
                        key=key,
                    )
                except WarmlineError as error:
                    self._send(Failed(key, error.code, error.args[0], error.fix))
            case Push(id=key, speech=speech, pcm=pcm):
                if utterance := self._utterances.get(key):
                    utterance.push(pcm, speech=speech)
            case Settle(id=key, question=question):
                if utterance := self._utterances.get(key):
                    tasks.create_task(self._settle(key, question, utterance))
            case Finish(id=key):
                if utterance := self._utterances.get(key):
                    tasks.create_task(self._finish(key, utterance))
            case Abandon(id=key):
                if utterance := self._utterances.pop(key, None):
                    utterance.abandon()
            case _:
                raise WorkerProtocolError(f"Expected what a server sends; got {type(message).__name__}.")

    async def _settle(self, key: int, question: int, utterance: ThreadUtterance) -> None:
        heard = await utterance.settle()
        if heard is not None and key in self._utterances:
            self._send(Settled(key, question, heard))

    async def _finish(self, key: int, utterance: ThreadUtterance) -> None:
        answer: Message
        try:
            answer = Finished(key, await utterance.finish())
        except WarmlineError as error:
            answer = Failed(key, error.code, error.args[0], error.fix)
        if self._utterances.pop(key, None) is not None:
            self._send(answer)

    def _tell(self, key: int, hypothesis: Hypothesis) -> None:
        self._send(Told(key, hypothesis))

    def _tell_heard(self, key: int, samples: Samples) -> None:
        self._send(Heard(key, samples))

    def _note_step(self, key: int, samples: Samples) -> None:
        now_s = process_time()
        if RECORD.unpack_from(self._record)[0] and now_s - self._began_cpu_s >= WORTH_S:
            self._costs.append(now_s - self._began_cpu_s)
            self._dearest_s = max(self._costs) if len(self._costs) >= ENOUGH else 0.0
        self._began_cpu_s = now_s
        self._steps += key != 0
        RECORD.pack_into(self._record, 0, self._steps if key else 0, key, samples)

    def _note_call(self) -> None:
        """A native call begins, in the step under way."""
        step, key, samples = RECORD.unpack_from(self._record)
        if step:
            self._note_step(key, samples)

    async def _beat(self, worker: RecognitionWorker) -> None:
        while True:
            load, (step, _, samples) = worker.load(), RECORD.unpack_from(self._record)
            cpu_s = process_time()
            self._send(
                Beat(
                    step=step,
                    step_audio=samples,
                    work_cpu_s=max(0.0, cpu_s - thread_time()),
                    cpu_s=cpu_s,
                    waiting_s=load.audio_waiting_s,
                    open=load.open,
                    finals_waiting=load.finals_waiting,
                    partials_skipped=load.partials_skipped,
                    dearest_s=self._dearest_s,
                )
            )
            await asyncio.sleep(BEAT_S)

    def _send(self, message: Message) -> None:
        # What waits here is bounded by what was asked: the server kills a process that it cannot talk with.
        self._writer.write(encode(message))


async def _serve(connection: socket.socket, record: mmap.mmap) -> None:
    reader, writer = await asyncio.open_connection(sock=connection)
    try:
        await _Process(reader, writer, record).serve()
    except (ConnectionError, asyncio.IncompleteReadError):
        _leave()
    except Exception as error:  # the boundary of the process: the server sees it end and goes on with another
        _log.error("recognition process broke: %s", type(error).__name__)
        _leave(1)


def _leave(code: int = 0) -> NoReturn:
    """End at once, whatever threads are at."""
    os._exit(code)


def die_with_parent() -> None:
    """Have the kernel kill this process when its parent ends, stopped or busy as it may be; on Linux only.

    Elsewhere the socket's end tells, which a process that hangs in a native call does not read.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def main(arguments: list[str]) -> None:
    """Serve on the inherited descriptors."""
    die_with_parent()
    # The server decides when this process ends: it still wants finals when a terminal's Ctrl-C or a service manager's
    # SIGTERM has reached both.
    for ending in (signal.SIGINT, signal.SIGTERM):
        signal.signal(ending, signal.SIG_IGN)
    logging.basicConfig(level=logging.WARNING, format="recognition process %(process)d: %(levelname)s %(message)s")
    connection, record = (int(argument) for argument in arguments)
    with mmap.mmap(record, mmap.PAGESIZE) as memory:
        os.close(record)
        asyncio.run(_serve(socket.socket(fileno=connection), memory))


if __name__ == "__main__":
    main(sys.argv[1:])
