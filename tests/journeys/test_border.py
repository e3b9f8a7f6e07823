"""Through a session border controller: TLS and SRTP outside, plain SIP inside, and nodes that take no calls."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
import soundfile

from routing.events import CallEnded, CallStarted, Stamped, TranscriptFinal
from routing.grammar import check_log
from routing.service_events import PromptPlayed, RouteDecided
from routing.terms import CallEndReason, Channel, RouteTarget
from routing.wire import decode
from tests.journeys.border import Border, border, need_border
from tests.journeys.stage import PASSWORD, Server, serve
from tests.programs import free_ports, need_program
from tests.voice.sip.baresip import Baresip, run_baresip
from voice.clock import WallClock

pytestmark = [pytest.mark.anyio, pytest.mark.model, pytest.mark.slow]
SAMPLE = Path(__file__).parents[2] / "samples" / "calls" / "zh-human-at-once"
SECONDS = 9


@dataclass
class FullNode:
    """A node that is there, but takes no call."""

    port: int
    refused: list[str] = field(default_factory=list)
    asked: int = 0


@contextmanager
def full_node() -> Iterator[FullNode]:
    """Answers 200 to OPTIONS and 503 to INVITE, over UDP."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as door:
        door.bind(("127.0.0.1", 0))
        node = FullNode(door.getsockname()[1])

        def answer() -> None:
            while (message := door.recvfrom(65_536))[0] != b"stop":
                text, sender = message[0].decode(), message[1]
                method = text.partition(" ")[0]
                if method == "ACK":
                    continue
                node.asked += method == "OPTIONS"
                if method == "INVITE":
                    node.refused.append(text)
                status = "503 Service Unavailable" if method == "INVITE" else "200 OK"
                kept = [line for line in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
                kept = [f"{line};tag=full" if line.startswith("To:") else line for line in kept]
                reply = "\r\n".join([f"SIP/2.0 {status}", *kept, "Content-Length: 0", "", ""])
                door.sendto(reply.encode(), sender)

        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield node
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stop:
                stop.sendto(b"stop", ("127.0.0.1", node.port))
            thread.join()


@dataclass(frozen=True)
class House:
    """A node, one that is full, one that is gone, and what stands before them."""

    server: Server
    border: Border
    full: FullNode


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory, need_model: Callable[[str], Path]) -> Iterator[House]:
    need_border()
    need_program("baresip", "baresip-core")
    models = need_model("whisper-base").parent
    port, gone = free_ports(2)
    with (
        serve(tmp_path_factory.mktemp("node") / "data", models, sip=f"127.0.0.1:{port}") as server,
        full_node() as full,
        border(tmp_path_factory.mktemp("border"), [full.port, port, gone]) as gate,
    ):
        yield House(server, gate, full)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pcm, rate = soundfile.read(SAMPLE / "audio.wav", dtype="int16", frames=SECONDS * 8000)
    assert rate == 8000
    path = tmp_path_factory.mktemp("spoken") / "spoken.wav"
    soundfile.write(path, pcm, rate, subtype="PCM_16")
    return path


Until = Callable[[list[Stamped]], bool]


async def call(
    house: House, folder: Path, spoken: Path, account: str, uri: str, until: Until, modules: tuple[str, ...] = ()
) -> tuple[Baresip, list[Stamped]]:
    """One call from its dialling to its complete log; the caller hangs up when `until` holds."""
    async with httpx.AsyncClient(base_url=house.server.url, timeout=30) as client:
        (await client.post("/api/session", json={"user": "mei", "password": PASSWORD})).raise_for_status()
        before = len((await client.get("/api/calls")).json()["calls"])
        with run_baresip(folder, spoken, codecs=account, modules=modules) as phone:
            await phone.command(("dial", uri), until="CALL_ESTABLISHED")
            await _log(client, lambda calls: len(calls) > before, until)
            await phone.command(("hangup", ""))
            log = await _log(client, lambda calls: bool(calls[0]["ended"]), lambda _: True)
    return phone, log


