"""One recognition process, seen from the server: started, spoken to, watched, ended."""

from __future__ import annotations

import asyncio
import logging
import mmap
import os
import pickle
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

import anyio
from anyio.to_thread import run_sync

from asr.child import PLAN_LENGTH, READ_BYTES, RECORD, Plan
from asr.child_messages import Beat, Message, Ready, Refused
from asr.child_protocol import FrameReader, encode
from asr.vigil import Hang, Vigil
from voice.contracts.errors import (
    ModelCorruptError,
    ModelError,
    ModelMissingError,
    UnknownEngineError,
    WarmlineError,
    WorkerHungError,
    WorkerLostError,
    WorkerProtocolError,
)
from voice.contracts.ports import Clock

LOAD_S: Final = 120.0
"""How long a process may take to load its model."""

LEAVE_S: Final = 1.0
"""How long a process may take to end once its socket is closed; then it is killed."""

MAX_UNSENT: Final = 32 << 20
"""Bytes that may wait for a process to read them: eight minutes of audio. It beats, so it lives; it does not read."""

_LOADING: Final = {
    error.code: error for error in (ModelError, ModelMissingError, ModelCorruptError, UnknownEngineError)
}

_log = logging.getLogger(__name__)


class RecognitionProcess:
    """A process that recognizes. `start` it, `hear` it in a task, `end` it; all methods belong to the event loop.

    Attributes:
        ready: what it said of its model; None until then.
        beat: what it said last of its work; None until then.

    Args:
        number: names it in logs.
        clock: time.
    """

    def __init__(self, number: int, clock: Clock) -> None:
        self.number = number
        self.ready: Ready | None = None
        self.beat: Beat | None = None
        self._clock = clock
        self._vigil: Vigil | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._record: mmap.mmap | None = None
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._killed_for: WarmlineError | None = None
        self._over = False

    @property
    def pid(self) -> int:
        """Its process id.

        Raises:
            RuntimeError: it was not started.
        """
        if self._process is None:
            raise RuntimeError("The process was not started.")
        return self._process.pid

    @property
    def under_way(self) -> int:
        """The id of the utterance that it works on, or worked on when it ended; 0 for none."""
        if self._record is None:
            return 0
        step, key, _ = RECORD.unpack_from(self._record)
        return int(key) if step else 0

    async def start(self, plan: Plan) -> None:
        """Start it and tell it what to load.

        Raises:
            WorkerLostError: the system has no room for another process.
        """
        pickled = pickle.dumps(plan)
        ours, theirs = socket.socketpair()
        try:
            with theirs, tempfile.TemporaryFile() as record:
                record.truncate(mmap.PAGESIZE)
                self._record = mmap.mmap(record.fileno(), mmap.PAGESIZE)
                self._process = _spawn(theirs.fileno(), record.fileno())
            self._reader, self._writer = await asyncio.open_connection(sock=ours)
        except OSError as error:
            ours.close()
            raise WorkerLostError(f"No recognition process can be started: {error.strerror}.") from error
        self._writer.write(PLAN_LENGTH.pack(len(pickled)) + pickled)

    def send(self, message: Message) -> None:
        """Tell it something; never blocks. What a process that is gone is told is lost."""
        if self._writer is None or self._over or self._killed_for is not None:
            return
        self._writer.write(encode(message))

    @property
    def is_up(self) -> bool:
        """Whether it has loaded and has not ended."""
        return self.ready is not None and not self._over

    async def hear(self, take: Callable[[Message], None], loaded: Callable[[], None]) -> WarmlineError:
        """Hear it until it ends or breaks the protocol; answers why.

        Args:
            take: given each message but `Ready`, `Refused` and `Beat`.
            loaded: called when it has loaded.
        """
        try:
            return self._killed_for or await self._listen(take, loaded)
        finally:
            self._over = True

    def check(self, dearest_s: float = 0.0) -> None:
        """Kill it if it hangs; to be called every 0.1 s. `dearest_s` is as `Vigil.judge` takes it."""
        if self._vigil is None or self._writer is None or self._killed_for is not None:
            return
        hang = self._vigil.judge(self._clock.now_s(), dearest_s=dearest_s, cpu_s=self._cpu_s())
        if hang is None and self._writer.transport.get_write_buffer_size() > MAX_UNSENT:
            hang = Hang(f"it reads nothing; {MAX_UNSENT >> 20} MiB wait for it")
        if hang is not None:
            self._kill(WorkerHungError(f"Recognition process {self.number} was killed: {hang.what}."))

    def is_slow(self, dearest_s: float = 0.0) -> bool:
        """Whether it works longer on something than that should take; `dearest_s` is as `Vigil.judge` takes it."""
        return self._vigil is not None and self._vigil.is_slow(dearest_s=dearest_s)

    def _cpu_s(self) -> float | None:
        """CPU time that the system counts for it, seconds; None where it does not tell, or of one that has ended."""
        if sys.platform != "linux":
            return None
        try:
            # As clock_getcpuclockid(3) computes it: the complement of the process id above three bits for which clock.
            return time.clock_gettime((~self.pid << 3) | 2)
        except OSError:
            return None

    def _kill(self, why: WarmlineError) -> None:
        self._killed_for = self._killed_for or why
        if self._process is not None:
            with suppress(ProcessLookupError):
                self._process.kill()

    async def _listen(self, take: Callable[[Message], None], loaded: Callable[[], None]) -> WarmlineError:
        if self._reader is None:
            raise RuntimeError("The process was not started.")
        frames = FrameReader()
        try:
            with anyio.fail_after(LOAD_S):
                while self.ready is None:
                    if refusal := self._begin(frames, await self._reader.read(READ_BYTES), take):
                        return refusal
            loaded()
            while data := await self._reader.read(READ_BYTES):
                for message in frames.feed(data):
                    self._take(message, take)
        except TimeoutError:
            return WorkerHungError(f"Recognition process {self.number} did not load its model within {LOAD_S:.0f} s.")
        except ConnectionError:
            pass  # it died with something unread
        except WorkerProtocolError as error:
            _log.error("recognition process %d broke its protocol: %s", self.number, error)
            return error
        return self._killed_for or await self._lost("died")

    def _begin(self, frames: FrameReader, data: bytes, take: Callable[[Message], None]) -> WarmlineError | None:
        """What comes while it loads; answers why it never will, where that is said."""
        if not data:
            return WorkerLostError(f"Recognition process {self.number} died while it loaded its model.")
        for message in frames.feed(data):
            match message:
                case Refused(code=code, message=text, fix=fix):
                    return _LOADING.get(code, ModelError)(text, fix=fix)
                case Ready() if self.ready is None:
                    self.ready = message
                    self._vigil = Vigil(self._clock.now_s())
                case _:
                    self._take(message, take)
        return None

    def _take(self, message: Message, take: Callable[[Message], None]) -> None:
        match message:
            case Beat() if self._vigil is not None:
                self.beat = message
                self._vigil.hear(message, self._clock.now_s())
            case _ if self.ready is None:
                raise WorkerProtocolError(f"Expected what was loaded first; got {type(message).__name__}.")
            case _:
                take(message)

    async def _lost(self, how: str) -> WorkerLostError:
        """Why it ended, from how the system says that it did."""
        code = await self._wait()
        by = f"by signal {-code}" if code is not None and code < 0 else f"with exit status {code}"
        return WorkerLostError(f"Recognition process {self.number} {how} {by}.")

    async def end(self) -> None:
        """End it, however it is, and wait until it has; for a process that was never started, nothing."""
        self._over = True
        if self.ready is None and self._process is not None:
            self._process.kill()  # it does not read while it loads
        if self._writer is not None:
            self._writer.close()
            with suppress(ConnectionError):
                await self._writer.wait_closed()
        if self._process is not None and await self._wait() is None:
            self._process.kill()
            await run_sync(self._process.wait)

    async def _wait(self) -> int | None:
        """How it ended; None if it has not within `LEAVE_S`."""
        if self._process is None:
            return None
        try:
            return await run_sync(self._process.wait, LEAVE_S)
        except subprocess.TimeoutExpired:
            return None


def _spawn(connection: int, record: int) -> subprocess.Popen[bytes]:
    """A new process, not a copy of this one: threads and locks of the server have no place there.

    On the thread of the event loop, because the kernel ends it with the thread that started it.
    """
    room = str(Path(__file__).parents[1])
    before = os.environ.get("PYTHONPATH")
    environment = {
        # One utterance at a time, one core: libraries that would take all of them slow each other down.
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        **os.environ,
        "PYTHONPATH": room if not before else os.pathsep.join((room, before)),
    }
    return subprocess.Popen(  # noqa: S603  our own module, and two numbers
        [sys.executable, "-P", "-m", "asr.child", str(connection), str(record)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        pass_fds=(connection, record),
        env=environment,
    )
