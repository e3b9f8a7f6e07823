"""What the lines of a call ask of the telephone network: call somebody, or let the caller's telephone do so."""

from __future__ import annotations

from typing import ClassVar, Protocol

from anyio.lowlevel import checkpoint

from routing.events import CallAttribute
from routing.terms import TransferFailure
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


class Dialer(Protocol):
    """The way out."""

    async def dial(self, uri: str, attributes: tuple[CallAttribute, ...], /) -> CallLeg:
        """Call somebody; returns when they have answered. Cancelling gives the call up.

        Args:
            uri: `sip:`, `sips:` or `tel:`; untrusted, whether it may be called is asked of the dialer.
            attributes: what came with the caller's call, for the trunk and the number to show.

        Returns:
            A leg that was not entered; whoever gets it enters or closes it.

        Raises:
            DialError: nobody was reached.
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

    async def dial(self, _uri: str, _attributes: tuple[CallAttribute, ...], /) -> CallLeg:
        """See `Dialer`."""
        await checkpoint()
        raise DialError(TransferFailure.UNREACHABLE, "This server has no telephone line.", fix="Set `sip` and a trunk.")

    def refers(self, _leg: CallLeg, /) -> bool:
        """See `Dialer`."""
        return False

    async def refer(self, _leg: CallLeg, _uri: str, /) -> None:
        """See `Dialer`."""
        await checkpoint()
        raise DialError(TransferFailure.UNREACHABLE, "This server has no telephone line.")
