"""What is recognized in an evaluation: the lines of a list of recordings, or the turns of sample calls.

Everything is looked at before the first is recognized, so that what is broken is known at once; audio is then read
again, one recording at a time.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from agent_console.manifest import Broken, Entry, read_manifest
from asr.scoring import units
from asr.types import Language
from voice.audio.decode import AudioFile, Channels
from voice.contracts.audio import SAMPLE_RATE, Party, Pcm, Samples, Span, from_ms, to_s
from voice.contracts.errors import AudioFormatError, ManifestError

MARGIN: Final[Samples] = from_ms(200)
"""What is kept before and after the turn of a sample call, as a live call keeps it."""

NARROW_DB: Final = -40.0
"""Share of a recording's power above 4 kHz, below which nothing is there. The real 16 kHz recordings that this was
measured on (AISHELL-1 and -3, LibriVox) have -31 dB and more, speech that came from 8 kHz has -42 dB and less."""

LOW_DB: Final = -25.0
"""Share of a recording's power from 80 to 450 Hz, below which nobody's voice has its fundamental there. Real speech at
16 kHz (AISHELL-1) has -3.4 dB and more; a telephone line whose 8 kHz are called 16 begins at 600 Hz: -49 dB."""

HIGH_DB: Final = -35.0
"""Share from 4.2 to 6.7 kHz, above which something is there: then the band begins too high and ends too high."""

_BLOCK: Final = 512
_ABOVE: Final = 135
"""Bins of 31.25 Hz; the first that lies above 4.2 kHz, where no resampling filter from 8 kHz reaches."""

_BEYOND: Final = 214
"""The bin at 6.7 kHz, below the end of a telephone's band at twice its speed."""

_LOW: Final = slice(3, 15)
"""Bins from 80 to 450 Hz."""


@dataclass(frozen=True, slots=True)
class Said:
    """One utterance of the evaluation.

    Attributes:
        where: the line of the list, or the call and the turn in it.
        audio: the file.
        text: what is said.
        language: in which language.
        speaker: who speaks; empty where nothing says so.
        fields: everything else that is stated, to group by.
        party: whose channel of a stereo file; None takes the mean of the channels.
        span: the stretch of the file; None takes all of it.
        seconds: how long it is.
        is_narrow: the file's rate could hold more than 4 kHz, and nothing is there.
        is_fast: it sounds like a telephone at twice its speed: 8 kHz that are labelled as 16 kHz.
    """

    where: str
    audio: Path
    text: str
    language: Language
    speaker: str = ""
    fields: Mapping[str, Any] = field(default_factory=dict)
    party: Party | None = None
    span: Span | None = None
    seconds: float = 0.0
    is_narrow: bool = False
    is_fast: bool = False


def load_said(
    source: Path, progress: Callable[[int, int], None] = lambda _of, _done: None
) -> tuple[list[Said], list[Broken]]:
    """Read a list, or the sample calls in a folder, and look at their audio.

    Args:
        source: JSON lines with `audio`, `text` and `lang`; or a folder that holds calls (`call.json`, `audio.wav`).
        progress: told of how many recordings how many are looked at.

    Returns:
        What can be used, and what cannot; each in the order of the list.

    Raises:
        ManifestError: there is nothing that could be read at all.
    """
    if source.is_dir():
        return _load_calls(source, progress)
    entries, broken = read_manifest(source)
    said: list[Said] = []
    for done, entry in enumerate(entries):
        progress(len(entries), done)
        found = _read_line(entry)
        if isinstance(found, Said):
            said.append(found)
        else:
            broken.append(found)
    progress(len(entries), len(entries))
    return said, sorted(broken, key=lambda each: each.line)


def read_pcm(said: Said) -> Pcm:
    """The audio of an utterance, 16 kHz, shape (n,).

    Raises:
        AudioFormatError: the file cannot be decoded any more.
    """
    return _cut(_decode(said.audio)[0], said)


def language_of(tag: object) -> Language | None:
    """The language of a tag such as zh, zh-CN or EN_us: the primary subtag decides; None where there is none."""
    primary = tag.replace("_", "-").partition("-")[0].strip().lower() if isinstance(tag, str) else ""
    return next((language for language in Language if language == primary), None)


def value_of(fields: Mapping[str, Any], key: str) -> str:
    """What a line states under a key, as the name of a group."""
    found = fields.get(key)
    return "–" if found is None else str(found)


def demand_key(source: Path, lines: Sequence[Mapping[str, Any]], key: str) -> None:
    """See that there is anything to group by.

    Raises:
        ManifestError: no line has the key.
    """
    known = sorted({name for fields in lines for name in fields} - {"audio", "text"})
    if key not in known:
        near = difflib.get_close_matches(key, known, 1)
        hint = f"Did you mean {near[0]!r}?" if near else f"Keys are {', '.join(known) or 'none'}."
        raise ManifestError(f"No line of {source} has the key {key!r}.", fix=hint)


