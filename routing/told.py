"""What a call's log says that its caller was told, for whoever reads instead of listening."""

from __future__ import annotations

from routing.events import CallEvent
from routing.service_events import (
    AnnouncementMade,
    HandoverAccepted,
    HandoverBridged,
    HandoverFailed,
    HandoverOffered,
    HandoverRequested,
    PromptPlayed,
)
from routing.telling import Tellings
from routing.terms import HandoverFailure, Wording


def read_told(event: CallEvent, tellings: Tellings) -> Wording | None:
    """What the caller is told with an event; None where nothing is.

    A hand-over's steps are told as they happen and what a rule announces as it is announced; a place in the queue has
    no event but the prompt that said it.
    """
    match event:
        case AnnouncementMade(text=text):
            return text
        case HandoverFailed(code=HandoverFailure.CALLER_GONE):
            return None
        case (
            HandoverRequested() | HandoverOffered() | HandoverAccepted() | HandoverBridged() | HandoverFailed() as step
        ):
            return tellings.of_handover(step).text
        case PromptPlayed(prompt=prompt) if prompt.startswith("notice."):
            return tellings.of_prompt(prompt)
        case _:
            return None
