"""Rich Transcription Time Marked files: one SPEAKER line per turn.

The format is that of NIST (2009), "The 2009 (RT-09) Rich Transcription Meeting Recognition Evaluation Plan", appendix
A: nine fields, or ten with a signal look-ahead time, apart by spaces or tabs; `<NA>` where there is nothing to say;
`;;` begins a comment. Lines of the plan's other types carry no turns and are passed over.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from asr.diarization.types import Diarization, SpeakerTurn
from voice.contracts.audio import SAMPLE_RATE, Samples, Span
from voice.contracts.errors import RttmError

_OTHER_TYPES: Final = frozenset(
    (
        *("SEGMENT", "NOSCORE", "NO_RT_METADATA", "LEXEME", "NON-LEX", "NON-SPEECH", "FILLER", "EDIT", "IP", "SU"),
        *("CB", "A/P", "SPKR-INFO"),
    )
)
_NUMBER: Final = re.compile(r"\d+(?:\.\d*)?|\.\d+")
_LONGEST_S: Final = 7 * 24 * 3600.0
"""A week. Times beyond are a mistake of units, and not a recording."""

_MOST_BYTES: Final = 64 << 20


def parse_rttm(text: str, source: str = "the RTTM") -> dict[str, Diarization]:
    """Read RTTM.

    Args:
        text: the file's content.
        source: how it is called in errors.

    Returns:
        The turns by recording, in the order of their first lines; empty for a text without a SPEAKER line. Times are
        rounded to samples.

    Raises:
        RttmError: a line that is not as the plan says; the message names the line.
    """
    turns: dict[str, list[SpeakerTurn]] = {}
    for number, line in enumerate(text.splitlines(), start=1):
        fields = line.split(";;", 1)[0].split()
        if not fields:
            continue
        if fields[0] != "SPEAKER":
            if fields[0] not in _OTHER_TYPES:
                raise _refusal(source, number, f"a line begins with SPEAKER; got {_shown(fields[0])}")
            continue
        if len(fields) not in {9, 10}:
            raise _refusal(source, number, f"a SPEAKER line has 9 or 10 fields; got {len(fields)}")
        start_s = _time(fields[3], "start", source, number)
        length_s = _time(fields[4], "duration", source, number)
        if start_s + length_s > _LONGEST_S:
            raise _refusal(source, number, "a turn ends within a week of the beginning (times are in seconds)")
        if fields[7] == "<NA>":
            raise _refusal(source, number, "the eighth field names the speaker; got <NA>")
        span = Span(round(start_s * SAMPLE_RATE), round((start_s + length_s) * SAMPLE_RATE))
        if not span.length:
            raise _refusal(source, number, f"a turn lasts longer than nothing; got a duration of {_shown(fields[4])} s")
        turns.setdefault(fields[1], []).append(SpeakerTurn(span, fields[7]))
    return {recording: Diarization.of(each) for recording, each in turns.items()}


def read_rttm(path: Path) -> dict[str, Diarization]:
    """Read a file; see `parse_rttm`.

    Raises:
        RttmError: there is no such file, it is no text, too large, or not RTTM.
    """
    try:
        if not path.is_file():
            what = "a folder" if path.is_dir() else "not there"
            raise RttmError(f"Expected an RTTM file at {path}; it is {what}.", fix="Check the path.")
        if path.stat().st_size > _MOST_BYTES:
            raise RttmError(f"{path} is larger than {_MOST_BYTES >> 20} MB; expected RTTM.")
        return parse_rttm(path.read_bytes().decode("utf-8-sig"), str(path))
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise RttmError(f"{path} is not UTF-8 text (line {line}); expected RTTM.") from error
    except OSError as error:
        raise RttmError(f"{path} cannot be read: {error.strerror}.") from error


def read_recording_rttm(path: Path, recording: str) -> Diarization:
    """The turns of one recording.

    Args:
        path: the file.
        recording: its name in the file; where the file has one recording only, that one is taken whatever its name.

    Raises:
        RttmError: as `read_rttm`; or the file has several recordings, none of this name.
    """
    found = read_rttm(path)
    if not found:
        return Diarization(())
    if len(found) == 1:
        return next(iter(found.values()))
    if recording not in found:
        raise RttmError(
            f"{path} has turns of {len(found)} recordings, none of them named {recording!r}.",
            fix="Name the recording in the second field as its file is named, without the ending.",
        )
    return found[recording]


def format_rttm(diarizations: Mapping[str, Diarization]) -> str:
    """Write RTTM. What `parse_rttm` reads from it is the same to the sample.

    Args:
        diarizations: by recording; spaces in a name become underscores, because spaces part fields.

    Returns:
        One line per turn, each ending in a newline.
    """
    return "".join(
        f"SPEAKER {name_recording(recording)} 1 {_seconds(turn.span.start)} {_seconds(turn.span.length)} "
        f"<NA> <NA> {turn.speaker} <NA> <NA>\n"
        for recording, diarization in diarizations.items()
        for turn in diarization.turns
    )


def name_recording(stem: str) -> str:
    """A file's name as a field: no spaces, nothing that begins a comment."""
    return re.sub(r"\s+|;;+", "_", stem.strip()) or "recording"


def _seconds(samples: Samples) -> str:
    """Seconds with three decimals, and as many more as the sample needs (1/16000 has seven)."""
    whole, rest = divmod(samples, SAMPLE_RATE)
    decimals = f"{rest * 10**7 // SAMPLE_RATE:07d}"
    return f"{whole}.{decimals[:3]}{decimals[3:].rstrip('0')}"


def _time(field: str, what: str, source: str, number: int) -> float:
    value = float(field) if _NUMBER.fullmatch(field) and field.isascii() else math.nan
    if not 0 <= value <= _LONGEST_S:
        raise _refusal(source, number, f"a {what} is a number of seconds from 0 on; got {_shown(field)}")
    return value


def _shown(field: str) -> str:
    return repr(field if len(field) <= 40 else field[:40] + "…")


def _refusal(source: str, number: int, expected: str) -> RttmError:
    return RttmError(
        f"Line {number} of {source}: {expected}.",
        fix="Expected lines like: SPEAKER call 1 0.50 2.25 <NA> <NA> A <NA> <NA>",
    )
