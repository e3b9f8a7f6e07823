"""Where media streams come in: lets a provider in, hands its call over, carries messages both ways until the end."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Final

import anyio

from voice.contracts.errors import StreamProtocolError, StreamRefusedError, WarmlineError
from voice.contracts.ports import Clock, LegEnd, TextSocket
from voice.stream.access import PARAMETER, StreamAccess
from voice.stream.leg import StreamLeg
from voice.stream.messages import Connected, Start, parse_message

START_S: Final = 10.0
"""How long a provider may take from the handshake to `start`."""

MAX_UNPROVEN: Final = 20
"""Connections at once that have not proven themselves yet; one more is turned away."""

MAX_BROKEN: Final = 100
"""Malformed messages after which a stream is given up: 2 s of nothing else."""

CLOSE_S: Final = 2.0
"""How long the provider may take to answer a close."""

_log = logging.getLogger(__name__)


class CloseCode(IntEnum):
    """Why we close (RFC 6455, section 7.4.1)."""

    NORMAL = 1000
    PROTOCOL = 1002
    REFUSED = 1008
    TRY_LATER = 1013


@dataclass(frozen=True, slots=True)
class Line:
    """What a media stream says of its call: the custom parameters `caller`, `called` and `language` where given."""

    caller: str
    called: str
    language: str | None


TakeCall = Callable[[StreamLeg, Line], Awaitable[None]]
"""Begins a call on a leg and returns; raises `WarmlineError` where no call can be taken."""


class StreamDoor:
    """Serves media streams.

    Args:
        access: who may come in.
        take: where calls go.
        clock: time.
        start_s: how long a provider may take from the handshake to `start`.
    """

    def __init__(self, access: StreamAccess, take: TakeCall, clock: Clock, start_s: float = START_S) -> None:
        self._start_s = start_s
        self._access = access
        self._take = take
        self._clock = clock
        self._unproven = 0

    def check_handshake(self, headers: Mapping[str, str]) -> bool:
        """Whether the handshake proves the provider already; else its `start` has to.

        Args:
            headers: of the handshake, names in lower case.

        Raises:
            StreamRefusedError: media streams are switched off, or too many strangers are waiting.
        """
        if not self._access.is_open:
            raise StreamRefusedError(
                "Media streams are switched off.",
                fix="Set stream_token, or stream_signing_key and stream_url.",
            )
        if self._access.knows_handshake(headers.get("authorization"), headers.get("x-twilio-signature")):
            return True
        if not self._access.token or self._unproven >= MAX_UNPROVEN:
            raise StreamRefusedError("The media stream does not prove where it comes from.")
        return False

    async def serve(self, socket: TextSocket, *, proven: bool) -> None:
        """Serve one connection until its call is over. Never raises but for cancellation and a broken programme.

        Args:
            socket: the connection.
            proven: what `check_handshake` answered.
        """
        code, reason = CloseCode.NORMAL, "the call is over"
        try:
            start = await self._begin(socket, proven)
            if start is not None:
                await self._talk(socket, StreamLeg(start, self._clock), _line_of(start))
        except StreamRefusedError as error:
            code, reason = CloseCode.REFUSED, error.code
        except StreamProtocolError as error:
            code, reason = CloseCode.PROTOCOL, error.code
        except WarmlineError as error:
            code, reason = CloseCode.TRY_LATER, error.code
        if code is not CloseCode.NORMAL:
            _log.warning("a media stream is closed (%d %s)", code, reason)
        with anyio.move_on_after(CLOSE_S, shield=True):
            await socket.close(code, reason)

    async def _begin(self, socket: TextSocket, proven: bool) -> Start | None:
        """The `start` message of a provider that may come in; None where it left before."""
        self._unproven += not proven
        try:
            with anyio.move_on_after(self._start_s):
                start = await _await_start(socket)
                if start is None:
                    return None
                if not proven and not self._access.knows_token(start.parameters.get(PARAMETER)):
                    raise StreamRefusedError(f"The custom parameter `{PARAMETER}` is missing or wrong.")
                return start
        finally:
            self._unproven -= not proven
        raise StreamProtocolError(f"Expected `start` within {self._start_s:g} s.")

    async def _talk(self, socket: TextSocket, leg: StreamLeg, line: Line) -> None:
        try:
            await self._take(leg, line)
        except BaseException:  # nobody will enter the leg
            leg.close()
            leg.sink.texts.close()
            raise
        failure: StreamProtocolError | None = None
        async with anyio.create_task_group() as tasks:

            async def send() -> None:
                with leg.sink.texts:
                    async for text in leg.sink.texts:
                        await socket.send(text)
                tasks.cancel_scope.cancel()

            tasks.start_soon(send, name="media stream sending")
            try:
                await _receive(socket, leg)
            except StreamProtocolError as error:
                failure = error
            finally:
                leg.end(LegEnd.CONNECTION_LOST)
        if failure is not None:
            raise failure


async def _await_start(socket: TextSocket) -> Start | None:
    while (text := await socket.receive()) is not None:
        message = parse_message(text)
        match message:
            case Start():
                return message
            case Connected() | None:
                continue
            case _:
                raise StreamProtocolError("Expected `start` before anything else.")
    return None


async def _receive(socket: TextSocket, leg: StreamLeg) -> None:
    broken = 0
    while leg.end_reason is None and (text := await socket.receive()) is not None:
        try:
            message = parse_message(text)
            if message is not None:
                await leg.take(message)
        except StreamProtocolError as error:
            broken += 1
            if broken == 1:
                _log.warning("a media stream sent a malformed message (%s)", error.code)
            if broken > MAX_BROKEN:
                raise


def _line_of(start: Start) -> Line:
    parameters = start.parameters
    return Line(
        caller=parameters.get("caller") or parameters.get("from") or start.call or start.stream,
        called=parameters.get("called") or parameters.get("to") or "stream",
        language=parameters.get("language"),
    )
