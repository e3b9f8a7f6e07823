"""The way out over SIP: experts are called, and telephones told to call somebody else, where a trunk allows it."""

from __future__ import annotations

import re
from typing import Final

from routing.dialing import AnsweredLeg, DialError, Hear, Wanted, hear_nothing
from routing.events import CallAttribute
from routing.terms import Channel, TransferFailure
from voice.contracts.audio import Party
from voice.contracts.ports import CallLeg
from voice.contracts.sip_errors import SipCallError, SipError, SipForbiddenError
from voice.sip.endpoint import SipEndpoint
from voice.sip.leg import SipLeg
from voice.sip.outbound import WayOut, find_way
from voice.sip.trunks import Trunk

TRUNK: Final = "sip.trunk"
"""The attribute of a call that names the trunk by which it came."""

_NUMBER: Final = re.compile(r"\+?[0-9]{2,18}")

_FAILURES: Final = {
    0: TransferFailure.UNREACHABLE,
    403: TransferFailure.DECLINED,
    404: TransferFailure.UNREACHABLE,
    408: TransferFailure.NO_ANSWER,
    410: TransferFailure.UNREACHABLE,
    416: TransferFailure.UNREACHABLE,
    480: TransferFailure.NO_ANSWER,
    484: TransferFailure.UNREACHABLE,
    486: TransferFailure.BUSY,
    487: TransferFailure.NO_ANSWER,
    600: TransferFailure.BUSY,
    603: TransferFailure.DECLINED,
    604: TransferFailure.UNREACHABLE,
    607: TransferFailure.DECLINED,
}


class SipDialer:
    """A `Dialer` over the telephone line.

    Args:
        line: the line; its trunks say who may be called.
    """

    def __init__(self, line: SipEndpoint) -> None:
        self._line = line

    async def dial(self, uri: str, attributes: tuple[CallAttribute, ...], hear: Hear = hear_nothing, /) -> CallLeg:
        """See `Dialer.dial`."""
        return await self._call(_find(uri, self._line.settings.trunks, _first(attributes)), hear=hear)

    def reaches(self, uri: str, attributes: tuple[CallAttribute, ...], /) -> bool:
        """See `Dialer.reaches`: whom a trunk names, by the rule that transfers follow."""
        try:
            _find(uri, self._line.settings.trunks, _first(attributes))
        except DialError:
            return False
        return True

    async def call_back(self, wanted: Wanted, hear: Hear = hear_nothing, /) -> AnsweredLeg:
        """See `Dialer.call_back`; they see the number that they had called, unless the trunk knows us by a name."""
        way = _find(wanted.uri, self._line.settings.trunks, _first(wanted.attributes))
        leg = await self._call(way, party=Party.CALLER, shown=wanted.called, ring_s=wanted.ring_s, hear=hear)
        leg.trunk = way.trunk  # where they may be transferred to is its to say
        leg.call.terms.trunk, leg.call.terms.transfer_to = way.trunk.name, way.trunk.transfer_to
        return AnsweredLeg(leg, Channel.SIP, leg.keys(), leg.holds(), leg.successors())

    async def _call(
        self,
        way: WayOut,
        *,
        party: Party = Party.AGENT,
        shown: str | None = None,
        ring_s: float | None = None,
        hear: Hear = hear_nothing,
    ) -> SipLeg:
        host = self._line.agent.local.host
        caller = f"sip:{shown}@{host}" if shown and _NUMBER.fullmatch(shown) and way.credentials is None else None
        try:
            return await self._line.call(
                way.uri,
                credentials=way.credentials,
                codecs=way.trunk.codecs,
                party=party,
                caller=caller,
                ring_s=ring_s,
                hear_early=hear,
            )
        except SipCallError as error:
            raise DialError(failure_of(error.status), "Somebody was expected to answer; nobody did.") from error
        except SipError as error:
            raise DialError(TransferFailure.UNREACHABLE, "A way to whom was called was expected.") from error

    def refers(self, leg: CallLeg, /) -> bool:
        """See `Dialer.refers`: telephones that say they can, on trunks that name somebody to transfer to."""
        if not isinstance(leg, SipLeg) or leg.trunk is None:
            return False
        return leg.call.takes_refer and bool(leg.trunk.transfer_to or leg.trunk.dials)

    async def refer(self, leg: CallLeg, uri: str, /) -> None:
        """See `Dialer.refer`."""
        if not isinstance(leg, SipLeg) or leg.trunk is None:
            raise DialError(TransferFailure.TECHNICAL, "A caller over SIP was expected.")
        way = _find(uri, (leg.trunk,), leg.trunk.name)
        try:
            await leg.transfer(way.uri)
        except SipCallError as error:
            raise DialError(failure_of(error.status), "Their telephone was expected to reach somebody.") from error


def failure_of(status: int) -> TransferFailure:
    """What a final status of SIP (RFC 3261, 21) means for who wanted to pass a caller on; 0: nothing came."""
    if 100 <= status < 200:
        return TransferFailure.NO_ANSWER  # it rang, and was given up
    return _FAILURES.get(status, TransferFailure.TECHNICAL)


def _first(attributes: tuple[CallAttribute, ...]) -> str | None:
    """The trunk by which a call came, which is asked first."""
    return next((one.value for one in attributes if one.name == TRUNK), None)


def _find(uri: str, trunks: tuple[Trunk, ...], first: str | None) -> WayOut:
    try:
        return find_way(uri, trunks, first)
    except SipForbiddenError as error:
        raise DialError(TransferFailure.FORBIDDEN, str(error.args[0]), fix=error.fix) from error
    except SipError as error:
        raise DialError(TransferFailure.UNREACHABLE, str(error.args[0]), fix=error.fix) from error
