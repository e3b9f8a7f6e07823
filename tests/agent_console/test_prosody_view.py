"""The picture of prosody: every panel shows what was measured, at its time, with its unit, and hides nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

from agent_console.prosody_analysis import Analysis, analyse_recording
from agent_console.prosody_options import Lang, PitchMethod
from agent_console.prosody_view import DETAIL_S, draw, save
from agent_console.typeface import Typeface, find_typeface
from prosody.pitch import track_pitch
from voice.audio.level import level_dbfs
from voice.contracts.audio import Party, Span, from_s, to_s


@pytest.fixture(scope="module")
def analysis(project: Path) -> Analysis:
    return analyse_recording(project / "samples" / "calls" / "zh-tone-only" / "audio.wav", in_detail=True)


@pytest.fixture(scope="module")
def typeface() -> Typeface:
    return find_typeface()


@pytest.fixture(scope="module")
def figure(analysis: Analysis, typeface: Typeface) -> Figure:
    return draw(analysis, Lang.EN, typeface)


def test_looking_closer_changes_no_number(analysis: Analysis) -> None:
    plain = analyse_recording(analysis.info.path)
    assert [each.features for each in plain.heard] == [each.features for each in analysis.heard]
    assert [each.score for each in plain.heard] == [each.score for each in analysis.heard]


def test_what_is_no_voice_is_drawn_without_pitch(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As a live call takes it: where the pitch is held as no voice holds it, nothing counts as voiced."""
    for module in ("prosody.features", "agent_console.prosody_analysis"):
        monkeypatch.setattr(f"{module}.is_speech", lambda *_: False)
    path = project / "samples" / "calls" / "zh-tone-only" / "audio.wav"
    for tracker in (None, track_pitch):
        found = analyse_recording(path, end_s=3, in_detail=True, tracker=tracker).utterances[0]
        assert found.features.f0_median_hz is None
        assert found.trace is not None
        assert np.isnan(found.trace.f0_hz).all()
        assert np.isnan(found.trace.formants_hz).all()


def panel(figure: Figure, unit: str) -> Axes:
    (found,) = [axes for axes in figure.axes if unit in axes.get_ylabel()]
    return found


def texts(figure: Figure) -> list[str]:
    return [text.get_text() for text in figure.findobj(Text) if isinstance(text, Text) and text.get_text()]


def test_every_axis_names_its_unit_and_all_share_the_time(figure: Figure) -> None:
    labels = [axes.get_ylabel() for axes in figure.axes]
    assert labels == [
        "waveform\n(full scale = 1)",
        "frequency (kHz)",
        "F0 (Hz)",
        "level (dBFS)",
        "emotion curve\n(−1 to 1)",
    ]
    ((start_s, end_s),) = {axes.get_xlim() for axes in figure.axes}
    assert start_s == 0
    assert end_s == pytest.approx(37.24, abs=0.03)
    assert figure.axes[-1].get_xlabel() == "time (s)"
    assert panel(figure, "F0").get_yscale() == "log"
    right = panel(figure, "F0").child_axes[0]
    assert right.get_ylabel() == "semitones re 100 Hz"
    assert right.get_ylim() == pytest.approx(12 * np.log2(np.array(panel(figure, "F0").get_ylim()) / 100))


def test_f0_is_points_never_a_line(figure: Figure, analysis: Analysis) -> None:
    (points,) = panel(figure, "F0").lines[:1]
    assert points.get_linestyle() == "None"
    drawn = np.asarray(points.get_ydata(), np.float64)
    voiced = np.concatenate([each.trace.f0_hz for each in analysis.utterances if each.trace is not None])
    assert np.array_equal(drawn, voiced, equal_nan=True)
    low, high = panel(figure, "F0").get_ylim()
    assert low < np.nanmin(drawn)
    assert high > np.nanmax(drawn)


def test_level_stands_where_the_sound_is(figure: Figure, analysis: Analysis) -> None:
    line = panel(figure, "level").lines[0]
    time_s, level_db = np.asarray(line.get_xdata()), np.asarray(line.get_ydata())
    true_db = [level_dbfs(analysis.pcm[from_s(max(0, at_s - 0.015)) : from_s(at_s + 0.015)]) for at_s in time_s]
    assert np.median(np.abs(level_db - true_db)) < 1.5
    lags = [np.corrcoef(np.roll(true_db, lag)[20:-20], level_db[20:-20])[0, 1] for lag in (-2, -1, 0, 1, 2)]
    assert int(np.argmax(lags)) == 2, "not early, not late"
    outside = np.ones(len(time_s), bool)
    for utterance in analysis.utterances:
        outside &= (time_s < to_s(utterance.span.start) - 0.1) | (time_s > to_s(utterance.span.end) + 0.1)
    assert level_db[outside].max() < -40


