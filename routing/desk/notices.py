"""What a caller at the desk is told, as data: which message, when, and its figures. Playing it is for others."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from voice.contracts.audio import CallId


class NoticeKind(StrEnum):
    """What is told."""

    POSITION = "position"
    NOBODY = "nobody"
    CLOSED = "closed"
    CALLBACK_OFFERED = "callback_offered"
    CALLBACK_NOTED = "callback_noted"


@dataclass(frozen=True, slots=True)
class Notice:
    """One message to one caller. It is no part of the log: after a restart the next one comes in its time.

    Attributes:
        ahead: how many are served before this caller, as it looks now.
        wait_s: how long it is expected to take; with `CLOSED`, until the queue opens. None where that is not known.
    """

    call: CallId
    kind: NoticeKind
    ahead: int | None = None
    wait_s: float | None = None
