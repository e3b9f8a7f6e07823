"""What is heard of a call outside before anybody answers it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from routing.dialing import Hear
from routing.seat import Seat
from voice.contracts.audio import Pcm
from voice.feed import Feed


@contextmanager
def let_hear(server: Seat | None) -> Iterator[Hear]:
    """Let whoever serves hear what the network plays until somebody answers; the caller does not."""
    tones = Feed()
    sink = server.leg.sink if server is not None and server.leg is not None else None
    is_heard = False

    def hear(pcm: Pcm) -> None:
        nonlocal is_heard
        if sink is not None and not is_heard:
            sink.mix_in(tones)
        is_heard = True
        tones.put(pcm)

    try:
        yield hear
    finally:
        if sink is not None:
            sink.leave_out(tones)
