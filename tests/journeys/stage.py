"""A real server in a process of its own, and a browser whose microphone plays a file."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr
from playwright.sync_api import Browser, Playwright

from voice.audio.decode import AudioFile

PASSWORD = "a long pass phrase 42"
TAIL_LINES = 60
"""Lines of the server's log that a failed test shows where the server is gone."""

CHROMIUM_FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Server:
    """A running `warmline serve`."""

    url: str
    data: Path
    process: subprocess.Popen[bytes]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])


def warmline(*arguments: str, **options: str) -> list[str]:
    """The command line of `warmline`."""
    return [sys.executable, "-m", "agent_console", *arguments, *(f"--{key}={value}" for key, value in options.items())]


def add_account(data: Path, user: str, role: str) -> None:
    """Let somebody sign in with `PASSWORD`."""
    add = warmline("users", "add", user, "--role", role, "--password-stdin", data=str(data))
    subprocess.run(add, input=PASSWORD.encode(), check=True, capture_output=True)


@contextmanager
def serve(data: Path, models: Path, *arguments: str, **settings: str) -> Iterator[Server]:
    """`warmline serve` on a free loopback port, with the account `mei`; stopped by SIGTERM."""
    if not data.exists():
        data.mkdir()
        add_account(data, "mei", "supervisor")
    log = data / "server.log"
    command = warmline("serve", *arguments, port="0", data=str(data), models=str(models))
    named = {f"WARMLINE_{name.upper()}": value for name, value in settings.items()}
    # A crash in native code leaves its stacks in the log, too.
    environment = os.environ | {"WARMLINE_ENGINE": "whisper", "COLUMNS": "200", "PYTHONFAULTHANDLER": "1"} | named
    with log.open("wb") as sink:
        process = subprocess.Popen(command, stdout=sink, stderr=sink, env=environment)
        try:
            yield Server(_wait_for_url(process, log), data, process)
        except BaseException as error:
            if (status := process.poll()) is not None:
                error.add_note(
                    f"The server was gone by then, {_tell_exit(status)}. The end of what it said:\n{_tail(log)}"
                )
            raise
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


def _tell_exit(status: int) -> str:
    """An exit status in words: a number, or the signal that ended the process."""
    return f"with exit code {status}" if status >= 0 else f"killed by {signal.Signals(-status).name}"


def _tail(log: Path) -> str:
    """The last lines of a log."""
    return "\n".join(log.read_text(encoding="utf-8", errors="replace").splitlines()[-TAIL_LINES:])


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    """Follow the log until it names the URL; the log itself is the condition that is waited for."""
    # Nobody sees a process end that its parent has not waited for.
    threading.Thread(target=process.wait, name="server's end", daemon=True).start()
    follow = ["tail", "-n", "+1", "-F", f"--pid={process.pid}", str(log)]
    reader = subprocess.Popen(follow, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    try:
        assert reader.stdout is not None
        for line in reader.stdout:
            if found := re.search(rb"(http://127\.0\.0\.1:\d+)/call", line):
                return found[1].decode()
        raise AssertionError(f"warmline serve did not come up:\n{_tail(log)}")
    finally:
        reader.kill()
        reader.wait()
        if reader.stdout is not None:
            reader.stdout.close()


@contextmanager
def caller_browser(
    playwright: Playwright, chromium: str, microphone: Path, *, again: bool = False
) -> Iterator[Browser]:
    """A browser whose microphone plays a 48 kHz WAV file once, or again and again."""
    flags = (
        "--use-fake-ui-for-media-stream",
        "--use-fake-device-for-media-stream",
        f"--use-file-for-fake-audio-capture={microphone}{'' if again else '%noloop'}",
        "--allow-loopback-in-peer-connection",
        "--disable-features=WebRtcHideLocalIpsWithMdns",
        "--autoplay-policy=no-user-gesture-required",
    )
    browser = playwright.chromium.launch(executable_path=chromium, args=[*CHROMIUM_FLAGS, *flags])
    try:
        yield browser
    finally:
        browser.close()


def microphone_file(audio: Path, folder: Path, channel: int = 0) -> Path:
    """One channel of `audio`, the caller's unless told, as Chromium's fake microphone takes it: 48 kHz PCM16 mono."""
    with AudioFile(audio) as file:
        pcm = np.concatenate([block[channel] for block in file.blocks()])
    path = folder / "microphone.wav"
    soundfile.write(path, soxr.resample(pcm, 16_000, 48_000), 48_000, subtype="PCM_16")
    return path
