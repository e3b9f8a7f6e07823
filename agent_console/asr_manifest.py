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

from agent_console.manifest import Broken, Entry, read_manifest
from asr.scoring import units
from asr.types import Language
from voice.audio.bandwidth import is_fast, is_narrow
from voice.audio.decode import AudioFile, Channels
from voice.contracts.audio import Party, Pcm, Samples, Span, from_ms, to_s
from voice.contracts.errors import AudioFormatError, ManifestError

MARGIN: Final[Samples] = from_ms(200)
"""What is kept before and after the turn of a sample call, as a live call keeps it."""


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
