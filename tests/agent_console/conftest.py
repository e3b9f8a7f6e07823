"""A console on a real server (uvicorn, an ephemeral loopback port) over a journal in memory and scripted commands."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import anyio
import httpx
import orjson
import pytest
from argon2 import PasswordHasher
from websockets.asyncio.client import ClientConnection, connect

from agent_console.app import create_app
from agent_console.auth.accounts import Accounts, Role
from agent_console.auth.database import AuthDatabase
from agent_console.auth.passwords import PasswordVault
from agent_console.auth.sessions import SessionLimits, Sessions
from agent_console.auth.sign_in import Authentication
from agent_console.auth.throttle import LoginThrottle
from agent_console.auth.tickets import Tickets
from agent_console.deps import Console, DeskSide, IceServer, Outside, Readiness, Site, always_ready
from agent_console.live.hub import LiveHub
from agent_console.live.limits import LiveLimits
from agent_console.metrics import Metrics
from agent_console.qa.recordings import Recordings
from agent_console.server import serve
from agent_console.throttling import CallRates
from asr.types import Language
from routing.commands import (
    CallAnswered,
    Command,
    CommandRefusedError,
    Done,
    JoinCall,
    LegAnswered,
    OfferCall,
    Outcome,
    ReofferCall,
)
from routing.events import (
    CallEnded,
    CallEvent,
    CallStarted,
    SpeechEnded,
    SpeechStarted,
    Stamped,
    TranscriptFinal,
    TranscriptPartial,
)
from routing.journal.memory import MemoryJournal
from routing.telling import Tellings
from routing.terms import CallEndReason, Channel, Direction
from voice.clock import ManualClock
from voice.contracts.audio import CallId, Party, SegmentId, Span
from voice.contracts.speech import EndReason

PASSWORD = "correct horse 9"
METRICS_TOKEN = "sixteen characters or more"
LIMITS = SessionLimits(idle_s=3600, absolute_s=12 * 3600)


def quick_vault() -> PasswordVault:
    """Argon2 with the least work it allows; what is tested is what stands around it."""
    return PasswordVault(PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


class ScriptedCommands:
    """Remembers every command; answers success, or what `refusal` says."""

    def __init__(self) -> None:
        self.executed: list[Command] = []
        self.refusal: Exception | None = None

    async def execute(self, command: Command) -> Outcome:
        self.executed.append(command)
        if self.refusal is not None:
            raise self.refusal
        if isinstance(command, OfferCall | ReofferCall):
            return CallAnswered(CallId("call-1"), "v=0 answer", "the-secret")
        if isinstance(command, JoinCall):
            return LegAnswered(command.call, "v=0 leg")
        return Done(command.call)


def refused(reason: str) -> CommandRefusedError:
    return CommandRefusedError(reason, f"refused: {reason}", fix="do otherwise")


@dataclass
class Speaker:
    """Writes calls into a journal."""

    journal: MemoryJournal
    seqs: dict[str, int] = field(default_factory=dict)
    segments: dict[str, itertools.count[int]] = field(default_factory=dict)

    async def write(self, call: str, *events: CallEvent) -> None:
        first = self.seqs.get(call, 0)
        stamps = [Stamped(CallId(call), first + i, (first + i) * 320, event) for i, event in enumerate(events)]
        self.seqs[call] = first + len(events)
        await self.journal.append(stamps)

    async def begin(self, call: str, *, started_at: str = "2026-11-22T08:00:00+00:00", caller: str = "web") -> None:
        started = CallStarted(Direction.INBOUND, Channel.WEBRTC, caller, "warmline", Language.ZH, started_at)
        await self.write(call, started)

    async def say(self, call: str, text: str, *, partials: int = 1) -> None:
        """An utterance: 3 events and `partials` partials."""
        number = SegmentId(next(self.segments.setdefault(call, itertools.count())))
        span = Span(0, 320)
        await self.write(
            call,
            SpeechStarted(Party.CALLER, number, 0),
            *(TranscriptPartial(number, f"{text[: i + 1]}") for i in range(partials)),
            SpeechEnded(Party.CALLER, number, span, EndReason.SILENCE),
            TranscriptFinal(number, text, (), "fake"),
        )

    async def end(self, call: str) -> None:
        await self.write(call, CallEnded(CallEndReason.CALLER_HUNG_UP, 16_000))


class Live:
    """A browser's websocket: JSON in, JSON out."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket

    async def send(self, **message: Any) -> None:
        await self.socket.send(orjson.dumps(message).decode())

    async def receive(self) -> dict[str, Any]:
        with anyio.fail_after(20):
            text = await self.socket.recv()
        assert isinstance(text, str)
        document = orjson.loads(text)
        assert isinstance(document, dict)
        return document

    async def receive_until(self, op: str) -> list[dict[str, Any]]:
        """Everything up to and with the first message of that kind."""
        seen = [await self.receive()]
        while seen[-1]["op"] != op:
            seen.append(await self.receive())
        return seen

    async def check_alive(self) -> None:
        """The server still answers, and has sent nothing else."""
        await self.send(op="ping", id="still there")
        assert await self.receive() == {"op": "pong", "id": "still there"}

    async def closed(self) -> int:
        """The code that the server closes with."""
        with anyio.fail_after(20):
            await self.socket.wait_closed()
        assert self.socket.close_code is not None
        return self.socket.close_code


