"""Where a call's audio comes from and goes to: follows a party behind NAT, and nobody else. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

Address = tuple[str, int]

SILENT_S: Final = 2.0
"""After so long without a packet from where they came, they may come from elsewhere."""


@dataclass(slots=True)
class Latch:
    """Symmetric RTP (RFC 4961) with a guard.

    A party says in its SDP where it wants to be sent to. Behind NAT that is no address of ours to reach, so what it
    sends decides: but only from the host that its SDP names or the one that its signalling comes from, and once it is
    known, no other port takes over while the known one sends. Where somebody else takes the party's place, what it
    still sends decides nothing: were both ends to follow a farewell that came late, neither would ever hear the other.

    Args:
        told: address and port of the SDP.
        host: where the signalling comes from.
    """

    told: Address
    host: str
    heard: Address | None = None
    refused: int = 0
    _heard_s: float = 0.0
    _left: frozenset[Address] = frozenset()
    _left_s: float = 0.0

    @property
    def target(self) -> Address:
        """Where audio goes."""
        return self.heard or self.told

    def move(self, told: Address, host: str) -> None:
        """The party names another address, by a re-INVITE or an UPDATE."""
        if told != self.told or host != self.host:
            self.told, self.host, self.heard = told, host, None

    def leave(self, now_s: float) -> None:
        """Somebody else takes the party's place; `move` tells where they are."""
        self._left, self._left_s = frozenset({self.told, self.target}), now_s

    def admits(self, source: Address, now_s: float) -> bool:
        """Whether a packet may be taken; remembers where it came from."""
        if source == self.heard:
            self._heard_s = now_s
            return True
        if source in self._left and source != self.told and now_s - self._left_s < SILENT_S:
            self.refused += 1
            return False
        known_host = source[0] in (self.told[0], self.host)
        free = self.heard is None or now_s - self._heard_s >= SILENT_S
        # What comes from where the SDP says is right even where somebody on the same host was faster.
        better = source == self.told and self.heard != self.told
        if known_host and (free or better):
            self.heard, self._heard_s = source, now_s
            return True
        self.refused += 1
        return False
