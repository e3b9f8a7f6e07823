"""The prosody of a recording as a table for people, as CSV, and as JSON."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass
from importlib.metadata import version
from typing import Any, Final, TypeAlias

from rich.box import SIMPLE
from rich.console import Console as Terminal
from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from agent_console.prosody_analysis import Analysis, Utterance
from agent_console.prosody_options import Lang, PitchMethod
from agent_console.prosody_wording import (
    HEARD,
    INCOMPLETE,
    LABELS,
    LEVELS,
    NO_EMOTION_OF_AGENTS,
    NO_SPEECH,
    RELATIVE,
    SHIFT,
    clock,
    name_reason,
)
from prosody.types import EmotionLevel, EmotionShift
from routing.terms import Wording
from voice.contracts.audio import Span, to_s

_NOTHING: Final = "–"
_UNBOUNDED: Final = 10_000
_RAISED: Final = 0.35
"""Arousal that is set in bold; from here on the plane's labels speak of a raised voice."""

_UNITS: Final = {
    "jitter_local": "jitter_local_ratio",
    "jitter_rap": "jitter_rap_ratio",
    "shimmer_local": "shimmer_local_ratio",
    "shimmer_apq3": "shimmer_apq3_ratio",
    "flux": "flux_0_to_2",
    "loudness": "loudness_relative",
    "intensity_mean_db": "intensity_mean_dbfs",
}
"""CSV columns for features whose own name does not tell the unit; all others do, or count."""

_LISTS: Final = ("f0_contour_hz", "mfcc_mean", "mfcc_sd")
_MFCC: Final = 13
_FRAME_COLUMNS: Final = ("utterance", "time_s", "f0_hz", "level_dbfs", "f1_hz", "f2_hz", "f3_hz")

Cell: TypeAlias = Callable[[Utterance, Lang], str | Text]


@dataclass(frozen=True, slots=True)
class _Column:
    """A column: heading with unit, and what it shows of an utterance."""

    heading: Wording
    show: Cell


def table(analysis: Analysis, lang: Lang, terminal: Terminal) -> RenderableType:
    """One row per utterance; several tables, one below the other, where the terminal is too narrow for one."""
    tone = _TONE if analysis.is_scored else ()
    unbounded = terminal.options.update(max_width=_UNBOUNDED)
    parts: tuple[tuple[_Column, ...], ...]
    for parts in (((*_VOICE, *_QUALITY, *tone),), ((*_VOICE, *tone), _QUALITY), (_VOICE, _QUALITY, tone)):
        tables = [_rows(analysis, (_NUMBER, _TIME, *part), lang) for part in parts if part]
        if all(terminal.measure(each, options=unbounded).maximum <= terminal.width for each in tables):
            break
    return Group(*tables)


def summary(analysis: Analysis, lang: Lang) -> list[str]:
    """What the table does not say: how much was heard, shifts of mood, and what the numbers are not."""
    seconds, count = to_s(analysis.window.length), len(analysis.utterances)
    if not count:
        return [lang.of(NO_SPEECH).format(seconds=seconds)]
    spoken = sum(to_s(each.span.length) for each in analysis.utterances)
    lines = [lang.of(HEARD).format(count=count, spoken=spoken, seconds=seconds)]
    lines += [_describe(shift, lang) for shift in analysis.shifts_within]
    lines.append(lang.of(RELATIVE if analysis.is_scored else NO_EMOTION_OF_AGENTS))
    if not analysis.is_complete:
        lines.append(lang.of(INCOMPLETE))
    return lines


def utterances_csv(analysis: Analysis) -> str:
    """One row per utterance; each column's name tells its unit, and what was not measured is empty."""
    rows = [_flat(each) for each in analysis.utterances]
    return _csv(rows[0] if rows else ("utterance", "start_s", "end_s"), (row.values() for row in rows))


def frames_csv(analysis: Analysis) -> str:
    """One row per 10 ms of each utterance within the window; what was not measured is empty."""
    start_s, end_s = to_s(analysis.window.start), to_s(analysis.window.end)
    rows: list[list[object]] = []
    for utterance in analysis.utterances:
        if (found := utterance.trace) is None:
            continue
        for time_s, f0_hz, level_db, formants_hz in zip(
            found.time_s, found.f0_hz, found.level_db, found.formants_hz, strict=True
        ):
            if start_s <= time_s < end_s:
                values = (float(value) for value in (f0_hz, level_db, *formants_hz))
                measured = [None if math.isnan(value) else value for value in values]
                rows.append([utterance.number, f"{time_s:.3f}", *measured])
    return _csv(_FRAME_COLUMNS, rows)


def json_document(analysis: Analysis, pitch: PitchMethod) -> str:
    """Everything, the F0 contour of each utterance included."""
    return json.dumps(_document(analysis, pitch), ensure_ascii=False, indent=2, allow_nan=False) + "\n"


def _document(analysis: Analysis, pitch: PitchMethod) -> dict[str, Any]:
    return {
        "file": str(analysis.info.path),
        "version": version("warmline"),
        "codec": analysis.info.codec,
        "rate_hz": analysis.info.rate_hz,
        "channels": analysis.info.channels,
        "duration_s": to_s(analysis.duration),
        "complete": analysis.is_complete,
        "party": analysis.party,
        "pitch": pitch,
        "window": _span(analysis.window),
        "utterances": [
            {
                "utterance": each.number,
                **_span(each.span),
                "features": asdict(each.features),
                "emotion": None if each.score is None else asdict(each.score),
                "level": each.level,
            }
            for each in analysis.utterances
        ],
        "shifts": [asdict(shift) | {"span": _span(shift.span)} for shift in analysis.shifts_within],
    }


