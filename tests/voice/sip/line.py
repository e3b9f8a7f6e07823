"""A telephone line for tests: an endpoint whose calls are listened to."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from ipaddress import ip_network

import anyio
import numpy as np
from anyio.abc import TaskGroup

from tests.programs import audio_ports
from voice.clock import WallClock
from voice.contracts.audio import AudioFrame, Pcm
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.line import Line
from voice.sip.trunks import SipSettings, Trunk

LOOPBACK = Trunk("loopback", networks=(ip_network("127.0.0.0/8"),))
SETTINGS = SipSettings("127.0.0.1", 0, trunks=(LOOPBACK,), ports=audio_ports(0))
PHONES = audio_ports(1)
COLLEAGUES = audio_ports(2)


@dataclass(eq=False)
class Heard:
    """One call as this side had it."""

    leg: SipLeg
    line: Line
    frames: list[AudioFrame] = field(default_factory=list)
    keys: str = ""

    @property
    def pcm(self) -> Pcm:
        return np.concatenate([np.zeros(0, np.float32), *(frame.pcm for frame in self.frames)])


@dataclass(eq=False)
class Ear:
    """Takes calls and listens to them until they end.

    Attributes:
        calls: in the order in which they came.
        before: waited for before a call is taken.
    """

    tasks: TaskGroup
    calls: list[Heard] = field(default_factory=list)
    before: Callable[[], Awaitable[None]] | None = None
    ended: anyio.Event = field(default_factory=anyio.Event)

    async def take(self, leg: SipLeg, line: Line) -> None:
        if self.before is not None:
            await self.before()
        heard = Heard(leg, line)
        self.calls.append(heard)
        self.tasks.start_soon(self._listen, heard)

    async def wait_ended(self) -> None:
        with anyio.fail_after(30):
            await self.ended.wait()

    async def _listen(self, heard: Heard) -> None:
        async with heard.leg, anyio.create_task_group() as tasks:

            async def note_keys() -> None:
                async for digit in heard.leg.keys():
                    heard.keys += digit

            tasks.start_soon(note_keys)
            async for frame in heard.leg.source.frames():
                heard.frames.append(frame)
        self.ended.set()


@asynccontextmanager
async def line(settings: SipSettings = SETTINGS) -> AsyncIterator[tuple[SipEndpoint, Ear]]:
    """An endpoint that takes calls, and who listens to them; nothing of them may be left behind."""
    async with anyio.create_task_group() as tasks, SipEndpoint.open(settings, WallClock()) as endpoint:
        ear = Ear(tasks)
        with endpoint.accept(ear.take):
            yield endpoint, ear
        assert endpoint.legs == len([heard for heard in ear.calls if heard.leg.end is None])
    assert not endpoint.legs
    assert not endpoint.agent.calls


@asynccontextmanager
async def phone() -> AsyncIterator[SipEndpoint]:
    """Somebody who calls."""
    settings = replace(SETTINGS, trunks=(), ports=PHONES)
    async with SipEndpoint.open(settings, WallClock()) as endpoint:
        yield endpoint