def test_the_curve_is_what_was_scored_with_its_uncertainty(figure: Figure, analysis: Analysis) -> None:
    emotion = panel(figure, "emotion")
    arousal = next(line for line in emotion.lines if line.get_label() == "arousal ±1 SD")
    ends = [to_s(each.span.end) for each in analysis.utterances]
    assert list(np.asarray(arousal.get_xdata())) == [to_s(analysis.utterances[0].span.start), *ends]
    scores = [each.score for each in analysis.utterances]
    assert all(score is not None for score in scores)
    assert list(np.asarray(arousal.get_ydata()))[1:] == [score.curve_arousal for score in scores if score]
    band = emotion.collections[0].get_paths()[0].vertices
    last = scores[-1]
    assert last is not None
    reach = np.asarray(band)[np.isclose(np.asarray(band)[:, 0], ends[-1]), 1]
    assert reach.min() == pytest.approx(last.curve_arousal - last.curve_arousal_sd)
    assert reach.max() == pytest.approx(min(1.0, last.curve_arousal + last.curve_arousal_sd))


def test_shifts_are_named_where_they_were_confirmed(figure: Figure, analysis: Analysis) -> None:
    assert len(analysis.shifts) == 2
    emotion = panel(figure, "emotion")
    for shift in analysis.shifts:
        assert any(list(np.asarray(line.get_xdata())) == [to_s(shift.span.end)] * 2 for line in emotion.lines)
        assert any(text.startswith(f"→ {shift.current}") for text in texts(figure))


def test_long_silence_breaks_the_curve(analysis: Analysis, typeface: Typeface) -> None:
    late = from_s(40)
    moved = [
        replace(each, span=Span(each.span.start + late, each.span.end + late)) if each.number >= 4 else each
        for each in analysis.heard
    ]
    apart = replace(analysis, heard=tuple(moved), window=Span(0, from_s(59)), shifts=())
    lines = [line for line in panel(draw(apart, Lang.EN, typeface), "emotion").lines if line.get_marker() == "."]
    assert len(lines) == 4, "two pieces each of arousal and valence"
    assert max(np.asarray(lines[0].get_xdata())) < min(np.asarray(lines[2].get_xdata()))
    assert [str(line.get_label()) for line in lines[:2]] == ["arousal ±1 SD", "valence ±1 SD"]
    assert not any(str(line.get_label()).startswith(("arousal", "valence")) for line in lines[2:])


def test_utterances_are_marked_and_numbered(figure: Figure, analysis: Analysis) -> None:
    assert [str(each.number) for each in analysis.utterances] == ["0", "1", "2", "3", "4", "5", "6"]
    assert {"0", "1", "2", "3", "4", "5", "6"} <= set(texts(figure))


def test_names_of_files_are_text_and_nothing_else(analysis: Analysis, typeface: Typeface) -> None:
    """Dollars are no formula, and what no font holds is a question mark instead of a box."""
    odd = replace(analysis, info=replace(analysis.info, path=Path("$a^2$_é_\U000f1234.wav")))
    figure = draw(odd, Lang.EN, typeface)
    assert any(text.startswith("$a^2$_é_?.wav") for text in texts(figure))


def test_every_character_has_a_shape(analysis: Analysis, typeface: Typeface) -> None:
    for lang in Lang:
        if lang is Lang.ZH and not typeface.speaks_chinese:
            pytest.skip("no Chinese font (Debian: fonts-noto-cjk)")
        for text in texts(draw(analysis, lang, typeface)):
            assert typeface.safe(text.replace("\n", "")) == text.replace("\n", "")


def test_chinese_labels(analysis: Analysis, typeface: Typeface) -> None:
    if not typeface.speaks_chinese:
        pytest.skip("no Chinese font (Debian: fonts-noto-cjk)")
    shown = "".join(texts(draw(analysis, Lang.ZH, typeface)))
    for word in ("波形", "频率", "基频", "声级", "情绪曲线", "时间", "来电者", "紧张", "激烈"):
        assert word in shown
    assert "arousal" not in shown


def test_an_agent_has_no_curve(analysis: Analysis, typeface: Typeface) -> None:
    heard = tuple(replace(each, score=None, level=None) for each in analysis.heard)
    agent = replace(analysis, party=Party.AGENT, heard=heard, shifts=())
    assert not any("emotion" in axes.get_ylabel() for axes in draw(agent, Lang.EN, typeface).axes)


def test_a_long_window_becomes_an_overview(analysis: Analysis, typeface: Typeface) -> None:
    longer = replace(analysis, window=Span(0, from_s(DETAIL_S + 1)), pcm=np.tile(analysis.pcm, 2)[: from_s(61)])
    labels = [axes.get_ylabel() for axes in draw(longer, Lang.EN, typeface).axes]
    assert "frequency (kHz)" not in labels
    assert "F0 (Hz)" in labels


def test_drawing_leaves_no_trace_in_the_settings_of_others(
    analysis: Analysis, typeface: Typeface, tmp_path: Path
) -> None:
    import matplotlib as mpl

    before = dict(mpl.rcParams)
    save(draw(analysis, Lang.EN, typeface, PitchMethod.PYIN), tmp_path / "a.svg", typeface)
    assert dict(mpl.rcParams) == before
    assert "pyplot" not in (tmp_path / "a.svg").read_text(encoding="utf-8")
