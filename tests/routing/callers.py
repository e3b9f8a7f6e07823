"""People on a call under test: real WebRTC on loopback, each with a pitch of their own, which tells who is heard."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import anyio.lowlevel
import numpy as np
from anyio.abc import TaskGroup

from asr.fake import FakeRecognizer
from asr.ports import Recognizer
from asr.types import Language
from routing.commands import CallAnswered, Command, CommandRefusedError, JoinCall, LegAnswered, LegMode, OfferCall
from routing.dialing import Dialer
from routing.events import CallEvent, Stamped
from routing.journal.memory import MemoryJournal
from routing.switchboard import Switchboard
from routing.terms import HandoverFailure
from tests.routing.rooms import open_rooms
from voice.clock import WallClock
from voice.contracts.audio import SAMPLE_RATE, CallId, Pcm, from_s
from voice.contracts.ports import Voice
from voice.webrtc.answerer import WebRtcAnswerer
from voice.webrtc.client import WebRtcCaller
from voice.webrtc.ice import IceSettings
from voice.webrtc.leg import LegLimits, WebRtcLeg

ICE = IceSettings(host_addresses=("127.0.0.1",))
PITCHES = {"caller": 420.0, "mei": 640.0, "boss": 900.0, "chief": 1250.0}
SPOKEN_S = 0.5


class ScriptedDesk:
    """A `Serving` that remembers what it was told."""

    def __init__(self) -> None:
        self.agent: str | None = None
        self.told: list[tuple[str, str]] = []
        self.refuses_bridge = False
        self.engaged: set[str] = set()
        self.asked: set[str] = set()

    def check(self, call: CallId, agent: str, /) -> None:
        if agent != self.agent:
            raise CommandRefusedError("call.state", f"{agent} has not accepted call {call}.")

    async def bridged(self, call: CallId, agent: str, /) -> None:
        await anyio.lowlevel.checkpoint()
        if self.refuses_bridge:
            raise CommandRefusedError("call.state", "too late")
        self.check(call, agent)
        self.told.append(("bridged", agent))

    async def lost(self, _call: CallId, agent: str, code: HandoverFailure, /) -> None:
        await anyio.lowlevel.checkpoint()
        self.told.append((code.value, agent))
        if self.agent == agent:
            self.agent = None

    async def alive(self, agent: str, /) -> None:
        await anyio.lowlevel.checkpoint()
        self.told.append(("alive", agent))

    async def take_over(self, _call: CallId, agent: str, former: str | None, _language: Language, /) -> None:
        await anyio.lowlevel.checkpoint()
        if self.agent not in (None, former):
            raise CommandRefusedError("call.state", "served by somebody else by now")
        self.agent = agent
        self.told.append(("taken", agent))

    async def ask(self, _call: CallId, agent: str, _for_s: float, /) -> None:
        await anyio.lowlevel.checkpoint()
        if agent in self.engaged:
            raise CommandRefusedError("agent.engaged", f"{agent} is not free.")
        self.asked.add(agent)

    async def excuse(self, _call: CallId, agent: str, /) -> None:
        await anyio.lowlevel.checkpoint()
        self.asked.discard(agent)

    def check_queue(self, queue: str, /) -> None:
        if queue == "nowhere":
            raise CommandRefusedError("queue.unknown", "No such queue.")

    async def requeue(self, call: CallId, agent: str, queue: str, _language: Language, /) -> None:
        await self.finished(call, agent)
        self.told.append(("queued", queue))

    async def finished(self, call: CallId, agent: str, /) -> None:
        await anyio.lowlevel.checkpoint()
        self.check(call, agent)
        self.agent = None
        self.told.append(("finished", agent))


class Person:
    """A client that speaks at its pitch for as long as it is on the call."""

    def __init__(self, name: str, client: WebRtcCaller) -> None:
        self.name = name
        self.client = client

    def voice(self) -> Pcm:
        time = np.arange(from_s(SPOKEN_S)) / SAMPLE_RATE
        tone = np.sin(2 * np.pi * PITCHES[self.name] * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 4 * time))
        return np.asarray(0.15 * tone, np.float32)

    def hears(self) -> set[str]:
        """Whose pitches sound in the newest fifth of a second."""
        pcm = self.client.heard[-from_s(0.2) :]
        if pcm.size < from_s(0.2):
            return set()
        time = np.arange(pcm.size) / SAMPLE_RATE
        window = np.hanning(pcm.size)
        power = {
            name: abs(np.sum(pcm * window * np.exp(-2j * np.pi * pitch * time))) / window.sum()
            for name, pitch in PITCHES.items()
        }
        return {name for name, level in power.items() if level > 0.01}


class Room:
    """A switchboard with one call and the people on it."""

    def __init__(self, board: Switchboard, journal: MemoryJournal, desk: ScriptedDesk, tasks: TaskGroup) -> None:
        self.board = board
        self.journal = journal
        self.desk = desk
        self.people: dict[str, Person] = {}
        self.call = CallId("")
        self.secret = ""
        self._tasks = tasks
        self._stack: dict[str, anyio.CancelScope] = {}

    async def enter(self, name: str, mode: LegMode | None = None) -> Person:
        """Let somebody come: the caller, or with a mode somebody who joins. They speak until they `go`."""
        came = anyio.Event()
        failure: list[BaseException] = []
        self._tasks.start_soon(self._attend, name, mode, came, failure)
        await came.wait()
        if failure:
            raise failure[0]
        return self.people[name]

    async def go(self, name: str) -> None:
        """Somebody hangs up."""
        await self.people[name].client.close()
        self.vanish(name)

    def vanish(self, name: str) -> None:
        self._stack.pop(name).cancel()
        del self.people[name]

    async def do(self, command: Command) -> object:
        return await self.board.execute(command)

    async def refusal(self, command: Command) -> str:
        try:
            await self.board.execute(command)
        except CommandRefusedError as refused:
            return refused.reason
        return ""

    async def until_heard(self, **expected: set[str]) -> None:
        """Return once everybody named hears exactly those, for a third of a second."""
        clock, since = WallClock(), None
        try:
            with anyio.fail_after(15):
                while since is None or clock.now_s() - since < 0.35:
                    holds = all(self.people[name].hears() == who for name, who in expected.items())
                    since = (since or clock.now_s()) if holds else None
                    await clock.sleep_until(clock.now_s() + 0.02)
        except TimeoutError:
            heard = {name: person.hears() for name, person in self.people.items()}
            raise AssertionError(f"expected {expected}; heard {heard}") from None

    async def until_passed(self, seconds: float) -> None:
        """Return once the caller has been on the line for so much longer."""
        client, clock = self.people["caller"].client, WallClock()
        end = client.heard.size + from_s(seconds)
        with anyio.fail_after(10 + seconds):
            while client.heard.size < end:
                await clock.sleep_until(clock.now_s() + 0.02)

    async def until_told(self, what: str, agent: str) -> None:
        """Return once the desk was told that of an agent."""
        with anyio.fail_after(30):
            while (what, agent) not in self.desk.told:
                await anyio.lowlevel.checkpoint()

    async def until(self, holds: Callable[[Sequence[Stamped]], bool]) -> list[Stamped]:
        """The call's log once something holds of it."""
        with anyio.fail_after(20):
            log: list[Stamped] = []
            async for stamped in self.journal.follow(self.call):
                log.append(stamped)
                if holds(log):
                    break
        return log

    async def until_written(self, kind: type[CallEvent]) -> list[Stamped]:
        return await self.until(lambda log: isinstance(log[-1].event, kind))

    async def log(self) -> list[Stamped]:
        return list(await self.journal.read(self.call))

    async def _attend(self, name: str, mode: LegMode | None, came: anyio.Event, failure: list[BaseException]) -> None:
        with anyio.CancelScope() as self._stack[name]:
            try:
                async with WebRtcCaller(WallClock(), ICE) as client:
                    person = self.people[name] = Person(name, client)
                    offer = await client.create_offer()
                    if mode is None:
                        answered = await self.board.execute(OfferCall(secrets.token_hex(8), offer, Language.ZH, "web"))
                        assert isinstance(answered, CallAnswered)
                        self.call, self.secret = answered.call, answered.secret
                        sdp = answered.sdp
                    else:
                        joined = await self.board.execute(JoinCall(secrets.token_hex(8), self.call, name, mode, offer))
                        assert isinstance(joined, LegAnswered)
                        sdp = joined.sdp
                    await client.accept(sdp)
                    await client.wait_connected()
                    came.set()
                    while client.end_reason is None:
                        await client.speak(person.voice(), tail_s=0.0)
            except Exception as error:  # told to whoever waits; one who has come may be hung up on
                if not came.is_set():
                    failure.append(error)
            finally:
                came.set()


@asynccontextmanager
async def open_room(
    *,
    recognizer: Recognizer | None = None,
    recordings: Path | None = None,
    new_hold_sound: Callable[[], Voice] | None = None,
    silence_s: float = 20.0,
    agent_grace_s: float = 0.0,
    dialer: Dialer | None = None,
) -> AsyncIterator[Room]:
    """A call with its caller on the line."""
    clock, journal, answerer = WallClock(), MemoryJournal(), WebRtcAnswerer(ICE, LegLimits(silence_s=silence_s))
    desk = ScriptedDesk()

    async def answer(sdp: str) -> WebRtcLeg:
        return await answerer.answer(sdp, clock)

    async with (
        open_rooms(recognizer or FakeRecognizer()) as rooms,
        Switchboard.open(
            rooms,
            journal,
            answer,
            clock,
            recordings=recordings,
            max_calls=4,
            new_hold_sound=new_hold_sound,
            agent_grace_s=agent_grace_s,
        ) as board,
        anyio.create_task_group() as tasks,
    ):
        board.ask(desk)
        if dialer is not None:
            board.dial_with(dialer)
        room = Room(board, journal, desk, tasks)
        await room.enter("caller")
        yield room
        tasks.cancel_scope.cancel()
