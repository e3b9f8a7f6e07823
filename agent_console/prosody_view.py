"""The prosody of a recording as a picture: panels over one time axis. The only door to matplotlib.

Up to a minute is drawn in detail: waveform, wide-band spectrogram with formants, F0, level, emotion. What is longer
becomes an overview without spectrogram, in which every utterance keeps its F0, level and emotion.

Colours are those of Okabe, M. and Ito, K. (2008), "Color Universal Design", which people with any common kind of colour
vision can tell apart; marker shape and line style tell the same once more.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

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
_SPEECH: Final = "#EAF2F8"
_LEVEL_COLOURS: Final = {EmotionLevel.TENSE: _ORANGE, EmotionLevel.UPSET: _VERMILION}

_Corner = Literal["upper left", "lower left"]

_DPI: Final = 150
_WIDTHS_IN: Final = (10.0, 18.0)
_F0_LIMITS_HZ: Final = (60.0, 500.0)
_F0_TICKS_HZ: Final = (50, 60, 75, 100, 125, 150, 200, 250, 300, 400, 500, 600)
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
_NO_EMOTION: Final = Wording("不推断坐席的情绪", "an agent's emotion is not inferred")
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
            _mark_utterances(panel, analysis.utterances)
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
    parts = [analysis.info.path.name, lang.of(PARTIES[analysis.party.value]), clock(to_s(analysis.duration))]
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
        panel.text(0.5, 0.5, lang.of(_NO_SPEECH), transform=panel.transAxes, ha="center", va="center", color=_VERMILION)


def _draw_spectrogram(panel: Axes, analysis: Analysis, traces: Sequence[Trace], lang: Lang) -> None:
    start_s, end_s = to_s(analysis.window.start), to_s(analysis.window.end)
    levels = spectrogram(analysis.pcm)
    if levels.size:
        top = float(np.percentile(levels, 99.9))
        panel.imshow(
            levels.T,
            origin="lower",
            aspect="auto",
            extent=(start_s, end_s, 0, TOP_HZ / 1000),
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
            panel.hlines(median_hz, *_ends(utterance), color=_ORANGE, linewidth=1.6, label=label, zorder=2)
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
    top = float(level_db.max(initial=-60.0))
    panel.set_ylim(max(-100.0, top - 65), min(6.0, top + 6))
    panel.yaxis.set_major_locator(MaxNLocator(5))
    panel.grid(axis="y", color="#dddddd", linewidth=0.5, zorder=0)
    panel.set_ylabel(lang.of(_LOUDNESS))
    _legend(panel, columns=2)


def _draw_emotion(panel: Axes, analysis: Analysis, lang: Lang) -> None:
    for run in _stretches(analysis.utterances):
        # A stretch begins with the start of its first utterance, so that a single utterance has an extent, too.
        time_s = np.array([_ends(run[0])[0], *(_ends(each)[1] for each in run)])
        for name, colour, style in (("arousal", _VERMILION, "-"), ("valence", _BLUE, "--")):
            value = np.array([getattr(each.score, f"curve_{name}") for each in (run[0], *run)])
            sd = np.array([getattr(each.score, f"curve_{name}_sd") for each in (run[0], *run)])
            low, high = np.maximum(value - sd, -1), np.minimum(value + sd, 1)
            panel.fill_between(time_s, low, high, color=colour, alpha=0.14, linewidth=0, zorder=2)
            named = lang.of(_AROUSAL if name == "arousal" else _VALENCE) if run[0] is analysis.utterances[0] else ""
            panel.plot(time_s, value, style, color=colour, linewidth=1.6, marker=".", ms=4, label=named, zorder=4)
    label = lang.of(_ONE_AROUSAL)
    for utterance in analysis.utterances:
        if utterance.score is not None and utterance.score.confidence > 0:
            panel.hlines(
                utterance.score.arousal, *_ends(utterance), color=_SOFT, linewidth=2, alpha=0.9, label=label, zorder=3
            )
            label = ""
    for shift in analysis.shifts:
        at_s = to_s(shift.span.end)
        colour = _LEVEL_COLOURS.get(shift.current, _SOFT)
        panel.axvline(at_s, color=colour, linewidth=1.2, zorder=5)
        text = f"→ {lang.of(LEVELS[shift.current])} ({name_reason(shift.reason, lang)})"
        late = at_s > to_s(analysis.window.start) + 0.7 * to_s(analysis.window.length)
        panel.annotate(
            text,
            (at_s, 1.0),
            (-4 if late else 4, -3),
            textcoords="offset points",
            fontsize=7.5,
            color=_INK,
            ha="right" if late else "left",
            va="top",
            zorder=6,
        )
    panel.axhline(0, color=_SOFT, linewidth=0.6, zorder=1)
    panel.set_ylim(-1, 1)
    panel.yaxis.set_major_locator(FixedLocator((-1, -0.5, 0, 0.5, 1)))
    panel.set_ylabel(lang.of(_EMOTION))
    if analysis.utterances:
        _legend(panel, columns=3, place="lower left")


def _stretches(utterances: Sequence[Utterance]) -> list[list[Utterance]]:
    """Utterances of one piece of the curve each: it is interrupted where the caller was silent for long."""
    runs: list[list[Utterance]] = []
    for utterance in utterances:
        if runs and not is_interrupted(runs[-1][-1].span, utterance.span):
            runs[-1].append(utterance)
        else:
            runs.append([utterance])
    return runs


def _mark_utterances(panel: Axes, utterances: Sequence[Utterance]) -> None:
    for utterance in utterances:
        panel.axvspan(*_ends(utterance), color=_SPEECH, linewidth=0, zorder=0)
        for edge_s in _ends(utterance):
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
        panel.xaxis.set_major_locator(MaxNLocator(12, steps=[1, 1.5, 2, 3, 6, 10]))
        panel.xaxis.set_major_formatter(FuncFormatter(lambda s, _: f"{int(s) // 60}:{int(s) % 60:02}"))
        panel.set_xlabel(lang.of(_CLOCK), fontsize=9)
    else:
        panel.xaxis.set_major_locator(MaxNLocator(12))
        panel.set_xlabel(lang.of(_TIME), fontsize=9)


def _legend(panel: Axes, *, columns: int, place: _Corner = "upper left") -> None:
    legend = panel.legend(loc=place, ncols=columns, fontsize=7, framealpha=0.85, edgecolor="none", borderaxespad=0.2)
    legend.set_zorder(7)


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