def _read_line(entry: Entry) -> Said | Broken:
    reasons: list[str] = []
    text, tag, speaker = (entry.fields.get(name) for name in ("text", "lang", "speaker"))
    language = language_of(tag)
    if language is None:
        reasons.append(f'"lang" has to be one of {", ".join(Language)}; got {tag!r}')
    if not isinstance(text, str):
        reasons.append('"text" has to be what is said')
    elif not units(text, language or Language.EN):
        reasons.append('"text" is empty')
    if speaker is not None and (not isinstance(speaker, str | int) or isinstance(speaker, bool)):
        reasons.append('"speaker" has to name who speaks')
    if language is None or not isinstance(text, str) or reasons:
        return Broken(entry.line, "; ".join(reasons))
    try:
        audio, rate_hz = _decode(entry.audio)
    except AudioFormatError as error:
        return Broken(entry.line, f"[{error.code}] {error}")
    pcm = audio.mean(axis=0, dtype=np.float32)
    who = "" if speaker is None else str(speaker)
    return Said(
        str(entry.line),
        entry.audio,
        text,
        language,
        who,
        entry.fields,
        seconds=to_s(len(pcm)),
        is_narrow=is_narrow(pcm, rate_hz),
        is_fast=is_fast(pcm, rate_hz),
    )


def _load_calls(folder: Path, progress: Callable[[int, int], None]) -> tuple[list[Said], list[Broken]]:
    descriptions = sorted(folder.glob("*/call.json")) or sorted(folder.glob("call.json"))
    if not descriptions:
        raise ManifestError(
            f"{folder} holds no call (NAME/call.json with NAME/audio.wav).",
            fix="Name a list of recordings, or a folder like samples/calls.",
        )
    said: list[Said] = []
    broken: list[Broken] = []
    for number, description in enumerate(descriptions, 1):
        progress(len(descriptions), number - 1)
        try:
            said += _read_call(description)
        except AudioFormatError as error:
            broken.append(Broken(number, f"{description.parent.name}: [{error.code}] {error}"))
        except (ValueError, KeyError, TypeError) as error:
            broken.append(Broken(number, f"{description.parent.name}: call.json is not as expected ({error!r})"))
    progress(len(descriptions), len(descriptions))
    return said, broken


def _read_call(description: Path) -> list[Said]:
    call = json.loads(description.read_text(encoding="utf-8"))
    audio = description.parent / "audio.wav"
    channels, _ = _decode(audio)
    language = language_of(call["language"])
    if language is None:
        raise ValueError(f"language {call['language']!r}")
    parties = [Party(name) for name in call["channels"]]
    if len(parties) != len(channels):
        raise ValueError(f"{len(parties)} channels named, {len(channels)} in the file")
    found = []
    for number, turn in enumerate(call["script"], 1):
        party = Party(turn["party"])
        start, end = from_ms(turn["start_ms"]) - MARGIN, from_ms(turn["end_ms"]) + MARGIN
        span = Span(max(0, start), min(channels.shape[1], end))
        voice = call["made_by"].get("voices", {}).get(party.value, call["name"])
        fields = {"call": call["name"], "party": party.value, "encoding": call["encoding"]}
        said = Said(
            f"{call['name']} {number}", audio, turn["text"], language, voice, fields, party, span, to_s(span.length)
        )
        if units(said.text, language):
            found.append(said)
    return found


def _decode(path: Path) -> tuple[Channels, int]:
    """All channels at 16 kHz, and the file's own rate."""
    with AudioFile(path) as file:
        audio = np.concatenate(list(file.blocks()), axis=1)
        if file.not_finite:
            raise AudioFormatError(
                f"{path} holds {file.not_finite} samples that are no numbers (NaN or infinite).",
                fix="Write the recording again from its source.",
            )
        if file.broke_off or file.info.truncated:
            raise AudioFormatError(f"{path} breaks off before its end.", fix="Copy it again.")
        return audio, file.info.rate_hz


def _cut(channels: Channels, said: Said) -> Pcm:
    if said.party is None or len(channels) == 1:
        pcm: Pcm = channels.mean(axis=0, dtype=np.float32)
    else:
        pcm = channels[0 if said.party is Party.CALLER else 1]
    return pcm if said.span is None else pcm[said.span.start : said.span.end]


def is_narrow(pcm: Pcm, rate_hz: int) -> bool:
    """Whether a recording claims more bandwidth than it has; `pcm` is at 16 kHz, `rate_hz` its file's own rate."""
    if rate_hz < SAMPLE_RATE:
        return False
    power = _power(pcm)
    return power is not None and _share_db(power[_ABOVE:], power) < NARROW_DB


def is_fast(pcm: Pcm, rate_hz: int) -> bool:
    """Whether a recording is a telephone line at twice its speed, which it is where 8 kHz are labelled as 16 kHz.

    Only a line of 300 to 3400 Hz can be told so; a wideband voice at twice its speed has its fundamental where fast and
    high voices have theirs.
    """
    if rate_hz < SAMPLE_RATE:
        return False
    power = _power(pcm)
    if power is None:
        return False
    return _share_db(power[_LOW], power) < LOW_DB and _share_db(power[_ABOVE:_BEYOND], power) > HIGH_DB


def _power(pcm: Pcm) -> NDArray[np.float64] | None:
    """Power by bins of 31.25 Hz; None where there is none."""
    whole = len(pcm) - len(pcm) % _BLOCK
    if not whole:
        return None
    spectrum = np.fft.rfft(pcm[:whole].reshape(-1, _BLOCK) * np.hanning(_BLOCK).astype(np.float32), axis=1)
    power = np.asarray(np.sum(spectrum.real**2 + spectrum.imag**2, axis=0), np.float64)
    return power if float(power.sum()) > 0 else None


def _share_db(part: NDArray[np.float64], power: NDArray[np.float64]) -> float:
    return 10 * float(np.log10(max(float(part.sum() / power.sum()), 1e-12)))
