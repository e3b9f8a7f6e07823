"""Following a REFER (RFC 3515, RFC 3891): somebody else is called in the place of whoever asks, and the leg goes on."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Final

import anyio
from anyio.abc import TaskGroup

from voice.contracts.ports import Clock
from voice.contracts.sip_errors import SipError
from voice.sip.agent import UserAgent
from voice.sip.call_terms import CallEnd, Referral
from voice.sip.leg import SipLeg
from voice.sip.messages import Uri, read_address
from voice.sip.outgoing import OutgoingCall
from voice.sip.transactions import Flow

RING_S: Final = 60.0
"""How long it may ring at whom we are referred to."""

_log = logging.getLogger(__name__)


class Referrals:
    """Follows what the other sides of legs ask for.

    Args:
        agent: calls.
        clock: time.
        reach: where an address is reached.
        tasks: in which it is done.
        wake: has what was begun go on.
    """

    def __init__(
        self,
        agent: UserAgent,
        clock: Clock,
        reach: Callable[[Uri], Awaitable[Flow]],
        tasks: TaskGroup,
        wake: Callable[[], None],
    ) -> None:
        self._agent = agent
        self._clock = clock
        self._reach = reach
        self._tasks = tasks
        self._wake = wake
        self._under_way: set[SipLeg] = set()

    def take(self, leg: SipLeg, referral: Referral) -> bool:
        """Whether it is followed: one at a time, and only while the call goes on."""
        if leg in self._under_way or leg.end is not None:
            return False
        self._under_way.add(leg)
        self._tasks.start_soon(self._follow, leg, referral, name="sip referral")
        return True

    async def _follow(self, leg: SipLeg, referral: Referral) -> None:
        before, status = leg.call, 500
        try:
            status = await self._call(leg, referral)
        except SipError as error:
            status = 404
            _log.info("a referral led nowhere (%s)", error.code)
        except Exception as error:  # the boundary of a leg: whatever the network does, the call goes on
            _log.error("a referral broke (%s)", type(error).__name__)
        finally:
            self._under_way.discard(leg)
            if before.end is None:
                before.transfers.notify(status, self._clock.now_s())
            self._wake()
        if leg.call is not before:
            before.hang_up(self._clock.now_s(), CallEnd.LEFT, reason='SIP;cause=200;text="Replaced"')
            self._wake()

    async def _call(self, leg: SipLeg, referral: Referral) -> int:
        """The status with which it ended; after 200 the leg goes on with the new call."""
        before = leg.call
        target = read_address(referral.target).uri
        flow = await self._reach(target)
        terms = replace(before.terms, is_secure=before.terms.is_secure or flow.transport == "tls")
        outgoing = OutgoingCall(
            self._agent,
            target,
            flow,
            terms,
            port=before.origin.port,
            ring_s=RING_S,
            replaces=referral.replaces,
        )
        done = anyio.Event()
        hooks = outgoing.call.hooks
        hooks.answered, hooks.over = done.set, lambda _: done.set()
        outgoing.begin(self._clock.now_s())
        self._wake()
        try:
            await done.wait()
            if outgoing.call.is_answered and outgoing.call.end is None and leg.end is None and leg.call is before:
                leg.succeed(outgoing.call, hangs_up=False)
                return 200
        finally:
            if leg.call is not outgoing.call:
                outgoing.give_up(self._clock.now_s())
        return outgoing.call.status if outgoing.call.status >= 300 else 408
