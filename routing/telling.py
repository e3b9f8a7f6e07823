"""What callers are told at each step of a hand-over and while they wait: texts in both languages, and their clips."""

from __future__ import annotations

from bisect import bisect_left
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

MOST_AHEAD: Final = 20
"""Callers ahead that are counted; more are many."""

MINUTES: Final = (2, 3, 5, 8, 10, 15, 20, 30, 45, 60)
"""Waits as they are told, rounded up: an estimate deserves no finer figure."""

CALLBACK_ANSWERED: Final = "callback.answered"
"""What whoever is called back hears first: who calls, and why."""

_STEPS: Final = ("handover.requested", "handover.offered", "handover.accepted", "handover.bridged")
_WAITS: Final = (
    "notice.next",
    "notice.ahead",
    "notice.ahead.many",
    "notice.wait.short",
    "notice.wait",
    "notice.wait.long",
)
KEYS: Final = frozenset(
    [
        *_STEPS,
        *_WAITS,
        CALLBACK_ANSWERED,
        *(f"failed.{code}" for code in HandoverFailure),
        *(f"notice.{kind}" for kind in NoticeKind if kind is not NoticeKind.POSITION),
    ]
)
"""Everything that is ever told."""


@dataclass(frozen=True, slots=True)
class Telling:
    """Something a caller is told.

    Attributes:
        clips: the recordings that say it, one after the other.
        text: the same in writing.
    """

    clips: tuple[str, ...]
    text: Wording


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

    def of_callback(self) -> Telling:
        """What whoever is called back hears first."""
        return self._plain(CALLBACK_ANSWERED)

    def of_handover(self, event: HandoverEvent) -> Telling:
        """What the caller is told of a step."""
        return self._plain(f"failed.{event.code}" if isinstance(event, HandoverFailed) else event.TYPE)

    def of_notice(self, notice: Notice) -> Telling:
        """What a waiting caller is told: how many are ahead, and about how long it takes, where that is known."""
        if notice.kind is not NoticeKind.POSITION:
            return self._plain(f"notice.{notice.kind}")
        if notice.ahead is None:
            return self._plain("notice.next")
        place = self._plain("notice.next") if notice.ahead == 0 else self._ahead(notice.ahead)
        if notice.wait_s is None:
            return place
        wait = self._wait(notice.wait_s)
        text = Wording(f"{place.text.zh}，{wait.text.zh}", f"{place.text.en}, {wait.text.en}")
        return Telling((*place.clips, *wait.clips), text)

    def spoken(self) -> Mapping[str, Wording]:
        """Every recording there has to be, and what it says."""
        plain = {key: text for key, text in self.texts.items() if key not in ("notice.ahead", "notice.wait")}
        counted = [self._ahead(ahead) for ahead in range(1, MOST_AHEAD + 1)]
        counted += [self._wait(minutes * 60) for minutes in MINUTES]
        return plain | {telling.clips[0]: telling.text for telling in counted}

    def of_prompt(self, prompt: str) -> Wording | None:
        """What was played under that name, clips joined by plus signs; None where one of them is none of ours."""
        spoken = self.spoken()
        texts = [spoken.get(clip) for clip in prompt.split("+")]
        known = [text for text in texts if text is not None]
        if len(known) < len(texts):
            return None
        return Wording("，".join(text.zh for text in known), ", ".join(text.en for text in known))

    def _ahead(self, ahead: int) -> Telling:
        if ahead > MOST_AHEAD:
            return self._plain("notice.ahead.many")
        return self._counted("notice.ahead", "{ahead}", ahead)

    def _wait(self, wait_s: float) -> Telling:
        minutes = wait_s / 60
        if minutes <= 1:
            return self._plain("notice.wait.short")
        place = bisect_left(MINUTES, minutes)
        if place == len(MINUTES):
            return self._plain("notice.wait.long")
        return self._counted("notice.wait", "{minutes}", MINUTES[place])

    def _plain(self, key: str) -> Telling:
        return Telling((key,), self.texts[key])

    def _counted(self, key: str, name: str, count: int) -> Telling:
        text = self.texts[key]
        filled = Wording(text.zh.replace(name, str(count)), text.en.replace(name, str(count)))
        return Telling((f"{key}.{count}",), filled)


if __name__ == "__main__":
    import json
    import sys
    from dataclasses import asdict

    # What `python -m samples.prompts` reads, which runs in an environment of its own.
    json.dump({clip: asdict(text) for clip, text in sorted(Tellings.load().spoken().items())}, sys.stdout)