@dataclass
class Rig:
    """A running console and everything it was given."""

    url: str
    clock: ManualClock
    journal: MemoryJournal
    speaker: Speaker
    commands: ScriptedCommands
    auth: Authentication
    recordings: Path
    hub: LiveHub
    client: httpx.AsyncClient

    def new_client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, trust_env=False, timeout=30)

    async def sign_in(self, user: str = "mei", client: httpx.AsyncClient | None = None) -> None:
        answer = await (client or self.client).post("/api/session", json={"user": user, "password": PASSWORD})
        assert answer.status_code == 200, answer.text

    async def ticket(self) -> str:
        answer = await self.client.post("/api/tickets")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["ticket"])

    async def until(self, holds: Callable[[], bool]) -> None:
        """Return once something holds; the server gets to run in between."""
        with anyio.fail_after(20):
            while not holds():
                await self.client.get("/livez")

    def socket_url(self, ticket: str) -> str:
        return f"{self.url.replace('http', 'ws', 1)}/live?ticket={ticket}"

    @asynccontextmanager
    async def live(self, **options: Any) -> AsyncIterator[Live]:
        """A live socket of the signed-in client."""
        async with connect(
            self.socket_url(await self.ticket()), compression=None, proxy=None, max_size=None, **options
        ) as socket:
            yield Live(socket)


class OpenRig(Protocol):
    def __call__(
        self,
        *,
        live: LiveLimits | None = None,
        readiness: Readiness = always_ready,
        built: bool = True,
        desk: DeskSide | None = None,
        metrics: Metrics | None = None,
        outside: Outside | None = None,
        calls_per_minute: float = 0,
    ) -> AbstractAsyncContextManager[Rig]: ...


def build_static(folder: Path) -> None:
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<!doctype html><title>Warmline</title>")
    (folder / "favicon.svg").write_text("<svg/>")
    (folder / "assets" / "index-Ab12.js").write_text("export {};")
    (folder.parent / "outside.txt").write_text("not for browsers")


@pytest.fixture
def open_rig(tmp_path: Path) -> OpenRig:
    @asynccontextmanager
    async def run(
        *,
        live: LiveLimits | None = None,
        readiness: Readiness = always_ready,
        built: bool = True,
        desk: DeskSide | None = None,
        metrics: Metrics | None = None,
        outside: Outside | None = None,
        calls_per_minute: float = 0,
    ) -> AsyncIterator[Rig]:
        clock = ManualClock(start_s=1000.0)
        journal = MemoryJournal()
        commands = ScriptedCommands()
        recordings, static = tmp_path / "recordings", tmp_path / "static"
        recordings.mkdir()
        if built:
            build_static(static)

        def now() -> float:
            return clock.utc_now().timestamp()

        with AuthDatabase(tmp_path / "accounts.db") as database:
            accounts = Accounts(database, quick_vault(), now=now)
            for role in Role:
                accounts.add("mei" if role is Role.AGENT else role.value, PASSWORD, role, name="Méi 梅")
            auth = Authentication(accounts, Sessions(database, LIMITS, now=now), Tickets(clock), LoginThrottle(clock))
            console = Console(
                journal=journal,
                commands=commands,
                auth=auth,
                recordings=Recordings(recordings),
                clock=clock,
                site=Site(version="1.2.3", ice_servers=(IceServer(("stun:s:1",)), IceServer(("turn:t:2",), "u", "c"))),
                static=static if built else None,
                readiness=readiness,
                live=live or LiveLimits(),
                desk=desk,
                metrics=metrics,
                metrics_token=METRICS_TOKEN,
                tellings=Tellings.load(),
                outside=outside or Outside(),
                call_rates=CallRates(calls_per_minute, clock),
            )
            async with anyio.create_task_group() as tasks:
                urls: list[str] = []
                ready = anyio.Event()

                def announce(url: str) -> None:
                    urls.append(url)
                    ready.set()

                app = create_app(console)
                tasks.start_soon(serve, app, "127.0.0.1", 0, announce)
                with anyio.fail_after(20):
                    await ready.wait()
                async with httpx.AsyncClient(base_url=urls[0], trust_env=False, timeout=30) as client:
                    speaker = Speaker(journal)
                    yield Rig(urls[0], clock, journal, speaker, commands, auth, recordings, app.state.hub, client)
                tasks.cancel_scope.cancel()

    return run


@pytest.fixture
async def rig(open_rig: OpenRig) -> AsyncIterator[Rig]:
    async with open_rig() as running:
        yield running


@pytest.fixture
def refuse() -> Callable[[str], CommandRefusedError]:
    return refused
