"""Sockets: signalling over UDP and TCP, audio over UDP. What comes is handed on, what goes is sent; nothing else."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal

import anyio
from anyio.abc import AnyByteStream, Listener, SocketAttribute, TaskGroup
from anyio.streams.memory import MemoryObjectSendStream
from anyio.streams.tls import TLSListener, TLSStream

from voice.contracts.sip_errors import SipMessageError, SipPortError
from voice.sip.doorway import Admits, Doorway, remote_address
from voice.sip.framing import MessageFramer
from voice.sip.latch import Address
from voice.sip.transactions import Flow

MAX_CONNECTIONS: Final = 200
"""TCP connections at once; one more is closed. A trunk has one or a few."""

WAITING_MESSAGES: Final = 64
"""Messages that wait to be written on a connection; one that takes no more is closed."""

CONNECT_S: Final = 10.0
PORT_TRIES: Final = 200
"""How many ports are tried for a call's audio."""

_log = logging.getLogger(__name__)

Receive = Callable[[bytes, Flow], None]


class Datagrams(asyncio.DatagramProtocol):
    """A UDP socket.

    Args:
        receive: told each datagram and where it came from; may not raise.
    """

    def __init__(self, receive: Callable[[bytes, Address], None]) -> None:
        self._receive = receive
        self._transport: asyncio.DatagramTransport | None = None

    @property
    def port(self) -> int:
        """Where it listens."""
        if self._transport is None:
            return 0
        return int(self._transport.get_extra_info("sockname")[1])

    async def open(self, host: str, port: int) -> None:
        """Bind it.

        Raises:
            SipPortError: the address is taken or none of ours.
        """
        loop = asyncio.get_running_loop()
        try:
            self._transport, _ = await loop.create_datagram_endpoint(lambda: self, local_addr=(host, port))
        except OSError as error:
            raise SipPortError(
                f"UDP port {port} of {host} cannot be used: {error.strerror or error}.",
                fix="Free it, or name another one.",
            ) from error

    def send(self, data: bytes, address: Address) -> None:
        """Send a datagram; what cannot be sent is lost, as datagrams are."""
        if self._transport is not None and not self._transport.is_closing():
            try:
                self._transport.sendto(data, address)
            except (OSError, ValueError, OverflowError):
                return

    def close(self) -> None:
        """Give the socket back. May be called again."""
        if self._transport is not None:
            self._transport.close()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """See `asyncio.DatagramProtocol`."""
        self._receive(data, (addr[0], addr[1]))

    def error_received(self, exc: Exception) -> None:
        """A port that nobody listens on; the call finds out by itself."""


class _TlsListener(TLSListener):
    """A listener that says what failed in one line: scanners shake hands all day."""

    @staticmethod
    async def handle_handshake_error(exc: BaseException, stream: AnyByteStream) -> None:
        await anyio.aclose_forcefully(stream)
        if not isinstance(exc, Exception):
            raise exc
        _log.info("a TLS handshake failed (%s)", type(exc).__name__)


class Streams:
    """TCP or TLS connections, those that come and those that we make.

    Args:
        receive: told each message.
        transport: tcp or tls.
    """

    def __init__(self, receive: Receive, transport: Literal["tcp", "tls"] = "tcp") -> None:
        self._receive = receive
        self._transport: Literal["tcp", "tls"] = transport
        self._caller: ssl.SSLContext | None = None
        self._writers: dict[Address, MemoryObjectSendStream[bytes]] = {}
        self._tasks: TaskGroup | None = None

    @asynccontextmanager
    async def open(
        self,
        host: str,
        port: int,
        *,
        server: ssl.SSLContext | None = None,
        caller: ssl.SSLContext | None = None,
        listens: bool = True,
        admits: Admits = lambda _: True,
    ) -> AsyncIterator[int]:
        """Carry connections as long as the context lasts; gives the port that is listened on, 0 for none.

        Args:
            host: to listen on.
            port: the same; 0 for any.
            server: how who connects is answered; of TLS alone.
            caller: how we connect; of TLS alone.
            listens: whether others may connect.
            admits: asked of each that does, by its address.

        Raises:
            SipPortError: the address is taken or none of ours.
        """
        self._caller = caller
        if not listens:
            async with anyio.create_task_group() as tasks:
                self._tasks = tasks
                yield 0
                tasks.cancel_scope.cancel()
            return
        try:
            listener: Listener[Any] = await anyio.create_tcp_listener(local_host=host, local_port=port)
        except OSError as error:
            taken = errno.EADDRINUSE in (error.errno, getattr(error.__cause__, "errno", None))
            raise SipPortError(
                f"TCP port {port} of {host} cannot be used: {'it is taken' if taken else error}.",
                fix="Free it, or name another one.",
            ) from error
        bound = int(listener.extra(SocketAttribute.local_port))  # noqa: S610 - anyio, not Django
        listener = Doorway(listener, admits)
        if server is not None:
            listener = _TlsListener(listener, server, standard_compatible=False, handshake_timeout=CONNECT_S)
        async with listener, anyio.create_task_group() as tasks:
            self._tasks = tasks
            tasks.start_soon(listener.serve, self._serve, name="sip connections")
            yield bound
            tasks.cancel_scope.cancel()

    async def connect(self, host: str, port: int, name: str = "") -> Flow:
        """A connection to a host, to be used from now on.

        Args:
            host: its address.
            port: the same.
            name: that its certificate has to bear; the address unless given.

        Raises:
            SipPortError: nobody answers there, or it shows no certificate that is believed.
        """
        known = (host, port)
        if known not in self._writers and self._tasks is not None:
            try:
                with anyio.fail_after(CONNECT_S):
                    stream = await self._connect(host, port, name or host)
            except ssl.SSLError as error:
                why = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else error.reason
                raise SipPortError(
                    f"TLS with port {port} of {name or host} was expected to begin; {why or error}.",
                    fix="Name who signed its certificate: `tls.authorities` in the trunks file.",
                ) from error
            except (OSError, TimeoutError, anyio.EndOfStream, anyio.BrokenResourceError) as error:
                raise SipPortError(f"TCP port {port} of {host} does not answer.") from error
            await self._tasks.start(self._carry, stream, known)
        return Flow(self._transport, known)

    async def _connect(self, host: str, port: int, name: str) -> AnyByteStream:
        stream = await anyio.connect_tcp(host, port)
        if self._caller is None:
            return stream
        try:
            return await TLSStream.wrap(stream, hostname=name, ssl_context=self._caller, standard_compatible=False)
        except BaseException:
            await anyio.aclose_forcefully(stream)
            raise

    def send(self, data: bytes, address: Address) -> None:
        """Write a message to a connection; where it is gone, so is the message."""
        writer = self._writers.get(address)
        if writer is None:
            return
        try:
            writer.send_nowait(data)
        except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
            writer.close()

    async def _serve(self, stream: AnyByteStream) -> None:
        peer = remote_address(stream)
        if peer is None or len(self._writers) >= MAX_CONNECTIONS:
            await anyio.aclose_forcefully(stream)
            return
        await self._carry(stream, peer)

    async def _carry(
        self,
        stream: AnyByteStream,
        peer: Address,
        *,
        task_status: anyio.abc.TaskStatus[None] = anyio.TASK_STATUS_IGNORED,
    ) -> None:
        put, waiting = anyio.create_memory_object_stream[bytes](WAITING_MESSAGES)
        self._writers[peer] = put
        task_status.started()
        flow, framer = Flow(self._transport, peer), MessageFramer()
        try:
            async with stream, anyio.create_task_group() as tasks:

                async def write() -> None:
                    with waiting:
                        async for data in waiting:
                            await stream.send(data)
                    tasks.cancel_scope.cancel()

                tasks.start_soon(write, name="sip connection writing")
                async for chunk in stream:
                    for message in framer.feed(chunk):
                        self._receive(message, flow)
                tasks.cancel_scope.cancel()
        except* (OSError, anyio.BrokenResourceError, anyio.ClosedResourceError, anyio.EndOfStream):
            _log.info("a SIP connection broke")
        except* SipMessageError as group:
            _log.warning("a SIP connection is closed (%s)", group.exceptions[0])
        finally:
            put.close()
            waiting.close()
            if self._writers.get(peer) is put:
                del self._writers[peer]


