"""Recognizers for recognition processes under test: they die, hang, spin and refuse where the audio tells them to.

What an utterance does is said by the level of its audio: 0.5 kills the process, 0.6 stops it, 0.7 waits in native code,
0.8 raises, 0.9 runs in a circle, 0.4 takes a thirtieth of a second of CPU, 0.3 a whole one. The made-up recognizer
hears the rest.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from asr.fake import FakeRecognizer, FakeUtterance
from asr.ports import Recognizer
from asr.types import Language
from voice.contracts.audio import Pcm
from voice.contracts.errors import ModelCorruptError

KILL, STOP, WAIT, RAISE, SPIN, WORK, DEAR = 0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.3


def level(value: float, seconds: float = 0.2) -> Pcm:
    """Audio that tells the recognizer what to do."""
    return np.full(round(seconds * 16_000), value, np.float32)


@dataclass(frozen=True)
class Brittle:
    """A plan. `once` names a file: what it does is done by the first process that makes the file, and by no other."""

    once: Path | None = None

    def __call__(self) -> Recognizer:
        return _BrittleRecognizer(self.once)


class _BrittleRecognizer(FakeRecognizer):
    def __init__(self, once: Path | None) -> None:
        self._once = once

    def begin(self, language: Language) -> FakeUtterance:
        return _BrittleUtterance(language, self._once)


class _BrittleUtterance(FakeUtterance):
    def __init__(self, language: Language, once: Path | None) -> None:
        super().__init__(language)
        self._once = once

    def accept(self, pcm: Pcm) -> None:
        for value, act in ((KILL, _kill), (STOP, _stop), (WAIT, _wait), (RAISE, _raise), (SPIN, _spin)):
            if np.any(np.abs(pcm - value) < 1e-6) and self._first():
                act()
        if np.any(np.abs(pcm - WORK) < 1e-6):
            _work(0.03)
        if np.any(np.abs(pcm - DEAR) < 1e-6):
            _work(1.0)
        super().accept(pcm)

    def _first(self) -> bool:
        if self._once is None:
            return True
        try:
            self._once.touch(exist_ok=False)
        except FileExistsError:
            return False
        return True


def _kill() -> None:
    os.kill(os.getpid(), signal.SIGKILL)
    threading.Event().wait()


def _stop() -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _wait() -> None:
    # In native code, without the interpreter's lock: the process goes on beating.
    ctypes.CDLL(None).pause()


def _work(seconds: float) -> None:
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        hashlib.sha256(bytes(4096)).digest()


def _spin() -> None:
    _work(3600)


def _raise() -> None:
    raise OSError("engine on fire")


def refuse() -> Recognizer:
    """A plan whose model is corrupt."""
    raise ModelCorruptError("The model is not one.", fix="Run: warmline models verify it")


def run_out_of_memory() -> Recognizer:
    """A plan whose model does not fit."""
    raise MemoryError


def die() -> Recognizer:
    """A plan whose process ends while it loads."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError
