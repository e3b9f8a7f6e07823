"""What the lines of a call ask of the telephone network: call somebody, or let the caller's telephone do so."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from typing import ClassVar, Protocol

from anyio.lowlevel import checkpoint

from asr.types import Language
from routing.events import CallAttribute
from routing.terms import Channel, TransferFailure
from voice.contracts.audio import CallId, Pcm
from voice.contracts.errors import WarmlineError
from voice.contracts.ports import CallLeg


class DialError(WarmlineError):
    """Whom we called was not reached.

    Args:
        failure: why: `BUSY`, `NO_ANSWER`, `DECLINED`, `FORBIDDEN`, `UNREACHABLE` or `TECHNICAL`.
        message: what was expected and what came; no address in it.
        fix: how to mend it.
    """

    code: ClassVar[str] = "dial.failed"

    def __init__(self, failure: TransferFailure, message: str, *, fix: str = "") -> None:
        super().__init__(message, fix=fix)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Wanted:
    """Somebody who wants to be called back.

    Attributes:
        asked: the call that asked for it.
        agent: who has accepted them.
        uri: `sip:`, `sips:` or `tel:`; untrusted, whether it may be called is asked of the dialer.
        caller: how their calls name them.
        called: what they had called, which is what they are shown.
        language: what they speak.
        attributes: of the call that is made, and for the trunk: what came with the one before, why it is made.
        ring_s: how long their telephone may ring.
    """

    asked: CallId
    agent: str
    uri: str
    caller: str
    called: str
    language: Language
    attributes: tuple[CallAttribute, ...]
    ring_s: float


@dataclass(frozen=True, slots=True)
class AnsweredLeg:
    """A caller's leg, and what its transport tells besides sound.

    Attributes:
        leg: not entered; whoever gets it enters or closes it.
        channel: how they came, or were reached.
        keys: that they press.
        holds: whether their telephone holds the call, as that changes.
        successors: who is put in their place by their telephone system, by address.
    """

    leg: CallLeg
    channel: Channel
    keys: AsyncGenerator[str] | None = None
    holds: AsyncGenerator[bool] | None = None
    successors: AsyncGenerator[str] | None = None


Hear = Callable[[Pcm], None]
"""Told what is heard of the network until somebody answers, 16 kHz: ringing tones, and why they will not."""


def hear_nothing(_pcm: Pcm) -> None:
    """Nobody listens until somebody answers."""


class Dialer(Protocol):
    """The way out."""

    async def dial(self, uri: str, attributes: tuple[CallAttribute, ...], hear: Hear = hear_nothing, /) -> CallLeg:
        """Call somebody; returns when they have answered. Cancelling gives the call up.

        Args:
            uri: `sip:`, `sips:` or `tel:`; untrusted, whether it may be called is asked of the dialer.
            attributes: what came with the caller's call, for the trunk and the number to show.
            hear: told what is heard meanwhile, where the network lets anything be heard.

        Returns:
            A leg that was not entered; whoever gets it enters or closes it.

        Raises:
            DialError: nobody was reached.
        """
        ...

    def reaches(self, uri: str, attributes: tuple[CallAttribute, ...], /) -> bool:
        """Whether this address may be called and there is a way to it; whoever is called may still not be there."""
        ...

    async def call_back(self, wanted: Wanted, hear: Hear = hear_nothing, /) -> AnsweredLeg:
        """Call a caller; returns when they have answered. Cancelling gives the call up.

        Args:
            wanted: whom.
            hear: told what is heard meanwhile.

        Raises:
            DialError: they were not reached.
        """
        ...

    def refers(self, leg: CallLeg, /) -> bool:
        """Whether the telephone at the other end of this leg can be told to call somebody else."""
        ...

    async def refer(self, leg: CallLeg, uri: str, /) -> None:
        """Tell the telephone at the other end of a leg to call somebody else instead; returns when it reached them.

        Raises:
            DialError: it did not; the leg is as before.
        """
        ...


class NoDialer:
    """A `Dialer` for a server without a telephone line: nobody can be called."""

    async def dial(self, _uri: str, _attributes: tuple[CallAttribute, ...], _hear: Hear = hear_nothing, /) -> CallLeg:
        """See `Dialer`."""
        await checkpoint()
        raise DialError(TransferFailure.UNREACHABLE, "This server has no telephone line.", fix="Set `sip` and a trunk.")

    def reaches(self, _uri: str, _attributes: tuple[CallAttribute, ...], /) -> bool:
        """See `Dialer`."""
        return False

    async def call_back(self, _wanted: Wanted, _hear: Hear = hear_nothing, /) -> AnsweredLeg:
        """See `Dialer`."""
        await checkpoint()
        raise DialError(TransferFailure.UNREACHABLE, "This server has no telephone line.")

    def refers(self, _leg: CallLeg, /) -> bool:
        """See `Dialer`."""
        return False

    async def refer(self, _leg: CallLeg, _uri: str, /) -> None:
        """See `Dialer`."""
        await checkpoint()
        raise DialError(TransferFailure.UNREACHABLE, "This server has no telephone line.")
