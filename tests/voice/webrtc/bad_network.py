"""A bad network: a UDP relay that drops, delays and reorders what goes from the caller to the leg."""

from __future__ import annotations

import asyncio
import random
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

_CANDIDATE = re.compile(r"(a=candidate:\S+ \d+ \w+ \d+) \S+ \d+ (typ) .*")
Address = tuple[str | Any, int]


@dataclass(slots=True)
class BadNetwork:
    """Between a caller and a leg, both on this machine.

    Media from the caller is lost and delayed, each packet on its own and by up to so much; all else passes.

    Attributes:
        loss: share of the packets.
        jitter_s: the longest delay; it varies evenly from 0.
        passed: media packets that were passed on.
        dropped: media packets that were not.
    """

    loss: float
    jitter_s: float
    passed: int = 0
    dropped: int = 0
    _chance: random.Random = field(default_factory=lambda: random.Random(5))
    _caller_side: asyncio.DatagramTransport | None = None
    _leg_side: asyncio.DatagramTransport | None = None
    _caller: Address | None = None
    _leg: Address | None = None

    def offer_through(self, offer: str) -> str:
        """The caller's offer as the leg shall see it: reachable through the relay only."""
        assert self._leg_side is not None
        return with_one_candidate(offer, self._leg_side.get_extra_info("sockname"))

    def answer_through(self, answer: str) -> str:
        """The leg's answer as the caller shall see it: reachable through the relay only."""
        assert self._caller_side is not None
        found = next(line.split() for line in answer.splitlines() if line.startswith("a=candidate"))
        self._leg = (found[4], int(found[5]))
        return with_one_candidate(answer, self._caller_side.get_extra_info("sockname"))

    def from_caller(self, data: bytes, address: Address) -> None:
        """Pass it on, perhaps, and perhaps later."""
        self._caller = address
        if not data or not 128 <= data[0] < 192:
            self._to_leg(data)
            return
        if self._chance.random() < self.loss:
            self.dropped += 1
            return
        self.passed += 1
        asyncio.get_running_loop().call_later(self._chance.uniform(0, self.jitter_s), self._to_leg, data)

    def from_leg(self, data: bytes, _: Address) -> None:
        """Pass it on."""
        if self._caller_side is not None and self._caller is not None:
            self._caller_side.sendto(data, self._caller)

    def _to_leg(self, data: bytes) -> None:
        if self._leg_side is not None and self._leg is not None and not self._leg_side.is_closing():
            self._leg_side.sendto(data, self._leg)


def with_one_candidate(sdp: str, address: Address) -> str:
    """The description with one candidate, at this address, in place of all others."""
    lines, done = [], False
    for line in sdp.splitlines():
        if line.startswith("a=candidate:"):
            if not done:
                lines.append(_CANDIDATE.sub(rf"\1 {address[0]} {address[1]} \2 host", line))
            done = True
            continue
        lines.append(line)
    return "\r\n".join(lines) + "\r\n"


class _Side(asyncio.DatagramProtocol):
    def __init__(self, take: Any) -> None:
        self._take = take

    def datagram_received(self, data: bytes, addr: Address) -> None:
        self._take(data, addr)


@asynccontextmanager
async def bad_network(loss: float, jitter_s: float) -> AsyncIterator[BadNetwork]:
    """A relay on two ports of 127.0.0.1."""
    network = BadNetwork(loss, jitter_s)
    loop = asyncio.get_running_loop()
    local = ("127.0.0.1", 0)
    network._caller_side, _ = await loop.create_datagram_endpoint(lambda: _Side(network.from_caller), local)
    network._leg_side, _ = await loop.create_datagram_endpoint(lambda: _Side(network.from_leg), local)
    try:
        yield network
    finally:
        network._caller_side.close()
        network._leg_side.close()
