"""How a stream's packets arrive: counted past the wraps, and measured (RFC 3550, A.1, A.3, A.8)."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import Final

MAX_DROPOUT: Final = 3_000
"""A sequence number further ahead than this is no loss but another count (RFC 3550, A.1)."""

MAX_MISORDER: Final = 100
"""A sequence number further behind than this is no late packet but another count (RFC 3550, A.1)."""

_SEEN: Final = 1_024
_TOGETHER: Final = 8
"""So many delays are sorted in at once: 500 of them lie far apart in memory, and each packet would look for its place
anew."""

_SEQUENCES: Final = 1 << 16
_STAMPS: Final = 1 << 32


def stamp_distance(after: int, before: int) -> int:
    """How far one 32-bit time stamp lies ahead of another one, across a wrap; -2**31 to 2**31 - 1."""
    return (after - before + (_STAMPS >> 1)) % _STAMPS - (_STAMPS >> 1)


class SequenceCount:
    """One stream's sequence numbers, extended past their wraps.

    Args:
        first: of the first packet.
    """

    def __init__(self, first: int) -> None:
        self.highest = self._first = first
        self.received = 0
        self._seen: list[int | None] = [None] * _SEEN
        self._expected_before = self._received_before = 0

    def extend(self, sequence: int) -> int | None:
        """The number that a packet has among all packets of the stream; None where it belongs to another count."""
        ahead = (sequence - self.highest) % _SEQUENCES
        if ahead < MAX_DROPOUT:
            return self.highest + ahead
        if ahead >= _SEQUENCES - MAX_MISORDER:
            return self.highest + ahead - _SEQUENCES
        return None

    def follow(self, sequence: int) -> bool:
        """Count the packet right behind the highest one; False, and nothing is counted, where this is another."""
        number = self.highest + 1
        if sequence != number % _SEQUENCES or not self.received:
            return False
        self._seen[number % _SEEN] = self.highest = number
        self.received += 1
        return True

    def note(self, number: int) -> bool:
        """Count a packet, by its extended number; False where it was counted before."""
        slot = number % _SEEN
        if self._seen[slot] == number:
            return False
        self._seen[slot] = number
        self.received += 1
        self.highest = max(self.highest, number)
        self._first = min(self._first, number)
        return True

    @property
    def expected(self) -> int:
        """How many packets the sender has sent, as far as its numbers say."""
        return self.highest - self._first + 1 if self.received else 0

    @property
    def lost(self) -> int:
        """Packets that have not come (yet); never negative, because duplicates are not counted."""
        return max(0, self.expected - self.received)

    def fraction_lost(self) -> int:
        """The share lost since the last time this was asked, in 1/256, as a report block carries it (A.3)."""
        expected = self.expected - self._expected_before
        received = self.received - self._received_before
        self._expected_before, self._received_before = self.expected, self.received
        return min(255, max(0, expected - received) * 256 // expected) if expected > 0 else 0


class ArrivalJitter:
    """Interarrival jitter (RFC 3550, 6.4.1 and A.8): how unevenly packets arrive, smoothed over about 16 packets."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._transit_s: float | None = None

    def note(self, transit_s: float) -> None:
        """Take the next packet's arrival minus its time stamp, both in seconds."""
        if self._transit_s is not None:
            self.seconds += (abs(transit_s - self._transit_s) - self.seconds) / 16
        self._transit_s = transit_s

    def restart(self) -> None:
        """Another stream begins: its first packet has none before it."""
        self._transit_s = None


@dataclass(frozen=True, slots=True)
class DelayLimits:
    """How the play-out delay is chosen.

    Attributes:
        quantile: the share of packets that shall come in time, 0 to 1. The delay shrinks so slowly that more do: of
            delays evenly distributed up to 100 ms, 2 in 1000 come late.
        packets: over how many packets delays are remembered; 500 are 10 s.
        margin_s: what is waited beyond the quantile: the unevenness of this machine's own timers.
        least_s: what is always waited beyond the fastest packet.
        first_s: what is waited while next to nothing is known.
        most_s: what is waited at most.
        shrink: how much shorter the delay may become per second of audio. It grows at once: what is not there yet
            cannot be played.
    """

    quantile: float = 0.98
    packets: int = 500
    margin_s: float = 0.002
    least_s: float = 0.015
    first_s: float = 0.06
    most_s: float = 0.4
    shrink: float = 0.025


class PlayoutDelay:
    """When packets are played: a quantile of the delays of the last packets.

    The window histogram of Moon, Kurose and Towsley, "Packet audio playout delay adjustment: performance bounds and
    algorithms", Multimedia Systems 6 (1998), section 4: the delay that a share q of the last w packets did not exceed.
    Delays are arrivals minus time stamps, so they contain an unknown constant; only differences matter.

    Args:
        limits: see there.
    """

    def __init__(self, limits: DelayLimits) -> None:
        self._limits = limits
        self._order: deque[float] = deque()
        self._sorted: list[float] = []
        self._new: list[float] = []  # not sorted in yet
        self._offset_s = 0.0
        self._needed_s = 0.0  # what the delays remembered ask for
        self._extra_s = 0.0

    @property
    def fastest_s(self) -> float:
        """The least of the delays remembered; 0 where there is none."""
        return self._sorted[0] if self._sorted else 0.0

    @property
    def offset_s(self) -> float:
        """When to play, in seconds after the moment that a time stamp names."""
        return self._offset_s

    @property
    def buffered_s(self) -> float:
        """What is waited beyond the fastest packet."""
        return self._offset_s - self.fastest_s

    def ask_more(self, extra_s: float) -> None:
        """Wait this much longer than the fastest packet needs: as long as the copy of a lost packet is behind it."""
        self._extra_s = extra_s
        self._needed_s = self._wanted_s()
        self._offset_s = max(self._offset_s, self._needed_s)

    def note(self, transit_s: float) -> None:
        """Take another packet's delay. One that asks for no more than is waited may count a few packets later."""
        self._new.append(transit_s)
        if not self._order or transit_s + self._limits.margin_s > self._needed_s or len(self._new) == _TOGETHER:
            self._sort_in()

    def shrink(self, played_s: float) -> None:
        """Approach what is needed now; called as audio is played."""
        self._offset_s = max(self._needed_s, self._offset_s - played_s * self._limits.shrink)

    def _sort_in(self) -> None:
        order, delays = self._order, self._sorted
        for transit_s in self._new:
            if len(order) == self._limits.packets:
                del delays[bisect_left(delays, order.popleft())]
            elif not order:
                self._offset_s = transit_s + self._limits.first_s
            order.append(transit_s)
            insort(delays, transit_s)
        self._new.clear()
        self._needed_s = self._wanted_s()
        self._offset_s = max(self._offset_s, self._needed_s)

    def _wanted_s(self) -> float:
        delays, limits = self._sorted, self._limits
        if not delays:
            return self._offset_s
        reached = delays[min(len(delays) - 1, int(limits.quantile * len(delays)))]
        reached_s = reached - delays[0] + limits.margin_s
        return delays[0] + min(limits.most_s, max(reached_s, limits.least_s + self._extra_s))
