"""The prosody of a recording as a picture: panels over one time axis. The only door to matplotlib.

Up to a minute is drawn in detail: waveform, wide-band spectrogram with formants, F0, level, emotion. What is longer
becomes an overview without spectrogram, in which every utterance keeps its F0, level and emotion.

Colours are those of Okabe, M. and Ito, K. (2008), "Color Universal Design", which people with any common kind of colour
vision can tell apart; marker shape and line style tell the same once more.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator
from numpy.typing import ArrayLike

from agent_console.prosody_analysis import Analysis, Utterance
from agent_console.prosody_options import Lang, PitchMethod
from agent_console.prosody_trace import Trace
from agent_console.prosody_wording import LEVELS, PARTIES, clock, name_reason
from agent_console.spectrogram import DYNAMIC_DB, TOP_HZ, Curve, envelope, level_contour, spectrogram
from agent_console.typeface import Typeface
from prosody.curve import is_interrupted
from prosody.types import EmotionLevel
from routing.terms import Wording
from voice.contracts.audio import to_s

DETAIL_S: Final = 60.0
"""Longest stretch that is drawn in detail."""

_INK: Final = "#222222"
_SOFT: Final = "#8a8a8a"
_BLUE: Final = "#0072B2"
_VERMILION: Final = "#D55E00"
_ORANGE: Final = "#E69F00"
_SKY: Final = "#56B4E9"
_PURPLE: Final = "#CC79A7"
_SPEECH: Final = "#E3EEF6"
_LEVEL_COLOURS: Final = {EmotionLevel.TENSE: _ORANGE, EmotionLevel.UPSET: _VERMILION}

_ROWS: Final = 4
_NAME_SHARE: Final = 0.17
"""Rows for the names of shifts, and the share of the width that one takes at most."""

_DPI: Final = 150
_WIDTHS_IN: Final = (10.0, 18.0)
_F0_LIMITS_HZ: Final = (60.0, 500.0)
_F0_TICKS_HZ: Final = (50, 60, 75, 100, 125, 150, 200, 250, 300, 400, 500, 600)
_LEVEL_RANGE_DB: Final = 70.0
"""What is quieter than that below the loudest is left out: digital silence would squeeze the voice."""
_REFERENCE_HZ: Final = 100.0
"""What semitones count from."""

_AMPLITUDE: Final = Wording("波形\n（满幅 = 1）", "waveform\n(full scale = 1)")
_FREQUENCY: Final = Wording("频率 (kHz)", "frequency (kHz)")
_PITCH: Final = Wording("基频 F0 (Hz)", "F0 (Hz)")
_SEMITONES: Final = Wording("半音 (re 100 Hz)", "semitones re 100 Hz")
_LOUDNESS: Final = Wording("声级 (dBFS)", "level (dBFS)")
_EMOTION: Final = Wording("情绪曲线\n（−1 至 1）", "emotion curve\n(−1 to 1)")
_TIME: Final = Wording("时间 (s)", "time (s)")
_CLOCK: Final = Wording("时间 (分:秒)", "time (min:s)")
_F0_FRAMES: Final = Wording("浊音帧，每 10 ms", "voiced frames, 10 ms")
_F0_MEDIAN: Final = Wording("每句的中位数", "median of utterance")
_LEVEL_LINE: Final = Wording("声级，40 ms 窗", "level, 40 ms window")
_LEVEL_MEAN: Final = Wording("每句均值 (<4 kHz)", "mean of utterance (<4 kHz)")
_AROUSAL: Final = Wording("激动程度 ±1 SD", "arousal ±1 SD")
_VALENCE: Final = Wording("愉悦程度 ±1 SD", "valence ±1 SD")
_ONE_AROUSAL: Final = Wording("单句激动程度", "arousal of one utterance")
_NOTHING_TO_COMPARE: Final = Wording(
    "还没有可以比较的话：第一句总是不确定", "nothing to compare with yet: the first utterance is always uncertain"
)
_NO_SPEECH: Final = Wording("没有找到语音", "no speech found")


def draw(analysis: Analysis, lang: Lang, typeface: Typeface, pitch: PitchMethod = PitchMethod.OWN) -> Figure:
    """Draw the window of an analysis that was made in detail.

    Args:
        analysis: what was found.
        lang: of the labels; the typeface has to hold its characters.
        typeface: fonts to draw with.
        pitch: what followed F0.
    """
    start_s, end_s = to_s(analysis.window.start), to_s(analysis.window.end)
    length_s = end_s - start_s
    detailed = length_s <= DETAIL_S
    scored = analysis.is_scored
    heights = [1.0, *([2.2] if detailed else []), 1.9, 1.3, *([1.5] if scored else [])]
    width = min(_WIDTHS_IN[1], max(_WIDTHS_IN[0], 9.0 + length_s / 6))
    figure = Figure(figsize=(width, 1.1 + 1.35 * sum(heights)), dpi=_DPI, layout="constrained")
    FigureCanvasAgg(figure)
    with typeface.in_use():
        panels = list(np.atleast_1d(figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)))
        figure.suptitle(typeface.safe(_title(analysis, lang, pitch)), fontsize=11, x=0.01, ha="left", parse_math=False)
        traces = [each.trace for each in analysis.utterances if each.trace is not None]
        rest = iter(panels)
        _draw_waveform(next(rest), analysis, lang)
        if detailed:
            _draw_spectrogram(next(rest), analysis, traces, lang)
        _draw_pitch(next(rest), analysis, traces, lang, detailed=detailed)
        _draw_level(next(rest), analysis, lang)
        if scored:
            _draw_emotion(next(rest), analysis, lang)
        for panel in panels:
            _mark_utterances(panel, analysis.utterances, detailed=detailed)
            panel.spines[["top", "right"]].set_visible(False)
            panel.tick_params(labelsize=8)
            panel.yaxis.label.set_fontsize(9)
        _number_utterances(panels[0], analysis)
        _draw_time(panels[-1], start_s, end_s, lang)
        figure.align_ylabels(panels)
        figure.canvas.draw()
    return figure


def save(figure: Figure, path: Path, typeface: Typeface) -> None:
    """Write the picture in the format of the file's suffix.

    Raises:
        OSError: it cannot be written.
    """
    with typeface.in_use():
        figure.savefig(
            path,
            dpi=_DPI,
            format=path.suffix[1:] or "png",
            metadata={"Software": None} if path.suffix == ".png" else None,
        )


def _title(analysis: Analysis, lang: Lang, pitch: PitchMethod) -> str:
    path = analysis.info.path
    # The audio of a sample call says nothing by its own name.
    name = f"{path.parent.name}/{path.name}" if path.name == "audio.wav" else path.name
    parts = [name, lang.of(PARTIES[analysis.party.value]), clock(to_s(analysis.duration))]
    if analysis.window.length < analysis.duration:
        parts[2] = f"{clock(to_s(analysis.window.start))}–{clock(to_s(analysis.window.end))} / {parts[2]}"
    parts.append(f"{analysis.info.codec}, {analysis.info.rate_hz / 1000:g} kHz")
    if pitch is not PitchMethod.OWN:
        parts.append(f"F0: {pitch}")
    return "   ·   ".join(parts)


def _draw_waveform(panel: Axes, analysis: Analysis, lang: Lang) -> None:
    time_s, low, high = envelope(analysis.pcm, to_s(analysis.window.start))
    panel.fill_between(time_s, low, high, color=_INK, linewidth=0.4, step=None)
    peak = max(0.02, float(np.abs(analysis.pcm).max(initial=0.0)) * 1.1)
    panel.set_ylim(-peak, peak)
    panel.yaxis.set_major_locator(MaxNLocator(3, symmetric=True))
    panel.set_ylabel(lang.of(_AMPLITUDE))
    if not analysis.utterances:
        panel.text(
            0.5,
            0.5,
            lang.of(_NO_SPEECH),
            transform=panel.transAxes,
            ha="center",
            va="center",
            color=_VERMILION,
            bbox={"facecolor": "white", "edgecolor": "none"},
        )


def _draw_spectrogram(panel: Axes, analysis: Analysis, traces: Sequence[Trace], lang: Lang) -> None:
    start_s = to_s(analysis.window.start)
    levels, seconds = spectrogram(analysis.pcm)
    if levels.size:
        top = float(np.percentile(levels, 99.9))
        panel.imshow(
            levels.T,
            origin="lower",
            aspect="auto",
            extent=(start_s, start_s + seconds, 0, TOP_HZ / 1000),
            cmap="gray_r",
            vmin=top - DYNAMIC_DB,
            vmax=top,
            interpolation="bilinear",
            zorder=1,
        )
    for formant, (colour, marker) in enumerate(((_VERMILION, "o"), (_SKY, "s"), (_PURPLE, "^"))):
        time_s = np.concatenate([each.time_s for each in traces]) if traces else np.zeros(0)
        hz = np.concatenate([each.formants_hz[:, formant] for each in traces]) if traces else np.zeros(0)
        seen = np.isfinite(hz)
        if seen.any():
            panel.plot(
                time_s[seen], hz[seen] / 1000, marker, ms=2.2, mew=0, color=colour, label=f"F{formant + 1}", zorder=3
            )
    if panel.get_legend_handles_labels()[0]:
        _legend(panel, columns=3)
    panel.set_ylim(0, TOP_HZ / 1000)
    panel.set_ylabel(lang.of(_FREQUENCY))


def _draw_pitch(panel: Axes, analysis: Analysis, traces: Sequence[Trace], lang: Lang, *, detailed: bool) -> None:
    time_s = np.concatenate([each.time_s for each in traces]) if traces else np.zeros(0)
    f0_hz = np.concatenate([each.f0_hz for each in traces]) if traces else np.zeros(0)
    # Points only: a line would claim a course through frames in which no voice sounds.
    panel.plot(time_s, f0_hz, "o", ms=2.6 if detailed else 1.2, mew=0, color=_BLUE, label=lang.of(_F0_FRAMES), zorder=3)
    label = lang.of(_F0_MEDIAN)
    for utterance in analysis.utterances:
        if (median_hz := utterance.features.f0_median_hz) is not None:
            # Where points lie close they would hide it.
            width, order = (1.6, 2) if detailed else (2.4, 4)
            panel.hlines(median_hz, *_ends(utterance), color=_ORANGE, linewidth=width, label=label, zorder=order)
            label = ""
    panel.set_yscale("log")
    panel.set_ylim(*_pitch_limits(f0_hz))
    panel.yaxis.set_major_locator(FixedLocator(_F0_TICKS_HZ))
    panel.yaxis.set_major_formatter(FuncFormatter(lambda hz, _: f"{hz:g}"))
    panel.yaxis.set_minor_locator(NullLocator())
    panel.grid(axis="y", color="#dddddd", linewidth=0.5, zorder=0)
    panel.set_ylabel(lang.of(_PITCH))
    semitones = panel.secondary_yaxis("right", functions=(_to_semitones, _to_hz))
    semitones.set_yscale("linear")
    semitones.yaxis.set_major_locator(MaxNLocator(6, integer=True))
    semitones.yaxis.set_minor_locator(NullLocator())
    semitones.yaxis.set_major_formatter(FuncFormatter(lambda st, _: f"{st:+g}" if st else "0"))
    semitones.tick_params(labelsize=8)
    semitones.set_ylabel(lang.of(_SEMITONES), fontsize=9)
    if analysis.utterances:
        _legend(panel, columns=2)


def _draw_level(panel: Axes, analysis: Analysis, lang: Lang) -> None:
    time_s, level_db = level_contour(analysis.pcm, to_s(analysis.window.start))
    panel.plot(time_s, level_db, color=_INK, linewidth=0.8, label=lang.of(_LEVEL_LINE), zorder=3)
    label = lang.of(_LEVEL_MEAN)
    for utterance in analysis.utterances:
        if (mean_db := utterance.features.intensity_mean_db) is not None:
            panel.hlines(mean_db, *_ends(utterance), color=_ORANGE, linewidth=1.6, label=label, zorder=4)
            label = ""
    top, bottom = float(level_db.max(initial=-100.0)), float(level_db.min(initial=0.0))
    panel.set_ylim(max(bottom, top - _LEVEL_RANGE_DB) - 4, top + 4)
    panel.yaxis.set_major_locator(MaxNLocator(5))
    panel.grid(axis="y", color="#dddddd", linewidth=0.5, zorder=0)
    panel.set_ylabel(lang.of(_LOUDNESS))
    _legend(panel, columns=2)


def _draw_emotion(panel: Axes, analysis: Analysis, lang: Lang) -> None:
    # Utterances before the window take part, so that a window shows a piece of the whole curve.
    for run in _stretches(analysis.heard):
        # A stretch begins with the start of its first utterance, so that a single utterance has an extent, too.
        time_s = np.array([_ends(run[0])[0], *(_ends(each)[1] for each in run)])
        for name, colour, style in (("arousal", _VERMILION, "-"), ("valence", _BLUE, "--")):
            value = np.array([getattr(each.score, f"curve_{name}") for each in (run[0], *run)])
            sd = np.array([getattr(each.score, f"curve_{name}_sd") for each in (run[0], *run)])
            low, high = np.maximum(value - sd, -1), np.minimum(value + sd, 1)
            panel.fill_between(time_s, low, high, color=colour, alpha=0.14, linewidth=0, zorder=2)
            named = lang.of(_AROUSAL if name == "arousal" else _VALENCE) if run[0] is analysis.heard[0] else ""
            panel.plot(time_s, value, style, color=colour, linewidth=1.6, marker=".", ms=4, label=named, zorder=4)
    label = lang.of(_ONE_AROUSAL)
    for utterance in analysis.utterances:
        if utterance.score is not None and utterance.score.confidence > 0:
            panel.hlines(
                utterance.score.arousal, *_ends(utterance), color=_SOFT, linewidth=2, alpha=0.9, label=label, zorder=3
            )
            label = ""
    _mark_shifts(panel, analysis, lang)
    panel.axhline(0, color=_SOFT, linewidth=0.6, zorder=1)
    panel.set_ylim(-1, 1)
    panel.yaxis.set_major_locator(FixedLocator((-1, -0.5, 0, 0.5, 1)))
    panel.set_ylabel(lang.of(_EMOTION))
    if all(each.score is None or each.score.confidence == 0 for each in analysis.heard):
        panel.text(0.5, 0.72, lang.of(_NOTHING_TO_COMPARE), transform=panel.transAxes, ha="center", fontsize=8)
    if analysis.heard:
        _legend(panel, columns=3)


def _mark_shifts(panel: Axes, analysis: Analysis, lang: Lang) -> None:
    """A line where a shift was confirmed, and what it was; names that would overlap go below each other."""
    start_s, length_s = to_s(analysis.window.start), to_s(analysis.window.length)
    taken_s = [-math.inf] * _ROWS
    for shift in analysis.shifts_within:
        at_s = to_s(shift.span.end)
        panel.axvline(at_s, color=_LEVEL_COLOURS.get(shift.current, _SOFT), linewidth=1.2, zorder=5)
        late = at_s > start_s + 0.75 * length_s
        left_s = at_s - _NAME_SHARE * length_s if late else at_s
        row = next((row for row, until_s in enumerate(taken_s) if until_s <= left_s), 0)
        taken_s[row] = left_s + _NAME_SHARE * length_s
        panel.annotate(
            f"→ {lang.of(LEVELS[shift.current])} ({name_reason(shift.reason, lang)})",
            (at_s, 1.0),
            (-4 if late else 4, -2 - 10 * row),
            textcoords="offset points",
            fontsize=7.5,
            color=_INK,
            ha="right" if late else "left",
            va="top",
            bbox={"facecolor": "white", "alpha": 0.7, "edgecolor": "none", "pad": 0.5},
            zorder=6,
        )


def _stretches(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    """Utterances of one piece of the curve each: it is interrupted where the caller was silent for long."""
    runs: list[list[Utterance]] = []
    for utterance in utterances:
        if runs and not is_interrupted(runs[-1][-1].span, utterance.span):
            runs[-1].append(utterance)
        else:
            runs.append([utterance])
    return runs


def _mark_utterances(panel: Axes, utterances: Sequence[Utterance], *, detailed: bool) -> None:
    for utterance in utterances:
        panel.axvspan(*_ends(utterance), color=_SPEECH, linewidth=0, zorder=0)
        for edge_s in _ends(utterance) if detailed else ():
            panel.axvline(edge_s, color=_SKY, linewidth=0.5, alpha=0.8, zorder=2)


def _number_utterances(panel: Axes, analysis: Analysis) -> None:
    """Numbers above the first panel, as the table counts; left out where they would overlap."""
    start_s, length_s = to_s(analysis.window.start), to_s(analysis.window.length)
    free_from_s = start_s
    for utterance in analysis.utterances:
        first_s, last_s = _ends(utterance)
        middle_s = (max(first_s, start_s) + min(last_s, start_s + length_s)) / 2
        if middle_s >= free_from_s:
            panel.annotate(
                str(utterance.number),
                (middle_s, 1.0),
                (0, 1),
                xycoords=("data", "axes fraction"),
                textcoords="offset points",
                ha="center",
                va="bottom",
                fontsize=7.5,
                color=_BLUE,
                annotation_clip=False,
            )
            free_from_s = middle_s + length_s * 0.014


def _draw_time(panel: Axes, start_s: float, end_s: float, lang: Lang) -> None:
    panel.set_xlim(start_s, max(end_s, start_s + 0.01))
    if end_s > 120:
        panel.xaxis.set_major_locator(
            MaxNLocator(12, steps=[1, 2, 5, 10] if end_s - start_s < 60 else [1, 1.5, 2, 3, 6, 10])
        )
        panel.xaxis.set_major_formatter(FuncFormatter(_clock_label(end_s - start_s)))
        panel.set_xlabel(lang.of(_CLOCK), fontsize=9)
    else:
        panel.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 2, 5, 10]))
        panel.set_xlabel(lang.of(_TIME), fontsize=9)


def _clock_label(length_s: float) -> Callable[[float, object], str]:
    """Minutes and seconds; tenths where the axis is so short that ticks fall between seconds."""
    digits, width = (1, 4) if length_s < 12 else (0, 2)
    return lambda seconds, _: f"{int(seconds + 1e-6) // 60}:{(seconds + 1e-6) % 60:0{width}.{digits}f}"


def _legend(panel: Axes, *, columns: int) -> None:
    """Above the panel, where it hides nothing."""
    panel.legend(
        loc="lower left",
        bbox_to_anchor=(0, 1),
        ncols=columns,
        fontsize=7,
        frameon=False,
        borderaxespad=0,
        borderpad=0.1,
    )


def _pitch_limits(f0_hz: Curve) -> tuple[float, float]:
    """An octave at least, a little more than what was found; all that can be found where nothing was."""
    found = f0_hz[np.isfinite(f0_hz)]
    if not len(found):
        return _F0_LIMITS_HZ
    low, high = float(found.min()) / 1.15, float(found.max()) * 1.3
    widen = max(1.0, np.sqrt(2 * low / high))
    return low / widen, high * widen


def _ends(utterance: Utterance) -> tuple[float, float]:
    return to_s(utterance.span.start), to_s(utterance.span.end)


def _to_semitones(hz: ArrayLike) -> Curve:
    return np.asarray(12 * np.log2(np.maximum(np.asarray(hz, np.float64), 1e-3) / _REFERENCE_HZ))


def _to_hz(semitones: ArrayLike) -> Curve:
    return np.asarray(_REFERENCE_HZ * np.exp2(np.asarray(semitones, np.float64) / 12))
