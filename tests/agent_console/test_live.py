"""The live websocket over the real server: protocol, resume, slow consoles, bad input."""

from __future__ import annotations

import contextlib
import random
import socket
from typing import TYPE_CHECKING, Any

import anyio
import orjson
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from agent_console.live.limits import LiveLimits

if TYPE_CHECKING:
    from tests.agent_console.conftest import Live, OpenRig, Rig

pytestmark = pytest.mark.anyio


def seqs_of(messages: list[dict[str, Any]]) -> list[int]:
    return [event["seq"] for message in messages if message["op"] == "events" for event in message["events"]]


async def read_seqs(live: Live, last_seq: int) -> list[int]:
    """The seqs of events messages until `last_seq` has come."""
    seqs: list[int] = []
    while last_seq not in seqs:
        seqs += seqs_of([await live.receive()])
    return seqs


async def test_a_watch_sends_history_then_what_happens(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    await rig.speaker.say("c", "查快递")
    async with rig.live() as live:
        await live.send(op="watch", call="c", after=-1)
        history = await live.receive_until("caught_up")
        assert seqs_of(history) == [0, 1, 2, 3, 4]
        assert history[-1] == {"op": "caught_up", "call": "c", "last_seq": 4}
        assert history[0]["call"] == "c"
        stored = (await rig.client.get("/api/calls/c/events")).json()["events"]
        assert [event for message in history[:-1] for event in message["events"]] == stored
        await rig.speaker.say("c", "转人工")
        assert await read_seqs(live, 8) == [5, 6, 7, 8]


async def test_a_watch_from_the_end_sends_nothing_old(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    async with rig.live() as live:
        await live.send(op="watch", call="c", after=0)
        assert await live.receive() == {"op": "caught_up", "call": "c", "last_seq": 0}
        await rig.speaker.end("c")
        assert await read_seqs(live, 1) == [1]


async def test_an_unwatched_call_is_silent_and_may_be_watched_again(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    async with rig.live() as live:
        await live.send(op="watch", call="c", after=-1)
        await live.receive_until("caught_up")
        await live.send(op="unwatch", call="c")
        await live.check_alive()
        await rig.speaker.say("c", "喂")
        await live.check_alive()
        await live.send(op="watch", call="c", after=0)
        assert seqs_of(await live.receive_until("caught_up")) == [1, 2, 3, 4]


async def test_the_list_comes_whole_and_then_in_changes(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("old", started_at="2026-11-22T07:00:00+00:00")
    await rig.speaker.end("old")
    await rig.speaker.begin("new")
    async with rig.live() as live:
        await live.send(op="list")
        whole = await live.receive()
        assert whole["op"] == "calls"
        assert [(call["call"], call["ended"]) for call in whole["calls"]] == [("new", False), ("old", True)]
        rig.clock.advance(1)
        await rig.speaker.begin("newest", caller="13800001111")
        change = await live.receive()
        while change["call"]["call"] != "newest":  # a line that was due when the list was sent may come again
            assert change["call"] in whole["calls"]
            change = await live.receive()
        assert change["op"] == "call"
        assert change["call"] == (await rig.client.get("/api/calls/newest")).json()


async def test_a_call_changes_at_most_five_times_a_second_and_ends_up_right(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    async with rig.live() as live:
        await live.send(op="list")
        await live.receive()
        rig.clock.advance(1)
        for number in range(40):
            await rig.speaker.say("c", f"第{number}句", partials=3)
        first = await live.receive()
        assert first["op"] == "call"
        await live.check_alive()  # nothing more within the interval
        rig.clock.advance(0.2)
        last = await live.receive()
        assert last["call"]["last_text"] == "第39句"
        assert last["call"]["last_seq"] == 240
        rig.clock.advance(0.2)
        await live.check_alive()


@pytest.mark.parametrize("seed", [1, 2])
async def test_resume_over_random_disconnects_has_no_gap_and_no_duplicate(rig: Rig, seed: int) -> None:
    chance = random.Random(seed)
    await rig.sign_in()
    await rig.speaker.begin("c")
    total = 600
    seen: list[int] = []
    stop = anyio.Event()

    async def speak() -> None:
        while rig.speaker.seqs["c"] < total:
            await rig.speaker.say("c", "您好请讲", partials=chance.randrange(1, 4))
            await anyio.lowlevel.checkpoint()
            if chance.random() < 0.3:
                await rig.client.get("/livez")  # lets the sockets breathe at random
        stop.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(speak)
        for _ in range(20):
            async with rig.live() as live:
                await live.send(op="watch", call="c", after=seen[-1] if seen else -1)
                for _ in range(chance.randrange(1, 12)):
                    seen += seqs_of([await live.receive()])
                    # Nothing more may come from here on; what does is read by the last connection.
                    if rig.speaker.seqs["c"] >= total and seen and seen[-1] == rig.speaker.seqs["c"] - 1:
                        break
                if chance.random() < 0.5:
                    live.socket.transport.abort()  # a lost network, not a goodbye
        await stop.wait()
        async with rig.live() as live:
            await live.send(op="watch", call="c", after=seen[-1])
            seen += seqs_of(await live.receive_until("caught_up"))
    assert seen == list(range(rig.speaker.seqs["c"]))


async def test_a_long_history_comes_whole_in_frames_within_the_limit(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    for _ in range(500):
        await rig.speaker.say("c", "这句话会重复很多次" * 8, partials=4)
    async with rig.live() as live:
        await live.send(op="watch", call="c", after=-1)
        messages = await live.receive_until("caught_up")
        assert seqs_of(messages) == list(range(3_501))
        assert max(len(orjson.dumps(message)) for message in messages) <= 65_536
        assert len(messages) < 100


async def test_a_console_that_never_reads_is_cut_while_another_gets_everything(open_rig: OpenRig) -> None:
    async with open_rig(live=LiveLimits(stall_s=0.4, close_s=0.3)) as rig:
        await rig.sign_in()
        await rig.speaker.begin("c")
        slow = await never_read(rig, "c")
        delays: list[float] = []
        try:
            async with rig.live() as other:
                await other.send(op="watch", call="c", after=0)
                await other.receive_until("caught_up")
                seen: list[int] = []
                for _ in range(600):
                    await rig.speaker.say("c", LONG, partials=4)
                    said_s = anyio.current_time()
                    seen += await read_seqs(other, rig.speaker.seqs["c"] - 1)
                    delays.append(anyio.current_time() - said_s)
                assert seen == list(range(1, 4_201))
                await rig.until(lambda: rig.hub.open_sockets == 1)
            received = await anyio.to_thread.run_sync(drain, slow)
        finally:
            slow.close()
        assert b'"seq":4200,' not in received
        await rig.until(lambda: rig.hub.open_sockets == 0)
    delays.sort()
    p95_s = delays[int(len(delays) * 0.95)]
    assert p95_s < 0.25, f"the other console waited {p95_s * 1000:.0f} ms"


LONG = "长长的一句话" * 60


def dial(rig: Rig) -> socket.socket:
    """A connection whose kernel holds little, so that not reading is felt at once."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", int(rig.url.rpartition(":")[2])))
    return connection


async def never_read(rig: Rig, call: str) -> socket.socket:
    """A console that watches a call and takes nothing off the wire."""
    slow = dial(rig)
    slow.sendall(
        f"GET /live?ticket={await rig.ticket()} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
        "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
        "Sec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    with anyio.fail_after(30):
        await anyio.wait_readable(slow)
    assert slow.recv(2048).startswith(b"HTTP/1.1 101")
    watch = orjson.dumps({"op": "watch", "call": call, "after": -1})
    slow.sendall(bytes([0x81, 0x80 | len(watch), 0, 0, 0, 0]) + watch)  # masked with zeros
    return slow


def drain(connection: socket.socket) -> bytes:
    """Everything until the end; fails where the server keeps the connection."""
    connection.settimeout(10)
    received = bytearray()
    try:
        while chunk := connection.recv(65_536):
            received += chunk
    except ConnectionResetError:
        pass
    return bytes(received)


async def test_a_console_that_reads_too_late_learns_1013_and_resumes(
    open_rig: OpenRig, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "agent_console")
    async with open_rig(live=LiveLimits(stall_s=0.2, close_s=20)) as rig:
        await rig.sign_in()
        await rig.speaker.begin("c")
        for _ in range(600):
            await rig.speaker.say("c", LONG, partials=4)
        seen: list[int] = []
        async with connect(
            rig.socket_url(await rig.ticket()), compression=None, proxy=None, max_queue=1, sock=dial(rig)
        ) as slow:
            await slow.send('{"op":"watch","call":"c","after":-1}')
            await rig.until(lambda: "1013" in caplog.text)
            with pytest.raises(ConnectionClosed):
                while True:
                    seen += seqs_of([orjson.loads(await slow.recv())])
            assert slow.close_code == 1013
        assert len(seen) < 4_201
        async with rig.live() as live:
            await live.send(op="watch", call="c", after=seen[-1])
            seen += seqs_of(await live.receive_until("caught_up"))
        assert seen == list(range(4_201))


BAD_MESSAGES: list[tuple[str | bytes, str]] = [
    ("", "ws.malformed"),
    ("{", "ws.malformed"),
    ("[]", "ws.malformed"),
    ("null", "ws.malformed"),
    ("[" * 5000, "ws.malformed"),
    ("{}", "ws.unknown_op"),
    ('{"op":"dance"}', "ws.unknown_op"),
    ('{"op":["list"]}', "ws.unknown_op"),
    ('{"op":"list","x":1}', "ws.malformed"),
    ('{"op":"watch"}', "ws.malformed"),
    ('{"op":"watch","call":"c"}', "ws.malformed"),
    ('{"op":"watch","call":"c","after":-2}', "ws.malformed"),
    ('{"op":"watch","call":"c","after":0.5}', "ws.malformed"),
    ('{"op":"watch","call":"c","after":true}', "ws.malformed"),
    ('{"op":"watch","call":"c","after":1e400}', "ws.malformed"),
    ('{"op":"watch","call":"../c","after":-1}', "ws.malformed"),
    ('{"op":"watch","call":7,"after":-1}', "ws.malformed"),
    ('{"op":"unwatch","call":null}', "ws.malformed"),
    ('{"op":"ping"}', "ws.malformed"),
    ('{"op":"ping","id":{}}', "ws.malformed"),
    (b'{"op":"list"}', "ws.malformed"),
    ('{"op":"watch","call":"nobody","after":-1}', "call.unknown"),
    ('{"op":"watch","call":"c","after":1}', "journal.position"),
]


async def test_bad_messages_are_answered_and_the_connection_stays(rig: Rig) -> None:
    await rig.sign_in()
    await rig.speaker.begin("c")
    async with rig.live() as live:
        for text, code in BAD_MESSAGES:
            await live.socket.send(text)
            answer = await live.receive()
            assert answer["op"] == "error", text
            assert answer["code"] == code, text
            assert answer["message"]
            assert ("call" in answer) == (code in ("call.unknown", "journal.position"))
        await live.check_alive()


async def test_an_unwatch_of_what_is_not_watched_is_harmless(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        await live.send(op="unwatch", call="nobody")
        await live.check_alive()


async def test_one_watch_too_many_is_refused(open_rig: OpenRig) -> None:
    async with open_rig(live=LiveLimits(watches=2)) as rig:
        await rig.sign_in()
        for call in ("a", "b", "c"):
            await rig.speaker.begin(call)
        async with rig.live() as live:
            for call in ("a", "b"):
                await live.send(op="watch", call=call, after=-1)
                await live.receive_until("caught_up")
            await live.send(op="watch", call="c", after=-1)
            refusal = await live.receive()
            assert (refusal["code"], refusal["call"]) == ("ws.too_many_watches", "c")
            await live.send(op="unwatch", call="a")
            await live.send(op="watch", call="c", after=-1)
            assert (await live.receive_until("caught_up"))[-1]["call"] == "c"


async def test_a_flood_is_closed_with_1008(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        for number in range(201):
            await live.send(op="ping", id=number)
        with pytest.raises(ConnectionClosed):
            while True:
                await live.receive()
        assert live.socket.close_code == 1008
    async with rig.live() as live:
        await live.check_alive()


async def test_invalid_utf_8_is_closed_with_1007(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        live.socket.protocol.send_text(b'{"op":"ping","id":"\xff"}')
        live.socket.transport.write(b"".join(live.socket.protocol.data_to_send()))
        assert await live.closed() == 1007


@pytest.mark.parametrize("fragmented", [False, True])
async def test_a_frame_over_64_kib_is_closed_with_1009(rig: Rig, fragmented: bool) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        await live.send(op="ping", id="x" * 64)
        await live.receive()
        parts = ["x" * 40_000, "y" * 40_000] if fragmented else ["x" * 65_537]
        with contextlib.suppress(ConnectionClosed):
            await live.socket.send(parts)
        assert await live.closed() == 1009


async def test_a_message_of_64_kib_is_read(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        await live.socket.send('{"op":"ping","id":1}'.ljust(65_536))
        assert await live.receive() == {"op": "pong", "id": 1}


async def test_a_websocket_ping_is_answered(rig: Rig) -> None:
    await rig.sign_in()
    async with rig.live() as live:
        with anyio.fail_after(30):
            await (await live.socket.ping())
