"""A party's frames on their way from the jitter buffer to the call."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import suppress
from typing import Final

import anyio

from voice.contracts.audio import AudioFrame, Party
from voice.contracts.errors import MediaError

WAITING_FRAMES: Final = 100
"""Frames between the jitter buffer and the call: 2 s. What is not taken then waits in the buffer, which is bounded."""


class SipSource:
    """An `AudioSource` over what a caller's packets hold."""

    def __init__(self, party: Party) -> None:
        self._party = party
        self._put, self._waiting = anyio.create_memory_object_stream[AudioFrame](WAITING_FRAMES)
        self._iterated = False

    @property
    def parties(self) -> frozenset[Party]:
        """The one party whose frames these are."""
        return frozenset({self._party})

    @property
    def is_full(self) -> bool:
        """Whether nobody takes what waits."""
        return self._put.statistics().current_buffer_used > WAITING_FRAMES // 2

    def put(self, frames: list[AudioFrame]) -> None:
        """Hand frames on."""
        for frame in frames:
            try:
                self._put.send_nowait(frame)
            except (anyio.WouldBlock, anyio.BrokenResourceError, anyio.ClosedResourceError):
                return  # nobody listens any more

    def end(self) -> None:
        """No more frames; what waits is still yielded."""
        self._put.close()

    def close(self) -> None:
        """No more frames; what waits is dropped."""
        self._put.close()
        self._waiting.close()

    async def frames(self) -> AsyncGenerator[AudioFrame]:
        """The frames until the call ends.

        Raises:
            MediaError: iterated for the second time.
        """
        if self._iterated:
            raise MediaError("A SIP source is read once.")
        self._iterated = True
        with self._waiting, suppress(anyio.ClosedResourceError):  # closed by `close` while somebody waits
            async for frame in self._waiting:
                yield frame
