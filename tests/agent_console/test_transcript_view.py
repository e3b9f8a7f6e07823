"""What a terminal shows of a call: what matters, in words, and nothing that could be taken for markup."""

from __future__ import annotations

import io

import pytest
from rich.console import Console as Terminal

from agent_console.transcript_view import describe
from asr.types import Language
from prosody.types import (
    AgentTone,
    EmotionBasis,
    EmotionLabel,
    EmotionLevel,
    EmotionScore,
    EmotionShift,
    VoiceNormal,
)
from routing.events import (
    AgentToneAllowed,
    AgentToneScored,
    CallEvent,
    CallStarted,
    CoachingHinted,
    EmotionScored,
    EmotionShifted,
    Stamped,
    VoiceLearned,
    VoiceRecalled,
)
from routing.terms import Channel, Direction, HintKind, Wording
from voice.contracts.audio import CallId, Party, SegmentId, Span

S0 = SegmentId(0)


def shown(event: CallEvent) -> str:
    line = describe(Stamped(CallId("c"), 7, 62 * 16_000, event), {S0: Party.CALLER})
    out = io.StringIO()
    Terminal(file=out, width=400, color_system=None).print(line or "")
    return out.getvalue().rstrip("\n")


def scored(risk: float) -> EmotionScored:
    basis = EmotionBasis.TONE_AND_WORDS
    return EmotionScored(S0, EmotionScore(0.6, -0.6, 0.8, EmotionLabel.ANGRY, basis, (), 0.5, -0.5, 0.2, 0.2, risk))


def test_risk_is_shown_where_it_is_high() -> None:
    assert "risk 0.72" in shown(scored(0.72))
    assert "risk" not in shown(scored(0.3))


def test_a_hint_is_shown_with_its_reason_and_its_suggestion_in_both_languages() -> None:
    words = (Wording("双方沉默", "Nobody speaks"), Wording("说点什么", "Say something"))
    text = shown(CoachingHinted(HintKind.LONG_SILENCE, Span(0, 1), *words, ()))
    for part in ("01:02.0", "long_silence", "双方沉默", "Nobody speaks", "说点什么", "Say something"):
        assert part in text


def test_shifts_recalled_voices_and_agents_tone_are_shown() -> None:
    shift = EmotionShift(EmotionLevel.SETTLED, EmotionLevel.TENSE, Span(0, 320), (S0,), "arousal_high")
    assert "settled → tense" in shown(EmotionShifted(shift))
    assert "c-earlier" in shown(VoiceRecalled(VoiceNormal(), CallId("c-earlier")))
    assert "works agreement 7" in shown(AgentToneAllowed("works agreement 7"))
    assert "+0.25" in shown(AgentToneScored(S0, AgentTone(0.25, 0.5)))
    assert shown(VoiceLearned(VoiceNormal())) == ""


@pytest.mark.parametrize("text", ["[bold]", "[/]", "[link=http://x]"])
def test_what_comes_from_outside_is_never_markup(text: str) -> None:
    started = CallStarted(Direction.INBOUND, Channel.SIP, text, "b", Language.EN, "2026-01-01T00:00:00Z")
    assert text in shown(started)
    assert text in shown(AgentToneAllowed(f"{text} works agreement"))
