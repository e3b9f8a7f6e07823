"""Somebody's leg on a call, besides the caller's: as what they take part, and how far they have come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import anyio

from routing.commands import LegMode
from routing.leg_events import PartyMuted, PartyUnmuted, SupervisionChanged, SupervisionEnded, SupervisionStarted
from routing.terms import HandoverFailure
from voice.bridge import Standing
from voice.contracts.audio import Party, Samples
from voice.contracts.ports import CallLeg

CALLER: Final = "caller:"
"""The caller's id on the bridge; no account has it, for a name has no colon."""

_STANDINGS: Final = {
    LegMode.SERVE: Standing.AGENT,
    LegMode.LISTEN: Standing.LISTEN,
    LegMode.WHISPER: Standing.WHISPER,
    LegMode.BARGE: Standing.BARGE,
    LegMode.CONSULT: Standing.EXPERT,
}


@dataclass(slots=True, eq=False)
class Seat:
    """Somebody's leg.

    Attributes:
        who: their account.
        mode: as what they take part.
        leg: None while it is being answered.
        scope: ends it.
        arriving: its first frame has come.
        joined: they hear and are heard.
        begins: the call hears them with their next frame.
        offset: from the leg's time to the call's.
        aside: the caller hears them, though they do not serve, and `offset` is known.
        muted: nobody hears them.
        frames: how many the call has heard.
        failure: what the desk is told when they are gone; None to tell it nothing.
        outside: somebody whom no desk knows: an address outside that was called.
        heard_s: when the last frame came.
        gone: set when they are gone.
    """

    who: str
    mode: LegMode
    leg: CallLeg | None = None
    scope: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    arriving: bool = False
    joined: bool = False
    begins: bool = False
    offset: Samples = 0
    aside: bool = False
    muted: bool = False
    frames: int = 0
    failure: HandoverFailure | None = HandoverFailure.TECHNICAL
    outside: bool = False
    heard_s: float = 0.0
    gone: anyio.Event = field(default_factory=anyio.Event)

    @property
    def standing(self) -> Standing:
        """Whom they hear and who hears them."""
        return _STANDINGS[self.mode]

    def mute_event(self) -> PartyMuted | PartyUnmuted:
        """The event that says whether the agent on this leg is muted."""
        return (PartyMuted if self.muted else PartyUnmuted)(Party.AGENT, self.who)

    def supervision_event(
        self, kind: type[SupervisionStarted | SupervisionChanged]
    ) -> SupervisionStarted | SupervisionChanged | SupervisionEnded:
        """The event of that kind; the end of a supervision where they do not supervise."""
        mode = self.mode.supervision
        return SupervisionEnded(self.who) if mode is None else kind(self.who, mode)
