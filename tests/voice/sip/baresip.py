"""Debian's baresip as a caller: a softphone that others wrote."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import anyio

from tests.programs import free_ports, need_program

_CONFIG = """\
poll_method epoll
sip_listen 127.0.0.1:{sip}
sip_trans_bsize 128
sip_verify_server no
audio_player aufile,/dev/null
audio_source aufile,{spoken}
audio_alert aufile,/dev/null
ausrc_srate 8000
auplay_srate 8000
ausrc_channels 1
auplay_channels 1
audio_buffer 20-160
rtp_ports {rtp}-{last}
module_path {modules}
module g711.so
module srtp.so
module aufile.so
module sndfile.so
snd_path {folder}
module_tmp account.so
module_app menu.so
module_app ctrl_tcp.so
ctrl_tcp_listen 127.0.0.1:{control}
"""


@dataclass
class Baresip:
    """A running baresip.

    Attributes:
        control: port of its commands.
        sip: port on which it is called.
        folder: of its files.
        output: what it said.
        events: that it told.
    """

    control: int
    sip: int
    folder: Path
    output: Path
    events: list[str] = field(default_factory=list)
    _buffer: bytes = b""

    @property
    def heard(self) -> Path:
        """What it heard in its latest call, as WAV; complete once the call is over."""
        return max(self.folder.glob("dump-*-dec.wav"), key=lambda path: path.stat().st_mtime)

    async def command(self, *commands: tuple[str, str], until: str = "", seconds: float = 30) -> None:
        """Give commands; with `until`, return once an event of that type was told.

        A command and its connection: what happened before is not told.
        """
        with anyio.fail_after(seconds):
            async with await self._connect() as stream:
                self._buffer = b""  # what the connection before was cut off in
                for name, parameters in commands:
                    message = json.dumps({"command": name, "params": parameters}).encode()
                    await stream.send(b"%d:%s," % (len(message), message))
                    await self._until(stream, "response")
                if until:
                    await self._until(stream, until)

    async def _connect(self) -> anyio.abc.SocketStream:
        while True:
            try:
                return await anyio.connect_tcp("127.0.0.1", self.control)
            except OSError:
                await anyio.sleep(0.05)  # it is starting

    async def _until(self, stream: anyio.abc.SocketStream, kind: str) -> None:
        while True:
            while b":" in self._buffer:
                length, _, rest = self._buffer.partition(b":")
                size = int(length)
                if len(rest) <= size:
                    break
                said = json.loads(rest[:size])
                self._buffer = rest[size + 1 :]
                told = "response" if said.get("response") else str(said.get("type"))
                self.events.append(told)
                if told == kind:
                    return
            self._buffer += await stream.receive()


@contextmanager
def run_baresip(
    folder: Path, spoken: Path, user: str = "+8613800138000", codecs: str = "", modules: Sequence[str] = ()
) -> Iterator[Baresip]:
    """A baresip that speaks a file.

    Args:
        folder: for its files; it has to exist.
        spoken: mono, 16 bits, 8 kHz.
        user: who it says it is.
        codecs: `;audio_codecs=…` to offer no others, and whatever else its account shall have.
        modules: that it loads beside those that it needs: `opus`.
    """
    program = need_program("baresip", "baresip-core")
    folder_of_modules = Path("/usr/lib/baresip/modules")
    control, sip, rtp = free_ports(3)
    output = folder / "output.txt"
    config = _CONFIG.format(
        sip=sip, rtp=rtp, last=rtp + 7, control=control, folder=folder, spoken=spoken, modules=folder_of_modules
    )
    (folder / "config").write_text(config + "".join(f"module {name}.so\n" for name in modules))
    (folder / "accounts").write_text(f"<sip:{user}@127.0.0.1:{sip};transport=udp>;regint=0{codecs}\n")
    (folder / "contacts").write_text("\n")
    with output.open("wb") as out:
        process = subprocess.Popen(
            [program, "-f", str(folder)], stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT
        )
        try:
            yield Baresip(control, sip, folder, output)
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