def _drop(_datagram: bytes, _source: Address) -> None:
    """Nobody listens yet."""


class AudioSockets:
    """A call's two sockets: its audio's, and the one behind it for reports about it (RFC 3550, 11).

    Attributes:
        hear: told each datagram of audio.
        hear_reports: told each datagram of reports.
    """

    def __init__(self) -> None:
        self.hear: Callable[[bytes, Address], None] = _drop
        self.hear_reports: Callable[[bytes, Address], None] = _drop
        self._audio = Datagrams(self._take_audio)
        self._reports = Datagrams(self._take_reports)

    @property
    def port(self) -> int:
        """Where audio is heard; reports are on the next one."""
        return self._audio.port

    async def open(self, host: str, port: int) -> None:
        """Bind both.

        Raises:
            SipPortError: one of them is taken; none is bound then.
        """
        await self._audio.open(host, port)
        try:
            await self._reports.open(host, port + 1)
        except BaseException:
            self.close()
            raise

    def send(self, data: bytes, address: Address) -> None:
        """Send from the audio's port."""
        self._audio.send(data, address)

    def send_reports(self, data: bytes, address: Address) -> None:
        """Send from the reports' port."""
        self._reports.send(data, address)

    def close(self) -> None:
        """Give both back. May be called again."""
        self._audio.close()
        self._reports.close()

    # What is told may change while the sockets are open.

    def _take_audio(self, datagram: bytes, source: Address) -> None:
        self.hear(datagram, source)

    def _take_reports(self, datagram: bytes, source: Address) -> None:
        self.hear_reports(datagram, source)


class AudioPorts:
    """Gives out pairs of UDP ports, an even one for audio and the next one for reports.

    Args:
        host: to bind to.
        ports: first and last; only whole pairs between them are given (RFC 3550, 11).
    """

    def __init__(self, host: str, ports: tuple[int, int]) -> None:
        self._host = host
        self._first = ports[0] + ports[0] % 2
        self._count = max(0, (ports[1] - self._first + 1) // 2)
        self._next = 0

    async def open(self) -> AudioSockets:
        """Sockets for one call.

        Raises:
            SipPortError: all that were tried are taken.
        """
        for _ in range(min(PORT_TRIES, self._count)):
            port = self._first + 2 * (self._next % self._count)
            self._next += 1
            sockets = AudioSockets()
            try:
                await sockets.open(self._host, port)
            except SipPortError:
                continue
            return sockets
        raise SipPortError(
            "A free pair of UDP ports for audio was expected; there is none.", fix="Give more of them: `audio_ports`."
        )


def own_address(host: str) -> str:
    """The address to name where `host` stands for all of them: the one that the way out begins with."""
    if host not in ("0.0.0.0", "::", ""):  # noqa: S104 - compared, not bound
        return host
    kind, far = (socket.AF_INET6, "2001:db8::1") if host == "::" else (socket.AF_INET, "192.0.2.1")
    with socket.socket(kind, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((far, 9))  # sends nothing: a route is chosen
        except OSError:
            return "::1" if host == "::" else "127.0.0.1"
        return str(probe.getsockname()[0])