async def _log(
    client: httpx.AsyncClient, newest: Callable[[list[dict[str, object]]], bool], until: Until
) -> list[Stamped]:
    """The log of the newest call, once both hold."""
    clock = WallClock()
    give_up_s = clock.now_s() + 60
    while clock.now_s() < give_up_s:
        calls: list[dict[str, object]] = (await client.get("/api/calls")).raise_for_status().json()["calls"]
        if newest(calls):
            events = (await client.get(f"/api/calls/{calls[0]['call']}/events?limit=5000")).json()["events"]
            if until(log := [decode(event) for event in events]):
                return log
        await clock.sleep_until(clock.now_s() + 0.1)
    raise AssertionError("it did not come to that")


def _told(log: list[Stamped]) -> bool:
    return any(isinstance(stamped.event, PromptPlayed) for stamped in log)


@pytest.mark.parametrize(
    ("keys", "modules"),
    [("srtp-mand", ()), ("dtls_srtp", ("dtls_srtp",))],
    ids=["keys in the description", "keys agreed on in the media"],
)
async def test_encrypted_speech_reaches_the_pipeline(
    house: House, tmp_path: Path, spoken: Path, keys: str, modules: tuple[str, ...]
) -> None:
    uri = f"sip:4008001234@127.0.0.1:{house.border.tls};transport=tls"
    phone, log = await call(house, tmp_path, spoken, f";mediaenc={keys}", uri, _told, modules)
    check_log(log)
    events = [stamped.event for stamped in log]
    started, ended = events[0], events[-1]
    assert isinstance(started, CallStarted)
    assert (started.channel, started.called) == (Channel.SIP, "4008001234")
    assert isinstance(ended, CallEnded)
    assert ended.reason is CallEndReason.CALLER_HUNG_UP
    said = "".join(event.text for event in events if isinstance(event, TranscriptFinal))
    assert "人工" in said
    assert any(isinstance(event, RouteDecided) and event.target is RouteTarget.HUMAN for event in events)
    agreed = "DTLS-SRTP complete (audio/RTP)" in phone.output.read_text()
    assert agreed is (keys == "dtls_srtp")
    assert all("RTP/AVP" in offer for offer in house.full.refused), "inside nothing is encrypted"
    heard, rate = soundfile.read(phone.heard, dtype="float64")
    blocks = heard[: heard.size // rate * rate].reshape(-1, rate)
    assert blocks.std(axis=1).max() > 0.02, "the caller hears that they are being transferred"


async def test_a_node_that_is_full_or_gone_costs_no_call(house: House, tmp_path: Path, spoken: Path) -> None:
    uri = f"sip:4008001234@127.0.0.1:{house.border.plain}"
    for number in range(2):  # round robin: the full one has its turn
        folder = tmp_path / str(number)
        folder.mkdir()
        _, log = await call(house, folder, spoken, "", uri, lambda _: True)
        check_log(log)
    assert house.full.asked, "nodes are asked whether they take calls"
    assert house.full.refused, "the full node had its turn"


async def test_strangers_are_answered_alike(house: House) -> None:
    """From another address of this machine, which no list names."""
    answers = set()
    for method in ("INVITE", "OPTIONS", "REGISTER"):
        for user in ("100", "4008001234"):
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
                stranger.settimeout(30)
                stranger.bind(("127.0.0.9", 0))
                port = stranger.getsockname()[1]
                lines = [
                    f"{method} sip:{user}@127.0.0.1:{house.border.plain} SIP/2.0",
                    f"Via: SIP/2.0/UDP 127.0.0.9:{port};branch=z9hG4bK{method}{user}",
                    f"From: <sip:x@127.0.0.9>;tag={method}{user}",
                    f"To: <sip:{user}@127.0.0.1>",
                    f"Call-ID: {method}{user}@127.0.0.9",
                    f"CSeq: 1 {method}",
                    "Max-Forwards: 70",
                    f"Contact: <sip:x@127.0.0.9:{port}>",
                    "Content-Length: 0",
                ]
                stranger.sendto("\r\n".join([*lines, "", ""]).encode(), ("127.0.0.1", house.border.plain))
                answers.add(stranger.recv(65_536).partition(b"\r\n")[0])
    assert answers == {b"SIP/2.0 403 Forbidden"}