def _span(span: Span) -> dict[str, float]:
    return {"start_s": to_s(span.start), "end_s": to_s(span.end)}


def _flat(utterance: Utterance) -> dict[str, object]:
    row: dict[str, object] = {"utterance": utterance.number, **_span(utterance.span)}
    row |= {_UNITS.get(name, name): value for name, value in asdict(utterance.features).items() if name not in _LISTS}
    for name in ("mfcc_mean", "mfcc_sd"):
        values: tuple[float, ...] = getattr(utterance.features, name)
        row |= {f"{name}_{place + 1}": values[place] if place < len(values) else None for place in range(_MFCC)}
    if (score := utterance.score) is not None:
        row |= {
            "arousal_-1_to_1": score.arousal,
            "valence_-1_to_1": score.valence,
            "confidence_0_to_1": score.confidence,
            "label": score.label.value,
            "curve_arousal_-1_to_1": score.curve_arousal,
            "curve_arousal_sd": score.curve_arousal_sd,
            "curve_valence_-1_to_1": score.curve_valence,
            "curve_valence_sd": score.curve_valence_sd,
            "risk_0_to_1": score.risk,
            "level": utterance.level,
        }
    return row


def _csv(header: Iterable[str], rows: Iterable[Iterable[object]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([f"{value:.6g}" if isinstance(value, float) else value for value in row] for row in rows)
    return text.getvalue()


def _describe(shift: EmotionShift, lang: Lang) -> str:
    return lang.of(SHIFT).format(
        previous=lang.of(LEVELS[shift.previous]),
        current=lang.of(LEVELS[shift.current]),
        start=clock(to_s(shift.span.start)),
        end=clock(to_s(shift.span.end)),
        reason=name_reason(shift.reason, lang),
    )


def _rows(analysis: Analysis, columns: tuple[_Column, ...], lang: Lang) -> Table:
    headings = (Column(lang.of(each.heading), justify="right", no_wrap=True) for each in columns)
    rows = Table(*headings, box=SIMPLE, pad_edge=False, padding=0)
    for utterance in analysis.utterances:
        rows.add_row(*(each.show(utterance, lang) for each in columns))
    return rows


def _of(name: str, pattern: str, factor: float = 1.0) -> Cell:
    """Shows a feature; a dash where it was not measured."""

    def show(utterance: Utterance, _lang: Lang) -> str:
        value = getattr(utterance.features, name)
        return _NOTHING if value is None else format(value * factor, pattern)

    return show


def _when(utterance: Utterance, _lang: Lang) -> str:
    return f"{clock(to_s(utterance.span.start))}–{clock(to_s(utterance.span.end))}"


def _arousal(utterance: Utterance, _lang: Lang) -> Text:
    if (score := utterance.score) is None or score.confidence == 0:
        return Text(_NOTHING)
    return Text(f"{score.arousal:+.2f}", style="bold" if score.arousal >= _RAISED else "")


def _confidence(utterance: Utterance, _lang: Lang) -> str:
    return _NOTHING if utterance.score is None else f"{utterance.score.confidence:.2f}"


def _label(utterance: Utterance, lang: Lang) -> str:
    return _NOTHING if utterance.score is None else lang.of(LABELS[utterance.score.label])


def _level(utterance: Utterance, lang: Lang) -> Text:
    if utterance.level is None:
        return Text(_NOTHING)
    style = {EmotionLevel.SETTLED: "", EmotionLevel.TENSE: "yellow", EmotionLevel.UPSET: "bold red"}[utterance.level]
    return Text(lang.of(LEVELS[utterance.level]), style=style)


_NUMBER: Final = _Column(Wording("#", "#"), lambda utterance, _lang: str(utterance.number))
_TIME: Final = _Column(Wording("时间", "time"), _when)
_VOICE: Final = (
    _Column(Wording("时长 s", "dur s"), _of("duration_s", ".2f")),
    _Column(Wording("基频 Hz", "F0 Hz"), _of("f0_median_hz", ".0f")),
    _Column(Wording("幅度 st", "range st"), _of("f0_range_st", ".1f")),
    _Column(Wording("声级 dBFS", "level dBFS"), _of("intensity_mean_db", ".1f")),
    _Column(Wording("音节/s", "syll/s"), _of("speech_rate_hz", ".1f")),
)
_QUALITY: Final = (
    _Column(Wording("jitter %", "jitter %"), _of("jitter_local", ".2f", 100)),
    _Column(Wording("shimmer %", "shimmer %"), _of("shimmer_local", ".1f", 100)),
    _Column(Wording("HNR dB", "HNR dB"), _of("hnr_db", ".1f")),
    _Column(Wording("倾斜 dB", "tilt dB"), _of("spectral_tilt_db", ".1f")),
    _Column(Wording("F1 Hz", "F1 Hz"), _of("f1_hz", ".0f")),
    _Column(Wording("F2 Hz", "F2 Hz"), _of("f2_hz", ".0f")),
    _Column(Wording("F3 Hz", "F3 Hz"), _of("f3_hz", ".0f")),
)
_TONE: Final = (
    _Column(Wording("激动", "arousal"), _arousal),
    _Column(Wording("置信", "conf"), _confidence),
    _Column(Wording("判断", "label"), _label),
    _Column(Wording("状态", "level"), _level),
)
