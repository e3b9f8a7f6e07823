"""A diarized recording as a table and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.box import SIMPLE
from rich.table import Table
from rich.text import Text

from agent_console.diarization_wording import (
    END,
    GROUNDS,
    LENGTH,
    NOBODY,
    PARTIES,
    PARTY,
    SPEAKER,
    START,
    TALK,
    TITLE,
)
from agent_console.prosody_options import Lang
from asr.diarization.parties import Parties
from asr.diarization.types import Diarization
from voice.contracts.audio import Samples, to_s


@dataclass(frozen=True, slots=True)
class Diarized:
    """What was found in a recording.

    Attributes:
        path: the recording.
        length: of it.
        diarization: who speaks when.
        parties: who calls and who serves; None where nobody speaks.
    """

    path: Path
    length: Samples
    diarization: Diarization
    parties: Parties | None


def document(found: Diarized) -> dict[str, Any]:
    """Everything, times in seconds."""
    parties = found.parties
    return {
        "audio": str(found.path),
        "duration_s": to_s(found.length),
        "speakers": [
            {
                "speaker": speaker,
                "party": None if parties is None else parties.of[speaker].value,
                "talk_s": to_s(found.diarization.talk(speaker)),
            }
            for speaker in found.diarization.speakers
        ],
        "parties": None if parties is None else {"ground": parties.ground.value, "sure": parties.is_sure},
        "turns": [
            {
                "start_s": to_s(turn.span.start),
                "end_s": to_s(turn.span.end),
                "speaker": turn.speaker,
                "party": None if parties is None else parties.of[turn.speaker].value,
            }
            for turn in found.diarization.turns
        ],
    }


def table(found: Diarized, lang: Lang) -> Table:
    """The turns, one a row."""
    title = lang.of(TITLE).format(
        name=found.path.name, speakers=len(found.diarization.speakers), turns=len(found.diarization.turns)
    )
    rows = Table(title=Text(title), title_justify="left", box=SIMPLE, pad_edge=False)
    for heading, justify in ((START, "right"), (END, "right"), (LENGTH, "right"), (SPEAKER, "left"), (PARTY, "left")):
        rows.add_column(lang.of(heading), justify="right" if justify == "right" else "left", no_wrap=True)
    for turn in found.diarization.turns:
        party = "" if found.parties is None else lang.of(PARTIES[found.parties.of[turn.speaker]])
        rows.add_row(
            _clock(turn.span.start),
            _clock(turn.span.end),
            f"{to_s(turn.span.length):.2f}",
            Text(turn.speaker),
            party,
        )
    return rows


def summary(found: Diarized, lang: Lang) -> list[str]:
    """Who speaks how much, and how caller and agent were told apart."""
    if found.parties is None:
        return [lang.of(NOBODY)]
    whole = sum(found.diarization.talk(speaker) for speaker in found.diarization.speakers)
    lines = [
        lang.of(TALK).format(
            speaker=speaker,
            party=lang.of(PARTIES[found.parties.of[speaker]]),
            seconds=to_s(found.diarization.talk(speaker)),
            share=found.diarization.talk(speaker) / whole,
        )
        for speaker in found.diarization.speakers
    ]
    return [*lines, lang.of(GROUNDS[found.parties.ground])]


def _clock(at: Samples) -> str:
    minutes, seconds = divmod(to_s(at), 60)
    return f"{int(minutes)}:{seconds:05.2f}"
