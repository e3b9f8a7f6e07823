"""The door of media streams: who gets in, and that whatever comes in harms nobody."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anyio
import pytest

from voice.clock import ManualClock
from voice.contracts.audio import AudioFrame
from voice.contracts.errors import CapacityError, StreamRefusedError
from voice.contracts.ports import LegEnd
from voice.stream.access import StreamAccess
from voice.stream.door import MAX_BROKEN, MAX_UNPROVEN, CloseCode, Line, StreamDoor
from voice.stream.leg import StreamLeg

pytestmark = pytest.mark.anyio
TOKEN = "a-token-of-some-length"


def start(**parameters: str) -> dict[str, Any]:
    form = {"encoding": "audio/x-mulaw", "sampleRate": "8000", "channels": "1"}
    inner = {"callSid": "CA1", "streamSid": "MZ1", "mediaFormat": form, "customParameters": parameters}
    return {"event": "start", "streamSid": "MZ1", "start": inner}


def media(at_ms: int) -> dict[str, Any]:
    payload = base64.b64encode(b"\x20" * 160).decode()
    return {"event": "media", "streamSid": "MZ1", "media": {"timestamp": str(at_ms), "payload": payload}}


class Provider:
    """The other end of a `TextSocket`."""

    def __init__(self, texts: list[str]) -> None:
        self.texts = texts
        self.sent: list[str] = []
        self.closed: tuple[int, str] | None = None
        self.left = anyio.Event()

    async def receive(self) -> str | None:
        if self.texts:
            return self.texts.pop(0)
        await self.left.wait()
        return None

    async def send(self, text: str) -> None:
        self.sent.append(text)

    async def close(self, code: int, reason: str) -> None:
        self.closed = (code, reason)


class Calls:
    """What a switchboard does with a leg, and what it saw."""

    def __init__(self, tasks: anyio.abc.TaskGroup) -> None:
        self.tasks = tasks
        self.lines: list[Line] = []
        self.frames: list[AudioFrame] = []
        self.reasons: list[LegEnd | None] = []
        self.refusal: Exception | None = None

    async def take(self, leg: StreamLeg, line: Line) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.lines.append(line)
        self.tasks.start_soon(self._live, leg)

    async def _live(self, leg: StreamLeg) -> None:
        async with leg:
            async for frame in leg.source.frames():
                self.frames.append(frame)
            self.reasons.append(leg.end_reason)


@asynccontextmanager
async def open_calls() -> AsyncIterator[Calls]:
    async with anyio.create_task_group() as tasks:
        yield Calls(tasks)


def provider(*messages: object, then: list[str] | None = None) -> Provider:
    return Provider([json.dumps(message) for message in messages] + (then or []))


CONNECTED = {"event": "connected", "protocol": "Call", "version": "1.0.0"}
STOP = {"event": "stop", "streamSid": "MZ1", "stop": {}}


async def test_a_call_from_its_first_message_to_its_last() -> None:
    async with open_calls() as calls:
        door = StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock())
        socket = provider(
            CONNECTED, start(token=TOKEN, caller="+8613800138000", language="en"), *map(media, range(0, 400, 20)), STOP
        )
        await door.serve(socket, proven=False)
    assert calls.lines == [Line("+8613800138000", "stream", "en")]
    assert len(calls.frames) == 20
    assert calls.reasons == [LegEnd.HUNG_UP]
    assert socket.closed == (CloseCode.NORMAL, "the call is over")


async def test_a_provider_that_vanishes() -> None:
    async with open_calls() as calls:
        socket = provider(start(), media(0))
        socket.left.set()
        await StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock()).serve(socket, proven=True)
    assert calls.lines == [Line("CA1", "stream", None)]
    assert calls.reasons == [LegEnd.CONNECTION_LOST]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([start()], CloseCode.REFUSED),
        ([start(token="wrong")], CloseCode.REFUSED),
        ([start(token="")], CloseCode.REFUSED),
        ([CONNECTED, media(0)], CloseCode.PROTOCOL),
        ([STOP], CloseCode.PROTOCOL),
        (["text"], CloseCode.PROTOCOL),
        ([{"event": "start"}], CloseCode.PROTOCOL),
    ],
)
async def test_who_does_not_get_in(messages: list[object], code: CloseCode) -> None:
    async with open_calls() as calls:
        socket = provider(*messages)
        await StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock()).serve(socket, proven=False)
    assert calls.lines == []
    assert socket.closed is not None
    assert socket.closed[0] == code


async def test_a_provider_that_does_not_begin_is_sent_away() -> None:
    async with open_calls() as calls:
        socket = provider(CONNECTED)
        await StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock(), start_s=0.01).serve(socket, proven=False)
    assert socket.closed == (CloseCode.PROTOCOL, "stream.protocol")


async def test_no_line_is_free() -> None:
    async with open_calls() as calls:
        calls.refusal = CapacityError("All lines are in use.")
        socket = provider(start())
        await StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock()).serve(socket, proven=True)
    assert socket.closed == (CloseCode.TRY_LATER, "capacity.exceeded")


async def test_malformed_messages_cost_nothing_but_themselves() -> None:
    broken = ["", "{", "[]", '{"event":"media"}', json.dumps(media(0) | {"streamSid": "another"}), json.dumps(start())]
    async with open_calls() as calls:
        socket = provider(
            start(),
            *map(media, range(0, 200, 20)),
            then=[*broken, *map(json.dumps, map(media, range(200, 400, 20))), json.dumps(STOP)],
        )
        await StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock()).serve(socket, proven=True)
    assert len(calls.frames) == 20
    assert calls.reasons == [LegEnd.HUNG_UP]


async def test_nothing_but_malformed_messages_ends_the_stream() -> None:
    async with open_calls() as calls:
        socket = provider(start(), then=["{"] * (MAX_BROKEN + 1))
        await StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock()).serve(socket, proven=True)
    assert calls.reasons == [LegEnd.CONNECTION_LOST]
    assert socket.closed == (CloseCode.PROTOCOL, "stream.protocol")


async def test_strangers_are_bounded_and_the_proven_are_not() -> None:
    async with open_calls() as calls, anyio.create_task_group() as tasks:
        door = StreamDoor(StreamAccess(TOKEN), calls.take, ManualClock())
        for _ in range(MAX_UNPROVEN):
            assert door.check_handshake({}) is False
            tasks.start_soon(lambda: door.serve(provider(CONNECTED), proven=False))
        await anyio.wait_all_tasks_blocked()
        with pytest.raises(StreamRefusedError):
            door.check_handshake({})
        assert door.check_handshake({"authorization": f"Bearer {TOKEN}"}) is True
        tasks.cancel_scope.cancel()


def test_without_a_secret_nobody_may_stream() -> None:
    async def take(leg: StreamLeg, line: Line) -> None:
        raise AssertionError("no call was expected")

    with pytest.raises(StreamRefusedError, match="stream_token"):
        StreamDoor(StreamAccess(), take, ManualClock()).check_handshake({"authorization": "Bearer "})
    only_signed = StreamDoor(StreamAccess(signing_key="k" * 32, url="wss://x/stream"), take, ManualClock())
    with pytest.raises(StreamRefusedError):
        only_signed.check_handshake({"x-twilio-signature": "AAAA"})
