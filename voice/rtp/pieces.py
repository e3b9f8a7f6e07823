"""What a jitter buffer gives: pieces of the sender's time axis, and what each is made of."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias


class Played(NamedTuple):
    """A packet, to be decoded. `start` and `samples` count at the codec's rate, here and below."""

    start: int
    samples: int
    payload: bytes


class Recovered(NamedTuple):
    """A lost packet, to be taken from the payload of the packet behind it (which will be given as well)."""

    start: int
    samples: int
    following: bytes


class Concealed(NamedTuple):
    """A lost stretch, to be concealed."""

    start: int
    samples: int


class Quiet(NamedTuple):
    """A stretch in which the sender was silent and sent nothing: comfort noise."""

    start: int
    samples: int


Piece: TypeAlias = Played | Recovered | Concealed | Quiet
