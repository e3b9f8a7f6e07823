"""What the clock on the wall shows where the business is, at a moment of a call."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, tzinfo

from routing.events import CallStarted
from voice.contracts.audio import Samples, to_s


def local_time(started: CallStarted, at: Samples, zone: tzinfo) -> datetime:
    """Date and time in a zone at a moment of the call's media time, to the second.

    It follows from the call's events and the zone alone, so that a live call and its replay in step agree.

    Args:
        started: says when the call began (UTC where it names no zone).
        at: samples since then.
        zone: where the business is.

    Raises:
        ValueError: `started_at` is no date.
    """
    began = datetime.fromisoformat(started.started_at)
    aware = began if began.tzinfo is not None else began.replace(tzinfo=UTC)
    return (aware + timedelta(seconds=to_s(at))).astimezone(zone).replace(microsecond=0)
