"""What callers are told at each step of a hand-over and while they wait, in both languages; others play it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from routing.desk.notices import Notice, NoticeKind
from routing.document import read_file
from routing.handover import HandoverEvent
from routing.service_events import HandoverFailed
from routing.terms import HandoverFailure, Wording
from voice.contracts.errors import DeskConfigError

TEXTS: Final = Path(__file__).parent / "desk" / "telling.yaml"

_STEPS: Final = ("handover.requested", "handover.offered", "handover.accepted", "handover.bridged")
KEYS: Final = frozenset(
    [
        *_STEPS,
        *(f"failed.{code}" for code in HandoverFailure),
        "notice.next",
        *(f"notice.{kind}" for kind in NoticeKind),
    ]
)
"""Everything that is ever told."""


@dataclass(frozen=True, slots=True)
class Tellings:
    """The texts, by key."""

    texts: Mapping[str, Wording]

    @classmethod
    def load(cls, path: Path = TEXTS) -> Self:
        """Read the texts.

        Raises:
            DeskConfigError: one is missing, unknown, or lacks a language.
        """
        document = read_file(path, error=DeskConfigError)
        wording = {
            "type": "object",
            "additionalProperties": False,
            "required": ["zh", "en"],
            "properties": {name: {"type": "string", "minLength": 1, "maxLength": 300} for name in ("zh", "en")},
        }
        properties = dict.fromkeys(sorted(KEYS), wording)
        document.check(
            {"type": "object", "additionalProperties": False, "required": sorted(KEYS), "properties": properties}
        )
        return cls({key: Wording(**text) for key, text in document.data.items()})

    def of_handover(self, event: HandoverEvent) -> Wording:
        """What the caller is told of a step."""
        return self.texts[f"failed.{event.code}" if isinstance(event, HandoverFailed) else event.TYPE]

    def of_notice(self, notice: Notice) -> Wording:
        """What a waiting caller is told; who is next within 90 s hears so, others whole minutes."""
        if notice.kind is not NoticeKind.POSITION:
            return self.texts[f"notice.{notice.kind}"]
        if notice.ahead is None or notice.wait_s is None or (notice.ahead == 0 and notice.wait_s < 90):
            return self.texts["notice.next"]
        text, minutes = self.texts["notice.position"], max(1, math.ceil(notice.wait_s / 60))
        figures = {"{ahead}": str(notice.ahead), "{minutes}": str(minutes)}
        return Wording(_fill(text.zh, figures), _fill(text.en, figures))


def _fill(text: str, figures: Mapping[str, str]) -> str:
    for name, figure in figures.items():
        text = text.replace(name, figure)
    return text
